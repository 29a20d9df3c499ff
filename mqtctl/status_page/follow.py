"""Gathers what a page shows of a run, at little cost however often it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mqtctl.errors import InputError
from mqtctl.status_page.history import History
from mqtctl.status_page.stored import Stored, read_stored

__all__ = ["REPORT_NAME", "Facts", "Follower"]

#: As `mqtctl.workflow` writes it, which would take the supervisor a second to load.
REPORT_NAME = "report.html"
#: The database is read at most so often, in s.
_DATABASE_EVERY = 3.0


@dataclass(frozen=True)
class Facts:
    """What a page shows.

    Attributes
    ----------
    status
        As `mqtctl status --json` gives it.
    history
        What the log says.
    stored
        What the database says; None where it says nothing yet.
    trouble
        Why the database could not be read, if so.
    lost
        Why nothing could be read any more, if so: then the rest is what was read last.
    report
        Where the report is, relative to the page; "" where it was not written yet.
    """

    status: Mapping[str, Any]
    history: History
    stored: Stored | None = None
    trouble: str = ""
    lost: str = ""
    report: str = ""


class Follower:
    """Follows a run through its log and its database.

    Parameters
    ----------
    log
        Of the run, in its folder.
    report
        Where a page finds the report.
    clock
        Gives seconds that only grow.
    """

    def __init__(self, log: Path, report: str = REPORT_NAME, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._report, self._clock = log.parent, report, clock
        self._history = History(log)
        self._stored: Stored | None = None
        self._trouble = ""
        self._read: tuple[float, int] | None = None

    def facts(self, status: Mapping[str, Any]) -> Facts:
        """Return what there is to show with a status."""
        self._history.follow()
        self._read_database(ended=status["state"] != "running")
        written = (self._folder / REPORT_NAME).is_file()
        return Facts(status, self._history, self._stored, self._trouble, report=self._report if written else "")

    def _read_database(self, *, ended: bool) -> None:
        """Read the database again if there is more in it, but not too often."""
        now, lines = self._clock(), self._history.lines
        if self._read is not None and (lines == self._read[1] or (not ended and now - self._read[0] < _DATABASE_EVERY)):
            return
        self._read = now, lines
        try:
            self._stored, self._trouble = read_stored(self._folder), ""
        except InputError as exc:
            self._trouble = str(exc)
