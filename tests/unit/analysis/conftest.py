"""The junction of Devoret, Martinis and Clarke (PRL 55, 1908 (1985)), and histograms drawn from the physics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

RATE = 1e-3  # A/s


@lru_cache(maxsize=64)
def law(junction: Junction, temperature: float, model: TransitionState | Escape) -> SwitchingDistribution:
    """Return a distribution; kept, because its sampling table takes longer to make than a fit."""
    return SwitchingDistribution(junction, temperature, RATE, model=model)


@pytest.fixture
def junction() -> Junction:
    return Junction(9.489e-6, 6.35e-12, 190.0)


@pytest.fixture
def estimate() -> JunctionEstimate:
    return JunctionEstimate(9e-6, 6.35e-12, 190.0, capacitance_stderr=0.4e-12)


class HistogramOf(Protocol):
    def __call__(
        self,
        currents: NDArray[np.float64],
        temperature: float = 0.3,
        censored: int = 0,
        top: float = 9.7e-6,
        point: int = 0,
        rate: float = RATE,
    ) -> Histogram: ...


@pytest.fixture
def histogram_of() -> HistogramOf:
    def make(
        currents: NDArray[np.float64],
        temperature: float = 0.3,
        censored: int = 0,
        top: float = 9.7e-6,
        point: int = 0,
        rate: float = RATE,
    ) -> Histogram:
        ramp = MeasuredRamp(0.0, top, rate, 1.25 * top / rate, 0.0)
        return Histogram(currents, currents / rate, ramp, censored, temperature, point=point)

    return make


@pytest.fixture
def thermal_currents(junction: Junction) -> Callable[..., NDArray[np.float64]]:
    """Draw switching currents of the a_t = 1 law."""

    def draw(temperature: float = 0.3, number: int = 10_000, seed: int = 1) -> NDArray[np.float64]:
        distribution = law(junction, temperature, TransitionState())
        return np.asarray(distribution.sample(number, np.random.default_rng(seed)))

    return draw


@pytest.fixture
def sweep_of(junction: Junction, histogram_of: HistogramOf, estimate: JunctionEstimate) -> Callable[..., Sweep]:
    """Draw a sweep of the full physics; `noise` (K) adds in quadrature to the bath temperature."""

    def make(temperatures: Sequence[float], number: int = 2000, seed: int = 1, noise: float = 0.0) -> Sweep:
        rng = np.random.default_rng(seed)
        histograms = []
        for point, temperature in enumerate(temperatures):
            effective = float(np.hypot(temperature, noise))
            distribution = law(junction, effective, Escape())
            currents = np.asarray(distribution.sample(number, rng))
            histograms.append(histogram_of(currents, temperature, point=point))
        return Sweep(tuple(histograms), estimate, title="test")

    return make
