"""Log-likelihood of switching currents under any escape model, with gradient, information and scores.

Parameters enter through a `rates` function that returns ln Γ on the nodes of a `ReducedHistogram`; derivatives are
central differences in parameters that are scaled so that a step of `STEP` is small for all of them.
The information is Fisher's, Jᵀ diag(exposure Γ) J with J = ∂ ln Γ/∂θ (Andersen et al., *Statistical Models Based on
Counting Processes*, Eq. 6.1.11): always positive, and what scoring needs. `observed_information` adds the second
derivatives, for the standard errors. Switches that are known by intervals only (`intervals.py`) have an event weight
that depends on the rates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.censoring import log_empty, surviving
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram

__all__ = ["LogRate", "Slope", "first_order", "log_likelihood", "observed_information", "scores", "slope"]

STEP = 2e-3  # parameters are logarithms: truncation (STEP²/6) stays below 1e-6, rounding below 1e-11

LogRate = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From parameters, shape (n_parameter,), to ln(Γ / 1 s⁻¹) on the nodes, shape (n_node,)."""


@dataclass(frozen=True)
class Slope:
    """First-order picture of the likelihood at one set of parameters.

    Attributes
    ----------
    rate
        Γ on the nodes in 1/s, shape (n_node,).
    jacobian
        ∂ ln Γ/∂θ, shape (n_parameter, n_node); 0 where Γ is 0.
    gradient
        ∂ ln L/∂θ, shape (n_parameter,).
    information
        Fisher information, shape (n_parameter, n_parameter).
    log_rate
        ln Γ on the nodes, shape (n_node,).
    survivors
        How many of the empty ramps survived, by this law.
    """

    rate: NDArray[np.float64]
    jacobian: NDArray[np.float64]
    gradient: NDArray[np.float64]
    information: NDArray[np.float64]
    log_rate: NDArray[np.float64]
    survivors: float

    def at_risk(self, reduced: ReducedHistogram) -> NDArray[np.float64]:
        """Return the expected number of switches at each node, shape (n_node,)."""
        return (reduced.exposure + self.survivors * reduced.whole_ramp) * self.rate

    def unseen(self, reduced: ReducedHistogram) -> NDArray[np.float64]:
        """Return the information that is lost with the share of missed stops, (n_parameter, n_parameter)."""
        if reduced.all_survived or self.survivors == 0.0:
            return np.zeros_like(self.information)
        change = self.jacobian @ (reduced.whole_ramp * self.rate)
        # n S/(1-S)², S/(1-S) being survivors/n
        return self.survivors * (1.0 + self.survivors / reduced.switches) * np.outer(change, change)


def log_likelihood(reduced: ReducedHistogram, log_rate: NDArray[np.float64]) -> float:
    """Return ln L for ln Γ on the nodes, shape (n_node,); -inf if a switch is impossible.

    Exact switches enter with densities in 1/A, rounded ones with the probability of their interval.
    """
    weighted = reduced.event_weight != 0.0
    seen = log_rate[weighted]
    if not np.isfinite(seen).all():
        return -np.inf
    with np.errstate(over="ignore"):
        rate = np.exp(log_rate)
        expected, hazard = float(reduced.exposure @ rate), float(reduced.whole_ramp @ rate)
    if not (np.isfinite(expected) and np.isfinite(hazard)):
        return -np.inf
    empty = -reduced.censored * hazard
    if not reduced.all_survived:
        empty = log_empty(reduced.switches, reduced.censored, hazard)
    if reduced.intervals is not None:
        return reduced.intervals.log_probability(log_rate[reduced.body]) - expected + empty
    found = float(reduced.event_weight[weighted] @ seen)
    return found - expected + empty - reduced.switches * float(np.log(reduced.ramp_rate))


def slope(reduced: ReducedHistogram, rates: LogRate, parameters: NDArray[np.float64]) -> Slope:
    """Return gradient and Fisher information of ln L at `parameters`, shape (n_parameter,)."""
    centre = rates(parameters)
    jacobian = np.array(
        [
            _difference(rates(parameters + shift), rates(parameters - shift), centre)
            for shift in STEP * np.eye(parameters.size)
        ]
    )
    return first_order(reduced, centre, jacobian)


