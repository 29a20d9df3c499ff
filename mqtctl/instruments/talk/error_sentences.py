"""Turns whatever PyVISA, QCoDeS and a driver raise into one sentence that says what to do."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import pyvisa.errors
from mqtctl_drivers.errors import ErrorQueueError, InstrumentError
from pyvisa.constants import StatusCode

from mqtctl.errors import GlitchError, HardwareError, LostError, MqtctlError
from mqtctl.instruments.talk.link import link_of

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["INSTRUMENT_FAULTS", "close_to", "impatient", "named", "persistently", "speaking"]

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

#: How often a question that changes nothing is asked before its failure counts.
_ATTEMPTS = 3
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
#: A complete reply that no parser and no table of values fits.
_NONSENSE = (ValueError, LookupError)
#: What VISA says of a session that is over.
_ENDED = frozenset(
    {
        StatusCode.error_connection_lost,
        StatusCode.error_resource_not_found,
        StatusCode.error_invalid_object,
        StatusCode.error_no_listeners,  # GPIB: nobody at this address any more
    }
)
#: Codes of SCPI itself (SCPI-99, 21.8.9 to 21.8.12): a command that a disturbed line has changed or swallowed comes
#: back as -113 or -221, and what is complained of once need not come again. An instrument's own codes are above 0.
_SCPI_ERRORS = range(-499, -99)
_MESSAGE = re.compile(r"(?:asking|writing) (['\"])(.*)\1 to ", re.DOTALL)


@runtime_checkable
class _Distrustful(Protocol):
    """An instrument that can get back in step when its replies make no sense."""

    def distrust(self) -> None:
        """Get back in step before the next exchange."""


def named(instrument: VisaInstrument) -> str:
    """Return name and address of an instrument, for messages; never fails and asks nothing of its session."""
    return str(link_of(instrument))


@contextmanager
def speaking(instrument: VisaInstrument, doing: str) -> Iterator[None]:
    """Make a `HardwareError` of anything that goes wrong within the block.

    A `GlitchError` where it may go well again, a `LostError` where it may once the session is opened anew.

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
        if isinstance(exc, _NONSENSE) and isinstance(instrument, _Distrustful):
            instrument.distrust()
        text = f"{named(instrument)}, {doing}: {_explain(instrument, exc)}"
        raise _kind_of(exc)(text) from exc


def _kind_of(exc: BaseException) -> type[HardwareError]:
    """Return what can be done about a fault: try again, open the session anew, or nothing."""
    if isinstance(exc, pyvisa.errors.VisaIOError):
        return LostError if exc.error_code in _ENDED else GlitchError
    if isinstance(exc, pyvisa.errors.InvalidSession):
        return LostError
    if isinstance(exc, ErrorQueueError):
        return GlitchError if all(code in _SCPI_ERRORS for code, _ in exc.errors) else HardwareError
    return GlitchError


def persistently(instrument: VisaInstrument, doing: str, ask: Callable[[], Answer]) -> Answer:
    """Return the answer to a question that changes nothing, asking up to three times.

    The instrument must get back in step by itself after a failed exchange, as our drivers do; then a
    lost or garbled reply costs a time-out and not the measurement.

    Raises
    ------
    HardwareError
        What went wrong the last time.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            with speaking(instrument, doing):
                return ask()
        except HardwareError as exc:
            log.warning("%s; asking again", exc)
    with speaking(instrument, doing):
        return ask()


@contextmanager
def impatient(instrument: VisaInstrument, timeout: float = 1.0) -> Iterator[None]:
    """Wait for replies at most `timeout` s within the block: one dead link must not delay making the rest safe."""
    try:
        usual = instrument.timeout.get()
        instrument.timeout.set(timeout)
    except Exception:  # the session is gone, and the way to safety goes on: whatever is tried next will say so
        yield
        return
    try:
        yield
    finally:
        with suppress(Exception):
            instrument.timeout.set(usual)


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
    except Exception:  # a sentence about a fault must not fail because of it
        return "the time-out"
    return f"{seconds:g} s" if seconds is not None else "the time-out"


def close_to(found: float, wanted: float, *, relative: float = 0.0, absolute: float = 0.0) -> bool:
    """Return whether a value read back is the one that was set; never for nan."""
    return math.isclose(found, wanted, rel_tol=relative, abs_tol=absolute)
