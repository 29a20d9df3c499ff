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

from pyvisa_mqt.instruments.counters.edge_trail import EdgeTrail
from pyvisa_mqt.instruments.counters.interval_timing import Readings, gated_periods, start_stop_intervals

__all__ = ["BINARY_SCALES", "Group", "Probe", "Sampler", "dead_time"]

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

_COUNTING = (FREQUENCY, PERIOD, COUNT)
_PERIODS = 64  # starts from which the period is told that a phase refers to

#: Returns the edges of "A", "B" or "EXT" between two bench times (s); `opposite` takes the other slope.
Probe = Callable[[str, float, float, bool], Array]


def dead_time(mode: int) -> float:
    """Return the time in s that the counter needs behind a sample."""
    return FREQUENCY_SAMPLE_TIME if mode in (FREQUENCY, PERIOD) else SAMPLE_TIME


class Sampler:
    """Takes samples as time goes on; each edge is looked at once, and forgotten once nothing depends on it.

    Parameters
    ----------
    probe
        Where edges come from.
    mode, source, arming
        As in MODE, SRCE ("A", "B", "REF" or "RATIO") and ARMM.
    armed
        Bench time in s from which edges count.
    limit
        Largest number of samples.
    """

    def __init__(self, probe: Probe, mode: int, source: str, arming: int, *, armed: float, limit: int) -> None:
        # A relative to B is measured at the same time; of an interval that is A to B.
        relative = source == "RATIO" and mode in _COUNTING
        sources = ("A", "B") if relative else ("A" if source == "RATIO" else source,)
        self._series = [_Series(probe, mode, name, arming, armed, limit) for name in sources]
        self._mode = mode
        self._limit = limit
        self._seen = armed

    @property
    def seen(self) -> float:
        """Bench time in s up to which edges were looked at."""
        return self._seen

    @property
    def armed(self) -> float:
        """Since when (s) the next sample is awaited."""
        return max(series.armed for series in self._series)

    @property
    def complete(self) -> bool:
        """Whether all samples are there."""
        return min(len(series.values) for series in self._series) >= self._limit

    @property
    def end(self) -> float:
        """When (s) the last sample was complete."""
        return max(series.ends[self._limit - 1] for series in self._series)

    @property
    def values(self) -> Array:
        """The samples in the mode's unit, shape (n_sample,)."""
        first, *rest = (np.array(series.values[: self._limit]) for series in self._series)
        return np.asarray(first / rest[0]) if rest else first

    @property
    def missing(self) -> tuple[str, str]:
        """What the next sample waits for, such as "a start", and at which input ("A", "B", "EXT" or "REF")."""
        return next(series.missing for series in self._series if len(series.values) < self._limit)

    def follow(self, now: float) -> None:
        """Take what there is until bench time `now` (s)."""
        for series in self._series:
            series.follow(now)
        self._seen = max(now, self._seen)


class _Series:
    """Samples of one source, and the edges that the next one may need."""

    def __init__(self, probe: Probe, mode: int, source: str, arming: int, armed: float, limit: int) -> None:
        self.armed = armed
        self.values: list[float] = []
        self.ends: list[float] = []
        self._probe = probe
        self._how = mode, source, arming
        self._limit = limit
        self._trails: dict[tuple[str, bool], EdgeTrail] = {}

    def follow(self, now: float) -> None:
        left = self._limit - len(self.values)
        if left <= 0 or now <= self.armed:
            return
        readings = _take_samples(self._edges, *self._how, armed=self.armed, now=now, limit=left)
        self.values += readings.values.tolist()
        self.ends += readings.ends.tolist()
        self.armed = readings.armed
        if not len(readings.values):
            self._forget()

    @property
    def missing(self) -> tuple[str, str]:
        mode, source, arming = self._how
        if arming >= FIRST_EXTERNAL and self._none(("EXT", False)):
            return "an arming edge", "EXT"
        if mode in _COUNTING:
            return "an edge" if self._none((source, False)) else "another edge", source
        if self._none((source, False)):
            return "a start", source
        return "a stop", source if mode == WIDTH else _other(source)

    def _none(self, key: tuple[str, bool]) -> bool:
        return key not in self._trails or self._trails[key].empty

    def _edges(self, name: str, since: float, until: float, opposite: bool) -> Array:
        key = name, opposite
        if key not in self._trails:
            self._trails[key] = EdgeTrail(lambda begin, end: self._probe(name, begin, end, opposite))
        return self._trails[key].between(since, until)

    def _forget(self) -> None:
        """Forget what came behind the first edge of each kind: nothing was to be had with it."""
        mode = self._how[0]
        for (name, _), trail in self._trails.items():
            if name == "EXT" or mode not in _COUNTING:
                trail.keep_first(_PERIODS if mode == PHASE and name != "EXT" else 1)


def _take_samples(
    probe: Probe, mode: int, source: str, arming: int, *, armed: float, now: float, limit: int
) -> Readings:
    """Take at most `limit` samples of one source between the arming and now (s)."""
    if arming >= FIRST_EXTERNAL:
        return _externally_armed(probe, mode, source, arming, armed, now, limit)
    starts = probe(source, armed, now, False)
    rest = dead_time(mode)
    if mode in _COUNTING:
        gate = GATES.get(arming, 0.0)
        readings = gated_periods(starts, armed=armed, now=now, limit=limit, timeout=math.inf, dead_time=rest, gate=gate)
        return Readings(_of_period(readings.values, mode, gate), readings.ends, readings.armed)
    if arming == EITHER_FIRST and mode == TIME:
        return _either_first(starts, _stops(probe, mode, source, armed, now), armed, limit, rest)
    # Stops before the first start do not matter.
    stops = _stops(probe, mode, source, float(starts[0]), now) if len(starts) else np.zeros(0)
    if not len(stops):
        return Readings(np.zeros(0), np.zeros(0), armed)
    readings = start_stop_intervals(starts, stops, armed=armed, now=now, limit=limit, timeout=math.inf, dead_time=rest)
    if mode == PHASE:
        if len(starts) < 2:  # no period yet
            return Readings(np.zeros(0), np.zeros(0), armed)
        degrees = 360.0 * readings.values / float(np.median(np.diff(starts)))
        return Readings(degrees, readings.ends, readings.armed)
    return readings


def _stops(probe: Probe, mode: int, source: str, since: float, until: float) -> Array:
    if mode == WIDTH:
        return probe(source, since, until, True)
    return probe(_other(source), since, until, False)


def _other(source: str) -> str:
    """Return the input on which an interval that starts at `source` stops."""
    return "A" if source == "B" else "B"


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
        one = _take_samples(probe, mode, source, internal, armed=begin, now=now, limit=1)
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
