"""Fakes of the three roles that share one clock: a bench of a hundred lines for testing the acquisition alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from mqtctl.instruments.roles.experiment import RampProgram, StopEdge, TemperatureReading


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, duration: float) -> None:
        assert duration >= 0
        self.time += duration

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)


class FakeSource:
    """Ramps by the clock; each call costs a message's latency."""

    latency = 1e-3

    def __init__(self, clock: FakeClock, program: RampProgram) -> None:
        self.clock = clock
        self.program = program
        self.began = self.ends = -math.inf
        self.bursts: list[int] = []
        self.calls: list[str] = []

    def identify(self) -> str:
        return "fake source"

    def output_on(self) -> bool:
        return False

    def configure(self, program: RampProgram) -> RampProgram:
        self.calls.append("configure")
        self.program = program
        return program

    def start(self, cycles: int) -> None:
        self.clock.sleep(self.latency)
        self.bursts.append(cycles)
        self.began = self.clock.now()
        self.ends = self.began + cycles * self.program.period

    def running(self) -> bool:
        self.clock.sleep(self.latency)
        return self.clock.now() < self.ends

    def stop(self) -> None:
        self.calls.append("stop")
        self.ends = min(self.ends, self.clock.now())

    def make_safe(self) -> None:
        self.calls.append("safe")
        self.ends = min(self.ends, self.clock.now())


class FakeCounter:
    """Reads one interval a ramp from a list of what each ramp does; `inf` takes a time-out of 1.5 periods."""

    memory = 1_000_000
    timeout_ramps = 1
    delay = 0.0
    latency = 1e-3
    stop_edge = StopEdge(1.0, rising=True)

    def __init__(self, clock: FakeClock, source: FakeSource, outcomes: NDArray[np.float64]) -> None:
        self.clock = clock
        self.source = source
        self.outcomes = outcomes
        self.used = 0
        self.ready: list[tuple[float, float]] = []
        self.calls: list[str] = []
        self.armed_at = math.inf
        self.count = 0

    def identify(self) -> str:
        return "fake counter"

    def configure(self, program: RampProgram, stop: StopEdge | None = None) -> None:
        self.calls.append("configure")

    def measure_period(self, program: RampProgram) -> float:
        return program.period

    def arm(self, count: int) -> None:
        self.clock.sleep(self.latency)
        self.armed_at = self.clock.now()
        self.count = count
        self.ready = []
        period = self.source.program.period
        ramp = math.ceil((self.armed_at - self.source.began) / period)
        while len(self.ready) < count:
            starts = self.source.began + ramp * period
            if starts >= self.source.ends:
                # no more starts: time-outs go on
                last = self.ready[-1][0] if self.ready else self.armed_at
                self.ready.append((last + 1.5 * period, math.inf))
                continue
            outcome = float(self.outcomes[self.used % self.outcomes.size])
            self.used += 1
            if math.isfinite(outcome):
                self.ready.append((starts + outcome, outcome))
                ramp += 1
            else:
                self.ready.append((starts + 1.5 * period, math.inf))
                ramp += 2

    def available(self) -> int:
        self.clock.sleep(self.latency)
        return sum(1 for time, _ in self.ready if time <= self.clock.now())

    def wait_for(self, count: int, timeout: float) -> bool:
        times = [time for time, _ in self.ready]
        wanted = times[count - 1] if len(times) >= count else math.inf
        self.clock.sleep(max(0.0, min(timeout, wanted - self.clock.now())))
        return False

    def read(self, count: int) -> NDArray[np.float64]:
        self.clock.sleep(self.latency + 8 * count / 3e5)
        taken, self.ready = self.ready[:count], self.ready[count:]
        assert all(time <= self.clock.now() for time, _ in taken)
        return np.array([interval for _, interval in taken])

    def stop(self) -> None:
        self.calls.append("stop")
        self.ready = [(time, value) for time, value in self.ready if time <= self.clock.now()]

    def make_safe(self) -> None:
        self.calls.append("safe")


class FakeController:
    """A first-order bath: approaches the set point, never below its base temperature."""

    range = (0.01, 1.0)

    def __init__(
        self, clock: FakeClock, *, base: float = 0.012, time_constant: float = 30.0, noise: float = 1e-4
    ) -> None:
        self.clock = clock
        self.base = base
        self.time_constant = time_constant
        self.noise = noise
        self.rng = np.random.default_rng(1)
        self.last = 0.0
        self.value = 0.1
        self.target = 0.1
        self.calls: list[str] = []
        self.override: list[TemperatureReading] = []

    def identify(self) -> str:
        return "fake controller"

    def read(self) -> TemperatureReading:
        elapsed = self.clock.now() - self.last
        self.last = self.clock.now()
        goal = max(self.target, self.base)
        self.value = goal + (self.value - goal) * math.exp(-elapsed / self.time_constant)
        if self.override:
            return self.override.pop(0)
        return TemperatureReading(self.value * (1 + self.noise * float(self.rng.standard_normal())), True, "OK")

    def set_target(self, temperature: float) -> None:
        self.target = temperature

    def make_safe(self) -> None:
        self.calls.append("safe")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def controller(clock: FakeClock) -> FakeController:
    return FakeController(clock)


@pytest.fixture
def bench(clock: FakeClock) -> Callable[[RampProgram, NDArray[np.float64]], tuple[FakeSource, FakeCounter]]:
    """Build a source and a counter for a ramp and what each ramp does (s, inf for no switch)."""

    def build(program: RampProgram, outcomes: NDArray[np.float64]) -> tuple[FakeSource, FakeCounter]:
        source = FakeSource(clock, program)
        return source, FakeCounter(clock, source, outcomes)

    return build
