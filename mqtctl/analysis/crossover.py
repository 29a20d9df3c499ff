"""The crossover temperature: from theory with the fitted junction, and from the measured curve."""

from __future__ import annotations

from collections.abc import Sequence

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
    bath: Sequence[float],
    escape: Sequence[float],
    stderr: Sequence[float],
    predicted: Sequence[float],
    plateau: tuple[float, float, float],
    last_saturated: float,
) -> MeasuredCrossover | None:
    """Return where T_esc(T) first passes `RISE` times its saturation, by straight lines between points.

    Parameters
    ----------
    bath, escape, stderr
        Bath temperature, a_t = 1 escape temperature and its statistical standard error in K, in order of the bath.
    predicted
        What the escape model gives for `escape`, in K.
    plateau
        Saturation, its statistical standard error, and the saturation the model predicts, in K.
    last_saturated
        Highest bath temperature in K that counts as saturated; the search begins there.
    """
    level, level_stderr, predicted_level = plateau
    found = _first_passage(bath, escape, RISE * level, last_saturated)
    if found is None:
        return None
    temperature, upper = found
    lower = upper - 1
    slope = (escape[upper] - escape[lower]) / (bath[upper] - bath[lower])
    fraction = (temperature - bath[lower]) / (bath[upper] - bath[lower])
    variance = ((1.0 - fraction) * stderr[lower]) ** 2 + (fraction * stderr[upper]) ** 2
    error = float(np.sqrt(variance + (RISE * level_stderr) ** 2)) / slope
    theory = _first_passage(bath, predicted, RISE * predicted_level, last_saturated)
    return MeasuredCrossover(temperature, error, RISE, None if theory is None else theory[0])


def _first_passage(
    bath: Sequence[float], curve: Sequence[float], level: float, beyond: float
) -> tuple[float, int] | None:
    """Return where `curve` first rises through `level` above the bath `beyond`, and the index after it."""
    for index in range(1, len(bath)):
        low, high = curve[index - 1], curve[index]
        if bath[index] > beyond and bath[index] > bath[index - 1] and low < level <= high:
            fraction = (level - low) / (high - low)
            return bath[index - 1] + fraction * (bath[index] - bath[index - 1]), index
    return None
