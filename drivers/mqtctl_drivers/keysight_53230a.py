"""QCoDeS driver for the Keysight (Agilent) 53230A and 53220A universal counters.

Use `configure_time_interval`, then set inputs, trigger and `sample_count`, `initiate`, and take
the readings out in blocks with `read_readings` while the counter goes on measuring.

Sources: 53220A/53230A Programmer's Reference (PR) and User's Guide. Unconfirmed: the depth of the error queue.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from .commands import choice, integer, number, switch
from .keysight_53230a_functions import CounterFunctions
from .keysight_53230a_input import SLOPES, CounterGate, CounterInput
from .keysight_53230a_readings import MEMORY, TIMEOUT_ERROR, CounterReadings, OperationEvent
from .scpi import StatusRegister

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["MEMORY", "TIMEOUT_ERROR", "Keysight53230A", "OperationEvent", "QuestionableEvent"]


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


class Keysight53230A(CounterFunctions, CounterReadings):
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
        self.input2: CounterInput = self.add_submodule("input2", CounterInput(self, "input2", 2))
        self.inputs: Mapping[int, CounterInput] = MappingProxyType({1: self.input1, 2: self.input2})
        self.gate: CounterGate = self.add_submodule("gate", CounterGate(self, "gate"))
        self._add_trigger()
        self._add_system()
        self.questionable: StatusRegister = self.add_submodule(
            "questionable", StatusRegister(self, "questionable", "STAT:QUES")
        )

    def _add_trigger(self) -> None:
        self.trigger_source: Parameter = self.add_parameter(
            "trigger_source",
            **choice("TRIG:SOUR", {"immediate": "IMM", "external": "EXT", "bus": "BUS"}),
            docstring="Control the trigger source (immediate, external, bus; TRIGger:SOURce).",
        )
        self.trigger_slope: Parameter = self.add_parameter(
            "trigger_slope",
            **choice("TRIG:SLOP", SLOPES),
            docstring="Control the slope of the external trigger (positive, negative; TRIGger:SLOPe).",
        )
        self.trigger_delay: Parameter = self.add_parameter(
            "trigger_delay",
            **number("TRIG:DEL", "s", 0, 3600),
            docstring="Control the delay from trigger to first reading in s (0 to 3600; TRIGger:DELay).",
        )
        self.trigger_count: Parameter = self.add_parameter(
            "trigger_count",
            **integer("TRIG:COUN", 1, MEMORY, unit="triggers"),
            docstring="Control the number of triggers before idle (1 to 1e6; TRIGger:COUNt).",
        )
        self.sample_count: Parameter = self.add_parameter(
            "sample_count",
            **integer("SAMP:COUN", 1, MEMORY, unit="readings"),
            docstring="Control the number of readings for each trigger (1 to 1e6; SAMPle:COUNt).",
        )
        self.reading_timeout: Parameter = self.add_parameter(
            "reading_timeout",
            **number("SYST:TIM", "s", 0.01, 2000, infinite=True),
            docstring="Control the longest wait for a reading in s (10 ms to 2000 s or inf; "
            "SYSTem:TIMeout). Not volatile and not touched by *RST: always set it. A reading that "
            "times out is stored as 9.91E37.",
        )

    def _add_system(self) -> None:
        self.autolevel_frequency: Parameter = self.add_parameter(
            "autolevel_frequency",
            **number("SYST:ALEV:FREQ", "Hz", 50, 10_000),
            docstring="Control the lowest frequency in Hz for which autolevel waits (50 to 10 kHz; "
            "SYSTem:ALEVel:FREQuency).",
        )
        self.reference: Parameter = self.add_parameter(
            "reference",
            **choice("SENS:ROSC:SOUR", {"internal": "INT", "external": "EXT"}),
            docstring="Control the time base (internal, external; SENSe:ROSCillator:SOURce).",
        )
        self.reference_automatic: Parameter = self.add_parameter(
            "reference_automatic",
            **switch("SENS:ROSC:SOUR:AUTO"),
            docstring="Control whether an external time base is taken when there is one (on, off; "
            "SENSe:ROSCillator:SOURce:AUTO).",
        )
        self.gate_output: Parameter = self.add_parameter(
            "gate_output",
            **switch("OUTP"),
            docstring="Control whether the rear gate connector puts the gate out (on) or takes one in (off; "
            "OUTPut:STATe).",
        )
        self.gate_output_polarity: Parameter = self.add_parameter(
            "gate_output_polarity",
            **choice("OUTP:POL", {"normal": "NORM", "inverted": "INV"}),
            docstring="Control the polarity of the gate that is put out (normal, inverted; OUTPut:POLarity).",
        )
        self.display: Parameter = self.add_parameter(
            "display",
            **switch("DISP"),
            docstring="Control the display (on, off; DISPlay:STATe).",
        )
        self.beeper: Parameter = self.add_parameter(
            "beeper",
            **switch("SYST:BEEP:STAT"),
            docstring="Control the beeper (on, off; SYSTem:BEEPer:STATe).",
        )

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

    def learn(self) -> str:
        """Return all settings as one message that would set them again (*LRN?)."""
        return self.ask("*LRN?")

    def calibration_count(self) -> int:
        """Return how often the instrument was calibrated (CALibration:COUNt?).

        Unconfirmed: the query is from memory of the family; an instrument without it answers nothing.
        """
        return int(float(self.ask("CAL:COUN?")))
