"""Definite-length blocks, `#<digits><length><bytes>` (IEEE 488.2, section 8.7.9), off a VISA resource.

PyVISA's own `read_binary_values` accepts a block that is too long or that has no end; a reading
lost that way shifts everything after it. Here the length must be exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyvisa.constants import ResourceAttribute
from pyvisa.resources import MessageBasedResource, SerialInstrument, TCPIPSocket

from .errors import ReplyError

__all__ = ["parse_block", "read_block", "without_termination"]

#: Bytes asked for at once; the VISA time-out then runs for 64 KiB and not for a whole memory.
CHUNK = 65536
_TAILS = (b"", b"\n", b"\r\n")


@contextmanager
def without_termination(resource: MessageBasedResource) -> Iterator[None]:
    """Switch the termination character off, for 0x0A is an ordinary byte inside a block."""
    if not resource.read_termination:
        yield
        return
    # The attribute alone: PyVISA's own property sets the character itself, too, and each takes a call of the library.
    resource.set_visa_attribute(ResourceAttribute.termchar_enabled, False)
    try:
        yield
    finally:
        resource.set_visa_attribute(ResourceAttribute.termchar_enabled, True)


def read_block(resource: MessageBasedResource) -> bytes:
    """Read one definite block with its terminator and return what it holds.

    Raises
    ------
    ReplyError
        Not a definite block, or more or fewer bytes than its header says.
    pyvisa.errors.VisaIOError
        Nothing more came within the time-out.
    """
    with without_termination(resource):
        if isinstance(resource, (TCPIPSocket, SerialInstrument)):
            return _read_counted(resource)  # a bare byte stream: nothing but the count marks the end
        return parse_block(resource.read_raw(CHUNK))


def parse_block(message: bytes) -> bytes:
    """Return what a definite block holds, given the whole message with or without terminator."""
    digits = _header_digits(message[:2])
    length = _block_length(message[2 : 2 + digits], digits)
    start = 2 + digits
    content, tail = message[start : start + length], message[start + length :]
    if len(content) < length:
        raise ReplyError(f"block of {length} bytes was cut short after {len(content)}", message)
    if tail not in _TAILS:
        raise ReplyError(f"block of {length} bytes is followed by {len(tail)} bytes more", message)
    return content


def _header_digits(header: bytes) -> int:
    """Return how many digits the length has, from the first two bytes."""
    if len(header) < 2 or header[:1] != b"#" or not header[1:2].isdigit() or header == b"#0":
        raise ReplyError(f"reply starts with {header!r} and is no definite block", header)
    return int(header[1:2])


def _block_length(text: bytes, digits: int) -> int:
    """Return the length in bytes that the header states."""
    if len(text) < digits or not text.isdigit():
        raise ReplyError(f"block header states the length as {text!r}, which is not {digits} digits", text)
    return int(text)


def _read_counted(resource: MessageBasedResource) -> bytes:
    """Read a block from a connection that has no end-of-message mark."""
    digits = _header_digits(resource.read_bytes(2))
    length = _block_length(resource.read_bytes(digits), digits)
    content = resource.read_bytes(length, chunk_size=CHUNK) if length else b""
    tail = resource.read_bytes(1)
    if tail == b"\r":
        tail += resource.read_bytes(1)
    if tail not in _TAILS:
        raise ReplyError(f"block of {length} bytes is followed by {tail!r} and not by a terminator", tail)
    return content
