"""Is the temperature of a noisy, contaminated histogram right, and as surely as stated, with the model switched on?

Noise of the current up to the histogram's own width and false triggers up to 5 %: bias below 0.2 standard errors and
coverage within 3 points, beside the binomial error of the replicas. The default suite shows a slice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from mqtctl.analysis.histogram.nuisances.fit import fit_named
from mqtctl.analysis.histogram.nuisances.parameters import NUISANCES
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

WIDTH, BATH, RATE, NUMBER = 27e-9, 0.3, 1e-3, 4000
JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
ESTIMATE = JunctionEstimate(9e-6, 6.35e-12, 190.0)
RAMP = MeasuredRamp(0.0, 9.7e-6, RATE, 12e-3, 0.0)
MODEL = TransitionState()
#: Noise in widths, share of false triggers, what is fitted, what is given.
CASES: tuple[tuple[float, float, tuple[str, ...], Mapping[str, float]], ...] = (
    (0.1, 0.0, (), {"current_noise": 0.1 * WIDTH}),
    (1.0, 0.0, (), {"current_noise": WIDTH}),
    (0.3, 0.0, ("current_noise",), {}),
    (1.0, 0.0, ("current_noise",), {}),
    (0.0, 1e-3, ("false_triggers",), {}),
    (0.0, 0.05, ("false_triggers",), {}),
    (0.5, 0.02, NUISANCES, {}),
)


@pytest.mark.parametrize(
    ("noise", "false", "free", "fixed", "replicas"),
    [
        (*CASES[-1], 3),
        *(pytest.param(*case, 200, marks=[pytest.mark.campaign, pytest.mark.timeout(1500)]) for case in CASES),
    ],
)
def test_noise_and_false_triggers_leave_no_bias_and_honest_intervals(
    noise: float, false: float, free: tuple[str, ...], fixed: Mapping[str, float], replicas: int
) -> None:
    law = SwitchingDistribution(JUNCTION, BATH, RATE, model=MODEL, current_noise=noise * WIDTH)
    pulls, inside = [], np.zeros(2)
    for seed in range(replicas):
        rng = np.random.default_rng([13, seed])
        currents = np.asarray(law.sample(NUMBER, rng))
        hidden = rng.random(NUMBER) < false
        currents[hidden] *= rng.random(int(hidden.sum()))
        found = fit_named(Histogram(currents, currents / RATE, RAMP, 0, BATH), ESTIMATE, MODEL, free, fixed)
        assert found.fit.converged
        temperature = found["temperature"]
        assert temperature.value is not None
        assert temperature.stderr is not None
        assert temperature.interval_68 is not None
        assert temperature.interval_95 is not None
        pulls.append((temperature.value - BATH) / temperature.stderr)
        for k, (low, high) in enumerate((temperature.interval_68, temperature.interval_95)):
            inside[k] += low < BATH < high
    assert abs(np.mean(pulls)) < 0.2 + 2.0 / math.sqrt(replicas)
    for share, nominal in zip(inside / replicas, (0.683, 0.95), strict=True):
        assert abs(share - nominal) < 0.03 + 2.5 * math.sqrt(nominal * (1.0 - nominal) / replicas)
