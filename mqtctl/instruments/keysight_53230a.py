"""The Keysight 53230A as a timing counter: ramp marker to voltage step, blocks out of its memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from mqtctl_drivers.errors import ErrorQueueError
from mqtctl_drivers.keysight_53230a import MEMORY, TIMEOUT_ERROR, Keysight53230A
from mqtctl_drivers.keysight_53230a_input import CounterInput
from numpy.typing import NDArray

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import HardwareError, InputError

from .faults import close_to, named, persistently, speaking
from .identity import identify
from .keysight_53230a_options import Keysight53230AOptions
from .roles import RampProgram

__all__ = ["Keysight53230ATimingCounter"]

_SHORTEST_TIMEOUT, _LONGEST_TIMEOUT = 0.01, 2000.0
#: The narrow range holds thresholds up to this many volts.
_NARROW_RANGE_LEVEL = 5.0
#: A reading between these is a code: SCPI writes infinity as 9.9E37, not-a-number as 9.91E37.
_CODED, _BEYOND_CODES = 9.8e37, 1e38
#: Readings of the period of which the mean is taken, and the gate time in s of each.
_PERIOD_READINGS = 5
_PERIOD_GATE = 0.1
_POLL = 0.02


def empty_ramps_in_timeout(period: float) -> int:
    """Return how many ramps of this period (s) pass without a switch before a reading is given up."""
    return max(1, math.ceil(_SHORTEST_TIMEOUT / period - 0.5))


class Keysight53230ATimingCounter:
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

    def __init__(self, instrument: Keysight53230A, options: Mapping[str, object], clock: Clock) -> None:
        self._counter = instrument
        self._options = validate_document(options, Keysight53230AOptions, f"options of {instrument.name}")
        self._clock = clock
        self._timeout: float | None = None
        self._timeout_ramps = 1
        self._settings = ""
        self._waiting = 0  # readings known to be in memory

    @property
    def memory(self) -> int:
        """Number of readings the memory holds."""
        return MEMORY

    @property
    def timeout_ramps(self) -> int:
        """Ramps without a switch for which a reading of inf stands."""
        return self._timeout_ramps

    @property
    def delay(self) -> float:
        """Calibrated lag in s of the stop event behind the junction's current."""
        return self._options.delay

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return identify(self._counter, Keysight53230A.models)

    def configure(self, program: RampProgram) -> None:
        """Set time interval, inputs, time-out and binary format, and read all of it back.

        The time-out of a reading is so many and a half periods, at least 1.5 and not less than the 10 ms the
        counter allows: it then ends while no switch is due, so that no reading depends on where it ends.
        """
        empty_ramps = empty_ramps_in_timeout(program.period)
        timeout = (empty_ramps + 0.5) * program.period
        if not timeout <= _LONGEST_TIMEOUT:
            raise InputError(
                f"a period of {program.period:.6g} s needs a time-out beyond the counter's "
                f"{_LONGEST_TIMEOUT:g} s; shorten it"
            )
        self._timeout = None
        with speaking(self._counter, "setting up the time interval"):
            self._counter.reset()
            self._counter.reading_timeout.set(timeout)
            self._counter.configure_time_interval(self._options.start_input, self._options.stop_input)
            self._set_up_inputs()
            self._set_up_data()
            self._counter.check_errors()
            self._read_back(timeout)
            self._settings = self._counter.ask(self._settings_query())
        self._timeout, self._timeout_ramps, self._waiting = timeout, empty_ramps, 0

    def measure_period(self, program: RampProgram) -> float:
        """Return the mean period in s of the start marker; the time interval is set up again afterwards."""
        slow = max(_PERIOD_GATE, 2.0 * program.period)
        self._timeout = None  # until configure has put the time interval back
        with speaking(self._counter, "measuring the period of the marker"):
            self._counter.abort()
            self._counter.configure_period(self._options.start_input)
            self._counter.reading_timeout.set(min(max(5.0 * slow, 1.0), _LONGEST_TIMEOUT))
            self._set_up_inputs()
            self._set_up_data()
            self._counter.sample_count.set(_PERIOD_READINGS)
            self._counter.initiate()
            readings = self._collect(_PERIOD_READINGS, 2.0 * _PERIOD_READINGS * max(5.0 * slow, 1.0))
            self._counter.abort()
        self.configure(program)
        if not np.all((readings > 0) & (readings < _CODED)):
            raise HardwareError(
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
        self._waiting = 0
        with speaking(self._counter, "arming"):
            self._counter.abort()
            self._verify_unchanged()
            self._counter.sample_count.set(count)
            self._counter.initiate()
            self._check_errors()

    def available(self) -> int:
        """Return how many intervals wait to be read."""
        ask = self._counter.readings_available.get
        self._waiting = int(persistently(self._counter, "asking how many readings there are", ask))
        return self._waiting

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
        if self._waiting <= 0:
            self.available()
        count = min(count, self._waiting)
        if count <= 0:
            return np.empty(0)
        with speaking(self._counter, f"reading {count} intervals"):
            values = self._counter.read_readings(count)
        self._waiting -= values.size
        return self._checked(values, self._timeout)

    def stop(self) -> None:
        """End the measurement; readings in memory stay."""
        with speaking(self._counter, "stopping"):
            self._counter.abort()

    def make_safe(self) -> None:
        """Leave the counter idle; it puts nothing out, so there is nothing to confirm."""
        self.stop()

    # -- parts of the above -------------------------------------------------------------------

    def _inputs(self) -> dict[str, tuple[CounterInput, dict[str, Any]]]:
        """Return the two inputs, each with what its parameters are to be."""
        options = self._options
        wanted = {
            role: {
                "coupling": getattr(options, f"{role}_coupling"),
                "impedance": getattr(options, f"{role}_impedance"),
                "range": 5.0 if abs(getattr(options, f"{role}_threshold")) <= _NARROW_RANGE_LEVEL else 50.0,
                "level": getattr(options, f"{role}_threshold"),
                "slope": getattr(options, f"{role}_slope"),
                "noise_rejection": role == "stop" and options.stop_noise_rejection,
            }
            for role in ("start", "stop")
        }
        return {
            "start": (self._counter.inputs[options.start_input], wanted["start"]),
            "stop": (self._counter.inputs[options.stop_input], wanted["stop"]),
        }

    def _set_up_inputs(self) -> None:
        """Set both inputs; autolevel off first, for it needs 50 Hz and would fight the thresholds."""
        for channel, settings in self._inputs().values():
            channel.autolevel.set(False)
            for name, value in settings.items():
                channel.parameters[name].set(value)

    def _set_up_data(self) -> None:
        """Set trigger and format: one trigger, at once; readings as big-endian doubles."""
        self._counter.trigger_source.set("immediate")
        self._counter.trigger_count.set(1)
        self._counter.data_format.set("real")
        self._counter.byte_order.set("big")

    def _read_back(self, timeout: float) -> None:
        """Raise unless everything that was set reads back."""
        counter = self._counter
        checks: list[tuple[str, Any, Any]] = [
            ("function", counter.function.get(), "time interval"),
            ("time-out", counter.reading_timeout.get(), timeout),
            ("trigger source", counter.trigger_source.get(), "immediate"),
            ("trigger count", counter.trigger_count.get(), 1),
            ("data format", counter.data_format.get(), "real"),
            ("byte order", counter.byte_order.get(), "big"),
        ]
        for role, (channel, settings) in self._inputs().items():
            checks.append((f"{role} autolevel", channel.autolevel.get(), False))
            checks.extend((f"{role} {n}", channel.parameters[n].get(), wanted) for n, wanted in settings.items())
        for name, found, wanted in checks:
            # the level's converter has steps of 2.5 mV; what is exact reads back exactly
            step = 0.003 if name.endswith("level") else 0.0
            numeric = isinstance(wanted, float)
            if not (close_to(found, wanted, relative=1e-6, absolute=step) if numeric else found == wanted):
                raise HardwareError(
                    f"{named(counter)}: {name} was set to {wanted!r} but reads back {found!r}; "
                    "reset the counter and look for a setting locked at its front panel"
                )

    def _settings_query(self) -> str:
        """Return one message that asks for all that decides what an interval means."""
        first, second = self._options.start_input, self._options.stop_input
        inputs = ";".join(
            f":INP{n}:COUP?;:INP{n}:IMP?;:INP{n}:LEV:AUTO?;:INP{n}:LEV?;:INP{n}:SLOP?" for n in (first, second)
        )
        return f":FUNC?;:SYST:TIM?;:TRIG:SOUR?;:TRIG:COUN?;:FORM?;:FORM:BORD?;{inputs}"

    def _verify_unchanged(self) -> None:
        """Raise unless every setting still reads as it did after `configure`."""
        found = self._counter.ask(self._settings_query())
        if found != self._settings:
            self._timeout = None
            raise HardwareError(
                f"{named(self._counter)}: the settings changed since they were made ({found!r} instead of "
                f"{self._settings!r}); was it switched off or used at the front panel?"
            )

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
                raise HardwareError(
                    f"{named(self._counter)}: {found} of {count} readings came in {deadline:.3g} s; "
                    "check the marker's cable, start_slope and start_threshold"
                )
            self._clock.sleep(_POLL)
        return self._counter.read_readings(count)

    def _checked(self, values: NDArray[np.float64], timeout: float) -> NDArray[np.float64]:
        """Return intervals with inf for readings that timed out, after checking the others."""
        size = np.abs(values)
        coded = ((size >= _CODED) & (size < _BEYOND_CODES)) | np.isinf(size)
        intervals = np.where(coded, math.inf, values)
        wrong = np.isnan(intervals) | (intervals < 0) | ((intervals > 2.0 * timeout) & np.isfinite(intervals))
        if np.any(wrong):
            first = int(np.flatnonzero(wrong)[0])
            raise HardwareError(
                f"{named(self._counter)}: interval {first} of {values.size} reads {values[first]:.6g} s, which a "
                f"time-out of {timeout:.6g} s does not allow; the block is rejected, repeat it"
            )
        return np.asarray(intervals, dtype=np.float64)
