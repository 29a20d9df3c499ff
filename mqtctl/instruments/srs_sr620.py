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
from typing import Any, ClassVar

import numpy as np
from mqtctl_drivers.srs_sr620 import LONGEST_DUMP, SrsSR620, TimerStatus
from mqtctl_drivers.srs_sr620_input import INPUTS, TimerInput
from numpy.typing import NDArray

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import HardwareError, InputError

from .faults import close_to, impatient, named, speaking
from .identity import identify
from .roles import RampProgram
from .srs_sr620_options import SrsSR620Options

__all__ = ["SrsSR620TimingCounter"]

#: What a sample costs the instrument beside the interval, in s (manual, p. 43).
_SAMPLE_TIME = 750e-6
#: `read` returns after about so long (s), so that whoever waits can look after the bath and a request to stop.
_SLICE = 1.0
#: The stream is taken for interrupted after this many periods, and this many s, without a sample.
_PAUSE_PERIODS, _PAUSE = 5, 0.25
#: After this many periods, and this many s, without a sample something is wrong with the wiring or the ramp.
_SILENT_PERIODS, _SILENT_TIME = 45, 4.5
#: The level's converter has steps of 10 mV.
_LEVEL_STEP = 0.0051
#: Periods shorter than this (s) are measured with a gate of 0.1 s, longer ones one at a time.
_GATED_PERIOD = 0.05


class SrsSR620TimingCounter:
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

    def __init__(self, instrument: SrsSR620, options: Mapping[str, object], clock: Clock) -> None:
        self._counter = instrument
        self._options = validate_document(options, SrsSR620Options, f"options of {instrument.name}")
        self._clock = clock
        self._period: float | None = None
        self._settings = ""
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

    @property
    def delay(self) -> float:
        """Calibrated lag in s of the stop event behind the junction's current."""
        return self._options.delay

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return identify(self._counter, SrsSR620.models)

    def configure(self, program: RampProgram) -> None:
        """Set time interval and inputs and read all of it back; a stop counts only behind its start."""
        self._end()
        self._period = None
        self._received = np.empty(0)
        with speaking(self._counter, "setting up the time interval"):
            self._counter.reset()
            self._set_up({"mode": "time", "arming": "+time"})
            self._counter.check_errors()
            self._settings = self._counter.ask(self._settings_query())
        self._period = program.period

    def measure_period(self, program: RampProgram) -> float:
        """Return the period in s of the start marker; the time interval is set up again afterwards."""
        self._end()
        self._period = None  # until configure has put the time interval back
        gated = program.period < _GATED_PERIOD
        try:
            with speaking(self._counter, "measuring the period of the marker (does it arrive?)"):
                self._set_up({"mode": "period", "arming": "0.1 s gate" if gated else "1 period"})
                period = self._counter.measure(timeout=max(2.0, 5.0 * program.period))
                self._counter.check_errors()
        finally:
            self._counter.distrust()  # if the marker did not arrive, it is still waiting for it
        self.configure(program)
        if not 0 < period < math.inf:
            raise HardwareError(
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
            self._verify_unchanged()
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
            values = self._counter.read_dump(count, self._late_after(period))
        self._flowing = values.size == count
        if values.size:
            self._heard_at = self._clock.now()
            self._to_come -= values.size
            self._received = np.concatenate([self._received, self._checked(values)])

    @staticmethod
    def _late_after(period: float) -> float:
        """Return how long to wait for a sample in s before looking after other things."""
        return max(_PAUSE, _PAUSE_PERIODS * period)

    def _explain_silence(self) -> None:
        """Raise if no interval has come for too long, after asking the counter which edge is missing."""
        period = self._require_configured()
        silence = self._clock.now() - self._heard_at
        if silence <= max(_SILENT_TIME, _SILENT_PERIODS * period):
            return
        self._end()
        status = self._triggers_of_a_trial(period)
        starts, stops = TimerStatus.A_TRIGGERED, TimerStatus.B_TRIGGERED
        if self._options.start_input == "b":
            starts, stops = stops, starts
        missing = (
            "the start marker does not arrive: check its cable, start_threshold and start_slope"
            if not status & starts
            else "the marker arrives, but the junction does not switch: check the wiring, stop_threshold and the "
            "ramp's stop_current"
            if not status & stops
            else "both edges arrive, but no stop behind a start: a slope is wrong, or with too little rest of the ramp "
            "the junction stays in the voltage state"
        )
        raise HardwareError(f"{named(self._counter)}: no interval has come for {silence:.3g} s; {missing}")

    def _triggers_of_a_trial(self, period: float) -> TimerStatus:
        """Return what triggers in a dump of a few periods; the status before may be of edges long ago."""
        with speaking(self._counter, "asking what triggers"):
            self._counter.timer_status.get()
            self._counter.start_dump(1)
            self._clock.sleep(self._late_after(period))
            self._counter.end_dump()
            return TimerStatus(self._counter.timer_status.get())

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
            raise HardwareError(
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

    def _inputs(self) -> list[tuple[str, TimerInput, dict[str, Any]]]:
        """Return role, input and what its parameters are to be, for both inputs."""
        options = self._options
        return [
            (
                role,
                self._counter.inputs[getattr(options, f"{role}_input")],
                {
                    "autolevel": False,  # first, for it would move the level
                    "coupling": getattr(options, f"{role}_coupling"),
                    "termination": getattr(options, f"{role}_impedance"),
                    "level": getattr(options, f"{role}_threshold"),
                    "slope": getattr(options, f"{role}_slope"),
                },
            )
            for role in ("start", "stop")
        ]

    def _set_up(self, measurement: Mapping[str, str]) -> None:
        """Set measurement and inputs, one sample a group, and raise unless everything reads back."""
        counter = self._counter
        wanted: dict[str, Any] = {
            **measurement,
            "source": self._options.start_input,
            "sample_size": 1,
            "auto_measure": False,
            "expand": False,
        }
        parts = [("", counter, wanted), *((f"{role} ", part, settings) for role, part, settings in self._inputs())]
        for _, part, settings in parts:
            for name, value in settings.items():
                part.parameters[name].set(value)
        for prefix, part, settings in parts:
            for name, value in settings.items():
                found = part.parameters[name].get()
                if not (close_to(found, value, absolute=_LEVEL_STEP) if name == "level" else found == value):
                    raise HardwareError(
                        f"{named(counter)}: {prefix}{name.replace('_', ' ')} was set to {value!r} but reads back "
                        f"{found!r}; reset the counter and look at its front panel"
                    )

    def _settings_query(self) -> str:
        """Return one message that asks for all that decides what an interval means."""
        numbers = (INPUTS["a"], INPUTS["b"])
        inputs = [f"{mnemonic}? {n}" for n in numbers for mnemonic in ("LEVL", "TSLP", "TERM", "TCPL", "TMOD")]
        return ";".join(["MODE?", "SRCE?", "ARMM?", "SIZE?", "AUTM?", *inputs])

    def _verify_unchanged(self) -> None:
        """Raise unless every setting still reads as it did after `configure`."""
        found = self._counter.ask(self._settings_query())
        if found != self._settings:
            self._period = None
            raise HardwareError(
                f"{named(self._counter)}: the settings changed since they were made ({found!r} instead of "
                f"{self._settings!r}); was it switched off or used at the front panel?"
            )
