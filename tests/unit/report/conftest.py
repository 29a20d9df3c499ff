"""Stand-in report content: Gumbel-like histograms, so that drawing is tested without physics or fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from mqtctl.analysis.histogram.results import POINT
from mqtctl.analysis.sweep.results import SWEEP
from mqtctl.notation import NOTHING, Estimate
from mqtctl.report.content import Content, Curve, PointContent, RatePoints, TheoryCurves

FOURTEEN = (0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8)
CRITICAL_CURRENT = 9.489e-6
RAMP_RATE = 1e-3
POINT_WITHOUT_FIT = {row.name: NOTHING for row in POINT}
SWEEP_WITHOUT_FIT = {row.name: NOTHING for row in SWEEP}


def _gumbel_scale(temperature: float) -> float:
    """Return a width parameter in A that falls as T^(2/3) and saturates near 40 mK."""
    return 4.5e-9 * math.pow((temperature / 0.036) ** 4 + 1.0, 1.0 / 6.0)


def make_point(index: int, temperature: float, switches: int = 2000) -> PointContent:
    """Return a complete point; mirrored Gumbel law, whose escape rate is an exponential of the current."""
    rng = np.random.default_rng(100 + index)
    scale = _gumbel_scale(temperature)
    mode = CRITICAL_CURRENT - 14.0 * scale
    currents = mode - rng.gumbel(0.0, scale, switches)
    x = np.linspace(currents.min(), currents.max(), 100)
    rate = np.exp((x - mode) / scale) * RAMP_RATE / scale
    density = rate / RAMP_RATE * np.exp(-np.exp((x - mode) / scale))
    escape_temperature = (temperature**4 + 0.036**4) ** 0.25
    std = float(currents.std())
    return PointContent(
        index=index,
        run_id=index + 1,
        temperature=temperature,
        temperature_std=0.002 * temperature,
        switching_currents=currents,
        censored=0,
        results=POINT_WITHOUT_FIT
        | {
            "temperature": Estimate(temperature, 0.002 * temperature),
            "switches": Estimate(switches),
            "censored": Estimate(0),
            "mean_switching_current": Estimate(float(currents.mean()), std / switches**0.5),
            "std_switching_current": Estimate(std, 1.05 * std / switches**0.5),
            "skewness": Estimate(-1.1, 0.05),
            "escape_temperature": Estimate(escape_temperature, 0.012 * escape_temperature),
            "critical_current_free": Estimate(CRITICAL_CURRENT, 5e-4 * CRITICAL_CURRENT),
            "escape_temperature_free": Estimate(0.95 * escape_temperature, 0.012 * escape_temperature),
        },
        density=Curve(x, density),
        rates=RatePoints(x[::5], rate[::5], 0.9 * rate[::5], 1.1 * rate[::5]),
        fitted_rate=Curve(x, rate),
        thermal=temperature > 0.09,
        saturated=temperature < 0.022,
    )


@pytest.fixture
def make_content() -> Callable[..., Content]:
    """Return a maker of complete contents for given bath temperatures in K."""

    def make(temperatures: Sequence[float] = FOURTEEN, title: str = "Test", switches: int = 2000) -> Content:
        bath = np.unique(temperatures)
        return Content(
            title=title,
            points=tuple(make_point(k, t, switches) for k, t in enumerate(temperatures)),
            results=SWEEP_WITHOUT_FIT
            | {
                "capacitance": Estimate(6.35e-12, 0.2e-12),
                "resistance": Estimate(190.0),
                "critical_current": Estimate(9.4888e-6, 1.3e-9),
                "quality_factor": Estimate(29.9),
                "saturation_escape_temperature": Estimate(0.0361, 0.0004),
                "saturation_flatness_pvalue": Estimate(0.42),
                "tunnelling_escape_temperature": Estimate(0.0360, 0.0007),
                "tunnelling_sigmas": Estimate(0.2),
                "crossover_temperature": Estimate(0.0296, 0.0004),
                "measured_crossover_temperature": Estimate(0.045, 0.002),
                "measured_crossover_rise": Estimate(1.2),
                "noise_thermometry_slope": Estimate(1.003, 0.004),
                "noise_thermometry_scatter": Estimate(0.011),
                "width_exponent": Estimate(0.641, 0.006),
            },
            fitted=True,
            verdict="agrees with tunnelling",
            theory=TheoryCurves(
                Curve(bath, 1.28 * np.array([_gumbel_scale(t) for t in bath])),
                Curve(bath, (bath**4 + 0.036**4) ** 0.25),
            ),
        )

    return make


@pytest.fixture
def bare_content() -> Content:
    """Return the content of a sweep that was measured but not analysed, with every number missing."""
    rng = np.random.default_rng(7)
    points = tuple(
        PointContent(
            index=k,
            run_id=None,
            temperature=temperature,
            temperature_std=0.0,
            switching_currents=9.4e-6 - rng.gumbel(0.0, 5e-9, 200),
            censored=3,
            results=POINT_WITHOUT_FIT
            | {"temperature": Estimate(temperature), "switches": Estimate(200), "censored": Estimate(3)},
        )
        for k, temperature in enumerate((0.1, 0.3))
    )
    junction = {"capacitance": Estimate(6.35e-12), "resistance": Estimate(float("inf"))}
    return Content(title="", points=points, results=SWEEP_WITHOUT_FIT | junction)
