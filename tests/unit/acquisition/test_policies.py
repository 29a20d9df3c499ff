"""What a plan says is done about each kind of fault, and how a lost session is waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mqtctl.acquisition.bath import LONGEST_GAP, Bath
from mqtctl.acquisition.faults import (
    DriftError,
    EmptyRampsError,
    HeatError,
    LeftBandError,
    NotReachedError,
    ThermometerError,
    UnwatchedError,
    may_be_skipped,
)
from mqtctl.acquisition.reconnecting import Reconnection
from mqtctl.acquisition.retry import Setbacks, persist
from mqtctl.errors import (
    GlitchError,
    HardwareError,
    InterruptedRunError,
    LostError,
    MqtctlError,
    StorageError,
    UnsafeError,
)
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.instruments.talk.identity import WrongInstrumentError
from mqtctl.plan import load_plan, write_examples
from mqtctl.plan.plan import Policies


@pytest.fixture
def plan(tmp_path: Path) -> Any:
    write_examples(tmp_path)
    return load_plan(tmp_path / "plan.yaml").plan


@pytest.mark.parametrize("fault", [NotReachedError, ThermometerError, LeftBandError, EmptyRampsError, HardwareError])
def test_a_fault_stops_by_default_and_skips_where_the_plan_says_so(plan: Any, fault: type[MqtctlError]) -> None:
    assert not may_be_skipped(fault("x"), plan)
    assert may_be_skipped(fault("x"), plan.model_copy(update={"on_fault": "skip"}))


@pytest.mark.parametrize("fault", [HeatError("x"), UnsafeError("x"), StorageError("x"), InterruptedRunError(2)])
def test_heat_and_what_is_not_the_points_fault_is_never_skipped(plan: Any, fault: MqtctlError) -> None:
    assert not may_be_skipped(fault, plan.model_copy(update={"on_fault": "skip"}))


def test_a_policy_of_its_own_goes_before_on_fault_and_what_cannot_be_held_follows_it(plan: Any) -> None:
    skip = plan.model_copy(update={"policies": Policies(not_reached="skip", drift="skip")})
    assert may_be_skipped(NotReachedError("x"), skip)
    assert may_be_skipped(DriftError("x"), skip)
    assert not may_be_skipped(ThermometerError("x"), skip)
    stop = plan.model_copy(update={"on_fault": "skip", "policies": Policies(thermometer="stop", not_reached="hold")})
    assert not may_be_skipped(ThermometerError("x"), stop)
    assert may_be_skipped(NotReachedError("x"), stop)


def test_another_policy_is_no_other_plan_for_resume(tmp_path: Path) -> None:
    write_examples(tmp_path)
    path = tmp_path / "plan.yaml"
    before = load_plan(path).digest
    path.write_text(path.read_text(encoding="utf-8") + "\non_fault: skip\npolicies: {drift: stop}\n", encoding="utf-8")
    assert load_plan(path).digest == before


def job_of(clock: Any, plan: Any = None, **parts: Any) -> Any:
    told: list[str] = []
    return SimpleNamespace(
        told=told,
        plan=SimpleNamespace(plan=plan, sample=SimpleNamespace(limits=SimpleNamespace(max_temperature=1.0))),
        station=SimpleNamespace(clock=clock, offset=None, **parts),
        facts=SimpleNamespace(instruments={"timing_counter": "the old one"}),
        check=lambda: None,
        notify=lambda event: told.append(event.text),
    )


class Thermometer:
    """Reads 100 mK, always with other digits."""

    def __init__(self) -> None:
        self.count = 0

    def read(self) -> TemperatureReading:
        self.count += 1
        return TemperatureReading(0.1, True, "OK", str(self.count))


@pytest.mark.parametrize("asleep", [True, False])
def test_a_computer_that_slept_while_ramps_ran_is_told_or_as_the_plan_says(plan: Any, clock: Any, asleep: bool) -> None:
    calendar = datetime(2026, 1, 5, tzinfo=UTC)
    clock.utc = lambda: calendar
    job = job_of(clock, plan, thermometer=Thermometer())
    bath = Bath(job, 0.1, 0)
    bath.wait_for_reading()
    clock.sleep(LONGEST_GAP - 1)
    bath.watch()
    assert job.told == []
    if asleep:  # the monotonic clock stands still then
        calendar += timedelta(hours=2)
        clock.sleep(3)
    else:
        clock.sleep(7200)
    bath.watch()
    assert job.told[0].startswith("point 0: for 7200 s")
    assert "nobody looked at the bath" in job.told[0]
    strict = plan.model_copy(update={"policies": Policies(unwatched="hold")})
    bath = Bath(job_of(clock, strict, thermometer=Thermometer()), 0.1, 0)
    bath.wait_for_reading()
    clock.sleep(7200)
    with pytest.raises(UnwatchedError):
        bath.watch()


class Part:
    """An instrument that answers again after so many tries."""

    def __init__(self, name: str, silent: int = 0) -> None:
        self.name, self.silent, self.reopened, self.safe = name, silent, 0, 0

    def identify(self) -> str:
        if self.silent > 0:
            raise LostError("nobody there")
        return self.name

    def reopen(self) -> None:
        self.reopened += 1
        self.silent -= 1

    def make_safe(self) -> None:
        self.safe += 1


def test_a_lost_session_is_opened_anew_until_it_answers_with_the_source_at_rest(clock: Any) -> None:
    source, counter, thermometer = Part("s"), Part("the old one", silent=5), Part("t")
    begin = clock.now()
    Reconnection(job_of(clock, source=source, counter=counter, thermometer=thermometer)).restore(LostError("lost"))
    assert (counter.reopened, thermometer.reopened, source.safe) == (5, 0, 1)
    assert clock.now() - begin == pytest.approx(8.0)


def test_an_instrument_that_stays_away_is_waited_for_a_minute(clock: Any) -> None:
    parts = {"source": Part("s"), "counter": Part("the old one", silent=10**6), "thermometer": Part("t")}
    begin, fault = clock.now(), LostError("lost")
    with pytest.raises(LostError) as raised:
        Reconnection(job_of(clock, **parts)).restore(fault)
    assert raised.value is fault
    assert 60.0 <= clock.now() - begin <= 62.0
    assert fault.__notes__ == ["waited 60 s in vain for timing_counter"]


def test_another_instrument_at_the_address_is_refused_and_a_stop_ends_the_waiting(clock: Any) -> None:
    parts = {"source": Part("s"), "counter": Part("a new one"), "thermometer": Part("t")}
    with pytest.raises(WrongInstrumentError, match="was the old one and is a new one"):
        Reconnection(job_of(clock, **parts)).restore(LostError("lost"))
    job = job_of(clock, **{**parts, "counter": Part("the old one", silent=10**6)})

    def check() -> None:
        if clock.now() > 10.0:
            raise InterruptedRunError(2)

    job.check = check
    with pytest.raises(InterruptedRunError):
        Reconnection(job).restore(LostError("lost"))
    assert clock.now() < 15.0


def test_a_lost_session_is_opened_before_the_next_try_and_a_silent_line_before_the_last() -> None:
    for fault, restored in ((LostError("lost"), 2), (GlitchError("silent"), 1)):
        restores: list[Exception] = []

        def fail(fault: HardwareError = fault) -> None:
            raise fault

        with pytest.raises(type(fault)):
            persist(fail, lambda _text: None, restores.append)
        assert len(restores) == restored
    with pytest.raises(LostError):
        persist(lambda: cast(None, (_ for _ in ()).throw(LostError("lost"))), lambda _text: pytest.fail("told"))


def test_lost_sessions_have_an_end_and_a_second_glitch_without_a_reading_is_one() -> None:
    setbacks, lost, glitch = Setbacks(), LostError("lost"), GlitchError("silent")
    assert "sessions are opened anew" in setbacks.bear(lost, 0)
    for _ in range(2):
        setbacks.bear(lost, 0)
    with pytest.raises(LostError):
        setbacks.bear(lost, 0)
    setbacks = Setbacks()
    setbacks.bear(glitch, 7)
    assert setbacks.escalated(glitch) is glitch
    setbacks.bear(glitch, 7)
    assert isinstance(setbacks.escalated(glitch), LostError)
