"""What a disturbed reply looks like: pure functions of the reply's bytes."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["garbled", "reading_units", "spoiled", "truncated"]

#: Queries that ask for something measured, in all the dialects on the bench.
READINGS = re.compile(
    r"(:?SENS\w*:)?(:?(MEAS|READ|FETC|DATA:(REM|LAST)|D\.REM)\w*[^;]*\?|:?R\?|[KCSAHRQ]RDG\?|RDG[RK]\?|MDAT\?|XAVG\?|BDMP)",
    re.IGNORECASE,
)
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?")


def truncated(reply: bytes, share: float) -> bytes:
    """Return the first part of a reply, without its terminator; at least one byte is missing."""
    return reply[: min(int(share * len(reply)), max(len(reply) - 1, 0))]


def garbled(reply: bytes, share: float, rng: np.random.Generator) -> bytes:
    """Return a reply in which a share of the bytes, at least one, is replaced; terminators stay."""
    body = reply.rstrip(b"\r\n")
    data = np.frombuffer(body, dtype=np.uint8).copy()
    hit = rng.random(len(data)) < share
    if len(data):
        hit[rng.integers(len(data))] = True
        # Anything but what was there, and no line feed: that would be another message.
        noise = (data + rng.integers(1, 256, size=len(data))).astype(np.uint8)
        noise[noise == 10] = 63
        data[hit] = noise[hit]
    return data.tobytes() + reply[len(body) :]


def reading_units(message: str) -> list[int]:
    """Return which of the replies to a message are readings."""
    queries = [unit.strip() for unit in message.split(";") if "?" in unit or READINGS.match(unit.strip())]
    return [number for number, unit in enumerate(queries) if READINGS.match(unit)]


def spoiled(message: bytes, reply: bytes, number: float, text: bytes, share: float, rng: np.random.Generator) -> bytes:
    """Return a reply in which a share of the readings is replaced; what is no reading stays.

    Parameters
    ----------
    message
        What the reply answers.
    number, text
        What replaces a reading in binary and in text.
    share
        Of the readings, 0 to 1; at least one is replaced.
    """
    wanted = reading_units(message.decode("latin-1"))
    if not wanted:
        return reply
    if reply.startswith(b"#") and len(reply) > 2:
        header = 2 + int(reply[1:2]) if reply[1:2].isdigit() else 2
        return reply[:header] + _spoiled_body(reply[header:], number, text, share, rng)
    body = reply.rstrip(b"\r\n")
    parts = body.split(b";")
    for position in wanted:
        if position < len(parts):
            parts[position] = _spoiled_text(parts[position], text, share, rng)
    return b";".join(parts) + reply[len(body) :]


def _spoiled_body(body: bytes, number: float, text: bytes, share: float, rng: np.random.Generator) -> bytes:
    if re.fullmatch(rb"[-+.,0-9Ee ]*\s*", body):
        spoilt = _spoiled_text(body, text, share, rng)
        # The block's length is announced in its header: what replaces a number has the same length.
        return spoilt if len(spoilt) == len(body) else body
    count = len(body) // 8
    if count == 0:
        return body
    orders = (">f8", "<f8")
    order = max(orders, key=lambda o: _plausible(np.frombuffer(body[: 8 * count], dtype=o)))
    values = np.frombuffer(body[: 8 * count], dtype=order).copy()
    values[_chosen(count, share, rng)] = number
    return values.tobytes() + body[8 * count :]


def _plausible(values: NDArray[np.float64]) -> int:
    """Return how many numbers could be readings: their byte order is not known here."""
    with np.errstate(invalid="ignore"):
        size = np.abs(values)
        return int(np.count_nonzero((size > 1e-15) & (size < 1e15) | (size == 9.91e37) | (size == 0.0)))


def _spoiled_text(part: bytes, text: bytes, share: float, rng: np.random.Generator) -> bytes:
    numbers = list(_NUMBER.finditer(part))
    chosen = set(np.flatnonzero(_chosen(len(numbers), share, rng)).tolist()) if numbers else set()
    pieces, position = [], 0
    for index, match in enumerate(numbers):
        pieces.append(part[position : match.start()])
        pieces.append(text if index in chosen else match.group())
        position = match.end()
    return b"".join([*pieces, part[position:]])


def _chosen(count: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    chosen = np.asarray(rng.random(count) < share)
    chosen[int(rng.integers(count))] = True
    return chosen
