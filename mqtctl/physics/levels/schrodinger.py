"""Outgoing (Siegert) states of a one-dimensional well, by Taylor integration of the Schroedinger equation.

Units hbar = m = wp = 1. A metastable state decays to the left, is purely outgoing to the right and has complex energy
E - i Gamma/2. To the right the path of integration leaves the real axis upwards, where an outgoing wave
decays, so that the boundary condition is met by any start. The energy is a zero of the Wronskian of the two
solutions; the rate is then taken from the exact balance of flux and norm (Siegert, Phys. Rev. 56, 750 (1939),
eq. 12 [M]),

    Gamma int_{-inf}^{q} |psi|^2 dq = Im(psi* psi')(q),

which keeps full relative precision even where Gamma is far below the rounding error of the energy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError

__all__ = ["MetastablePotential", "State", "refine_state", "secant_zero"]

_ORDER = 32
_GAUSS, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_MOST_STEPS = 40
_LONGEST_STEP = 0.2  # of the energy, in quanta
#: Steps of the energy below this are as small as rounding may leave them: the secant's own shrink to 1e-15 in two more.
_ROUNDING = 1e-9
_FADE = 22.0  # nepers from a boundary to where its error is below rounding


class MetastablePotential(Protocol):
    """A potential with its minimum V(0) = 0, V''(0) = 1, and a barrier to the right."""

    @property
    def height(self) -> float:
        """Height of the barrier."""

    @property
    def top(self) -> float:
        """Position of the barrier top."""

    @property
    def left(self) -> float:
        """Leftmost position that may be used; the potential rises up to there."""

    @property
    def steepest_angle(self) -> float:
        """Angle to the real axis, in rad, at which the path leaves it."""

    def value(self, position: complex) -> complex:
        """Return V at a complex position."""

    def taylor(self, position: complex, order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients V^(k)/k!, k = 0..order, at a complex position."""


@dataclass(frozen=True)
class State:
    """A metastable state: real energy above the bottom of the well, and ln of its decay rate, in units of wp."""

    energy: float
    log_decay_rate: float


@dataclass
class _Solution:
    """A solution at one point, with the norm collected on the real axis; both to be multiplied by exp(scale)."""

    position: complex
    value: complex
    slope: complex
    scale: float = 0.0
    norm: float = 0.0


def refine_state(potential: MetastablePotential, guess: complex) -> State:
    """Return the state next to a guessed complex energy (error below about 0.05)."""
    energy = secant_zero(partial(_mismatch, potential), guess)
    left, right, turning = _solve(potential, energy)
    # join the two at the matching point, then balance flux at the far end against the norm up to there
    larger = abs(left.value) > abs(left.slope)
    ratio = left.value / right.value if larger else left.slope / right.slope
    log_ratio = math.log(abs(ratio)) + left.scale - right.scale
    flux = (turning.value.conjugate() * turning.slope).imag
    log_flux = math.log(flux) + 2.0 * (turning.scale + log_ratio)
    log_norm = np.logaddexp(
        math.log(left.norm) + 2.0 * left.scale, math.log(right.norm) + 2.0 * (right.scale + log_ratio)
    )
    return State(float(energy.real), float(log_flux - log_norm))


def secant_zero(function: Callable[[complex], complex], guess: complex) -> complex:
    """Return the zero next to a guess (error below about 0.05) of a function that is analytic there and of order 1.

    The function may be exactly zero anywhere, or never: it ends where no step makes the function smaller any more, and
    the point where it was smallest is the answer.

    Raises
    ------
    InputError
        If there is no zero within reach.
    """
    before, here = guess, guess * (1.0 + 1e-4) + 1e-5
    at_before, at_here = function(before), function(here)
    best, least = (before, at_before) if abs(at_before) < abs(at_here) else (here, at_here)
    step = here - before
    for _ in range(_MOST_STEPS):
        change = at_here - at_before
        if least == 0.0 or change == 0.0:
            break
        step = -at_here * ((here - before) / change)
        if abs(step) > _LONGEST_STEP:
            step *= _LONGEST_STEP / abs(step)
        before, at_before, here = here, at_here, here + step
        if here == before:
            break
        at_here = function(here)
        if abs(at_here) < abs(least):
            best, least = here, at_here
        elif abs(step) < _ROUNDING:
            break
    if least != 0.0 and abs(step) > _ROUNDING:
        raise InputError(
            f"no state was found next to the energy {guess:.6g} (in quanta of the plasma frequency): the last step was"
            f" {abs(step):.2g}; the level lies too close to the barrier top, ask for fewer levels"
        )
    return best


