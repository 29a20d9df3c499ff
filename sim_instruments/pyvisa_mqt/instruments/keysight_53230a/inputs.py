"""The inputs of the 53230A: thresholds, auto-level, coupling, termination, filter, noise rejection.

U: the levels' limits, the corner of AC coupling, and that noise rejection doubles the hysteresis.
"""

from __future__ import annotations

import abc
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.interface_lock import LockableInstrument
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number, NumberFormat
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.instruments.counters.comparator_input import Conditioning, CounterInput, divider

__all__ = ["INPUT_COMMANDS", "InputSection"]

FILTER_CONSTANT = 1.0 / (2.0 * math.pi * 100e3)  # s
LARGEST_LEVEL = 1.025  # of the range


class InputSection(LockableInstrument):
    """The part of the counter between connectors and comparators."""

    def build_inputs(self) -> None:
        """Connect the inputs."""
        self.settings.update({("auto_level", channel): True for channel in (1, 2)})
        self._inputs = {channel: CounterInput(self.wires, f"input{channel}") for channel in (1, 2)}

    def conditioning(self, channel: int) -> Conditioning:
        """Return what lies before a channel's comparators."""
        terminated = self.settings["impedance", channel] == 50.0
        share = divider(self.options["source_impedance"], terminated)
        noise_rejection = 2.0 if self.settings["noise_rejection", channel] else 1.0
        return Conditioning(
            gain=share * self.settings["probe", channel],
            ac=self.settings["coupling", channel] == "AC",
            filter_constant=FILTER_CONSTANT if self.settings["filter", channel] else 0.0,
            hysteresis=self.options["hysteresis"] * noise_rejection,
        )

    def input_edges(self, channel: int, event: int, slope: str, since: float, until: float) -> NDArray[np.float64]:
        """Return the times in s, since < t <= until, of an event (1 or 2) of a channel; "" takes its own slope."""
        level = self.settings["level", channel, event]
        rising = (slope or self.settings["slope", channel, event]) == "POS"
        return self._inputs[channel].edges(self.conditioning(channel), level, rising, since, until)

    def largest_level(self, channel: int) -> float:
        """Return the largest threshold in V in the present range."""
        return float(LARGEST_LEVEL * self.settings["input_range", channel] * self.settings["probe", channel])

    def set_level(self, channel: int, event: int, level: float | str) -> None:
        """Set a threshold (V, or MIN or MAX); that switches auto-level off."""
        largest = self.largest_level(channel)
        value = {"MIN": -largest, "MAX": largest, "DEF": 0.0}[level] if isinstance(level, str) else level
        if abs(value) > largest * (1.0 + 1e-9):
            raise ScpiError(-222)
        self.settings["level", channel, event] = value
        self.settings["auto_level", channel] = False
        self.changed()

    def query_level(self, channel: int, event: int, *limit: str) -> str:
        """Return a threshold, or a limit of it."""
        largest = self.largest_level(channel)
        values = {"MIN": -largest, "MAX": largest, "DEF": 0.0}
        return self.format_number(values[limit[0]] if limit else self.settings["level", channel, event])

    def set_auto_level(self, channel: int, mode: bool | str) -> None:
        """Switch auto-level; ONCE finds the levels now and keeps them."""
        self.settings["auto_level", channel] = mode is True
        if mode == "ONCE":
            self.find_levels(channel)

    def find_levels(self, channel: int) -> None:
        """Put the thresholds at their percentages of the signal, if it has moved within a period of the least rate."""
        now = self.wires.clock.now()
        since = now - 1.0 / self.settings["auto_level_frequency"]
        extremes = self._inputs[channel].extremes(since, now)
        if extremes is None:
            return
        conditioning = self.conditioning(channel)
        mean = self._inputs[channel].offset(conditioning, extremes, since, now)
        low, high = (conditioning.gain * level - mean for level in extremes)
        for event in (1, 2):
            part = self.settings["relative_level", channel, event] / 100
            self.settings["level", channel, event] = low + part * (high - low)

    @abc.abstractmethod
    def changed(self, *_: object) -> None:
        """End a measurement whose conditions were changed."""


