"""Measure pulls, variances and coverage of a sweep's fits where nature is drawn from the priors (docs/analysis.md).

    python docs/make/joint_fit_tables.py [--sweeps 60] [--random 300] [--json FILE]

Whole sweeps of 8 temperatures, 0.5 to 15 times the crossover temperature, with 10 000 switches at each. The switches
come from the full law with depletion (`Escape`). What the analysis does not know exactly is drawn: C within 2 %, which
the sample file states, R within a factor of two (stated as 20 % with --resistance 0.2), the thermometer's scale within
1 %, the theory's ln Γ at the cold points within 0.05. First at Q = 5, 10, 30 and 100, then on random junctions.

A pull is (estimate - truth)/stated error. The bound is that of Cramér and Rao with the priors: the inverse of
information and prior at the truth, whose mean over the sweeps the mean square error cannot be below.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import e, hbar, k

from mqtctl.analysis import fit_sweep
from mqtctl.analysis.histogram.single_histogram import prepare_point
from mqtctl.analysis.hypotheses.explanations import TUNNELLING
from mqtctl.analysis.hypotheses.fit import Fitted, Problem, first_fit
from mqtctl.analysis.hypotheses.preconditions import evidence_of
from mqtctl.analysis.sweep.prediction import predicted_escape_temperature
from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

QUALITIES = (5.0, 10.0, 30.0, 100.0)
#: Over the crossover temperature at T = 0: four cold ones, below three times it, and four thermal ones, also by their
#: own crossover temperature, which rises as the switching current falls.
BATHS = np.array([0.5, 0.8, 1.2, 1.8, 5.5, 8.0, 11.0, 15.0])
CAPACITANCE, FACTOR, THERMOMETER, THEORY = 0.02, math.log(2.0), 0.01, 0.05  # standard deviations of the priors
#: What is estimated: by thermal points and plateau (a sweep's classic results), and by the fit of all histograms.
CLASSIC, JOINT = ("critical current", "saturation"), ("critical current", "capacitance", "resistance", "Q")


class Shifted:
    """The full law with an error of its ln Γ."""

    def __init__(self, error: float) -> None:
        self.error = error

    def log_rate(self, *arguments: Any, **named: Any) -> NDArray[np.float64]:
        """Return ln Γ."""
        return np.asarray(Escape().log_rate(*arguments, **named)) + self.error


@dataclass(frozen=True)
class Nature:
    """Junction, ramp rate in A/s, baths that the thermometer shows in K, its true scale, the theory's error."""

    junction: Junction
    rate: float
    baths: NDArray[np.float64]
    thermometer: float
    theory: float


def mean_current(junction: Junction, rate: float) -> float:
    """Return the mean switching current at T = 0 in A."""
    return float(SwitchingDistribution(junction, 0.0, rate, Escape()).mean)


def with_quality(quality: float, critical_current: float, capacitance: float, rate: float) -> Junction:
    """Return a junction of this Q at its mean switching current at T = 0."""
    junction = Junction(critical_current, capacitance, 100.0)
    for _ in range(3):
        current = mean_current(junction, rate)
        junction = replace(junction, resistance=junction.resistance * quality / float(junction.quality_factor(current)))
    return junction


def nature(junction: Junction, rate: float, rng: np.random.Generator) -> Nature:
    """Return an experiment on a junction, with the errors that the priors allow for."""
    own = float(junction.crossover_temperature(mean_current(junction, rate)))
    return Nature(junction, rate, own * BATHS, math.exp(THERMOMETER * rng.normal()), THEORY * rng.normal())


def drawn(true: Nature, resistance: float | None, switches: int, rng: np.random.Generator) -> Sweep:
    """Draw the switches, and what the sample file says; `resistance` is the relative error that it states, if any."""
    junction, histograms = true.junction, []
    top = 1.05 * junction.critical_current
    ramp = MeasuredRamp(0.0, top, true.rate, 2.0 * top / true.rate, 0.0)
    own = float(junction.crossover_temperature(mean_current(junction, true.rate)))
    for point, bath in enumerate(true.baths.tolist()):
        law = Shifted(true.theory if bath < 3.0 * own else 0.0)
        currents = SwitchingDistribution(junction, true.thermometer * bath, true.rate, law).sample(switches, rng)
        histograms.append(Histogram(currents, currents / true.rate, ramp, 0, bath, 0.0, point))
    capacitance = junction.capacitance / (1.0 + CAPACITANCE * rng.normal())
    stated = junction.resistance * math.exp(-(resistance or FACTOR) * rng.normal())
    estimate = JunctionEstimate(1.02 * junction.critical_current, capacitance, stated, CAPACITANCE * capacitance)
    return Sweep(tuple(histograms), _stated(estimate, resistance))


