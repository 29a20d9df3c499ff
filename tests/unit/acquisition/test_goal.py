from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mqtctl.acquisition.goal import FEWEST, PrecisionGoal, StoppingRule
from mqtctl.analysis import fit_histogram, moments
from mqtctl.errors import InputError
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

ESTIMATE = JunctionEstimate(9e-6, 6.35e-12, 190.0)
RATE = 1e-3
RAMP = MeasuredRamp(0.0, 9.8e-6, RATE, 12.5e-3, 0.0)
LAW = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), 0.3, RATE, model=TransitionState())


def goal(precision: float = 0.01, quantity: str = "escape temperature") -> PrecisionGoal:
    return PrecisionGoal(precision, quantity, ESTIMATE)  # type: ignore[arg-type]  # a plan's text


def draw(number: int, seed: int = 1) -> NDArray[np.float64]:
    return np.asarray(LAW.sample(number, np.random.default_rng(seed)))


def follow(rule: StoppingRule, most: int = 1_000_000, seed: int = 1) -> int:
    """Give a rule what it asks for until it is content, and return the number."""
    currents = draw(most, seed)
    number = 0
    while number < rule.wanted:
        step = rule.until_look(number)
        number += rule.wanted - number if step is None else step
        if rule.until_look(number) == 0:
            rule.look(currents[:number], 0)
    return number


def test_without_a_goal_the_number_is_the_planned_one_and_nothing_is_looked_at() -> None:
    rule = StoppingRule(5000, None, RAMP)
    assert rule.wanted == 5000
    assert rule.until_look(10) is None
    assert rule.expected_precision(10) is None
    rule.look(draw(100), 0)
    assert rule.looks == []
    assert rule.precision_of(draw(100), 0) is None


def test_the_first_look_is_at_half_of_what_is_expected_and_the_second_at_what_it_predicts() -> None:
    rule = StoppingRule(1_000_000, goal(), RAMP)
    assert rule.wanted == pytest.approx(1.2**2 / 1e-4, rel=0.02)
    assert rule.until_look(0) == rule.wanted // 2
    number = follow(rule)
    assert [look.switches for look in rule.looks] == [pytest.approx(7272, abs=1), number]
    # 1.177² / 1 %² for the a_t = 1 law at 300 mK, and 1 % of margin
    assert number == pytest.approx(1.177**2 / 1e-4, rel=0.03)


@pytest.mark.parametrize("quantity", ["escape temperature", "width"])
@pytest.mark.parametrize("precision", [0.3, 0.1, 0.03])
def test_it_ends_with_the_precision_asked_for_in_few_looks(quantity: str, precision: float) -> None:
    rule = StoppingRule(1_000_000, goal(precision, quantity), RAMP)
    number = follow(rule)
    reached = rule.precision_of(draw(1_000_000)[:number], 0)
    assert reached is not None
    assert reached <= precision
    assert len(rule.looks) <= 6
    assert number >= FEWEST


def test_the_precision_is_what_the_analysis_quotes() -> None:
    currents = draw(3000)
    fit = fit_histogram(Histogram(currents, currents / RATE, RAMP, 5, 0.3), ESTIMATE)
    found = goal().relative_error(currents, 5, RAMP)
    assert found == pytest.approx(fit.escape_temperature_stderr / fit.escape_temperature, rel=1e-12)
    width = moments(currents)
    assert goal(quantity="width").relative_error(currents, 5, RAMP) == width.std_stderr / width.std


def test_a_ramp_of_the_other_polarity_is_looked_at_in_the_mirror() -> None:
    currents = draw(3000)
    assert goal().relative_error(-currents, 2, RAMP.mirrored) == goal().relative_error(currents, 2, RAMP)


@pytest.mark.parametrize("currents", [[], [9e-6], [9e-6] * 50], ids=["none", "one", "all alike"])
@pytest.mark.parametrize("quantity", ["escape temperature", "width"])
def test_a_look_that_says_nothing_doubles_the_number(quantity: str, currents: list[float]) -> None:
    rule = StoppingRule(1000, goal(0.1, quantity), RAMP)
    rule.look(np.array(currents, dtype=float), 0)
    assert rule.looks[-1].precision == math.inf
    assert rule.wanted == min(1000, max(2 * len(currents), math.ceil(len(currents) * 1.02)))
    assert rule.expected_precision(100) is not None


def test_the_most_is_never_exceeded_and_ends_it_short_of_the_goal() -> None:
    rule = StoppingRule(1000, goal(), RAMP)
    assert follow(rule) == 1000
    assert rule.looks[-1].precision == pytest.approx(1.18 / math.sqrt(1000), rel=0.05)


def test_one_strange_look_cannot_ask_for_more_than_four_times_before_the_next() -> None:
    rule = StoppingRule(1_000_000, goal(0.001, "width"), RAMP)
    first = rule.until_look(0)
    assert first is not None
    # one current far away: an enormous kurtosis
    rule.look(np.concatenate([draw(first - 1), [1e-6]]), 0)
    assert rule.until_look(first) == 3 * first or rule.wanted == 1_000_000


@settings(deadline=None)
@given(st.floats(0.001, 0.5), st.integers(10, 2_000_000))
def test_what_is_wanted_at_first_is_within_its_limits(precision: float, most: int) -> None:
    rule = StoppingRule(most, goal(precision), RAMP)
    assert min(most, FEWEST) <= rule.wanted <= most
    step = rule.until_look(0)
    assert step is not None
    assert 0 < step <= rule.wanted
    expected = rule.expected_precision(rule.wanted)
    assert expected is not None
    assert expected <= precision or rule.wanted == most


@pytest.mark.parametrize("precision", [0.0, -1.0, 0.6, math.nan])
def test_a_precision_that_cannot_be_a_goal_is_refused(precision: float) -> None:
    with pytest.raises(InputError, match="ask for at most 50 %"):
        goal(precision)
