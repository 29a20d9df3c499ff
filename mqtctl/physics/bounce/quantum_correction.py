"""Quantum correction f_q of thermal escape above the crossover temperature, in closed form.

f_q = prod_{n>=1} (n^2 nu^2 + n nu g + 1) / (n^2 nu^2 + n nu g - 1), nu = 2 pi kT/(hbar wp), g = 1/Q (Wolynes,
PRL 47, 968 (1981), eq. 12 [M]; Grabert and Weiss, PRL 53, 1787 (1984), eq. 6 [M]). With the roots of
numerator and denominator r = [-g +- (g^2 - 4)^(1/2)]/(2 nu) and s = [-g +- (g^2 + 4)^(1/2)]/(2 nu), whose
sums are equal, Euler's product gives f_q = Gamma(1 - s+) Gamma(1 - s-) / [Gamma(1 - r+) Gamma(1 - r-)]. It
tends to exp(1 / 12 tau^2) at high T, tau = kT/(hbar wp).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, loggamma

__all__ = ["log_quantum_correction"]

FloatArray = NDArray[np.float64]


def log_quantum_correction(damping: FloatArray, temperature_ratio: FloatArray, *, first: int = 1) -> FloatArray:
    """Return ln f_q (Grabert and Weiss, PRL 53, 1787 (1984), eq. 6 [M]) for T > T0/first.

    Parameters
    ----------
    damping
        g = 1/Q, 0 or more.
    temperature_ratio
        theta = T/T0 with T0 = hbar wR/2 pi k, above 1/first; broadcast against damping.
    first
        First n of the product: 1, or 2 to leave out the factor that diverges at T0.
    """
    half = 0.5 * np.asarray(damping, dtype=np.float64)
    growth = np.sqrt(1.0 + half * half) + half  # wp/wR
    fundamental = np.asarray(temperature_ratio) / growth  # nu
    centre = half / fundamental
    upper = first - 1.0 / np.asarray(temperature_ratio)
    lower = first + growth / fundamental
    value = gammaln(upper) + gammaln(lower)
    squared = half * half - 1.0
    underdamped = squared < 0.0
    root = np.sqrt(np.abs(squared)) / fundamental
    oscillating = np.zeros(())
    if np.any(underdamped):
        oscillating = 2.0 * loggamma(first + centre + 1j * root).real
    # the product of the two roots is 1/nu^2: the small one follows from the large one without cancellation
    large = centre + root
    decaying = gammaln(first + 1.0 / (fundamental**2 * np.maximum(large, 1e-300))) + gammaln(first + large)
    return np.asarray(value - np.where(underdamped, oscillating, decaying))
