"""The Nivalis TC2 as temperature controller, and what stands in for it in a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from lab_extension.tc2_driver import NivalisTC2
from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import InputError
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.instruments.roles.stand_in import ControllerStandIn
from mqtctl.instruments.talk.foreign_driver import Conversation
from mqtctl.instruments.talk.safe_state import WayToRest
from mqtctl.instruments.talk.wanted import SettingsGuard, Wanted
from mqtctl.quantities import Amperes, Kelvins, Ohms, format_quantity

__all__ = ["NivalisTC2Controller", "TC2Options"]


class TC2Options(Document):
    """What the station file says of it.

    Attributes
    ----------
    sensor
        Which one sits beside the sample; the loop regulates on it.
    minimum, maximum
        What the cryostat is known to hold.
    heater_limit
        Largest current through the heater.
    heater_resistance
        Of the heater; for rehearsals alone.
    """

    sensor: Literal[1, 2] = 1
    minimum: Kelvins = Field(gt=0)
    maximum: Kelvins = Field(gt=0)
    heater_limit: Amperes = Field(gt=0, le=0.1)
    heater_resistance: Ohms = Field(100.0, gt=0)


class NivalisTC2Controller:
    """`TemperatureController` on a TC2."""

    role: ClassVar[str] = "temperature_controller"
    options_model: ClassVar[type[Document]] = TC2Options
    models: ClassVar[tuple[str, ...]] = ("TC2",)

    def __init__(self, instrument: NivalisTC2, options: Mapping[str, object], clock: Clock) -> None:
        self._instrument = instrument
        self._options = validate_document(options, TC2Options, f"options of {instrument.name}")
        self._talk = Conversation(instrument, self.models, clock)  # whatever fails in it becomes one sentence
        self._settings = SettingsGuard(instrument, self._talk.ask, prefix=":")

    @classmethod
    def stand_in(cls, driver: str, options: TC2Options) -> ControllerStandIn:
        """Return the model of `tc2_simulated`, wired and equipped as the station file says."""
        return ControllerStandIn(
            "nivalis-tc2",
            sensor=f"sensor{options.sensor}",
            heater="heater",
            coldest=options.minimum,
            options={"heater_resistance": format_quantity(options.heater_resistance, "Ohm")},
        )

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest temperature in K."""
        return self._options.minimum, self._options.maximum

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        return self._talk.identify()

    def read(self) -> TemperatureReading:
        """Read the thermometer; status 0 is a good reading, and settings that have changed are a fault."""
        with self._talk.about("reading the thermometer"):
            self._settings.require_unchanged()
            digits, status = self._talk.fields(f"MEAS:TEMP{self._options.sensor}?", 2)
            return TemperatureReading(float(digits), int(status) == 0, f"status {int(status)}", digits)

    def set_target(self, temperature: float) -> None:
        """Regulate at this temperature (K) with every setting read back; returns at once."""
        low, high = self.range
        if not low <= temperature <= high:
            raise InputError(f"{temperature:.6g} K is outside {low:g} K to {high:g} K; change plan or station file")
        tc2 = self._instrument
        wanted = [
            Wanted("control sensor", tc2.control_sensor, self._options.sensor),
            Wanted("heater limit in A", tc2.heater_limit, self._options.heater_limit, 1e-6),
            Wanted("set-point in K", tc2.setpoint, temperature, 1e-6),
            Wanted("heater", tc2.heater, True),
        ]
        with self._talk.about(f"setting {temperature * 1e3:.6g} mK"):
            self._settings.forget()
            self._settings.make(wanted)
            self._settings.verify(wanted)

    def make_safe(self) -> None:
        """Heater off, read back; raises `UnsafeError` if not confirmed."""
        self.way_to_rest().take()

    def way_to_rest(self) -> WayToRest:
        """Return what makes it safe."""
        self._settings.forget()
        return WayToRest(
            self._instrument,
            self._talk.about,
            steps=(lambda: self._instrument.heater(False),),
            is_off=lambda: not self._instrument.heater(),
            distrust=self._talk.distrust,
            goal="the heater off",
            by_hand="switch the heater off at the instrument",
        )
