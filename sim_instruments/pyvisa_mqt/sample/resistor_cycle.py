"""What a pre-amplifier makes of one period of the current through a dummy resistor.

Within a step of the source the current y relaxes to v with the filter's lag T, and the amplifier's output z (here
divided by gain and resistance, so a current too) follows y with the amplifier's time constant tau:

    y = v + (y_k - v) exp(-t/T),    z = v + (y_k - v) g(t) + (z_k - v) exp(-t/tau),
    g(t) = T / (T - tau) [exp(-t/T) - exp(-t/tau)],  or (t/tau) exp(-t/tau) if T = tau.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AmplifiedCycle", "ResponseLine", "Run", "steady_outputs"]

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

_SETTLED = 40.0  # time constants after which a transient has died out


@dataclass(frozen=True)
class ResponseLine:
    """Filter and amplifier in a row: their time constants in s, 0 for none."""

    lag: float
    constant: float

    @property
    def memory(self) -> float:
        """Time in s after which what was before does not matter."""
        return _SETTLED * max(self.lag, self.constant)

    def output(self, target: Array, start: Array, output: Array, time: Array | float) -> Array:
        """Return the output in A a time (s) after filter and amplifier stood at `start` and `output` (A)."""
        past = np.asarray(time, dtype=np.float64)
        if not self.constant:
            return target + (start - target) * (np.exp(-past / self.lag) if self.lag else 0.0)
        own = target + (output - target) * np.exp(-past / self.constant)
        return np.asarray(own + (start - target) * self.cascade(past) if self.lag else own)

    def cascade(self, time: Array) -> Array:
        """Return g(t) of the module's docstring."""
        if abs(self.lag - self.constant) < 1e-6 * self.lag:
            return np.asarray(time / self.constant * np.exp(-time / self.constant))
        both = np.exp(-time / self.lag) - np.exp(-time / self.constant)
        return np.asarray(self.lag / (self.lag - self.constant) * both)


@dataclass(frozen=True)
class Run:
    """A stretch of one cycle in which the output, times the direction, rises throughout.

    `first` is the number of its first step, `nodes` (A) has the ends of its steps, shape (n_step + 1,).
    """

    first: int
    nodes: Array


class AmplifiedCycle:
    """One cycle: the source's levels, and filtered current and output at the starts of the steps.

    Parameters
    ----------
    line
        Filter and amplifier.
    targets, inputs, outputs
        In A, shape (n_step,).
    step
        Duration of a step in s.
    """

    def __init__(self, line: ResponseLine, targets: Array, inputs: Array, outputs: Array, step: float) -> None:
        self._line, self._targets, self._inputs, self._step = line, targets, inputs, step
        last = line.output(targets[-1:], inputs[-1:], outputs[-1:], step)
        self._outputs = np.append(outputs, last)
        self._runs: dict[int, list[Run]] = {}

    def runs(self, direction: int) -> list[Run]:
        """Return where direction x output rises."""
        if direction not in self._runs:
            nodes = direction * self._outputs
            least = 1e-13 * float(np.max(np.abs(nodes)))  # what rounding makes of a level that is held
            rising = np.concatenate([[False], np.diff(nodes) > least, [False]]).astype(np.int8)
            change = np.flatnonzero(np.diff(rising))
            pairs = zip(change[::2].tolist(), change[1::2].tolist(), strict=True)
            self._runs[direction] = [Run(a, nodes[a : b + 1]) for a, b in pairs]
        return self._runs[direction]

    def crossings(self, run: Run, direction: int, levels: Array) -> tuple[Array, Array]:
        """Return when the output passes levels (A) within a run, s from the cycle's start, and its slopes in A/s.

        Levels and results have the shape (n_cycle,); a time is NaN where the run does not reach the level.
        """
        wanted = direction * levels
        place = np.searchsorted(run.nodes, wanted, side="left")
        inside = (place > 0) & (place < len(run.nodes))
        k = run.first + np.clip(place - 1, 0, len(run.nodes) - 2)
        slopes = direction * (self._outputs[k + 1] - self._outputs[k]) / self._step
        return np.where(inside, k * self._step + self._within(k, wanted, direction), np.nan), slopes

    def _within(self, k: Numbers, wanted: Array, direction: int) -> Array:
        """Return when within their steps the outputs reach the levels, by bisection."""
        low, high = np.zeros(len(k)), np.full(len(k), self._step)
        if not self._line.lag and not self._line.constant:
            return low  # a bare staircase jumps at the steps' starts
        for _ in range(40):
            middle = 0.5 * (low + high)
            reached = self._line.output(self._targets[k], self._inputs[k], self._outputs[k], middle)
            below = direction * reached < wanted
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return high


def steady_outputs(line: ResponseLine, targets: Array, inputs: Array, step: float) -> Array:
    """Return the output in A at the starts of the steps of a cycle in its periodic steady state, shape (n_step,)."""
    if not line.constant:  # it follows at once; a bare staircase still has its last value at a step's start
        return inputs if line.lag else np.roll(targets, 1)
    fed = line.output(targets, inputs, np.zeros(len(targets)), step)
    # z_{k+1} = q z_k + fed_k with the period n_step, solved exactly in the discrete spectrum.
    shift = np.exp(-2j * np.pi * np.fft.rfftfreq(len(targets)))
    spectrum = np.fft.rfft(fed) * shift / (1.0 - math.exp(-step / line.constant) * shift)
    return np.asarray(np.fft.irfft(spectrum, len(targets)))
