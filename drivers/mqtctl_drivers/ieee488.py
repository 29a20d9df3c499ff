"""What all instruments of this package share: messages, status bytes and common commands (IEEE 488.2)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, TypeVar

from pyvisa.errors import VisaIOError
from qcodes.instrument import VisaInstrument
from qcodes.parameters import ManualParameter
from qcodes.utils import DelayedKeyboardInterrupt

from .blocks import read_block
from .commands import integer
from .errors import ErrorQueueError, ReplyError
from .synchroniser import Synchroniser

if TYPE_CHECKING:
    from qcodes.instrument import InstrumentBase, VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["Ieee488Instrument"]

Answer = TypeVar("Answer")


class Ieee488Instrument(VisaInstrument):
    """Base of the drivers of this package: messages in step, status registers of IEEE 488.2.

    A subclass says how errors are read.

    Parameters
    ----------
    name
        What this instrument is called in QCoDeS.
    address
        VISA resource name; leave it out if `resource` is given.
    **kwargs
        As in `qcodes.instrument.VisaInstrument`: timeout, terminator, visalib, resource, metadata...
    """

    default_terminator = "\n"
    #: Model numbers this driver is for, as they stand in the answer to `*IDN?`.
    models: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self._synchroniser = Synchroniser(self, self.models)
        self.status_byte: Parameter = self.add_parameter(
            "status_byte",
            **(integer("*STB", 0, 255) | {"set_cmd": False, "snapshot_get": False}),
            docstring="Get the status byte (sum of bits, 0 to 255; IEEE 488.2 section 11.2).",
        )
        self.service_request_enable: Parameter = self.add_parameter(
            "service_request_enable",
            **integer("*SRE", 0, 255),
            docstring="Control which bits of the status byte request service (sum of bits, 0 to 255).",
        )
        self.standard_event_status: Parameter = self.add_parameter(
            "standard_event_status",
            **(integer("*ESR", 0, 255) | {"set_cmd": False, "snapshot_get": False}),
            docstring="Get the standard event status (sum of bits, 0 to 255); reading clears it.",
        )
        self.standard_event_enable: Parameter = self.add_parameter(
            "standard_event_enable",
            **integer("*ESE", 0, 255),
            docstring="Control which standard events reach the status byte (sum of bits, 0 to 255).",
        )

    # -- messages ---------------------------------------------------------------------------

    def write_raw(self, cmd: str) -> None:
        """Send a command."""
        self._exchange(cmd, lambda: None)

    def ask_raw(self, cmd: str) -> str:
        """Send a query and return its reply, which must be complete."""
        return self._exchange(cmd, self._read_line)

    def ask_block(self, command: str) -> bytes:
        """Send a query whose reply is a definite block, and return what the block holds."""
        return self._exchange(command, lambda: read_block(self.visa_handle))

    def _exchange(self, command: str, receive: Callable[[], Answer]) -> Answer:
        """Send a command and receive its answer; if either fails, get back in step, then raise."""
        with DelayedKeyboardInterrupt(context={"instrument": self.name, "reason": command[:40]}):
            self._synchroniser.ensure()
            self.visa_log.debug("Sending: %s", command[:200])
            try:
                self.visa_handle.write(command)
                return receive()
            except (VisaIOError, ReplyError):
                self._synchroniser.lost(command)
                raise

    def _read_line(self) -> str:
        """Read one reply, check that it ended as it should, and return it without its end."""
        raw = self.visa_handle.read_raw()
        end = (self.visa_handle.read_termination or "").encode("ascii")
        if not raw.endswith(end):
            raise ReplyError(f"{self.name}: reply {raw[:80]!r} was cut short, its terminator is missing", raw)
        try:
            return raw.decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ReplyError(f"{self.name}: reply {raw[:80]!r} is not plain text", raw) from None

    def distrust(self) -> None:
        """Get back in step before the next exchange: a complete reply came, but it made no sense.

        It may have been the answer to an earlier question; then all that follow would be, too.
        """
        self._synchroniser.lost()

    # -- common commands --------------------------------------------------------------------

    def get_idn(self) -> dict[str, str | None]:
        """Return vendor, model (the bare number), serial and firmware.

        Raises
        ------
        ReplyError
            The answer has not four fields.
        """
        reply = self.ask("*IDN?")
        fields = [field.strip() for field in reply.split(",", 3)]
        if len(fields) != 4:
            raise ReplyError(f"{self.name}: identity {reply!r} has not the four fields of *IDN?", reply.encode())
        vendor, model, serial, firmware = fields
        if model.upper().startswith("MODEL"):
            model = model[5:].strip()
        return {"vendor": vendor, "model": model, "serial": serial, "firmware": firmware}

    def reset(self) -> None:
        """Return to the `*RST` state and clear status and error queue."""
        self.write("*RST;*CLS")
        self.forget()

    def forget(self) -> None:
        """Mark every cached value as unknown, so that nothing from before a reset is believed."""
        _invalidate(self)

    @abstractmethod
    def errors(self) -> list[tuple[int, str]]:
        """Return codes and texts of what the instrument complains about, oldest first, and forget them."""

    def check_errors(self) -> None:
        """Raise `ErrorQueueError` if the instrument complains about anything; afterwards it does no more."""
        found = self.errors()
        if found:
            raise ErrorQueueError(self.name, found)

    def wait_complete(self, timeout: float = 10.0) -> None:
        """Wait until everything sent so far is done (`*OPC?`), at most `timeout` s."""
        with self.patience(timeout):
            reply = self.ask("*OPC?")
        if reply.strip().lstrip("+") != "1":
            raise ReplyError(f"{self.name}: {reply!r} is no answer to *OPC?", reply.encode())

    def self_test(self, timeout: float = 60.0) -> int:
        """Run the self-test (`*TST?`) and return its result, 0 if passed; `timeout` in s."""
        with self.patience(timeout):
            return int(float(self.ask("*TST?")))

    @contextmanager
    def patience(self, timeout: float) -> Iterator[None]:
        """Wait for replies up to `timeout` s within the block, if that is longer than usual."""
        usual = self.timeout.get()
        longer = usual is not None and timeout > usual
        if longer:
            self.timeout.set(timeout if math.isfinite(timeout) else None)
        try:
            yield
        finally:
            if longer:
                self.timeout.set(usual)


def _invalidate(part: InstrumentBase) -> None:
    """Invalidate the caches of an instrument or channel and of all below it."""
    for parameter in part.parameters.values():
        ours_alone = isinstance(parameter, ManualParameter) or parameter.name in {"timeout", "IDN"}
        if parameter.gettable and parameter.settable and not ours_alone:
            parameter.cache.invalidate()
    for submodule in part.instrument_modules.values():
        _invalidate(submodule)
