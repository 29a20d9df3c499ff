"""The messages of HiSLIP (IVI-6.1, revision 1): a head of 16 bytes and a payload, on both of a session's channels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

__all__ = ["HEAD_SIZE", "LONGEST_PAYLOAD", "Error", "FatalError", "Kind", "Message", "Reader", "pack"]

_HEAD = struct.Struct("!2sBBIQ")
_PROLOGUE = b"HS"
#: Bytes in front of a payload.
HEAD_SIZE = _HEAD.size
#: Longest payload in bytes that is taken in one message; program messages may come in many.
LONGEST_PAYLOAD = 1 << 20


class Kind(IntEnum):
    """Message types, table 4."""

    INITIALIZE = 0
    INITIALIZE_RESPONSE = 1
    FATAL_ERROR = 2
    ERROR = 3
    ASYNC_LOCK = 4
    ASYNC_LOCK_RESPONSE = 5
    DATA = 6
    DATA_END = 7
    DEVICE_CLEAR_COMPLETE = 8
    DEVICE_CLEAR_ACKNOWLEDGE = 9
    ASYNC_REMOTE_LOCAL_CONTROL = 10
    ASYNC_REMOTE_LOCAL_RESPONSE = 11
    TRIGGER = 12
    INTERRUPTED = 13
    ASYNC_INTERRUPTED = 14
    ASYNC_MAX_MESSAGE_SIZE = 15
    ASYNC_MAX_MESSAGE_SIZE_RESPONSE = 16
    ASYNC_INITIALIZE = 17
    ASYNC_INITIALIZE_RESPONSE = 18
    ASYNC_DEVICE_CLEAR = 19
    ASYNC_SERVICE_REQUEST = 20
    ASYNC_STATUS_QUERY = 21
    ASYNC_STATUS_RESPONSE = 22
    ASYNC_DEVICE_CLEAR_ACKNOWLEDGE = 23
    ASYNC_LOCK_INFO = 24
    ASYNC_LOCK_INFO_RESPONSE = 25


class Error(IntEnum):
    """What is wrong with a message that is passed over."""

    UNRECOGNIZED_TYPE = 1
    TOO_LARGE = 4


class FatalError(IntEnum):
    """What ends a session."""

    POOR_HEAD = 1
    NOT_BOTH_CHANNELS = 2
    INVALID_INITIALIZATION = 3
    TOO_MANY_CLIENTS = 4


class Message(NamedTuple):
    """One message; `payload` is None if it was longer than is taken."""

    kind: int
    control: int
    parameter: int
    payload: bytes | None


def pack(kind: Kind, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    """Return a message's bytes."""
    return _HEAD.pack(_PROLOGUE, kind, control, parameter, len(payload)) + payload


class Reader:
    """Cuts what a connection receives into messages; a payload that is too long is dropped as it comes."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._to_skip = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """Add bytes and return the messages that they complete.

        Raises
        ------
        ValueError
            Behind the last message that is one, if what follows is none.
        """
        self._bytes += data
        while True:
            skipped = min(self._to_skip, len(self._bytes))
            del self._bytes[:skipped]
            self._to_skip -= skipped
            if len(self._bytes) < HEAD_SIZE:
                return
            prologue, kind, control, parameter, length = _HEAD.unpack_from(self._bytes)
            if prologue != _PROLOGUE:
                raise ValueError(f"a message begins with {prologue!r} instead of {_PROLOGUE!r}")
            if length > LONGEST_PAYLOAD:
                del self._bytes[:HEAD_SIZE]
                self._to_skip = length
                yield Message(kind, control, parameter, None)
                continue
            if len(self._bytes) < HEAD_SIZE + length:
                return
            payload = bytes(self._bytes[HEAD_SIZE : HEAD_SIZE + length])
            del self._bytes[: HEAD_SIZE + length]
            yield Message(kind, control, parameter, payload)
