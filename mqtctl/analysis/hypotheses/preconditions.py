"""What a verdict stands on, and which histograms may enter it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.escape_temperature import thermal_start
from mqtctl.analysis.histogram.health.checks import ALARM, Health
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.hypotheses.evidence import Evidence, trimmed
from mqtctl.analysis.hypotheses.fit import Fitted
from mqtctl.analysis.hypotheses.results import Precondition
from mqtctl.physics.models.protocol import RateModel
from mqtctl.quantities import readable
from mqtctl.records import JunctionEstimate

__all__ = ["about_heating", "about_sample", "about_winner", "evidence_of", "judge_points"]

THERMAL_RATIO = 3.0
SAME_TEMPERATURE = 0.01
SUSPICIOUS_PVALUE = 1e-3
STEADY_SIGMAS = 4.0
LEAST_HEAT_SPREAD = 1.2
DISAGREEING = 3.0  # standard deviations between histograms and what is known from elsewhere


def _healthy(health: Health | None) -> bool:
    if health is None:
        return False
    worst = min(health.autocorrelation_pvalue, health.drift_pvalue, health.outliers_pvalue, health.skewness_pvalue)
    return worst >= ALARM


def _together(healths: Sequence[Health | None]) -> float:
    """Return the drift of all histograms together, second halves less first halves, in standard errors."""
    known = [each.drift_sigmas for each in healths if each is not None and math.isfinite(each.drift_sigmas)]
    return sum(known) / math.sqrt(len(known)) if known else 0.0


def _ratio(point: PreparedPoint, estimate: JunctionEstimate) -> float:
    """Return bath over crossover temperature; nan where it is not known."""
    crossover = point.crossover_temperature(estimate, None)
    return point.histogram.temperature / crossover if crossover else math.nan


def judge_points(
    points: Sequence[PreparedPoint], estimate: JunctionEstimate
) -> tuple[tuple[int, ...], list[Precondition]]:
    """Return the places of the histograms that may enter, and the preconditions that concern them."""
    fitted = [
        place
        for place, point in enumerate(points)
        if point.reduced is not None and point.alone is not None and math.isfinite(_ratio(point, estimate))
    ]
    used = tuple(place for place in fitted if _healthy(points[place].health))
    drifting = sum(1 for place in fitted if (health := points[place].health) and health.drift_pvalue < ALARM)
    steady = _together([points[place].health for place in used])
    bad = len(points) - len(used)
    left_out = f"{bad} of {len(points)} histograms are not healthy, or cannot be fitted, and were left out"
    found = [
        Precondition("healthy histograms", "failed", left_out, forbids=2 * bad > len(points))
        if bad
        else Precondition("healthy histograms", "passed", "all histograms are healthy"),
        Precondition(
            "no drift",
            "failed" if drifting or abs(steady) > STEADY_SIGMAS else "passed",
            f"the critical current drifts in {drifting} histograms"
            if drifting
            else f"the switching current drifts within the histograms ({steady:+.1f} standard errors of all together)"
            if abs(steady) > STEADY_SIGMAS
            else "no histogram drifts",
        ),
    ]
    if not used:
        return used, found
    ratios = [_ratio(points[place], estimate) for place in used]
    baths = sorted(points[place].histogram.temperature for place in used)
    several = baths[-1] > baths[0] * (1.0 + SAME_TEMPERATURE)
    for name, passed, text in (
        (
            "several temperatures",
            several,
            "there are several bath temperatures" if several else "all histograms have the same bath temperature",
        ),
        (
            "a thermal point",
            max(ratios) >= THERMAL_RATIO,
            f"the hottest bath is at {max(ratios):.2g} times the crossover temperature; from 3 on the critical current"
            " can be measured without assuming tunnelling",
        ),
        (
            "a point below the crossover",
            min(ratios) < 1.0,
            f"the coldest bath is at {min(ratios):.2g} times the crossover temperature",
        ),
    ):
        remedy = ""
        if name == "a point below the crossover" and not passed and math.isfinite(min(ratios)):
            colder = readable(float(f"{baths[0] / min(ratios):.2g}"), "K")
            remedy = f"bath temperatures below the crossover temperature, about {colder}"
        found.append(Precondition(name, "passed" if passed else "failed", text, forbids=not passed, remedy=remedy))
    return used, found


@dataclass(frozen=True)
class _Chosen:
    """The histograms of one sweep that enter, with what each says of its critical current and temperature."""

    points: list[PreparedPoint]
    reduced: list[ReducedHistogram]
    ratios: NDArray[np.float64]
    floor: float
    current: float
    temperatures: NDArray[np.float64]


def _chosen(points: Sequence[PreparedPoint], used: Sequence[int], estimate: JunctionEstimate) -> _Chosen:
    chosen = [points[place] for place in used]
    reduced = [trimmed(point.reduced) for point in chosen if point.reduced is not None]
    ratios = np.array([_ratio(point, estimate) for point in chosen])
    alone = [point.alone.critical_current for point in chosen if point.alone is not None]
    floor = max(each.largest for each in reduced)
    distances = [own - each.largest for own, each in zip(alone, reduced, strict=True)]
    trusted = [own for own, ratio in zip(alone, ratios, strict=True) if ratio >= THERMAL_RATIO]
    current = max(float(np.median(trusted)), floor + 0.2 * min(distances))
    junction = junction_of(estimate, current)
    temperatures = np.array([thermal_start(each, junction) for each in reduced])
    return _Chosen(chosen, reduced, ratios, floor, current, temperatures)


def evidence_of(
    points: Sequence[PreparedPoint],
    used: Sequence[int],
    estimate: JunctionEstimate,
    control: tuple[Sequence[PreparedPoint], Sequence[int]] | None = None,
) -> tuple[Evidence, NDArray[np.float64]]:
    """Return the evidence, and escape temperatures in K of single histograms from which fits start, shape (n,).

    A control sweep, its points and which of them are used, comes behind the sweep itself.
    """
    first = _chosen(points, used, estimate)
    second = _chosen(*control, estimate) if control else None
    sweeps = [first] if second is None else [first, second]
    chosen = [point for each in sweeps for point in each.points]
    bath = np.array([point.histogram.temperature for point in chosen])
    heat = np.array([_heat(point) for point in chosen])
    varied = _heat_varied(chosen) or (second is not None and _apart(heat, len(first.points)))
    usable = varied and bool(np.isfinite(heat).all() and heat.min() > 0.0)
    cold = np.concatenate([each.ratios for each in sweeps]) < THERMAL_RATIO
    twin = np.array([_twin(place, chosen, len(first.points)) for place in range(len(chosen))], dtype=np.intp)
    evidence = Evidence(
        histograms=tuple(reduced for each in sweeps for reduced in each.reduced),
        bath=bath,
        bath_std=np.nan_to_num([point.histogram.temperature_std for point in chosen]),
        heat=heat / heat.mean() if usable else np.ones(bath.size),
        cold=cold | cold[twin],
        estimate=estimate,
        critical_current=first.current,
        plateau=float(first.temperatures[np.argmin(bath[: len(first.points)])]),
        floor=first.floor,
        control=None if second is None else (second.current, second.floor),
        controls=0 if second is None else len(second.points),
        twin=twin,
    )
    return evidence, np.concatenate([each.temperatures for each in sweeps])


def _twin(place: int, chosen: Sequence[PreparedPoint], first: int) -> int:
    """Return which of the first sweep's histograms has the same bath as this one of the control's; else itself."""
    if place < first:
        return place
    own = chosen[place].histogram
    same = [
        other
        for other in range(first)
        if abs(chosen[other].histogram.temperature - own.temperature) <= SAME_TEMPERATURE * own.temperature
    ]
    return min(same, key=lambda other: abs(chosen[other].histogram.ramp.rate - own.ramp.rate), default=place)


def _apart(heat: NDArray[np.float64], first: int) -> bool:
    """Return whether the two sweeps differ in the heat that their voltage states give off."""
    means = sorted((float(heat[:first].mean()), float(heat[first:].mean())))
    return means[1] >= LEAST_HEAT_SPREAD * means[0]


def _heat(point: PreparedPoint) -> float:
    """Return what the voltage state gives off per second, over a constant: the integral of I dt over the period.

    It is not known, nan, where nobody knows how long the pause between ramps was: a list from elsewhere states none.
    """
    ramp, mean = point.histogram.ramp, point.moments.mean if point.moments else math.nan
    if not (ramp.rate > 0.0 and ramp.period > (1.0 + 1e-9) * ramp.rise_time):
        return math.nan
    return (ramp.stop_current**2 - mean**2) / (ramp.rate * ramp.period)


def _heat_varied(chosen: Sequence[PreparedPoint]) -> bool:
    """Return whether ramps of different rate or repetition were made; what the bath alone varies proves nothing."""
    pace = [1.0 / (ramp.rate * ramp.period) for point in chosen if (ramp := point.histogram.ramp).period > 0.0]
    return len(pace) == len(chosen) and max(pace) >= LEAST_HEAT_SPREAD * min(pace)


def about_heating(heated: bool | None, evidence: Evidence | None) -> list[Precondition]:
    """Say what the check with a slower repetition found, and whether the sweep itself could show heating."""
    states = {
        None: ("untested", "heating by the ramps was not checked with a slower repetition"),
        False: ("passed", "a slower repetition gives the same histogram: the ramps do not heat"),
        True: ("failed", "a slower repetition gives another histogram: the voltage state warms the sample"),
    }
    found = [Precondition("heating check", *states[heated])]
    if evidence is not None and not evidence.heat_varied:
        text = "all ramps have the same rate and repetition, so that heating looks like a decoupled sample"
        found.append(Precondition("heating power varied", "untested", text))
    return found


def about_sample(estimate: JunctionEstimate) -> list[Precondition]:
    """Say how well capacitance and damping were known beforehand."""
    error = estimate.capacitance_stderr
    if error is None and any(fact.name == "plasma_frequency" for fact in estimate.known):
        found = [Precondition("capacitance known", "passed", "the capacitance is known by a plasma frequency")]
    elif error is None:
        found = [Precondition("capacitance known", "untested", "no error of the capacitance is stated: taken as exact")]
    elif not error < estimate.capacitance:
        text = "the capacitance was not known beforehand (its error is as large as itself) and was fitted"
        found = [Precondition("capacitance known", "failed", text)]
    else:
        found = [Precondition("capacitance known", "passed", "the capacitance is known within a stated error")]
    if math.isinf(estimate.resistance):
        text = "no resistance is stated: the damping was taken as zero, and depletion left out"
        found.append(Precondition("damping known", "untested", text))
    return found


def about_winner(winner: Fitted, pvalue: float | None) -> list[Precondition]:
    """Say whether the best explanation describes the histograms, was found, and stays within its model's range."""
    found = [
        Precondition("maximum found", "passed", "the best explanation's likelihood has its maximum")
        if winner.converged
        else Precondition("maximum found", "failed", "the best explanation's fit found no maximum", forbids=True)
    ]
    if pvalue is None:
        text = "the values are rounded too coarsely to test the law" if winner.converged else "the law was not tested"
        found.append(Precondition("curve followed", "untested", text))
    elif pvalue < SUSPICIOUS_PVALUE:
        text = f"no explanation describes the histograms; the best has p = {pvalue:.1g}"
        found.append(Precondition("curve followed", "failed", text, forbids=True))
    else:
        found.append(Precondition("curve followed", "passed", f"the histograms follow the law, p = {pvalue:.2g}"))
    found += _about_known(winner, follows=pvalue is None or pvalue >= SUSPICIOUS_PVALUE)
    outside = _outside(winner)
    if outside:
        found.append(Precondition("model valid", "failed", f"at {len(outside)} points {outside[0]}"))
    else:
        found.append(Precondition("model valid", "passed", "the escape model is within its stated range everywhere"))
    return found


