"""Noise thermometry: above the crossover the junction is a thermometer; this compares it with the bath's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from mqtctl.analysis.sweep.results import NoiseThermometry

__all__ = ["noise_thermometry"]


def noise_thermometry(
    points: tuple[int, ...],
    temperatures: NDArray[np.float64],
    log_covariance: NDArray[np.float64],
    bath: NDArray[np.float64],
    bath_std: NDArray[np.float64],
) -> NoiseThermometry:
    """Compare the temperatures of the joint fit with the bath.

    The weights are inverse variances; the standard error and the test use the full covariance, because an
    error of the shared critical current moves all temperatures together.

    Parameters
    ----------
    points
        Indices of the thermal points, (n_point,).
    temperatures, log_covariance
        From the joint fit: K, shape (n_point,), and the covariance of their logarithms, (n_point, n_point).
    bath, bath_std
        Bath temperature and its scatter in K, shape (n_point,); the scatter counts as an uncertainty of the bath.
    """
    ratio = temperatures / bath
    covariance = log_covariance * np.outer(ratio, ratio) + np.diag((ratio * bath_std / bath) ** 2)
    weight = 1.0 / np.diag(covariance)
    weight /= weight.sum()
    slope = float(weight @ ratio)
    stderr = float(np.sqrt(weight @ covariance @ weight))
    if ratio.size < 2:
        return NoiseThermometry(slope, stderr, points)
    scatter = float(np.sqrt(weight @ (ratio - slope) ** 2 * ratio.size / (ratio.size - 1)))
    # differences to the first point: their covariance is regular, and testing them tests equality
    contrast = np.hstack([-np.ones((ratio.size - 1, 1)), np.eye(ratio.size - 1)])
    difference = contrast @ ratio
    chi2 = float(difference @ np.linalg.solve(contrast @ covariance @ contrast.T, difference))
    dof = ratio.size - 1
    return NoiseThermometry(slope, stderr, points, scatter, chi2, dof, float(gammaincc(0.5 * dof, 0.5 * chi2)))
