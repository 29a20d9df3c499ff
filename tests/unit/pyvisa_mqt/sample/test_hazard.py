from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike
from pyvisa_mqt.sample.hazard import HazardTable, RateTable
from pyvisa_mqt.sample.staircase import Cycle, Staircase
from scipy import stats

from mqtctl.physics import Escape, EscapeModel, Junction, SwitchingDistribution, TransitionState

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
RETRAPPING = JUNCTION.retrapping_current


def table(
    values: ArrayLike,
    period: float,
    temperature: float,
    *,
    lag: float = 0.0,
    offset: float = 0.0,
    model: EscapeModel | None = None,
) -> tuple[HazardTable, Cycle]:
    cycle = Staircase(np.asarray(values, dtype=np.float64), period, lag).cycle(0.0)
    excursion = cycle.excursions(RETRAPPING)[0]
    return HazardTable(cycle, excursion, RateTable(JUNCTION, model or Escape(), temperature), offset), cycle


def brute_force(cycle: Cycle, temperature: float, until: float, *, model: EscapeModel, n: int = 2_000_000) -> float:
    """Integrate Gamma(I(t)) on a plain fine grid."""
    times = (np.arange(n) + 0.5) * until / n
    current = cycle.current(times)
    rate = np.zeros(n)
    steep = current > 0.9 * JUNCTION.critical_current
    rate[steep] = np.exp(model.log_rate(JUNCTION, current[steep], temperature))
    return float(rate.sum()) * until / n


def test_rates_between_grid_points_are_those_of_the_model() -> None:
    rates = RateTable(JUNCTION, Escape(), 0.05)
    current = JUNCTION.critical_current * np.array([0.93, 0.98, 0.9912345, 0.999])
    np.testing.assert_allclose(rates.log_rate(current), Escape().log_rate(JUNCTION, current, 0.05), atol=2e-3)


@pytest.mark.parametrize("lag", [0.0, 2e-6, 40e-6])
def test_integral_equals_brute_force_for_a_coarse_staircase(lag: float) -> None:
    # 200 steps of 50 nA: ln Gamma jumps by several units from step to step.
    model = TransitionState()
    values = np.concatenate([np.linspace(0.0, 9.12e-6, 180), np.zeros(20)])
    hazards, cycle = table(values, 2e-3, 0.3, lag=lag, model=model)
    assert 1e-6 < hazards.total < 20.0
    assert hazards.total == pytest.approx(brute_force(cycle, 0.3, 2e-3, model=model), rel=5e-3)


def test_a_lagging_current_whose_target_is_the_critical_current_itself_gets_there() -> None:
    # after 1000 time constants the current is its target to the last bit: the way there is a logarithm of zero
    critical_current = JUNCTION.critical_current
    hazards, _ = table([0.0, critical_current, 0.0, 0.0], 4e-3, 0.3, lag=1e-6, model=TransitionState())
    assert hazards.certain == pytest.approx(2e-3)
    assert math.isinf(hazards.total)


def test_inverse_gives_back_the_hazard() -> None:
    values = np.concatenate([np.linspace(0.0, 9.45e-6, 9000), np.zeros(1000)])
    hazards, cycle = table(values, 10e-3, 0.3, lag=10e-6, model=TransitionState())
    for target in (0.01, 0.5, 2.0):
        time = float(hazards.invert(np.array([target]))[0])
        # The grid of the check resolves a step of the staircase to a thousandth of the hazard.
        assert brute_force(cycle, 0.3, time, model=TransitionState()) == pytest.approx(target, rel=3e-3)


def test_a_hazard_beyond_the_total_means_no_switch() -> None:
    hazards, _ = table(np.linspace(0.0, 9.3e-6, 1000), 10e-3, 0.015)
    assert 0.0 < hazards.total < 1e-3
    assert np.isinf(hazards.invert(np.array([1e-2]))[0])


def test_at_the_critical_current_it_switches_at_once() -> None:
    # So fast and cold a ramp that it survives up to Ic: 1 A/s would need GHz rates.
    values = np.concatenate([np.linspace(0.0, 12e-6, 1201), np.zeros(99)])
    hazards, cycle = table(values, 1300e-11, 1e-3, lag=1e-11, model=TransitionState())
    time = float(hazards.invert(np.array([30.0]))[0])
    assert math.isinf(hazards.total)
    assert float(cycle.current(time)) == pytest.approx(JUNCTION.critical_current, rel=1e-6)


def test_a_jump_over_the_critical_current_switches_within_the_step() -> None:
    hazards, _ = table([0.0, 5e-6, 20e-6, 0.0], 4e-3, 0.05)
    assert float(hazards.invert(np.array([3.0]))[0]) == 2e-3


@pytest.mark.parametrize("temperature", [0.015, 0.1, 0.8])
def test_switching_currents_of_a_straight_ramp_follow_the_physics(temperature: float) -> None:
    rate = 1e-3
    n = 200_000  # so many steps that the staircase is a straight line
    top = 9.489e-6
    hazards, _ = table(np.linspace(0.0, top, n, endpoint=False), top / rate, temperature)
    draws = np.random.default_rng(1).exponential(size=100_000)
    currents = rate * hazards.invert(draws) - 0.5 * top / n
    law = SwitchingDistribution(JUNCTION, temperature, rate)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 0.01


def test_negative_currents_escape_like_positive_ones() -> None:
    values = np.concatenate([np.linspace(0.0, 9.45e-6, 900), np.zeros(100)])
    up, _ = table(values, 1e-3, 0.3)
    down, _ = table(-values, 1e-3, 0.3)
    draws = np.array([0.1, 1.0, 3.0])
    np.testing.assert_array_equal(up.invert(draws), down.invert(draws))


def test_offset_shifts_the_current_by_itself() -> None:
    rate = 1e-3
    values = np.linspace(0.0, 9.489e-6, 50_000)
    period = 9.489e-6 / rate
    plain, _ = table(values, period, 0.1)
    shifted, _ = table(values, period, 0.1, offset=20e-9)
    draws = np.array([0.05, 0.7, 2.0])
    shift = plain.invert(draws) - shifted.invert(draws)
    np.testing.assert_allclose(shift, 20e-9 / rate, rtol=2e-2)  # the staircase's step is 1 % of this


def test_at_zero_current_both_directions_count() -> None:
    small = Junction(20e-9, 50e-15, 1e3)  # a barrier of 2 E_J = 10 kT
    rates = RateTable(small, TransitionState(), 0.1)
    one_way = float(TransitionState().log_rate(small, np.array([0.0]), 0.1)[0])
    assert float(rates.log_rate(np.array([0.0]))[0]) == pytest.approx(one_way + math.log(2.0), abs=1e-6)


def test_a_table_for_ten_thousand_points_is_built_in_a_few_milliseconds() -> None:
    import time

    values = np.concatenate([np.linspace(0.0, 10e-6, 9700), np.zeros(300)])
    cycle = Staircase(values, 12.5e-3, 10e-6).cycle(0.0)
    excursion = cycle.excursions(RETRAPPING)[0]
    Escape().log_rate(JUNCTION, np.array([9e-6]), 0.1)  # whatever the model caches for good
    spent = []
    for temperature in (0.02, 0.2, 0.3):
        begin = time.process_time()
        HazardTable(cycle, excursion, RateTable(JUNCTION, Escape(), temperature))
        spent.append(time.process_time() - begin)
    assert min(spent) < 20e-3
