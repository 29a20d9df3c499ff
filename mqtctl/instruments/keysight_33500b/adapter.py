"""The Keysight 33511B, 33512B and 33522B as ramp sources, through a bias resistor and QCoDeS's own drivers.

The ramp is an arbitrary waveform, put out as a burst of so many cycles that a bus trigger starts. In the
Sync mode "carrier" the Sync output rises at the first point of every cycle, in the mode "normal" only at the start
of a burst; so it is the former that marks each ramp. Between bursts the generator holds the first
point: it is zero, and the ramp's start current comes with the second.

Unconfirmed by any source that could be opened, here taken as written: that ABORt ends a burst, and that Sync is
quiet between bursts in carrier mode. The generator does not say whether a burst is over: its length is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from mqtctl_drivers.errors import ErrorQueueError
from mqtctl_drivers.scpi import drain_error_queue
from numpy.typing import NDArray

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import GlitchError, HardwareError, InputError, LostError
from mqtctl.instruments.keysight_33500b.diagnosis import inspect_generator, synchronising
from mqtctl.instruments.keysight_33500b.options import Keysight33500BOptions
from mqtctl.instruments.keysight_33500b.setup import LARGEST_VOLTAGE, WAVEFORM, GeneratorSetup, idling_at_zero
from mqtctl.instruments.ramp.filter_tail import filter_findings
from mqtctl.instruments.ramp.sawtooth import Sawtooth, sawtooth
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.roles.stand_in import MarkerLine, SourceStandIn
from mqtctl.instruments.talk.before_a_burst import checked_burst
from mqtctl.instruments.talk.error_sentences import named, speaking
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.link import open_anew
from mqtctl.instruments.talk.safe_state import WayToRest
from mqtctl.instruments.talk.wanted import POWER_ON, SettingsGuard

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["Keysight33500BRampSource"]

#: Samples a second that all models of the series put out (33500B data sheet; 250 MS/s with most).
_UPDATE_RATE = 1.6e8
_LOWEST_SAMPLE_RATE = 1e-6
#: Smallest peak-to-peak amplitude in V, open circuit.
_SMALLEST_AMPLITUDE = 2e-3
_MOST_CYCLES = 100_000_000
#: Relative uncertainty of a burst's length by the generator's clock, and time in s for the message that starts it.
_CLOCK_TOLERANCE, _GRACE = 1e-4, 0.01
_OPERATION_COMPLETE = 1


class Keysight33500BRampSource:
    """`RampSource` on a Keysight 33500B with a bias resistor.

    Parameters
    ----------
    instrument
        QCoDeS's driver, such as `Keysight33512B`.
    options
        Keys and values as in `Keysight33500BOptions`, quantities as text.
    clock
        Measures how long a burst takes.
    """

    role: ClassVar[str] = "ramp_source"
    options_model: ClassVar[type[Document]] = Keysight33500BOptions
    models: ClassVar[tuple[str, ...]] = ("33511B", "33512B", "33522B")

    def __init__(self, instrument: VisaInstrument, options: Mapping[str, object], clock: Clock) -> None:
        self._generator = instrument
        self._options = validate_document(options, Keysight33500BOptions, f"options of {instrument.name}")
        self._clock = clock
        self._talk = Conversation(instrument, self.models, clock)
        self._program: RampProgram | None = None
        self._settings = SettingsGuard(instrument, self._talk.ask, prefix=":")
        self._ends_at: float | None = None
        self._lasts_until = 0.0
        channel = self._options.channel
        if channel > getattr(instrument, "num_channels", 2):
            raise InputError(f"channel is {channel}, but {instrument.name} has one channel only; write channel: 1")
        self._source, self._output = f"SOUR{channel}", f"OUTP{channel}"
        self._setup = GeneratorSetup(self._options)
        self._limit = self._options.current_limit

    @classmethod
    def stand_in(cls, driver: str, options: Keysight33500BOptions) -> SourceStandIn:
        """Return a generator behind a bias resistor, whose Sync output rises at the start."""
        return SourceStandIn(
            "keysight-33522b" if "33522B" in driver else "keysight-33512b",
            connector=f"output{options.channel}",
            resistance=options.bias_resistance,
            marker=MarkerLine("sync", "high", high=3.3, width=20e-6),
            filter_time=options.filter_time,
        )

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return self._talk.identify()

    def output_on(self) -> bool:
        """Return whether the output of our channel is on."""
        with self._talk.about("asking whether the output is on"):
            return bool(int(self._talk.ask(f"{self._output}?")))

    def restrict_current(self, largest: float) -> None:
        """Let no more than this (A) through, by the instrument's own limits, too; a smaller limit stays."""
        self._limit = self._setup.largest = largest if self._limit is None else min(self._limit, largest)

    @property
    def current_limit(self) -> float | None:
        """Largest magnitude of current in A; None if the station file says nothing: 5 % above the ramp."""
        return self._options.current_limit

    @property
    def compliance(self) -> None:
        """None: it is a source of voltage."""
        return

    def assess(self, program: RampProgram) -> list[Finding]:
        """Raise `InputError` for a ramp that this source cannot make; return what else is to be said about it."""
        wave = sawtooth(program, self._options.points, _UPDATE_RATE)
        self._check_voltages(wave)
        return filter_findings(program, wave, self._options.filter_time)

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return identity, error queue and, with all outputs off, self-test."""
        channels = range(1, getattr(self._generator, "num_channels", 2) + 1)
        return inspect_generator(self._generator, self._talk, self.models, [f"OUTP{n}" for n in channels])

    def marking(self, period: float) -> AbstractContextManager[None]:
        """Put out Sync each `period` s within the block, with the output off."""
        self._program = None  # configure must follow
        return synchronising(self._generator, self._talk, self._options.channel, period)

    def configure(self, program: RampProgram) -> RampProgram:
        """Set up the ramp with the output off and return it as read back; see `sawtooth` for its steps."""
        wave = sawtooth(program, self._options.points, _UPDATE_RATE)
        self._check_voltages(wave)
        self._program, self._ends_at = None, None
        with self._talk.about("setting up the ramp"):
            self._talk.write("*RST;*CLS")
            self._talk.write(f"{self._output}:LOAD INF")  # before the levels: they are those of an open circuit then
            self._upload(idling_at_zero(wave))
            wanted = self._setup.wanted(wave, self._talk)
            self._settings.make(wanted)
            self._check_errors()
            found, resistance = self._settings.verify(wanted), self._options.bias_resistance
        self._program = wave.program(
            found[f"{self._source}:VOLT:OFFS"] / resistance,
            found[f"{self._source}:VOLT"] / 2 / resistance,
            found[f"{self._source}:FUNC:ARB:SRAT"] / wave.samples.size,
        )
        return self._program

    def start(self, cycles: int) -> None:
        """Start a burst of this many ramps; returns when the trigger has been sent.

        Raises
        ------
        HardwareError
            Not configured, or the settings are not those of `configure` any more, for instance after
            a power failure; then nothing is started.
        """
        program = checked_burst(self._generator, self._program, cycles, _MOST_CYCLES)
        with self._talk.about("starting the ramps"):
            if self._ends_at is not None:
                self._talk.write("ABOR")  # a burst that runs would ignore the trigger
            self._require_unchanged()
            self._talk.write(f"{self._source}:BURS:NCYC {cycles}")
            self._talk.write(f"{self._output} 1")
            self._talk.write("*TRG")
            self._talk.write("*OPC")  # complete at once if the trigger was lost
            begun, length = self._clock.now(), cycles * program.period
            self._lasts_until = begun + length * (1 - _CLOCK_TOLERANCE) - _GRACE
            self._ends_at = begun + length * (1 + _CLOCK_TOLERANCE) + _GRACE
            self._check_errors()

    def running(self) -> bool:
        """Return whether a burst is still under way, by its length.

        Raises
        ------
        GlitchError
            It is complete before its time: the trigger was lost on its way.
        HardwareError
            The output is off in the middle of a burst, or the power was.
        """
        if self._ends_at is None:
            return False
        with self._talk.about("asking whether the ramps are done"):
            output, status = (int(field) for field in self._talk.fields(f":{self._output}?;*ESR?", 2, separator=";"))
        if status & POWER_ON or not output:
            self._ends_at = self._program = None
            if status & POWER_ON:
                self._settings.lost_power()
            what = "it was switched off and on" if status & POWER_ON else "the output went off"
            raise (LostError if status & POWER_ON else HardwareError)(
                f"{named(self._generator)}: {what} in the middle of a burst, so there are no ramps any more; "
                "was it overloaded, switched off or used at the front panel?"
            )
        if status & _OPERATION_COMPLETE and self._clock.now() < self._lasts_until:
            self._ends_at = None
            raise GlitchError(
                f"{named(self._generator)}: it was triggered to make ramps and makes none; the command may be lost"
            )
        if self._clock.now() < self._ends_at:
            return True
        self._ends_at = None
        return False

    def verify_unchanged(self) -> None:
        """Raise `HardwareError` if it lost its power or a setting of `configure` has changed since."""
        with self._talk.about("looking after its settings"):
            self._require_unchanged()

    def stop(self) -> None:
        """End the burst: back to the first point, which is zero, and output off."""
        with self._talk.about("stopping the ramps"):
            self._talk.write("ABOR")
            self._talk.write(f"{self._output} 0")
            self._ends_at = None
            self._check_errors()

    def reopen(self) -> None:
        """Open the session anew; it has to be set up again."""
        self._program = self._ends_at = None
        with speaking(self._generator, "opening the session anew"):
            open_anew(self._generator, self._talk.distrust)

    def make_safe(self) -> None:
        """Abort and output off, each tried by itself; reset if the read-back does not confirm it.

        Raises
        ------
        UnsafeError
            Output off was not read back after three rounds; an open output carries no current.
        """
        self.way_to_rest().take()

    def way_to_rest(self) -> WayToRest:
        """Return what makes it safe."""
        self._ends_at = None
        return _rest(self._generator, self._talk, [self._options.channel])

    @classmethod
    def rest(cls, instrument: VisaInstrument, options: Mapping[str, object], clock: Clock) -> WayToRest:
        """Return what makes a 33500B safe: the options' channel, and all where they name none that there is."""
        number = getattr(instrument, "num_channels", 2)
        wanted = options.get("channel", 1)
        channels = [wanted] if isinstance(wanted, int) and 1 <= wanted <= number else range(1, number + 1)
        return _rest(instrument, Conversation(instrument, cls.models, clock), channels)

    # -- parts of the above -------------------------------------------------------------------

    def _check_voltages(self, wave: Sawtooth) -> None:
        """Raise `InputError` unless generator, resistor and current limit allow this ramp."""
        resistance, limit = self._options.bias_resistance, self._limit
        peak = abs(wave.offset) + wave.amplitude
        if limit is not None and peak > limit * (1 + 1e-9):
            raise InputError(
                f"the ramp reaches {peak:.6g} A and exceeds the source's current limit of {limit:.6g} A; reduce it"
            )
        if peak * resistance > LARGEST_VOLTAGE:
            raise InputError(
                f"{peak:.6g} A through {resistance:.6g} Ohm need {peak * resistance:.6g} V, and the generator gives "
                f"{LARGEST_VOLTAGE:g} V; take a smaller bias resistor or ramp less far"
            )
        if 2 * wave.amplitude * resistance < _SMALLEST_AMPLITUDE:
            raise InputError(
                f"{2 * wave.amplitude:.6g} A through {resistance:.6g} Ohm are {2 * wave.amplitude * resistance:.6g} V "
                f"peak to peak, and the generator gives {_SMALLEST_AMPLITUDE:g} V at least; take a larger bias resistor"
            )
        if wave.samples.size * wave.frequency < _LOWEST_SAMPLE_RATE:
            raise InputError(f"a period of {1 / wave.frequency:.6g} s is too slow for the generator; shorten it")

    def _upload(self, samples: NDArray[np.float64]) -> None:
        """Load the waveform into volatile memory as big-endian 32-bit floats."""
        self._talk.write("FORM:BORD NORM")
        self._talk.write(f"{self._source}:DATA:VOL:CLE")
        message = f"{self._source}:DATA:ARB {WAVEFORM},"
        self._generator.visa_handle.write_binary_values(message, samples.tolist(), datatype="f", is_big_endian=True)
        if int(self._talk.ask("*OPC?")) != 1:
            raise ValueError("*OPC? is not answered with 1")

    def _require_unchanged(self) -> None:
        """Raise unless the settings are those that were made; then another `configure` is needed."""
        try:
            self._settings.require_unchanged()
        except HardwareError:
            self._program = None
            raise

    def _check_errors(self) -> None:
        """Raise if the error queue holds anything."""
        found = drain_error_queue(self._talk.ask, self._generator.name)
        if found:
            raise ErrorQueueError(self._generator.name, found)


def _rest(instrument: VisaInstrument, talk: Conversation, channels: Collection[int]) -> WayToRest:
    """Return what makes channels of a 33500B safe: an open output carries no current."""

    def off(channel: int) -> Callable[[], None]:
        return lambda: talk.write(f"OUTP{channel} 0")

    return WayToRest(
        instrument,
        talk.about,
        steps=(lambda: talk.write("ABOR"), *(off(channel) for channel in channels)),
        reset=lambda: talk.write("*RST;*CLS"),
        is_off=lambda: all(int(talk.ask(f"OUTP{channel}?")) == 0 for channel in channels),
        distrust=talk.distrust,
        goal="zero current and output off",
        by_hand="press the output's key on the instrument and look at the junction",
    )
