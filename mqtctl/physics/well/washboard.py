"""Shape of the tilted-washboard potential in dimensionless form, exact up to the critical current.

Everything is a function of x = 1 - I/Ic, not of I: differences of nearly equal numbers never occur,
so x may be as small as 1e-100. The metastable well exists for 0 < x < 2 (-Ic < I < Ic); outside it
every function here returns 0.

U(delta) = -E_J (cos delta + s delta), s = 1 - x, has its minimum at delta = asin(s) and its maximum
at pi - asin(s). With theta = 2 asin(sqrt(x/2)), so that cos(theta) = s, the two are 2 theta apart.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

__all__ = ["barrier_shape", "cubic_barrier_shape", "cubic_frequency_shape", "frequency_shape", "well_exists"]

# sin(t) - t cos(t) = t^3 sum_k c_k t^(2k), c_k = (-1)^k 2(k+1)/(2k+3)!; 16 terms are exact in double
# precision up to t = pi, where the terms cancel by no more than a factor of 4.
_SERIES = tuple((-1.0) ** k * 2.0 * (k + 1) / factorial(2 * k + 3) for k in range(16))


def well_exists(one_minus_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where the tilted washboard has a metastable well, 0 < x < 2.

    Below x = 1e-100, where the barrier is 1e-150 E_J and its logarithms underflow, it counts as gone.
    """
    return np.asarray((one_minus_s > 1e-100) & (one_minus_s < 2.0))


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


def cubic_barrier_shape(one_minus_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cubic approximation dU/E_J = (4 sqrt2 / 3) x^(3/2), good to 1 % for s > 0.8."""
    clipped = np.maximum(one_minus_s, 0.0)
    cubic = (4.0 * np.sqrt(2.0) / 3.0) * clipped * np.sqrt(clipped)
    shape: NDArray[np.float64] = np.where(one_minus_s >= 2.0, 0.0, cubic)
    return shape


def cubic_frequency_shape(one_minus_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cubic approximation wp(I)/wp(0) = (2x)^(1/4)."""
    cubic = np.sqrt(np.sqrt(2.0 * np.maximum(one_minus_s, 0.0)))
    shape: NDArray[np.float64] = np.where(one_minus_s >= 2.0, 0.0, cubic)
    return shape
