"""Turns raw intervals into switching currents and counts the ramps that did not switch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.records import MeasuredRamp

__all__ = ["Block", "convert"]


@dataclass(frozen=True)
class Block:
    """Readings of the counter as they are stored.

    Attributes
    ----------
    intervals
        Raw finite intervals in s, shape (n_reading,).
    currents
        Switching currents in A, same shape; NaN where the interval is not a switch on the rise.
    censored
        Number of ramps that reached the top without a switch.
    """

    intervals: NDArray[np.float64]
    currents: NDArray[np.float64]
    censored: int

    @property
    def switches(self) -> int:
        """Number of switches on the rise."""
        return int(np.count_nonzero(np.isfinite(self.currents)))


def convert(readings: NDArray[np.float64], ramp: MeasuredRamp, timeout_ramps: int = 1) -> Block:
    """Sort the counter's readings into switches and ramps without one.

    The counter waits for its stop beyond the end of the ramp: an interval of k periods and a rest
    is k ramps without a switch and then a switch after the rest. A rest beyond the rise is a switch
    on the way down: that ramp reached its top, so it is censored there. No stop at all before the
    time-out (inf) is `timeout_ramps` ramps without a switch.

    Parameters
    ----------
    readings
        Start-to-stop intervals in s, inf where no stop came, shape (n_reading,).
    ramp
        The ramp as measured.
    timeout_ramps
        How many ramps the counter waits for before it gives up a reading.
    """
    finite = np.isfinite(readings)
    intervals = readings[finite]
    skipped = np.floor(np.maximum(intervals - ramp.delay, 0.0) / ramp.period)
    rest = intervals - skipped * ramp.period
    on_rise = rest - ramp.delay <= ramp.rise_time
    currents = np.where(on_rise, ramp.current(rest), np.nan)
    censored = timeout_ramps * np.count_nonzero(~finite) + int(skipped.sum()) + np.count_nonzero(~on_rise)
    return Block(intervals=intervals, currents=currents, censored=int(censored))
