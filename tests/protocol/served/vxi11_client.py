"""A VXI-11 client of bytes: what the specification says a client sends, and nothing that the server's code knows."""

from __future__ import annotations

import socket
import struct
from itertools import count
from typing import NamedTuple, Self

CORE, ABORT, PORT_MAPPER = 0x0607AF, 0x0607B0, 100_000
CREATE_LINK, WRITE, READ, READ_STB, TRIGGER, CLEAR, REMOTE, LOCAL, LOCK, UNLOCK, ENABLE_SRQ = range(10, 21)
DOCMD, DESTROY_LINK, CREATE_INTR, DESTROY_INTR = 22, 23, 25, 26
WAIT, END, TERMINATION = 1, 8, 128
COUNT_REACHED, TERMINATED, ENDED = 1, 2, 4

_numbers = count(1000)


def xdr(*values: int | bytes) -> bytes:
    packed = b""
    for value in values:
        if isinstance(value, bytes):
            packed += struct.pack(">I", len(value)) + value + bytes(-len(value) % 4)
        else:
            packed += struct.pack(">I", value)
    return packed


def call_record(number: int, program: int, version: int, procedure: int, arguments: bytes, rpc: int = 2) -> bytes:
    return xdr(number, 0, rpc, program, version, procedure, 0, b"", 0, b"") + arguments


def fragments(record: bytes, size: int = 1 << 30) -> bytes:
    pieces = [record[start : start + size] for start in range(0, len(record), size)] or [b""]
    marked = [struct.pack(">I", len(piece)) + piece for piece in pieces[:-1]]
    return b"".join([*marked, struct.pack(">I", 1 << 31 | len(pieces[-1])) + pieces[-1]])


def exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def received(connection: socket.socket) -> bytes:
    record = b""
    while True:
        mark = int.from_bytes(exactly(connection, 4))
        record += exactly(connection, mark & 0x7FFFFFFF)
        if mark >> 31:
            return record


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10.0)


def numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(data) // 4}I", data)


class Read(NamedTuple):
    error: int
    reason: int
    data: bytes


class Rpc:
    """A connection to one program."""

    def __init__(self, port: int, program: int = CORE, version: int = 1) -> None:
        self.socket = connected(port)
        self.program, self.version = program, version

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, procedure: int, *arguments: int | bytes, size: int = 1 << 30) -> int:
        number = next(_numbers)
        record = call_record(number, self.program, self.version, procedure, xdr(*arguments))
        self.socket.sendall(fragments(record, size))
        return number

    def result(self, number: int) -> tuple[int, bytes]:
        """Return what became of a call, and its result."""
        reply = received(self.socket)
        head = numbers(reply[:24])
        assert head[:5] == (number, 1, 0, 0, 0), head
        return head[5], reply[24:]

    def call(self, procedure: int, *arguments: int | bytes, size: int = 1 << 30) -> bytes:
        outcome, result = self.result(self.send(procedure, *arguments, size=size))
        assert outcome == 0
        return result


class Vxi11(Rpc):
    """A connection with one link, opened as the address says: "TCPIP0::127.0.0.1,40123::inst3::INSTR"."""

    def __init__(self, address: str, *, lock: int = 0, lock_timeout: int = 0) -> None:
        host, device = address.split("::")[1:3]
        self.port = int(host.partition(",")[2])
        super().__init__(self.port)
        answer = self.call(CREATE_LINK, 77, lock, lock_timeout, device.encode())
        self.error, self.link, self.abort_port, self.most = numbers(answer)

    def write(self, data: bytes, flags: int = END, timeout: int = 10_000, lock_timeout: int = 0) -> tuple[int, ...]:
        return numbers(self.call(WRITE, self.link, timeout, lock_timeout, flags, data))

    def send_read(self, size: int = 1 << 20, timeout: int = 10_000, flags: int = 0, character: int = 0) -> int:
        return self.send(READ, self.link, size, timeout, 0, flags, character)

    def read_result(self, number: int) -> Read:
        outcome, result = self.result(number)
        assert outcome == 0
        error, reason, size = numbers(result[:12])
        assert len(result) == 12 + size + -size % 4
        return Read(error, reason, result[12 : 12 + size])

    def read(self, size: int = 1 << 20, timeout: int = 10_000, flags: int = 0, character: int = 0) -> Read:
        return self.read_result(self.send_read(size, timeout, flags, character))

    def query(self, message: str) -> str:
        assert self.write(message.encode()) == (0, len(message))
        got = self.read()
        assert got[:2] == (0, ENDED)
        return got.data.decode().strip()

    def generic(self, procedure: int, flags: int = 0, lock_timeout: int = 0) -> tuple[int, ...]:
        return numbers(self.call(procedure, self.link, flags, lock_timeout, 10_000))

    def lock(self, flags: int = 0, lock_timeout: int = 0) -> int:
        return numbers(self.call(LOCK, self.link, flags, lock_timeout))[0]

    def unlock(self) -> int:
        return numbers(self.call(UNLOCK, self.link))[0]
