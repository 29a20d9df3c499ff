"""The four sensors of a Model 336: curves, filter, extremes, and what their status says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pyvisa_mqt.instruments.lakeshore.model_372_bridge import resistance_of

__all__ = [
    "CONVERSION_TIME",
    "DIODE",
    "DIODE_RANGES",
    "MOST_RANGES",
    "NTC",
    "RESISTOR_RANGES",
    "T_OVER",
    "UNITS_OVER",
    "Sensor",
    "SensorSetup",
    "fixed",
    "sensor_value",
]

#: About ten readings a second (U).
CONVERSION_TIME = 0.1
OFF, DIODE, PLATINUM, NTC, THERMOCOUPLE, CAPACITANCE = range(6)
INVALID, T_UNDER, T_OVER, UNITS_ZERO, UNITS_OVER = 1, 16, 32, 64, 128
WARMEST = 420.0
#: Full scales of the fixed input ranges: V of diodes, Ohm of resistors.
DIODE_RANGES = (2.5, 10.0)
RESISTOR_RANGES = (10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 10e3, 30e3, 100e3)
#: Largest number of a range by type of sensor (of thermocouple and capacitor: U).
MOST_RANGES = {DIODE: 1, PLATINUM: 6, NTC: 8, THERMOCOUPLE: 0, CAPACITANCE: 1}


def fixed(value: float) -> str:
    """Write a number with its sign and six digits, as ±nnn.nnn while it is below a thousand."""
    decimals = 3
    while decimals and abs(value) >= 10.0 ** (6 - decimals) - 0.5 * 10.0**-decimals:
        decimals -= 1
    return f"{value:+08.{decimals}f}"


def sensor_value(kind: int, temperature: float) -> float:
    """Return a typical sensor's value in its unit (V, Ohm, mV or nF) at a temperature in K (> 0).

    A diode falls from 1.7 V to 0.5 V at 300 K, platinum rises from the Callendar straight line's 100 Ohm at
    273.15 K, a thick-film resistor follows `resistance_of`; thermocouple and capacitor are straight lines.
    """
    if kind == DIODE:
        return max(1.7 - 4e-3 * temperature, 0.1)
    if kind == PLATINUM:
        return max(100.0 * (1 + 3.9083e-3 * (temperature - 273.15)), 2.0)
    if kind == THERMOCOUPLE:
        return 0.01 * temperature
    return resistance_of(temperature) if kind == NTC else 5.0 + 1e-3 * temperature


@dataclass(frozen=True)
class SensorSetup:
    """What must be known of an input.

    Attributes
    ----------
    kind
        Sensor type, 0 for none.
    full_scale
        Largest value of a fixed range; inf with autorange.
    filtering
        Time constant in s of the filter, 0 if it is off.
    window
        Deviation relative to the filtered value at which the filter starts afresh.
    """

    kind: int
    full_scale: float
    filtering: float
    window: float


class Sensor:
    """One input: its last conversion.

    Parameters
    ----------
    true
        Returns the true temperature in K at the sensor.
    setup
        Returns the input's settings.
    disturbance
        Returns the next relative error of a conversion.
    coldest
        Where the sensor's curve ends, K.
    """

    def __init__(
        self,
        true: Callable[[], float],
        setup: Callable[[], SensorSetup],
        disturbance: Callable[[], float],
        coldest: float,
    ) -> None:
        self._true = true
        self._setup = setup
        self._disturbance = disturbance
        self._coldest = coldest
        self._conversion = -1
        self.temperature = self.filtered = 0.0
        self.status = 0
        self.lowest, self.highest = math.inf, -math.inf

    def look(self, now: float) -> Sensor:
        """Bring the reading up to bench time `now` (s) and return it; conversions nobody asks for are not done."""
        conversion = math.floor(now / CONVERSION_TIME + 1e-6)
        if conversion > self._conversion:
            passed = conversion - self._conversion
            self._conversion = conversion
            self._convert(passed * CONVERSION_TIME)
        return self

    def _convert(self, passed: float) -> None:
        setup = self._setup()
        temperature = self._true()
        self.status = self._status(setup, temperature)
        self.temperature = max(temperature * (1.0 + self._disturbance()), 0.0)
        weight = -math.expm1(-passed / setup.filtering) if setup.filtering else 1.0
        if abs(self.temperature - self.filtered) > setup.window * self.filtered:
            weight = 1.0
        self.filtered += weight * (self.temperature - self.filtered)
        if not self.status:
            self.lowest = min(self.lowest, self.filtered)
            self.highest = max(self.highest, self.filtered)

    def _status(self, setup: SensorSetup, temperature: float) -> int:
        if setup.kind == OFF:
            return INVALID
        if temperature > WARMEST:
            return T_OVER
        if temperature < self._coldest:
            return T_UNDER
        return UNITS_OVER if sensor_value(setup.kind, temperature) > setup.full_scale else 0

    def forget_extremes(self) -> None:
        """Start lowest and highest values afresh."""
        self.lowest = self.highest = self.filtered
