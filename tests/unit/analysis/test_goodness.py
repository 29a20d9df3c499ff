from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mqtctl.analysis import fit_escape_temperature, fit_histogram
from mqtctl.analysis.histogram.goodness import kolmogorov_pvalue
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate

Draw = Callable[..., NDArray[np.float64]]
MakeHistogram = Callable[..., Histogram]


def test_the_distance_is_that_of_scipy(
    thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = thermal_currents(number=700)
    fit = fit_histogram(histogram_of(currents), estimate)
    junction = Junction(fit.critical_current, estimate.capacitance, estimate.resistance)
    fitted = SwitchingDistribution(junction, fit.escape_temperature, 1e-3, model=TransitionState())
    expected = stats.kstest(np.asarray(fitted.cdf(currents)), "uniform")
    assert fit.goodness.distance == pytest.approx(float(expected.statistic), abs=1e-9)
    assert fit.goodness.pvalue_unfitted == pytest.approx(float(expected.pvalue), rel=0.05)


@pytest.mark.parametrize("fitted_parameters", [0, 1, 2])
def test_pvalues_fall_from_one_to_nothing(fitted_parameters: int) -> None:
    found = [kolmogorov_pvalue(d, 1000, fitted_parameters) for d in np.linspace(0.0, 0.5, 2001)]
    assert found[0] == pytest.approx(1.0)
    assert (np.diff(found) <= 1e-15).all()
    assert found[-1] < 1e-100


def test_fitting_makes_a_given_distance_less_probable() -> None:
    found = [kolmogorov_pvalue(0.03, 1000, parameters) for parameters in (0, 1, 2)]
    assert found[0] > found[1] > found[2]


@pytest.mark.shown(1)
@pytest.mark.parametrize("parameters", [1, 2])
def test_pvalues_of_fits_are_uniform(
    parameters: int, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    drawn = thermal_currents(number=150 * 500, seed=21).reshape(150, 500)
    found = []
    for currents in drawn:
        histogram = histogram_of(currents)
        if parameters == 1:
            found.append(fit_escape_temperature(histogram, estimate, 9.489e-6).goodness.pvalue)
        else:
            found.append(fit_histogram(histogram, estimate).goodness.pvalue)
    assert stats.kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("steps", [0.6, 1.5])
def test_rounded_values_have_the_probability_that_their_own_rounding_gives(
    steps: float, thermal_currents: Draw, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    step, found = steps * 27e-9, []
    for seed, currents in enumerate(thermal_currents(number=16_000, seed=5).reshape(40, 400)):
        offset = 0.37 * seed
        values = (np.rint(currents / step + offset) - offset) * step
        found.append(fit_histogram(replace(histogram_of(values), resolution=step), estimate).goodness.pvalue)
    assert stats.kstest(found, "uniform").pvalue > 1e-3  # with the table for exact values all would lie above 0.5
    assert min(found) < 0.1


def test_a_rounded_gaussian_is_no_escape_law(histogram_of: MakeHistogram, estimate: JunctionEstimate) -> None:
    values = 9.1e-6 + np.rint(np.random.default_rng(3).normal(size=4000)) * 2e-8
    fit = fit_histogram(replace(histogram_of(values), resolution=2e-8), estimate)
    assert fit.goodness.pvalue < 1e-10