def _stated(estimate: JunctionEstimate, resistance: float | None) -> JunctionEstimate:
    return estimate if resistance is None else replace(estimate, resistance_stderr=resistance * estimate.resistance)


def classic_pulls(sweep: Sweep, true: Nature) -> list[float]:
    """Return the pulls of `CLASSIC`."""
    fit = fit_sweep(sweep, hypotheses=False)
    assert fit.critical_current is not None
    assert fit.critical_current_stderr is not None
    assert fit.saturation is not None
    coldest = true.thermometer * float(true.baths[0])
    ramp, law = sweep.histograms[0].ramp, Shifted(true.theory)
    level = predicted_escape_temperature(true.junction, coldest, ramp, law, TransitionState())
    return [
        (fit.critical_current - true.junction.critical_current) / fit.critical_current_stderr,
        (fit.saturation.escape_temperature - level) / fit.saturation.escape_temperature_stderr,
    ]


def joint_fit(sweep: Sweep) -> Fitted:
    """Fit tunnelling to all histograms."""
    points = [prepare_point(each, sweep.junction) for each in sweep.histograms]
    evidence, temperatures = evidence_of(points, range(len(points)), sweep.junction)
    return first_fit(Problem(evidence, TUNNELLING), temperatures)


def joint_errors(fitted: Fitted, true: Nature) -> NDArray[np.float64]:
    """Return errors of ln Ic, ln C, ln R and ln Q, the stated standard errors, and those of the bound, (3, 4)."""
    problem, own, truth = fitted.problem, fitted.junction, true.junction
    estimate = problem.evidence.estimate
    at_truth = np.zeros(fitted.parameters.size)
    found = np.array(
        [
            math.log(own.critical_current / truth.critical_current),
            math.log(own.capacitance / truth.capacitance),
            math.log(own.resistance / truth.resistance),
        ]
    )
    values = {
        "current": math.log((truth.critical_current - problem.evidence.floor) / problem.distance),
        "capacitance": math.log(truth.capacitance / estimate.capacitance),
        "resistance": math.log(truth.resistance / estimate.resistance),
        "thermometer": math.log(true.thermometer),
        "theory": true.theory,
    }
    for name, value in values.items():
        at_truth[problem.names.index(name)] = value
    slopes = problem.slopes(at_truth, problem.at(at_truth))
    bound = np.linalg.inv(sum((each.information for each in slopes), np.diag(problem.prior)))
    span = 1.0 - problem.evidence.floor / truth.critical_current  # d ln Ic over that of the fit's parameter
    rows = np.zeros((4, at_truth.size))
    for row, (name, scale) in enumerate((("current", span), ("capacitance", 1.0), ("resistance", 1.0))):
        rows[row, problem.names.index(name)] = scale
    rows[3] = rows[2] + 0.5 * (rows[0] + rows[1])  # Q = R (2e Ic C/hbar)^1/2
    errors = np.append(found, found[2] + 0.5 * (found[0] + found[1]))
    stated, least = (np.sqrt(np.einsum("ij,jk,ik->i", rows, each, rows)) for each in (fitted.covariance, bound))
    return np.array([errors, stated, least])


def at_quality(quality: float, number: int, resistance: float | None = None, switches: int = 10_000) -> dict[str, Any]:
    """Return pulls of whole sweeps at one Q, (sweep, quantity): the classic results with R known, and the joint fit."""
    junction = with_quality(quality, 9.489e-6, 6.35e-12, 1e-3)
    classic, joint = [], []
    for seed in range(number):
        rng = np.random.default_rng([31, int(quality), seed])
        true = nature(junction, 1e-3, rng)
        sweep = drawn(true, resistance, switches, rng)
        errors = joint_errors(joint_fit(sweep), true)
        joint.append((errors[0] / errors[1]).tolist())
        if resistance is None:  # a resistance that nobody states an error of counts as exact there
            sweep = replace(sweep, junction=replace(sweep.junction, resistance=junction.resistance))
        classic.append(classic_pulls(sweep, true))
    return {"Q": quality, "classic": classic, "joint": joint}


