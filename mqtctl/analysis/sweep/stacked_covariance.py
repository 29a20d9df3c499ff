"""Covariance of everything that a sweep estimates, by stacked estimating equations.

Capacitance and resistance (from the sample file), the shared critical current and the temperatures of the joint fit,
and the escape temperature of each point solve a triangle of equations ψ = 0. With A = -∂ψ/∂η and M the summed outer
products of the scores of single switches, the covariance of η is A⁻¹ M A⁻ᵀ (Stefanski and Boos, Am. Stat. 56, 29
(2002), Eq. 6). It holds where the law fitted is not the law that nature used, and it knows that a thermal histogram
enters twice: through the critical current and through its own escape temperature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.escape_temperature import KnownJunctionRates
from mqtctl.analysis.histogram.likelihood import observed_information, scores, slope
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.physics import EscapeModel, Junction

__all__ = ["Curvature", "StackedCovariance", "curvature", "stack"]

CAPACITANCE, CURRENT, TEMPERATURE, RESISTANCE = range(4)


@dataclass(frozen=True)
class Curvature:
    """Second-order picture of one histogram's likelihood in (ln C, Ic/Ic0, ln T), and ln R where it has an error.

    Attributes
    ----------
    information
        Observed information, shape (n, n), n = 3 or 4.
    event
        Score of one switch as a function of current, shape (n, n_event); see `likelihood.scores`.
    censored
        Score of one censored ramp, shape (n,).
    reduced
        The histogram it belongs to.
    """

    information: NDArray[np.float64]
    event: NDArray[np.float64]
    censored: NDArray[np.float64]
    reduced: ReducedHistogram

    def product(self, row: int, other: Curvature, column: int) -> float:
        """Return the sum over ramps of this score's `row` times the other's `column`."""
        switched = float(self.reduced.score_weight @ (self.event[row] * other.event[column]))
        return switched + self.reduced.censored * float(self.censored[row] * other.censored[column])


@dataclass(frozen=True)
class StackedCovariance:
    """Covariance of (ln C, Ic/Ic0, ln T of the joint fit ..., ln T_esc of the points ..., ln R where it has an error).

    Attributes
    ----------
    matrix
        Shape (n, n), n = 2 + joint + points, and one more with ln R.
    own
        Variance of each estimate with all others held, shape (n,).
    joint
        Number of histograms in the joint fit.
    shared
        Rows of what all points share: (ln C, Ic/Ic0), and ln R where it has an error.
    """

    matrix: NDArray[np.float64]
    own: NDArray[np.float64]
    joint: int
    shared: tuple[int, ...] = (0, 1)

    @property
    def statistical_current_variance(self) -> float:
        """Variance of Ic/Ic0 without the part that comes from C and R, which are known from elsewhere."""
        by_known = math.fsum(
            self.matrix[row, 1] ** 2 / self.matrix[row, row]
            for row in self.shared
            if row != 1 and self.matrix[row, row]
        )
        return float(self.matrix[1, 1]) - by_known


def curvature(
    reduced: ReducedHistogram, junction: Junction, model: EscapeModel, temperature: float, by_resistance: bool = False
) -> Curvature:
    """Return the second-order picture at a junction and a temperature in K, with ln R in it or without."""
    rates = KnownJunctionRates(reduced, junction, model, temperature)
    centre = np.zeros(3 + by_resistance)
    event, censored = scores(reduced, slope(reduced, rates, centre))
    scale = np.ones(centre.size)
    scale[CURRENT] = junction.critical_current / rates.distance
    return Curvature(
        observed_information(reduced, rates, centre) * np.outer(scale, scale),
        event * scale[:, np.newaxis],
        censored * scale,
        reduced,
    )


def stack(
    joint: Sequence[Curvature],
    points: Sequence[Curvature],
    same: Sequence[int | None],
    capacitance_relative_stderr: float,
    resistance_relative_stderr: float = 0.0,
) -> StackedCovariance:
    """Return the covariance of all estimates.

    Parameters
    ----------
    joint
        Histograms of the joint fit, with its model.
    points
        Histograms with an escape temperature, with the model that defines it.
    same
        For each point, the index in `joint` of the same histogram, None if it is not there.
    capacitance_relative_stderr
        Standard error of ln C; 0 if the capacitance is taken as exact.
    resistance_relative_stderr
        Standard error of ln R; 0 if the resistance is taken as exact: then the pictures need no ln R.
    """
    damped = resistance_relative_stderr > 0.0
    size = 2 + len(joint) + len(points) + damped
    bread, meat = np.zeros((size, size)), np.zeros((size, size))
    bread[0, 0], meat[0, 0] = 1.0, capacitance_relative_stderr**2
    if damped:
        bread[-1, -1], meat[-1, -1] = 1.0, resistance_relative_stderr**2
    for index, part in enumerate(joint):
        row = 2 + index
        if damped:
            bread[1, -1] += part.information[CURRENT, RESISTANCE]
            bread[row, -1] = part.information[TEMPERATURE, RESISTANCE]
        bread[1, :2] += part.information[CURRENT, :2]
        bread[1, row] = part.information[CURRENT, TEMPERATURE]
        bread[row, [0, 1, row]] = part.information[TEMPERATURE, :RESISTANCE]
        meat[1, 1] += part.product(CURRENT, part, CURRENT)
        meat[1, row] = meat[row, 1] = part.product(CURRENT, part, TEMPERATURE)
        meat[row, row] = part.product(TEMPERATURE, part, TEMPERATURE)
    for index, (part, twin) in enumerate(zip(points, same, strict=True)):
        row = 2 + len(joint) + index
        if damped:
            bread[row, -1] = part.information[TEMPERATURE, RESISTANCE]
        bread[row, [0, 1, row]] = part.information[TEMPERATURE, :RESISTANCE]
        meat[row, row] = part.product(TEMPERATURE, part, TEMPERATURE)
        if twin is not None:
            meat[row, 1] = meat[1, row] = part.product(TEMPERATURE, joint[twin], CURRENT)
            column = 2 + twin
            meat[row, column] = meat[column, row] = part.product(TEMPERATURE, joint[twin], TEMPERATURE)
    own = np.diag(meat) / np.diag(bread) ** 2
    inverse = np.linalg.inv(bread / np.diag(bread)[:, np.newaxis])
    scaled = meat / np.outer(np.diag(bread), np.diag(bread))
    return StackedCovariance(inverse @ scaled @ inverse.T, own, len(joint), (0, 1, size - 1) if damped else (0, 1))
