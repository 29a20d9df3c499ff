"""QCoDeS driver for the Keithley 6221 AC and DC current source.

Use `current` and `output` for DC, `wave` for ramps and other periodic currents, `sweep` for I-V curves. Save and
recall setups with `save_setup` and `recall_setup`.

Sources: 622x Reference Manual (RM) and specification sheet (HW 1/17/05 Rev B). Unconfirmed: the
exact identity text, the default compliance, and that `OUTP:INT:TRIP?` exists in all firmware.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, ClassVar

from qcodes.parameters import ManualParameter
from qcodes.validators import Numbers

from .commands import choice, integer, number, one_of, reading, switch
from .keithley_6221_sweep import CurrentSweep
from .keithley_6221_wave import WaveGenerator
from .scpi import ScpiInstrument, StatusRegister

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrumentKWArgs
    from qcodes.parameters import Parameter
    from typing_extensions import Unpack

__all__ = ["CURRENT_RANGES", "Keithley6221", "MeasurementEvent", "OperationEvent"]

#: Source ranges in A; each reaches 5 % further (specification sheet).
CURRENT_RANGES = (2e-9, 20e-9, 200e-9, 2e-6, 20e-6, 200e-6, 2e-3, 20e-3, 100e-3)


class OperationEvent(enum.IntFlag):
    """Bits of the operation registers (RM figure 11-1)."""

    CALIBRATING = 1
    SWEEP_DONE = 2
    SWEEP_ABORTED = 4
    SWEEPING = 8
    WAVE_STARTED = 16
    WAITING_FOR_TRIGGER = 32
    WAITING_FOR_ARM = 64
    WAVE_STOPPED = 128
    FILTER_SETTLED = 256
    IDLE = 1024
    SERIAL_ERROR = 2048


class MeasurementEvent(enum.IntFlag):
    """Bits of the measurement registers that concern the source (RM p. 318)."""

    INTERLOCK_OPEN = 2
    TOO_HOT = 4
    COMPLIANCE = 8


class Keithley6221(ScpiInstrument):
    """Keithley 6221 AC and DC current source.

    Parameters
    ----------
    name
        What this instrument is called in QCoDeS.
    address
        VISA resource name, such as "GPIB0::12::INSTR"; leave it out if `resource` is given.
    **kwargs
        As in `qcodes.instrument.VisaInstrument`.
    """

    models: ClassVar[tuple[str, ...]] = ("6221",)

    def __init__(self, name: str, address: str | None = None, **kwargs: Unpack[VisaInstrumentKWArgs]) -> None:
        super().__init__(name, address, **kwargs)
        self.current_limit: Parameter = self.add_parameter(
            "current_limit",
            parameter_class=ManualParameter,
            unit="A",
            initial_value=0.105,
            vals=Numbers(0, 0.105),
            docstring="Control the largest magnitude of current in A that this driver lets through "
            "(0 to 105 mA). It lives in the driver: a reset of the instrument does not widen it.",
        )
        self._add_source()
        self._add_output()
        self.wave: WaveGenerator = self.add_submodule("wave", WaveGenerator(self, "wave", self.current_limit))
        self.sweep: CurrentSweep = self.add_submodule("sweep", CurrentSweep(self, "sweep", self.current_limit))
        self._add_system()
        self.operation: StatusRegister = self.add_submodule("operation", StatusRegister(self, "operation", "STAT:OPER"))
        self.measurement: StatusRegister = self.add_submodule(
            "measurement", StatusRegister(self, "measurement", "STAT:MEAS")
        )
        self.questionable: StatusRegister = self.add_submodule(
            "questionable", StatusRegister(self, "questionable", "STAT:QUES")
        )

    def _add_source(self) -> None:
        self.current: Parameter = self.add_parameter(
            "current",
            **(number("SOUR:CURR", "A", -0.105, 0.105) | {"set_cmd": self._set_current}),
            docstring="Control the DC output current in A (-105 mA to 105 mA and within `current_limit`; "
            "SOURce:CURRent).",
        )
        self.current_range: Parameter = self.add_parameter(
            "current_range",
            **one_of("SOUR:CURR:RANG", "A", CURRENT_RANGES),
            docstring="Control the source range in A (2 nA to 100 mA in decades; SOURce:CURRent:RANGe). "
            "Setting it turns autorange off. 2 nA and 20 nA have only 10 kHz bandwidth.",
        )
        self.current_autorange: Parameter = self.add_parameter(
            "current_autorange",
            **switch("SOUR:CURR:RANG:AUTO"),
            docstring="Control whether the range follows the current (on, off; SOURce:CURRent:RANGe:AUTO).",
        )
        self.compliance: Parameter = self.add_parameter(
            "compliance",
            **number("SOUR:CURR:COMP", "V", 0.1, 105),
            docstring="Control the compliance voltage in V (0.1 to 105 V in steps of 10 mV; "
            "SOURce:CURRent:COMPliance).",
        )
        self.analog_filter: Parameter = self.add_parameter(
            "analog_filter",
            **switch("SOUR:CURR:FILT"),
            docstring="Control the analog filter of the output (on, off; SOURce:CURRent:FILTer).",
        )

    def _add_output(self) -> None:
        self.output: Parameter = self.add_parameter(
            "output",
            **switch("OUTP"),
            docstring="Control the output (on, off; OUTPut:STATe).",
        )
        self.response: Parameter = self.add_parameter(
            "response",
            **choice("OUTP:RESP", {"fast": "FAST", "slow": "SLOW"}),
            docstring="Control the output response (fast, slow; OUTPut:RESPonse). Fast settles to 1 % in "
            "2 us on 20 uA, slow in 100 us.",
        )
        self.inner_shield: Parameter = self.add_parameter(
            "inner_shield",
            **choice("OUTP:ISH", {"output low": "OLOW", "guard": "GUAR"}),
            docstring="Control what the inner shield is tied to (output low, guard; OUTPut:ISHield).",
        )
        self.low_to_earth: Parameter = self.add_parameter(
            "low_to_earth",
            **switch("OUTP:LTE"),
            docstring="Control whether output low is tied to earth (on, off; OUTPut:LTEarth).",
        )
        self.interlock_tripped: Parameter = self.add_parameter(
            "interlock_tripped",
            **(switch("OUTP:INT:TRIP") | {"set_cmd": False, "snapshot_get": False}),
            docstring="Get whether the interlock keeps the output off (OUTPut:INTerlock:TRIPped).",
        )
        self.trigger_output_line: Parameter = self.add_parameter(
            "trigger_output_line",
            **integer("TRIG:OLIN", 1, 6),
            docstring="Control the trigger-link line of the trigger output (1 to 6; TRIGger:OLINe). "
            "It must differ from `wave.marker_line`.",
        )
        self.trigger_input_line: Parameter = self.add_parameter(
            "trigger_input_line",
            **integer("TRIG:ILIN", 1, 6),
            docstring="Control the trigger-link line of the trigger input (1 to 6; TRIGger:ILINe).",
        )
        self.front_panel: Parameter = self.add_parameter(
            "front_panel",
            **switch("DISP:ENAB"),
            docstring="Control the front-panel display (on, off; DISPlay:ENABle). With it on, the steps of a "
            "staircase sweep jitter by up to 1 ms (RM p. 100); a wave does not care.",
        )

    def _add_system(self) -> None:
        self.power_on_setup: Parameter = self.add_parameter(
            "power_on_setup",
            **choice("SYST:POS", {"reset": "RST", "preset": "PRES"} | {f"saved {n}": f"SAV{n}" for n in range(5)}),
            docstring="Control the setup after power-on (reset, preset, saved 0 to saved 4; SYSTem:POSetup). It is "
            "kept without power.",
        )
        self.beeper: Parameter = self.add_parameter(
            "beeper",
            **switch("SYST:BEEP:STAT"),
            docstring="Control the beeper (on, off; SYSTem:BEEPer:STATe).",
        )
        self.line_frequency: Parameter = self.add_parameter(
            "line_frequency",
            **reading("SYST:LFR?", "Hz", 0, 100),
            docstring="Get the frequency of the mains in Hz (50 or 60; SYSTem:LFRequency).",
        )

    def clear_output(self) -> None:
        """Turn the output off and its current to zero (SOURce:CLEar)."""
        self.write("SOUR:CLE")
        self.output.cache.invalidate()
        self.current.cache.invalidate()

    def calibration_due(self) -> str:
        """Return when the next calibration is due, as the instrument writes it (CALibration:PROTected:NDUE?).

        Unconfirmed: the query is from memory of the family; an instrument without it answers nothing.
        """
        return self.ask("CAL:PROT:NDUE?").strip().strip('"')

    def _set_current(self, text: str) -> None:
        """Send a current that has passed the validator, unless it exceeds the driver's own limit."""
        limit = self.current_limit.get()
        if abs(float(text)) > limit:
            raise ValueError(f"{self.name}: {text} A exceeds the current limit of {limit:.6g} A")
        self.write(f"SOUR:CURR {text}")

    def preset_status(self) -> None:
        """Reset all enable registers (STATus:PRESet)."""
        self.write("STAT:PRES")
