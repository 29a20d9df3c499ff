"""Keithley 6221 AC and DC current source, as a client sees it.

Command set, ranges and status bits: Model 622x Reference Manual (622x-901-01), collected in
the project's instruments/keithley-6221.md. What no source confirms is marked U there; here it
is one constant or one method each: number format, effect of ABORt, phase origin of RAMP, what
may change while armed, and that the wave does not count as a pending operation for *OPC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..ieee488 import ScpiError
from ..parameters import Boolean, Choice, Number
from ..scpi import Command, setting
from ..signals import Waveform, Wires
from .keithley_6221_passive import PASSIVE_COMMANDS
from .ramp_shape import ramp_from_zero
from .scpi_base import ScpiInstrument, register_commands

__all__ = ["Keithley6221"]

RANGES = (2e-9, 20e-9, 200e-9, 2e-6, 20e-6, 200e-6, 2e-3, 20e-3, 0.1)
OVER_RANGE = 1.05
LARGEST_CURRENT = 0.105
# The wave generator's converter: 16 bit over plus and minus 105 % of the range (U).
LEVELS_PER_RANGE = 2**16 / (2 * OVER_RANGE)
UPDATE_RATE = 10e6
LARGEST_MEMORY = 65536
POINTS_PER_COMMAND = 100
# A drawn wave is a staircase of at most this many steps; its steps are below the converter's.
LARGEST_STAIRCASE = 65536

WAVE_STARTED = 1 << 4
WAVE_STOPPED = 1 << 7
IDLE = 1 << 10


SOURCE = "[SOURce]"
WAVE = f"{SOURCE}:WAVE"
MARKER = f"{WAVE}:PMARker|PMARK"
EXTERNAL = f"{WAVE}:EXTRigger|EXTRIG"
CURRENT = Number(-LARGEST_CURRENT, LARGEST_CURRENT, 0.0, unit="A")
FUNCTIONS = Choice("SINusoid", "SQUare", "RAMP", "ARB0", "ARB1", "ARB2", "ARB3", "ARB4", aliases={"ARBITRARY0": "ARB0"})
LINE = Number(1, 6, 3, integer=True)
POINT = Number(-1, 1, 0)
TIME = Number(100e-9, 999999.999, unit="S", infinite=True)
CYCLES = Number(1e-3, 99999999900, infinite=True)


def _range_for(current: float) -> float:
    """Return the smallest range in A that holds a current (A), 5 % over-range included."""
    return next(r for r in RANGES if _holds(r, current))


def _holds(full_scale: float, current: float) -> bool:
    """Whether a range (A) holds a current (A); the last digits of a decimal fraction do not count."""
    return abs(current) <= OVER_RANGE * full_scale * (1 + 1e-9)


class Keithley6221(ScpiInstrument):
    """The current source: output port "output" (A), phase marker on port "marker".

    Options of the bench file: `serial_number`, `firmware`, and `marker_line`, the trigger link
    line (1 to 6) from which the marker cable comes.
    """

    option_defaults: ClassVar = {"serial_number": "1400001", "firmware": "D04", "marker_line": 3}
    error_depth = 10
    no_error = '0,"No error"'
    register_bits: ClassVar = {"operation": 128, "questionable": 8, "measurement": 1}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._armed = False
        self._wave: Waveform | None = None
        self._duration = (math.inf, False)
        self._stored: dict[int, NDArray[np.float64]] = {number: np.array([-1.0, 1.0]) for number in range(5)}
        super().__init__(wires, rng, options)
        if not 1 <= self.options["marker_line"] <= 6:
            raise ValueError(f"option 'marker_line' is {self.options['marker_line']}; give a line from 1 to 6")
        self.registers["operation"].set(IDLE, True)
        self.reset()

    def inherit(self, before: Self) -> None:
        """Keep the non-volatile points."""
        self._stored = {0: self._stored[0], **{number: before._stored[number] for number in range(1, 5)}}

    def identification(self) -> str:
        """Return the maker, model, serial number and firmware."""
        return f"KEITHLEY INSTRUMENTS INC.,MODEL 6221,{self.options['serial_number']},{self.options['firmware']}"

    def format_number(self, value: float) -> str:
        """Write NR3 with seven digits (U)."""
        return f"{value:+.6E}"

    def reset(self) -> None:
        """Output off, wave aborted; the non-volatile points stay."""
        self._armed = False
        self._stored[0] = np.array([-1.0, 1.0])
        self._duration = (math.inf, False)
        self._stop_wave()
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
        self._refuse_while_armed()
        self.settings["range"] = chosen
        self.settings["range_auto"] = False
        self._apply_level()

    def set_autorange(self, enabled: bool) -> None:
        """Switch autorange; on, it chooses at once."""
        self.settings["range_auto"] = enabled
        if enabled:
            self.settings["range"] = _range_for(self.settings["current"])
            self._apply_level()

    def set_output(self, enabled: bool) -> None:
        """Switch the output; off also ends a wave."""
        if not enabled:
            self._armed = False
            self._stop_wave()
        self.settings["output"] = enabled
        self._apply_level()

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
        level = self.settings["current"] if self.settings["output"] and not self._armed else 0.0
        values = self._quantised(np.array([level]), self.settings["range"])
        start = self.wires.clock.now()
        # No marker phase: this also silences the marker of a wave that was cut short.
        level_only = Waveform(start, 1.0, math.inf, values, idle=float(values[0]))
        self.wires.drive("output", level_only, marker_port="marker")

    # Wave generator.

    def _refuse_while_armed(self, *_: object) -> None:
        if self._armed:
            raise ScpiError(-221)

    def redraw(self, *_: object) -> None:
        """Redraw a wave that runs while its amplitude, offset or frequency changes (U: seen in scripts)."""
        if self._wave is not None and self._wave.stop > self.wires.clock.now():
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

    def set_duration_time(self, duration: float) -> None:
        """Let the wave last for a time in s."""
        self._refuse_while_armed()
        self._duration = (duration, False)

    def set_duration_cycles(self, cycles: float) -> None:
        """Let the wave last for a number of cycles."""
        self._refuse_while_armed()
        self._duration = (cycles, True)

    def _cycles(self) -> float:
        """Return the wave's duration in cycles; the command sent last counts."""
        value, in_cycles = self._duration
        return value if in_cycles else value * float(self.settings["frequency"])

    def duration_time(self) -> str:
        """Return the duration in s, whichever way it was set."""
        return self.format_number(min(self._cycles() / self.settings["frequency"], 9.9e37))

    def duration_cycles(self) -> str:
        """Return the duration in cycles, whichever way it was set."""
        return self.format_number(min(self._cycles(), 9.9e37))

    def check_marker_line(self, line: float) -> None:
        """Refuse a marker line that is in use by the trigger model."""
        if line in (self.settings["trigger_line"], self.settings["external_line"]):
            raise ScpiError(-221)

    def check_trigger_line(self, line: float) -> None:
        """Refuse a trigger line that carries the marker."""
        if line and line == self.settings["marker_line"]:
            raise ScpiError(-221)

    def set_points(self, *points: float) -> None:
        """Put points (-1 to 1) into the volatile memory, at most 100 a command."""
        self._refuse_while_armed()
        if len(points) > POINTS_PER_COMMAND:
            raise ScpiError(-223)
        self._stored[0] = np.array(points)

    def append_points(self, *points: float) -> None:
        """Add points behind those in the volatile memory, at most 100 a command and 64 K in all."""
        self._refuse_while_armed()
        if len(points) > POINTS_PER_COMMAND or len(self._stored[0]) + len(points) > LARGEST_MEMORY:
            raise ScpiError(-223)
        self._stored[0] = np.concatenate([self._stored[0], points])

    def copy_points(self, number: float) -> None:
        """Copy the volatile points to non-volatile memory 1 to 4."""
        self._refuse_while_armed()
        self._stored[int(number)] = self._stored[0].copy()

    def points_read_back(self) -> str:
        """Return the points of the volatile memory."""
        return ",".join(self.format_number(value) for value in self._stored[0])

    def points(self) -> NDArray[np.float64]:
        """Return one period of the selected function, -1 to 1, shape (n_step,)."""
        function = self.settings["function"]
        count = int(min(max(UPDATE_RATE / self.settings["frequency"], 2), LARGEST_STAIRCASE))
        if function.startswith("ARB"):
            stored = self._stored[int(function[3])]
            if len(stored) <= UPDATE_RATE / self.settings["frequency"]:
                return stored
            return np.asarray(stored[(np.arange(count) * len(stored)) // count])
        phase = (np.arange(count) + 0.5) / count
        duty = self.settings["duty_cycle"] / 100
        if function == "SIN":
            return np.asarray(np.sin(2 * np.pi * phase))
        if function == "SQU":
            return np.where(phase < duty, 1.0, -1.0)
        return ramp_from_zero(phase, duty)  # phase origin U

    def arm(self) -> None:
        """Load the wave and turn the output on, at 0 A until INITiate."""
        self._refuse_while_armed()
        peak = self.settings["amplitude"] + abs(self.settings["offset"])
        if not _holds(RANGES[-1], peak):
            raise ScpiError(-221)
        if self.settings["ranging"] == "BEST":
            self.settings["range"] = _range_for(peak)
            self.settings["range_auto"] = False
        elif not _holds(self.settings["range"], peak):
            raise ScpiError(-221)
        self._armed = True
        self.settings["output"] = True
        self._apply_level()

    def start(self) -> None:
        """Start the armed wave from its beginning."""
        if not self._armed:
            raise ScpiError(-221)
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
        cycles = self._cycles()
        if self._wave is not None:  # changed while running: what is left of the duration
            cycles = max(cycles - (start - self._wave.start) / self._wave.period, 0.0)
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
        if report:
            self._report_stop()

    def _report_stop(self) -> None:
        operation = self.registers["operation"]
        operation.set(WAVE_STARTED, False)
        operation.set(WAVE_STOPPED | IDLE, True)

    def abort(self) -> None:
        """End the wave, disarm, output off (U: whether it goes off or to the DC level)."""
        if self._armed:
            self.set_output(False)

    def elapse(self, now: float) -> None:
        """Notice the end of a finite wave."""
        if self._wave is not None and now >= self._wave.stop and self.registers["operation"].condition & WAVE_STARTED:
            self._report_stop()

    def next_event(self) -> float:
        """Return when the wave ends."""
        running = self._wave is not None and self.registers["operation"].condition & WAVE_STARTED
        return self._wave.stop if running and self._wave is not None else math.inf

    commands = (
        *register_commands("OPERation", "operation"),
        *register_commands("QUEStionable", "questionable"),
        *register_commands("MEASurement", "measurement"),
        Command("STATus:QUEue[:NEXT]", None, ScpiInstrument.next_error),
        Command("STATus:QUEue:CLEar", lambda self: self.status.errors.clear()),
        Command("SYSTem:CLEar", lambda self: self.status.errors.clear()),
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
        setting(f"{WAVE}:FUNCtion", "function", FUNCTIONS, "SIN", check=_refuse_while_armed),
        setting(f"{WAVE}:FREQuency", "frequency", Number(1e-3, 1e5, 1e3, unit="HZ"), 1e3, after=redraw),
        setting(
            f"{WAVE}:AMPLitude",
            "amplitude",
            Number(2e-12, LARGEST_CURRENT, 1e-3, unit="A"),
            1e-3,
            check=check_amplitude,
            after=redraw,
        ),
        setting(f"{WAVE}:OFFSet", "offset", CURRENT, 0.0, check=check_offset, after=redraw),
        setting(f"{WAVE}:DCYCle", "duty_cycle", Number(0, 100, 50), 50.0, after=redraw),
        setting(f"{WAVE}:RANGing", "ranging", Choice("BEST", "FIXed"), "BEST", check=_refuse_while_armed),
        Command(f"{WAVE}:DURation:TIME", set_duration_time, duration_time, (TIME,)),
        Command(f"{WAVE}:DURation:CYCLes", set_duration_cycles, duration_cycles, (CYCLES,)),
        setting(f"{MARKER}:STATe", "marker", Boolean(), False, after=redraw),
        setting(f"{MARKER}[:LEVel]", "marker_phase", Number(-180, 360, 180), 180.0, after=redraw),
        setting(f"{MARKER}:OLINe|OLIN", "marker_line", LINE, 3, check=check_marker_line, after=redraw),
        Command(f"{WAVE}:ARBitrary:DATA", set_points, points_read_back, (POINT,), repeats=True),
        Command(f"{WAVE}:ARBitrary:APPend", append_points, None, (POINT,), repeats=True),
        Command(f"{WAVE}:ARBitrary:POINts", None, lambda self: str(len(self._stored[0]))),
        Command(f"{WAVE}:ARBitrary:COPY", copy_points, None, (Number(1, 4, integer=True),)),
        setting(f"{EXTERNAL}[:ENABle]", "external", Boolean(), False),
        setting(f"{EXTERNAL}:ILINe|ILIN", "external_line", Number(0, 6, 0, integer=True), 0, check=check_trigger_line),
        setting(f"{EXTERNAL}:IGNore", "external_ignore", Boolean(), False),
        setting(f"{EXTERNAL}:IVALue", "external_value", Number(-1, 1, 0), 0.0),
        Command(f"{WAVE}:ARM", arm, lambda self: "1" if self._armed else "0"),
        Command(f"{WAVE}:INITiate", start),
        Command(f"{WAVE}:ABORt", abort),
        setting("TRIGger:OLINe|OLIN", "trigger_line", LINE, 2, check=check_trigger_line),
        *PASSIVE_COMMANDS,
    )
