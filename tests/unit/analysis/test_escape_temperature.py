from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fit_escape_temperature, fit_point
from mqtctl.analysis.sweep.prediction import predicted_escape_temperature
from mqtctl.errors import InputError
from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState, WeakDampingTunneling
from mqtctl.records import Histogram, JunctionEstimate

Draw = Callable[..., NDArray[np.float64]]
MakeHistogram = Callable[..., Histogram]
CRITICAL_CURRENT = 9.489e-6


def quantiles(junction: Junction, number: int = 20_000) -> NDArray[np.float64]:
    """Stand for an infinite histogram of T = 0 tunnelling."""
    distribution = SwitchingDistribution(junction, 0.0, 1e-3, model=WeakDampingTunneling())
    return np.asarray(distribution.ppf((np.arange(number) + 0.5) / number))


def test_with_the_critical_current_known_a_tunnelling_histogram_gives_the_level_of_the_rate(
    junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    # docs/analysis.md, "Two escape temperatures": 36.0 mK, where the free fit gives 30.3 mK
    fit = fit_escape_temperature(histogram_of(quantiles(junction)), estimate, CRITICAL_CURRENT)
    assert fit.escape_temperature == pytest.approx(36.0e-3, abs=0.05e-3)


def test_the_prediction_is_what_an_infinite_histogram_gives(
    junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(quantiles(junction))
    fit = fit_escape_temperature(histogram, estimate, CRITICAL_CURRENT)
    theory, law = WeakDampingTunneling(), TransitionState()
    predicted = predicted_escape_temperature(junction, 0.0, histogram.ramp, theory, law)
    # 20 000 quantiles miss the law's tails by 1e-4 of the exponent
    assert predicted == pytest.approx(fit.escape_temperature, rel=2e-5)


def test_a_thermal_law_predicts_its_own_temperature(junction: Junction, histogram_of: MakeHistogram) -> None:
    ramp = histogram_of(np.linspace(9e-6, 9.1e-6, 20)).ramp
    law = TransitionState()
    assert predicted_escape_temperature(junction, 0.3, ramp, law, law) == pytest.approx(0.3, rel=1e-6)
    assert math.isnan(predicted_escape_temperature(junction, 0.0, ramp, law, law))  # never switches below Ic
    assert math.isnan(predicted_escape_temperature(junction, math.nan, ramp, law, law))


def test_the_temperature_follows_the_critical_current_as_reported(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(thermal_currents())
    fit = fit_escape_temperature(histogram, estimate, CRITICAL_CURRENT, 2e-9)
    step = 1e-9
    above = fit_escape_temperature(histogram, estimate, CRITICAL_CURRENT + step).escape_temperature
    below = fit_escape_temperature(histogram, estimate, CRITICAL_CURRENT - step).escape_temperature
    assert fit.critical_current_slope == pytest.approx((above - below) / (2 * step), rel=1e-3)
    # cubic barrier: dT/T = 1.5 dIc / (Ic - I), the prefactor takes a few per cent off
    distance = CRITICAL_CURRENT - float(histogram.switching_currents.mean())
    assert fit.critical_current_slope == pytest.approx(1.5 * fit.escape_temperature / distance, rel=0.06)
    expected = math.hypot(fit.statistical_stderr, 2e-9 * fit.critical_current_slope)
    assert fit.escape_temperature_stderr == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_the_statistical_error_is_right_even_for_tunnelling(
    junction: Junction, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    distribution = SwitchingDistribution(junction, 0.0, 1e-3, model=Escape())
    rng = np.random.default_rng(12)
    fits = [
        fit_escape_temperature(histogram_of(distribution.sample(1000, rng)), estimate, CRITICAL_CURRENT)
        for _ in range(120)
    ]
    scatter = np.std([fit.escape_temperature for fit in fits], ddof=1)
    stated = np.mean([fit.statistical_stderr for fit in fits])
    assert scatter == pytest.approx(stated, rel=0.26)  # 4 sigma: a standard deviation of 120 is good to 6.5 %


def test_switches_above_the_critical_current_are_survivors_and_are_named(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = np.append(thermal_currents(), [9.5e-6, 9.6e-6])
    fit = fit_escape_temperature(histogram_of(currents), estimate, CRITICAL_CURRENT)
    assert fit.escape_temperature == pytest.approx(0.3, rel=0.02)
    assert any("2 switches lie at or above" in flag for flag in fit.flags)


@pytest.mark.parametrize("critical_current", [0.0, -1e-6, math.nan, math.inf])
def test_an_impossible_critical_current_is_refused(
    critical_current: float, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    with pytest.raises(InputError, match="critical current"):
        fit_escape_temperature(histogram_of(thermal_currents()), estimate, critical_current)


def test_a_critical_current_below_all_switches_is_refused(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    with pytest.raises(InputError, match="too few"):
        fit_escape_temperature(histogram_of(thermal_currents()), estimate, 5e-6)


def test_one_list_of_currents_has_the_keys_of_a_point(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    histogram = histogram_of(thermal_currents(), temperature=math.nan)
    alone = fit_point(histogram, estimate).to_dict()
    assert alone["escape_temperature_K"] is None
    assert alone["temperature_K"] is None
    assert alone["escape_temperature_free_K"] == pytest.approx(0.3, rel=0.06)
    known = fit_point(histogram, estimate, CRITICAL_CURRENT, 1e-9).to_dict()
    assert known["escape_temperature_K"] == pytest.approx(0.3, rel=0.01)
    assert known["escape_temperature_stderr_K"] > known["escape_temperature_statistical_stderr_K"]


def test_a_point_that_cannot_be_fitted_has_flags_instead_of_numbers(
    histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    for currents in (np.empty(0), np.array([9e-6]), np.full(100, 9e-6), np.linspace(9e-6, 9.1e-6, 9)):
        point = fit_point(histogram_of(currents), estimate, CRITICAL_CURRENT)
        result = point.to_dict()
        assert result["escape_temperature_free_K"] is None
        assert result["switches"] == currents.size
        assert point.flags
