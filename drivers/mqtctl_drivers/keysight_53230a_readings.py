"""The memory of the Keysight 53230A: how many readings it holds, blocks of them, and the event that tells of so many.

Sources: 53220A/53230A Programmer's Reference (PR). Unconfirmed: bit 12 of the operation register for the reading
threshold (one page says 9).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .commands import choice, integer
from .errors import ReplyError
from .scpi import ScpiInstrument, StatusRegister
from .service_requests import ServiceRequests

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["MEMORY", "TIMEOUT_ERROR", "CounterReadings", "OperationEvent"]

#: Readings that fit into the memory; the oldest are overwritten silently beyond.
MEMORY = 1_000_000
#: Code in the error queue after a reading that timed out; the reading itself is 9.91E37.
TIMEOUT_ERROR = 321
#: Bit of the status byte that sums up the operation register.
_OPERATION_SUMMARY = 128


class OperationEvent(enum.IntFlag):
    """Bits of the operation registers."""

    CALIBRATING = 1
    MEASURING = 16
    WAITING_FOR_TRIGGER = 32
    READING_THRESHOLD = 4096


class CounterReadings(ScpiInstrument):
    """The part of the driver that takes readings out of the memory; parameters as in `Keysight53230A`."""

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self._add_data()
        self.operation: StatusRegister = self.add_submodule("operation", StatusRegister(self, "operation", "STAT:OPER"))
        self._requests = ServiceRequests(self)

    def _add_data(self) -> None:
        self.data_format: Parameter = self.add_parameter(
            "data_format",
            **choice("FORM", {"ascii": "ASC,15", "real": "REAL,64"}),
            docstring="Control the format of readings (ascii, real; FORMat:DATA). Real is 8 bytes each.",
        )
        self.byte_order: Parameter = self.add_parameter(
            "byte_order",
            **choice("FORM:BORD", {"big": "NORM", "little": "SWAP"}),
            docstring="Control the byte order of real readings (big, little; FORMat:BORDer).",
        )
        self.readings_available: Parameter = self.add_parameter(
            "readings_available",
            **(integer("DATA:POIN", 0, MEMORY, unit="readings") | {"set_cmd": False, "snapshot_value": False}),
            docstring="Get the number of readings in memory (0 to 1e6; DATA:POINts).",
        )
        self.reading_threshold: Parameter = self.add_parameter(
            "reading_threshold",
            **integer("DATA:POIN:EVEN:THR", 1, MEMORY, unit="readings"),
            docstring="Control at how many readings in memory the threshold event comes (1 to 1e6; "
            "DATA:POINts:EVENt:THReshold).",
        )

    def request_service(self) -> bool:
        """Let the reading threshold request service (STAT:OPER:ENAB, *SRE); False where nobody would notice."""
        if not self._requests.listen():
            return False
        self.operation.enable.set(int(OperationEvent.READING_THRESHOLD))
        self.service_request_enable.set(_OPERATION_SUMMARY)
        return True

    def wait_for_readings(self, count: int, timeout: float) -> bool:
        """Wait until `count` readings are in memory, by service request, and return whether they are.

        The threshold is set, the event before forgotten, and then the readings counted: whatever comes after that
        requests service, so that nothing can be missed.

        Parameters
        ----------
        count
            Between 1 and `MEMORY`.
        timeout
            Longest wait in s.
        """
        self._requests.forget()
        self._check_count(count)
        reply = self.ask(f"DATA:POIN:EVEN:THR {count};:STAT:OPER:EVEN?;:DATA:POIN?")
        self.reading_threshold.cache.set(count)
        fields = reply.split(";")
        if len(fields) != 2:
            raise ReplyError(f"{self.name}: {reply!r} is not an event and a number of readings", reply.encode())
        return int(float(fields[1])) >= count or self._requests.wait(timeout)

    def read_readings(self, count: int) -> NDArray[np.float64]:
        """Take at most `count` readings out of the memory, oldest first, as the instrument codes them.

        Returns
        -------
        NDArray
            Shape (n_reading,), n_reading <= count, in s for time intervals; 9.91E37 where a reading
            timed out.

        Raises
        ------
        ReplyError
            Not a block, or not a whole number of readings, or more than asked for.
        """
        return self._readings(f"R? {self._check_count(count)}", count)

    def remove_readings(self, count: int) -> NDArray[np.float64]:
        """Take exactly `count` readings out of the memory (DATA:REMove?); an error if there are fewer."""
        return self._readings(f"DATA:REM? {self._check_count(count)}", count)

    def clear_readings(self) -> None:
        """Empty the memory (DATA:CLEar)."""
        self.write("DATA:CLE")

    def last_reading(self) -> float:
        """Return the latest reading without taking it out (DATA:LAST?); nan if there is none."""
        value = float(self.ask("DATA:LAST?").split()[0].split(",")[0])
        return float("nan") if abs(value) >= 9.9e37 else value

    @staticmethod
    def _check_count(count: int) -> int:
        """Return `count`, which must be a number of readings that the memory can hold."""
        if not 1 <= count <= MEMORY:
            raise ValueError(f"between 1 and {MEMORY} readings can be taken out at once, not {count}")
        return int(count)

    def _readings(self, query: str, count: int) -> NDArray[np.float64]:
        """Ask for a block of readings and decode it."""
        real = self.data_format.cache.get() == "real"
        big_endian = self.byte_order.cache.get() == "big"
        content = self.ask_block(query)
        if real:
            if len(content) % 8:
                raise ReplyError(f"{self.name}: {len(content)} bytes are no whole number of readings", content)
            values = np.frombuffer(content, dtype=">f8" if big_endian else "<f8").astype(np.float64)
        else:
            text = content.decode("ascii", errors="replace").strip()
            try:
                values = np.array([float(field) for field in text.split(",") if field.strip()])
            except ValueError:
                raise ReplyError(f"{self.name}: {text[:80]!r} are no readings", content) from None
        if values.size > count:
            raise ReplyError(f"{self.name}: {values.size} readings came where {count} were asked for", content)
        return values
