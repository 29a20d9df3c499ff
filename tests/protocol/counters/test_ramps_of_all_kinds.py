"""Ramps of either sign, falling ramps for retrapping, a resistor for the junction: seen by both counters."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from mqtctl.physics import Junction, SwitchingDistribution
from tests.protocol.counters.chain import POINTS, Array, Chain, Stop, sawtooth

Open = Callable[..., Chain]

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
PAIRS = [("keithley-6221", "keysight-53230a"), ("keysight-33512b", "srs-sr620"), ("keithley-6221", "srs-sr620")]
TAU = 0.5e-6 / math.log(9.0)
LAG = 10e-6
FREQUENCY, RISE, TOP = 200.0, 0.9, 10.5e-6
RATE = TOP * FREQUENCY / RISE
AMPLIFIER = TAU * math.log(2.7 / 1.7)  # from the step of 2.7 V to the threshold of 1 V
RETRAPPING = JUNCTION.retrapping_current


def falling_ramp(points: int = POINTS) -> Array:
    """Return zero, a quick rise to a current that always switches, then a straight way down to zero."""
    values = np.zeros(points)
    rise, fall = round(0.1 * points), round(0.8 * points)
    values[1:rise] = np.linspace(0.0, TOP, rise - 1)
    values[rise : rise + fall] = TOP * (1.0 - (np.arange(fall) + 0.5) / fall)
    return values


@pytest.mark.parametrize(("source", "counter"), PAIRS)
def test_negative_ramps_switch_to_a_negative_voltage_as_the_physics_says(
    chain: Open, source: str, counter: str
) -> None:
    opened = chain(source, counter)
    intervals = opened.measure(sawtooth(-TOP, RISE), FREQUENCY, 500, Stop(-1.0, rising=False))
    currents = RATE * (intervals - LAG - AMPLIFIER)
    law = SwitchingDistribution(JUNCTION, 0.012, RATE)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3


def test_negative_ramps_never_pass_a_positive_threshold(chain: Open) -> None:
    intervals = chain().measure(sawtooth(-TOP, RISE), FREQUENCY, 5, Stop(1.0), ramps=40)
    assert np.all(intervals == 9.91e37)


def test_with_ramps_of_both_signs_each_threshold_sees_its_own(chain: Open) -> None:
    half = sawtooth(TOP, RISE, points=POINTS // 2)
    both = np.concatenate([half, -half])
    for stop, begin in ((Stop(1.0), 0.0), (Stop(-1.0, rising=False), 0.5 / 100.0)):
        intervals = chain().measure(both, 100.0, 100, stop)
        currents = RATE * (intervals - begin - LAG - AMPLIFIER)
        law = SwitchingDistribution(JUNCTION, 0.012, RATE)
        assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("source", "counter"), PAIRS)
def test_retrapping_is_the_falling_edge_of_the_voltage_on_the_way_down(chain: Open, source: str, counter: str) -> None:
    opened = chain(source, counter, {"noise: 0.1 nA": "noise: 0 nA"})
    intervals = opened.measure(falling_ramp(), FREQUENCY, 40, Stop(1.0, rising=False))
    rate = TOP * FREQUENCY / 0.8
    back = TAU * math.log(2.7 / 1.0)
    currents = TOP - rate * (intervals - 0.1 / FREQUENCY - LAG - back)
    # The amplifier's noise of 2 mV on a slope of 1 V / tau is below 1 ns, so 3 pA; a step of the source is 1.3 nA, a
    # level of the 6221's 16 bits 0.6 nA.
    assert currents == pytest.approx(np.full(40, RETRAPPING), abs=1.5e-9)
    assert np.ptp(currents) < 0.05e-9


def test_noise_of_the_retrapping_current_shows_and_is_absent_at_zero(chain: Open) -> None:
    rate = TOP * FREQUENCY / 0.8
    spreads = []
    for noise in ("0 nA", "3 nA"):
        text = f"retrapping_current: 400 nA\n  retrapping_noise: {noise}\n  escape: escape"
        changes = {"noise: 0.1 nA": "noise: 0 nA", "escape: escape": text}
        intervals = chain("keysight-33512b", changes=changes).measure(
            falling_ramp(), FREQUENCY, 400, Stop(1.0, rising=False)
        )
        currents = TOP - rate * (intervals - 0.1 / FREQUENCY - LAG - TAU * math.log(2.7))
        assert currents.mean() == pytest.approx(400e-9, abs=1.5e-9)
        spreads.append(currents.std())
    assert spreads[0] < 0.02e-9
    assert spreads[1] == pytest.approx(3e-9, rel=4 / math.sqrt(2 * 400))  # 4 sigma for n = 400


def test_a_lower_retrapping_current_comes_later_on_the_way_down(chain: Open) -> None:
    means = [
        chain("keysight-33512b", changes={"escape: escape": f"retrapping_current: {current}\n  escape: escape"})
        .measure(falling_ramp(), FREQUENCY, 20, Stop(1.0, rising=False))
        .mean()
        for current in ("1 uA", "0.5 uA")
    ]
    assert means[1] - means[0] == pytest.approx(0.5e-6 / (TOP * FREQUENCY / 0.8), rel=1e-2)


@pytest.mark.shown(2)
@pytest.mark.parametrize(("source", "counter"), PAIRS)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_dummy_resistor_stops_where_its_voltage_passes_the_threshold(
    chain: Open, source: str, counter: str, sign: int
) -> None:
    changes = {"bias:\n": "dummy_resistor: 100 Ohm\n\nbias:\n", "noise: 0.1 nA": "noise: 0 nA", "2 uV": "0 uV"}
    opened = chain(source, counter, changes)
    for level in (0.2, 0.5, 0.9):
        intervals = opened.measure(sawtooth(sign * TOP, RISE), FREQUENCY, 10, Stop(sign * level, sign > 0))
        current = level / (1000 * 100)
        # Filter and amplifier delay a straight ramp by their time constants; half a step of the source is 0.25 us.
        assert intervals == pytest.approx(np.full(10, current / RATE + LAG + TAU), abs=0.3e-6)
        assert np.ptp(intervals) < 1e-9
    assert opened.counter.visa.query("*ESR?") in {"0", "+0", "1", "+1"}


def test_a_dummy_resistor_has_its_own_gain_offset_and_resistance(chain: Open) -> None:
    base = {"bias:\n": "dummy_resistor: 100 Ohm\n\nbias:\n", "noise: 0.1 nA": "noise: 0 nA", "2 uV": "0 uV"}
    shapes = {
        "plain": ({}, 0.5 / 1e5),
        "resistance": ({"dummy_resistor: 100 Ohm": "dummy_resistor: 200 Ohm"}, 0.5 / 2e5),
        "gain": ({"gain: 1000": "gain: 700"}, 0.5 / 7e4),
        "offset": ({"offset: 0 V": "offset: 0.1 mV"}, 0.4 / 1e5),
        "bias offset": ({"offset: 0 A": "offset: 0.3 uA"}, 0.5 / 1e5 - 0.3e-6),
    }
    for name, (changes, current) in shapes.items():
        opened = chain("keysight-33512b", changes=base | changes)
        interval = opened.measure(sawtooth(TOP, RISE), FREQUENCY, 3, Stop(0.5)).mean()
        assert interval == pytest.approx(current / RATE + LAG + TAU, abs=0.3e-6), name


def test_a_threshold_above_the_resistors_voltage_gives_no_stop(chain: Open) -> None:
    opened = chain(changes={"bias:\n": "dummy_resistor: 100 Ohm\n\nbias:\n"})
    assert np.all(opened.measure(sawtooth(TOP, RISE), FREQUENCY, 3, Stop(1.2), ramps=40) == 9.91e37)
