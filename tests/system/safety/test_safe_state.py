"""The way to a safe state depends on nothing that can fail: sessions gone, links that come back, dead benches."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mqtctl.acquisition import make_safe
from mqtctl.clock import WallClock
from mqtctl.errors import UnsafeError
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.talk.error_sentences import named, speaking
from mqtctl.instruments.talk.resting import bring_to_rest
from mqtctl.station import Station, open_station
from tests.system.commands.test_check import with_offset_source
from tests.system.safety.bench_truth import Truth, with_transcript
from tests.system.sweep.test_second_instruments import (
    CONTROLLER,
    GENERATOR,
    MARKERS,
    TIMER,
    two_of_each,
    with_instruments,
)

RAMP = RampProgram(0.0, 9.8e-6, 1e-3, 0.0125)
PARTS = ("source", "thermometer", "offset", "counter")
FIRST = {"source": "source", "thermometer": "thermometer", "offset": "dc_source", "counter": "counter"}
SECOND = {"source": "generator", "thermometer": "controller", "offset": "dc_source", "counter": "timer"}
#: Either set of instruments -> name of each part on the bench; together all adapters there are.
SETS = {"6221, 372, 53230A": FIRST, "33512B, 336, SR620": SECOND}


class Bench:
    """A station that ramps, heats and puts out an offset, and the truth about it."""

    def __init__(self, station: Station, truth: Truth, names: dict[str, str]) -> None:
        self.station, self.truth, self.names = station, truth, names
        self.told: list[str] = []
        self.library = self.driver("source").visa_handle.visalib
        self.start()

    def start(self) -> None:
        """Heat, put out an offset, ramp."""
        station, truth, names = self.station, self.truth, self.names
        station.thermometer.set_target(0.5)
        station.clock.sleep(5.0)
        assert station.offset is not None
        station.offset.set_current(0.2e-6)
        station.counter.configure(RAMP)
        station.source.configure(RAMP)
        station.source.start(5_000)
        assert truth.on() == {names["source"], names["thermometer"], names["offset"]}
        self.begin = station.clock.now()

    def driver(self, part: str) -> Any:
        adapter: Any = getattr(self.station, part)
        return next(value for value in vars(adapter).values() if hasattr(value, "visa_handle"))

    def break_link(self, part: str, duration: float) -> None:
        self.library.bench.faults.inject("disconnect", instrument=self.names[part], duration=duration)

    def make_safe(self) -> None:
        make_safe(self.station, self.told.append)

    def delay(self, part: str) -> float:
        """Return how long after the beginning an instrument went off (s)."""
        return self.truth.off_since(self.names[part]) - self.begin


@contextmanager
def running(laboratory: Any, names: dict[str, str]) -> Iterator[Bench]:
    truth = with_transcript(laboratory)
    two_of_each(laboratory, MARKERS[names is SECOND, names is SECOND])
    with_offset_source(laboratory)
    if names is SECOND:
        with_instruments(laboratory, {"source": GENERATOR, "counter": TIMER, "thermometer": CONTROLLER})
    with open_station(laboratory.folder / "station.yaml", seed=1) as station:
        yield Bench(station, truth, names)


@pytest.mark.shown(1)
@pytest.mark.parametrize("names", SETS.values(), ids=SETS)
def test_a_session_that_is_gone_keeps_nothing_on_and_is_opened_anew(laboratory: Any, names: dict[str, str]) -> None:
    with running(laboratory, names) as bench:
        for part in PARTS:  # the counter last: nobody opens its session anew, for it harms nothing
            if part != PARTS[0]:
                bench.start()
            bench.driver(part).visa_handle.close()
            bench.make_safe()
            assert bench.truth.on() == set(), part
            for other in ("source", "thermometer", "offset"):
                assert bench.delay(other) <= 2.0  # of bench time, which is what the sample feels
            assert all("counter" in sentence for sentence in bench.told)


@pytest.mark.slow
@pytest.mark.parametrize("names", SETS.values(), ids=SETS)
@pytest.mark.parametrize("part", PARTS)
def test_an_instrument_that_is_gone_for_good_delays_no_other_and_is_named(
    laboratory: Any, names: dict[str, str], part: str
) -> None:
    with running(laboratory, names) as bench:
        bench.break_link(part, 1e5)
        if part == "counter":  # it has no output: nothing to be alarmed about; an SR620 at rest is not even asked
            bench.make_safe()
            assert {sentence.split(":")[0] for sentence in bench.told} <= {"counter"}
        else:
            with pytest.raises(UnsafeError) as caught:
                bench.make_safe()
            text = str(caught.value)
            assert named(bench.driver(part)) in text
            assert "no new one can be opened" in text
            assert not any(named(bench.driver(other)) in text for other in PARTS if other != part)
        for other in {"source", "thermometer", "offset"} - {part}:
            assert bench.names[other] not in bench.truth.on()
            assert bench.delay(other) <= 2.0


def test_a_sentence_about_a_session_that_is_gone_does_not_ask_it(laboratory: Any) -> None:
    with running(laboratory, FIRST) as bench:
        for part in PARTS:
            driver = bench.driver(part)
            name = named(driver)
            driver.visa_handle.close()
            assert named(driver) == name
            assert driver.name in name
            with pytest.raises(Exception, match=re.escape(f"{name}, trying: ")), speaking(driver, "trying"):
                driver.ask("*IDN?")


@pytest.mark.parametrize(
    ("part", "outage"),
    [
        ("thermometer", 0.0),
        ("thermometer", 30.0),
        pytest.param("source", 0.0, marks=pytest.mark.slow),
        pytest.param("source", 30.0, marks=pytest.mark.slow),
    ],
)
def test_a_link_that_comes_back_within_minutes_ends_with_everything_off(
    laboratory: Any, part: str, outage: float
) -> None:
    with running(laboratory, FIRST) as bench:
        bench.break_link(part, outage)
        bench.make_safe()
        assert bench.truth.on() == set()
        assert bench.delay(part) <= outage + 10.0  # tried again every 5 s
        other = "thermometer" if part == "source" else "source"
        assert bench.delay(other) <= 2.0
        if outage:
            waited, done = bench.told
            assert "confirmed off" in waited
            assert "trying again for 180 s" in waited
            assert "confirmed off" in done
        else:
            assert bench.told == []


@pytest.mark.slow
def test_what_happens_to_the_replies_does_not_keep_anything_on(laboratory: Any) -> None:
    kinds = ("lost-reply", "lost-message", "late-reply", "truncated-reply", "garbled-reply", "duplicated-reply")
    with running(laboratory, FIRST) as bench:
        for kind in kinds:
            for name in ("source", "thermometer", "dc_source"):
                bench.library.bench.faults.inject(kind, instrument=name, probability=0.2)
        bench.make_safe()
        assert bench.truth.on() == set()


@pytest.mark.slow
def test_a_run_whose_heater_was_unplugged_for_30_s_goes_on_and_ends_with_everything_off(laboratory: Any) -> None:
    truth = with_transcript(laboratory)
    fault = "{kind: disconnect, instrument: thermometer, at: 60 s, duration: 30 s}"
    laboratory.change("bench.yaml", "\njunction:\n", f"\nfaults:\n  - {fault}\n\njunction:\n")
    outcome = laboratory.sweep()
    assert outcome.exit_code == 0, outcome.stderr
    assert "reading the thermometer: the connection failed" in outcome.stderr
    assert truth.on() == set()


@pytest.mark.slow
def test_a_run_whose_heater_stays_unplugged_ends_with_twenty_and_says_so(laboratory: Any) -> None:
    truth = with_transcript(laboratory)
    fault = "{kind: disconnect, instrument: thermometer, at: 60 s, duration: 100000 s}"
    laboratory.change("bench.yaml", "\njunction:\n", f"\nfaults:\n  - {fault}\n\njunction:\n")
    outcome = laboratory.sweep()
    assert outcome.exit_code == 20
    assert "trying again for 180 s" in " ".join(outcome.stderr.split())
    assert truth.on() <= {"thermometer"}  # nobody can reach it


@pytest.mark.slow
def test_a_bench_that_dies_in_a_ramp_ends_with_twenty_and_a_sentence(laboratory: Any) -> None:
    command = [sys.executable, "-m", "mqtctl"]
    served = subprocess.Popen(
        [*command, "bench", "serve", "bench.yaml", "--virtual", "--json"],
        cwd=laboratory.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert served.stdout is not None
    backend = re.search(r'"backend": "([^"]*)"', served.stdout.readline())
    assert backend is not None
    laboratory.change("station.yaml", "bench.yaml@mqt", backend[1])

    class Killed:
        """Kills the served bench when the ramps have begun."""

        def __call__(self, event: object) -> None:
            if type(event).__name__ == "BlockStored":
                served.kill()
                served.wait()

    from mqtctl.workflow import Options, acquire

    try:
        with pytest.raises(UnsafeError) as caught:
            acquire(
                laboratory.folder / "plan.yaml", Options(output=laboratory.folder / "run"), notify=Killed(), single=True
            )
    finally:
        served.kill()
        served.wait()
        served.stdout.close()
    assert "source" in str(caught.value)
    assert "heater" in str(caught.value)


def test_on_the_wall_clock_a_dead_instrument_delays_no_other() -> None:
    heater_off = threading.Event()

    def dead(_number: int, _timeout: float) -> str:
        assert heater_off.wait(60.0)  # it comes back only when the heater has had its turn
        return "no answer"

    def heater(_number: int, _timeout: float) -> str:
        heater_off.set()
        return ""

    assert bring_to_rest({"source": dead, "heater": heater}, WallClock(), patience=0.0) == {"source": "no answer"}


@pytest.mark.parametrize("exception", [RuntimeError("odd"), AttributeError("gone"), KeyError("x"), AssertionError()])
def test_no_exception_of_any_kind_keeps_the_others_from_their_turn(exception: Exception) -> None:
    turns: list[str] = []

    def broken(_number: int, _timeout: float) -> str:
        raise exception

    def heater(_number: int, _timeout: float) -> str:
        turns.append("heater")
        return ""

    class DeadClock(WallClock):
        def now(self) -> float:
            raise ConnectionError("the served bench is gone")

    found = bring_to_rest({"source": broken, "heater": heater}, DeadClock(), side_by_side=False)
    assert list(found) == ["source"]
    assert turns == ["heater"]
