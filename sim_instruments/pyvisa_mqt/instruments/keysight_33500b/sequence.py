"""Sequences of arbitrary waveforms of the 33500B: what DATA:SEQuence defines, and in which pieces it is played.

The form of the block is that of public programs (auspex 2020.1): the sequence's name, then for each step the name of a
segment in the channel's volatile memory, how often, a play control, a marker mode and a marker point. The page of the
manual could not be opened. Not confirmed (U): the number of steps, the query, that a run of steps goes on at the next
trigger and begins anew behind the last, that an immediate trigger never lets it wait, and that Sync rises at the
beginning of each run. The markers of the steps are stored and read back; they do nothing to Sync.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.scpi import split_outside_quotes

__all__ = ["Step", "played", "read_sequence", "runs", "write_sequence"]

Array = NDArray[np.float64]

CONTROLS = ("once", "onceWaitTrig", "repeat", "repeatInf", "repeatTilTrig")
MARKERS = ("maintain", "lowAtStart", "highAtStart", "highAtStartGoLow")
FIELDS, MOST_STEPS, MOST_REPEATS = 5, 512, 1_000_000
#: Steps in which a run is drawn, and most points of a run.
DRAWN, MOST_POINTS = 20_000, 1_000_000


@dataclass(frozen=True)
class Step:
    """A segment's name, how often it is played, what then, and its marker."""

    segment: str
    repeats: int
    control: str
    marker: str
    marker_point: int

    @property
    def waits(self) -> bool:
        """Whether nothing follows it without a trigger."""
        return self.control in ("onceWaitTrig", "repeatInf", "repeatTilTrig")

    @property
    def endless(self) -> bool:
        """Whether it is played again and again."""
        return self.control in ("repeatInf", "repeatTilTrig")


def read_sequence(block: bytes) -> tuple[str, tuple[Step, ...]]:
    """Return name and steps of a sequence.

    Raises
    ------
    ScpiError
        If the block is malformed or a value in it is unknown.
    """
    fields = split_outside_quotes(block.decode("latin-1"), ",")
    name, *rest = (field.strip().strip("\"'") for field in fields)
    if not name or not rest or len(rest) % FIELDS or len(rest) > FIELDS * MOST_STEPS:
        raise ScpiError(-161)
    return name, tuple(_step(*rest[at : at + FIELDS]) for at in range(0, len(rest), FIELDS))


def _step(segment: str, repeats: str, control: str, marker: str, point: str) -> Step:
    try:
        count, place = int(repeats), int(point)
    except ValueError:
        raise ScpiError(-161) from None
    if not (0 <= count <= MOST_REPEATS and place >= 0):
        raise ScpiError(-222)
    return Step(segment, count, _word(control, CONTROLS), _word(marker, MARKERS), place)


def _word(text: str, known: tuple[str, ...]) -> str:
    for word in known:
        if word.lower() == text.lower():
            return word
    raise ScpiError(-224)


def write_sequence(name: str, steps: tuple[Step, ...]) -> str:
    """Return a sequence as the block that defines it."""
    parts = [f'"{name}"']
    for step in steps:
        parts.append(f'"{step.segment}",{step.repeats},{step.control},{step.marker},{step.marker_point}')
    body = ",".join(parts)
    length = str(len(body))
    return f"#{len(length)}{length}{body}"


def runs(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Return the steps in groups, each up to one that waits; of the last group nothing may wait."""
    found: list[tuple[Step, ...]] = []
    begin = 0
    for number, step in enumerate(steps):
        if step.waits or number == len(steps) - 1:
            found.append(steps[begin : number + 1])
            begin = number + 1
    return found


def played(points: Array, held: bool) -> Array:
    """Return the levels, -1 to 1, of a run that stops at its last point, shape (n_step,)."""
    if held:
        return points
    each = max(DRAWN // len(points), 1)
    place = (np.arange(len(points) * each) + 0.5) / each
    return np.asarray(np.interp(place, np.arange(len(points)), points))
