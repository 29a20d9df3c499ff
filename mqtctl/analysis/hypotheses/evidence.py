"""All histograms of a sweep on one line of nodes, so that one call of an escape model serves them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.quadrature import graded_panels
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.records import JunctionEstimate

__all__ = ["Evidence", "trimmed"]

LEAD_EFOLDS = 15.0  # how far below the smallest current the rate still matters, in e-folds: 3e-7 switches lie lower


@dataclass(frozen=True)
class Evidence:
    """Histograms with the baths at which they were taken.

    Attributes
    ----------
    histograms
        Reduced, n of them.
    bath, bath_std
        Bath temperature and the standard deviation of its error at this point alone, in K, shape (n,).
    heat
        Energy that the voltage state gives off per second, relative to the mean of all, shape (n,).
    cold
        Whether the bath is below three times the crossover temperature, shape (n,).
    estimate
        What is known of the junction beforehand.
    critical_current
        Where fits start, in A.
    plateau
        Typical escape temperature of the coldest points in K: where fits start, and the unit of excess temperatures.
    floor
        Largest switching current of all in A, which no critical current may be below.
    control
        The same two currents of a control sweep, whose critical current is another; None where there is none.
    controls
        How many of the histograms, the last ones, are of the control sweep.
    twin
        Which histogram each shares a temperature with where temperatures are free: itself, or in the control sweep the
        one of the same bath in the first; shape (n,), empty where that is itself for all.
    """

    histograms: tuple[ReducedHistogram, ...]
    bath: NDArray[np.float64]
    bath_std: NDArray[np.float64]
    heat: NDArray[np.float64]
    cold: NDArray[np.bool_]
    estimate: JunctionEstimate
    critical_current: float
    plateau: float
    floor: float
    control: tuple[float, float] | None = None
    controls: int = 0
    twin: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @property
    def first(self) -> int:
        """Number of histograms of the sweep itself."""
        return len(self.histograms) - self.controls

    @cached_property
    def sweep(self) -> NDArray[np.intp]:
        """0 for each histogram of the sweep itself, 1 for those of the control sweep, shape (n,)."""
        return (np.arange(len(self.histograms)) >= self.first).astype(np.intp)

    @cached_property
    def free_temperature(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which histograms give free temperatures their names, and for each cold one the place of its own there."""
        twin = self.twin if self.twin.size else np.arange(len(self.histograms))
        named, place = np.unique(twin[self.cold], return_inverse=True)
        return named, place

    @cached_property
    def currents(self) -> NDArray[np.float64]:
        """Nodes of all histograms in A, shape (n_node,)."""
        return np.concatenate([each.currents for each in self.histograms])

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """Which histogram each node belongs to, shape (n_node,)."""
        return np.repeat(np.arange(len(self.histograms)), [each.currents.size for each in self.histograms])

    @cached_property
    def parts(self) -> tuple[slice, ...]:
        """Where each histogram's nodes lie."""
        ends = np.cumsum([0, *(each.currents.size for each in self.histograms)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    @property
    def heat_varied(self) -> bool:
        """Whether the points differ in heat."""
        return bool(self.heat.max() > self.heat.min())

    @property
    def switches(self) -> int:
        """Number of switches of all histograms."""
        return sum(each.switches for each in self.histograms)

    def of(self, histograms: Sequence[ReducedHistogram]) -> Evidence:
        """Return the same experiment with other histograms."""
        return replace(self, histograms=tuple(histograms))


def trimmed(reduced: ReducedHistogram) -> ReducedHistogram:
    """Return a histogram with as few nodes below its smallest current as matter to a likelihood."""
    lead = reduced.currents[: reduced.body.start]
    if lead.size == 0:
        return reduced
    (low, first), (high, second) = reduced.quantile_pair
    scale = (second - first) / math.log(math.log1p(-high) / math.log1p(-low))
    start = max(float(lead.min()), reduced.smallest - LEAD_EFOLDS * scale)
    nodes, weight = graded_panels(reduced.smallest, start, 2.0 * scale, degree=6)
    if nodes.size >= lead.size:
        return reduced
    rest = reduced.currents.size - reduced.body.start
    nothing = np.zeros(nodes.size)
    lead_weight = np.concatenate([weight / reduced.ramp_rate, np.zeros(rest)])
    exposure = reduced.switches * lead_weight
    exposure[nodes.size :] += reduced.exposure[reduced.body.start :]
    return replace(
        reduced,
        currents=np.concatenate([nodes, reduced.currents[reduced.body.start :]]),
        event_weight=np.concatenate([nothing, reduced.event_weight[reduced.body.start :]]),
        exposure=exposure,
        body=slice(nodes.size, nodes.size + reduced.body.stop - reduced.body.start),
        lead_weight=lead_weight,
        top_weight=np.concatenate([nothing, reduced.top_weight[reduced.body.start :]]),
    )
