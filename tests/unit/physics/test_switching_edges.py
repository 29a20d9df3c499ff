"""Switching distributions where they are hard: falling ramps, narrow noise, edges, extreme ramps, wrong arguments."""

from __future__ import annotations

import math
import pickle
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from mqtctl.errors import InputError
from mqtctl.physics import (
    Escape,
    Junction,
    Kramers,
    NoiseTemperature,
    PeriodicBounce,
    QuantumCorrectedThermal,
    Retrapping,
    SampledRamp,
    SwitchingDistribution,
    TransitionState,
)

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
Array = NDArray[np.float64]


def distance_of_samples(distribution: SwitchingDistribution, n: int, seed: int) -> float:
    """Return the Kolmogorov-Smirnov distance of n samples times sqrt(n), atoms at the ramp's end left out."""
    samples = distribution.sample(n, np.random.default_rng(seed))
    level = distribution.cdf(np.sort(samples[samples != distribution.stop_current]))
    atom = int(np.sum(samples == distribution.stop_current)) if distribution.stop_current < 0.0 else 0
    index = np.arange(atom, atom + len(level))
    return float(max(np.max((index + 1) / n - level), np.max(level - index / n)) * math.sqrt(n))


# falling ramps


@pytest.mark.shown(2)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"start_current": 2e-6},
        {"start_current": -2e-6},
        {"start_current": 9.29e-6},  # so close to Ic that a tenth switches forward, against the ramp
        {"stop_current": -9.305e-6},
        {"current_noise": 5e-9},
        {"timing_jitter": 5e-5, "stop_current": -9.305e-6},
    ],
)
def test_a_falling_ramp_is_the_mirror_image_of_a_rising_one(options: dict[str, float]) -> None:
    falling = SwitchingDistribution(JUNCTION, 0.1, -1e-3, **options)  # type: ignore[arg-type] # numbers by name
    mirrored = {name: -value if name.endswith("_current") else value for name, value in options.items()}
    rising = SwitchingDistribution(JUNCTION, 0.1, 1e-3, **mirrored)  # type: ignore[arg-type] # numbers by name
    assert falling.mean == -rising.mean
    assert falling.std == rising.std
    assert falling.skewness == -rising.skewness
    assert falling.kurtosis == rising.kurtosis
    assert falling.survivor_mass == rising.survivor_mass
    assert falling.warnings == rising.warnings
    current = -rising.mean + rising.std * np.linspace(-6.0, 6.0, 49)
    np.testing.assert_array_equal(falling.pdf(current), rising.pdf(-current))
    # P(I <= i) falling is P(I >= -i) rising, which differs from P(I > -i) at an atom alone
    off = np.abs(current - falling.stop_current) > 1e-12
    np.testing.assert_allclose(falling.cdf(current[off]), rising.survival(-current[off]), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(falling.survival(current[off]), rising.cdf(-current[off]), rtol=1e-12, atol=1e-300)
    fraction = np.linspace(0.01, 0.99, 21)
    np.testing.assert_allclose(falling.ppf(fraction), -np.asarray(rising.ppf(1.0 - fraction)), rtol=1e-12)
    np.testing.assert_allclose(falling.current_at_hazard(fraction), -np.asarray(rising.current_at_hazard(fraction)))
    seeds = (np.random.default_rng(4), np.random.default_rng(4))
    if falling.noise == 0.0:  # noise is not mirrored
        np.testing.assert_array_equal(falling.sample(1000, seeds[0]), -rising.sample(1000, seeds[1]))
    assert distance_of_samples(falling, 10_000, 7) < 1.95


def test_survivors_of_a_falling_ramp_are_at_its_lowest_current() -> None:
    cut = SwitchingDistribution(JUNCTION, 0.1, -1e-3, stop_current=-9.305e-6)
    assert 0.1 < cut.survivor_mass < 0.9
    assert float(cut.cdf(-9.305e-6)) == pytest.approx(cut.survivor_mass)
    assert float(cut.cdf(np.nextafter(-9.305e-6, -1.0))) == 0.0
    assert float(cut.survival(-9.31e-6)) == 1.0
    assert float(cut.ppf(0.5 * cut.survivor_mass)) == -9.305e-6
    assert float(cut.ppf(0.0)) == -9.305e-6
    assert float(cut.ppf(1.0)) == 0.0


def test_a_function_or_samples_may_describe_a_falling_ramp() -> None:
    plain = SwitchingDistribution(JUNCTION, 0.1, -1e-3)
    by_function = SwitchingDistribution(JUNCTION, 0.1, lambda current: np.full_like(current, -1e-3))
    times = np.linspace(0.0, 0.012, 30)
    ramp = SampledRamp(times, 2e-6 - 1e-3 * times)
    np.testing.assert_allclose(ramp(np.array([1e-6, -9e-6])), -1e-3, rtol=1e-12)
    sampled = SwitchingDistribution(JUNCTION, 0.1, ramp, start_current=2e-6, stop_current=ramp.stop_current)
    for other in (by_function, sampled):
        assert other.mean == pytest.approx(plain.mean, rel=1e-12)
        assert other.std == pytest.approx(plain.std, rel=1e-9)
    assert plain.mean < -9.2e-6


# noise


@pytest.mark.shown(4)
@pytest.mark.parametrize("relative", [1e-5, 1e-3, 0.03, 0.3, 3.0])
@pytest.mark.parametrize("name", ["cold", "cut", "both ways"])
def test_noise_is_the_convolution_with_a_gaussian(name: str, relative: float) -> None:
    arguments: dict[str, dict[str, float]] = {
        "cold": {"temperature": 0.0},
        "cut": {"temperature": 0.1, "stop_current": 9.305e-6},
        "both ways": {"temperature": 0.1, "start_current": -9.29e-6},
    }
    quiet = SwitchingDistribution(JUNCTION, ramp_rate=1e-3, **arguments[name])  # type: ignore[arg-type] # numbers
    noise = relative * quiet.std
    noisy = SwitchingDistribution(JUNCTION, ramp_rate=1e-3, current_noise=noise, **arguments[name])  # type: ignore[arg-type] # numbers
    fraction = np.array([0.02, 0.3, 0.6, 0.97])
    points = np.append(quiet.ppf(fraction), quiet.stop_current + np.array([-1.0, 0.5]) * noise)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    tail = np.geomspace(1e-13, 0.01, 40)
    gap = float(quiet.cdf(0.0))  # between the directions, if both occur: the tails on its two sides
    around = np.clip(np.concatenate([gap - 10.0 * gap * tail, gap + 10.0 * tail]), 0.0, 1.0)
    edges = np.unique(quiet.ppf(np.concatenate([tail, np.linspace(0.01, 0.99, 40), 1.0 - tail, around])))
    for point in points:
        own = point + noise * np.linspace(-8.6, 8.6, 60)
        cuts = np.unique(np.clip(np.append(edges, own), edges[0], min(edges[-1], quiet.stop_current)))
        half = 0.5 * np.diff(cuts)[:, None]
        current = 0.5 * (cuts[1:] + cuts[:-1])[:, None] + half * nodes
        gauss = np.exp(-0.5 * ((point - current) / noise) ** 2) / (math.sqrt(2.0 * math.pi) * noise)
        expected = float(np.sum(half * weights * gauss * quiet.pdf(current)))
        atom = math.exp(-0.5 * ((point - quiet.stop_current) / noise) ** 2) / (math.sqrt(2.0 * math.pi) * noise)
        expected += quiet.survivor_mass * atom
        # currents of 1e-5 A against a noise of 1e-5 sigma = 1e-13 A: the last digit counts 1e-8
        assert float(noisy.pdf(point)) == pytest.approx(expected, rel=1e-7, abs=1e-7 / quiet.std)
    np.testing.assert_allclose(noisy.cdf(noisy.ppf(fraction)), fraction, atol=1e-8)
    np.testing.assert_allclose(noisy.cdf(points) + noisy.survival(points), 1.0, atol=1e-12)
    assert distance_of_samples(noisy, 4_000, 3) < 1.95


def test_noise_has_no_end_and_its_quantiles_say_so() -> None:
    noisy = SwitchingDistribution(JUNCTION, 0.1, 1e-3, current_noise=5e-9)
    np.testing.assert_array_equal(noisy.ppf([0.0, 1.0]), [-math.inf, math.inf])
    assert 8e-6 < float(noisy.ppf(1e-300)) < float(noisy.ppf(1e-30)) < float(noisy.ppf(1e-3))
    assert float(noisy.survival(9.42e-6)) < 1e-20  # keeps its digits: no 1 - cdf


# edges of the arguments


@pytest.mark.parametrize("noise", [0.0, 5e-9])
def test_nan_stays_nan_and_empty_stays_empty(noise: float) -> None:
    distribution = SwitchingDistribution(JUNCTION, 0.1, 1e-3, current_noise=noise)
    names = ("pdf", "log_pdf", "cdf", "survival", "ppf", "current_at_hazard")
    functions: list[Callable[[ArrayLike], Array]] = [getattr(distribution, name) for name in names]
    for function in functions:
        value = np.asarray(function([math.nan, 0.5]))
        np.testing.assert_array_equal(np.isnan(value), [True, False])
        assert np.shape(function(np.empty((0, 2)))) == (0, 2)
        assert np.ndim(function(0)) == 0
    np.testing.assert_allclose(distribution.cdf([-math.inf, math.inf]), [0.0, 1.0], rtol=1e-15)
    np.testing.assert_allclose(distribution.survival([-math.inf, math.inf]), [1.0, 0.0], rtol=1e-15)


def test_wrong_numbers_for_samples_quantiles_and_hazards_are_named() -> None:
    distribution = SwitchingDistribution(JUNCTION, 0.1, 1e-3)
    for n in (10.5, math.nan, -1, "ten"):
        with pytest.raises(InputError, match="n is"):
            distribution.sample(n, np.random.default_rng(1))  # type: ignore[arg-type] # that is the test
    assert len(distribution.sample(1e3, np.random.default_rng(1))) == 1000  # type: ignore[arg-type] # 1e3 is whole
    for rng in (None, 5, np.random):
        with pytest.raises(InputError, match="default_rng"):
            distribution.sample(10, rng)  # type: ignore[arg-type] # that is the test
    with pytest.raises(InputError, match=r"1\.5"):
        distribution.ppf(1.5)
    with pytest.raises(InputError, match=r"-0\.1"):
        distribution.ppf([0.5, -0.1])
    with pytest.raises(InputError, match="hazard"):
        distribution.current_at_hazard(-1.0)
    with pytest.raises(InputError, match="Junction"):
        SwitchingDistribution("junction", 0.1, 1e-3)  # type: ignore[arg-type] # that is the test


@pytest.mark.parametrize(("model", "temperature"), [(PeriodicBounce(), 0.1), (QuantumCorrectedThermal(), 0.02)])
def test_a_formula_that_ends_within_the_ramp_is_refused_with_a_way_out(
    model: PeriodicBounce | QuantumCorrectedThermal, temperature: float
) -> None:
    with pytest.raises(InputError, match=r"has no rate .* take a model that covers it"):
        SwitchingDistribution(JUNCTION, temperature, 1e-3, model)


def test_wrapped_models_warn_about_what_is_inside() -> None:
    cold = SwitchingDistribution(JUNCTION, 0.0, 1e-3, NoiseTemperature(TransitionState(), 0.03))
    assert any("T/T0" in sentence for sentence in cold.warnings)
    assert SwitchingDistribution(JUNCTION, 0.0, 1e-3, NoiseTemperature(Escape(), 0.0)).warnings == ()
    undamped = SwitchingDistribution(JUNCTION, 0.0, 1e-3, Retrapping(Escape(), 1e-6))
    assert any("zero-bias Q" in sentence for sentence in undamped.warnings)


@pytest.mark.parametrize("ramp_rate", [1e-9, 1e-6, 1.0, 1e3])
@pytest.mark.parametrize("temperature", [0.0, 0.05, 1.0])
def test_the_slowest_and_the_fastest_ramps_are_resolved(ramp_rate: float, temperature: float) -> None:
    distribution = SwitchingDistribution(JUNCTION, temperature, ramp_rate)
    mean, std = direct_moments(JUNCTION, temperature, ramp_rate, Escape(), 0.0)[:2]
    assert distribution.mean == pytest.approx(mean, rel=1e-12)
    assert distribution.std == pytest.approx(std, rel=1e-8)


def direct_moments(
    junction: Junction, temperature: float, ramp_rate: float, model: Escape | Kramers, start: float
) -> tuple[float, float, float, float, float]:
    """Return mean, width, skewness, kurtosis and survivors by brute force: 2000 panels, none of them adapted."""
    critical = junction.critical_current
    length = (critical - start) / critical
    nodes, weights = np.polynomial.legendre.leggauss(20)
    edges = np.linspace(-70.0, 37.0, 2001)  # in ln(y/x), y from the start and x from Ic in units of Ic
    half = 0.5 * np.diff(edges)[:, None]
    z = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * nodes
    x, y = length / (1.0 + np.exp(z)), length / (1.0 + np.exp(-z))
    log_rate = np.stack([model.log_rate(junction, one_minus_s=row, temperature=temperature) for row in x.T]).T
    if start < 0.0:
        back = np.stack(
            [model.log_rate(junction, one_minus_s=2.0 - length + row, temperature=temperature) for row in y.T]
        ).T
        log_rate = np.logaddexp(log_rate, back)
    density = np.exp(np.minimum(log_rate + math.log(critical / ramp_rate), 500.0)) * x * y / length
    inverse = np.linalg.inv(np.polynomial.legendre.legvander(nodes, 19))
    integral = np.stack([np.polynomial.legendre.legint(column, lbnd=-1) for column in inverse.T], axis=1)
    within = half * (density @ (np.polynomial.legendre.legvander(nodes, 20) @ integral).T)
    total = np.concatenate([[0.0], np.cumsum(half[:, 0] * (density @ weights))])
    mass = (half * weights * density * np.exp(-(total[:-1, None] + within))).ravel()
    survivors = math.exp(-min(float(total[-1]), 700.0))
    mass, x, y = np.append(mass, survivors), np.append(x, 0.0), np.append(y, length)
    mass /= mass.sum()
    near = mass @ x < mass @ y
    distance = mass @ x - x if near else y - mass @ y
    mean = critical * (1.0 - mass @ x) if near else start + critical * (mass @ y)
    second, third, fourth = (float(mass @ distance**power) for power in (2, 3, 4))
    return float(mean), critical * math.sqrt(second), third / second**1.5, fourth / second**2, survivors


@pytest.mark.shown(8)
@pytest.mark.parametrize("seed", range(24))
def test_moments_of_random_junctions_agree_with_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    critical, capacitance, quality = 10.0 ** rng.uniform([-8.0, -15.0, -1.0], [-3.0, -9.0, 3.0])
    bare = Junction(critical, capacitance)
    junction = Junction(critical, capacitance, quality / (bare.zero_bias_plasma_frequency * capacitance))
    temperature = float(rng.choice([0.0, 10.0 ** rng.uniform(-3.0, 1.0)]))
    ramp_rate, start = 10.0 ** rng.uniform(-9.0, 3.0), critical * float(rng.choice([0.0, rng.uniform(-0.95, 0.95)]))
    distribution = SwitchingDistribution(junction, temperature, ramp_rate, Escape(), start)
    expected = direct_moments(junction, temperature, ramp_rate, Escape(), start)
    assert distribution.mean == pytest.approx(expected[0], abs=1e-8 * expected[1], rel=1e-14)
    assert distribution.std == pytest.approx(expected[1], rel=1e-8)
    assert distribution.skewness == pytest.approx(expected[2], rel=1e-8, abs=1e-8)
    assert distribution.kurtosis == pytest.approx(expected[3], rel=1e-8)
    assert distribution.survivor_mass == pytest.approx(expected[4], abs=1e-9)


def test_sampling_takes_its_memory_in_chunks() -> None:
    n = 2_000_000
    for distribution in (
        SwitchingDistribution(JUNCTION, 0.1, 1e-3),
        SwitchingDistribution(JUNCTION, 0.1, -1e-3, current_noise=1e-8),
    ):
        distribution.sample(1, np.random.default_rng(0))  # builds the table
        tracemalloc.start()
        distribution.sample(n, np.random.default_rng(0))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * n + 4e6  # the result, and 4 MB


def test_a_distribution_can_be_sent_to_another_process() -> None:
    for distribution in (
        SwitchingDistribution(JUNCTION, 0.1, SampledRamp([0.0, 1.0], [0.0, -9.489e-6]), current_noise=1e-12),
        SwitchingDistribution(JUNCTION, 0.1, -1e-3, current_noise=1e-8),
        SwitchingDistribution(JUNCTION, 0.1, 1e-3),
    ):
        distribution.sample(10, np.random.default_rng(0))
        distribution.pdf([9.3e-6])
        copy = pickle.loads(pickle.dumps(distribution))
        assert copy.mean == distribution.mean
        np.testing.assert_array_equal(copy.pdf([9.3e-6]), distribution.pdf([9.3e-6]))
