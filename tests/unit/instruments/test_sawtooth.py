"""A ramp becomes a staircase whose mean is the ramp."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtctl.errors import InputError
from mqtctl.instruments.ramp.sawtooth import sawtooth
from mqtctl.instruments.roles.experiment import RampProgram


def ramp(start: float = 0.0, stop: float = 10e-6, rise: float = 0.9e-3, period: float = 1e-3) -> RampProgram:
    return RampProgram(start, stop, (stop - start) / rise, period)


def test_a_ramp_from_zero_begins_and_rests_at_zero() -> None:
    wave = sawtooth(ramp(), 10_000, 1e7)
    assert wave.samples.size == 10_000
    assert wave.rise_points == 9000
    assert (wave.offset, wave.amplitude) == (5e-6, 5e-6)
    assert wave.samples[0] == -1
    np.testing.assert_array_equal(wave.samples[9200:], -1.0)
    assert np.all(np.diff(wave.samples[: wave.rise_points]) > 0)
    assert np.all(np.diff(wave.samples[9000:9200]) < 0)


@pytest.mark.parametrize(("start", "stop"), [(8e-6, 10e-6), (-2e-6, 10e-6), (-8e-6, -10e-6), (10e-6, 2e-6)])
def test_between_ramps_it_rests_at_zero_so_that_the_junction_retraps(start: float, stop: float) -> None:
    wave = sawtooth(ramp(start, stop), 1000, 1e7)
    current = wave.offset + wave.amplitude * wave.samples
    assert current[0] == pytest.approx(start, rel=1e-12)
    rest = current[wave.rise_points :]
    assert rest.size == 100
    assert np.count_nonzero(np.abs(rest) < 1e-18) >= 40  # of 100 points: 20 down, 40 settling at the start
    assert wave.settling_points == 40
    assert wave.settling_time == pytest.approx(40e-6)
    np.testing.assert_allclose(rest[-40:], start, rtol=1e-12)
    assert rest[-1] == pytest.approx(start, rel=1e-12)
    assert np.abs(current).max() <= max(abs(start), abs(stop)) * (1 + 1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_retrapping_ramp_waits_at_the_top_and_falls_to_zero(sign: int) -> None:
    wave = sawtooth(ramp(sign * 9.8e-6, 0.0), 10_000, 1e7)
    current = sign * (wave.offset + wave.amplitude * wave.samples)
    fall, rest = current[: wave.rise_points], current[wave.rise_points :]
    assert fall[0] == pytest.approx(9.8e-6, rel=1e-12)
    assert np.all(np.diff(fall) < 0)
    assert 0 <= fall[-1] < 1e-9
    # no glitch between the fall and the jump: zero, then the start current for most of the rest
    at_zero = int(np.count_nonzero(np.abs(rest) < 1e-18))
    np.testing.assert_allclose(rest[:at_zero], 0.0, atol=1e-18)
    np.testing.assert_allclose(rest[at_zero:], 9.8e-6, rtol=1e-12)
    assert wave.settling_time == pytest.approx(0.9e-4, rel=0.01)


def test_a_ramp_from_zero_has_settled_all_the_rest_long() -> None:
    assert sawtooth(ramp(), 10_000, 1e7).settling_points == 800


def test_each_step_of_the_rise_lies_around_the_straight_line_without_lag() -> None:
    program = ramp(start=2e-6)
    wave = sawtooth(program, 10_000, 1e7)
    current = wave.offset + wave.amplitude * wave.samples[: wave.rise_points]
    middle = (np.arange(wave.rise_points) + 0.5) * program.period / wave.samples.size
    line = program.start_current + program.rate * middle
    # from the second sample on; rounding of doubles
    assert np.max(np.abs(current[1:] - line[1:])) < 1e-12 * program.stop_current
    assert line[0] - current[0] == pytest.approx(0.5 * (line[1] - line[0]), rel=1e-6)


def test_a_ramp_towards_negative_currents_is_the_mirror_image() -> None:
    rising, falling = sawtooth(ramp(), 1000, 1e7), sawtooth(ramp(stop=-10e-6), 1000, 1e7)
    np.testing.assert_allclose(falling.samples, -rising.samples, rtol=0, atol=1e-15)
    assert falling.amplitude == rising.amplitude
    program = falling.program(falling.offset, falling.amplitude, falling.frequency)
    assert program.stop_current == -10e-6
    assert program.rate < 0


def test_a_fast_ramp_gets_no_more_steps_than_the_source_can_make() -> None:
    assert sawtooth(ramp(rise=0.18e-3, period=0.2e-3), 10_000, 1e7).samples.size == 2000
    assert sawtooth(ramp(), 10_000, 1e7).samples.size == 10_000  # exactly at the limit


@given(
    start=st.floats(-1e-4, 1e-4),
    span=st.one_of(st.floats(1e-9, 1e-4), st.floats(-1e-4, -1e-9)),
    fraction=st.floats(0.1, 0.95),
    period=st.floats(1e-4, 100.0),
    points=st.integers(200, 65536),
)
def test_the_ramp_comes_back_from_its_wave_and_never_leaves_its_bounds(
    start: float, span: float, fraction: float, period: float, points: int
) -> None:
    program = ramp(start, start + span, fraction * period, period)
    wave = sawtooth(program, points, 1e7)
    assert np.all(np.abs(wave.samples) <= 1)
    back = wave.program(wave.offset, wave.amplitude, wave.frequency)
    size = max(abs(start), abs(span))
    assert back.start_current == pytest.approx(program.start_current, abs=1e-12 * size)
    assert back.stop_current == pytest.approx(program.stop_current, abs=1e-12 * size)
    assert back.period == pytest.approx(program.period, rel=1e-12)
    # the rise is rounded to whole steps: half a step of 0.1 x 200 at worst
    assert back.rate == pytest.approx(program.rate, rel=0.51 / wave.rise_points)
    current = wave.offset + wave.amplitude * wave.samples
    low, _, high = sorted((program.start_current, 0.0, program.stop_current))
    low, high = min(low, 0.0), max(high, 0.0)
    assert low - 1e-12 * size <= current.min()
    assert current.max() <= high + 1e-12 * size


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (RampProgram(0.0, 0.0, 1e-3, 1e-3), "never leads"),
        (RampProgram(0.0, 1e-5, -1e-3, 1.0), "never leads"),
        (RampProgram(0.0, 1e-5, 0.0, 1.0), "never leads"),
        (RampProgram(0.0, 1e-5, 1e-2, 1e-3), "shorter than the period"),
        (RampProgram(0.0, math.nan, 1e-2, 1e-3), "finite"),
        (RampProgram(0.0, 1e-5, 1e-2, math.inf), "finite"),
        (RampProgram(0.0, 1e-5, 1e-5 / 0.99999e-3, 1e-3), "no time to return"),
        (RampProgram(0.0, 1e-5, 1e-5 / 1e-6, 1e-3), "steps"),
        (RampProgram(0.0, 1e-5, 1e-5 / 9e-7, 1e-6), "steps"),
    ],
)
def test_what_is_no_ramp_is_refused_in_one_sentence(program: RampProgram, words: str) -> None:
    with pytest.raises(InputError, match=words):
        sawtooth(program, 10_000, 1e7)
