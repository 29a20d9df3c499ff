"""The Keysight 53230A as a timing counter: ramp marker to voltage step, blocks out of its memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np
from mqtctl_drivers.errors import ErrorQueueError
from mqtctl_drivers.keysight_53230a import MEMORY, TIMEOUT_ERROR, Keysight53230A
from numpy.typing import NDArray

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import GlitchError, HardwareError, InputError
from mqtctl.instruments.counters.facts import CounterFacts
from mqtctl.instruments.keysight_53230a.diagnosis import InputDiagnosis
from mqtctl.instruments.keysight_53230a.options import Keysight53230AOptions
from mqtctl.instruments.keysight_53230a.setup import IntervalSetup, reading_timeout
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.roles.stand_in import CounterStandIn
from mqtctl.instruments.talk.error_sentences import named, persistently, speaking
from mqtctl.instruments.talk.identity import identify
from mqtctl.instruments.talk.link import open_anew

__all__ = ["Keysight53230ATimingCounter"]

#: A reading between these is a code: SCPI writes infinity as 9.9E37, not-a-number as 9.91E37.
_CODED, _BEYOND_CODES = 9.8e37, 1e38
#: Readings of the period of which the mean is taken, and the gate time in s of each.
_PERIOD_READINGS = 5
_PERIOD_GATE = 0.1
_POLL = 0.02
#: A wait for readings by service request is given up after so many times the time that as many ramps take.
_PATIENCE = 1.25
#: A longer wait (s) is slept through: a service request spares time where little is left of it, and costs four
#: messages.
_SLEEP = 0.25


class Keysight53230ATimingCounter(CounterFacts):
    """`TimingCounter` on a Keysight 53230A or 53220A.

    Parameters
    ----------
    instrument
        The driver.
    options
        Keys and values as in `Keysight53230AOptions`, quantities as text.
    clock
        Rules the waiting for the readings of the period.
    """

    role: ClassVar[str] = "timing_counter"
    options_model: ClassVar[type[Document]] = Keysight53230AOptions
    models: ClassVar[tuple[str, ...]] = Keysight53230A.models

    def __init__(self, instrument: Keysight53230A, options: Mapping[str, object], clock: Clock) -> None:
        self._counter = instrument
        self._options = validate_document(options, Keysight53230AOptions, f"options of {instrument.name}")
        super().__init__(self._options)
        self._clock = clock
        self._setup = IntervalSetup(instrument, self._options)
        self._diagnosis = InputDiagnosis(instrument, self._setup, clock)
        self._timeout: float | None = None
        self._timeout_ramps = 1
        self._waiting = 0  # readings known to be in memory
        self._asked_at = -math.inf  # when that was known
        self._expected = 1  # readings that the latest wait was for
        self._taken_to_be_there = False  # readings, though nobody has asked
        self._punctual = False  # whether the latest readings were there when their ramps' time was over
        self._requests_service = False
        self._period = 0.0

    @property
    def memory(self) -> int:
        """Number of readings the memory holds."""
        return MEMORY

    @property
    def timeout_ramps(self) -> int:
        """Ramps without a switch for which a reading of inf stands."""
        return self._timeout_ramps

    @classmethod
    def stand_in(cls, driver: str, options: Keysight53230AOptions) -> CounterStandIn:
        """Return a counter with a memory."""
        start, stop = f"input{options.start_input}", f"input{options.stop_input}"
        return options.stand_in("keysight-53230a", start, stop)

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return identify(self._counter, Keysight53230A.models)

    def assess(self, program: RampProgram) -> list[Finding]:
        """Raise `InputError` for a ramp that the time-out does not fit; nothing else depends on the ramp."""
        reading_timeout(program, self._options.timeout)
        return []

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return identity, error queue, self-test, overloads and time base."""
        return self._diagnosis.inspect()

    def count_edges(self, stop: StopEdge, duration: float) -> int:
        """Return about how many such edges the stop input saw in `duration` s; `configure` must follow."""
        self._timeout = None
        return self._diagnosis.count_edges(stop, duration)

    def marker_pulse(self, program: RampProgram) -> tuple[bool, float]:
        """Return whether the marker's pulses are positive, and their width in s; `configure` must follow."""
        self._timeout = None
        return self._diagnosis.marker_pulse(self._options.start_edge, program.period)

    def configure(self, program: RampProgram, stop: StopEdge | None = None) -> None:
        """Set time interval, inputs, time-out and binary format, and read all of it back; see `reading_timeout`."""
        timeout, empty_ramps = reading_timeout(program, self._options.timeout)
        self._timeout = None
        self._setup.stop = stop or self._options.stop_edge
        with speaking(self._counter, "setting up the time interval"):
            self._setup.time_interval(timeout)
            self._requests_service = self._counter.request_service()
        self._timeout, self._timeout_ramps, self._waiting = timeout, empty_ramps, 0
        self._period = program.period

    def measure_period(self, program: RampProgram) -> float:
        """Return the mean period in s of the start marker; the time interval is set up again afterwards."""
        slow = max(_PERIOD_GATE, 2.0 * program.period)
        self._timeout = None  # until configure has put the time interval back
        with speaking(self._counter, "measuring the period of the marker"):
            self._counter.abort()
            timeout = max(5.0 * slow, 1.0)
            self._setup.period(timeout)
            self._counter.sample_count.set(_PERIOD_READINGS)
            self._counter.initiate()
            readings = self._collect(_PERIOD_READINGS, 2.0 * _PERIOD_READINGS * timeout)
            self._counter.abort()
        self.configure(program, self._setup.stop)
        valid = (readings > 0) & (readings < _CODED)
        if not np.all(valid):
            raise GlitchError(  # a command to the source may have been lost on its way, or a reading damaged
                f"{named(self._counter)}: no marker arrives at input {self._options.start_input}; check its cable, "
                "the source's marker line, and start_slope and start_threshold"
            )
        return float(np.mean(readings))

    def arm(self, count: int) -> None:
        """Clear the memory and get ready for `count` intervals, the first from the next marker on.

        Raises
        ------
        InputError
            `count` is not between 1 and the memory's size.
        HardwareError
            Not configured, or the settings are not those of `configure` any more.
        """
        if not 1 <= count <= MEMORY:
            raise InputError(f"the counter takes between 1 and {MEMORY} intervals at once, not {count}")
        if self._timeout is None:
            raise HardwareError(f"{named(self._counter)}: no time interval is set up; call configure first")
        self._waiting, self._expected = 0, 1
        self._punctual = self._taken_to_be_there = False
        with speaking(self._counter, "arming"):
            self._counter.abort()
            self._require_unchanged()
            self._counter.sample_count.set(count)
            self._counter.initiate()
            self._check_errors()
            self._asked_at = self._clock.now()

    def available(self) -> int:
        """Return how many intervals wait to be read."""
        ask = self._counter.readings_available.get
        self._waiting = int(persistently(self._counter, "asking how many readings there are", ask))
        self._asked_at = self._clock.now()
        self._punctual, self._taken_to_be_there = self._waiting >= self._expected, False
        return self._waiting

    def wait_for(self, count: int, timeout: float) -> bool:
        """Return when `count` intervals may wait to be read, or after `timeout` s at the latest.

        A short while by the counter's service request if its interface has it, else for the time that as many ramps
        take, and half of one. Readings that came in time are taken to do so again: nothing is asked before they are
        read, until they are fewer for once.
        """
        count = self._expected = min(count, MEMORY)
        missing = count - self._waiting
        if missing <= 0 or timeout <= 0:
            return missing <= 0
        due = self._asked_at + missing * self._period - self._clock.now()
        if self._requests_service and due < _SLEEP and not self._punctual:
            # the switches may be late, and a request that never comes must not cost more than that
            longest = min(timeout, max(_POLL, _PATIENCE * due))
            wait = partial(self._counter.wait_for_readings, count, longest)
            came = persistently(self._counter, f"waiting for {count} readings", wait)
        else:
            needed = due + 0.5 * self._period
            came = self._punctual and needed <= timeout
            self._clock.sleep(min(timeout, max(_POLL, needed)))
        self._taken_to_be_there = came
        return came

    def read(self, count: int) -> NDArray[np.float64]:
        """Take at most `count` intervals out of the memory, oldest first.

        Returns
        -------
        NDArray
            Shape (n_interval,), in s; inf where no stop came within the time-out.

        Raises
        ------
        HardwareError
            The transfer failed (the readings are lost with it), or a reading is nan, negative, or longer
            than the time-out allows.
        """
        if self._timeout is None:
            raise HardwareError(f"{named(self._counter)}: no time interval is set up; call configure first")
        if self._taken_to_be_there:
            count = min(count, 2 * self._expected)  # and no longer a reply; what is left comes with the next
        else:
            if self._waiting <= 0:
                self.available()
            count = min(count, self._waiting)
        if count <= 0:
            return np.empty(0)
        begin = self._clock.now()
        with speaking(self._counter, f"reading {count} intervals"):
            values = self._counter.read_readings(min(count, MEMORY))
        if self._taken_to_be_there:  # and it gave what there was
            self._punctual = values.size >= min(count, self._expected)
            now = self._clock.now()
            # of the ramps that were made while these were on their way, each whole one waits already
            meanwhile = math.floor((now - begin) / self._period) * self._period
            self._waiting, self._asked_at, self._taken_to_be_there = 0, now - meanwhile, False
        else:
            self._waiting -= values.size
        return self._checked(values, self._timeout)

    def stop(self) -> None:
        """End the measurement; readings in memory stay."""
        with speaking(self._counter, "stopping"):
            self._counter.abort()

    def verify_unchanged(self) -> None:
        """Raise `HardwareError` if it lost its power or a setting of `configure` has changed since."""
        with speaking(self._counter, "looking after its settings"):
            self._require_unchanged()

    def reopen(self) -> None:
        """Open the session anew; it has to be set up again."""
        self._timeout, self._waiting = None, 0
        with speaking(self._counter, "opening the session anew"):
            open_anew(self._counter, self._counter.distrust)

    def make_safe(self) -> None:
        """Leave the counter idle; it puts nothing out, so there is nothing to confirm."""
        self.stop()

    # -- parts of the above -------------------------------------------------------------------

    def _require_unchanged(self) -> None:
        """Raise unless the settings are those that were made; then another `configure` is needed."""
        try:
            self._setup.guard.require_unchanged()
        except HardwareError:
            self._timeout = None
            raise

    def _check_errors(self) -> None:
        """Raise for anything in the error queue but time-outs, which are ramps without a switch."""
        found = [error for error in self._counter.errors() if error[0] != TIMEOUT_ERROR]
        if found:
            raise ErrorQueueError(self._counter.name, found)

    def _collect(self, count: int, deadline: float) -> NDArray[np.float64]:
        """Wait at most `deadline` s until `count` readings are in memory, and take them out."""
        begin = self._clock.now()
        while (found := int(self._counter.readings_available.get())) < count:
            if self._clock.now() - begin > deadline:
                raise GlitchError(  # a command may have been lost on its way
                    f"{named(self._counter)}: {found} of {count} readings came in {deadline:.3g} s; "
                    "check the marker's cable, start_slope and start_threshold"
                )
            self._clock.sleep(_POLL)
        return self._counter.read_readings(count)

    def _checked(self, values: NDArray[np.float64], timeout: float) -> NDArray[np.float64]:
        """Return intervals with inf for readings that timed out, after checking the others."""
        if (
            values.size and values.min() >= 0.0 and values.max() <= 2.0 * timeout
        ):  # as nearly always, and never with nan
            return values
        size = np.abs(values)
        coded = ((size >= _CODED) & (size < _BEYOND_CODES)) | np.isinf(size)
        intervals = np.where(coded, math.inf, values)
        wrong = np.isnan(intervals) | (intervals < 0) | ((intervals > 2.0 * timeout) & np.isfinite(intervals))
        if np.any(wrong):
            first = int(np.flatnonzero(wrong)[0])
            raise GlitchError(
                f"{named(self._counter)}: interval {first} of {values.size} reads {values[first]:.6g} s, which a "
                f"time-out of {timeout:.6g} s does not allow; the block is rejected, repeat it"
            )
        return np.asarray(intervals, dtype=np.float64)
