"""The plateau of the escape temperature, and whether tunnelling explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from mqtctl.analysis.sweep.results import Saturation, TunnellingTest

__all__ = ["AGREES", "COLDER", "HOTTER", "NOT_IDENTIFIABLE", "SaturatedPoints", "saturation", "tunnelling_test"]

AGREES = "agrees with tunnelling"
HOTTER = "hotter than tunnelling: noise or heating"
COLDER = "colder than tunnelling: check critical current, capacitance and resistance"
NOT_IDENTIFIABLE = "not identifiable"
DECISIVE_SIGMAS = 3.0
USELESS_PRECISION = 0.25  # a standard error above this fraction of either temperature decides nothing


@dataclass(frozen=True)
class SaturatedPoints:
    """The points well below the crossover, with everything their mean depends on.

    Attributes
    ----------
    indices, mean_currents
        Which points, and their mean switching currents in A, shape (n_point,).
    escape_temperatures
        Measured, in K, a_t = 1, shape (n_point,).
    statistical_variances
        Of ln T_esc with Ic and C held, shape (n_point,).
    covariance
        Of (ln C, Ic/Ic0, ln T_esc ...), and ln R where it has an error, shape (2 + n_point, ...) or one more.
    predicted
        a_t = 1 escape temperatures in K that the escape model gives at the same baths, shape (n_point,).
    predicted_gradient
        Their derivatives in K with respect to (ln C, Ic/Ic0), and ln R, shape (n_point, 2) or (n_point, 3).
    """

    indices: tuple[int, ...]
    mean_currents: NDArray[np.float64]
    escape_temperatures: NDArray[np.float64]
    statistical_variances: NDArray[np.float64]
    covariance: NDArray[np.float64]
    predicted: NDArray[np.float64]
    predicted_gradient: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights of the mean: inverse statistical variances, shape (n_point,), sum 1."""
        weight = 1.0 / (self.statistical_variances * self.escape_temperatures**2)
        return np.asarray(weight / weight.sum())

    def among(self, shared: NDArray[np.float64], own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return derivatives by what is shared, and by the points' own, in the order of the covariance (last axis)."""
        return np.concatenate([shared[..., :2], own, shared[..., 2:]], axis=-1)


def saturation(points: SaturatedPoints) -> Saturation:
    """Return the mean of the saturated points and how flat they are."""
    weight, temperature = points.weights, points.escape_temperatures
    mean = float(weight @ temperature)
    gradient = points.among(np.zeros(points.predicted_gradient.shape[1]), weight * temperature)
    variance = points.statistical_variances * temperature**2
    dof = temperature.size - 1
    # a shared Ic that is a little off moves points of different ramp rates differently: no error may be left out
    own = slice(2, 2 + temperature.size)
    chi2 = _scatter(temperature, points.covariance[own, own])
    ratio = temperature / points.predicted
    by_all = points.among(-points.predicted_gradient / points.predicted[:, None], np.eye(ratio.size))
    shape = _scatter(ratio, by_all @ points.covariance @ by_all.T)
    known = dof > 0 and math.isfinite(shape)
    return Saturation(
        escape_temperature=mean,
        escape_temperature_stderr=_stderr(gradient, points.covariance),
        statistical_stderr=float(np.sqrt(weight**2 @ variance)),
        points=points.indices,
        mean_switching_current=float(weight @ points.mean_currents),
        flatness_chi2=chi2 if dof else None,
        flatness_dof=dof,
        flatness_pvalue=float(gammaincc(0.5 * dof, 0.5 * chi2)) if dof else None,
        shape_chi2=shape if known else None,
        shape_pvalue=float(gammaincc(0.5 * dof, 0.5 * shape)) if known else None,
    )


def tunnelling_test(points: SaturatedPoints) -> TunnellingTest:
    """Compare the saturation with what tunnelling predicts for the same junction, baths and currents.

    The shared Ic and C enter both sides with opposite effect; the difference takes the covariance into account.
    """
    weight = points.weights
    if not np.isfinite(points.predicted).all():
        return TunnellingTest(NOT_IDENTIFIABLE)
    predicted = float(weight @ points.predicted)
    by_shared = weight @ points.predicted_gradient
    measured = points.among(np.zeros(by_shared.size), weight * points.escape_temperatures)
    prediction = points.among(by_shared, np.zeros(weight.size))
    difference = float(weight @ points.escape_temperatures) - predicted
    error = _stderr(measured - prediction, points.covariance)
    sigmas = difference / error if error > 0.0 else math.copysign(math.inf, difference)
    measured_mean = difference + predicted
    if error > USELESS_PRECISION * min(predicted, measured_mean):
        verdict = NOT_IDENTIFIABLE
    elif abs(sigmas) <= DECISIVE_SIGMAS:
        verdict = AGREES
    else:
        verdict = HOTTER if sigmas > 0.0 else COLDER
    return TunnellingTest(verdict, predicted, _stderr(prediction, points.covariance), difference, error, sigmas)


def _scatter(values: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    """Return the chi-square of values about their best mean, given the covariance of their logarithms."""
    if not (np.isfinite(values).all() and np.isfinite(covariance).all()):
        return math.nan
    inverse = np.linalg.pinv(covariance * np.outer(values, values), hermitian=True)
    weight = inverse.sum(axis=0)
    rest = values - float(weight @ values) / float(weight.sum())
    return float(rest @ inverse @ rest)


def _stderr(gradient: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    return math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))