def first_order(reduced: ReducedHistogram, centre: NDArray[np.float64], jacobian: NDArray[np.float64]) -> Slope:
    """Return the same from ln Γ on the nodes, shape (n_node,), and its derivatives, (n_parameter, n_node)."""
    rate = np.exp(centre)
    survivors = float(reduced.censored)
    if not reduced.all_survived:
        survivors = surviving(reduced.switches, reduced.censored, float(reduced.whole_ramp @ rate))
    number = len(jacobian)
    first = Slope(rate, jacobian, np.zeros(number), np.zeros((number, number)), centre, survivors)
    expected = first.at_risk(reduced)
    information = (jacobian * expected) @ jacobian.T
    if survivors < reduced.censored:  # else the climb follows the bound
        information = _positive(information, first.unseen(reduced))
    first = replace(
        first,
        gradient=jacobian @ (_event_weight(reduced, centre) - expected),
        information=information,
    )
    if reduced.intervals is None:
        return first
    outside = expected.copy()
    outside[reduced.body] = 0.0
    information = (jacobian * outside) @ jacobian.T
    information += reduced.intervals.information(centre[reduced.body], jacobian[:, reduced.body])
    return replace(first, information=information)


def observed_information(
    reduced: ReducedHistogram, rates: LogRate, parameters: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return -∂² ln L/∂θ∂θ' at `parameters`, shape (n_parameter, n_parameter).

    That of a share of missed stops that is free, though it be fitted at its bound 0 (`censoring`).
    """
    first = slope(reduced, rates, parameters)
    step = 4.0 * STEP  # wider: a second difference divides the rates' rounding by the step squared
    expected = first.at_risk(reduced)
    residual = _event_weight(reduced, first.log_rate) - expected
    size = parameters.size
    unit = step * np.eye(size)
    centre = rates(parameters)
    result = (first.jacobian * expected) @ first.jacobian.T - first.unseen(reduced)
    if reduced.intervals is not None:
        result += reduced.intervals.curvature(centre[reduced.body], first.jacobian[:, reduced.body])
    for i in range(size):
        for j in range(i + 1):
            with np.errstate(invalid="ignore"):  # -inf - -inf where the rate is zero: left out below
                if i == j:
                    second = rates(parameters + unit[i]) + rates(parameters - unit[i]) - 2.0 * centre
                else:
                    second = 0.25 * (
                        rates(parameters + unit[i] + unit[j])
                        + rates(parameters - unit[i] - unit[j])
                        - rates(parameters + unit[i] - unit[j])
                        - rates(parameters - unit[i] + unit[j])
                    )
            usable = np.isfinite(second)
            value = float(residual[usable] @ second[usable]) / step**2
            result[i, j] -= value
            result[j, i] = result[i, j]
    return result


def scores(reduced: ReducedHistogram, first: Slope) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores of single ramps; `reduced.score_weight` says how often each event score counts.

    Returns
    -------
    tuple
        Scores ∂/∂θ [ln Γ(I) - H(I)] on the body nodes, shape (n_parameter, n_body), or those of the
        intervals, shape (n_parameter, n_cell); and -∂H(top)/∂θ, shape (n_parameter,). Where stops may have been
        missed (also where none seems to be), those of switches among the ramps that switched, and nothing for an
        empty ramp.
    """
    change = first.jacobian * first.rate
    censored = -(change @ reduced.whole_ramp)
    body = first.jacobian[:, reduced.body]
    if reduced.intervals is None:
        event = body - reduced.cumulative(change)
    else:
        lead = (change @ reduced.lead_weight)[:, np.newaxis]
        before = lead + change[:, reduced.body] @ reduced.intervals.to_low.T
        event = reduced.intervals.scores(first.log_rate[reduced.body], body) - before
    if reduced.all_survived or reduced.censored == 0:
        return event, censored
    return event + first.survivors / reduced.switches * censored[:, np.newaxis], np.zeros_like(censored)


def _positive(information: NDArray[np.float64], unseen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the information less what is unseen, at most so much of it that scoring can go on.

    F - k h h' is positive as long as k h' F^-1 h < 1; data that are not those of the law may be beyond that.
    """
    if not unseen.any():
        return information
    share = float(np.trace(np.linalg.lstsq(information, unseen)[0]))
    return information - unseen * min(1.0, 0.9 / share if share > 0.0 else 1.0)


def _event_weight(reduced: ReducedHistogram, log_rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ∂ ln L/∂ ln Γ on the nodes less the part of the exposure, shape (n_node,)."""
    if reduced.intervals is None:
        return reduced.event_weight
    weight = np.zeros_like(log_rate)
    weight[reduced.body] = reduced.intervals.event_weight(log_rate[reduced.body])
    return weight


def _difference(
    above: NDArray[np.float64], below: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    usable = np.isfinite(above) & np.isfinite(below) & np.isfinite(centre)
    result = np.zeros_like(centre)
    result[usable] = (above[usable] - below[usable]) / (2.0 * STEP)
    return result
