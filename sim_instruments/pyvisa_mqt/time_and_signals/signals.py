"""What travels on the wires between simulated instruments, the junction and the cryostat.

An instrument sees the bench only through `Wires`: it says what it puts out and asks what
arrives. So an instrument file needs no knowledge of the junction, and the junction none of
the instruments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.time_and_signals.clock import VirtualClock

__all__ = ["Waveform", "Wires"]


@dataclass(frozen=True)
class Waveform:
    """A periodic output: `values[k]` is held during the k-th of len(values) equal parts of each period.

    Attributes
    ----------
    start
        Bench time in s at which the first period begins.
    period
        Duration of one period in s.
    cycles
        Number of periods, `math.inf` if it goes on until stopped.
    values
        Output in A (current source) or V (voltage source) per step, shape (n_step,).
    idle
        Output before `start` and after the last period, in the same unit.
    marker_phase
        Where in the period (0 to 1) the marker pulse falls; None if there is none.
    marker_every
        Number of periods from one marker pulse to the next; `math.inf` for a single one.
    marker_train
        How many pulses there are in place of each marker pulse, and their distance in s; all within the period.
    """

    start: float
    period: float
    cycles: float
    values: NDArray[np.float64]
    idle: float = 0.0
    marker_phase: float | None = None
    marker_every: float = 1.0
    marker_train: tuple[float, float] = (1.0, 0.0)

    @property
    def stop(self) -> float:
        """Bench time in s at which the last period ends."""
        return self.start + self.cycles * self.period if math.isfinite(self.cycles) else math.inf


class Wires(Protocol):
    """The bench as one instrument sees it; ports are that instrument's own connector names."""

    @property
    def clock(self) -> VirtualClock:
        """The bench's clock."""

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None:
        """Put a waveform on an output port from now on, and its marker pulses on another port.

        It replaces what the port put out before; a constant level is a waveform of one value.
        """

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        """Return the sorted bench times in s, since < t <= until, at which the signal crosses `threshold` (V)."""

    def temperature(self, sensor: str) -> float:
        """Return the true temperature in K of the stage to which this sensor is bolted, now."""

    def heat(self, heater: str, power: float) -> None:
        """Set the power in W that a heater puts into its stage from now on."""
