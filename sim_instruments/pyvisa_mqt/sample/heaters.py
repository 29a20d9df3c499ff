"""The heaters of the bench: what is asked of each, what it gives, and the heat that has come together in a tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyvisa_mqt.sample.physical_faults import PhysicalFaults

__all__ = ["Heaters"]

Port = tuple[str, str]


class Heaters:
    """Powers of the heaters, by connector.

    Parameters
    ----------
    nodes
        Which node each heater warms; one that is not there or warms "nowhere" is no heater.
    wrong
        What is wrong with heaters at present.
    changed
        Called with heater, node and power in W before a heater's true power changes.
    """

    def __init__(
        self, nodes: Mapping[Port, str], wrong: PhysicalFaults, changed: Callable[[Port, str, float], None]
    ) -> None:
        self._nodes = nodes
        self._wrong = wrong
        self._changed = changed
        self._powers: dict[Port, float] = {}
        self._requested: dict[Port, float] = {}
        self._heat = {"mixing_chamber": 0.0, "sample": 0.0}  # J put in since they were taken
        self._counted_to = 0.0

    def count(self, time: float) -> None:
        """Count the heat given up to `time` (s) at the present powers."""
        for heater, power in self._powers.items():
            self._heat[self._nodes[heater]] += power * (time - self._counted_to)
        self._counted_to = time

    def take(self, time: float) -> tuple[float, float]:
        """Return the heat in J that went into mixing chamber and sample since the last call, up to `time` (s)."""
        self.count(time)
        heat = self._heat["mixing_chamber"], self._heat["sample"]
        self._heat = dict.fromkeys(self._heat, 0.0)
        return heat

    def set(self, time: float, heater: Port, power: float) -> None:
        """Ask a heater for a power in W from bench time `time` (s) on; one that is connected nowhere warms nothing."""
        node = self._nodes.get(heater, "nowhere")
        if node == "nowhere":
            return
        if time != self._counted_to:  # in a tick it has just been counted
            self.count(time)
        self._requested[heater] = power
        given = self._wrong.power(heater, power)
        if given != self._powers.get(heater, 0.0):
            self._changed(heater, node, given)
        self._powers[heater] = given

    def power(self, heater: Port) -> float:
        """Return the power in W that a heater gives."""
        return self._powers.get(heater, 0.0)

    def renew(self, time: float, heater: Port) -> None:
        """Let a heater give again what is asked of it, as far as it can."""
        self.set(time, heater, self._requested.get(heater, 0.0))

    def of(self, instrument: str) -> list[Port]:
        """Return those of an instrument that were ever asked for a power."""
        return [heater for heater in self._powers if heater[0] == instrument]
