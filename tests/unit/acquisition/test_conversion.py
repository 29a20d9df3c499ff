from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtctl.acquisition.conversion import convert, outcomes
from mqtctl.records import MeasuredRamp

RAMP = MeasuredRamp(start_current=1e-6, stop_current=11e-6, rate=1e-3, period=12.5e-3, delay=20e-6)


def test_an_interval_becomes_start_current_plus_rate_times_interval_less_delay() -> None:
    block = convert(np.array([5e-3]), RAMP)
    assert block.currents[0] == pytest.approx(1e-6 + 1e-3 * (5e-3 - 20e-6), rel=1e-15)
    assert block.censored == 0


def test_a_time_out_is_one_ramp_without_a_switch_and_leaves_no_interval() -> None:
    block = convert(np.array([5e-3, np.inf, 6e-3, np.inf]), RAMP)
    assert block.censored == 2
    assert block.switches == 2
    np.testing.assert_array_equal(block.intervals, [5e-3, 6e-3])


def test_an_interval_beyond_the_period_counts_the_ramps_it_spans_and_the_switch_at_its_end() -> None:
    block = convert(np.array([5e-3 + 2 * 12.5e-3]), RAMP)
    assert block.censored == 2
    assert block.currents[0] == pytest.approx(1e-6 + 1e-3 * (5e-3 - 20e-6), rel=1e-12)
    assert block.intervals[0] == 5e-3 + 2 * 12.5e-3


def test_a_switch_on_the_way_down_is_censored_at_the_top_and_keeps_its_raw_interval() -> None:
    block = convert(np.array([10.5e-3]), RAMP)
    assert block.censored == 1
    assert block.switches == 0
    assert np.isnan(block.currents[0])
    assert block.intervals[0] == 10.5e-3


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.just(np.inf), st.floats(1e-6, 50e-3)), max_size=50),
    st.integers(0, 50),
)
def test_converting_in_parts_is_converting_the_whole(readings: list[float], cut: int) -> None:
    whole = convert(np.array(readings, dtype=float), RAMP)
    parts = [convert(np.array(part, dtype=float), RAMP) for part in (readings[:cut], readings[cut:])]
    np.testing.assert_array_equal(whole.currents, np.concatenate([p.currents for p in parts]))
    assert whole.censored == sum(p.censored for p in parts)
    assert whole.switches == sum(p.switches for p in parts)


def test_a_time_out_stands_for_as_many_ramps_as_the_counter_waited_for() -> None:
    assert convert(np.array([5e-3, np.inf]), RAMP, timeout_ramps=10).censored == 10


@settings(deadline=None)
@given(st.lists(st.floats(1e-6, 10.0199e-3), min_size=1, max_size=20), st.integers(0, 20))
def test_readings_among_others_say_what_they_say_alone(switches: list[float], place: int) -> None:
    # alone they take the short way, beside a time-out the long one
    alone, empty = outcomes(np.array(switches), RAMP)
    mixed, _ = outcomes(np.insert(np.array(switches), min(place, len(switches)), np.inf), RAMP)
    np.testing.assert_array_equal(alone, mixed[np.isfinite(mixed)])
    assert not empty.any()
