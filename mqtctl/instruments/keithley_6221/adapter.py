"""The Keithley 6221 as a ramp source: an arbitrary wave, finite bursts, marker at the first point."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import ClassVar

from mqtctl_drivers.keithley_6221 import CURRENT_RANGES, Keithley6221, OperationEvent

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import GlitchError, HardwareError, InputError, LostError
from mqtctl.instruments.keithley_6221.diagnosis import inspect_source, marking
from mqtctl.instruments.keithley_6221.options import Keithley6221Options
from mqtctl.instruments.ramp.filter_tail import filter_findings
from mqtctl.instruments.ramp.sawtooth import Sawtooth, sawtooth
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.roles.stand_in import MarkerLine, SourceStandIn
from mqtctl.instruments.talk.before_a_burst import checked_burst
from mqtctl.instruments.talk.error_sentences import named, persistently, speaking
from mqtctl.instruments.talk.identity import identify
from mqtctl.instruments.talk.link import open_anew
from mqtctl.instruments.talk.safe_state import WayToRest
from mqtctl.instruments.talk.wanted import POWER_ON, SettingsGuard, Spoken, Wanted
from mqtctl.quantities import readable

__all__ = ["Keithley6221RampSource"]

#: Samples the wave generator can put out in a second (U: from memory, 10 MS/s).
_UPDATE_RATE = 1e7
_LOWEST_FREQUENCY, _HIGHEST_FREQUENCY = 1e-3, 1e5
_SMALLEST_AMPLITUDE = 2e-12
#: A range reaches 5 % beyond its name (specification sheet).
_OVERRANGE = 1.05
_MOST_CYCLES = 99_999_999_900
#: Ranges up to here have a bandwidth of only 10 kHz and settle in 90 us (specification sheet).
_SLOW_RANGE, _SLOW_SETTLING = 20e-9, 90e-6
#: Time in s by which a burst may outlast its nominal duration before that is a fault.
_GRACE = 5.0
#: Firmware that has no external trigger of waves yet.
_WITHOUT_TRIGGER = ("A01", "A02")
#: Asked while ramps run: has the wave started, has it stopped, is the output still on, did the power go.
_RUNNING = ":STAT:OPER:EVEN?;:OUTP?;*ESR?"


class Keithley6221RampSource:
    """`RampSource` on a Keithley 6221.

    Parameters
    ----------
    instrument
        The driver.
    options
        Keys and values as in `Keithley6221Options`, quantities as text.
    clock
        Measures how long a burst takes.
    """

    role: ClassVar[str] = "ramp_source"
    options_model: ClassVar[type[Document]] = Keithley6221Options
    models: ClassVar[tuple[str, ...]] = Keithley6221.models

    def __init__(self, instrument: Keithley6221, options: Mapping[str, object], clock: Clock) -> None:
        self._source = instrument
        self._options = validate_document(options, Keithley6221Options, f"options of {instrument.name}")
        self._clock = clock
        self._program: RampProgram | None = None
        self._settings = SettingsGuard(instrument, instrument.ask, prefix=":")
        self._armed = self._started = False
        self._deadline: float | None = None
        self._limit = self._options.current_limit
        instrument.current_limit.set(self._limit)

    @classmethod
    def stand_in(cls, driver: str, options: Keithley6221Options) -> SourceStandIn:
        """Return a current source with a low-going TTL pulse on a trigger-link line."""
        marker = MarkerLine("marker", "low", high=5.0, width=1e-6)
        return SourceStandIn("keithley-6221", connector="output", marker=marker, filter_time=options.filter_time)

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return identify(self._source, Keithley6221.models)

    def output_on(self) -> bool:
        """Return whether the output is on, with whatever current."""
        ask = self._source.output.get
        return bool(persistently(self._source, "asking whether the output is on", ask))

    def restrict_current(self, largest: float) -> None:
        """Let no more than this (A) through, adapter and driver alike; the station file's limit stays if smaller."""
        self._limit = min(self._limit, largest)
        self._source.current_limit.set(self._limit)

    @property
    def current_limit(self) -> float | None:
        """Largest magnitude of current in A that the driver lets through; None if the station file says nothing."""
        return self._options.current_limit if "current_limit" in self._options.model_fields_set else None

    @property
    def compliance(self) -> float:
        """Largest voltage in V across the load."""
        return self._options.compliance

    def assess(self, program: RampProgram) -> list[Finding]:
        """Raise `InputError` for a ramp that this source cannot make; return what else is to be said about it."""
        wave = sawtooth(program, self._options.points, _UPDATE_RATE)
        current_range = self._range_for(program)
        return [*filter_findings(program, wave, self._options.filter_time), *_slow_range(current_range, program)]

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return identity, error queue, self-test and, while the output is on, compliance."""
        return inspect_source(self._source)

    def marking(self, period: float) -> AbstractContextManager[None]:
        """Put out the marker each `period` s within the block, with a wave of 2 pA; see `keithley_6221_diagnosis`."""
        self._program = None  # configure must follow
        return marking(self._source, period, self._options.marker_line)

    def configure(self, program: RampProgram) -> RampProgram:
        """Set up the ramp with the output off and return it as read back; see `sawtooth` for its steps."""
        wave = sawtooth(program, self._options.points, _UPDATE_RATE)
        current_range = self._range_for(program)
        self._program = None
        self._armed, self._deadline = False, None
        with speaking(self._source, "setting up the ramp"):
            self._source.wave.abort()
            self._source.reset()
            wanted = self._wanted(wave, current_range)
            self._settings.make(wanted)
            self._source.check_errors()
            found = self._settings.verify(wanted)
        self._program = wave.program(found["offset"], found["amplitude"], found["frequency"])
        return self._program

    def start(self, cycles: int) -> None:
        """Start a burst of this many ramps; returns when the source has loaded the wave and started.

        Raises
        ------
        HardwareError
            Not configured, or the settings are not those of `configure` any more, for instance after
            a power failure; then nothing is started.
        """
        program = checked_burst(self._source, self._program, cycles, _MOST_CYCLES)
        with speaking(self._source, "starting the ramps"):
            if self._armed:
                self._source.wave.abort()
            self._require_unchanged()
            self._source.wave.cycles.set(cycles)
            self._armed = True
            self._source.wave.arm()
            self._source.operation.event.get()  # forget the end of the burst before
            self._source.wave.initiate()
            self._source.check_errors()
        self._started = False
        self._deadline = self._clock.now() + cycles * program.period * 1.001 + _GRACE

    def running(self) -> bool:
        """Return whether a burst is still under way, by the latched events "wave started" and "wave stopped".

        Raises
        ------
        GlitchError
            The wave has not started: the command was lost on its way.
        HardwareError
            It was switched off and on, its output is off, or the burst does not end: no ramps are being made.
        """
        if self._deadline is None:
            return False
        with speaking(self._source, "asking whether the ramps are done"):
            # a register that a power failure has emptied must not look like ramps that go on
            event, output, status = (int(field) for field in self._source.ask(_RUNNING).split(";"))
        if status & POWER_ON or (not output and not event & OperationEvent.WAVE_STOPPED):
            self._deadline = self._program = None
            if status & POWER_ON:
                self._settings.lost_power()
            what = "it was switched off and on" if status & POWER_ON else "its output went off"
            raise (LostError if status & POWER_ON else HardwareError)(
                f"{named(self._source)}: {what} in the middle of a burst, so there are no ramps any more; look at its "
                "power, its interlock and its front panel"
            )
        if event & OperationEvent.WAVE_STOPPED:
            self._deadline = None
            return False
        self._started = self._started or bool(event & OperationEvent.WAVE_STARTED)
        if not self._started:
            self._deadline = None
            raise GlitchError(
                f"{named(self._source)}: it was told to start the ramps and has not; the command may have been lost"
            )
        if self._clock.now() > self._deadline:
            raise HardwareError(
                f"{named(self._source)}: the burst is not over {_GRACE:g} s after it should have been; "
                "was the source switched off, or is its external trigger on?"
            )
        return True

    def verify_unchanged(self) -> None:
        """Raise `HardwareError` if it lost its power or a setting of `configure` has changed since."""
        with speaking(self._source, "looking after its settings"):
            self._require_unchanged()

    def stop(self) -> None:
        """End the burst: wave aborted, DC current 0 A."""
        with speaking(self._source, "stopping the ramps"):
            self._source.wave.abort()
            self._source.current.set(0.0)
            self._armed, self._deadline = False, None
            self._source.check_errors()

    def reopen(self) -> None:
        """Open the session anew; it has to be set up again."""
        self._program = None
        self._armed, self._deadline = False, None
        with speaking(self._source, "opening the session anew"):
            open_anew(self._source, self._source.distrust)

    def make_safe(self) -> None:
        """Abort, 0 A, output off, each tried by itself; reset if the read-back does not confirm it.

        Replies are waited for at most 1 s.

        Raises
        ------
        UnsafeError
            Zero current and output off were not read back after three rounds.
        """
        self.way_to_rest().take()

    def way_to_rest(self) -> WayToRest:
        """Return what makes it safe."""
        self._armed, self._deadline = False, None
        return self.rest(self._source, {}, self._clock)

    @classmethod
    def rest(cls, source: Keithley6221, _options: Mapping[str, object], _clock: Clock) -> WayToRest:
        """Return what makes a 6221 safe, whatever its options say."""
        return WayToRest(
            source,
            partial(speaking, source),
            steps=(source.wave.abort, lambda: source.current.set(0.0), lambda: source.output.set(False)),
            reset=source.reset,
            is_off=lambda: source.output.get() is False and source.current.get() == 0.0,
            distrust=source.distrust,
            goal="zero current and output off",
            by_hand="press OUTPUT on the instrument and look at the junction",
        )

    # -- parts of the above -------------------------------------------------------------------

    def _range_for(self, program: RampProgram) -> float:
        """Return the smallest current range in A that holds the whole ramp, after checking the limits."""
        peak = max(abs(program.start_current), abs(program.stop_current))
        limit = self._limit
        if peak > limit * (1 + 1e-9):
            raise InputError(
                f"the ramp reaches {peak:.6g} A and exceeds the source's current limit of {limit:.6g} A; reduce it"
            )
        if not _LOWEST_FREQUENCY <= 1 / program.period <= _HIGHEST_FREQUENCY:
            raise InputError(f"the 6221 makes periods of 10 us to 1000 s, not {program.period:.6g} s")
        if peak < 2 * _SMALLEST_AMPLITUDE:
            raise InputError(f"the 6221 makes ramps of 4 pA and more, not of {peak:.6g} A; raise it")
        return next(r for r in CURRENT_RANGES if peak <= r * _OVERRANGE)

    def _wanted(self, wave: Sawtooth, current_range: float) -> list[Wanted]:
        """Return all settings in the order in which they are made: the output off first, the wave last.

        Amplitude and offset come before the fixed range, which they must fit.
        """
        source, generator, options = self._source, self._source.wave, self._options
        peak = abs(wave.offset) + wave.amplitude
        upload = Spoken(
            "SOUR:WAVE:ARB:POIN?",
            source.ask,
            make=lambda _points: generator.upload(wave.samples),
            parse=int,
        )
        wanted = [
            Wanted("output", source.output, value=False, watched=False),  # a burst turns it on
            Wanted("current", source.current, 0.0, 0.0),
            Wanted("range", source.current_range, current_range, 1e-6 * current_range),
            Wanted("compliance", source.compliance, options.compliance, 0.006),  # steps of 10 mV
            Wanted("response", source.response, options.response),
            Wanted("analog filter", source.analog_filter, options.analog_filter),
            Wanted("inner shield", source.inner_shield, options.inner_shield),
            Wanted("output low to earth", source.low_to_earth, options.low_to_earth),
            Wanted("wave function", generator.function, "arb0"),
            Wanted("points", upload, wave.samples.size),
            Wanted("amplitude", generator.amplitude, wave.amplitude, 1e-4 * peak),  # the converter's step is finer
            Wanted("offset", generator.offset, wave.offset, 1e-4 * peak),
            Wanted("frequency", generator.frequency, wave.frequency, 1e-5 * wave.frequency),
            Wanted("ranging", generator.ranging, "fixed"),
            Wanted("marker line", generator.marker_line, options.marker_line),
            Wanted("marker phase", generator.marker_phase, 0.0, 0.1),
            Wanted("marker", generator.marker_enabled, value=True),
            # so that whatever starts it by accident also ends it; each burst has its own number
            Wanted("cycles", generator.cycles, 1, 0.0, watched=False),
        ]
        if not str(source.IDN.cache.get()["firmware"]).startswith(_WITHOUT_TRIGGER):
            wanted.append(Wanted("external trigger", generator.external_trigger_enabled, value=False, made=False))
        return wanted

    def _require_unchanged(self) -> None:
        """Raise unless the settings are those that were made; then another `configure` is needed."""
        try:
            self._settings.require_unchanged()
        except HardwareError:
            self._program = None
            raise


def _slow_range(current_range: float, program: RampProgram) -> list[Finding]:
    """Return a warning if the range lags behind the ramp."""
    if current_range > _SLOW_RANGE * (1 + 1e-9) or program.rise_time > 100 * _SLOW_SETTLING:
        return []
    return [
        Finding(
            "current range",
            "warning",
            f"the {readable(current_range, 'A')} range settles in {readable(_SLOW_SETTLING, 's')}, "
            f"{_SLOW_SETTLING / program.rise_time:.1%} of the rise: currents read too high by as much of the span",
            "ramp more slowly, or calibrate the delay with this ramp",
            cause="file",
        )
    ]
