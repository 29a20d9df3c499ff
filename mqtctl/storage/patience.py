"""Waits for other programs that write to the same database, for a stated time and with somebody told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

from mqtctl.clock import WallClock
from mqtctl.errors import StorageError

__all__ = ["LONGEST_WAIT", "Patience", "is_locked"]

#: Time in s for which a write waits for another program's transaction before it gives up.
LONGEST_WAIT = 120.0
#: SQLite waits so long (s) by itself; between two such slices a request to stop gets through.
_SLICE = 0.25
#: A wait longer than this (s) is told.
_WORTH_TELLING = 2.0

_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

T = TypeVar("T")


def _tell_nobody(_sentence: str) -> None:
    """Take a remark for nobody."""


def _never_stop() -> None:
    """Let everything go on."""


@dataclass(frozen=True)
class Patience:
    """How long a write waits for other programs, and what happens meanwhile.

    The lock is another process's, so its time is the computer's own, also where the bench's clock is virtual.

    Attributes
    ----------
    seconds
        The longest wait in s.
    tell
        Called with a sentence when a wait becomes noticeable.
    check
        Called between slices of a wait; raises to end it.
    step
        Length in s of a slice.
    """

    seconds: float = LONGEST_WAIT
    tell: Callable[[str], None] = _tell_nobody
    check: Callable[[], None] = _never_stop
    step: float = _SLICE

    def briefly(self) -> Self:
        """Return the patience of somebody who is on the way out already."""
        return replace(self, seconds=min(self.seconds, 1.0), check=_never_stop)

    def wait_for(self, action: Callable[[], T], path: Path) -> T:
        """Return what `action` returns, repeating it for as long as another program holds the database.

        Raises
        ------
        StorageError
            The database was held for the whole time.
        """
        clock = WallClock()
        begun, told = clock.now(), False
        while True:
            try:
                return action()
            except (sqlite3.OperationalError, RuntimeError) as exc:
                if not is_locked(exc):
                    raise
                waited = clock.now() - begun
                if waited >= self.seconds:
                    raise StorageError(
                        f"{path} has been locked by another program for {waited:.0f} s; find out which one has it open"
                    ) from exc
            self.check()
            if waited > _WORTH_TELLING and not told:
                told = True
                self.tell(f"{path} is locked by another program; waiting up to {self.seconds:.0f} s for it")


def is_locked(fault: BaseException | None) -> bool:
    """Return whether a lock is what is behind a fault: QCoDeS wraps those of SQLite into a RuntimeError."""
    while fault is not None:
        # what Python's sqlite3 raises by itself has no code
        if isinstance(fault, sqlite3.OperationalError) and getattr(fault, "sqlite_errorcode", 0) & 0xFF in _LOCKED:
            return True
        fault = fault.__cause__
    return False
