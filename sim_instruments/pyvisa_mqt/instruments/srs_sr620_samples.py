"""The measuring side of the SR620: which edges make a sample, and what a group of samples says.

A sample of a time costs 750 us on top of what is measured, one of a frequency or a period 2600 us
(SR620 manual, p. 43 and 59); edges that come in between go unnoticed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .interval_timing import Readings, gated_periods, start_stop_intervals

__all__ = ["BINARY_SCALES", "Group", "Probe", "dead_time", "take_samples"]

Array = NDArray[np.float64]

TIME, WIDTH, RISE, FREQUENCY, PERIOD, PHASE, COUNT = range(7)
#: Units of the binary dump by mode: s, s, s, Hz, s, degrees, events (public decoders; see the notes).
BINARY_SCALES = {
    TIME: 1.05963812934e-14, WIDTH: 1.05963812934e-14, RISE: 1.05963812934e-14,
    FREQUENCY: 1.24900090270331e-9, PERIOD: 1.05963812934e-14, PHASE: 8.3819032e-8, COUNT: 1 / 256,
}  # fmt: skip
SAMPLE_TIME, FREQUENCY_SAMPLE_TIME = 750e-6, 2600e-6
#: Gates in s of the arming modes; external arming adds 6 (7 to 9) to the internal modes' numbers.
GATES = {2: 0.0, 3: 0.01, 4: 0.1, 5: 1.0, 8: 0.0, 9: 0.0, 10: 0.01, 11: 0.1, 12: 1.0}
EITHER_FIRST, EXTERNAL_EITHER_FIRST, FIRST_EXTERNAL = 0, 6, 6

#: Returns the edges of "A", "B" or "EXT" between two bench times (s); `opposite` takes the other slope.
Probe = Callable[[str, float, float, bool], Array]


def dead_time(mode: int) -> float:
    """Return the time in s that the counter needs behind a sample."""
    return FREQUENCY_SAMPLE_TIME if mode in (FREQUENCY, PERIOD) else SAMPLE_TIME


def take_samples(
    probe: Probe, mode: int, source: str, arming: int, *, armed: float, now: float, limit: int
) -> Readings:
    """Take at most `limit` samples between the arming and now (s); their values are in the mode's unit.

    Parameters
    ----------
    probe
        Where edges come from.
    mode, source, arming
        As in MODE, SRCE ("A", "B", "REF" or "RATIO") and ARMM.
    """
    if arming >= FIRST_EXTERNAL:
        return _externally_armed(probe, mode, source, arming, armed, now, limit)
    if source == "RATIO":
        return _ratios(probe, mode, arming, armed, now, limit)
    starts = probe(source, armed, now, False)
    rest = dead_time(mode)
    if mode in (FREQUENCY, PERIOD, COUNT):
        gate = GATES.get(arming, 0.0)
        readings = gated_periods(starts, armed=armed, now=now, limit=limit, timeout=math.inf, dead_time=rest, gate=gate)
        return Readings(_of_period(readings.values, mode, gate), readings.ends, readings.armed)
    stops = _stops(probe, mode, source, armed, now)
    if arming == EITHER_FIRST and mode == TIME:
        return _either_first(starts, stops, armed, limit, rest)
    readings = start_stop_intervals(starts, stops, armed=armed, now=now, limit=limit, timeout=math.inf, dead_time=rest)
    if mode == PHASE:
        if len(starts) < 2:  # no period yet
            return Readings(np.zeros(0), np.zeros(0), armed)
        degrees = 360.0 * readings.values / float(np.median(np.diff(starts)))
        return Readings(degrees, readings.ends, readings.armed)
    return readings


def _ratios(probe: Probe, mode: int, arming: int, armed: float, now: float, limit: int) -> Readings:
    """Take samples of A relative to B, which are measured at the same time; of an interval that is A to B."""
    if mode not in (FREQUENCY, PERIOD, COUNT):
        return take_samples(probe, mode, "A", arming, armed=armed, now=now, limit=limit)
    first, second = (take_samples(probe, mode, s, arming, armed=armed, now=now, limit=limit) for s in ("A", "B"))
    count = min(len(first.values), len(second.values))
    ends = np.maximum(first.ends[:count], second.ends[:count])
    rearmed = float(ends[-1]) + dead_time(mode) if count else armed
    return Readings(first.values[:count] / second.values[:count], ends, rearmed)


def _stops(probe: Probe, mode: int, source: str, since: float, until: float) -> Array:
    if mode == WIDTH:
        return probe(source, since, until, True)
    return probe("A" if source == "B" else "B", since, until, False)


def _of_period(periods: Array, mode: int, gate: float) -> Array:
    if mode == PERIOD:
        return periods
    return 1.0 / periods if mode == FREQUENCY else np.floor(gate / periods) + 1.0


def _either_first(starts: Array, stops: Array, armed: float, limit: int, rest: float) -> Readings:
    """Measure from A to B, whichever comes first: the result may be negative."""
    values: list[float] = []
    ends: list[float] = []
    while len(values) < limit:
        first, second = _next(starts, armed), _next(stops, armed)
        if first is None or second is None:
            break
        values.append(second - first)
        ends.append(max(first, second))
        armed = ends[-1] + rest
    return Readings(np.array(values), np.array(ends), armed)


def _next(times: Array, since: float) -> float | None:
    index = int(np.searchsorted(times, since, side="right"))
    return float(times[index]) if index < len(times) else None


def _externally_armed(
    probe: Probe, mode: int, source: str, arming: int, armed: float, now: float, limit: int
) -> Readings:
    """Take samples each of which waits for an edge of the external input first."""
    values: list[float] = []
    ends: list[float] = []
    external = probe("EXT", armed, now, False)
    while len(values) < limit:
        begin = _next(external, armed)
        if begin is None:
            break
        internal = EITHER_FIRST if arming == EXTERNAL_EITHER_FIRST else max(arming - 7, 1)
        one = take_samples(probe, mode, source, internal, armed=begin, now=now, limit=1)
        if not len(one.values):
            break
        values.append(float(one.values[0]))
        ends.append(float(one.ends[0]))
        armed = one.armed
    return Readings(np.array(values), np.array(ends), armed)


@dataclass(frozen=True)
class Group:
    """The samples of one measurement, shape (n_sample,)."""

    values: Array

    def statistic(self, number: int, allan: bool) -> float:
        """Return 0 mean, 1 jitter (standard or Allan deviation), 2 maximum, 3 minimum."""
        if number == 0:
            return float(np.mean(self.values))
        if number == 1:
            if len(self.values) < 2:
                return 0.0
            if allan:  # root of half the mean square of successive differences
                return math.sqrt(0.5 * float(np.mean(np.diff(self.values) ** 2)))
            return float(np.std(self.values, ddof=1))
        return float(np.max(self.values) if number == 2 else np.min(self.values))
