"""The verdict on a sweep: fits all explanations, compares them, and says in one sentence what may be concluded.

The rule stands in docs/analysis.md ("The verdict"). In short: the explanation with the highest score is the best; it
is decided between tunnelling and all else if its lead in ln L is at least ln 100, or positive where these data had a
power of 0.9 to show it; a forbidding precondition that fails leaves nothing to conclude, any other one lowers the
confidence and stands in the sentence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.hypotheses.control import (
    SecondSweep,
    added,
    contradicted,
    described,
    same_current,
    told_by,
    usable_points,
)
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
from mqtctl.analysis.hypotheses.problem import known_value
from mqtctl.analysis.hypotheses.results import ControlResult, HypothesisResult, KnownResult, Precondition, Verdict
from mqtctl.analysis.hypotheses.sentences import conclusion, nothing, sample_temperature, undecided, warmed
from mqtctl.analysis.hypotheses.steadiness import about_critical_current
from mqtctl.physics import EscapeModel
from mqtctl.records import JunctionEstimate

__all__ = ["cause_of", "draw_verdict", "fit_explanations"]

RIVALS = 3  # for how many of the opposite explanations the power is computed
NOTHING_USED = "no histogram can be used"
SUREST, UNTESTED, FAILED = 0.99, 0.02, 0.1


@dataclass(frozen=True)
class _Decision:
    """The verdict of fits, the best first, with what it was decided by.

    `difference` is the best one's lead over the best of the other side, `near` what it cannot be told from on its own.
    """

    verdict: str
    rival: Fitted
    difference: float
    told: Power | None
    near: tuple[Fitted, ...] = ()


def draw_verdict(
    points: Sequence[PreparedPoint],
    estimate: JunctionEstimate,
    quantum_law: EscapeModel | None = None,
    heated: bool | None = None,
    with_power: bool = True,
    control: SecondSweep | None = None,
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
    control
        A second sweep of the same junction at another critical current.
    """
    used, found = judge_points(points, estimate)
    found += about_sample(estimate)
    idle = None if control is None else ControlResult(control.name, False, "the sweep itself allows no conclusion")
    if not used or any(each.forbids for each in found):
        found += about_heating(heated, None)
        return replace(warmed(found) if heated else nothing(found, "" if used else NOTHING_USED), control=idle)
    evidence, temperatures = evidence_of(points, used, estimate)
    fits = fit_explanations(evidence, temperatures, quantum_law)
    cold = tuple(points[place].histogram.point for place in np.array(used)[evidence.cold])
    if not math.isfinite(fits[0].log_likelihood):
        found += about_heating(heated, evidence)
        return replace(warmed(found) if heated else nothing(found, "no explanation could be fitted"), control=idle)
    second = None
    if control is not None:
        fits, second = _controlled(control, points, used, estimate, fits, quantum_law, with_power)
        found.append(Precondition("control sweep", "passed" if second.used else "untested", second.text))
    winner = fits[0]
    found += about_heating(heated, winner.problem.evidence)
    results = tuple(_result(each) for each in fits)
    found += about_winner(winner, results[0].p_value)
    follows = all(not each.forbids for each in found)
    found += about_critical_current(fits, [points[place] for place in used], follows)
    whole = partial(replace, cold_points=cold, known=_known(winner), control=second)
    if heated:  # what the check says stands whatever fits best
        return whole(warmed(found), hypotheses=results)
    if any(each.forbids for each in found):
        return whole(nothing(found, contradicted(second) if second is not None else "", results))
    decision = _decided(fits, with_power)
    verdict, told = decision.verdict, decision.told
    clause = added(second, verdict) if second is not None else ""
    if verdict == "cannot be told apart":
        sentence = undecided(winner, decision.rival, told, found, clause)
    else:
        sentence = conclusion(verdict, winner, decision.rival, decision.near, results[0].p_value, found, clause)
    change = _would_change(told, found)
    confidence = _confidence(decision.difference, found)
    return whole(Verdict(verdict, sentence, confidence, results, told, tuple(found), change))


