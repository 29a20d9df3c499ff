from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.sample.staircase import Staircase


def sawtooth(n_step: int = 1000, top: float = 10e-6) -> NDArray[np.float64]:
    rise = int(0.9 * n_step)
    return np.concatenate([np.linspace(0.0, top, rise), np.zeros(n_step - rise)])


def test_steady_state_is_the_fixed_point_of_the_recursion() -> None:
    values, period, lag = sawtooth(50), 1e-3, 0.3e-3
    kept = np.exp(-period / 50 / lag)
    current, starts = 0.0, np.empty(50)
    for _ in range(60):  # e^-(60 * 3.3) of the initial current is left
        for k, value in enumerate(values):
            starts[k] = current
            current = value + (current - value) * kept
    steady = Staircase(values, period, lag).cycle(0.0).starts
    np.testing.assert_allclose(steady, starts, rtol=0, atol=1e-18)


def test_filter_delays_a_straight_ramp_by_its_time_constant() -> None:
    # A staircase lags its straight line by half a step besides.
    values, period, lag = sawtooth(), 1e-3, 10e-6
    rate = 10e-6 / 899 / 1e-6
    current = Staircase(values, period, lag).steady_current(500e-6)
    assert current == pytest.approx(rate * (500e-6 - lag - 0.5e-6), rel=2e-4)


def test_without_filter_the_current_is_the_staircase() -> None:
    cycle = Staircase(np.array([1.0, 2.0, 3.0]), 3.0, 0.0).cycle(0.7)
    np.testing.assert_array_equal(cycle.current(np.array([0.5, 1.5, 2.99])), [1.0, 2.0, 3.0])


def test_transient_dies_out_with_the_time_constant() -> None:
    staircase = Staircase(np.full(4, 2.0), 4.0, 1.0)
    assert float(staircase.cycle(-2.0).current(3.0)) == pytest.approx(2.0 - 2.0 * np.exp(-3.0))


@pytest.mark.parametrize("lag", [0.0, 5e-6, 80e-6])
@pytest.mark.parametrize("shape", ["sawtooth", "bipolar", "square"])
def test_excursions_are_where_a_fine_scan_finds_them(lag: float, shape: str) -> None:
    phase = np.arange(400) / 400
    values = {
        "sawtooth": sawtooth(400),
        "bipolar": 10e-6 * np.sin(2 * np.pi * phase),
        "square": np.where(phase < 0.5, 8e-6, -8e-6),
    }[shape]
    cycle = Staircase(values, 1e-3, lag).cycle(0.0)
    threshold = 1.1e-6
    times = (np.arange(400_000) + 0.5) * 1e-3 / 400_000
    current = cycle.current(times)
    for polarity in (1, -1):
        inside = np.zeros(len(times), dtype=bool)
        for e in cycle.excursions(threshold):
            if e.polarity == polarity:
                inside |= (times > e.begin) & (times < e.end)
        wrong = inside != (polarity * current > threshold)
        assert wrong.sum() <= 4  # at the edges, where the scan's half step decides


def test_an_excursion_that_spans_the_whole_period_touches_both_ends() -> None:
    (only,) = Staircase(np.array([5e-6, 9e-6]), 1e-3, 1e-6).cycle(0.0).excursions(1e-6)
    assert only.from_start
    assert only.to_end
    assert (only.begin, only.end) == (0.0, 1e-3)


def test_excursions_seen_from_the_middle_of_a_cycle_begin_there() -> None:
    cycle = Staircase(np.array([0.0, 5e-6, 0.0, -5e-6]), 4.0, 0.0).cycle(0.0)
    late = cycle.excursions(1e-6, since=1.5)
    assert [(e.polarity, e.begin, e.from_start) for e in late] == [(1, 1.5, True), (-1, 3.0, False)]


def test_charge_is_the_integral_of_the_absolute_current() -> None:
    cycle = Staircase(np.array([2.0, -2.0]), 2.0, 1e-3).cycle(0.0)
    assert float(cycle.charge(0.0, 2.0)) == pytest.approx(4.0, rel=5e-3)
    assert float(cycle.charge(0.5, 1.0)) == pytest.approx(1.0, rel=5e-3)


def test_a_single_level_is_its_own_steady_state() -> None:
    cycle = Staircase(np.array([3e-6]), 0.25, 1e-5).cycle(0.0)
    assert cycle.starts[0] == 3e-6
    assert cycle.ends[0] == 3e-6
