"""The verdict on a sweep: fits all explanations, compares them, and says in one sentence what may be concluded.

The rule stands in docs/analysis.md ("The verdict"). In short: the explanation with the highest score is the best; it
is decided between tunnelling and all else if its lead in ln L is at least ln 100, or positive where these data had a
power of 0.9 to show it; a forbidding precondition that fails leaves nothing to conclude, any other one lowers the
confidence and stands in the sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.hypotheses.evidence import Evidence
from mqtctl.analysis.hypotheses.explanations import EXPLANATIONS
from mqtctl.analysis.hypotheses.fit import Fitted, Problem, first_fit
from mqtctl.analysis.hypotheses.goodness import smooth_test
from mqtctl.analysis.hypotheses.power import DECISIVE, WANTED_POWER, Power, power
from mqtctl.analysis.hypotheses.preconditions import (
    about_heating,
    about_sample,
    about_winner,
    evidence_of,
    judge_points,
)
from mqtctl.analysis.hypotheses.results import HypothesisResult, Precondition, Verdict
from mqtctl.analysis.hypotheses.sentences import conclusion, nothing, sample_temperature, undecided, warmed
from mqtctl.analysis.hypotheses.steadiness import about_critical_current
from mqtctl.physics import EscapeModel
from mqtctl.records import JunctionEstimate

__all__ = ["cause_of", "draw_verdict", "fit_explanations"]

RIVALS = 3  # for how many of the opposite explanations the power is computed
SUREST, UNTESTED, FAILED = 0.99, 0.02, 0.1


def draw_verdict(
    points: Sequence[PreparedPoint],
    estimate: JunctionEstimate,
    quantum_law: EscapeModel | None = None,
    heated: bool | None = None,
    with_power: bool = True,
) -> Verdict:
    """Say what may be concluded from a sweep; never an error on poor data.

    Parameters
    ----------
    points
        Histograms as `prepare_point` leaves them.
    estimate
        What was known of the junction beforehand.
    quantum_law
        Escape model with tunnelling; default `Escape` with depletion.
    heated
        What the check with a slower repetition found; None: it was not made.
    with_power
        Whether to compute what these data could have decided.
    """
    used, found = judge_points(points, estimate)
    found += about_sample(estimate)
    if not used or any(each.forbids for each in found):
        found += about_heating(heated, None)
        return warmed(found) if heated else nothing(found, "no histogram can be used")
    evidence, temperatures = evidence_of(points, used, estimate)
    found += about_heating(heated, evidence)
    fits = fit_explanations(evidence, temperatures, quantum_law)
    winner = fits[0]
    if not math.isfinite(winner.log_likelihood):
        return warmed(found) if heated else nothing(found, "no explanation could be fitted")
    results = tuple(_result(each) for each in fits)
    found += about_winner(winner, results[0].p_value)
    follows = all(not each.forbids for each in found)
    found += about_critical_current(fits, [points[place] for place in used], follows)
    if heated:  # what the check says stands whatever fits best
        return replace(warmed(found), hypotheses=results)
    if any(each.forbids for each in found):
        return nothing(found, "", results)
    opposite = [each for each in fits if (cause_of(each) == "tunnelling") != (cause_of(winner) == "tunnelling")]
    opposite.sort(key=winner.lead)
    rival = opposite[0]
    told = power(winner, opposite[:RIVALS]) if with_power else None
    difference = winner.lead(rival)
    decided = difference >= DECISIVE or (difference > 0.0 and told is not None and told.power >= WANTED_POWER)
    if not decided:
        sentence, confidence = undecided(winner, rival, told, found), _confidence(difference, found)
        change = _would_change(told, found)
        return Verdict("cannot be told apart", sentence, confidence, results, told, tuple(found), change)
    return _concluded(cause_of(winner), winner, rival, results, told, found, fits)


def fit_explanations(
    evidence: Evidence, temperatures: NDArray[np.float64], quantum_law: EscapeModel | None = None
) -> list[Fitted]:
    """Fit all explanations that the evidence can tell from each other, the best first.

    Those hopelessly behind are left before their maximum (`converged` says so).
    """
    fits: list[Fitted] = []
    for each in sorted(EXPLANATIONS, key=lambda each: each.quantum):  # the cheap law first
        if evidence.heat_varied or not each.by_heat:
            best = max((fitted.score for fitted in fits), default=-math.inf)
            fits.append(first_fit(Problem(evidence, each, quantum_law), temperatures, best))
    return sorted(fits, key=lambda each: -each.score)


def cause_of(fitted: Fitted) -> str:
    """Return what the plateau is by this explanation: tunnelling too, if a warm sample is still below its crossover."""
    hypothesis = fitted.problem.hypothesis
    if hypothesis.quantum and hypothesis.exponent is not None:
        temperature, crossover = sample_temperature(fitted)
        if temperature < crossover:
            return "tunnelling"
    return hypothesis.cause


def _concluded(
    cause: str,
    winner: Fitted,
    rival: Fitted | None,
    results: tuple[HypothesisResult, ...],
    told: Power | None,
    found: list[Precondition],
    fits: Sequence[Fitted] = (),
) -> Verdict:
    near = [
        each for each in fits if cause_of(each) not in ("tunnelling", cause) and winner.score - each.score < DECISIVE
    ]
    if near and cause != "tunnelling":  # hotter than the bath for certain, but not why
        cause = "thermal" if "thermal" in {cause, *map(cause_of, near)} else "decoupled"
    difference = winner.lead(rival) if rival is not None else math.inf
    sentence = conclusion(cause, winner, rival, near, results[0].p_value, found)
    confidence = _confidence(difference, found)
    return Verdict(cause, sentence, confidence, results, told, tuple(found), _would_change(told, found))


def _confidence(difference: float, found: Sequence[Precondition]) -> float:
    """Return the odds of the best explanation as a probability, lowered by what fails or was not tested."""
    untested = sum(each.state == "untested" for each in found)
    failed = sum(each.state == "failed" for each in found)
    surest = max(SUREST - UNTESTED * untested - FAILED * failed, 0.5)
    return min(1.0 / (1.0 + math.exp(min(-difference, 700.0))), surest)


def _would_change(told: Power | None, found: Sequence[Precondition]) -> tuple[str, ...]:
    change = []
    if told is not None and told.more_switches is not None and told.at_temperature is not None:
        change.append(f"{told.more_switches} more switches at {1e3 * told.at_temperature:.3g} mK")
    states = {each.name: each.state for each in found}
    if states.get("heating check") == "untested":
        change.append(
            "a heating check, the coldest point once more with a slower repetition: if that is another histogram, the"
            " sample is warmer than its bath, and the plateau says nothing"
        )
    if states.get("capacitance known") != "passed":
        change.append("a measured capacitance with its error")
    if states.get("healthy histograms") == "failed":
        change.append("healthy histograms in place of those left out")
    change.append(
        "a second sweep at a lowered critical current (field or flux): if the plateau stays where it is, it is noise or"
        " a decoupled sample"
    )
    return tuple(change)


def _result(fitted: Fitted) -> HypothesisResult:
    pvalue = smooth_test(fitted).pvalue if fitted.converged else None
    return HypothesisResult(
        fitted.problem.hypothesis.name,
        cause_of(fitted),
        fitted.log_likelihood,
        fitted.score,
        pvalue,
        fitted.physical(),
        fitted.converged,
    )
