from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.histogram import MAX_BURST, HistogramRequest, Tally, acquire_histogram
from mqtctl.errors import HardwareError
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.records import MeasuredRamp

Bench = Callable[[RampProgram, NDArray[np.float64]], tuple[Any, Any]]


class Run:
    """Acquires from the fakes with a ramp that rises for 0.8 of its period; outcomes in periods."""

    def __init__(self, bench: Bench, clock: Any, repetition: float, outcomes: NDArray[np.float64]) -> None:
        period = 1 / repetition
        program = RampProgram(0.0, 10e-6, 10e-6 / (0.8 * period), period)
        self.ramp = MeasuredRamp(0.0, 10e-6, program.rate, period, 0.0)
        self.clock = clock
        self.source, self.counter = bench(program, outcomes * period)
        self.blocks: list[Block] = []
        self.watched = 0

    def take(self, switches: int, block: int, *, limit: int = 100) -> Tally:
        return acquire_histogram(
            self.source,
            self.counter,
            self.ramp,
            HistogramRequest(switches, block, limit),
            clock=self.clock,
            store=lambda stored, _elapsed: self.blocks.append(stored),
            watch=self._watch,
        )

    def _watch(self) -> None:
        self.watched += 1

    @property
    def currents(self) -> NDArray[np.float64]:
        return np.concatenate([block.currents for block in self.blocks])


def outcomes(seed: int, size: int, empty: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    values = rng.uniform(0.6, 0.75, size)
    values[rng.random(size) < empty] = math.inf
    return values


def jittered(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return `size` outcomes that repeat these, each with the jitter of 1e-5 that no counter is without."""
    repeated = np.resize(values, size)
    return np.asarray(repeated + 1e-5 * np.random.default_rng(8).standard_normal(size))


def test_exactly_the_wanted_switches_come_in_full_blocks_and_a_rest(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 1000.0, outcomes(1, 3000))
    tally = run.take(2300, 500)
    assert tally.switches == 2300
    assert [block.intervals.size for block in run.blocks] == [500, 500, 500, 500, 300]


def test_no_reading_is_lost_counted_twice_or_out_of_order(bench: Bench, clock: Any) -> None:
    values = outcomes(2, 5000)
    run = Run(bench, clock, 1000.0, values)
    run.take(5000, 700)
    np.testing.assert_allclose(run.currents, run.ramp.rate * values * run.ramp.period, rtol=1e-12)


@pytest.mark.parametrize("repetition", [100.0, 1000.0, 5000.0])
def test_blocks_are_read_out_while_the_counter_measures(bench: Bench, clock: Any, repetition: float) -> None:
    run = Run(bench, clock, repetition, outcomes(3, 10_000))
    tally = run.take(10_000, 1000)
    # what is lost: arming, the last block's transfer (8 kB at 300 kB/s), and a few messages of 1 ms
    lost = 0.05 + tally.bursts * 0.02
    assert tally.duration <= 10_000 / repetition + lost


def test_ramps_without_a_switch_are_counted_and_made_up_for(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 1000.0, outcomes(4, 20_000, empty=0.1))
    tally = run.take(5000, 500)
    assert tally.switches == 5000
    # 5000 switches with one empty ramp in ten: 556 +- 25; 5 sigma
    assert tally.censored == pytest.approx(5000 / 9, abs=125)
    assert sum(block.censored for block in run.blocks) == tally.censored


def test_time_outs_after_the_last_ramp_are_not_taken_for_empty_ramps(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 1000.0, outcomes(5, 5000))
    original = run.source.start
    run.source.start = lambda cycles: original(min(cycles, 300))  # a source that stops early, again and again
    tally = run.take(1000, 100)
    assert tally.switches == 1000
    assert tally.censored == 0
    assert tally.bursts >= 4


def test_a_ramp_that_never_switches_stops_after_the_stated_number_and_never_raises_the_current(
    bench: Bench, clock: Any
) -> None:
    run = Run(bench, clock, 1000.0, np.full(10, math.inf))
    program = run.source.program
    with pytest.raises(
        HardwareError, match=r"30 ramps in a row reached 10 uA without a switch.*never raised by itself"
    ):
        run.take(1000, 500, limit=30)
    assert run.source.program is program
    assert len(run.source.bursts) == 1


@pytest.mark.parametrize("repetition", [1.0, 100.0, 5000.0])
def test_a_dead_junction_is_noticed_soon_whatever_the_repetition(bench: Bench, clock: Any, repetition: float) -> None:
    run = Run(bench, clock, repetition, np.full(10, math.inf))
    with pytest.raises(HardwareError, match="in a row reached"):
        run.take(100_000, 10_000, limit=100)
    # each time-out takes two periods and passes for one empty ramp; pieces grow to 64 readings by then
    assert clock.now() <= 2 * (100 + 64) / repetition + 0.1


def test_empty_ramps_that_are_not_in_a_row_do_not_stop_it(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 1000.0, jittered(np.array([math.inf, math.inf, 0.7]), 900))
    tally = run.take(200, 50, limit=3)
    assert tally.switches == 200
    assert tally.censored == pytest.approx(400, abs=2)


def test_a_run_of_empty_ramps_between_two_switches_stops_it_too(bench: Bench, clock: Any) -> None:
    # 16 empty ramps and then switches again, all in the memory when it is read for the first time
    values = np.concatenate([np.full(100, 0.7), np.full(16, math.inf), np.full(2000, 0.7)])
    run = Run(bench, clock, 5000.0, jittered(values, values.size))
    with pytest.raises(HardwareError, match=r"16 ramps in a row reached 10 uA"):
        run.take(1000, 1000, limit=16)


def test_a_missing_start_marker_is_noticed(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 1000.0, outcomes(6, 10))
    run.counter.available = lambda: 0
    with pytest.raises(HardwareError, match="start marker does not arrive"):
        run.take(5000, 100)


def test_bursts_are_finite_and_bounded(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 100.0, outcomes(7, 20_000))
    run.take(14_000, 1000)
    assert max(run.source.bursts) <= 1.05 * MAX_BURST * 100
    assert len(run.source.bursts) >= 3


def test_a_request_to_stop_gets_through_at_the_next_look(bench: Bench, clock: Any) -> None:
    run = Run(bench, clock, 1000.0, outcomes(8, 5000))

    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    run._watch = stop  # type: ignore[method-assign]
    with pytest.raises(StopError):
        run.take(5000, 500)
    assert clock.now() < 1.0
