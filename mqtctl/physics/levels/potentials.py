"""The two potentials whose metastable levels `resonance` computes, in units hbar = m = wp = 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError

__all__ = ["LEAST_BIAS", "CubicWell", "WashboardWell"]

FloatArray = NDArray[np.float64]
LEAST_BIAS = 0.1  # below, the row of wells that a particle passes on its way out has levels of its own


def _check_height(height: float) -> None:
    if not 0.0 < height < math.inf:
        raise InputError(f"height is {height} quanta; a barrier must be positive and finite")


@dataclass(frozen=True)
class CubicWell:
    """V = q^2/2 - q^3/(54 N)^(1/2): a barrier of `height` = N > 0 quanta, in units of hbar wp."""

    height: float

    def __post_init__(self) -> None:
        _check_height(self.height)

    @property
    def cubic(self) -> float:
        """Coefficient of -q^3."""
        return 1.0 / math.sqrt(54.0 * self.height)

    @property
    def top(self) -> float:
        """Position of the barrier top."""
        return 1.0 / (3.0 * self.cubic)

    @property
    def left(self) -> float:
        """The potential rises without end to the left."""
        return -math.inf

    @property
    def steepest_angle(self) -> float:
        """Angle of the complex path; an outgoing wave decays fastest at pi/5."""
        return math.pi / 5.0

    def value(self, position: complex) -> complex:
        """Return V at a complex position."""
        return 0.5 * position * position - self.cubic * position**3

    def taylor(self, position: complex, order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients of V at a complex position."""
        series = np.zeros(order + 1, dtype=np.complex128)
        series[:4] = (
            self.value(position),
            position - 3.0 * self.cubic * position**2,
            0.5 - 3.0 * self.cubic * position,
            -self.cubic,
        )
        return series


@dataclass(frozen=True)
class WashboardWell:
    """The tilted cosine at bias s = I/Ic, 0.1 <= s < 1, with a barrier of `height` = N > 0 quanta.

    V = b [1 - cos(phi) + (s/c)(sin(phi) - phi)], phi = q/b^(1/2), c = (1 - s^2)^(1/2).
    """

    height: float
    bias: float

    def __post_init__(self) -> None:
        _check_height(self.height)
        if not LEAST_BIAS <= self.bias < 1.0:
            raise InputError(f"bias is {self.bias}; a single well needs I/Ic from {LEAST_BIAS} to below 1")

    @property
    def _slant(self) -> float:
        return self.bias / math.sqrt(1.0 - self.bias**2)

    @property
    def _depth(self) -> float:
        angle = 2.0 * math.acos(self.bias)  # phase from the well to the barrier top
        return self.height / (1.0 - math.cos(angle) + self._slant * (math.sin(angle) - angle))

    @property
    def top(self) -> float:
        """Position of the barrier top."""
        return 2.0 * math.acos(self.bias) * math.sqrt(self._depth)

    @property
    def left(self) -> float:
        """Position of the barrier to the next well on the left."""
        return -(math.pi + 2.0 * math.asin(self.bias)) * math.sqrt(self._depth)

    @property
    def steepest_angle(self) -> float:
        """Angle of the complex path; kept small, since the cosine grows off the real axis."""
        return 0.35

    def value(self, position: complex) -> complex:
        """Return V at a complex position."""
        phase = position / math.sqrt(self._depth)
        # 1 - cos and sin - phase cancel at the bottom; the loss is absolute 1e-16 b and harmless
        return complex(self._depth * (1.0 - np.cos(phase) + self._slant * (np.sin(phase) - phase)))

    def taylor(self, position: complex, order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients of V at a complex position."""
        scale = math.sqrt(self._depth)
        phase = position / scale
        cosine, sine = complex(np.cos(phase)), complex(np.sin(phase))
        # derivatives of -cos + slant sin repeat with period 4
        cycle = [
            -cosine + self._slant * sine,
            sine + self._slant * cosine,
            cosine - self._slant * sine,
            -sine - self._slant * cosine,
        ]
        index = np.arange(order + 1)
        factors = self._depth * scale ** -index.astype(np.float64) / _factorials(order)
        series = np.array(cycle, dtype=np.complex128)[index % 4] * factors
        series[0] = self.value(position)
        series[1] -= self._depth * self._slant / scale
        return series


def _factorials(order: int) -> FloatArray:
    return np.cumprod(np.concatenate([[1.0], np.arange(1.0, order + 1.0)]))
