"""When a noisy, slowly rising voltage passes a threshold for the first time: too early, by how much, how scattered.

Gaussian noise of standard deviation sigma crosses a level u sigma above the mean f0 exp(-u^2/2) times a second (Rice,
Bell Syst. Tech. J. 24, 46 (1945), eq. 3.3-14 [M]), f0 being its mean rate of zero crossings. While the mean rises
at the slope v, u falls, and the first crossing has the survival exp(-A Phi(-u)), A = sqrt(2 pi) f0 sigma/v. It
holds for A well above 1, where the mean itself hardly ever comes first.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import trapezoid
from scipy.special import ndtr

__all__ = ["first_passage"]

_GRID = np.linspace(-8.0, 12.0, 4001)


def first_passage(crossings: float) -> tuple[float, float]:
    """Return by how many sigma the first crossing comes before the mean's own, and its scatter in sigma.

    Parameters
    ----------
    crossings
        A of the module's docstring: expected crossings while the mean passes the threshold; positive.
    """
    # probability that the crossing has come while the mean was still u below the threshold
    come = -np.expm1(-crossings * ndtr(-_GRID))
    positive, negative = _GRID >= 0.0, _GRID <= 0.0
    missing = np.exp(-crossings * ndtr(-_GRID))
    # mean of u over the first crossing, from its distribution function on both sides of zero
    mean = trapezoid(come[positive], _GRID[positive]) - trapezoid(missing[negative], _GRID[negative])
    square = 2.0 * (
        trapezoid(come[positive] * _GRID[positive], _GRID[positive])
        - trapezoid(missing[negative] * _GRID[negative], _GRID[negative])
    )
    return float(mean), float(np.sqrt(max(square - mean**2, 0.0)))
