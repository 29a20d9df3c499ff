"""What these very data could have decided: the likelihood ratio that an experiment like this one would find.

The winner's histograms are taken as a law expects them, the rival is fitted to those, and the mean and variance of the
difference of ln L over single switches follow by quadrature. Its distribution over repeated experiments is normal as
soon as many switches contribute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram, expected_histogram
from mqtctl.analysis.hypotheses.fit import Fitted, Problem, fit_hypothesis
from mqtctl.notation import quantity

__all__ = ["DECISIVE", "WANTED_POWER", "Power", "expected_at", "power"]

DECISIVE = math.log(100.0)  # lead from which one explanation is preferred: odds of 100
WANTED_POWER = 0.9
NODES = 56
FIRST_HAZARD = 1e-6
GRID = 400
REFIT_STEPS = 8


@dataclass(frozen=True)
class Power:
    """Whether an experiment like this one could tell two explanations apart.

    Attributes
    ----------
    winner, rival
        Names of the explanations.
    expected, deviation
        Mean and standard deviation of the winner's lead (`Fitted.lead`) if it is true.
    power
        Probability that the lead decides if the winner is true: at least ln 100, or above zero where that is
        reached with a probability of 0.9.
    error_rate
        Probability that a lead of the rival decides if the winner is true.
    more_switches, at_temperature
        How many more switches, at which bath in K, would make the power 0.9; None where it is.
    at_control
        Whether those are switches of the control sweep.
    """

    winner: str
    rival: str
    expected: float
    deviation: float
    power: float
    error_rate: float
    more_switches: int | None = None
    at_temperature: float | None = None
    at_control: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "winner": self.winner,
            "rival": self.rival,
            "expected_log_ratio": self.expected,
            "log_ratio_std": self.deviation,
            "power": self.power,
            "error_rate": self.error_rate,
            "decisive_log_ratio": DECISIVE,
            "more_switches": self.more_switches,
            "at_temperature_K": self.at_temperature,
            "at_control": self.at_control,
        }

    @property
    def more(self) -> str:
        """How many more switches, and where, in words; empty where no number of them would do."""
        if self.more_switches is None or self.at_temperature is None:
            return ""
        where = f"{quantity(self.at_temperature, 'K')}{' of the control' if self.at_control else ''}"
        return f"{self.more_switches} more switches at {where}"


def power(winner: Fitted, rivals: list[Fitted]) -> Power | None:
    """Return the power against the rival that is hardest to exclude; None where the winner gives no histogram."""
    histograms = _expected(winner)
    if histograms is None or not rivals:
        return None
    evidence = winner.problem.evidence.of(histograms)
    truth = Problem(evidence, winner.problem.hypothesis, winner.problem.law)
    true_rates = truth.at(winner.parameters)
    best = truth.value(winner.parameters, true_rates)
    found = []
    for rival in rivals:
        problem = Problem(evidence, rival.problem.hypothesis, rival.problem.law)
        other = fit_hypothesis(problem, rival.parameters, most_steps=REFIT_STEPS)
        found.append(_compare(winner, rival, best, true_rates, other))
    return min(found, key=lambda each: each.power)


def _compare(winner: Fitted, rival: Fitted, best: float, true_rates: NDArray[np.float64], other: Fitted) -> Power:
    evidence = other.problem.evidence
    numbers = np.array([each.switches for each in evidence.histograms], dtype=np.float64)
    means, variances = np.empty(numbers.size), np.empty(numbers.size)
    for place, (each, part) in enumerate(zip(evidence.histograms, evidence.parts, strict=True)):
        difference = _log_density(each, true_rates[part]) - _log_density(each, other.log_rate[part])
        share = each.event_weight[each.body] / each.event_weight.sum()
        means[place] = share @ difference
        variances[place] = share @ (difference - means[place]) ** 2
    counted = min(winner.cost(rival), 0.0)
    expected = best - other.log_likelihood + counted
    deviation = math.sqrt(max(float(numbers @ variances), 1e-12))
    chance = float(ndtr((expected - DECISIVE) / deviation))
    enough = chance >= WANTED_POWER
    more, where, sharpest = None, None, 0
    if not enough:
        factor = _needed(best - other.log_likelihood, counted, deviation)
        sharpest = int(np.argmax(means))
        gain = (factor - 1.0) * (best - other.log_likelihood)
        if math.isfinite(gain) and means[sharpest] > 0.0:
            more, where = math.ceil(gain / float(means[sharpest])), float(evidence.bath[sharpest])
    return Power(
        winner=winner.problem.hypothesis.name,
        rival=rival.problem.hypothesis.name,
        expected=expected,
        deviation=deviation,
        power=float(ndtr(expected / deviation)) if enough else chance,
        error_rate=float(ndtr((-(0.0 if enough else DECISIVE) - expected) / deviation)),
        more_switches=more,
        at_temperature=where,
        at_control=where is not None and sharpest >= evidence.first,
    )


def _needed(expected: float, counted: float, deviation: float) -> float:
    """Return by how much more data the power becomes 0.9; inf where more of the same never suffices."""
    if expected <= 1e-3:
        return math.inf
    factors = np.geomspace(1.0, 1e6, 4000)
    enough = factors * expected + counted - DECISIVE >= 1.2816 * deviation * np.sqrt(factors)
    return float(factors[int(np.argmax(enough))]) if enough.any() else math.inf


def _expected(winner: Fitted) -> list[ReducedHistogram] | None:
    """Return the histograms that the winner expects, as many switches each as were measured."""
    result = []
    for place in range(len(winner.problem.evidence.histograms)):
        expected = expected_at(winner, place)
        if expected is None:
            return None
        result.append(expected)
    return result


def expected_at(fitted: Fitted, place: int) -> ReducedHistogram | None:
    """Return the histogram that an explanation expects at one point; None where it gives none."""
    each = fitted.problem.evidence.histograms[place]
    rate = fitted.problem.rate_at(fitted.parameters, place)
    span = each.largest - each.smallest
    currents = np.linspace(each.smallest - span, each.largest + span, GRID)
    values = rate(currents)
    inside = np.isfinite(values) & (values > 0.0)
    currents, values = currents[inside], values[inside]
    hazard = np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(currents)) / each.ramp_rate
    ends = np.searchsorted(hazard, [FIRST_HAZARD, math.log(each.switches) + 1.0])
    low, high = (float(currents[min(int(end), currents.size - 1)]) for end in ends)
    if not (hazard.size and low < high):
        return None
    return expected_histogram(rate, low, high, each.ramp_rate, order=NODES, number=each.switches)


def _log_density(reduced: ReducedHistogram, log_rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln of the density but for a constant, at the body's nodes, shape (n_body,)."""
    return np.asarray(log_rate[reduced.body] - reduced.cumulative(np.exp(log_rate)))
