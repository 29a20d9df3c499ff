"""Statistics and limits that the Keysight 53230A computes of its readings while it takes them (CALCulate).

Sources: 53220A/53230A Programmer's Reference (PR), CALCulate subsystem. Unconfirmed: the order of the numbers of
AVERage:ALL, the limits of the limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import integer, number, reading, switch
from .errors import ReplyError
from .scpi import ScpiInstrument

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["CounterCalculations"]

_LARGEST = 1e15


class CounterCalculations(ScpiInstrument):
    """The part of the driver that has the instrument compute; parameters as in `Keysight53230A`.

    Units are those of the readings: s for time intervals, Hz for frequencies.
    """

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self._add_calculations()
        self._add_statistics()
        self._add_limits()

    def _add_calculations(self) -> None:
        self.calculations: Parameter = self.add_parameter(
            "calculations",
            **switch("CALC"),
            docstring="Control whether the instrument computes on readings at all (on, off; CALCulate:STATe).",
        )
        """Control whether the instrument computes on readings at all."""
        self.averaging: Parameter = self.add_parameter(
            "averaging",
            **switch("CALC:AVER"),
            docstring="Control whether it computes statistics of the readings (on, off; CALCulate:AVERage:STATe). "
            "It needs `calculations`.",
        )
        """Control whether it computes statistics of the readings."""

    def _add_statistics(self) -> None:
        for name, node, what in (
            ("mean", "AVER", "mean"),
            ("standard_deviation", "SDEV", "standard deviation"),
            ("minimum", "MIN", "smallest"),
            ("maximum", "MAX", "largest"),
            ("peak_to_peak", "PTP", "spread from the smallest to the largest"),
        ):
            parameter = self.add_parameter(
                name,
                **reading(f"CALC:AVER:{node}?", "s", -_LARGEST, _LARGEST),
                docstring=f"Get the {what} of the readings so far in s (Hz for frequencies; "
                f"CALCulate:AVERage:{node}); inf before the first one.",
            )
            setattr(self, name, parameter)
        self.statistics_count: Parameter = self.add_parameter(
            "statistics_count",
            **(integer("CALC:AVER:COUN:CURR", 0, 10**9, unit="readings") | {"set_cmd": False, "snapshot_value": False}),
            docstring="Get how many readings the statistics are of (0 to 1e9; CALCulate:AVERage:COUNt:CURRent).",
        )
        """Get how many readings the statistics are of."""

    mean: Parameter
    """Get the mean of the readings so far in s."""
    standard_deviation: Parameter
    """Get the standard deviation of the readings so far in s."""
    minimum: Parameter
    """Get the smallest reading so far in s."""
    maximum: Parameter
    """Get the largest reading so far in s."""
    peak_to_peak: Parameter
    """Get the spread of the readings so far in s."""

    def _add_limits(self) -> None:
        self.limit_test: Parameter = self.add_parameter(
            "limit_test",
            **switch("CALC:LIM"),
            docstring="Control whether readings are compared with the limits (on, off; CALCulate:LIMit:STATe). It "
            "needs `calculations`.",
        )
        """Control whether readings are compared with the limits."""
        self.lower_limit: Parameter = self.add_parameter(
            "lower_limit",
            **number("CALC:LIM:LOW", "s", -_LARGEST, _LARGEST),
            docstring="Control the lower limit in s (Hz for frequencies; -1e15 to 1e15; CALCulate:LIMit:LOWer).",
        )
        """Control the lower limit in s."""
        self.upper_limit: Parameter = self.add_parameter(
            "upper_limit",
            **number("CALC:LIM:UPP", "s", -_LARGEST, _LARGEST),
            docstring="Control the upper limit in s (Hz for frequencies; -1e15 to 1e15; CALCulate:LIMit:UPPer).",
        )
        """Control the upper limit in s."""
        self.limit_failures: Parameter = self.add_parameter(
            "limit_failures",
            **(integer("CALC:LIM:FCO:CURR", 0, 10**9, unit="readings") | {"set_cmd": False, "snapshot_value": False}),
            docstring="Get how many readings were outside the limits (0 to 1e9; CALCulate:LIMit:FCOunt:CURRent).",
        )
        """Get how many readings were outside the limits."""

    def statistics(self) -> tuple[float, float, float, float]:
        """Return mean, standard deviation, minimum and maximum of the readings so far (CALC:AVER:ALL?).

        Unconfirmed: the order is from memory. `calculations` and `averaging` must be on.
        """
        reply = self.ask("CALC:AVER:ALL?")
        values = [float(field) for field in reply.split(",")]
        if len(values) < 4:
            raise ReplyError(f"{self.name}: {reply!r} are no statistics", reply.encode())
        return values[0], values[1], values[2], values[3]

    def clear_statistics(self) -> None:
        """Begin the statistics afresh (CALCulate:AVERage:CLEar)."""
        self.write("CALC:AVER:CLE")

    def clear_limit_failures(self) -> None:
        """Begin to count failures afresh (CALCulate:LIMit:CLEar)."""
        self.write("CALC:LIM:CLE")
