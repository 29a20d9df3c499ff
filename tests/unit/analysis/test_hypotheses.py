"""The competing explanations of a sweep, and the sentence that may be concluded."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fit_sweep
from mqtctl.analysis.histogram.single_histogram import PreparedPoint, prepare_point
from mqtctl.analysis.hypotheses.explanations import EXPLANATIONS, TUNNELLING, Hypothesis
from mqtctl.analysis.hypotheses.fit import Problem, first_fit
from mqtctl.analysis.hypotheses.goodness import smooth_test
from mqtctl.analysis.hypotheses.preconditions import evidence_of
from mqtctl.analysis.hypotheses.results import VERDICT_KEYS, Verdict
from mqtctl.analysis.hypotheses.verdict import draw_verdict
from mqtctl.physics import Escape, EscapeModel, Junction, MelnikovMeshkov, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9.7e-6, 6.35e-12, 190.0, 0.1e-12)
RATE = 1e-3
BATHS = (0.015, 0.025, 0.04, 0.09, 0.2, 0.6)
QUANTUM, CLASSICAL = Escape(depletion=True), MelnikovMeshkov()
TRUTHS: dict[str, tuple[EscapeModel, Callable[[float], float]]] = {
    "tunnelling": (QUANTUM, lambda bath: bath),
    "noise in quadrature": (CLASSICAL, lambda bath: math.hypot(bath, 0.0327)),
    "decoupled": (CLASSICAL, lambda bath: (bath**5 + 0.0359**5) ** 0.2),
    "added noise": (CLASSICAL, lambda bath: bath + 0.0369),
}


def histogram(
    law: EscapeModel, temperature: float, bath: float, point: int, switches: int, rng: np.random.Generator
) -> Histogram:
    currents = SwitchingDistribution(JUNCTION, temperature, RATE, law).sample(switches, rng)
    ramp = MeasuredRamp(0.0, 9.9e-6, RATE, 0.02, 0.0)
    return Histogram(currents, currents / RATE, ramp, 0, bath, 0.0, point)


def histograms(truth: str, switches: int, seed: int, baths: tuple[float, ...] = BATHS) -> list[Histogram]:
    law, temperature = TRUTHS[truth]
    rng = np.random.default_rng(seed)
    return [histogram(law, temperature(bath), bath, point, switches, rng) for point, bath in enumerate(baths)]


def prepared(taken: list[Histogram], estimate: JunctionEstimate = ESTIMATE) -> list[PreparedPoint]:
    return [prepare_point(each, estimate) for each in taken]


def verdict(taken: list[Histogram], estimate: JunctionEstimate = ESTIMATE, *, heated: bool | None = None) -> Verdict:
    return draw_verdict(prepared(taken, estimate), estimate, heated=heated, with_power=False)


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ("tunnelling", "tunnelling"),
        ("noise in quadrature", "thermal"),
        ("decoupled", "decoupled"),
        ("added noise", "thermal"),
    ],
)
def test_each_truth_gets_its_own_sentence(truth: str, said: str) -> None:
    found = verdict(histograms(truth, 2000, 11), heated=False)
    assert found.verdict == said, found.sentence
    assert found.sentence.lower().startswith(said)
    assert found.confidence is not None
    assert found.confidence > 0.95
    best = found.hypotheses[0]
    assert best.converged
    assert best.p_value is not None
    assert best.p_value > 1e-3
    assert best.parameters["critical_current_A"] == pytest.approx(JUNCTION.critical_current, rel=1e-3)
    if truth != "tunnelling":
        temperature = {"noise in quadrature": 0.0327, "decoupled": 0.0359, "added noise": 0.0369}[truth]
        assert best.parameters["excess_temperature_K"] == pytest.approx(temperature, rel=0.05)
        assert best.name.startswith("classical")


def test_the_damping_is_measured_by_the_bath_temperatures() -> None:
    taken = histograms("tunnelling", 3000, 3)
    wrong = replace(ESTIMATE, resistance=300.0)
    best = next(each for each in verdict(taken, wrong).hypotheses if each.name == "tunnelling")
    error = best.parameters["resistance_Ohm_stderr"]
    assert isinstance(error, float)
    assert error < 40.0
    assert best.parameters["resistance_Ohm"] == pytest.approx(190.0, abs=4.0 * error)


def test_few_switches_are_said_not_to_decide_and_how_many_more_would() -> None:
    taken = histograms("noise in quadrature", 40, 8, (0.02, 0.04, 0.12, 0.4))
    found = draw_verdict(prepared(taken), ESTIMATE)
    assert found.verdict == "cannot be told apart", found.sentence
    assert found.power is not None
    assert found.power.power < 0.9
    assert found.power.more_switches is not None
    assert 10 < found.power.more_switches < 10_000
    assert f"{found.power.more_switches} more switches at" in found.sentence


def test_a_gradient_is_that_of_the_likelihood() -> None:
    points = prepared(histograms("decoupled", 300, 4))
    points = [
        replace(p, histogram=replace(p.histogram, temperature_std=1e-3 * p.histogram.temperature)) for p in points
    ]
    evidence, temperatures = evidence_of(points, range(len(points)), ESTIMATE)
    for hypothesis in (EXPLANATIONS[3], EXPLANATIONS[6], EXPLANATIONS[-1]):
        problem = Problem(evidence, hypothesis)
        place = problem.start(temperatures) + 0.02
        gradient = sum(each.gradient for each in problem.slopes(place, problem.at(place))) - problem.prior * place
        for row, name in enumerate(problem.names):
            step = np.zeros(place.size)
            step[row] = 1e-4
            ends = [problem.value(place + sign * step, problem.at(place + sign * step)) for sign in (1.0, -1.0)]
            assert gradient[row] == pytest.approx((ends[0] - ends[1]) / 2e-4, rel=2e-3, abs=0.2), (
                hypothesis.name,
                name,
            )


def pvalues(seeds: range, switches: int) -> NDArray[np.float64]:
    found = []
    for seed in seeds:
        points = prepared(histograms("tunnelling", switches, seed, (0.015, 0.05, 0.15, 0.5)))
        evidence, temperatures = evidence_of(points, range(len(points)), ESTIMATE)
        fitted = first_fit(Problem(evidence, TUNNELLING), temperatures)
        assert fitted.converged
        pvalue = smooth_test(fitted).pvalue
        assert pvalue is not None
        found.append(pvalue)
    return np.array(found)


def test_goodness_of_fit_is_uniform_under_the_truth_and_sees_another_law() -> None:
    found = pvalues(range(12), 500)
    assert abs(found.mean() - 0.5) < 4.0 * 0.29 / math.sqrt(12)
    assert found.min() > 1e-3
    points = prepared(histograms("added noise", 500, 1))
    evidence, temperatures = evidence_of(points, range(len(points)), ESTIMATE)
    wrong = smooth_test(first_fit(Problem(evidence, TUNNELLING), temperatures)).pvalue
    assert wrong is not None
    assert wrong < 1e-6


class Off:
    """The quantum law, off by a constant in ln Γ."""

    def __init__(self, error: float) -> None:
        self.error = error

    def log_rate(self, *arguments: Any, **named: Any) -> NDArray[np.float64]:
        return np.asarray(QUANTUM.log_rate(*arguments, **named) + self.error)


@pytest.mark.campaign
def test_goodness_of_fit_is_uniform_where_nature_is_drawn_from_the_priors() -> None:
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scale, error = math.exp(0.01 * rng.standard_normal()), 0.05 * rng.standard_normal()
        taken = [
            histogram(Off(error if bath < 0.09 else 0.0), scale * bath, bath, point, 1500, rng)
            for point, bath in enumerate((0.015, 0.05, 0.15, 0.5))
        ]
        resistance = 190.0 * math.exp(math.log(2.0) * rng.standard_normal())
        capacitance = 6.35e-12 + 0.1e-12 * rng.standard_normal()
        estimate = replace(ESTIMATE, capacitance=capacitance, resistance=resistance)
        points = prepared(taken, estimate)
        evidence, temperatures = evidence_of(points, range(len(points)), estimate)
        found.append(smooth_test(first_fit(Problem(evidence, TUNNELLING), temperatures)).pvalue)
    counts = np.histogram(np.array(found, dtype=np.float64), 5, (0.0, 1.0))[0]
    assert float(((counts - 30.0) ** 2 / 30.0).sum()) < 20.0, counts  # 5e-4 of a chi-square of 4


@pytest.mark.parametrize(
    ("baths", "words"),
    [
        ((0.3,), "same bath temperature"),
        ((0.015, 0.02, 0.03), "without assuming tunnelling"),
        ((0.2, 0.4), "times the crossover temperature"),
    ],
)
def test_what_the_sweep_lacks_is_the_sentence(baths: tuple[float, ...], words: str) -> None:
    found = verdict(histograms("tunnelling", 300, 5, baths))
    assert found.verdict == "not identifiable"
    assert words in found.sentence
    assert found.confidence is None
    assert found.power is None


def test_unhealthy_histograms_are_left_out_and_lower_the_verdict() -> None:
    taken = histograms("tunnelling", 2000, 6)
    clean = verdict(taken, heated=False)
    drifted = replace(taken[1], switching_currents=taken[1].switching_currents + np.linspace(0.0, 3e-8, 2000))
    found = verdict([taken[0], drifted, *taken[2:]], heated=False)
    assert found.verdict == "tunnelling"
    assert "1 of 6 histograms are not healthy" in found.sentence
    assert clean.confidence is not None
    assert found.confidence is not None
    assert found.confidence < clean.confidence
    states = {each.name: each.state for each in found.preconditions}
    assert (states["healthy histograms"], states["no drift"]) == ("failed", "failed")


def test_where_most_histograms_are_unhealthy_nothing_is_concluded() -> None:
    drift = np.linspace(0.0, 1e-7, 500)
    taken = [replace(h, switching_currents=h.switching_currents + drift) for h in histograms("tunnelling", 500, 6)]
    found = verdict(taken)
    assert found.verdict == "not identifiable"
    assert "6 of 6 histograms are not healthy" in found.sentence


def test_a_positive_heating_check_stands_above_every_fit() -> None:
    assert verdict(histograms("tunnelling", 500, 7), heated=True).verdict == "heated"
    found = verdict(histograms("tunnelling", 500, 7, (0.3,)), heated=True)
    assert found.verdict == "heated"
    assert "slower repetition" in found.sentence


def test_a_law_that_is_not_among_the_explanations_is_not_forced_into_one() -> None:
    law, _ = TRUTHS["tunnelling"]
    rng = np.random.default_rng(9)
    taken = [histogram(law, 0.03 + 0.5 * bath, bath, point, 2000, rng) for point, bath in enumerate(BATHS)]
    found = verdict(taken)
    assert found.verdict == "not identifiable"
    assert "no explanation describes the histograms" in found.sentence


@pytest.mark.parametrize("error", [None, 1e-11])
def test_a_capacitance_that_is_not_known_is_said_to_be_so(error: float | None) -> None:
    estimate = replace(ESTIMATE, capacitance_stderr=error)
    found = verdict(histograms("tunnelling", 1000, 10), estimate, heated=False)
    state = next(each for each in found.preconditions if each.name == "capacitance known")
    assert state.state == ("untested" if error is None else "failed")
    assert ("the capacitance was not known beforehand" in found.sentence) == (error is not None)
    assert found.verdict in ("tunnelling", "cannot be told apart")


def test_a_sweep_has_the_keys_of_the_contract_and_keeps_the_test_of_the_saturation() -> None:
    taken = tuple(histograms("tunnelling", 300, 12))
    result = fit_sweep(Sweep(taken, ESTIMATE), power=False).to_dict()
    assert set(VERDICT_KEYS) <= set(result)
    assert result["power"] is None
    assert {"name", "log_likelihood", "p_value", "parameters"} <= set(result["hypotheses"][0])
    assert result["saturation_test"] != result["verdict"]
    json.dumps(result, allow_nan=False)
    without = fit_sweep(Sweep(taken, ESTIMATE), hypotheses=False).to_dict()
    assert all(without[key] is None for key in VERDICT_KEYS)


def test_the_sample_is_never_colder_than_its_bath_in_any_explanation() -> None:
    points = prepared(histograms("tunnelling", 100, 13))
    evidence, temperatures = evidence_of(points, range(len(points)), ESTIMATE)
    for exponent in (1.0, 2.0, math.nan):
        hypothesis = Hypothesis("any", "thermal", quantum=True, exponent=exponent)
        own = hypothesis.start(evidence, temperatures)
        found, by_bath, by_own = hypothesis.temperatures(own, evidence.bath, evidence)
        assert (found > evidence.bath).all()
        assert (by_bath <= 1.0).all()
        assert (by_own[0] > 0.0).all()
