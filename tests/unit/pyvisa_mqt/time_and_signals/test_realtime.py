"""Real time with a speed factor, on a wall clock that the test moves."""

from __future__ import annotations

import pytest
from pyvisa_mqt.time_and_signals.clock import Pace, VirtualClock


class Wall:
    """A wall clock that moves when told to, and a little each time somebody works for a while."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


@pytest.mark.parametrize("speed", [0.1, 1.0, 250.0])
def test_the_bench_goes_with_the_wall_clock_times_the_speed(speed: float) -> None:
    wall, clock = Wall(), VirtualClock()
    pace = Pace(clock, speed, wall)
    for elapsed in (0.5, 1.25, 7.0):
        wall.time = 100.0 + elapsed
        assert pace.catch_up() == 0.0
        assert clock.now() == pytest.approx(speed * elapsed)


def test_a_bench_that_has_already_lived_goes_on_from_where_it_is() -> None:
    wall, clock = Wall(), VirtualClock()
    clock.sleep(1000.0)
    pace = Pace(clock, 2.0, wall)
    wall.time += 3.0
    pace.catch_up()
    assert clock.now() == pytest.approx(1006.0)


def test_a_bench_ahead_of_the_wall_clock_waits_for_it() -> None:
    wall, clock = Wall(), VirtualClock()
    pace = Pace(clock, 2.0, wall)
    clock.sleep(5.0)
    wall.time += 1.0
    pace.catch_up()
    assert clock.now() == 5.0
    assert pace.until(6.0) == pytest.approx(2.0)
    assert pace.until(1.0) == 0.0


def test_a_bench_that_cannot_keep_up_loses_the_time_and_says_how_much() -> None:
    wall, clock = Wall(), VirtualClock()
    pace = Pace(clock, 100.0, wall)

    def work(_: float) -> None:
        wall.time += 0.01

    clock.on_advance(work)  # each second of bench time costs 10 ms: exactly the speed
    wall.time += 10.0
    behind = pace.catch_up(0.05)
    assert clock.now() == pytest.approx(5.0)  # five steps of 1 s in 50 ms
    assert behind == pytest.approx(995.0)
    assert pace.due() == pytest.approx(clock.now(), abs=100.0 * 0.06)


def test_time_passes_in_small_steps_so_that_listeners_see_the_way() -> None:
    wall, clock = Wall(), VirtualClock()
    seen: list[float] = []
    clock.on_advance(seen.append)
    pace = Pace(clock, 1.0, wall)
    wall.time += 10.0
    pace.catch_up()
    assert max(b - a for a, b in zip([0.0, *seen], seen, strict=False)) <= Pace.STEP + 1e-9


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_makes_no_sense_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Pace(VirtualClock(), speed)
