"""Gaussian noise on the measured current, folded into a distribution that is given by nodes and weights.

Where the noise is narrow against the distribution the density is averaged over the noise (Gauss-Hermite); where it is
not, or where the distribution has an edge or an atom, the noise is summed over the distribution's own quadrature nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["Smearing"]

FloatArray = NDArray[np.float64]

_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / _HERMITE_WEIGHTS.sum()
_CHUNK = 256


@dataclass(frozen=True)
class Smearing:
    """The convolution of a distribution with a Gaussian.

    Attributes
    ----------
    width
        Standard deviation of the noise in A, > 0.
    currents, mass
        Quadrature nodes in A and their probabilities, atoms included, shape (n_node,); they sum to 1.
    pdf, cdf
        The functions without noise, used where it is narrow; None where the nodes are to be used.
    """

    width: float
    currents: FloatArray
    mass: FloatArray
    pdf: Callable[[FloatArray], FloatArray] | None
    cdf: Callable[[FloatArray], FloatArray] | None

    def density(self, current: FloatArray) -> FloatArray:
        """Return the smeared density in 1/A at currents in A, shape (n,)."""
        if self.pdf is not None:
            return self._averaged(self.pdf, current)
        norm = 1.0 / (np.sqrt(2.0 * np.pi) * self.width)
        return self._summed(lambda distance: norm * np.exp(-0.5 * distance * distance), current)

    def below(self, current: FloatArray) -> FloatArray:
        """Return the smeared probability of switching at or below currents in A, shape (n,)."""
        if self.cdf is not None:
            return self._averaged(self.cdf, current)
        return self._summed(ndtr, current)

    def above(self, current: FloatArray) -> FloatArray:
        """Return the smeared probability of switching above currents in A, shape (n,)."""
        if self.cdf is not None:
            return 1.0 - self._averaged(self.cdf, current)
        return self._summed(lambda distance: ndtr(-distance), current)

    def invert(self, fraction: FloatArray, low: float, high: float) -> FloatArray:
        """Return the currents in A below which the fractions (n,) lie, by bisection between low and high."""
        grid = np.linspace(low, high, 2049)
        cumulative = np.maximum.accumulate(self.below(grid))
        right = np.clip(np.searchsorted(cumulative, fraction), 1, len(grid) - 1)
        lower, upper = grid[right - 1].copy(), grid[right].copy()
        for _ in range(45):
            middle = 0.5 * (lower + upper)
            under = self.below(middle) < fraction
            lower, upper = np.where(under, middle, lower), np.where(under, upper, middle)
        return np.asarray(0.5 * (lower + upper))

    def _averaged(self, function: Callable[[FloatArray], FloatArray], current: FloatArray) -> FloatArray:
        shifted = current[:, None] - self.width * _HERMITE
        return np.asarray(np.asarray(function(shifted.ravel())).reshape(shifted.shape) @ _HERMITE_WEIGHTS)

    def _summed(self, kernel: Callable[[FloatArray], FloatArray], current: FloatArray) -> FloatArray:
        result = np.empty(len(current))
        for begin in range(0, len(current), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            distance = (current[part, None] - self.currents) / self.width
            result[part] = kernel(distance) @ self.mass
        return result
