"""VXI-11 in front of a served bench, so that any VISA opens "TCPIP0::127.0.0.1::inst0::INSTR".

The core channel and the abort channel (VXI-11 1.0, sections B.4 and B.6), which are one port here; `vxi11_interrupts`
is the third. A connection does
one call after the other; a call that has to wait is a generator, asked again whenever something may have happened.
"""

from __future__ import annotations

import math
import socket
import time as wall_time
from collections.abc import Callable, Generator
from typing import Protocol

from pyvisa.constants import StatusCode

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.clients import PATIENCE
from pyvisa_mqt.serve.rpc import Accepted, Arguments, Call, PoorCallError, RpcConnection, packed
from pyvisa_mqt.serve.vxi11_interrupts import InterruptChannel
from pyvisa_mqt.serve.vxi11_links import Fault, Vxi11Error, Vxi11Link

__all__ = ["LONGEST_DATA", "PROGRAMS", "Links", "Vxi11Channel"]

_CORE, _ABORT = 0x0607AF, 0x0607B0
#: Programs, and the version of each.
PROGRAMS = {_CORE: 1, _ABORT: 1}
#: Most bytes of one device_write, which create_link tells the client.
LONGEST_DATA = 1 << 20
_ROOM_FOR_THE_HEAD = 1024
_CREATE_LINK, _WRITE, _READ, _READ_STATUS, _TRIGGER, _CLEAR, _REMOTE, _LOCAL, _LOCK, _UNLOCK = range(10, 20)
_ENABLE_REQUESTS, _DO_COMMAND, _DESTROY_LINK, _CREATE_INTERRUPT, _DESTROY_INTERRUPT = 20, 22, 23, 25, 26
_DEVICE_ABORT = 1
_OVER_TCP = 0
_LONGEST_HANDLE = 40
#: What follows the error number where nothing else is to be told.
_NOTHING: dict[int, bytes] = {
    _CREATE_LINK: packed(0, 0, 0),
    _WRITE: packed(0),
    _READ: packed(0, b""),
    _READ_STATUS: packed(0),
    _DO_COMMAND: packed(b""),
}
_WAIT_FOR_LOCK, _END, _TERMINATION_SET = 1, 8, 128
# Why a device_read is over.
_COUNT_REACHED, _TERMINATED, _ENDED = 1, 2, 4
_REASONS = {
    StatusCode.success: _ENDED,
    StatusCode.success_termination_character_read: _TERMINATED,
    StatusCode.success_max_count_read: _COUNT_REACHED,
}

#: A call at work: it yields the bench time in s at which to ask again at the latest, and returns its result.
Work = Generator[float, None, bytes | Accepted]
Waiting = Generator[float, None, None]


class Links(Protocol):
    """What a connection knows of who keeps the instruments and all links."""

    bench: Bench
    real_time: bool
    port: int

    def create(self, channel: Vxi11Channel, device: str) -> tuple[int, Vxi11Link]:
        """Return a new link to the device of this name, and its number."""

    def forget(self, number: int) -> None:
        """Take note that a link has ended."""

    def abort(self, number: int) -> bool:
        """End the call that is at work for a link; False if there is no such link."""


