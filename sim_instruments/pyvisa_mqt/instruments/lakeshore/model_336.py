"""Lake Shore Model 336 temperature controller, as a client sees it.

Commands and formats: collected in the project's instruments/lakeshore-336.md; what no source confirms is
marked U there. Against the 372: fixed-point readings, other status bits, set points in the preferred unit
of the control input. Outputs 1 and 2 are current sources ("output1", "output2"), 3 and 4 voltage sources
of 10 V. The inputs are in `lakeshore_336_inputs`. U besides: HTR? answers for outputs 3 and 4 too, an output
stays off once TLIMIT has shut it down, SETP? follows a ramp, how the loop's error is normalised (see
`lakeshore_372_heater`), *RST brings back the settings that the bench began with, a power failure keeps them,
and an autotune takes its stages' time and leaves the gains alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from pyvisa_mqt.grammar.lakeshore import Entry
from pyvisa_mqt.grammar.lakeshore_fields import Integer, Real, RefusalError
from pyvisa_mqt.instruments.lakeshore.model_336_inputs import (
    CELSIUS,
    ICE_POINT,
    KELVIN,
    SENSOR_UNITS,
    LakeShore336Inputs,
)
from pyvisa_mqt.instruments.lakeshore.model_336_passive import INPUTS
from pyvisa_mqt.instruments.lakeshore.model_336_sensors import CONVERSION_TIME, NTC, fixed, sensor_value
from pyvisa_mqt.instruments.lakeshore.model_336_tuning import Autotune
from pyvisa_mqt.instruments.lakeshore.model_372_bridge import temperature_of
from pyvisa_mqt.instruments.lakeshore.model_372_heater import ControlLoop, LoopSetup, monitor_percentage
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["LakeShore336"]

OUTPUTS = (1, 2, 3, 4)
MODE_OFF, CLOSED, ZONE, OPEN, MONITOR, WARM_UP = range(6)
#: Largest heater currents in A by their code; 0 is the user's own. 3 is so spelt by the maker's package (U).
CURRENTS = {1: 0.707, 2: 1.0, 3: 1.141, 4: 2.0}
RESISTANCES = {1: 25.0, 2: 50.0}
VOLTAGE = 10.0
RAMP_DONE = {1: 8, 2: 4}
NEW_READING = 16
TUNED = 32
_LEVEL = Real(-1e9, 1e9, "+.3f")


class LakeShore336(LakeShore336Inputs):
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
        if self.options["analog_resistance"] <= 0:
            given = self.options["analog_resistance"]
            raise ValueError(f"option 'analog_resistance' is {given}; give a value above 0")
        self._loops = {number: ControlLoop() for number in OUTPUTS}
        self._tuning = Autotune()
        self._powers: dict[int, float] = {}
        self._ticks = 0

    def identification(self) -> str:
        """Return maker, model, serial numbers of unit and option card, and firmware."""
        return f"LSCI,MODEL336,{self.options['serial_number']},{self.options['firmware']}"

    def reset(self) -> None:
        """Switch the heaters off; settings are as after power-up, the readings go on."""
        self.reset_alarms()
        self._loops = {number: ControlLoop() for number in OUTPUTS}
        for number in OUTPUTS:
            self._drive(number)

    def inherit(self, before: Self) -> None:
        """Keep settings and set points; an output comes back on where OUTMODE says so."""
        super().inherit(before)
        self._ticks = before._ticks
        for number in OUTPUTS:
            self._loops[number].restore(before._loops[number])
            if self.stored("OUTMODE", number)[2]:
                self.store("RANGE", (number,), before.stored("RANGE", number))
            self._drive(number)

    # Set points and outputs.

    def _control_input(self, output: int) -> str | None:
        number = self.stored("OUTMODE", output)[1]
        return INPUTS[number - 1] if 1 <= number <= len(INPUTS) else None

    def _to_kelvin(self, output: int, value: float) -> float:
        name = self._control_input(output)
        unit = self.stored("INTYPE", name)[4] if name else KELVIN
        if unit == CELSIUS:
            return value + ICE_POINT
        if unit == SENSOR_UNITS and name and self.stored("INTYPE", name)[0] == NTC:
            return temperature_of(value)
        return value

    def _from_kelvin(self, output: int, kelvin: float) -> float:
        name = self._control_input(output)
        unit = self.stored("INTYPE", name)[4] if name else KELVIN
        if unit == CELSIUS:
            return kelvin - ICE_POINT
        if unit == SENSOR_UNITS and name and kelvin and self.stored("INTYPE", name)[0] == NTC:
            return sensor_value(NTC, kelvin)
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
        merged = self.merged("OUTMODE", (output,), values)
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
        if mode not in (CLOSED, ZONE):
            loop.rest()  # a loop that is closed again starts afresh
        if mode == MONITOR:
            loop.output = self._monitored(output)
        elif mode == MODE_OFF or not self.stored("RANGE", output)[0]:
            loop.rest()
        elif mode == OPEN:
            loop.output = max(self.stored("MOUT", output)[0], 0.0)
        elif mode == WARM_UP:
            loop.output = self.stored("WARMUP", output)[1]
        power = self._power(output, loop.output / 100)
        if power != self._powers.get(output, 0.0):
            self._powers[output] = power
            self.wires.heat(f"output{output}", power)

    def _monitored(self, output: int) -> float:
        """Return what a monitor output shows of its input, %; in this mode it is always on."""
        number, unit, high, low, bipolar = self.stored("ANALOG", output)
        value = self.value_in(INPUTS[number - 1], unit) if 1 <= number <= len(INPUTS) else None
        return monitor_percentage(value, low, high, bool(bipolar))

    def _power(self, output: int, share: float) -> float:
        """Return the power in W at a share of full scale; from range to range it is a factor of ten."""
        number = self.stored("RANGE", output)[0]
        if not share or not (number or self.stored("OUTMODE", output)[0] == MONITOR):
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
        if due > self._ticks:
            active = [output for output in OUTPUTS if self.stored("OUTMODE", output)[0] not in (MODE_OFF, OPEN)]
            limited = [name for name in INPUTS if self.stored("TLIMIT", name)[0]]
            if active or limited or self.watching or self._tuning.output or self.status.service_enable:
                while self._ticks < due:
                    self._ticks += 1
                    self._moment = self._ticks * CONVERSION_TIME
                    self._tick(self._moment, active, limited)
                self._moment = None
            self._ticks = due
            self.operation.latch(NEW_READING)
        if self.status.service_enable:
            self.status.update(self.reply_waits)

    def next_event(self) -> float:
        """Return the end of the present conversion if it may set a status bit."""
        return (self._ticks + 1) * CONVERSION_TIME if self.status.service_enable else math.inf

    def _tick(self, now: float, active: list[int], limited: list[str]) -> None:
        for output in active:
            mode = self.stored("OUTMODE", output)[0]
            if mode in (CLOSED, ZONE):
                self._control(output, now)
            elif mode == MONITOR:
                self._drive(output)
            else:
                self._end_warm_up(output)
        for name in limited:
            sensor = self._sensors[name].look(now)
            if not sensor.status & 1 and sensor.filtered > self.stored("TLIMIT", name)[0]:
                for output in OUTPUTS:
                    self._switch_off(output)
        if self.watching:
            self._look_at_operation()
        if self._tuning.go_on(now, self._can_tune(self._tuning.output)):
            self.operation.latch(TUNED)
        self.operation.latch(NEW_READING)

    def _switch_off(self, output: int) -> None:
        self.store("RANGE", (output,), (0,))
        self._drive(output)

    def _end_warm_up(self, output: int) -> None:
        """Switch an output off at the set point, unless it is to go on (WARMUP)."""
        name, target = self._control_input(output), self._loops[output].target
        if self.stored("WARMUP", output)[0] or name is None or not target or not self.stored("RANGE", output)[0]:
            return
        reading = self.value_in(name, KELVIN)
        if reading is not None and reading >= target:
            self._switch_off(output)

    def _can_tune(self, output: int) -> bool:
        """Return whether an output is on in a closed loop with a valid reading."""
        if not output or self.stored("OUTMODE", output)[0] != CLOSED or not self.stored("RANGE", output)[0]:
            return False
        name = self._control_input(output)
        return name is not None and self.value_in(name, KELVIN) is not None

    def tune(self, output: int, mode: int) -> None:
        """Do what ATUNE does."""
        self._tuning.start(output, self.wires.clock.now(), self._can_tune(output))

    def tuning_status(self) -> str:
        """Return TUNEST?: active, output, error, stage."""
        return self._tuning.status(self.wires.clock.now())

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
        **LakeShore336Inputs.input_entries,
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
        "ANALOG": Entry(
            (Integer(3, 4),),
            (Integer(0, 8), Integer(1, 3), _LEVEL, _LEVEL, Integer(0, 1)),
            (1, 1, 1000.0, 0.0, 0),
            after=changed,
        ),
        "ATUNE": Entry((Integer(1, 4),), (Integer(0, 2),), execute=tune, readable=False),
        "TUNEST": Entry(query=tuning_status, writable=False),
    }
