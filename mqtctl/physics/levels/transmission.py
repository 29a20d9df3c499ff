"""Thermal escape of the undamped cubic well by transmission through the barrier, in uniform WKB: a yardstick near T0.

Gamma = (1/Z) int dE/(2 pi hbar) P(E) exp(-E/kT), P = 1/(1 + exp 2K(E)), with the exact action 2K(E) below
and, by analytic continuation, above the barrier (Kemble, Phys. Rev. 48, 549 (1935), eq. 26 [M]; Affleck, PRL
46, 388 (1981), eq. 2 [M]) and Z that of the harmonic well. Right where many levels take part, above about 0.8
T0; below, average over `metastable_levels`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError

__all__ = ["barrier_action", "undamped_thermal_log_rate"]

FloatArray = NDArray[np.float64]

_COLDEST = 0.08
_INDEX = np.arange(1, 101)
_CHEBYSHEV = np.cos(_INDEX * np.pi / 101.0)
_WEIGHTS = np.pi / 101.0 * np.sin(_INDEX * np.pi / 101.0) ** 2


def barrier_action(quanta: float, energy: FloatArray) -> FloatArray:
    """Return 2K(E)/hbar for energies (n,) in units of hbar wp, under a cubic barrier of N quanta; negative above it.

    Uniform WKB (Kemble 1935, eq. 26 [M]): 2K = 2 int (2 (V - E))^(1/2) dq between the inner and outer turning
    points, which turn complex above the barrier while the integral stays real.
    """
    # turning points: y^3 - y^2/2 + e = 0 in units where the barrier is 1/54; its lowest root is always real
    level = np.asarray(energy, dtype=np.float64) / (54.0 * quanta)
    cosine = 108.0 * level - 1.0
    below = np.cos((np.arccos(np.clip(-cosine, -1.0, 1.0)) + 2.0 * np.pi) / 3.0)
    above = -np.cosh(np.arccosh(np.maximum(cosine, 1.0)) / 3.0)
    lowest = np.where(cosine < 1.0, below, above) / 3.0 + 1.0 / 6.0
    middle = 0.25 - 0.5 * lowest  # of the other two, which may be a complex pair
    half_squared = middle**2 + 2.0 * middle * lowest
    half = np.sqrt(half_squared.astype(np.complex128))
    integral = np.sqrt((middle - lowest)[:, None] + half[:, None] * _CHEBYSHEV).real @ _WEIGHTS
    return np.asarray(54.0 * quanta * 2.0 * np.sqrt(2.0) * half_squared * integral)


def undamped_thermal_log_rate(quanta: float, thermal_quanta: float) -> float:
    """Return ln(Gamma/wp) of the undamped cubic well (Affleck, PRL 46, 388 (1981), eq. 2 [M]).

    Parameters
    ----------
    quanta
        N = dU/(hbar wp), above about 1.
    thermal_quanta
        tau = kT/(hbar wp), above 0.08, half of T0 = 1/(2 pi): below, energies under the ground state would count.

    Raises
    ------
    InputError
        If one of them is out of range.
    """
    for name, value, least in (("quanta", quanta, 0.0), ("thermal_quanta", thermal_quanta, _COLDEST)):
        if not least < value < np.inf:
            raise InputError(
                f"{name} is {value}; it must be above {least} and finite (take metastable_levels in the cold)"
            )
    energy = np.linspace(0.0, quanta + 25.0 * max(thermal_quanta, 0.3) + 4.0, 4001)
    # logarithms throughout: exp(-E/kT) and the partition function underflow far below T0
    log_transmission = -np.logaddexp(0.0, barrier_action(quanta, energy))
    terms = log_transmission - energy / thermal_quanta
    terms[[0, -1]] -= np.log(2.0)  # trapezoidal rule
    log_flux = np.logaddexp.reduce(terms) + np.log(energy[1] / (2.0 * np.pi))
    log_partition = -0.5 / thermal_quanta - np.log(-np.expm1(-1.0 / thermal_quanta))
    return float(log_flux - log_partition)
