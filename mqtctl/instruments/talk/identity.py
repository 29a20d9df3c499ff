"""Who is at the other end: an instrument of the wrong kind is found before anything but `*IDN?` is sent to it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

import pyvisa.errors
from pyvisa.constants import BufferOperation
from pyvisa.resources import MessageBasedResource, SerialInstrument

from mqtctl.errors import GlitchError, HardwareError
from mqtctl.instruments.talk.error_sentences import named, speaking

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["WrongInstrumentError", "identify", "identity_at"]

#: Replies of another conversation that may come before the identity.
_STALE_REPLIES = 8


class WrongInstrumentError(HardwareError):
    """Another instrument than expected answers: nothing more may be sent to it."""


def identify(instrument: VisaInstrument, models: Collection[str]) -> str:
    """Return "vendor model, serial ..., firmware ..." of an instrument.

    Raises
    ------
    WrongInstrumentError
        It is none of `models`.
    HardwareError
        It does not answer.
    """

    def asked() -> str:
        with speaking(instrument, "asking for its identity"):
            return _checked(instrument.ask("*IDN?"), models, named(instrument))

    try:
        return asked()
    except (GlitchError, WrongInstrumentError):  # or the reply was lost or changed on its way
        return asked()


def identity_at(
    resource: MessageBasedResource, name: str, models: Collection[str], terminator: str | None, timeout: float
) -> str:
    """Ask a session without a driver who is there, with `*IDN?` alone, and return it as `identify` does.

    What an earlier conversation left behind is discarded; only if no identity comes at all the device is cleared and
    asked again.

    Parameters
    ----------
    resource
        The session; its terminations and time-out are set.
    name
        The instrument, for messages.
    models
        Texts of which one stands in its identity.
    terminator
        End of messages; None for PyVISA's own.
    timeout
        How long in s it may take.

    Raises
    ------
    WrongInstrumentError
        It is none of `models`.
    pyvisa.errors.VisaIOError
        It does not answer.
    """
    if terminator is not None:
        resource.write_termination = resource.read_termination = terminator
    resource.timeout = timeout * 1e3
    try:
        reply = _answer(resource)
    except pyvisa.errors.VisaIOError:
        _clear(resource)
        reply = _answer(resource)
    try:
        return _checked(reply, models, name)
    except WrongInstrumentError:  # or a letter was changed on its way
        return _checked(_answer(resource), models, name)


def _answer(resource: MessageBasedResource) -> str:
    """Ask for the identity and return the first reply that may be one; the last of those that came if none is."""
    if isinstance(resource, SerialInstrument):
        _clear(resource)  # what has come in before; nothing is sent
    resource.write("*IDN?")
    for _ in range(_STALE_REPLIES):
        reply = resource.read_raw().decode("ascii", errors="replace").strip()
        fields = reply.split(",")
        if len(fields) >= 4 and any(letter.isalpha() for letter in fields[0]):
            break
    return reply


def _clear(resource: MessageBasedResource) -> None:
    """Clear the device, or what a serial line has brought; a bare socket knows neither."""
    with suppress(pyvisa.errors.VisaIOError):
        if isinstance(resource, SerialInstrument):
            resource.flush(BufferOperation.discard_read_buffer_no_io)
        else:
            resource.clear()


def _checked(reply: str, models: Collection[str], name: str) -> str:
    """Return an identity in words, after comparing its model."""
    fields = [field.strip() for field in reply.split(",", 3)]
    if len(fields) != 4 or not any(model in fields[1] for model in models):
        raise WrongInstrumentError(
            f"{name}: it says it is {', '.join(fields)!r} where a {' or '.join(models)} was expected; "
            "correct address or type in the station file"
        )
    vendor, model, serial, firmware = fields
    return f"{vendor} {model}, serial {serial}, firmware {firmware}"
