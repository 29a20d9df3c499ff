"""The bias current before the filter: what all sources together put out, cut into stretches that repeat themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["HOLD", "Stretch", "bias_stretches"]

Array = NDArray[np.float64]

#: A constant bias is treated as cycles of this duration in s: the temperature is looked at once in each.
HOLD = 0.25


@dataclass(frozen=True)
class Stretch:
    """A time in which the bias current repeats itself.

    Attributes
    ----------
    begin, end
        From when to when it holds, s; `end` may be infinite.
    origin
        Time in s at which some cycle starts; not later than `begin`.
    period
        Duration in s of a cycle.
    values
        Current in A during equal parts of the cycle, before the filter, shape (n_step,).
    """

    begin: float
    end: float
    origin: float
    period: float
    values: Array

    @staticmethod
    def constant(begin: float, end: float, current: float) -> Stretch:
        """Return a stretch of constant current (A)."""
        return Stretch(begin, end, begin, HOLD, np.array([current]))

    def cycles_begun(self, time: float) -> int:
        """Return how many cycles, counted from `origin`, begin before `time` (s) and before the end."""
        return max(math.ceil((min(time, self.end) - self.origin) / self.period - 1e-9), 0)


def bias_stretches(since: float, outputs: list[tuple[float, Waveform]], offset: float) -> list[Stretch]:
    """Return the bias current before the filter from `since` (s) on, as stretches without gaps.

    Parameters
    ----------
    since
        Time in s.
    outputs
        Scale (A per output unit) and waveform of each source, the one that was set last at the end.
    offset
        Current in A that flows in any case.
    """
    changes = {since}
    for _, waveform in outputs:
        changes |= {t for t in (waveform.start, waveform.stop) if since < t < math.inf}
    times = [*sorted(changes), math.inf]
    return [_stretch(a, b, outputs, offset) for a, b in pairwise(times)]


def _stretch(begin: float, end: float, outputs: list[tuple[float, Waveform]], offset: float) -> Stretch:
    """Return the sum of the outputs between two times; at most one of them ramps, the others hold."""
    level = offset
    ramp: tuple[float, Waveform] | None = None
    for scale, waveform in outputs:
        if not waveform.start <= begin < waveform.stop:
            level += scale * waveform.idle
        elif np.ptp(waveform.values) == 0.0:
            level += scale * float(waveform.values[0])
        else:
            if ramp is not None:
                level += ramp[0] * _value(ramp[1], begin)
            ramp = (scale, waveform)
    if ramp is None:
        return Stretch.constant(begin, end, level)
    scale, waveform = ramp
    return Stretch(begin, end, waveform.start, waveform.period, level + scale * np.asarray(waveform.values))


def _value(waveform: Waveform, time: float) -> float:
    """Return the output at a time (s) at which the waveform runs."""
    n_step = len(waveform.values)
    phase = math.fmod(time - waveform.start, waveform.period) / waveform.period
    return float(waveform.values[min(int(phase * n_step + 1e-9), n_step - 1)])
