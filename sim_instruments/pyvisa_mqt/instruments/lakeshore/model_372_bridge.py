"""The measuring side of the Model 372: scanner, conversions, filter, and the sensors' curves.

A new value comes every 0.1 s on the channel being scanned and nowhere else; the values of the
other channels are the last ones and say nothing about their age.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["CONVERSION_TIME", "Bridge", "ChannelSetup", "Reading", "resistance_of", "temperature_of"]

#: About ten readings a second on one channel (U).
CONVERSION_TIME = 0.1
#: Where the sensors' calibration ends, K.
COLDEST, WARMEST = 0.005, 40.0
T_OVER, T_UNDER, R_OVER, R_UNDER = 64, 128, 16, 32

# A thick-film ruthenium oxide sensor, R = R0 exp[(T0/T)^(1/4)] (variable-range hopping; Pobell, Matter
# and Methods at Low Temperatures, 3rd ed., section 12.5): 2.6 kOhm at 4 K, 60 kOhm at 10 mK.
_R0, _T0 = 1000.0, 2.85
_NOISE_BLOCK = 1024


def resistance_of(temperature: float) -> float:
    """Return the sensor's resistance in Ohm at a temperature in K (> 0)."""
    return _R0 * math.exp((_T0 / temperature) ** 0.25)


def temperature_of(resistance: float) -> float:
    """Return the temperature in K of a resistance in Ohm; inf at or below the resistance at infinite T."""
    logarithm = math.log(resistance / _R0) if resistance > _R0 else 0.0
    return _T0 / logarithm**4 if logarithm > 0.0 else math.inf


@dataclass(frozen=True)
class ChannelSetup:
    """What the bridge must know of a channel.

    Attributes
    ----------
    enabled
        Whether the scanner stops there.
    dwell, pause
        Times in s the scanner stays, and waits after arriving.
    resistance_range
        Largest resistance in Ohm of a fixed range; inf with autorange.
    filtering
        Time constant in s of the filter; 0 if off.
    window
        Deviation relative to the filtered value at which the filter starts afresh.
    """

    enabled: bool
    dwell: float
    pause: float
    resistance_range: float
    filtering: float
    window: float


@dataclass
class Reading:
    """The last value of a channel.

    Attributes
    ----------
    temperature, filtered
        In K, raw and as shown.
    status
        Sum of the RDGST bits.
    lowest, highest
        Extremes in K since they were reset.
    """

    temperature: float = 0.0
    filtered: float = 0.0
    status: int = 0
    lowest: float = math.inf
    highest: float = 0.0


class Bridge:
    """Scanner and converter.

    Parameters
    ----------
    sensor
        Returns the true temperature in K at a channel's sensor.
    setup
        Returns a channel's settings.
    noise
        Standard deviation of one conversion relative to the temperature.
    rng
        Source of the noise.
    channel
        Where the scanner stands at first.
    """

    def __init__(
        self,
        sensor: Callable[[int], float],
        setup: Callable[[int], ChannelSetup],
        noise: float,
        rng: np.random.Generator,
        channel: int,
    ) -> None:
        self._sensor = sensor
        self._setup = setup
        self._noise = noise
        self._rng = rng
        self._pool: list[float] = []
        self.channel = channel
        self.autoscan = False
        self.readings: dict[int, Reading] = {}
        self._settled = 0.0
        self._leaving = math.inf
        self._control_conversion = -1

    def select(self, channel: int, autoscan: bool, now: float) -> None:
        """Send the scanner to a channel at bench time `now` (s)."""
        moved = channel != self.channel
        self.channel = channel
        self.autoscan = autoscan
        setup = self._setup(channel)
        if moved:
            self._settled = now + setup.pause
        self._leaving = max(now, self._settled) + setup.dwell if autoscan else math.inf

    def reading(self, channel: int) -> Reading:
        """Return the last reading of a channel."""
        found = self.readings.get(channel)
        if found is None:
            # The instrument was running before the bench's time began: every channel has a value.
            found = self.readings[channel] = Reading()
            self._convert(channel, found)
        return found

    def control(self, now: float) -> Reading:
        """Return the control input's reading at bench time `now` (s); conversions nobody asks for are not done."""
        conversion = math.floor(now / CONVERSION_TIME + 1e-6)
        found = self.reading(0)
        passed, self._control_conversion = conversion - self._control_conversion, conversion
        if passed > 0:
            self._convert(0, found, passed)
        return found

    def reset_extremes(self) -> None:
        """Forget lowest and highest values."""
        for reading in self.readings.values():
            reading.lowest = reading.highest = reading.filtered

    def tick(self, now: float) -> Reading | None:
        """Do one conversion that ends at bench time `now` (s); return the new reading, None if there is none."""
        if self.autoscan and now >= self._leaving:
            self.select(self._next_channel(), True, now)
        if now < self._settled:
            return None
        return self.convert()

    def resting(self, now: float) -> bool:
        """Whether the scanner stays where it is and measures there, from bench time `now` (s) on."""
        return not self.autoscan and now >= self._settled

    def convert(self) -> Reading:
        """Do one conversion where the scanner is, and return the new reading."""
        channel = self.channel
        reading = self.readings[channel] if channel in self.readings else self.reading(channel)
        self._convert(channel, reading)
        return reading

    def _next_channel(self) -> int:
        for step in range(1, 17):
            channel = (self.channel - 1 + step) % 16 + 1
            if self._setup(channel).enabled:
                return channel
        return self.channel

    def _convert(self, channel: int, reading: Reading, passed: int = 1) -> None:
        setup = self._setup(channel)
        temperature = self._sensor(channel)
        if self._noise:
            if not self._pool:
                self._pool = self._rng.standard_normal(_NOISE_BLOCK).tolist()[::-1]
            factor = 1.0 + self._noise * self._pool.pop()
            temperature = temperature * factor if factor > 0.0 else 0.0
        reading.temperature = temperature
        known = COLDEST <= temperature <= WARMEST and setup.resistance_range == math.inf
        reading.status = 0 if known else _status(temperature, setup.resistance_range)
        weight = CONVERSION_TIME / setup.filtering if setup.filtering > CONVERSION_TIME else 1.0
        if passed > 1:
            weight = 1.0 - (1.0 - weight) ** passed
        if abs(temperature - reading.filtered) > setup.window * reading.filtered:
            weight = 1.0
        filtered = reading.filtered = reading.filtered + weight * (temperature - reading.filtered)
        if not reading.status:
            if filtered < reading.lowest:
                reading.lowest = filtered
            if filtered > reading.highest:
                reading.highest = filtered


def _status(temperature: float, resistance_range: float) -> int:
    if temperature > WARMEST:
        return T_OVER
    if temperature < COLDEST:
        return T_UNDER
    return R_OVER if resistance_range < math.inf and resistance_of(temperature) > resistance_range else 0
