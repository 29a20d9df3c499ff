"""The line between one simulated instrument and its clients: where messages are recorded and go wrong.

Sessions pass every message through their instrument's `Line`, and look at it only while it is
`active`, that is recorded or disturbed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from pyvisa_mqt.grammar.instrument import Instrument, OutputQueue
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.messages.transcript import Transcript

__all__ = ["Disturbance", "Line", "ReplyQueue"]


class Disturbance(Protocol):
    """A fault on a line."""

    def on_message(self, line: Line, data: bytes) -> bool:
        """Look at a message before the instrument gets it; True swallows it."""

    def on_reply(self, line: Line, reply: bytes) -> bytes | None:
        """Return the reply as it leaves the instrument; None if it does not leave, or not now."""


class ReplyQueue(OutputQueue):
    """Replies on their way to one connection; the faults see each as it enters, and it can be held up.

    Parameters
    ----------
    line
        The line whose replies these are.
    """

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line
        self._held: list[tuple[float, bytes]] = []

    @property
    def count(self) -> int:
        """Number of bytes that can be read now."""
        return sum(map(len, self._messages)) - self._position

    def push(self, message: bytes) -> None:
        """Append a reply, if the faults let it through, behind what has come late in the meantime."""
        if not self._line.disturbed:
            super().push(message)
            return
        self.arrive(self._line.now)
        changed = self._line.change(message) if message else None
        if changed is not None:
            super().push(changed)

    def hold_up(self, message: bytes, until: float) -> None:
        """Let a reply come at bench time `until` (s)."""
        self._held.append((until, message))
        self._held.sort(key=lambda held: held[0])
        self.due = self._held[0][0]

    def arrive(self, now: float) -> None:
        """Let the replies come that were held up until now (s)."""
        while self._held and self._held[0][0] <= now:
            super().push(self._held.pop(0)[1])
        self.due = self._held[0][0] if self._held else math.inf

    def clear(self) -> None:
        """Drop what is there, and with IEEE 488.2's message exchange also what is on its way."""
        super().clear()
        if self._line.instrument.message_exchange:
            self._held.clear()
        self.arrive(self._line.now)
        super().clear()


class Line:
    """One instrument's line.

    Parameters
    ----------
    name
        The instrument's name on the bench.
    instrument
        The instrument at its end.
    now
        Returns the bench time in s.
    transcript
        Where messages are recorded, None for nowhere.

    Attributes
    ----------
    active
        Whether there is anything to record or to disturb.
    message
        The last message to the instrument.
    messages
        How many messages went to the instrument while the line was active.
    generation
        Grows when a connection breaks; a session of an older generation is dead.
    ready_at
        Bench time in s from which the instrument takes the next message.
    bus
        Replies to whoever reads them, as on GPIB; each raw socket has a queue of its own.
    """

    def __init__(
        self, name: str, instrument: Instrument, now: Callable[[], float], transcript: Transcript | None
    ) -> None:
        self.name = name
        self.instrument = instrument
        self.transcript = transcript
        self.message = b""
        self.messages = 0
        self.generation = 0
        self._now = now
        self._down_until = -math.inf
        self._disturbances: list[Disturbance] = []
        self.active = transcript is not None
        self.ready_at = -math.inf
        self.bus = ReplyQueue(self)
        instrument.output = self.bus
        if transcript is not None:
            instrument.on_refusal = lambda why: transcript.note(now(), "refused", instrument=name, reason=why)

    @property
    def now(self) -> float:
        """Bench time in s."""
        return self._now()

    @property
    def down(self) -> bool:
        """Whether nothing can be connected at present."""
        return self._now() < self._down_until

    @property
    def disturbed(self) -> bool:
        """Whether a fault looks at what passes."""
        return bool(self._disturbances)

    def disturb(self, disturbance: Disturbance) -> None:
        """Let a fault see what passes from now on."""
        self.active = True
        self._disturbances.append(disturbance)

    def leave(self, disturbance: Disturbance) -> None:
        """Let a fault see nothing any more."""
        if disturbance in self._disturbances:
            self._disturbances.remove(disturbance)

    def answer_to(self, replies: OutputQueue, message_exchange: bool) -> None:
        """Let the instrument answer one connection: whoever has sent it the latest message."""
        self.instrument.output = replies
        self.instrument.message_exchange = message_exchange

    def power_cycle(self) -> None:
        """Take the instrument's power away and give it back."""
        self.instrument.power_cycle()
        self.bus = ReplyQueue(self)
        self.instrument.output = self.bus

    def disconnect(self, duration: float) -> None:
        """Break all connections; new ones are possible after `duration` (s)."""
        self.active = True
        self.generation += 1
        self._down_until = self._now() + duration
        self.instrument.clear()

    def received(self, data: bytes, end: bool) -> bool:
        """Take note of bytes on their way to the instrument; False if they get lost."""
        self.message = bytes(data)
        self.messages += 1
        if self.transcript is not None:
            self.transcript.message(self._now(), self.name, "to", self.message, end)
        lost = [fault.on_message(self, self.message) for fault in tuple(self._disturbances)]
        return not any(lost)

    def sent(self, data: bytes, end: bool) -> None:
        """Take note of bytes that a client has read."""
        if self.transcript is not None and data:
            self.transcript.message(self._now(), self.name, "from", data, end)

    @property
    def speaks_scpi(self) -> bool:
        """Whether the instrument at the end speaks SCPI."""
        return isinstance(self.instrument, ScpiInstrument)

    def event(self, kind: str) -> None:
        """Take note of what is no message: "clear", "trigger", "poll"."""
        if self.transcript is not None:
            self.transcript.note(self._now(), kind, instrument=self.name)

    def hold_up(self, reply: bytes, delay: float) -> None:
        """Let a reply come `delay` (s) late."""
        output = self.instrument.output
        if isinstance(output, ReplyQueue):
            output.hold_up(reply, self._now() + delay)

    def change(self, reply: bytes) -> bytes | None:
        """Return a reply as the faults let it through, None if they do not."""
        changed: bytes | None = reply
        for fault in tuple(self._disturbances):
            if changed is None:
                return None
            changed = fault.on_reply(self, changed)
        return changed
