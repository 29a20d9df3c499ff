"""What the bench and the VISA sessions know of any simulated instrument: bytes, status, time."""

from __future__ import annotations

import abc
import math
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["InputBuffer", "Instrument", "OutputQueue", "read_options"]


class OutputQueue:
    """Replies waiting to be read, each ended by END; reading costs one copy of what is taken.

    Attributes
    ----------
    due
        Bench time in s at which a reply comes that is held up on its way; inf if there is none.
    """

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._position = 0
        self.due = math.inf
        #: Called when the last byte of a reply has been taken, once.
        self.on_taken: Callable[[], None] | None = None

    def arrive(self, now: float) -> None:
        """Let replies come that were held up until bench time `now` (s); here nothing ever is."""

    def __bool__(self) -> bool:
        return bool(self._messages)

    @property
    def fresh(self) -> bool:
        """Whether nothing of the first message has been read yet."""
        return self._position == 0

    def push(self, message: bytes) -> None:
        """Append a reply; an empty one is no reply."""
        if message:
            self._messages.append(message)

    def clear(self) -> None:
        """Drop everything."""
        self._messages.clear()
        self._position = 0

    def take(self, count: int, termination: int | None = None) -> tuple[bytes, bool, bool]:
        """Take at most `count` bytes of the first message.

        Parameters
        ----------
        termination
            Byte value behind which the taking stops, None if it does not matter.

        Returns
        -------
        tuple
            The bytes; whether the message's END came with the last one; whether the last one
            is the termination character.
        """
        message = self._messages[0]
        start = self._position
        stop = min(start + count, len(message))
        terminated = False
        if termination is not None:
            found = message.find(termination, start, stop)
            if found >= 0:
                stop = found + 1
                terminated = True
        ended = stop == len(message)
        if ended:
            self._messages.popleft()
            self._position = 0
            if self.on_taken is not None:
                taken, self.on_taken = self.on_taken, None
                taken()
        else:
            self._position = stop
        if start == 0 and ended:
            return message, ended, terminated
        return message[start:stop], ended, terminated


#: What a definite block begins with: it is a parameter, so it follows a separator.
_HEAD = re.compile(rb"(?<=[ ,\t])#(?=[1-9])")
#: Bytes of the longest head of a definite block: "#9" and nine digits.
_LONGEST_HEAD = 11
#: Bytes of the largest block that is waited for: a million points of four bytes, and some more.
_LARGEST_BLOCK = 1 << 23


