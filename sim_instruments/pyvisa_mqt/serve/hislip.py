"""The synchronous channel of a HiSLIP session, where messages, triggers and replies pass, as one more client.

Status, locks and clears come on the asynchronous channel (`hislip_sessions`), which asks here for them. Synchronized
mode of protocol version 1.0 (IVI-6.1).
"""

from __future__ import annotations

import math
import socket
import time as wall_time
from typing import Protocol

from pyvisa.constants import AccessModes, EventMechanism, Lock, StatusCode

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.clients import CHUNK, Client
from pyvisa_mqt.serve.framing import Framing
from pyvisa_mqt.serve.hislip_messages import (
    HEAD_SIZE,
    LONGEST_PAYLOAD,
    Error,
    FatalError,
    Kind,
    Message,
    Reader,
    pack,
)

__all__ = ["DELIVERED", "AsyncChannel", "HislipClient"]

_VERSION = 0x0100  # 1.0: major and minor, a byte each
#: In the control code of a client's messages: it has read the whole reply to the message before.
DELIVERED = 1
_MESSAGE_AVAILABLE, _REQUEST = 16, 64
_PROGRAM_MESSAGES = frozenset({Kind.DATA, Kind.DATA_END, Kind.TRIGGER})
# Control codes of AsyncLockResponse; 0 is a lock that was not to be had in time.
_DONE, _DONE_SHARED, _MISTAKEN = 1, 2, 3


class AsyncChannel(Protocol):
    """What a session knows of its asynchronous channel."""

    open: bool

    def tell(self, data: bytes) -> None:
        """Send what the client has not asked for."""


