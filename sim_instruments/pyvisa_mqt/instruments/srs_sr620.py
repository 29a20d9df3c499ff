"""Stanford Research Systems SR620 universal time interval counter, as a client sees it.

Commands, status bytes and timing: SR620 manual, collected in the project's instruments/srs-sr620.md. There
is no reading memory and no error queue. What no source confirms (U): power-on settings, digits of a
reply, 9E20 before the first measurement, bits of the serial-poll byte, and that a new message abandons a
measurement that another one still waits for. Not modelled: AC coupling and the load of 50 Ohm, displays,
printer, scans and EDMP's dump.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..ieee488 import (
    COMMAND_ERROR,
    EXECUTION_ERROR,
    OPERATION_COMPLETE,
    QUERY_ERROR,
    ErrorQueue,
    EventRegister,
    StatusModel,
)
from ..signals import Wires
from .base import Instrument
from .srs_sr620_commands import COMMANDS, SETTINGS, SIZES, SrsError, parse_unit
from .srs_sr620_samples import BINARY_SCALES, Group, dead_time, take_samples

__all__ = ["SrsSR620"]

BUFFER = 256
NO_VALUE = 9e20
#: Time in s behind the last sample of a group until it can be read as text: end of group, and conversion.
END_OF_GROUP, ASCII_TIME, STATISTICS_TIME = 5e-3, 250e-6, 10e-3
#: How far back in s the first look for an automatic measurement goes; doubled until it finds one.
LOOK_BACK = 0.1
#: Longest step in s in which edges are looked for while a client waits; shorter than the time a sample needs.
LOOK_AGAIN = 0.7e-3
READY, MAV = 1, 16
CONNECTORS = {"A": ("inputA", "input1"), "B": ("inputB", "input2"), "EXT": ("external",)}
LADDER = np.concatenate([-5.0 * 0.5 ** np.arange(12), [0.0], 5.0 * 0.5 ** np.arange(11, -1, -1)])


class SrsSR620(Instrument):
    """The counter: inputs "inputA" (or "input1"), "inputB" (or "input2") and "external".

    Options of the bench file: `serial_number`, `firmware`; `resolution` (s rms) of a single interval.
    """

    option_defaults: ClassVar = {"serial_number": "02500", "firmware": "1.48", "resolution": 25e-12}
    option_units: ClassVar = {"resolution": "s"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        if self.options["resolution"] < 0:
            raise ValueError(f"option 'resolution' is {self.options['resolution']}; give a time of at least 0 s")
        self.errors, self.triggers = EventRegister(), EventRegister()
        self.status = StatusModel({4: self.errors, 8: self.triggers}, ErrorQueue(1))
        self.settings: dict[tuple[str, int], float] = {}
        self.terminator = b""
        self._received = bytearray()
        self._overrun = False
        self._units: deque[str] = deque()
        self._replies: list[str] = []
        self._waits = ""
        self._dumps_left = 0
        self._presented = False
        self._group: Group | None = None
        self._waited: deque[float] = deque(maxlen=8)
        self._reset_settings()

    def _reset_settings(self) -> None:
        self.settings = {(name, index): item.default for name, item in SETTINGS.items() for index in item.indices}
        self.terminator = b"\r\n"
        self._group, self._measuring = None, False
        self._begun = self._armed = self._done = self._looked = self.wires.clock.now()
        self._waited.clear()

    def reset(self) -> None:
        """Do what *RST does."""
        self._stop()
        self._reset_settings()

    # The byte level.

    @property
    def busy(self) -> bool:
        """Whether a reply or a sample is on its way."""
        return bool(self._waits) or self._dumps_left > 0

    @property
    def service_requests(self) -> int:
        """How many service requests were asserted since power-on."""
        return self.status.service_requests

    @property
    def requesting_service(self) -> bool:
        """Whether a service request is asserted now."""
        return self.status.requesting

    def write(self, data: bytes, end: bool) -> None:
        """Take bytes from the bus; a line feed, END or on a serial line a carriage return ends a message."""
        if not self.message_exchange:
            data = data.replace(b"\r", b"\n")
        for piece in _lines(data):
            self._received += piece
            if len(self._received) > BUFFER + 2:
                self._received.clear()
                self._overrun = True
            if piece.endswith(b"\n"):
                self._message_ends()
        if end and self._received:
            self._message_ends()
        self._update()

    def _message_ends(self) -> None:
        message = self._received.decode("latin-1").strip()
        self._received.clear()
        overrun, self._overrun = self._overrun, False
        if overrun:
            self.status.event_status |= EXECUTION_ERROR
            return
        if not message:
            return
        if self.output and not self._dumps_left and self.message_exchange:
            self.output.clear()
            self.status.event_status |= QUERY_ERROR
        if self._waits:
            self._abandon()
            self.status.event_status |= QUERY_ERROR
        self._end_dump()
        self._units.extend(message.split(";"))
        self._run()

    def clear(self) -> None:
        """Do a device clear: buffers, waiting and dumping end."""
        self._received.clear()
        self._overrun = False
        self._abandon()
        self._end_dump()
        self.output.clear()
        self._update()

    def _abandon(self) -> None:
        self._waits = ""
        self._units.clear()
        self._replies.clear()

    def status_byte(self) -> int:
        """Return the serial poll status byte."""
        self._update()
        return self.status.poll(bool(self.output))

    def trigger(self) -> None:
        """Take a group execute trigger: start a measurement."""
        self.start()
        self._update()

    def _update(self) -> None:
        self.status.device_bits = 0 if self._measuring or self.busy else READY
        self.status.update(bool(self.output))

    def _run(self) -> None:
        """Execute what was received, until something has to wait."""
        while self._units and not self._waits:
            unit = self._units.popleft().strip()
            if not unit:
                continue
            self._end_dump()
            try:
                reply = self._execute(unit)
            except SrsError as error:
                self.status.event_status |= error.bit
                continue
            if reply is not None:
                self._replies.append(reply)
        if self._replies and not self._waits:
            self._send()

    def _execute(self, unit: str) -> str | None:
        name, asks, values = parse_unit(unit)
        command = COMMANDS.get(name)
        if command is not None:
            return command(self, asks, values)
        item = SETTINGS.get(name)
        if item is None:
            raise SrsError(COMMAND_ERROR)
        index, given = item.split(values, asks)
        if asks:
            return item.text(self.settings[name, index])
        self.settings[name, index] = item.checked(given)
        if item.ends_measurement:
            self._stop()
        return None

    def _send(self) -> None:
        body = ";".join(self._replies).encode("latin-1")
        self._replies.clear()
        if len(body) > BUFFER:
            self.status.event_status |= QUERY_ERROR
            return
        self.output.push(body + (b"\n" if self.message_exchange else self.terminator))

    # Measuring.

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

    def _stop(self) -> None:
        self._measuring = False
        self._begun = self._armed = self.wires.clock.now()

    def stop(self) -> None:
        """Do what STOP does."""
        self._stop()

    def wait(self, what: str) -> None:
        """Hold everything up until the present group is done; then answer `what` ("" for nothing, as *WAI)."""
        if self._measuring:
            self._waits = what or "wait"

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

    def dump(self, count: int) -> None:
        """Do what BDMP does: so many samples, one after the other, in binary."""
        self._stop()
        self._find_levels()
        self._dumps_left, self._presented = count, False

    def _end_dump(self) -> None:
        if self._dumps_left:
            self._dumps_left = 0
            if self._presented:
                self.output.clear()
            self._presented = False

    def _find_levels(self) -> None:
        """Put the threshold of an input with auto-level into the middle of what it has seen lately."""
        now = self.wires.clock.now()
        for index, name in ((1, "A"), (2, "B")):
            if not self.settings["TMOD", index]:
                continue
            seen = [v for v in LADDER.tolist() if len(self._edges(name, v, True, now - LOOK_BACK, now))]
            if seen:
                self.settings["LEVL", index] = round((seen[0] + seen[-1]) / 2, 2)

    def _edges(self, name: str, level: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        found = [self.wires.edges(port, level, rising, since, until) for port in CONNECTORS[name]]
        return np.sort(np.concatenate(found))

    def _probe(self, name: str, since: float, until: float, opposite: bool) -> NDArray[np.float64]:
        index = {"EXT": 0, "A": 1, "B": 2}[name]
        rising = bool(self.settings["TSLP", index]) == opposite
        return self._edges(name, self.settings["LEVL", index], rising, since, until)

    def _samples(self, armed: float, now: float, limit: int) -> Any:
        source = "B" if self._setting("SRCE") == 1 else "A"
        return take_samples(
            self._probe, self._setting("MODE"), source, self._setting("ARMM"), armed=armed, now=now, limit=limit
        )

    def _with_jitter(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        noise = self.options["resolution"] * self.rng.standard_normal(len(values))
        mode = self._setting("MODE")
        if mode in (3, 5, 6):  # of a frequency, phase or count the resolution shows elsewhere, if at all
            return values
        return np.asarray(values + noise)

    def advance(self, now: float) -> None:
        """Live until bench time `now` (s)."""
        if self._waits or self._dumps_left:
            self._look()
        if self.status.service_enable:
            self._look()
            self._update()

    def _look(self) -> None:
        """See what the present group or dump has come to."""
        now = self.wires.clock.now()
        self._looked = now
        if self._dumps_left and not self._presented:
            self._look_for_dump(now)
        if not self._measuring:
            return
        readings = self._samples(self._begun, now, self.size)
        if len(readings.values) < self.size:
            return
        rest = END_OF_GROUP + ASCII_TIME + (STATISTICS_TIME if self.size > 1 else 0.0)
        self._done = float(readings.ends[-1]) + dead_time(self._setting("MODE")) + rest
        if now >= self._done:
            self._finish(readings.values)

    def _finish(self, values: NDArray[np.float64]) -> None:
        self._note_wait(self._begun)
        self._group = Group(self._with_jitter(values))
        self._measuring = False
        self._begun = self._armed = self._done
        self.status.event_status |= OPERATION_COMPLETE
        waits, self._waits = self._waits, ""
        if waits.startswith("statistic"):
            self._replies.append(self.statistic(int(waits[-1])))
        if waits:
            self._run()
        self._update()

    def _look_back(self) -> None:
        """Find the last group that the automatic measurement has finished."""
        now = self.wires.clock.now()
        span = LOOK_BACK
        rest = END_OF_GROUP + ASCII_TIME + dead_time(self._setting("MODE"))
        while True:
            begin = max(self._begun, now - span)
            group: NDArray[np.float64] | None = None
            while True:
                readings = self._samples(begin, now, self.size)
                if len(readings.values) < self.size or readings.ends[-1] + rest > now:
                    break
                group, begin = readings.values, float(readings.ends[-1]) + rest
            if group is not None:
                self._group = Group(self._with_jitter(group))
                return
            if now - span <= self._begun:
                return
            span *= 4

    def _look_for_dump(self, now: float) -> None:
        readings = self._samples(self._armed, now, 1)
        if not len(readings.values):
            return
        self._done = float(readings.ends[0]) + dead_time(self._setting("MODE"))
        if now < self._done:
            return
        self._note_wait(self._armed)
        mode = self._setting("MODE")
        scale = BINARY_SCALES[mode] / (1000.0 if self._setting("EXPD") and mode in (3, 4) else 1.0)
        count = round(float(self._with_jitter(readings.values)[0]) / scale)
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
            self._armed = max(self.wires.clock.now(), self._done)

    def next_event(self) -> float:
        """Return when a sample or a group can be there, or when to look for edges again."""
        waiting = self._waits or self._measuring or (self._dumps_left and not self._presented)
        if not waiting:
            return math.inf
        now = self.wires.clock.now()
        if self._done > max(now, self._begun, self._armed):
            return self._done
        begun = self._begun if self._measuring else self._armed
        # Not before most of the time has passed that the fastest of the last ones took, then often enough to be exact.
        return max(begun + 0.7 * min(self._waited, default=0.0), now + max(LOOK_AGAIN, 0.01 * (now - begun)))

    def clear_status(self) -> None:
        """Do what *CLS does: all four status bytes go, what triggered so far too; enables stay."""
        self.status.clear()
        self._looked_at_triggers = self.wires.clock.now()

    def trigger_status(self) -> int:
        """Return the counter's own status byte: which inputs were triggered since it was read, and armed."""
        now = self.wires.clock.now()
        for index, name in enumerate(("EXT", "A", "B")):
            if len(self._probe(name, self._looked_at_triggers, now, False)):
                self.triggers.latch(1 << index)
        self._looked_at_triggers = now
        if self._measuring or self._dumps_left:
            self.triggers.latch(8)
        return self.triggers.take()

    _looked_at_triggers = 0.0


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
