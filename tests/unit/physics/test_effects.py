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


def test_wrapped_models_report_the_validity_of_what_is_inside_and_their_own() -> None:
    cold = NoiseTemperature(TransitionState(), 0.05)
    assert any("T/T0 is 1.68" in text for text in cold.validity(JUNCTION, 9.4e-6, 0.0).warnings)
    assert not NoiseTemperature(TransitionState(), 0.05).validity(JUNCTION, 9.6e-6, 0.0).has_well
    damped = Junction(2e-7, 5e-14, 600.0)  # Q(0) of about 3
    assert Retrapping(Kramers(), 1e-6).validity(damped, 1.0e-7, 0.6).valid
    assert any("zero-bias Q" in text for text in Retrapping(Escape(), 1e-6).validity(JUNCTION, 9.3e-6, 0.1).warnings)

    class Constant:
        def log_rate(self, junction, bias_current=None, temperature=None, *, one_minus_s=None):  # type: ignore[no-untyped-def] # a user's model
            return np.full(np.broadcast_shapes(np.shape(one_minus_s), np.shape(temperature)), 1.0)

    noisy = NoiseTemperature(Constant(), 0.1)
    assert float(noisy.log_rate(JUNCTION, 9.3e-6, 0.1)) == 1.0
    assert noisy.validity(JUNCTION, np.array([9.3e-6, 9.6e-6]), 0.1).valid.tolist() == [True, False]


def test_a_wrapper_wants_a_model_and_finite_numbers() -> None:
    for model in (None, "escape", Escape):
        with pytest.raises(InputError, match=r"Escape\(\)"):
            NoiseTemperature(model, 0.1)  # type: ignore[arg-type] # that is the test
        with pytest.raises(InputError, match=r"Escape\(\)"):
            Retrapping(model, 1e-6)  # type: ignore[arg-type] # that is the test
    for excess in (-0.1, math.nan, math.inf):
        with pytest.raises(InputError, match="excess"):
            NoiseTemperature(Escape(), excess)
    for detection_time in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="detection_time"):
            Retrapping(Escape(), detection_time)
    with pytest.raises(InputError, match="exactly one"):
        Retrapping(Escape(), 1e-6).log_retrapping_rate(JUNCTION, temperature=0.1)
    with pytest.raises(InputError, match="temperature"):
        AmbegaokarBaratoff(9.2).ratio(-1.0)


def test_retrapping_answers_every_damping_current_and_temperature_without_warnings() -> None:
    current = np.array([math.nan, -2.0, -1.0, 0.0, 0.5, 0.95, 0.999999, 1.0, 2.0, math.inf])
    for resistance in (math.inf, 1e6, 100.0, 1.0):
        junction = Junction(1e-6, 1e-13, resistance)
        for temperature in (0.0, 1e-6, 0.1, 100.0):
            rates = Retrapping(Escape(), 1e-6).log_rate(junction, current * 1e-6, temperature)
            plain = Escape().log_rate(junction, current * 1e-6, temperature)
            assert math.isnan(rates[0])
            assert not np.isnan(rates[1:]).any()
            assert np.all(rates[1:] <= plain[1:])  # waiting for a lasting run never makes a switch likelier
            np.testing.assert_array_equal(rates[[1, 7, 8, 9]], -np.inf)


def test_the_critical_current_law_is_smooth_monotonic_and_takes_lists() -> None:
    law = AmbegaokarBaratoff(1.2)
    kelvin = np.linspace(0.0, 1.3, 2001)
    ratio = law.ratio(kelvin)
    assert np.all(np.diff(ratio) <= 1e-15)
    assert np.all((ratio >= 0.0) & (ratio <= 1.0))
    # linear to zero at Tc: the gap goes as (1 - T/Tc)^1/2 and its tanh as the gap
    near = law.ratio([1.2 * (1.0 - 1e-4), 1.2 * (1.0 - 2e-4)])
    assert near[1] / near[0] == pytest.approx(2.0, rel=1e-3)
    assert law.ratio([]).shape == (0,)
