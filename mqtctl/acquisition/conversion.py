"""Turns raw intervals into switching currents and counts the ramps that did not switch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.records import MeasuredRamp

__all__ = ["Block", "convert", "gather", "outcomes"]


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
    """Sort the counter's readings into switches and ramps without one; see `outcomes`."""
    currents, empty = outcomes(readings, ramp, timeout_ramps)
    return gather(readings, currents, empty)


def gather(readings: NDArray[np.float64], currents: NDArray[np.float64], empty: NDArray[np.float64]) -> Block:
    """Put readings (s) and what `outcomes` says of them together, all of shape (n_reading,)."""
    if not empty.any():
        return Block(intervals=readings, currents=currents, censored=0)
    finite = np.isfinite(readings)
    return Block(intervals=readings[finite], currents=currents[finite], censored=int(empty.sum()))


def outcomes(
    readings: NDArray[np.float64], ramp: MeasuredRamp, timeout_ramps: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Say of each reading at which current it switched, and how many ramps without a switch went before.

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

    Returns
    -------
    tuple
        Switching currents in A, NaN where there is none on the rise; and numbers of empty ramps. Shape (n_reading,).
    """
    last_on_rise = ramp.delay + ramp.rise_time
    # what is nearly always so, and then four times as fast: every ramp switched on its rise
    if readings.size and last_on_rise < ramp.delay + ramp.period and bool(readings.max() <= last_on_rise):
        return ramp.current(readings), np.zeros(readings.shape)
    finite = np.isfinite(readings)
    skipped = np.where(finite, ramp.ramps_before(readings), 0.0)
    rest = np.where(finite, readings - skipped * ramp.period, np.inf)
    on_rise = rest <= last_on_rise
    currents = np.full(readings.shape, np.nan)
    currents[on_rise] = ramp.current(rest[on_rise])
    return currents, np.where(finite, skipped + ~on_rise, float(timeout_ramps))
