"""The arbitrary waveforms of a 33500B: volatile memory of each channel, and the internal disk.

Error numbers of the arbitrary subsystem are remembered, not confirmed (U); their texts are the manual's. What
DATA:ARB calls "test" is "TEST" from then on, as PyMeasure's tests found on a real one (test_agilent33500_with_device);
that the names of sequences stay as they were given is assumed (U).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.instruments.keysight_33500b.sequence import Step

__all__ = ["BUILT_IN", "WaveformMemory", "points_from_block"]

Array = NDArray[np.float64]

BUILT_IN = r"INT:\BUILTIN\EXP_RISE.ARB"
FEWEST, MOST = 8, 1_000_000
FULL_SCALE = 32767
NAME_LENGTH = 12

_EXPONENTIAL = 2 * (1 - np.exp(-5 * np.arange(4096) / 4096)) - 1


def points_from_block(block: bytes, integers: bool, big_endian: bool) -> Array:
    """Return the points, -1 to 1, in a binary block of float32 or of 16-bit integers."""
    order = ">" if big_endian else "<"
    size = 2 if integers else 4
    if len(block) % size:
        raise ScpiError(-161)
    values = np.frombuffer(block, dtype=f"{order}{'i2' if integers else 'f4'}").astype(np.float64)
    values = values / FULL_SCALE if integers else values
    # The comparison is false for NaN, too.
    if not np.all(np.abs(values) <= 1.0 + 1e-6):
        raise ScpiError(-222)
    return np.asarray(np.clip(values, -1.0, 1.0))


class WaveformMemory:
    """Named waveforms of both channels; a channel plays only its own."""

    def __init__(self) -> None:
        self._volatile: dict[int, dict[str, tuple[str, Array]]] = {1: {}, 2: {}}
        self._sequences: dict[int, dict[str, tuple[str, tuple[Step, ...]]]] = {1: {}, 2: {}}
        self._disk: dict[str, Array] = {}

    def inherit(self, before: WaveformMemory) -> None:
        """Keep the internal disk through a power failure."""
        self._disk = before._disk

    def holds(self, channel: int, name: str) -> bool:
        """Return whether a channel can play a waveform."""
        return name == BUILT_IN or name.upper() in {**self._volatile[channel], **self._sequences[channel]}

    def clear(self, channel: int) -> None:
        """Empty a channel's volatile memory."""
        self._volatile[channel].clear()
        self._sequences[channel].clear()

    def add(self, channel: int, name: str, points: Array) -> None:
        """Load a waveform, shape (n_point,), -1 to 1; a name that is taken is refused."""
        name = name.upper()
        self._check_new(channel, name)
        stored = self._volatile[channel]
        if len(points) < FEWEST:
            raise ScpiError(-222)
        if sum(len(values) for _, values in stored.values()) + len(points) > MOST:
            raise ScpiError(781, text="Not enough memory to store new arb waveform; use DATA:VOLATILE:CLEAR")
        stored[name] = (name, points)

    def _check_new(self, channel: int, name: str) -> None:
        if len(name) > NAME_LENGTH:
            raise ScpiError(783, text="Arb waveform name too long")
        if name.upper() == BUILT_IN or self.holds(channel, name):
            raise ScpiError(786, text="Specified arb waveform already exists")

    def add_sequence(self, channel: int, name: str, steps: tuple[Step, ...]) -> None:
        """Define a sequence of waveforms that are loaded; a name that is taken is refused."""
        self._check_new(channel, name)
        segments = {step.segment: self.points(channel, step.segment) for step in steps}
        if sum(_times(step) * len(segments[step.segment]) for step in steps) > MOST:
            raise ScpiError(781, text="Not enough memory to store new arb waveform; use DATA:VOLATILE:CLEAR")
        self._sequences[channel][name.upper()] = (name, steps)

    def sequence(self, channel: int, name: str) -> tuple[Step, ...]:
        """Return the steps of a sequence; nothing if the name is that of a single waveform."""
        return self._sequences[channel].get(name.upper(), ("", ()))[1]

    def joined(self, channel: int, steps: tuple[Step, ...]) -> Array:
        """Return the points of steps, each as often as it is played, one behind the other, shape (n_point,)."""
        return np.concatenate([np.tile(self.points(channel, step.segment), _times(step)) for step in steps])

    def spelling(self, channel: int, name: str) -> str:
        """Return the name as the instrument tells it."""
        if name.upper() in (BUILT_IN, "EXP_RISE", "EXP_RISE.ARB"):
            return BUILT_IN
        try:
            if name.upper() in self._sequences[channel]:
                return self._sequences[channel][name.upper()][0]
            return self._volatile[channel][name.upper()][0]
        except KeyError:
            raise ScpiError(785, text="Specified arb waveform does not exist") from None

    def points(self, channel: int, name: str) -> Array:
        """Return a loaded waveform, shape (n_point,)."""
        spelling = self.spelling(channel, name)
        if steps := self.sequence(channel, spelling):
            return self.joined(channel, steps)
        return _EXPONENTIAL if spelling == BUILT_IN else self._volatile[channel][spelling.upper()][1]

    def catalog(self, channel: int) -> str:
        """Return the names in a channel's volatile memory, quoted."""
        loaded = [*self._volatile[channel].values(), *self._sequences[channel].values()]
        return ",".join(f'"{name}"' for name in (BUILT_IN, *(name for name, _ in loaded)))

    def free(self, channel: int) -> int:
        """Return how many points a channel still takes."""
        return MOST - sum(len(values) for _, values in self._volatile[channel].values())

    def store(self, channel: int, name: str, path: str) -> None:
        """Copy a waveform to the internal disk."""
        self._disk[_file(path)] = self.points(channel, name)

    def load(self, channel: int, path: str) -> None:
        """Load a waveform from the internal disk under its file's name with its path."""
        points = self._disk.get(_file(path))
        if points is None:
            raise ScpiError(-256, text="File name not found")
        self._volatile[channel][_file(path)] = (path, points)

    def attribute(self, channel: int, name: str, what: str) -> float:
        """Return AVERage, CFACtor, POINts or PTPeak of a waveform."""
        points = self.points(channel, name)
        if what == "POIN":
            return len(points)
        if what == "AVER":
            return float(np.mean(points))
        if what == "PTP":
            return float(np.ptp(points) / 2)
        effective = math.sqrt(float(np.mean(points**2)))
        return float(np.abs(points).max()) / effective if effective else 0.0


def _times(step: Step) -> int:
    """Return how often a step's segment is played in a row; one that goes on for ever counts once."""
    return max(step.repeats, 1) if step.control == "repeat" else 1


def _file(path: str) -> str:
    return path.upper().replace("/", "\\")
