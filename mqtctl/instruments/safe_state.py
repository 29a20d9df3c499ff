"""Brings a source to rest and does not believe it before it is read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from mqtctl.errors import HardwareError, UnsafeError

from .faults import impatient, named

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["bring_to_rest"]

_ATTEMPTS = 3


def bring_to_rest(
    instrument: VisaInstrument,
    about: Callable[[str], AbstractContextManager[None]],
    *,
    steps: Sequence[Callable[[], object]],
    reset: Callable[[], object],
    is_off: Callable[[], bool],
) -> None:
    """Take every step towards safety, each whatever happens to the others, until it reads back.

    The second and third round begin with a reset. Replies are waited for at most 1 s.

    Parameters
    ----------
    instrument
        The source.
    about
        Makes `HardwareError`s of faults in its block, given what is being done.
    steps
        What ends the ramps and switches off, in this order.
    reset
        The last resort.
    is_off
        Reads back whether current and output are off.

    Raises
    ------
    UnsafeError
        Not read back after three rounds; the message says what happened the last time.
    """
    faults: list[str] = []

    def attempt(action: Callable[[], object], doing: str) -> object:
        try:
            with about(doing):
                return action()
        except HardwareError as exc:
            faults.append(str(exc))
            return None

    with impatient(instrument):
        for round_number in range(_ATTEMPTS):
            for step in (reset, *steps) if round_number else steps:
                attempt(step, "making it safe")
            if attempt(is_off, "reading back the safe state"):
                return
    reason = f" ({faults[-1]})" if faults else ""
    raise UnsafeError(
        f"{named(instrument)}: zero current and output off could not be confirmed{reason}; "
        "press OUTPUT on the instrument and look at the junction"
    )
