"""Reads the bath while a histogram is taken, and says when it is not where it should be."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from mqtctl.acquisition.events import Remark
from mqtctl.acquisition.faults import LeftBandError, UnwatchedError, chosen
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.repetition import FrozenThermometer
from mqtctl.acquisition.settle import MAX_INVALID, believe
from mqtctl.errors import GlitchError, LostError
from mqtctl.instruments.roles.experiment import TemperatureReading
from mqtctl.quantities import readable

__all__ = ["Bath"]

#: The bath is read at most so often (s) while ramps run. Pieces of readings, between which it is, last 1.7 s at most:
#: so it is read at least every two seconds, whatever their size.
BATH_INTERVAL = 1.0
#: A reading outside the band is confirmed by so many more, so long (s) after one another.
CONFIRMATIONS, CONFIRMATION_INTERVAL = 2, 0.25
#: If nobody has looked at the bath for so long (s, by the calendar too) while ramps ran, the computer was asleep.
LONGEST_GAP = 60.0


class Bath:
    """Reads the bath before, during and after the ramps, never oftener than is good for it."""

    def __init__(self, job: SweepJob, target: float | None, point: int) -> None:
        self._thermometer, self._clock, self._check = job.station.thermometer, job.station.clock, job.check
        self._target, self._settle = target, job.plan.plan.settle
        self._notify, self._point = job.notify, point
        self._flag_band, self._flag_gap = (
            chosen(job.plan.plan, kind) == "flag" for kind in (LeftBandError, UnwatchedError)
        )
        # the sample's limit has a margin above the set point: thermometers are noisy
        self._limit = max(job.plan.sample.limits.max_temperature, 1.02 * (target or 0.0))
        self._frozen = FrozenThermometer(self._settle.dwell)
        self._last = -math.inf
        self._invalid_in_a_row = 0
        self._looked: tuple[float, datetime] | None = None
        self.invalid = 0
        self.outside = 0
        self.settlings = 0
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
            self.resume()

    def holds(self) -> bool:
        """Return whether the controller is as it was set up and the bath in its band, for it had lost its session."""
        try:
            self.wait_for_reading()
        except LostError:
            return False
        if self._inside(self.readings[-1]):
            return True
        self.readings.pop()
        return False

    def watch(self) -> None:
        """Read the bath if it is time, and give way to a request to stop.

        A few invalid readings in a row are waited out while the ramps go on.

        Raises
        ------
        LeftBandError
            The bath is not at its set point any more.
        UnwatchedError
            Nobody has looked at it for long.
        LostError
            The thermometer does not answer any more.
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
                self._tell_of(outside)
                return
            self._clock.sleep(CONFIRMATION_INTERVAL)
            self.wait_for_reading()
        self.readings[-1:-1] = outside  # they were outliers

    def require_alive(self) -> None:
        """Raise `CryostatError` if the thermometer has repeated one reading throughout."""
        self._frozen.require_varied(self._clock.now())

    def _look(self) -> None:
        """Notice if nobody could look at the bath for long."""
        before, now = self._looked, (self._clock.now(), self._clock.utc())
        self._looked = now
        if before is None:
            return
        gap = max(now[0] - before[0], (now[1] - before[1]).total_seconds())
        if gap <= LONGEST_GAP:
            return
        sentence = (
            f"for {readable(gap, 's')} nobody looked at the bath while ramps ran: the computer slept, or stood still, "
            "or its clock was set"
        )
        if not self._flag_gap:
            raise UnwatchedError(sentence)
        self._notify(Remark(sentence, self._point))

    def resume(self) -> None:
        """Take it that nobody had to look at the bath until now: there were no ramps."""
        self._looked = None

    def _tell_of(self, outside: list[float]) -> None:
        """Raise `LeftBandError`; or have the ramps count and tell, once, as the plan says."""
        sentence = (
            f"the bath has left its band while ramps ran: it is at {readable(outside[-1], 'K')}, outside "
            f"{readable(self._settle.band, '1')} of {readable(self._target or math.nan, 'K')}; look at heater and "
            "cooling power"
        )
        if not self._flag_band:
            raise LeftBandError(sentence)
        self.readings += outside
        self.outside += 1
        if self.outside == 1:
            self._notify(Remark(f"{sentence}; ramps go on", self._point))

    def _inside(self, temperature: float) -> bool:
        """Return whether a temperature (K) lies in the band around the set point, if there is one."""
        return self._target is None or abs(temperature - self._target) <= self._settle.band * self._target

    def _read(self) -> bool:
        """Read the bath and return whether that was valid; the tenth invalid reading in a row raises."""
        self._look()
        try:
            reading: TemperatureReading = self._thermometer.read()
        except GlitchError as exc:  # it was asked several times
            raise LostError(str(exc)) from exc
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
