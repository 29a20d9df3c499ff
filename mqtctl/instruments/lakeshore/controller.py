"""What the adapters of Lake Shore's controllers share; `lakeshore_372` and `lakeshore_336` add what differs.

What QCoDeS's drivers leave to us: a pause of 50 ms between messages; value and status in one message;
refused commands, which show only in the event status; getting back in step after a time-out. Their wait
loop is not used: to it a NaN is at the set-point.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mqtctl.clock import Clock
from mqtctl.errors import GlitchError
from mqtctl.instruments.lakeshore.inspection import inspect_controller, zone_findings
from mqtctl.instruments.lakeshore.zones import Zone, ZonedOptions
from mqtctl.instruments.roles.experiment import RampProgram, TemperatureReading
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.talk.error_sentences import named, persistently, speaking
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.link import open_anew
from mqtctl.instruments.talk.safe_state import WayToRest
from mqtctl.instruments.talk.wanted import SettingsGuard, Spoken, Wanted

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["LakeshoreController"]

#: Quiet time in s after each message (372 manual, p. 134; the same is used for the 336).
_PAUSE = 0.05
#: No cryostat's thermometer reads more (K).
_HIGHEST_PLAUSIBLE = 400.0
#: Number of the heater range in which it is off.
_OFF = 0
#: Command and execution error in the standard event register, the only trace of a refused command.
_REFUSED = 0x30


class LakeshoreController(ABC):
    """Base of the Lake Shore adapters, a `TemperatureController`.

    A subclass says how its instrument is asked for a reading, and how its loop is closed.

    Parameters
    ----------
    instrument
        QCoDeS's driver.
    options
        The checked options.
    output
        Number of the heater output, for commands.
    heater
        What to call that output in messages.
    clock
        Keeps the pauses between messages.
    """

    role: ClassVar[str] = "temperature_controller"
    #: Text in the identity of the right instrument.
    model: ClassVar[str]
    #: Whether the last digits of a temperature are noise.
    fine: ClassVar[bool] = True
    #: The option that names the heater; its values, the default first, with the numbers of their outputs.
    heater_option: ClassVar[str]
    heaters: ClassVar[Mapping[str | int, int]]
    #: How far a set-point may read back from what was set: relative, and absolute in K.
    setpoint_tolerance: ClassVar[tuple[float, float]] = (1e-4, 1e-6)

    def __init__(
        self, instrument: VisaInstrument, options: ZonedOptions, output: int, heater: str, clock: Clock
    ) -> None:
        self._instrument = instrument
        self._zones = options
        self._output = output
        self._heater_name = heater
        self._clock = clock
        self._talk = Conversation(instrument, (self.model,), clock, _PAUSE)
        self._settings = SettingsGuard(instrument, self._talk.ask)

    # -- what differs ---------------------------------------------------------------------------

    @property
    @abstractmethod
    def _reading_query(self) -> str:
        """The message that asks for a reading: several queries, of which the first gives the value."""

    @abstractmethod
    def _interpret(self, fields: Sequence[str]) -> tuple[float, str, bool]:
        """Return the value in K, why it must not be believed ("" if it may), and whether for its age, from replies."""

    @property
    @abstractmethod
    def _heater_query(self) -> str:
        """Asks for how much of its range the heater gives, in %."""

    @property
    @abstractmethod
    def _sensor(self) -> str:
        """The thermometer's channel or input, for commands."""

    @abstractmethod
    def _check_input(self) -> None:
        """Raise `CryostatError` unless the thermometer's input is on and in kelvin."""

    @abstractmethod
    def _loop(self) -> list[Wanted]:
        """Return what makes the output regulate on the input and come back off after a power failure.

        What else decides the readings, such as the input's filter, is watched as it is.
        """

    @abstractmethod
    def _range_code(self, zone: Zone) -> int:
        """Return the number of a zone's heater range."""

    # -- the role -------------------------------------------------------------------------------

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest temperature in K, from the options."""
        return self._zones.minimum, self._zones.maximum

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return self._talk.identify()

    def read(self) -> TemperatureReading:
        """Read the thermometer: value and status in one message.

        Returns
        -------
        TemperatureReading
            Not valid if the status says so, if the value is stale, or if it is not a temperature; `status`
            says which.

        Raises
        ------
        HardwareError
            No answer, or one that cannot be read.
        """

        def reading() -> TemperatureReading:
            with self._talk.about("reading the thermometer"):
                return self._look()

        return persistently(self._instrument, "reading the thermometer", reading)

    def set_target(self, temperature: float) -> None:
        """Regulate at this temperature (K): closed loop, PID, heater range and set-point.

        All of it is read back, and from then on watched in the message of every reading.

        Raises
        ------
        InputError
            Outside `range`.
        CryostatError
            The thermometer's input is off or does not regulate in kelvin.
        GlitchError
            The instrument refuses a command or reads back something else, as after a message that was lost.
        """
        zone = self._zones.zone(temperature)
        code = self._range_code(zone)
        talk = self._talk
        with talk.about(f"setting {temperature * 1e3:.6g} mK"):
            self._settings.forget()
            talk.ask("*ESR?")  # forget refusals from before
            self._check_input()
            self._turn_off_unless_in(code)
            wanted = [*self._loop(), *self._regulation(temperature, code, zone)]
            self._settings.make(wanted)
            refused = int(talk.ask("*ESR?")) & _REFUSED
            if refused:
                raise GlitchError(
                    f"{named(self._instrument)}: it refused a command (event status {refused}) while the set-point of "
                    f"{temperature * 1e3:.6g} mK was made; compare PID and range in the station file with the panel"
                )
            self._settings.verify(wanted)

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return what the controller says of itself, heater and thermometer; changes nothing."""
        return inspect_controller(
            self._instrument,
            self._talk,
            (self.model,),
            read=self.read,
            sensor=self._sensor,
            heater=(self._output, self._heater_name),
            clock=self._clock,
        )

    def assess_temperatures(self, temperatures: Collection[float]) -> list[Finding]:
        """Return warnings about temperatures (K) to be held; raises `InputError` outside `range`; sends nothing."""
        return zone_findings(self._zones, lambda t: self._range_code(self._zones.zone(t)), temperatures)

    def reopen(self) -> None:
        """Open the session anew; whether the settings are still there shows with the next reading."""
        with speaking(self._instrument, "opening the session anew"):
            open_anew(self._instrument, self._talk.distrust)

    def make_safe(self) -> None:
        """Heater range off, read back; replies are waited for at most 1 s.

        Raises
        ------
        UnsafeError
            Not read back after three tries.
        """
        self.way_to_rest().take()

    def way_to_rest(self) -> WayToRest:
        """Return what makes it safe."""
        self._settings.forget()
        return _rest(self._instrument, self._talk, [self._output], self._heater_name)

    @classmethod
    def rest(cls, instrument: VisaInstrument, options: Mapping[str, object], clock: Clock) -> WayToRest:
        """Return what turns the heater of the options off, and every one that it may be where they name none."""
        wanted = options.get(cls.heater_option, next(iter(cls.heaters)))
        named_outputs = [number for key, number in cls.heaters.items() if key == wanted]
        outputs = named_outputs or list(cls.heaters.values())
        name = "heater" if named_outputs else "heaters"
        return _rest(instrument, Conversation(instrument, (cls.model,), clock, _PAUSE), outputs, name)

    # -- parts of the above ---------------------------------------------------------------------

    def _status_text(self, status: int, statuses: Mapping[int, str]) -> str:
        """Return the words for the bits of RDGST, "" if none is set."""
        if not status:
            return ""
        return ", ".join(text for code, text in statuses.items() if code and status & code) or f"status {status}"

    def _implausible(self, temperature: float) -> str:
        """Return why a value that the instrument calls valid must not be believed, or nothing."""
        if not math.isfinite(temperature):
            return "not a number"
        if not 0 < temperature <= _HIGHEST_PLAUSIBLE:
            return f"{temperature:g} K is not plausible; has the channel a calibration curve?"
        return ""

    def _turn_off_unless_in(self, code: int) -> None:
        """Turn the heater off before its range or mode changes, so that the loop starts afresh.

        The loop's output and integral are percentages of the range: carried into a range of ten times the
        power they overheat the bath by a fifth before the loop has taken them back.
        """
        if int(self._talk.ask(f"RANGE? {self._output}")) not in (_OFF, code):
            self._talk.write(f"RANGE {self._output},{_OFF}")

    def _regulation(self, temperature: float, code: int, zone: Zone) -> list[Wanted]:
        """Return gains, set-point and range, in the order in which they are made."""
        relative, absolute = self.setpoint_tolerance
        gains = tuple(gain for gain in zone.gains if gain is not None)
        return [
            Wanted("PID", self._spoken("PID", _numbers, "{:.6G},{:.6G},{:.6G}"), gains or None, 0.1),
            Wanted("set-point ramp", self._setpoint_ramp(), "0"),
            Wanted(
                "set-point in K",
                self._spoken("SETP", float, "{:.6G}"),
                temperature,
                max(relative * temperature, absolute),
            ),
            Wanted("heater range", self._spoken("RANGE", int), code),
        ]

    def _spoken(self, command: str, parse: Callable[[str], Any], form: str = "{}") -> Spoken:
        """Return a setting of our output that is made by `command output,value` and asked for by `command? output`."""

        def make(value: Any) -> None:
            text = form.format(*value) if isinstance(value, tuple) else form.format(value)
            self._talk.write(f"{command} {self._output},{text}")

        return Spoken(f"{command}? {self._output}", self._talk.ask, make, parse)

    def _seen(self, query: str) -> Spoken:
        """Return a setting that is the lab's: it is watched and never made."""
        return Spoken(query, self._talk.ask, lambda _value: None)

    def _input_type(self, autorange: int) -> Wanted:
        """Return what INTYPE says, sensor type or excitation first, without the range that autorange chooses.

        `autorange` is its field in the reply; the range stands behind it.
        """

        def steady(text: str) -> str:
            fields = text.split(",")
            if fields[autorange].strip() != "0":
                fields[autorange + 1] = "auto"
            return ",".join(fields)

        query = f"INTYPE? {self._sensor}"
        return Wanted("input type and excitation", self._seen(query), made=False, steady=steady)

    def _setpoint_ramp(self) -> Spoken:
        """Return whether a set-point ramp is on; one that was left on is switched off: the plan decides how fast."""

        def make(_off: object) -> None:
            on, rate = self._talk.fields(f"RAMP? {self._output}", 2)
            if int(on) != 0:
                self._talk.write(f"RAMP {self._output},0,{rate}")

        return Spoken(f"RAMP? {self._output}", self._talk.ask, make, lambda text: text.split(",")[0].strip())

    def _look(self) -> TemperatureReading:
        """Ask for a reading and, once a set-point was made, in the same message for the settings and the heater."""
        query, watching = self._reading_query, bool(self._settings.wanted)
        if watching:
            # the sensor's own units have more digits than the temperature
            query = f"{query};SRDG? {self._sensor};{self._heater_query};{self._settings.query}"
        reply = self._talk.ask(query)
        fields = [field.strip() for field in reply.split(";")]
        if len(fields) != query.count(";") + 1:
            raise ValueError(f"{reply!r} has not the fields of {query}")
        digits, heater = fields[0] if self.fine else "", None
        if watching:
            *fields, digits, percent = self._settings.split(fields)
            heater = float(percent) / 100
        temperature, fault, stale = self._interpret(fields)
        fault = fault or self._implausible(temperature)
        return TemperatureReading(temperature, not fault, fault or "OK", digits, heater, stale)


def _numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of a reply."""
    return tuple(float(field) for field in text.split(","))


def _rest(instrument: VisaInstrument, talk: Conversation, outputs: Collection[int], name: str) -> WayToRest:
    """Return what turns heaters off; there is no reset: it would undo the cryostat's curves and loops."""

    def off(output: int) -> Callable[[], None]:
        return lambda: talk.write(f"RANGE {output},{_OFF}")

    return WayToRest(
        instrument,
        talk.about,
        steps=[off(output) for output in outputs],
        is_off=lambda: all(int(talk.ask(f"RANGE? {output}")) == _OFF for output in outputs),
        distrust=talk.distrust,
        goal=f"the {name}",
        end="confirmed off",
        by_hand="press HEATER OFF on the instrument",
    )
