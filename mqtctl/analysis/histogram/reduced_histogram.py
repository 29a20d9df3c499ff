"""A histogram reduced to a few hundred weighted currents, on which a likelihood is exact and cheap.

Escape is a survival process with hazard Γ(I)/v per unit of current (Fulton and Dunkelberger, PRB 9, 4760 (1974),
Eq. 5), so the log-likelihood of switches at I_i and of c ramps that survived to the top I_top is

    ln L = Σ_i [ln Γ(I_i) - ln v - H(I_i)] - c H(I_top),     H(I) = ∫ Γ/v dI from the ramp's start,

the last term being another function of H(I_top) where stops may have been missed (`censoring`). Both ln Γ and H are
smooth, so on Chebyshev nodes between the smallest and the largest current the sum over events is a sum over nodes with
fixed weights, and the integrals are fixed quadratures of Γ at the same nodes:

    ln L = Σ_k event_weight_k ln Γ(I_k) - Σ_k exposure_k Γ(I_k) - n ln v - c H(I_top).

The weights are computed once; nothing is binned as far as the result is concerned (the interpolation error is below
1e-9 of the log-likelihood). More than 20 000 events are first gathered in 65 536 cells, each far
narrower than any feature of Γ: see docs/analysis.md for the measured error. Rounded values enter as the intervals that
they stand for (`intervals.py`), on the same nodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from mqtctl.analysis.histogram.intervals import Intervals, make_intervals
from mqtctl.analysis.histogram.quadrature import chebyshev_nodes, graded_panels, integration_matrix, to_coefficients
from mqtctl.analysis.histogram.rounding import Rounding, rounding_of
from mqtctl.errors import InputError
from mqtctl.records import Histogram

__all__ = ["ReducedHistogram", "expected_histogram", "reduce_histogram"]

EXACT_LIMIT = 20_000  # up to here every event enters by itself
FINE_CELLS = 65_536
COARSE_CELLS = 2_048
MINIMUM_SWITCHES = 10


@dataclass(frozen=True)
class ReducedHistogram:
    """Nodes and weights that replace the switching currents of one histogram.

    Attributes
    ----------
    currents
        Nodes in A, shape (n_node,): those below the smallest current, `body` between the smallest and
        the largest, those above up to the top of the ramp.
    event_weight
        Weight of ln Γ at each node, shape (n_node,); sums to the number of switches.
    exposure
        Weight of Γ at each node in s, shape (n_node,): time that the ramps with a switch spent at risk there.
    body
        Slice of the Chebyshev nodes in `currents`.
    lead_weight, top_weight
        Quadrature weights in s of ∫Γ dt from the start to the smallest current, and from there
        to the top of the ramp, both of shape (n_node,).
    smallest, largest
        Extreme switching currents in A.
    quantile_pair
        ((p, I), (p, I)): two quantiles of the switching current among all ramps, currents in A.
    steps
        Ascending currents in A, shape (n_step,), and how many switches lie at or below and strictly below each.
    switches, censored
        Number of switches fitted and of ramps without one.
    all_survived
        Whether it is known that no stop was missed among the latter.
    ramp_rate
        dI/dt in A/s.
    rounding, intervals
        What rounded switches stand for, in currents and as a likelihood; None if they are exact.
    """

    currents: NDArray[np.float64]
    event_weight: NDArray[np.float64]
    exposure: NDArray[np.float64]
    body: slice
    lead_weight: NDArray[np.float64]
    top_weight: NDArray[np.float64]
    smallest: float
    largest: float
    quantile_pair: tuple[tuple[float, float], tuple[float, float]]
    steps: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    switches: int
    censored: int
    ramp_rate: float
    rounding: Rounding | None = None
    intervals: Intervals | None = None
    all_survived: bool = False

    @property
    def whole_ramp(self) -> NDArray[np.float64]:
        """Quadrature weights in s of ∫Γ dt from the start to the top, shape (n_node,)."""
        return self.lead_weight + self.top_weight

    @property
    def score_weight(self) -> NDArray[np.float64]:
        """How often each event score of `likelihood.scores` counts, shape (n_event,)."""
        return self.event_weight[self.body] if self.intervals is None else self.intervals.counts

    @property
    def centre(self) -> float:
        """Mean switching current in A."""
        return float(self.event_weight @ self.currents) / self.switches

    def cumulative(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ∫values dt from the ramp's start to each body node, for values of shape (..., n_node)."""
        matrix = integration_matrix(self.body.stop - self.body.start)
        half = 0.5 * (self.largest - self.smallest) / self.ramp_rate
        lead = (values @ self.lead_weight)[..., np.newaxis]
        return lead + half * (values[..., self.body] @ matrix.T)

    def with_survivors(self) -> ReducedHistogram:
        """Return the same with all empty ramps taken as survivors."""
        return replace(self, all_survived=True)

    def interpolate(self, values: NDArray[np.float64], currents: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the interpolant of `values` on the body nodes, shape (n_body,), at `currents` (A)."""
        position = (2.0 * currents - self.smallest - self.largest) / (self.largest - self.smallest)
        return np.asarray(chebyshev.chebval(position, to_coefficients(values.size) @ values))


def reduce_histogram(
    histogram: Histogram, ceiling: float = math.inf, *, with_intervals: bool = True
) -> ReducedHistogram:
    """Reduce a histogram; switches at or above `ceiling` (A) count as ramps that survived to it.

    Parameters
    ----------
    histogram
        At least 10 switching currents in A, finite and not all equal; ramp rate positive.
    ceiling
        A known critical current: no switch can be seen above it, by the survivor convention.
    with_intervals
        Whether rounded switches get their likelihood, too; one that has its own (`named`) needs only what they stand
        for.

    Raises
    ------
    InputError
        If the histogram cannot be fitted: too few switches, all equal, not finite, or no positive ramp rate.
    """
    ramp = histogram.ramp
    if ramp.stop_current < ramp.start_current and ramp.rate < 0.0:
        raise InputError("a ramp down from the voltage state: retrapping currents, to which no escape law applies")
    if not (math.isfinite(ramp.rate) and ramp.rate > 0.0):
        raise InputError(f"ramp rate {ramp.rate!r} A/s cannot be used: give a positive measured rate")
    values = np.asarray(histogram.switching_currents, dtype=np.float64).ravel()
    if not np.isfinite(values.sum()):
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise InputError(
            f"{bad} of {values.size} switching currents are not finite: count ramps without a switch as censored"
        )
    survivors = 0
    if math.isfinite(ceiling):
        below = values < ceiling
        survivors = values.size - int(np.count_nonzero(below))
        values = values[below]
    if values.size < MINIMUM_SWITCHES:
        besides = f", {survivors} more lie at or above the critical current {ceiling:.6g} A" if survivors else ""
        raise InputError(
            f"{values.size} switches are too few for a fit: at least {MINIMUM_SWITCHES} are needed{besides}"
        )
    top = min(ceiling, math.inf if survivors else ramp.stop_current)
    censored = histogram.censored + survivors
    start = min(ramp.start_current, float(values.min()))
    rounding = rounding_of(histogram)
    if rounding is not None:
        rounding = rounding.within(start, top if censored else ceiling)
    return _reduce(values, start, top, censored, ramp.rate, rounding, with_intervals)


def expected_histogram(
    rate: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    low: float,
    high: float,
    ramp_rate: float,
    *,
    order: int = 96,
    number: int = EXACT_LIMIT,
) -> ReducedHistogram:
    """Return the histogram that a theory expects of many ramps, reduced like a measured one.

    Parameters
    ----------
    rate
        Γ in 1/s for currents in A.
    low, high
        Currents in A below and above which hardly any ramp switches.
    ramp_rate
        dI/dt in A/s.
    order, number
        Number of nodes, and of switches.
    """
    half = 0.5 * (high - low)
    currents = 0.5 * (low + high) + half * chebyshev_nodes(order)
    values = rate(currents)
    hazard = np.maximum.accumulate(half / ramp_rate * (integration_matrix(order) @ values))
    weight = half / ramp_rate * integration_matrix(order, to_end=True)[0]
    exposure = number * weight * np.exp(-np.maximum(hazard, 0.0))
    switched = -np.expm1(-hazard)
    pair = [(p, float(np.interp(p, switched, currents))) for p in (0.25, 0.75)]
    nothing = np.zeros(order)
    return ReducedHistogram(
        currents=currents,
        event_weight=exposure * values,
        exposure=exposure,
        body=slice(0, order),
        lead_weight=nothing,
        top_weight=nothing,
        smallest=low,
        largest=high,
        quantile_pair=(pair[0], pair[1]),
        steps=(currents, number * switched, number * switched),
        switches=number,
        censored=0,
        ramp_rate=ramp_rate,
    )


def _reduce(
    values: NDArray[np.float64],
    start: float,
    top: float,
    censored: int,
    ramp_rate: float,
    rounding: Rounding | None,
    with_intervals: bool,
) -> ReducedHistogram:
    smallest, largest = float(values.min()), float(values.max())
    if not largest > smallest:
        raise InputError(
            f"all {values.size} switching currents are equal to {smallest:.6g} A: a histogram needs a width"
        )
    if rounding is None:
        points, counts, steps = _gather(values, smallest, largest)
        pair, scale = _quantiles(steps, values.size, censored, largest - smallest)
    else:
        smallest, largest = float(rounding.low[0]), float(rounding.high[-1])
        points = (2.0 * rounding.middle - smallest - largest) / (largest - smallest)
        counts = rounding.counts
        edges, below = rounding.edges()
        steps = edges, below, below
        pair, scale = _quantiles_at_edges(edges, below, values.size + censored)
    order = _node_count((largest - smallest) / scale)
    position, event_weight, integral_weight = _body_weights(points, counts, smallest, largest, order)
    half = 0.5 * (largest - smallest)
    body = 0.5 * (smallest + largest) + half * position
    lead, lead_weight = graded_panels(smallest, start, scale)
    above, above_weight = graded_panels(largest, max(top, largest), scale) if censored else (lead[:0], lead_weight[:0])
    size = (lead.size, order, above.size)
    zeros = [np.zeros(n) for n in size]
    full_lead = np.concatenate([lead_weight, zeros[1], zeros[2]]) / ramp_rate
    clenshaw = half * integration_matrix(order, to_end=True)[0]
    full_top = np.concatenate([zeros[0], clenshaw, above_weight]) / ramp_rate
    intervals, at_risk = None, half * integral_weight / ramp_rate
    if rounding is not None and with_intervals:
        intervals = make_intervals(rounding, smallest, largest, order, ramp_rate)
        at_risk = intervals.counts @ intervals.to_low
    exposure = np.concatenate([zeros[0], at_risk, zeros[2]])
    return ReducedHistogram(
        currents=np.concatenate([lead, body, above]),
        event_weight=np.concatenate([zeros[0], event_weight, zeros[2]]),
        exposure=exposure + values.size * full_lead,
        body=slice(lead.size, lead.size + order),
        lead_weight=full_lead,
        top_weight=full_top,
        smallest=smallest,
        largest=largest,
        quantile_pair=pair,
        steps=steps,
        switches=values.size,
        censored=censored,
        ramp_rate=ramp_rate,
        rounding=rounding,
        intervals=intervals,
    )


def _gather(
    values: NDArray[np.float64], smallest: float, largest: float
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
]:
    """Return points in [-1, 1] with counts that stand for the events, and the empirical distribution's steps."""
    span = largest - smallest
    if values.size <= EXACT_LIMIT:
        ordered = np.sort(values)
        rank = np.arange(values.size, dtype=np.float64)
        position = (2.0 * ordered - smallest - largest) / span
        return position, np.ones(values.size), (ordered, rank + 1.0, rank)
    index = ((values - smallest) * (FINE_CELLS / span * (1.0 - 1e-12))).astype(np.intp)
    fine = np.bincount(index, minlength=FINE_CELLS)[:FINE_CELLS].astype(np.float64)
    edge = smallest + span * np.arange(1, FINE_CELLS + 1) / FINE_CELLS
    below = np.cumsum(fine)
    middle = (2.0 * np.arange(FINE_CELLS) + 1.0) / FINE_CELLS - 1.0
    # A coarse cell becomes two points that keep its count, mean and variance: the error is of third order.
    shape = (COARSE_CELLS, FINE_CELLS // COARSE_CELLS)
    count = fine.reshape(shape).sum(axis=1)
    filled = count > 0.0
    divisor = np.where(filled, count, 1.0)
    mean = (fine * middle).reshape(shape).sum(axis=1) / divisor
    spread = (fine.reshape(shape) * (middle.reshape(shape) - mean[:, np.newaxis]) ** 2).sum(axis=1) / divisor
    deviation = np.sqrt(spread[filled])
    points = np.concatenate([mean[filled] - deviation, mean[filled] + deviation])
    return points, np.tile(0.5 * count[filled], 2), (edge, below, below)


def _quantiles(
    steps: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    switches: int,
    censored: int,
    span: float,
) -> tuple[tuple[tuple[float, float], tuple[float, float]], float]:
    """Return two quantiles among all ramps, and the current in A over which the rate changes e-fold."""
    total = switches + censored
    upper = min(0.75, 0.95 * switches / total)
    current, at_or_below, _ = steps
    pair = []
    for probability in (upper / 3.0, upper):
        index = min(int(np.searchsorted(at_or_below, probability * total)), current.size - 1)
        pair.append((probability, float(current[index])))
    (low, first), (high, second) = pair
    distance = math.log(math.log1p(-high) / math.log1p(-low))
    scale = (second - first) / distance
    if not scale > 1e-4 * span:  # coarsely digitised, or one value far away: the span says more
        values = np.diff(at_or_below, prepend=0.0)
        mean = float(values @ current) / switches
        scale = max(math.sqrt(float(values @ (current - mean) ** 2) / switches) * math.sqrt(6.0) / math.pi, 1e-4 * span)
        pair = [(low, second - scale * distance), (high, second)]
    return (pair[0], pair[1]), scale


def _quantiles_at_edges(
    edges: NDArray[np.float64], below: NDArray[np.float64], total: int
) -> tuple[tuple[tuple[float, float], tuple[float, float]], float]:
    """Do the same for rounded values, whose distribution is known at the ends of the intervals only."""
    inside = (below > 0.0) & (below < total)
    known = np.unique(below[inside], return_index=True)[1]
    edges, share = edges[inside][known], below[inside][known] / total
    if edges.size < 2:
        raise InputError(
            "the values are rounded to so few steps that neither critical current nor temperature can be told:"
            " at least 3 different values are needed"
        )
    reduced = np.log(-np.log1p(-share))
    first = min(int(np.argmin(np.abs(reduced - math.log(-math.log(0.75))))), edges.size - 2)
    second = max(int(np.argmin(np.abs(reduced - math.log(-math.log(0.25))))), first + 1)
    scale = float((edges[second] - edges[first]) / (reduced[second] - reduced[first]))
    low, high = ((float(share[k]), float(edges[k])) for k in (first, second))
    return (low, high), scale


def _node_count(span_in_scales: float) -> int:
    """Return how many Chebyshev nodes resolve exp(a t) with a = span / scale to 1e-12, twice as steep allowed."""
    return int(min(512, max(48, 16 + math.sqrt(70.0 * span_in_scales))))


def _body_weights(
    points: NDArray[np.float64], counts: NDArray[np.float64], smallest: float, largest: float, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the Chebyshev nodes and the weights of Σ f(I_i) and of Σ ∫f up to I_i, for f given there."""
    moments = np.empty(order)
    previous, current = np.ones_like(points), points.copy()
    moments[0], moments[1] = counts.sum(), counts @ current
    twice = 2.0 * points
    for degree in range(2, order):
        previous, current = current, twice * current - previous
        moments[degree] = counts @ current
    event_weight = moments @ to_coefficients(order)
    return chebyshev_nodes(order), event_weight, event_weight @ integration_matrix(order)
