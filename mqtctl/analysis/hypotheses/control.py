"""What a second sweep of the same junction at a lowered critical current (field or flux) adds.

The plateau of tunnelling goes down with the plasma frequency; noise, a sample that is not at its bath's temperature and
heat stay where they are. Both sweeps are fitted jointly: C, R, the thermometer and the explanation's own parameters are
shared, each sweep has a critical current of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mqtctl.analysis.histogram.escape_temperature import fit_reduced_temperature
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.hypotheses.fit import Fitted
from mqtctl.analysis.hypotheses.power import expected_at
from mqtctl.analysis.hypotheses.preconditions import judge_points
from mqtctl.analysis.hypotheses.results import ControlExplanation, ControlResult
from mqtctl.notation import quantity
from mqtctl.records import JunctionEstimate

__all__ = ["SecondSweep", "added", "contradicted", "described", "same_current", "told_by", "usable_points"]

SAME_CURRENT = 3.0  # standard errors within which two critical currents are the same


@dataclass(frozen=True)
class SecondSweep:
    """A control sweep: what it is called, its prepared histograms, and what its own heating check found."""

    name: str
    points: tuple[PreparedPoint, ...]
    heated: bool | None = None


def usable_points(control: SecondSweep, estimate: JunctionEstimate) -> tuple[int, ...] | str:
    """Return which of its histograms may enter, or why none may."""
    if control.heated:
        return "its heating check is positive: its sample is warmer than its bath"
    used, found = judge_points(control.points, estimate)
    # a control need not be cold enough to tunnel: that its plateau does not show is evidence as well
    missing = [each.text for each in found if each.forbids and each.name != "a point below the crossover"]
    return "; ".join(missing) if missing or not used else used


def same_current(best: Fitted) -> str:
    """Say that both critical currents are the same, if they are; empty else."""
    (first, error), (second, other) = best.critical_current(0), best.critical_current(1)
    if abs(first - second) > SAME_CURRENT * math.hypot(error, other):
        return ""
    pair = f"{quantity(second, 'A', other)} against {quantity(first, 'A', error)}"
    return f"its critical current is the same within the errors ({pair}), so that it decides nothing"


def told_by(
    control: SecondSweep, chosen: Sequence[PreparedPoint], alone: Sequence[Fitted], joint: Sequence[Fitted]
) -> ControlResult:
    """Return what the control says.

    Parameters
    ----------
    chosen
        Prepared points of all histograms of the joint fit.
    alone, joint
        Fits of the sweep itself and of both, the best first.
    """
    best = joint[0]
    evidence = best.problem.evidence
    last = evidence.first + int(evidence.bath[evidence.first :].argmin())
    coldest = (int(evidence.bath[: evidence.first].argmin()), last)
    without = {each.problem.hypothesis: each for each in alone}
    explanations = tuple(_explained(each, without.get(each.problem.hypothesis), coldest) for each in joint)
    currents = tuple(best.critical_current(sweep) for sweep in (0, 1))
    escape = tuple(
        fit_reduced_temperature(evidence.histograms[place], junction, error)
        for place, junction, (_, error) in zip(coldest, best.junctions, currents, strict=True)
    )
    return ControlResult(
        name=control.name,
        used=True,
        text="",
        histograms=evidence.controls,
        switches=sum(each.switches for each in evidence.histograms[evidence.first :]),
        critical_currents=currents,
        escape_temperatures=tuple((each.escape_temperature, each.escape_temperature_stderr) for each in escape),
        widths=tuple(found.std for place in coldest if (found := chosen[place].moments)),
        explanations=explanations,
    )


def _explained(joint: Fitted, alone: Fitted | None, coldest: tuple[int, int]) -> ControlExplanation:
    gained = None
    if alone is not None and alone.converged and joint.converged:
        gained = joint.log_likelihood - alone.log_likelihood
    expected = [expected_at(joint, place) for place in coldest]
    first, second = (None if each is None else _width(each) for each in expected)
    temperatures = joint.temperatures
    return ControlExplanation(
        joint.problem.hypothesis.name,
        gained,
        (first, second),
        (float(temperatures[coldest[0]]), float(temperatures[coldest[1]])),
    )


def _width(expected: ReducedHistogram) -> float:
    """Return the standard deviation in A of the switching currents in a histogram that is expected."""
    weight, currents = expected.event_weight[expected.body], expected.currents[expected.body]
    mean = float(np.average(currents, weights=weight))
    return math.sqrt(max(float(np.average((currents - mean) ** 2, weights=weight)), 0.0))


def added(found: ControlResult, verdict: str) -> str:
    """Say in a clause of the verdict's sentence what a control adds to it."""
    if not found.used:
        return f"the control sweep adds nothing: {found.text}"
    what = f"a control sweep at a critical current of {quantity(*_pair(found, 1))}"
    if verdict == "cannot be told apart":
        return f"{what} does not decide it"
    if found.verdict_alone == "cannot be told apart":
        return f"{what} decides it, for by itself the first sweep cannot be told apart"
    if found.verdict_alone != verdict:
        return f"{what} decides it, for by itself the first sweep would be called {found.verdict_alone}"
    return f"{what} says the same"


def contradicted(found: ControlResult) -> str:
    """Say that sweep and control do not go together, where that is why nothing may be concluded; empty else."""
    if not found.used or found.verdict_alone == "not identifiable":
        return ""
    return (
        f"of the first sweep by itself the verdict is “{found.verdict_alone}”: it and the control are not of one"
        " junction in one state, or the cause is none of the explanations"
    )


def described(found: ControlResult, rival: str) -> str:
    """Say in one line what a control that was used shows, against a rival of the best explanation."""
    (first, own), (second, other) = found.escape_temperatures
    widths = [quantity(value, "A") for value in found.widths]
    text = (
        f"{found.histograms} histograms at a critical current of {quantity(*_pair(found, 1))} in place of"
        f" {quantity(*_pair(found, 0))}: from there to here the escape temperature at the coldest bath goes from"
        f" {quantity(first, 'K', own)} to {quantity(second, 'K', other)}, the width from {widths[0]} to {widths[1]}"
    )
    says = {each.name: each.widths[1] for each in found.explanations}
    best = found.explanations[0].name
    expected = [
        f"{quantity(width, 'A')} by “{name}”" for name in (best, rival) if (width := says.get(name)) is not None
    ]
    if expected:
        text += f" (expected: {', '.join(expected)})"
    without, ratio = (f"{value:.1f}" for value in found.log_ratios)
    return f"{text}; ln of the likelihood ratio of tunnelling to all else {ratio} with it, {without} without"


def _pair(found: ControlResult, sweep: int) -> tuple[float, str, float]:
    value, error = found.critical_currents[sweep]
    return value, "A", error