def _controlled(
    control: SecondSweep,
    points: Sequence[PreparedPoint],
    used: Sequence[int],
    estimate: JunctionEstimate,
    fits: list[Fitted],
    quantum_law: EscapeModel | None,
    with_power: bool,
) -> tuple[list[Fitted], ControlResult]:
    """Return the fits of sweep and control together, or those of the sweep where the control is of no use."""
    usable = usable_points(control, estimate)
    if isinstance(usable, str):
        return fits, ControlResult(control.name, False, usable)
    evidence, temperatures = evidence_of(points, used, estimate, (control.points, usable))
    joint = fit_explanations(evidence, temperatures, quantum_law)
    if not math.isfinite(joint[0].log_likelihood):
        return fits, ControlResult(control.name, False, "no explanation could be fitted to it together with the sweep")
    if same := same_current(joint[0]):
        return fits, ControlResult(control.name, False, same)
    chosen = [points[place] for place in used] + [control.points[place] for place in usable]
    result = told_by(control, chosen, fits, joint)
    alone = "not identifiable"
    if not any(each.forbids for each in about_winner(fits[0], _result(fits[0]).p_value)):
        alone = _decided(fits, with_power, only_if_needed=True).verdict
    result = replace(result, verdict_alone=alone, log_ratios=(_tunnelling_lead(fits), _tunnelling_lead(joint)))
    return joint, replace(result, text=described(result, _opposite(joint)[0].problem.hypothesis.name))


def _opposite(fits: Sequence[Fitted]) -> list[Fitted]:
    """Return the explanations on the other side of the best, tunnelling or all else, the nearest first."""
    winner = fits[0]
    other = [each for each in fits if (cause_of(each) == "tunnelling") != (cause_of(winner) == "tunnelling")]
    return sorted(other, key=winner.lead)


def _tunnelling_lead(fits: Sequence[Fitted]) -> float:
    """Return by how much tunnelling leads all else; negative where something else does."""
    lead = fits[0].lead(_opposite(fits)[0])
    return lead if cause_of(fits[0]) == "tunnelling" else -lead


def _decided(fits: Sequence[Fitted], with_power: bool, only_if_needed: bool = False) -> _Decision:
    """Compare explanations, the best first; where only needed, a power that changes nothing is left out."""
    winner, opposite = fits[0], _opposite(fits)
    difference = winner.lead(opposite[0])
    if only_if_needed and not 0.0 < difference < DECISIVE:
        with_power = False
    told = power(winner, opposite[:RIVALS]) if with_power else None
    decided = difference >= DECISIVE or (difference > 0.0 and told is not None and told.power >= WANTED_POWER)
    if not decided:
        return _Decision("cannot be told apart", opposite[0], difference, told)
    cause = cause_of(winner)
    near = [
        each for each in fits if cause_of(each) not in ("tunnelling", cause) and winner.score - each.score < DECISIVE
    ]
    if near and cause != "tunnelling":  # hotter than the bath for certain, but not why
        cause = "thermal" if "thermal" in {cause, *map(cause_of, near)} else "decoupled"
    return _Decision(cause, opposite[0], difference, told, tuple(near))


def _known(winner: Fitted) -> tuple[KnownResult, ...]:
    facts = winner.problem.evidence.estimate.known
    return tuple(
        KnownResult(fact, known_value(fact, winner.junction), pull)
        for fact, pull in zip(facts, winner.known_pulls(), strict=True)
    )


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


def _confidence(difference: float, found: Sequence[Precondition]) -> float:
    """Return the odds of the best explanation as a probability, lowered by what fails or was not tested."""
    untested = sum(each.state == "untested" for each in found)
    failed = sum(each.state == "failed" for each in found)
    surest = max(SUREST - UNTESTED * untested - FAILED * failed, 0.5)
    return min(1.0 / (1.0 + math.exp(min(-difference, 700.0))), surest)


def _would_change(told: Power | None, found: Sequence[Precondition]) -> tuple[str, ...]:
    change = []
    if told is not None and told.more:
        change.append(told.more)
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
    if states.get("control sweep") == "passed":
        return tuple(change)
    change.append(
        "a second sweep at a lowered critical current (field or flux): if the plateau stays where it is, it is noise or"
        " a decoupled sample (--control)"
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
