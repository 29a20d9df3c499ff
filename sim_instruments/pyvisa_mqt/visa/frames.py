"""Frames between a hosted bench and the processes that use it: JSON behind its length, bytes as base64.

Plain data only: whatever arrives can be no more than text, numbers and bytes.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

__all__ = ["LARGEST_FRAME", "Frames", "pack"]

#: Longest frame in bytes that is accepted: a million binary readings and their base64.
LARGEST_FRAME = 1 << 26
_LENGTH = struct.Struct(">I")


def pack(content: dict[str, Any]) -> bytes:
    """Return a frame; bytes may stand where the values are."""
    body = json.dumps(content, default=_encoded).encode()
    return _LENGTH.pack(len(body)) + body


def _encoded(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": base64.b64encode(bytes(value)).decode("ascii")}
    raise TypeError(f"{value!r} cannot be sent to a hosted bench; give numbers, text or bytes")


def _decoded(content: dict[str, Any]) -> Any:
    if content.keys() == {"bytes"} and isinstance(content["bytes"], str):
        return base64.b64decode(content["bytes"])
    return content


class Frames:
    """Collects received bytes into frames."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Add bytes and return the contents of the frames that they complete.

        Raises
        ------
        ValueError
            If this is no frame, or too long a one.
        """
        self._bytes += data
        contents = []
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            if length > LARGEST_FRAME:
                raise ValueError(f"a frame of {length} bytes; at most {LARGEST_FRAME} are accepted")
            stop = _LENGTH.size + length
            if len(self._bytes) < stop:
                break
            body = bytes(self._bytes[_LENGTH.size : stop])
            del self._bytes[:stop]
            try:
                content = json.loads(body, object_hook=_decoded)
            except RecursionError as exc:
                raise ValueError("a frame that is nested too deeply") from exc
            if not isinstance(content, dict):
                raise ValueError("a frame that holds no mapping")  # noqa: TRY004  # of what was sent, not of an argument
            contents.append(content)
        return contents
