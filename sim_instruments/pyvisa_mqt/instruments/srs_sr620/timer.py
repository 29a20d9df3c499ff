"""The SR620's clockwork: groups of samples and their statistics, the binary dump, and when they are ready."""

from __future__ import annotations

import abc
import math
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import OPERATION_COMPLETE, EventRegister, StatusReporting
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.instruments.srs_sr620.commands import SETTINGS, SIZES
from pyvisa_mqt.instruments.srs_sr620.inputs import INDICES, TimerInputs
from pyvisa_mqt.instruments.srs_sr620.samples import BINARY_SCALES, Group, Sampler, dead_time
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["READY", "Timer"]

NO_VALUE = 9e20
#: Time in s behind the last sample of a group until it can be read as text: end of group, and conversion.
END_OF_GROUP, ASCII_TIME, STATISTICS_TIME = 5e-3, 250e-6, 10e-3
#: Longest step in s in which edges are looked for while a client waits; shorter than the time a sample needs.
LOOK_AGAIN = 0.7e-3
#: Bit of the status byte.
READY = 1
#: Bits of the error byte.
NO_CLOCK, AUTOLEVEL_FAILED = 2, {"A": 4, "B": 8}
#: How far back in s the first look for an automatic measurement goes; doubled until it finds one.
LOOK_BACK = 0.1


