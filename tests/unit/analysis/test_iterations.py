"""Fits say whether they have found what they looked for, however their last values are rounded."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis.histogram.scoring import least_residuals, maximise
from mqtctl.analysis.sweep.joint_fit import JointFit
from mqtctl.analysis.sweep.shared_critical_current import consistent_places
from mqtctl.errors import InputError

Array = NDArray[np.float64]


def parabola(number: float, grain: float) -> tuple[Callable[[Array], float], Callable[[Array], tuple[Array, Array]]]:
    """Return ln L of so many events about 0.3, known to multiples of the grain, and its slope."""

    def value(parameters: Array) -> float:
        return round(float(-0.5 * number * (parameters[0] - 0.3) ** 2) / grain) * grain

    return value, lambda parameters: (-number * (parameters - 0.3), np.array([[number]]))


@pytest.mark.parametrize("grain", [1e-12, 1e-7, 1e-5])
@pytest.mark.parametrize("start", [0.3, 0.0, 0.3 + 1e-7])
def test_a_maximum_is_found_where_rounding_hides_the_last_gain(grain: float, start: float) -> None:
    found = maximise(*parabola(1e4, grain), np.array([start]))
    assert found.converged
    # 1e-2 standard errors of 1e-2
    assert abs(found.parameters[0] - 0.3) < 1e-4 + np.sqrt(2.0 * grain / 1e4)


def test_a_climb_that_is_stuck_far_from_the_top_is_no_maximum() -> None:
    # the likelihood never gets any better though its slope promises 5000: not rounding, but a fault
    value, slope = parabola(1e4, 1e-12)
    start = np.array([-0.7])
    assert not maximise(lambda p: value(start) - float(np.abs(p - start).sum()), slope, start).converged


def test_parameters_without_any_influence_are_no_division_by_zero() -> None:
    found = maximise(lambda p: 0.0, lambda p: (np.zeros(2), np.zeros((2, 2))), np.zeros(2))
    assert found.converged
    assert np.all(np.isfinite(found.parameters))


def test_least_squares_that_never_come_to_rest_are_refused() -> None:
    calls = iter(range(1, 10_000))
    with pytest.raises(InputError, match="no minimum"):
        least_residuals(lambda p: np.array([1.0 / next(calls), 0.0 * p[0]]), np.zeros(1), 1e-3)


def rounds(by_current: dict[float | None, tuple[int, ...]], by_places: dict[tuple[int, ...], float]) -> tuple[int, ...]:
    def fit(places: tuple[int, ...]) -> JointFit:
        return cast(JointFit, SimpleNamespace(critical_current=by_places[places]))

    places, joint = consistent_places(by_current.__getitem__, fit)
    assert joint is None or joint.critical_current == by_places[places]
    return places


def test_the_thermal_points_are_those_that_their_own_critical_current_confirms() -> None:
    assert rounds({None: (1, 2, 3), 9.5: (2, 3), 9.6: (2, 3)}, {(1, 2, 3): 9.5, (2, 3): 9.6}) == (2, 3)


def test_a_point_that_comes_and_goes_with_its_own_critical_current_is_left_out() -> None:
    alternating = {None: (1, 2, 3), 9.5: (2, 3, 4), 9.6: (1, 2, 3), 9.7: (2, 3)}
    assert rounds(alternating, {(1, 2, 3): 9.5, (2, 3, 4): 9.6, (2, 3): 9.7}) == (2, 3)


def test_a_single_point_on_the_limit_stays() -> None:
    assert rounds({None: (3,), 9.5: ()}, {(3,): 9.5}) == (3,)
    assert rounds({None: (3,), 9.5: (4,), 9.6: (3,)}, {(3,): 9.5, (4,): 9.6}) == (4,)
    assert rounds({None: ()}, {}) == ()
