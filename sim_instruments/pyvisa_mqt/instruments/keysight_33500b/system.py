"""Commands of the 33500B that concern it as a whole: APPLy, stored states, display, beeper, reference clock."""

from __future__ import annotations

import math
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.interface_lock import LOCK_COMMANDS
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number, NumberFormat, Text
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import state_commands
from pyvisa_mqt.instruments.keysight_33500b.levels import Amplitude

__all__ = ["SYSTEM_COMMANDS"]

_SOURCE = "[SOURce{1-2}:]"
LAST_STATE = 4
#: Node of APPLy -> function.
_APPLIED = {
    "SINusoid": "SIN", "SQUare": "SQU", "TRIangle": "TRI", "RAMP": "RAMP", "PULSe": "PULS", "PRBS": "PRBS",
    "NOISe": "NOIS", "ARBitrary": "ARB", "DC": "DC",
}  # fmt: skip


class _OrDefault:
    """A number, or DEFault for the one that is set already."""

    def __init__(self, number: Any) -> None:
        self._number = number

    def parse(self, text: str) -> Any:
        return None if text.upper() in ("DEF", "DEFAULT") else self._number.parse(text)

    def format(self, value: Any, style: NumberFormat) -> str:
        return str(value)


def _apply(function: str) -> Any:
    """Return what APPLy does: modes off, function and levels, trigger at once, output on."""

    def execute(
        self: Any,
        channel: int,
        frequency: float | None = None,
        amplitude: tuple[float | str, str] | None = None,
        offset: float | None = None,
    ) -> None:
        self.apply_modes_off(channel)
        if frequency is not None:
            # The old frequency is going anyway: it must not be an obstacle to the new function.
            self.settings["frequency", channel] = 1e3
        self.set_function(channel, function)
        if frequency is not None and function == "ARB":
            self.set_sample_rate(channel, frequency)
        elif frequency is not None and function not in ("DC", "NOIS"):
            self.set_frequency(channel, frequency)
        # The amplitude first, unless the offset has to make room for it.
        if offset is not None:
            self.set_offset(channel, 0.0)
        if amplitude is not None and function != "DC":
            self.set_amplitude(channel, amplitude)
        if offset is not None:
            self.set_offset(channel, offset)
        self.settings["output", channel] = True
        self.refresh(channel)

    return execute


def _applied(self: Any, channel: int) -> str:
    """Return what APPLy? answers: function, frequency, amplitude and offset in quotes."""
    rate = self.settings["sample_rate", channel] if self.settings["function", channel] == "ARB" else None
    frequency = self.frequency(channel) if rate is None else self.format_number(rate)
    levels = f"{frequency},{self.amplitude(channel)},{self.offset(channel)}"
    return f'"{self.settings["function", channel]} {levels}"'


def _recall(self: Any, number: int) -> None:
    if number not in self.stored_states:
        raise ScpiError(810, text="State has not been stored")
    self.recall_state(number)


def _is_stored(self: Any, number: int) -> str:
    return "1" if number in self.stored_states else "0"


def _delete(self: Any, number: int) -> None:
    self.stored_states.pop(number, None)


def _states() -> tuple[Command, ...]:
    place = (Number(0, LAST_STATE, integer=True),)
    return (
        *state_commands(LAST_STATE),
        Command("*RCL", _recall, None, place),
        Command("MEMory:STATe:DELete", _delete, None, place),
        Command(
            "MEMory:STATe:VALid", None, lambda self, number: "1" if number in self.stored_states else "0", (), place
        ),
        Command("MEMory:NSTates", None, lambda self: self.format_integer(LAST_STATE + 1)),
        setting("MEMory:STATe:RECall:AUTO", "recall_at_power_on", Boolean(), False, lasting=True),
    )


SYSTEM_COMMANDS: tuple[Command, ...] = (
    *(
        Command(
            f"{_SOURCE}APPLy:{node}",
            _apply(function),
            None,
            (
                _OrDefault(Number(1e-6, 250e6, math.inf, unit="HZ")),
                _OrDefault(Amplitude()),
                _OrDefault(Number(-10, 10, unit="V")),
            ),
            optional=3,
        )
        for node, function in _APPLIED.items()
    ),
    Command(f"{_SOURCE}APPLy", None, _applied),
    *_states(),
    setting("DISPlay[:STATe]", "display", Boolean(), True),
    setting("DISPlay:TEXT", "display_text", Text(40), ""),
    setting("DISPlay:FOCus", "display_focus", Choice("CH1", "CH2"), "CH1"),
    Command("DISPlay:TEXT:CLEar", lambda self: self.settings.update(display_text="")),
    Command("SYSTem:BEEPer[:IMMediate]", lambda self: None),
    setting("SYSTem:BEEPer:STATe", "beeper", Boolean(), True, lasting=True),
    *(Command(f"SYSTem:{word}", lambda self: None) for word in ("LOCal", "REMote", "RWLock")),
    *LOCK_COMMANDS,
    setting(f"{_SOURCE}ROSCillator:SOURce", "reference", Choice("INTernal", "EXTernal"), "INT"),
    setting(f"{_SOURCE}ROSCillator:SOURce:AUTO", "reference_auto", Boolean(), True),
    Command(f"{_SOURCE}ROSCillator:SOURce:CURRent", None, lambda self, _: "INT"),
)