class Timer(StatusReporting, Instrument):
    """The part of the counter that measures; what waits for it and how it answers is the model's."""

    option_defaults: ClassVar = {
        "serial_number": "02500",
        "firmware": "1.48",
        "resolution": 25e-12,
        "source_impedance": 50.0,
        "external_clock": True,
    }
    option_units: ClassVar = {"resolution": "s", "source_impedance": "Ohm"}
    #: What ends a reply where there is no END.
    terminator: bytes

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        for key, unit in self.option_units.items():
            if self.options[key] < 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give at least 0 {unit}")
        self.errors = EventRegister()
        self._replies: list[str] = []
        self._waits = ""
        self._dumps_left = 0
        self._presented = False
        self._group: Group | None = None
        self._sampler: Sampler | None = None
        self._automatic: Sampler | None = None
        self._moment: float | None = None
        self._waited: deque[float] = deque(maxlen=8)
        self.reset_timer()

    def reset_timer(self) -> None:
        """Set everything as at power-on, and measure nothing."""
        self.settings = {(name, index): item.default for name, item in SETTINGS.items() for index in item.indices}
        self._inputs = TimerInputs(self.wires, self.settings, self.options["source_impedance"])
        self._group, self._reference = None, 0.0
        self._stop()
        self._waited.clear()

    @abc.abstractmethod
    def run(self) -> None:
        """Go on with the commands that wait."""

    @abc.abstractmethod
    def update_status(self) -> None:
        """Bring the status byte up to date."""

    @property
    def busy(self) -> bool:
        """Whether a reply or a sample is on its way."""
        return bool(self._waits) or self._dumps_left > 0

    @property
    def waiting_since(self) -> float | None:
        """Since when (bench time, s) a sample is awaited by a client; None if none is."""
        sampler = self._sampler
        if not self.busy or self._presented or sampler is None or sampler.complete:
            return None
        return sampler.armed

    def what_is_awaited(self) -> str:
        """Return what the next sample waits for, and what there is instead."""
        if self._sampler is None or self._sampler.complete:
            return super().what_is_awaited()
        what, name = self._sampler.missing
        return f"{what} {self._inputs.told(name, self.now())}"

    def setting_changed(self, name: str, ends_measurement: bool) -> None:
        """Take note of a setting that has changed."""
        if ends_measurement:
            self._stop()
        if name == "CLCK" and self._setting("CLCK") and not self.options["external_clock"]:
            self.errors.latch(NO_CLOCK)
        if name == "DREL":
            self._reference = self._group.statistic(0, False) if self._setting("DREL") and self._group else 0.0

    def _setting(self, name: str, index: int = 0) -> int:
        return int(self.settings[name, index])

    @property
    def size(self) -> int:
        """Number of samples in a group."""
        return int(SIZES[self._setting("SIZE")])

    def start(self) -> None:
        """Do what STRT does: begin a group."""
        self._stop()
        self._measuring = True
        self._begun = self._armed = self.wires.clock.now()
        self._find_levels()
        self._sampler = self._sampling(self._begun, self.size)

    def _stop(self) -> None:
        self._measuring = False
        self._sampler = self._automatic = None
        self._begun = self._armed = self._done = self._looked = self.wires.clock.now()

    def stop(self) -> None:
        """Do what STOP does."""
        self._stop()

    def wait(self) -> None:
        """Do what *WAI does: hold everything up until the present group is done."""
        if self._measuring:
            self._waits = "wait"

    def wait_complete(self) -> str | None:
        """Do what *OPC? does: the same, and then answer 1."""
        if not self._measuring:
            return "1"
        self._waits = "complete"
        return None

    def measure(self, number: int) -> None:
        """Do what MEAS? does: start, wait, answer with a statistic."""
        self.start()
        self._waits = f"statistic {number}"

    def statistic(self, number: int) -> str:
        """Return a statistic of the last group."""
        self._look()
        if not self._measuring and self._setting("AUTM"):
            self._look_back()
        value = NO_VALUE if self._group is None else self._group.statistic(number, bool(self._setting("JTTR")))
        return f"{value:.12E}"

    def relative(self) -> str:
        """Return the mean of the last group relative to that at which DREL was switched on."""
        mean = float(self.statistic(0))
        return f"{mean if mean == NO_VALUE else mean - self._reference:.12E}"

    def complete(self) -> None:
        """Do what *OPC does: a group under way sets the bit when it ends, else it is set now."""
        if not self._measuring:
            self.status.event_status |= OPERATION_COMPLETE

    def dump(self, count: int) -> None:
        """Do what BDMP does: so many samples, one after the other, in binary."""
        self._stop()
        self._find_levels()
        self._dumps_left, self._presented = count, False
        self._sampler = self._sampling(self._armed, 1)

    def _end_dump(self) -> None:
        if self._dumps_left:
            self._dumps_left = 0
            if self._presented:
                self.output.clear()
            self._presented = False

    def _find_levels(self) -> None:
        """Put the threshold of an input with auto-level into the middle of what it has seen lately."""
        for name in ("A", "B"):
            if not self.settings["TMOD", INDICES[name]]:
                continue
            level = self._inputs.automatic_level(name, self.wires.clock.now())
            if level is None:
                self.errors.latch(AUTOLEVEL_FAILED[name])
            else:
                self.settings["LEVL", INDICES[name]] = min(max(level, -5.0), 5.0)

    def _sampling(self, armed: float, limit: int) -> Sampler:
        """Return what takes samples, as the settings say, from an arming (s) on."""
        source = ("A", "B", "REF", "RATIO")[self._setting("SRCE")]
        mode, arming = self._setting("MODE"), self._setting("ARMM")
        return Sampler(self._inputs.events, mode, source, arming, armed=armed, limit=limit)

    def _with_jitter(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        noise = self.options["resolution"] * self.rng.standard_normal(len(values))
        mode = self._setting("MODE")
        if mode in (3, 5, 6):  # of a frequency, phase or count the resolution shows elsewhere, if at all
            return values
        return np.asarray(values + noise)

    def advance(self, now: float) -> None:
        """Live until bench time `now` (s)."""
        self._moment = now
        try:
            if self._waits or self._dumps_left or self.status.service_enable:
                self._look()
            if self.status.service_enable:
                self.update_status()
        finally:
            self._moment = None

    def now(self) -> float:
        """Return the bench time in s up to which edges are known: while the bench catches up, its clock is ahead."""
        return self.wires.clock.now() if self._moment is None else self._moment

    def _look(self) -> None:
        """See what the present group or dump has come to."""
        now = self.now()
        self._looked = now
        if self._dumps_left and not self._presented:
            self._look_for_dump(now)
        if not self._measuring or self._sampler is None:
            return
        self._sampler.follow(now)
        if not self._sampler.complete:
            return
        rest = END_OF_GROUP + ASCII_TIME + (STATISTICS_TIME if self.size > 1 else 0.0)
        self._done = self._sampler.end + dead_time(self._setting("MODE")) + rest
        if now >= self._done:
            self._finish(self._sampler.values)

    def _finish(self, values: NDArray[np.float64]) -> None:
        self._note_wait(self._begun)
        self._group = Group(self._with_jitter(values))
        self._measuring = False
        self._sampler = self._automatic = None
        self._begun = self._armed = self._done
        self.status.event_status |= OPERATION_COMPLETE
        if self._setting("EDMP"):
            for value in self._group.values.tolist():
                self.output.push(f"{value:.12E}".encode() + (b"\n" if self.message_exchange else self.terminator))
        waits, self._waits = self._waits, ""
        if waits.startswith("statistic"):
            self._replies.append(self.statistic(int(waits[-1])))
        elif waits == "complete":
            self._replies.append("1")
        if waits:
            self.run()
        self.update_status()

    def _look_back(self) -> None:
        """Find the last group that the automatic measurement has finished.

        A short way back is looked at anew each time; what lies before is followed group by group and looked at once,
        or asking would take the longer the longer nothing has come.
        """
        now = self.now()
        if self._automatic is None:
            self._automatic = self._sampling(self._begun, self.size)
        span = LOOK_BACK
        while span == LOOK_BACK or now - span > self._automatic.seen:
            begin = max(self._begun, now - span)
            if self._groups(self._sampling(begin, self.size), now) is not None or begin == self._begun:
                return
            span *= 4
        self._automatic = self._groups(self._automatic, now) or self._automatic

    def _groups(self, sampler: Sampler, now: float) -> Sampler | None:
        """Keep the last group finished by `now` (s) and return what takes the next one; None if none is finished."""
        found: Sampler | None = None
        rest = END_OF_GROUP + ASCII_TIME + dead_time(self._setting("MODE"))
        while True:
            sampler.follow(now)
            if not sampler.complete or sampler.end + rest > now:
                break
            group = sampler.values
            sampler = found = self._sampling(sampler.end + rest, self.size)
        if found is not None:
            self._group = Group(self._with_jitter(group))
        return found

    def _look_for_dump(self, now: float) -> None:
        if self._sampler is None:
            return
        self._sampler.follow(now)
        if not self._sampler.complete:
            return
        self._done = self._sampler.end + dead_time(self._setting("MODE"))
        if now < self._done:
            return
        self._note_wait(self._armed)
        mode = self._setting("MODE")
        scale = BINARY_SCALES[mode] / (1000.0 if self._setting("EXPD") and mode in (3, 4) else 1.0)
        count = round(float(self._with_jitter(self._sampler.values)[0]) / scale)
        self._presented = True
        self.output.on_taken = self._taken
        self.output.push(int(count).to_bytes(8, "little", signed=True))

    def _note_wait(self, armed: float) -> None:
        """Remember how long this one took, to look in time for the next one."""
        self._waited.append(self._done - armed)

    def _taken(self) -> None:
        """Go on: the controller has fetched the sample, for which the counter was waiting."""
        if self._dumps_left:
            self._presented = False
            self._dumps_left -= 1
            self._armed = self._looked = max(self.wires.clock.now(), self._done)
            self._sampler = self._sampling(self._armed, 1)

    def next_event(self) -> float:
        """Return when a sample or a group can be there, or when to look for edges again."""
        dumping = self._dumps_left and not self._presented
        if not (self._waits or dumping or (self._measuring and self.status.service_enable)):
            return math.inf
        if self._done > max(self._looked, self._begun, self._armed):
            return self._done
        begun = self._begun if self._measuring else self._armed
        # Not before most of the time has passed that the fastest of the last ones took, then often enough to be exact:
        # a sample seen within LOOK_AGAIN of its end is seen before it is ready. What passed since the last look, while
        # the controller was busy, counts: then the next look is due at once.
        step = max(LOOK_AGAIN, 0.01 * (self._looked - begun))
        return max(begun + 0.7 * min(self._waited, default=0.0), self._looked + step)
