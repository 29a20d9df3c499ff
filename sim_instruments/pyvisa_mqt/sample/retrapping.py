"""When a voltage state ends: where the current falls below the retrapping current, perhaps another in each cycle."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.sample.staircase import Cycle, Excursion
from pyvisa_mqt.time_and_signals.random_streams import Stream

__all__ = ["RetrappingTimes"]

Array = NDArray[np.float64]

_NODES = np.linspace(-5.0, 5.0, 21)  # in standard deviations of the retrapping current
_KEPT = 64


class RetrappingTimes:
    """Ends of the voltage states of one junction.

    Parameters
    ----------
    current
        Mean retrapping current in A, > 0.
    noise, offset_deviation
        Standard deviations in A, new in each cycle, of the retrapping current itself and of the bias current's offset:
        with more current the junction retraps later.
    seed
        The bench's seed.
    """

    def __init__(self, current: float, noise: float, offset_deviation: float, seed: int) -> None:
        self.current = current
        self._noise = noise
        self._offset_deviation = offset_deviation
        self._deviation = math.hypot(noise, offset_deviation)
        self._stream = Stream(seed, "retrapping current of a cycle")
        self._tables: OrderedDict[tuple[Hashable, Excursion], Array] = OrderedDict()

    def ends(self, key: Hashable, cycle: Cycle, excursion: Excursion, index: int, offsets: Array) -> Array:
        """Return when the voltage state of an excursion ends, s from the cycle's start, shape (n_cycle,).

        Parameters
        ----------
        key
            Identifies the cycle among all that were ever given.
        index
            Number of the first cycle since the bench was built.
        offsets
            Offset of each cycle's current in standard deviations, shape (n_cycle,).
        """
        if not self._deviation:
            return np.full(len(offsets), excursion.end)
        shifts = -excursion.polarity * self._offset_deviation * offsets
        if self._noise:
            shifts = shifts + self._noise * self._stream.normal(index, len(offsets))
        places = shifts / self._deviation
        if len(places) == 1 and (key, excursion) not in self._tables:
            # a cycle of its own, as the first of a ramp train: the nodes around it are all that is ever asked for
            low = min(max(int(_NODES.searchsorted(places[0], side="right")) - 1, 0), len(_NODES) - 2)
            nodes = _NODES[low : low + 2]
            return np.interp(places, nodes, self._make_table(cycle, excursion, nodes))
        return np.interp(places, _NODES, self._table(key, cycle, excursion))

    def _table(self, key: Hashable, cycle: Cycle, excursion: Excursion) -> Array:
        """Return the ends at the nodes, s from the cycle's start."""
        full_key = (key, excursion)
        if full_key not in self._tables:
            self._tables[full_key] = self._make_table(cycle, excursion, _NODES)
            if len(self._tables) > _KEPT:
                self._tables.popitem(last=False)
        self._tables.move_to_end(full_key)
        return self._tables[full_key]

    def _make_table(self, cycle: Cycle, excursion: Excursion, nodes: Array) -> Array:
        top = _time_of_largest(cycle, excursion)
        ends = []
        for threshold in np.maximum(self.current + self._deviation * nodes, 1e-3 * self.current).tolist():
            around = (
                e.end
                for e in cycle.excursions(threshold)
                if e.polarity == excursion.polarity and e.begin <= top <= e.end
            )
            ends.append(next(around, top))  # a current that never gets there: the state ends at once
        return np.array(ends)


def _time_of_largest(cycle: Cycle, excursion: Excursion) -> float:
    """Return the time in s from the cycle's start at which |I| is largest within an excursion."""
    first, last = (int(k) for k in cycle.step_of(np.array([excursion.begin, excursion.end])))
    ends = np.abs(cycle.ends[first : last + 1])
    # The end of its step: the largest value is reached there, with or without a filter.
    return min((first + int(np.argmax(ends)) + 1) * cycle.step, excursion.end)
