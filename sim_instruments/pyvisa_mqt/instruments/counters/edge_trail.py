"""Edges of one signal as a counter follows them: each is asked for once, however long it waits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["EdgeTrail"]

Array = NDArray[np.float64]


class EdgeTrail:
    """The edges behind a moving point in time.

    Parameters
    ----------
    source
        Called as source(since, until) for the sorted times in s, since < t <= until, of the edges.
    """

    def __init__(self, source: Callable[[float, float], Array]) -> None:
        self._source = source
        self._seen = -np.inf
        self._times: Array = np.empty(64)
        self._first = self._stop = 0

    @property
    def _kept(self) -> Array:
        return self._times[self._first : self._stop]

    @property
    def empty(self) -> bool:
        """Whether no edge is known."""
        return self._first == self._stop

    def between(self, since: float, until: float) -> Array:
        """Return the sorted edges, since < t <= until (s), and forget those before; `since` never goes back.

        What lies before `since` and was not looked at yet is never looked at.
        """
        if since >= self._seen:
            self._first = self._stop = 0
            self._seen = since
        else:
            self._first += int(self._kept.searchsorted(since, side="right"))
        if until > self._seen:
            self._append(self._source(self._seen, until))
            self._seen = until
        kept = self._kept
        return kept if until >= self._seen else kept[: kept.searchsorted(until, side="right")]

    def keep_first(self, count: int = 1) -> None:
        """Forget all seen up to now but the first `count`: the others came while it was waited for something else."""
        self._stop = min(self._stop, self._first + count)

    def _append(self, fresh: Array) -> None:
        if self._stop + len(fresh) > len(self._times):
            kept = self._kept
            self._times = np.empty(max(2 * (len(kept) + len(fresh)), 64))
            self._times[: len(kept)] = kept
            self._first, self._stop = 0, len(kept)
        self._times[self._stop : self._stop + len(fresh)] = fresh
        self._stop += len(fresh)