class HislipClient(Client):
    """The synchronous channel of one session.

    Parameters
    ----------
    bench, line, resource, connection, real_time
        As for the client of a raw socket.
    """

    def __init__(self, bench: Bench, line: Line, resource: str, connection: socket.socket, *, real_time: bool) -> None:
        name = "TCPIP0::127.0.0.1::hislip0::INSTR"
        super().__init__(bench, line, resource, name, real_time=real_time, lock=bench.locks[resource])
        #: The asynchronous channel, None until the client has opened it.
        self.channel: AsyncChannel | None = None
        #: Room in bytes that the client has for one message.
        self.room = LONGEST_PAYLOAD
        self._socket = connection
        self._reader = Reader()
        self._message_id = 0
        self._framing = Framing(line.instrument)
        self._clearing = False
        # Whether the client has not yet said that it has read all of the last reply.
        self._unread = False
        self._requests_service = False
        self._session.enable_service_requests(EventMechanism.handler)

    def fileno(self) -> int:
        """Return the socket's file."""
        return self._socket.fileno()

    @property
    def held_off(self) -> bool:
        """Whether the instrument is at work on another client's message, or locked by one."""
        return super().held_off or not self._session.lock.admits(self._session)

    @property
    def idle(self) -> bool:
        """Whether all messages that have come were executed."""
        return not self._waiting

    def receive(self) -> None:
        """Take what has arrived; a client that ends its side may still wait for replies."""
        try:
            data = self._socket.recv(CHUNK)
            for message in self._reader.feed(data):
                self._take(message)
        except BlockingIOError:
            return
        except OSError:
            self.open, self.broken_off = False, True
            return
        except ValueError as exc:
            self._refuse(FatalError.POOR_HEAD, str(exc))
            return
        if not data:
            self.end_of_client()

    def end_of_client(self) -> None:
        """Take note that one of the client's two channels is closed."""
        if self._silent_since is None:
            self._silent_since = wall_time.monotonic()

    def _take(self, message: Message) -> None:
        if self.channel is None:
            self._refuse(FatalError.NOT_BOTH_CHANNELS, "the asynchronous channel is not open")
        elif message.payload is None:
            self._outgoing += pack(Kind.ERROR, Error.TOO_LARGE, 0, b"message too large")
        elif message.kind in _PROGRAM_MESSAGES:
            if not self._clearing:
                self._waiting.append(message)
        elif message.kind == Kind.DEVICE_CLEAR_COMPLETE:
            self._clearing = False
            self._outgoing += pack(Kind.DEVICE_CLEAR_ACKNOWLEDGE)
        elif message.kind == Kind.FATAL_ERROR:
            self.open = False
        elif message.kind != Kind.ERROR:
            self._outgoing += pack(Kind.ERROR, Error.UNRECOGNIZED_TYPE, 0, b"unrecognized message type")

    def _refuse(self, why: FatalError, text: str) -> None:
        self._outgoing += pack(Kind.FATAL_ERROR, why, 0, text.encode())
        self.send()
        self.open = False

    def greet(self, session_id: int) -> None:
        """Answer Initialize: synchronized mode, the version, the session's number."""
        self._outgoing += pack(Kind.INITIALIZE_RESPONSE, 0, _VERSION << 16 | session_id)

    def _pass_on(self, message: Message) -> None:
        if message.control & DELIVERED:
            self._unread = False
        if self._unread or self._session.replies.due < math.inf:
            self._interrupt(message.parameter)
        self._message_id = message.parameter
        if message.kind == Kind.TRIGGER:
            self._session.assert_trigger()
            return
        for whole in self._framing.feed(message.payload or b"", end=message.kind == Kind.DATA_END):
            self._session.write(whole)

    def _interrupt(self, message_id: int) -> None:
        """Drop a reply that the client has not read, and tell the instrument and the client on both channels."""
        self._unread = False
        self.line.answer_to(self._session.replies, message_exchange=True)
        self._session.replies.clear()
        self.line.instrument.interrupted()
        if self.channel is not None:
            self.channel.tell(pack(Kind.ASYNC_INTERRUPTED, 0, message_id))
        self._outgoing += pack(Kind.INTERRUPTED, 0, message_id)

    def _add_reply(self, data: bytes, ended: bool) -> None:
        self._unread = True
        room = self.room - HEAD_SIZE
        for start in range(0, len(data), room):
            last = ended and start + room >= len(data)
            kind = Kind.DATA_END if last else Kind.DATA
            self._outgoing += pack(kind, 0, self._message_id, data[start : start + room])

    def execute(self) -> bool:
        """Execute the messages that are due, collect the replies, pass on a service request."""
        executed = super().execute()
        if self.open and self.channel is not None and self._session.take_service_request():
            self._requests_service = True
            self.channel.tell(pack(Kind.ASYNC_SERVICE_REQUEST, self.line.instrument.status_byte() | _REQUEST))
        return executed

    def status(self, delivered: bool) -> int:
        """Return the status byte as a serial poll does; a reply that the client has not read counts as available."""
        if delivered:
            self._unread = False
        value, status = self._session.read_stb()
        if status == StatusCode.error_resource_locked:  # another client's lock does not hide the status
            value = self.line.instrument.status_byte()
        requested, self._requests_service = self._requests_service, False
        return value | _REQUEST * requested | _MESSAGE_AVAILABLE * self._unread

    def clear(self) -> None:
        """Do a device clear; until the client has confirmed it, what it sends is dropped."""
        self._waiting.clear()
        self._framing.clear()
        self._clearing, self._unread = True, False
        if self.line.instrument.busy and not self._session.answered:  # a query of another client goes on
            self._session.discard_input()
        else:
            self._session.clear()

    def lock(self, key: str) -> int | None:
        """Take the exclusive lock ("") or a shared one and return the response's control code; None if it is taken."""
        kind = Lock.shared if key else Lock.exclusive
        status = self._session.acquire(kind, key or None, 0)
        if status in (StatusCode.success_nested_exclusive, StatusCode.success_nested_shared):
            self._session.release()
            return _MISTAKEN
        if status == StatusCode.error_timeout:
            return None
        return _DONE if status >= 0 else _MISTAKEN

    def unlock(self) -> int:
        """Give back a lock, the exclusive one first, and return the response's control code."""
        lock = self._session.lock
        exclusive = lock.state == AccessModes.exclusive_lock and lock.admits(self._session)
        if self._session.release() < 0:
            return _MISTAKEN
        return _DONE if exclusive else _DONE_SHARED

    def lock_info(self) -> bytes:
        """Return the response to AsyncLockInfo."""
        lock = self._session.lock
        exclusive = lock.state == AccessModes.exclusive_lock
        return pack(Kind.ASYNC_LOCK_INFO_RESPONSE, int(exclusive), lock.holders)

    def take_leave(self) -> None:
        """End with a client that is gone; messages that another one's lock holds off are dropped."""
        if self._silent_since is not None and not self._session.lock.admits(self._session):
            self._waiting.clear()
        super().take_leave()

    def _transmit(self, data: bytes) -> int:
        return self._socket.send(data)

    def close(self) -> None:
        """Close both channels."""
        super().close()
        self._socket.close()
        if self.channel is not None:
            self.channel.open = False
