"""What the drivers raise when an instrument objects or answers nonsense.

InstrumentError
├── ErrorQueueError   the instrument put errors into its queue
└── ReplyError        a reply was cut short, not text, or not what was asked for

A time-out or a lost connection stays what PyVISA made of it: `pyvisa.errors.VisaIOError`.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ErrorQueueError", "InstrumentError", "ReplyError"]


class InstrumentError(RuntimeError):
    """An instrument objected, or something about its answer is wrong."""


class ErrorQueueError(InstrumentError):
    """The instrument reported errors.

    Attributes
    ----------
    instrument
        Name of the instrument.
    errors
        Codes and texts as the instrument gave them, oldest first.
    """

    def __init__(self, instrument: str, errors: Sequence[tuple[int, str]]) -> None:
        listed = ", ".join(f'{code} "{text}"' for code, text in errors)
        super().__init__(f"{instrument} reports {listed}")
        self.instrument = instrument
        self.errors = tuple(errors)


class ReplyError(InstrumentError):
    """A reply cannot be used.

    Attributes
    ----------
    reply
        The bytes that came, as far as they are known.
    """

    def __init__(self, message: str, reply: bytes = b"") -> None:
        super().__init__(message)
        self.reply = reply
