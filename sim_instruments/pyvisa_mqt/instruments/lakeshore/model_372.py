"""Lake Shore Model 372 AC resistance bridge and temperature controller, as a client sees it.

Commands and formats: Model 372 manual, collected in the project's instruments/lakeshore-372.md; what
no source confirms is marked U there. Sensors hang on channels 1 to 16 ("ch1" to "ch16") and on the
control input ("chA"); outputs 0, 1 and 2 heat "sample", "warmup" and "still". The inputs are in
`lakeshore_372_inputs`, settings without effect on this bench in `lakeshore_372_passive`. U besides: *RST
brings back the settings that the bench began with, a power failure keeps them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from pyvisa_mqt.grammar.ieee488 import EXECUTION_ERROR
from pyvisa_mqt.grammar.lakeshore import Entry
from pyvisa_mqt.grammar.lakeshore_fields import Integer, Real, RefusalError, Word, engineering
from pyvisa_mqt.instruments.lakeshore.model_372_bridge import CONVERSION_TIME, resistance_of, temperature_of
from pyvisa_mqt.instruments.lakeshore.model_372_heater import (
    STILL_VOLTAGE,
    ControlLoop,
    LoopSetup,
    full_scale,
    monitor_percentage,
)
from pyvisa_mqt.instruments.lakeshore.model_372_inputs import CONTROL, INPUTS, LakeShore372Inputs
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["LakeShore372"]

HEATERS = ("sample", "warmup", "still")
#: Output modes.
OFF, MONITOR, OPEN, ZONE, STILL, CLOSED, WARM_UP = range(7)

RAMP_DONE = {0: 128, 1: 1}
#: Set point in K of a resistance below the sensor's curve.
_HOTTEST = 1e6
#: Limits of the values at which the monitor output is full or zero, in K or Ohm.
_LEVEL = Real(-1e9, 1e9, ".10g")


@dataclass(frozen=True)
class _Duty:
    """What an output must do at each conversion, on which channel: 0 is the control input, None whatever is scanned."""

    output: int
    mode: int
    channel: int | None
    filtered: bool
    on: bool


class LakeShore372(LakeShore372Inputs):
    """The bridge and controller.

    Options of the bench file: `serial_number`, `firmware`; `channel` where the scanner stands at
    power-up; `noise`, the standard deviation of one 0.1 s conversion relative to the temperature;
    `heater_resistance`, `warmup_resistance`, `still_resistance` in Ohm, of the heaters themselves.
    """

    option_defaults: ClassVar = {
        "serial_number": "LSA2000",
        "firmware": "1.3",
        "channel": 6,
        "noise": 5e-4,
        "heater_resistance": 100.0,
        "warmup_resistance": 50.0,
        "still_resistance": 100.0,
    }
    option_units: ClassVar = {"heater_resistance": "Ohm", "warmup_resistance": "Ohm", "still_resistance": "Ohm"}

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        for key in ("heater_resistance", "warmup_resistance", "still_resistance"):
            if self.options[key] <= 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give a resistance above 0 Ohm")
        self._loops = {number: ControlLoop() for number in range(3)}
        #: Set points given in Ohm, with their temperature in K: beyond the curve there is no way back.
        self._given_ohms: dict[int, tuple[float, float]] = {}
        self._powers: dict[str, float] = {}
        self._duties: tuple[int, tuple[_Duty, ...]] = (-1, ())
        self._full_scales: dict[int, tuple[int, float, bool]] = {}
        self._loop_setups: dict[int, tuple[tuple[int, int, float], LoopSetup]] = {}
        self._conversions = int(wires.clock.now() / CONVERSION_TIME)

    def identification(self) -> str:
        """Return maker, model, serial number and firmware."""
        return f"LSCI,MODEL372,{self.options['serial_number']},{self.options['firmware']}"

    def reset(self) -> None:
        """Heaters off, settings as after power-up; the readings go on."""
        self.reset_alarms()
        self._loops = {number: ControlLoop() for number in range(3)}
        self._bridge.select(self.options["channel"], False, self.wires.clock.now())
        for number in range(3):
            self._drive(number, 0.0)

    def inherit(self, before: Self) -> None:
        """Keep settings and set points; an output comes back on where OUTMODE says so."""
        super().inherit(before)
        self._conversions = before._conversions  # the clock may be ahead of the moment at which the power failed
        for number in range(3):
            self._loops[number].restore(before._loops[number])
            if self.stored("OUTMODE", number)[2]:
                self.store("RANGE", (number,), before.stored("RANGE", number))
            self._refresh(number)

    # Outputs.

    def set_setpoint(self, output: int, value: float) -> None:
        """Do what SETP does: in the preferred unit of the control input."""
        kelvin = min(temperature_of(value), _HOTTEST) if self._in_ohms(output) else value
        if self._in_ohms(output):
            self._given_ohms[output] = (kelvin, value)
        ramped, rate = self.stored("RAMP", output)
        present = self._reading(self._control_input(output)).filtered
        self._loops[output].aim(kelvin, bool(ramped and rate), present)
        self.status.device_bits &= ~RAMP_DONE.get(output, 0)

    def setpoint(self, output: int | None) -> str:
        """Return SETP?: the set point in force, so a ramp can be watched."""
        number = output or 0
        kelvin = self._loops[number].setpoint
        if not kelvin or not self._in_ohms(number):
            return engineering(kelvin)
        known, ohms = self._given_ohms.get(number, (0.0, 0.0))
        return engineering(ohms if known == kelvin else resistance_of(kelvin))

    def ramp_status(self, output: int) -> str:
        """Return RAMPST?."""
        return str(int(self._loops[output].ramping))

    def _control_input(self, output: int) -> str:
        name = str(self.stored("OUTMODE", output)[1])
        return name if name in INPUTS else str(self._bridge.channel)

    def _in_ohms(self, output: int) -> bool:
        return bool(self.stored("INTYPE", self._control_input(output))[5] == 2)

    def check_range(self, output: int, number: int) -> None:
        """Do what RANGE does: 0 to 8 for the sample heater, off or on for the others."""
        if output and number > 1:
            raise RefusalError(EXECUTION_ERROR)
        self.store("RANGE", (output,), (number,))
        self._refresh(output)

    def set_heater(self, output: int, *values: Any) -> None:
        """Do what HTRSET does: Ohms for the sample heater, a code for the warm-up heater; the still has none."""
        merged = self.merged("HTRSET", (output,), values)
        lowest, highest = (1, 2000) if output == 0 else (1, 2)
        if output == 2 or not lowest <= merged[0] <= highest:
            raise RefusalError(EXECUTION_ERROR)
        self.store("HTRSET", (output,), merged)
        self._refresh(output)

    def heater_setup(self, output: int) -> str:
        """Return HTRSET?; production drivers ask it of the still's output too."""
        resistance, code, current, unit = self.stored("HTRSET", output)
        return f"{resistance:g},{code},{current:+.4f},{unit}"

    def changed_output(self, output: int) -> None:
        """Take a new mode, manual output or gain into account."""
        self._refresh(output)

    def zone_closes(self, relay: int, mode: int) -> bool:
        """Return whether the present zone of the sample (3) or warm-up heater (4) closes a relay."""
        output = mode - 3
        if self._mode(output) != ZONE or not self.stored("RANGE", output)[0]:
            return False
        return bool(self._zone(output, self._loops[output].setpoint)[6 + relay])

    def heater_output(self, output: int | None) -> str:
        """Return HTR?: present output in % of full scale."""
        return engineering(self._loops[output or 0].output)

    def analog_output(self, output: int) -> str:
        """Return AOUT?."""
        return engineering(self._loops[output].output)

    def _mode(self, output: int) -> int:
        return int(self.stored("OUTMODE", output)[0])

    def _refresh(self, output: int) -> None:
        """Apply what does not wait for a conversion."""
        loop = self._loops[output]
        mode = self._mode(output)
        if mode not in (CLOSED, ZONE):
            loop.rest()  # a loop that is closed again starts afresh
        if mode == MONITOR:
            loop.output = self._monitored() if output == 2 else 0.0
        elif mode == OFF or not self.stored("RANGE", output)[0]:
            loop.rest()
        elif mode == OPEN:
            loop.output = min(max(self.stored("MOUT", output)[0], 0.0), 100.0)
        elif mode == WARM_UP and output == 1:
            loop.output = self.stored("WARMUP")[1]
        elif mode == STILL and output == 2:
            loop.output = self.stored("STILL")[0]
        elif mode in (STILL, WARM_UP):
            loop.output = 0.0
        self._drive(output, loop.output)

    def _monitored(self) -> float:
        """Return what output 2 shows of its input, %; in this mode it is always on."""
        _, _, _, source, high, low, _ = self.stored("ANALOG", 2)
        bipolar = self.stored("OUTMODE", 2)[3]
        return monitor_percentage(self.value_in(self._control_input(2), source), low, high, bool(bipolar))

    def _drive(self, output: int, percent: float) -> None:
        known = self._full_scales.get(output)
        if known is None or known[0] != self.revision:
            known = self._full_scales[output] = (self.revision, *self._full_scale(output))
        _, full, squared = known
        fraction = percent / 100
        power = full * (fraction * fraction if squared else fraction)
        heater = HEATERS[output]
        if power != self._powers.get(heater, 0.0):
            self._powers[heater] = power
            self.wires.heat(heater, power)

    def _full_scale(self, output: int) -> tuple[float, bool]:
        """Return the power in W at 100 %, and whether it goes with the square of the percentage."""
        number = self.stored("RANGE", output)[0]
        if not number and self._mode(output) != MONITOR:
            return 0.0, False
        if output == 2:
            return STILL_VOLTAGE**2 / float(self.options["still_resistance"]), True
        resistance = self.options["warmup_resistance" if output else "heater_resistance"]
        return full_scale(output, number, self.stored("HTRSET", output), resistance)

    # Time.

    def advance(self, now: float) -> None:
        """Do the conversions and control steps due until bench time `now` (s)."""
        if (self._conversions + 1) * CONVERSION_TIME <= now:
            if not self._control_in_a_row(now):
                while (self._conversions + 1) * CONVERSION_TIME <= now:
                    self._conversions += 1
                    self._tick(self._conversions * CONVERSION_TIME)
            # The bench stands still meanwhile, so that only the last output of each loop warms anything.
            for duty in self._present_duties():
                if duty.mode in (CLOSED, ZONE):
                    self._drive(duty.output, self._loops[duty.output].output)
        if self.status.service_enable:
            self.status.update(self.reply_waits)

    def next_event(self) -> float:
        """Return the end of the present conversion, which may set a status bit; nothing else comes by itself."""
        return (self._conversions + 1) * CONVERSION_TIME if self.status.service_enable else math.inf

    def _tick(self, now: float) -> None:
        self._moment = now
        fresh = self._measure(now)
        if fresh and self._too_warm():
            for output in range(3):
                self._switch_off(output)
        for duty in self._duties[1] if self._duties[0] == self.revision else self._present_duties():
            if duty.mode in (CLOSED, ZONE):
                self._control(duty, fresh)
            elif duty.mode == MONITOR:
                self._refresh(duty.output)
            else:
                self._end_warm_up()
        self._moment = None

    def _control_in_a_row(self, now: float) -> bool:
        """Do what `_tick` does at all conversions until `now` (s) if one loop holds the scanned channel; False if not.

        So it is for most of a bench's life, and then settings are looked at once and not ten times a second.
        """
        duties = self._present_duties()
        if len(duties) != 1 or duties[0].mode != CLOSED or not duties[0].on or self.watching or self._limited():
            return False
        duty, bridge = duties[0], self._bridge
        loop = self._loops[duty.output]
        here = duty.channel in (None, bridge.channel) and bridge.resting((self._conversions + 1) * CONVERSION_TIME)
        if loop.ramping or not here:
            return False
        setup = self._loop_setup(duty.output, CLOSED, loop.setpoint)
        while (self._conversions + 1) * CONVERSION_TIME <= now:
            self._conversions += 1
            reading = bridge.convert()
            if reading.status:
                loop.rest()
            else:
                loop.step(reading.filtered if duty.filtered else reading.temperature, setup, CONVERSION_TIME)
        self._note_validity(reading)
        return True

    def _present_duties(self) -> tuple[_Duty, ...]:
        """Return what the outputs must do at each conversion."""
        if self._duties[0] != self.revision:  # as it is not at most conversions
            duties = []
            for output in range(3):
                mode, name, _, _, filtered, _ = self.stored("OUTMODE", output)
                if mode == MONITOR or (mode in (CLOSED, ZONE) and output < 2) or (mode == WARM_UP and output == 1):
                    channel = None if name not in INPUTS else 0 if name == CONTROL else int(name)
                    on = bool(self.stored("RANGE", output)[0])
                    duties.append(_Duty(output, mode, channel, bool(filtered), on))
            self._duties = (self.revision, tuple(duties))
        return self._duties[1]

    def _switch_off(self, output: int) -> None:
        self.store("RANGE", (output,), (0,))
        self._refresh(output)

    def _end_warm_up(self) -> None:
        """Switch the warm-up heater off at the set point, unless it is to go on (WARMUP)."""
        target = self._loops[1].target
        if self.stored("WARMUP")[0] or not target or not self.stored("RANGE", 1)[0]:
            return
        reading = self.value_in(self._control_input(1), 1)
        if reading is not None and reading >= target:
            self._switch_off(1)

    def _control(self, duty: _Duty, fresh: bool) -> None:
        output, loop = duty.output, self._loops[duty.output]
        setup = self._loop_setup(output, duty.mode, loop.setpoint)
        if loop.setpoint != loop.target and loop.move_setpoint(setup.ramp, CONVERSION_TIME):
            self.status.device_bits |= RAMP_DONE[output]
        if not duty.on:
            return
        if duty.channel == 0:
            reading = self._reading(CONTROL)
        elif fresh and duty.channel in (None, self._bridge.channel):
            reading = self._bridge.reading(self._bridge.channel)
        else:
            return  # no new value of the control channel: the output stays
        if reading.status:
            loop.rest()
        else:
            loop.step(reading.filtered if duty.filtered else reading.temperature, setup, CONVERSION_TIME)

    def _loop_setup(self, output: int, mode: int, setpoint: float) -> LoopSetup:
        if output not in self._loop_setups or self._loop_setups[output][0] != (self.revision, mode, setpoint):
            setup = self._loop_setup_now(output, mode, setpoint)  # which may itself store another range
            self._loop_setups[output] = ((self.revision, mode, setpoint), setup)
        return self._loop_setups[output][1]

    def _loop_setup_now(self, output: int, mode: int, setpoint: float) -> LoopSetup:
        ramped, rate = self.stored("RAMP", output)
        proportional, integral, derivative = self.stored("PID", output)
        manual = self.stored("MOUT", output)[0]
        if mode == ZONE:
            _, proportional, integral, derivative, manual, number, rate, _, _ = self._zone(output, setpoint)
            if number != self.stored("RANGE", output)[0] and self.stored("RANGE", output)[0]:
                self.store("RANGE", (output,), (number if output == 0 else min(number, 1),))
        # The ramp rate is in K/min on the wire.
        return LoopSetup(proportional, integral, derivative, manual, rate / 60 if ramped else 0.0)

    def _zone(self, output: int, setpoint: float) -> tuple[Any, ...]:
        """Return the zone of a set point in K: the first that reaches it."""
        number = next((z for z in range(1, 11) if setpoint <= self.stored("ZONE", output, z)[0]), 10)
        return self.stored("ZONE", output, number)

    entries: ClassVar[Mapping[str, Entry]] = {
        **LakeShore372Inputs.input_entries,
        "ANALOG": Entry(
            (Integer(1, 2),),
            (Integer(0, 6), Integer(0, 6), Word(("0", *INPUTS)), Integer(0, 2), _LEVEL, _LEVEL, _LEVEL),
            (0, 0, "1", 1, 0.0, 0.0, 0.0),
            after=changed_output,
        ),
        "OUTMODE": Entry(
            (Integer(0, 2),),
            (
                Integer(0, 6),
                Word(("0", *INPUTS)),
                Integer(0, 1),
                Integer(0, 1),
                Integer(0, 1),
                Integer(0, 255),
            ),
            lambda output: (OFF, ("6", "1", "1")[output], 0, 0, 0, 1),
            after=changed_output,
        ),
        "SETP": Entry((Integer(0, 2),), (Real(0, 1e9),), execute=set_setpoint, query=setpoint, optional=1),
        "PID": Entry(
            (Integer(0, 2),),
            (Real(0, 1000), Real(0, 10000), Real(0, 2500)),
            (10.0, 20.0, 0.0),
            optional=1,
        ),
        "RAMP": Entry((Integer(0, 2),), (Integer(0, 1), Real(0, 100)), (0, 0.0), optional=1),
        "RAMPST": Entry((Integer(0, 2),), query=ramp_status, writable=False),
        "RANGE": Entry((Integer(0, 2),), (Integer(0, 8),), (0,), execute=check_range, optional=1),
        "HTRSET": Entry(
            (Integer(0, 2),),
            (Real(1, 2000), Integer(0, 2), Real(0, 0.63), Integer(1, 2)),
            lambda output: ((120.0, 0, 0.0, 1), (2, 1, 0.45, 1), (0.0, 0, 0.0, 1))[output],
            execute=set_heater,
            query=heater_setup,
        ),
        "HTR": Entry((Integer(0, 2),), query=heater_output, optional=1, writable=False),
        "HTRST": Entry((Integer(0, 2),), query=lambda self, output: "0", optional=1, writable=False),
        "AOUT": Entry((Integer(1, 2),), query=analog_output, writable=False),
        "MOUT": Entry((Integer(0, 2),), (Real(-100, 100),), (0.0,), after=changed_output, optional=1),
        "STILL": Entry((), (Real(0, 100),), (0.0,), after=lambda self: self.changed_output(2)),
        "WARMUP": Entry((), (Integer(0, 1), Real(0, 100)), (0, 0.0), after=lambda self: self.changed_output(1)),
        "ZONE": Entry(
            (Integer(0, 1), Integer(1, 10)),
            (
                Real(0, 400),
                Real(0, 1000),
                Real(0, 10000),
                Real(0, 2500),
                Real(-100, 100),
                Integer(0, 8),
                Real(0, 100),
                Integer(0, 1),
                Integer(0, 1),
            ),
            (0.0, 10.0, 20.0, 0.0, 0.0, 0, 0.0, 0, 0),
        ),
    }
