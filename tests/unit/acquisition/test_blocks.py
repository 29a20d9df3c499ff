"""Whatever the sizes and delays: every reading is stored once, in order, in the block in which it came."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mqtctl.acquisition.blocks import MOST_READINGS, Pieces, block_size
from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.goal import PrecisionGoal, Standing
from mqtctl.acquisition.histogram import HistogramRequest, Tally, acquire_histogram
from mqtctl.errors import HardwareError
from mqtctl.records import JunctionEstimate, MeasuredRamp

PERIOD = 1e-3
RAMP = MeasuredRamp(0.0, 10e-6, 10e-6 / (0.8 * PERIOD), PERIOD, 0.0)


class Bench:
    """Source, counter and clock with everything that may go on between them.

    Ramp after ramp switches after an interval that no other has, or not at all; the counter gives such a ramp up
    after 1.5 periods, misses starts while it is busy, remembers `memory` readings and hands out fewer than it is
    asked for if it likes; messages take their time; the source stops early if it likes.
    """

    timeout_ramps, delay = 1, 0.0

    def __init__(self, seed: int, memory: int, empty: float, latency: float, early: float) -> None:
        self.rng = np.random.default_rng(seed)
        self.memory, self.empty, self.latency, self.early = memory, empty, latency, early
        self.time = self.began = self.ends = 0.0
        self.ready: list[tuple[float, float]] = []
        self.ramps = 0
        self.handed_out: list[float] = []
        self.trailing = 0
        self.made_at: dict[float, float] = {}
        self.asked_for_too_many = False

    def now(self) -> float:
        return self.time

    def sleep(self, duration: float) -> None:
        assert duration >= 0
        self.time += duration

    def _message(self) -> None:
        self.sleep(self.latency * float(self.rng.uniform(0.5, 2.0)))

    def start(self, cycles: int) -> None:
        self._message()
        if self.rng.random() < self.early:
            cycles = int(self.rng.integers(30, cycles))
        self.began, self.ends = self.time, self.time + cycles * PERIOD

    def running(self) -> bool:
        self._message()
        return self.time < self.ends

    def arm(self, count: int) -> None:
        self.asked_for_too_many |= count > self.memory
        self._message()
        self.ready = []
        at = self.time
        for _ in range(count):
            starts = self.began + PERIOD * math.ceil((at - self.began) / PERIOD)
            if starts >= self.ends or self.rng.random() < self.empty:
                at = starts + 1.5 * PERIOD
                self.ready.append((at, math.inf))
            else:
                self.ramps += 1
                interval = PERIOD * (0.5 + 1e-6 * self.ramps)
                at = starts + interval + float(self.rng.uniform(0.0, 0.6)) * PERIOD
                self.ready.append((starts + interval, interval))
                self.made_at[interval] = starts + interval

    def available(self) -> int:
        self._message()
        return sum(time <= self.time for time, _ in self.ready)

    def wait_for(self, count: int, timeout: float) -> bool:
        self.sleep(min(timeout, float(self.rng.uniform(0.0, 2.0)) * count * PERIOD))
        return False

    def read(self, count: int) -> NDArray[np.float64]:
        self._message()
        there = sum(time <= self.time for time, _ in self.ready)
        count = int(self.rng.integers(1, min(count, there) + 1)) if min(count, there) else 0
        taken, self.ready = self.ready[:count], self.ready[count:]
        self.handed_out += [interval for _, interval in taken]
        return np.array([interval for _, interval in taken])

    def stop(self) -> None:
        """Stop as the source and as the counter: both stay as they are then."""
        self.ends = min(self.ends, self.time)
        self.ready = [(time, value) for time, value in self.ready if time <= self.time]


class Log:
    """What was stored, and how far the histogram was then."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.blocks: list[Block] = []
        self.standings: list[Standing] = []

    def __call__(self, block: Block, standing: Standing) -> None:
        assert all(self.bench.made_at[interval] <= self.bench.time for interval in block.intervals)
        self.blocks.append(block)
        self.standings.append(standing)


def acquire(bench: Any, request: HistogramRequest) -> tuple[Tally, Log]:
    log = Log(bench)
    return acquire_histogram(bench, bench, RAMP, request, clock=bench, store=log, watch=lambda: None), log


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    memory=st.integers(1, 400),
    block=st.one_of(st.none(), st.integers(1, 600)),
    switches=st.integers(1, 700),
    empty=st.sampled_from([0.0, 0.05, 0.4]),
    latency=st.sampled_from([0.0, 1e-4, 3e-3]),
    early=st.sampled_from([0.0, 0.5]),
    believed=st.booleans(),
)
def test_no_reading_is_lost_counted_twice_or_put_into_another_block(
    seed: int, memory: int, block: int | None, switches: int, empty: float, latency: float, early: float, believed: bool
) -> None:
    bench = (TrustedBench if believed else Bench)(seed, memory, empty, latency, early)
    tally, log = acquire(bench, HistogramRequest(switches, block, 10_000))
    stored = np.concatenate([block.intervals for block in log.blocks])
    handed_out = np.array(bench.handed_out)
    np.testing.assert_array_equal(stored, handed_out[np.isfinite(handed_out)])
    assert not bench.asked_for_too_many
    assert tally.switches == stored.size >= switches
    # time-outs: those that count are among those handed out, and each burst drops at most its last ones
    assert tally.censored == sum(block.censored for block in log.blocks) <= np.count_nonzero(np.isinf(handed_out))
    sizes = [block.intervals.size + block.censored for block in log.blocks]
    assert set(sizes[:-1]) <= {tally.block}
    assert 0 < sizes[-1] <= tally.block
    assert max(standing.elapsed for standing in log.standings) <= tally.duration
    assert [s.elapsed for s in log.standings] == sorted(s.elapsed for s in log.standings)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), memory=st.integers(20, 400), empty=st.sampled_from([0.0, 0.2]))
