"""Joint maximum-likelihood fit of several histograms: one critical current, a temperature each.

Only histograms taken well above the crossover belong here. A thermal law fitted to a tunnelling histogram would pull
the critical current down by 0.1 %, and the theory of tunnelling would make the test for tunnelling circular.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from mqtctl.analysis.histogram.escape_temperature import thermal_start
from mqtctl.analysis.histogram.fit import FreeRates
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.likelihood import log_likelihood, slope
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.analysis.histogram.scoring import maximise
from mqtctl.analysis.histogram.starting_values import Start, starting_values
from mqtctl.physics import EscapeModel
from mqtctl.records import JunctionEstimate

__all__ = ["JointFit", "fit_joint"]


@dataclass(frozen=True)
class JointFit:
    """Shared critical current and the temperature of each histogram.

    Attributes
    ----------
    critical_current
        In A.
    temperatures
        In K, one per histogram.
    log_likelihood
        Sum over the histograms at the maximum.
    pulls
        How many standard errors each histogram alone would like the critical current to be higher
        than the shared one; nan if there is only one histogram.
    chi2, dof, pvalue
        Score test (Rao, Proc. Camb. Phil. Soc. 44, 50 (1948)) that all agree on one critical current.
    converged
        Whether the maximum was found.
    """

    critical_current: float
    temperatures: tuple[float, ...]
    log_likelihood: float
    pulls: tuple[float, ...]
    chi2: float
    dof: int
    pvalue: float | None
    converged: bool


def fit_joint(histograms: Sequence[ReducedHistogram], estimate: JunctionEstimate, model: EscapeModel) -> JointFit:
    """Fit one shared critical current and one free temperature per histogram.

    Parameters
    ----------
    histograms
        At least one, all thermal.
    estimate
        Capacitance and resistance are used.
    model
        Full thermal physics: with a_t = 1 the neglected damping and quantum corrections would shift Ic by several
        standard errors.
    """
    lower_bound = max(reduced.largest for reduced in histograms)
    starts = [starting_values(reduced, estimate).critical_current for reduced in histograms]
    distance = min(start - reduced.largest for start, reduced in zip(starts, histograms, strict=True))
    first = max(float(np.median(starts)), lower_bound + 0.2 * abs(distance))
    junction = junction_of(estimate, first)
    parts = [
        FreeRates(reduced, estimate, model, Start(first, thermal_start(reduced, junction)), lower_bound)
        for reduced in histograms
    ]
    number = len(parts)

    def pair(parameters: NDArray[np.float64], index: int) -> NDArray[np.float64]:
        return parameters[[0, index + 1]]

    def value(parameters: NDArray[np.float64]) -> float:
        return sum(log_likelihood(part.reduced, part(pair(parameters, index))) for index, part in enumerate(parts))

    def gradient_and_information(
        parameters: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        gradient, information = np.zeros(number + 1), np.zeros((number + 1, number + 1))
        for index, part in enumerate(parts):
            block = slope(part.reduced, part, pair(parameters, index))
            where = np.array([0, index + 1])
            gradient[where] += block.gradient
            information[np.ix_(where, where)] += block.information
        return gradient, information

    start = np.concatenate([parts[0].start[:1], np.zeros(number)])
    found = maximise(value, gradient_and_information, start)
    physical = [part.physical(pair(found.parameters, index)) for index, part in enumerate(parts)]
    blocks = [slope(part.reduced, part, pair(found.parameters, index)) for index, part in enumerate(parts)]
    pulls, chi2 = _agreement([(block.gradient, block.information) for block in blocks])
    return JointFit(
        critical_current=physical[0][0],
        temperatures=tuple(temperature for _, temperature in physical),
        log_likelihood=found.value,
        pulls=pulls,
        chi2=chi2,
        dof=number - 1,
        pvalue=float(gammaincc(0.5 * (number - 1), 0.5 * chi2)) if number > 1 else None,
        converged=found.converged,
    )


def _agreement(
    blocks: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[tuple[float, ...], float]:
    """Return the pull of each histogram on the shared critical current, and the sum of squares that tests them."""
    score, weight = np.zeros(len(blocks)), np.zeros(len(blocks))
    for index, (gradient, information) in enumerate(blocks):
        if information[1, 1] > 0.0:
            ratio = information[0, 1] / information[1, 1]
            score[index] = gradient[0] - ratio * gradient[1]
            weight[index] = max(information[0, 0] - ratio * information[0, 1], 0.0)
    total = float(weight.sum())
    pulls, chi2 = [], 0.0
    for each, own in zip(score.tolist(), weight.tolist(), strict=True):
        variance = own * (1.0 - own / total) if total > 0.0 else 0.0
        pulls.append(each / math.sqrt(variance) if variance > 0.0 else math.nan)
        chi2 += each**2 / own if own > 0.0 else 0.0
    return tuple(pulls), chi2