class _Impedance(Number):
    """50 Ohm or 1 MOhm, read back with nine digits."""

    def __init__(self) -> None:
        super().__init__(50, 1e6, 1e6, unit="OHM")

    def parse(self, text: str) -> float:
        value = super().parse(text)
        if value not in (50.0, 1e6):
            raise ScpiError(-222)
        return value

    def format(self, value: float, style: NumberFormat) -> str:
        return f"{value:+.8E}".replace("E+", "E+0")


class _InputRange(Number):
    """5 V or 50 V; a value in between takes the next larger."""

    def __init__(self) -> None:
        super().__init__(5, 50, 5, unit="V")

    def parse(self, text: str) -> float:
        return 5.0 if super().parse(text) <= 5.0 else 50.0


class _Probe(Number):
    """1 or 10."""

    def __init__(self) -> None:
        super().__init__(1, 10, 1, integer=True)

    def parse(self, text: str) -> float:
        value = super().parse(text)
        if value not in (1, 10):
            raise ScpiError(-224)
        return value


class _Percent(Number):
    """10 to 90 % in steps of 5."""

    def __init__(self) -> None:
        super().__init__(10, 90, 50)

    def parse(self, text: str) -> float:
        return 5.0 * round(super().parse(text) / 5.0)


class _Level(Number):
    """A threshold, or MIN, MAX, DEF, which depend on range and probe."""

    words = {  # noqa: RUF012
        word: word[:3] for word in ("MIN", "MINIMUM", "MAX", "MAXIMUM", "DEF", "DEFAULT")
    }

    def __init__(self) -> None:
        super().__init__(-1e4, 1e4, unit="V")

    def parse(self, text: str) -> Any:
        return self.words.get(text.upper()) or super().parse(text)


class _AutoLevel(Boolean):
    """ON, OFF or ONCE."""

    def parse(self, text: str) -> Any:
        return "ONCE" if text.upper() == "ONCE" else super().parse(text)


def _changed(instrument: Any, *_: Any) -> None:
    instrument.changed()


_INPUT = "INPut{1-2}"
_LEVEL = f"{_INPUT}:LEVel{{1-2}}"
_LIMIT = Choice("MINimum", "MAXimum", "DEFault")
INPUT_COMMANDS: tuple[Command, ...] = (
    setting(f"{_INPUT}:COUPling", "coupling", Choice("AC", "DC"), "AC", after=_changed),
    setting(f"{_INPUT}:IMPedance", "impedance", _Impedance(), 1e6, after=_changed),
    setting(f"{_INPUT}:RANGe", "input_range", _InputRange(), 5.0, after=_changed),
    setting(f"{_INPUT}:PROBe", "probe", _Probe(), 1, after=_changed),
    setting(f"{_INPUT}:FILTer[:LPASs][:STATe]", "filter", Boolean(), False, after=_changed),
    setting(f"{_INPUT}:NREJection", "noise_rejection", Boolean(), False, after=_changed),
    setting(f"{_INPUT}:SLOPe{{1-2}}", "slope", Choice("POSitive", "NEGative"), "POS", after=_changed),
    Command(
        f"{_LEVEL}[:ABSolute]",
        lambda instrument, *level: instrument.set_level(*level),
        lambda instrument, *which: instrument.query_level(*which),
        (_Level(),),
        (_LIMIT,),
        query_optional=1,
        name="level",
        default=0.0,
    ),
    setting(f"{_LEVEL}:RELative", "relative_level", _Percent(), 50.0, after=_changed),
    # One switch an input: the event's number is taken and does not matter.
    Command(
        f"{_LEVEL}:AUTO",
        lambda instrument, channel, event, mode: instrument.set_auto_level(channel, mode),
        lambda instrument, channel, event: "1" if instrument.settings["auto_level", channel] else "0",
        (_AutoLevel(),),
    ),
)
