"""The waves of the 6221: points, durations, phase marker, and the shape of one period."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number
from pyvisa_mqt.grammar.ramp_shape import ramp_from_zero
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["LINE", "SOURCE", "WAVE", "WAVE_COMMANDS", "WaveShape"]

UPDATE_RATE = 10e6
LARGEST_MEMORY = 65536
POINTS_PER_COMMAND = 100
# A drawn wave is a staircase of at most this many steps; its steps are below the converter's.
LARGEST_STAIRCASE = 65536

SOURCE = "[SOURce]"
WAVE = f"{SOURCE}:WAVE"
MARKER = f"{WAVE}:PMARker|PMARK"
EXTERNAL = f"{WAVE}:EXTRigger|EXTRIG"
FUNCTIONS = Choice("SINusoid", "SQUare", "RAMP", *(f"ARBitrary{n}" for n in range(5)))
LINE = Number(1, 6, 3, integer=True)
POINT = Number(-1, 1, 0)
TIME = Number(100e-9, 999999.999, math.inf, unit="S", infinite=True)
#: Duration of a wave as it was set, in s or in cycles, and whether those are cycles.
ENDLESS = (math.inf, False)
CYCLES = Number(1e-3, 99999999900, math.inf, infinite=True)


class WaveShape(ScpiInstrument):
    """The part of the source that knows what a wave looks like and how long it lasts."""

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._stored: dict[int, NDArray[np.float64]] = {}
        self.forget_points(non_volatile=True)
        super().__init__(wires, rng, options)

    def inherit(self, before: Self) -> None:
        """Keep the non-volatile points."""
        super().inherit(before)
        self._stored |= {number: before._stored[number] for number in range(1, 5)}

    def forget_points(self, *, non_volatile: bool = False) -> None:
        """Put the two points of a new instrument into the volatile memory, or into all."""
        for number in range(5 if non_volatile else 1):
            self._stored[number] = np.array([-1.0, 1.0])

    @abc.abstractmethod
    def refuse_while_armed(self, *_: object) -> None:
        """Refuse what is locked while a wave or a sweep is armed."""

    @abc.abstractmethod
    def redraw(self, *_: object) -> None:
        """Redraw a wave that runs."""

    def set_duration_time(self, duration: float) -> None:
        """Let the wave last for a time in s."""
        self.refuse_while_armed()
        self.settings["duration"] = (duration, False)

    def set_duration_cycles(self, cycles: float) -> None:
        """Let the wave last for a number of cycles."""
        self.refuse_while_armed()
        self.settings["duration"] = (cycles, True)

    def cycles(self) -> float:
        """Return the wave's duration in cycles; the command sent last counts."""
        value, in_cycles = self.settings["duration"]
        return float(value if in_cycles else value * self.settings["frequency"])

    def duration_time(self) -> float:
        """Return the duration in s, whichever way it was set."""
        return self.cycles() / float(self.settings["frequency"])

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
        self.refuse_while_armed()
        if len(points) > POINTS_PER_COMMAND:
            raise ScpiError(-223)
        self._stored[0] = np.array(points)

    def append_points(self, *points: float) -> None:
        """Add points behind those in the volatile memory, at most 100 a command and 64 K in all."""
        self.refuse_while_armed()
        if len(points) > POINTS_PER_COMMAND or len(self._stored[0]) + len(points) > LARGEST_MEMORY:
            raise ScpiError(-223)
        self._stored[0] = np.concatenate([self._stored[0], points])

    def copy_points(self, number: float) -> None:
        """Copy the volatile points to non-volatile memory 1 to 4."""
        self.refuse_while_armed()
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


def _refuse_while_armed(source: WaveShape, *_: object) -> None:
    source.refuse_while_armed()


def _redraw(source: WaveShape, *_: object) -> None:
    source.redraw()


WAVE_COMMANDS: tuple[Command, ...] = (
    setting(f"{WAVE}:FUNCtion", "function", FUNCTIONS, "SIN", check=_refuse_while_armed),
    setting(f"{WAVE}:FREQuency", "frequency", Number(1e-3, 1e5, 1e3, unit="HZ"), 1e3, after=_redraw),
    setting(f"{WAVE}:DCYCle", "duty_cycle", Number(0, 100, 50), 50.0, after=_redraw),
    setting(f"{WAVE}:RANGing", "ranging", Choice("BEST", "FIXed"), "BEST", check=_refuse_while_armed),
    setting(
        f"{WAVE}:DURation:TIME",
        "duration",
        TIME,
        ENDLESS,
        execute=WaveShape.set_duration_time,
        read=WaveShape.duration_time,
    ),
    setting(
        f"{WAVE}:DURation:CYCLes",
        "duration",
        CYCLES,
        ENDLESS,
        execute=WaveShape.set_duration_cycles,
        read=WaveShape.cycles,
    ),
    setting(f"{MARKER}:STATe", "marker", Boolean(), False, after=_redraw),
    setting(f"{MARKER}[:LEVel]", "marker_phase", Number(-180, 360, 180), 180.0, after=_redraw),
    setting(f"{MARKER}:OLINe|OLIN", "marker_line", LINE, 3, check=WaveShape.check_marker_line, after=_redraw),
    Command(f"{WAVE}:ARBitrary:DATA", WaveShape.set_points, WaveShape.points_read_back, (POINT,), repeats=True),
    Command(f"{WAVE}:ARBitrary:APPend", WaveShape.append_points, None, (POINT,), repeats=True),
    Command(f"{WAVE}:ARBitrary:POINts", None, lambda self: str(len(self._stored[0]))),
    Command(f"{WAVE}:ARBitrary:COPY", WaveShape.copy_points, None, (Number(1, 4, integer=True),)),
    setting(f"{EXTERNAL}[:ENABle]", "external", Boolean(), False),
    setting(
        f"{EXTERNAL}:ILINe|ILIN", "external_line", Number(0, 6, 0, integer=True), 0, check=WaveShape.check_trigger_line
    ),
    setting(f"{EXTERNAL}:IGNore", "external_ignore", Boolean(), False),
    setting(f"{EXTERNAL}:IVALue", "external_value", Number(-1, 1, 0), 0.0),
)
