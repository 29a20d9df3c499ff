"""The joined rate: limits, smoothness, and the undamped yardsticks."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from mqtctl.errors import InputError
from mqtctl.physics import (
    CrossoverFormula,
    CubicWell,
    Escape,
    Junction,
    Kramers,
    MelnikovMeshkov,
    PeriodicBounce,
    QuantumCorrectedThermal,
    Tunneling,
    solve_bounce,
    undamped_thermal_log_rate,
    well_levels,
)
from mqtctl.physics.bounce.table import bounce_at
from mqtctl.physics.models.depletion import log_loss
from mqtctl.physics.models.thermal import log_depletion_factor

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
JUNCTIONS = [
    JUNCTION,
    Junction(9.489e-6, 6.35e-12),
    Junction(2.4873e-5, 4.28e-12, 9.3),
    Junction(1e-6, 1e-13, 20.0),
    Junction(1e-7, 1e-14, 1e4),
]


def distance_at(junction: Junction, quanta: float) -> float:
    """Return x where the barrier has this many quanta."""
    return float(brentq(lambda x: float(junction.barrier_quanta(one_minus_s=x)) - quanta, 1e-6, 1.5, xtol=1e-15))


cubic_levels = functools.cache(lambda quanta: well_levels(CubicWell(quanta)))


def in_plasma_units(junction: Junction, x: float, ratio: float) -> float:
    """Return ln(Gamma/wp) of the joined rate at T = ratio T0."""
    temperature = ratio * float(junction.crossover_temperature(one_minus_s=x))
    rate = float(Escape().log_rate(junction, one_minus_s=x, temperature=temperature))
    return rate - math.log(float(junction.plasma_frequency(one_minus_s=x)))


@pytest.mark.parametrize("junction", JUNCTIONS)
def test_it_is_tunnelling_at_zero_and_at_high_temperature_the_turnover_or_kramers(junction: Junction) -> None:
    x = distance_at(junction, 3.0)
    cold = float(Escape().log_rate(junction, one_minus_s=x, temperature=0.0))
    assert cold == pytest.approx(float(Tunneling().log_rate(junction, one_minus_s=x)), abs=1e-12)
    for hot in (1e3, 1e5):
        temperature = hot * float(junction.crossover_temperature(one_minus_s=x, definition="undamped"))
        turnover = MelnikovMeshkov(finite_barrier=True) if math.isfinite(junction.resistance) else Kramers()
        for model, classical in ((Escape(depletion=False), Kramers()), (Escape(), turnover)):
            got, wanted = (
                float(m.log_rate(junction, one_minus_s=x, temperature=temperature)) for m in (model, classical)
            )
            # 1/(12 tau^2) is left, tau = hot/(2 pi), in strong damping a logarithm times g/nu; besides D is below 1e-3
            assert got == pytest.approx(wanted, abs=50.0 / hot + (0.01 if model.depletion else 0.0))


@pytest.mark.shown(15)
@pytest.mark.parametrize("quanta", [2.0, 2.5, 3.0, 5.0])
@pytest.mark.parametrize("ratio", [0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0, 3.0])
def test_through_the_crossover_it_is_within_a_tenth_of_uniform_wkb(quanta: float, ratio: float) -> None:
    junction = JUNCTIONS[1]
    got = in_plasma_units(junction, distance_at(junction, quanta), ratio)
    assert got == pytest.approx(undamped_thermal_log_rate(quanta, ratio / (2.0 * math.pi)), abs=0.1)


@pytest.mark.shown(9)
@pytest.mark.parametrize("quanta", [1.8, 2.0, 2.2, 2.5, 3.0, 5.0])
@pytest.mark.parametrize("ratio", [1e-3, 0.3, 0.5, 0.6, 0.7, 0.8])
def test_below_the_crossover_it_is_within_a_tenth_of_the_average_over_exact_levels(quanta: float, ratio: float) -> None:
    junction = JUNCTIONS[1]
    got = in_plasma_units(junction, distance_at(junction, quanta), ratio)
    states = cubic_levels(quanta)
    inverse = 2.0 * math.pi / ratio
    weights = np.array([-inverse * (state.energy - states[0].energy) for state in states])
    rates = np.array([state.log_decay_rate for state in states])
    exact = np.logaddexp.reduce(weights + rates) - np.logaddexp.reduce(weights)
    assert got == pytest.approx(float(exact), abs=0.1)


def test_at_two_quanta_the_ground_state_decays_eleven_percent_more_slowly_than_leading_semiclassics() -> None:
    junction = JUNCTIONS[1]
    x = distance_at(junction, 2.0)
    exact = well_levels(CubicWell(2.0), 1)[0].log_decay_rate
    exact += math.log(float(junction.plasma_frequency(one_minus_s=x)))
    leading = float(Tunneling(finite_barrier="never").log_rate(junction, one_minus_s=x))
    assert leading - exact == pytest.approx(0.114, abs=2e-3)
    # where there are few quanta the next order is included by what it has grown since three: 0.033
    assert float(Tunneling().log_rate(junction, one_minus_s=x)) - exact == pytest.approx(0.081, abs=3e-3)


@pytest.mark.parametrize("quanta", [3.0, 5.0])
def test_from_three_quanta_on_the_default_is_the_published_law(quanta: float) -> None:
    for junction in JUNCTIONS:
        x = distance_at(junction, quanta)
        published = Tunneling(finite_barrier="never").log_rate(junction, one_minus_s=x)
        assert Tunneling().log_rate(junction, one_minus_s=x) == pytest.approx(float(published), abs=1e-12)
        joined = [Escape(finite_barrier=rule) for rule in ("few quanta", "never")]
        rates = [float(model.log_rate(junction, one_minus_s=x, temperature=0.02)) for model in joined]
        assert rates[0] == pytest.approx(rates[1], abs=1e-12)


def test_an_unknown_rule_for_the_next_order_is_named() -> None:
    with pytest.raises(InputError, match="finite_barrier is 'sometimes'"):
        Escape(finite_barrier="sometimes")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'few quanta', 'always', 'never'"):
        Tunneling(finite_barrier=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("junction", JUNCTIONS)
@pytest.mark.parametrize("quanta", [1.5, 3.0, 5.0])
def test_it_rises_smoothly_with_temperature(junction: Junction, quanta: float) -> None:
    x = distance_at(junction, quanta)
    crossover = float(junction.crossover_temperature(one_minus_s=x))
    temperature = np.linspace(0.0, 3.0, 3001) * crossover
    rate = np.asarray(Escape().log_rate(junction, one_minus_s=x, temperature=temperature))
    slope = np.diff(rate)
    assert slope.min() > -1e-9  # flat without damping, to the precision of the table
    # a kink of k per T0 would show as a jump of 1e-3 k from one slope to the next; curvature gives 1e-6 N per step
    assert np.max(np.abs(np.diff(slope))) < 2e-4 * max(1.0, quanta / 3.0)
    assert np.max(np.abs(np.diff(slope, 2))) < 1e-6 * quanta**1.5


@pytest.mark.parametrize("junction", JUNCTIONS)
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.9, 1.0, 1.1, 1.5, 2.0])
def test_it_rises_smoothly_with_current(junction: Junction, ratio: float) -> None:
    middle = distance_at(junction, 4.0)
    temperature = ratio * float(junction.crossover_temperature(one_minus_s=middle))
    x = np.geomspace(distance_at(junction, 7.0), distance_at(junction, 1.5), 2001)
    rate = np.asarray(Escape().log_rate(junction, one_minus_s=x, temperature=temperature))
    slope = np.diff(rate)
    assert slope.min() > 0.0
    assert np.max(np.abs(np.diff(slope, 2))) < 5e-6


def test_finite_differences_in_the_critical_current_are_clean() -> None:
    current, step = 9.35e-6, 1e-11
    shifts = np.arange(-20, 21) * step
    for temperature in (0.02, 0.03, 0.045, 0.055, 0.1):
        rates = np.array(
            [float(Escape().log_rate(Junction(9.489e-6 + d, 6.35e-12, 190.0), current, temperature)) for d in shifts]
        )
        smooth = np.polynomial.Polynomial.fit(shifts / step, rates, 3)(shifts / step)
        assert np.max(np.abs(rates - smooth)) < 1e-8


def test_the_table_agrees_with_the_bounce_it_was_made_from() -> None:
    for quality, ratio in ((40.0, 0.33), (3.0, 0.61), (0.5, 0.87), (1.3, 1.09), (0.15, 0.21)):
        bounce = solve_bounce(quality, ratio)
        damping = 1.0 / quality
        factor = 1.0 / (math.hypot(1.0, damping / 2.0) + damping / 2.0)
        table = bounce_at(np.array([factor]), np.array([ratio]))
        if ratio < 1.0:
            assert table.action[0] == pytest.approx(bounce.action, rel=1e-8)
        thermal = 2.0 * math.pi / (factor * ratio)
        assert thermal - table.root_gap[0] ** 2 == pytest.approx(bounce.action, rel=1e-7)
        assert table.log_prefactor[0] == pytest.approx(math.log(bounce.prefactor), abs=1e-5)


def test_low_temperature_enhancement_goes_as_t_squared_with_the_known_coefficient() -> None:
    # T^2 law of Grabert, Weiss and Hanggi, PRL 52, 2193 (1984) [M]: d ln G = 36 pi (N/Q) tau^2 in weak damping; the
    # ratios to it are those of `solve_bounce` at T/T0 = 0 and 0.1: 1.0506, 1.149, 1.872
    for quality, ratio in ((30.0, 1.05), (10.0, 1.15), (2.0, 1.87)):
        damping = 1.0 / quality
        factor = 1.0 / (math.hypot(1.0, damping / 2.0) + damping / 2.0)
        cold, warm = bounce_at(np.array([factor, factor]), np.array([0.0, 0.1])).action
        tau = 0.1 * factor / (2.0 * math.pi)
        assert (cold - warm) / (36.0 * math.pi * damping * tau**2) == pytest.approx(ratio, rel=0.03)


def test_the_pieces_meet_the_joined_rate_where_each_is_right() -> None:
    x, full = distance_at(JUNCTION, 5.0), Escape(depletion=False)
    crossover = float(JUNCTION.crossover_temperature(one_minus_s=x))

    def difference(model: PeriodicBounce | QuantumCorrectedThermal | CrossoverFormula, ratio: float) -> float:
        arguments = {"one_minus_s": x, "temperature": ratio * crossover}
        return float(model.log_rate(JUNCTION, **arguments)) - float(full.log_rate(JUNCTION, **arguments))

    assert difference(PeriodicBounce(), 0.6) == pytest.approx(0.0, abs=1e-3)
    assert difference(QuantumCorrectedThermal(), 1.5) == pytest.approx(0.03, abs=0.01)
    assert difference(CrossoverFormula(), 1.0) == pytest.approx(0.15, abs=0.02)
    assert math.isinf(difference(QuantumCorrectedThermal(), 1.0))
    assert math.isnan(difference(PeriodicBounce(), 1.2))


def test_the_bounce_solver_refuses_what_it_cannot_do() -> None:
    for quality, ratio in ((0.01, 0.5), (math.nan, 0.5), (1.0, 1.0), (1.0, 3.0), (1.0, -0.1)):
        with pytest.raises(InputError):
            solve_bounce(quality, ratio)


def test_depletion_gives_the_turnover_at_high_temperature_and_leaves_tunnelling_alone() -> None:
    full = Escape(depletion=False)
    x = distance_at(JUNCTION, 30.0)
    crossover = float(JUNCTION.crossover_temperature(one_minus_s=x))
    hot = float(Escape().log_rate(JUNCTION, one_minus_s=x, temperature=100.0 * crossover))
    turnover = MelnikovMeshkov(finite_barrier=True).log_rate(JUNCTION, one_minus_s=x, temperature=100.0 * crossover)
    assert hot == pytest.approx(float(turnover), abs=1e-3)
    cold = np.array([0.0, 0.3, 0.6]) * crossover
    plain = full.log_rate(JUNCTION, one_minus_s=x, temperature=cold)
    np.testing.assert_array_equal(Escape().log_rate(JUNCTION, one_minus_s=x, temperature=cold), plain)
    assert not any("energy loss" in text for text in Escape().validity(JUNCTION, 9.1e-6, 0.3).warnings)
    assert any("energy loss" in text for text in full.validity(JUNCTION, 9.1e-6, 0.3).warnings)


def test_a_junction_without_known_damping_is_taken_as_full_and_that_is_said() -> None:
    bare = Junction(9.489e-6, 6.35e-12)
    current, kelvin = 9.1e-6, 0.3
    assert Escape().log_rate(bare, current, kelvin) == Escape(depletion=False).log_rate(bare, current, kelvin)
    assert any("energy loss" in text for text in Escape().validity(bare, current, kelvin).warnings)


def test_the_quantum_turnover_is_its_integral_and_tends_to_the_classical_one() -> None:
    losses = np.array([1e-3, 0.03, 0.5, 2.0, 8.0, 40.0])
    np.testing.assert_allclose(log_loss(np.full(6, 1e-6), losses), log_depletion_factor(losses), atol=1e-3)

    def direct(ratio: float, loss: float) -> float:
        a = 2.0 * math.pi * ratio

        def quanta(t: float) -> float:
            def spectrum(y: float) -> float:
                exchanged = (math.cosh(a * y / 2.0) - math.cos(t * a * y)) / (a * y * math.sinh(a * y / 2.0))
                return 30.0 * math.pi * y**4 / math.sinh(math.pi * y) ** 2 * exchanged

            return float(quad(spectrum, 1e-9, 7.0, limit=200)[0])

        def integrand(t: float) -> float:
            return math.log(-math.expm1(-loss * quanta(t))) / (math.cosh(a * t) - math.cos(a / 2.0))

        return 2.0 * quad(integrand, 0.0, 25.0 / a, points=[0.5], limit=200, epsabs=1e-6)[0] * a * a / (4.0 * math.pi)

    for ratio, loss in ((0.3, 0.5), (0.9, 3.0), (1.3, 1.0)):
        assert float(log_loss(np.array([ratio]), np.array([loss]))[0]) == pytest.approx(direct(ratio, loss), abs=1e-4)


@pytest.mark.parametrize("quanta", [2.0, 3.0, 5.0])
def test_the_next_order_brings_the_undamped_junction_to_four_percent(quanta: float) -> None:
    junction = JUNCTIONS[1]
    x = distance_at(junction, quanta)
    crossover = float(junction.crossover_temperature(one_minus_s=x))
    frequency = math.log(float(junction.plasma_frequency(one_minus_s=x)))
    states = cubic_levels(quanta)
    energies = np.array([state.energy - states[0].energy for state in states])
    rates = np.array([state.log_decay_rate for state in states])
    for ratio in (0.01, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0):
        model = Escape(finite_barrier="always")
        got = float(model.log_rate(junction, one_minus_s=x, temperature=ratio * crossover)) - frequency
        if ratio <= 0.8:
            weights = -energies * 2.0 * math.pi / ratio
            exact = float(np.logaddexp.reduce(weights + rates) - np.logaddexp.reduce(weights))
        else:
            exact = undamped_thermal_log_rate(quanta, ratio / (2.0 * math.pi))
        assert got == pytest.approx(exact, abs=0.04)
