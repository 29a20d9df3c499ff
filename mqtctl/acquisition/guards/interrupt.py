"""How a run is asked to stop: a signal is remembered, cuts waits short, and strikes only where stopping is safe."""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Self

from mqtctl.clock import Clock, WallClock
from mqtctl.errors import InterruptedRunError
from mqtctl.stop_signals import STOP_SIGNALS, is_ours_to_take

__all__ = ["Interrupt"]


class Interrupt:
    """Context in which requests to stop are remembered instead of striking anywhere.

    `check` raises at the next point where stopping is safe. Nothing can cut short the way to the safe state: the
    second signal and the hundredth are remembered like the first. Outside the main thread, where Python has no
    signals, nothing is taken over.

    Attributes
    ----------
    alive
        Called at every `check`: a sign of life.
    clock
        The computer's clock; within `striking` a request to stop ends its sleeps and raises there.
    """

    def __init__(self, alive: Callable[[], object] = lambda: None) -> None:
        self.alive = alive
        self._signal_number: int | None = None
        self._previous: dict[int, object] = {}
        self._striking = False
        self.clock: Clock = _StoppableClock(self)

    def __enter__(self) -> Self:
        self._bell, self._awake = socket.socketpair()  # and no pipe: on Windows `select` knows sockets only
        self._bell.setblocking(False)
        self._takes = threading.current_thread() is threading.main_thread()
        if self._takes:
            # rung by the system's own handler, too: Python's waits for `select` where no signal ends that (Windows)
            self._bell_before = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
            for number in STOP_SIGNALS:
                if is_ours_to_take(number):
                    self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned before
        if self._takes:
            signal.set_wakeup_fd(self._bell_before)
        self._bell.close()
        self._awake.close()

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        if self._signal_number is None:
            self._signal_number = number
        with suppress(OSError):  # full: it has been rung often enough
            self._bell.send(b"\0")

    def check(self) -> None:
        """Give a sign of life; raise `InterruptedRunError` if a stop was asked for."""
        self.alive()
        if self._signal_number is not None:
            raise InterruptedRunError(self._signal_number)

    @contextmanager
    def striking(self) -> Iterator[None]:
        """Let requests to stop end sleeps on `clock` within the block, which must be one that may end anywhere."""
        self._striking = True
        try:
            yield
        finally:
            self._striking = False

    def sleep(self, duration: float) -> None:
        """Sleep for `duration` s; within `striking` at most until a stop is asked for, which then raises."""
        if not self._striking:
            time.sleep(duration)
            return
        self.check()
        until = time.monotonic() + duration
        # not time.sleep, which goes on after a signal (PEP 475): the handler rings here, also if it ran just before
        while (left := until - time.monotonic()) > 0 and select.select([self._awake], [], [], left)[0]:
            self.check()
            self._awake.recv(4096)  # a signal that asks for nothing
        self.check()


class _StoppableClock(WallClock):
    """The wall clock whose sleeps an `Interrupt` can end."""

    def __init__(self, interrupt: Interrupt) -> None:
        self._interrupt = interrupt

    def sleep(self, duration: float) -> None:
        """Sleep for `duration` s, or until a request to stop strikes."""
        self._interrupt.sleep(duration)
