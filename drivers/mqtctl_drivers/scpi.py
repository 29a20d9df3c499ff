"""What the SCPI instruments of this package share: error queue and status register groups."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from qcodes.instrument import InstrumentChannel

from .commands import integer
from .errors import InstrumentError, ReplyError
from .ieee488 import Ieee488Instrument

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

__all__ = ["ScpiInstrument", "StatusRegister", "drain_error_queue"]

_ERROR = re.compile(r'\s*([+-]?\d+)\s*,\s*"(.*)"\s*', re.DOTALL)
#: More entries than any queue here is deep: an instrument that goes on is out of order.
_LONGEST_QUEUE = 64


def drain_error_queue(ask: Callable[[str], str], name: str) -> list[tuple[int, str]]:
    """Empty a SCPI error queue and return its codes and texts, oldest first.

    Parameters
    ----------
    ask
        Sends a query and returns its reply.
    name
        The instrument, for messages.

    Raises
    ------
    ReplyError
        A reply is no entry of an error queue.
    InstrumentError
        The queue never ends.
    """
    found: list[tuple[int, str]] = []
    for _ in range(_LONGEST_QUEUE):
        reply = ask("SYST:ERR?")
        match = _ERROR.fullmatch(reply)
        if match is None:
            raise ReplyError(f"{name}: {reply!r} is no answer to SYST:ERR?", reply.encode())
        code, text = int(match[1]), match[2].replace('""', '"')
        if code == 0:
            return found
        found.append((code, text))
    raise InstrumentError(f"{name}: the error queue never empties; last entry {found[-1]}")


class StatusRegister(InstrumentChannel):
    """A SCPI status register group: condition, event and enable (SCPI-99 volume 1, chapter 9)."""

    def __init__(self, parent: ScpiInstrument, name: str, header: str) -> None:
        super().__init__(parent, name)
        self.condition: Parameter = self.add_parameter(
            "condition",
            **(integer(f"{header}:COND", 0, 65535) | {"set_cmd": False, "snapshot_value": False}),
            docstring=f"Get the condition register of {header} (sum of bits, 0 to 65535): how it is now.",
        )
        self.event: Parameter = self.add_parameter(
            "event",
            **(integer(f"{header}:EVEN", 0, 65535) | {"set_cmd": False, "snapshot_get": False}),
            docstring=f"Get the event register of {header} (sum of bits, 0 to 65535): what has been "
            "since it was last read; reading clears it, so snapshots leave it alone.",
        )
        self.enable: Parameter = self.add_parameter(
            "enable",
            **integer(f"{header}:ENAB", 0, 65535),
            docstring=f"Control which events of {header} reach the status byte (sum of bits, 0 to 65535).",
        )


class ScpiInstrument(Ieee488Instrument):
    """Base of the drivers for instruments that speak SCPI."""

    def errors(self) -> list[tuple[int, str]]:
        """Empty the error queue and return its codes and texts, oldest first."""
        return drain_error_queue(self.ask, self.name)

    def save_setup(self, location: int) -> None:
        """Keep the present setup in one of the instrument's memories, 0 to 4 (*SAV)."""
        self.write(f"*SAV {self._check_location(location)}")

    def recall_setup(self, location: int) -> None:
        """Return to a setup kept in memory 0 to 4 (*RCL); it may turn an output on."""
        self.write(f"*RCL {self._check_location(location)}")
        self.forget()

    @staticmethod
    def _check_location(location: int) -> int:
        """Return the number of a memory for setups, which all of these instruments count from 0 to 4."""
        if location not in range(5):
            raise ValueError(f"setups are kept in memories 0 to 4, not {location}")
        return location
