"""The potential of a junction without bias, as everything that depends on its current-phase relation asks for it.

A junction owns one. The default is the `Washboard` of I = Ic sin(phase); another current-phase relation is one class
with these members, and nothing else needs to know it. Everything is a function of x = 1 - I/Ic and dimensionless:
energies in E_J = hbar Ic/2e, angular frequencies in (2e Ic / hbar C)^(1/2), where Ic is the largest current of the
relation. The relation is odd in the phase and has a period of 2 pi, so that the well exists for 0 < x < 2.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Potential", "cubic_barrier_shape", "cubic_frequency_shape", "well_exists"]

FloatArray = NDArray[np.float64]


class Potential(Protocol):
    """What a current-phase relation makes of barrier and frequencies; instances are equal by value and hashable.

    Attributes
    ----------
    cubic_coefficient
        -(d2I/dphase2)/Ic at the phase of the critical current, > 0; 1 for the sinusoid. It alone gives the cubic
        potential close to Ic.
    running_path
        Integral over one period of [2 (U_max - U)/E_J]^(1/2) at zero bias, whose friction the retrapping current
        balances; 8 for the sinusoid.
    """

    @property
    def cubic_coefficient(self) -> float:
        """The cubic coefficient."""

    @property
    def running_path(self) -> float:
        """The integral over one period."""

    def barrier(self, one_minus_s: FloatArray) -> FloatArray:
        """Return dU/E_J of the barrier in the direction of positive phase at x, any shape.

        With full relative precision for x -> 0; 0 outside 0 < x < 2, NaN for NaN.
        """

    def frequencies(self, one_minus_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return wp(I) of the well and of the inverted barrier top in units of (2e Ic / hbar C)^(1/2), as `barrier`."""


def well_exists(one_minus_s: FloatArray) -> NDArray[np.bool_]:
    """Return where the tilted potential has a metastable well, 0 < x < 2.

    Below x = 1e-100, where the barrier is 1e-150 E_J and its logarithms underflow, it counts as gone.
    """
    return np.asarray((one_minus_s > 1e-100) & (one_minus_s < 2.0))


def cubic_barrier_shape(one_minus_s: FloatArray, coefficient: float = 1.0) -> FloatArray:
    """Return the cubic approximation dU/E_J = (4 sqrt2 / 3) x^(3/2) / c^(1/2); 1 % low for the washboard at s = 0.8."""
    clipped = np.maximum(one_minus_s, 0.0)
    cubic = (4.0 * np.sqrt(2.0) / 3.0) * clipped * np.sqrt(clipped)
    shape: FloatArray = np.where(one_minus_s >= 2.0, 0.0, cubic / np.sqrt(coefficient))
    return shape


def cubic_frequency_shape(one_minus_s: FloatArray, coefficient: float = 1.0) -> FloatArray:
    """Return the cubic approximation wp(I) / (2e Ic / hbar C)^(1/2) = (2 c x)^(1/4), of well and barrier top alike."""
    cubic = np.sqrt(np.sqrt(2.0 * coefficient * np.maximum(one_minus_s, 0.0)))
    shape: FloatArray = np.where(one_minus_s >= 2.0, 0.0, cubic)
    return shape