def _about_known(winner: Fitted, follows: bool) -> list[Precondition]:
    """Say whether the histograms agree with what other measurements say; what spoils the curve is a reason to stop."""
    known = winner.problem.evidence.estimate.known
    if not known:
        return []
    pull, fact = max(zip(winner.known_pulls(), known, strict=True), key=lambda pair: abs(pair[0]))
    name = fact.name.replace("_", " ")
    if abs(pull) > DISAGREEING:
        text = f"the histograms contradict the {name} known from elsewhere by {abs(pull):.1f} standard deviations"
        return [Precondition("known facts", "failed", text, forbids=not follows)]
    text = f"the histograms agree with what is known from elsewhere ({name}: {pull:+.1f} standard deviations)"
    return [Precondition("known facts", "passed", text)]


def _outside(winner: Fitted) -> list[str]:
    """Return a sentence for each point whose switches lie outside the range of the winner's law."""
    law, evidence = winner.problem.law, winner.problem.evidence
    if not isinstance(law, RateModel):
        return []
    sentences = []
    junctions = winner.junctions
    for each, temperature, sweep in zip(evidence.histograms, winner.temperatures, evidence.sweep, strict=True):
        currents = np.array([current for _, current in each.quantile_pair])
        validity = law.validity(junctions[sweep], currents, temperature)
        # a junction that is classical by hypothesis has no quantum correction, and its "T/T0" says nothing
        criteria = [one for one in validity.criteria if winner.problem.hypothesis.quantum or one.name != "T/T0"]
        failing = [one for one in criteria if not np.all(one.satisfied)]
        sentences += [one.sentence(np.atleast_1d(~one.satisfied)) for one in failing[:1]]
    return sentences