def test_a_histogram_that_ends_before_its_burst_keeps_what_the_counter_had(
    seed: int, memory: int, empty: float
) -> None:
    # these currents are far narrower than any switching distribution: the first look finds enough of them
    bench = Bench(seed, memory, empty, 1e-4, 0.0)
    goal = PrecisionGoal(0.02, "width", JunctionEstimate(9e-6, 6e-12, 200.0))
    tally, log = acquire(bench, HistogramRequest(100_000, None, 10_000, goal))
    handed_out = np.array(bench.handed_out)
    stored = np.concatenate([block.intervals for block in log.blocks])
    np.testing.assert_array_equal(stored, handed_out[np.isfinite(handed_out)])
    assert not bench.ready
    assert tally.precision is not None
    assert tally.precision <= 0.02
    # equal distances: a kurtosis of 9/5, hence (0.8/4)/0.02² = 500 switches instead of the 2500 that were expected
    assert tally.switches < 1700
    assert log.standings[-1].wanted < 1700


def test_time_outs_while_the_source_ramps_are_counted_even_at_the_end_of_a_piece() -> None:
    bench = Bench(1, 1000, 0.5, 1e-4, 0.0)
    tally, _ = acquire(bench, HistogramRequest(1000, 1, 10_000))
    handed_out = np.array(bench.handed_out)
    # at most the last few of each burst are left out: one burst a thousand readings
    assert np.count_nonzero(np.isinf(handed_out)) - tally.censored <= 10 * tally.bursts


class IdleBench(Bench):
    """A source that makes no ramp."""

    def start(self, cycles: int) -> None:
        self.began = self.ends = self.time


class ImpatientBench(Bench):
    """A counter that cannot wait."""

    def wait_for(self, count: int, timeout: float) -> bool:
        return False


class HopefulBench(IdleBench):
    """A counter that says that readings are there, and then gives none: the source makes no ramp."""

    def wait_for(self, count: int, timeout: float) -> bool:
        self.sleep(timeout)
        return True


class TrustedBench(Bench):
    """A counter that is believed whenever it has waited: now and then it gives fewer than were waited for, or none."""

    def wait_for(self, count: int, timeout: float) -> bool:
        super().wait_for(count, timeout)
        return True


class PatientBench(Bench):
    """A counter that waits for as long as it may."""

    def wait_for(self, count: int, timeout: float) -> bool:
        self.sleep(timeout)
        return False


@pytest.mark.parametrize("kind", [IdleBench, HopefulBench])
def test_a_source_that_makes_no_ramp_is_not_asked_for_ever(kind: type[Bench]) -> None:
    bench = kind(1, 1000, 0.0, 1e-3, 0.0)
    with pytest.raises(HardwareError, match=r"takes no readings|before a ramp had switched"):
        acquire(bench, HistogramRequest(1000, None, 10_000))


def test_an_adapter_that_cannot_wait_lets_time_pass_all_the_same() -> None:
    tally, _ = acquire(ImpatientBench(1, 1000, 0.0, 0.0, 0.0), HistogramRequest(500, None, 100))
    assert tally.switches == 500


def test_the_bath_is_looked_at_every_two_seconds_however_long_the_counter_waits() -> None:
    bench: Any = PatientBench(1, 10_000, 0.0, 1e-3, 0.0)
    looks: list[float] = []
    acquire_histogram(
        bench,
        bench,
        RAMP,
        HistogramRequest(10_000, 10_000, 100),
        clock=bench,
        store=Log(bench),
        watch=lambda: looks.append(bench.time),
    )
    assert len(looks) > 5
    assert np.diff(looks).max() <= 2.0


@settings(deadline=None)
@given(
    period=st.floats(1e-5, 100.0),
    memory=st.integers(1, 1_000_000),
    latency=st.floats(0.0, 1.0),
)
def test_a_block_chosen_by_the_rule_fits_the_counter_and_does_not_last_long(
    period: float, memory: int, latency: float
) -> None:
    block = block_size(period, memory, latency)
    assert 1 <= block <= max(1, min(MOST_READINGS, memory // 2))
    assert block * period <= max(1.5 * period, 1.0 + 0.5 * period, 80 * latency + 0.5 * period)


@pytest.mark.parametrize(
    ("repetition", "latency", "expected"),
    [(100.0, 1e-3, 100), (1000.0, 1e-3, 1000), (5000.0, 1e-3, 5000), (1000.0, 50e-3, 4000), (0.1, 1e-3, 1)],
)
def test_the_rule_of_the_documentation(repetition: float, latency: float, expected: int) -> None:
    assert block_size(1 / repetition, 1_000_000, latency) == expected


@settings(deadline=None)
@given(
    block=st.integers(1, 20_000),
    period=st.floats(1e-5, 10.0),
    memory=st.integers(1, 1_000_000),
    latency=st.floats(0.0, 0.1),
    armed=st.integers(1, 100_000),
)
def test_pieces_put_together_are_the_burst(block: int, period: float, memory: int, latency: float, armed: int) -> None:
    pieces = Pieces.of(block, period, memory, latency)
    taken = 0
    for _ in range(200):  # a burst of many pieces need not be followed to its end
        if taken == armed:
            break
        piece = pieces.next(taken, armed - taken)
        assert 1 <= piece <= armed - taken
        assert piece <= max(1, memory // 2)
        taken += piece
