"""The next order in 1/N of tunnelling, which leading semiclassics leaves out: -169/(864 N) in ln Gamma.

It is that of the undamped cubic well (from its exact levels, see `metastable_levels`; with it the residual is 1.1 % at
N = 2 and 0.4 % at N = 3). For a damped well it is not known. From three quanta on it is below 0.07 and the published
laws have no such term; at two quanta it is 0.1, more than the other errors. Hence the stated rule "few quanta", the
default of `Tunneling` and `Escape`: below three quanta what it grows by from there, -169/864 (1/N - 1/3), and nothing
above. So its slope, which widths show, is right where it is included, and the published law is untouched where it is
good.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.physics.bounce.table import smooth_step

__all__ = ["FiniteBarrier", "check_finite_barrier", "next_order"]

FiniteBarrier = Literal["few quanta", "always", "never"]

_COEFFICIENT = 169.0 / 864.0
#: Where "few quanta" begins, and between which it is faded out around there.
_FEW = 3.0
_COMPLETE, _LEFT_OUT = 2.5, 3.5
#: Below so many it does not grow any more.
_SMALLEST = 0.5
#: T/T0 between which it is switched off: thermal escape has no such term.
_COLD, _HOT = 0.7, 1.6


def check_finite_barrier(choice: object) -> None:
    """Raise `InputError` unless this is one of the rules."""
    if choice not in get_args(FiniteBarrier):
        known = ", ".join(map(repr, get_args(FiniteBarrier)))
        raise InputError(f"finite_barrier is {choice!r}; it must be one of {known}")


def next_order(
    quanta: NDArray[np.float64], choice: FiniteBarrier, temperature_ratio: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Return what the next order adds to ln Gamma (fitted to the exact levels of the undamped cubic well).

    Parameters
    ----------
    quanta
        N = dU/(hbar wp), any shape.
    choice
        The rule.
    temperature_ratio
        T/T0, broadcasts.
    """
    if choice == "never":
        return np.zeros(np.broadcast_shapes(np.shape(quanta), np.shape(temperature_ratio)))
    share = 1.0 - smooth_step(np.asarray(temperature_ratio, dtype=np.float64), _COLD, _HOT)
    # 1/N, bent over without a kink where N is below half a quantum
    inverse = quanta**3 / (quanta**4 + _SMALLEST**4)
    if choice == "few quanta":
        few = _FEW**3 / (_FEW**4 + _SMALLEST**4)
        inverse = (inverse - few) * (1.0 - smooth_step(quanta, _COMPLETE, _LEFT_OUT))
    return np.asarray(-share * _COEFFICIENT * inverse)
