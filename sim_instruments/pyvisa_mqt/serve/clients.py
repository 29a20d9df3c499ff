"""The clients of a served bench, each in front of one instrument; a pseudo-terminal is in `terminals`.

Nothing here waits: the server asks each client what it has received and what is to be sent. All buffers
are bounded; a client that sends more than it reads is read no further.
"""

from __future__ import annotations

import math
import socket
import time as wall_time
from abc import ABC, abstractmethod
from collections import deque
from functools import partial
from typing import Any

from pyvisa import rname
from pyvisa.constants import ResourceAttribute, StatusCode
from pyvisa.typing import VISARMSession

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.messages.locks import ResourceLock
from pyvisa_mqt.serve.framing import Framing
from pyvisa_mqt.time_and_signals.interface_speed import Transport
from pyvisa_mqt.visa.sessions import BenchSession

__all__ = ["CHUNK", "FAREWELL", "PATIENCE", "Client", "SocketClient", "private_session"]

#: Bytes that are read or written at a time.
CHUNK = 1 << 16
# A session that PyVISA does not manage.
_NO_MANAGER = VISARMSession(0)
#: Messages that may wait for execution, and bytes that may wait for the client, before it is read no further.
_MOST_MESSAGES, _MOST_BYTES = 256, 1 << 22
#: Virtual time in s that passes at a time for a client that waits for an instrument, without real time: the server
#: looks after the others in between.
PATIENCE = 0.25
#: Wall time in s for which a client that sends no more may still be waiting for the reply to a query that takes long.
FAREWELL = 1.0
#: In real time a served message takes the time it takes: nothing is added.
_INSTANT = Transport(latency=0.0, byte_rate=math.inf)


def private_session(
    bench: Bench, line: Line, resource: str, name: str, lock: ResourceLock[BenchSession], *, real_time: bool
) -> BenchSession:
    """Return a client's session to one instrument, with replies of its own; `name` says what kind of line it is."""
    transport = _INSTANT if real_time else bench.transport(resource)
    parsed = rname.parse_resource_name(name)
    return BenchSession(_NO_MANAGER, parsed, line, bench.clock, transport, lock, private=True)


