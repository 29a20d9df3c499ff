"""Remake the table of Kolmogorov-Smirnov distances after a fit, used by `mqtctl.analysis.histogram.goodness`.

    python docs/make/analysis_goodness_table.py [replicas]

12 000 replicas take about two minutes. The largest deviation from the table in the source is printed and must
stay within what the number of replicas allows.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from mqtctl.analysis import fit_escape_temperature, fit_histogram
from mqtctl.analysis.histogram.goodness import DISTANCES, PROBABILITIES
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

CRITICAL_CURRENT, RATE, SWITCHES = 9.489e-6, 1e-3, 1000


def main(replicas: int = 2000) -> None:
    estimate = JunctionEstimate(CRITICAL_CURRENT, 6.35e-12, 190.0)
    junction = Junction(CRITICAL_CURRENT, 6.35e-12, 190.0)
    ramp = MeasuredRamp(0.0, CRITICAL_CURRENT, RATE, 12e-3, 0.0)
    distribution = SwitchingDistribution(junction, 0.3, RATE, model=TransitionState())
    rng = np.random.default_rng(7)
    factor = math.sqrt(SWITCHES) + 0.12 + 0.11 / math.sqrt(SWITCHES)
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(replicas):
        currents = distribution.sample(SWITCHES, rng)
        histogram = Histogram(currents, currents / RATE, ramp, 0, 0.3)
        found[1].append(factor * fit_escape_temperature(histogram, estimate, CRITICAL_CURRENT).goodness.distance)
        found[2].append(factor * fit_histogram(histogram, estimate).goodness.distance)
    used = PROBABILITIES * replicas >= 20
    used[0] = False
    for parameters, distances in found.items():
        quantiles = np.quantile(distances, 1.0 - PROBABILITIES[used])
        print(
            f"{parameters} fitted:", dict(zip(PROBABILITIES[used].tolist(), quantiles.round(3).tolist(), strict=True))
        )
        deviation = float(np.abs(quantiles / DISTANCES[parameters][used] - 1.0).max())
        limit = 4.0 * 0.35 / math.sqrt(20.0)  # 4 standard errors where 20 replicas lie beyond
        print(f"  largest deviation from the table in the source {deviation:.3f}, limit {limit:.3f}")
        assert deviation < limit


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
