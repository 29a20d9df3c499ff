"""Lets a display be as slow as it likes: it listens on a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from mqtctl.acquisition import Bystander

__all__ = ["Apart"]

#: So long (s) the end waits for a display that has still to show something.
_PATIENCE = 5.0


class Apart:
    """A listener that never keeps waiting whoever tells it something.

    A terminal that is stopped (Ctrl-S, `less`) or that hangs behind a connection which went without a word blocks
    whoever writes to it, for hours and deaf to Ctrl-C. That shall not be the one who has the heater on.

    Parameters
    ----------
    listener
        Called with each event, in order, on the other thread, until it raises.
    end
        Called there, when there will be no more events.
    """

    def __init__(self, listener: Callable[[Any], None], end: Callable[[], None] = lambda: None) -> None:
        self._listener, self._end = Bystander(listener), Bystander(lambda _: end())
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen, name="display", daemon=True)
        self._thread.start()

    def __call__(self, event: object) -> None:
        """Take an event."""
        self._events.put((event,))

    def close(self) -> bool:
        """Wait a while until everything is shown; return False if the display hangs, and leave it to itself."""
        self._events.put(())
        self._thread.join(_PATIENCE)
        return not self._thread.is_alive()

    def _listen(self) -> None:
        """Pass events on until there will be no more."""
        while event := self._events.get():
            self._listener(*event)
        self._end(None)
