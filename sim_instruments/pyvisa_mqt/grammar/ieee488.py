"""The IEEE 488.2 / SCPI status model: registers, status byte, service request and error queue.

It knows no command names; `scpi.py` gives it a voice. Figures and rules: IEEE 488.2-1992
chapters 6 and 11, SCPI-1999 volume 1 chapter 9 and volume 2 chapter 20-21.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

__all__ = [
    "ERROR_TEXTS",
    "MASTER_SUMMARY",
    "MESSAGE_AVAILABLE",
    "ErrorQueue",
    "EventRegister",
    "ScpiError",
    "StatusModel",
    "StatusReporting",
]

# Bits of the standard event status register.
OPERATION_COMPLETE = 1
QUERY_ERROR = 4
DEVICE_ERROR = 8
EXECUTION_ERROR = 16
COMMAND_ERROR = 32
POWER_ON = 128

# Bits of the status byte.
ERROR_AVAILABLE = 4
MESSAGE_AVAILABLE = 16
EVENT_SUMMARY = 32
MASTER_SUMMARY = 64

ERROR_TEXTS: Mapping[int, str] = {
    0: "No error",
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -105: "GET not allowed",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -110: "Command header error",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -138: "Suffix not allowed",
    -141: "Invalid character data",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Parameter data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -310: "System error",
    -321: "Out of memory",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
    -430: "Query DEADLOCKED",
    -440: "Query UNTERMINATED after indefinite response",
}


class ScpiError(Exception):
    """A refusal by the simulated instrument, on its way to its own error queue.

    Attributes
    ----------
    code
        SCPI error number.
    text
        What the error queue will say, without the number.
    """

    def __init__(self, code: int, detail: str = "", text: str | None = None) -> None:
        base = ERROR_TEXTS.get(code, "Device-specific error") if text is None else text
        self.code = code
        self.text = f"{base}; {detail}" if detail else base
        super().__init__(f'{code},"{self.text}"')


class ErrorQueue:
    """First in, first out; when full, the last entry says so and the rest is lost.

    Parameters
    ----------
    depth
        Number of entries.
    overflow_text
        What the entry -350 says on this instrument.
    """

    def __init__(self, depth: int, overflow_text: str = ERROR_TEXTS[-350]) -> None:
        self._depth = depth
        self._overflow_text = overflow_text
        self._entries: deque[tuple[int, str]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def push(self, code: int, text: str) -> None:
        """Append an error, or mark the overflow."""
        if len(self._entries) < self._depth:
            self._entries.append((code, text))
        else:
            self._entries[-1] = (-350, self._overflow_text)

    def pop(self) -> tuple[int, str]:
        """Take the oldest error out; (0, "No error") if there is none."""
        return self._entries.popleft() if self._entries else (0, ERROR_TEXTS[0])

    def clear(self) -> None:
        """Forget all errors."""
        self._entries.clear()


class EventRegister:
    """Condition, transition filters, latched events and enable mask (SCPI-1999 volume 1, 9.1)."""

    mask = 0x7FFF

    def __init__(self) -> None:
        self.condition = 0
        self.event = 0
        self.enable = 0
        self.positive_transition = self.mask
        self.negative_transition = 0

    @property
    def summary(self) -> bool:
        """Whether an enabled event is latched."""
        return bool(self.event & self.enable)

    def set(self, bits: int, state: bool) -> None:
        """Set or clear condition bits and latch the transitions that are let through."""
        before = self.condition
        self.condition = before | bits if state else before & ~bits
        risen = self.condition & ~before
        fallen = before & ~self.condition
        self.event |= (risen & self.positive_transition) | (fallen & self.negative_transition)

    def latch(self, bits: int) -> None:
        """Latch events that have no lasting condition."""
        self.event |= bits & self.positive_transition

    def take(self) -> int:
        """Read the events and clear them."""
        event, self.event = self.event, 0
        return event

    def preset(self) -> None:
        """Do what STATus:PRESet does: enables off, rising edges only; events stay."""
        self.enable = 0
        self.positive_transition = self.mask
        self.negative_transition = 0


class StatusModel:
    """Status byte with its sources, and the service request it makes.

    Parameters
    ----------
    registers
        Event registers by their summary bit's value in the status byte.
    errors
        The instrument's error queue.

    Attributes
    ----------
    device_bits
        Bits of the status byte that the instrument sets and clears itself.
    service_requests
        How often a service request was asserted since power-on; waiting clients compare it.
    """

    def __init__(self, registers: Mapping[int, EventRegister], errors: ErrorQueue) -> None:
        self.registers = dict(registers)
        self.errors = errors
        self.event_status = POWER_ON
        self.event_enable = 0
        self.service_enable = 0
        self.device_bits = 0
        self.service_requests = 0
        self._requested = False
        self._reasons = 0

    def report(self, code: int, text: str) -> None:
        """Queue an error and set its class in the standard event register."""
        self.errors.push(code, text)
        self.event_status |= error_class(code)

    def byte(self, message_available: bool) -> int:
        """Return the status byte without bit 6."""
        value = self.device_bits
        if len(self.errors):
            value |= ERROR_AVAILABLE
        if message_available:
            value |= MESSAGE_AVAILABLE
        if self.event_status & self.event_enable:
            value |= EVENT_SUMMARY
        for bit, register in self.registers.items():
            if register.event & register.enable:
                value |= bit
        return value

    def update(self, message_available: bool) -> None:
        """Assert a service request if an enabled bit of the status byte has newly risen."""
        if not self.service_enable:
            self._reasons = 0
            self._requested = False
            return
        reasons = self.byte(message_available) & self.service_enable
        if reasons & ~self._reasons:
            self._requested = True
            self.service_requests += 1
        elif not reasons:
            self._requested = False
        self._reasons = reasons

    @property
    def requesting(self) -> bool:
        """Whether a service request is asserted that no serial poll has fetched."""
        return self._requested

    def poll(self, message_available: bool) -> int:
        """Return the status byte as a serial poll does, RQS in bit 6, and withdraw the request."""
        self.update(message_available)
        value = self.byte(message_available)
        if self._requested:
            value |= MASTER_SUMMARY
            self._requested = False
        return value

    def query(self, message_available: bool) -> int:
        """Return the status byte as *STB? does, MSS in bit 6."""
        value = self.byte(message_available)
        return value | MASTER_SUMMARY if value & self.service_enable else value

    def clear(self) -> None:
        """Do what *CLS does: events and errors go, enables stay."""
        self.event_status = 0
        self.errors.clear()
        for register in self.registers.values():
            register.event = 0


def error_class(code: int) -> int:
    """Return the bit of the standard event register for an error number (SCPI-1999 volume 2, 21.8)."""
    if -199 <= code <= -100:
        return COMMAND_ERROR
    if -299 <= code <= -200:
        return EXECUTION_ERROR
    if -499 <= code <= -400:
        return QUERY_ERROR
    return DEVICE_ERROR


class StatusReporting:
    """An instrument whose service requests are those of its status model."""

    status: StatusModel

    @property
    def service_requests(self) -> int:
        """How many service requests were asserted since power-on."""
        return self.status.service_requests

    @property
    def requesting_service(self) -> bool:
        """Whether a service request is asserted now."""
        return self.status.requesting
