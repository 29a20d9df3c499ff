"""A HiSLIP client of bytes: what IVI-6.1 says a client sends, and nothing that the server's own code knows."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, Self

INITIALIZE, INITIALIZE_RESPONSE, FATAL_ERROR, ERROR, LOCK, LOCK_RESPONSE, DATA, DATA_END = range(8)
CLEAR_COMPLETE, CLEAR_ACKNOWLEDGE, REMOTE_LOCAL, REMOTE_LOCAL_RESPONSE, TRIGGER, INTERRUPTED = range(8, 14)
ASYNC_INTERRUPTED, MAX_SIZE, MAX_SIZE_RESPONSE, ASYNC_INITIALIZE, ASYNC_INITIALIZE_RESPONSE = range(14, 19)
DEVICE_CLEAR, SERVICE_REQUEST, STATUS_QUERY, STATUS_RESPONSE, DEVICE_CLEAR_ACKNOWLEDGE = range(19, 24)
LOCK_INFO, LOCK_INFO_RESPONSE = 24, 25


class Got(NamedTuple):
    kind: int
    control: int
    parameter: int
    payload: bytes


def sent(kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">2sBBIQ", b"HS", kind, control, parameter, len(payload)) + payload


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def received(connection: socket.socket) -> Got:
    prologue, kind, control, parameter, length = struct.unpack(">2sBBIQ", exactly(connection, 16))
    assert prologue == b"HS"
    return Got(kind, control, parameter, exactly(connection, length))


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10.0)


class Hislip:
    """A session: both channels, and message numbers that count up by two.

    Parameters
    ----------
    address
        VISA address, "TCPIP0::127.0.0.1::hislip3,40123::INSTR".
    """

    def __init__(self, address: str) -> None:
        sub_address, _, port = address.split("::")[2].partition(",")
        self.port = int(port)
        self.sync = connected(self.port)
        self.sync.sendall(sent(INITIALIZE, 0, 0x0100 << 16 | 0x4D51, sub_address.encode()))
        self.greeting = received(self.sync)
        self.asynchronous = connected(self.port)
        self.asynchronous.sendall(sent(ASYNC_INITIALIZE, 0, self.greeting.parameter & 0xFFFF))
        self.second_greeting = received(self.asynchronous)
        self.number = 0xFFFFFF00
        self.delivered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sync.close()
        self.asynchronous.close()

    def send(self, payload: bytes, kind: int = DATA_END) -> int:
        number, self.number = self.number, (self.number + 2) & 0xFFFFFFFF
        self.sync.sendall(sent(kind, self.delivered, number, payload))
        self.delivered = 0
        return number

    def reply(self) -> bytes:
        data = b""
        while True:
            got = received(self.sync)
            assert got.kind in (DATA, DATA_END), got
            assert got.parameter == self.number - 2
            data += got.payload
            if got.kind == DATA_END:
                self.delivered = 1
                return data

    def query(self, message: str) -> str:
        self.send(message.encode())
        return self.reply().decode().strip()

    def ask(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> Got:
        self.asynchronous.sendall(sent(kind, control, parameter, payload))
        return received(self.asynchronous)

    def status(self) -> int:
        got = self.ask(STATUS_QUERY, self.delivered, self.number - 2)
        assert got.kind == STATUS_RESPONSE
        return got.control
