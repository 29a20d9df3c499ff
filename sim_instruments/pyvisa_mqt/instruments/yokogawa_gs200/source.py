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

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Mask, Number
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import Hold
from pyvisa_mqt.instruments.yokogawa_gs200.program import PROGRAM_COMMANDS, ProgrammedSource
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires

__all__ = ["YokogawaGS200"]

#: Range -> (largest level, step), in V and in A.
VOLTAGE_RANGES = {
    10e-3: (12e-3, 100e-9), 100e-3: (120e-3, 1e-6), 1.0: (1.2, 10e-6), 10.0: (12.0, 100e-6), 30.0: (32.0, 1e-3),
}  # fmt: skip
CURRENT_RANGES = {1e-3: (1.2e-3, 10e-9), 10e-3: (12e-3, 100e-9), 100e-3: (120e-3, 1e-6), 200e-3: (200e-3, 1e-6)}
RANGES = {"VOLT": VOLTAGE_RANGES, "CURR": CURRENT_RANGES}

# Bits of the extended event register. Those of IDLE read 1 while nothing is going on.
END_OF_MEASUREMENT, END_OF_TRIGGER, SOURCE_CHANGED, LIMITED_LOW, LIMITED_HIGH = 1, 4, 32, 1 << 10, 1 << 11
IDLE = END_OF_MEASUREMENT | END_OF_TRIGGER | 8 | 16 | 256


class _Level(Number):
    """A level in V or A, or MIN, MAX, which depend on the function."""

    words: ClassVar[Mapping[str, str]] = {"MIN": "MIN", "MINIMUM": "MIN", "MAX": "MAX", "MAXIMUM": "MAX"}

    def __init__(self) -> None:
        super().__init__(-32.0, 32.0, unit="V")
        self._amperes = Number(-32.0, 32.0, unit="A")

    def parse(self, text: str) -> Any:
        word = self.words.get(text.upper())
        if word is not None:
            return word
        return self._amperes.parse(text) if text[-1:] in "Aa" else super().parse(text)


class _Range(_Level):
    """A range, or MIN, MAX, UP, DOWN."""

    words: ClassVar = {**_Level.words, "UP": "UP", "DOWN": "DOWN"}


def _limiter(node: str, name: str, number: Number, digits: int) -> Command:
    """Return a limiter, which takes whole volts or milliamperes (U: that it rounds)."""

    def execute(self: Any, limit: float) -> None:
        self.settings[name] = round(limit, digits)
        self.watch_limits()

    return setting(f"SOURce:PROTection:{node}", name, number, number.maximum, execute=execute)


