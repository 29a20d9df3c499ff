"""Reads the bath while a histogram is taken, and says when it is not where it should be."""

from __future__ import annotations

import math

import numpy as np

from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.repetition import FrozenThermometer
from mqtctl.acquisition.retry import LeftBandError
from mqtctl.acquisition.settle import MAX_INVALID, believe
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.quantities import readable

__all__ = ["Bath"]

#: The bath is read at most so often (s) while ramps run.
BATH_INTERVAL = 2.0
#: A reading outside the band is confirmed by so many more, so long (s) after one another.
CONFIRMATIONS, CONFIRMATION_INTERVAL = 2, 0.25


class Bath:
    """Reads the bath before, during and after the ramps, never oftener than is good for it."""

    def __init__(self, job: SweepJob, target: float | None) -> None:
        self._thermometer, self._clock, self._check = job.station.thermometer, job.station.clock, job.check
        self._target, self._settle = target, job.plan.plan.settle
        # the sample's limit has a margin above the set point: thermometers are noisy
        self._limit = max(job.plan.sample.limits.max_temperature, 1.02 * (target or 0.0))
        self._frozen = FrozenThermometer(self._settle.dwell)
        self._last = -math.inf
        self._invalid_in_a_row = 0
        self.invalid = 0
        self.readings: list[float] = []

    @property
    def mean(self) -> float:
        """Mean reading in K."""
        return float(np.mean(self.readings))

    @property
    def std(self) -> float:
        """Standard deviation of the readings in K."""
        return float(np.std(self.readings))

    def wait_for_reading(self) -> None:
        """Read the bath now, waiting out a few invalid readings; raises `CryostatError` if it cannot be believed."""
        while not self._read():
            self._clock.sleep(self._settle.interval)

    def watch(self) -> None:
        """Read the bath if it is time, and give way to a request to stop.

        A few invalid readings in a row are waited out while the ramps go on.

        Raises
        ------
        LeftBandError
            The bath is not at its set point any more.
        CryostatError
            The thermometer is stuck, invalid for too long, or the bath is above the sample's limit.
        """
        self._check()
        if self._clock.now() - self._last < BATH_INTERVAL or not self._read():
            return
        outside: list[float] = []
        while not self._inside(self.readings[-1]):
            # its ramps will not count, so that it has no part in the mean either
            outside.append(self.readings.pop())
            if len(outside) > CONFIRMATIONS:
                raise LeftBandError(
                    f"the bath has left its band while ramps ran: it is at {readable(outside[-1], 'K')}, outside "
                    f"{readable(self._settle.band, '1')} of {readable(self._target or math.nan, 'K')}; look at heater "
                    "and cooling power"
                )
            self._clock.sleep(CONFIRMATION_INTERVAL)
            self.wait_for_reading()
        self.readings[-1:-1] = outside  # they were outliers

    def require_alive(self) -> None:
        """Raise `CryostatError` if the thermometer has repeated one reading throughout."""
        self._frozen.require_varied(self._clock.now())

    def _inside(self, temperature: float) -> bool:
        """Return whether a temperature (K) lies in the band around the set point, if there is one."""
        return self._target is None or abs(temperature - self._target) <= self._settle.band * self._target

    def _read(self) -> bool:
        """Read the bath and return whether that was valid; the tenth invalid reading in a row raises."""
        reading: TemperatureReading = self._thermometer.read()
        self._last = self._clock.now()
        if not reading.valid:
            self.invalid += 1
            self._invalid_in_a_row += 1
            if self._invalid_in_a_row < MAX_INVALID:
                return False
        self._invalid_in_a_row = 0
        self.readings.append(believe(reading, self._limit))
        self._frozen.add(self._last, reading.digits)
        return True
