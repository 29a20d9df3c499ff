"""How many readings are stored together, and how many are fetched together; two different questions.

A block is stored, flushed, read back and acknowledged as one: it is what a power cut costs. A piece is what one read
takes out of the counter while that measures on: pieces are put together to blocks, so that neither the size
of a block nor the end of a histogram decides how long the counter's last readings wait.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from mqtctl.clock import Clock
from mqtctl.instruments.roles.experiment import RampSource

__all__ = ["LAST_PIECE_TIME", "MOST_READINGS", "Pieces", "block_size", "message_latency"]

#: A block lasts about so long (s), so that a power cut costs no more; longer where messages are slow.
BLOCK_TIME = 1.0
#: Messages that a block costs while the counter measures, and the part of its time that they may take.
BLOCK_MESSAGES, MESSAGE_SHARE = 4, 0.05
#: More readings than this (80 kB) gain nothing: book-keeping is then below 1 % of the bytes.
MOST_READINGS = 10_000
#: A piece lasts about so long (s): the bath is looked at between pieces, and that at least every two seconds.
PIECE_TIME = 1.7
#: The shortest piece, at both ends of a burst: this time (s), and so many messages.
LAST_PIECE_TIME, LAST_PIECE_MESSAGES = 0.02, 5
#: Largest part of the counter's memory that a block or a piece may fill: the rest is for what comes meanwhile.
MEMORY_SHARE = 0.5


def message_latency(source: RampSource, clock: Clock) -> float:
    """Return what one question to the source costs in s: the median of three."""
    costs = []
    for _ in range(3):
        before = clock.now()
        source.running()
        costs.append(clock.now() - before)
    return statistics.median(costs)


def block_size(period: float, memory: int, latency: float) -> int:
    """Return how many readings to store together where the plan does not say.

    A second of ramps, or as long as it takes for a block's four messages to be a twentieth of its time; at most
    10 000 readings, at most half of the counter's memory, at least 1.

    Parameters
    ----------
    period
        Time in s from one ramp to the next, positive.
    memory
        Readings that the counter holds, at least 1.
    latency
        What a message costs in s, 0 or more.
    """
    duration = max(BLOCK_TIME, BLOCK_MESSAGES * latency / MESSAGE_SHARE)
    return max(1, min(round(duration / period), MOST_READINGS, int(MEMORY_SHARE * memory)))


@dataclass(frozen=True)
class Pieces:
    """How many readings one read is to take.

    Attributes
    ----------
    largest
        In the middle of a burst.
    smallest
        At its beginning and at its end.
    """

    largest: int
    smallest: int

    @classmethod
    def of(cls, block: int, period: float, memory: int, latency: float) -> Pieces:
        """Return the pieces for blocks of this size; the other arguments are those of `block_size`."""
        largest = max(1, min(block, math.ceil(PIECE_TIME / period), MOST_READINGS, int(MEMORY_SHARE * memory)))
        shortest = math.ceil(max(LAST_PIECE_TIME, LAST_PIECE_MESSAGES * latency) / period)
        return cls(largest, max(1, min(largest, shortest)))

    def next(self, taken: int, missing: int) -> int:
        """Return how many readings to wait for when so many of a burst are taken and so many (at least 1) missing.

        At first three times as many as are taken, so that what is wrong shows at once; towards the end seven eighths of
        what is missing, so that hardly anything is left to transfer after the last ramp.
        """
        return min(missing, self.largest, max(self.smallest, min(3 * taken, 7 * missing // 8)))