class Client(ABC):
    """One client of one instrument.

    Parameters
    ----------
    bench, line
        The bench, and the line to the instrument.
    resource
        The instrument's address on the bench.
    name
        VISA resource name that says what kind of line it is.
    real_time
        Whether the bench follows the wall clock; otherwise messages cost virtual time as the bench file says.
    lock
        The lock that holds it off, if its kind of line knows locks.
    """

    def __init__(
        self,
        bench: Bench,
        line: Line,
        resource: str,
        name: str,
        *,
        real_time: bool,
        lock: ResourceLock[BenchSession] | None = None,
    ) -> None:
        self.line = line
        self.open = True
        #: Whether the connection was broken off instead of being ended.
        self.broken_off = False
        #: Counts up with the messages executed on the bench: who was served longest ago is served next.
        self.turn = 0
        self._clock = bench.clock
        self._real_time = real_time
        lock = ResourceLock() if lock is None else lock
        self._new = partial(private_session, bench, line, resource, name, lock, real_time=real_time)
        self._session = self._new_session()
        self._waiting: deque[Any] = deque()  # as `_pass_on` takes them
        self._outgoing = bytearray()
        self._silent_since: float | None = None

    def _new_session(self) -> BenchSession:
        session = self._new()
        session.set_attribute(ResourceAttribute.timeout_value, int(1000 * PATIENCE))
        return session

    @property
    def lines(self) -> list[Line]:
        """The line to the instrument, and no other."""
        return [self.line]

    @property
    def dead(self) -> bool:
        """Whether a fault has broken the connection."""
        return self._session.dead

    def lose(self) -> None:
        """Take note that the connection is broken."""
        self.open = False

    @abstractmethod
    def fileno(self) -> int:
        """Return the file to wait for."""

    def look(self) -> None:  # noqa: B027  # most clients need not be looked after
        """Find out what no event tells."""

    @abstractmethod
    def receive(self) -> None:
        """Take what has arrived; a client that is gone is no longer `open`."""

    @abstractmethod
    def _transmit(self, data: bytes) -> int:
        """Send what goes without waiting and return how many bytes that were."""

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more."""
        room = len(self._waiting) < _MOST_MESSAGES and len(self._outgoing) < _MOST_BYTES
        return room and self._silent_since is None

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the client."""
        return bool(self._outgoing)

    @property
    def ready_at(self) -> float:
        """Bench time in s at which the next message can be executed; inf if there is none, or no room for its reply."""
        possible = self._waiting and not self.held_off and len(self._outgoing) < _MOST_BYTES
        return max(self.line.ready_at, 0.0) if possible else math.inf

    @property
    def held_off(self) -> bool:
        """Whether the instrument is at work on another client's message."""
        return self.line.instrument.busy and not self._session.answered

    @property
    def expects_reply(self) -> bool:
        """Whether this client's reply is still to come."""
        at_work = self.line.instrument.busy and self._session.answered
        return at_work or self._session.replies.due < math.inf

    @property
    def reply_due(self) -> float:
        """Bench time in s at which a reply comes that is held up on its way; inf if there is none."""
        return self._session.replies.due

    def execute(self) -> bool:
        """Execute the messages that are due, and collect the replies; return whether one was executed."""
        executed = False
        self.collect()
        instrument = self.line.instrument
        while self._waiting and self.open and not self.held_off and len(self._outgoing) < _MOST_BYTES:
            if instrument.busy and not instrument.new_message_abandons:
                break
            if self._real_time and self._clock.now() < self.line.ready_at:
                break
            executed = True
            self._pass_on(self._waiting.popleft())
            if self.dead:
                self.lose()
                break
            self.collect()
        return executed

    def collect(self) -> None:
        """Take the replies that are there; without real time, let it pass until they are."""
        replies = self._session.replies
        replies.arrive(self._clock.now())
        enough = self._clock.now() + PATIENCE
        while replies or (self.expects_reply and not self._real_time):
            if len(self._outgoing) >= _MOST_BYTES or self._clock.now() > enough:
                break
            data, status = self._session.read(CHUNK)
            if data:
                self._add_reply(data, status != StatusCode.success_max_count_read)
            if status == StatusCode.error_timeout or not data:
                break

    def _pass_on(self, message: Any) -> None:
        """Let the instrument have one message."""
        self._session.write(message)

    def _add_reply(self, data: bytes, ended: bool) -> None:  # a stream of bytes knows no END
        """Put a reply, or a part of one, behind what is to be sent."""
        self._outgoing += data

    def send(self) -> None:
        """Send what waits for the client, as far as it takes it."""
        try:
            sent = self._transmit(bytes(self._outgoing[:CHUNK]))
        except BlockingIOError:
            return
        except OSError:
            self.open = False
            return
        del self._outgoing[:sent]

    def take_leave(self) -> None:
        """End with a client that sends no more, once it has its replies or they take too long."""
        if self._silent_since is None or self._waiting or self._outgoing:
            return
        if not self.expects_reply or wall_time.monotonic() - self._silent_since > FAREWELL:
            self.open = False

    def close(self) -> None:
        """End it; an operation that it was waiting for is abandoned."""
        self.open = False
        if self.line.instrument.busy and self._session.answered:
            self.line.instrument.clear()
        self._session.close()


class SocketClient(Client):
    """A client at a raw socket, where a message ends with a line feed."""

    def __init__(self, bench: Bench, line: Line, resource: str, connection: socket.socket, *, real_time: bool) -> None:
        port = connection.getsockname()[1]
        super().__init__(bench, line, resource, f"TCPIP0::127.0.0.1::{port}::SOCKET", real_time=real_time)
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._framing = Framing(line.instrument)

    def fileno(self) -> int:
        """Return the socket's file."""
        return self._socket.fileno()

    def receive(self) -> None:
        """Take what has arrived, cut into messages; a client that ends its side may still wait for replies."""
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self.open, self.broken_off = False, True
            return
        if data:
            self._waiting.extend(self._framing.feed(data))
        elif self._silent_since is None:
            self._silent_since = wall_time.monotonic()

    def _transmit(self, data: bytes) -> int:
        return self._socket.send(data)

    def close(self) -> None:
        """Close the socket; what had no message end is dropped, which the transcript says."""
        if rest := self._framing.rest:
            self.line.instrument.tell_refusal(f"{rest[:80].decode('latin-1')!r} came without a message end")
        super().close()
        self._socket.close()
