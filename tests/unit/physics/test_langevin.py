"""An independent yardstick of the thermal models: Langevin simulation of the RCSJ equation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mqtctl.physics import Junction, Kramers, MelnikovMeshkov, TransitionState

from .langevin import simulated_rate


def junction_at(bias: float, quality: float) -> Junction:
    """Return a junction with this Q at this I/Ic."""
    bare = Junction(1e-6, 1e-12)
    frequency = float(bare.plasma_frequency(bias * 1e-6))
    return Junction(1e-6, 1e-12, quality / (frequency * 1e-12))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "quality",
    [0.3, pytest.param(1.0, marks=pytest.mark.campaign), 3.0, pytest.param(10.0, marks=pytest.mark.campaign), 30.0],
)
def test_simulated_escape_agrees_with_the_turnover_formula(quality: float) -> None:
    bias, exponent = 0.8, 5.0
    rate, error = simulated_rate(bias, quality, exponent, particles=2500, rng=np.random.default_rng(int(10 * quality)))
    junction = junction_at(bias, quality)
    temperature = float(junction.barrier(bias * 1e-6)) / (exponent * 1.380649e-23)
    simulated = math.log(rate * float(junction.plasma_frequency(bias * 1e-6)))
    turnover = float(MelnikovMeshkov().log_rate(junction, bias * 1e-6, temperature))
    # the formula's own error is O(1/u): about 0.1 at u = 5
    assert simulated == pytest.approx(turnover, abs=0.15 + 3.0 * error)
    kramers = float(Kramers().log_rate(junction, bias * 1e-6, temperature))
    bound = float(TransitionState().log_rate(junction, bias * 1e-6, temperature))
    assert simulated < bound + 3.0 * error
    if quality >= 10.0:  # the well is depleted: Kramers is visibly too high
        assert kramers - simulated > 0.2
    if quality <= 1.0:
        assert simulated == pytest.approx(kramers, abs=0.2 + 3.0 * error)


def test_a_short_simulation_finds_the_order_of_magnitude() -> None:
    rate, error = simulated_rate(0.8, 1.0, 3.0, particles=400, rng=np.random.default_rng(7), duration=400.0)
    junction = junction_at(0.8, 1.0)
    temperature = float(junction.barrier(0.8e-6)) / (3.0 * 1.380649e-23)
    expected = float(Kramers().log_rate(junction, 0.8e-6, temperature)) - math.log(
        float(junction.plasma_frequency(0.8e-6))
    )
    assert error < 0.1
    assert math.log(rate) == pytest.approx(expected, abs=0.4)
