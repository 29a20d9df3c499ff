"""Keysight 53230A universal counter, as a client sees it: time interval, period and frequency.

Command set, couplings, reply formats and status bits: 53220A/53230A User's Guide and Programmer's
Reference, collected in the project's instruments/keysight-53230a.md. What no source confirms is
marked U there and stands here in one place: bit numbers 4 and 5 of the operation register, the
dead time, the unit behind DATA:LAST?, one error +321 per measurement however many readings time out.
Not modelled: AC coupling (it passes all that DC passes), noise rejection and the input filter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..ieee488 import ScpiError
from ..signals import Wires
from .interval_timing import Readings, gated_periods, start_stop_intervals
from .keysight_53230a_commands import COMMANDS
from .number_text import scientific_list
from .readings_memory import ReadingsMemory
from .scpi_base import Hold, ScpiInstrument

__all__ = ["Keysight53230A"]

MEMORY = 1_000_000
NOT_A_READING = 9.91e37
MEASURING = 1 << 4
WAITING_FOR_TRIGGER = 1 << 5
THRESHOLD_REACHED = 1 << 12
TIMED_OUT = 1 << 2
MEMORY_OVERFLOW = 1 << 14
#: Auto-level looks for this long (s) at the signal, so it sees nothing slower than 50 Hz.
AUTO_LEVEL_WINDOW = 0.02
_LADDER = np.concatenate([-5.0 * 0.5 ** np.arange(12), [0.0], 5.0 * 0.5 ** np.arange(11, -1, -1)])


class Keysight53230A(ScpiInstrument):
    """The counter: input ports "input1" and "input2", external trigger on "trigger".

    Options of the bench file: `serial_number`, `firmware`; `dead_time` (s) from the end of a
    reading to the next arming; `resolution` (s rms) of a single interval.
    """

    option_defaults: ClassVar = {
        "serial_number": "MY50000001",
        "firmware": "02.05-1519.666-1.19-4.15-127-155-35",
        "dead_time": 12e-6,
        "resolution": 20e-12,
    }
    commands = COMMANDS
    # It acts on nothing, and edges stay to be seen: fewer looks, each at more of them, cost less.
    ticks_apart = 16
    option_units: ClassVar = {"dead_time": "s", "resolution": "s"}
    error_texts: ClassVar = {-222: "Data out of range"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self.memory = ReadingsMemory(MEMORY)
        self.auto_level = {1: True, 2: True}
        self._function = "FREQ"
        self._channels: tuple[int, ...] = (1,)
        self._triggers_left = 0
        self._samples_left = 0
        self._awaiting_trigger = False
        self._armed = 0.0
        self._seen = 0.0
        self._taken = 0
        self._first_end = 0.0
        self._last_end = 0.0
        self._edges: tuple[NDArray[np.float64], NDArray[np.float64]] = (np.zeros(0), np.zeros(0))
        self._timeout_reported = False
        super().__init__(wires, rng, options)
        for key in ("dead_time", "resolution"):
            if self.options[key] < 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give a time of at least 0 s")
        # Non-volatile, so *RST leaves it alone; from the factory it is disabled.
        self.settings["timeout"] = math.inf

    def inherit(self, before: Self) -> None:
        """Keep the time-out, which is non-volatile."""
        self.settings["timeout"] = before.settings["timeout"]

    def identification(self) -> str:
        """Return maker, model, serial number and firmware."""
        return f"Agilent Technologies,53230A,{self.options['serial_number']},{self.options['firmware']}"

    def format_number(self, value: float) -> str:
        """Write NR3 with 15 digits and an exponent of three."""
        return f"{value:+.14E}".replace("E+", "E+0").replace("E-", "E-0")

    def format_integer(self, value: int) -> str:
        """Write NR1 with its sign."""
        return f"{value:+d}"

    def reset(self) -> None:
        """Stop measuring, empty the memory, back to frequency on channel 1."""
        self.abort()
        self.clear_memory()
        self.auto_level = {1: True, 2: True}
        self._function = "FREQ"
        self._channels = (1,)

    # Configuration.

    def configure(self, function: str, channels: tuple[int, ...]) -> None:
        """Do what CONFigure does: function and channels; counts, levels and slopes are reset."""
        self.abort()
        self.clear_memory()
        self._function = function
        self._channels = channels
        settings = self.settings
        settings["trigger_source"] = "IMM"
        settings["trigger_count"] = settings["sample_count"] = 1
        settings["trigger_delay"] = 0.0
        settings["gate_source"] = "TIME" if function != "TINT" else "IMM"
        settings["interval_gate_source"] = "IMM"
        for channel in (1, 2):
            self.auto_level[channel] = True
            for event in (1, 2):
                settings["relative_level", channel, event] = 50.0
                settings["slope", channel, event] = "POS"

    def choose_function(self, function: str, channels: tuple[int, ...]) -> None:
        """Do what FUNCtion does: change what is measured, and nothing else."""
        self.abort()
        self._function = function
        self._channels = channels

    def describe(self) -> str:
        """Return what CONFigure? answers."""
        channels = ",".join(f"(@{channel})" for channel in self._channels)
        return f'"{self._function} {channels}"'

    def function(self) -> str:
        """Return what FUNCtion? answers."""
        return f'"{self._function}"'

    def check_level(self, channel: int, event: int, level: float) -> None:
        """Refuse a threshold in V outside the input's range."""
        if abs(level) > 1.025 * self.settings["input_range", channel] * self.settings["probe", channel]:
            raise ScpiError(-222)

    def level_was_set(self, channel: int, event: int, level: float) -> None:
        """Switch auto-level off, as a level given by hand does."""
        self.auto_level[channel] = False
        self.abort()

    def set_auto_level(self, channel: int, mode: bool | str) -> None:
        """Switch auto-level; ONCE finds the levels now and keeps them."""
        self.auto_level[channel] = mode is True
        if mode == "ONCE":
            self._find_levels(channel)

    def _find_levels(self, channel: int) -> None:
        """Put the thresholds at their percentages of the signal seen in the last 20 ms, if there was one."""
        now = self.wires.clock.now()
        crossed = [
            threshold
            for threshold in _LADDER.tolist()
            if len(self.wires.edges(f"input{channel}", threshold, True, now - AUTO_LEVEL_WINDOW, now))
        ]
        if not crossed:
            return
        low, high = crossed[0], crossed[-1]
        for event in (1, 2):
            part = self.settings["relative_level", channel, event] / 100
            self.settings["level", channel, event] = low + part * (high - low) if high > low else low

    def changed(self, *_: object) -> None:
        """End a measurement whose conditions were changed."""
        self.abort()

    # Measuring.

    @property
    def operation_pending(self) -> bool:
        """Whether a measurement is under way."""
        return self._triggers_left > 0

    def initiate(self) -> None:
        """Clear the memory and start measuring."""
        if self._triggers_left:
            raise ScpiError(-213)
        self.clear_memory()
        for channel in set(self._channels):
            if self.auto_level[channel]:
                self._find_levels(channel)
        now = self.wires.clock.now()
        self._timeout_reported = False
        self._taken = 0
        self._last_end = now
        self._triggers_left = int(self.settings["trigger_count"])
        self._edges = (np.zeros(0), np.zeros(0))
        self._seen = now
        self._await_trigger(now)

    def abort(self) -> None:
        """Stop measuring; readings stay."""
        self._triggers_left = 0
        self._awaiting_trigger = False
        self.registers["operation"].set(MEASURING | WAITING_FOR_TRIGGER, False)

    def _await_trigger(self, time: float) -> None:
        immediate = self.settings["trigger_source"] == "IMM"
        self._awaiting_trigger = not immediate
        self.registers["operation"].set(WAITING_FOR_TRIGGER, not immediate)
        self.registers["operation"].set(MEASURING, immediate)
        self._armed = time
        if immediate:
            self._take_trigger(time)

    def _take_trigger(self, time: float) -> None:
        self._awaiting_trigger = False
        self._samples_left = int(self.settings["sample_count"])
        self._armed = time + self.settings["trigger_delay"]
        self.registers["operation"].set(WAITING_FOR_TRIGGER, False)
        self.registers["operation"].set(MEASURING, True)

    def software_trigger(self) -> None:
        """Take *TRG where it is waited for."""
        if not self._awaiting_trigger or self.settings["trigger_source"] != "BUS":
            raise ScpiError(-211)
        self._take_trigger(self.wires.clock.now())

    def elapse(self, now: float) -> None:
        """Measure until bench time `now` (s)."""
        if not self._triggers_left:
            return
        self._collect(now)
        while self._triggers_left:
            if self._awaiting_trigger and not self._external_trigger(now):
                return
            readings = self._read_edges(now)
            if not len(readings.values):
                return
            self._store(readings)
            if not self._samples_left:
                self._triggers_left -= 1
                if self._triggers_left:
                    self._await_trigger(self._armed)
        self.registers["operation"].set(MEASURING, False)

    def _external_trigger(self, now: float) -> bool:
        if self.settings["trigger_source"] != "EXT":
            return False
        rising = self.settings["trigger_slope"] == "POS"
        edges = self.wires.edges("trigger", 1.25, rising, self._armed, now)
        if len(edges):
            self._take_trigger(float(edges[0]))
        return bool(len(edges))

    def _collect(self, now: float) -> None:
        """Fetch the edges since the last look, and forget those before the present arming."""
        if now <= self._seen:
            return
        fresh = [self._input_edges(channel, event, now) for channel, event in self._events()]
        kept = [edges[np.searchsorted(edges, self._armed, side="right") :] for edges in self._edges]
        joined = [np.concatenate(pair) if len(pair[0]) else pair[1] for pair in zip(kept, fresh, strict=False)]
        self._edges = (joined[0], joined[-1])
        self._seen = now

    def _events(self) -> list[tuple[int, int]]:
        """Return (channel, event) of start and stop; one entry where only one signal is looked at."""
        if self._function != "TINT":
            return [(self._channels[0], 1)]
        if len(self._channels) == 1:
            return [(self._channels[0], 1), (self._channels[0], 2)]
        return [(self._channels[0], 1), (self._channels[1], 1)]

    def _input_edges(self, channel: int, event: int, now: float) -> NDArray[np.float64]:
        level = self.settings["level", channel, event]
        rising = self.settings["slope", channel, event] == "POS"
        return self.wires.edges(f"input{channel}", level, rising, self._seen, now)

    def _read_edges(self, now: float) -> Readings:
        limit = self._samples_left
        if self.settings["trigger_source"] == "IMM" and not self.settings["trigger_delay"]:
            # Without a delay between triggers all samples are one train.
            limit += (self._triggers_left - 1) * int(self.settings["sample_count"])
        starts, stops = self._edges
        timeout, dead_time = self.settings["timeout"], self.options["dead_time"]
        if self._function == "TINT":
            holding = self.settings["interval_gate_source"] == "ADV" and self.settings["holdoff_source"] == "TIME"
            return start_stop_intervals(
                starts,
                stops,
                armed=self._armed,
                now=now,
                limit=limit,
                timeout=timeout,
                dead_time=dead_time,
                holdoff=self.settings["holdoff_time"] if holding else 0.0,
            )
        gate = self.settings["gate_time"]
        return gated_periods(
            starts, armed=self._armed, now=now, limit=limit, timeout=timeout, dead_time=dead_time, gate=gate
        )

    def _store(self, readings: Readings) -> None:
        count = len(readings.values)
        jitter = self.options["resolution"] * self.rng.standard_normal(count)
        values = readings.values
        if self._function == "TINT":
            values = values + jitter
        else:
            values = values * (1 + jitter / self.settings["gate_time"])
            values = 1 / values if self._function == "FREQ" else values
            values[~np.isfinite(readings.values)] = math.inf
        missed = ~np.isfinite(values)
        if missed.any():
            values[missed] = NOT_A_READING
            self._report_timeout()
        if self.memory.append(values):
            self.registers["questionable"].latch(MEMORY_OVERFLOW)
        self._armed = readings.armed
        self._taken += count
        self._last_end = float(readings.ends[-1])
        if self._taken == count:
            self._first_end = float(readings.ends[0])
        per_trigger = int(self.settings["sample_count"])
        beyond = count - self._samples_left
        if beyond > 0:
            self._triggers_left -= -(-beyond // per_trigger)
            self._samples_left = -beyond % per_trigger
        else:
            self._samples_left -= count
        self._check_threshold()

    def _report_timeout(self) -> None:
        self.registers["questionable"].latch(TIMED_OUT)
        if not self._timeout_reported:
            self._timeout_reported = True
            self.status.report(321, "Measurement timeout occurred")

    def _check_threshold(self) -> None:
        reached = len(self.memory) >= self.settings["threshold"]
        self.registers["operation"].set(THRESHOLD_REACHED, reached)

    def next_event(self) -> float:
        """Return a time at which more readings may be there; it approaches the last one from below."""
        if not self._triggers_left:
            return math.inf
        now = self.wires.clock.now()
        if self._awaiting_trigger:
            return now + max(1e-3, now - self._armed) if self.settings["trigger_source"] == "EXT" else math.inf
        spacing = (self._last_end - self._first_end) / (self._taken - 1) if self._taken > 1 else 0.0
        if now - self._last_end <= 2 * spacing:  # readings come, and probably go on coming
            step = max(0.9 * spacing * self._wanted(), 0.25 * spacing, 1e-5)
            return now + min(step, 1e-3 + 4 * (now - self._first_end))  # few readings tell little
        later = now + max(1e-3, now - self._last_end)
        deadline = self._armed + self.settings["timeout"]
        return min(later, deadline) if deadline > now else later

    def _wanted(self) -> int:
        """Return how many readings are missing to the next thing that a client may wait for."""
        left = self._samples_left + (self._triggers_left - 1) * int(self.settings["sample_count"])
        to_threshold = int(self.settings["threshold"]) - len(self.memory)
        return min(left, to_threshold) if to_threshold > 0 else left

    # Read-out.

    def clear_memory(self) -> None:
        """Forget all readings."""
        self.memory.clear()
        self.registers["operation"].set(THRESHOLD_REACHED, False)

    def _encode(self, values: NDArray[np.float64], definite: bool) -> bytes:
        """Write readings in the present format, as a definite block or ended by END only."""
        if self.settings["format"] == "ASC":
            body: bytes | memoryview = scientific_list(values)
            if not definite:
                return bytes(body)
        else:
            body = values.astype(">f8" if self.settings["byte_order"] == "NORM" else "<f8").view(np.uint8).data
            if not definite:
                return b"".join((b"#0", body))
        length = str(len(body))
        return b"".join((f"#{len(length)}{length}".encode(), body))  # one copy: a block can be 8 MB

    def fetch(self) -> Hold:
        """Do what FETCh? does: wait for the end, return all, erase nothing."""
        return Hold(lambda: not self._triggers_left, self._reply_all)

    def _reply_all(self) -> bytes:
        if not len(self.memory):
            raise ScpiError(-230)
        return self._encode(self.memory.all(), definite=False)

    def read(self) -> Hold:
        """Do what READ? does."""
        self.initiate()
        return self.fetch()

    def measure(self, function: str, channels: tuple[int, ...]) -> Hold:
        """Do what MEASure? does."""
        self.configure(function, channels)
        return self.read()

    def read_and_erase(self, count: float = MEMORY) -> bytes:
        """Do what R? does: the oldest readings, as many as there are."""
        if not len(self.memory) and not self._triggers_left:
            raise ScpiError(-230)
        values = self.memory.take(int(count))
        self._check_threshold()
        return self._encode(values, definite=True)

    def remove(self, count: float, wait: str = "") -> bytes | Hold:
        """Do what DATA:REMove? does: exactly so many of the oldest readings."""
        wanted = int(count)
        if wait and self._triggers_left:
            return Hold(lambda: len(self.memory) >= wanted or not self._triggers_left, lambda: self._remove_now(wanted))
        return self._remove_now(wanted)

    def _remove_now(self, count: int) -> bytes:
        if len(self.memory) < count:
            raise ScpiError(-230)
        return self.read_and_erase(count)

    def last_reading(self) -> str:
        """Do what DATA:LAST? does: value and unit."""
        value = self.memory.last()
        unit = "HZ" if self._function == "FREQ" else "S"
        return f"{self.format_number(NOT_A_READING if value is None else value)} {unit}"

    def set_threshold(self, count: float) -> None:
        """Set the number of readings at which the threshold event comes."""
        self.settings["threshold"] = int(count)
        self._check_threshold()
