"""The potential of short channels of one transmission: between the sinusoid and the skewed relation of a clear contact.

I(p) = I0 sin(p) / [1 - tau sin^2(p/2)]^(1/2) at T = 0 (Beenakker, PRL 67, 3836 (1991), eq. 4 [M]). With
r = (1 - tau)^(1/2) and w = sin^2(p/2) its maximum is Ic = 2 I0/(1 + r), at w = 1/(1 + r), and I(p) = s Ic is
quadratic in w. Its two roots v < w have (v w)^(1/2) = s/(1 + r) and [(1 - v)(1 - w)]^(1/2) = s r/(1 + r), so that
maximum and minimum are 2 acos(s) apart for every tau: the barrier is that of the washboard. The frequencies are
not: the farther from Ic, the flatter the well and the steeper the top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.physics.well.washboard import barrier_shape

__all__ = ["TransparentChannel"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TransparentChannel:
    """Short channels of one transmission (Beenakker, PRL 67, 3836 (1991), eq. 4 [M]); 0 is the washboard.

    Parameters
    ----------
    transmission
        tau, from 0 to below 1; with 1 the relation has a corner and no smooth top.
    """

    transmission: float

    cubic_coefficient: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.transmission, str) or not 0.0 <= self.transmission < 1.0:
            raise InputError(f"transmission is {self.transmission!r}; it must be a number from 0 to below 1")

    @cached_property
    def running_path(self) -> float:
        """The integral of [2 (U_max - U)/E_J]^(1/2) over one period at zero bias, over u = sin(p/2)."""
        node, weight = legendre.leggauss(64)
        u = 0.5 * (node + 1.0)
        root = np.sqrt(1.0 - self.transmission * u * u) + self._reflection
        return float(2.0 * weight @ np.sqrt(4.0 * (1.0 + self._reflection) / root))

    def barrier(self, one_minus_s: FloatArray) -> FloatArray:
        """Return dU/E_J, for every transmission that of the washboard (module docstring)."""
        return barrier_shape(one_minus_s)

    def frequencies(self, one_minus_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return (dI/dp / Ic)^(1/2) at the minimum and (-dI/dp / Ic)^(1/2) at the maximum.

        The roots of the quadratic and their distances from that at Ic are written without differences of nearly
        equal numbers.
        """
        clipped = np.clip(one_minus_s, 0.0, 2.0)
        x = np.minimum(clipped, 2.0 - clipped)  # of |s|: the relation is odd
        s, r = 1.0 - x, self._reflection
        skew = 4.0 * (1.0 - r) / (1.0 + r)
        discriminant = x * (8.0 * r / (1.0 + r) + skew * x) * (4.0 + s * s * skew + 8.0 * s / (1.0 + r))
        root, shift = 0.125 * np.sqrt(discriminant), 0.125 * skew * x * (2.0 - x)
        top = 0.125 * (4.0 + s * s * skew) + root
        well = s * s / ((1.0 + r) ** 2 * top)
        return self._frequency(well, root + shift), self._frequency(top, root - shift)

    def _frequency(self, w: FloatArray, distance: FloatArray) -> FloatArray:
        """Return the root of the slope of the relation at w, so far from the w of the critical current."""
        r = self._reflection
        slope = 0.5 * (1.0 + r) ** 2 * distance * (1.0 - (1.0 - r) * w)
        return np.asarray(np.sqrt(slope / (1.0 - self.transmission * w) ** 1.5))

    @property
    def _reflection(self) -> float:
        return math.sqrt(1.0 - self.transmission)
