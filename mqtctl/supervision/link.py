"""The worker's end of the link to its supervisor: one JSON line for each thing that happens, and a heartbeat."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from functools import cache
from typing import Any

from mqtctl.supervision.ear import HANDLE_NAME, hands_down, own_end

__all__ = ["Link", "link"]

#: A sign of life is sent at most so often, in s.
_BEAT = 0.5
#: So many lines wait for a supervisor that is stopped; older ones go.
_WAITING = 1000


class Link:
    """A line to a supervisor; without one, or when it is gone, everything here is silence.

    Nothing here ever waits: a supervisor that is stopped (Ctrl-Z) must not stop the worker. One that is gone does: the
    worker asks itself to stop, which makes it safe.

    Parameters
    ----------
    end
        This process's end; None if nobody is to be told.
    obeys
        Whether signals are asked for on the same way, because the system does not pass them on.
    """

    def __init__(self, end: socket.socket | None, *, obeys: bool = False) -> None:
        self._end = end
        self._heard = end is not None
        self._waiting: deque[bytes] = deque(maxlen=_WAITING)
        self._rest = b""
        self._last = -_BEAT
        if end is not None:
            end.setblocking(False)
            end.set_inheritable(False)
        if end is not None and obeys:
            threading.Thread(target=_obey, args=(end,), name="supervisor", daemon=True).start()

    def beat(self) -> None:
        """Give a sign of life, where one is due, and notice in any case if nobody is there to see it."""
        if self._end is None or not self._heard:
            return
        if time.monotonic() - self._last >= _BEAT:
            self.tell("beat")
        elif _is_alone(self._end):
            self._be_orphaned()

    def _be_orphaned(self) -> None:
        """Ask this process to stop: nobody would see to it that all is off if it went as well."""
        self._heard = False
        with suppress(ValueError):
            signal.raise_signal(signal.SIGTERM)

    def tell(self, kind: str, **facts: Any) -> None:
        """Tell the supervisor something; the facts are plain data."""
        if not self._heard:
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
        """Write what waits, in whole lines; raises `BlockingIOError` where there is no room."""
        while self._rest or self._waiting:
            self._rest = self._rest or self._waiting.popleft()
            written = self._end.send(self._rest) if self._end is not None else len(self._rest)
            self._rest = self._rest[written:]


def _is_alone(end: socket.socket) -> bool:
    """Return whether nobody has the other end any more."""
    try:
        return end.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _obey(end: socket.socket) -> None:
    """Take every signal that the supervisor asks for, and a request to end when it is gone."""
    while True:
        select.select([end], [], [])
        try:
            asked = end.recv(1)
        except OSError:
            asked = b""
        # whatever this process does with it: not Python's own way to interrupt, which knows no default action
        signal.raise_signal(asked[0] if asked else signal.SIGTERM)
        if not asked:
            return


@cache
def link() -> Link:
    """Return the link of this process: to the supervisor that started it, or to nobody.

    Raises
    ------
    OSError
        The supervisor that started it is gone already.
    """
    text = os.environ.pop(HANDLE_NAME, None)  # not for the processes that this one starts
    return Link(None if text is None else own_end(text), obeys=not hands_down())
