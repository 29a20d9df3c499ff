"""Turns whatever PyVISA, QCoDeS and a driver raise into one sentence that says what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyvisa.errors
from mqtctl_drivers.errors import ErrorQueueError, InstrumentError
from pyvisa.constants import StatusCode

from mqtctl.errors import HardwareError, MqtctlError

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["INSTRUMENT_FAULTS", "close_to", "named", "speaking"]

#: What a conversation with an instrument can raise: the VISA library, the operating system below
#: it, a driver, or a parser or value table that a garbled reply does not fit.
INSTRUMENT_FAULTS = (
    pyvisa.errors.Error,
    InstrumentError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    UserWarning,
)
_MESSAGE = re.compile(r"(?:asking|writing) (['\"])(.*)\1 to ", re.DOTALL)


def named(instrument: VisaInstrument) -> str:
    """Return name and address of an instrument, for messages."""
    return f"{instrument.name} ({instrument.address})"


@contextmanager
def speaking(instrument: VisaInstrument, doing: str) -> Iterator[None]:
    """Make a `HardwareError` of anything that goes wrong within the block.

    Parameters
    ----------
    doing
        What is being done, as the middle of a sentence: "setting up the ramp".
    """
    try:
        yield
    except MqtctlError:
        raise
    except INSTRUMENT_FAULTS as exc:
        raise HardwareError(f"{named(instrument)}, {doing}: {_explain(instrument, exc)}") from exc


def _explain(instrument: VisaInstrument, exc: BaseException) -> str:
    """Say what happened and what to do."""
    after = _sent(exc)
    if isinstance(exc, pyvisa.errors.VisaIOError):
        if exc.error_code == StatusCode.error_timeout:
            return f"no answer{after} within {_patience(instrument)}; check power, cable and address"
        return f"the connection failed{after} ({exc.abbreviation}); check power, cable and address"
    if isinstance(exc, ErrorQueueError):
        return f"{exc}; correct the setting or reset the instrument"
    if isinstance(exc, (pyvisa.errors.Error, OSError)):
        return f"the connection failed{after} ({_first_line(exc)}); check power, cable and address"
    if isinstance(exc, InstrumentError):
        return f"{_first_line(exc)}; repeat, and look at the cable if it happens again"
    return f"the answer{after} makes no sense ({_first_line(exc)}); repeat, and check model and firmware"


def _sent(exc: BaseException) -> str:
    """Return " to <command>" or " (getting <parameter>)", which QCoDeS appends to the arguments of the exception."""
    texts = [argument for argument in exc.args[1:] if isinstance(argument, str)]
    for text in texts:
        match = _MESSAGE.match(text)
        if match:
            command = match[2] if len(match[2]) <= 60 else match[2][:57] + "..."
            return f" to {command!r}"
    parameter = next((text for text in texts if text.startswith(("getting ", "setting "))), None)
    return f" ({parameter})" if parameter else ""


def _first_line(exc: BaseException) -> str:
    """Return the first argument of an exception on one line."""
    text = str(exc.args[0]) if exc.args else type(exc).__name__
    return " ".join(text.split())[:160]


def _patience(instrument: VisaInstrument) -> str:
    """Return the time-out for a message; the instrument need not be there any more."""
    try:
        seconds = instrument.timeout.get()
    except pyvisa.errors.Error:
        return "the time-out"
    return f"{seconds:g} s" if seconds is not None else "the time-out"


def close_to(found: float, wanted: float, *, relative: float = 0.0, absolute: float = 0.0) -> bool:
    """Return whether a value read back is the one that was set; never for nan."""
    return math.isclose(found, wanted, rel_tol=relative, abs_tol=absolute)
