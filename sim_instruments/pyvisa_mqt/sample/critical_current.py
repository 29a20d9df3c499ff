"""A critical current that is not the same for ever: it falls with temperature, and drifts in proportion to time.

Switching times at an intermediate critical current are interpolated between two that are 0.5 % apart. In units of the
critical current they move by a hundredth of it at most, and so smoothly that linear interpolation errs by less than
1e-7 of it: a thousandth of a histogram's width.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.sample.staircase import Cycle, Excursion
from pyvisa_mqt.sample.switch_times import SwitchTimes

__all__ = ["DriftingSwitchTimes"]

Array = NDArray[np.float64]

_SPACING = 0.005  # of ln Ic
_LEAST = 0.01  # share of the critical current that no drift goes below
_KEPT = 4


class DriftingSwitchTimes:
    """Switching times of a junction whose critical current is (1 + rate t) times what it is at time 0.

    Parameters
    ----------
    make
        Switching times of the junction with so many times its critical current.
    rate
        Relative drift in 1/s.
    """

    def __init__(self, make: Callable[[float], SwitchTimes], rate: float) -> None:
        self._make, self._rate = make, rate
        self._nodes: OrderedDict[int, SwitchTimes] = OrderedDict()

    def possible(self, key: Hashable, cycle: Cycle, excursion: Excursion, temperature: float, starts: Array) -> bool:
        """Return whether a switch in this excursion is likelier than once in 1e8 of the cycles begun at `starts`."""
        if not self._rate:
            return self._at(0).possible(key, cycle, excursion, temperature)
        ends = [math.floor(place) for place in self._places(starts[[0, -1]]).tolist()]
        around = range(min(ends), max(ends) + 2)
        return any(self._at(node).possible(key, cycle, excursion, temperature) for node in around)

    def draw(
        self,
        key: Hashable,
        cycle: Cycle,
        excursion: Excursion,
        temperature: float,
        exponentials: Array,
        normals: Array,
        starts: Array,
    ) -> Array:
        """Return what `SwitchTimes.draw` does, for cycles that begin at `starts` (s), shape (n_cycle,)."""
        if not self._rate:
            return self._at(0).draw(key, cycle, excursion, temperature, exponentials, normals)
        places = self._places(starts)
        nodes = np.floor(places).astype(np.int64)
        times = np.empty(len(starts))
        for node in np.unique(nodes).tolist():
            mine = nodes == node
            low, high = (
                self._at(node + n).draw(key, cycle, excursion, temperature, exponentials[mine], normals[mine])
                for n in (0, 1)
            )
            part = places[mine] - node
            with np.errstate(invalid="ignore"):
                between = low + part * (high - low)
            # a ramp that switches at one node only, at the very end of the excursion: the nearer node decides
            both = np.isfinite(low) & np.isfinite(high)
            times[mine] = np.where(both, between, np.where(part < 0.5, low, high))
        return times

    def _places(self, starts: Array) -> Array:
        return np.log(np.maximum(1.0 + self._rate * starts, _LEAST)) / _SPACING

    def _at(self, node: int) -> SwitchTimes:
        """Return the switching times at a node of ln Ic, from the cache if possible."""
        if node not in self._nodes:
            self._nodes[node] = self._make(math.exp(node * _SPACING))
            if len(self._nodes) > _KEPT:
                self._nodes.popitem(last=False)
        self._nodes.move_to_end(node)
        return self._nodes[node]
