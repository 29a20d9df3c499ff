"""What every source asks before it starts a burst."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqtctl.errors import HardwareError, InputError
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.talk.error_sentences import named

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["checked_burst"]


def checked_burst(instrument: VisaInstrument, program: RampProgram | None, cycles: int, most: int) -> RampProgram:
    """Return the ramp that was set up.

    Raises
    ------
    HardwareError
        None was.
    InputError
        A burst of so many cycles cannot be made.
    """
    if program is None:
        raise HardwareError(f"{named(instrument)}: no ramp is set up; call configure first")
    if not 1 <= cycles <= most:
        raise InputError(f"a burst has 1 to {most} ramps, not {cycles}")
    return program
