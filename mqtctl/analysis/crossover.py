"""The crossover temperature: from theory with the fitted junction, and from the measured curve."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.results import MeasuredCrossover
from mqtctl.physics import Junction

__all__ = ["RISE", "crossover_temperature", "measured_crossover"]

RISE = 1.10


def crossover_temperature(
    junction: Junction, bias_current: float, shared_covariance: NDArray[np.float64]
) -> tuple[float, float]:
    """Return ħ ω_R / (2 π k_B) in K at a bias current (A), and its standard error from Ic and C.

    Grabert and Weiss, PRL 53, 1787 (1984), Eq. 3: ω_R = ω_p [(1 + 1/4Q²)^½ - 1/2Q].

    Parameters
    ----------
    junction
        With the shared critical current and the sample's C and R.
    bias_current
        Mean switching current of the saturated points in A.
    shared_covariance
        Covariance of (ln C, Ic/Ic0), shape (2, 2).
    """
    centre = float(junction.crossover_temperature(bias_current))
    step = 1e-3
    by_capacitance = (
        _at(junction, bias_current, np.exp(step), 1.0) - _at(junction, bias_current, np.exp(-step), 1.0)
    ) / (2.0 * step)
    shift = 0.01 * (1.0 - bias_current / junction.critical_current)
    by_current = (_at(junction, bias_current, 1.0, 1.0 + shift) - _at(junction, bias_current, 1.0, 1.0 - shift)) / (
        2.0 * shift
    )
    gradient = np.array([by_capacitance, by_current])
    return centre, float(np.sqrt(gradient @ shared_covariance @ gradient))


def _at(junction: Junction, bias_current: float, capacitance: float, critical_current: float) -> float:
    other = Junction(
        junction.critical_current * critical_current, junction.capacitance * capacitance, junction.resistance
    )
    return float(other.crossover_temperature(bias_current))


def measured_crossover(
    bath: NDArray[np.float64],
    escape: NDArray[np.float64],
    covariance: NDArray[np.float64],
    predicted: NDArray[np.float64],
    plateau_weights: NDArray[np.float64],
) -> MeasuredCrossover | None:
    """Return where T_esc(T) first passes `RISE` times its saturation, by straight lines between points.

    Parameters
    ----------
    bath
        Bath temperatures in K, ascending, shape (n_point,).
    escape, covariance
        a_t = 1 escape temperatures in K, shape (n_point,), and their covariance in K², (n_point, n_point).
    predicted
        What the escape model gives for `escape`, in K, shape (n_point,).
    plateau_weights
        Weights with which the points make up the saturation, sum 1, 0 for those that are not saturated; the search
        begins above the last that is.
    """
    last_saturated = int(np.flatnonzero(plateau_weights)[-1])
    found = _first_passage(bath, escape, RISE * float(plateau_weights @ escape), last_saturated)
    if found is None:
        return None
    temperature, upper = found
    lower = upper - 1
    slope = (escape[upper] - escape[lower]) / (bath[upper] - bath[lower])
    fraction = (temperature - bath[lower]) / (bath[upper] - bath[lower])
    gradient = RISE * plateau_weights
    gradient[lower] -= 1.0 - fraction
    gradient[upper] -= fraction
    error = math.sqrt(max(float(gradient @ covariance @ gradient), 0.0)) / float(slope)
    theory = _first_passage(bath, predicted, RISE * float(plateau_weights @ predicted), last_saturated)
    return MeasuredCrossover(temperature, error, RISE, None if theory is None else theory[0])


def _first_passage(
    bath: NDArray[np.float64], curve: NDArray[np.float64], level: float, beyond: int
) -> tuple[float, int] | None:
    """Return where `curve` first rises through `level` after the point `beyond`, and the index after it."""
    for upper in range(beyond + 1, bath.size):
        low, high = float(curve[upper - 1]), float(curve[upper])
        if bath[upper] > bath[upper - 1] and low < level <= high:
            fraction = (level - low) / (high - low)
            return float(bath[upper - 1] + fraction * (bath[upper] - bath[upper - 1])), upper
    return None
