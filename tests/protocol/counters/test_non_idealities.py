"""Each non-ideality of the chain shows its mark in what a counter measures, and none when it is off.

Steps of the source, filters, noise, offsets, amplifier, marker, thresholds, the junction's gap and the counter's own
limits; hysteresis and both polarities are in test_ramps_of_all_kinds, dead times in test_timing_table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from mqtctl.physics import Junction, SwitchingDistribution
from tests.protocol.counters.chain import Array, Chain, Stop, sawtooth

Open = Callable[..., Chain]

FREQUENCY, RISE, TOP = 400.0, 0.9, 10.5e-6
RATE = TOP * FREQUENCY / RISE
TAU = 0.5e-6 / math.log(9.0)
QUIET = {"noise: 0.1 nA": "noise: 0 nA", "noise: 2 uV": "noise: 0 uV"}
RESISTOR = {"bias:\n": "dummy_resistor: 100 Ohm\n\nbias:\n"}
JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)


def measured(
    chain: Open,
    changes: Mapping[str, str],
    number: int,
    stop: Stop | None = None,
    *,
    resistor: bool = False,
    points: int = 10_000,
    top: float = TOP,
) -> Array:
    """Return intervals of a bench that has nothing of the kind but what `changes` say."""
    opened = chain("keysight-33512b", changes={**QUIET, **(RESISTOR if resistor else {}), **changes})
    return opened.measure(sawtooth(top, RISE, points=points), FREQUENCY, number, stop or Stop(0.5 if resistor else 1.0))


def test_without_any_of_them_a_resistor_gives_one_and_the_same_interval(chain: Open) -> None:
    intervals = measured(chain, {"lag: 10 us": "lag: 0 s", "0.5 us": "0 s"}, 50, resistor=True)
    # The 53230A's 20 ps of jitter, 5 sigma; a step of the source, 0.25 us, in which the level may lie anywhere.
    assert np.ptp(intervals) < 10 * 20e-12
    assert intervals.mean() == pytest.approx(5e-6 / RATE, abs=0.25e-6)


SHIFTS: dict[str, tuple[dict[str, str], float]] = {
    "offset of the bias": ({"offset: 0 A": "offset: 50 nA"}, -50e-9 / RATE),
    "lag of the line": ({"lag: 10 us": "lag: 30 us"}, 20e-6),
    "bandwidth of the source": ({"100 kOhm}": "100 kOhm, bandwidth: 10 kHz}"}, 1 / (2 * math.pi * 10e3)),
    "delay of the bias cable": ({"delay: 0 s\n  noise": "delay: 250 ns\n  noise"}, 250e-9),
    "delay of the amplifier's cable": ({"offset: 0 V, delay: 0 s": "offset: 0 V, delay: 3 us"}, 3e-6),
    "delay of the marker": ({"pulse: high, delay: 0 s": "pulse: high, delay: 2 us"}, -2e-6),
    "gain": ({"gain: 1000": "gain: 800"}, (0.5 / 8e4 - 0.5 / 1e5) / RATE),
    "offset of the amplifier": ({"offset: 0 V": "offset: 0.1 mV"}, -0.1 / 1e5 / RATE),
    "rise time of the amplifier": ({"rise_time: 0.5 us": "rise_time: 5 us"}, 9 * TAU),
    "resistance of the bias": ({"resistance: 100 kOhm": "resistance: 101 kOhm"}, 0.01 * 5e-6 / RATE),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_a_shift_of_the_interval_is_what_the_wiring_says(chain: Open, name: str) -> None:
    changes, shift = SHIFTS[name]
    without = measured(chain, {}, 20, resistor=True).mean()
    with_it = measured(chain, changes, 20, resistor=True).mean()
    # The filtered staircase ripples around its straight line: a hundredth of a step of 0.25 us.
    assert with_it - without == pytest.approx(shift, abs=10e-9 + 1e-3 * abs(shift))


def test_steps_of_the_source_quantise_the_interval(chain: Open) -> None:
    bare = {"lag: 10 us": "lag: 0 s", "0.5 us": "0 s"}
    for points, step in ((10_000, 0.25e-6), (100, 25e-6)):
        levels = [0.40, 0.4111, 0.4222, 0.4333]
        intervals = np.array(
            [measured(chain, bare, 2, Stop(level), resistor=True, points=points).mean() for level in levels]
        )
        assert intervals / step == pytest.approx(np.round(intervals / step), abs=1e-3)
        assert np.abs(intervals - np.array(levels) / 1e5 / RATE).max() < step


SPREADS: dict[str, tuple[dict[str, str], float]] = {
    "slow noise of the line": ({"noise: 0 nA": "noise: 20 nA"}, 20e-9 / RATE),
    "slow noise of the source": ({"100 kOhm}": "100 kOhm, noise: 20 nA}"}, 20e-9 / RATE),
}


@pytest.mark.parametrize("name", SPREADS)
def test_noise_spreads_the_interval(chain: Open, name: str) -> None:
    changes, spread = SPREADS[name]
    number = 1000
    assert measured(chain, {}, number, resistor=True).std() < 0.1e-9
    assert measured(chain, changes, number, resistor=True).std() == pytest.approx(spread, rel=4 / math.sqrt(2 * number))


def test_noise_of_the_amplifier_spreads_the_step_of_a_junction_and_stops_a_slow_ramp_early(chain: Open) -> None:
    noisy = {"noise: 0 uV": "noise: 20 uV"}
    quiet, disturbed = (measured(chain, changes, 1000) for changes in ({}, noisy))
    # The same switches, seen with noise over the slope of the amplified step.
    assert (disturbed - quiet).std() == pytest.approx(20e-3 * TAU / 1.7, rel=4 / math.sqrt(2 * 1000))
    slow, early = (measured(chain, changes, 100, resistor=True) for changes in ({}, noisy))
    assert slow.mean() - early.mean() > 2 * 20e-3 / 1e5 / RATE  # more than two of the noise's standard deviations


def test_a_threshold_above_the_step_or_of_the_wrong_sign_never_stops(chain: Open) -> None:
    for level in (2.75, -0.5):
        opened = chain(changes=QUIET)
        intervals = opened.measure(sawtooth(TOP, RISE), FREQUENCY, 5, Stop(level), ramps=60)
        assert np.all(intervals == 9.91e37), level


def test_a_threshold_within_the_noise_stops_too_early_and_one_above_it_does_not(chain: Open) -> None:
    noisy = {"noise: 0 uV": "noise: 50 uV"}
    right = measured(chain, noisy, 100, Stop(1.0))
    assert right.min() > 0.9 * 9e-6 / RATE
    assert np.median(measured(chain, noisy, 100, Stop(0.15))) < 0.5 * right.mean()
    assert measured(chain, {}, 100, Stop(0.15)).min() > 0.9 * 9e-6 / RATE  # without noise it is a good threshold


def test_a_higher_threshold_walks_up_the_step(chain: Open) -> None:
    low, high = (measured(chain, {}, 100, Stop(level)) for level in (0.5, 2.5))
    walk = TAU * math.log((2.7 - 0.5) / (2.7 - 2.5))
    assert (high - low).mean() == pytest.approx(walk, rel=1e-3)
    assert (high - low).std() < 0.1e-9


def test_a_smaller_gap_comes_later_through_the_same_threshold(chain: Open) -> None:
    small = {"gap_voltage: 2.7 mV": "gap_voltage: 1.2 mV"}
    usual, later = (measured(chain, changes, 100) for changes in ({}, small))
    assert (later - usual).mean() == pytest.approx(TAU * (math.log(1.2 / 0.2) - math.log(2.7 / 1.7)), rel=1e-3)


def test_the_wrong_slope_of_the_marker_starts_at_its_other_end(chain: Open) -> None:
    for width, shift in (("1 us", 1e-6), ("50 us", 50e-6)):
        opened = chain("keysight-33512b", changes={**QUIET, **RESISTOR, "width: 1 us": f"width: {width}"})
        intervals = []
        for rising in (True, False):
            opened.counter.start_rising = rising
            intervals.append(opened.measure(sawtooth(TOP, RISE), FREQUENCY, 10, Stop(0.5)).mean())
        assert intervals[0] - intervals[1] == pytest.approx(shift, abs=0.1e-9)


def test_a_marker_below_the_start_threshold_never_starts(chain: Open) -> None:
    assert np.all(measured(chain, {"high: 5 V": "high: 0.9 V"}, 2) == 9.91e37)


def test_fast_noise_looks_like_a_higher_temperature(chain: Open) -> None:
    hot = {"noise: 0 nA": "noise: 0 nA\n  noise_temperature: 200 mK"}
    widths = [RATE * measured(chain, changes, 2000).std() for changes in ({}, hot)]
    for width, temperature in zip(widths, (0.012, 0.212), strict=True):
        law = SwitchingDistribution(JUNCTION, temperature, RATE)
        assert width == pytest.approx(law.std, rel=4 * math.sqrt(4 / (4 * 2000)))  # kurtosis 5


def test_the_jitter_of_the_counter_is_its_resolution(chain: Open) -> None:
    for resolution in (20e-12, 5e-9):
        options = f"model: keysight-53230a\n    options: {{resolution: {resolution * 1e12:g} ps}}"
        intervals = measured(chain, {"model: keysight-53230a": options}, 1000, resistor=True)
        assert intervals.std() == pytest.approx(resolution, rel=4 / math.sqrt(2 * 1000))


def test_50_ohm_at_the_stop_input_halve_the_signal(chain: Open) -> None:
    opened = chain("keysight-33512b", changes={**QUIET, **RESISTOR})
    opened.source.load(sawtooth(TOP, RISE), FREQUENCY, 10)
    means = []
    for impedance in ("1E6", "50"):
        opened.counter.arm(10, Stop(0.4), 0.1)
        opened.counter.visa.write(f"INP2:IMP {impedance};:INIT")
        opened.source.start()
        means.append(opened.counter.fetch(10).mean())
    assert means[1] - means[0] == pytest.approx(4e-6 / RATE, abs=10e-9)  # at 8 uA instead of 4 uA


def test_ac_coupling_loses_the_marker_that_is_low_for_a_moment_only(chain: Open) -> None:
    opened = chain(changes=QUIET)
    opened.source.load(sawtooth(TOP, RISE), FREQUENCY, 200)
    for coupling, lost in (("DC", False), ("AC", True)):
        opened.counter.arm(20, Stop(1.0), 0.01)
        opened.counter.visa.write(f"INP1:COUP {coupling};:INIT")
        opened.source.start()
        assert bool(np.all(opened.counter.fetch(20) == 9.91e37)) is lost
        opened.source.visa.write("WAVE:ABOR;:WAVE:ARM")
