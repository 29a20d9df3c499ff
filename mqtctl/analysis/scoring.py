"""Maximum likelihood by damped Fisher scoring (Levenberg and Marquardt's damping, Osborne, ISR 60, 309 (1992)).

Why not a general minimiser: the information is at hand with the gradient, so 4 to 8 steps reach the maximum to
1e-4 standard errors, for one parameter or fifteen, where quasi-Newton methods need hundreds of evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Maximum", "maximise"]

LONGEST_STEP = 1.0  # parameters are logarithms: never change one by more than a factor e at a time
TOLERANCE = 1e-8  # predicted gain in ln L: 1e-4 standard errors


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is largest: parameters of shape (n_parameter,), ln L there, steps taken."""

    parameters: NDArray[np.float64]
    value: float
    steps: int
    converged: bool


def maximise(
    value: Callable[[NDArray[np.float64]], float],
    slope: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]],
    start: NDArray[np.float64],
    most_steps: int = 60,
) -> Maximum:
    """Climb from `start` to the maximum of `value`.

    Parameters
    ----------
    value
        ln L of parameters; -inf where they are impossible.
    slope
        Gradient and information (positive semi-definite) at parameters.
    start
        Parameters of finite likelihood, shape (n_parameter,).
    """
    parameters, best, damping = start.copy(), value(start), 1e-4
    if not np.isfinite(best):
        return Maximum(parameters, best, 0, False)
    gradient, information = slope(parameters)
    for steps in range(1, most_steps + 1):
        step = _step(gradient, information, damping)
        gain = float(gradient @ step)
        if gain < TOLERANCE * (1.0 + 1e-6 * abs(best)):
            return Maximum(parameters, best, steps, True)
        longest = float(np.abs(step).max())
        if longest > LONGEST_STEP:
            step *= LONGEST_STEP / longest
        tried = value(parameters + step)
        if tried > best:
            parameters, best, damping = parameters + step, tried, max(damping / 10.0, 1e-9)
            gradient, information = slope(parameters)
        else:
            damping = max(10.0 * damping, 1e-3)
            if damping > 1e12:  # no step, however short, gains anything: rounding is all that is left
                return Maximum(parameters, best, steps, gain < 1e-4)
    return Maximum(parameters, best, most_steps, False)


def _step(gradient: NDArray[np.float64], information: NDArray[np.float64], damping: float) -> NDArray[np.float64]:
    diagonal = np.diag(information)
    scale = np.sqrt(np.maximum(diagonal, 1e-12 * max(float(diagonal.max()), 1e-300)))
    damped = information / np.outer(scale, scale) + damping * np.eye(gradient.size)
    return np.asarray(np.linalg.solve(damped, gradient / scale) / scale)
