"""The inputs of the SR620: external, A and B, each with the level and slope at which an event is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcodes.instrument import InstrumentChannel
from qcodes.validators import Numbers

from .commands import Queried, coded, format_number, parse_number

if TYPE_CHECKING:
    from qcodes.parameters import Parameter

    from .ieee488 import Ieee488Instrument

__all__ = ["INPUTS", "TimerInput"]

#: Name of each input -> its number in commands.
INPUTS = {"external": 0, "a": 1, "b": 2}


class TimerInput(InstrumentChannel):
    """One input; coupling and autolevel belong to A and B only (manual, p. 31)."""

    def __init__(self, parent: Ieee488Instrument, name: str) -> None:
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
        self.slope: Parameter = self.add_parameter(
            "slope",
            **coded("TSLP", {"positive": 0, "negative": 1}, index=number),
            docstring="Control the edge that counts (positive, negative; TSLP). The numbers are unconfirmed.",
        )
        self.termination: Parameter = self.add_parameter(
            "termination",
            unit="Ohm",
            **coded("TERM", {50.0: 0, 1e6: 1}, index=number),
            docstring="Control the input impedance in Ohm (50 Ohm or 1 MOhm; TERM).",
        )
        if name == "external":
            return
        self.coupling: Parameter = self.add_parameter(
            "coupling",
            **coded("TCPL", {"dc": 0, "ac": 1}, index=number),
            docstring="Control the coupling (dc, ac; TCPL). The numbers are unconfirmed.",
        )
        self.autolevel: Parameter = self.add_parameter(
            "autolevel",
            **coded("TMOD", {True: 1, False: 0}, index=number),
            docstring="Control whether the level follows the signal (on, off; TMOD). The numbers are unconfirmed.",
        )
