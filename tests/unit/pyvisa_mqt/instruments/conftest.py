"""A bench without a bench: wires on which a test lays the signals, and an instrument to talk to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.instruments import MODELS, Instrument
from pyvisa_mqt.time_and_signals.clock import VirtualClock
from pyvisa_mqt.time_and_signals.signals import Waveform


class FakeWires:
    """Wires whose signals are given as times of rising edges, widths and levels, and as fixed temperatures."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.driven: list[tuple[str, Waveform, str | None]] = []
        self.edge_times: dict[str, NDArray[np.float64]] = {}
        self.levels: dict[str, tuple[float, float]] = {}
        self.falling: set[str] = set()
        self.widths: dict[str, float] = {}
        self.temperatures: dict[str, float] = {}
        self.powers: dict[str, float] = {}

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None:
        self.driven.append((port, waveform, marker_port))

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        low, high = self.levels.get(port, (0.0, 5.0))
        if not low < threshold < high:
            return np.zeros(0)
        times = self.edge_times.get(port, np.zeros(0)) + (0.0 if rising else self.widths.get(port, 1e-6))
        return times[(times > since) & (times <= until)]

    def temperature(self, sensor: str) -> float:
        return self.temperatures.get(sensor, 300.0)

    def heat(self, heater: str, power: float) -> None:
        self.powers[heater] = power


class Talk:
    """An instrument with its wires, spoken to in text."""

    def __init__(self, model: str, options: Mapping[str, Any], seed: int = 1) -> None:
        self.wires = FakeWires()
        self.instrument: Instrument = MODELS[model](self.wires, np.random.default_rng(seed), options)
        self.wires.clock.on_advance(self.instrument.advance)

    def write(self, *messages: str) -> None:
        for message in messages:
            self.instrument.write(message.encode("latin-1") + b"\n", True)

    def read_bytes(self) -> bytes:
        data = b""
        ended = False
        while self.instrument.output and not ended:
            chunk, ended, _ = self.instrument.output.take(1 << 24)
            data += chunk
        return data

    def query(self, message: str) -> str:
        self.write(message)
        return self.read_bytes().decode("latin-1").rstrip("\r\n")

    def errors(self) -> list[str]:
        """Empty the error queue."""
        found = []
        while not (error := self.query("SYST:ERR?")).lstrip("+").startswith("0,"):
            found.append(error)
        return found

    def put_out(self, port: str) -> Waveform:
        """Return what a port puts out now."""
        return [waveform for name, waveform, _ in self.wires.driven if name == port][-1]

    def wait(self, duration: float) -> None:
        self.wires.clock.sleep(duration)

    def wait_for_reply(self, longest: float = 1e3) -> str:
        """Step from event to event as a VISA read does."""
        clock = self.wires.clock
        deadline = clock.now() + longest
        while not self.instrument.output and clock.now() < deadline:
            clock.advance_to(min(max(self.instrument.next_event(), clock.now() + 1e-6), deadline))
        return self.read_bytes().decode("latin-1").rstrip("\r\n")


@pytest.fixture
def talk_to() -> Callable[..., Talk]:
    """Return a function that puts a model on wires of its own."""

    def start(model: str, seed: int = 1, **options: Any) -> Talk:
        return Talk(model, options, seed)

    return start
