"""Covariance of everything that a sweep estimates, by stacked estimating equations.

The capacitance (from the sample file), the shared critical current and the temperatures of the joint fit, and the
escape temperature of each point solve a triangle of equations ψ = 0. With A = -∂ψ/∂η and M the summed outer products of
the scores of single switches, the covariance of η is A⁻¹ M A⁻ᵀ (Stefanski and Boos, Am. Stat. 56, 29 (2002),
Eq. 6). It holds where the law fitted is not the law that nature used, and it knows that a thermal histogram enters
twice: through the critical current and through its own escape temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.escape_temperature import KnownJunctionRates
from mqtctl.analysis.histogram.likelihood import observed_information, scores, slope
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.physics import EscapeModel, Junction

__all__ = ["Curvature", "StackedCovariance", "curvature", "stack"]

CAPACITANCE, CURRENT, TEMPERATURE = range(3)


@dataclass(frozen=True)
class Curvature:
    """Second-order picture of one histogram's likelihood in (ln C, Ic/Ic0, ln T).

    Attributes
    ----------
    information
        Observed information, shape (3, 3).
    event
        Score of one switch as a function of current, shape (3, n_event); see `likelihood.scores`.
    censored
        Score of one censored ramp, shape (3,).
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
    """Covariance of (ln C, Ic/Ic0, ln T of the joint fit ..., ln T_esc of the points ...).

    Attributes
    ----------
    matrix
        Shape (n, n), n = 2 + joint + points.
    own
        Variance of each estimate with all others held, shape (n,).
    joint
        Number of histograms in the joint fit.
    """

    matrix: NDArray[np.float64]
    own: NDArray[np.float64]
    joint: int


def curvature(reduced: ReducedHistogram, junction: Junction, model: EscapeModel, temperature: float) -> Curvature:
    """Return the second-order picture at a junction and a temperature in K."""
    rates = KnownJunctionRates(reduced, junction, model, temperature)
    centre = np.zeros(3)
    event, censored = scores(reduced, slope(reduced, rates, centre))
    scale = np.array([1.0, junction.critical_current / rates.distance, 1.0])
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
    """
    size = 2 + len(joint) + len(points)
    bread, meat = np.zeros((size, size)), np.zeros((size, size))
    bread[0, 0], meat[0, 0] = 1.0, capacitance_relative_stderr**2
    for index, part in enumerate(joint):
        row = 2 + index
        bread[1, :2] += part.information[CURRENT, :2]
        bread[1, row] = part.information[CURRENT, TEMPERATURE]
        bread[row, [0, 1, row]] = part.information[TEMPERATURE]
        meat[1, 1] += part.product(CURRENT, part, CURRENT)
        meat[1, row] = meat[row, 1] = part.product(CURRENT, part, TEMPERATURE)
        meat[row, row] = part.product(TEMPERATURE, part, TEMPERATURE)
    for index, (part, twin) in enumerate(zip(points, same, strict=True)):
        row = 2 + len(joint) + index
        bread[row, [0, 1, row]] = part.information[TEMPERATURE]
        meat[row, row] = part.product(TEMPERATURE, part, TEMPERATURE)
        if twin is not None:
            meat[row, 1] = meat[1, row] = part.product(TEMPERATURE, joint[twin], CURRENT)
            column = 2 + twin
            meat[row, column] = meat[column, row] = part.product(TEMPERATURE, joint[twin], TEMPERATURE)
    own = np.diag(meat) / np.diag(bread) ** 2
    inverse = np.linalg.inv(bread / np.diag(bread)[:, np.newaxis])
    scaled = meat / np.outer(np.diag(bread), np.diag(bread))
    return StackedCovariance(inverse @ scaled @ inverse.T, own, len(joint))
