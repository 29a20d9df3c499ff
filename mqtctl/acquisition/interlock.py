"""Source to zero and off, heater off, on every way out; and how a run is asked to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

from mqtctl.errors import InterruptedRunError, MqtctlError, UnsafeError
from mqtctl.station import Station

__all__ = ["Interrupt", "guarded", "make_safe"]


class Interrupt:
    """Context in which Ctrl-C and termination requests are remembered instead of striking anywhere.

    `check` raises at the next point where stopping is safe; nothing can cut short the way to the
    safe state.
    """

    def __init__(self) -> None:
        self._signal_number: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned before

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self._signal_number = number

    def check(self) -> None:
        """Raise `InterruptedRunError` if a stop was asked for."""
        if self._signal_number is not None:
            raise InterruptedRunError(self._signal_number)


def make_safe(station: Station) -> None:
    """Bring source, offset source, heater and counter to rest, each whatever happens to the others.

    Raises
    ------
    UnsafeError
        At least one of them did not confirm; the message names all that did not.
    """
    steps: list[tuple[str, Callable[[], None]]] = [
        ("source", station.source.make_safe),
        ("heater", station.thermometer.make_safe),
        ("counter", station.counter.make_safe),
    ]
    if station.offset is not None:
        steps.insert(1, ("offset source", station.offset.make_safe))
    faults = []
    for name, step in steps:
        try:
            step()
        except (MqtctlError, OSError, ValueError, RuntimeError) as exc:
            faults.append(f"{name}: {exc}")
    if faults:
        raise UnsafeError(f"the safe state is NOT confirmed, look at the instruments; {'; '.join(faults)}")


@contextmanager
def guarded(station: Station) -> Iterator[Station]:
    """Make the station safe at the end of the block, however it ends."""
    try:
        yield station
    finally:
        make_safe(station)
