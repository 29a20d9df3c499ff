"""Lake Shore Model 372 AC resistance bridge and temperature controller, as a client sees it.

Commands and formats: Model 372 manual, collected in the project's instruments/lakeshore-372.md; what
no source confirms is marked U there. Sensors hang on channels 1 to 16 ("ch1" to "ch16") and on the
control input ("chA"); outputs 0, 1 and 2 heat "sample", "warmup" and "still". Settings without
effect on this bench are in `lakeshore_372_passive`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..ieee488 import EXECUTION_ERROR
from ..signals import Wires
from .lakeshore_372_bridge import (
    CONVERSION_TIME,
    Bridge,
    ChannelSetup,
    Reading,
    resistance_of,
    temperature_of,
)
from .lakeshore_372_heater import ControlLoop, LoopSetup
from .lakeshore_372_passive import PASSIVE_ENTRIES
from .lakeshore_grammar import Entry, Integer, LakeShoreInstrument, Quoted, Real, RefusalError, Word, engineering

__all__ = ["LakeShore372"]

HEATERS = ("sample", "warmup", "still")
#: Full-scale currents in A of the sample heater's ranges 1 to 8.
SAMPLE_RANGES = (31.6e-6, 100e-6, 316e-6, 1e-3, 3.16e-3, 10e-3, 31.6e-3, 100e-3)
#: Largest currents in A of the warm-up heater by their code; 0 is the user's own value.
WARMUP_CURRENTS = {1: 0.45, 2: 0.63}
WARMUP_RESISTANCES = {1: 25.0, 2: 50.0}
STILL_VOLTAGE = 10.0
#: Output modes.
OFF, MONITOR, OPEN, ZONE, STILL, CLOSED, WARM_UP = range(7)

RAMP_DONE = {0: 128, 1: 1}
VALID_MEASUREMENT, OVERLOAD = 4, 16

INPUTS = ("A", *(str(number) for number in range(1, 17)))


class LakeShore372(LakeShoreInstrument):
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
        self._check_options()
        self._loops = {number: ControlLoop() for number in range(3)}
        self._powers: dict[str, float] = {}
        self._setups: dict[int, tuple[int, ChannelSetup]] = {}
        self._loop_setups: dict[int, tuple[tuple[int, int, float], LoopSetup]] = {}
        self._conversions = int(wires.clock.now() / CONVERSION_TIME)
        self._bridge = self._new_bridge()

    def _check_options(self) -> None:
        if not 1 <= self.options["channel"] <= 16:
            raise ValueError(f"option 'channel' is {self.options['channel']}; give a channel from 1 to 16")
        if not 0 <= self.options["noise"] < 1:
            raise ValueError(f"option 'noise' is {self.options['noise']}; give a relative noise from 0 to 1")
        for key in ("heater_resistance", "warmup_resistance", "still_resistance"):
            if self.options[key] <= 0:
                raise ValueError(f"option {key!r} is {self.options[key]}; give a resistance above 0 Ohm")

    def _new_bridge(self) -> Bridge:
        def sensor(channel: int) -> float:
            return self.wires.temperature("chA" if channel == 0 else f"ch{channel}")

        return Bridge(sensor, self._channel_setup, self.options["noise"], self.rng, self.options["channel"])

    def identification(self) -> str:
        """Return maker, model, serial number and firmware."""
        return f"LSCI,MODEL372,{self.options['serial_number']},{self.options['firmware']}"

    def reset(self) -> None:
        """Heaters off, settings as after power-up; the readings go on."""
        self._loops = {number: ControlLoop() for number in range(3)}
        self._bridge.select(self.options["channel"], False, self.wires.clock.now())
        for number in range(3):
            self._drive(number, 0.0)

    # Readings.

    def _channel_setup(self, channel: int) -> ChannelSetup:
        known = self._setups.get(channel)
        if known is None or known[0] != self.revision:
            # Asked for at each conversion, ten times a second: kept as long as no setting changes.
            known = self._setups[channel] = (self.revision, self._channel_setup_now(channel))
        return known[1]

    def _channel_setup_now(self, channel: int) -> ChannelSetup:
        name = "A" if channel == 0 else str(channel)
        enabled, dwell, pause, _, _ = self.stored("INSET", name)
        _, _, autorange, number, _, _ = self.stored("INTYPE", name)
        filtering, settle, window = self.stored("FILTER", name)
        largest = math.inf if autorange or channel == 0 else 2e-3 * 10 ** ((number - 1) / 2)
        # The filter settles in its settle time: about four time constants.
        return ChannelSetup(bool(enabled), dwell, pause, largest, settle / 4 if filtering else 0.0, window / 100)

    def _reading(self, name: str) -> Reading:
        channel = 0 if name == "A" else int(name)
        return self._bridge.reading(channel)

    def kelvin(self, name: str) -> str:
        """Return KRDG?: 0 without a curve or with an invalid reading."""
        reading = self._reading(name)
        curve = self.stored("INSET", name)[3]
        return engineering(reading.filtered if curve and not reading.status else 0.0)

    def ohms(self, name: str) -> str:
        """Return RDGR? and SRDG?."""
        reading = self._reading(name)
        return engineering(resistance_of(max(reading.filtered, 1e-6)))

    def quadrature(self, name: str) -> str:
        """Return QRDG?; the bench's wiring has no reactance."""
        return engineering(0.0)

    def excitation_power(self, name: str) -> str:
        """Return RDGPWR?: I^2 R or V^2/R of the excitation."""
        mode, excitation, _, _, shunted, _ = self.stored("INTYPE", name)
        resistance = resistance_of(max(self._reading(name).temperature, 1e-6))
        if shunted:
            return engineering(0.0)
        if name == "A":
            return engineering((316e-12 * 10 ** ((excitation - 1) / 2)) ** 2 * resistance)
        if mode == 0:
            return engineering((2e-6 * 10 ** ((excitation - 1) / 2)) ** 2 / resistance)
        return engineering((1e-12 * 10 ** ((excitation - 1) / 2)) ** 2 * resistance)

    def reading_status(self, name: str) -> str:
        """Return RDGST?."""
        return f"{self._reading(name).status:03d}"

    def extremes(self, name: str) -> str:
        """Return MDAT?."""
        reading = self._reading(name)
        lowest = reading.lowest if math.isfinite(reading.lowest) else 0.0
        return f"{engineering(lowest)},{engineering(reading.highest)}"

    def set_input(self, name: str, *values: Any) -> None:
        """Do what INSET does; a disabled channel may carry zeros, which change nothing."""
        present = self.stored("INSET", name)
        merged = [new if new is not None else old for new, old in zip(values, present, strict=True)]
        limits = ((0, 1), (1, 200), (3, 200), (0, 59), (1, 2))
        for position, (low, high) in enumerate(limits):
            if not low <= merged[position] <= high:
                if merged[0] or merged[position]:
                    raise RefusalError(EXECUTION_ERROR)
                merged[position] = present[position]
        self.store("INSET", (name,), tuple(merged))
        if not any(self.stored("INSET", channel)[0] for channel in INPUTS[1:]):
            # At least one measurement channel stays enabled.
            self.store("INSET", ("1",), (1, *self.stored("INSET", "1")[1:]))

    def set_filter(self, name: str, *values: Any) -> None:
        """Do what FILTER does; input 0 means all measurement inputs."""
        for channel in INPUTS[1:] if name == "0" else (name,):
            present = self.stored("FILTER", channel)
            merged = (new if new is not None else old for new, old in zip(values, present, strict=True))
            self.store("FILTER", (channel,), tuple(merged))

    def scan(self, channel: int, autoscan: int | None) -> None:
        """Do what SCAN does; channel 0 leaves the scanner where it is."""
        on = self._bridge.autoscan if autoscan is None else bool(autoscan)
        self._bridge.select(channel or self._bridge.channel, on, self.wires.clock.now())

    def scan_state(self) -> str:
        """Return SCAN?."""
        return f"{self._bridge.channel:02d},{int(self._bridge.autoscan)}"

    # Outputs.

    def set_setpoint(self, output: int, value: float) -> None:
        """Do what SETP does: in the preferred unit of the control input."""
        kelvin = temperature_of(value) if self._in_ohms(output) else value
        if not math.isfinite(kelvin):
            raise RefusalError(EXECUTION_ERROR)
        ramped, rate = self.stored("RAMP", output)
        present = self._reading(self._control_input(output)).filtered
        self._loops[output].aim(kelvin, bool(ramped and rate), present)
        self.status.device_bits &= ~RAMP_DONE.get(output, 0)

    def setpoint(self, output: int | None) -> str:
        """Return SETP?: the set point in force, so a ramp can be watched."""
        number = output or 0
        kelvin = self._loops[number].setpoint
        return engineering(resistance_of(kelvin) if kelvin and self._in_ohms(number) else kelvin)

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
        """Do what HTRSET does: Ohms for the sample heater, a code for the warm-up heater."""
        present = self.stored("HTRSET", output)
        merged = tuple(new if new is not None else old for new, old in zip(values, present, strict=True))
        lowest, highest = (1, 2000) if output == 0 else (1, 2)
        if not lowest <= merged[0] <= highest:
            raise RefusalError(EXECUTION_ERROR)
        self.store("HTRSET", (output,), merged)

    def heater_setup(self, output: int) -> str:
        """Return HTRSET?."""
        resistance, code, current, unit = self.stored("HTRSET", output)
        return f"{resistance:g},{code},{current:+.4f},{unit}"

    def changed_output(self, output: int) -> None:
        """Take a new mode, manual output or gain into account."""
        self._refresh(output)

    def changed_output_one(self) -> None:
        """Take a new warm-up setting into account."""
        self._refresh(1)

    def changed_output_two(self) -> None:
        """Take a new still setting into account."""
        self._refresh(2)

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
        if mode == OFF or not self.stored("RANGE", output)[0]:
            loop.rest()
        elif mode == OPEN:
            loop.output = min(max(self.stored("MOUT", output)[0], 0.0), 100.0)
        elif mode == WARM_UP and output == 1:
            loop.output = self.stored("WARMUP")[1]
        elif mode == STILL and output == 2:
            loop.output = self.stored("STILL")[0]
        elif mode in (MONITOR, STILL, WARM_UP):
            loop.output = 0.0
        self._drive(output, loop.output)

    def _drive(self, output: int, percent: float) -> None:
        power = self._power(output, percent) if percent and self.stored("RANGE", output)[0] else 0.0
        heater = HEATERS[output]
        if power != self._powers.get(heater, 0.0):
            self._powers[heater] = power
            self.wires.heat(heater, power)

    def _power(self, output: int, percent: float) -> float:
        """Return the power in W that a heater takes at a percentage of full scale."""
        fraction = percent / 100
        if output == 2:
            return (fraction * STILL_VOLTAGE) ** 2 / float(self.options["still_resistance"])
        _, code, user_current, unit = self.stored("HTRSET", output)
        if output == 0:
            current = SAMPLE_RANGES[self.stored("RANGE", 0)[0] - 1]
            resistance = self.options["heater_resistance"]
        else:
            current = WARMUP_CURRENTS.get(code, user_current)
            resistance = self.options["warmup_resistance"]
        # With power chosen as unit, full scale and percentage are powers.
        return float(current**2 * resistance * (fraction if unit == 2 else fraction**2))

    # Time.

    def advance(self, now: float) -> None:
        """Do the conversions and control steps due until bench time `now` (s)."""
        while (self._conversions + 1) * CONVERSION_TIME <= now:
            self._conversions += 1
            self._tick(self._conversions * CONVERSION_TIME)
        if self.status.service_enable:
            self.status.update(False)

    def next_event(self) -> float:
        """Return the end of the present conversion, which may set a status bit; nothing else comes by itself."""
        return (self._conversions + 1) * CONVERSION_TIME if self.status.service_enable else math.inf

    def _tick(self, now: float) -> None:
        fresh = self._bridge.tick(now)
        if fresh:
            invalid = self._bridge.reading(self._bridge.channel).status
            self.status.device_bits &= ~(VALID_MEASUREMENT | OVERLOAD)
            self.status.device_bits |= OVERLOAD if invalid else VALID_MEASUREMENT
            self._protect()
        for output in (0, 1):
            mode = self._mode(output)
            if mode in (CLOSED, ZONE):
                self._control(output, mode, fresh)

    def _control(self, output: int, mode: int, fresh: bool) -> None:
        loop = self._loops[output]
        name = self._control_input(output)
        setup = self._loop_setup(output, mode, loop.setpoint)
        if loop.move_setpoint(setup.ramp, CONVERSION_TIME):
            self.status.device_bits |= RAMP_DONE[output]
        if not self.stored("RANGE", output)[0]:
            return
        if name == "A":
            self._bridge.reading(0)
        elif not fresh or name != str(self._bridge.channel):
            return  # no new value of the control channel: the output stays
        reading = self._reading(name)
        if reading.status:
            loop.rest()
        else:
            filtered = self.stored("OUTMODE", output)[4]
            loop.step(reading.filtered if filtered else reading.temperature, setup, CONVERSION_TIME)
        self._drive(output, loop.output)

    def _loop_setup(self, output: int, mode: int, setpoint: float) -> LoopSetup:
        known = self._loop_setups.get(output)
        if known is None or known[0] != (self.revision, mode, setpoint):
            setup = self._loop_setup_now(output, mode, setpoint)  # which may itself store another range
            known = self._loop_setups[output] = ((self.revision, mode, setpoint), setup)
        return known[1]

    def _loop_setup_now(self, output: int, mode: int, setpoint: float) -> LoopSetup:
        ramped, rate = self.stored("RAMP", output)
        proportional, integral, derivative = self.stored("PID", output)
        manual = self.stored("MOUT", output)[0]
        if mode == ZONE:
            zone = next((z for z in range(1, 11) if setpoint <= self.stored("ZONE", output, z)[0]), 10)
            _, proportional, integral, derivative, manual, number, rate, _, _ = self.stored("ZONE", output, zone)
            if number != self.stored("RANGE", output)[0] and self.stored("RANGE", output)[0]:
                self.store("RANGE", (output,), (number if output == 0 else min(number, 1),))
        # The ramp rate is in K/min on the wire.
        return LoopSetup(proportional, integral, derivative, manual, rate / 60 if ramped else 0.0)

    def _protect(self) -> None:
        """Shut all outputs down where a reading is above its channel's limit."""
        limit = self.stored("TLIMIT", str(self._bridge.channel))[0]
        if limit and self._bridge.reading(self._bridge.channel).filtered > limit:
            for output in range(3):
                self.store("RANGE", (output,), (0,))
                self._refresh(output)

    entries: ClassVar[Mapping[str, Entry]] = {
        **PASSIVE_ENTRIES,
        "KRDG": Entry((Word(INPUTS),), query=kelvin, writable=False),
        "RDGK": Entry((Word(INPUTS),), query=kelvin, writable=False),
        "RDGR": Entry((Word(INPUTS),), query=ohms, writable=False),
        "SRDG": Entry((Word(INPUTS),), query=ohms, writable=False),
        "QRDG": Entry((Word(INPUTS),), query=quadrature, writable=False),
        "RDGPWR": Entry((Word(INPUTS),), query=excitation_power, writable=False),
        "RDGST": Entry((Word(INPUTS),), query=reading_status, writable=False),
        "MDAT": Entry((Word(INPUTS),), query=extremes, writable=False),
        "MNMXRST": Entry(after=lambda self: self._bridge.reset_extremes(), readable=False),
        "INSET": Entry(
            (Word(INPUTS),),
            (Integer(0, 1), Integer(0, 200), Integer(0, 200), Integer(0, 59), Integer(0, 2)),
            (1, 10, 3, 21, 1),
            execute=set_input,
        ),
        "INTYPE": Entry(
            (Word(INPUTS),),
            (Integer(0, 1), Integer(1, 22), Integer(0, 2), Integer(0, 22), Integer(0, 1), Integer(1, 2)),
            lambda name: (1, 5, 0, 1, 0, 1) if name == "A" else (0, 2, 1, 14, 0, 1),
        ),
        "FILTER": Entry(
            (Word(("0", *INPUTS)),),
            (Integer(0, 1), Integer(1, 200), Integer(1, 80)),
            (0, 10, 10),
            execute=set_filter,
        ),
        "FREQ": Entry((Word(("0", *INPUTS)),), (Integer(1, 5),), (2,)),
        "TLIMIT": Entry((Word(INPUTS),), (Real(0, 400),), (0.0,)),
        "INNAME": Entry((Word(INPUTS),), (Quoted(15),), lambda name: (f"Input {name}",)),
        "SCAN": Entry((), (Integer(0, 16), Integer(0, 1)), execute=scan, query=scan_state),
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
            (Integer(0, 1),),
            (Real(1, 2000), Integer(0, 2), Real(0, 0.63), Integer(1, 2)),
            lambda output: (120.0, 0, 0.0, 1) if output == 0 else (2, 1, 0.45, 1),
            execute=set_heater,
            query=heater_setup,
        ),
        "HTR": Entry((Integer(0, 2),), query=heater_output, optional=1, writable=False),
        "HTRST": Entry((Integer(0, 2),), query=lambda self, output: "0", optional=1, writable=False),
        "AOUT": Entry((Integer(1, 2),), query=analog_output, writable=False),
        "MOUT": Entry((Integer(0, 2),), (Real(-100, 100),), (0.0,), after=changed_output, optional=1),
        "STILL": Entry((), (Real(0, 100),), (0.0,), after=changed_output_two),
        "WARMUP": Entry((), (Integer(0, 1), Real(0, 100)), (0, 0.0), after=changed_output_one),
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
