"""What a channel of the 33500B puts out: one period of each function, and bursts with their idle time.

Levels here run from -1 to 1. A drawn wave is a staircase that takes the function's value in the middle
of each step, so on average it lies on the function itself: it neither leads nor lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.ramp_shape import ramp_from_zero

__all__ = ["Shape", "burst_levels", "cycle_levels", "idle_level", "noise_record"]

Array = NDArray[np.float64]

#: Steps in which a period is drawn, and most steps of a burst with its idle time.
STEPS = 20_000
LARGEST_STAIRCASE = 200_000
#: Fastest clock of the converter, Hz.
FASTEST_CLOCK = 250e6


@dataclass(frozen=True)
class Shape:
    """One function of the generator.

    Attributes
    ----------
    function
        SIN, SQU, TRI, RAMP, PULS, PRBS, NOIS, ARB or DC.
    share
        Of the period: the high time of SQU and PULS, the rise of RAMP; 0 to 1.
    points
        Of ARB, PRBS and NOIS: one period, -1 to 1, shape (n_point,).
    held
        Whether points are held (filter off) or joined by straight lines.
    """

    function: str
    share: float
    points: Array
    held: bool

    def level(self, phase: Array) -> Array:
        """Return the level, -1 to 1, at phases of 0 to 1 periods."""
        function = self.function
        if function == "DC":
            return np.zeros_like(phase)
        if function == "SIN":
            return np.asarray(np.sin(2 * np.pi * phase))
        if function in ("SQU", "PULS"):
            return np.where(phase < self.share, 1.0, -1.0)
        if function in ("RAMP", "TRI"):
            return ramp_from_zero(phase, self.share)
        return self._point_level(phase)

    def _point_level(self, phase: Array) -> Array:
        """Return the level of a stored wave; its first point stands at phase 0 and follows the last one."""
        count = len(self.points)
        place = phase * count
        index = np.minimum(place.astype(np.int64), count - 1)
        if self.held or self.function != "ARB":
            return np.asarray(self.points[index])
        following = self.points[(index + 1) % count]
        return np.asarray(self.points[index] + (following - self.points[index]) * (place - index))


def noise_record(function: str, rng: np.random.Generator) -> Array:
    """Return what repeats itself in place of PRBS (127 bits of PN7, x^7 + x^6 + 1) or of noise."""
    if function == "PRBS":
        register, bits = 0x7F, []
        for _ in range(127):
            bits.append(1.0 if register & 1 else -1.0)
            register = register >> 1 | ((register ^ register >> 1) & 1) << 6
        return np.array(bits)
    # Peak to peak is taken as 6.6 standard deviations, which noise leaves once in a thousand samples.
    return np.clip(rng.standard_normal(10_000) / 3.3, -1.0, 1.0)


def cycle_levels(shape: Shape, period: float, start: float) -> Array:
    """Return one period of `period` s beginning at phase `start` (0 to 1), shape (n_step,)."""
    if shape.function == "DC":
        return np.zeros(1)
    count = int(min(max(period * FASTEST_CLOCK, 2), STEPS))
    stored = len(shape.points)
    if shape.function in ("ARB", "PRBS", "NOIS") and stored < LARGEST_STAIRCASE:
        if shape.held or shape.function != "ARB":
            return shape.level((((np.arange(stored) + 0.5) / stored) + start) % 1.0)
        count = stored * max(count // stored, 1)  # whole steps between points
    return shape.level(((np.arange(count) + 0.5) / count + start) % 1.0)


def idle_level(shape: Shape, start: float) -> float:
    """Return the level between bursts: that of the starting phase; square wave and pulse rest low."""
    if shape.function in ("SQU", "PULS"):
        return -1.0
    return float(shape.level(np.array([start % 1.0]))[0])


def burst_levels(shape: Shape, period: float, start: float, cycles: int, spacing: float) -> Array:
    """Return `cycles` periods of `period` s and the idle time behind them, `spacing` s in all, shape (n_step,)."""
    wanted = STEPS * spacing / period
    count = int(min(max(wanted, 2), LARGEST_STAIRCASE, max(spacing * FASTEST_CLOCK, 2)))
    time = (np.arange(count) + 0.5) * (spacing / count)
    levels = np.full(count, idle_level(shape, start))
    running = time < cycles * period
    phase = np.asarray((time[running] / period + start) % 1.0, dtype=np.float64)
    levels[running] = shape.level(phase)
    return levels
