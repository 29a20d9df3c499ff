"""A resistor in the junction's place: its voltage follows the current, so a threshold is passed at a known current.

Used to calibrate the way from time to current without a junction. `DummyResistor` stands on the bench where `Sample`
would; what a counter sees of it is computed in `resistor_readout`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.sample.bias import Stretch
from pyvisa_mqt.sample.staircase import Staircase
from pyvisa_mqt.sample.voltage_steps import EventLog
from pyvisa_mqt.time_and_signals.random_streams import Stream

__all__ = ["CurrentHistory", "DummyResistor", "Passage"]

Array = NDArray[np.float64]

_PASSAGES = 1000  # stretches of bias remembered


@dataclass(frozen=True, eq=False)
class Passage:
    """A stretch of the bias as it came through the filter.

    Attributes
    ----------
    stretch, staircase
        The bias, and one period of it.
    transient
        Current in A above the steady state at the begin of the stretch.
    first_index
        Number of cycles that began before it, for the numbers of the noise.
    before
        The passage before it; None for the first one remembered.
    """

    stretch: Stretch
    staircase: Staircase
    transient: float
    first_index: int
    before: Passage | None

    def current(self, time: float) -> float:
        """Return the filtered current in A at bench time `time` (s)."""
        phase = math.fmod(max(time - self.stretch.origin, 0.0), self.stretch.period)
        lag = self.staircase.lag
        fading = math.exp(-max(time - self.stretch.begin, 0.0) / lag) if lag else 0.0
        return self.staircase.steady_current(phase) + self.transient * fading

    @cached_property
    def mean_square(self) -> float:
        """Mean of the current's square in A^2 over a cycle, before the filter."""
        return float(np.mean(self.stretch.values**2))


class CurrentHistory(EventLog):
    """The current through the resistor (Ohm), with its noise (A); as a log of voltage states it stays empty."""

    def __init__(self, resistance: float, noise: float, seed: int) -> None:
        super().__init__()
        self.resistance = resistance
        self.noise = noise
        self.offsets = Stream(seed, "bias noise of a cycle")
        self.passages: deque[Passage] = deque()

    def add(self, passage: Passage) -> None:
        """Append a passage; when there are many, the oldest is forgotten."""
        self.passages.append(passage)
        if len(self.passages) > _PASSAGES:
            self.passages.popleft()
            # A passage refers to the one before it: this link has to go too, or none would ever be freed.
            object.__setattr__(self.passages[0], "before", None)


class _JouleHeat:
    """Heat R I^2, averaged over a cycle."""

    def __init__(self, history: CurrentHistory) -> None:
        self._history = history
        self._released = 0.0

    def release(self, until: float) -> float:
        """Return the energy in J released up to `until` (s) and not yet taken."""
        energy = 0.0
        for passage in reversed(self._history.passages):
            begin, end = max(passage.stretch.begin, self._released), min(passage.stretch.end, until)
            energy += passage.mean_square * max(end - begin, 0.0)
            if passage.stretch.begin <= self._released:
                break
        self._released = max(until, self._released)
        return self._history.resistance * energy


class DummyResistor:
    """A resistor where the junction would be.

    Parameters
    ----------
    resistance
        In Ohm, > 0.
    lag
        Time constant in s of the bias line's low-pass filter.
    noise
        Standard deviation in A of the slow current noise, a new value for each cycle.
    offset
        Current in A that flows before any source is driven.
    seed
        The bench's seed.
    """

    def __init__(self, resistance: float, *, lag: float, noise: float, offset: float, seed: int) -> None:
        self.log = CurrentHistory(resistance, noise, seed)
        self.heat = _JouleHeat(self.log)
        self._lag = lag
        self._staircase = lru_cache(maxsize=64)(self._make_staircase)
        self._enter(Stretch.constant(0.0, math.inf, offset), offset)

    def _make_staircase(self, values: bytes, period: float) -> Staircase:
        return Staircase(np.frombuffer(values), period, self._lag)

    def _enter(self, stretch: Stretch, current: float) -> None:
        """Go on with a stretch; `current` (A) is the filtered current at its begin."""
        before = self.log.passages[-1] if self.log.passages else None
        first = 0 if before is None else before.first_index + before.stretch.cycles_begun(before.stretch.end)
        staircase = self._staircase(stretch.values.tobytes(), stretch.period)
        steady = Passage(stretch, staircase, 0.0, first, before)
        transient = current - steady.current(stretch.begin) if self._lag else 0.0
        self.log.add(replace(steady, transient=transient))

    def follow(self, since: float, stretches: list[Stretch]) -> None:
        """Replace the bias from `since` (s) on; the stretches join without gaps, the last one never ends."""
        passages = self.log.passages
        while len(passages) > 1 and passages[-1].stretch.begin >= since:
            passages.pop()
        last = passages.pop()
        passages.append(replace(last, stretch=replace(last.stretch, end=max(since, last.stretch.begin))))
        for stretch in stretches:
            self._enter(stretch, passages[-1].current(stretch.begin))

    def current(self, time: float) -> float:
        """Return the filtered current in A at bench time `time` (s), of those still remembered."""
        passages = self.log.passages
        return next((p for p in reversed(passages) if p.stretch.begin <= time), passages[0]).current(time)

    def draw_until(self, time: float, temperature: float) -> None:
        """Do nothing: a resistor decides nothing."""

    def foresee(self, time: float, temperature: float) -> None:
        """Do nothing: the current is known ahead."""
