"""Keithley 6221 AC and DC current source, as a client sees it.

Command set, ranges and status bits: Model 622x Reference Manual (622x-901-01), collected in
the project's instruments/keithley-6221.md. What no source confirms is marked U there; here it
is one constant or one method each: number format, effect of ABORt, phase origin of RAMP, what
may change while armed, and that the wave does not count as a pending operation for *OPC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError, error_class
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument, register_commands, state_commands
from pyvisa_mqt.instruments.keithley_6221.delta import DELTA_COMMANDS
from pyvisa_mqt.instruments.keithley_6221.passive import PASSIVE_COMMANDS
from pyvisa_mqt.instruments.keithley_6221.staircase_sweep import SWEEP_COMMANDS, SteppingSource
from pyvisa_mqt.instruments.keithley_6221.wave import LINE, SOURCE, WAVE, WAVE_COMMANDS, WaveShape
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires

__all__ = ["Keithley6221"]

RANGES = (2e-9, 20e-9, 200e-9, 2e-6, 20e-6, 200e-6, 2e-3, 20e-3, 0.1)
OVER_RANGE = 1.05
LARGEST_CURRENT = 0.105
# The wave generator's converter: 16 bit over plus and minus 105 % of the range (U).
LEVELS_PER_RANGE = 2**16 / (2 * OVER_RANGE)
SWEEP_DONE, SWEEP_ABORTED, SWEEPING = 1 << 1, 1 << 2, 1 << 3
WAVE_STARTED, WAITING_FOR_TRIGGER, WAITING_FOR_ARM = 1 << 4, 1 << 5, 1 << 6
#: Threshold in V of the trigger link's lines, whose pulses go low.
TRIGGER_LEVEL = 1.5
WAVE_STOPPED = 1 << 7
IDLE = 1 << 10
#: Format of status registers -> how a number is written (U: digits of the non-decimal ones).
REGISTER_FORMATS = {"ASC": "{}", "HEX": "#H{:X}", "OCT": "#Q{:o}", "BIN": "#B{:b}"}


CURRENT = Number(-LARGEST_CURRENT, LARGEST_CURRENT, 0.0, unit="A")


def _range_for(current: float) -> float:
    """Return the smallest range in A that holds a current (A), 5 % over-range included."""
    return next(r for r in RANGES if _holds(r, current))


def _holds(full_scale: float, current: float) -> bool:
    """Whether a range (A) holds a current (A); the last digits of a decimal fraction do not count."""
    return abs(current) <= OVER_RANGE * full_scale * (1 + 1e-9)


class Keithley6221(SteppingSource, WaveShape):
    """The current source: output port "output" (A), phase marker on port "marker", trigger input "trigger".

    The trigger input is the line of EXTRigger:ILINe; it is looked at when the bench moves, so a wave that it
    starts may come late by 0.25 s. Options of the bench file: `serial_number`, `firmware`, and `marker_line`,
    the trigger link line (1 to 6) from which the marker cable comes.
    """

    option_defaults: ClassVar = {"serial_number": "1400001", "firmware": "D04", "marker_line": 3}
    error_depth = 10
    no_error = '0,"No error"'
    register_bits: ClassVar = {"operation": 128, "questionable": 8, "measurement": 1}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._armed = self.sweep_armed = self._awaiting = False
        self._looked = 0.0
        self._wave: Waveform | None = None
        super().__init__(wires, rng, options)
        if not 1 <= self.options["marker_line"] <= 6:
            raise ValueError(f"option 'marker_line' is {self.options['marker_line']}; give a line from 1 to 6")
        self.registers["operation"].set(IDLE, True)
        self.reset()

    def inherit(self, before: Self) -> None:
        """Begin with the set-up that was chosen for power-on."""
        super().inherit(before)
        if self.settings["power_on_setup"].startswith("SAV"):
            self.recall_state(int(self.settings["power_on_setup"][3]))

    def identification(self) -> str:
        """Return the maker, model, serial number and firmware."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL 6221,{self.options['serial_number']},{self.options['firmware']}"

    def format_number(self, value: float) -> str:
        """Write NR3 with seven digits (U)."""
        return f"{value:+.6E}"

    def format_register(self, value: int) -> str:
        """Write a status register as FORMat:SREGister says."""
        return REGISTER_FORMATS[self.settings["register_format"]].format(value)

    def _report(self, error: ScpiError) -> None:
        if error.code in self.settings["queued_errors"]:
            super()._report(error)
        else:
            self.status.event_status |= error_class(error.code)

    def recalled(self) -> None:
        """Disarm; the output stays off until it is switched on (U)."""
        self.settings["output"] = False
        self._disarm()
        self._apply_level()

    def reset(self) -> None:
        """Output off, wave aborted; the non-volatile points stay."""
        self._disarm()
        self.forget_points()
        self._apply_level()

    # Direct current.

    def set_current(self, current: float) -> None:
        """Set the DC level in A; autorange follows, a fixed range refuses what it cannot hold."""
        if self.settings["range_auto"]:
            self.settings["range"] = _range_for(current)
        elif not _holds(self.settings["range"], current):
            raise ScpiError(-222)
        self.settings["current"] = current
        self._apply_level()

    def set_range(self, current: float) -> None:
        """Choose the range that holds `current` (A); autorange goes off."""
        chosen = _range_for(current)
        if not _holds(chosen, self.settings["current"]):
            raise ScpiError(-221)
        self.refuse_while_armed()
        self.settings["range"] = chosen
        self.settings["range_auto"] = False
        self._apply_level()

    def set_autorange(self, enabled: bool) -> None:
        """Switch autorange; on, it chooses at once."""
        if enabled:
            self.refuse_while_armed()
        self.settings["range_auto"] = enabled
        if enabled:
            self.settings["range"] = _range_for(self.settings["current"])
            self._apply_level()

    def set_output(self, enabled: bool) -> None:
        """Switch the output; off also ends a wave."""
        if not enabled:
            self._disarm()
        self.settings["output"] = enabled
        self._apply_level()

    def _disarm(self) -> None:
        self._armed = self.sweep_armed = False
        self._wait_no_more()
        self._stop_wave()

    def _wait_no_more(self) -> None:
        operation = self.registers["operation"]
        if operation.condition & (WAITING_FOR_TRIGGER | WAITING_FOR_ARM):
            operation.set(WAITING_FOR_TRIGGER | WAITING_FOR_ARM, False)
            operation.set(IDLE, True)
        self._awaiting = False

    def clear_level(self) -> None:
        """Do what CLEar does: level 0 A, output off."""
        self.settings["current"] = 0.0
        self.set_output(False)

    def _quantised(self, current: NDArray[np.float64], full_scale: float) -> NDArray[np.float64]:
        step = full_scale / LEVELS_PER_RANGE
        return np.asarray(np.round(current / step) * step)

    def _apply_level(self) -> None:
        if self._wave is not None:
            return
        direct = self.settings["output"] and not (self._armed or self.sweep_armed)
        level = self.settings["current"] if direct else 0.0
        if self._awaiting:
            level = self.settings["offset"] + self.settings["amplitude"] * self.settings["external_value"]
        values = self._quantised(np.array([level]), self.settings["range"])
        start = self.wires.clock.now()
        # No marker phase: this also silences the marker of a wave that was cut short.
        level_only = Waveform(start, 1.0, math.inf, values, idle=float(values[0]))
        self.wires.drive("output", level_only, marker_port="marker")

    # Wave generator.

    def refuse_while_armed(self, *_: object) -> None:
        """Refuse what is locked while a wave or a sweep is armed."""
        if self._armed or self.sweep_armed:
            raise ScpiError(-221)

    def redraw(self, *_: object) -> None:
        """Redraw a wave that runs while its amplitude, offset or frequency changes (U: seen in scripts)."""
        if self._awaiting:
            self._apply_level()
        elif self._armed and self._wave is not None and self._wave.stop > self.wires.clock.now():
            self._start_wave()

    def check_amplitude(self, amplitude: float) -> None:
        """Refuse a live amplitude in A that the range cannot hold."""
        self._check_peak(amplitude, self.settings["offset"])

    def check_offset(self, offset: float) -> None:
        """Refuse a live offset in A that the range cannot hold."""
        self._check_peak(self.settings["amplitude"], offset)

    def _check_peak(self, amplitude: float, offset: float) -> None:
        if self._armed and not _holds(self.settings["range"], amplitude + abs(offset)):
            raise ScpiError(-221)

    def arm(self) -> None:
        """Load the wave and turn the output on, at 0 A until INITiate."""
        self._choose_range(self.settings["amplitude"] + abs(self.settings["offset"]), self.settings["ranging"])
        self._armed = self.settings["output"] = True
        self._apply_level()

    def arm_with_peak(self, peak: float, ranging: str) -> None:
        """Arm a sweep up to `peak` (A): output on, at 0 A until INITiate."""
        self._choose_range(peak, ranging)
        self.sweep_armed = self.settings["output"] = True
        self._apply_level()

    def _choose_range(self, peak: float, ranging: str) -> None:
        self.refuse_while_armed()
        if not _holds(RANGES[-1], peak):
            raise ScpiError(-221)
        if ranging != "FIX":
            self.settings["range"] = _range_for(peak)
            self.settings["range_auto"] = False
        elif not _holds(self.settings["range"], peak):
            raise ScpiError(-221)

    def initiate(self) -> None:
        """Do what INITiate does: start the sweep that is armed, or wait for the arm layer's event."""
        if not self.sweep_armed:
            raise ScpiError(-221)
        self._stop_wave()
        if self.settings["arm_source"] in ("IMM", "TIM"):
            self.start_sweep()
        else:
            self.registers["operation"].set(IDLE, False)
            self.registers["operation"].set(WAITING_FOR_ARM, True)

    def signal_arm(self) -> None:
        """Do what ARM:SIGNal does: go on as if the arm layer's event had come."""
        if not self.registers["operation"].condition & WAITING_FOR_ARM:
            raise ScpiError(-211)
        self._wait_no_more()
        self.start_sweep()

    def software_trigger(self) -> None:
        """Take *TRG: the event of an arm layer that waits for the bus, or of a wave that waits for a trigger."""
        if self._awaiting:
            self._begin_wave()
        elif self.settings["arm_source"] == "BUS":
            self.signal_arm()
        else:
            raise ScpiError(-211)

    def run_sweep(self, waveform: Waveform) -> None:
        """Put out a sweep, in the steps of the present range."""
        values = self._quantised(waveform.values, self.settings["range"])
        self._wave = replace(waveform, values=values, idle=float(values[-1]))
        self.wires.drive("output", self._wave, marker_port="marker")
        operation = self.registers["operation"]
        operation.set(SWEEP_DONE | SWEEP_ABORTED | IDLE, False)
        operation.set(SWEEPING, True)

    def start(self) -> None:
        """Start the armed wave from its beginning, or wait for its trigger at the inactive value."""
        if not self._armed:
            raise ScpiError(-221)
        if self.settings["external"]:
            self._stop_wave()
            self._await_trigger()
        else:
            self._begin_wave()

    def _await_trigger(self) -> None:
        self._awaiting = True
        self.registers["operation"].set(IDLE, False)
        self.registers["operation"].set(WAITING_FOR_TRIGGER, True)
        self._apply_level()

    def _begin_wave(self) -> None:
        self._wait_no_more()
        self._stop_wave(report=False)
        self._start_wave()
        operation = self.registers["operation"]
        operation.set(WAVE_STOPPED | IDLE, False)
        operation.set(WAVE_STARTED, True)

    def _start_wave(self) -> None:
        settings = self.settings
        wave = settings["offset"] + settings["amplitude"] * self.points()
        marked = settings["marker"] and settings["marker_line"] == self.options["marker_line"]
        start = self.wires.clock.now()
        cycles = self.cycles()
        if self._wave is not None:  # changed while running: what is left of the duration, in cycles or in s
            left = self._wave.stop - start
            _, in_cycles = settings["duration"]
            cycles = left / self._wave.period if in_cycles else left * settings["frequency"]
        self._wave = Waveform(
            start,
            1 / settings["frequency"],
            cycles,
            self._quantised(wave, settings["range"]),
            idle=0.0,
            marker_phase=(settings["marker_phase"] % 360) / 360 if marked else None,
        )
        self.wires.drive("output", self._wave, marker_port="marker")

    def _stop_wave(self, report: bool = True) -> None:
        if self._wave is None:
            return
        self._wave = None
        if report and self._running:
            self._report_stop()

    def _report_stop(self, completed: bool = False) -> None:
        operation = self.registers["operation"]
        stopped = WAVE_STOPPED
        if operation.condition & SWEEPING:
            stopped = SWEEP_DONE if completed else SWEEP_ABORTED
        operation.set(WAVE_STARTED | SWEEPING, False)
        operation.set(stopped | IDLE, True)

    def abort(self) -> None:
        """End wave or sweep, disarm, output off (U: whether it goes off or to the DC level)."""
        if self._armed or self.sweep_armed:
            self.set_output(False)

    @property
    def _running(self) -> bool:
        return bool(self.registers["operation"].condition & (WAVE_STARTED | SWEEPING))

    def elapse(self, now: float) -> None:
        """Notice the end of a finite wave or sweep, and triggers."""
        if self._wave is not None and now >= self._wave.stop and self._running:
            self._report_stop(completed=True)
            if self._armed and self.settings["external"]:
                self._wave = None
                self._await_trigger()
        if self._armed and self.settings["external"] and self.settings["external_line"]:
            takes = self._awaiting or (self._running and not self.settings["external_ignore"])
            if takes and len(self.wires.edges("trigger", TRIGGER_LEVEL, False, self._looked, now)):
                self._begin_wave()
        self._looked = now

    def next_event(self) -> float:
        """Return when the wave or the sweep ends."""
        return self._wave.stop if self._wave is not None and self._running else math.inf

    commands = (
        *register_commands("OPERation", "operation"),
        *register_commands("QUEStionable", "questionable"),
        *register_commands("MEASurement", "measurement"),
        Command("STATus:QUEue[:NEXT]", None, ScpiInstrument.next_error),
        Command("STATus:QUEue:CLEar", lambda self: self.status.errors.clear()),
        Command("SYSTem:CLEar", lambda self: self.status.errors.clear()),
        Command("INITiate[:IMMediate]", initiate),
        Command("ABORt", abort),
        Command(f"{SOURCE}:SWEep:ABORt", abort),
        setting(f"{SOURCE}:CURRent[:LEVel][:IMMediate][:AMPLitude]", "current", CURRENT, 0.0, execute=set_current),
        setting(f"{SOURCE}:CURRent:RANGe", "range", CURRENT, 0.1, execute=set_range),
        setting(f"{SOURCE}:CURRent:RANGe:AUTO", "range_auto", Boolean(), False, execute=set_autorange),
        setting(f"{SOURCE}:CURRent:COMPliance", "compliance", Number(0.1, 105, 10, unit="V"), 10.0),
        setting(f"{SOURCE}:CURRent:FILTer[:STATe]", "filter", Boolean(), False),
        Command(f"{SOURCE}:CLEar[:IMMediate]", clear_level),
        setting("OUTPut[:STATe]", "output", Boolean(), False, execute=set_output),
        setting("OUTPut:RESPonse", "response", Choice("FAST", "SLOW"), "FAST"),
        setting("OUTPut:ISHield", "inner_shield", Choice("OLOW", "GUARd"), "OLOW"),
        setting("OUTPut:LTEarth", "low_to_earth", Boolean(), False),
        Command("OUTPut:INTerlock:TRIPped", None, lambda self: "1"),
        setting(
            f"{WAVE}:AMPLitude",
            "amplitude",
            Number(2e-12, LARGEST_CURRENT, 1e-3, unit="A"),
            1e-3,
            check=check_amplitude,
            after=redraw,
        ),
        setting(f"{WAVE}:OFFSet", "offset", CURRENT, 0.0, check=check_offset, after=redraw),
        *WAVE_COMMANDS,
        Command(f"{WAVE}:ARM", arm, lambda self: "1" if self._armed else "0"),
        Command(f"{WAVE}:INITiate", start),
        Command(f"{WAVE}:ABORt", abort),
        setting("TRIGger:OLINe|OLIN", "trigger_line", LINE, 2, check=WaveShape.check_trigger_line),
        *SWEEP_COMMANDS,
        *DELTA_COMMANDS,
        *PASSIVE_COMMANDS,
        *state_commands(4),
    )
