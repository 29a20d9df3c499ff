"""A bench in process whose virtual time passes on the wall clock besides, for drivers that wait with `time.sleep`."""

from __future__ import annotations

import math
from typing import Any

import pytest
import pyvisa
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.serve.server import BenchServer
from pyvisa_mqt.time_and_signals.clock import VirtualClock, WallTime


class Wall:
    """A wall clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_passes_on_the_wall_clock_passes_on_the_bench_times_the_speed() -> None:
    clock, wall = VirtualClock(), Wall()
    passage = WallTime(clock, 4.0, wall)
    passage.pass_on()
    assert clock.now() == 0.0
    wall.now += 2.5
    passage.pass_on()
    assert clock.now() == 10.0
    clock.sleep(100.0)  # the experiment's own waits are added, they do not stand in for it
    wall.now += 1.0
    passage.pass_on()
    assert clock.now() == 114.0


def test_what_the_bench_itself_takes_is_not_counted_so_that_it_can_t_run_away() -> None:
    clock, wall = VirtualClock(), Wall()
    passage = WallTime(clock, 10.0, wall)

    def work(_: float) -> None:
        wall.now += 50.0  # slower than the speed asked for

    clock.on_advance(work)
    wall.now += 1.0
    passage.pass_on()
    passage.pass_on()
    assert clock.now() == 10.0


@pytest.mark.parametrize("speed", [0.0, -1.0, math.inf, math.nan])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="give a finite factor above 0"):
        WallTime(VirtualClock(), speed)


def elapsed(path: str) -> float:
    """Return the bench time in s after ten queries."""
    manager = pyvisa.ResourceManager(f"{path}@mqt")
    source: Any = manager.open_resource("GPIB0::12::INSTR", read_termination="\n")
    for _ in range(10):
        source.query("*IDN?")
    passed = float(manager.visalib.clock.now())  # type: ignore[attr-defined]  # the bench's own attribute
    manager.close()
    return passed


def test_with_a_speed_a_client_s_own_time_passes_on_the_bench_and_without_one_it_does_not() -> None:
    assert elapsed("showroom?seed=3") == elapsed("showroom?seed=4")
    # A query takes more than a microsecond of anybody's time, which is 0.1 s of the bench's at this speed.
    assert elapsed("showroom?speed=100000&seed=3") > elapsed("showroom?seed=3") + 1.0


@pytest.mark.parametrize("query", ["speed=0", "speed=", "speed=-1", "speed=inf", "speed=nan", "speed=1&speed=2"])
def test_a_wrong_speed_in_a_path_is_one_sentence(query: str) -> None:
    with pytest.raises(BenchFileError, match="is not understood; only a seed, a transcript and a speed above 0"):
        open_bench(f"showroom?{query}")


def test_a_served_bench_takes_its_speed_from_its_own_option() -> None:
    with pytest.raises(ValueError, match="speed=2; give a served bench its speed with --speed"):
        BenchServer(open_bench("showroom?speed=2"))
