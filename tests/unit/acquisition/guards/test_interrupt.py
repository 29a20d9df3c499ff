from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mqtctl.acquisition.guards.interlock import guarded
from mqtctl.acquisition.guards.interrupt import Interrupt
from mqtctl.acquisition.settle import settle
from mqtctl.errors import HardwareError, InterruptedRunError
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.plan import SettleSettings
from mqtctl.station import Station
from mqtctl.stop_signals import STOP_SIGNALS

#: Far beyond the time-out of a test: a wait that is not cut short fails it.
FOREVER = 1e5


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every sleep that goes its whole length, without spending it."""
    whole: list[float] = []
    monkeypatch.setattr("mqtctl.acquisition.guards.interrupt.time.sleep", whole.append)
    return whole


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_strikes_only_where_stopping_is_safe(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        interrupt.check()
        os.kill(os.getpid(), number)
        with pytest.raises(InterruptedRunError) as caught:
            interrupt.check()
    assert caught.value.signal_number == number
    assert signal.getsignal(number) is before


def test_a_lost_terminal_is_among_the_signals() -> None:
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT} <= set(STOP_SIGNALS)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_a_sleep_that_has_begun(number: signal.Signals) -> None:
    with Interrupt() as interrupt:
        sender = threading.Timer(0.05, os.kill, (os.getpid(), number))
        sender.start()
        with pytest.raises(InterruptedRunError), interrupt.striking():
            interrupt.clock.sleep(FOREVER)
        sender.join()


def test_a_signal_that_cuts_no_system_call_short_ends_a_sleep_all_the_same() -> None:
    with Interrupt() as interrupt:
        sender = threading.Timer(0.05, signal.raise_signal, (signal.SIGTERM,))  # taken by that thread, as on Windows
        sender.start()
        with pytest.raises(InterruptedRunError), interrupt.striking():
            interrupt.clock.sleep(FOREVER)
        sender.join()


def test_a_signal_that_asks_for_nothing_shortens_no_sleep() -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with Interrupt() as interrupt, interrupt.striking():
            signal.raise_signal(signal.SIGUSR1)
            begun = time.monotonic()
            interrupt.clock.sleep(0.05)
            assert time.monotonic() - begun >= 0.05
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert signal.set_wakeup_fd(-1) == -1


def test_a_signal_that_came_before_the_sleep_ends_it_too() -> None:
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(InterruptedRunError), interrupt.striking():
            interrupt.clock.sleep(FOREVER)


def test_a_sleep_that_nobody_ends_takes_its_time() -> None:
    with Interrupt() as interrupt, interrupt.striking():
        begun = interrupt.clock.now()
        interrupt.clock.sleep(0.02)
        assert interrupt.clock.now() - begun >= 0.02


def test_settling_is_left_at_once_and_not_after_the_interval(slept: list[float]) -> None:
    class Warm:
        def set_target(self, _target: float) -> None: ...

        def read(self) -> TemperatureReading:
            signal.raise_signal(signal.SIGHUP)
            return TemperatureReading(0.3, valid=True, status="")

    settings = SettleSettings.model_validate({"band": "1 %", "dwell": "10 s", "deadline": "48 h", "interval": "24 h"})
    with Interrupt() as interrupt, pytest.raises(InterruptedRunError), interrupt.striking():
        settle(
            cast("Any", Warm()), 0.1, settings, limit=1.0, clock=interrupt.clock, watch=lambda _temperature, _time: None
        )
    assert slept == []


def nothing(_interrupt: Interrupt) -> None: ...


def a_fault(_interrupt: Interrupt) -> None:
    raise HardwareError("broken")


def a_signal(interrupt: Interrupt) -> None:
    signal.raise_signal(signal.SIGTERM)
    interrupt.clock.sleep(FOREVER)


@pytest.mark.parametrize(
    ("ending", "seen"),
    [
        (nothing, nullcontext()),
        (a_fault, pytest.raises(HardwareError)),
        (a_signal, pytest.raises(InterruptedRunError)),
    ],
)
def test_neither_waits_nor_steps_of_making_safe_are_cut_short_by_any_number_of_signals(
    ending: Callable[[Interrupt], None], seen: AbstractContextManager[object], slept: list[float]
) -> None:
    safe: list[str] = []

    class Part:
        def __init__(self, name: str) -> None:
            self.name = name

        def make_safe(self) -> None:
            for number in STOP_SIGNALS:
                signal.raise_signal(number)
                interrupt.clock.sleep(0.5)
            safe.append(self.name)

    bench = SimpleNamespace(source=Part("source"), thermometer=Part("heater"), counter=Part("counter"), offset=None)
    with Interrupt() as interrupt:
        bench.clock = interrupt.clock
        with seen, guarded(cast("Station", bench)), interrupt.striking():
            ending(interrupt)
    assert set(safe) == {"source", "heater", "counter"}
    assert slept == [0.5] * (3 * len(STOP_SIGNALS))


def test_the_first_signal_gives_the_exit_code() -> None:
    with Interrupt() as interrupt:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.raise_signal(number)
        with pytest.raises(InterruptedRunError) as caught:
            interrupt.check()
    assert caught.value.signal_number == signal.SIGHUP


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            interrupt.check()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_measurement_on_another_thread_leaves_signals_alone() -> None:
    found: list[object] = []

    def measure() -> None:
        with Interrupt() as interrupt, interrupt.striking():
            found.append(signal.getsignal(signal.SIGTERM))
            interrupt.clock.sleep(0.0)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=measure)
    thread.start()
    thread.join()
    assert found == [before]
