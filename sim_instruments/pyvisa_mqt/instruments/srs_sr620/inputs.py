"""The inputs of the SR620: thresholds, auto-level, coupling, termination, and its own 1 kHz reference.

U: the corner of AC coupling, the bit of a failed auto-level of B, how far back auto-level looks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.instruments.counters.comparator_input import Conditioning, CounterInput, divider
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["INDICES", "TimerInputs"]

#: How far back in s auto-level looks for a signal.
LOOK_BACK = 0.1
REFERENCE_PERIOD = 1e-3
INDICES = {"EXT": 0, "A": 1, "B": 2}
_CONNECTORS = {"A": ("inputA", "input1"), "B": ("inputB", "input2"), "EXT": ("external",)}


class TimerInputs:
    """The three inputs, with the settings that concern them.

    Parameters
    ----------
    wires
        The bench as the counter sees it.
    settings
        The counter's settings, by mnemonic and index.
    source_impedance
        Of what is connected to the inputs, in Ohm.
    """

    def __init__(self, wires: Wires, settings: Mapping[tuple[str, int], float], source_impedance: float) -> None:
        self._inputs = {name: CounterInput(wires, *ports) for name, ports in _CONNECTORS.items()}
        self._settings = settings
        self._source_impedance = source_impedance

    def _conditioning(self, name: str) -> Conditioning:
        index = INDICES[name]
        share = divider(self._source_impedance, self._settings["TERM", index] == 0)
        return Conditioning(gain=share, ac=bool(self._settings.get(("TCPL", index), 0)))

    def events(self, name: str, since: float, until: float, opposite: bool) -> NDArray[np.float64]:
        """Return the times in s, since < t <= until, at which "A", "B" or "EXT" triggers, or "REF" rises.

        `opposite` takes the other slope.
        """
        if name == "REF":
            first, last = (int(time / REFERENCE_PERIOD) for time in (since, until))
            times = REFERENCE_PERIOD * np.arange(first, last + 1)
            return np.asarray(times[(times > since) & (times <= until)])
        index = INDICES[name]
        rising = bool(self._settings["TSLP", index]) == opposite
        level = self._settings["LEVL", index]
        return self._inputs[name].edges(self._conditioning(name), level, rising, since, until)

    def told(self, name: str, now: float) -> str:
        """Return in words where an input's threshold is, and what its signal has done up to bench time `now` (s)."""
        level = f"{self._settings['LEVL', INDICES[name]]:.2f} V"
        where = "the external input" if name == "EXT" else f"input {name}"
        return f"on {where} at {level}; {self._inputs[name].told(self._conditioning(name), now)}"

    def triggered(self, name: str, since: float, until: float) -> bool:
        """Return whether an input triggered between two times (s); of a busy one a short while is looked at only."""
        step = LOOK_BACK
        while since < until:
            if len(self.events(name, since, min(since + step, until), False)):
                return True
            since, step = since + step, 4.0 * step
        return False

    def automatic_level(self, name: str, now: float) -> float | None:
        """Return the threshold in V in the middle of what an input has seen lately; None if nothing moved."""
        since = now - LOOK_BACK
        extremes = self._inputs[name].extremes(since, now)
        if extremes is None:
            return None
        conditioning = self._conditioning(name)
        middle = conditioning.gain * 0.5 * sum(extremes)
        return round(middle - self._inputs[name].offset(conditioning, extremes, since, now), 2)
