"""The program of a GS200: levels one after the other, each reached along a slope and then held."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number, Text
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires

__all__ = ["PROGRAM_COMMANDS", "Program", "ProgrammedSource"]

MOST_STEPS = 10_000
#: A slope is drawn in steps of 10 ms, or coarser where it would need more than this many points.
GRID, LARGEST_STAIRCASE = 0.01, 200_000
# Bits of the extended event register.
END_OF_FILE, END_OF_STEP, END_OF_PROGRAM, READY_FOR_PROGRAM = 8, 64, 128, 256


@dataclass(frozen=True)
class Program:
    """A program on its way.

    Attributes
    ----------
    begin
        Level from which the first slope starts, V or A.
    levels
        Levels in V or A, at least one.
    interval, slope
        Time of a step, and of the slope at its start, both in s; a slope longer than the interval
        prolongs the step (U).
    """

    begin: float
    levels: tuple[float, ...]
    interval: float
    slope: float

    @property
    def step_time(self) -> float:
        """Duration of a step in s."""
        return max(self.interval, self.slope)

    @property
    def duration(self) -> float:
        """Duration of all steps in s."""
        return self.step_time * len(self.levels)

    @property
    def moving(self) -> float:
        """Time in s until the last slope is at its end."""
        return self.duration - self.step_time + self.slope

    def level(self, time: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return the level at times in s since the start, 0 to `duration`."""
        steps = len(self.levels)
        number = np.clip(np.asarray(time) / self.step_time + 1e-9, 0, steps - 1).astype(np.int64)
        levels = np.array(self.levels)
        before = np.concatenate([[self.begin], levels[:-1]])
        share = (np.asarray(time) - number * self.step_time) / self.slope if self.slope else np.ones_like(number)
        return np.asarray(before[number] + np.clip(share, 0.0, 1.0) * (levels[number] - before[number]))

    def staircase(self) -> NDArray[np.float64]:
        """Return the levels on a grid of equal times over the duration, shape (n_point,)."""
        count = int(min(max(round(self.duration / GRID), len(self.levels)), LARGEST_STAIRCASE))
        middles = np.asarray((np.arange(count) + 0.5) * (self.duration / count), dtype=np.float64)
        return self.level(middles)


