"""What the Keysight 53230A measures: one method for each of its functions (CONFigure).

Every one of them resets counts, trigger, gate, levels and slopes: set those afterwards.

Sources: 53220A/53230A Programmer's Reference (PR), CONFigure. Unconfirmed: the order of the arguments of TOTalize.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import choice, format_number, number
from .keysight_53230a_input import SLOPES
from .scpi import ScpiInstrument

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["FUNCTIONS", "CounterFunctions"]

#: Our name of each function -> the node of the instrument.
FUNCTIONS = {
    "frequency": "FREQ",
    "period": "PER",
    "time interval": "TINT",
    "single period": "SPER",
    "rise time": "RTIM",
    "fall time": "FTIM",
    "positive width": "PWID",
    "negative width": "NWID",
    "positive duty": "PDUT",
    "negative duty": "NDUT",
    "phase": "PHAS",
    "totalize": "TOT",
    "frequency ratio": "FREQ:RAT",
    "time stamp": "ARR:TST",
}
#: Functions of two inputs; all others have one.
_TWO_INPUTS = frozenset({"time interval", "phase", "frequency ratio"})


class CounterFunctions(ScpiInstrument):
    """The part of the driver that says what is measured; parameters as in `Keysight53230A`."""

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self.function: Parameter = self.add_parameter(
            "function",
            **(
                choice("FUNC", {name: node.removeprefix("ARR:") for name, node in FUNCTIONS.items()})
                | {"set_cmd": False, "get_parser": _parse_function}
            ),
            docstring="Get what is measured (FUNCtion); the `configure_...` methods set it.",
        )
        self._add_gate()

    def _add_gate(self) -> None:
        self.frequency_mode: Parameter = self.add_parameter(
            "frequency_mode",
            **choice("SENS:FREQ:MODE", {"auto": "AUTO", "reciprocal": "REC", "continuous": "CONT"}),
            docstring="Control how frequency and period are measured (auto, reciprocal, continuous; "
            "SENSe:FREQuency:MODE).",
        )
        self.frequency_gate_source: Parameter = self.add_parameter(
            "frequency_gate_source",
            **choice("SENS:FREQ:GATE:SOUR", {"time": "TIME", "external": "EXT", "advanced": "ADV"}),
            docstring="Control what gates frequency and period (time, external, advanced; "
            "SENSe:FREQuency:GATE:SOURce).",
        )
        self.frequency_gate_polarity: Parameter = self.add_parameter(
            "frequency_gate_polarity",
            **choice("SENS:FREQ:GATE:POL", SLOPES),
            docstring="Control the level of an external gate (positive, negative; SENSe:FREQuency:GATE:POLarity).",
        )
        self.totalize_time: Parameter = self.add_parameter(
            "totalize_time",
            **number("SENS:TOT:GATE:TIME", "s", 1e-6, 1000),
            docstring="Control for how long events are counted in s (1 us to 1000 s; SENSe:TOTalize:GATE:TIME).",
        )

    def configure(self, function: str, *channels: int) -> None:
        """Measure any function of `FUNCTIONS` on one input, or from the first of two to the second (CONFigure).

        Parameters
        ----------
        function
            Such as "positive width".
        channels
            Inputs, 1 or 2; two for a time interval, a phase or a ratio, else one. A time interval may have both its
            events on one.
        """
        if function not in FUNCTIONS:
            raise ValueError(f"{function!r} is no function; there are {', '.join(FUNCTIONS)}")
        most = 2 if function in _TWO_INPUTS else 1
        if not 1 <= len(channels) <= most:
            raise ValueError(f"{function} is measured on {most} inputs at most, not on {len(channels)}")
        for channel in channels:
            self._check_input(channel)
        self._configure(function, "", *dict.fromkeys(channels))

    def configure_totalize(self, duration: float, channel: int = 1) -> None:
        """Count the events on an input for `duration` s, 1 us to 1000 s (CONF:TOTalize:TIMed)."""
        if not 1e-6 <= duration <= 1000.0:
            raise ValueError(f"events are counted for 1 us to 1000 s, not for {duration:g} s")
        self._check_input(channel)
        self._configure("totalize", f"{format_number(duration)},", channel)

    def configure_time_stamps(self, count: int, channel: int = 1) -> None:
        """Note the times of `count` events on an input, up to a million a second (CONF:ARRay:TSTamp)."""
        self._check_input(channel)
        self._configure("time stamp", f"({int(count)}),", channel)

    def configure_time_interval(self, start: int = 1, stop: int = 2) -> None:
        """Measure the time from an event on input `start` to the next on input `stop` (CONF:TINT).

        It resets counts, trigger, gate, levels and slopes: set those afterwards.
        """
        self.configure("time interval", start, stop)

    def configure_period(self, channel: int = 1) -> None:
        """Measure the period of input `channel` (CONF:PER); it resets what `configure_time_interval` does."""
        self.configure("period", channel)

    def configure_frequency(self, channel: int = 1) -> None:
        """Measure the frequency of input `channel` (CONF:FREQ); it resets what the others do."""
        self.configure("frequency", channel)

    def _configure(self, function: str, first: str, *channels: int) -> None:
        """Send CONFigure; nothing that was known before holds any more."""
        inputs = ",".join(f"(@{channel})" for channel in channels)
        self.write(f"CONF:{FUNCTIONS[function]} {first}{inputs}")
        self.forget()

    @staticmethod
    def _check_input(channel: int) -> None:
        """Raise ValueError unless this is an input that the instrument has at the front."""
        if channel not in {1, 2}:
            raise ValueError(f"the inputs are 1 and 2, not {channel}")


def _parse_function(text: str) -> str:
    """Return the function in the answer to FUNC?, which is quoted and may go on with channels."""
    return text.strip().strip('"').replace("(", " ").split(" ")[0].upper().removeprefix("ARR:")
