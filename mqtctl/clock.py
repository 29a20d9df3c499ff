"""Time as a dependency: waits and stamps come from a clock that is handed in.

On real hardware that is `WallClock`. A simulated VISA library brings its own clock, which
advances only with messages and waits, so that an overnight sweep is rehearsed in seconds.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

__all__ = ["Clock", "WallClock"]


@runtime_checkable
class Clock(Protocol):
    """What the experiment needs to know of time."""

    def now(self) -> float:
        """Return a monotonic time in s, from an arbitrary origin."""

    def sleep(self, duration: float) -> None:
        """Let `duration` (s, not negative) pass."""

    def utc(self) -> datetime:
        """Return the calendar time, for stamps only; it may jump."""


class WallClock:
    """The computer's own clock."""

    def now(self) -> float:
        """Return `time.monotonic` in s."""
        return time.monotonic()

    def sleep(self, duration: float) -> None:
        """Sleep for `duration` s."""
        time.sleep(duration)

    def utc(self) -> datetime:
        """Return the calendar time in UTC."""
        return datetime.now(UTC)
