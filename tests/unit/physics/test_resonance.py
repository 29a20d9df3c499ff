"""Exact metastable levels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.constants import hbar, k

from mqtctl.errors import InputError
from mqtctl.physics import (
    CubicWell,
    Junction,
    Tunneling,
    WashboardWell,
    metastable_levels,
    undamped_thermal_log_rate,
    well_levels,
)


def test_a_washboard_close_to_the_critical_current_has_the_levels_of_the_cubic_well() -> None:
    cubic, washboard = well_levels(CubicWell(3.0)), well_levels(WashboardWell(3.0, 0.9999))
    for one, other in zip(cubic, washboard, strict=True):
        assert other.energy == pytest.approx(one.energy, abs=1e-5)
        assert other.log_decay_rate == pytest.approx(one.log_decay_rate, abs=1e-3)


def test_the_full_washboard_decays_more_slowly_by_a_factor_computed_apart() -> None:
    # full / cubic at equal N = 5; the numbers were computed apart from this package, where they were published is open
    for bias, ratio in ((0.9, 0.9950 - 0.0), (0.7, 0.945)):
        cubic = well_levels(CubicWell(5.0), 1)[0].log_decay_rate
        full = well_levels(WashboardWell(5.0, bias), 1)[0].log_decay_rate
        assert math.exp(full - cubic) == pytest.approx(ratio, abs=6e-4)


@pytest.mark.slow
def test_levels_follow_second_order_perturbation_at_a_high_barrier() -> None:
    quanta = 30.0
    levels = well_levels(CubicWell(quanta), 3)
    for n, level in enumerate(levels):
        second_order = n + 0.5 - (30.0 * n * n + 30.0 * n + 11.0) / (432.0 * quanta)
        assert level.energy == pytest.approx(second_order, abs=3e-3)


def test_junction_levels_are_in_si_units_and_describe_spectroscopy() -> None:
    junction = Junction(9.489e-6, 6.35e-12, 190.0)
    levels = metastable_levels(junction, one_minus_s=0.012)
    quanta = float(junction.barrier_quanta(one_minus_s=0.012))
    assert levels.count == 3
    assert levels.barrier == pytest.approx(float(junction.barrier(one_minus_s=0.012)))
    assert np.all(np.diff(levels.energies) > 0.0)
    assert np.all(np.diff(levels.log_decay_rates) > 0.0)
    # perturbation theory gives .950 wp here, the exact levels 1.1 % less, as at N = 3
    ratio = levels.transition_frequency / levels.plasma_frequency
    assert ratio == pytest.approx(1.0 - 5.0 / (36.0 * quanta), rel=0.015)
    assert levels.energies[0] < 0.5 * hbar * levels.plasma_frequency
    undamped = Junction(9.489e-6, 6.35e-12)
    standard = float(Tunneling().log_rate(undamped, one_minus_s=0.012))
    assert levels.log_decay_rates[0] - standard == pytest.approx(-169.0 / (864.0 * quanta), abs=0.01)


def test_the_thermal_average_tends_to_the_ground_state_and_rises_with_temperature() -> None:
    junction = Junction(9.489e-6, 6.35e-12)
    levels = metastable_levels(junction, one_minus_s=0.012, potential="cubic")
    assert float(levels.log_thermal_rate(0.0)) == levels.log_decay_rates[0]
    rates = np.asarray(levels.log_thermal_rate(np.linspace(0.0, 0.03, 20)))
    assert rates.shape == (20,)
    assert np.all(np.diff(rates) >= 0.0)
    two = levels.energies[1] - levels.energies[0]
    cold = float(levels.log_thermal_rate(0.005))
    expected = math.log1p(math.exp(levels.log_decay_rates[1] - levels.log_decay_rates[0] - two / (k * 0.005)))
    assert cold - levels.log_decay_rates[0] == pytest.approx(expected, abs=1e-3)


def test_there_are_no_levels_without_a_well_and_none_are_invented() -> None:
    junction = Junction(1e-6, 1e-13)
    empty = metastable_levels(junction, 1.1e-6)
    assert empty.count == 0
    assert math.isnan(empty.transition_frequency)
    assert float(empty.log_thermal_rate(0.1)) == -math.inf
    assert metastable_levels(junction, one_minus_s=1e-4).count == 0  # N = 3e-4
    with pytest.raises(InputError, match="above zero"):
        metastable_levels(junction, 0.0)
    with pytest.raises(InputError, match="above zero"):
        metastable_levels(junction, math.nan)
    with pytest.raises(InputError, match="quanta"):
        metastable_levels(Junction(1e-3, 1e-9), 0.5e-3)
    with pytest.raises(InputError, match="potential"):
        metastable_levels(junction, 0.9e-6, potential="quartic")  # type: ignore[arg-type] # that is the test


def test_only_the_lowest_levels_are_computed_if_asked() -> None:
    assert metastable_levels(Junction(9.489e-6, 6.35e-12), one_minus_s=0.03, most=2).count == 2


def test_wells_and_biases_that_make_no_sense_are_named() -> None:
    for height in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="height"):
            CubicWell(height)
        with pytest.raises(InputError, match="height"):
            WashboardWell(height, 0.5)
    for bias in (0.0, 0.05, 1.0, 1.2, math.nan):  # at 0.05 the next wells' own levels came out as duplicates
        with pytest.raises(InputError, match="bias"):
            WashboardWell(2.0, bias)
    junction = Junction(9.489e-6, 6.35e-12)
    with pytest.raises(InputError, match="one bias current"):
        metastable_levels(junction, [9.3e-6, 9.4e-6])  # type: ignore[arg-type] # that is the test
    with pytest.raises(InputError, match="most"):
        metastable_levels(junction, 9.4e-6, most=-1)
    with pytest.raises(InputError, match=r"0\.1 Ic"):
        metastable_levels(Junction(1e-8, 1e-14), 0.05e-8)
    assert metastable_levels(junction, 9.4e-6, most=0).count == 0
    assert metastable_levels(junction, math.inf).count == 0


@pytest.mark.slow
def test_levels_are_distinct_down_to_the_lowest_bias() -> None:
    for bias in (0.1, 0.25):
        energies = [level.energy for level in well_levels(WashboardWell(2.0, bias))]
        assert len(energies) == 2
        assert energies[1] - energies[0] > 0.8


def test_the_uniform_wkb_rate_neither_overflows_nor_accepts_nonsense() -> None:
    assert undamped_thermal_log_rate(2.0, 0.13) < undamped_thermal_log_rate(2.0, 0.16)
    assert math.isfinite(undamped_thermal_log_rate(300.0, 0.1))
    for quanta, thermal in ((0.0, 0.1), (2.0, 0.0), (2.0, -1.0), (2.0, 1e-3), (math.nan, 0.1), (2.0, math.inf)):
        with pytest.raises(InputError, match="quanta"):
            undamped_thermal_log_rate(quanta, thermal)