class ProgrammedSource(ScpiInstrument):
    """The part of the source that edits and runs programs."""

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._steps: list[float] | None = None
        self._program: Program | None = None
        self._started = self._paused_at = 0.0
        self._held: float | None = None
        self._reported = 0
        self._stored: list[float] = []
        self._files: dict[str, list[float]] = {}
        self.loaded = ""
        super().__init__(wires, rng, options)

    def inherit(self, before: Self) -> None:
        """Keep the files; the program in the memory goes (U)."""
        super().inherit(before)
        self._files = before._files

    @property
    @abc.abstractmethod
    def span(self) -> tuple[float, float]:
        """Largest level and step of the present range, in V or A."""

    @abc.abstractmethod
    def widen_range(self, largest: float) -> None:
        """Choose a range that holds a level (V or A) if the present one does not."""

    @abc.abstractmethod
    def put_out(self, waveform: Waveform) -> None:
        """Put a waveform on the output."""

    def present_level(self) -> float:
        """Return the level in V or A, on its way if a program runs."""
        if self._program is None:
            return float(self.settings["level"])
        if self._held is not None:
            return self._held
        return self.quantised(float(self._program.level(self._elapsed())))

    @property
    def program_runs(self) -> bool:
        """Whether a program is on its way, or held."""
        return self._program is not None

    def quantised(self, level: float) -> float:
        """Return a level (V or A) on the grid of the present range."""
        step = self.span[1]
        return round(round(level / step) * step, 9)

    def edit_start(self) -> None:
        """Begin to collect steps."""
        self.stop_program()
        self._steps = []

    def edit_end(self) -> None:
        """Keep the steps collected."""
        if self._steps is None:
            raise ScpiError(-221)
        self._stored, self._steps = self._steps, None

    @property
    def editing(self) -> bool:
        """Whether levels are stored as steps now."""
        return self._steps is not None

    def store_step(self, level: float) -> None:
        """Store a level (V or A) as the next step."""
        if self._steps is None or len(self._steps) >= MOST_STEPS:
            raise ScpiError(-223)
        self._steps.append(level)

    def run(self) -> None:
        """Run the program from its first step; it needs steps and an output that is on."""
        if self._steps is not None or not self._stored or not self.settings["output"]:
            raise ScpiError(-221)
        begin = self.present_level()
        self._start(tuple(self._stored), begin)

    def step(self) -> None:
        """Run the next step alone."""
        if self._steps is not None or not self._stored or not self.settings["output"]:
            raise ScpiError(-221)
        number = int(self.settings["program_counter"])
        self.settings["program_counter"] = number % len(self._stored) + 1
        self._start((self._stored[min(number, len(self._stored)) - 1],), self.present_level())

    def _start(self, levels: tuple[float, ...], begin: float) -> None:
        self.widen_range(max(abs(level) for level in (*levels, begin)))
        interval, slope = self.settings["program_interval"], self.settings["program_slope"]
        self._program = Program(begin, levels, interval, slope)
        self._started, self._held, self._reported = self.wires.clock.now(), None, 0
        self.registers["extended"].set(READY_FOR_PROGRAM, False)
        self._drive_program()

    def _drive_program(self) -> None:
        program = self._program
        if program is None:
            return
        step = self.span[1]
        values = np.round(program.staircase() / step) * step
        cycles = math.inf if self.settings["program_repeat"] else 1.0
        last = self.quantised(program.levels[-1])
        self.put_out(Waveform(self._started, program.duration, cycles, values, idle=last))

    def _elapsed(self) -> float:
        """Return the time in s since the program, or its present repetition, began."""
        elapsed = self.wires.clock.now() - self._started
        duration = self._program.duration if self._program else 1.0
        return elapsed % duration if self.settings["program_repeat"] else min(elapsed, duration)

    def step_number(self) -> int:
        """Return the step that runs, or the one that STEP runs next, from 1."""
        if self._program is None:
            return int(self.settings["program_counter"])
        elapsed = self._paused_at if self._held is not None else self._elapsed()
        return min(math.floor(elapsed / self._program.step_time + 1e-9) + 1, len(self._program.levels))

    def hold(self) -> None:
        """Stop where the program is, or go on from there."""
        if self._program is None:
            raise ScpiError(-221)
        if self._held is None:
            self.pause()
        else:
            self.resume()

    def pause(self) -> None:
        """Stop where the program is."""
        if self._program is None or self._held is not None:
            raise ScpiError(-221)
        self._paused_at = self._elapsed()
        self._held = self.present_level()
        level = np.array([self._held])
        self.put_out(Waveform(self.wires.clock.now(), 1.0, math.inf, level, idle=self._held))

    def resume(self) -> None:
        """Go on with a program that was stopped."""
        if self._program is None or self._held is None:
            raise ScpiError(-221)
        self._held = None
        self._started = self.wires.clock.now() - self._paused_at
        self._drive_program()

    def stop_program(self) -> None:
        """End a program where it is."""
        if self._program is not None:
            self.settings["level"] = self.present_level()
            self._program = self._held = None
            self.registers["extended"].set(READY_FOR_PROGRAM, True)

    def elapse(self, now: float) -> None:
        """Report the ends of steps and of the program; they come when a slope is at its end."""
        program = self._program
        if program is None or self._held is not None:
            return
        elapsed = now - self._started + 1e-9
        repeats = bool(self.settings["program_repeat"])
        done = math.floor((elapsed - program.slope) / program.step_time) + 1
        done = done if repeats else min(done, len(program.levels))
        if done > self._reported:
            self._reported = done
            self.registers["extended"].latch(END_OF_STEP)
        if elapsed >= program.moving and not repeats:
            self.registers["extended"].latch(END_OF_PROGRAM)
            self.registers["extended"].set(READY_FOR_PROGRAM, True)
            self.settings["level"] = self.quantised(program.levels[-1])
            self._program = None

    def next_event(self) -> float:
        """Return when the next step ends."""
        program = self._program
        if program is None or self._held is not None:
            return math.inf
        return self._started + self._reported * program.step_time + program.slope

    def save(self, name: str) -> None:
        """Save the steps under a file name."""
        self._files[name.upper()] = list(self._stored)
        self.registers["extended"].latch(END_OF_FILE)

    def load(self, name: str) -> None:
        """Load steps that were saved."""
        if name.upper() not in self._files:
            raise ScpiError(-256, text="File name not found")
        self.stop_program()
        self._stored = list(self._files[name.upper()])
        self.loaded = name

    def program_text(self) -> str:
        """Return the steps: level, range and function of each (U)."""
        unit = "V" if self.settings["function"] == "VOLT" else "I"
        return '"' + "\n".join(f"{level:g}, {self.settings['range']:g}, {unit}" for level in self._stored) + '"'


def _check_trigger(instrument: Any, trigger: str) -> None:
    """Refuse to step at the end of measurements without the option that measures."""
    if trigger == "MEND":
        instrument.needs_monitor()


def _set_time(name: str) -> Any:
    """Return what sets a time in s: the program's clock ticks ten times a second."""
    return lambda self, time: self.settings.update({name: round(time, 1)})


PROGRAM_COMMANDS: tuple[Command, ...] = (
    setting("PROGram:REPeat", "program_repeat", Boolean(), False),
    setting(
        "PROGram:INTerval",
        "program_interval",
        Number(0.1, 3600, 1.0, unit="S"),
        1.0,
        execute=_set_time("program_interval"),
    ),
    setting("PROGram:SLOPe", "program_slope", Number(0, 3600, 0, unit="S"), 0.0, execute=_set_time("program_slope")),
    setting("PROGram:TRIGger", "program_trigger", Choice("NORMal", "MEND"), "NORM", check=_check_trigger),
    setting(
        "PROGram:COUNt",
        "program_counter",
        Number(1, MOST_STEPS, 1, integer=True),
        1,
        read=ProgrammedSource.step_number,
    ),
    Command("PROGram:EDIT:STARt", ProgrammedSource.edit_start),
    Command("PROGram:EDIT:END", ProgrammedSource.edit_end),
    Command("PROGram:RUN", ProgrammedSource.run),
    Command("PROGram:STEP", ProgrammedSource.step),
    Command("PROGram:HOLD", ProgrammedSource.hold),
    Command("PROGram:PAUSe", ProgrammedSource.pause),
    Command("PROGram:CONTinue", ProgrammedSource.resume),
    Command("PROGram:SAVE", ProgrammedSource.save, None, (Text(),)),
    Command("PROGram:LOAD", ProgrammedSource.load, lambda self: f'"{self.loaded}"', (Text(),)),
    Command("PROGram:MEMory", None, ProgrammedSource.program_text),
)
