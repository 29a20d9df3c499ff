"""Source to zero and off, heater off, on every way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mqtctl.errors import UnsafeError
from mqtctl.instruments.talk.resting import attempt_of, bring_to_rest, in_use, print_aside
from mqtctl.station import Station

__all__ = ["before_ramps", "guarded", "make_safe"]


def make_safe(station: Station, tell: Callable[[str], object] = print_aside, patience: float | None = None) -> None:
    """Bring source, offset source and heater to rest side by side, and the counter behind them.

    Parameters
    ----------
    tell
        Told in a sentence if that takes longer than usual, and of a counter that cannot be brought to rest: it has no
        output, so it can harm nothing.
    patience
        How long in s an instrument that does not answer is tried again; default `talk.resting.PATIENCE`.

    Raises
    ------
    UnsafeError
        Source, offset source or heater did not confirm; the message names all that did not.
    """
    attempts = {"source": attempt_of(station.source), "heater": attempt_of(station.thermometer)}
    if station.offset is not None:
        attempts["offset source"] = attempt_of(station.offset)
    faults = bring_to_rest(attempts, station.clock, tell, patience)
    try:
        station.counter.make_safe()
    except Exception as exc:  # of any kind: it must not hide whether the others are at rest
        with suppress(Exception):  # nor may whoever cannot listen any more
            tell(f"counter: not brought to rest, which harms nothing: {' '.join(str(exc).split())}")
    if faults:
        listed = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        raise UnsafeError(f"the safe state is NOT confirmed, look at the instruments; {listed}")


@contextmanager
def guarded(station: Station, tell: Callable[[str], object] = print_aside) -> Iterator[Station]:
    """Make the station safe at the end of the block, however it ends; parameters are those of `make_safe`."""
    try:
        yield station
    finally:
        make_safe(station, tell)


@contextmanager
def before_ramps(station: Station, tell: Callable[[str], object] = print_aside) -> Iterator[Station]:
    """Make the station safe if the block fails, unless a source is on: then somebody may be using it, and all is left.

    For the time between connecting and the first command of a measurement.
    """
    try:
        yield station
    except BaseException:
        if not in_use([station.source, *([] if station.offset is None else [station.offset])]):
            make_safe(station, tell)
        raise
