"""The law that a rehearsal predicts is that of the bench's own histogram, whatever key of its description says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mqtctl.analysis import moments
from mqtctl.bench_description import BiasSection, MarkerSection, ReadoutSection, SourceSection
from mqtctl.plan import load_plan
from mqtctl.rehearsal.bench import choose_bench
from mqtctl.rehearsal.expectation import expect
from mqtctl.rehearsal.laboratory import rehearsal_laboratory
from mqtctl.rehearsal.points import circumstances_of
from mqtctl.station import load_station
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

SOURCE = "{port: source.output, factor: 1}"
MARKER = "pulse: low, delay: 0 s}"
READOUT = "gain: 1000, rise_time: 0.5 us, noise: 2 uV, offset: 0 V, delay: 0 s"

#: What each key is changed to: by several times what 1000 switches can tell, in mean or width, or both.
CHANGES = {
    "sources.factor": (SOURCE, "{port: source.output, factor: 1.02}"),
    "sources.bandwidth": (SOURCE, "{port: source.output, factor: 1, bandwidth: 2 kHz}"),
    "sources.noise": (SOURCE, "{port: source.output, factor: 1, noise: 20 nA}"),
    "offset": ("offset: 0 A", "offset: 30 nA"),
    "lag": ("lag: 10 us", "lag: 60 us"),
    "bias.delay": ("delay: 0 s\n  noise: 0.1 nA", "delay: 30 us\n  noise: 0.1 nA"),
    "noise": ("noise: 0.1 nA", "noise: 20 nA"),
    "noise_temperature": ("noise: 0.1 nA", "noise: 0.1 nA\n  noise_temperature: 80 mK"),
    "markers.delay": (MARKER, "pulse: low, delay: 30 us}"),
    "readouts.delay": (READOUT, READOUT.replace("delay: 0 s", "delay: 30 us")),
    "readouts.gain": (READOUT, READOUT.replace("gain: 1000", "gain: 400").replace("0.5 us", "60 us")),
    "readouts.rise_time": (READOUT, READOUT.replace("0.5 us", "100 us")),
    "readouts.noise": (READOUT, READOUT.replace("0.5 us", "300 us").replace("noise: 2 uV", "noise: 180 uV")),
    "readouts.offset": (READOUT, READOUT.replace("0.5 us", "100 us").replace("offset: 0 V", "offset: 0.5 mV")),
    "noise_exponent": ("noise: 0.1 nA", "noise: 0.1 nA\n  noise_temperature: 120 mK\n  noise_exponent: 2"),
    "junction.escape": ("escape: escape", "escape: tunneling"),
    "junction.depletion": ("escape: escape", "escape: escape without depletion"),
    "junction.plasma_resistance": ("escape: escape", "escape: escape\n  plasma_resistance: 1 Ohm"),
    "junction.decoupling": ("escape: escape", "escape: escape\n  decoupling_temperature: 140 mK"),
}  # fmt: skip

#: What changes neither: names of ports, and levels and shapes that a marker has or has not.
SILENT = {"port", "to", "source", "low", "high", "width", "pulse", "sources", "resistance"}


def keys() -> Iterator[str]:
    for prefix, section in (("sources", SourceSection), ("", BiasSection), ("markers", MarkerSection),
                            ("readouts", ReadoutSection)):  # fmt: skip
        for key in section.model_fields.keys() - SILENT:
            yield f"{prefix}.{key}" if prefix else {"delay": "bias.delay"}.get(key, key)


def test_every_key_that_a_ramp_or_a_switch_meets_is_walked() -> None:
    assert set(keys()) == {key for key in CHANGES if not key.startswith("junction.")}


@pytest.mark.slow
@pytest.mark.parametrize("key", CHANGES)
def test_each_change_can_be_seen_with_the_switches_of_these_tests(laboratory: Any, key: str) -> None:
    plan = load_plan(laboratory.folder / "plan.yaml")
    laws = []
    for change in (None, CHANGES[key]):
        if change is not None:
            laboratory.change("bench.yaml", *change)
        circumstances = circumstances_of(plan, choose_bench(load_station(plan.station), plan))
        law = expect(circumstances, plan.variants(0.1)[0], 0.1)
        assert law is not None
        laws.append(law.moments)
    (mean, width), (other, wider) = laws
    # standard errors of 1000 switches: width / 32 of the mean, 3 % of the width
    assert abs(other - mean) > 8.0 * width / 32.0 or abs(wider - width) > 8.0 * 0.03 * width


SLICE = ("sources.bandwidth", "sources.noise", "readouts.offset")


@pytest.mark.parametrize(
    "key", [key if key in SLICE else pytest.param(key, marks=pytest.mark.slow) for key in ("", *CHANGES)]
)
@pytest.mark.parametrize("polarity", [1, pytest.param(-1, marks=pytest.mark.slow)])
def test_the_law_has_mean_and_width_of_the_benchs_own_histogram(laboratory: Any, key: str, polarity: int) -> None:
    if key:
        laboratory.change("bench.yaml", *CHANGES[key])
    if polarity < 0:
        laboratory.change("plan.yaml", "switches: 1000", "switches: 1000\npolarity: both")
    plan = load_plan(laboratory.folder / "plan.yaml")
    bench = choose_bench(load_station(plan.station), plan)
    number = 0 if polarity > 0 else 1
    variant = plan.variants(0.1)[number]
    assert variant.polarity == polarity
    expected = expect(circumstances_of(plan, bench), variant, 0.1)
    assert expected is not None
    with rehearsal_laboratory(plan, bench) as place:
        options = Options(output=place.folder / "run", database=place.folder / "data.db", seed=5)
        acquire(place.write_plan(), options)
        histogram = load_sweep(place.folder / "data.db").points[number].histogram
    found, (mean, width) = moments(histogram.switching_currents), expected.moments
    # five standard errors, and 0.4 nA of what the ramp's staircase leaves
    assert found.mean == pytest.approx(mean, abs=5.0 * found.mean_stderr + 0.4e-9)
    assert found.std == pytest.approx(width, abs=5.0 * found.std_stderr)


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ("noise: 20 nA", "{port: source.output, factor: 1, noise: 20 nA}"),
        ("lag: 79.57747 us", "{port: source.output, factor: 1, bandwidth: 2 kHz}"),
    ],
)
def test_noise_and_bandwidth_of_the_source_are_those_of_the_line(laboratory: Any, line: str, source: str) -> None:
    laboratory.change("bench.yaml", "noise: 0.1 nA", "noise: 0 A")
    laboratory.change("bench.yaml", "lag: 10 us", "lag: 0 s")
    original = (laboratory.folder / "bench.yaml").read_text(encoding="utf-8")
    plan = load_plan(laboratory.folder / "plan.yaml")
    laws = []
    for old, new in ((f"{line.split(':')[0]}: 0 {line.split()[-1][-1]}", line), (SOURCE, source)):
        (laboratory.folder / "bench.yaml").write_text(original, encoding="utf-8")
        laboratory.change("bench.yaml", old, new)
        bench = choose_bench(load_station(plan.station), plan)
        law = expect(circumstances_of(plan, bench), plan.variants(0.1)[0], 0.1)
        assert law is not None
        laws.append(law.moments)
    assert laws[0] == pytest.approx(laws[1], rel=1e-7)