class Vxi11Channel(RpcConnection):
    """One connection and its links; the server attends to it as to other clients.

    Parameters
    ----------
    host
        Who knows the instruments.
    connection
        The socket.

    Attributes
    ----------
    line
        The instrument that the call at work is for, None if there is none.
    turn
        Counts up with the messages executed on the bench, as for other clients.
    ready_at
        Bench time in s at which the call at work can go on; inf if only an event tells.
    reply_due
        Nothing of its own: `ready_at` says it all.
    """

    def __init__(self, host: Links, connection: socket.socket) -> None:
        super().__init__(connection, PROGRAMS, LONGEST_DATA + _ROOM_FOR_THE_HEAD)
        self.line: Line | None = None
        self.turn = 0
        self.ready_at = self.reply_due = math.inf
        self._host = host
        self._clock = host.bench.clock
        self._links: dict[int, Vxi11Link] = {}
        self._at_work: tuple[Call, Work] | None = None
        self._link: Vxi11Link | None = None
        self._executed = False
        self._interrupts: InterruptChannel | None = None
        self._procedures: dict[tuple[int, int], Callable[[Arguments], Work | bytes]] = {
            (_CORE, _CREATE_LINK): self._create_link,
            (_CORE, _WRITE): self._write,
            (_CORE, _READ): self._read,
            (_CORE, _READ_STATUS): self._read_status,
            (_CORE, _TRIGGER): self._trigger,
            (_CORE, _CLEAR): self._clear,
            (_CORE, _REMOTE): self._remote_or_local,
            (_CORE, _LOCAL): self._remote_or_local,
            (_CORE, _LOCK): self._take_lock,
            (_CORE, _UNLOCK): self._unlock,
            (_CORE, _ENABLE_REQUESTS): self._enable_requests,
            (_CORE, _DO_COMMAND): self._not_offered,
            (_CORE, _DESTROY_LINK): self._destroy_link,
            (_CORE, _CREATE_INTERRUPT): self._create_interrupts,
            (_CORE, _DESTROY_INTERRUPT): self._destroy_interrupts,
            (_ABORT, _DEVICE_ABORT): self._abort_another,
        }

    @property
    def lines(self) -> list[Line]:
        """The line of each link."""
        return [link.line for link in self._links.values()]

    @property
    def dead(self) -> bool:
        """Whether a fault has broken the connection."""
        return any(link.session.dead for link in self._links.values())

    @property
    def expects_reply(self) -> bool:
        """Whether a call is at work."""
        return self._at_work is not None

    @property
    def _caller(self) -> str:
        """The address the client comes from, "" once it is gone."""
        try:
            return str(self._socket.getpeername()[0])
        except OSError:
            return ""

    def lose(self) -> None:
        """Take note that the connection is broken."""
        self.open = False

    def look(self) -> None:
        """Find out nothing: events tell everything."""

    def take_leave(self) -> None:
        """End no sooner than the client does."""

    def execute(self) -> bool:
        """Do what was called for, in order, until a call has to wait; return whether an instrument got something."""
        self._executed = False
        while self.open:
            if self._at_work is None:
                call = self._next_call()
                if call is None:
                    break
                self._at_work = call, self._perform(call)
            if not self._go_on(*self._at_work):
                break
        if self._interrupts is not None:
            self._pass_on_requests(self._interrupts)
        return self._executed

    def _pass_on_requests(self, interrupts: InterruptChannel) -> None:
        for link in self._links.values():
            if link.handle is not None and link.session.take_service_request() and not interrupts.tell(link.handle):
                self._end_interrupts()
                return

    def _end_interrupts(self) -> None:
        if self._interrupts is not None:
            self._interrupts.close()
            self._interrupts = None

    def _go_on(self, call: Call, work: Work) -> bool:
        """Go on with a call; False if it has to wait."""
        try:
            self.ready_at = next(work)
        except StopIteration as end:
            self._finish(call, end.value)
        except Vxi11Error as exc:
            self._finish(call, packed(exc.fault) + _NOTHING.get(call.procedure, b""))
        except PoorCallError:
            self._finish(call, Accepted.GARBAGE_ARGUMENTS)
        else:
            return False
        return True

    def _perform(self, call: Call) -> Work:
        procedure = self._procedures.get((call.program, call.procedure))
        if procedure is None:
            return Accepted.PROCEDURE_UNAVAILABLE
        outcome = procedure(call.arguments)
        return outcome if isinstance(outcome, bytes) else (yield from outcome)

    def _finish(self, call: Call, result: bytes | Accepted) -> None:
        self._answer(call, result)
        self._at_work = self._link = self.line = None
        self.ready_at = math.inf

    def abort(self, number: int) -> None:
        """End the call at work if it is for this link."""
        if self._at_work is not None and self._link is self._links.get(number):
            call, work = self._at_work
            work.close()
            self._finish(call, packed(Fault.ABORT) + _NOTHING.get(call.procedure, b""))

    def close(self) -> None:
        """End the links with the connection, and what they were waiting for."""
        super().close()
        if self._at_work is not None:
            self._at_work[1].close()
        self._end_interrupts()
        for number in [*self._links]:
            self._destroy(number)

    # Waiting.

    def _now(self) -> float:
        """Return the time in s by which time-outs count: the wall clock's, or the bench's where messages move it."""
        return wall_time.monotonic() if self._host.real_time else self._clock.now()

    def _until(self, link: Vxi11Link, milliseconds: int, done: Callable[[], bool]) -> Waiting:
        """Wait for something of an instrument; behind the time-out that is the error."""
        deadline = self._now() + milliseconds / 1000
        while not done():
            if self._now() >= deadline:
                raise Vxi11Error(Fault.IO_TIMEOUT)
            if not self._host.real_time:
                link.session.wait_until(min(self._clock.now() + PATIENCE, deadline), done)
            if not done():
                yield link.next_look

    def _until_admitted(self, link: Vxi11Link, flags: int, milliseconds: int) -> Waiting:
        """Wait for another session's lock to go, if the client wants to; it goes by the wall clock, as clients do."""
        deadline = wall_time.monotonic() + milliseconds / 1000
        while not link.admitted:
            if not flags & _WAIT_FOR_LOCK or wall_time.monotonic() >= deadline:
                raise Vxi11Error(Fault.LOCKED_BY_ANOTHER_LINK)
            yield math.inf

    def _until_locked(self, link: Vxi11Link, flags: int, milliseconds: int) -> Waiting:
        yield from self._until_admitted(link, flags, milliseconds)
        if not link.lock():
            raise Vxi11Error(Fault.LOCKED_BY_ANOTHER_LINK)

    # The procedures.

    def _linked(self, arguments: Arguments) -> Vxi11Link:
        link = self._links.get(arguments.number())
        if link is None:
            raise Vxi11Error(Fault.INVALID_LINK)
        self._link, self.line = link, link.line
        return link

    def _create_link(self, arguments: Arguments) -> Work:
        arguments.number()  # the client's number for itself
        locks, lock_timeout, device = arguments.number(), arguments.number(), arguments.opaque()
        number, link = self._host.create(self, device.decode("latin-1"))
        self._links[number] = self._link = link
        self.line = link.line
        if locks:
            try:
                yield from self._until_locked(link, _WAIT_FOR_LOCK, lock_timeout)
            except Vxi11Error:
                self._destroy(number)
                raise
        return packed(Fault.NONE, number, self._host.port, LONGEST_DATA)

    def _write(self, arguments: Arguments) -> Work:
        link = self._linked(arguments)
        io_timeout, lock_timeout, flags = (arguments.number() for _ in range(3))
        data = arguments.opaque()
        if len(data) > LONGEST_DATA:
            raise Vxi11Error(Fault.PARAMETER_ERROR)
        yield from self._until_admitted(link, flags, lock_timeout)
        for message in link.framing.feed(data, end=bool(flags & _END)):
            yield from self._until(link, io_timeout, link.writable)
            self._executed = True
            link.session.write(message)
        return packed(Fault.NONE, len(data))

    def _read(self, arguments: Arguments) -> Work:
        link = self._linked(arguments)
        count, io_timeout, lock_timeout, flags, character = (arguments.number() for _ in range(5))
        termination = character & 0xFF if flags & _TERMINATION_SET else None
        yield from self._until_admitted(link, flags, lock_timeout)
        if not link.readable() and not link.expectant:
            link.line.instrument.starved()
        yield from self._until(link, io_timeout, link.readable)
        data, status = link.read(count, termination)
        if status not in _REASONS:  # a fault broke the line just now
            raise Vxi11Error(Fault.IO_ERROR)
        return packed(Fault.NONE, _REASONS[status], data)

    def _at_once(self, arguments: Arguments) -> Generator[float, None, Vxi11Link]:
        """Return the link of a call that waits for nothing but a lock."""
        link = self._linked(arguments)
        flags, lock_timeout, _ = (arguments.number() for _ in range(3))
        yield from self._until_admitted(link, flags, lock_timeout)
        return link

    def _read_status(self, arguments: Arguments) -> Work:
        link = yield from self._at_once(arguments)
        return packed(Fault.NONE, link.status())

    def _trigger(self, arguments: Arguments) -> Work:
        link = yield from self._at_once(arguments)
        link.session.assert_trigger()
        return packed(Fault.NONE)

    def _clear(self, arguments: Arguments) -> Work:
        link = yield from self._at_once(arguments)
        link.clear()
        return packed(Fault.NONE)

    def _remote_or_local(self, arguments: Arguments) -> Work:  # there is no front panel
        yield from self._at_once(arguments)
        return packed(Fault.NONE)

    def _take_lock(self, arguments: Arguments) -> Work:
        link = self._linked(arguments)
        flags, lock_timeout = arguments.number(), arguments.number()
        yield from self._until_locked(link, flags, lock_timeout)
        return packed(Fault.NONE)

    def _unlock(self, arguments: Arguments) -> bytes:
        link = self._linked(arguments)
        return packed(Fault.NONE if link.session.release() >= 0 else Fault.NO_LOCK_HELD)

    def _destroy_link(self, arguments: Arguments) -> bytes:
        number = arguments.number()
        if number not in self._links:
            raise Vxi11Error(Fault.INVALID_LINK)
        self._destroy(number)
        return packed(Fault.NONE)

    def _destroy(self, number: int) -> None:
        self._host.forget(number)
        self._links.pop(number).close()

    def _not_offered(self, _: Arguments) -> bytes:
        raise Vxi11Error(Fault.NOT_SUPPORTED)

    def _create_interrupts(self, arguments: Arguments) -> Work:
        address, port, program, version, family = (arguments.number() for _ in range(5))
        if self._interrupts is not None:
            raise Vxi11Error(Fault.CHANNEL_ESTABLISHED)
        where = socket.inet_ntoa(packed(address)), port
        # a client is called where it comes from: the bench calls nobody who has not called it
        if family != _OVER_TCP or where[0] != self._caller or not 0 < port < 1 << 16:
            raise Vxi11Error(Fault.PARAMETER_ERROR)
        interrupts = InterruptChannel(where, program, version)
        try:
            connected = yield from interrupts.connect()
        except GeneratorExit:  # the client has gone meanwhile
            interrupts.close()
            raise
        if not connected:
            raise Vxi11Error(Fault.CHANNEL_NOT_ESTABLISHED)
        self._interrupts = interrupts
        return packed(Fault.NONE)

    def _destroy_interrupts(self, _: Arguments) -> bytes:
        if self._interrupts is None:
            raise Vxi11Error(Fault.CHANNEL_NOT_ESTABLISHED)
        self._end_interrupts()
        return packed(Fault.NONE)

    def _enable_requests(self, arguments: Arguments) -> bytes:
        link = self._linked(arguments)
        enable, handle = arguments.number(), arguments.opaque()
        if len(handle) > _LONGEST_HANDLE:
            raise Vxi11Error(Fault.PARAMETER_ERROR)
        if enable and self._interrupts is None:
            raise Vxi11Error(Fault.CHANNEL_NOT_ESTABLISHED)
        link.tell_of_requests(handle if enable else None)
        return packed(Fault.NONE)

    def _abort_another(self, arguments: Arguments) -> bytes:
        return packed(Fault.NONE if self._host.abort(arguments.number()) else Fault.INVALID_LINK)
