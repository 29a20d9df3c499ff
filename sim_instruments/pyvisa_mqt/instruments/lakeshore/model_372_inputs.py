"""The measuring half of the Model 372 as a client sees it: inputs, scanner, readings, their settings and alarms.

`lakeshore_372` adds the outputs. What comes from the converter is in `lakeshore_372_bridge`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from pyvisa_mqt.grammar.lakeshore import Entry
from pyvisa_mqt.grammar.lakeshore_fields import Integer, Quoted, Real, RefusalError, Word, engineering
from pyvisa_mqt.instruments.lakeshore.alarms import ALARM_ENTRIES, AlarmSetup, WatchfulInstrument
from pyvisa_mqt.instruments.lakeshore.model_372_bridge import Bridge, ChannelSetup, Reading, resistance_of
from pyvisa_mqt.instruments.lakeshore.model_372_passive import PASSIVE_ENTRIES
from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["CONTROL", "INPUTS", "LakeShore372Inputs"]

#: The control input, which is measured all the time; the others are scanned.
CONTROL = "A"
INPUTS = (CONTROL, *(str(number) for number in range(1, 17)))
VALID_CONTROL, VALID_MEASUREMENT, ALARM, OVERLOAD = 2, 4, 8, 16
OHMS = 2
VOLTAGE_RANGES, CURRENT_RANGES, CONTROL_RANGES = 12, 22, 6


class LakeShore372Inputs(WatchfulInstrument):
    """What the controller measures."""

    option_defaults: ClassVar = {"channel": 6, "noise": 5e-4}
    alarm_inputs: ClassVar[tuple[str, ...]] = INPUTS

    def __init__(self, wires: Wires, rng: np.random.Generator, options: Mapping[str, Any]) -> None:
        super().__init__(wires, rng, options)
        if not 1 <= self.options["channel"] <= 16:
            raise ValueError(f"option 'channel' is {self.options['channel']}; give a channel from 1 to 16")
        if not 0 <= self.options["noise"] < 1:
            raise ValueError(f"option 'noise' is {self.options['noise']}; give a relative noise from 0 to 1")
        #: Bench time in s of the conversion in progress; None between conversions, when it is the clock's.
        self._moment: float | None = None
        self._limits: tuple[int, dict[str, float]] = (-1, {})
        self._setups: dict[int, tuple[int, ChannelSetup]] = {}

        ports = ("chA", *(f"ch{number}" for number in range(1, 17)))

        def sensor(channel: int) -> float:
            return self.wires.temperature(ports[channel])

        self._bridge = Bridge(sensor, self._channel_setup, self.options["noise"], self.rng, self.options["channel"])

    def _channel_setup(self, channel: int) -> ChannelSetup:
        # Asked for at each conversion, ten times a second: kept as long as no setting changes.
        if channel not in self._setups or self._setups[channel][0] != self.revision:
            self._setups[channel] = (self.revision, self._channel_setup_now(channel))
        return self._setups[channel][1]

    def _channel_setup_now(self, channel: int) -> ChannelSetup:
        name = CONTROL if channel == 0 else str(channel)
        enabled, dwell, pause, _, _ = self.stored("INSET", name)
        _, _, autorange, number, _, _ = self.stored("INTYPE", name)
        filtering, settle, window = self.stored("FILTER", name)
        largest = math.inf if autorange or channel == 0 else 2e-3 * 10 ** ((number - 1) / 2)
        # The filter settles in its settle time: about four time constants.
        return ChannelSetup(bool(enabled), dwell, pause, largest, settle / 4 if filtering else 0.0, window / 100)

    # Readings.

    def _reading(self, name: str) -> Reading:
        if name == CONTROL:
            return self._bridge.control(self.wires.clock.now() if self._moment is None else self._moment)
        return self._bridge.reading(int(name))

    def kelvin(self, name: str) -> str:
        """Return KRDG?: 0 without a curve or with an invalid reading."""
        reading = self._reading(name)
        curve = self.stored("INSET", name)[3]
        return engineering(reading.filtered if curve and not reading.status else 0.0)

    def ohms(self, name: str) -> str:
        """Return RDGR? and SRDG?."""
        return engineering(resistance_of(max(self._reading(name).filtered, 1e-6)))

    def quadrature(self, name: str) -> str:
        """Return QRDG?; the bench's wiring has no reactance."""
        return engineering(0.0)

    def excitation_power(self, name: str) -> str:
        """Return RDGPWR?: I^2 R or V^2/R of the excitation."""
        mode, excitation, _, _, shunted, _ = self.stored("INTYPE", name)
        resistance = resistance_of(max(self._reading(name).temperature, 1e-6))
        if shunted:
            return engineering(0.0)
        if name == CONTROL:
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

    def value_in(self, name: str, source: int) -> float | None:
        """Return a valid reading in Ohm (source 2) or kelvin, None if there is none."""
        reading = self._reading(name)
        if reading.status:
            return None
        return resistance_of(max(reading.filtered, 1e-6)) if source == OHMS else reading.filtered

    def alarm_setup(self, name: str) -> AlarmSetup:
        """Return what ALARM has set."""
        enabled, source, high, low, deadband, latched, _, _ = self.stored("ALARM", name)
        return AlarmSetup(bool(enabled), source, high, low, deadband, bool(latched))

    def alarm_value(self, name: str, source: int) -> float | None:
        """Return what the alarm watches."""
        return self.value_in(name, source)

    def status_byte(self) -> int:
        """Return the status byte as a serial poll does, with what is true now."""
        self._look_at_status()
        return super().status_byte()

    def status_value(self) -> str:
        """Do what *STB? does."""
        self._look_at_status()
        return super().status_value()

    def _look_at_status(self) -> None:
        valid = self.stored("INSET", CONTROL)[0] and not self._reading(CONTROL).status
        for bit, state in ((VALID_CONTROL, valid), (ALARM, self.watch())):
            self.status.device_bits = self.status.device_bits | bit if state else self.status.device_bits & ~bit

    def _measure(self, now: float) -> bool:
        """Do the conversion that ends at bench time `now` (s); return whether there is a new value."""
        reading = self._bridge.tick(now)
        if reading is not None:
            self._note_validity(reading)
        if self.watching:
            on = self.watch()
            self.status.device_bits = self.status.device_bits | ALARM if on else self.status.device_bits & ~ALARM
        return reading is not None

    def _note_validity(self, reading: Reading) -> None:
        """Bring the bits up to date that tell of the scanned channel's reading."""
        others = self.status.device_bits & ~(VALID_MEASUREMENT | OVERLOAD)
        self.status.device_bits = others | (OVERLOAD if reading.status else VALID_MEASUREMENT)

    def _too_warm(self) -> bool:
        """Return whether the scanned channel or the control input is above its limit."""
        limits = self._limited()
        if not limits:
            return False
        return any(
            self._reading(name).filtered > limit
            for name, limit in limits.items()
            if name in (CONTROL, str(self._bridge.channel))
        )

    def _limited(self) -> dict[str, float]:
        """Return the limits in K of the inputs that have one."""
        if self._limits[0] != self.revision:
            limits = {name: self.stored("TLIMIT", name)[0] for name in INPUTS}
            self._limits = (self.revision, {name: limit for name, limit in limits.items() if limit})
        return self._limits[1]

    # Settings of the inputs.

    def set_input(self, name: str, *values: Any) -> None:
        """Do what INSET does; a disabled channel may carry zeros, which change nothing."""
        present = self.stored("INSET", name)
        merged = list(self.merged("INSET", (name,), values))
        limits = ((0, 1), (1, 200), (3, 200), (0, 59), (1, 2))
        for position, (low, high) in enumerate(limits):
            if not low <= merged[position] <= high:
                if merged[0] or merged[position]:
                    raise RefusalError
                merged[position] = present[position]
        self.store("INSET", (name,), tuple(merged))
        if not any(self.stored("INSET", channel)[0] for channel in INPUTS[1:]):
            # At least one measurement channel stays enabled.
            self.store("INSET", ("1",), (1, *self.stored("INSET", "1")[1:]))

    def set_type(self, name: str, *values: Any) -> None:
        """Do what INTYPE does: the control input knows six currents only, and voltages have twelve ranges."""
        present = self.stored("INTYPE", name)
        mode, excitation, autorange, number, shunted, units = self.merged("INTYPE", (name,), values)
        if name == CONTROL:
            mode, most, number = 1, CONTROL_RANGES, number or present[3]
        else:
            most = CURRENT_RANGES if mode else VOLTAGE_RANGES
        if values[1] is None:
            excitation = min(excitation, most)
        if excitation > most or not number:
            raise RefusalError
        self.store("INTYPE", (name,), (mode, excitation, autorange, number, shunted, units))

    def set_for_all(self, mnemonic: str, name: str, *values: Any) -> None:
        """Store a setting that input 0 gives to all measurement inputs."""
        for channel in ("0", *INPUTS[1:]) if name == "0" else (name,):
            self.store(mnemonic, (channel,), self.merged(mnemonic, (channel,), values))

    def set_curve(self, name: str, curve: int) -> None:
        """Do what INCRV does, which is one field of INSET."""
        enabled, dwell, pause, _, coefficient = self.stored("INSET", name)
        self.store("INSET", (name,), (enabled, dwell, pause, curve, coefficient))

    def scan(self, channel: int, autoscan: int | None) -> None:
        """Do what SCAN does; channel 0 leaves the scanner where it is."""
        on = self._bridge.autoscan if autoscan is None else bool(autoscan)
        self._bridge.select(channel or self._bridge.channel, on, self.wires.clock.now())

    def scan_state(self) -> str:
        """Return SCAN?."""
        return f"{self._bridge.channel:02d},{int(self._bridge.autoscan)}"

    def forget_extremes(self) -> None:
        """Do what MNMXRST does."""
        self._bridge.reset_extremes()

    input_entries: ClassVar[Mapping[str, Entry]] = {
        **PASSIVE_ENTRIES,
        **ALARM_ENTRIES,
        "ALARMST": Entry((Word(INPUTS),), query=WatchfulInstrument.alarm_status, writable=False),
        "KRDG": Entry((Word(INPUTS),), query=kelvin, writable=False),
        "RDGK": Entry((Word(INPUTS),), query=kelvin, writable=False),
        "RDGR": Entry((Word(INPUTS),), query=ohms, writable=False),
        "SRDG": Entry((Word(INPUTS),), query=ohms, writable=False),
        "QRDG": Entry((Word(INPUTS),), query=quadrature, writable=False),
        "RDGPWR": Entry((Word(INPUTS),), query=excitation_power, writable=False),
        "RDGST": Entry((Word(INPUTS),), query=reading_status, writable=False),
        "MDAT": Entry((Word(INPUTS),), query=extremes, writable=False),
        "MNMXRST": Entry(after=forget_extremes, readable=False),
        "INSET": Entry(
            (Word(INPUTS),),
            (Integer(0, 1), Integer(0, 200), Integer(0, 200), Integer(0, 59), Integer(0, 2)),
            (1, 10, 3, 21, 1),
            execute=set_input,
        ),
        "INCRV": Entry(
            (Word(INPUTS),),
            (Integer(0, 59),),
            execute=set_curve,
            query=lambda self, name: str(self.stored("INSET", name)[3]),
        ),
        "INTYPE": Entry(
            (Word(INPUTS),),
            (Integer(0, 1), Integer(1, 22), Integer(0, 2), Integer(0, 22), Integer(0, 1), Integer(1, 2)),
            lambda name: (1, 5, 0, 1, 0, 1) if name == CONTROL else (0, 2, 1, 14, 0, 1),
            execute=set_type,
        ),
        "FILTER": Entry(
            (Word(("0", *INPUTS)),),
            (Integer(0, 1), Integer(1, 200), Integer(1, 80)),
            (0, 10, 10),
            execute=lambda self, name, *values: self.set_for_all("FILTER", name, *values),
        ),
        "FREQ": Entry(
            (Word(("0", *INPUTS)),),
            (Integer(1, 5),),
            (2,),
            execute=lambda self, name, *values: self.set_for_all("FREQ", name, *values),
        ),
        "TLIMIT": Entry((Word(INPUTS),), (Real(0, 400),), (0.0,)),
        "INNAME": Entry((Word(INPUTS),), (Quoted(15),), lambda name: (f"Input {name}",)),
        "SCAN": Entry((), (Integer(0, 16), Integer(0, 1)), execute=scan, query=scan_state),
    }
