"""Gathers the readings of one histogram, hands them on in blocks and counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block, gather, outcomes
from mqtctl.acquisition.faults import EmptyRampsError
from mqtctl.acquisition.goal import StoppingRule
from mqtctl.quantities import readable
from mqtctl.records import MeasuredRamp

__all__ = ["Collector"]


class Collector:
    """Takes readings in the order in which they were made, in pieces of any size.

    Parameters
    ----------
    ramp
        The ramp as measured.
    timeout_ramps
        How many ramps without a switch a reading of inf stands for.
    block
        Readings in a block.
    empty_ramps_limit
        So many ramps in a row without a switch end the measurement.
    rule
        Says when there are enough switches.
    store
        Called with each block; returns when it is on disk.
    """

    def __init__(
        self,
        ramp: MeasuredRamp,
        timeout_ramps: int,
        block: int,
        empty_ramps_limit: int,
        rule: StoppingRule,
        store: Callable[[Block], None],
    ) -> None:
        self._ramp, self._timeout_ramps = ramp, timeout_ramps
        self._block, self._empty_ramps_limit = block, empty_ramps_limit
        self._rule, self._store = rule, store
        # readings in s, currents in A, empty ramps; shape (n_reading,) each
        self._pending: list[tuple[NDArray[np.float64], ...]] = []
        self._pending_size = 0
        self._currents: list[NDArray[np.float64]] = []
        self._empty_in_a_row = 0.0
        self.readings = 0
        self.switches = 0
        self.censored = 0

    @property
    def missing(self) -> int:
        """Switches that are still wanted, as far as can be said at present; 0 when it is over."""
        return max(0, self._rule.wanted - self.switches)

    @property
    def until_look(self) -> int:
        """Switches after which the number that is wanted may change; at most `missing`."""
        ahead = self._rule.until_look(self.switches)
        return self.missing if ahead is None else min(ahead, self.missing)

    def add(self, readings: NDArray[np.float64]) -> None:
        """Take readings (s, inf for a time-out), storing every full block.

        Raises
        ------
        EmptyRampsError
            Too many empty ramps in a row.
        """
        if readings.size == 0:
            return
        currents, empty = outcomes(readings, self._ramp, self._timeout_ramps)
        switched = np.isfinite(currents)
        self.readings += readings.size
        self.switches += int(np.count_nonzero(switched))
        self.censored += int(empty.sum())
        if self._rule.looks_at_currents:
            self._currents.append(currents[switched])
        self._pending.append((readings, currents, empty))
        self._pending_size += readings.size
        if self._rule.until_look(self.switches) == 0:
            self._rule.look(np.concatenate(self._currents), self.censored)
        if self._pending_size >= self._block:
            self._flush()
        self._watch_empty_ramps(empty, switched)

    def finish(self) -> float | None:
        """Store what is left and return the relative standard error that was reached, None without a goal."""
        self._flush(rest=True)
        return self._rule.precision_of(np.concatenate([np.empty(0), *self._currents]), self.censored)

    def discard(self) -> int:
        """Forget the readings that are not stored yet, as if their ramps had not been; return how many they were."""
        if not self._pending_size:
            return 0
        _, currents, empty = (np.concatenate(part) for part in zip(*self._pending, strict=True))
        switches, discarded = int(np.count_nonzero(np.isfinite(currents))), self._pending_size
        if self._rule.looks_at_currents:
            kept = np.concatenate(self._currents)
            self._currents = [kept[: kept.size - switches]]
        self.readings -= discarded
        self.switches -= switches
        self.censored -= int(empty.sum())
        self._pending, self._pending_size, self._empty_in_a_row = [], 0, 0.0
        return discarded

    def _flush(self, *, rest: bool = False) -> None:
        """Store the pending readings in full blocks, oldest first, and the rest of them too if asked."""
        if not self._pending_size:
            return
        pending = tuple(np.concatenate(part) for part in zip(*self._pending, strict=True))
        end = self._pending_size if rest else self._pending_size - self._pending_size % self._block
        for begin in range(0, end, self._block):
            readings, currents, empty = (part[begin : min(begin + self._block, end)] for part in pending)
            self._store(gather(readings, currents, empty))
        self._pending, self._pending_size = [tuple(part[end:] for part in pending)], self._pending_size - end

    def _watch_empty_ramps(self, empty: NDArray[np.float64], switched: NDArray[np.bool_]) -> None:
        """Follow the ramps in a row without a switch, whatever the pieces in which they come."""
        if switched.all() and not empty.any():
            self._empty_in_a_row = 0.0
            return
        counted = self._empty_in_a_row + np.cumsum(empty)
        # the count at the latest switch: it grows, so the largest so far is the latest
        forgotten = np.maximum.accumulate(np.where(switched, counted, 0.0))
        in_a_row = counted - np.concatenate([[0.0], forgotten[:-1]])
        self._empty_in_a_row = float(counted[-1] - forgotten[-1])
        too_many = np.flatnonzero(in_a_row >= self._empty_ramps_limit)
        if too_many.size:
            raise EmptyRampsError(
                f"{in_a_row[too_many[0]]:.0f} ramps in a row reached {readable(self._ramp.stop_current, 'A')} without "
                "a switch; the current is never raised by itself: check the wiring and the stop threshold, plan a "
                "higher ramp.stop_current within the sample's limit, or a lower ramp.repetition if the junction stays "
                "in the voltage state"
            )
