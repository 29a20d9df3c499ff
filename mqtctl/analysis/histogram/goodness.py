"""Does the fitted law describe the histogram? Kolmogorov and Smirnov's test, corrected for fitted parameters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import kolmogorov

from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.analysis.histogram.results import GoodnessOfFit

__all__ = ["compared", "goodness_of_fit", "kolmogorov_pvalue"]

# Modified distance (√n + 0.12 + 0.11/√n) D that is exceeded with these probabilities after a maximum-likelihood fit of
# one parameter (T, Ic known) or two (T and Ic): 12 000 replicas of 1000 switches at 300 mK, Ic 9.489 uA, C 6.35 pF,
# 1 mA/s, a_t = 1 (docs/make/analysis_goodness_table.py). The law is close to Gumbel's, whose published values
# for two parameters (Chandra, Singpurwalla and Stephens, JASA 76, 729 (1981)) are 0.803, 0.874, 1.007 at 10, 5, 1 %.
PROBABILITIES = np.array([1.0, 0.99, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001])
DISTANCES = {
    1: np.array([0.0, 0.400, 0.502, 0.578, 0.686, 0.821, 0.966, 1.056, 1.165, 1.251, 1.319, 1.404, 1.497]),
    2: np.array([0.0, 0.372, 0.459, 0.524, 0.612, 0.718, 0.827, 0.897, 0.980, 1.032, 1.094, 1.146, 1.221]),
}
TAIL_SLOPES = {1: -3.5, 2: -5.7}  # d ln p / d distance², from 5 % to 0.1 %; continued beyond

MOST_CELLS = 64  # of rounded values, above which they are as good as exact
SIMULATED = 4000  # histograms
FAR = 0.01  # of them: beyond their quantile the tail is continued


def goodness_of_fit(reduced: ReducedHistogram, rate: NDArray[np.float64], fitted_parameters: int) -> GoodnessOfFit:
    """Compare the switches with the law whose rates (1/s, shape (n_node,)) are given.

    With ramps censored at the top the comparison is conditional on having switched before it. Rounded switches are
    compared at the ends of their intervals, where their number is known (`compared`).
    """
    hazard = reduced.cumulative(rate)
    currents, at_or_below, below = reduced.steps
    expected = -np.expm1(-np.maximum(reduced.interpolate(hazard, currents), 0.0))
    if reduced.censored:
        expected /= -math.expm1(-float(rate @ (reduced.lead_weight + reduced.top_weight)))
    number = reduced.switches
    distance = float(max((at_or_below / number - expected).max(), (expected - below / number).max()))
    return compared(distance, number, fitted_parameters, None if reduced.rounding is None else expected)


def compared(
    distance: float, number: int, fitted_parameters: int, at_edges: NDArray[np.float64] | None = None
) -> GoodnessOfFit:
    """Return the test that has this distance of `number` switches.

    Parameters
    ----------
    at_edges
        Fitted distribution at the ends of the intervals that rounded values stand for, ascending; None: exact ones.
        Where these are few the largest distance is smaller than that of exact values, and its law is simulated.
    """
    if at_edges is not None:
        share = np.diff(np.clip(at_edges, 0.0, 1.0), prepend=0.0, append=1.0)
        share = share[share > 1e-9]
        if share.size <= MOST_CELLS:
            modified = math.sqrt(number) * distance
            after_fit, before = (_simulated(modified, share, fitted) for fitted in (fitted_parameters, 0))
            return GoodnessOfFit(distance, after_fit, before, fitted_parameters)
    return GoodnessOfFit(
        distance,
        kolmogorov_pvalue(distance, number, fitted_parameters),
        kolmogorov_pvalue(distance, number, 0),
        fitted_parameters,
    )


def _simulated(distance: float, share: NDArray[np.float64], fitted_parameters: int) -> float:
    """Return the probability of a larger √n D of counts with these expected shares, after a fit of location and scale.

    Counts deviate by Gaussians, less what a fit takes out: the part along the derivatives of the shares by its
    parameters, here those of Gumbel's law, near which all escape laws are.
    """
    root = np.sqrt(share)
    below = np.clip(np.cumsum(share)[:-1], 1e-15, 1.0 - 1e-15)
    reduced = np.log(-np.log1p(-below))
    density = np.exp(reduced) * (1.0 - below)
    columns = [root]
    for derivative in (density, reduced * density)[:fitted_parameters]:
        columns.append(np.diff(derivative, prepend=0.0, append=0.0) / root)
    taken = np.linalg.qr(np.column_stack(columns))[0]
    deviation = np.random.default_rng(1933).standard_normal((SIMULATED, share.size))
    deviation -= (deviation @ taken) @ taken.T
    largest = np.abs(np.cumsum(deviation * root, axis=1)[:, :-1]).max(axis=1, initial=0.0)
    far = float(np.quantile(largest, 1.0 - FAR))
    if distance <= far:
        return float((1 + np.count_nonzero(largest >= distance)) / (1 + SIMULATED))
    slope = TAIL_SLOPES.get(fitted_parameters, -2.0)
    return float(FAR * math.exp(slope * (distance**2 - far**2)))


def kolmogorov_pvalue(distance: float, number: int, fitted_parameters: int) -> float:
    """Return the probability of a larger Kolmogorov-Smirnov distance.

    Parameters
    ----------
    distance
        Largest distance of the two distributions, 0 to 1.
    number
        Number of switches.
    fitted_parameters
        0: the law was known beforehand (Kolmogorov's limit with Stephens' correction, JRSS B 32, 115 (1970)).
        1 or 2: that many parameters were fitted to the same data (interpolated from a table made by simulation,
        valid to some 10 % of p above 0.002).
    """
    root = math.sqrt(number)
    modified = (root + 0.12 + 0.11 / root) * distance
    if fitted_parameters == 0:
        return float(kolmogorov(modified))
    table = DISTANCES[fitted_parameters]
    if modified <= table[-1]:
        return float(np.exp(np.interp(modified**2, table**2, np.log(PROBABILITIES))))
    slope = TAIL_SLOPES[fitted_parameters]
    return float(PROBABILITIES[-1] * np.exp(slope * (modified**2 - table[-1] ** 2)))
