"""Leaves the status page as a file in the run's folder: for a folder that is synchronised to where somebody looks."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtctl.supervision.status import LOG_NAME, Status
from mqtctl.whole_files import write_whole

__all__ = ["PAGE_NAME", "PageFile"]

PAGE_NAME = "status.html"
#: So long (s) the end waits for the last page.
_PATIENCE = 10.0
#: A page waits so long (s) for what comes next, so that a sweep that the bench rushes through has one, at its end.
_REST = 5.0


class PageFile:
    """Writes the page after each finished histogram and at the end, on a thread: the watch never waits for it."""

    def __init__(self) -> None:
        self._due = False
        self._wanted: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def changed(self, status: Status, kind: str) -> None:
        """Take what the worker told: the page is written with the fit that follows a finished histogram."""
        if self._due and kind != "beat":
            self._ask(status)
        self._due = kind == "finished" or (self._due and kind == "beat")

    def ended(self, status: Status) -> list[str]:
        """Write the last page, and wait for it a while; returns no remarks."""
        if status.folder:
            self._ask(status)
        if self._thread is not None:
            self._wanted.put(None)
            self._thread.join(_PATIENCE)
        return []

    def _ask(self, status: Status) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, args=(Path(status.folder),), daemon=True)
            self._thread.start()
        self._wanted.put(asdict(status))

    def _write_all(self, folder: Path) -> None:
        """Write what is asked for, the newest only, until there will be no more."""
        follower = None
        ended = False
        while not ended and (status := self._wanted.get()) is not None:
            due = time.monotonic() + _REST
            while not ended:
                try:
                    newer = self._wanted.get(timeout=max(0.0, due - time.monotonic()))
                except queue.Empty:
                    break
                ended, status = newer is None, newer or status
            from mqtctl.status_page import Follower, whole_page  # heavy, and only now needed

            follower = follower or Follower(folder / LOG_NAME)
            with suppress(OSError):  # a full disk ends the measurement by itself; a page never does
                page = whole_page(follower.facts(status), datetime.now(UTC))
                write_whole(folder / PAGE_NAME, page.encode())