def _mismatch(potential: MetastablePotential, energy: complex) -> complex:
    """Return the Wronskian of the two solutions, scaled to be of order 1."""
    left, right, _ = _solve(potential, energy)
    size = math.hypot(abs(left.value), abs(left.slope)) * math.hypot(abs(right.value), abs(right.slope))
    # dividing by the phase of the right solution keeps the function analytic enough for a secant
    phase = right.value + 1j * right.slope
    return (left.value * right.slope - left.slope * right.value) / size * abs(phase) / phase


def _solve(potential: MetastablePotential, energy: complex) -> tuple[_Solution, _Solution, _Solution]:
    """Return the left and right solutions at the matching point, and the right one where it reached the real axis."""
    match = 0.3
    start = _left_start(potential, energy.real)
    decay = np.sqrt(2.0 * (potential.value(start) - energy))
    left = _integrate(potential, energy, _Solution(complex(start), 1.0 + 0j, complex(decay)), complex(match))
    landing, far = _right_path(potential, energy.real)
    momentum = np.sqrt(2.0 * (energy - potential.value(far)))
    outward = momentum if (momentum * (far - landing)).imag > 0 else -momentum
    begin = _Solution(far, 1.0 + 0j, complex(1j * outward))
    landed = _integrate(potential, energy, begin, complex(landing))
    landed.norm = 0.0
    turning = _Solution(landed.position, landed.value, landed.slope, landed.scale)
    right = _integrate(potential, energy, landed, complex(match))
    return left, right, turning


def _left_start(potential: MetastablePotential, energy: float) -> float:
    """Return a point so far left that the solution there has decayed by `_FADE` nepers, or the left limit."""
    position, faded, step = -0.05, 0.0, 0.02
    while faded < _FADE and position > potential.left:
        position -= step
        faded += step * math.sqrt(2.0 * max(complex(potential.value(position)).real - energy, 0.0))
    return max(position, potential.left)


def _right_path(potential: MetastablePotential, energy: float) -> tuple[float, complex]:
    """Return where the path leaves the real axis, beyond the barrier, and its complex end."""
    landing = potential.top
    while complex(potential.value(landing)).real > min(energy, potential.height) - 0.5 * potential.height - 1.0:
        landing += 0.02 * potential.top
    direction = complex(math.cos(potential.steepest_angle), math.sin(potential.steepest_angle))
    far, faded, step = complex(landing), 0.0, 0.02 * potential.top
    while faded < _FADE:
        momentum = np.sqrt(2.0 * (energy - potential.value(far)))
        faded += abs((momentum * direction).imag) * step
        far += direction * step
    return landing, far


def _integrate(potential: MetastablePotential, energy: complex, solution: _Solution, end: complex) -> _Solution:
    """Carry a solution along a straight line; collects the norm where that line is real."""
    state = _Solution(solution.position, solution.value, solution.slope, solution.scale, solution.norm)
    total = abs(end - state.position)
    direction = (end - state.position) / total
    done, real_line = 0.0, abs(direction.imag) < 1e-14
    while done < total * (1.0 - 1e-15):
        wave = math.sqrt(2.0 * abs(potential.value(state.position) - energy)) + 1.0
        length = min(1.2 / wave, 0.05 * abs(potential.top) + 0.05, total - done)
        step = direction * length
        series = _taylor_solution(potential, energy, state)
        if real_line:
            points = np.polynomial.polynomial.polyval(0.5 * length * (_GAUSS + 1.0) * direction.real, series)
            state.norm += 0.5 * length * float(_WEIGHTS @ np.abs(points) ** 2)
        powers = step ** np.arange(len(series))
        state.value = complex(series @ powers)
        state.slope = complex((series[1:] * np.arange(1, len(series))) @ powers[:-1])
        state.position += step
        done += length
        size = math.hypot(abs(state.value), abs(state.slope))
        state.value, state.slope, state.norm = state.value / size, state.slope / size, state.norm / size**2
        state.scale += math.log(size)
    state.position = end
    return state


def _taylor_solution(potential: MetastablePotential, energy: complex, state: _Solution) -> NDArray[np.complex128]:
    """Return the Taylor series of psi from psi'' = 2 (V - E) psi."""
    field = potential.taylor(state.position, _ORDER - 2)
    field = field.copy()
    field[0] -= energy
    reach = len(np.trim_zeros(field, "b"))
    series = np.zeros(_ORDER + 1, dtype=np.complex128)
    series[0], series[1] = state.value, state.slope
    reverse = field[::-1]
    for n in range(_ORDER - 1):
        low = max(0, n - reach + 1)
        window = series[low : n + 1]
        factors = reverse[len(reverse) - 1 - (n - low) : len(reverse)]
        series[n + 2] = 2.0 * (factors @ window) / ((n + 2) * (n + 1))
    return series
