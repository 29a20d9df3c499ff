"""ONC RPC (RFC 5531) over TCP and its XDR (RFC 4506), as far as the bench's VXI-11 and port mapper need them."""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping
from enum import IntEnum
from socket import socket
from typing import NamedTuple

from pyvisa_mqt.serve.connections import Connection

__all__ = [
    "Accepted",
    "Arguments",
    "Call",
    "PoorCallError",
    "Records",
    "RpcConnection",
    "call",
    "packed",
    "read_call",
    "refusal",
    "reply",
]

_CHUNK = 1 << 16
_LAST = 1 << 31
_CALL, _REPLY = 0, 1
_RPC_VERSION = 2
_ACCEPTED, _DENIED, _RPC_MISMATCH = 0, 1, 0
#: Bytes of a credential or a verifier (RFC 5531, 8.2).
_MOST_CREDENTIAL = 400
#: Calls that may wait while one is at work, and bytes that may wait for the client, before it is read no further.
_MOST_CALLS, _MOST_BYTES = 4, 1 << 22


class PoorCallError(ValueError):
    """What was sent is no call, or its arguments are none of its procedure."""


class Accepted(IntEnum):
    """What became of a call that was understood as one."""

    SUCCESS = 0
    PROGRAM_UNAVAILABLE = 1
    PROGRAM_MISMATCH = 2
    PROCEDURE_UNAVAILABLE = 3
    GARBAGE_ARGUMENTS = 4


def packed(*values: int | bytes) -> bytes:
    """Return XDR: numbers as 32 bits, signed or not, and bytes as variable-length opaque data."""
    parts = []
    for value in values:
        if isinstance(value, bytes):
            parts += [struct.pack(">I", len(value)), value, bytes(-len(value) % 4)]
        else:
            parts.append(struct.pack(">I", value & 0xFFFFFFFF))
    return b"".join(parts)


class Arguments:
    """Reads XDR from its beginning; what is not there raises PoorCallError.

    Parameters
    ----------
    data
        The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def number(self) -> int:
        """Return the next 32 bits without a sign."""
        return int.from_bytes(self._take(4))

    def signed(self) -> int:
        """Return the next 32 bits with a sign."""
        return int.from_bytes(self._take(4), signed=True)

    def opaque(self) -> bytes:
        """Return the next bytes, whose length stands before them."""
        length = self.number()
        data = self._take(length)
        self._position = min(self._position + -length % 4, len(self._data))  # some clients pad no last argument
        return data

    def _take(self, count: int) -> bytes:
        data = self._data[self._position : self._position + count]
        if len(data) < count:
            raise PoorCallError("the arguments end too early")
        self._position += count
        return data


class Call(NamedTuple):
    """One call: its number, what is called, with what."""

    number: int
    program: int
    version: int
    procedure: int
    arguments: Arguments


def read_call(record: bytes) -> Call | bytes:
    """Read a call; bytes are the reply to one of another version of RPC.

    Raises
    ------
    PoorCallError
        If it is no call.
    """
    head = Arguments(record)
    number = head.number()
    if head.number() != _CALL:
        raise PoorCallError("no call")
    if head.number() != _RPC_VERSION:
        return packed(number, _REPLY, _DENIED, _RPC_MISMATCH, _RPC_VERSION, _RPC_VERSION)
    program, version, procedure = head.number(), head.number(), head.number()
    for _ in ("credential", "verifier"):  # anybody may use the bench
        head.number()
        if len(head.opaque()) > _MOST_CREDENTIAL:
            raise PoorCallError("a credential is too long")
    return Call(number, program, version, procedure, head)


def refusal(call: Call, versions: Mapping[int, int]) -> bytes | None:
    """Return the reply to a call of a program or a version that is not there, and to the call of nothing; else None."""
    if call.program not in versions:
        return reply(call, Accepted.PROGRAM_UNAVAILABLE)
    if call.version != (known := versions[call.program]):
        return reply(call, Accepted.PROGRAM_MISMATCH) + packed(known, known)
    return reply(call, b"") if call.procedure == 0 else None


def reply(call: Call, result: bytes | Accepted) -> bytes:
    """Return the reply to a call, its result or why there is none, as a record without its mark."""
    head = packed(call.number, _REPLY, _ACCEPTED, 0, b"")
    return head + (packed(result) if isinstance(result, Accepted) else packed(Accepted.SUCCESS) + result)


def call(program: int, version: int, procedure: int, arguments: bytes) -> bytes:
    """Return a call with its record mark, number 1."""
    return marked(packed(1, _CALL, _RPC_VERSION, program, version, procedure, 0, b"", 0, b"") + arguments)


def marked(record: bytes) -> bytes:
    """Return a record in one fragment."""
    return struct.pack(">I", _LAST | len(record)) + record


class Records:
    """Cuts a stream into records (RFC 5531, section 11).

    Parameters
    ----------
    longest
        Bytes of the longest record that is taken.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._bytes = bytearray()
        self._record = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Add bytes and return the records that they complete; ValueError if one is too long."""
        self._bytes += data
        records = []
        position = 0
        while len(self._bytes) - position >= 4:
            mark = int.from_bytes(self._bytes[position : position + 4])
            length = mark & ~_LAST
            if len(self._record) + length > self._longest:
                raise ValueError(f"a record of more than {self._longest} bytes")
            if len(self._bytes) - position - 4 < length:
                break
            self._record += self._bytes[position + 4 : position + 4 + length]
            position += 4 + length
            if mark & _LAST:
                records.append(bytes(self._record))
                self._record.clear()
        del self._bytes[:position]
        return records


class RpcConnection(Connection):
    """A client's connection to programs that are called over TCP.

    Parameters
    ----------
    connection
        The socket.
    versions
        The programs that are there, and the version of each.
    longest
        Bytes of the longest record that is taken; who sends more is not listened to any more.

    Attributes
    ----------
    broken_off
        Whether the connection was broken off instead of being ended.
    """

    def __init__(self, connection: socket, versions: Mapping[int, int], longest: int) -> None:
        super().__init__(connection)
        self.broken_off = False
        self._versions = versions
        self._records = Records(longest)
        self._calls: deque[Call] = deque()

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more."""
        return len(self._calls) < _MOST_CALLS and len(self._outgoing) < _MOST_BYTES

    def receive(self) -> None:
        """Take what has arrived; whoever sends something else than calls is not listened to any more."""
        try:
            data = self._socket.recv(_CHUNK)
            for record in self._records.feed(data):
                self._take(record)
        except BlockingIOError:
            return
        except OSError:
            self.open, self.broken_off = False, True
        except ValueError:
            self.open = False
        else:
            self.open = bool(data)

    def _take(self, record: bytes) -> None:
        call = read_call(record)
        if isinstance(call, bytes):
            self._outgoing += marked(call)
        else:
            self._calls.append(call)

    def _next_call(self) -> Call | None:
        """Return the next call of something that is there; None if none waits, or no room is left for its reply."""
        while self._calls and len(self._outgoing) < _MOST_BYTES:
            call = self._calls.popleft()
            refused = refusal(call, self._versions)
            if refused is None:
                return call
            self._outgoing += marked(refused)
        return None

    def _answer(self, call: Call, result: bytes | Accepted) -> None:
        """Reply to a call with its result, or with why there is none."""
        self._outgoing += marked(reply(call, result))

    @abstractmethod
    def execute(self) -> bool:
        """Do what was called for; return whether an instrument was given something."""
