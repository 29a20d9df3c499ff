"""HiSLIP in front of a served bench, so that any VISA opens "TCPIP0::127.0.0.1::hislip0::INSTR".

A session has two connections to the one port of all instruments: the synchronous channel is a client like others
(`hislip`), the asynchronous one answers here for status, locks and clears (IVI-6.1, protocol version 1.0).
"""

from __future__ import annotations

import socket
import time as wall_time
from collections import deque
from collections.abc import Callable

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.clients import CHUNK
from pyvisa_mqt.serve.connections import Connection
from pyvisa_mqt.serve.hislip import DELIVERED, HislipClient
from pyvisa_mqt.serve.hislip_messages import HEAD_SIZE, LONGEST_PAYLOAD, Error, FatalError, Kind, Message, Reader, pack

__all__ = ["HislipChannel", "HislipHost"]

_VENDOR = int.from_bytes(b"MQ")
#: Least room in bytes that a client is believed to have for one message.
_LEAST_ROOM = 256
_MOST_CHANNELS = 128
#: Control code of an AsyncLock that gives a lock back, and of the response that refuses one.
_RELEASE = _REFUSED = 0


class HislipChannel(Connection):
    """A connection that has not said yet what it is, and then the asynchronous channel of a session.

    Parameters
    ----------
    host
        Who knows the instruments and the sessions.
    connection
        The socket.
    """

    def __init__(self, host: HislipHost, connection: socket.socket) -> None:
        super().__init__(connection)
        #: Session that it belongs to, None as long as it belongs to none.
        self.client: HislipClient | None = None
        self._host = host
        self._given_away = False
        self._reader = Reader()
        self._requests: deque[Message] = deque()
        # Wall time in s until which a lock is waited for.
        self._patience: float | None = None

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more."""
        return len(self._outgoing) < LONGEST_PAYLOAD and len(self._requests) < CHUNK // HEAD_SIZE

    def receive(self) -> None:
        """Take what has arrived."""
        try:
            data = self._socket.recv(CHUNK)
            self._requests.extend(self._reader.feed(data))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        except ValueError as exc:
            self._refuse(FatalError.POOR_HEAD, str(exc))
            return
        if not data:
            self.open = False

    def tell(self, data: bytes) -> None:
        """Send what the client has not asked for."""
        self._outgoing += data

    def execute(self) -> None:
        """Do what was asked for, in order; a lock that is taken keeps the rest waiting."""
        while self._requests and self.open:
            if self.client is None:
                self._greet(self._requests.popleft())
            elif not self._answer(self.client, self._requests[0]):
                return
            else:
                self._requests.popleft()

    def _greet(self, message: Message) -> None:
        if message.kind == Kind.INITIALIZE and message.payload is not None and not self._requests:
            refusal = self._host.open_session(self, message.payload.decode("latin-1"))
        elif message.kind == Kind.ASYNC_INITIALIZE:
            refusal = self._host.complete_session(self, message.parameter)
            self.tell(pack(Kind.ASYNC_INITIALIZE_RESPONSE, 0, _VENDOR) if refusal is None else b"")
        else:
            refusal = FatalError.INVALID_INITIALIZATION, "a connection begins with Initialize or AsyncInitialize"
        if refusal is not None:
            self._refuse(*refusal)

    def _refuse(self, why: FatalError, text: str) -> None:
        self.tell(pack(Kind.FATAL_ERROR, why, 0, text.encode()))
        self.send()
        self.open = False

    def _answer(self, client: HislipClient, message: Message) -> bool:
        """Answer a request; False if that has to wait."""
        kind, payload = message.kind, message.payload
        if payload is None:
            self.tell(pack(Kind.ERROR, Error.TOO_LARGE, 0, b"message too large"))
        elif kind == Kind.ASYNC_LOCK:
            return self._lock(client, message, payload)
        elif kind == Kind.ASYNC_LOCK_INFO:
            self.tell(client.lock_info())
        elif kind == Kind.ASYNC_STATUS_QUERY:
            self.tell(pack(Kind.ASYNC_STATUS_RESPONSE, client.status(bool(message.control & DELIVERED))))
        elif kind == Kind.ASYNC_DEVICE_CLEAR:
            client.clear()
            self.tell(pack(Kind.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE))
        elif kind == Kind.ASYNC_MAX_MESSAGE_SIZE and len(payload) == 8:
            client.room = max(min(int.from_bytes(payload), LONGEST_PAYLOAD), _LEAST_ROOM)
            self.tell(pack(Kind.ASYNC_MAX_MESSAGE_SIZE_RESPONSE, 0, 0, LONGEST_PAYLOAD.to_bytes(8)))
        elif kind == Kind.ASYNC_REMOTE_LOCAL_CONTROL:  # there is no front panel
            self.tell(pack(Kind.ASYNC_REMOTE_LOCAL_RESPONSE))
        elif kind == Kind.FATAL_ERROR:
            self.open = False
        elif kind != Kind.ERROR:
            self.tell(pack(Kind.ERROR, Error.UNRECOGNIZED_TYPE, 0, b"unrecognized message type"))
        return True

    def _lock(self, client: HislipClient, message: Message, key: bytes) -> bool:
        if message.control == _RELEASE:
            if not client.idle:  # what was sent under the lock is executed under it
                return False
            response: int | None = client.unlock()
        else:
            now = wall_time.monotonic()
            self._patience = now + message.parameter / 1000 if self._patience is None else self._patience
            response = client.lock(key.decode("latin-1"))
            if response is None and now < self._patience:
                return False
            self._patience = None
        self.tell(pack(Kind.ASYNC_LOCK_RESPONSE, _REFUSED if response is None else response))
        return True

    def give_away(self) -> socket.socket:
        """Return the socket: it becomes a synchronous channel, and this one ends without it."""
        self._given_away, self.open = True, False
        return self._socket

    def close(self) -> None:
        """Close the connection; the session ends with it."""
        self.open = False
        if not self._given_away:
            self._socket.close()
        if self.client is not None:
            self.client.end_of_client()


class HislipHost:
    """The instruments by their sub-addresses, and the sessions that are open.

    Parameters
    ----------
    bench
        The bench.
    admits
        Tells whether an instrument takes one more client now.
    real_time
        Whether the bench follows the wall clock.

    Attributes
    ----------
    port
        What addresses say of the port: "" for the usual one, otherwise a comma and the port.
    newcomers
        Sessions that were opened since somebody took them from here.
    """

    def __init__(self, bench: Bench, admits: Callable[[Line], bool], *, real_time: bool) -> None:
        self.port = ""
        self.newcomers: list[HislipClient] = []
        self.channels: list[HislipChannel] = []
        self._bench = bench
        self._admits = admits
        self._real_time = real_time
        self._places: dict[str, str] = {}
        self._sessions: dict[int, HislipClient] = {}
        self._opened = 0

    def add(self, sub_address: str, resource: str) -> None:
        """Give an instrument a sub-address, such as "hislip0"."""
        self._places[sub_address] = resource

    def address(self, host: str, number: int) -> str:
        """Return the VISA address of the instrument at this place of the bench."""
        return f"TCPIP0::{host}::hislip{number}{self.port}::INSTR"

    def accept(self, connection: socket.socket) -> HislipChannel | None:
        """Return the channel of a new connection; None if there are too many."""
        if len(self.channels) >= _MOST_CHANNELS:
            connection.close()
            return None
        channel = HislipChannel(self, connection)
        self.channels.append(channel)
        return channel

    def open_session(self, channel: HislipChannel, sub_address: str) -> tuple[FatalError, str] | None:
        """Begin a session on a connection that has said Initialize; return why not, None if it has begun."""
        resource = self._places.get(sub_address.lower() or next(iter(self._places), ""))
        if resource is None:
            known = ", ".join(self._places)
            return FatalError.INVALID_INITIALIZATION, f"there is no {sub_address!r} here; there are {known}"
        line = self._bench.lines[resource]
        self._sessions = {number: client for number, client in self._sessions.items() if client.open}
        if not self._admits(line):
            return FatalError.TOO_MANY_CLIENTS, f"{line.name} takes no more clients now"
        client = HislipClient(self._bench, line, resource, channel.give_away(), real_time=self._real_time)
        while self._opened in self._sessions or not self._opened:
            self._opened = (self._opened + 1) % (1 << 16)
        self._sessions[self._opened] = client
        client.greet(self._opened)
        self.newcomers.append(client)
        return None

    def complete_session(self, channel: HislipChannel, session_id: int) -> tuple[FatalError, str] | None:
        """Add the asynchronous channel to a session; return why not, None if it is complete."""
        client = self._sessions.get(session_id)
        if client is None or not client.open or client.channel is not None:
            return FatalError.INVALID_INITIALIZATION, f"no session {session_id} waits for its asynchronous channel"
        client.channel, channel.client = channel, client
        return None
