"""What the junction has done: the voltage steps of the recent past, and the heat they leave behind.

Kept as growing arrays with a bounded history, so that an instrument's question "which steps
fell between these two times" costs a binary search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["EventLog", "HeatLedger"]

Array = NDArray[np.float64]

_HISTORY = 1 << 20  # steps kept, as many as the largest counter memory holds


class EventLog:
    """Voltage states of the junction in order of time: when each began, when it ended, its polarity.

    An end that is not known yet is infinite. `first_index` counts the steps already forgotten, so
    that a step keeps its number for life.
    """

    def __init__(self) -> None:
        self._rows: Array = np.empty((3, 1024))
        self._count = 0
        self.first_index = 0

    @property
    def begins(self) -> Array:
        """Times in s at which the junction went to the voltage state, shape (n_event,)."""
        return self._rows[0, : self._count]

    @property
    def ends(self) -> Array:
        """Times in s at which it returned to zero voltage, inf if not yet, shape (n_event,)."""
        return self._rows[1, : self._count]

    @property
    def polarities(self) -> Array:
        """Sign of the voltage, +1 or -1, shape (n_event,)."""
        return self._rows[2, : self._count]

    @property
    def open_polarity(self) -> int:
        """Polarity of the voltage state that has not ended; 0 in the zero-voltage state."""
        if self._count and np.isinf(self._rows[1, self._count - 1]):
            return int(self._rows[2, self._count - 1])
        return 0

    def append(self, begins: Array, ends: Array, polarities: Array) -> None:
        """Add steps, sorted, all later than those before (s, s, +-1; shape (n_new,))."""
        added = len(begins)
        if self._count + added > self._rows.shape[1]:
            self._make_room(added)
        new = slice(self._count, self._count + added)
        self._rows[0, new], self._rows[1, new], self._rows[2, new] = begins, ends, polarities
        self._count += added

    def _make_room(self, added: int) -> None:
        """Forget what is beyond the history, then enlarge the arrays if that was not enough."""
        surplus = min(max(self._count - _HISTORY, 0), self._count)
        kept = self._rows[:, surplus : self._count]
        self._rows = np.empty((3, max(2 * (kept.shape[1] + added), 1024)))
        self._rows[:, : kept.shape[1]] = kept
        self._count -= surplus
        self.first_index += surplus

    def close(self, time: float) -> None:
        """End the voltage state that is still open, at `time` in s."""
        self._rows[1, self._count - 1] = time

    def cut(self, time: float) -> None:
        """Take back all that was foreseen for `time` (s) and later: the bias has changed."""
        self._count = int(np.searchsorted(self.begins, time, side="left"))
        if self._count and self._rows[1, self._count - 1] > time:
            self._rows[1, self._count - 1] = np.inf


@dataclass
class _Dissipation:
    """Energy of successive voltage states: straight lines between `times` (s), `energies` (J) in total up to each."""

    times: Array
    energies: Array
    released: float = 0.0
    until: float = math.inf

    def take(self, time: float) -> float:
        """Return what has been released up to a time and was not taken before."""
        total = float(np.interp(min(time, self.until), self.times, self.energies))
        taken, self.released = total - self.released, total
        return taken


class HeatLedger:
    """Heat of the voltage states that is still to be released: energy in J, evenly between two times."""

    def __init__(self) -> None:
        self._pending: list[_Dissipation] = []

    def add(self, begins: Array, ends: Array, energies: Array) -> None:
        """Enter voltage states from `begins` to `ends` (s), one after the other, with energies (J), shape (n,)."""
        if begins.size:
            times, totals = np.empty((len(begins), 2)), np.zeros((len(begins), 2))
            times[:, 0], times[:, 1] = begins, ends
            energies.cumsum(out=totals[:, 1])
            totals[1:, 0] = totals[:-1, 1]
            self._pending.append(_Dissipation(times.ravel(), totals.ravel()))

    def cut(self, time: float) -> None:
        """Take back what was entered for `time` (s) and later."""
        for entry in self._pending:
            entry.until = min(entry.until, time)

    def release(self, until: float) -> float:
        """Return the energy in J released up to `until` (s) and strike it off."""
        if not self._pending:
            return 0.0
        released = 0.0
        for entry in self._pending:
            released += entry.take(until)
        self._pending = [e for e in self._pending if until < min(float(e.times[-1]), e.until)]
        return released
