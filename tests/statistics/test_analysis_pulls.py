"""Do the analysis' estimates scatter about the truth by as much as they state?

A pull is (estimate - truth) / stated standard error: mean 0, width 1. With n replicas the mean of pulls is good to
1/√n and their width to 1/√(2n); tolerances are 4 of these unless stated otherwise. The short runs are in the
default suite, the long ones are marked campaign and hold the tolerances of issue 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mqtctl.analysis import fit_histogram, fit_sweep
from mqtctl.analysis.sweep.prediction import predicted_escape_temperature
from mqtctl.physics import Escape, EscapeModel, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

CRITICAL_CURRENT = 9.489e-6
JUNCTION = Junction(CRITICAL_CURRENT, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9e-6, 6.35e-12, 190.0)
RATE = 1e-3
RAMP = MeasuredRamp(0.0, 9.7e-6, RATE, 12e-3, 0.0)
TEMPERATURES = (0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)


def histogram_pulls(model: EscapeModel, replicas: int, seed: int) -> tuple[NDArray[np.float64], list[float]]:
    """Return pulls of (Ic, T), shape (replicas, 2), and the p-values of the fits, for 1e4 switches at 300 mK."""
    distribution = SwitchingDistribution(JUNCTION, 0.3, RATE, model=model)
    rng = np.random.default_rng(seed)
    pulls, pvalues = [], []
    for _ in range(replicas):
        currents = distribution.sample(10_000, rng)
        fit = fit_histogram(Histogram(currents, currents / RATE, RAMP, 0, 0.3), ESTIMATE, model)
        assert fit.converged
        pulls.append(
            [
                (fit.critical_current - CRITICAL_CURRENT) / fit.critical_current_stderr,
                (fit.escape_temperature - 0.3) / fit.escape_temperature_stderr,
            ]
        )
        pvalues.append(fit.goodness.pvalue)
    return np.array(pulls), pvalues


def sweep_pulls(temperatures: Sequence[float], number: int, replicas: int) -> NDArray[np.float64]:
    """Return pulls of (Ic, saturation, crossover, saturation less theory, thermometry), shape (replicas, 5)."""
    distributions = [SwitchingDistribution(JUNCTION, t, RATE, model=Escape()) for t in temperatures]
    truth_saturation = predicted_escape_temperature(JUNCTION, temperatures[0], RAMP, Escape(), TransitionState())
    pulls = []
    for seed in range(replicas):
        rng = np.random.default_rng([2, seed])
        histograms = []
        for point, (temperature, distribution) in enumerate(zip(temperatures, distributions, strict=True)):
            currents = distribution.sample(number, rng)
            histograms.append(Histogram(currents, currents / RATE, RAMP, 0, temperature, point=point))
        fit = fit_sweep(Sweep(tuple(histograms), ESTIMATE))
        assert fit.critical_current is not None
        assert fit.critical_current_stderr is not None
        assert fit.saturation is not None
        assert fit.crossover_temperature is not None
        assert fit.crossover_temperature_stderr is not None
        assert fit.tunnelling.sigmas is not None
        assert fit.thermometry is not None
        truth_crossover = float(JUNCTION.crossover_temperature(distributions[0].mean))
        pulls.append(
            [
                (fit.critical_current - CRITICAL_CURRENT) / fit.critical_current_stderr,
                (fit.saturation.escape_temperature - truth_saturation) / fit.saturation.escape_temperature_stderr,
                (fit.crossover_temperature - truth_crossover) / fit.crossover_temperature_stderr,
                fit.tunnelling.sigmas,
                (fit.thermometry.slope - 1.0) / fit.thermometry.slope_stderr,
            ]
        )
    return np.array(pulls)


def check(pulls: NDArray[np.float64], mean: float, width: tuple[float, float]) -> None:
    assert np.abs(pulls.mean(axis=0)).max() < mean, pulls.mean(axis=0)
    spread = pulls.std(axis=0, ddof=1)
    assert spread.min() > width[0], spread
    assert spread.max() < width[1], spread


@pytest.mark.shown(1)
@pytest.mark.parametrize("model", [TransitionState(), Escape()])
def test_pulls_of_one_histogram_have_mean_zero_and_width_one(model: EscapeModel) -> None:
    pulls, _ = histogram_pulls(model, replicas=40, seed=1)
    check(pulls, mean=4 / math.sqrt(40), width=(1 - 4 / math.sqrt(80), 1 + 4 / math.sqrt(80)))


@pytest.mark.campaign
@pytest.mark.parametrize("model", [TransitionState(), Escape()])
def test_pulls_of_one_histogram_are_within_a_fifth_and_a_tenth(model: EscapeModel) -> None:
    pulls, pvalues = histogram_pulls(model, replicas=600, seed=2)
    check(pulls, mean=0.2, width=(0.9, 1.1))  # 4.9 and 3.5 standard errors of 600 replicas
    assert stats.kstest(pvalues, "uniform").pvalue > 1e-3


@pytest.mark.campaign
def test_pulls_of_a_short_sweep_have_mean_zero_and_width_one() -> None:
    pulls = sweep_pulls((0.015, 0.15, 0.2, 0.3, 0.5, 0.8), number=2000, replicas=12)
    check(pulls, mean=4 / math.sqrt(12), width=(0.4, 1.8))


@pytest.mark.campaign
def test_pulls_of_the_built_in_sweep_have_mean_zero_and_width_one() -> None:
    pulls = sweep_pulls(TEMPERATURES, number=10_000, replicas=80)
    check(pulls, mean=4 / math.sqrt(80), width=(1 - 4 / math.sqrt(160), 1 + 4 / math.sqrt(160)))


@pytest.mark.slow
def test_the_a_t_one_law_in_the_joint_fit_would_be_wrong_by_several_sigma() -> None:
    # the reason why the joint fit uses the full physics: depletion, quantum corrections and damping bend T_esc(T)
    rng = np.random.default_rng(5)
    shifts = []
    for _ in range(10):
        histograms = []
        for point, temperature in enumerate((0.15, 0.2, 0.3, 0.5, 0.8)):
            currents = SwitchingDistribution(JUNCTION, temperature, RATE, model=Escape()).sample(10_000, rng)
            histograms.append(Histogram(currents, currents / RATE, RAMP, 0, temperature, point=point))
        sweep = Sweep(tuple(histograms), ESTIMATE)
        full, plain = fit_sweep(sweep), fit_sweep(sweep, model=TransitionState())
        assert full.critical_current is not None
        assert full.critical_current_stderr is not None
        assert plain.critical_current is not None
        shifts.append((plain.critical_current - full.critical_current) / full.critical_current_stderr)
    assert np.mean(shifts) > 1.0
