"""Whether the saturated points are alike, judged with all errors that they share."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mqtctl.analysis.sweep.saturation import SaturatedPoints, saturation

BY_CURRENT = np.array([160.0, 160.0, 230.0, 230.0])  # d ln T_esc / d ln Ic at two ramp rates, two points each
PREDICTED = np.array([36.0e-3, 36.1e-3, 37.0e-3, 37.1e-3])
STATISTICAL = 5e-4  # of ln T_esc
CRITICAL_CURRENT = 1e-4  # relative standard error of Ic


def points(shift: float, odd: float = 0.0) -> SaturatedPoints:
    """Return points whose shared Ic is off by so many standard errors, and one of which is off by so much alone."""
    covariance = np.zeros((6, 6))
    covariance[0, 0] = 1e-4
    shared = np.concatenate([[1.0], BY_CURRENT])
    covariance[1:, 1:] = CRITICAL_CURRENT**2 * np.outer(shared, shared)
    covariance[2:, 2:] += STATISTICAL**2 * np.eye(4)
    drawn = np.array([0.6, -0.9, 0.4, 0.1]) * STATISTICAL
    measured = PREDICTED * np.exp(shift * CRITICAL_CURRENT * BY_CURRENT + drawn)
    measured[1] *= math.exp(odd)
    return SaturatedPoints(
        indices=(0, 1, 2, 3),
        mean_currents=np.full(4, 9.4e-6),
        escape_temperatures=measured,
        statistical_variances=np.full(4, STATISTICAL**2),
        covariance=covariance,
        predicted=PREDICTED,
        predicted_gradient=np.zeros((4, 2)),
    )


@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.5])
def test_a_shared_critical_current_that_is_a_little_off_does_not_make_two_ramp_rates_contradict(shift: float) -> None:
    found = saturation(points(shift)).shape_pvalue
    assert found is not None
    assert found > 0.05


def test_a_point_that_is_off_alone_is_still_seen() -> None:
    found = saturation(points(1.0, odd=9 * STATISTICAL)).shape_pvalue
    assert found is not None
    assert found < 1e-3


def test_points_without_a_prediction_have_no_shape() -> None:
    found = saturation(SaturatedPoints(**{**vars(points(0.0)), "predicted": np.full(4, math.nan)}))
    assert found.shape_pvalue is None
    assert found.flatness_pvalue is not None