class InputBuffer:
    """Collects bytes into program messages, ended by END or by a line feed outside binary blocks.

    Parameters
    ----------
    capacity
        Number of bytes without a message end that are kept, besides its binary blocks.
    keep_ends
        Whether the messages are returned as they came, with the terminators that ended them.
    """

    def __init__(self, capacity: int = 1 << 20, *, keep_ends: bool = False) -> None:
        self._capacity = capacity
        self._keep_ends = keep_ends
        self._bytes = bytearray()
        self._overrun = False
        self._searched = 0  # up to here the unfinished message holds neither its end nor the head of a block
        self._blocks = 0  # bytes of the unfinished message up to the end of its last block, which may be on its way

    @property
    def rest(self) -> bytes:
        """The unfinished message."""
        return bytes(self._bytes)

    @property
    def unfinished(self) -> bool:
        """Whether a message has begun, also one that was too long to be kept."""
        return bool(self._bytes) or self._overrun

    def clear(self) -> None:
        """Drop an unfinished message."""
        self._bytes.clear()
        self._overrun = False
        self._searched = self._blocks = 0

    def feed(self, data: bytes, end: bool) -> tuple[list[str], bool]:
        """Add bytes and return the messages they complete, and whether one was too long.

        The messages are decoded byte for byte (latin-1), without their terminators. A message
        that overran the buffer is dropped up to its end.
        """
        overran = False
        if (
            not self._bytes
            and not self._overrun
            and (end or (data[-1:] == b"\n" and not self._keep_ends))
            and b"#" not in data
            and data.find(b"\n") in (-1, len(data) - 1)
        ):
            return [data.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")], False
        self._bytes += data
        messages = []
        for piece in self._pieces(end):
            if self._overrun:
                self._overrun = False
                continue
            messages.append(piece.decode("latin-1"))
        if len(self._bytes) > self._capacity + min(self._blocks, _LARGEST_BLOCK):
            self._bytes.clear()
            self._searched = self._blocks = 0
            overran = not self._overrun
            self._overrun = True
        return messages, overran

    def _pieces(self, end: bool) -> list[bytes]:
        """Cut off the complete messages, without their terminators but with every byte of their blocks."""
        buffered = bytes(self._bytes)
        pieces = []
        start, position, feed = 0, self._searched, -1
        searched = position
        while True:
            if feed < position:
                feed = buffered.find(b"\n", position)
                feed = len(buffered) if feed < 0 else feed
            found = _HEAD.search(buffered, position, feed)
            if found is not None:
                block = found.start()
                stop = _block_stop(buffered, block)
                self._blocks = stop - start if stop > block + 1 else self._blocks
                if stop > len(buffered):  # the rest of the block is still to come
                    searched = block
                    break
                position = stop
                searched = stop if stop > block + 1 else searched
                continue
            if feed == len(buffered):
                # The last bytes may be the beginning of a block's head, unless a block ends among them.
                searched = max(searched, len(buffered) - _LONGEST_HEAD)
                break
            if self._keep_ends:
                pieces.append(buffered[start : feed + 1])
            else:
                pieces.append(buffered[start:position] + buffered[position:feed].removesuffix(b"\r"))
            start = position = feed + 1
            self._blocks = 0
        rest = buffered[start:]
        if end and rest:
            pieces.append(buffered[start:position] + buffered[position:].removesuffix(b"\r"))
            rest = b""
        self._bytes = bytearray(rest)
        self._searched = max(searched - start, 0) if rest else 0
        self._blocks = self._blocks if rest else 0
        return pieces


def _block_stop(data: bytes, position: int) -> int:
    """Return where the definite block at `position` ends, or the next position if it is none.

    One that no instrument here could hold is none: otherwise a malformed message would swallow those behind it.
    """
    digits = data[position + 1 : position + 2]
    count = data[position + 2 : position + 2 + int(digits)]
    if not count.isdigit() or len(count) < int(digits) or int(count) > _LARGEST_BLOCK:
        return position + 1
    return position + 2 + int(digits) + int(count)


class Instrument(abc.ABC):
    """Base of all simulated instruments.

    Parameters
    ----------
    wires
        The bench as this instrument sees it.
    rng
        This instrument's own random numbers.
    options
        Its section of the bench file; unknown keys are refused.

    Attributes
    ----------
    output
        Replies waiting to be read.
    message_exchange
        Whether the interface carries IEEE 488.2's message exchange (GPIB, USB-TMC, VXI-11),
        which a raw socket or serial line does not; the session that opens it sets this.
    """

    #: Least time in s between the arrivals of two messages; earlier ones wait on the bus.
    message_interval: ClassVar[float] = 0.0
    #: The bench lets it live on every so many ticks; more where nothing on the bench depends on when it looks.
    ticks_apart: ClassVar[int] = 1
    #: How many clients a served socket takes; the next one finds it closed.
    most_sockets: ClassVar[int] = 8
    #: Whether a message ends the wait for a measurement that an earlier one asked for, instead of waiting behind it.
    new_message_abandons: ClassVar[bool] = False
    #: What the bench file can set, with the default of each.
    option_defaults: ClassVar[Mapping[str, Any]] = {"serial_number": ""}
    #: Base units of the options that are quantities; a bench file writes those with their unit.
    option_units: ClassVar[Mapping[str, str]] = {}
    #: What every instrument has besides: sockets that are taken when it is served (0: as the model does), and how long
    #: (s) a new one is refused behind one that was broken off.
    served_options: ClassVar[Mapping[str, Any]] = {"sockets": 0, "refusal_time": 0.0}
    served_units: ClassVar[Mapping[str, str]] = {"refusal_time": "s"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self.wires = wires
        self.rng = rng
        known = {**self.served_options, **self.option_defaults}
        self.options = read_options(options, known, type(self).__name__)
        for key in self.served_options:
            if self.options[key] < 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give at least 0")
        #: Told why, when a message or a part of it is refused; None for nobody.
        self.on_refusal: Callable[[str], None] | None = None
        self.output = OutputQueue()
        self.message_exchange = True

    @property
    def socket_places(self) -> int:
        """How many clients a served socket takes."""
        return int(self.options["sockets"]) or self.most_sockets

    def tell_refusal(self, why: str) -> None:
        """Say why something was refused, to whoever writes it down."""
        if self.on_refusal is not None:
            self.on_refusal(why)

    @property
    def busy(self) -> bool:
        """Whether a query is waiting for something to happen before it is answered."""
        return False

    def disconnected(self, replies: OutputQueue) -> None:  # noqa: B027
        """Take note that the connection has ended to which these replies went."""

    @property
    def waiting_since(self) -> float | None:
        """Since when (bench time, s) a query waits for something at an input; None if none does."""
        return None

    def what_is_awaited(self) -> str:
        """Return what it waits for, and what there is instead: "a start on input A at 0.00 V; the signal ..."."""
        return "something at an input"

    @property
    def service_requests(self) -> int:
        """How many service requests were asserted since power-on."""
        return 0

    @property
    def requesting_service(self) -> bool:
        """Whether a service request is asserted now."""
        return False

    @abc.abstractmethod
    def write(self, data: bytes, end: bool) -> None:
        """Take bytes from the bus; `end` tells that END came with the last one."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Do a device clear: buffers go, settings and status stay."""

    @abc.abstractmethod
    def status_byte(self) -> int:
        """Return the status byte as a serial poll does."""

    # Hooks: what follows does nothing unless a model has something to do then.

    def trigger(self) -> None:  # noqa: B027
        """Take a group execute trigger."""

    def starved(self) -> None:  # noqa: B027
        """Note that a read found nothing and nothing is on its way."""

    def interrupted(self) -> None:  # noqa: B027
        """Note that a new message came before the reply to the one before was read."""

    def advance(self, now: float) -> None:  # noqa: B027
        """Live until bench time `now` (s)."""

    def power_cycle(self) -> None:
        """Lose power and get it back: everything as at power-on but what is non-volatile."""
        fresh = type(self)(self.wires, self.rng, self.options)
        fresh.message_exchange, fresh.on_refusal = self.message_exchange, self.on_refusal
        fresh.inherit(self)
        # Clients hold on to this object, so it takes over the new one's whole state, shared with what the
        # new one's own parts refer to.
        self.__dict__ = fresh.__dict__

    def inherit(self, before: Self) -> None:  # noqa: B027
        """Take over from the instrument before a power cycle what is non-volatile."""

    def next_event(self) -> float:
        """Return the bench time in s of the next thing that happens by itself, inf if there is none."""
        return math.inf


def read_options(options: Mapping[str, Any], defaults: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Fill in defaults and refuse what is unknown or of another type.

    A number may be given where the default is a number; a default of None takes anything.

    Raises
    ------
    ValueError
        Naming the key.
    """
    values = dict(defaults)
    for key, value in options.items():
        if key not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            raise ValueError(f"{owner} has no option {key!r}; known options: {known}")
        values[key] = _converted(key, value, defaults[key], owner)
    return values


def _converted(key: str, value: Any, default: Any, owner: str) -> Any:
    if default is None:
        return value
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(default, float):
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif isinstance(value, type(default)) and not isinstance(value, bool):
        return value
    raise ValueError(f"option {key!r} of {owner} is {value!r}; give a {type(default).__name__} such as {default!r}")
