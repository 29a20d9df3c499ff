"""The inputs of the SR620: external, A and B, each with the level and slope at which an event is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qcodes.instrument import InstrumentChannel
from qcodes.validators import Numbers

from .commands import Queried, format_number, parse_number

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

    from .srs_sr620 import SrsSR620

__all__ = ["INPUTS", "TimerInput", "coded"]

#: Name of each input -> its number in commands.
INPUTS = {"external": 0, "a": 1, "b": 2}


def coded(mnemonic: str, values: Mapping[Any, int], *, index: int | None = None) -> dict[str, Any]:
    """Return the keywords of a setting that the instrument writes as a whole number.

    Parameters
    ----------
    mnemonic
        Four letters.
    values
        Our word -> the instrument's number.
    index
        First argument of the command, such as the number of an input.
    """
    selector = "" if index is None else f"{index},"
    return {
        "parameter_class": Queried,
        "get_cmd": f"{mnemonic}?" if index is None else f"{mnemonic}? {index}",
        "set_cmd": f"{mnemonic} {selector}{{}}",
        "get_parser": _parse_code,
        "val_mapping": dict(values),
    }


def _parse_code(text: str) -> int:
    """Return a whole number, perhaps written with a decimal point."""
    value = float(text)
    if not value.is_integer():
        raise ValueError(f"{text!r} is not a whole number")
    return int(value)


class TimerInput(InstrumentChannel):
    """One input; coupling and autolevel belong to A and B only (manual, p. 31)."""

    def __init__(self, parent: SrsSR620, name: str) -> None:
        super().__init__(parent, name)
        number = INPUTS[name]
        self.level: Parameter = self.add_parameter(
            "level",
            parameter_class=Queried,
            unit="V",
            get_cmd=f"LEVL? {number}",
            set_cmd=f"LEVL {number},{{}}",
            get_parser=parse_number,
            set_parser=format_number,
            vals=Numbers(-5, 5),
            docstring="Control the trigger level in V (-5 V to 5 V in steps of 10 mV; LEVL). The range is unconfirmed.",
        )
        """Control the trigger level in V."""
        self.slope: Parameter = self.add_parameter(
            "slope",
            **coded("TSLP", {"positive": 0, "negative": 1}, index=number),
            docstring="Control the edge that counts (positive, negative; TSLP). The numbers are unconfirmed.",
        )
        """Control the edge that counts."""
        self.termination: Parameter = self.add_parameter(
            "termination",
            unit="Ohm",
            **coded("TERM", {50.0: 0, 1e6: 1}, index=number),
            docstring="Control the input impedance in Ohm (50 Ohm or 1 MOhm; TERM).",
        )
        """Control the input impedance in Ohm."""
        if name == "external":
            return
        self.coupling: Parameter = self.add_parameter(
            "coupling",
            **coded("TCPL", {"dc": 0, "ac": 1}, index=number),
            docstring="Control the coupling (dc, ac; TCPL). The numbers are unconfirmed.",
        )
        """Control the coupling."""
        self.autolevel: Parameter = self.add_parameter(
            "autolevel",
            **coded("TMOD", {True: 1, False: 0}, index=number),
            docstring="Control whether the level follows the signal (on, off; TMOD). The numbers are unconfirmed.",
        )
        """Control whether the level follows the signal."""
