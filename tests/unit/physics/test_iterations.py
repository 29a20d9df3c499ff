"""Iterations end wherever rounding happens to put their last value: exactly on the zero, beside it, or never still.

Fakes stand in for the physics, so that the cases are the same whatever linear algebra is installed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import mqtctl.physics.bounce.numerical as bounce
from mqtctl.errors import InputError
from mqtctl.physics.levels.schrodinger import secant_zero

ZERO = 0.5 - 1e-9j

Function = Callable[[complex], complex]


def line(energy: complex) -> complex:
    return 3.0 * (energy - ZERO)


def rounded(grain: float) -> Function:
    """Return a line that is only known to multiples of the grain: exactly zero, or the same, over a stretch."""

    def value(energy: complex) -> complex:
        exact = line(energy)
        return complex(round(exact.real / grain) * grain, round(exact.imag / grain) * grain)

    return value


def never_still(noise: float) -> Function:
    """Return a line with a sign-changing error that is never zero."""
    calls = iter(range(1000))
    return lambda energy: line(energy) + noise * (-1.0) ** next(calls)


@pytest.mark.parametrize("function", [line, rounded(1e-13), rounded(1e-10), never_still(1e-15), never_still(1e-12)])
@pytest.mark.parametrize("guess", [ZERO, 0.49 + 0.01j, 0.5004 - 1e-6j, 0.5000000001 + 0j])
def test_a_secant_ends_on_an_exact_zero_beside_it_and_where_it_is_never_still(
    function: Function, guess: complex
) -> None:
    # the grain of 1e-10 leaves the energy open by so much; the secant must not make it worse
    assert abs(secant_zero(function, guess) - ZERO) < 1.2e-10


def test_a_secant_that_meets_zero_twice_in_a_row_does_not_divide_by_the_step() -> None:
    # what the kernels of other processors do at three quanta: the mismatch is exactly zero, the step with it
    values = iter([1e-6 + 0j, 0j, 0j, 0j])
    assert secant_zero(lambda energy: next(values), 0.49 + 0j) == 0.49 * (1.0 + 1e-4) + 1e-5


@pytest.mark.parametrize("function", [lambda energy: 1.0 + 0j, lambda energy: 2.0 + (energy - 0.5) ** 2])
def test_a_function_without_a_zero_is_said_to_have_none(function: Function) -> None:
    with pytest.raises(InputError, match="no state was found next to"):
        secant_zero(function, 0.5 + 0j)


def test_newtons_method_ends_where_its_last_steps_do_not_shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    # a nearly singular matrix: the step stays at 1e-12 for ever
    steps = iter([1e-3, 1e-6, *[1e-12] * 200])
    monkeypatch.setattr(bounce, "lu_solve", lambda factors, right: np.full(len(right), next(steps)))
    found = bounce._newton(np.array([0.3, 0.1]), np.array([1.0, 1.5]))
    assert np.all(np.isfinite(found))
    assert next(steps) == 1e-12


def test_newtons_method_does_not_return_what_it_has_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    signs = iter([1.0, -1.0] * 100)
    monkeypatch.setattr(bounce, "lu_solve", lambda factors, right: np.full(len(right), 0.1 * next(signs)))
    with pytest.raises(InputError, match="no bounce was found in 60 steps"):
        bounce._newton(np.array([0.3, 0.1]), np.array([1.0, 1.5]))
