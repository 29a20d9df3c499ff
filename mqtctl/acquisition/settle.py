"""Waits until the bath is at a temperature: inside a band, for a dwell time, with a small slope, by a deadline."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mqtctl.clock import Clock
from mqtctl.errors import CryostatError
from mqtctl.instruments.roles import TemperatureController, TemperatureReading
from mqtctl.plan import SettleSettings
from mqtctl.quantities import readable

__all__ = ["SettleResult", "believe", "settle"]

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
        raise CryostatError(
            f"the thermometer reads {value!r} K with status {reading.status!r}; check sensor and scanner"
        )
    if value > limit:
        raise CryostatError(
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

    Raises
    ------
    CryostatError
        Deadline passed, thermometer invalid or stuck, or too warm.
    """
    controller.set_target(target)
    start = clock.now()
    slope_limit = settings.slope if settings.slope is not None else settings.band * target / settings.dwell
    window: deque[tuple[float, float]] = deque()
    first: float | None = None
    moved = False
    while True:
        temperature = _read(controller, limit, settings, clock)
        now = clock.now()
        first = temperature if first is None else first
        moved = moved or temperature != first
        watch(temperature, now - start)
        if abs(temperature - target) > settings.band * target:
            window.clear()
        else:
            window.append((now, temperature))
            while now - window[0][0] > settings.dwell + settings.interval:
                window.popleft()
            if now - window[0][0] >= settings.dwell and _slope(window) <= slope_limit:
                if not moved:
                    raise CryostatError(
                        f"the thermometer has read exactly {temperature!r} K ever since the set point changed; "
                        "it is stuck, or its channel is not being scanned"
                    )
                values = np.array([t for _, t in window])
                return SettleResult(now - start, float(values.mean()), float(values.std(ddof=1)))
        if now - start > settings.deadline:
            raise CryostatError(
                f"{readable(target, 'K')} was not reached within {readable(settings.deadline, 's')}: the bath is at "
                f"{readable(temperature, 'K')}; check heater range and cooling power, or extend settle.deadline"
            )
        clock.sleep(settings.interval)


def _read(controller: TemperatureController, limit: float, settings: SettleSettings, clock: Clock) -> float:
    """Return the next believable reading; a few invalid ones are waited out."""
    for _ in range(MAX_INVALID - 1):
        reading = controller.read()
        if reading.valid:
            return believe(reading, limit)
        clock.sleep(settings.interval)
    return believe(controller.read(), limit)


def _slope(window: deque[tuple[float, float]]) -> float:
    """Return the absolute slope in K/s of a straight line through the readings."""
    times, values = np.array(window).T
    times = times - times.mean()
    return float(abs(times @ values) / (times @ times))
