"""Statistics and limits of the 53230A's readings: the CALCulate subsystem.

U: order of the numbers of CALCulate:AVERage:ALL?, and that readings which timed out do not count.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.grammar.parameters import Boolean, Number
from pyvisa_mqt.grammar.scpi import Command, setting

__all__ = ["STATISTICS_COMMANDS", "Statistics"]

NOT_A_READING = 9.91e37


@dataclass
class Statistics:
    """Count, mean, spread and extremes of readings that come in blocks, and how many failed the limits."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    smallest: float = math.inf
    largest: float = -math.inf
    failed: int = 0

    def add(self, readings: NDArray[np.float64]) -> None:
        """Take in readings, shape (n_reading,)."""
        good = readings[readings < NOT_A_READING]
        if not len(good):
            return
        # Chan, Golub and LeVeque, The American Statistician 37, 242 (1983), eq. 2.1.
        added, mean = len(good), float(np.mean(good))
        total = self.count + added
        self.squares += float(np.sum((good - mean) ** 2)) + (mean - self.mean) ** 2 * self.count * added / total
        self.mean += (mean - self.mean) * added / total
        self.count = total
        self.smallest = min(self.smallest, float(good.min()))
        self.largest = max(self.largest, float(good.max()))

    def values(self) -> dict[str, float]:
        """Return the statistics by name; what is not known yet is no reading."""
        if not self.count:
            return dict.fromkeys(("mean", "deviation", "smallest", "largest", "spread"), NOT_A_READING)
        deviation = math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else 0.0
        spread = self.largest - self.smallest
        return {
            "mean": self.mean,
            "deviation": deviation,
            "smallest": self.smallest,
            "largest": self.largest,
            "spread": spread,
        }


def _statistic(*names: str) -> Callable[[Any], str]:
    return lambda counter: ",".join(counter.format_number(counter.statistics.values()[name]) for name in names)


_LIMIT = Number(-1e15, 1e15, 0.0)
STATISTICS_COMMANDS: tuple[Command, ...] = (
    setting("CALCulate[:STATe]", "calculate", Boolean(), False),
    setting("CALCulate:AVERage[:STATe]", "average", Boolean(), False),
    Command("CALCulate:AVERage:ALL", None, _statistic("mean", "deviation", "smallest", "largest")),
    Command("CALCulate:AVERage:AVERage", None, _statistic("mean")),
    Command("CALCulate:AVERage:SDEViation", None, _statistic("deviation")),
    Command("CALCulate:AVERage:MINimum", None, _statistic("smallest")),
    Command("CALCulate:AVERage:MAXimum", None, _statistic("largest")),
    Command("CALCulate:AVERage:PTPeak", None, _statistic("spread")),
    Command(
        "CALCulate:AVERage:COUNt[:CURRent]", None, lambda counter: counter.format_integer(counter.statistics.count)
    ),
    Command("CALCulate:AVERage:CLEar[:IMMediate]", lambda counter: counter.clear_statistics()),
    setting("CALCulate:LIMit[:STATe]", "limit", Boolean(), False),
    setting("CALCulate:LIMit:LOWer[:DATA]", "lower_limit", _LIMIT, 0.0),
    setting("CALCulate:LIMit:UPPer[:DATA]", "upper_limit", _LIMIT, 0.0),
    Command(
        "CALCulate:LIMit:FCOunt[:CURRent]", None, lambda counter: counter.format_integer(counter.statistics.failed)
    ),
    Command("CALCulate:LIMit:CLEar[:IMMediate]", lambda counter: counter.clear_statistics()),
)