def random_junction(rng: np.random.Generator) -> tuple[Junction, float]:
    """Return a junction of 1 to 30 uA, with a crossover from 25 to 120 mK and a Q of 3 to 100, and its ramp rate."""
    critical_current = math.exp(rng.uniform(math.log(1e-6), math.log(3e-5)))
    frequency = 2.0 * math.pi * k * rng.uniform(0.025, 0.12) / hbar / 0.4  # that at the bias is some 0.4 of it
    capacitance = 2.0 * e * critical_current / (hbar * frequency**2)
    quality = math.exp(rng.uniform(math.log(3.0), math.log(100.0)))
    resistance = quality / (0.4 * frequency * capacitance)
    return Junction(critical_current, capacitance, resistance), 100.0 * critical_current


def on_random_junctions(
    number: int, resistance: float | None = None, switches: int = 10_000, first: int = 0
) -> NDArray[np.float64]:
    """Return errors, stated errors and bounds of the joint fit, (sweep, 3, quantity)."""
    found = []
    for seed in range(first, first + number):
        rng = np.random.default_rng([32, seed])
        true = nature(*random_junction(rng), rng)
        found.append(joint_errors(joint_fit(drawn(true, resistance, switches, rng)), true))
    return np.array(found)


def pull_table(results: Sequence[dict[str, Any]]) -> str:
    """Return means and widths of pulls as Markdown."""
    names = [f"{name}, thermal points and plateau" for name in CLASSIC] + [f"{name}, all histograms" for name in JOINT]
    lines = ["| Q | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for each in results:
        pulls = np.hstack([each["classic"], each["joint"]])
        cells = [f"{m:+.2f}, {w:.2f}" for m, w in zip(pulls.mean(axis=0), pulls.std(axis=0, ddof=1), strict=True)]
        lines.append(f"| {each['Q']:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(found: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return variance over bound, and coverage of 68.3 and 95.4 % intervals, of each quantity of the joint fit."""
    rows = []
    for place, name in enumerate(JOINT):
        error, stated, least = found[:, :, place].T
        pull, ratio = np.abs(error / stated), (error / least) ** 2
        rows.append(
            {
                "name": name,
                "variance_over_bound": float(ratio.mean()),
                "its_error": float(ratio.std(ddof=1) / math.sqrt(ratio.size)),
                "mean": float((error / stated).mean()),
                "cover_68": float((pull < 1.0).mean()),
                "cover_95": float((pull < 2.0).mean()),
            }
        )
    return rows


def coverage_table(found: NDArray[np.float64]) -> str:
    """Return the summary as Markdown."""
    lines = ["| | variance / bound | mean pull | within 1 (68.3 %) | within 2 (95.4 %) |", "|---" * 5 + "|"]
    for row in summary(found):
        lines.append(
            f"| {row['name']} | {row['variance_over_bound']:.2f} ± {row['its_error']:.2f} | {row['mean']:+.2f}"
            f" | {row['cover_68']:.1%} | {row['cover_95']:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Make both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=60, help="at each Q")
    parser.add_argument("--random", type=int, default=300, help="sweeps on random junctions")
    parser.add_argument("--first", type=int, default=0, help="seed of the first of these")
    parser.add_argument("--resistance", type=float, default=None, help="relative error that the sample file states")
    parser.add_argument("--json", default="")
    given = parser.parse_args()
    results = [at_quality(quality, given.sweeps, given.resistance) for quality in QUALITIES] if given.sweeps else []
    if results:
        print(f"{given.sweeps} sweeps at each Q; mean, width of the pulls\n\n{pull_table(results)}\n", flush=True)
    found = on_random_junctions(given.random, given.resistance, first=given.first)
    print(f"{given.random} sweeps on random junctions\n\n{coverage_table(found)}")
    if given.json:
        content = {"at_quality": results, "random": found.tolist()}
        Path(given.json).write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
