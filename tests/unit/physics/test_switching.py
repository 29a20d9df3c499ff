"""Switching distributions: consistency, survivors, both directions, other ramps, noise, sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from mqtctl.errors import InputError
from mqtctl.physics import (
    Escape,
    Junction,
    Kramers,
    SampledRamp,
    SwitchingDistribution,
    TransitionState,
    WeakDampingTunneling,
)

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
COLD = SwitchingDistribution(JUNCTION, 0.0, 1e-3)
BIMODAL = SwitchingDistribution(Junction(1e-6, 1e-13), 1.0, 1e-3, TransitionState(), -5e-7)
PILED_UP = SwitchingDistribution(Junction(1e-7, 1e-13, 30.0), 0.5, 1e-6, Kramers())
FAST = SwitchingDistribution(Junction(1e-8, 1e-12, 50.0), 0.02, 0.1, Kramers())  # so fast that many survive to Ic
CUT = SwitchingDistribution(JUNCTION, 0.1, 1e-3, stop_current=9.312e-6)
ALL = [COLD, BIMODAL, PILED_UP, FAST, CUT]


@pytest.mark.parametrize("distribution", ALL)
def test_cdf_survival_and_ppf_belong_together(distribution: SwitchingDistribution) -> None:
    fraction = np.linspace(0.0, 1.0, 501)
    current = distribution.ppf(fraction)
    assert np.all(np.diff(current) >= 0.0)
    assert current[0] == distribution.start_current
    inside = fraction < 1.0 - distribution.survivor_mass - 1e-9
    np.testing.assert_allclose(distribution.cdf(current[inside]), fraction[inside], atol=1e-11)
    np.testing.assert_array_equal(
        current[fraction > 1.0 - distribution.survivor_mass + 1e-9], distribution.stop_current
    )
    np.testing.assert_allclose(distribution.survival(current) + distribution.cdf(current), 1.0, atol=1e-15)


@pytest.mark.parametrize("distribution", ALL)
def test_the_density_is_the_derivative_of_the_cdf(distribution: SwitchingDistribution) -> None:
    current = distribution.ppf(np.linspace(0.02, 0.98, 25) * (1.0 - distribution.survivor_mass))
    step = 1e-4 * np.minimum(distribution.std, current - distribution.start_current)
    slope = (distribution.cdf(current + step) - distribution.cdf(current - step)) / (2.0 * step)
    # central differences: error (step/std)^2, and rounding eps I/(step P)
    np.testing.assert_allclose(slope, distribution.pdf(current), rtol=2e-6)


@pytest.mark.parametrize("distribution", ALL)
def test_moments_agree_with_direct_quadrature(distribution: SwitchingDistribution) -> None:
    edges = np.unique(
        distribution.ppf(np.concatenate([np.geomspace(1e-15, 0.5, 60), 1.0 - np.geomspace(1e-12, 0.5, 60)]))
    )
    reach = distribution.stop_current - distribution.start_current
    if distribution.survivor_mass > 0.0:
        edges = np.append(edges, distribution.stop_current - reach * np.append(0.0, np.geomspace(1e-14, 1e-3, 40)))
        edges = np.unique(edges)  # the density goes as x^(1/4) at Ic
    mean, std = distribution.mean, distribution.std
    nodes, weights = np.polynomial.legendre.leggauss(40)
    half = 0.5 * np.diff(edges)[:, None]
    current = (0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes).ravel()
    mass = (half * weights).ravel() * distribution.pdf(current)
    current, mass = np.append(current, distribution.stop_current), np.append(mass, distribution.survivor_mass)
    assert mass.sum() == pytest.approx(1.0, abs=1e-9)
    assert mass @ current / mass.sum() == pytest.approx(mean, rel=1e-8)
    for power, expected in ((2, 1.0), (3, distribution.skewness), (4, distribution.kurtosis)):
        assert mass @ ((current - mean) / std) ** power == pytest.approx(expected, rel=1e-7)


def test_survivors_at_the_critical_current_carry_their_mass() -> None:
    assert 0.05 < FAST.survivor_mass < 0.95
    critical = FAST.junction.critical_current
    assert float(FAST.cdf(critical)) == 1.0
    assert float(FAST.cdf(critical * (1.0 - 1e-15))) == pytest.approx(1.0 - FAST.survivor_mass, abs=1e-9)
    samples = FAST.sample(100_000, np.random.default_rng(1))
    share = np.mean(samples == critical)
    assert share == pytest.approx(FAST.survivor_mass, abs=4.0 * math.sqrt(0.25 / 1e5))


def test_a_ramp_that_ends_early_censors_but_does_not_change_what_happens_before() -> None:
    full = SwitchingDistribution(JUNCTION, 0.1, 1e-3)
    current = np.linspace(9.26e-6, 9.3e-6, 20)
    np.testing.assert_allclose(CUT.pdf(current), full.pdf(current), rtol=1e-10)
    assert CUT.survivor_mass == pytest.approx(float(full.survival(9.312e-6)), rel=1e-10)
    assert float(CUT.cdf(9.312e-6)) == 1.0
    assert float(CUT.pdf(9.315e-6)) == 0.0


def test_switching_happens_at_both_signs_if_the_ramp_starts_below_zero() -> None:
    early = float(BIMODAL.cdf(-4e-7))
    assert 0.0 < early < 0.5
    assert float(BIMODAL.cdf(3e-7)) == pytest.approx(early, rel=0.01)
    forward = SwitchingDistribution(Junction(1e-6, 1e-13), 1.0, 1e-3, TransitionState())
    assert BIMODAL.mean < forward.mean


def test_the_distribution_is_found_wherever_it_is_and_however_narrow() -> None:
    for start in (0.0, 9.35e-6, -9.2e-6):
        distribution = SwitchingDistribution(JUNCTION, 0.0, 1e-3, WeakDampingTunneling(), start)
        assert distribution.mean == pytest.approx(9.40170208e-6, rel=1e-4)
    narrow = SwitchingDistribution(Junction(1e-3, 1e-9, 1.0), 0.01, 1e-6)
    assert 1e-7 < narrow.std / 1e-3 < 1e-4
    assert float(narrow.cdf(narrow.mean)) == pytest.approx(0.43, abs=0.02)  # Gumbel: 0.43


def test_an_ic_above_the_start_by_a_hair_still_works() -> None:
    distribution = SwitchingDistribution(JUNCTION, 0.1, 1e-3, start_current=9.489e-6 * (1.0 - 1e-9))
    assert distribution.start_current <= distribution.mean <= 9.489e-6


def test_a_sampled_straight_line_is_the_linear_ramp() -> None:
    times = np.linspace(0.0, 0.01, 21)
    ramp = SampledRamp(times, 1e-3 * times)
    curved = SwitchingDistribution(JUNCTION, 0.1, ramp, stop_current=ramp.stop_current)
    linear = SwitchingDistribution(JUNCTION, 0.1, 1e-3)
    assert curved.mean == pytest.approx(linear.mean, rel=1e-12)
    assert curved.std == pytest.approx(linear.std, rel=1e-9)


def test_a_ramp_that_slows_down_switches_as_its_local_rate_says() -> None:
    times = np.linspace(0.0, 1.0, 2001)
    ramp = SampledRamp(times, 9.6e-6 * np.sin(0.5 * np.pi * times))
    curved = SwitchingDistribution(JUNCTION, 0.1, ramp)
    rate = float(ramp(np.array([curved.mean]))[0])
    # the rate changes by 20 % over the distribution: the mean by about 0.1 sigma
    linear = SwitchingDistribution(JUNCTION, 0.1, rate)
    assert curved.mean == pytest.approx(linear.mean, abs=0.2 * linear.std)
    exact = SwitchingDistribution(
        JUNCTION, 0.1, lambda current: np.sqrt(np.maximum(9.6e-6**2 - current**2, 0.0)) * np.pi / 2.0
    )
    assert curved.mean == pytest.approx(exact.mean, abs=1e-4 * exact.std)


def test_a_sine_that_turns_before_ic_leaves_survivors() -> None:
    top = 9.315e-6

    def rate(current: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(top**2 - current**2, 0.0)) * 5000.0

    distribution = SwitchingDistribution(JUNCTION, 0.1, rate, stop_current=top)

    def hazard(angle: float) -> float:
        return math.exp(float(Escape().log_rate(JUNCTION, top * math.sin(angle), 0.1))) / 5000.0

    expected = math.exp(-quad(hazard, 1.3, 0.5 * math.pi, epsrel=1e-10, limit=200)[0])
    assert 0.001 < expected < 0.999
    assert distribution.survivor_mass == pytest.approx(expected, rel=1e-5)


@pytest.mark.shown(3)
@pytest.mark.parametrize("relative", [0.02, 0.15, 0.5, 3.0])
@pytest.mark.parametrize("base", [COLD, CUT, FAST])
def test_noise_is_folded_in(base: SwitchingDistribution, relative: float) -> None:
    noise = relative * base.std
    noisy = SwitchingDistribution(
        base.junction,
        base.temperature,
        base.ramp_rate,
        base.model,
        stop_current=base.stop_current,
        current_noise=noise,
    )
    assert noisy.mean == pytest.approx(base.mean, rel=1e-14)
    assert noisy.std == pytest.approx(math.hypot(base.std, noise), rel=1e-12)
    grid = np.linspace(noisy.mean - 14.0 * noisy.std, noisy.mean + 10.0 * noisy.std, 8001)
    density = noisy.pdf(grid)
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=2e-5)
    assert np.trapezoid(density * grid, grid) == pytest.approx(noisy.mean, abs=1e-4 * noisy.std)
    third = np.trapezoid(density * ((grid - noisy.mean) / noisy.std) ** 3, grid)
    assert third == pytest.approx(noisy.skewness, abs=3e-3)
    fraction = np.array([0.01, 0.3, 0.5, 0.9])
    np.testing.assert_allclose(noisy.cdf(noisy.ppf(fraction)), fraction, atol=1e-9)
    np.testing.assert_allclose(noisy.survival(grid[::500]) + noisy.cdf(grid[::500]), 1.0, atol=1e-12)


def test_jitter_counts_as_noise_of_that_time_on_the_ramp() -> None:
    noisy = SwitchingDistribution(JUNCTION, 0.1, 1e-3, timing_jitter=5e-6)
    assert noisy.noise == pytest.approx(5e-9)
    samples = noisy.sample(200_000, np.random.default_rng(5))
    assert samples.std() == pytest.approx(noisy.std, rel=4.0 * math.sqrt(4.7 / 4.0 / 2e5))
    level = np.sort(noisy.cdf(samples[:5000]))
    assert np.max(np.abs(level - (np.arange(5000) + 0.5) / 5000)) * math.sqrt(5000) < 1.95


@pytest.mark.parametrize("distribution", ALL)
def test_samples_follow_the_distribution(distribution: SwitchingDistribution) -> None:
    n = 400_000
    samples = distribution.sample(n, np.random.default_rng(20261122))
    error = distribution.std / math.sqrt(n)
    assert abs(samples.mean() - distribution.mean) < 4.0 * error
    spread = math.sqrt((distribution.kurtosis - 1.0) / 4.0 / n)
    assert samples.std() / distribution.std == pytest.approx(1.0, abs=4.0 * spread)
    switched = np.sort(samples[samples < distribution.stop_current])
    level = distribution.cdf(switched)
    index = np.arange(len(switched))
    deviation = max(np.max((index + 1) / n - level), np.max(level - index / n))
    assert deviation * math.sqrt(n) < 1.95  # probability 1e-3 for a correct sampler


@pytest.mark.slow
def test_ten_million_samples_follow_the_distribution() -> None:
    n = 10_000_000
    for seed, distribution in enumerate([COLD, SwitchingDistribution(JUNCTION, 0.3, 1e-3), BIMODAL]):
        samples = distribution.sample(n, np.random.default_rng(seed))
        assert abs(samples.mean() - distribution.mean) < 4.0 * distribution.std / math.sqrt(n)
        level = distribution.cdf(np.sort(samples))
        index = np.arange(n)
        assert max(np.max((index + 1) / n - level), np.max(level - index / n)) * math.sqrt(n) < 1.95


def test_sampling_is_repeatable_from_its_seed_and_takes_any_number() -> None:
    first, second = (COLD.sample(70_000, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert COLD.sample(0, np.random.default_rng(3)).shape == (0,)
    with pytest.raises(InputError, match="number of samples"):
        COLD.sample(-1, np.random.default_rng(3))


def test_any_object_with_a_log_rate_serves_as_model() -> None:
    class Constant:
        def log_rate(self, junction: Junction, bias_current=None, temperature=None, *, one_minus_s=None):  # type: ignore[no-untyped-def] # a user's model
            return np.full(np.shape(one_minus_s), math.log(1000.0))

    distribution = SwitchingDistribution(JUNCTION, 0.1, 1e-3, Constant())
    # exponential with scale v/G = 1 uA, cut at Ic
    assert distribution.survivor_mass == pytest.approx(math.exp(-9.489), rel=1e-9)
    assert float(distribution.cdf(1e-6)) == pytest.approx(-math.expm1(-1.0), rel=1e-9)
    assert distribution.warnings == ()


def test_warnings_tell_where_switching_happens_outside_the_model() -> None:
    assert COLD.warnings == ()
    assert any("T/T0" in text for text in SwitchingDistribution(JUNCTION, 0.03, 1e-3, TransitionState()).warnings)
    assert any("E_J/kT" in text for text in SwitchingDistribution(Junction(5e-9, 1e-13), 0.5, 1e-8, Kramers()).warnings)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"temperature": -1.0}, "temperature"),
        ({"ramp_rate": 0.0}, "ramp_rate"),
        ({"ramp_rate": -1e-3, "stop_current": 1e-6}, "below start_current"),
        ({"ramp_rate": [1e-3, 2e-3]}, "ramp_rate"),
        ({"ramp_rate": "1 mA/s"}, "ramp_rate"),
        ({"ramp_rate": lambda current: np.ones(2)}, "shape"),
        ({"ramp_rate": lambda current: current - 5e-6, "start_current": 1e-6, "stop_current": 9e-6}, "turns back"),
        ({"temperature": [0.1, 0.2]}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"model": None}, "Escape()"),
        ({"model": Escape}, "Escape()"),
        ({"model": "escape"}, "Escape()"),
        ({"ramp_rate": math.nan}, "ramp_rate"),
        ({"start_current": 9.5e-6}, "start_current"),
        ({"start_current": -9.5e-6}, "start_current"),
        ({"stop_current": -1e-6}, "stop_current"),
        ({"stop_current": math.nan}, "stop_current"),
        ({"current_noise": -1e-9}, "current_noise"),
        ({"timing_jitter": math.inf}, "timing_jitter"),
        ({"ramp_rate": lambda current: np.full_like(current, math.nan)}, "ramp_rate"),
    ],
)
def test_a_wrong_argument_is_named(change: dict[str, object], named: str) -> None:
    arguments = {"temperature": 0.1, "ramp_rate": 1e-3} | change
    with pytest.raises(InputError, match=named):
        SwitchingDistribution(JUNCTION, **arguments)  # type: ignore[arg-type] # built from a table


def test_wrong_samples_of_a_ramp_are_refused() -> None:
    for times, currents in (
        ([0.0], [0.0]),
        ([0.0, 1.0], [0.0]),
        ([0.0, 1.0, 2.0], [0.0, 2.0, 1.0]),
        ([0.0, 0.0], [0.0, 1.0]),
    ):
        with pytest.raises(InputError):
            SampledRamp(times, currents)
    with pytest.raises(InputError, match="between 0 and 1"):
        COLD.ppf(1.5)


def test_a_junction_that_cannot_escape_survives_every_ramp() -> None:
    for stop in (None, 5e-6):
        frozen = SwitchingDistribution(JUNCTION, 0.0, 1e-3, TransitionState(), stop_current=stop)
        end = frozen.stop_current
        assert frozen.survivor_mass == 1.0
        assert frozen.mean == pytest.approx(end)
        assert frozen.std == 0.0
        assert math.isnan(frozen.skewness)
        assert math.isnan(frozen.kurtosis)
        np.testing.assert_array_equal(frozen.sample(10, np.random.default_rng(0)), end)
        assert float(frozen.ppf(0.5)) == end
        assert float(frozen.survival(0.99 * end)) == 1.0
