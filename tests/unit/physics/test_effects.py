"""Optional effects: noise temperature, Ic(T), retrapping, the two-well factor."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mqtctl.errors import InputError
from mqtctl.physics import (
    AmbegaokarBaratoff,
    Escape,
    Junction,
    Kramers,
    NoiseTemperature,
    Retrapping,
    SwitchingDistribution,
    TransitionState,
    two_well_renormalisation,
)

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)


def test_noise_adds_to_the_bath_temperature() -> None:
    noisy = NoiseTemperature(Escape(), 0.03)
    assert noisy.log_rate(JUNCTION, 9.3e-6, 0.02) == Escape().log_rate(JUNCTION, 9.3e-6, 0.05)
    with pytest.raises(InputError, match="temperature"):
        NoiseTemperature(Escape(), -0.1)


def test_noise_makes_the_width_saturate_like_tunnelling_does() -> None:
    noisy = [
        SwitchingDistribution(JUNCTION, t, 1e-3, NoiseTemperature(TransitionState(), 0.1)).std for t in (0.0, 0.01)
    ]
    assert noisy[1] == pytest.approx(noisy[0], rel=0.1)


def test_the_critical_current_falls_to_zero_at_the_transition() -> None:
    law = AmbegaokarBaratoff(9.2)
    ratio = law.ratio(np.array([0.0, 1e-9, 1.0, 4.6, 9.0, 9.2, 20.0]))
    assert ratio[0] == ratio[1] == 1.0
    assert np.all(np.diff(ratio) <= 0.0)
    assert ratio[3] == pytest.approx(0.88, abs=0.02)  # half Tc
    np.testing.assert_array_equal(ratio[5:], 0.0)
    warm = law.junction(JUNCTION, 4.6)
    assert warm.critical_current == pytest.approx(float(ratio[3]) * JUNCTION.critical_current)
    assert warm.capacitance == JUNCTION.capacitance
    with pytest.raises(InputError, match="transition temperature"):
        law.junction(JUNCTION, 9.3)
    with pytest.raises(InputError, match="transition_temperature"):
        AmbegaokarBaratoff(0.0)


def test_retrapping_changes_nothing_where_it_is_slow() -> None:
    model = Retrapping(TransitionState(), 1e-6)
    plain = float(TransitionState().log_rate(JUNCTION, 9.2e-6, 0.3))
    # a run of td between two cycles delays the next one by Ge td
    assert float(model.log_rate(JUNCTION, 9.2e-6, 0.3)) == pytest.approx(
        plain - math.log1p(math.exp(plain) * 1e-6), abs=1e-9
    )


def test_no_switch_lasts_below_the_retrapping_current() -> None:
    damped = Junction(1e-6, 1e-13, 100.0)  # Q = 1.7
    current = np.array([0.1, 0.5, 0.95]) * damped.retrapping_current
    model = Retrapping(Kramers(), 1e-6)
    np.testing.assert_array_equal(model.log_rate(damped, current, 0.3), -np.inf)
    np.testing.assert_array_equal(model.log_retrapping_rate(damped, current, 0.3), np.inf)
    assert float(model.log_retrapping_rate(damped, 0.9e-6, 0.0)) == -math.inf


def test_multiple_retrapping_narrows_the_distribution_as_temperature_rises() -> None:
    # Fenton and Warburton, arXiv:0807.4502 (abstract): d sigma/dT < 0 above T*
    junction = Junction(2e-7, 5e-14, 600.0)  # Q(0) of about 3
    model = Retrapping(Kramers(), 1e-6)
    temperatures = (0.05, 0.1, 0.3, 0.6, 1.0)
    bare = [SwitchingDistribution(junction, t, 1e-4, Kramers()).std for t in temperatures]
    widths = [SwitchingDistribution(junction, t, 1e-4, model).std for t in temperatures]
    assert bare[3] > bare[1]
    assert widths[4] < max(widths)
    peak = int(np.argmax(widths))
    assert 0 < peak < 4
    means = [SwitchingDistribution(junction, t, 1e-4, model).mean for t in temperatures]
    assert means[-1] > SwitchingDistribution(junction, 1.0, 1e-4, Kramers()).mean


def test_the_two_well_factor_depends_on_the_cutoff_and_is_used_nowhere() -> None:
    one = two_well_renormalisation(JUNCTION, 9.4e-6, cutoff_frequency=1e12, coupling=0.1)
    other = two_well_renormalisation(JUNCTION, 9.4e-6, cutoff_frequency=1e13, coupling=0.1)
    assert float(one / other) == pytest.approx(10.0**0.2)
    assert float(two_well_renormalisation(JUNCTION, 9.4e-6, cutoff_frequency=1e12, coupling=0.0)) == 1.0
    with pytest.raises(InputError, match="cutoff_frequency"):
        two_well_renormalisation(JUNCTION, 9.4e-6, cutoff_frequency=0.0, coupling=0.1)
