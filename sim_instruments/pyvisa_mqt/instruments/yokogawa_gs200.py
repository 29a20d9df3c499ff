"""Yokogawa GS200 voltage and current source, models GS210 and GS211, as a client sees it.

Command set, ranges and status bits: User's Manual IM GS210-01EN, collected in the project's
instruments/yokogawa-gs200.md; what no source confirms is marked U there. U besides, each in one place:
power-on in 1 V range with 0 V and the output off, the function changes with the output off and the level
at zero, a range that does not hold the level is refused, digits, RUN refused with -221, steps with
:SOURce:LEVel are stored like those with AUTO. Slopes are straight; range changes do not glitch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..ieee488 import ScpiError
from ..parameters import Boolean, Choice, Mask, Number, NumberFormat, Text
from ..scpi import Command, setting
from ..signals import Waveform, Wires
from .scpi_base import ScpiInstrument
from .yokogawa_gs200_program import MOST_STEPS, Program

__all__ = ["YokogawaGS200"]

#: Range -> (largest level, step), in V and in A.
VOLTAGE_RANGES = {
    10e-3: (12e-3, 100e-9), 100e-3: (120e-3, 1e-6), 1.0: (1.2, 10e-6), 10.0: (12.0, 100e-6), 30.0: (32.0, 1e-3),
}  # fmt: skip
CURRENT_RANGES = {1e-3: (1.2e-3, 10e-9), 10e-3: (12e-3, 100e-9), 100e-3: (120e-3, 1e-6), 200e-3: (200e-3, 1e-6)}
RANGES = {"VOLT": VOLTAGE_RANGES, "CURR": CURRENT_RANGES}

# Bits of the extended event register. Those of IDLE read 1 while nothing is going on.
END_OF_MEASUREMENT, END_OF_TRIGGER, SOURCE_CHANGED, END_OF_STEP, END_OF_PROGRAM = 1, 4, 32, 64, 128
IDLE = END_OF_MEASUREMENT | END_OF_TRIGGER | 8 | 16 | 256


class _Level(Number):
    """A level in V or A, with MIN and MAX for the ends of the largest range."""

    def __init__(self) -> None:
        super().__init__(-32.0, 32.0, 0.0, unit="V")
        self._amperes = Number(-32.0, 32.0, 0.0, unit="A")

    def parse(self, text: str) -> float:
        return self._amperes.parse(text) if text[-1:] in "Aa" and text[:1] not in "Aa" else super().parse(text)


class _Range(_Level):
    """A range, or MIN, MAX, UP, DOWN."""

    def parse(self, text: str) -> Any:
        return self._WORDS.get(text.upper()) or super().parse(text)

    def format(self, value: float, style: NumberFormat) -> str:
        return style.format_number(value)

    _WORDS: ClassVar = {"MIN": "MIN", "MINIMUM": "MIN", "MAX": "MAX", "MAXIMUM": "MAX", "UP": "UP", "DOWN": "DOWN"}


class YokogawaGS200(ScpiInstrument):
    """The source: port "voltage" (V), port "current" (A), and "output" for whichever of them it puts out.

    Options of the bench file: `serial_number`, `firmware`; `product`, GS210 or GS211; `monitor`, whether the
    monitor option /MON is built in; `load` (Ohm), what the monitor sees at the output.
    """

    option_defaults: ClassVar = {
        "serial_number": "90Z631552",
        "firmware": "2.02",
        "product": "GS210",
        "monitor": False,
        "load": 1000.0,
    }
    option_units: ClassVar = {"load": "Ohm"}
    register_bits: ClassVar = {"extended": 2}
    no_error = '0,"No error"'
    error_texts: ClassVar = {-222: "Data out of range"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._steps: list[float] | None = None
        self._program: Program | None = None
        self._started = 0.0
        self._held: float | None = None
        self._reported = 0
        self._stored: list[float] = []
        self._files: dict[str, list[float]] = {}
        self.loaded = ""
        super().__init__(wires, rng, options)
        if self.options["product"] not in ("GS210", "GS211"):
            raise ValueError(f"option 'product' is {self.options['product']!r}; give 'GS210' or 'GS211'")
        if self.options["load"] <= 0:
            raise ValueError(f"option 'load' is {self.options['load']}; give a resistance above 0 Ohm")
        self.registers["extended"].set(IDLE, True)
        self.registers["extended"].event = 0
        self.reset()

    def identification(self) -> str:
        """Return maker, model, serial number and firmware."""
        return f"YOKOGAWA,{self.options['product']},{self.options['serial_number']},{self.options['firmware']}"

    def installed(self) -> str:
        """Return what *OPT? answers: something in any case, clients wait for it."""
        return "/MON" if self.options["monitor"] else "0"

    def format_number(self, value: float) -> str:
        """Write NR3 with an exponent that is a multiple of three, such as +30E+0."""
        if not value:
            return "+0E+0"
        exponent = 3 * math.floor(math.log10(abs(value)) / 3 + 1e-12)
        return f"{value / 10.0**exponent:+.7g}E{exponent:+d}"

    def reset(self) -> None:
        """Set 0 V in the 1 V range, output off, program stopped; stored steps stay."""
        self._program = self._steps = None
        self.settings["range"], self.settings["level"] = 1.0, 0.0
        self._apply()

    # Source.

    @property
    def _span(self) -> tuple[float, float]:
        """Largest level and step of the present range."""
        return RANGES[self.settings["function"]][self.settings["range"]]

    def set_function(self, function: str) -> None:
        """Choose voltage or current."""
        if function == self.settings["function"]:
            return
        self._stop_program()
        self.settings.update(function=function, output=False, level=0.0, range=min(RANGES[function]))
        if function == "VOLT":
            self.settings["range"] = 1.0
        self.registers["extended"].latch(SOURCE_CHANGED)
        self._apply()

    def set_range(self, wanted: float | str) -> None:
        """Choose the smallest range of at least this size, or the next one up or down."""
        ranges = sorted(RANGES[self.settings["function"]])
        place = ranges.index(self.settings["range"])
        if isinstance(wanted, str):
            place = {"MIN": 0, "MAX": len(ranges) - 1, "UP": place + 1, "DOWN": place - 1}[wanted]
            if not 0 <= place < len(ranges):
                raise ScpiError(-222)
            chosen = ranges[place]
        else:
            chosen = next((r for r in ranges if abs(wanted) <= r * (1 + 1e-9)), math.nan)
            if math.isnan(chosen):
                raise ScpiError(-222)
        largest, step = RANGES[self.settings["function"]][chosen]
        if abs(self.settings["level"]) > largest + step / 2:
            raise ScpiError(-221)
        self.settings["range"] = chosen
        self._set_level(self.settings["level"])

    def set_level(self, level: float) -> None:
        """Set the level in the present range; while a program is edited, store a step instead."""
        largest, step = self._span
        if abs(level) > largest + step / 2:
            raise ScpiError(-222)
        if self._steps is not None:
            self._store_step(level)
        else:
            self._stop_program()
            self._set_level(level)

    def set_level_auto(self, level: float) -> None:
        """Set the level in the smallest range that holds it; while a program is edited, store a step instead."""
        ranges = RANGES[self.settings["function"]]
        fitting = [size for size, (largest, step) in sorted(ranges.items()) if abs(level) <= largest + step / 2]
        if not fitting:
            raise ScpiError(-222)
        if self._steps is not None:
            self._store_step(level)
            return
        self._stop_program()
        self.settings["range"] = fitting[0]
        self._set_level(level)

    def _set_level(self, level: float) -> None:
        step = self._span[1]
        self.settings["level"] = round(round(level / step) * step, 9)
        self._apply()

    def level(self) -> str:
        """Return the present level, on its way if a program runs."""
        return self.format_number(self._present_level())

    def _present_level(self) -> float:
        if self._program is None:
            return float(self.settings["level"])
        if self._held is not None:
            return self._held
        value = float(self._program.level(self._elapsed()))
        step = self._span[1]
        return round(round(value / step) * step, 9)

    def set_output(self, enabled: bool) -> None:
        """Switch the output; off ends a program."""
        if not enabled:
            self._stop_program()
        self.settings["output"] = enabled
        self._apply()

    def _apply(self) -> None:
        level = self.settings["level"] if self.settings["output"] else 0.0
        self._drive(Waveform(self.wires.clock.now(), 1.0, math.inf, np.array([level]), idle=level))

    def _drive(self, waveform: Waveform) -> None:
        nothing = Waveform(waveform.start, 1.0, math.inf, np.zeros(1))
        voltage = self.settings["function"] == "VOLT"
        self.wires.drive("voltage", waveform if voltage else nothing)
        self.wires.drive("current", nothing if voltage else waveform)
        self.wires.drive("output", waveform)

    # Program.

    def edit_start(self) -> None:
        """Begin to collect steps."""
        self._stop_program()
        self._steps = []

    def edit_end(self) -> None:
        """Keep the steps collected."""
        if self._steps is None:
            raise ScpiError(-221)
        self._stored, self._steps = self._steps, None

    def _store_step(self, level: float) -> None:
        if self._steps is None or len(self._steps) >= MOST_STEPS:
            raise ScpiError(-223)
        self._steps.append(level)

    def run(self) -> None:
        """Run the program from its first step; it needs steps and an output that is on."""
        if self._steps is not None or not self._stored or not self.settings["output"]:
            raise ScpiError(-221)
        begin = self._present_level()
        self._start(tuple(self._stored), begin)

    def step(self) -> None:
        """Run the next step alone."""
        if self._steps is not None or not self._stored or not self.settings["output"]:
            raise ScpiError(-221)
        number = int(self.settings["program_counter"])
        self.settings["program_counter"] = number % len(self._stored) + 1
        self._start((self._stored[min(number, len(self._stored)) - 1],), self._present_level())

    def _start(self, levels: tuple[float, ...], begin: float) -> None:
        ranges = RANGES[self.settings["function"]]
        largest = max(abs(level) for level in (*levels, begin))
        fitting = [size for size, (top, step) in sorted(ranges.items()) if largest <= top + step / 2]
        if not fitting:
            raise ScpiError(-222)
        self.settings["range"] = max(self.settings["range"], fitting[0])
        interval, slope = self.settings["program_interval"], self.settings["program_slope"]
        self._program = Program(begin, levels, interval, slope)
        self._started, self._held, self._reported = self.wires.clock.now(), None, 0
        self._drive_program()

    def _drive_program(self) -> None:
        program = self._program
        if program is None:
            return
        step = self._span[1]
        values = np.round(program.staircase() / step) * step
        cycles = math.inf if self.settings["program_repeat"] else 1.0
        last = round(round(program.levels[-1] / step) * step, 9)
        self._drive(Waveform(self._started, program.duration, cycles, values, idle=last))

    def _elapsed(self) -> float:
        """Return the time in s since the program, or its present repetition, began."""
        elapsed = self.wires.clock.now() - self._started
        duration = self._program.duration if self._program else 1.0
        return elapsed % duration if self.settings["program_repeat"] else min(elapsed, duration)

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
        self._held = self._present_level()
        level = np.array([self._held])
        self._drive(Waveform(self.wires.clock.now(), 1.0, math.inf, level, idle=self._held))

    def resume(self) -> None:
        """Go on with a program that was stopped."""
        if self._program is None or self._held is None:
            raise ScpiError(-221)
        self._held = None
        self._started = self.wires.clock.now() - self._paused_at
        self._drive_program()

    def _stop_program(self) -> None:
        if self._program is not None:
            self.settings["level"] = self._present_level()
            self._program = self._held = None

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
            self.settings["level"] = round(program.levels[-1], 9)
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

    def load(self, name: str) -> None:
        """Load steps that were saved."""
        if name.upper() not in self._files:
            raise ScpiError(-256, text="File name not found")
        self._stop_program()
        self._stored = list(self._files[name.upper()])
        self.loaded = name

    def program_text(self) -> str:
        """Return the steps: level, range and function of each (U)."""
        unit = "V" if self.settings["function"] == "VOLT" else "I"
        return '"' + "\n".join(f"{level:g}, {self.settings['range']:g}, {unit}" for level in self._stored) + '"'

    # Monitor.

    def measure(self) -> str:
        """Do what MEASure? does: the current of a voltage, the voltage of a current."""
        self.needs_monitor()
        if not self.settings["sense"] or not self.settings["output"] or self.settings["range"] < 1e-3 * (1 - 1e-9):
            raise ScpiError(-221)
        if self.settings["function"] == "VOLT" and self.settings["range"] < 1.0:
            raise ScpiError(-221)
        level, load = self._present_level(), self.options["load"]
        return self.format_number(level / load if self.settings["function"] == "VOLT" else level * load)

    def needs_monitor(self, *_: object) -> None:
        """Refuse what only the monitor option can do."""
        if not self.options["monitor"]:
            raise ScpiError(-241)

    def software_trigger(self) -> None:
        """Take *TRG; it triggers the monitor."""
        if not self.options["monitor"]:
            raise ScpiError(-211)

    commands = (
        Command("*OPT", None, installed),
        Command("STATus:EVENt", None, lambda self: self.format_integer(self.registers["extended"].take())),
        Command("STATus:CONDition", None, lambda self: self.format_integer(self.registers["extended"].condition)),
        Command(
            "STATus:ENABle",
            lambda self, mask: setattr(self.registers["extended"], "enable", int(mask)),
            lambda self: self.format_integer(self.registers["extended"].enable),
            (Mask(),),
        ),
        setting("OUTPut[:STATe]", "output", Boolean(), False, execute=set_output),
        setting("SOURce:FUNCtion", "function", Choice("VOLTage", "CURRent"), "VOLT", execute=set_function),
        setting("SOURce:RANGe", "range", _Range(), 1.0, execute=set_range),
        Command("SOURce:LEVel[:FIXed]", set_level, level, (_Level(),), name="level", default=0.0),
        Command("SOURce:LEVel:AUTO", set_level_auto, level, (_Level(),)),
        setting("SOURce:PROTection:VOLTage", "voltage_limit", Number(1, 30, 30, unit="V"), 30.0),
        setting("SOURce:PROTection:CURRent", "current_limit", Number(1e-3, 0.2, 0.2, unit="A"), 0.2),
        setting("PROGram:REPeat", "program_repeat", Boolean(), False),
        setting("PROGram:INTerval", "program_interval", Number(0.1, 3600, 1.0, unit="S"), 1.0),
        setting("PROGram:SLOPe", "program_slope", Number(0, 3600, 0, unit="S"), 0.0),
        setting("PROGram:TRIGger", "program_trigger", Choice("NORMal", "MEND"), "NORM"),
        setting("PROGram:COUNt", "program_counter", Number(1, MOST_STEPS, 1, integer=True), 1),
        Command("PROGram:EDIT:STARt", edit_start),
        Command("PROGram:EDIT:END", edit_end),
        Command("PROGram:RUN", run),
        Command("PROGram:STEP", step),
        Command("PROGram:HOLD", hold),
        Command("PROGram:PAUSe", pause),
        Command("PROGram:CONTinue", resume),
        Command("PROGram:SAVE", save, None, (Text(),)),
        Command("PROGram:LOAD", load, lambda self: f'"{self.loaded}"', (Text(),)),
        Command("PROGram:MEMory", None, program_text),
        setting("SENSe[:STATe]", "sense", Boolean(), False, check=needs_monitor),
        setting("SENSe:NPLC", "cycles", Number(1, 25, 1, integer=True), 1, check=needs_monitor),
        setting("SENSe:DELay", "sense_delay", Number(0, 999999, 0, integer=True), 0, check=needs_monitor),
        setting("SENSe:INTerval", "sense_interval", Number(0.1, 3600, 1, unit="S"), 1.0, check=needs_monitor),
        setting(
            "SENSe:TRIGger",
            "sense_trigger",
            Choice("READy", "TIMer", "COMMunicate", "IMMediate"),
            "READ",
            check=needs_monitor,
        ),
        setting("SENSe:REMote", "remote_sense", Boolean(), False),
        setting("SENSe:GUARd", "guard", Boolean(), False),
        Command("INITiate", needs_monitor),
        Command("MEASure", None, measure),
        Command("FETCh", None, measure),
        Command("READ", None, measure),
        setting("ROUTe:BNCO", "bnc_output", Choice("TRIGger", "OUTPut", "READy"), "TRIG"),
        setting("ROUTe:BNCI", "bnc_input", Choice("TRIGger", "OUTPut"), "TRIG"),
        setting("SYSTem:LFRequency", "line_frequency", Number(50, 60, 50, integer=True), 50),
        setting("SYSTem:BEEPer", "beeper", Boolean(), True),
        Command("SYSTem:LOCal", lambda self: None),
        Command("SYSTem:REMote", lambda self: None),
    )
