"""What stands in for each instrument of a station, as its adapter says."""

from __future__ import annotations

from typing import TypeVar

from mqtctl.documents import validate_document
from mqtctl.errors import InputError
from mqtctl.instruments.registry import adapter_for
from mqtctl.instruments.roles.stand_in import CounterStandIn, StandIn
from mqtctl.station import InstrumentEntry, StationFile

__all__ = ["is_streamed", "part_for"]

_Kind = TypeVar("_Kind", bound=StandIn)


def part_for(entry: InstrumentEntry, where: str, kind: type[_Kind]) -> _Kind:
    """Return what stands in for an instrument of a station.

    Parameters
    ----------
    entry
        The instrument, which plays a role.
    where
        What leads the message of a fault: file and key.
    kind
        What the role needs.

    Raises
    ------
    InputError
        An option is wrong, or nothing of this kind stands in for this instrument.
    """
    settings = entry.init.metadata.mqtctl
    if settings is None:
        raise InputError(f"{where}: plays no role; give it one in init.metadata.mqtctl.role")
    try:
        adapter = adapter_for(settings.role, entry.type)
    except InputError as exc:
        raise InputError(f"{where}: {exc}") from exc
    name = f"{adapter.__module__}.{adapter.__qualname__}"
    if not callable(getattr(adapter, "stand_in", None)):
        raise InputError(
            f"{where}.type: nothing stands in for {entry.type!r} in a rehearsal; add a class method stand_in to its "
            f"adapter {name} (docs/instruments.md), or describe your bench in a file and name it with --bench"
        )
    model, options = getattr(adapter, "options_model", None), dict(settings.model_extra or {})
    part = adapter.stand_in(entry.type, validate_document(options, model, f"{where}: options") if model else options)
    if not isinstance(part, kind):
        raise InputError(
            f"{where}.type: stand_in of {name} returned {part!r}; for the role {settings.role!r} it must be a "
            f"{kind.__name__} of {kind.__module__}"
        )
    return part


def is_streamed(file: StationFile) -> bool:
    """Whether the station's counter has no memory; False where that is not known."""
    for name, entry in file.instruments.items():
        settings = entry.init.metadata.mqtctl
        if settings is not None and settings.role == "timing_counter":
            try:
                return part_for(entry, name, CounterStandIn).streams
            except InputError:  # the acquisition will say it, with the file and the key
                return False
    return False
