"""Offset current from two polarities, and heating from two duty cycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mqtctl.analysis.sweep.heating import compare_duty_cycles
from mqtctl.analysis.sweep.polarity import offset_current, without_offset
from mqtctl.physics import Junction, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
OFFSET = 20e-9


def histogram(polarity: int, seed: int, *, temperature: float = 0.1, point: int = 0, rate: float = 1e-3) -> Histogram:
    law = SwitchingDistribution(JUNCTION, temperature, rate)
    nominal = law.sample(2000, np.random.default_rng(seed)) - polarity * OFFSET
    ramp = MeasuredRamp(0.0, 9.8e-6, rate, 0.0125, 0.0)
    return Histogram(nominal, nominal / rate, ramp, 0, temperature, polarity=polarity, point=point)


def test_the_offset_between_polarities_is_found_and_taken_out() -> None:
    pairs = [histogram(p, 10 * k + p + 1, point=k, temperature=0.1 * (k + 1)) for k in range(3) for p in (1, -1)]
    found = offset_current(pairs)
    assert found is not None
    assert found.pairs == 3
    assert found.current == pytest.approx(OFFSET, abs=4 * found.stderr)
    assert found.stderr < 0.3e-9
    centred = without_offset(Sweep(tuple(pairs), JunctionEstimate(9.5e-6, 6.35e-12, 190.0)), found.current)
    left = offset_current(centred.histograms)
    assert left is not None
    assert abs(left.current) < 1e-15
    # the ramp agrees with the currents: what the intervals give is what is stored
    shifted = centred.histograms[1]
    assert np.allclose(shifted.ramp.current(shifted.intervals), shifted.switching_currents, rtol=0, atol=1e-18)


def test_one_polarity_has_no_offset_to_tell() -> None:
    assert offset_current([histogram(1, 1), histogram(1, 2, point=1)]) is None


def test_histograms_of_different_rate_are_no_partners() -> None:
    assert offset_current([histogram(1, 1), histogram(-1, 2, rate=3e-4)]) is None


def test_a_warmer_junction_at_the_larger_duty_cycle_is_called_heated() -> None:
    cold, warm = histogram(1, 1, temperature=0.1), histogram(1, 2, temperature=0.11)
    slower = replace(cold, ramp=replace(cold.ramp, period=0.05))
    check = compare_duty_cycles(warm, slower)
    assert check is not None
    assert check.heated
    assert check.mean_shift < 0 < check.width_ratio - 1
    same = compare_duty_cycles(histogram(1, 3, temperature=0.1), slower)
    assert same is not None
    assert not same.heated


def test_too_few_switches_say_nothing_about_heating() -> None:
    full = histogram(1, 1)
    empty = replace(full, switching_currents=full.switching_currents[:1], intervals=full.intervals[:1])
    assert compare_duty_cycles(full, empty) is None
