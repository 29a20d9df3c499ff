"""Waits until the bath is at a temperature: inside a band, for a dwell time, with a small slope, by a deadline."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.faults import HeatError, NotReachedError, ThermometerError
from mqtctl.acquisition.repetition import LEAST_READINGS, FrozenThermometer
from mqtctl.acquisition.retry import persist
from mqtctl.clock import Clock
from mqtctl.instruments.roles.experiment import TemperatureController, TemperatureReading
from mqtctl.plan import SettleSettings
from mqtctl.quantities import readable

__all__ = ["MAX_INVALID", "SettleResult", "believe", "settle"]

#: A heater that gives this part of its range or more cannot do better.
FULL_HEATER = 0.95
#: So many readings in a row may be invalid (a scanner or range change) before the thermometer is given up.
MAX_INVALID = 10


@dataclass(frozen=True)
class SettleResult:
    """How a set point was reached: time it took in s, mean and standard deviation in K over the dwell."""

    duration: float
    temperature: float
    temperature_std: float


def believe(reading: TemperatureReading, limit: float) -> float:
    """Return the temperature of a valid reading in K.

    Raises
    ------
    CryostatError
        Not valid, not finite, not positive, or above `limit` (K).
    """
    value = reading.temperature
    if not reading.valid or not math.isfinite(value) or value <= 0:
        raise ThermometerError(
            f"the thermometer reads {value!r} K with status {reading.status!r}; check sensor and scanner"
        )
    if value > limit:
        raise HeatError(
            f"the bath is at {readable(value, 'K')}, above the sample's limit of {readable(limit, 'K')}; heater is off"
        )
    return value


def settle(
    controller: TemperatureController,
    target: float,
    settings: SettleSettings,
    *,
    limit: float,
    clock: Clock,
    watch: Callable[[float, float], None],
    remark: Callable[[str], None] = lambda _text: None,
) -> SettleResult:
    """Give the controller a set point and wait until the bath is there.

    Parameters
    ----------
    controller
        Thermometer and heater.
    target
        Set point in K.
    settings
        Band (relative), dwell, slope (default: the band per dwell), deadline and reading interval.
    limit
        Temperature in K that the sample must not exceed.
    clock
        Whose time counts.
    watch
        Called with (temperature in K, elapsed s) after each reading; may raise to stop.
    remark
        Told in a sentence what had to be tried again.

    Raises
    ------
    CryostatError
        Deadline passed, thermometer invalid or stuck, or too warm.
    """
    persist(lambda: controller.set_target(target), remark)
    start = clock.now()
    dwell, push = _Dwell(target, settings), _Push(target, settings)
    while True:
        asked = clock.now()
        reading = _read(controller, settings, clock)
        temperature = believe(reading, limit)
        elapsed = clock.now() - start
        watch(temperature, elapsed)
        dwell.add(elapsed, temperature, reading.digits)
        push.add(elapsed, temperature, reading.heater)
        if dwell.settled:
            values = dwell.values()
            return SettleResult(elapsed, float(values.mean()), float(values.std(ddof=1)))
        if elapsed > settings.deadline:
            raise NotReachedError(
                f"{readable(target, 'K')} was not reached within {readable(settings.deadline, 's')}: the bath is at "
                f"{readable(temperature, 'K')}; check heater range and cooling power, or extend settle.deadline"
            )
        clock.sleep(max(0.0, settings.interval - (clock.now() - asked)))


class _Dwell:
    """The readings since the bath entered the band, at most one dwell time of them."""

    def __init__(self, target: float, settings: SettleSettings) -> None:
        self._target = target
        self._settings = settings
        self._slope_limit = settings.slope if settings.slope is not None else settings.band * target / settings.dwell
        self._readings: deque[tuple[float, float]] = deque()
        self._first: tuple[float, str] | None = None
        self._moved = False
        self._frozen = FrozenThermometer(settings.dwell)

    def add(self, time: float, temperature: float, digits: str = "") -> None:
        """Take a reading (s, K, its digits); raises `CryostatError` if they have repeated for a whole dwell."""
        self._first = (temperature, digits) if self._first is None else self._first
        self._moved = self._moved or (temperature, digits) != self._first
        self._frozen.add(time, digits)
        if abs(temperature - self._target) > self._settings.band * self._target:
            self._readings.clear()
            return
        self._readings.append((time, temperature))
        while time - self._readings[0][0] > self._settings.dwell + self._settings.interval:
            self._readings.popleft()

    @property
    def settled(self) -> bool:
        """Whether the whole dwell lies in the band with a small slope; raises if the thermometer never moved."""
        if not self._readings or self._readings[-1][0] - self._readings[0][0] < self._settings.dwell:
            return False
        if self._slope() > self._slope_limit:
            return False
        if self._frozen.repeating or self._frozen.since <= self._readings[0][0]:
            return False
        if not self._moved:
            values = self.values()
            raise ThermometerError(
                f"the thermometer has read exactly {values[0]!r} K ever since the set point changed; "
                "it is stuck, or its channel is not being scanned"
            )
        return True

    def values(self) -> NDArray[np.float64]:
        """Return the temperatures in K."""
        return np.array([temperature for _, temperature in self._readings])

    def _slope(self) -> float:
        """Return the absolute slope in K/s of a straight line through the readings."""
        times, values = np.array(self._readings).T
        times = times - times.mean()
        return float(abs(times @ values) / (times @ times))


class _Push:
    """Notices a heater that gives all it can while the bath does not move: it heats something that is not read."""

    def __init__(self, target: float, settings: SettleSettings) -> None:
        self._target = target
        self._settings = settings
        self._readings: deque[tuple[float, float]] = deque()

    def add(self, time: float, temperature: float, heater: float | None) -> None:
        """Take a reading (s, K) and the heater's part of its range.

        Raises
        ------
        CryostatError
            The heater was full for a dwell, and at the pace of that time the bath comes nowhere by the deadline.
        """
        if heater is None or heater < FULL_HEATER or temperature >= (1 - self._settings.band) * self._target:
            self._readings.clear()
            return
        self._readings.append((time, temperature))
        span = time - self._readings[0][0]
        if span < self._settings.dwell or len(self._readings) < LEAST_READINGS:
            return
        times, values = np.array(self._readings).T
        late = times >= times.mean()
        moved = float(values[late].mean() - values[~late].mean())
        missing = self._target - float(values[late].mean())
        if moved * self._settings.deadline < missing * span / 2:
            raise HeatError(
                f"the heater has given {heater:.0%} of its range for {readable(span, 's')}, and the bath has moved by "
                f"{readable(moved, 'K')} towards {readable(self._target, 'K')}, of {readable(missing, 'K')} that are "
                "missing: is the thermometer stuck, the heater's cable off, or its range too small? The heater is off"
            )
        while self._readings and time - self._readings[0][0] >= self._settings.dwell:
            self._readings.popleft()


def _read(controller: TemperatureController, settings: SettleSettings, clock: Clock) -> TemperatureReading:
    """Return the next valid reading; a few invalid ones are waited out, the last is returned as it is."""
    for _ in range(MAX_INVALID - 1):
        reading = controller.read()
        if reading.valid:
            return reading
        clock.sleep(settings.interval)
    return controller.read()
