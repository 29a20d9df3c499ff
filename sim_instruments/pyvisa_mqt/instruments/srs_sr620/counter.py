"""Stanford Research Systems SR620 universal time interval counter, as a client sees it.

Commands, status bytes and timing: SR620 manual, collected in the project's instruments/srs-sr620.md. There
is no reading memory and no error queue. What no source confirms (U): power-on settings, digits of a
reply, 9E20 before the first measurement, bits of the serial-poll byte, that a new message abandons a
measurement that another one still waits for, that a finished group sets the OPC bit, and the layout of EDMP's
dump. Not modelled: displays, printer and scans.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from pyvisa_mqt.grammar.ieee488 import (
    COMMAND_ERROR,
    EXECUTION_ERROR,
    QUERY_ERROR,
    ErrorQueue,
    EventRegister,
    StatusModel,
)
from pyvisa_mqt.instruments.srs_sr620.commands import COMMANDS, SETTINGS, SrsError, parse_unit
from pyvisa_mqt.instruments.srs_sr620.timer import READY, Timer
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["SrsSR620"]

BUFFER = 256


class SrsSR620(Timer):
    """The counter: inputs "inputA" (or "input1"), "inputB" (or "input2") and "external".

    Options of the bench file: `serial_number`, `firmware`; `resolution` (s rms) of a single interval;
    `source_impedance` (Ohm) of what is connected to the inputs; `external_clock`, whether a time base is connected.
    """

    new_message_abandons = True

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self.triggers = EventRegister()
        self._looked_at_triggers = 0.0
        super().__init__(wires, rng, options)
        self.status = StatusModel({4: self.errors, 8: self.triggers}, ErrorQueue(1))
        self.terminator = b"\r\n"
        self._received = bytearray()
        self._overrun = False
        self._units: deque[str] = deque()

    def reset(self) -> None:
        """Do what *RST does."""
        self.terminator = b"\r\n"
        self.reset_timer()

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
        self.update_status()

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
            self.interrupted()
        if self._waits:
            self._abandon()
            self.status.event_status |= QUERY_ERROR
        self._end_dump()
        self._look()
        self._units.extend(message.split(";"))
        self.run()

    def interrupted(self) -> None:
        """Note a message in place of the reading of a reply."""
        self.status.event_status |= QUERY_ERROR

    def clear(self) -> None:
        """Do a device clear: buffers, waiting and dumping end."""
        self._received.clear()
        self._overrun = False
        self._abandon()
        self._end_dump()
        self.output.clear()
        self.update_status()

    def _abandon(self) -> None:
        self._waits = ""
        self._units.clear()
        self._replies.clear()

    def status_byte(self) -> int:
        """Return the serial poll status byte."""
        self._look()
        self.update_status()
        return self.status.poll(bool(self.output))

    def trigger(self) -> None:
        """Take a group execute trigger: start a measurement."""
        self.start()
        self.update_status()

    def update_status(self) -> None:
        """Bring the status byte up to date."""
        self.status.device_bits = 0 if self._measuring or self.busy else READY
        self.status.update(bool(self.output))

    def run(self) -> None:
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
                why = (
                    "no such command, or not in this form"
                    if error.bit == COMMAND_ERROR
                    else "a value that it does not take"
                )
                self.tell_refusal(f"{unit!r}: *ESR? bit {error.bit.bit_length() - 1}; {why}")
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
        self.setting_changed(name, item.ends_measurement)
        return None

    def _send(self) -> None:
        body = ";".join(self._replies).encode("latin-1")
        self._replies.clear()
        if len(body) > BUFFER:
            self.status.event_status |= QUERY_ERROR
            return
        self.output.push(body + (b"\n" if self.message_exchange else self.terminator))

    def clear_status(self) -> None:
        """Do what *CLS does: all four status bytes go, what triggered so far too; enables stay."""
        self.status.clear()
        self._looked_at_triggers = self.wires.clock.now()

    def trigger_status(self) -> int:
        """Return the counter's own status byte: which inputs were triggered since it was read, and armed."""
        now = self.now()
        for index, name in enumerate(("EXT", "A", "B")):
            if self._inputs.triggered(name, self._looked_at_triggers, now):
                self.triggers.latch(1 << index)
        self._looked_at_triggers = now
        if self._measuring or self._dumps_left:
            self.triggers.latch(8)
        return self.triggers.take()


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    lines = [part + b"\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines
