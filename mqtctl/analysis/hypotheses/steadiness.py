"""Is the critical current the same at all times and temperatures? Fits explanations with one that is not.

All explanations share one critical current. A trend Ic (1 + a w), w being the time of each point or what a
superconductor near its transition loses, is looked for in two ways. A large fall with temperature shows in the critical
currents that single thermal histograms have. All else is a parameter more of an explanation: the score test (Rao, Proc.
Camb. Phil. Soc. 44, 50 (1948) [M]) tells a, the currents are divided by 1 + a w (rates depend on I/Ic, and on Ic itself
a hundred times less), and the explanation is fitted again, until a stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.single_histogram import PreparedPoint
from mqtctl.analysis.hypotheses.evidence import Evidence
from mqtctl.analysis.hypotheses.fit import Fitted, Problem, fit_hypothesis
from mqtctl.analysis.hypotheses.power import DECISIVE
from mqtctl.analysis.hypotheses.results import Precondition
from mqtctl.physics import AmbegaokarBaratoff

__all__ = ["about_critical_current"]

STEADY, SAME = "critical current steady", "critical current same at all temperatures"
DECISIVE_SIGMAS = 4.0
#: In the critical currents of single histograms: standard errors, and what their law (a_t = 1) may do by itself.
SINGLE_SIGMAS, SINGLE_CHANGE = 6.0, -0.01
#: Transition temperature over the hottest bath for which a fall with temperature is looked for: its shape alone counts.
TRANSITION_RATIO = 2.5
HOUR = 3600.0
#: How often a trend is fitted again, in how many explanations, by which multiple of its first-order gain it may help.
ROUNDS, CANDIDATES, HOPEFUL = 4, 3, 1.5


@dataclass(frozen=True)
class Trend:
    """Relative change of the critical current for w = 1 with its standard error, and in which explanation."""

    change: float
    stderr: float
    name: str = ""

    @property
    def sigmas(self) -> float:
        """The change in its standard errors."""
        return self.change / self.stderr


def about_critical_current(
    fits: Sequence[Fitted], points: Sequence[PreparedPoint], winner_follows: bool
) -> list[Precondition]:
    """Say whether one critical current stands for all temperatures and, where they are known, for all times.

    Parameters
    ----------
    fits
        All explanations, the best first.
    points
        The histograms of the sweep that were fitted, in the order of the evidence.
    winner_follows
        Whether the best explanation describes the histograms; a trend that is seen where it does not forbids a verdict,
        as does one larger than the narrowest histogram is wide.
    """
    evidence = fits[0].problem.evidence
    times = np.array([point.histogram.time for point in points])
    bath = np.maximum([point.histogram.temperature for point in points], 0.0)  # a thermometer's offset may say less
    pairs = [each.quantile_pair for each in evidence.histograms]
    narrowest = min(second / first - 1.0 for (_, first), (_, second) in pairs)
    known = bool(np.isfinite(times).all()) and float(np.ptp(times)) > 0.0
    found = []
    if known:
        whole = float(np.ptp(times))
        drift = _trend(fits, points, (times - times.min()) / whole)
        found.append(
            Precondition(STEADY, "passed", "no drift of the critical current over the sweep is seen")
            if drift is None
            else Precondition(
                STEADY,
                "failed",
                f"the critical current seems to drift by {100.0 * drift.change:+.2g} % over the sweep"
                f" ({100.0 * drift.change * HOUR / whole:+.2g} % an hour,"
                f" {drift.sigmas:+.0f} standard errors{drift.name})",
                forbids=not winner_follows or abs(drift.change) > narrowest,
            )
        )
    hottest = float(bath.max())
    if not hottest > 0.0:
        return found
    lost = 1.0 - np.asarray(AmbegaokarBaratoff(TRANSITION_RATIO * hottest).ratio(bath))
    fall = _trend(fits, points, lost / lost.max(), falls=True)
    found.append(
        Precondition(SAME, "passed", "the critical current does not fall towards the hottest bath")
        if fall is None
        else Precondition(
            SAME,
            "failed",
            f"the critical current seems to be lower by {-100.0 * fall.change:.2g} % at the hottest bath"
            f" ({1e3 * hottest:.3g} mK; {-fall.sigmas:.0f} standard errors{fall.name}), as towards the transition of"
            " the superconductor",
            forbids=not winner_follows or -fall.change > narrowest,
        )
    )
    return found


def _trend(
    fits: Sequence[Fitted], points: Sequence[PreparedPoint], weight: NDArray[np.float64], falls: bool = False
) -> Trend | None:
    """Return a trend that is seen, the critical current (1 + a w); `falls`: only one downwards counts."""
    single = _of_single_histograms(points, fits[0].problem.evidence, weight) if falls else None
    if single is not None:
        return single
    padded = np.zeros(len(fits[0].problem.evidence.histograms))
    padded[: weight.size] = weight
    winner = fits[0]
    tried = [winner, *(each for each in fits[1:] if not each.problem.hypothesis.free_temperatures)][:CANDIDATES]
    for each in tried:
        first = _first_order(each, padded) if each.slopes else None
        if first is None or abs(first.sigmas) < DECISIVE_SIGMAS:
            continue
        if each.score + HOPEFUL * 0.5 * first.sigmas**2 < winner.score:
            continue
        trend, score = _fitted(each, padded, first)
        wrong_way = falls and trend.change > 0.0
        if abs(trend.sigmas) >= DECISIVE_SIGMAS and not wrong_way and score - winner.score > DECISIVE:
            return replace(trend, name=f" in “{each.problem.hypothesis.name}”")
    return None


def _of_single_histograms(
    points: Sequence[PreparedPoint], evidence: Evidence, weight: NDArray[np.float64]
) -> Trend | None:
    """Return the trend of the critical currents that thermal histograms have alone, if it is a large fall."""
    used = [place for place, point in enumerate(points) if point.alone is not None and not evidence.cold[place]]
    fits = [alone for place in used if (alone := points[place].alone) is not None]
    error = np.array([alone.critical_current_stderr / alone.critical_current for alone in fits])
    good = np.isfinite(error) & (error > 0.0)
    abscissa = weight[used][good] if used else np.empty(0)
    if abscissa.size < 2 or not np.ptp(abscissa) > 0.0:
        return None
    inverse = error[good] ** -2.0
    values = np.log([alone.critical_current for alone in fits])[good]
    centred = abscissa - inverse @ abscissa / inverse.sum()
    spread = float(inverse @ centred**2)
    found = Trend(float(inverse @ (centred * values)) / spread, spread**-0.5)
    large = found.sigmas <= -SINGLE_SIGMAS and found.change <= SINGLE_CHANGE
    return replace(found, name=" of the hot histograms alone") if large else None


def _first_order(fitted: Fitted, weight: NDArray[np.float64]) -> Trend | None:
    """Return the trend by the score test; None where the fitted parameters leave nothing of it to see."""
    pairs = list(zip(weight, fitted.slopes, strict=True))
    score = sum(w * each.gradient[0] for w, each in pairs)
    own = sum(w**2 * each.information[0, 0] for w, each in pairs)
    with_others = np.sum([w * each.information[0] for w, each in pairs], axis=0)
    variance = float(own - with_others @ fitted.covariance @ with_others)
    if not variance > 1e-9 * float(own):
        return None
    scale = 1.0 - fitted.problem.evidence.floor / fitted.junction.critical_current  # the parameter is ln(Ic - floor)
    return Trend(scale * float(score) / variance, scale / math.sqrt(variance))


def _fitted(fitted: Fitted, weight: NDArray[np.float64], first: Trend) -> tuple[Trend, float]:
    """Return the trend fitted together with an explanation, and the score with one parameter more."""
    problem, change, stderr, best = fitted.problem, 0.0, first.stderr, fitted
    step: Trend | None = first
    for _ in range(ROUNDS):
        if step is None or abs(step.change) < 0.3 * step.stderr:
            break
        change, stderr = change + step.change, step.stderr
        other = Problem(_without(problem.evidence, change * weight), problem.hypothesis, problem.law)
        best = fit_hypothesis(other, best.parameters)
        step = _first_order(best, weight) if best.slopes else None
    return Trend(change, stderr), best.score - 0.5 * math.log(problem.evidence.switches)


def _without(evidence: Evidence, change: NDArray[np.float64]) -> Evidence:
    """Return the evidence as it were without relative changes of the critical current, shape (n,)."""
    histograms = [
        replace(
            each,
            currents=each.currents / (1.0 + part),
            smallest=each.smallest / (1.0 + part),
            largest=each.largest / (1.0 + part),
        )
        for each, part in zip(evidence.histograms, change.tolist(), strict=True)
    ]
    floor = max(each.largest for each in histograms[: evidence.first])
    distance = evidence.critical_current - evidence.floor
    return replace(evidence, histograms=tuple(histograms), floor=floor, critical_current=floor + distance)