class YokogawaGS200(ProgrammedSource):
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
        self._measured_at, self._reading = math.inf, math.nan
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
        self.stop_program()
        self._steps, self._measured_at = None, math.inf
        self.settings["range"], self.settings["level"] = 1.0, 0.0
        self._apply()

    # Source.

    @property
    def span(self) -> tuple[float, float]:
        """Largest level and step of the present range."""
        return RANGES[self.settings["function"]][self.settings["range"]]

    def set_function(self, function: str) -> None:
        """Choose voltage or current."""
        if function == self.settings["function"]:
            return
        self.stop_program()
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

    def set_level(self, level: float | str) -> None:
        """Set the level in the present range; while a program is edited, store a step instead."""
        largest, step = self.span
        level = self._number(level, largest)
        if abs(level) > largest + step / 2:
            raise ScpiError(-222)
        if self.editing:
            self.store_step(level)
        else:
            self.stop_program()
            self._set_level(level)

    def _number(self, level: float | str, largest: float) -> float:
        if isinstance(level, str):
            return largest if level == "MAX" else -largest
        return level

    def set_level_auto(self, level: float | str) -> None:
        """Set the level in the smallest range that holds it; while a program is edited, store a step instead."""
        level = self._number(level, max(top for top, _ in RANGES[self.settings["function"]].values()))
        size = self._smallest_range(level)
        if self.editing:
            self.store_step(level)
            return
        self.stop_program()
        self.settings["range"] = size
        self._set_level(level)

    def _smallest_range(self, level: float) -> float:
        """Return the smallest range that holds a level."""
        ranges = RANGES[self.settings["function"]]
        fitting = [size for size, (largest, step) in sorted(ranges.items()) if abs(level) <= largest + step / 2]
        if not fitting:
            raise ScpiError(-222)
        return fitting[0]

    def widen_range(self, largest: float) -> None:
        """Choose a range that holds a level (V or A) if the present one does not (U)."""
        self.settings["range"] = max(self.settings["range"], self._smallest_range(largest))

    def _set_level(self, level: float) -> None:
        self.settings["level"] = self.quantised(level)
        self._apply()

    def level(self) -> str:
        """Return the present level, on its way if a program runs."""
        return self.format_number(self.present_level())

    def set_output(self, enabled: bool) -> None:
        """Switch the output; off ends a program."""
        if not enabled:
            self.stop_program()
        self.settings["output"] = enabled
        self._apply()

    def _apply(self) -> None:
        level = self.settings["level"] if self.settings["output"] else 0.0
        self.put_out(Waveform(self.wires.clock.now(), 1.0, math.inf, np.array([level]), idle=level))

    def put_out(self, waveform: Waveform) -> None:
        """Put a waveform on the port of the present function, and on the one for both."""
        nothing = Waveform(waveform.start, 1.0, math.inf, np.zeros(1))
        voltage = self.settings["function"] == "VOLT"
        self.wires.drive("voltage", waveform if voltage else nothing)
        self.wires.drive("current", nothing if voltage else waveform)
        self.wires.drive("output", waveform)
        self.watch_limits()

    # Load, limiters and monitor.

    def _loaded(self) -> tuple[float, float]:
        """Return what the load makes of the output, A of a voltage or V of a current, and what the limiter allows."""
        level, load = self.present_level() if self.settings["output"] else 0.0, self.options["load"]
        if self.settings["function"] == "VOLT":
            return level / load, self.settings["current_limit"]
        return level * load, self.settings["voltage_limit"]

    def watch_limits(self) -> None:
        """Tell in the condition register whether a limiter acts."""
        value, limit = self._loaded()
        extended = self.registers["extended"]
        extended.set(LIMITED_HIGH, value > limit * (1 + 1e-9))
        extended.set(LIMITED_LOW, value < -limit * (1 + 1e-9))

    def begin_measurement(self) -> None:
        """Begin to integrate, behind the delay; mV ranges and an output that is off cannot be measured."""
        self.needs_monitor()
        settings = self.settings
        if not settings["sense"] or not settings["output"]:
            raise ScpiError(-221)
        if settings["function"] == "VOLT" and settings["range"] < 1.0:
            raise ScpiError(-221)
        integration = settings["cycles"] / settings["line_frequency"]
        self._measured_at = self.wires.clock.now() + 1e-3 * settings["sense_delay"] + integration
        self.registers["extended"].set(END_OF_MEASUREMENT, False)

    def measure(self) -> Hold:
        """Do what MEASure? does: measure once and return the value."""
        self.begin_measurement()
        return Hold(lambda: math.isinf(self._measured_at), lambda: self.format_number(self._reading))

    def fetch(self) -> str | Hold:
        """Return the last value; only with the trigger COMMunicate does somebody else have to ask for it."""
        self.needs_monitor()
        if self.settings["sense_trigger"] != "COMM":
            return self.measure()
        if math.isnan(self._reading):
            raise ScpiError(-230)
        return self.format_number(self._reading)

    def elapse(self, now: float) -> None:
        """Let the program and the monitor go on."""
        super().elapse(now)
        if self.program_runs:
            self.watch_limits()
        if now >= self._measured_at:
            value, limit = self._loaded()
            self._reading, self._measured_at = min(max(value, -limit), limit), math.inf
            self.registers["extended"].set(END_OF_MEASUREMENT, True)

    def next_event(self) -> float:
        """Return when the next step or the measurement ends."""
        return min(super().next_event(), self._measured_at)

    def needs_monitor(self, *_: object) -> None:
        """Refuse what only the monitor option can do."""
        if not self.options["monitor"]:
            raise ScpiError(-241)

    def software_trigger(self) -> None:
        """Take *TRG; it triggers the monitor."""
        if not self.options["monitor"]:
            raise ScpiError(-211)
        self.begin_measurement()

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
        _limiter("VOLTage", "voltage_limit", Number(1, 30, 30, unit="V"), 0),
        _limiter("CURRent", "current_limit", Number(1e-3, 0.2, 0.2, unit="A"), 3),
        *PROGRAM_COMMANDS,
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
        Command("INITiate", begin_measurement),
        Command("MEASure", None, measure),
        Command("FETCh", None, fetch),
        Command("READ", None, measure),
        setting("ROUTe:BNCO", "bnc_output", Choice("TRIGger", "OUTPut", "READy"), "TRIG"),
        setting("ROUTe:BNCI", "bnc_input", Choice("TRIGger", "OUTPut"), "TRIG"),
        setting("SYSTem:LFRequency", "line_frequency", Number(50, 60, 50, integer=True), 50, lasting=True),
        setting("SYSTem:BEEPer", "beeper", Boolean(), True),
        Command("SYSTem:LOCal", lambda self: None),
        Command("SYSTem:REMote", lambda self: None),
        setting("SYSTem:KLOCk", "key_lock", Boolean(), False),  # U, with DISPlay
        setting("SYSTem:DISPlay", "display", Boolean(), True),
    )
