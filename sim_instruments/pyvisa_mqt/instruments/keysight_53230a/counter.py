"""Keysight 53230A universal counter, as a client sees it.

Command set, couplings, reply formats and status bits: 53220A/53230A User's Guide and Programmer's
Reference, collected in the project's instruments/keysight-53230a.md. What no source confirms is
marked U there and stands here in one place: bit numbers 4 and 5 of the operation register, the
dead time, the unit behind DATA:LAST?, one error +321 per measurement however many readings time out,
the layout of *LRN?. What lies before the comparators is in `inputs`, which edges count in `edges`, what can be
measured in `functions`. Not modelled: the voltage overload relay, for nothing on the bench reaches it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.instruments.counters.comparator_input import Conditioning
from pyvisa_mqt.instruments.counters.interval_timing import Readings
from pyvisa_mqt.instruments.counters.readings_memory import ReadingsMemory
from pyvisa_mqt.instruments.keysight_53230a.commands import COMMANDS
from pyvisa_mqt.instruments.keysight_53230a.edges import EdgeSection
from pyvisa_mqt.instruments.keysight_53230a.functions import FUNCTIONS, Conditions
from pyvisa_mqt.instruments.keysight_53230a.readout import MEMORY
from pyvisa_mqt.instruments.keysight_53230a.statistics import NOT_A_READING, Statistics
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["Keysight53230A"]

MEASURING = 1 << 4
WAITING_FOR_TRIGGER = 1 << 5
BELOW_LIMIT, ABOVE_LIMIT = 1 << 11, 1 << 12
MEMORY_OVERFLOW = 1 << 14
_NOTHING = np.zeros(0)


class Keysight53230A(EdgeSection):
    """The counter: input ports "input1" and "input2", external trigger on "trigger", external gate on "gate".

    Options of the bench file: `serial_number`, `firmware`; `dead_time` (s) from the end of a
    reading to the next arming; `resolution` (s rms) of a single interval; `hysteresis` (V) of the comparators;
    `source_impedance` (Ohm) of what is connected to the inputs.
    """

    option_defaults: ClassVar = {
        "serial_number": "MY50000001",
        "firmware": "02.05-1519.666-1.19-4.15-127-155-35",
        "dead_time": 12e-6,
        "resolution": 20e-12,
        "hysteresis": 0.0,
        "source_impedance": 50.0,
    }
    commands = COMMANDS
    # It acts on nothing, and edges stay to be seen: fewer looks, each at more of them, cost less.
    ticks_apart = 16
    option_units: ClassVar = {"dead_time": "s", "resolution": "s", "hysteresis": "V", "source_impedance": "Ohm"}
    overflow_text = "Error queue overflow"
    error_texts: ClassVar = {-222: "Data out of range"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self.memory = ReadingsMemory(MEMORY)
        self.statistics = Statistics()
        self._triggers_left = 0
        self._samples_left = 0
        self._awaiting_trigger = False
        self._taken = 0
        self._edges_seen = (-1, -1)  # how many starts and stops were known at a look that gave no reading
        self._begun = 0.0
        self._first_end = 0.0
        self._last_end = 0.0
        self._looked = -math.inf  # bench time in s up to which it has measured under the present conditions
        self._timeout_reported = False
        self._waited: deque[float] = deque(maxlen=8)
        super().__init__(wires, rng, options)
        self.build_inputs()
        self._choose("FREQ", (1,))
        for key, unit in self.option_units.items():
            if self.options[key] < 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give at least 0 {unit}")

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
        self.settings.update({("auto_level", channel): True for channel in (1, 2)})
        self._choose("FREQ", (1,))

    def recalled(self) -> None:
        """Stop measuring: the conditions are others now."""
        self.abort()
        self.clear_memory()

    def _choose(self, function: str, channels: tuple[int, ...]) -> None:
        self.settings["function"], self.settings["channels"] = function, channels

    # Configuration.

    def configure(self, function: str, channels: tuple[int, ...], *expected: float) -> None:
        """Do what CONFigure does: function and channels; counts, levels and slopes are reset."""
        self.abort()
        self.clear_memory()
        self._choose(function, channels)
        settings = self.settings
        settings["trigger_source"] = "IMM"
        settings["trigger_count"] = settings["sample_count"] = 1
        settings["trigger_delay"] = 0.0
        settings["gate_source"] = settings["totalize_gate_source"] = "TIME"
        settings["interval_gate_source"] = "IMM"
        if function == "TOT" and expected:
            settings["totalize_gate_time"] = min(max(expected[0], 1e-6), 1000.0)
        if function == "TST" and expected:
            settings["sample_count"] = int(min(max(expected[0], 1), MEMORY))
        edges = {"RTIM": (10.0, 90.0), "FTIM": (10.0, 90.0)}
        for channel in (1, 2):
            settings["auto_level", channel] = True
            for event in (1, 2):
                settings["relative_level", channel, event] = edges.get(function, (50.0, 50.0))[event - 1]
                settings["slope", channel, event] = "POS"

    def choose_function(self, function: str, channels: tuple[int, ...]) -> None:
        """Do what FUNCtion does: change what is measured, and nothing else."""
        self.abort()
        self._choose(function, channels)

    def describe(self) -> str:
        """Return what CONFigure? answers."""
        channels = ",".join(f"(@{channel})" for channel in self._channels)
        return f'"{self.measured} {channels}"'

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
        if self._gated_outside and self.settings["gate_external_source"] == "BNC" and self.settings["gate_output"]:
            raise ScpiError(-221, "the gate connector is an output; OUTPut OFF makes it an input")
        self.clear_memory()
        self.clear_statistics()
        for channel in set(self._channels):
            if self.settings["auto_level", channel]:
                self.find_levels(channel)
        now = self.wires.clock.now()
        self._timeout_reported = False
        self._taken = 0
        self._begun = self._last_end = now
        self._triggers_left = int(self.settings["trigger_count"])
        self._trails.clear()
        self._edges_seen = (-1, -1)
        self._looked = -math.inf
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
        self._looked = -math.inf
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
        if not self._triggers_left or now == self._looked:
            return
        self._looked = now
        while self._triggers_left:
            if self._awaiting_trigger and not self._external_trigger(now):
                return
            limit = self._limit()
            readings = self._read_edges(now, limit)
            count = len(readings.values)
            if count:
                self._store(readings)
            if count < limit:
                return  # all that the edges until now give
            if not self._samples_left:
                self._triggers_left -= 1
                if self._triggers_left:
                    self._await_trigger(self._armed)
        self.registers["operation"].set(MEASURING, False)

    def _external_trigger(self, now: float) -> bool:
        if self.settings["trigger_source"] != "EXT":
            return False
        rising = self.settings["trigger_slope"] == "POS"
        edges = self._rear_edges("trigger", rising, now)
        if len(edges):
            self._take_trigger(float(edges[0]))
        return bool(len(edges))

    def _limit(self) -> int:
        """Return how many readings can come one after the other."""
        if self.settings["trigger_source"] == "IMM" and not self.settings["trigger_delay"]:
            # Without a delay between triggers all samples are one train.
            return self._samples_left + (self._triggers_left - 1) * int(self.settings["sample_count"])
        return self._samples_left

    def _read_edges(self, now: float, limit: int) -> Readings:
        conditions = Conditions(
            armed=self._armed,
            now=now,
            limit=limit,
            timeout=self.settings["timeout"],
            dead_time=self.options["dead_time"],
            gate=self._gate_time,
            arming=self._arming(now) if self.measured == "TINT" else None,
            begun=self._begun,
        )
        starts, stops = self._start_and_stop(conditions.arming, now)
        if self._nothing_new(starts, stops, conditions):
            return Readings(_NOTHING, _NOTHING, self._armed)
        readings = FUNCTIONS[self.measured].measure(starts, stops, conditions)
        if not len(readings.values):
            self._forget_unused(starts, conditions)
            self._edges_seen = (min(len(starts), 1), min(len(stops), 1))
        return readings

    def _nothing_new(self, starts: NDArray[np.float64], stops: NDArray[np.float64], conditions: Conditions) -> bool:
        """Return whether no edge has come since a look that gave no reading, and no time-out is over."""
        if (
            self.measured != "TINT"
            or conditions.arming is not None
            or conditions.now >= self._armed + conditions.timeout
        ):
            return False
        return not len(starts) or (len(starts), len(stops)) == self._edges_seen

    def _store(self, readings: Readings) -> None:
        self._edges_seen = (-1, -1)
        count = len(readings.values)
        values = self._with_jitter(readings.values)
        missed = ~np.isfinite(values)
        if missed.any():
            values[missed] = NOT_A_READING
            self._report_timeout()
        self._calculate(values)
        if self.memory.append(values):
            self.registers["questionable"].latch(MEMORY_OVERFLOW)
        armed, self._armed = self._armed, readings.armed
        self._taken += count
        self._last_end = float(readings.ends[-1])
        if self._taken == count:
            self._first_end = float(readings.ends[0])
        if count == 1:
            self._waited.append(self._last_end - armed)
        per_trigger = int(self.settings["sample_count"])
        beyond = count - self._samples_left
        if beyond > 0:
            self._triggers_left -= -(-beyond // per_trigger)
            self._samples_left = -beyond % per_trigger
        else:
            self._samples_left -= count
        self.check_threshold()

    def _with_jitter(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return readings with the noise of the counter's clockwork."""
        jitter = self.options["resolution"] * self.rng.standard_normal(len(values))
        function = FUNCTIONS[self.measured]
        if function.unit == "S" and not function.gated:
            return np.asarray(values + jitter)
        if function.gated and self.measured != "TOT":
            return np.asarray(values * (1.0 + jitter / self._gate_time))
        return np.array(values)

    def _calculate(self, values: NDArray[np.float64]) -> None:
        """Take readings into statistics and compare them with the limits, where that is on."""
        settings = self.settings
        if settings["calculate"] and settings["average"]:
            self.statistics.add(values)
        if settings["calculate"] and settings["limit"]:
            below, above = values < settings["lower_limit"], values > settings["upper_limit"]
            self.statistics.failed += int(np.sum(below | above))
            self.registers["questionable"].latch(BELOW_LIMIT * bool(below.any()) | ABOVE_LIMIT * bool(above.any()))

    def clear_statistics(self) -> None:
        """Forget statistics and failures."""
        self.statistics = Statistics()

    def _report_timeout(self) -> None:
        self.registers["questionable"].latch(FUNCTIONS[self.measured].timeout_bit)
        if not self._timeout_reported:
            self._timeout_reported = True
            self.status.report(321, "Measurement timeout occurred")

    @property
    def waiting_since(self) -> float | None:
        """Since when (bench time, s) a reading is awaited by a client; None if none is."""
        return self._armed if self.busy and self._triggers_left else None

    def what_is_awaited(self) -> str:
        """Return what the next reading waits for, and what there is instead."""
        now = self.wires.clock.now()
        if self._awaiting_trigger:
            if self.settings["trigger_source"] == "BUS":
                return "*TRG, with its trigger source set to BUS"
            return f"a trigger; {self._rear['trigger'].told(Conditioning(), now)}"
        arming = self._arming(now) if self.measured == "TINT" else None
        if arming is not None and arming.gates is not None and not len(arming.gates):
            return "a gate to open, as the gate settings ask"
        events = self._events()
        first = self._trails.get(events[0])
        started = first is not None and not first.empty
        channel, event, _ = events[-1] if started else events[0]
        what = "an edge" if len(events) == 1 else ("a stop" if started else "a start")
        level = self.settings["level", channel, event]
        told = self._inputs[channel].told(self.conditioning(channel), now)
        return f"{what} on input {channel} at {level:.3f} V; {told}"

    def next_event(self) -> float:
        """Return a time at which more readings may be there; it approaches the last one from below."""
        if not self._triggers_left:
            return math.inf
        now = self.wires.clock.now()
        if self._awaiting_trigger:
            return now + _soon(now - self._armed) if self.settings["trigger_source"] == "EXT" else math.inf
        if not self._taken and self._wanted() == 1:
            return self._next_single(now)
        spacing = (self._last_end - self._first_end) / (self._taken - 1) if self._taken > 1 else 0.0
        if now - self._last_end <= 2 * spacing:  # readings come, and probably go on coming
            # all but the last one that is waited for, half a reading late; that one as it is there
            ahead = self._wanted() - 0.5 if self._wanted() > 1 else 1.01
            step = max(self._last_end + spacing * ahead - now, 0.25 * spacing, 1e-5)
            return now + min(step, 1e-3 + 4 * (now - self._first_end))  # few readings tell little
        later = now + max(1e-3, now - self._last_end)
        deadline = self._armed + self.settings["timeout"]
        return min(later, deadline) if deadline > now else later

    def _next_single(self, now: float) -> float:
        """Return when to look for the only reading that is waited for: not late, or the next ramp may be lost by it.

        Not before most of the time has passed that the fastest of the last ones took.
        """
        later = max(self._armed + 0.7 * min(self._waited, default=0.0), now + _soon(now - self._armed))
        deadline = self._armed + self.settings["timeout"]
        return min(later, deadline) if deadline > now else later

    def _wanted(self) -> int:
        """Return how many readings are missing to the next thing that a client may wait for."""
        left = self._samples_left + (self._triggers_left - 1) * int(self.settings["sample_count"])
        to_threshold = int(self.settings["threshold"]) - len(self.memory)
        return min(left, to_threshold) if to_threshold > 0 else left


def _soon(waited: float) -> float:
    """Return how long to wait (s) until the next look for something that has been awaited for so long (s)."""
    return max(5e-6, 0.02 * waited)
