"""Thermal escape with a prefactor that is known from another experiment, Gamma = a_t (wp / 2 pi) exp(-dU / kT)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.physics import TransitionState, WellState

__all__ = ["FixedPrefactor"]


@dataclass(frozen=True)
class FixedPrefactor(TransitionState):
    """Transition-state theory times a number.

    Parameters
    ----------
    a_t
        The prefactor, above 0; 1 is transition-state theory itself.
    """

    a_t: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 < self.a_t < math.inf:
            raise InputError(f"a_t is {self.a_t}; it must be a number above 0")

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln a_t + ln(wp / 2 pi) - u."""
        return math.log(self.a_t) + super().log_rate_in(well)
