"""The law that a rehearsal predicts is that of the bench's own histogram, whatever key of its description says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from mqtctl.analysis import moments
from mqtctl.bench_description import BenchFile, BiasSection
from mqtctl.plan import load_plan
from mqtctl.rehearsal.bench import choose_bench
from mqtctl.rehearsal.laboratory import rehearsal_laboratory
from mqtctl.rehearsal.points import circumstances_of
from mqtctl.rehearsal.prediction.expectation import expect
from mqtctl.station import load_station
from mqtctl.storage import load_sweep
from mqtctl.workflow import Options, acquire

SOURCE = "{port: source.output, factor: 1}"
MARKER = "pulse: low, delay: 0 s}"
READOUT = "gain: 1000, rise_time: 0.5 us, noise: 2 uV, offset: 0 V, delay: 0 s"

#: What each key is changed to: by several times what 1000 switches can tell, in mean or width, or both.
CHANGES = {
    "bias.sources.factor": (SOURCE, "{port: source.output, factor: 1.02}"),
    "bias.sources.bandwidth": (SOURCE, "{port: source.output, factor: 1, bandwidth: 2 kHz}"),
    "bias.sources.noise": (SOURCE, "{port: source.output, factor: 1, noise: 20 nA}"),
    "bias.offset": ("offset: 0 A", "offset: 30 nA"),
    "bias.lag": ("lag: 10 us", "lag: 60 us"),
    "bias.delay": ("delay: 0 s\n  noise: 0.1 nA", "delay: 30 us\n  noise: 0.1 nA"),
    "bias.noise": ("noise: 0.1 nA", "noise: 20 nA"),
    "bias.noise_temperature": ("noise: 0.1 nA", "noise: 0.1 nA\n  noise_temperature: 80 mK"),
    "markers.delay": (MARKER, "pulse: low, delay: 30 us}"),
    "readouts.delay": (READOUT, READOUT.replace("delay: 0 s", "delay: 30 us")),
    "readouts.gain": (READOUT, READOUT.replace("gain: 1000", "gain: 400").replace("0.5 us", "60 us")),
    "readouts.rise_time": (READOUT, READOUT.replace("0.5 us", "100 us")),
    "readouts.noise": (READOUT, READOUT.replace("0.5 us", "300 us").replace("noise: 2 uV", "noise: 180 uV")),
    "readouts.offset": (READOUT, READOUT.replace("0.5 us", "100 us").replace("offset: 0 V", "offset: 0.5 mV")),
    "bias.noise_exponent": ("noise: 0.1 nA", "noise: 0.1 nA\n  noise_temperature: 120 mK\n  noise_exponent: 2"),
    "junction.escape": ("escape: escape", "escape: tunneling"),
    "junction.plasma_resistance": ("escape: escape", "escape: escape\n  plasma_resistance: 1 Ohm"),
    "junction.decoupling_temperature": ("escape: escape", "escape: escape\n  decoupling_temperature: 140 mK"),
    "junction.decoupling_exponent": (
        "escape: escape", "escape: escape\n  decoupling_temperature: 140 mK\n  decoupling_exponent: 2",
    ),
    "junction.critical_temperature": ("escape: escape", "escape: escape\n  critical_temperature: 250 mK"),
    "junction.critical_current_drift": ("escape: escape", "escape: escape\n  critical_current_drift: -10 %/h"),
    # a rehearsal puts the junction of the sample file on the bench
    "junction.critical_current": ("critical_current: 9.5 uA", "critical_current: 9.3 uA"),
    "junction.capacitance": ("capacitance: 6.35 pF", "capacitance: 2 pF"),
    "junction.resistance": ("resistance: 190 Ohm", "resistance: 5 kOhm"),
}  # fmt: skip
IN_THE_SAMPLE_FILE = {"junction.critical_current", "junction.capacitance", "junction.resistance"}

#: What is no change to the law that a plan and a bench file predict, and why.
SILENT = {
    "seed": "which switches are drawn, not their law",
    "epoch": "the date at which the bench begins",
    "transport": "time that messages take between the ramps",
    "instruments": "models and addresses; their options are what a front panel has been left at",
    "junction.gap_voltage": "only its product with readouts.gain counts, which is walked",
    "junction.retrapping_current": "ramps begin below it",
    "junction.retrapping_noise": "as the retrapping current",
    "junction.potential": "not to be seen with these switches at 100 mK: tests/system/sweep/test_other_potential.py",
    "dummy_resistor": "stands in the junction's place: there is no law",
    "bias.sources.port": "the name of a connector",
    "bias.sources.resistance": "of a voltage source, whose station file states it as well: A per V of the same ramp",
    "markers.source": "the name of a connector",
    "markers.to": "the name of a connector",
    "markers.low": "a level that a threshold has or has not: no marker, no histogram",
    "markers.high": "as the low level",
    "markers.width": "the first edge counts",
    "markers.pulse": "a wrong polarity gives no marker",
    "readouts.to": "the name of a connector",
    "cryostat": "moves the sample's temperature, which the law is told: test_a_weak_link_shows_as_heating...",
    "faults": "what goes wrong at a moment is foreseen by nobody",
    "transcript": "what is written down",
    "spec": "of stock pyvisa-sim, which knows no junction",
    "devices": "as spec",
    "resources": "as spec",
}


def change(laboratory: Any, key: str) -> None:
    """Change one key where a rehearsal takes it from."""
    laboratory.change("sample.yaml" if key in IN_THE_SAMPLE_FILE else "bench.yaml", *CHANGES[key])


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of a section; a section of which nothing meets the junction is one key."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner = [one for one in (field.annotation, *_arguments(field.annotation)) if isinstance(one, type)]
        sections = [] if key in SILENT else [one for one in inner if issubclass(one, BaseModel)]
        if sections:
            yield from keys(sections[0], f"{key}.")
        else:
            yield key


def _arguments(annotation: object) -> Iterator[object]:
    for argument in get_args(annotation):
        yield argument
        yield from _arguments(argument)


def test_every_key_of_the_bench_file_is_walked_or_says_why_not() -> None:
    known = list(keys(BenchFile))
    assert set(known) == CHANGES.keys() | SILENT.keys()
    assert CHANGES.keys() & SILENT.keys() == set()
    assert len(known) == len(set(known))


def test_a_new_key_of_any_section_is_missed() -> None:
    class Longer(BiasSection):
        drift: float = 0.0

    class Wider(BenchFile):
        bias: Longer | None = None

    assert set(keys(Wider)) - set(keys(BenchFile)) == {"bias.drift"}


@pytest.mark.slow
@pytest.mark.parametrize("key", CHANGES)
def test_each_change_can_be_seen_with_the_switches_of_these_tests(laboratory: Any, key: str) -> None:
    plan = load_plan(laboratory.folder / "plan.yaml")
    laws = []
    for changed in (False, True):
        if changed:
            change(laboratory, key)
            plan = load_plan(laboratory.folder / "plan.yaml")
        circumstances = circumstances_of(plan, choose_bench(load_station(plan.station), plan))
        law = expect(circumstances, plan.variants(0.1)[0], 0.1, time=100.0)
        assert law is not None
        laws.append(law.moments)
    (mean, width), (other, wider) = laws
    # standard errors of 1000 switches: width / 32 of the mean, 3 % of the width
    assert abs(other - mean) > 8.0 * width / 32.0 or abs(wider - width) > 8.0 * 0.03 * width


SLICE = ("bias.sources.bandwidth", "bias.sources.noise")


@pytest.mark.parametrize(
    "key", [key if key in SLICE else pytest.param(key, marks=pytest.mark.slow) for key in ("", *CHANGES)]
)
@pytest.mark.parametrize("polarity", [1, pytest.param(-1, marks=pytest.mark.slow)])
def test_the_law_has_mean_and_width_of_the_benchs_own_histogram(laboratory: Any, key: str, polarity: int) -> None:
    if key:
        change(laboratory, key)
    if polarity < 0:
        laboratory.change("plan.yaml", "switches: 1000", "switches: 1000\npolarity: both")
    plan = load_plan(laboratory.folder / "plan.yaml")
    bench = choose_bench(load_station(plan.station), plan)
    number = 0 if polarity > 0 else 1
    variant = plan.variants(0.1)[number]
    assert variant.polarity == polarity
    with rehearsal_laboratory(plan, bench) as place:
        options = Options(output=place.folder / "run", database=place.folder / "data.db", seed=5)
        acquire(place.write_plan(), options)
        histogram = load_sweep(place.folder / "data.db").points[number].histogram
    expected = expect(circumstances_of(plan, bench), variant, 0.1, time=bench.time_of(histogram))
    assert expected is not None
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
