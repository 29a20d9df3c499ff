"""What an SR620 can tell about its inputs and itself: edges by themselves, the marker's pulse, self-test."""

from __future__ import annotations

import math

from mqtctl_drivers.srs_sr620 import SrsSR620, TimerStatus
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from mqtctl.clock import Clock
from mqtctl.errors import HardwareError
from mqtctl.instruments.counters.marker_pulse import MarkerDiagnosis
from mqtctl.instruments.roles.experiment import StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.srs_sr620.options import SrsSR620Options
from mqtctl.instruments.srs_sr620.setup import TimerSetup
from mqtctl.instruments.talk.error_sentences import named, speaking
from mqtctl.instruments.talk.inspection import examine, look

__all__ = ["NO_SWITCHES", "InputDiagnosis"]

#: Gates in s in which edges can be counted, and the arming modes that have them.
_GATES = {0.01: "0.01 s gate", 0.1: "0.1 s gate", 1.0: "1 s gate"}
#: A message may take so long (s) beyond what is waited for.
_GRACE = 1.0

#: What is said where only the stop edges are missing, and where no edge is.
NO_SWITCHES = (
    "the marker arrives, but the junction does not switch: check the wiring, stop_threshold and the ramp's stop_current"
)
_BOTH_ARRIVE = (
    "both edges arrive, but no stop behind a start: a slope is wrong, or with too little rest of the ramp "
    "the junction stays in the voltage state"
)


class InputDiagnosis(MarkerDiagnosis):
    """Looks at one input of an SR620 at a time; the time interval must be set up again afterwards.

    Parameters
    ----------
    counter
        The driver.
    options
        The station's options.
    setup
        Sets the inputs.
    clock
        Rules the waiting.
    """

    def __init__(self, counter: SrsSR620, options: SrsSR620Options, setup: TimerSetup, clock: Clock) -> None:
        self._clock = clock
        self._counter = counter
        self._options = options
        self._setup = setup

    def count_edges(self, stop: StopEdge, duration: float) -> int:
        """Return how many such edges the stop input saw in `duration` s, by a gate of at most that length."""
        gate = max((g for g in _GATES if g <= duration * (1 + 1e-9)), default=min(_GATES))
        with speaking(self._counter, "counting edges at the stop input"):
            self._counter.reset()
            wanted = {"source": self._options.stop_input, "mode": "count", "arming": _GATES[gate]}
            self._setup.apply(wanted, stop=stop)
            count = self._measured(gate + _GRACE)
        return 0 if math.isnan(count) else round(count * duration / gate)

    def missing_edge(self, duration: float) -> str:
        """Return which edge is missing, and what to look at, from what triggers in a trial of `duration` s.

        The status before it may be of edges long ago.
        """
        with speaking(self._counter, "asking what triggers"):
            self._counter.timer_status.get()
            self._counter.start_dump(1)
            self._clock.sleep(duration)
            self._counter.end_dump()
            status = TimerStatus(self._counter.timer_status.get())
        starts, stops = TimerStatus.A_TRIGGERED, TimerStatus.B_TRIGGERED
        if self._options.start_input == "b":
            starts, stops = stops, starts
        if not status & starts:
            return "the start marker does not arrive: check its cable, start_threshold and start_slope"
        if not status & stops:
            return NO_SWITCHES
        return _BOTH_ARRIVE

    def inspect(self) -> list[Finding]:
        """Return what the counter says of itself."""
        counter = self._counter
        found = examine(counter, SrsSR620.models, errors=counter.errors, self_test=counter.self_test)
        if found[0].verdict == "good":
            found.append(look("counter time base", self._time_base))
        return found

    def _time_at(self, start: StopEdge, period: float, *, above: bool) -> float:
        """Return how long (s) the marker stays above, or below, the threshold."""
        with speaking(self._counter, "looking at the marker"):
            self._counter.reset()
            edge = StopEdge(start.threshold, rising=above)
            self._setup.apply({"mode": "width", "arming": "+time"}, start=edge)
            width = self._measured(3.0 * period + _GRACE)
        if not 0 < width < math.inf:
            raise HardwareError(
                f"{named(self._counter)}: no marker arrives at input {self._options.start_input} with a threshold of "
                f"{start.threshold:.3g} V; check its cable, the source's marker and start_threshold"
            )
        return width

    def _measured(self, timeout: float) -> float:
        """Return one sample, nan if none comes within `timeout` s; the counter would wait for it for ever."""
        usual = self._counter.timeout.get()
        self._counter.timeout.set(timeout)
        try:
            return self._counter.measure(timeout=timeout)
        except VisaIOError as exc:
            if exc.error_code != StatusCode.error_timeout:
                raise
            return math.nan
        finally:
            self._counter.timeout.set(usual)

    def _time_base(self) -> Finding:
        """Say which time base the counter runs on."""
        with speaking(self._counter, "asking for its time base"):
            return Finding("counter time base", "good", f"{self._counter.clock_source.get()} reference")
