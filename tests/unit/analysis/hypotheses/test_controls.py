"""A second sweep at a lowered critical current, and what is known of the junction from other measurements."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from mqtctl.analysis import fit_sweep
from mqtctl.analysis.histogram.single_histogram import PreparedPoint, prepare_point
from mqtctl.analysis.hypotheses.control import SecondSweep
from mqtctl.analysis.hypotheses.explanations import EXPLANATIONS
from mqtctl.analysis.hypotheses.fit import Problem
from mqtctl.analysis.hypotheses.preconditions import evidence_of
from mqtctl.analysis.hypotheses.verdict import draw_verdict
from mqtctl.physics import Escape, EscapeModel, Junction, MelnikovMeshkov, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, KnownFact, MeasuredRamp, Sweep

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
LOWERED = 3e-6
ESTIMATE = JunctionEstimate(9.7e-6, 6.35e-12, 190.0, 0.1e-12)
BATHS = (0.015, 0.04, 0.12, 0.4)
QUANTUM, CLASSICAL = Escape(depletion=True), MelnikovMeshkov()
TRUTHS: dict[str, tuple[EscapeModel, Callable[[float], float]]] = {
    "tunnelling": (QUANTUM, lambda bath: bath),
    "noise in quadrature": (CLASSICAL, lambda bath: math.hypot(bath, 0.0327)),
    "more noise": (CLASSICAL, lambda bath: math.hypot(bath, 0.1)),
}


def histograms(
    truth: str, critical_current: float, switches: int, seed: int, baths: tuple[float, ...] = BATHS
) -> list[Histogram]:
    law, temperature = TRUTHS[truth]
    junction, rng = replace(JUNCTION, critical_current=critical_current), np.random.default_rng(seed)
    rate, top, found = 100.0 * critical_current, 1.05 * critical_current, []
    for point, bath in enumerate(baths):
        currents = SwitchingDistribution(junction, temperature(bath), rate, law).sample(switches, rng)
        ramp = MeasuredRamp(0.0, top, rate, 2.0 * top / rate, 0.0)
        found.append(Histogram(currents, currents / rate, ramp, 0, bath, 0.0, point))
    return found


@lru_cache(maxsize=16)
def prepared(truth: str, critical_current: float, seed: int) -> tuple[PreparedPoint, ...]:
    """Return prepared points of 60 switches each; kept, because that takes longer than their fits."""
    return tuple(prepare_point(each, ESTIMATE) for each in histograms(truth, critical_current, 60, seed))


def test_a_control_decides_what_the_sweep_alone_cannot() -> None:
    points, control = prepared("tunnelling", JUNCTION.critical_current, 1), prepared("tunnelling", LOWERED, 2)
    found = draw_verdict(points, ESTIMATE, heated=False, with_power=False, control=SecondSweep("low", control))
    assert found.verdict == "tunnelling", found.sentence
    second = found.control
    assert second is not None
    assert second.verdict_alone == "cannot be told apart"
    assert "by itself the first sweep cannot be told apart" in found.sentence
    alone, both = second.log_ratios
    assert alone is not None
    assert both is not None
    assert abs(alone) < math.log(100.0) <= both
    for (value, error), truth in zip(second.critical_currents, (JUNCTION.critical_current, LOWERED), strict=True):
        assert abs(value - truth) < 4.0 * error < 0.01 * truth
    # the plateau goes down with the plasma frequency, and its width with it
    (first, _), (lowered, _) = second.escape_temperatures
    assert lowered < 0.8 * first
    says = {each.name: each for each in second.explanations}
    measured, expected = second.widths[1], says["tunnelling"].widths[1]
    assert expected == pytest.approx(measured, rel=4.0 / math.sqrt(2 * 60))
    assert says["tunnelling"].sample_temperatures == pytest.approx((0.015, 0.015), rel=0.03)
    assert "control sweep" not in " ".join(found.would_change)
    assert found.cold_points == (0, 1)
    assert len(found.hypotheses[0].parameters["control_sample_temperatures_K"]) == len(control)  # type: ignore[arg-type] # a list
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_a_plateau_that_stays_where_it_is_is_noise() -> None:
    points, control = (
        prepared("noise in quadrature", JUNCTION.critical_current, 12),
        prepared("noise in quadrature", LOWERED, 13),
    )
    alone = draw_verdict(points, ESTIMATE, heated=False, with_power=False)
    found = draw_verdict(points, ESTIMATE, heated=False, control=SecondSweep("low", control))
    assert alone.verdict == "cannot be told apart", alone.sentence
    assert found.verdict == "thermal", found.sentence
    assert found.control is not None
    (first, error), (lowered, other) = found.control.escape_temperatures
    assert abs(first - lowered) < 4.0 * math.hypot(error, other)
    assert found.power is not None
    assert found.power.power > 0.9
    assert found.control.log_ratios[1] is not None
    assert found.control.log_ratios[1] < -math.log(100.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("current", "places", "heated", "said"),
    [
        (JUNCTION.critical_current, slice(None), None, "is the same within the errors"),
        (LOWERED, slice(0, 2), None, "without assuming tunnelling"),
        (LOWERED, slice(None), True, "its heating check is positive"),
        (LOWERED, slice(0, 1), None, "the same bath temperature"),
    ],
)
def test_a_control_that_decides_nothing_is_said_to_and_leaves_the_verdict(
    current: float, places: slice, heated: bool | None, said: str
) -> None:
    points = prepared("tunnelling", JUNCTION.critical_current, 1)
    control = SecondSweep("other", prepared("tunnelling", current, 2)[places], heated)
    alone = draw_verdict(points, ESTIMATE, with_power=False)
    found = draw_verdict(points, ESTIMATE, with_power=False, control=control)
    assert found.control is not None
    assert not found.control.used
    assert said in found.control.text
    assert f"the control sweep adds nothing: {found.control.text}" in found.sentence
    assert found.verdict == alone.verdict
    assert [each.log_likelihood for each in found.hypotheses] == [each.log_likelihood for each in alone.hypotheses]
    assert "--control" in " ".join(found.would_change)


@pytest.mark.slow
def test_a_control_that_contradicts_the_sweep_leaves_no_conclusion_and_the_sentence_says_why() -> None:
    points, control = prepared("tunnelling", JUNCTION.critical_current, 1), prepared("more noise", LOWERED, 13)
    found = draw_verdict(points, ESTIMATE, heated=False, with_power=False, control=SecondSweep("low", control))
    assert found.verdict == "not identifiable", found.sentence
    assert found.control is not None
    assert found.control.used
    assert "are not of one junction in one state" in found.sentence
    cold = draw_verdict(points[:2], ESTIMATE, with_power=False, control=SecondSweep("low", control))
    assert cold.control is not None
    assert cold.control.text == "the sweep itself allows no conclusion"


def test_the_gradient_of_both_sweeps_and_what_is_known_is_that_of_the_likelihood() -> None:
    facts = (KnownFact("plasma_frequency", 3.8e9, 1e8, 9.4e-6), KnownFact("quality_factor", 30.0, 5.0, 9.4e-6))
    estimate = replace(ESTIMATE, resistance_stderr=20.0, known=facts)
    points, control = prepared("tunnelling", JUNCTION.critical_current, 1), prepared("tunnelling", LOWERED, 2)
    evidence, temperatures = evidence_of(points, range(4), estimate, (control, range(4)))
    assert evidence.first == 4
    for hypothesis in (EXPLANATIONS[3], EXPLANATIONS[6], EXPLANATIONS[-1]):
        problem = Problem(evidence, hypothesis)
        place = problem.start(temperatures) + 0.02
        gradient = sum(each.gradient for each in problem.slopes(place, problem.at(place))) - problem.prior * place
        gradient = gradient - problem.known_slopes(place).T @ problem.deviations(place)
        for row, name in enumerate(problem.names):
            step = np.zeros(place.size)
            step[row] = 1e-4
            ends = [problem.value(place + sign * step, problem.at(place + sign * step)) for sign in (1.0, -1.0)]
            assert gradient[row] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=2e-3, abs=0.2), (
                hypothesis.name,
                name,
            )


def test_a_free_temperature_is_one_of_the_bath_in_both_sweeps() -> None:
    points, control = prepared("tunnelling", JUNCTION.critical_current, 1), prepared("tunnelling", LOWERED, 2)
    evidence, temperatures = evidence_of(points, range(4), ESTIMATE, (control, range(4)))
    problem = Problem(evidence, EXPLANATIONS[5])
    assert problem.own_count == 2
    found = problem.temperatures(problem.start(temperatures))[0]
    np.testing.assert_array_equal(found[:4], found[4:])


@pytest.mark.slow
def test_a_known_plasma_frequency_measures_a_capacitance_whose_error_nobody_states() -> None:
    current = 9.3e-6
    frequency = float(JUNCTION.plasma_frequency(current)) / (2.0 * math.pi)
    fact = KnownFact("plasma_frequency", frequency, 0.005 * frequency, current)
    wrong = replace(ESTIMATE, capacitance=1.2 * JUNCTION.capacitance, capacitance_stderr=None, known=(fact,))
    taken = [prepare_point(each, wrong) for each in histograms("tunnelling", JUNCTION.critical_current, 1000, 5)]
    found = draw_verdict(taken, wrong, heated=False, with_power=False)
    best = next(each for each in found.hypotheses if each.name == "tunnelling")
    value, error = best.parameters["capacitance_F"], best.parameters["capacitance_F_stderr"]
    assert isinstance(value, float)
    assert isinstance(error, float)
    assert abs(value - JUNCTION.capacitance) < 4.0 * error < 0.1 * value
    assert abs(found.known[0].pull) < 4.0
    assert {each.name: each.state for each in found.preconditions}["capacitance known"] == "passed"


@pytest.mark.slow
def test_a_plasma_frequency_that_the_histograms_contradict_is_named_in_the_sentence() -> None:
    fact = KnownFact("plasma_frequency", 2.6e9, 5e7, 9.4e-6)  # 3.96 GHz in truth
    estimate = replace(ESTIMATE, known=(fact,))
    points = prepared("tunnelling", JUNCTION.critical_current, 1)
    found = draw_verdict(points, estimate, heated=False, with_power=False)
    assert "the histograms contradict the plasma frequency known from elsewhere" in found.sentence
    assert found.known[0].pull > 3.0


@pytest.mark.slow
def test_an_error_of_the_resistance_enters_that_of_the_critical_current() -> None:
    taken = tuple(histograms("tunnelling", JUNCTION.critical_current, 3000, 7, (0.015, 0.1, 0.2, 0.4)))

    def fit(resistance: float, error: float | None) -> tuple[float, float, float]:
        estimate = JunctionEstimate(9.7e-6, 6.35e-12, resistance, None, resistance_stderr=error)
        found = fit_sweep(Sweep(taken, estimate), hypotheses=False)
        assert found.critical_current is not None
        assert found.critical_current_stderr is not None
        assert found.critical_current_statistical_stderr is not None
        return found.critical_current, found.critical_current_stderr, found.critical_current_statistical_stderr

    value, exact, _ = fit(190.0, None)
    stated, error, statistical = fit(190.0, 38.0)
    by_resistance = (fit(193.8, None)[0] - fit(186.2, None)[0]) / (193.8 - 186.2) * 38.0
    assert stated == value
    assert statistical == pytest.approx(exact, rel=1e-6)
    assert error == pytest.approx(math.hypot(exact, by_resistance), rel=0.02)
    assert error > 1.1 * exact
