"""The crossover temperature: from theory with the fitted junction, and from the measured curve."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.sweep.results import CrossoverAtRate, MeasuredCrossover
from mqtctl.physics import Junction

__all__ = ["RISE", "Curve", "crossover_temperature", "measured_crossover", "rate_series"]

RISE = 1.10
#: Measured rates of the same planned one differ by less than this, relatively.
SAME_RATE = 0.05
#: Baths set to the same temperature differ by less than this, relatively; a settled one is within a percent.
SAME_TEMPERATURE = 0.02


def crossover_temperature(
    junction: Junction, bias_current: float, shared_covariance: NDArray[np.float64]
) -> tuple[float, float]:
    """Return ħ ω_R / (2 π k_B) in K at a bias current (A), and its standard error from Ic, C and R.

    Grabert and Weiss, PRL 53, 1787 (1984), Eq. 3: ω_R = ω_p [(1 + 1/4Q²)^½ - 1/2Q].

    Parameters
    ----------
    junction
        With the shared critical current and the sample's C and R.
    bias_current
        Mean switching current of the saturated points in A.
    shared_covariance
        Covariance of (ln C, Ic/Ic0), and ln R where it has an error, shape (2, 2) or (3, 3).
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
    if len(shared_covariance) > gradient.size:
        ends = [_at(junction, bias_current, 1.0, 1.0, float(np.exp(sign * step))) for sign in (1.0, -1.0)]
        gradient = np.append(gradient, (ends[0] - ends[1]) / (2.0 * step))
    return centre, float(np.sqrt(gradient @ shared_covariance @ gradient))


def _at(
    junction: Junction, bias_current: float, capacitance: float, critical_current: float, resistance: float = 1.0
) -> float:
    other = replace(
        junction,
        critical_current=junction.critical_current * critical_current,
        capacitance=junction.capacitance * capacitance,
        resistance=junction.resistance * resistance,
    )
    return float(other.crossover_temperature(bias_current))


@dataclass(frozen=True)
class Curve:
    """Escape temperature against bath temperature, of all points of a sweep in any order.

    Attributes
    ----------
    bath
        Bath temperatures in K, shape (n_point,).
    escape, covariance
        a_t = 1 escape temperatures in K, shape (n_point,), and their covariance in K², (n_point, n_point).
    predicted
        What the escape model gives for `escape`, in K, shape (n_point,).
    plateau_weights
        Weights with which the points make up the saturation, shape (n_point,), 0 for those that are not saturated.
    ramp_rates
        In A/s, shape (n_point,). The escape temperature depends on the current, and so on the rate.
    """

    bath: NDArray[np.float64]
    escape: NDArray[np.float64]
    covariance: NDArray[np.float64]
    predicted: NDArray[np.float64]
    plateau_weights: NDArray[np.float64]
    ramp_rates: NDArray[np.float64]


def measured_crossover(curve: Curve) -> MeasuredCrossover | str:
    """Return where T_esc(T) first passes `RISE` times its saturation, by straight lines between temperatures.

    Each ramp rate has a curve of its own and is compared with its own saturation. What was measured at one temperature,
    both polarities or the same one again, is averaged. The answer is the mean over the ramp rates, weighted by
    their errors, and the prediction is averaged with the same weights. Without an answer, returns why.
    """
    series = rate_series(curve.ramp_rates)
    found = [passage for members in series if (passage := _passage(curve, members)) is not None]
    if not found:
        saturated = curve.plateau_weights > 0.0
        if not any(saturated[members].any() and not saturated[members].all() for members in series):
            return "at no ramp rate are there points both well below the crossover and above it"
        return "the escape temperature does not leave its saturation"
    gradients = np.array([passage.gradient for passage in found])
    covariance = gradients @ curve.covariance @ gradients.T
    variances = np.maximum(np.diag(covariance), 1e-300)
    share = (1.0 / variances) / (1.0 / variances).sum()
    predicted = [passage.predicted for passage in found if passage.predicted is not None]
    return MeasuredCrossover(
        temperature=float(share @ [passage.temperature for passage in found]),
        temperature_stderr=math.sqrt(max(float(share @ covariance @ share), 0.0)),
        rise=RISE,
        predicted=float(share @ predicted) if len(predicted) == len(found) else None,
        by_rate=tuple(
            CrossoverAtRate(passage.rate, passage.temperature, math.sqrt(variance), passage.predicted)
            for passage, variance in zip(found, variances.tolist(), strict=True)
        ),
    )


def rate_series(rates: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Return the indices of the points of each ramp rate (A/s), in order of first appearance.

    Measured rates of one planned rate differ a little; one that is not known joins the first.
    """
    left = np.ones(rates.size, dtype=bool)
    series = []
    while left.any():
        first = rates[int(np.flatnonzero(left)[0])]
        alike = left & ~(np.abs(rates / first - 1.0) > SAME_RATE)
        left &= ~alike
        series.append(np.flatnonzero(alike))
    return series


@dataclass(frozen=True)
class _Passage:
    """Where the curve of one ramp rate (A/s) leaves its saturation, in K, measured and predicted.

    The gradient is that of the temperature with respect to all escape temperatures, shape (n_point,).
    """

    rate: float
    temperature: float
    gradient: NDArray[np.float64]
    predicted: float | None


def _passage(curve: Curve, members: NDArray[np.intp]) -> _Passage | None:
    """Return where the curve of these points passes; None if none of them is saturated, or it does not."""
    plateau = np.zeros(curve.bath.size)
    plateau[members] = curve.plateau_weights[members]
    if not plateau.sum() > 0.0:
        return None
    plateau /= plateau.sum()
    average = _averages(curve, members)
    bath, escape, predicted = (average @ values for values in (curve.bath, curve.escape, curve.predicted))
    last_saturated = int(np.flatnonzero(average @ plateau > 0.0)[-1])
    found = _first_passage(bath, escape, RISE * float(plateau @ curve.escape), last_saturated)
    if found is None:
        return None
    temperature, upper = found
    lower = upper - 1
    fraction = (temperature - bath[lower]) / (bath[upper] - bath[lower])
    slope = float((escape[upper] - escape[lower]) / (bath[upper] - bath[lower]))
    gradient = (RISE * plateau - (1.0 - fraction) * average[lower] - fraction * average[upper]) / slope
    theory = _first_passage(bath, predicted, RISE * float(plateau @ curve.predicted), last_saturated)
    rate = float(curve.ramp_rates[members[0]])
    return _Passage(rate, temperature, gradient, None if theory is None else theory[0])


def _averages(curve: Curve, members: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the weights that average points of one temperature, shape (n_temperature, n_point), ascending."""
    rows: list[NDArray[np.float64]] = []
    coldest = -math.inf
    for index in members[np.argsort(curve.bath[members], kind="stable")]:
        if not rows or curve.bath[index] > coldest * (1.0 + SAME_TEMPERATURE):
            coldest = float(curve.bath[index])
            rows.append(np.zeros(curve.bath.size))
        rows[-1][index] = 1.0 / max(float(curve.covariance[index, index]), 1e-300)
    weights = np.array(rows)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _first_passage(
    bath: NDArray[np.float64], curve: NDArray[np.float64], level: float, beyond: int
) -> tuple[float, int] | None:
    """Return where `curve` first rises through `level` after the point `beyond`, and the index after it."""
    for upper in range(beyond + 1, bath.size):
        low, high = float(curve[upper - 1]), float(curve[upper])
        if low < level <= high:
            fraction = (level - low) / (high - low)
            return float(bath[upper - 1] + fraction * (bath[upper] - bath[upper - 1])), upper
    return None
