"""Staircase sweeps of the 6221: linear, logarithmic, or from a list.

The instrument's processor times the steps, so they jitter by up to 1 ms each unless the display is
off (Model 622x Reference Manual, p. 100): good for slow curves, useless for ramps. Unconfirmed (U): the
jitter's distribution (uniform here), that the output stays at the last point until ABORt, and that an
error rather than silence answers INITiate with nothing armed.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.time_and_signals.signals import Waveform, Wires

__all__ = ["SWEEP_COMMANDS", "SteppingSource"]

JITTER = 1e-3
MOST_POINTS = 65535
POINTS_PER_COMMAND = 100
#: A sweep is drawn on a grid of 0.1 ms, or coarser where it would need more than this many points.
GRID, LARGEST_STAIRCASE = 1e-4, 200_000
LARGEST_CURRENT = 0.105

_SOURCE = "[SOURce]"
_SWEEP = f"{_SOURCE}:SWEep"
_CURRENT = Number(-LARGEST_CURRENT, LARGEST_CURRENT, 0.0, unit="A")
#: What can stand in a list, and what a list has in it at first.
_LISTS: Mapping[str, tuple[str, Number, float]] = {
    "current": ("CURRent", _CURRENT, 0.0),
    "delay": ("DELay", Number(1e-3, 999999.999, 1.0, unit="S"), 1.0),
    "compliance": ("COMPliance", Number(0.1, 105, 10, unit="V"), 10.0),
}


class SteppingSource(ScpiInstrument):
    """The part of the source that steps through currents."""

    _lists: dict[str, list[float]]

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._lists = {name: [first] for name, (_, _, first) in _LISTS.items()}
        super().__init__(wires, rng, options)

    @abc.abstractmethod
    def arm_with_peak(self, peak: float, ranging: str) -> None:
        """Find a range that holds `peak` (A) and switch the output on, armed for a sweep."""

    @abc.abstractmethod
    def run_sweep(self, waveform: Waveform) -> None:
        """Put out a sweep."""

    # The end points: start and stop, or centre and span; the number of points, or the step.

    def set_sweep_end(self, which: str, current: float) -> None:
        """Set "sweep_start" or "sweep_stop" in A; the step stays and the number of points follows."""
        self.settings[which] = current
        self._count_points()

    def set_sweep_center(self, center: float) -> None:
        """Move start and stop (A); the span stays."""
        self._set_center_and_span(center, self.sweep_span())

    def set_sweep_span(self, span: float) -> None:
        """Spread start and stop (A) about their middle."""
        self._set_center_and_span(self.sweep_center(), span)

    def _set_center_and_span(self, center: float, span: float) -> None:
        # Rounded to femtoamperes, so that a difference of decimal fractions that is zero reads zero.
        start, stop = round(center - span / 2, 15), round(center + span / 2, 15)
        if max(abs(start), abs(stop)) > LARGEST_CURRENT * (1 + 1e-9):
            raise ScpiError(-222)
        self.settings.update(sweep_start=start, sweep_stop=stop)
        self._count_points()

    def sweep_center(self) -> float:
        """Return the middle of the sweep in A."""
        return float(self.settings["sweep_start"] + self.settings["sweep_stop"]) / 2

    def sweep_span(self) -> float:
        """Return stop minus start in A."""
        return float(self.settings["sweep_stop"] - self.settings["sweep_start"])

    def set_sweep_step(self, step: float) -> None:
        """Set the step in A; the number of points follows."""
        self.settings["sweep_step"] = step
        self._count_points()

    def _count_points(self) -> None:
        span, step = abs(self.sweep_span()), self.settings["sweep_step"]
        self.settings["sweep_points"] = min(math.floor(span / step * (1 + 1e-9)) + 1, MOST_POINTS)

    def set_sweep_points(self, points: int) -> None:
        """Set the number of points; the step follows."""
        self.settings["sweep_points"] = points
        span = abs(self.sweep_span())
        if points > 1 and span:
            self.settings["sweep_step"] = max(span / (points - 1), 1e-13)

    # Lists.

    def set_list(self, name: str, *values: float) -> None:
        """Begin a list anew, with at most 100 values a command."""
        if len(values) > POINTS_PER_COMMAND:
            raise ScpiError(-223)
        self._lists[name] = list(values)

    def append_list(self, name: str, *values: float) -> None:
        """Add values behind those in a list."""
        if len(values) > POINTS_PER_COMMAND or len(self._lists[name]) + len(values) > MOST_POINTS:
            raise ScpiError(-223)
        self._lists[name] += values

    def list_read_back(self, name: str) -> str:
        """Return the values of a list."""
        return ",".join(self.format_number(value) for value in self._lists[name])

    def list_points(self, name: str) -> str:
        """Return how many values a list has."""
        return self.format_integer(len(self._lists[name]))

    # The sweep.

    def sweep_currents(self) -> NDArray[np.float64]:
        """Return the currents in A of one sweep, shape (n_point,)."""
        settings = self.settings
        start, stop, points = settings["sweep_start"], settings["sweep_stop"], settings["sweep_points"]
        if settings["sweep_spacing"] == "LIST":
            return np.array(self._lists["current"])
        if settings["sweep_spacing"] == "LIN":
            step = math.copysign(settings["sweep_step"], stop - start)
            return np.asarray(start + step * np.arange(points))
        if start * stop <= 0:
            raise ScpiError(-221)  # no logarithm goes through zero
        return np.asarray(np.geomspace(start, stop, points))

    def arm_sweep(self) -> None:
        """Load the sweep and switch the output on."""
        self.arm_with_peak(float(np.abs(self.sweep_currents()).max()), self.settings["sweep_ranging"])

    def start_sweep(self) -> None:
        """Put out the armed sweep from its beginning."""
        settings = self.settings
        currents = self.sweep_currents()
        delays = np.full(len(currents), settings["source_delay"])
        if settings["sweep_spacing"] == "LIST":
            delays = np.resize(self._lists["delay"], len(currents))
        if settings["display"]:
            delays = delays + self.rng.uniform(0.0, JITTER, len(currents))
        ends = np.cumsum(delays)
        count = int(min(max(round(ends[-1] / GRID), len(currents)), LARGEST_STAIRCASE))
        middles = (np.arange(count) + 0.5) * (ends[-1] / count)
        values = currents[np.searchsorted(ends, middles)]
        start = self.wires.clock.now()
        self.run_sweep(Waveform(start, float(ends[-1]), settings["sweep_count"], values, idle=float(currents[-1])))


def _end(which: str) -> Any:
    return lambda self, current: self.set_sweep_end(which, current)


def _list_commands(name: str) -> tuple[Command, ...]:
    node, value, _ = _LISTS[name]
    header = f"{_SOURCE}:LIST:{node}"
    return (
        Command(
            header,
            lambda self, *values: self.set_list(name, *values),
            lambda self: self.list_read_back(name),
            (value,),
            repeats=True,
        ),
        Command(
            f"{header}:APPend", lambda self, *values: self.append_list(name, *values), None, (value,), repeats=True
        ),
        Command(f"{header}:POINts", None, lambda self: self.list_points(name)),
    )


SWEEP_COMMANDS: tuple[Command, ...] = (
    setting(f"{_SOURCE}:DELay", "source_delay", Number(1e-3, 999999.999, 1.0, unit="S"), 1.0),
    setting(f"{_SOURCE}:CURRent:STARt", "sweep_start", _CURRENT, 0.0, execute=_end("sweep_start")),
    setting(f"{_SOURCE}:CURRent:STOP", "sweep_stop", _CURRENT, 1e-4, execute=_end("sweep_stop")),
    setting(
        f"{_SOURCE}:CURRent:STEP",
        "sweep_step",
        Number(1e-13, LARGEST_CURRENT, 1e-5, unit="A"),
        1e-5,
        execute=SteppingSource.set_sweep_step,
    ),
    setting(
        f"{_SOURCE}:CURRent:CENTer",
        "",
        _CURRENT,
        None,
        execute=SteppingSource.set_sweep_center,
        read=SteppingSource.sweep_center,
    ),
    setting(
        f"{_SOURCE}:CURRent:SPAN",
        "",
        Number(2e-13, 2 * LARGEST_CURRENT, unit="A"),
        None,
        execute=SteppingSource.set_sweep_span,
        read=SteppingSource.sweep_span,
    ),
    setting(f"{_SWEEP}:SPACing", "sweep_spacing", Choice("LINear", "LOGarithmic", "LIST"), "LIN"),
    setting(
        f"{_SWEEP}:POINts",
        "sweep_points",
        Number(1, MOST_POINTS, 11, integer=True),
        11,
        execute=SteppingSource.set_sweep_points,
    ),
    # Delta mode counts its measurement sets with this one, too (PyMeasure: up to 65536).
    setting(f"{_SWEEP}:COUNt", "sweep_count", Number(1, 65536, 1, integer=True, infinite=True), 1),
    setting(f"{_SWEEP}:RANGing", "sweep_ranging", Choice("AUTO", "BEST", "FIXed"), "BEST"),
    setting(f"{_SWEEP}:CABort", "sweep_compliance_abort", Boolean(), False),
    Command(f"{_SWEEP}:ARM[:IMMediate]", SteppingSource.arm_sweep, lambda self: "1" if self.sweep_armed else "0"),
    *(command for name in _LISTS for command in _list_commands(name)),
)
