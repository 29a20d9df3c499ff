"""The washboard: the potential of a sinusoidal current-phase relation, exact up to the critical current.

Everything is a function of x = 1 - I/Ic, not of I: differences of nearly equal numbers never occur,
so x may be as small as 1e-100. The metastable well exists for 0 < x < 2 (-Ic < I < Ic); outside it
every function here returns 0.

U(delta) = -E_J (cos delta + s delta), s = 1 - x, has its minimum at delta = asin(s) and its maximum
at pi - asin(s). With theta = 2 asin(sqrt(x/2)), so that cos(theta) = s, the two are 2 theta apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Washboard", "barrier_shape", "frequency_shape"]

# sin(t) - t cos(t) = t^3 sum_k c_k t^(2k), c_k = (-1)^k 2(k+1)/(2k+3)!; 16 terms are exact in double
# precision up to t = pi, where the terms cancel by no more than a factor of 4.
_SERIES = tuple((-1.0) ** k * 2.0 * (k + 1) / factorial(2 * k + 3) for k in range(16))


def barrier_shape(one_minus_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the exact forward barrier dU/E_J = 2 (sin t - t cos t), t = 2 asin(sqrt(x/2)).

    Identical to 2 [sqrt(1-s^2) - s acos(s)] (Fulton and Dunkelberger, PRB 9, 4760 (1974), eq. 5 [M]), without
    its cancellation at s -> 1. From 0 at x = 0 to 2 pi at x = 2.
    """
    half = np.arcsin(np.sqrt(0.5 * np.clip(one_minus_s, 0.0, 2.0)))
    angle = 2.0 * half
    square = angle * angle
    series = np.full_like(square, _SERIES[-1])
    for coefficient in _SERIES[-2::-1]:
        series *= square
        series += coefficient
    shape: NDArray[np.float64] = np.where(one_minus_s >= 2.0, 0.0, 2.0 * angle * square * series)
    return shape


def frequency_shape(one_minus_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return wp(I)/wp(0) = (1-s^2)^(1/4) = [x(2-x)]^(1/4), the same at the well and at the barrier top."""
    clipped = np.clip(one_minus_s, 0.0, 2.0)
    shape: NDArray[np.float64] = np.sqrt(np.sqrt(clipped * (2.0 - clipped)))
    return shape


@dataclass(frozen=True)
class Washboard:
    """U = -E_J cos(phase), of I = Ic sin(phase): a tunnel junction (Josephson, Phys. Lett. 1, 251 (1962) [M])."""

    cubic_coefficient: ClassVar[float] = 1.0
    running_path: ClassVar[float] = 8.0

    def barrier(self, one_minus_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return dU/E_J (Fulton and Dunkelberger, PRB 9, 4760 (1974), eq. 5 [M])."""
        return barrier_shape(one_minus_s)

    def frequencies(self, one_minus_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return wp(I)/wp(0) twice: well and barrier top have the same (Fulton and Dunkelberger, eq. 4 [M])."""
        frequency = frequency_shape(one_minus_s)
        return frequency, frequency
