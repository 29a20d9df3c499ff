"""Speed of the physics against named peers, all measured in one run: `python benchmarks/physics_sampling.py`.

Prints ratios and asserts the targets. Absolute times mean nothing on a shared machine; ratios of minima do.
Option --short uses fewer samples.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState

FloatArray = NDArray[np.float64]
JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
RAMP_RATE = 1e-3


def best_time(function: Callable[[], object], repeats: int) -> float:
    """Return the shortest wall time in s of several runs."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def exponential_and_logarithm(n: int, rng: np.random.Generator) -> None:
    """Do what is the limit: draw exponentials and take their logarithm, in the same chunks, into one result."""
    result = np.empty(n)
    for begin in range(0, n, 32768):
        part = result[begin : begin + 32768]
        rng.standard_exponential(out=part)
        np.log(part, out=part)


def by_interpolation(n: int, rng: np.random.Generator, log_hazard: FloatArray, current: FloatArray) -> FloatArray:
    """Sample the usual way: np.interp of the log of an exponential on a 20 001-point table."""
    return np.interp(np.log(rng.standard_exponential(n)), log_hazard, current)


def by_bernoulli(n: int, rng: np.random.Generator) -> FloatArray:
    """Sample the naive way, vectorised: every ramp steps through its currents and tosses a coin at each."""
    current = np.linspace(0.0, JUNCTION.critical_current, 10_001)[1:-1]
    step = current[1] - current[0]
    chance = -np.expm1(-np.exp(TransitionState().log_rate(JUNCTION, current, 0.1)) * step / RAMP_RATE)
    return np.concatenate(
        [current[np.argmax(rng.random((200, len(current))) < chance, axis=1)] for _ in range(n // 200)]
    )


def sampling(n: int) -> dict[str, float]:
    """Return speed ratios of drawing n switching currents."""
    rng = np.random.default_rng(1)
    distribution = SwitchingDistribution(JUNCTION, 0.1, RAMP_RATE, TransitionState())
    log_hazard = np.linspace(-40.0, 4.0, 20_001)
    current = np.asarray(distribution.current_at_hazard(np.exp(log_hazard)))
    samples = distribution.sample(n, rng)
    assert abs(samples.mean() - distribution.mean) < 5.0 * distribution.std / np.sqrt(n)
    ours = best_time(lambda: distribution.sample(n, rng), 5)
    limit = best_time(lambda: exponential_and_logarithm(n, rng), 5)
    interp = best_time(lambda: by_interpolation(n, rng, log_hazard, current), 3)
    naive = best_time(lambda: by_bernoulli(2000, rng), 2) * (n / 2000)
    print(f"{n:.0e} samples: {n / ours / 1e6:.0f} M/s; exponential + log alone {n / limit / 1e6:.0f} M/s")
    return {
        "sampling / limit": limit / ours,
        "sampling / np.interp": interp / ours,
        "sampling / Bernoulli": naive / ours,
    }


def building() -> float:
    """Return distributions built per second, each with its four moments, for new parameters every time."""
    rng = np.random.default_rng(2)
    count = 60
    parameters = rng.uniform(0.9, 1.1, (count, 4)) * [9.489e-6, 6.35e-12, 190.0, 0.05]

    def build() -> None:
        for critical, capacitance, resistance, temperature in parameters:
            distribution = SwitchingDistribution(Junction(critical, capacitance, resistance), temperature, RAMP_RATE)
            assert distribution.kurtosis > 1.0

    return count / best_time(build, 3)


def rates(model: Escape | TransitionState) -> float:
    """Return the speed of a million log rates against one exponential and one power over the same million."""
    x = np.random.default_rng(3).uniform(1e-4, 0.5, 1_000_000)
    ours = best_time(lambda: model.log_rate(JUNCTION, one_minus_s=x, temperature=0.04), 5)
    peer = best_time(lambda: (np.exp(-x), x**1.5), 5)
    return peer / ours


def main() -> None:
    n = 1_000_000 if "--short" in sys.argv else 10_000_000
    results = sampling(n)
    results["distributions built per second"] = building()
    results["log_rate TransitionState / (exp + power)"] = rates(TransitionState())
    results["log_rate Escape / (exp + power)"] = rates(Escape())
    targets = dict(zip(results, (0.5, 7.0, 1000.0, 100.0, 0.1, 0.1), strict=True))
    for name, value in results.items():
        print(f"{name:45s} {value:10.3g}   target {targets[name]:g}")
    missed = [name for name, value in results.items() if value < targets[name]]
    assert not missed, f"below target: {missed}"


if __name__ == "__main__":
    main()
