"""Closed forms of the T = 0 bounce for any ohmic damping, fitted to the numerical one.

Both are exact to first order in g = 1/Q and carry the right power law at strong damping. Their errors were
measured against `bounce.solve_bounce` for 0.1 <= Q <= inf and are asserted by the tests.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import pi

__all__ = [
    "ACTION_SLOPE",
    "CLOSED_FORM_ACTION_ERROR",
    "CLOSED_FORM_PREFACTOR_ERROR",
    "action_ratio",
    "log_prefactor_ratio",
]

ACTION_SLOPE = 45.0 * 1.2020569031595942 / (2.0 * pi**3)
"""45 zeta(3) / (2 pi^3) = 0.87228: B/B0 = 1 + 0.87228/Q in weak damping."""

CLOSED_FORM_ACTION_ERROR = 1.4e-4
"""Largest relative error of `action_ratio`."""

CLOSED_FORM_PREFACTOR_ERROR = 7e-4
"""Largest error of `log_prefactor_ratio` for Q >= 0.2 (1.7e-3 at Q = 0.1)."""

_B1, _B2 = 0.54950188, 0.11472464
_ACTION_NUMERATOR = (1.0, _B1 + 0.8722841, 0.72090104, 5.0 * pi / 12.0 * _B2)


def action_ratio(damping: ArrayLike) -> NDArray[np.float64]:
    """Return B(Q)/B(inf) at T = 0 for damping g = 1/Q >= 0.

    A rational function with the weak-damping slope 45 zeta(3)/(2 pi^3) (Caldeira and Leggett, Ann. Phys. 149,
    374 (1983), eq. 5.20 [M]) and the strong-damping limit (5 pi/12) g of the same paper, eq. 5.29 [M];
    relative error <= 1.4e-4.
    """
    g = np.asarray(damping, dtype=np.float64)
    a0, a1, a2, a3 = _ACTION_NUMERATOR
    numerator = a0 + g * (a1 + g * (a2 + g * a3))
    return np.asarray(numerator / (1.0 + g * (_B1 + g * _B2)))


def log_prefactor_ratio(damping: ArrayLike) -> NDArray[np.float64]:
    """Return ln[a_q(Q)/a_q(inf)] at T = 0 for damping g = 1/Q >= 0.

    1 + 1.430 g in weak damping (Hanggi, Talkner and Borkovec, RMP 62, 251 (1990), eq. 9.27 [M], "2.86 g/2w0")
    and g^(7/2) in strong damping (Larkin and Ovchinnikov, JETP 59, 420 (1984) [M]).
    """
    g = np.asarray(damping, dtype=np.float64)
    linear = (1.430 - 1.75 * 1.13828679) * g / (1.0 + g * (0.45702478 + 0.13203618 * g))
    return np.asarray(1.75 * np.log1p(g * (1.13828679 + 0.40514111 * g)) + linear)
