"""What every step of a measurement needs to know: the plan, the open station, the open database, who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mqtctl.acquisition.events import Notify
from mqtctl.acquisition.repetition import RepeatedReadings
from mqtctl.plan import ResolvedPlan
from mqtctl.station import Station

if TYPE_CHECKING:
    from mqtctl.storage import Database, Done, RunFacts

__all__ = ["SweepJob"]


@dataclass(frozen=True)
class SweepJob:
    """A plan on an open station with an open database, and who is told and asked meanwhile.

    Attributes
    ----------
    points
        How many points will be measured: the plan's temperatures, or one.
    check
        Called where stopping is safe; raises to stop.
    facts
        Kept with every run: instruments, seed, versions.
    room
        Raises `StorageError` if the disk has not enough room for so many more points.
    done
        What an earlier part of the same sweep has finished, and is not taken again.
    repeated
        Notices readings that have come before, be it in another histogram.
    """

    plan: ResolvedPlan
    points: int
    station: Station
    database: Database
    sweep_id: str
    facts: RunFacts
    notify: Notify
    check: Callable[[], None]
    done: Done
    room: Callable[[int], None] = lambda _points: None
    repeated: RepeatedReadings = field(default_factory=RepeatedReadings)
