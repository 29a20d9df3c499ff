from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa_mqt
from numpy.typing import NDArray
from pyvisa_mqt.bench.bench import TICK, Bench, open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments import MODELS
from pyvisa_mqt.sample.junction import Sample
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires
from scipy import stats

from mqtctl.physics import SwitchingDistribution

BUILTIN = (Path(pyvisa_mqt.__file__).parent / "benches" / "builtin.yaml").read_text(encoding="utf-8")
SOURCE, COUNTER, THERMOMETER = (
    "GPIB0::12::INSTR",
    "TCPIP0::192.0.2.53::inst0::INSTR",
    "TCPIP0::192.0.2.72::7777::SOCKET",
)
DELAY = 10.105e-6  # stated at the top of builtin.yaml


Build = Callable[..., Bench]
Array = NDArray[np.float64]


class Probe(Instrument):
    """Stands in for any instrument: the test holds its wires and sees its ticks."""

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        self.ticks: list[float] = []
        self.seen: list[float] = []

    def write(self, data: bytes, end: bool) -> None:
        """Understand nothing."""

    def clear(self) -> None:
        self.output.clear()

    def status_byte(self) -> int:
        return 0

    def advance(self, now: float) -> None:
        self.ticks.append(now)
        self.seen.append(self.wires.temperature("ch6"))


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return a function that opens the built-in bench, with changes, on probes instead of instruments."""
    for model in ("keithley-6221", "keysight-53230a", "lakeshore-372"):
        monkeypatch.setitem(MODELS, model, Probe)

    def opened(*changes: tuple[str, str], seed: int = 0) -> Bench:
        text = BUILTIN
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "bench.yaml"
        file.write_text(text, encoding="utf-8")
        return open_bench(f"{file}?seed={seed}")

    return opened


def truth(bench: Bench) -> Sample:
    """Return the junction, which is there on every bench of this file."""
    assert isinstance(bench.sample, Sample)
    return bench.sample


def probe(bench: Bench) -> Probe:
    """Return what stands in for the thermometer."""
    instrument = bench.instruments[THERMOMETER]
    assert isinstance(instrument, Probe)
    return instrument


def sawtooth(top: float, n_step: int = 10_000, rise: float = 0.97, idle: float = 0.01) -> Array:
    n_rise, n_idle = round(rise * n_step), round(idle * n_step)
    return np.concatenate(
        [np.linspace(0, top, n_rise), np.linspace(top, 0, n_step - n_rise - n_idle), np.zeros(n_idle)]
    )


def ramp(bench: Bench, values: Array, frequency: float, count: float) -> tuple[float, float]:
    """Ramp from now on; return start and rate."""
    start = bench.clock.now()
    bench.instruments[SOURCE].wires.drive("output", Waveform(start, 1 / frequency, count, values, 0.0, 0.0), "marker")
    top = int(np.argmax(values))
    return start, float(values[top] / (top / frequency / len(values)))


def intervals(bench: Bench, since: float, until: float, threshold: float = 1.0) -> Array:
    """Time from each marker to the stop that follows it."""
    wires = bench.instruments[COUNTER].wires
    markers = wires.edges("input1", 1.0, False, since - 1e-9, until)
    stops = wires.edges("input2", threshold, True, since, until)
    following = np.searchsorted(stops, markers)
    found = following < len(stops)
    return stops[following[found]] - markers[found]


def test_the_calibrated_delay_is_the_one_that_the_bench_file_states(build: Build) -> None:
    bench = build(("noise: 2 uV", "noise: 0 V"))
    values = sawtooth(10e-6, 50_000)
    start, rate = ramp(bench, values, 80.0, math.inf)
    bench.clock.sleep(0.5)
    stops = bench.instruments[COUNTER].wires.edges("input2", 1.0, True, start, 0.5)
    assert len(stops) == 40
    half_step = 0.5 / 80.0 / 50_000
    for stop, switch in zip(stops, truth(bench).log.begins[:40], strict=True):
        phase = math.fmod(switch - start, 1 / 80.0)
        current = float(truth(bench)._shape.staircase.steady_current(phase))
        moment = (switch - phase) + current / rate + half_step  # of the straight ramp, delayed by half a step
        # The staircase's ripple behind the filter is what the tolerance allows for.
        assert stop - moment == pytest.approx(DELAY, abs=6e-9)


@pytest.mark.parametrize(
    ("current", "capacitance", "resistance", "base"),
    [
        ("9.489 uA", "6.35 pF", "190 Ohm", "12 mK"),
        ("0.5 uA", "0.2 pF", "1 kOhm", "60 mK"),
        ("50 uA", "20 pF", "30 Ohm", "150 mK"),
        ("2 uA", "1 pF", "300 Ohm", "20 mK"),
    ],
)
def test_another_junction_and_another_base_change_the_histogram_as_the_physics_says(
    build: Build, current: str, capacitance: str, resistance: str, base: str
) -> None:
    bench = build(
        ("9.489 uA\n  cap", f"{current}\n  cap"),
        ("6.35 pF", capacitance),
        ("190 Ohm", resistance),
        ("base_temperature: 12 mK", f"base_temperature: {base}"),
    )
    critical = truth(bench).junction.critical_current
    start, rate = ramp(bench, sawtooth(1.05 * critical), 200.0, 4000)
    bench.clock.sleep(20.1)
    measured = intervals(bench, start, bench.clock.now())
    assert len(measured) == 4000
    currents = rate * (measured - DELAY - 0.5 / 200.0 / 10_000)
    temperature = bench.cryostat.sample
    assert temperature == pytest.approx(bench.file.cryostat.base_temperature, rel=3e-3)
    law = SwitchingDistribution(truth(bench).junction, temperature, rate)
    if current != "0.5 uA":  # there the built-in current noise, 0.1 nA, is a third of the width
        assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3
    assert currents.mean() == pytest.approx(law.mean, abs=5 * law.std / math.sqrt(4000))
    width = math.hypot(law.std, 0.1e-9)
    assert currents.std() == pytest.approx(width, rel=4 * math.sqrt(4 / (4 * 4000)))  # kurtosis 5


@pytest.mark.parametrize(
    ("change", "shift"),
    [
        (("offset: 0 A", "offset: 50 nA"), lambda rate: -50e-9 / rate),
        (("lag: 10 us", "lag: 30 us"), lambda rate: 20e-6),
        (("delay: 0 s\n  noise", "delay: 250 ns\n  noise"), lambda rate: 250e-9),
        (("offset: 0 V, delay: 0 s", "offset: 0 V, delay: 3 us"), lambda rate: 3e-6),
        (("pulse: low, delay: 0 s", "pulse: low, delay: 2 us"), lambda rate: -2e-6),
        (("gain: 1000", "gain: 2000"), lambda rate: -0.5e-6 / math.log(9) * math.log((5.4 - 1) / 5.4 * 2.7 / 1.7)),
        (("rise_time: 0.5 us", "rise_time: 5 us"), lambda rate: 9 * 0.1053e-6),
    ],
)
def test_each_piece_of_wiring_shifts_the_interval_by_its_own_amount(
    build: Build, change: tuple[str, str], shift: Callable[[float], float]
) -> None:
    results = []
    for changes in ((), (change,)):
        bench = build(*changes)
        start, rate = ramp(bench, sawtooth(10e-6), 80.0, 100)
        bench.clock.sleep(1.5)
        results.append(intervals(bench, start, 1.5))
    # The same random numbers: only the wiring differs, by the staircase's ripple and the read-out's jitter at most.
    assert np.mean(results[1] - results[0]) == pytest.approx(shift(rate), abs=3e-9 + 2e-3 * abs(shift(rate)))


def test_a_smaller_factor_needs_a_larger_output(build: Build) -> None:
    full, half = build(), build(("factor: 1}", "factor: 0.5}"))
    for bench, top in ((full, 10e-6), (half, 20e-6)):
        ramp(bench, sawtooth(top), 80.0, 50)
        bench.clock.sleep(1.0)
    np.testing.assert_allclose(truth(half).log.begins, truth(full).log.begins, rtol=0, atol=1e-12)


def test_a_voltage_source_drives_through_its_resistor(build: Build) -> None:
    current, voltage = build(), build(("factor: 1}", "resistance: 100 kOhm}"))
    for bench, top in ((current, 10e-6), (voltage, 1.0)):
        ramp(bench, sawtooth(top), 80.0, 50)
        bench.clock.sleep(1.0)
    np.testing.assert_allclose(truth(voltage).log.begins, truth(current).log.begins, rtol=0, atol=1e-12)


def test_current_noise_widens_the_histogram(build: Build) -> None:
    widths = []
    for noise in ("0 A", "20 nA"):
        bench = build(("noise: 0.1 nA", f"noise: {noise}"))
        start, rate = ramp(bench, sawtooth(10e-6), 80.0, 2000)
        bench.clock.sleep(26.0)
        widths.append(np.std(intervals(bench, start, 26.0)) * rate)
    assert widths[1] == pytest.approx(math.hypot(widths[0], 20e-9), rel=0.07)  # 4 sigma of n = 2000


@pytest.mark.parametrize("threshold", [2.8, -1.0])
def test_a_threshold_beyond_the_step_gives_no_stop(build: Build, threshold: float) -> None:
    bench = build()
    start, _ = ramp(bench, sawtooth(10e-6), 80.0, 20)
    bench.clock.sleep(1.0)
    assert intervals(bench, start, 1.0, threshold).size == 0


def test_a_threshold_within_the_noise_gives_false_stops(build: Build) -> None:
    bench = build(("noise: 2 uV", "noise: 50 uV"))
    start, _ = ramp(bench, sawtooth(10e-6), 80.0, 100)
    bench.clock.sleep(2.0)
    false = intervals(bench, start, 2.0, 0.1)  # 2 sigma
    assert np.median(false) < 1e-3
    assert np.min(intervals(bench, start, 2.0, 1.0)) > 8e-3  # 20 sigma


def test_results_do_not_depend_on_polling(build: Build) -> None:
    lazy, eager = build(), build()
    for bench in (lazy, eager):
        ramp(bench, sawtooth(10e-6), 80.0, 400)
    lazy.clock.sleep(5.5)
    collected = []
    wires = eager.instruments[COUNTER].wires
    before = 0.0
    while eager.clock.now() < 5.5:
        eager.clock.advance_to(min(eager.clock.now() + 0.0371, 5.5))
        collected.append(wires.edges("input2", 1.0, True, before, eager.clock.now()))
        before = eager.clock.now()
    whole = lazy.instruments[COUNTER].wires.edges("input2", 1.0, True, 0.0, 5.5)
    assert len(whole) == 400
    np.testing.assert_array_equal(np.concatenate(collected), whole)
    assert lazy.cryostat.sample == eager.cryostat.sample


def test_the_seed_decides_everything(build: Build) -> None:
    edges = []
    for seed in (1, 1, 2):
        bench = build(seed=seed)
        ramp(bench, sawtooth(10e-6), 80.0, 100)
        bench.clock.sleep(2.0)
        edges.append((bench.instruments[COUNTER].wires.edges("input2", 1.0, True, 0.0, 2.0), bench.instruments))
    assert edges[0][0].tobytes() == edges[1][0].tobytes()
    assert edges[0][0].tobytes() != edges[2][0].tobytes()
    numbers = [instruments[COUNTER].rng.random() for _, instruments in edges]
    assert numbers[0] == numbers[1] != numbers[2]


def test_edges_of_the_future_are_not_told(build: Build) -> None:
    bench = build()
    start, _ = ramp(bench, sawtooth(10e-6), 1.0, 10)
    bench.clock.sleep(0.5)
    wires = bench.instruments[COUNTER].wires
    assert wires.edges("input2", 1.0, True, start, 100.0).size == 0
    bench.clock.sleep(0.5)
    assert wires.edges("input2", 1.0, True, start, 100.0).size == 1


def test_stopping_the_source_stops_markers_and_switches(build: Build) -> None:
    bench = build()
    ramp(bench, sawtooth(10e-6), 80.0, math.inf)
    bench.clock.sleep(1.0)
    bench.instruments[SOURCE].wires.drive("output", Waveform(1.0, 1.0, math.inf, np.zeros(1)))
    bench.clock.sleep(5.0)
    assert len(truth(bench).log.begins) == 80
    assert bench.instruments[COUNTER].wires.edges("input1", 1.0, False, -1.0, 10.0).size == 80


def test_ports_without_a_wire_are_silent(build: Build) -> None:
    bench = build()
    wires = bench.instruments[SOURCE].wires
    wires.drive("guard", Waveform(0.0, 1.0, math.inf, np.array([1.0, 2.0]), 0.0, 0.0), "trigger")
    wires.heat("nothing", 1.0)
    bench.clock.sleep(10.0)
    assert wires.edges("input1", 1.0, False, 0.0, 10.0).size == 0
    assert len(truth(bench).log.begins) == 0
    assert wires.temperature("ch1") == 300.0
    assert bench.cryostat.mixing_chamber == pytest.approx(0.012)


def test_instruments_live_in_every_tick_however_time_advances(build: Build) -> None:
    bench = build()
    thermometer = probe(bench)
    bench.clock.sleep(0.1)
    bench.clock.sleep(0.2)
    bench.clock.sleep(10.0)
    assert thermometer.ticks == [TICK * (n + 1) for n in range(41)]


def test_a_heater_warms_its_stage_and_a_thermometer_reads_it(build: Build) -> None:
    bench = build()
    thermometer = probe(bench)
    thermometer.wires.heat("sample", 400e-6)
    bench.clock.sleep(600.0)
    assert thermometer.seen[-1] == pytest.approx(math.sqrt(0.1**2 + 0.012**2), rel=1e-3)
    thermometer.wires.heat("sample", 0.0)
    bench.clock.sleep(600.0)
    assert thermometer.seen[-1] == pytest.approx(0.012, rel=1e-3)


def test_a_heater_that_is_on_for_part_of_a_tick_gives_its_share(build: Build) -> None:
    energies = []
    for on in (0.25, 0.05):
        bench = build()
        bench.instruments[THERMOMETER].wires.heat("sample", 1e-6)
        bench.clock.sleep(on)
        bench.instruments[THERMOMETER].wires.heat("sample", 0.0)
        bench.clock.sleep(0.25 - on)
        energies.append(bench.cryostat.mixing_chamber - 0.012)
    assert energies[1] / energies[0] == pytest.approx(0.2, rel=1e-2)


def test_what_was_foreseen_is_drawn_again_when_the_temperature_moves(build: Build) -> None:
    # 10 mW on the mixing chamber: within two seconds the histogram must be that of the new temperature.
    bench = build()
    _, rate = ramp(bench, sawtooth(10e-6), 400.0, math.inf)
    bench.clock.sleep(60.1)
    probe(bench).wires.heat("sample", 10e-3)
    bench.clock.sleep(1.9)
    warm = bench.cryostat.sample
    assert warm > 0.05
    bench.clock.sleep(0.25)
    currents = rate * (intervals(bench, 62.0, 62.2) - DELAY - 0.5 / 400.0 / 10_000)
    law = SwitchingDistribution(truth(bench).junction, 0.5 * (warm + bench.cryostat.sample), rate)
    assert len(currents) == 80
    assert currents.mean() == pytest.approx(law.mean, abs=5 * law.std / math.sqrt(80))


def test_one_marker_can_start_several_counters(build: Build) -> None:
    line = "  - {from: source.marker, to: counter.input1,"
    bench = build((line, f"{line.replace('counter', 'thermometer')} delay: 1 us}}\n{line}"))
    ramp(bench, sawtooth(10e-6), 80.0, 10)
    bench.clock.sleep(1.0)
    first = bench.instruments[COUNTER].wires.edges("input1", 1.0, False, -1.0, 1.0)
    second = bench.instruments[THERMOMETER].wires.edges("input1", 1.0, False, -1.0, 1.0)
    np.testing.assert_allclose(second - first, 1e-6, rtol=1e-6)
    assert len(first) == 10


def test_the_built_in_duty_cycle_does_not_warm_the_sample(build: Build) -> None:
    bench = build(("base_temperature: 12 mK", "base_temperature: 15 mK"))
    ramp(bench, sawtooth(10.5e-6), 80.0, math.inf)
    bench.clock.sleep(300.0)
    assert 0.0 < bench.cryostat.sample / 0.015 - 1.0 < 1e-3


def test_a_weak_link_lets_the_voltage_state_warm_the_sample_and_the_histogram_shows_it(build: Build) -> None:
    temperatures, means = [], []
    for power in ("1.5 mW", "20 nW"):
        warm = ("base_temperature: 12 mK", "base_temperature: 60 mK")
        bench = build(("link_power: 1.5 mW", f"link_power: {power}"), warm)
        ramp(bench, sawtooth(10.5e-6), 80.0, math.inf)
        bench.clock.sleep(120.0)
        start = bench.clock.now()
        bench.clock.sleep(30.0)
        means.append(np.mean(intervals(bench, start, start + 30.0)))
        temperatures.append(bench.cryostat.sample)
    assert temperatures[0] == pytest.approx(0.060, rel=1e-3)
    on = truth(bench).log.ends - truth(bench).log.begins
    dissipated = 2.7e-3 * 8e-6 * on.mean() * 80.0  # the current is near 8 uA on average over the fall
    expected = math.sqrt(0.060**2 + dissipated / 20e-9 * 0.1**2)
    assert temperatures[1] == pytest.approx(expected, rel=0.05)
    assert temperatures[1] > 0.070
    assert means[1] < means[0]


def test_a_drifting_refrigerator_drifts(build: Build) -> None:
    bench = build(("drift: 0 K/s", "drift: 1 mK/h"))
    bench.clock.sleep(3600.0)
    assert bench.cryostat.sample == pytest.approx(0.013, rel=5e-3)


def test_an_unknown_model_or_option_is_an_error_that_names_the_key(build: Build) -> None:
    with pytest.raises(BenchFileError, match=r"instruments\.source\.options.*colour"):
        build(("    model: keithley-6221", "    options: {colour: red}\n    model: keithley-6221"))


def test_options_that_are_quantities_need_their_unit(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "option_units", {"cable": "s"}, raising=False)
    monkeypatch.setattr(Probe, "option_defaults", {"cable": 0.0})
    line = "    options: {{cable: {}}}\n    model: keithley-6221"
    bench = build(("    model: keithley-6221", line.format("5 ns")))
    assert bench.instruments[SOURCE].options["cable"] == 5e-9
    with pytest.raises(BenchFileError, match=r"instruments\.source\.options: 5e-09 has no unit"):
        build(("    model: keithley-6221", line.format("5e-9")))


def test_a_sweeps_worth_of_time_costs_seconds(build: Build) -> None:
    # A tenth of 14 x 10 000 ramps at 80 Hz and 14 settlings of 20 minutes, for which 3 s are allowed.
    bench = build()
    begin = time.process_time()
    for _ in range(2):
        start, _ = ramp(bench, sawtooth(10.5e-6), 80.0, 7000)
        bench.clock.sleep(90.0)
        assert intervals(bench, start, bench.clock.now()).size == 7000
        bench.clock.sleep(840.0)
    assert time.process_time() - begin < 0.6  # twice the share; processor time, for the machine may be busy
