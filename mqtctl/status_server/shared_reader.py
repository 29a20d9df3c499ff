"""One reader of a run for all viewers: its files are read once in an interval, however many look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtctl.errors import InputError
from mqtctl.status_page import Facts, Follower, fragment, whole_page
from mqtctl.supervision.standing import standing
from mqtctl.supervision.status import LOG_NAME, STATUS_NAME

__all__ = ["EVENTS", "EVERY", "REPORT", "SharedReader"]

#: The run is read at most so often, in s.
EVERY = 2.0
#: Addresses of the stream of changes and of the report.
EVENTS, REPORT = "/events", "/report"


class SharedReader:
    """Gives the page of a run to any number of threads.

    Parameters
    ----------
    run
        Folder of the run.
    clock
        Gives seconds that only grow.

    Raises
    ------
    InputError
        No such run, or one that keeps no status.
    """

    def __init__(self, run: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.run = run.resolve()
        self.times_read = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._follower = Follower(self.run / LOG_NAME, REPORT, clock)
        self._standing: tuple[Any, Mapping[str, Any]] | None = None
        self._read = clock()
        self._facts = self._follower.facts(self._ask())
        self._fragment = fragment(self._facts, datetime.now(UTC))

    def page(self) -> str:
        """Return the whole page as it is now."""
        with self._lock:
            self._refresh()
            return whole_page(self._facts, datetime.now(UTC), events=EVENTS)

    def fragment(self) -> str:
        """Return what changes of the page: the same text as long as nothing did."""
        with self._lock:
            self._refresh()
            return self._fragment

    def _refresh(self) -> None:
        """Read the run again if that is due; a run that cannot be read any more leaves what was read last."""
        if self._clock() - self._read < EVERY:
            return
        self._read = self._clock()
        try:
            self._facts = self._follower.facts(self._ask())
        except (InputError, OSError) as exc:
            last = self._facts
            self._facts = Facts(last.status, last.history, last.stored, last.trouble, lost=str(exc))
        self._fragment = fragment(self._facts, datetime.now(UTC))

    def _ask(self) -> Mapping[str, Any]:
        """Return how the run stands.

        Who asks whether a run is dead holds its database for a moment. One that is dead stays so until its status is
        written again; nobody who wants to go on with it shall find it held.
        """
        self.times_read += 1
        seen = _written(self.run / STATUS_NAME)
        if self._standing is None or self._standing[0] != seen or self._standing[1]["state"] == "running":
            self._standing = seen, standing(self.run)
        return self._standing[1]


def _written(path: Path) -> tuple[int, int] | None:
    """Return when a file was written, and its number; None if it cannot be reached: `standing` says why."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
