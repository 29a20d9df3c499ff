"""QCoDeS driver for the Stanford Research Systems SR620 universal time interval counter.

Use `mode`, `source`, `arming`, `sample_size` and the inputs to say what is measured, then `measure` for
statistics of a group of samples, or `start_dump`, `read_dump` and `end_dump` for every single sample.

The instrument has no memory and speaks no SCPI. Single samples exist only in a binary dump: 8 bytes each,
of which it makes the next one only when the last one has been taken. Any message ends a dump. Errors show
only in three status registers, which reading clears.

Sources: SR620 manual rev 2.2 and two public decoders of the dump (scale factors). Unconfirmed: the numbers of
slope, coupling and autolevel, the text of the identity, the range of the levels, that SIZE? answers with the
number of samples (STUP? answers with its code), the bits of ERRS beyond the second, TENA, EREN.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from .commands import coded, integer, one_of, reading
from .errors import ReplyError
from .srs_sr620_dump import LONGEST_DUMP, SECONDS_PER_COUNT, SampleDump
from .srs_sr620_input import TimerInput

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["LONGEST_DUMP", "SAMPLE_SIZES", "SECONDS_PER_COUNT", "SrsSR620", "TimerStatus"]

#: Numbers of samples in a group: 1, 2, 5 and so on to 1e6 (SIZE).
SAMPLE_SIZES = (*(digit * 10**power for power in range(6) for digit in (1, 2, 5)), 10**6)
_MODES = {"time": 0, "width": 1, "rise and fall time": 2, "frequency": 3, "period": 4, "phase": 5, "count": 6}
_ARMING = {
    "+-time": 0,
    "+time": 1,
    "1 period": 2,
    "0.01 s gate": 3,
    "0.1 s gate": 4,
    "1 s gate": 5,
    "external +-time": 6,
    "external +time": 7,
    "external gate": 8,
    "external 1 period": 9,
    "external 0.01 s gate": 10,
    "external 0.1 s gate": 11,
    "external 1 s gate": 12,
}
_STATISTICS = {"mean": 0, "jitter": 1, "maximum": 2, "minimum": 3}
#: Bits of the standard event status that mean an error (manual, p. 40).
_EVENT_ERRORS = {4: "output overflowed", 16: "value out of range", 32: "command not understood"}
_TIMER_ERRORS = {1: "print error", 2: "no clock", 4: "autolevel of input A failed"}


class TimerStatus(enum.IntFlag):
    """Bits of `timer_status` (manual, p. 41)."""

    EXTERNAL_TRIGGERED = 1
    A_TRIGGERED = 2
    B_TRIGGERED = 4
    ARMED = 8
    EXTERNAL_OVERLOAD = 16
    A_OVERLOAD = 32
    B_OVERLOAD = 64


class SrsSR620(SampleDump):
    """Stanford Research Systems SR620 universal time interval counter.

    Parameters
    ----------
    name
        What this instrument is called in QCoDeS.
    address
        VISA resource name, such as "GPIB0::16::INSTR"; leave it out if `resource` is given.
    **kwargs
        As in `qcodes.instrument.VisaInstrument`.
    """

    models: ClassVar[tuple[str, ...]] = ("SR620",)

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self.external: TimerInput = self.add_submodule("external", TimerInput(self, "external"))
        self.a: TimerInput = self.add_submodule("a", TimerInput(self, "a"))
        self.b: TimerInput = self.add_submodule("b", TimerInput(self, "b"))
        self.inputs: Mapping[str, TimerInput] = MappingProxyType({"external": self.external, "a": self.a, "b": self.b})
        self._add_measurement()
        self._add_reference()
        self._add_results()
        self._add_status()

    def _add_measurement(self) -> None:
        self.mode: Parameter = self.add_parameter(
            "mode",
            **coded("MODE", _MODES),
            docstring="Control what is measured (time, width, rise and fall time, frequency, period, phase, count; "
            "MODE).",
        )
        self.source: Parameter = self.add_parameter(
            "source",
            **coded("SRCE", {"a": 0, "b": 1, "reference": 2, "ratio": 3}),
            docstring="Control what it is measured on (a, b, reference, ratio; SRCE). In mode time, a is from A to B.",
        )
        self.arming: Parameter = self.add_parameter(
            "arming",
            **coded("ARMM", _ARMING),
            docstring=f"Control the arming ({', '.join(_ARMING)}; ARMM). +time takes only stops behind the start.",
        )
        self.sample_size: Parameter = self.add_parameter(
            "sample_size",
            **one_of("SIZE", "samples", SAMPLE_SIZES),
            docstring="Control how many samples a group has (1, 2, 5 and so on to 1e6; SIZE).",
        )
        self.auto_measure: Parameter = self.add_parameter(
            "auto_measure",
            **coded("AUTM", {True: 1, False: 0}),
            docstring="Control whether group follows on group (on, off; AUTM).",
        )
        self.jitter_type: Parameter = self.add_parameter(
            "jitter_type",
            **coded("JTTR", {"standard deviation": 0, "allan": 1}),
            docstring="Control what the jitter of a group is (standard deviation, allan; JTTR).",
        )
        self.expand: Parameter = self.add_parameter(
            "expand",
            **coded("EXPD", {True: 1, False: 0}),
            docstring="Control whether frequency and period are resolved 1000 times finer (on, off; EXPD).",
        )

    def _add_reference(self) -> None:
        self.clock_source: Parameter = self.add_parameter(
            "clock_source",
            **coded("CLCK", {"internal": 0, "external": 1}),
            docstring="Control the time base (internal, external; CLCK).",
        )
        self.clock_frequency: Parameter = self.add_parameter(
            "clock_frequency",
            unit="Hz",
            **coded("CLKF", {10e6: 0, 5e6: 1}),
            docstring="Control the frequency of the external time base in Hz (10 MHz or 5 MHz; CLKF).",
        )

        self.power_on_status_clear: Parameter = self.add_parameter(
            "power_on_status_clear",
            **coded("*PSC", {True: 1, False: 0}),
            docstring="Control whether the status enables are cleared at power-on (on, off; *PSC).",
        )

    def _add_results(self) -> None:
        for name, query, what in (
            ("mean", "XAVG?", "mean"),
            ("jitter", "XJIT?", "jitter"),
            ("maximum", "XMAX?", "largest sample"),
            ("minimum", "XMIN?", "smallest sample"),
        ):
            parameter = self.add_parameter(
                name,
                **reading(query, "s", -1e21, 1e21),
                docstring=f"Get the {what} of the last group in s (Hz, degrees or events in the modes frequency, phase "
                f"and count; {query}).",
            )
            setattr(self, name, parameter)

    mean: Parameter
    """Get the mean of the last group in s."""
    jitter: Parameter
    """Get the jitter of the last group in s."""
    maximum: Parameter
    """Get the largest sample of the last group in s."""
    minimum: Parameter
    """Get the smallest sample of the last group in s."""

    def _add_status(self) -> None:
        self.timer_status: Parameter = self.add_parameter(
            "timer_status",
            **(integer("STAT", 0, 255) | {"set_cmd": False, "snapshot_get": False}),
            docstring="Get what triggered and overloaded since the last reading (sum of bits of `TimerStatus`, 0 to "
            "255; STAT); reading clears it.",
        )
        self.error_status: Parameter = self.add_parameter(
            "error_status",
            **(integer("ERRS", 0, 255) | {"set_cmd": False, "snapshot_get": False}),
            docstring="Get the errors of the timer since the last reading (sum of bits, 0 to 255; ERRS); reading "
            "clears it.",
        )
        self.timer_enable: Parameter = self.add_parameter(
            "timer_enable",
            **integer("TENA", 0, 255),
            docstring="Control which bits of `timer_status` reach the status byte (sum of bits, 0 to 255; TENA).",
        )
        self.error_enable: Parameter = self.add_parameter(
            "error_enable",
            **integer("EREN", 0, 255),
            docstring="Control which bits of `error_status` reach the status byte (sum of bits, 0 to 255; EREN).",
        )

    # -- errors -------------------------------------------------------------------------------

    def errors(self) -> list[tuple[int, str]]:
        """Read event and error status, which clears both, and return bit values and texts of the errors in them."""
        event, timer = self.standard_event_status.get(), self.error_status.get()
        found = [(bit, text) for bit, text in _EVENT_ERRORS.items() if event & bit]
        found += [
            (bit, _TIMER_ERRORS.get(bit, f"error status {bit}")) for bit in (1 << n for n in range(8)) if timer & bit
        ]
        return found

    # -- groups of samples --------------------------------------------------------------------

    def start(self) -> None:
        """Start a group of samples (STRT); returns at once."""
        self.write("STRT")

    def stop(self) -> None:
        """End the group of samples (STOP)."""
        self.write("STOP")

    def measure(self, statistic: str = "mean", timeout: float = 10.0) -> float:
        """Start a group, wait for its end and return mean, jitter, maximum or minimum (MEAS?).

        Parameters
        ----------
        statistic
            "mean", "jitter", "maximum" or "minimum".
        timeout
            Longest wait in s.

        Returns
        -------
        float
            In s (Hz, degrees or events in the modes frequency, phase and count).
        """
        if statistic not in _STATISTICS:
            raise ValueError(f"{statistic!r} is none of {', '.join(_STATISTICS)}")
        with self.patience(timeout):
            return float(self.ask(f"MEAS? {_STATISTICS[statistic]}"))

    def trigger(self) -> None:
        """Start a group of samples as the bus trigger does (*TRG)."""
        self.write("*TRG")

    def setup(self) -> list[int]:
        """Return the complete setup as the instrument codes it, at least 24 whole numbers (STUP?)."""
        reply = self.ask("STUP?")
        try:
            numbers = [int(field) for field in reply.split(",")]
        except ValueError:
            raise ReplyError(f"{self.name}: {reply[:80]!r} is no setup", reply.encode()) from None
        if len(numbers) < 24:
            raise ReplyError(f"{self.name}: a setup of {len(numbers)} numbers came, at least 24 make one")
        return numbers

    def calibrate(self, timeout: float = 300.0) -> int:
        """Run the automatic calibration (`*CAL?`) and return its result, 0 if done, 1 if not warm; `timeout` in s."""
        with self.patience(timeout):
            return int(float(self.ask("*CAL?")))
