"""The SRS SR620 as a timing counter: ramp marker to voltage step, one sample after the other.

It has no memory: it makes a sample, waits until that has been taken, and only then looks for the next
start. So this adapter listens whenever it is asked anything, and keeps what came; `available` answers with
what was received and, as long as samples come, with those that are still to come, for nothing else can
be known without ending the stream. `read` takes what comes in a second, which may be fewer.

It has no time-out either: an interval goes on until the junction switches, through as many ramps as that takes,
and the acquisition counts them from its length. Hence no reading is ever inf. A junction that is silent
for long ends the dump, and the counter's status says which of its two edges is missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from mqtctl_drivers.srs_sr620 import LONGEST_DUMP, SrsSR620
from numpy.typing import NDArray

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import GlitchError, HardwareError, InputError
from mqtctl.instruments.counters.facts import CounterFacts
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.roles.stand_in import CounterStandIn
from mqtctl.instruments.srs_sr620.diagnosis import NO_SWITCHES, InputDiagnosis
from mqtctl.instruments.srs_sr620.options import SrsSR620Options
from mqtctl.instruments.srs_sr620.setup import TimerSetup, longest_silence
from mqtctl.instruments.talk.error_sentences import impatient, named, speaking
from mqtctl.instruments.talk.identity import identify
from mqtctl.instruments.talk.link import open_anew

__all__ = ["SrsSR620TimingCounter"]

#: What a sample costs the instrument beside the interval, in s (manual, p. 43).
_SAMPLE_TIME = 750e-6
#: `read` returns after about so long (s), so that whoever waits can look after the bath and a request to stop.
_SLICE = 1.0
#: The stream is taken for interrupted after this many periods, and this many s, without a sample.
_PAUSE_PERIODS, _PAUSE = 5, 0.25
#: Periods shorter than this (s) are measured with a gate of 0.1 s, longer ones one at a time.
_GATED_PERIOD = 0.05


class SrsSR620TimingCounter(CounterFacts):
    """`TimingCounter` on an SR620.

    Parameters
    ----------
    instrument
        The driver.
    options
        Keys and values as in `SrsSR620Options`, quantities as text.
    clock
        Measures for how long no sample has come.
    """

    role: ClassVar[str] = "timing_counter"
    options_model: ClassVar[type[Document]] = SrsSR620Options
    models: ClassVar[tuple[str, ...]] = SrsSR620.models

    def __init__(self, instrument: SrsSR620, options: Mapping[str, object], clock: Clock) -> None:
        self._counter = instrument
        self._options = validate_document(options, SrsSR620Options, f"options of {instrument.name}")
        super().__init__(self._options)
        self._clock = clock
        self._period: float | None = None
        self._setup = TimerSetup(instrument, self._options)
        self._diagnosis = InputDiagnosis(instrument, self._options, self._setup, clock)
        self._longest_silence = math.inf
        self._received: NDArray[np.float64] = np.empty(0)
        self._to_come = 0
        self._flowing = False
        self._armed_at = self._heard_at = -math.inf

    @property
    def memory(self) -> int:
        """Number of samples that one dump can have; the instrument itself remembers none."""
        return LONGEST_DUMP

    @property
    def timeout_ramps(self) -> int:
        """One; but no reading is ever inf, for the counter waits until the junction switches."""
        return 1

    @classmethod
    def stand_in(cls, driver: str, options: SrsSR620Options) -> CounterStandIn:
        """Return a counter without a memory."""
        start, stop = f"input{options.start_input.upper()}", f"input{options.stop_input.upper()}"
        return options.stand_in("srs-sr620", start, stop, streams=True)

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return identify(self._counter, SrsSR620.models)

    def assess(self, program: RampProgram) -> list[Finding]:
        """Raise `InputError` for a ramp that the time-out does not fit; nothing else depends on the ramp."""
        longest_silence(program, self._options.timeout)
        return []

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return identity, errors, self-test and time base."""
        self._end()
        return self._diagnosis.inspect()

    def count_edges(self, stop: StopEdge, duration: float) -> int:
        """Return how many such edges the stop input saw in `duration` s; `configure` must follow."""
        self._end()
        self._period = None
        return self._diagnosis.count_edges(stop, duration)

    def marker_pulse(self, program: RampProgram) -> tuple[bool, float]:
        """Return whether the marker's pulses are positive, and their width in s; `configure` must follow."""
        self._end()
        self._period = None
        return self._diagnosis.marker_pulse(self._options.start_edge, program.period)

    def configure(self, program: RampProgram, stop: StopEdge | None = None) -> None:
        """Set time interval and inputs and read all of it back; a stop counts only behind its start."""
        silence = longest_silence(program, self._options.timeout)
        self._end()
        self._period = None
        self._setup.stop = stop or self._options.stop_edge
        self._received = np.empty(0)
        with speaking(self._counter, "setting up the time interval"):
            self._counter.reset()
            self._setup.apply({"mode": "time", "arming": "+time"})
        self._period, self._longest_silence = program.period, silence

    def measure_period(self, program: RampProgram) -> float:
        """Return the period in s of the start marker; the time interval is set up again afterwards."""
        self._end()
        self._period = None  # until configure has put the time interval back
        gated = program.period < _GATED_PERIOD
        try:
            with speaking(self._counter, "measuring the period of the marker (does it arrive?)"):
                self._setup.apply({"mode": "period", "arming": "0.1 s gate" if gated else "1 period"})
                period = self._counter.measure(timeout=max(2.0, 5.0 * program.period))
                self._counter.check_errors()
        finally:
            self._counter.distrust()  # if the marker did not arrive, it is still waiting for it
        self.configure(program, self._setup.stop)
        if not 0 < period < math.inf:
            raise GlitchError(
                f"{named(self._counter)}: no marker arrives at input {self._options.start_input}, the period reads "
                f"{period:.6g} s; check its cable, the source's marker, and start_slope and start_threshold"
            )
        return period

    def arm(self, count: int) -> None:
        """Start a dump of `count` intervals, the first from the next marker on.

        Raises
        ------
        InputError
            `count` is not between 1 and `memory`.
        HardwareError
            Not configured, or the settings are not those of `configure` any more.
        """
        if not 1 <= count <= LONGEST_DUMP:
            raise InputError(f"the counter takes between 1 and {LONGEST_DUMP} intervals at once, not {count}")
        self._require_configured()
        self._end()
        self._received = np.empty(0)
        with speaking(self._counter, "arming"):
            self._require_unchanged()
            self._counter.check_errors()  # the last chance: any question would end the dump
            self._counter.start_dump(count)
        self._to_come, self._flowing = count, True
        self._armed_at = self._heard_at = self._clock.now()

    def available(self) -> int:
        """Return how many intervals were received, and while they come, how many are still to come.

        Raises
        ------
        HardwareError
            No interval has come for so long that something must be wrong; the message says what.
        """
        if self._to_come and not self._flowing:
            self._listen(1)
            if not self._flowing:
                self._explain_silence()
        return int(self._received.size) + (self._to_come if self._flowing else 0)

    def wait_for(self, count: int, timeout: float) -> bool:
        """Listen until `count` intervals were received, or none comes any more, for at most about `timeout` s.

        Time that is not spent here loses ramps: the counter has no memory. Returns False: `available` asks nothing.
        """
        deadline = self._clock.now() + timeout
        while (missing := min(count - self._received.size, self._to_come)) > 0:
            self._listen(missing)
            if not self._flowing or self._clock.now() >= deadline:
                break
        return False

    def read(self, count: int) -> NDArray[np.float64]:
        """Take at most `count` intervals, oldest first: those received, and those that come within about a second.

        Returns
        -------
        NDArray
            Shape (n_interval,), in s; empty if none came.

        Raises
        ------
        HardwareError
            The transfer failed, or an interval is negative or longer than the dump has lasted.
        """
        missing = min(count - self._received.size, self._to_come)
        if missing > 0:
            self._listen(missing)
        taken, self._received = self._received[: max(count, 0)], self._received[max(count, 0) :]
        return taken

    def stop(self) -> None:
        """End the dump; intervals already received stay readable."""
        self._end()

    def verify_unchanged(self) -> None:
        """Raise `HardwareError` if it lost its power or a setting of `configure` has changed since; ends a dump."""
        self._end()
        with speaking(self._counter, "looking after its settings"):
            self._require_unchanged()

    def reopen(self) -> None:
        """Open the session anew; it has to be set up again."""
        self._period, self._to_come, self._flowing = None, 0, False
        with speaking(self._counter, "opening the session anew"):
            open_anew(self._counter, self._counter.distrust)

    def make_safe(self) -> None:
        """Leave the counter idle; it puts nothing out, so there is nothing to confirm."""
        with impatient(self._counter):
            self._end()

    # -- the stream ---------------------------------------------------------------------------

    def _listen(self, wanted: int) -> None:
        """Receive at most `wanted` intervals, not many more than come within a second, until one is late."""
        period = self._require_configured()
        slowest = period * math.ceil((period + _SAMPLE_TIME) / period)  # from one sample to the next
        count = max(1, min(wanted, int(_SLICE / slowest)))
        with speaking(self._counter, "reading intervals"):
            values = self._counter.read_dump(count, _late_after(period))
        self._flowing = values.size == count
        if values.size:
            self._heard_at = self._clock.now()
            self._to_come -= values.size
            self._received = np.concatenate([self._received, self._checked(values)])

    def _explain_silence(self) -> None:
        """Raise if no interval has come for too long, after asking the counter which edge is missing."""
        period = self._require_configured()
        silence = self._clock.now() - self._heard_at
        if silence <= self._longest_silence:
            return
        self._end()
        missing = self._diagnosis.missing_edge(_late_after(period))
        text = f"{named(self._counter)}: no interval has come for {silence:.3g} s; {missing}"
        # everything else may be a command that was lost, to the counter or to the source, or a dump that was ended
        raise HardwareError(text) if missing == NO_SWITCHES else GlitchError(text)

    def _end(self) -> None:
        """End a dump that is under way; what was received stays."""
        if self._to_come == 0:
            return
        self._to_come, self._flowing = 0, False
        with speaking(self._counter, "ending the dump"):
            self._counter.end_dump()

    def _checked(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return intervals if they can be."""
        longest = self._clock.now() - self._armed_at + self._require_configured()
        wrong = ~((values >= 0) & (values <= longest))
        if np.any(wrong):
            first = int(np.flatnonzero(wrong)[0])
            self._end()
            raise GlitchError(
                f"{named(self._counter)}: interval {first} of {values.size} reads {values[first]:.6g} s, which "
                f"cannot be {longest:.3g} s after arming; the stream is out of step, repeat"
            )
        return values

    # -- set-up -------------------------------------------------------------------------------

    def _require_configured(self) -> float:
        """Return the period in s; raises `HardwareError` before `configure`."""
        if self._period is None:
            raise HardwareError(f"{named(self._counter)}: no time interval is set up; call configure first")
        return self._period

    def _require_unchanged(self) -> None:
        """Raise unless the settings are those that were made; then another `configure` is needed."""
        try:
            self._setup.guard.require_unchanged()
        except HardwareError:
            self._period = None
            raise


def _late_after(period: float) -> float:
    """Return how long to wait for a sample in s before looking after other things."""
    return max(_PAUSE, _PAUSE_PERIODS * period)
