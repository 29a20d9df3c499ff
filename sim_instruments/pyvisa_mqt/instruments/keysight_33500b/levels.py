"""The level settings of the 33500B: amplitude and offset, high and low, units, load and limits.

Amplitude and offset are kept for the open circuit and shown for the load that was entered. Levels in the
wrong order: the other one gives way by 1 mV, with an error (33500 Series Operating and Service Guide,
VOLTage subsystem). All else that is out of range is refused.
"""

from __future__ import annotations

import abc
import math
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.interface_lock import LockableInstrument
from pyvisa_mqt.grammar.parameters import Number, NumberFormat

__all__ = ["LARGEST_PEAK", "Amplitude", "GeneratorLevels", "LimitKeyword"]

OUTPUT_IMPEDANCE = 50.0
#: Largest open-circuit output in V, and smallest open-circuit amplitude in V peak to peak.
LARGEST_PEAK, SMALLEST_AMPLITUDE = 10.0, 2e-3
#: Open-circuit amplitude after *RST: 100 mVpp across 50 Ohm.
DEFAULT_AMPLITUDE = 0.2
#: Peak to peak value over effective value of each function, for amplitudes in Vrms and dBm.
PEAK_TO_RMS = {"SIN": 2 * math.sqrt(2), "SQU": 2.0, "PULS": 2.0, "RAMP": 2 * math.sqrt(3), "TRI": 2 * math.sqrt(3)}
PEAK_TO_RMS |= {"NOIS": 6.6, "PRBS": 2.0, "ARB": 2.0, "DC": 2.0}

_UNITS = ("VPP", "VRMS", "DBM")
_LIMITS = {"MIN": "MIN", "MINIMUM": "MIN", "MAX": "MAX", "MAXIMUM": "MAX", "DEF": "DEF", "DEFAULT": "DEF"}


class Amplitude:
    """An amplitude with or without its unit, or MIN, MAX, DEF."""

    _number = Number(-1e3, 1e3, unit="V")

    def parse(self, text: str) -> tuple[float | str, str]:
        """Return the number, or the keyword, and the unit in capitals ("" if there is none)."""
        keyword = _LIMITS.get(text.upper())
        if keyword is not None:
            return keyword, "VPP"
        unit = next((unit for unit in _UNITS if text.upper().endswith(unit)), "")
        number = text[: len(text) - len(unit)].rstrip()
        if not number:
            raise ScpiError(-148)
        return self._number.parse(number), unit

    def format(self, value: Any, style: NumberFormat) -> str:
        """Write it as it is."""
        return str(value)


class LimitKeyword:
    """MIN, MAX or DEF behind a query."""

    def parse(self, text: str) -> str:
        """Return the short keyword."""
        keyword = _LIMITS.get(text.upper())
        if keyword is None:
            raise ScpiError(-224 if text[:1].isalpha() else -108)
        return keyword

    def format(self, value: Any, style: NumberFormat) -> str:
        """Write it as it is."""
        return str(value)


