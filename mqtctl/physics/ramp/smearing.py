"""Gaussian noise on the measured current, folded into a distribution.

Where the noise is wide enough it is summed over the distribution's own quadrature nodes. Where those would be too many
it is narrow against anything in the distribution but its ends, and the functions are averaged over the noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Quiet", "Smearing"]

FloatArray = NDArray[np.float64]
Function = Callable[[FloatArray], FloatArray]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_REACH = 8.5  # standard deviations beyond which noise is less probable than 1e-16
_CHUNK = 256


@dataclass(frozen=True)
class Quiet:
    """A distribution without noise.

    Attributes
    ----------
    pdf, cdf, survival
        Density in 1/A without the atom and probabilities at, below and above currents in A; from (n,) to (n,).
    ends
        Lowest and highest current in A.
    atom, atom_current
        Probability of the survivors, and the current in A at which they are.
    """

    pdf: Function
    cdf: Function
    survival: Function
    ends: tuple[float, float]
    atom: float
    atom_current: float


@dataclass(frozen=True)
class Smearing:
    """The convolution of a distribution with a Gaussian; made by `averaged` or `summed`.

    Attributes
    ----------
    width
        Standard deviation of the noise in A, > 0.
    density, below, above
        Smeared density in 1/A and probabilities at or below, and above, currents in A; from (n,) to (n,).
    """

    width: float
    density: Function
    below: Function
    above: Function

    @classmethod
    def averaged(cls, width: float, quiet: Quiet) -> Smearing:
        """Return averages over the noise, between the ends of the distribution; what lies beyond is added."""
        functions = (_average_density, _average_below, _average_above)
        return cls(width, *(partial(function, quiet, width) for function in functions))

    @classmethod
    def summed(cls, width: float, currents: FloatArray, mass: FloatArray) -> Smearing:
        """Return the noise summed over nodes (A) with their probabilities, atoms included; both of shape (n_node,)."""
        kernels = (partial(_normal_density, width), ndtr, _upper_normal)
        return cls(width, *(partial(_summed, kernel, width, currents, mass) for kernel in kernels))

    def invert(self, fraction: FloatArray, low: float, high: float) -> FloatArray:
        """Return the currents in A below which the fractions (n,) lie, by bisection between low and high.

        -inf at 0, inf at 1, NaN for NaN.
        """
        grid = np.linspace(low, high, 2049)
        cumulative = np.maximum.accumulate(self.below(grid))
        right = np.clip(np.searchsorted(cumulative, fraction), 1, len(grid) - 1)
        lower, upper = grid[right - 1].copy(), grid[right].copy()
        for _ in range(45):
            middle = 0.5 * (lower + upper)
            under = self.below(middle) < fraction
            lower, upper = np.where(under, middle, lower), np.where(under, upper, middle)
        inside = np.where(np.isnan(fraction), np.nan, 0.5 * (lower + upper))
        return np.where(fraction == 0.0, -np.inf, np.where(fraction == 1.0, np.inf, inside))


def _normal_density(width: float, distance: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * distance * distance) / (np.sqrt(2.0 * np.pi) * width))


def _upper_normal(distance: FloatArray) -> FloatArray:
    return np.asarray(ndtr(-distance))


def _average_density(quiet: Quiet, width: float, current: FloatArray) -> FloatArray:
    atom = quiet.atom * _normal_density(width, (current - quiet.atom_current) / width)
    return _averaged(quiet.pdf, width, quiet.ends, current) + atom


def _average_below(quiet: Quiet, width: float, current: FloatArray) -> FloatArray:
    return np.asarray(_averaged(quiet.cdf, width, quiet.ends, current) + ndtr((current - quiet.ends[1]) / width))


def _average_above(quiet: Quiet, width: float, current: FloatArray) -> FloatArray:
    return np.asarray(_averaged(quiet.survival, width, quiet.ends, current) + ndtr((quiet.ends[0] - current) / width))


def _averaged(function: Function, width: float, ends: tuple[float, float], current: FloatArray) -> FloatArray:
    """Return int f(u) phi((I - u)/w) du/w between the ends, by Gauss-Legendre within reach of each current."""
    # distances in units of the noise keep their digits where the noise is the last digits of the current
    low, high = (np.clip((end - current) / width, -_REACH, _REACH) for end in ends)
    half = 0.5 * (high - low)
    distance = (low + half)[:, None] + half[:, None] * _NODES
    inside = np.clip(  # off the jump at an end
        current[:, None] + width * distance, np.nextafter(ends[0], ends[1]), np.nextafter(ends[1], ends[0])
    )
    value = np.asarray(function(inside.ravel())).reshape(inside.shape)
    return np.asarray(half * ((value * _normal_density(1.0, distance)) @ _WEIGHTS))


def _summed(kernel: Function, width: float, currents: FloatArray, mass: FloatArray, current: FloatArray) -> FloatArray:
    result = np.empty(len(current))
    for begin in range(0, len(current), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        result[part] = kernel((current[part, None] - currents) / width) @ mass
    return result
