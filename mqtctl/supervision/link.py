"""The worker's end of the pipe to its supervisor: one JSON line for each thing that happens, and a heartbeat."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections import deque
from contextlib import suppress
from functools import cache
from typing import Any

__all__ = ["HANDLE_NAME", "Link", "link"]

#: Environment variable in which a worker finds the handle of its end of the pipe.
HANDLE_NAME = "MQTCTL_SUPERVISOR"
#: A sign of life is sent at most so often, in s.
_BEAT = 0.5
#: So many lines wait for a supervisor that is stopped; older ones go.
_WAITING = 1000


class Link:
    """A pipe to a supervisor; without one, or when it is gone, everything here is silence.

    Nothing here ever waits: a supervisor that is stopped (Ctrl-Z) must not stop the worker. One that is gone does: the
    worker asks itself to stop, which makes it safe.
    """

    def __init__(self, handle: int | None) -> None:
        self._handle = handle
        self._waiting: deque[bytes] = deque(maxlen=_WAITING)
        self._rest = b""
        self._last = -_BEAT
        if handle is not None:
            os.set_blocking(handle, False)
            os.set_inheritable(handle, False)

    def beat(self) -> None:
        """Give a sign of life, where one is due, and notice in any case if nobody is there to see it."""
        if self._handle is None:
            return
        if time.monotonic() - self._last >= _BEAT:
            self.tell("beat")
        elif self._is_broken(self._handle):
            self._be_orphaned()

    @staticmethod
    def _is_broken(handle: int) -> bool:
        """Return whether nobody has the other end of the pipe any more."""
        poll = select.poll()
        poll.register(handle, select.POLLERR)
        return bool(poll.poll(0))

    def _be_orphaned(self) -> None:
        """Ask this process to stop: nobody would see to it that all is off if it went as well."""
        self._handle = None
        with suppress(ValueError):
            signal.raise_signal(signal.SIGTERM)

    def tell(self, kind: str, **facts: Any) -> None:
        """Tell the supervisor something; the facts are plain data."""
        if self._handle is None:
            return
        self._last = time.monotonic()
        if kind != "beat" or not self._waiting:
            self._waiting.append(json.dumps({"kind": kind, **facts}).encode() + b"\n")
        try:
            self._send()
        except BlockingIOError:
            return  # it is stopped; what waits is sent when it listens again
        except OSError:  # it is gone
            self._be_orphaned()

    def _send(self) -> None:
        """Write what waits, in whole lines; raises `BlockingIOError` where the pipe is full."""
        while self._rest or self._waiting:
            self._rest = self._rest or self._waiting.popleft()
            written = os.write(self._handle, self._rest) if self._handle is not None else len(self._rest)
            self._rest = self._rest[written:]


@cache
def link() -> Link:
    """Return the link of this process: to the supervisor that started it, or to nobody."""
    text = os.environ.pop(HANDLE_NAME, None)  # not for the processes that this one starts
    return Link(int(text) if text is not None and text.isdecimal() else None)
