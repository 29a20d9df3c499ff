"""Faults of the physics: sensors, heaters, refrigerator and counter inputs that do what they should not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.time_and_signals.random_streams import Stream

__all__ = ["FalseTriggers", "JumpingSensor", "PhysicalFaults"]

Array = NDArray[np.float64]
Port = tuple[str, str]
_MOST_EDGES = 50_000  # a second


@dataclass
class JumpingSensor:
    """A sensor that now and then shows a multiple of its temperature."""

    factor: float
    share: float
    rng: np.random.Generator

    def shown(self, temperature: float) -> float:
        """Return what the sensor shows, K."""
        return temperature * self.factor if self.rng.random() < self.share else temperature


@dataclass(frozen=True)
class FalseTriggers:
    """Edges at a counter input that nothing on the bench has made, at random times."""

    rate: float
    seed: int
    purpose: str
    since: float
    until: float = math.inf

    def edges(self, since: float, until: float) -> Array:
        """Return their times in s, since < t <= until, the same whenever they are asked for."""
        since, until = max(since, self.since), min(until, self.until)
        seconds = range(max(math.floor(since), 0), math.floor(max(until, 0.0)) + 1)
        found = [_second_of_edges(self.rate, self.seed, self.purpose, second) for second in seconds]
        times = np.concatenate([np.empty(0), *found])
        return times[(times > since) & (times <= until)]


@lru_cache(maxsize=8)
def _second_of_edges(rate: float, seed: int, purpose: str, second: int) -> Array:
    """Return the false edges in one second of bench time, s; whoever waits asks for the same one again and again."""
    rng = np.random.default_rng(int(2**62 * Stream(seed, f"{purpose} {second}").uniform(0, 1)[0]))
    count = min(int(rng.poisson(rate)), _MOST_EDGES)
    times = second + np.sort(rng.random(count))
    times.setflags(write=False)
    return times


class PhysicalFaults:
    """What is wrong at present.

    Attributes
    ----------
    heat
        Power in W that leaks into the mixing chamber.
    stuck_sensors, jumping_sensors
        Sensors by port: the temperature in K they go on showing, or how they jump.
    stuck_heaters, weak_heaters
        Heaters by port: the power in W they go on giving, or at most give.
    unpowered
        Names of instruments without mains power, whose heaters give nothing.
    """

    def __init__(self) -> None:
        self.heat = 0.0
        self.stuck_sensors: dict[Port, float] = {}
        self.jumping_sensors: dict[Port, JumpingSensor] = {}
        self.stuck_heaters: dict[Port, float] = {}
        self.weak_heaters: dict[Port, float] = {}
        self.unpowered: set[str] = set()
        self._triggers: dict[str, list[FalseTriggers]] = {}

    def shown(self, sensor: Port, temperature: float) -> float:
        """Return the temperature in K that a sensor shows."""
        if sensor in self.stuck_sensors:
            return self.stuck_sensors[sensor]
        jumping = self.jumping_sensors.get(sensor)
        return jumping.shown(temperature) if jumping is not None else temperature

    def power(self, heater: Port, requested: float) -> float:
        """Return the power in W that a heater gives."""
        if not self.stuck_heaters and not self.unpowered and not self.weak_heaters:
            return requested
        if heater in self.stuck_heaters:
            return self.stuck_heaters[heater]
        if heater[0] in self.unpowered:
            return 0.0
        return min(requested, self.weak_heaters.get(heater, math.inf))

    def add_triggers(self, port: str, triggers: FalseTriggers) -> None:
        """Let false edges come at a counter input."""
        self._triggers.setdefault(port, []).append(triggers)

    def end_triggers(self, port: str, time: float) -> None:
        """Let no more come from a time (s) on."""
        self._triggers[port] = [
            FalseTriggers(t.rate, t.seed, t.purpose, t.since, min(t.until, time)) for t in self._triggers.get(port, [])
        ]

    def with_false_edges(self, port: str, edges: Array, since: float, until: float) -> Array:
        """Return the edges at a counter input, since < t <= until, with the false ones among them."""
        false = [triggers.edges(since, until) for triggers in self._triggers.get(port, [])]
        return np.sort(np.concatenate([edges, *false])) if false else edges
