"""Who is at the other end: an instrument of the wrong kind is found before anything is set."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mqtctl.errors import HardwareError

from .faults import named, speaking

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["identify"]


def identify(instrument: VisaInstrument, models: Collection[str]) -> str:
    """Return "vendor model, serial ..., firmware ..." of an instrument.

    Raises
    ------
    HardwareError
        It does not answer, or it is none of `models`.
    """
    with speaking(instrument, "asking for its identity"):
        fields = [field.strip() for field in instrument.ask("*IDN?").split(",", 3)]
    if len(fields) != 4 or not any(model in fields[1] for model in models):
        raise HardwareError(
            f"{named(instrument)}: it says it is {', '.join(fields)!r} where a {' or '.join(models)} was expected; "
            "correct address or type in the station file"
        )
    vendor, model, serial, firmware = fields
    return f"{vendor} {model}, serial {serial}, firmware {firmware}"
