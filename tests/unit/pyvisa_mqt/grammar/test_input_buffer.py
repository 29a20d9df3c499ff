"""The input buffer: messages out of bytes that come in pieces of any size, blocks with their line feeds, and noise."""

from __future__ import annotations

import random
import time

import pytest
from pyvisa_mqt.grammar.instrument import InputBuffer


def messages_with_blocks(seed: int, number: int) -> list[bytes]:
    """Return program messages with definite blocks, whose contents look like ends and heads."""
    rng = random.Random(seed)
    messages = []
    for _ in range(number):
        parts = []
        for _ in range(rng.randrange(1, 5)):
            if rng.random() < 0.4:
                content = bytes(rng.choice(b"\n#12\rab") for _ in range(rng.randrange(30)))
                parts.append(b"#2%02d" % len(content) + content)
            else:
                parts.append(bytes(rng.choice(b"abQ?;0") for _ in range(rng.randrange(1, 6))) + b" ")
        messages.append(b"DATA " + b",".join(parts))
    return messages


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 50, 1000])
def test_the_same_messages_come_out_whatever_the_pieces_they_came_in(piece: int) -> None:
    messages = messages_with_blocks(1, 1000)
    stream = b"".join(message + b"\n" for message in messages)
    buffer = InputBuffer()
    found: list[str] = []
    for start in range(0, len(stream), piece):
        found += buffer.feed(stream[start : start + piece], end=False)[0]
    assert found == [message.decode("latin-1") for message in messages]


@pytest.mark.shown(2)
@pytest.mark.parametrize("noise", [b"#", b"#11x", b"#0", b"x#1", b"\n", b"#9"])
def test_a_megabyte_of_noise_takes_a_time_in_proportion_to_its_length(noise: bytes) -> None:
    def once(length: int) -> float:
        buffer = InputBuffer()
        stream = noise * (length // len(noise))
        began = time.perf_counter()
        for start in range(0, len(stream), 1 << 14):
            buffer.feed(stream[start : start + (1 << 14)], end=False)
        return time.perf_counter() - began

    def duration(length: int) -> float:
        return min(once(length) for _ in range(3))  # what the machine does besides only ever adds

    # Eight times as much takes about eight times as long, and 64 times where each piece begins the search anew.
    assert duration(400_000) < 30.0 * max(duration(50_000), 2e-3)


def test_after_noise_without_end_the_next_message_is_understood() -> None:
    buffer = InputBuffer(capacity=1000)
    overruns = [buffer.feed(b"#" * 600, end=False)[1] for _ in range(4)]
    assert overruns.count(True) == 1
    assert buffer.feed(b"rest\n*IDN?\n", end=False)[0] == ["*IDN?"]
