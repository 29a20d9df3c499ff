"""The simulated Nivalis TC2: written from its manual, it knows neither driver nor adapter."""

from __future__ import annotations

from typing import ClassVar

from pyvisa_mqt.grammar.parameters import Boolean, Number
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument

__all__ = ["NivalisTC2"]


class NivalisTC2(ScpiInstrument):
    """Two thermometers, "sensor1" and "sensor2", and a "heater" that a PI loop drives up to a current limit."""

    option_defaults: ClassVar = {"noise": 3e-6, "heater_resistance": 100.0}
    option_units: ClassVar = {"noise": "K", "heater_resistance": "Ohm"}

    PROPORTIONAL, INTEGRAL = 1e-2, 5e-4  # W/K, W/(K s)
    integral = 0.0  # W
    last = 0.0  # s

    def identification(self) -> str:
        """Return what `*IDN?` answers."""
        return "NIVALIS,TC2,1047,2.3"

    def reset(self) -> None:
        """Forget what the loop has learnt."""
        self.integral = 0.0

    def elapse(self, now: float) -> None:
        """Regulate until bench time `now` (s)."""
        step, self.last = now - self.last, now
        error = self.settings["setpoint"] - self.wires.temperature(f"sensor{self.settings['sensor']}")
        largest = self.settings["limit"] ** 2 * self.options["heater_resistance"]
        if self.settings["heater"]:
            self.integral = min(max(0.0, self.integral + self.INTEGRAL * error * step), largest)
            power = min(max(0.0, self.PROPORTIONAL * error + self.integral), largest)
        else:
            power = self.integral = 0.0
        self.wires.heat("heater", power)

    def measure(self, sensor: int) -> str:
        """Return temperature in K and status: 0, or 1 for a sensor that is off its curve, above 100 K."""
        true = self.wires.temperature(f"sensor{sensor}")
        shown = true + self.rng.normal(0.0, self.options["noise"])
        return f"{self.format_number(shown)},{int(true > 100.0)}"

    commands = (
        Command("MEASure:TEMPerature{1-2}", None, measure),
        setting("LOOP:SENSor", "sensor", Number(1, 2, 1, integer=True), 1),
        setting("LOOP:SETPoint", "setpoint", Number(0, 300, 0, unit="K"), 0.0),
        setting("HEATer:CURRent:LIMit", "limit", Number(0, 0.1, 0.1, unit="A"), 0.0),
        setting("HEATer[:STATe]", "heater", Boolean(), False),
    )