class GeneratorLevels(LockableInstrument):
    """The part of the generator that knows volts."""

    @abc.abstractmethod
    def refresh(self, channel: int, *_: object) -> None:
        """Put out what the settings say."""

    def shown(self, channel: int) -> float:
        """Return the share of the open-circuit voltage that is shown."""
        load = self.settings["load", channel]
        return 1.0 if math.isinf(load) else float(load / (load + OUTPUT_IMPEDANCE))

    def set_amplitude(self, channel: int, amplitude: tuple[float | str, str]) -> None:
        """Set the amplitude, given with its unit ("" for the channel's own); "MAX" and "MIN" are understood."""
        value, unit = amplitude
        offset = self.settings["offset", channel]
        if isinstance(value, str):
            volts = SMALLEST_AMPLITUDE if value == "MIN" else 2 * (LARGEST_PEAK - abs(offset))
            volts = DEFAULT_AMPLITUDE if value == "DEF" else volts
        else:
            volts = self._peak_to_peak(channel, value, unit or self.settings["unit", channel]) / self.shown(channel)
        if not SMALLEST_AMPLITUDE * (1 - 1e-9) <= volts <= 2 * LARGEST_PEAK * (1 + 1e-9):
            raise ScpiError(-222)
        self._set_levels(channel, volts, offset)

    def amplitude(self, channel: int, keyword: str = "") -> str:
        """Return the amplitude in the channel's unit; MIN or MAX ask for the limits."""
        present = self.settings["amplitude", channel]
        volts = {"MIN": SMALLEST_AMPLITUDE, "MAX": 2 * (LARGEST_PEAK - abs(self.settings["offset", channel]))}.get(
            keyword, DEFAULT_AMPLITUDE if keyword else present
        )
        return self.format_number(self._in_unit(channel, volts * self.shown(channel)))

    def _peak_to_peak(self, channel: int, value: float, unit: str) -> float:
        ratio = PEAK_TO_RMS[self.settings["function", channel]]
        if unit == "VPP":
            return value
        if unit == "VRMS":
            return value * ratio
        load = self.settings["load", channel]
        if math.isinf(load):
            raise ScpiError(-221, "unable to use dBm with high impedance load")
        return ratio * math.sqrt(1e-3 * load * 10 ** (min(value, 1e3) / 10))

    def _in_unit(self, channel: int, volts: float) -> float:
        unit = self.settings["unit", channel]
        effective = volts / PEAK_TO_RMS[self.settings["function", channel]]
        if unit == "DBM":
            return 10 * math.log10(effective**2 / self.settings["load", channel] / 1e-3)
        return volts if unit == "VPP" else effective

    def set_unit(self, channel: int, unit: str) -> None:
        """Set the unit of the amplitude; dBm needs a load."""
        if unit == "DBM" and math.isinf(self.settings["load", channel]):
            raise ScpiError(-221, "unable to use dBm with high impedance load")
        self.settings["unit", channel] = unit

    def set_offset(self, channel: int, offset: float) -> None:
        """Set the offset in V, as shown."""
        volts = offset / self.shown(channel)
        if abs(volts) > LARGEST_PEAK * (1 + 1e-9):
            raise ScpiError(-222)
        self._set_levels(channel, self.settings["amplitude", channel], volts)

    def offset(self, channel: int, keyword: str = "") -> str:
        """Return the offset in V, as shown; MIN or MAX ask for the limits at the present amplitude."""
        largest = LARGEST_PEAK - self.settings["amplitude", channel] / 2
        volts = {"MIN": -largest, "MAX": largest, "DEF": 0.0}.get(keyword, self.settings["offset", channel])
        return self.format_number(volts * self.shown(channel))

    def set_level(self, which: str, channel: int, level: float) -> None:
        """Set "high" or "low" level in V, as shown; the other one gives way by 1 mV where they would cross."""
        volts = level / self.shown(channel)
        if abs(volts) > LARGEST_PEAK * (1 + 1e-9):
            raise ScpiError(-222)
        low, high = self._levels(channel)
        crossed = volts - low < SMALLEST_AMPLITUDE if which == "high" else high - volts < SMALLEST_AMPLITUDE
        if which == "high":
            low, high = (volts - SMALLEST_AMPLITUDE if crossed else low), volts
        else:
            low, high = volts, (volts + SMALLEST_AMPLITUDE if crossed else high)
        self._set_levels(channel, high - low, (high + low) / 2)
        if crossed:
            raise ScpiError(-221, f"{'low' if which == 'high' else 'high'} level changed")

    def level(self, which: str, channel: int, keyword: str = "") -> str:
        """Return "high" or "low" level in V, as shown; MIN or MAX ask for the ends of the output's range."""
        low, high = self._levels(channel)
        present = high if which == "high" else low
        default = 0.1 if which == "high" else -0.1
        volts = {"MIN": -LARGEST_PEAK, "MAX": LARGEST_PEAK, "DEF": default}.get(keyword, present)
        return self.format_number(volts * self.shown(channel))

    def _levels(self, channel: int) -> tuple[float, float]:
        half = self.settings["amplitude", channel] / 2
        offset = self.settings["offset", channel]
        return offset - half, offset + half

    def _set_levels(self, channel: int, amplitude: float, offset: float) -> None:
        peak = abs(offset) if self.settings["function", channel] == "DC" else abs(offset) + amplitude / 2
        if peak > LARGEST_PEAK * (1 + 1e-9):
            raise ScpiError(-221, "amplitude and offset exceed the output's range")
        if self.settings["limit", channel]:
            shown = self.shown(channel)
            low, high = (offset - amplitude / 2) * shown, (offset + amplitude / 2) * shown
            if low < self.settings["limit_low", channel] or high > self.settings["limit_high", channel]:
                raise ScpiError(-221, "voltage limits are enabled")
        self.settings["amplitude", channel] = amplitude
        self.settings["offset", channel] = offset
        self.refresh(channel)

    def set_load(self, channel: int, load: float) -> None:
        """Enter the load in Ohm; the output stays, what is shown changes."""
        if math.isinf(load) and self.settings["unit", channel] == "DBM":
            self.settings["unit", channel] = "VPP"
        self.settings["load", channel] = load
