"""What a 53230A can tell about its inputs and itself: edges by themselves, the marker's pulse, self-test."""

from __future__ import annotations

import numpy as np
from mqtctl_drivers.keysight_53230a import Keysight53230A, QuestionableEvent
from numpy.typing import NDArray

from mqtctl.clock import Clock
from mqtctl.errors import HardwareError
from mqtctl.instruments.counters.marker_pulse import MarkerDiagnosis
from mqtctl.instruments.keysight_53230a.setup import IntervalSetup
from mqtctl.instruments.roles.experiment import StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.error_sentences import named, speaking
from mqtctl.instruments.talk.inspection import examine, look

__all__ = ["InputDiagnosis"]

#: A reading from here on is a code and no time: infinity or not-a-number in SCPI's spelling.
_CODED = 9.8e37
#: Pulses of the marker that are measured, and how often (s) is looked whether they have come.
_PULSES, _POLL = 5, 0.02
#: A message may take so long (s) beyond what is waited for.
_GRACE = 0.5


class InputDiagnosis(MarkerDiagnosis):
    """Looks at one input of a 53230A at a time; the time interval must be set up again afterwards.

    Parameters
    ----------
    counter
        The driver.
    setup
        Knows inputs and thresholds.
    clock
        Rules the waiting.
    """

    def __init__(self, counter: Keysight53230A, setup: IntervalSetup, clock: Clock) -> None:
        self._counter = counter
        self._setup = setup
        self._clock = clock

    def count_edges(self, stop: StopEdge, duration: float) -> int:
        """Return how many such edges the stop input saw in `duration` s."""
        with speaking(self._counter, "counting edges at the stop input"):
            self._counter.reset()
            self._setup.totalize(stop, duration, duration + _GRACE)
            self._counter.initiate()
            readings = self._collect(1, duration + _GRACE)
        if readings.size != 1 or not 0 <= readings[0] < _CODED:
            raise HardwareError(f"{named(self._counter)}: it did not count the edges at its stop input; repeat")
        return round(float(readings[0]))

    def inspect(self) -> list[Finding]:
        """Return what the counter says of itself."""
        counter = self._counter
        found = examine(counter, Keysight53230A.models, errors=counter.errors, self_test=counter.self_test)
        if found[0].verdict == "fault":
            return found
        found.append(look("counter inputs", self._overloads))
        found.append(look("counter time base", self._time_base))
        return found

    def _time_at(self, start: StopEdge, period: float, *, above: bool) -> float:
        """Return how long (s) the marker stays above, or below, the threshold each time."""
        rising, falling = StopEdge(start.threshold, rising=True), StopEdge(start.threshold, rising=False)
        longest = 3.0 * period
        with speaking(self._counter, "looking at the marker"):
            self._counter.reset()
            self._setup.between_marker_edges(*((rising, falling) if above else (falling, rising)), longest)
            self._counter.sample_count.set(_PULSES)
            self._counter.initiate()
            readings = self._collect(_PULSES, _PULSES * max(longest, _POLL) + _GRACE)
        times = readings[readings < _CODED]
        if times.size == 0:
            raise HardwareError(
                f"{named(self._counter)}: no marker arrives at the start input within {longest:.3g} s with a threshold "
                f"of {start.threshold:.3g} V; check its cable, the source's marker line and start_threshold"
            )
        return float(np.median(times))

    def _collect(self, count: int, longest: float) -> NDArray[np.float64]:
        """Return the readings that come within `longest` s, at most `count`."""
        deadline = self._clock.now() + longest
        while self._counter.readings_available.get() < count and self._clock.now() < deadline:
            self._clock.sleep(_POLL)
        self._counter.abort()
        ready = int(self._counter.readings_available.get())
        return self._counter.read_readings(min(ready, count)) if ready else np.empty(0)

    def _overloads(self) -> Finding:
        """Say whether an input protects itself."""
        with speaking(self._counter, "asking for overloads"):
            overloaded = self._counter.questionable.condition.get() & QuestionableEvent.OVERLOAD
        if overloaded:
            text = "an input is overloaded and has disconnected itself"
            return Finding("counter inputs", "fault", text, "remove the signal and clear the protection at the counter")
        return Finding("counter inputs", "good", "no overload")

    def _time_base(self) -> Finding:
        """Say which time base the counter runs on."""
        with speaking(self._counter, "asking for its time base"):
            return Finding("counter time base", "good", f"{self._counter.reference.get()} reference")
