"""The junction and its washboard: exactness near Ic, both directions, wrong input."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
from scipy.constants import hbar, k

from mqtctl.errors import InputError
from mqtctl.physics import Junction, metastable_levels

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)


def test_barrier_keeps_full_relative_precision_down_to_one_part_in_1e12() -> None:
    x = np.geomspace(1e-12, 1e-3, 40)
    series = 4.0 * math.sqrt(2.0) / 3.0 * x**1.5 * (1.0 + x / 20.0 + 9.0 * x**2 / 1120.0)
    # the next term of the series is 1e-3 x^3 relative
    np.testing.assert_allclose(JUNCTION.barrier(one_minus_s=x) / JUNCTION.josephson_energy, series, rtol=2e-12)


def test_barrier_agrees_with_the_textbook_form_where_that_has_digits() -> None:
    s = np.linspace(-0.99, 0.9, 50)
    textbook = 2.0 * (np.sqrt(1.0 - s**2) - s * np.arccos(s))
    got = JUNCTION.barrier(s * JUNCTION.critical_current) / JUNCTION.josephson_energy
    np.testing.assert_allclose(got, textbook, rtol=1e-12)


def test_the_two_barriers_differ_by_the_tilt_of_one_period() -> None:
    current = np.linspace(-9e-6, 9e-6, 19)
    tilt = 2.0 * np.pi * JUNCTION.josephson_energy * current / JUNCTION.critical_current
    np.testing.assert_allclose(
        JUNCTION.reverse_barrier(current) - JUNCTION.barrier(current), tilt, rtol=1e-9, atol=1e-33
    )


def test_there_is_no_well_at_and_beyond_the_critical_current() -> None:
    current = np.array([-1.0, 1.0, 1.5, -2.0, np.inf]) * JUNCTION.critical_current
    np.testing.assert_array_equal(JUNCTION.plasma_frequency(current), 0.0)
    np.testing.assert_array_equal(JUNCTION.barrier(current)[1:3], 0.0)
    np.testing.assert_array_equal(JUNCTION.barrier_quanta(current), 0.0)
    np.testing.assert_array_equal(JUNCTION.crossover_temperature(current), 0.0)
    assert metastable_levels(JUNCTION, 1.2 * JUNCTION.critical_current).count == 0


def test_the_three_crossover_temperatures_stand_in_their_known_ratios() -> None:
    undamped = JUNCTION.crossover_temperature(9.4e-6, definition="undamped")
    assert JUNCTION.crossover_temperature(9.4e-6, definition="rate") / undamped == pytest.approx(5.0 * math.pi / 18.0)
    quality = float(JUNCTION.quality_factor(9.4e-6))
    factor = math.sqrt(1.0 + 0.25 / quality**2) - 0.5 / quality
    assert JUNCTION.crossover_temperature(9.4e-6) / undamped == pytest.approx(factor, rel=1e-12)


def test_strong_damping_keeps_its_digits() -> None:
    junction = Junction(1e-6, 1e-12, 1e-6)  # Q = 5e-8
    rate = junction.damping_rate
    expected = float(junction.plasma_frequency(0.5e-6)) ** 2 / rate
    assert float(junction.barrier_escape_frequency(0.5e-6)) == pytest.approx(expected, rel=1e-12)


def test_an_undamped_junction_has_infinite_quality_and_never_retraps() -> None:
    junction = Junction(1e-6, 1e-13)
    assert junction.damping_rate == 0.0
    assert math.isinf(float(junction.quality_factor(0.5e-6)))
    assert junction.retrapping_current == 0.0


def test_an_overdamped_junction_retraps_at_its_critical_current() -> None:
    assert Junction(1e-6, 1e-13, 1.0).retrapping_current == 1e-6
    hysteretic = Junction(1e-6, 1e-13, 1000.0)
    assert hysteretic.retrapping_current == pytest.approx(4e-6 / (math.pi * hysteretic.zero_bias_quality_factor))


def test_methods_broadcast_and_give_scalars_for_scalars() -> None:
    assert np.shape(JUNCTION.barrier(np.full((3, 2), 9e-6))) == (3, 2)
    assert np.ndim(JUNCTION.barrier(9e-6)) == 0
    assert math.isnan(float(JUNCTION.barrier(math.nan)))
    assert math.isnan(float(JUNCTION.barrier_quanta(math.nan)))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0.0, 1e-12), "critical_current"),
        ((-1e-6, 1e-12), "critical_current"),
        ((math.nan, 1e-12), "critical_current"),
        ((math.inf, 1e-12), "critical_current"),
        ((1e-6, 0.0), "capacitance"),
        ((1e-6, math.inf), "capacitance"),
        ((1e-6, 1e-12, 0.0), "resistance"),
        ((1e-6, 1e-12, math.nan), "resistance"),
    ],
)
def test_a_value_out_of_range_is_named(arguments: tuple[float, ...], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Junction(*arguments)


def test_the_bias_must_be_given_once() -> None:
    with pytest.raises(InputError, match="exactly one"):
        JUNCTION.barrier()
    with pytest.raises(InputError, match="exactly one"):
        JUNCTION.barrier(1e-6, one_minus_s=0.1)
    with pytest.raises(InputError, match="definition"):
        JUNCTION.crossover_temperature(9e-6, definition="other")  # type: ignore[arg-type] # that is the test


def exact_barrier(distance: float) -> Decimal:
    """Return dU/E_J to 40 digits: the integral of 2 acos(1 - x), whose series in x converges for x < 2."""
    x, term, total = Decimal(distance), Decimal(1), Decimal(0)
    for order in range(4000):
        # acos(1 - x) = (2x)^(1/2) sum_k (2k)! / (8^k k!^2 (2k+1)) x^k
        total += term / (2 * order + 1) / (order + Decimal("1.5"))
        term *= Decimal(2 * order + 1) / (4 * order + 4) * x
        if term < Decimal("1e-45"):
            break
    return 2 * Decimal(2).sqrt() * x * x.sqrt() * total


@pytest.mark.parametrize("x", [1e-100, 1e-30, 1e-12, 3.3e-10, 1e-7, 1e-4, 0.01, 0.1, 0.5, 1.0, 1.5, 1.9])
def test_every_property_of_the_well_has_full_relative_precision(x: float) -> None:
    getcontext().prec = 250  # the difference of growth rates at x = 1e-100 cancels 90 digits
    distance = Decimal(x)
    energy, frequency = Decimal(JUNCTION.josephson_energy), Decimal(JUNCTION.zero_bias_plasma_frequency)
    barrier = energy * exact_barrier(x)
    plasma = frequency * (distance * (2 - distance)).sqrt().sqrt()
    damping = Decimal(JUNCTION.damping_rate)
    growth = (plasma * plasma + damping * damping / 4).sqrt() - damping / 2
    quantum, boltzmann, pi = Decimal(hbar), Decimal(k), Decimal("3.14159265358979323846264338327950288419716939937511")
    quality = plasma * Decimal(JUNCTION.resistance) * Decimal(JUNCTION.capacitance)
    expected = {
        "barrier": barrier,
        "plasma_frequency": plasma,
        "barrier_quanta": barrier / (quantum * plasma),
        "quality_factor": quality,
        "barrier_escape_frequency": growth,
        "crossover_temperature": quantum * growth / (2 * pi * boltzmann),
    }
    for name, value in expected.items():
        got = float(getattr(JUNCTION, name)(one_minus_s=x))
        # a dozen operations of 1.1e-16 each
        assert abs(Decimal(got) / value - 1) < Decimal("2e-15"), name


def test_the_reverse_barrier_is_exact_close_to_minus_ic() -> None:
    critical = JUNCTION.critical_current
    current = -critical * (1.0 - 1e-9)
    mirrored = float(JUNCTION.barrier(-current))
    assert float(JUNCTION.reverse_barrier(current)) == mirrored
    # x = 2 - 1e-9 keeps seven digits of the distance from -Ic
    assert float(JUNCTION.reverse_barrier(one_minus_s=2.0 - 1e-9)) == pytest.approx(mirrored, rel=1e-6)


def test_the_cubic_approximation_ends_with_the_well_and_its_name_is_checked() -> None:
    for current in (-1.0, -1.5, 1.0, 1.5):
        assert float(JUNCTION.barrier(current * JUNCTION.critical_current, shape="cubic")) == 0.0
        assert float(JUNCTION.plasma_frequency(current * JUNCTION.critical_current, shape="cubic")) == 0.0
    for method in (JUNCTION.barrier, JUNCTION.plasma_frequency):
        with pytest.raises(InputError, match="shape is 'quartic'"):
            method(9e-6, shape="quartic")  # type: ignore[arg-type] # that is the test


def test_arrays_of_mixed_validity_are_answered_element_by_element_without_warnings() -> None:
    current = np.array([[math.nan, math.inf, -math.inf], [9.489e-6, -9.489e-6, 9.4e-6]])
    for junction in (JUNCTION, Junction(9.489e-6, 6.35e-12), Junction(9.489e-6, 6.35e-12, 1e-9)):
        for name in (
            "barrier",
            "reverse_barrier",
            "plasma_frequency",
            "barrier_quanta",
            "barrier_escape_frequency",
            "crossover_temperature",
            "transition_frequency",
        ):
            value = getattr(junction, name)(current)
            assert value.shape == (2, 3)
            assert math.isnan(value[0, 0]), name
            if "barrier" not in name or name == "barrier_quanta" or name == "barrier_escape_frequency":
                np.testing.assert_array_equal(value[[0, 0, 1, 1], [1, 2, 0, 1]], 0.0, err_msg=name)
            assert value[1, 2] > 0.0, name
        assert math.isnan(junction.quality_factor(current)[0, 0])
    assert JUNCTION.barrier([9, 8]).shape == (2,)
    assert np.ndim(JUNCTION.barrier(0)) == 0
    assert JUNCTION.barrier([]).shape == (0,)


@pytest.mark.parametrize("value", ["9.5 uA", None, [1e-6, 2e-6]])
def test_what_is_no_number_is_named(value: object) -> None:
    with pytest.raises(InputError, match=r"critical_current is .* one number, in A"):
        Junction(value, 1e-12)  # type: ignore[arg-type] # that is the test
