"""QCoDeS driver for the Keysight (Agilent) 53230A and 53220A universal counters.

Use `configure_time_interval`, then set inputs, trigger and `sample_count`, `initiate`, and take
the readings out in blocks with `read_readings` while the counter goes on measuring.

Sources: 53220A/53230A Programmer's Reference (PR) and User's Guide. Unconfirmed: bit 12 of the
operation register for the reading threshold (one page says 9), the depth of the error queue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from .commands import choice, integer, number, switch
from .errors import ReplyError
from .keysight_53230a_input import SLOPES, CounterGate, CounterInput
from .scpi import ScpiInstrument, StatusRegister

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["MEMORY", "TIMEOUT_ERROR", "Keysight53230A", "OperationEvent", "QuestionableEvent"]

#: Readings that fit into the memory; the oldest are overwritten silently beyond.
MEMORY = 1_000_000
#: Code in the error queue after a reading that timed out; the reading itself is 9.91E37.
TIMEOUT_ERROR = 321

_FUNCTIONS = {
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
}


class OperationEvent(enum.IntFlag):
    """Bits of the operation registers."""

    CALIBRATING = 1
    MEASURING = 16
    WAITING_FOR_TRIGGER = 32
    READING_THRESHOLD = 4096


class QuestionableEvent(enum.IntFlag):
    """Bits of the questionable registers (PR p. 395)."""

    OVERLOAD = 1
    TIME = 4
    FREQUENCY = 32
    PHASE = 64
    CALIBRATION = 256
    TOTALIZE = 512
    TIMEBASE = 1024
    LOWER_LIMIT = 2048
    UPPER_LIMIT = 4096
    MEMORY_OVERFLOW = 16384


class Keysight53230A(ScpiInstrument):
    """Keysight 53230A (or 53220A) universal counter.

    Parameters
    ----------
    name
        What this instrument is called in QCoDeS.
    address
        VISA resource name, such as "TCPIP0::10.0.0.5::INSTR"; leave it out if `resource` is given.
    **kwargs
        As in `qcodes.instrument.VisaInstrument`.
    """

    models: ClassVar[tuple[str, ...]] = ("53230A", "53220A")

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self.input1: CounterInput = self.add_submodule("input1", CounterInput(self, "input1", 1))
        """Input 1."""
        self.input2: CounterInput = self.add_submodule("input2", CounterInput(self, "input2", 2))
        """Input 2."""
        self.inputs: Mapping[int, CounterInput] = MappingProxyType({1: self.input1, 2: self.input2})
        self.gate: CounterGate = self.add_submodule("gate", CounterGate(self, "gate"))
        """What arms a time interval."""
        self._add_trigger()
        self._add_data()
        self._add_system()
        self.operation: StatusRegister = self.add_submodule("operation", StatusRegister(self, "operation", "STAT:OPER"))
        """Operation registers; their bits are `OperationEvent`."""
        self.questionable: StatusRegister = self.add_submodule(
            "questionable", StatusRegister(self, "questionable", "STAT:QUES")
        )
        """Questionable registers; their bits are `QuestionableEvent`."""

    def _add_trigger(self) -> None:
        self.function: Parameter = self.add_parameter(
            "function",
            **(choice("FUNC", _FUNCTIONS) | {"set_cmd": False, "get_parser": _parse_function}),
            docstring="Get what is measured (FUNCtion); the `configure_...` methods set it.",
        )
        """Get what is measured."""
        self.trigger_source: Parameter = self.add_parameter(
            "trigger_source",
            **choice("TRIG:SOUR", {"immediate": "IMM", "external": "EXT", "bus": "BUS"}),
            docstring="Control the trigger source (immediate, external, bus; TRIGger:SOURce).",
        )
        """Control the trigger source."""
        self.trigger_slope: Parameter = self.add_parameter(
            "trigger_slope",
            **choice("TRIG:SLOP", SLOPES),
            docstring="Control the slope of the external trigger (positive, negative; TRIGger:SLOPe).",
        )
        """Control the slope of the external trigger."""
        self.trigger_delay: Parameter = self.add_parameter(
            "trigger_delay",
            **number("TRIG:DEL", "s", 0, 3600),
            docstring="Control the delay from trigger to first reading in s (0 to 3600; TRIGger:DELay).",
        )
        """Control the delay from trigger to first reading in s."""
        self.trigger_count: Parameter = self.add_parameter(
            "trigger_count",
            **integer("TRIG:COUN", 1, MEMORY, unit="triggers"),
            docstring="Control the number of triggers before idle (1 to 1e6; TRIGger:COUNt).",
        )
        """Control the number of triggers before idle."""
        self.sample_count: Parameter = self.add_parameter(
            "sample_count",
            **integer("SAMP:COUN", 1, MEMORY, unit="readings"),
            docstring="Control the number of readings for each trigger (1 to 1e6; SAMPle:COUNt).",
        )
        """Control the number of readings for each trigger."""
        self.reading_timeout: Parameter = self.add_parameter(
            "reading_timeout",
            **number("SYST:TIM", "s", 0.01, 2000, infinite=True),
            docstring="Control the longest wait for a reading in s (10 ms to 2000 s or inf; "
            "SYSTem:TIMeout). Not volatile and not touched by *RST: always set it. A reading that "
            "times out is stored as 9.91E37.",
        )
        """Control the longest wait for a reading in s."""

    def _add_data(self) -> None:
        self.data_format: Parameter = self.add_parameter(
            "data_format",
            **choice("FORM", {"ascii": "ASC,15", "real": "REAL,64"}),
            docstring="Control the format of readings (ascii, real; FORMat:DATA). Real is 8 bytes each.",
        )
        """Control the format of readings."""
        self.byte_order: Parameter = self.add_parameter(
            "byte_order",
            **choice("FORM:BORD", {"big": "NORM", "little": "SWAP"}),
            docstring="Control the byte order of real readings (big, little; FORMat:BORDer).",
        )
        """Control the byte order of real readings."""
        self.readings_available: Parameter = self.add_parameter(
            "readings_available",
            **(integer("DATA:POIN", 0, MEMORY, unit="readings") | {"set_cmd": False, "snapshot_value": False}),
            docstring="Get the number of readings in memory (0 to 1e6; DATA:POINts).",
        )
        """Get the number of readings in memory."""
        self.reading_threshold: Parameter = self.add_parameter(
            "reading_threshold",
            **integer("DATA:POIN:EVEN:THR", 1, MEMORY, unit="readings"),
            docstring="Control at how many readings in memory the threshold event comes (1 to 1e6; "
            "DATA:POINts:EVENt:THReshold).",
        )
        """Control at how many readings in memory the threshold event comes."""

    def _add_system(self) -> None:
        self.autolevel_frequency: Parameter = self.add_parameter(
            "autolevel_frequency",
            **number("SYST:ALEV:FREQ", "Hz", 50, 10_000),
            docstring="Control the lowest frequency in Hz for which autolevel waits (50 to 10 kHz; "
            "SYSTem:ALEVel:FREQuency).",
        )
        """Control the lowest frequency in Hz for which autolevel waits."""
        self.reference: Parameter = self.add_parameter(
            "reference",
            **choice("SENS:ROSC:SOUR", {"internal": "INT", "external": "EXT"}),
            docstring="Control the time base (internal, external; SENSe:ROSCillator:SOURce).",
        )
        """Control the time base."""
        self.reference_automatic: Parameter = self.add_parameter(
            "reference_automatic",
            **switch("SENS:ROSC:SOUR:AUTO"),
            docstring="Control whether an external time base is taken when there is one (on, off; "
            "SENSe:ROSCillator:SOURce:AUTO).",
        )
        """Control whether an external time base is taken when there is one."""
        self.gate_output: Parameter = self.add_parameter(
            "gate_output",
            **switch("OUTP"),
            docstring="Control whether the rear gate connector puts the gate out (on) or takes one in (off; "
            "OUTPut:STATe).",
        )
        """Control whether the rear gate connector puts the gate out."""
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

    # -- what to measure --------------------------------------------------------------------

    def configure_time_interval(self, start: int = 1, stop: int = 2) -> None:
        """Measure the time from an event on input `start` to the next on input `stop` (CONF:TINT).

        It resets counts, trigger, gate, levels and slopes: set those afterwards.
        """
        self._check_input(start)
        self._check_input(stop)
        channels = f"(@{start})" if start == stop else f"(@{start}),(@{stop})"
        self.write(f"CONF:TINT {channels}")
        self.forget()

    def configure_period(self, channel: int = 1) -> None:
        """Measure the period of input `channel` (CONF:PER); it resets what `configure_time_interval` does."""
        self._check_input(channel)
        self.write(f"CONF:PER (@{channel})")
        self.forget()

    def configure_frequency(self, channel: int = 1) -> None:
        """Measure the frequency of input `channel` (CONF:FREQ); it resets what the others do."""
        self._check_input(channel)
        self.write(f"CONF:FREQ (@{channel})")
        self.forget()

    @staticmethod
    def _check_input(channel: int) -> None:
        """Raise ValueError unless this is an input that the instrument has at the front."""
        if channel not in {1, 2}:
            raise ValueError(f"the inputs are 1 and 2, not {channel}")

    # -- measuring --------------------------------------------------------------------------

    def initiate(self) -> None:
        """Clear the memory and wait for triggers (INITiate); returns at once."""
        self.write("INIT")

    def trigger(self) -> None:
        """Send a bus trigger (*TRG)."""
        self.write("*TRG")

    def abort(self) -> None:
        """Stop measuring (ABORt); readings in memory stay."""
        self.write("ABOR")

    def preset_status(self) -> None:
        """Reset enable and transition registers (STATus:PRESet)."""
        self.write("STAT:PRES")

    # -- readings ---------------------------------------------------------------------------

    def read_readings(self, count: int) -> NDArray[np.float64]:
        """Take at most `count` readings out of the memory, oldest first, as the instrument codes them.

        Returns
        -------
        NDArray
            Shape (n_reading,), n_reading <= count, in s for time intervals; 9.91E37 where a reading
            timed out.

        Raises
        ------
        ReplyError
            Not a block, or not a whole number of readings, or more than asked for.
        """
        return self._readings(f"R? {self._check_count(count)}", count)

    def remove_readings(self, count: int) -> NDArray[np.float64]:
        """Take exactly `count` readings out of the memory (DATA:REMove?); an error if there are fewer."""
        return self._readings(f"DATA:REM? {self._check_count(count)}", count)

    def clear_readings(self) -> None:
        """Empty the memory (DATA:CLEar)."""
        self.write("DATA:CLE")

    def statistics(self) -> tuple[float, float, float, float]:
        """Return mean, standard deviation, minimum and maximum of the readings so far (CALC:AVER:ALL?).

        Unconfirmed: the order is from memory. `calculations` and `averaging` must be on.
        """
        reply = self.ask("CALC:AVER:ALL?")
        values = [float(field) for field in reply.split(",")]
        if len(values) < 4:
            raise ReplyError(f"{self.name}: {reply!r} are no statistics", reply.encode())
        return values[0], values[1], values[2], values[3]

    def last_reading(self) -> float:
        """Return the latest reading without taking it out (DATA:LAST?); nan if there is none."""
        value = float(self.ask("DATA:LAST?").split()[0].split(",")[0])
        return float("nan") if abs(value) >= 9.9e37 else value

    @staticmethod
    def _check_count(count: int) -> int:
        """Return `count`, which must be a number of readings that the memory can hold."""
        if not 1 <= count <= MEMORY:
            raise ValueError(f"between 1 and {MEMORY} readings can be taken out at once, not {count}")
        return int(count)

    def _readings(self, query: str, count: int) -> NDArray[np.float64]:
        """Ask for a block of readings and decode it."""
        real = self.data_format.cache.get() == "real"
        big_endian = self.byte_order.cache.get() == "big"
        content = self.ask_block(query)
        if real:
            if len(content) % 8:
                raise ReplyError(f"{self.name}: {len(content)} bytes are no whole number of readings", content)
            values = np.frombuffer(content, dtype=">f8" if big_endian else "<f8").astype(np.float64)
        else:
            text = content.decode("ascii", errors="replace").strip()
            try:
                values = np.array([float(field) for field in text.split(",") if field.strip()])
            except ValueError:
                raise ReplyError(f"{self.name}: {text[:80]!r} are no readings", content) from None
        if values.size > count:
            raise ReplyError(f"{self.name}: {values.size} readings came where {count} were asked for", content)
        return values


def _parse_function(text: str) -> str:
    """Return the function in the answer to FUNC?, which is quoted and may go on with channels."""
    return text.strip().strip('"').replace("(", " ").split(" ")[0].upper()
