"""A block of a histogram: what is stored as one, and the rows that it makes in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.storage import layout

__all__ = ["ROWS_PER_BLOCK", "StoredBlock"]

#: One row for each array and one for each quantity along `block`.
ROWS_PER_BLOCK = 6


@dataclass(frozen=True)
class StoredBlock:
    """A block as `HistogramWriter.add_block` takes it.

    Attributes
    ----------
    index
        Number of the block in its histogram, from 0.
    intervals, currents
        Raw intervals in s and switching currents in A, shape (n_reading,) both.
    censored
        Ramps that reached the top without a switch.
    temperature
        Bath temperature in K.
    time
        Time in s since the first ramp.
    """

    index: int
    intervals: NDArray[np.float64]
    currents: NDArray[np.float64]
    censored: int
    temperature: float
    time: float

    def rows(self) -> tuple[dict[str, Any], ...]:
        """Return the rows of the results table, each as column -> value."""
        along = {
            layout.BLOCK_READINGS: self.intervals.size,
            layout.BLOCK_CENSORED: self.censored,
            layout.BLOCK_TIME: self.time,
            layout.BATH_TEMPERATURE: self.temperature,
        }
        return (
            {layout.INTERVAL: self.intervals},
            {layout.CURRENT: self.currents},
            *({layout.BLOCK: self.index, name: value} for name, value in along.items()),
        )
