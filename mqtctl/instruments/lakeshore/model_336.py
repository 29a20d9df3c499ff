"""The Lake Shore 336 as temperature controller, through QCoDeS's own driver.

Unlike the 372 it reads every input all the time, in fixed point with three decimals: its readings and
set-points have steps of 1 mK. QCoDeS's HTRSET parameters do not fit this model (they expect five fields, it
gives four), so they are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import CryostatError
from mqtctl.instruments.lakeshore.controller import LakeshoreController
from mqtctl.instruments.lakeshore.model_336_options import Lakeshore336Options
from mqtctl.instruments.lakeshore.zones import Zone
from mqtctl.instruments.roles.stand_in import ControllerStandIn
from mqtctl.instruments.talk.error_sentences import named
from mqtctl.instruments.talk.wanted import Spoken, Wanted

__all__ = ["Lakeshore336Controller"]

_CLOSED_LOOP = 1


class Lakeshore336Controller(LakeshoreController):
    """`TemperatureController` on a Lake Shore 336.

    Parameters
    ----------
    instrument
        QCoDeS's driver.
    options
        Keys and values as in `Lakeshore336Options`, quantities as text.
    clock
        Keeps the pauses between messages.
    """

    options_model: ClassVar[type[Document]] = Lakeshore336Options
    model: ClassVar[str] = "MODEL336"
    fine: ClassVar[bool] = False
    models: ClassVar[tuple[str, ...]] = (model,)
    heater_option: ClassVar[str] = "output"
    heaters: ClassVar[Mapping[str | int, int]] = {1: 1, 2: 2}
    setpoint_tolerance: ClassVar[tuple[float, float]] = (1e-4, 6e-4)  # three decimals come back

    def __init__(self, instrument: LakeshoreModel336, options: Mapping[str, object], clock: Clock) -> None:
        self._options = validate_document(options, Lakeshore336Options, f"options of {instrument.name}")
        self._statuses = instrument.A.SENSOR_STATUSES
        super().__init__(instrument, self._options, self._options.output, f"heater {self._options.output}", clock)

    @classmethod
    def stand_in(cls, driver: str, options: Lakeshore336Options) -> ControllerStandIn:
        """Return a controller with four inputs and two heater outputs."""
        sensor, heater = f"ch{options.input}", f"output{options.output}"
        return ControllerStandIn("lakeshore-336", sensor=sensor, heater=heater, coldest=options.minimum)

    @property
    def _reading_query(self) -> str:
        """Ask for value and status in one message."""
        return f"KRDG? {self._options.input};RDGST? {self._options.input}"

    @property
    def _heater_query(self) -> str:
        """Ask for the heater's output in % of the range."""
        return f"HTR? {self._output}"

    def _interpret(self, fields: Sequence[str]) -> tuple[float, str, bool]:
        """Take value and status apart."""
        value, status = fields
        return float(value), self._status_text(int(status), self._statuses), False

    @property
    def _sensor(self) -> str:
        """The thermometer's input."""
        return self._options.input

    def _check_input(self) -> None:
        """Raise unless the input has a sensor and regulates in kelvin."""
        name = self._options.input
        where = f"{named(self._instrument)}: input {name}"
        kind, *_, units = self._talk.fields(f"INTYPE? {name}", 5)
        if int(kind) == 0:
            raise CryostatError(f"{where} is disabled; choose its sensor type at the instrument")
        if int(units) != 1:
            raise CryostatError(f"{where} does not regulate in kelvin; choose kelvin as its preferred units")

    def _loop(self) -> list[Wanted]:
        """Regulate this output on our input."""
        wanted = (_CLOSED_LOOP, self._options.input_number, 0)
        query, name = f"OUTMODE? {self._output}", self._options.input

        def parse(text: str) -> tuple[int, ...]:
            mode, source, powerup = text.split(",")
            return int(mode), int(source), int(powerup)

        def make(_value: object) -> None:
            if parse(self._talk.ask(query)) != wanted:
                self._turn_off_unless_in(0)
                self._talk.write(f"OUTMODE {self._output}," + ",".join(str(field) for field in wanted))

        return [
            Wanted("output mode and control input", Spoken(query, self._talk.ask, make, parse), wanted),
            Wanted("input curve", self._seen(f"INCRV? {name}"), made=False),
            self._input_type(autorange=1),
            Wanted("input filter", self._seen(f"FILTER? {name}"), made=False),
        ]

    def _range_code(self, zone: Zone) -> int:
        """Return the number of a zone's heater range."""
        return self._options.range_code(zone)
