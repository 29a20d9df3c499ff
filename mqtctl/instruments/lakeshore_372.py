"""The Lake Shore 372 as temperature controller, through QCoDeS's own driver.

What that driver leaves to us: `SCAN`; a pause of 50 ms between messages; value, status and scanner
position in one message, because a channel that is not being scanned keeps its last value and says
it is valid; getting back in step after a time-out. Its wait loop is not used: to it a NaN is at the
set-point.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from mqtctl_drivers.synchroniser import Synchroniser
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from mqtctl.clock import Clock
from mqtctl.documents import Document, validate_document
from mqtctl.errors import CryostatError, HardwareError, InputError, MqtctlError, UnsafeError

from .faults import INSTRUMENT_FAULTS, close_to, impatient, named, persistently, speaking
from .identity import identify
from .lakeshore_372_options import Lakeshore372Options
from .roles import TemperatureReading

__all__ = ["Lakeshore372Controller"]

#: Quiet time in s after each message (372 manual, p. 134).
_PAUSE = 0.05
#: No dilution refrigerator's thermometer reads more (K).
_HIGHEST_PLAUSIBLE = 400.0
#: Command and execution error in the standard event register, the only trace of a refused command.
_REFUSED = 0x30
_SCAN = re.compile(r"\s*(\d{1,2}),([01])\s*")


class Lakeshore372Controller:
    """`TemperatureController` on a Lake Shore 372.

    Parameters
    ----------
    instrument
        QCoDeS's driver.
    options
        Keys and values as in `Lakeshore372Options`, quantities as text.
    clock
        Keeps the pauses between messages and the settling time after a change of channel.
    """

    role: ClassVar[str] = "temperature_controller"
    options_model: ClassVar[type[Document]] = Lakeshore372Options

    def __init__(self, instrument: LakeshoreModel372, options: Mapping[str, object], clock: Clock) -> None:
        self._bridge = instrument
        self._options = validate_document(options, Lakeshore372Options, f"options of {instrument.name}")
        self._clock = clock
        heaters = {"sample": (0, instrument.sample_heater), "warm-up": (1, instrument.warmup_heater)}
        self._output, self._heater = heaters[self._options.heater]
        self._next_message = -math.inf
        self._fresh_from = -math.inf
        self._synchroniser = Synchroniser(instrument, ("MODEL372",))

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest temperature in K, from the options."""
        return self._options.minimum, self._options.maximum

    def identify(self) -> str:
        """Return vendor, model, serial and firmware."""
        with self._talking("asking for its identity"):
            self._pace()
            return identify(self._bridge, ("372",))

    def read(self) -> TemperatureReading:
        """Read the thermometer: value, status and scanner position in one message.

        Returns
        -------
        TemperatureReading
            Not valid if the status says so, if the scanner is on another channel or has just come
            to this one, or if the value is not a temperature; `status` says which.

        Raises
        ------
        HardwareError
            No answer, or one that cannot be read.
        """
        temperature, status, scanned = persistently(self._bridge, "reading the thermometer", self._reading)
        fault = self._fault(temperature, status, scanned)
        return TemperatureReading(temperature, valid=not fault, status=fault or "OK")

    def set_target(self, temperature: float) -> None:
        """Regulate at this temperature (K): scanner, closed loop, PID, heater range and set-point.

        Raises
        ------
        InputError
            Outside `range`.
        CryostatError
            The thermometer's channel is off, not excited, or does not regulate in kelvin.
        HardwareError
            The bridge refuses a command or reads back something else.
        """
        low, high = self.range
        if not low <= temperature <= high:
            raise InputError(
                f"{temperature * 1e3:.6g} mK is outside what this cryostat holds, {low * 1e3:.6g} mK to "
                f"{high * 1e3:.6g} mK; change the plan, or minimum and maximum in the station file"
            )
        zone = self._options.zone(temperature)
        code = self._options.range_code(zone)
        with self._talking(f"setting {temperature * 1e3:.6g} mK"):
            self._ask("*ESR?")  # forget refusals from before
            self._check_channel()
            self._close_loop()
            if zone.p is not None and zone.i is not None and zone.d is not None:
                self._write(f"PID {self._output},{zone.p:.6G},{zone.i:.6G},{zone.d:.6G}")
            self._stop_setpoint_ramp()
            self._write(f"SETP {self._output},{temperature:.6G}")
            self._write(f"RANGE {self._output},{code}")
            refused = int(self._ask("*ESR?")) & _REFUSED
            if refused:
                raise HardwareError(
                    f"{named(self._bridge)}: it refused a command (event status {refused}) while the set-point of "
                    f"{temperature * 1e3:.6g} mK was made; compare PID and range in the station file with the panel"
                )
            self._read_back(temperature, code, (zone.p, zone.i, zone.d))

    def make_safe(self) -> None:
        """Heater range off, read back; replies are waited for at most 1 s.

        Raises
        ------
        UnsafeError
            Not read back after three tries.
        """
        fault = ""
        with impatient(self._bridge):
            for _ in range(3):
                try:
                    with self._talking("turning the heater off"):
                        self._write(f"RANGE {self._output},0")
                        if int(self._ask(f"RANGE? {self._output}")) == 0:
                            return
                        fault = "the range does not read back as off"
                except HardwareError as exc:
                    fault = str(exc)
        raise UnsafeError(
            f"{named(self._bridge)}: the {self._options.heater} heater could not be confirmed off ({fault}); "
            "press HEATER OFF on the instrument"
        )

    # -- parts of the above -------------------------------------------------------------------

    def _reading(self) -> tuple[float, int, int]:
        """Ask once for value, status and the channel being scanned."""
        channel = self._options.channel
        with self._talking("reading the thermometer"):
            reply = self._ask(f"KRDG? {channel};RDGST? {channel};SCAN?")
            fields = reply.split(";")
            scan = _SCAN.fullmatch(fields[2]) if len(fields) == 3 else None
            if scan is None:
                raise ValueError(f"{reply!r} is not value;status;channel,autoscan")
            return float(fields[0]), int(fields[1]), int(scan[1])

    def _fault(self, temperature: float, status: int, scanned: int) -> str:
        """Return why a reading must not be believed, or nothing."""
        if status:
            statuses = self._bridge.ch01.SENSOR_STATUSES
            bits = [text for code, text in statuses.items() if code and status & code]
            return ", ".join(bits) or f"status {status}"
        if scanned != self._options.channel:
            return f"stale: the scanner is on channel {scanned}, not {self._options.channel}"
        if self._clock.now() < self._fresh_from:
            return f"stale: the scanner has just come to channel {scanned}"
        if not math.isfinite(temperature):
            return "not a number"
        if not 0 < temperature <= _HIGHEST_PLAUSIBLE:
            return f"{temperature:g} K is not plausible; has the channel a calibration curve?"
        return ""

    def _check_channel(self) -> None:
        """Raise unless the channel is on, excited and in kelvin; put the scanner on it for good."""
        channel = self._options.channel
        where = f"{named(self._bridge)}: channel {channel}"
        enabled, _, pause, *_ = self._fields(f"INSET? {channel}", 5)
        if int(enabled) != 1:
            raise CryostatError(f"{where} is disabled; enable it at the instrument")
        *_, shunted, units = self._fields(f"INTYPE? {channel}", 6)
        if int(shunted) != 0:
            raise CryostatError(f"{where} has its excitation off; turn it on at the instrument")
        if int(units) != 1:
            raise CryostatError(f"{where} regulates in Ohm and not in kelvin; choose kelvin as its preferred units")
        before = _SCAN.fullmatch(self._ask("SCAN?"))
        self._write(f"SCAN {channel},0")
        after = _SCAN.fullmatch(self._ask("SCAN?"))
        if after is None or (int(after[1]), int(after[2])) != (channel, 0):
            found = after[0] if after else "nothing that can be read"
            raise HardwareError(f"{where}: the scanner does not stay on it, SCAN? gives {found}; free it at the panel")
        if before is None or int(before[1]) != channel:
            self._fresh_from = self._clock.now() + float(pause)

    def _close_loop(self) -> None:
        """Regulate this output on our channel; filter, polarity and delay stay as the lab has set them.

        After a power failure the output stays off.
        """
        channel = self._options.channel
        mode, source, powerup, polarity, use_filter, delay = self._fields(f"OUTMODE? {self._output}", 6)
        if (int(mode), source.strip().lstrip("0"), int(powerup)) != (5, str(channel), 0):
            self._write(f"OUTMODE {self._output},5,{channel},0,{int(polarity)},{int(use_filter)},{int(delay)}")

    def _stop_setpoint_ramp(self) -> None:
        """Switch off a set-point ramp that somebody left on: the plan decides how fast."""
        on, rate = self._fields(f"RAMP? {self._output}", 2)
        if int(on) != 0:
            self._write(f"RAMP {self._output},0,{rate}")

    def _read_back(self, temperature: float, code: int, pid: tuple[float | None, ...]) -> None:
        """Raise unless mode, channel, PID, set-point and range read back as set."""
        output = self._output
        mode, source, powerup, *_ = self._fields(f"OUTMODE? {output}", 6)
        gains = [float(field) for field in self._fields(f"PID? {output}", 3)]
        self._pace()
        setpoint = float(self._heater.setpoint.get())
        found = int(self._ask(f"RANGE? {output}"))
        checks: list[tuple[str, Any, Any, bool]] = [
            ("output mode", (mode, source, powerup), "closed loop", int(mode) == 5),
            ("control channel", source, self._options.channel, source.lstrip("0") == str(self._options.channel)),
            ("set-point in K", setpoint, temperature, close_to(setpoint, temperature, relative=1e-4, absolute=1e-6)),
            ("heater range", found, code, found == code),
        ]
        checks += [
            (name, gain, wanted, wanted is None or close_to(gain, wanted, relative=1e-3, absolute=0.1))
            for name, gain, wanted in zip("PID", gains, pid, strict=True)
        ]
        for name, value, wanted, agrees in checks:
            if not agrees:
                raise HardwareError(
                    f"{named(self._bridge)}: {name} was set to {wanted!r} but reads back {value!r}; "
                    "is the front panel in use?"
                )

    def _fields(self, query: str, count: int) -> list[str]:
        """Ask for a reply of `count` fields."""
        reply = self._ask(query)
        fields = [field.strip() for field in reply.split(",")]
        if len(fields) != count:
            raise ValueError(f"{reply!r} has not the {count} fields of {query}")
        return fields

    # -- messages -----------------------------------------------------------------------------

    @contextmanager
    def _talking(self, doing: str) -> Iterator[None]:
        """Make `HardwareError`s of faults, and never leave a late answer for the next question."""
        with speaking(self._bridge, doing):
            self._synchroniser.ensure()
            try:
                yield
            except MqtctlError:
                raise  # it answered, but not what it should: nothing is on its way
            except INSTRUMENT_FAULTS:
                self._synchroniser.lost()
                raise

    def _ask(self, query: str) -> str:
        """Send a query, not too soon after the message before."""
        self._pace()
        return self._bridge.ask(query)

    def _write(self, command: str) -> None:
        """Send a command, not too soon after the message before."""
        self._pace()
        self._bridge.write(command)

    def _pace(self) -> None:
        """Wait until the bridge has had its quiet time."""
        wait = self._next_message - self._clock.now()
        if wait > 0:
            self._clock.sleep(wait)
        self._next_message = self._clock.now() + _PAUSE
