"""Between a counter's connector and its comparator: termination, coupling, filter, hysteresis."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.instruments.counters.comparator_input import AC_CONSTANT, Conditioning, CounterInput, divider
from pyvisa_mqt.time_and_signals.clock import VirtualClock
from pyvisa_mqt.time_and_signals.signals import Waveform

Array = NDArray[np.float64]
PERIOD = 1e-3
FILTER = 1.0 / (2.0 * math.pi * 100e3)


class Pulses:
    """Rectangular pulses between two levels on one wire, from 1 s on."""

    def __init__(self, low: float = 0.0, high: float = 5.0, width: float = 0.4e-3, number: int = 3000) -> None:
        self.clock = VirtualClock()
        self.low, self.high = low, high
        self.rises = 1.0 + PERIOD * np.arange(number)
        self.falls = self.rises + width

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> Array:
        if not self.low < threshold < self.high:
            return np.zeros(0)
        times = self.rises if rising else self.falls
        return np.asarray(times[(times > since) & (times <= until)])

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None:
        raise AssertionError

    def temperature(self, sensor: str) -> float:
        raise AssertionError

    def heat(self, heater: str, power: float) -> None:
        raise AssertionError


def edges(
    wires: Pulses,
    level: float,
    *,
    rising: bool = True,
    since: float = 2.0,
    until: float = 2.1,
    **settings: float | bool,
) -> Array:
    conditioning = Conditioning(**settings)  # type: ignore[arg-type]  # numbers and a switch
    return CounterInput(wires, "input").edges(conditioning, level, rising, since, until)


def test_50_ohm_halve_what_comes_from_50_ohm() -> None:
    assert divider(50.0, terminated=True) == 0.5
    assert divider(0.0, terminated=True) == divider(50.0, terminated=False) == 1.0
    assert len(edges(Pulses(), 2.4, gain=0.5)) == 100
    assert len(edges(Pulses(), 2.6, gain=0.5)) == 0
    assert len(edges(Pulses(), 2.6)) == 100


def test_ac_coupling_takes_the_mean_away() -> None:
    wires = Pulses()  # 5 V for 40 % of the time: from -2 V to +3 V
    for level, seen in ((2.8, 100), (3.2, 0), (0.0, 100), (-1.8, 100), (-2.2, 0)):
        assert len(edges(wires, level, ac=True)) == seen, level
        assert len(edges(wires, level, ac=True, rising=False)) == seen, level
    assert len(edges(wires, -1.8)) == 0  # which DC coupling does not


def test_a_marker_that_is_high_but_for_short_pulses_never_gets_above_zero_with_ac_coupling() -> None:
    wires = Pulses(width=PERIOD - 1e-6)
    assert len(edges(wires, 1.0, ac=True, rising=False)) == 0
    assert len(edges(wires, -1.0, ac=True, rising=False)) == 100


def test_ac_coupling_needs_time_to_find_the_mean() -> None:
    wires = Pulses()
    found = edges(wires, 3.5, ac=True, since=0.5, until=1.5)
    # The mean approaches 2 V with the coupling's time constant; until it is 1.5 V the pulses still reach 3.5 V.
    assert found[0] == pytest.approx(1.0)
    assert found[-1] - 1.0 == pytest.approx(AC_CONSTANT * math.log(2.0 / 0.5), abs=2 * PERIOD)


def test_slow_pulses_droop_through_the_threshold() -> None:
    wires = Pulses(width=0.1, number=1)
    (fall,) = edges(wires, 2.0, ac=True, rising=False, since=0.5, until=1.5)
    assert fall - 1.0 == pytest.approx(AC_CONSTANT * math.log(5.0 / 2.0), rel=1e-4)


def test_the_filter_delays_edges_and_swallows_short_pulses() -> None:
    rise = edges(Pulses(), 1.0, filter_constant=FILTER) - Pulses().rises[1000:1100]
    assert rise == pytest.approx(np.full(100, FILTER * math.log(5.0 / 4.0)), rel=1e-3)
    fall = edges(Pulses(), 1.0, rising=False, filter_constant=FILTER) - Pulses().falls[1000:1100]
    assert fall == pytest.approx(np.full(100, FILTER * math.log(5.0)), rel=1e-3)
    marker = Pulses(width=1e-6)  # reaches 5 V (1 - exp(-1 us / 1.59 us)) = 2.33 V
    assert len(edges(marker, 2.2, filter_constant=FILTER)) == 100
    assert len(edges(marker, 2.5, filter_constant=FILTER)) == 0


def test_coupling_and_filter_together_pass_both_thresholds() -> None:
    rise = edges(Pulses(), 1.0, ac=True, filter_constant=FILTER)
    # From -2 V towards 3 V; the mean moves by 3 % within a period.
    assert rise - Pulses().rises[1000:1100] == pytest.approx(np.full(100, FILTER * math.log(5.0 / 2.0)), rel=0.05)
    assert len(edges(Pulses(), 3.2, ac=True, filter_constant=FILTER)) == 0


@pytest.mark.parametrize(
    "settings", [{"ac": True}, {"filter_constant": FILTER}, {"ac": True, "filter_constant": FILTER}]
)
def test_what_is_seen_does_not_depend_on_how_often_is_looked(settings: dict[str, float | bool]) -> None:
    conditioning = Conditioning(**settings)  # type: ignore[arg-type]  # numbers and a switch
    whole = CounterInput(Pulses(), "input").edges(conditioning, 1.0, True, 1.5, 2.5)
    often = CounterInput(Pulses(), "input")
    cuts = np.linspace(1.5, 2.5, 313)
    parts = np.concatenate([often.edges(conditioning, 1.0, True, a, b) for a, b in pairwise(cuts.tolist())])
    assert len(parts) == len(whole) == 1000
    assert parts == pytest.approx(whole, abs=1e-12)


def test_hysteresis_wants_the_signal_to_go_back_beyond_the_threshold() -> None:
    wires = Pulses(low=0.0, high=0.1)
    assert len(edges(wires, 0.05)) == 100
    assert len(edges(wires, 0.05, hysteresis=0.04)) == 100
    # Back to 0 V is not below 0.05 V - 0.06 V: the comparator answers once and never again.
    assert len(edges(wires, 0.05, hysteresis=0.06, until=2.1)) == 0
    assert len(edges(wires, 0.05, hysteresis=0.06, since=0.5, until=1.1)) == 1
    assert len(edges(wires, 0.05, hysteresis=0.06, rising=False, since=0.5, until=1.1)) == 1


def test_hysteresis_counts_a_bouncing_edge_once() -> None:
    wires = Pulses(width=0.4e-3, number=10)
    bounces = np.sort(np.concatenate([wires.rises, wires.rises + 1e-6, wires.rises + 2e-6]))
    wires.rises = bounces
    assert len(edges(wires, 1.0, since=0.5, until=1.5)) == 30
    assert len(edges(wires, 1.0, since=0.5, until=1.5, hysteresis=0.02)) == 10


def test_extremes_are_those_of_the_signal() -> None:
    for low, high in ((0.0, 5.0), (-0.013, 2.7), (-2.7, 0.0), (0.5, 1.0)):
        found = CounterInput(Pulses(low, high), "input").extremes(2.0, 2.1)
        assert found is not None
        assert found == pytest.approx((low, high), abs=3e-4 * max(abs(low), abs(high)))
    assert CounterInput(Pulses(), "input").extremes(0.0, 0.9) is None


def test_several_connectors_of_one_input_are_joined() -> None:
    wires = Pulses()
    assert len(CounterInput(wires, "inputA", "input1").raw(1.0, True, 2.0, 2.1)) == 200
