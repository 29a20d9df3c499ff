"""The Yokogawa GS200 (GS210, GS211) as an offset source, through QCoDeS's own driver.

Its range follows from the current limit and is set with the output off, once: changing it under way may
glitch. The driver's own setters are not used, for they ask for the range before each level and switch it.

It is no ramp source. Its program clock has steps of 0.1 s, and no edge marks the start of a ramp: its BNC
output marks the steps of a program, of which the way up and the way back are one each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mqtctl_drivers.errors import ErrorQueueError
from mqtctl_drivers.scpi import drain_error_queue

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import HardwareError, InputError
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.roles.findings import Finding
from mqtctl.instruments.roles.stand_in import SourceStandIn
from mqtctl.instruments.talk.error_sentences import named, speaking
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.inspection import examine
from mqtctl.instruments.talk.link import open_anew
from mqtctl.instruments.talk.safe_state import WayToRest
from mqtctl.instruments.talk.wanted import SettingsGuard, Spoken, Wanted, word
from mqtctl.instruments.yokogawa_gs200.options import YokogawaGS200Options

if TYPE_CHECKING:
    from qcodes.instrument import VisaInstrument

__all__ = ["YokogawaGS200OffsetSource"]


class YokogawaGS200OffsetSource:
    """`OffsetSource` on a GS200.

    Parameters
    ----------
    instrument
        QCoDeS's driver `YokogawaGS200`.
    options
        Keys and values as in `YokogawaGS200Options`, quantities as text.
    clock
        Not needed: the source settles within its own messages.
    """

    role: ClassVar[str] = "offset_source"
    options_model: ClassVar[type[Document]] = YokogawaGS200Options
    models: ClassVar[tuple[str, ...]] = ("GS210", "GS211", "GS200")

    def __init__(self, instrument: VisaInstrument, options: Mapping[str, object], clock: Clock) -> None:
        self._source = instrument
        self._options = validate_document(options, YokogawaGS200Options, f"options of {instrument.name}")
        self._talk = Conversation(instrument, self.models, clock)
        self._settings = SettingsGuard(instrument, self._talk.ask)
        self._limit = self._options.current_limit

    @classmethod
    def stand_in(cls, driver: str, options: YokogawaGS200Options) -> SourceStandIn:
        """Return a DC source, of current or behind a resistor."""
        connector = "current" if options.bias_resistance is None else "voltage"
        return SourceStandIn("yokogawa-gs200", connector=connector, resistance=options.bias_resistance)

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return self._talk.identify()

    def inspect(self, program: RampProgram | None) -> list[Finding]:
        """Return identity and error queue; it has no self-test that leaves an output alone for sure."""
        return examine(
            self._source,
            self.models,
            errors=lambda: drain_error_queue(self._talk.ask, self._source.name),
            self_test=None,
        )[:2]

    def restrict_current(self, largest: float) -> None:
        """Put out no more than this (A); the range stays that of the station file's limit, which counts if smaller."""
        self._limit = min(self._limit, largest)

    def output_on(self) -> bool:
        """Return whether the output is on."""
        with self._talk.about("asking whether the output is on"):
            return self._output()

    def set_current(self, current: float) -> float:
        """Put out this current (A) and return it as read back, in steps of the range.

        Raises
        ------
        InputError
            It exceeds the current limit.
        HardwareError
            The output is on with another function, range or limit than ours, which cannot be changed without a
            glitch; or something does not read back.
        """
        options = self._options
        if not abs(current) <= self._limit * (1 + 1e-9):
            raise InputError(
                f"an offset of {current:.6g} A exceeds the current limit of {self._limit:.6g} A of "
                f"{named(self._source)}; reduce it"
            )
        level = current * options.scale
        with self._talk.about("setting the offset current"):
            ours = self._wanted()
            if self._output():
                self._require_own(ours)
            else:
                self._talk.write("*CLS")
                self._talk.write(":SOUR:LEV 0")
                self._settings.make(ours)
                self._check_errors()
            now = [
                Wanted("level", self._spoken(":SOUR:LEV", float, ".7E"), level + 0.0, 0.51 * options.step),
                Wanted("output", self._spoken(":OUTP"), "1"),
            ]
            self._settings.make(now)
            self._check_errors()
            found = self._settings.verify([*ours, *now])
        return float(found["level"]) / options.scale

    def verify_unchanged(self) -> None:
        """Raise `HardwareError` if it lost its power or a setting, level and output included, has changed since."""
        with self._talk.about("looking after its settings"):
            self._settings.require_unchanged()

    def reopen(self) -> None:
        """Open the session anew; it has to be set up again."""
        with speaking(self._source, "opening the session anew"):
            open_anew(self._source, self._talk.distrust)

    def make_safe(self) -> None:
        """Level to zero and output off, each tried by itself; reset if the read-back does not confirm it.

        Raises
        ------
        UnsafeError
            Zero and off were not read back after three rounds.
        """
        self.way_to_rest().take()

    def way_to_rest(self) -> WayToRest:
        """Return what makes it safe."""
        return _rest(self._source, self._talk)

    @classmethod
    def rest(cls, instrument: VisaInstrument, _options: Mapping[str, object], clock: Clock) -> WayToRest:
        """Return what makes a GS200 safe, whatever its options say."""
        return _rest(instrument, Conversation(instrument, cls.models, clock))

    # -- parts of the above -------------------------------------------------------------------

    def _output(self) -> bool:
        """Return whether the output is on."""
        return bool(int(self._talk.ask(":OUTP?")))

    def _spoken(self, command: str, parse: Callable[[str], Any] = word, form: str = "") -> Spoken:
        """Return a setting that is made by `command value` and asked for by `command?`."""
        return Spoken(f"{command}?", self._talk.ask, lambda value: self._talk.write(f"{command} {value:{form}}"), parse)

    def _wanted(self) -> list[Wanted]:
        """Return function, limits and range, which are made with the output off and the level at zero."""
        options = self._options
        return [
            Wanted("function", self._spoken(":SOUR:FUNC", lambda text: word(text)[:4]), options.function),
            Wanted("voltage limit", self._spoken(":SOUR:PROT:VOLT", float, ".0f"), round(options.voltage_limit), 1e-6),
            Wanted("current limit", self._spoken(":SOUR:PROT:CURR", float, ".3f"), options.protection, 5.1e-4),
            Wanted("range", self._spoken(":SOUR:RANG", float, "g"), options.range, 1e-6 * options.range),
        ]

    def _require_own(self, ours: Sequence[Wanted]) -> None:
        """Raise `HardwareError` if the output is on with other settings than ours."""
        for setting in ours:
            found = setting.parameter.get()
            if not setting.agrees(found):
                raise HardwareError(
                    f"{named(self._source)}: its output is on with the {setting.name} {found}, {setting.value} is "
                    "needed; somebody may be using it: switch its output off first, or run `mqtctl safe`"
                )

    def _check_errors(self) -> None:
        """Raise if the error queue holds anything."""
        found = drain_error_queue(self._talk.ask, self._source.name)
        if found:
            raise ErrorQueueError(self._source.name, found)


def _rest(instrument: VisaInstrument, talk: Conversation) -> WayToRest:
    """Return what makes a GS200 safe."""
    return WayToRest(
        instrument,
        talk.about,
        steps=(lambda: talk.write(":SOUR:LEV 0"), lambda: talk.write(":OUTP 0")),
        reset=lambda: talk.write("*RST;*CLS"),
        is_off=lambda: int(talk.ask(":OUTP?")) == 0 and float(talk.ask(":SOUR:LEV?")) == 0.0,
        distrust=talk.distrust,
        goal="zero current and output off",
        by_hand="press OUTPUT on the instrument and look at the junction",
    )
