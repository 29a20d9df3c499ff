"""The bench's virtual time: it passes with messages, bytes and waits, and with nothing else.

An overnight sweep therefore takes seconds and is repeatable to the byte. The experiment
takes this clock from the library (`library.clock`) and sleeps on it as on the wall clock.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["VirtualClock"]


class VirtualClock:
    """A clock that moves only when it is told to.

    Parameters
    ----------
    epoch
        Calendar time that belongs to bench time 0; must carry a time zone.

    Attributes
    ----------
    lock
        Held while time passes; take it to keep time still.
    """

    def __init__(self, epoch: datetime = datetime(2000, 1, 1, tzinfo=UTC)) -> None:
        if epoch.tzinfo is None:
            raise ValueError(f"the bench's epoch {epoch} has no time zone; write it with one, as UTC")
        self._epoch = epoch.astimezone(UTC)
        self._now = 0.0
        self._listeners: list[Callable[[float], object]] = []
        # Clients on several threads share one bench, and whoever lets time pass also moves the
        # instruments: the library handles its messages under this same lock.
        self.lock = threading.RLock()

    def now(self) -> float:
        """Return the bench time in s since the bench was built."""
        return self._now

    def utc(self) -> datetime:
        """Return the bench's calendar time in UTC."""
        return self._epoch + timedelta(seconds=self._now)

    def sleep(self, duration: float) -> None:
        """Let `duration` (s, finite, not negative) pass at once.

        Raises
        ------
        ValueError
            If the duration is negative, infinite or not a number.
        """
        if not 0.0 <= duration < math.inf:
            raise ValueError(f"cannot sleep for {duration} s; give a finite duration of at least 0 s")
        with self.lock:
            self.advance_to(self._now + duration)

    def advance_to(self, time: float) -> None:
        """Move to bench time `time` (s) and tell the listeners; a time that is not later changes nothing.

        Raises
        ------
        ValueError
            If the time is infinite or not a number.
        """
        with self.lock:
            if time <= self._now:
                return
            if not math.isfinite(time):
                raise ValueError(f"cannot advance the bench to {time} s; give a finite bench time")
            self._now = time
            for listener in self._listeners:
                listener(time)

    def on_advance(self, listener: Callable[[float], object]) -> None:
        """Call `listener(now)` after each advance, in the order of registration.

        The clock already shows the new time then. One advance can span hours; a listener
        that needs finer steps divides the span itself.
        """
        with self.lock:
            self._listeners.append(listener)
