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

checked = settings(deadline=None, max_examples=60, derandomize=True)


def logarithmic(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(math.log(low), math.log(high)).map(math.exp)


@st.composite
def junctions(draw: st.DrawFn) -> Junction:
    critical, capacitance = draw(logarithmic(1e-8, 1e-3)), draw(logarithmic(1e-15, 1e-9))
    quality = draw(st.one_of(st.just(math.inf), logarithmic(0.1, 1000.0)))
    bare = Junction(critical, capacitance)
    return Junction(critical, capacitance, quality / (bare.zero_bias_plasma_frequency * capacitance))


distances = logarithmic(1e-9, 1.9)
temperatures = st.one_of(st.just(0.0), logarithmic(1e-4, 10.0))
models = st.sampled_from(
    [
        TransitionState(),
        Kramers(),
        ButtikerHarrisLandauer(),
        MelnikovMeshkov(),
        WeakDampingTunneling(),
        Tunneling(),
        Escape(),
    ]
)


@checked
@given(junctions(), distances, temperatures, models)
def test_a_log_rate_is_a_number_or_minus_infinity(
    junction: Junction, x: float, temperature: float, model: WellModel
) -> None:
    rate = float(model.log_rate(junction, one_minus_s=x, temperature=temperature))
    assert not math.isnan(rate)
    assert rate < math.log(junction.zero_bias_plasma_frequency) + 25.0  # attempts, and quantum corrections at small N


@checked
@given(junctions(), distances, st.floats(1.0001, 1.3), models)
def test_models_broadcast_like_numpy(junction: Junction, x: float, factor: float, model: WellModel) -> None:
    xs, kelvins = np.array([[x], [x / factor]]), np.array([0.01, 0.3, 4.0])
    table = model.log_rate(junction, one_minus_s=xs, temperature=kelvins)
    assert table.shape == (2, 3)
    single = model.log_rate(junction, one_minus_s=x / factor, temperature=0.3)
    assert table[1, 1] == single or table[1, 1] == pytest.approx(float(single), rel=1e-13)


@checked
@given(junctions(), distances, st.floats(0.0, 3.0), st.floats(1e-3, 0.3))
def test_the_joined_rate_rises_with_temperature(junction: Junction, x: float, ratio: float, step: float) -> None:
    quanta = float(junction.barrier_quanta(one_minus_s=x))
    if quanta < 1.5:  # no metastable state to speak of
        return
    crossover = float(junction.crossover_temperature(one_minus_s=x))
    cold, warm = Escape().log_rate(junction, one_minus_s=x, temperature=np.array([ratio, ratio + step]) * crossover)
    assert warm >= cold - 1e-8 * max(1.0, quanta)


@checked
@given(junctions(), distances, temperatures, st.floats(1e-4, 0.1))
def test_the_joined_rate_rises_with_current(junction: Junction, x: float, temperature: float, step: float) -> None:
    closer = x * (1.0 - step)
    quanta = float(junction.barrier_quanta(one_minus_s=closer))
    exponent = float(junction.barrier(one_minus_s=closer)) / (k * temperature) if temperature else math.inf
    if quanta < 1.5 or exponent < 3.0 or x > 1.5:  # towards Ic the attempt frequency falls faster than the barrier
        return
    low, high = Escape().log_rate(junction, one_minus_s=np.array([x, closer]), temperature=temperature)
    assert high > low


@checked
@given(junctions(), distances, st.floats(0.3, 2.5))
def test_the_joined_rate_has_no_step_anywhere_in_temperature(junction: Junction, x: float, ratio: float) -> None:
    quanta = float(junction.barrier_quanta(one_minus_s=x))
    if not 1.5 <= quanta <= 1e4:
        return
    crossover = float(junction.crossover_temperature(one_minus_s=x))
    step = 1e-5 / math.sqrt(quanta)
    near = ratio + step * np.arange(-3, 4)
    rate = np.asarray(Escape().log_rate(junction, one_minus_s=x, temperature=near * crossover))
    # second differences are curvature times step^2; curvature is at most about N (u'' = 2 u/theta^2 and the erfc's N)
    scale = 2.0 * math.pi * quanta / float(junction.barrier_escape_frequency(one_minus_s=x))
    scale *= float(junction.plasma_frequency(one_minus_s=x))
    assert np.max(np.abs(np.diff(rate, 2))) < 60.0 * scale * step**2 + 1e-11 * max(1.0, float(np.abs(rate).max()))


@pytest.mark.parametrize("border", [0.45, 0.62, 0.65, 0.82, 1.0, 1.4, 1.9, 2.0])
@checked
@given(junction=junctions(), x=distances)
def test_rate_and_slope_are_continuous_across_every_regime_border(border: float, junction: Junction, x: float) -> None:
    quanta = float(junction.barrier_quanta(one_minus_s=x))
    if not 1.5 <= quanta <= 1e3:
        return
    crossover = float(junction.crossover_temperature(one_minus_s=x))
    step = 1e-4
    near = border + step * np.array([-2.0, -1.0, -1e-9, 1e-9, 1.0, 2.0])
    rate = np.asarray(Escape().log_rate(junction, one_minus_s=x, temperature=near * crossover))
    assert rate[3] == pytest.approx(rate[2], abs=1e-7 * max(1.0, abs(rate[2])))
    left, right = (rate[1] - rate[0]) / step, (rate[5] - rate[4]) / step
    factor = float(junction.barrier_escape_frequency(one_minus_s=x)) / float(junction.plasma_frequency(one_minus_s=x))
    assert right == pytest.approx(left, abs=1e-2 * quanta / factor)


@checked
@given(junctions(), distances, temperatures, st.floats(0.1, 10.0))
def test_rates_scale_as_dimensional_analysis_says(
    junction: Junction, x: float, temperature: float, factor: float
) -> None:
    # Ic, T and 1/C times f leave N, u, theta as they are if C scales as 1/f^1 ... : wp ~ (Ic/C)^1/2 ~ f, E_J ~ f
    scaled = Junction(junction.critical_current * factor, junction.capacitance / factor, junction.resistance)
    for model in (Escape(), MelnikovMeshkov(), Tunneling()):
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
    assert float(Escape().log_rate(junction, one_minus_s=x, temperature=hot)) == pytest.approx(classical, abs=1e-4)


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
    assert float(junction.reverse_barrier(one_minus_s=2.0 - x)) == pytest.approx(
        float(junction.barrier(one_minus_s=x)), rel=1e-6
    )


@checked
@given(junctions(), temperatures, logarithmic(1e-3, 1e4))
def test_every_junction_has_a_switching_distribution(
    junction: Junction, temperature: float, relative_rate: float
) -> None:
    distribution = SwitchingDistribution(junction, temperature, relative_rate * junction.critical_current)
    assert 0.0 <= distribution.mean <= junction.critical_current
    assert 0.0 < distribution.std < junction.critical_current
    assert distribution.kurtosis >= distribution.skewness**2 + 1.0 - 1e-9
    fraction = np.linspace(0.01, 0.99, 33) * (1.0 - distribution.survivor_mass)
    np.testing.assert_allclose(distribution.cdf(distribution.ppf(fraction)), fraction, atol=2e-8)
