"""Alarms and relays of the Lake Shore controllers: what they watch, when they latch, which relay follows them.

An alarm is high above its high value and low below its low value, and ends only when the reading is back by its
deadband; a latched one stays until ALMRST (Model 372 and 336 manuals, ALARM, ALARMST, ALMRST and RELAY).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pyvisa_mqt.grammar.lakeshore import Entry, LakeShoreInstrument
from pyvisa_mqt.grammar.lakeshore_fields import Integer
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["ALARM_ENTRIES", "AlarmSetup", "WatchfulInstrument"]

RELAY_ON, RELAY_ON_ALARM, LOWEST_ZONE_MODE = 1, 2, 3
LOW_ALARM, HIGH_ALARM, BOTH_ALARMS = 0, 1, 2


@dataclass(frozen=True)
class AlarmSetup:
    """What an input's alarm watches: source by its code, limits and deadband in the source's unit."""

    enabled: bool
    source: int
    high: float
    low: float
    deadband: float
    latched: bool


class WatchfulInstrument(LakeShoreInstrument):
    """A controller whose inputs have alarms, which may close relays."""

    #: Names of the inputs that have an alarm.
    alarm_inputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        #: Whether the high and the low alarm of an input are on.
        self._alarms: dict[str, tuple[bool, bool]] = {}
        self._watched: tuple[int, tuple[str, ...]] = (-1, ())

    # What a model supplies.

    @abstractmethod
    def alarm_setup(self, name: str) -> AlarmSetup:
        """Return the settings of an input's alarm."""

    @abstractmethod
    def alarm_value(self, name: str, source: int) -> float | None:
        """Return what an input's alarm watches, None while the reading is not valid."""

    # What clients see.

    @property
    def watching(self) -> tuple[str, ...]:
        """The inputs whose alarm is enabled."""
        if self._watched[0] != self.revision:
            enabled = tuple(name for name in self.alarm_inputs if self.alarm_setup(name).enabled)
            self._watched = (self.revision, enabled)
        return self._watched[1]

    def watch(self) -> bool:
        """Compare the present readings with their limits; return whether any alarm is on."""
        for name in self.watching:
            setup = self.alarm_setup(name)
            value = self.alarm_value(name, setup.source)
            if value is None:
                continue
            high, low = self._alarms.get(name, (False, False))
            self._alarms[name] = (
                value > setup.high or (high and (setup.latched or value > setup.high - setup.deadband)),
                value < setup.low or (low and (setup.latched or value < setup.low + setup.deadband)),
            )
        return any(any(self._alarms.get(name, ())) for name in self.watching)

    def alarm_states(self, name: str) -> tuple[bool, bool]:
        """Return whether an input's high and low alarms are on."""
        self.watch()
        return self._alarms.get(name, (False, False)) if name in self.watching else (False, False)

    def alarm_status(self, name: str) -> str:
        """Return ALARMST?: high state, low state."""
        return ",".join(str(int(state)) for state in self.alarm_states(name))

    def reset_alarms(self) -> None:
        """Do what ALMRST does: latched alarms end; one whose cause lasts comes again at once."""
        self._alarms.clear()

    def relay_status(self, relay: int) -> str:
        """Return RELAYST?: on by hand, by an alarm of its input, or by the zone of a heater."""
        mode, name, kind = self.stored("RELAY", relay)
        if mode == RELAY_ON_ALARM:
            high, low = self.alarm_states(str(name))
            return str(int({LOW_ALARM: low, HIGH_ALARM: high, BOTH_ALARMS: high or low}[kind]))
        return str(int(mode == RELAY_ON or (mode >= LOWEST_ZONE_MODE and self.zone_closes(relay, mode))))

    def zone_closes(self, relay: int, mode: int) -> bool:
        """Return whether the present zone of a heater closes a relay in this mode."""
        return False


ALARM_ENTRIES: Mapping[str, Entry] = {
    "ALMRST": Entry(after=WatchfulInstrument.reset_alarms, readable=False),
    "RELAYST": Entry((Integer(1, 2),), query=WatchfulInstrument.relay_status, writable=False),
}
