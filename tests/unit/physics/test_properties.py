"""Properties that hold for every junction: Ic 10 nA to 1 mA, C 1 fF to 1 nF, Q 0.1 to 1000, T 0 to 10 K."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.constants import e, hbar, k

from mqtctl.physics import (
    ButtikerHarrisLandauer,
    Escape,
    Junction,
    Kramers,
    MelnikovMeshkov,
    SwitchingDistribution,
    TransitionState,
    Tunneling,
    WeakDampingTunneling,
    WellModel,
)
from mqtctl.physics.models.protocol import RateModel

from .strategies import EVERYWHERE, PIECES, Well, distances, junctions, logarithmic, models, temperatures, wells

checked = settings(deadline=None, max_examples=40, derandomize=True)
thermal = st.sampled_from([TransitionState(), Kramers(), ButtikerHarrisLandauer(), MelnikovMeshkov()])


@checked
@given(junctions(), distances, temperatures, models)
def test_a_log_rate_is_a_number_or_minus_infinity(
    junction: Junction, x: float, temperature: float, model: RateModel
) -> None:
    rate = float(model.log_rate(junction, one_minus_s=x, temperature=temperature))
    assert not math.isnan(rate)
    assert rate < math.log(junction.zero_bias_plasma_frequency) + 25.0  # attempts, and quantum corrections at small N


@pytest.mark.parametrize("model", [*EVERYWHERE, *PIECES], ids=repr)
@settings(checked, max_examples=8)
@given(junction=junctions(), x=distances, factor=st.floats(1.0001, 1.3))
def test_every_model_broadcasts_like_numpy(model: RateModel, junction: Junction, x: float, factor: float) -> None:
    xs, kelvins = np.array([[x], [x / factor]]), np.array([0.01, 0.3, 4.0])
    table = model.log_rate(junction, one_minus_s=xs, temperature=kelvins)
    assert table.shape == (2, 3)
    single = float(model.log_rate(junction, one_minus_s=x / factor, temperature=0.3))
    assert table[1, 1] == pytest.approx(single, rel=1e-13, nan_ok=True)
    assert model.validity(junction, one_minus_s=xs, temperature=kelvins).valid.shape == (2, 3)
    for x_shape, t_shape, shape in (((0,), (), (0,)), ((0, 3), (3,), (0, 3)), ((1, 1), (0,), (1, 0)), ((), (), ())):
        rate = model.log_rate(junction, one_minus_s=np.full(x_shape, x), temperature=np.full(t_shape, 0.3))
        assert np.shape(rate) == shape
    assert model.log_rate(junction, [0, 0], 1).shape == (2,)  # lists and whole numbers


@checked
@given(wells(), st.one_of(st.floats(0.0, 3.0), logarithmic(3.0, 1e4)), st.floats(1e-3, 0.3))
def test_the_joined_rate_rises_with_temperature(well: Well, ratio: float, step: float) -> None:
    kelvin = np.array([ratio, ratio * (1.0 + step) + step]) * well.crossover
    for model in (Escape(depletion=False), Escape()):
        if model.depletion and float(well.junction.barrier(one_minus_s=well.x)) < 2.0 * k * kelvin[1]:
            continue  # there the depletion factor falls faster
        cold, warm = model.log_rate(well.junction, one_minus_s=well.x, temperature=kelvin)
        assert warm >= cold - 1e-8 * max(1.0, well.quanta)  # noise of the table, where it is flat without damping


@checked
@given(junctions(), distances, temperatures, st.floats(1e-3, 1.0), thermal)
def test_classical_rates_rise_with_temperature_while_the_barrier_stands(
    junction: Junction, x: float, temperature: float, step: float, model: WellModel
) -> None:
    warmer = temperature * (1.0 + step) + 1e-4
    cold, warm = model.log_rate(junction, one_minus_s=x, temperature=np.array([temperature, warmer]))
    if float(junction.barrier(one_minus_s=x)) > 2.0 * k * warmer:  # below, the depletion factor 7.2 u/Q falls faster
        assert warm > cold or (warm == cold == -math.inf)


@checked
@given(
    wells(), temperatures, st.floats(1e-4, 0.1), st.sampled_from([m for m in EVERYWHERE if isinstance(m, WellModel)])
)
def test_every_rate_rises_with_current(well: Well, temperature: float, step: float, model: WellModel) -> None:
    closer = Well(well.junction, well.x * (1.0 - step))
    barrier = float(well.junction.barrier(one_minus_s=closer.x))
    # towards Ic the attempt frequency falls faster than the barrier
    if closer.quanta < 1.5 or barrier < 3.0 * k * temperature or well.x > 1.5:
        return
    low, high = model.log_rate(well.junction, one_minus_s=np.array([well.x, closer.x]), temperature=temperature)
    assert high > low or (high == low == -math.inf)


@checked
@given(wells(), st.floats(0.3, 2.5))
def test_the_joined_rate_has_no_step_anywhere_in_temperature(well: Well, ratio: float) -> None:
    step = 1e-5 / math.sqrt(well.quanta)
    near = ratio + step * np.arange(-3, 4)
    rate = np.asarray(Escape().log_rate(well.junction, one_minus_s=well.x, temperature=near * well.crossover))
    # second differences are curvature times step^2; curvature is at most about N (u'' = 2 u/theta^2 and the erfc's N)
    scale = 2.0 * math.pi * well.quanta / float(well.junction.barrier_escape_frequency(one_minus_s=well.x))
    scale *= float(well.junction.plasma_frequency(one_minus_s=well.x))
    assert np.max(np.abs(np.diff(rate, 2))) < 60.0 * scale * step**2 + 1e-11 * max(1.0, float(np.abs(rate).max()))


@pytest.mark.shown(3)
@pytest.mark.parametrize("border", [0.45, 0.62, 0.65, 0.82, 1.0, 1.4, 1.9, 2.0])
@checked
@given(well=wells(most=1e3))
def test_rate_and_slope_are_continuous_across_every_regime_border(border: float, well: Well) -> None:
    step = 1e-4
    near = border + step * np.array([-2.0, -1.0, -1e-9, 1e-9, 1.0, 2.0])
    rate = np.asarray(Escape().log_rate(well.junction, one_minus_s=well.x, temperature=near * well.crossover))
    assert rate[3] == pytest.approx(rate[2], abs=1e-7 * max(1.0, abs(rate[2])))
    left, right = (rate[1] - rate[0]) / step, (rate[5] - rate[4]) / step
    factor = float(well.junction.barrier_escape_frequency(one_minus_s=well.x))
    factor /= float(well.junction.plasma_frequency(one_minus_s=well.x))
    assert right == pytest.approx(left, abs=1e-2 * well.quanta / factor)


@pytest.mark.shown(2)
@pytest.mark.parametrize("border", [0.62, 0.82, 1.0, 1.4, 1.9])
@checked
@given(well=wells(most=1e3))
def test_rate_and_slope_are_continuous_in_current_across_every_regime_border(border: float, well: Well) -> None:
    if well.x > 1.5:  # towards -Ic wp goes to zero and bends the rate by itself
        return
    temperature, step = border * well.crossover, 1e-5
    x = well.x * (1.0 + step * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    rate = np.asarray(Escape().log_rate(well.junction, one_minus_s=x, temperature=temperature))
    # slope d ln G/d ln x is about -1.5 u, and its relative change per step a few steps
    slope = np.diff(rate) / step
    assert np.ptp(slope) < 1e-3 * max(10.0, float(np.abs(slope).max())) + 1e-11 * float(np.abs(rate).max()) / step


@checked
@given(junctions(), distances, temperatures, st.floats(0.1, 10.0))
def test_rates_scale_as_dimensional_analysis_says(
    junction: Junction, x: float, temperature: float, factor: float
) -> None:
    # Ic and T times f and C over f leave N, u, theta and Q as they are: wp ~ (Ic/C)^1/2 ~ f, E_J ~ f, wp R C ~ 1
    scaled = Junction(junction.critical_current * factor, junction.capacitance / factor, junction.resistance)
    for model in EVERYWHERE:
        if not isinstance(model, WellModel):  # these have a temperature or a time of their own
            continue
        one = float(model.log_rate(junction, one_minus_s=x, temperature=temperature))
        other = float(model.log_rate(scaled, one_minus_s=x, temperature=temperature * factor))
        if math.isinf(one):
            assert one == other
        else:
            assert other - math.log(factor) == pytest.approx(one, rel=1e-9, abs=1e-7)


@checked
@given(junctions(), distances)
def test_limits_of_temperature_are_exact(junction: Junction, x: float) -> None:
    tunnelling = float(Tunneling().log_rate(junction, one_minus_s=x))
    assert float(Escape().log_rate(junction, one_minus_s=x, temperature=0.0)) == pytest.approx(
        tunnelling, abs=1e-9, rel=1e-12
    )
    for model in (TransitionState(), Kramers(), MelnikovMeshkov(), ButtikerHarrisLandauer()):
        assert float(model.log_rate(junction, one_minus_s=x, temperature=0.0)) == -math.inf
    frequency = float(junction.plasma_frequency(one_minus_s=x))
    hot = 1e6 * hbar * (frequency + junction.damping_rate) / k
    classical = float(Kramers().log_rate(junction, one_minus_s=x, temperature=hot))
    full = float(Escape(depletion=False).log_rate(junction, one_minus_s=x, temperature=hot))
    assert full == pytest.approx(classical, abs=1e-4)
    if junction.damping_rate > 0.0:
        turnover = float(MelnikovMeshkov(finite_barrier=True).log_rate(junction, one_minus_s=x, temperature=hot))
        # so hot that there is no barrier left and D may be 1e-9
        assert float(Escape().log_rate(junction, one_minus_s=x, temperature=hot)) == pytest.approx(turnover, abs=0.02)


@checked
@given(wells(), temperatures)
def test_limits_of_damping_are_those_of_the_undamped_junction_and_of_energy_diffusion(
    well: Well, temperature: float
) -> None:
    bare = Junction(well.junction.critical_current, well.junction.capacitance)
    weak = Junction(bare.critical_current, bare.capacitance, 1e15 / (bare.damping_rate + 1e3))
    arguments = {"one_minus_s": well.x, "temperature": temperature}
    quality = float(weak.quality_factor(one_minus_s=well.x))
    if quality < 1e9:
        return
    for model in (Escape(depletion=False), Kramers(), Tunneling(), WeakDampingTunneling()):
        damped, free = (float(model.log_rate(junction, **arguments)) for junction in (weak, bare))
        # exponents change by 6.3 N/Q
        assert damped == free or damped == pytest.approx(free, abs=1e-8 + 10.0 * well.quanta / quality, rel=1e-12)


@checked
@given(junctions(), distances)
def test_geometry_obeys_its_identities(junction: Junction, x: float) -> None:
    s = 1.0 - x
    frequency = float(junction.plasma_frequency(one_minus_s=x))
    if x > 1e-3:
        direct = math.sqrt(2.0 * e * junction.critical_current / hbar / junction.capacitance) * (1.0 - s * s) ** 0.25
        assert frequency == pytest.approx(direct, rel=1e-9)
    # d(dU)/dx = 2 E_J acos(s): the barrier's slope is the distance between well and top
    step = 1e-4 * min(x, 2.0 - x)
    slope = float(junction.barrier(one_minus_s=x + step) - junction.barrier(one_minus_s=x - step)) / (2.0 * step)
    angle = 2.0 * math.asin(math.sqrt(0.5 * x))
    assert slope == pytest.approx(2.0 * junction.josephson_energy * angle, rel=1e-7)
    if x > 1e-9:  # 2 - (2 - x) has lost the digits of a smaller x
        assert float(junction.reverse_barrier(one_minus_s=2.0 - x)) == pytest.approx(
            float(junction.barrier(one_minus_s=x)), rel=1e-6
        )


@checked
@given(junctions(), temperatures, logarithmic(1e-9, 1e3), st.sampled_from([-1.0, 1.0]))
def test_every_junction_has_a_switching_distribution(
    junction: Junction, temperature: float, ramp_rate: float, sign: float
) -> None:
    distribution = SwitchingDistribution(junction, temperature, sign * ramp_rate)
    assert 0.0 <= sign * distribution.mean <= junction.critical_current
    assert 0.0 < distribution.std < junction.critical_current
    assert distribution.kurtosis >= (distribution.skewness**2 + 1.0) * (1.0 - 1e-9)
    share = np.linspace(0.01, 0.99, 33) * (1.0 - distribution.survivor_mass)
    fraction = share if sign > 0.0 else 1.0 - share
    np.testing.assert_allclose(distribution.cdf(distribution.ppf(fraction)), fraction, atol=2e-8)
