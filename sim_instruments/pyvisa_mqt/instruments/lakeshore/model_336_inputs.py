"""The measuring half of the Model 336 as a client sees it: inputs, readings, their settings and alarms.

`lakeshore_336` adds the outputs. What comes from the sensors is in `lakeshore_336_sensors`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pyvisa_mqt.grammar.ieee488 import EventRegister, StatusModel
from pyvisa_mqt.grammar.lakeshore import Entry
from pyvisa_mqt.grammar.lakeshore_fields import Integer, Real, RefusalError, Word
from pyvisa_mqt.instruments.lakeshore.alarms import ALARM_ENTRIES, AlarmSetup, WatchfulInstrument
from pyvisa_mqt.instruments.lakeshore.model_336_passive import INPUTS, PASSIVE_ENTRIES
from pyvisa_mqt.instruments.lakeshore.model_336_sensors import (
    CONVERSION_TIME,
    DIODE,
    DIODE_RANGES,
    MOST_RANGES,
    NTC,
    RESISTOR_RANGES,
    T_OVER,
    UNITS_OVER,
    Sensor,
    SensorSetup,
    fixed,
    sensor_value,
)
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["ICE_POINT", "LakeShore336Inputs"]

ICE_POINT = 273.15
KELVIN, CELSIUS, SENSOR_UNITS = 1, 2, 3
ALARM, OVERLOAD = 1, 2


class LakeShore336Inputs(WatchfulInstrument):
    """What the controller measures."""

    option_defaults: ClassVar = {"noise": 1e-4, "coldest": 0.01}
    alarm_inputs: ClassVar[tuple[str, ...]] = INPUTS
    announces_replies: ClassVar[bool] = True

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        if not 0 <= self.options["noise"] < 1:
            raise ValueError(f"option 'noise' is {self.options['noise']}; give a relative noise from 0 to 1")
        if self.options["coldest"] <= 0:
            raise ValueError(f"option 'coldest' is {self.options['coldest']}; give a value above 0")
        self.operation = EventRegister()
        self.status = StatusModel({128: self.operation}, self.status.errors)
        #: Bench time in s of the control step in progress; None between them, when it is the clock's.
        self._moment: float | None = None
        self._noise_pool: list[float] = []
        self._sensors = {name: self._new_sensor(name) for name in INPUTS}

    def _new_sensor(self, name: str) -> Sensor:
        return Sensor(
            lambda: self.wires.temperature(f"ch{name}"),
            lambda: self._sensor_setup(name),
            self._disturbance,
            self.options["coldest"],
        )

    def _disturbance(self) -> float:
        if not self.options["noise"]:
            return 0.0
        if not self._noise_pool:
            self._noise_pool = self.rng.standard_normal(1024).tolist()[::-1]
        return float(self.options["noise"] * self._noise_pool.pop())

    def _sensor_setup(self, name: str) -> SensorSetup:
        kind, autorange, number, _, _ = self.stored("INTYPE", name)
        filtering, points, window = self.stored("FILTER", name)
        ranges = DIODE_RANGES if kind == DIODE else RESISTOR_RANGES
        free = autorange or kind not in (DIODE, 2, NTC)
        full_scale = math.inf if free else ranges[min(number, len(ranges) - 1)]
        return SensorSetup(kind, full_scale, points * CONVERSION_TIME if filtering else 0.0, window / 100)

    # Readings.

    def _sensor(self, name: str) -> Sensor:
        return self._sensors[name].look(self.wires.clock.now() if self._moment is None else self._moment)

    def _per_input(self, name: str, value: Any) -> str:
        """Return one input's value, or all four for input 0."""
        return ",".join(value(n) for n in (INPUTS if name == "0" else (name,)))

    def _kelvin(self, name: str) -> float | None:
        sensor = self._sensor(name)
        return None if sensor.status or not self.stored("INCRV", name)[0] else sensor.filtered

    def kelvin(self, name: str) -> str:
        """Return KRDG?: zero without a curve or with an invalid reading."""
        return self._per_input(name, lambda n: fixed(self._kelvin(n) or 0.0))

    def celsius(self, name: str) -> str:
        """Return CRDG?."""

        def one(n: str) -> str:
            kelvin = self._kelvin(n)
            return fixed(0.0 if kelvin is None else kelvin - ICE_POINT)

        return self._per_input(name, one)

    def sensor_units(self, name: str) -> str:
        """Return SRDG?."""

        def one(n: str) -> str:
            return fixed(self.value_in(n, SENSOR_UNITS, believed=True) or 0.0)

        return self._per_input(name, one)

    def value_in(self, name: str, unit: int, *, believed: bool = False) -> float | None:
        """Return a reading in kelvin (1), degrees (2) or sensor units (3); None if invalid and not `believed`."""
        sensor = self._sensor(name)
        kind = self.stored("INTYPE", name)[0]
        if not kind or (sensor.status and not believed):
            return None
        if unit == SENSOR_UNITS:
            return sensor_value(kind, max(sensor.filtered, 1e-3))
        return sensor.filtered - (ICE_POINT if unit == CELSIUS else 0.0)

    def reading_status(self, name: str) -> str:
        """Return RDGST?."""
        return f"{self._sensor(name).status:03d}"

    def extremes(self, name: str) -> str:
        """Return MDAT?."""
        sensor = self._sensor(name)
        if not math.isfinite(sensor.lowest):
            return f"{fixed(0.0)},{fixed(0.0)}"
        return f"{fixed(sensor.lowest)},{fixed(sensor.highest)}"

    def forget_extremes(self) -> None:
        """Do what MNMXRST does."""
        for name in INPUTS:
            self._sensor(name).forget_extremes()

    def alarm_setup(self, name: str) -> AlarmSetup:
        """Return what ALARM has set."""
        enabled, high, low, deadband, latched, _, _ = self.stored("ALARM", name)
        return AlarmSetup(bool(enabled), KELVIN, high, low, deadband, bool(latched))

    def alarm_value(self, name: str, source: int) -> float | None:
        """Return what the alarm watches."""
        return self.value_in(name, source)

    def operation_condition(self) -> str:
        """Return OPST?."""
        self._look_at_operation()
        return f"{self.operation.condition:03d}"

    def operation_events(self) -> str:
        """Return OPSTR?, which clears it."""
        self._look_at_operation()
        return f"{self.operation.take():03d}"

    def _look_at_operation(self) -> None:
        """Bring the conditions of alarms and of sensors beyond their range up to date."""
        self.operation.set(ALARM, self.watch())
        over = any(self._sensor(name).status & (T_OVER | UNITS_OVER) for name in INPUTS)
        self.operation.set(OVERLOAD, over)

    # Settings of the inputs.

    def set_type(self, name: str, *values: Any) -> None:
        """Do what INTYPE does: each type of sensor has its own ranges, and a diode no compensation."""
        kind, autorange, number, compensated, units = self.merged("INTYPE", (name,), values)
        most = MOST_RANGES.get(kind, 8)
        if number > most:
            if values[2] is not None:
                raise RefusalError
            number = most
        self.store("INTYPE", (name,), (kind, autorange, number, 0 if kind == DIODE else compensated, units))

    def set_curve(self, name: str, curve: int | None) -> None:
        """Do what INCRV does; a diode's curve does not fit a resistor and the other way round: none is chosen."""
        kind = self.stored("INTYPE", name)[0]
        number = curve or 0
        if number > 20:
            form = self.stored("CRVHDR", number)[2]
            number = number if (form <= 2) == (kind in (1, 4)) else 0
        self.store("INCRV", (name,), (number,))

    input_entries: ClassVar[Mapping[str, Entry]] = {
        **PASSIVE_ENTRIES,
        **ALARM_ENTRIES,
        "ALARMST": Entry((Word(INPUTS),), query=WatchfulInstrument.alarm_status, writable=False),
        "KRDG": Entry((Word(("0", *INPUTS)),), query=kelvin, writable=False),
        "CRDG": Entry((Word(("0", *INPUTS)),), query=celsius, writable=False),
        "SRDG": Entry((Word(("0", *INPUTS)),), query=sensor_units, writable=False),
        "RDGST": Entry((Word(INPUTS),), query=reading_status, writable=False),
        "MDAT": Entry((Word(INPUTS),), query=extremes, writable=False),
        "MNMXRST": Entry(after=forget_extremes, readable=False),
        "INTYPE": Entry(
            (Word(INPUTS),),
            (Integer(0, 5), Integer(0, 1), Integer(0, 8), Integer(0, 1), Integer(1, 3)),
            (NTC, 1, 0, 1, 1),
            execute=set_type,
        ),
        "INCRV": Entry((Word(INPUTS),), (Integer(0, 59),), (21,), execute=set_curve),
        "FILTER": Entry((Word(INPUTS),), (Integer(0, 1), Integer(2, 64), Integer(1, 10)), (0, 8, 10)),
        "TLIMIT": Entry((Word(INPUTS),), (Real(0, 1500, "+05g"),), (0.0,)),
        "OPST": Entry(query=operation_condition, writable=False),
        "OPSTR": Entry(query=operation_events, writable=False),
        "OPSTE": Entry(
            (),
            (Integer(0, 255),),
            execute=lambda self, mask: setattr(self.operation, "enable", mask),
            query=lambda self: f"{self.operation.enable:03d}",
        ),
    }
