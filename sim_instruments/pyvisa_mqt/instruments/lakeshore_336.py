"""Lake Shore Model 336 temperature controller, as a client sees it.

Commands and formats: collected in the project's instruments/lakeshore-336.md; what no source confirms is
marked U there. Against the 372: fixed-point readings, other status bits, set points in the preferred unit
of the control input. Outputs 1 and 2 are current sources ("output1", "output2"), 3 and 4 voltage sources
of 10 V. U besides: HTR? answers for outputs 3 and 4 too, an output stays off once TLIMIT has shut it
down, SETP? follows a ramp, how the loop's error is normalised (see `lakeshore_372_heater`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..ieee488 import EventRegister, StatusModel
from ..signals import Wires
from .lakeshore_336_passive import INPUTS, PASSIVE_ENTRIES
from .lakeshore_336_sensors import (
    CONVERSION_TIME,
    DIODE_RANGES,
    RESISTOR_RANGES,
    Sensor,
    SensorSetup,
    fixed,
    sensor_value,
)
from .lakeshore_372_bridge import temperature_of
from .lakeshore_372_heater import ControlLoop, LoopSetup
from .lakeshore_grammar import Entry, Integer, LakeShoreInstrument, Real, RefusalError, Word

__all__ = ["LakeShore336"]

OUTPUTS = (1, 2, 3, 4)
MODE_OFF, CLOSED, ZONE, OPEN, MONITOR, WARM_UP = range(6)
KELVIN, CELSIUS, SENSOR_UNITS = 1, 2, 3
ICE_POINT = 273.15
#: Largest heater currents in A by their code; 0 is the user's own. 3 is so spelt by the maker's package (U).
CURRENTS = {1: 0.707, 2: 1.0, 3: 1.141, 4: 2.0}
RESISTANCES = {1: 25.0, 2: 50.0}
VOLTAGE = 10.0
RAMP_DONE = {1: 8, 2: 4}
NEW_READING = 16
NTC_SENSOR = 3


class LakeShore336(LakeShoreInstrument):
    """The controller; sensors on ports "chA" to "chD", heaters on "output1" to "output4".

    Options of the bench file: `serial_number`, `firmware`; `noise`, the standard deviation of a reading relative
    to the temperature; `coldest` (K), where the sensors' curves end; `analog_resistance` (Ohm), of heaters on
    outputs 3 and 4.
    """

    option_defaults: ClassVar = {
        "serial_number": "LSA2CMQ/#######",
        "firmware": "2.9",
        "noise": 1e-4,
        "coldest": 0.01,
        "analog_resistance": 100.0,
    }
    option_units: ClassVar = {"coldest": "K", "analog_resistance": "Ohm"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        if not 0 <= self.options["noise"] < 1:
            raise ValueError(f"option 'noise' is {self.options['noise']}; give a relative noise from 0 to 1")
        for key in ("coldest", "analog_resistance"):
            if self.options[key] <= 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give a value above 0")
        self.operation = EventRegister()
        self.status = StatusModel({128: self.operation}, self.status.errors)
        self._loops = {number: ControlLoop() for number in OUTPUTS}
        self._powers: dict[int, float] = {}
        self._ticks = 0
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
        ranges = DIODE_RANGES if kind == 1 else RESISTOR_RANGES
        free = autorange or kind not in (1, 2, NTC_SENSOR)
        full_scale = math.inf if free else ranges[min(number, len(ranges) - 1)]
        return SensorSetup(kind, full_scale, points * CONVERSION_TIME if filtering else 0.0, window / 100)

    def identification(self) -> str:
        """Return maker, model, serial numbers of unit and option card, and firmware."""
        return f"LSCI,MODEL336,{self.options['serial_number']},{self.options['firmware']}"

    def reset(self) -> None:
        """Switch the heaters off; settings are as after power-up, the readings go on."""
        self._loops = {number: ControlLoop() for number in OUTPUTS}
        for number in OUTPUTS:
            self._drive(number)

    # Readings.

    def _sensor(self, name: str) -> Sensor:
        return self._sensors[name].look(self.wires.clock.now())

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
            kind = self.stored("INTYPE", n)[0]
            return fixed(sensor_value(kind, max(self._sensor(n).filtered, 1e-3)) if kind else 0.0)

        return self._per_input(name, one)

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

    def set_curve(self, name: str, curve: int | None) -> None:
        """Do what INCRV does; a diode's curve does not fit a resistor and the other way round: none is chosen."""
        kind = self.stored("INTYPE", name)[0]
        number = curve or 0
        if number > 20:
            form = self.stored("CRVHDR", number)[2]
            number = number if (form <= 2) == (kind in (1, 4)) else 0
        self.store("INCRV", (name,), (number,))

    # Set points and outputs.

    def _control_input(self, output: int) -> str | None:
        number = self.stored("OUTMODE", output)[1]
        return INPUTS[number - 1] if 1 <= number <= len(INPUTS) else None

    def _to_kelvin(self, output: int, value: float) -> float:
        name = self._control_input(output)
        unit = self.stored("INTYPE", name)[4] if name else KELVIN
        if unit == CELSIUS:
            return value + ICE_POINT
        if unit == SENSOR_UNITS and name and self.stored("INTYPE", name)[0] == NTC_SENSOR:
            return temperature_of(value)
        return value

    def _from_kelvin(self, output: int, kelvin: float) -> float:
        name = self._control_input(output)
        unit = self.stored("INTYPE", name)[4] if name else KELVIN
        if unit == CELSIUS:
            return kelvin - ICE_POINT
        if unit == SENSOR_UNITS and name and kelvin and self.stored("INTYPE", name)[0] == NTC_SENSOR:
            return sensor_value(NTC_SENSOR, kelvin)
        return kelvin

    def set_setpoint(self, output: int, value: float) -> None:
        """Do what SETP does."""
        kelvin = self._to_kelvin(output, value)
        if not 0.0 <= kelvin < math.inf:
            raise RefusalError
        ramped, rate = self.stored("RAMP", output)
        name = self._control_input(output)
        present = self._sensor(name).filtered if name else 0.0
        self._loops[output].aim(kelvin, bool(ramped and rate), present)
        self.operation.set(RAMP_DONE.get(output, 0), False)

    def setpoint(self, output: int) -> str:
        """Return SETP?: the set point in force."""
        return fixed(self._from_kelvin(output, self._loops[output].setpoint))

    def ramp_status(self, output: int) -> str:
        """Return RAMPST?."""
        return str(int(self._loops[output].ramping))

    def set_range(self, output: int, number: int) -> None:
        """Do what RANGE does: 0 to 3 for outputs 1 and 2, off or on for 3 and 4."""
        if output > 2 and number > 1:
            raise RefusalError
        self.store("RANGE", (output,), (number,))
        self._drive(output)

    def check_mode(self, output: int, *values: Any) -> None:
        """Do what OUTMODE does; only outputs 3 and 4 have monitor and warm-up."""
        present = self.stored("OUTMODE", output)
        merged = tuple(new if new is not None else old for new, old in zip(values, present, strict=True))
        if merged[0] >= MONITOR and output < 3:
            raise RefusalError
        self.store("OUTMODE", (output,), merged)
        self._drive(output)

    def changed(self, output: int) -> None:
        """Take a new manual output, heater or warm-up setting into account."""
        self._drive(output)

    def heater_output(self, output: int) -> str:
        """Return HTR? and AOUT?: present output in %."""
        return f"{self._loops[output].output:+06.1f}"

    def _drive(self, output: int) -> None:
        loop = self._loops[output]
        mode = self.stored("OUTMODE", output)[0]
        if mode == MODE_OFF or not self.stored("RANGE", output)[0]:
            loop.rest()
        elif mode == OPEN:
            loop.output = max(self.stored("MOUT", output)[0], 0.0)
        elif mode == WARM_UP:
            loop.output = self.stored("WARMUP", output)[1]
        elif mode == MONITOR:
            loop.output = 0.0
        power = self._power(output, loop.output / 100)
        if power != self._powers.get(output, 0.0):
            self._powers[output] = power
            self.wires.heat(f"output{output}", power)

    def _power(self, output: int, share: float) -> float:
        """Return the power in W at a share of full scale; from range to range it is a factor of ten."""
        number = self.stored("RANGE", output)[0]
        if not number or not share:
            return 0.0
        if output > 2:
            return float((share * VOLTAGE) ** 2 / self.options["analog_resistance"])
        code, largest, current, unit = self.stored("HTRSET", output)
        full = CURRENTS.get(largest, current) ** 2 * RESISTANCES[code] * 10.0 ** (number - 3)
        return float(full * (share if unit == 2 else share**2))

    # Time.

    def advance(self, now: float) -> None:
        """Do the control steps due until bench time `now` (s)."""
        due = math.floor(now / CONVERSION_TIME + 1e-6)
        active = [output for output in OUTPUTS if self.stored("OUTMODE", output)[0] in (CLOSED, ZONE)]
        limited = any(self.stored("TLIMIT", name)[0] for name in INPUTS)
        if active or limited or self.status.service_enable:
            while self._ticks < due:
                self._ticks += 1
                self._tick(self._ticks * CONVERSION_TIME, active)
        self._ticks = due
        if self.status.service_enable:
            self.status.update(False)

    def next_event(self) -> float:
        """Return the end of the present conversion if it may set a status bit."""
        return (self._ticks + 1) * CONVERSION_TIME if self.status.service_enable else math.inf

    def _tick(self, now: float, active: list[int]) -> None:
        for output in active:
            self._control(output, now)
        for name in INPUTS:
            limit = self.stored("TLIMIT", name)[0]
            if limit:
                sensor = self._sensors[name].look(now)
                if not sensor.status & 1 and sensor.filtered > limit:
                    for output in OUTPUTS:
                        self.store("RANGE", (output,), (0,))
                        self._drive(output)
        self.operation.latch(NEW_READING)

    def _control(self, output: int, now: float) -> None:
        loop = self._loops[output]
        name = self._control_input(output)
        setup = self._loop_setup(output, loop.setpoint)
        if loop.move_setpoint(setup.ramp, CONVERSION_TIME):
            self.operation.set(RAMP_DONE.get(output, 0), True)
        if name is None or not self.stored("RANGE", output)[0]:
            return
        sensor = self._sensors[name].look(now)
        if sensor.status:
            loop.rest()
        else:
            loop.step(sensor.filtered, setup, CONVERSION_TIME)
        self._drive(output)

    def _loop_setup(self, output: int, setpoint: float) -> LoopSetup:
        ramped, rate = self.stored("RAMP", output)
        gain, integral, derivative = self.stored("PID", output)
        manual = self.stored("MOUT", output)[0]
        if self.stored("OUTMODE", output)[0] == ZONE:
            zone = next((z for z in range(1, 11) if setpoint <= self.stored("ZONE", output, z)[0]), 10)
            _, gain, integral, derivative, manual, number, chosen, rate = self.stored("ZONE", output, zone)
            if self.stored("RANGE", output)[0]:
                self.store("RANGE", (output,), (number if output < 3 else min(number, 1),))
            if chosen:
                self.store("OUTMODE", (output,), (ZONE, chosen, self.stored("OUTMODE", output)[2]))
        # I is a reset: a time of 1000 / I seconds, and D a percentage of a quarter of that (this family's way, U);
        # the ramp rate is in K/min on the wire.
        time = 1000.0 / integral
        return LoopSetup(gain, time, derivative / 100 * time / 4, manual, rate / 60 if ramped else 0.0)

    entries: ClassVar[Mapping[str, Entry]] = {
        **PASSIVE_ENTRIES,
        "KRDG": Entry((Word(("0", *INPUTS)),), query=kelvin, writable=False),
        "CRDG": Entry((Word(("0", *INPUTS)),), query=celsius, writable=False),
        "SRDG": Entry((Word(("0", *INPUTS)),), query=sensor_units, writable=False),
        "RDGST": Entry((Word(INPUTS),), query=reading_status, writable=False),
        "MDAT": Entry((Word(INPUTS),), query=extremes, writable=False),
        "MNMXRST": Entry(after=forget_extremes, readable=False),
        "INTYPE": Entry(
            (Word(INPUTS),),
            (Integer(0, 5), Integer(0, 1), Integer(0, 8), Integer(0, 1), Integer(1, 3)),
            (NTC_SENSOR, 1, 0, 1, 1),
        ),
        "INCRV": Entry((Word(INPUTS),), (Integer(0, 59),), (21,), execute=set_curve),
        "FILTER": Entry((Word(INPUTS),), (Integer(0, 1), Integer(2, 64), Integer(1, 10)), (0, 8, 10)),
        "TLIMIT": Entry((Word(INPUTS),), (Real(0, 1500, "+05g"),), (0.0,)),
        "SETP": Entry((Integer(1, 4),), (Real(-1e6, 1e6),), execute=set_setpoint, query=setpoint),
        "PID": Entry(
            (Integer(1, 4),),
            (Real(0.1, 1000, "+07.1f"), Real(0.1, 1000, "+07.1f"), Real(0, 200, "+07.2f")),
            (50.0, 20.0, 0.0),
        ),
        "OUTMODE": Entry(
            (Integer(1, 4),),
            (Integer(0, 5), Integer(0, 8), Integer(0, 1)),
            lambda output: (MODE_OFF, output, 0),
            execute=check_mode,
        ),
        "RANGE": Entry((Integer(1, 4),), (Integer(0, 3),), (0,), execute=set_range),
        "HTRSET": Entry(
            (Integer(1, 2),),
            (Integer(1, 2), Integer(0, 4), Real(0, 2, "+.3f"), Integer(1, 2)),
            (1, 2, 0.1, 1),
            after=changed,
        ),
        "HTR": Entry((Integer(1, 4),), query=heater_output, writable=False),
        "HTRST": Entry((Integer(1, 2),), query=lambda self, output: "0", writable=False),
        "AOUT": Entry((Integer(3, 4),), query=heater_output, writable=False),
        "MOUT": Entry((Integer(1, 4),), (Real(0, 100, "+07.2f"),), (0.0,), after=changed),
        "RAMP": Entry((Integer(1, 4),), (Integer(0, 1), Real(0, 100, "+07.3f")), (0, 0.0)),
        "RAMPST": Entry((Integer(1, 4),), query=ramp_status, writable=False),
        "WARMUP": Entry((Integer(3, 4),), (Integer(0, 1), Real(0, 100, "+07.2f")), (0, 0.0), after=changed),
        "ZONE": Entry(
            (Integer(1, 4), Integer(1, 10)),
            (
                Real(0, 1500, "+08.3f"),
                Real(0.1, 1000, "+07.1f"),
                Real(0.1, 1000, "+07.1f"),
                Real(0, 200, "+07.2f"),
                Real(0, 100, "+07.2f"),
                Integer(0, 3),
                Integer(0, 8),
                Real(0.1, 100, "+07.3f"),
            ),
            (0.0, 50.0, 20.0, 0.0, 0.0, 0, 0, 0.1),
        ),
        "OPST": Entry(query=lambda self: f"{self.operation.condition:03d}", writable=False),
        "OPSTR": Entry(query=lambda self: f"{self.operation.take():03d}", writable=False),
        "OPSTE": Entry(
            (),
            (Integer(0, 255),),
            execute=lambda self, mask: setattr(self.operation, "enable", mask),
            query=lambda self: f"{self.operation.enable:03d}",
        ),
    }
