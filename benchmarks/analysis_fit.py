"""Time and quality of the fits against what people use: Fulton-Dunkelberger with curve_fit, and likelihood on a grid.

    python benchmarks/analysis_fit.py [--short]      (--short leaves out the million switches)

Every line is a ratio measured in the same run and is asserted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann, e, hbar
from scipy.optimize import curve_fit, minimize

from mqtctl.analysis import fit_histogram, fit_sweep, fulton_dunkelberger
from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

CRITICAL_CURRENT, CAPACITANCE, RESISTANCE, RATE = 9.489e-6, 6.35e-12, 190.0, 1e-3
ESTIMATE = JunctionEstimate(9e-6, CAPACITANCE, RESISTANCE)
RAMP = MeasuredRamp(0.0, 9.7e-6, RATE, 12e-3, 0.0)
MODEL = TransitionState()
SWEEP = (0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)


def draw(number: int, seed: int, temperature: float = 0.3) -> Histogram:
    junction = Junction(CRITICAL_CURRENT, CAPACITANCE, RESISTANCE)
    distribution = SwitchingDistribution(junction, temperature, RATE, model=MODEL)
    currents = np.asarray(distribution.sample(number, np.random.default_rng(seed)))
    return Histogram(currents, currents / RATE, RAMP, 0, temperature)


def seconds(function: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def law(current: NDArray[np.float64], critical_current: float, temperature: float) -> NDArray[np.float64]:
    """Return ln Γ of the exact barrier at a_t = 1, as a script would write it."""
    s = current * 1e-6 / (critical_current * 1e-6)
    energy = hbar / e * critical_current * 1e-6  # 2 E_J
    barrier = energy * (np.sqrt(1.0 - s * s) - s * np.arccos(s))
    plasma = np.sqrt(2.0 * critical_current * 1e-6 / (hbar / e * CAPACITANCE)) * (1.0 - s * s) ** 0.25
    return np.asarray(np.log(plasma / (2.0 * np.pi)) - barrier / (Boltzmann * temperature * 1e-3))


def fulton_fit(histogram: Histogram) -> tuple[float, float]:
    """Return Ic (A) and T (K) by a weighted fit to the binned rates: 100 bins, weight √count."""
    rates = fulton_dunkelberger(histogram, 100)
    used = rates.switched > 0
    found, _ = curve_fit(
        lambda i, ic, t: law(i, ic, t),
        rates.bias_current[used] * 1e6,
        np.log(rates.rate[used]),
        p0=(9.45, 250.0),
        sigma=1.0 / np.sqrt(rates.switched[used]),
        bounds=([rates.bias_current.max() * 1e6 * 1.0005, 10.0], [12.0, 2000.0]),
    )
    return float(found[0]) * 1e-6, float(found[1]) * 1e-3


def grid_fit(histogram: Histogram) -> tuple[float, float]:
    """Return Ic (A) and T (K) by likelihood with a table of the cumulative hazard in every call."""
    currents = histogram.switching_currents

    def negative(parameters: NDArray[np.float64]) -> float:
        critical_current, temperature = parameters[0] * 1e-6, parameters[1] * 1e-3
        if critical_current <= currents.max() or temperature <= 0.0:
            return 1e300
        grid = np.linspace(0.9 * currents.min(), currents.max(), 4001)
        junction = Junction(critical_current, CAPACITANCE, RESISTANCE)
        log_rate = MODEL.log_rate(junction, grid, temperature)
        rate = np.exp(log_rate)
        hazard = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]))]) * (grid[1] - grid[0]) / RATE
        return float(-(np.interp(currents, grid, log_rate) - np.interp(currents, grid, hazard)).sum())

    start = fulton_fit(histogram)
    found = minimize(negative, [start[0] * 1e6, start[1] * 1e3], method="Nelder-Mead")
    return float(found.x[0]) * 1e-6, float(found.x[1]) * 1e-3


def speed() -> None:
    fit_histogram(draw(1000, 0), ESTIMATE)
    cases = ((10_000, 9, 15.0, 20.0), (1_000_000, 5, 3.0, 500.0))
    for number, repeats, slowest_fulton, least_grid in cases[:1] if "--short" in sys.argv else cases:
        histogram = draw(number, 1)
        own = seconds(partial(fit_histogram, histogram, ESTIMATE), repeats)
        fulton = seconds(partial(fulton_fit, histogram), repeats)
        grid = seconds(partial(grid_fit, histogram), 3 if number < 100_000 else 1)
        print(f"{number:8d} switches: likelihood {1e3 * own:.1f} ms")
        print(f"         {own / fulton:.1f} x Fulton-Dunkelberger + curve_fit (limit {slowest_fulton})")
        print(f"         1/{grid / own:.0f} of the likelihood on a grid (at least 1/{least_grid:.0f})")
        assert own < slowest_fulton * fulton
        assert grid > least_grid * own


def model_speed() -> None:
    histogram = draw(10_000, 1)
    for name, model, limit in (("TransitionState", MODEL, 0.030), ("Escape", Escape(), 0.5)):
        taken = seconds(partial(fit_histogram, histogram, ESTIMATE, model), 5)
        print(f"10 000 switches with {name}: {1e3 * taken:.1f} ms = {taken / limit:.2f} of the limit")
        assert taken < limit


def quality(replicas: int = 60) -> None:
    own, fulton = [], []
    for seed in range(replicas):
        histogram = draw(10_000, 100 + seed)
        own.append(fit_histogram(histogram, ESTIMATE).escape_temperature - 0.3)
        fulton.append(fulton_fit(histogram)[1] - 0.3)
    rms = [float(np.sqrt(np.mean(np.square(each)))) for each in (own, fulton)]
    bias = [float(np.mean(each) / np.std(each) * np.sqrt(replicas)) for each in (own, fulton)]
    print(f"rms error of T: likelihood / Fulton-Dunkelberger = {rms[0] / rms[1]:.2f} (limit 0.70)")
    print(f"bias in its standard errors: likelihood {bias[0]:+.1f}, Fulton-Dunkelberger {bias[1]:+.1f}")
    assert rms[0] < 0.70 * rms[1]


def sweep() -> None:
    junction = Junction(CRITICAL_CURRENT, CAPACITANCE, RESISTANCE)
    rng = np.random.default_rng(3)
    histograms = []
    for point, temperature in enumerate(SWEEP):
        currents = np.asarray(SwitchingDistribution(junction, temperature, RATE, model=Escape()).sample(10_000, rng))
        histograms.append(Histogram(currents, currents / RATE, RAMP, 0, temperature, point=point))
    data = Sweep(tuple(histograms), ESTIMATE)
    taken = seconds(lambda: fit_sweep(data), 3)
    print(f"sweep of 14 x 10 000: {taken:.2f} s = {taken / 2.5:.2f} of the limit")
    assert taken < 2.5


if __name__ == "__main__":
    speed()
    model_speed()
    quality()
    sweep()
