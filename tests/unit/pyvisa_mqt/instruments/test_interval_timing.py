"""Which edges a counter catches, against a slow and obvious reimplementation."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyvisa_mqt.instruments.counters.interval_timing import gated_periods, start_stop_intervals

NO_EDGES = np.zeros(0)


Array = NDArray[np.float64]


def grid(count: int, spacing: float) -> Array:
    return np.asarray(np.arange(count) * spacing, dtype=np.float64)


def obvious(
    starts: Array,
    stops: Array,
    armed: float,
    now: float,
    limit: int,
    timeout: float,
    dead_time: float,
    holdoff: float,
) -> tuple[list[float], float]:
    """Return (values, next arming) one reading at a time."""
    values: list[float] = []
    while len(values) < limit:
        start = next((s for s in starts if s > armed), math.inf)
        stop = next((s for s in stops if s > start + holdoff), math.inf)
        deadline = armed + timeout
        if start <= deadline and stop <= deadline and stop < math.inf:
            values.append(stop - start)
            armed = stop + dead_time
        elif deadline <= now:
            values.append(math.inf)
            armed = deadline + dead_time
        else:
            break
    return values, armed


edge_times = st.lists(st.integers(0, 400), unique=True, max_size=40).map(
    lambda ticks: np.array(sorted(ticks), dtype=float) / 8
)


@settings(max_examples=100, deadline=None)
@given(
    starts=edge_times,
    stops=edge_times,
    armed=st.integers(0, 20).map(lambda n: n / 8),
    limit=st.integers(0, 50),
    timeout=st.sampled_from([0.5, 1.0, 3.0, 10.0, math.inf]),
    dead_time=st.sampled_from([0.0, 0.125, 1.0, 2.5]),
    holdoff=st.sampled_from([0.0, 0.25, 2.0]),
)
def test_it_agrees_with_the_obvious_way(
    starts: Array, stops: Array, armed: float, limit: int, timeout: float, dead_time: float, holdoff: float
) -> None:
    # Eighths are exact in binary, so the comparison can be exact.
    expected, next_armed = obvious(starts, stops, armed, 50.0, limit, timeout, dead_time, holdoff)
    result = start_stop_intervals(
        starts, stops, armed=armed, now=50.0, limit=limit, timeout=timeout, dead_time=dead_time, holdoff=holdoff
    )
    assert result.values.tolist() == expected
    assert len(result.ends) == len(expected)
    assert result.armed == next_armed


def test_a_hundred_thousand_readings_take_well_under_a_second() -> None:
    rng = np.random.default_rng(1)
    starts = grid(100_000, 1e-3)
    every = starts + rng.uniform(1e-4, 9e-4, 100_000)
    for stops in (every, every[rng.random(100_000) < 0.9]):
        before = time.perf_counter()
        start_stop_intervals(starts, stops, armed=-1.0, now=101.0, limit=10**6, timeout=5e-3, dead_time=12e-6)
        assert time.perf_counter() - before < 0.5  # measured: 0.02 s and 0.05 s


def test_a_stop_within_the_dead_time_of_the_next_start_skips_a_ramp() -> None:
    starts = grid(6, 1e-3)
    stops = starts + 0.995e-3  # leaves 5 us, less than the dead time
    result = start_stop_intervals(starts, stops, armed=-1e-6, now=1.0, limit=10, timeout=math.inf, dead_time=12e-6)
    assert len(result.values) == 3
    assert np.allclose(result.ends, stops[::2])


def test_a_period_is_averaged_over_the_gate() -> None:
    edges = grid(1000, 1e-3)
    result = gated_periods(edges, armed=0.0, now=1.0, limit=3, timeout=math.inf, dead_time=12e-6, gate=0.0995)
    assert result.values == pytest.approx([1e-3] * 3)
    assert result.ends == pytest.approx([0.101, 0.202, 0.303])


def test_a_period_without_edges_times_out() -> None:
    result = gated_periods(NO_EDGES, armed=0.0, now=1.0, limit=3, timeout=0.4, dead_time=0.0, gate=0.1)
    assert result.values.tolist() == [math.inf, math.inf]
    assert result.armed == pytest.approx(0.8)
