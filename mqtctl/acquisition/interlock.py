"""Source to zero and off, heater off, on every way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mqtctl.errors import MqtctlError, UnsafeError
from mqtctl.station import Station

__all__ = ["guarded", "make_safe"]


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
