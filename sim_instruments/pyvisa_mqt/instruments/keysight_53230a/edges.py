"""The edges on which a measurement of the 53230A depends: start and stop, the external trigger, and gates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.instruments.counters.comparator_input import Conditioning, CounterInput
from pyvisa_mqt.instruments.counters.edge_trail import EdgeTrail
from pyvisa_mqt.instruments.counters.interval_timing import Arming, next_start
from pyvisa_mqt.instruments.keysight_53230a.functions import FUNCTIONS, Conditions
from pyvisa_mqt.instruments.keysight_53230a.readout import ReadoutSection
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["EdgeSection"]

TTL = 1.25  # V: threshold of the connectors on the rear


class EdgeSection(ReadoutSection):
    """The part of the counter between the comparators and the measurement.

    Edges are looked at once, and those of which nothing depends any more are forgotten: a counter can wait for ever.
    """

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        self._armed = 0.0  # bench time in s
        self._trails: dict[Any, EdgeTrail] = {}
        self._rear = {port: CounterInput(wires, port) for port in ("trigger", "gate")}
        super().__init__(wires, rng, options)

    @property
    def _channels(self) -> tuple[int, ...]:
        channels: tuple[int, ...] = self.settings["channels"]
        return channels

    def _since(self, event: tuple[int, int, str], since: float, now: float) -> NDArray[np.float64]:
        """Return the times in s, since < t <= now, of a channel's event with its slope; `since` never goes back."""
        if event not in self._trails:
            self._trails[event] = EdgeTrail(lambda begin, end: self.input_edges(*event, begin, end))
        return self._trails[event].between(since, now)

    def _rear_edges(self, port: str, rising: bool, now: float) -> NDArray[np.float64]:
        """Return the edges at a connector on the rear since the arming."""
        if port not in self._trails:
            rear = self._rear[port]
            self._trails[port] = EdgeTrail(lambda begin, end: rear.edges(Conditioning(), TTL, rising, begin, end))
        return self._trails[port].between(self._armed, now)

    def _start_and_stop(self, arming: Arming | None, now: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the edges of start and stop that can matter: behind the arming, and of the second behind the first."""
        events = self._events()
        nothing = np.zeros(0)
        since = self._armed
        if arming is not None and arming.gates is not None:
            if not len(arming.gates):
                return nothing, nothing
            since = float(arming.gates[0])
        first, second = events[0], events[-1]
        if self.measured == "FREQ:RAT":  # the second one's period is measured, and the first one counted within it
            first, second = second, first
        leading = self._since(first, since, now)
        following = self._since(second, float(leading[0]), now) if len(leading) and len(events) > 1 else leading
        return (following, leading) if self.measured == "FREQ:RAT" else (leading, following)

    def _forget_unused(self, starts: NDArray[np.float64], conditions: Conditions) -> None:
        """Forget the edges that came while what completes a reading with those before them is awaited."""
        trail = self._trails.get(self._events()[0])
        if self.measured == "FREQ:RAT" and trail is not None:
            trail.between(max(self._armed, conditions.now - self._gate_time), conditions.now)
        if FUNCTIONS[self.measured].gated or trail is None:
            return
        if conditions.arming is None:
            for waiting in self._trails.values():
                waiting.keep_first()
            return
        start = next_start(starts, conditions.arming, self._armed)
        if math.isfinite(start):
            trail.keep_first(int(starts.searchsorted(start, side="right")))

    def _events(self) -> list[tuple[int, int, str]]:
        """Return channel, event and slope of start and stop; one entry where only one signal is looked at."""
        (start, slope), *rest = FUNCTIONS[self.measured].events
        first, last = self._channels[0], self._channels[-1]
        events = [(first, start, slope)]
        for stop, stop_slope in rest:
            # Of two events on one channel the second one has its own threshold and slope.
            events.append((last, 2 if first == last and not stop_slope else stop, stop_slope))
        return events

    @property
    def _gated_outside(self) -> bool:
        """Whether each time interval waits for an edge of the external gate."""
        source = self.settings["interval_gate_source"]
        return bool(source == "EXT" or (source == "ADV" and self.settings["gate_start_source"] == "EXT"))

    def _arming(self, now: float) -> Arming | None:
        """Return what a time interval waits for besides its events; None for nothing."""
        settings, source = self.settings, self.settings["interval_gate_source"]
        if source == "IMM":
            return None
        if source == "EXT":
            return Arming(gates=self._gate_edges(settings["interval_gate_polarity"], now))
        start = settings["gate_start_source"]
        gates = None
        if start == "EXT":
            gates = self._gate_edges(settings["gate_start_slope"], now)
        elif start.startswith("INP"):
            gates = self._input_gate_edges(int(start[-1]), settings["gate_start_slope"], now)
        delay, hold = settings["gate_delay_source"], settings["holdoff_source"]
        return Arming(
            gates=gates,
            delay=settings["gate_delay_time"] if delay == "TIME" else 0.0,
            delay_events=settings["gate_delay_events"] if delay == "EVEN" else 0,
            holdoff=settings["holdoff_time"] if hold == "TIME" else 0.0,
            holdoff_events=settings["holdoff_events"] if hold == "EVEN" else 0,
        )

    def _gate_edges(self, slope: str, now: float) -> NDArray[np.float64]:
        """Return the edges of the external gate since the arming."""
        if self.settings["gate_external_source"] != "BNC":
            return self._input_gate_edges(2, slope, now)
        return self._rear_edges("gate", slope == "POS", now)

    def _input_gate_edges(self, channel: int, slope: str, now: float) -> NDArray[np.float64]:
        """Return the edges of an input that opens the gate since the arming."""
        if "input gate" not in self._trails:
            self._trails["input gate"] = EdgeTrail(lambda begin, end: self.input_edges(channel, 1, slope, begin, end))
        return self._trails["input gate"].between(self._armed, now)

    @property
    def _gate_time(self) -> float:
        return float(self.settings["totalize_gate_time" if self.measured == "TOT" else "gate_time"])
