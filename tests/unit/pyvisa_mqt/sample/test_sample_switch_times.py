from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.sample.hazard import HazardTable, RateTable
from pyvisa_mqt.sample.staircase import Cycle, Excursion, Staircase
from pyvisa_mqt.sample.switch_times import SwitchTimes
from scipy import stats

from mqtctl.physics import Escape, Junction, SwitchingDistribution

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
RATE = 1e-3
PERIOD = 10e-3
VALUES = np.concatenate([np.linspace(0.0, 9.7e-6, 9700, endpoint=False), np.zeros(300)])


def setup(
    deviation: float, lag: float = 10e-6, values: NDArray[np.float64] = VALUES
) -> tuple[SwitchTimes, Cycle, Excursion]:
    cycle = Staircase(values, PERIOD, lag).cycle(0.0)
    excursion = cycle.excursions(JUNCTION.retrapping_current)[0]
    return SwitchTimes(JUNCTION, Escape(), deviation), cycle, excursion


@pytest.mark.parametrize("temperature", [0.0151, 0.0405, 0.123, 0.777])
def test_interpolation_stays_within_a_hundredth_of_the_width(temperature: float) -> None:
    deviation = 2e-9
    times, cycle, excursion = setup(deviation)
    rng = np.random.default_rng(2)
    exponentials, normals = rng.exponential(size=40), rng.normal(size=40)
    drawn = times.draw("ramp", cycle, excursion, temperature, exponentials, normals)
    rates = RateTable(JUNCTION, Escape(), temperature)
    exact = [
        HazardTable(cycle, excursion, rates, deviation * z).invert(np.array([e]))[0]
        for e, z in zip(exponentials, normals, strict=True)
    ]
    width = SwitchingDistribution(JUNCTION, temperature, RATE).std / RATE
    assert np.max(np.abs(drawn - exact)) < 0.01 * width


@pytest.mark.parametrize("temperature", [0.015, 0.3])
def test_a_filtered_staircase_of_ten_thousand_points_follows_the_physics(temperature: float) -> None:
    times, cycle, excursion = setup(0.0)
    n = 100_000
    rng = np.random.default_rng(3)
    drawn = times.draw("ramp", cycle, excursion, temperature, rng.exponential(size=n), np.zeros(n))
    # The lag of the filter and half a step of the staircase separate time from current.
    currents = RATE * (drawn - 10e-6 - 0.5e-6)
    law = SwitchingDistribution(JUNCTION, temperature, RATE)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 0.01


@pytest.mark.parametrize("deviation", [0.0, 0.5e-9])
def test_ramps_without_a_switch_come_as_often_as_the_physics_says(deviation: float) -> None:
    # The ramp ends in the middle of the distribution.
    law = SwitchingDistribution(JUNCTION, 0.1, RATE)
    count = round(float(law.ppf(0.6)) / RATE / 1e-6)
    expected = float(law.cdf(1e-9 * (count - 0.5)))  # the last step is held for a whole microsecond
    values = np.concatenate([1e-9 * np.arange(count), np.zeros(10_000 - count)])
    times, cycle, excursion = setup(deviation, 0.0, values)
    n = 20_000
    rng = np.random.default_rng(4)
    drawn = times.draw("ramp", cycle, excursion, 0.1, rng.exponential(size=n), rng.normal(size=n))
    # 4 sigma of a binomial share; the noise, a 25th of the width, moves it by less.
    assert np.mean(np.isfinite(drawn)) == pytest.approx(expected, abs=4 * np.sqrt(0.24 / n) + 2e-3)
    assert np.max(drawn[np.isfinite(drawn)]) <= excursion.end


def test_noise_larger_than_the_width_broadens_the_histogram_as_a_convolution() -> None:
    temperature, deviation = 0.05, 40e-9
    times, cycle, excursion = setup(deviation)
    n = 20_000
    rng = np.random.default_rng(5)
    drawn = times.draw("ramp", cycle, excursion, temperature, rng.exponential(size=n), rng.normal(size=n))
    width = SwitchingDistribution(JUNCTION, temperature, RATE).std
    expected = np.hypot(width, deviation)
    assert np.std(drawn) * RATE == pytest.approx(expected, rel=4 / np.sqrt(2 * n))  # 4 sigma


def test_a_current_that_cannot_switch_never_does() -> None:
    times, cycle, excursion = setup(1e-9, 10e-6, 0.5 * VALUES)
    drawn = times.draw("ramp", cycle, excursion, 0.02, np.array([1e-3, 1.0]), np.zeros(2))
    assert np.all(np.isinf(drawn))
