from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mqtctl.analysis import moments
from mqtctl.errors import InputError
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState


def test_moments_are_those_of_scipy() -> None:
    values = 1e-6 * (9.0 + np.random.default_rng(3).gumbel(scale=0.02, size=500))
    found = moments(values)
    assert found.count == 500
    assert found.mean == pytest.approx(values.mean(), rel=1e-14)
    assert found.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert found.skewness == pytest.approx(stats.skew(values), rel=1e-9)
    assert found.kurtosis == pytest.approx(stats.kurtosis(values, fisher=False), rel=1e-9)


def test_standard_errors_are_the_scatter_of_replicas(junction: Junction) -> None:
    distribution = SwitchingDistribution(junction, 0.3, 1e-3, model=TransitionState())
    drawn = distribution.sample(400 * 4000, np.random.default_rng(6)).reshape(400, 4000)
    found = [moments(currents) for currents in drawn]
    for name, tolerance in (("mean", 0.15), ("std", 0.15), ("skewness", 0.25), ("kurtosis", 0.5)):
        scatter = np.std([getattr(each, name) for each in found], ddof=1)
        stated = np.median([getattr(each, f"{name}_stderr") for each in found])
        # 400 replicas: 3.5 % on the scatter; the errors of the shape come from moments up to the eighth, biased low
        assert stated == pytest.approx(scatter, rel=tolerance), name


def test_equal_currents_have_no_shape() -> None:
    found = moments(np.full(20, 9e-6))
    assert found.std == 0.0
    assert math.isnan(found.skewness)


@pytest.mark.parametrize("values", [[], [9e-6], [9e-6, math.nan], [9e-6, math.inf]])
def test_too_few_or_not_finite_currents_are_refused(values: list[float]) -> None:
    with pytest.raises(InputError):
        moments(values)
