"""Wires on which nothing ever happens, for tests of the grammars alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyvisa_mqt.time_and_signals.clock import VirtualClock
from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["SilentWires"]


class SilentWires:
    """A bench without a bench: time passes, and that is all."""

    def __init__(self) -> None:
        self.clock = VirtualClock()

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None: ...

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        return np.zeros(0)

    def temperature(self, sensor: str) -> float:
        return 0.05

    def heat(self, heater: str, power: float) -> None: ...
