"""Whatever a file or a broken bench delivers: finite numbers with flags, or one sentence; never a crash."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.analysis import fit_histogram, fit_point, fit_sweep
from mqtctl.errors import InputError
from mqtctl.physics import Escape, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, Sweep

MakeHistogram = Callable[..., Histogram]


def garbage(kind: str, number: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(number)
    steady = np.full(number, 9e-6)
    made: dict[str, NDArray[np.float64]] = {
        "uniform": rng.uniform(8e-6, 9e-6, number),
        "gaussian": rng.normal(9e-6, 1e-8, number),
        "skewed the wrong way": 9e-6 + rng.gumbel(0.0, 1e-8, number),
        "two populations": np.where(rng.random(number) < 0.5, rng.normal(8e-6, 1e-8, number), 9e-6),
        "two values": np.where(rng.random(number) < 0.5, 9e-6, 9.01e-6),
        "one stray": np.append(steady[1:], 1e-9),
        "almost equal": 9e-6 + 1e-15 * rng.random(number),
        "exponential": rng.exponential(1e-6, number),
        "over decades": np.exp(rng.normal(-12.0, 3.0, number)),
        "amperes": rng.normal(1.0, 0.01, number),
        "negative": rng.normal(-9e-6, 1e-8, number),
    }
    return made[kind]


KINDS = (
    "uniform",
    "gaussian",
    "skewed the wrong way",
    "two populations",
    "two values",
    "one stray",
    "almost equal",
    "exponential",
    "over decades",
    "amperes",
    "negative",
)


@pytest.mark.shown(11, slow=6)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [10, 300])
@pytest.mark.parametrize("censored", [0, 1000])
def test_any_histogram_gives_finite_numbers_or_one_sentence(
    kind: str, number: int, censored: int, histogram_of: MakeHistogram, estimate: JunctionEstimate
) -> None:
    currents = garbage(kind, number)
    histogram = histogram_of(currents, censored=censored, top=float(currents.max()) + 1e-7)
    for model in (TransitionState(), Escape()):
        try:
            fit = fit_histogram(histogram, estimate, model)
        except InputError:  # the sentence for this kind of histogram is tested with the reduction
            continue
        assert math.isfinite(fit.critical_current)
        assert math.isfinite(fit.escape_temperature)
        assert fit.critical_current > currents.max()
        assert fit.escape_temperature > 0.0
        assert fit.converged or fit.flags
    json.dumps(fit_point(histogram, estimate, 9.489e-6).to_dict(), allow_nan=False)


@pytest.mark.slow
def test_any_sweep_is_analysed(histogram_of: MakeHistogram, estimate: JunctionEstimate) -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        histograms = []
        for point, kind in enumerate(rng.choice(KINDS, 5)):
            currents = garbage(str(kind), int(rng.choice([10, 300])))
            temperature = float(rng.choice([0.015, 0.1, 0.3, 0.8]))
            top = float(currents.max()) + 1e-7
            histograms.append(histogram_of(currents, temperature, int(rng.choice([0, 3])), top, point))
        fit = fit_sweep(Sweep(tuple(histograms), estimate))
        assert len(fit.points) == 5
        json.dumps(fit.to_dict(), allow_nan=False)
