"""The cables to the counter: marker line and voltage read-out, each a handful of numbers.

Everything here is a pure function of what the junction and the sources have done; no state
but the record of the marker pulses sent.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.sample.voltage_steps import EventLog
from pyvisa_mqt.time_and_signals.random_streams import Stream
from pyvisa_mqt.time_and_signals.signals import Waveform

__all__ = ["MarkerLine", "MarkerRecord", "Readout"]

Array = NDArray[np.float64]

_FEW = 8  # pulses that are counted one by one
_FALSE_EDGES = 5e4  # most false edges per second that are generated: enough to spoil every ramp


@dataclass(frozen=True)
class MarkerLine:
    """From a source's marker or sync output to a counter input.

    Attributes
    ----------
    to
        The counter input, as INSTRUMENT.CONNECTOR.
    low, high
        Levels in V.
    width
        Duration of the pulse in s.
    active_low
        Whether the pulse goes down from the high level.
    delay
        Of the cable, in s.
    """

    to: str
    low: float = 0.0
    high: float = 5.0
    width: float = 1e-6
    active_low: bool = True
    delay: float = 0.0


class MarkerRecord:
    """When marker pulses were sent on one line; the last thousand pulse trains are kept."""

    def __init__(self, line: MarkerLine) -> None:
        self.line = line
        self._trains: deque[tuple[float, float, float, float]] = deque(maxlen=1000)
        self._bursts: deque[tuple[float, float]] = deque(maxlen=1000)

    def drive(self, now: float, waveform: Waveform | None) -> None:
        """From `now` (s) on the marker belongs to this waveform; None silences it."""
        if self._trains:
            first, period, begin, end = self._trains[-1]
            self._trains[-1] = (first, period, begin, min(end, now))
        if waveform is not None and waveform.marker_phase is not None:
            phase = waveform.marker_phase % 1.0
            first = waveform.start + phase * waveform.period
            period, stop = waveform.period * waveform.marker_every, waveform.stop
            if not math.isfinite(period):  # a single pulse: the train ends behind it
                period, stop = waveform.period, min(stop, first + 0.5 * waveform.period)
            self._trains.append((first, period, max(now, waveform.start), stop))
            self._bursts.append(waveform.marker_train)

    def edges(self, threshold: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the line crosses the threshold (V)."""
        line = self.line
        if not line.low < threshold < line.high:
            return np.empty(0)
        shift = line.delay + (line.width if rising == line.active_low else 0.0)
        found: list[Array] = []
        for (first, period, begin, end), train in zip(reversed(self._trains), reversed(self._bursts), strict=True):
            if end + shift + period < since:
                break
            low = math.floor((max(since - shift, begin) - first) / period) - 1
            high = math.ceil((min(until - shift, end) - first) / period) + 1
            if high < low:
                continue
            if train[0] <= 1 and high - low <= _FEW:
                found.append(_few(first, period, begin, end, shift, range(max(low, 0), high + 1), since, until))
                continue
            pulses = np.asarray(first + period * np.arange(max(low, 0), high + 1))
            if train[0] > 1:
                pulses = _repeated(pulses, train, since - shift, until - shift)
            times = np.asarray(pulses + shift)
            slack = 1e-9 * period  # a train's last period ends where the next would begin, up to rounding
            if train[0] > 1:
                sent = (pulses >= begin - slack) & (pulses < end - slack)
                found.append(times[sent & (times > since) & (times <= until)])
                continue
            opened = max(pulses.searchsorted(begin - slack), times.searchsorted(since, side="right"))
            closed = min(pulses.searchsorted(end - slack), times.searchsorted(until, side="right"))
            found.append(times[opened : max(opened, closed)])
        if len(found) == 1:
            return found[0]
        return np.concatenate(found[::-1]) if found else np.empty(0)


def _few(
    first: float, period: float, begin: float, end: float, shift: float, numbers: range, since: float, until: float
) -> Array:
    """Return the edges of a few pulses of a train: as `MarkerRecord.edges` does for many, to the last bit."""
    slack = 1e-9 * period
    sent = (pulse for pulse in (first + period * number for number in numbers) if begin - slack <= pulse < end - slack)
    return np.array([time for time in (pulse + shift for pulse in sent) if since < time <= until], dtype=np.float64)


def _repeated(pulses: Array, train: tuple[float, float], since: float, until: float) -> Array:
    """Return the pulses (s) with those that follow each of them, as far as they lie near since to until (s)."""
    count, spacing = train
    found = [np.empty(0)]
    for pulse in pulses:
        low = max(math.floor((since - pulse) / spacing) - 1, 0)
        high = min(math.ceil((until - pulse) / spacing) + 1, count - 1)
        found.append(pulse + spacing * np.arange(low, high + 1))
    return np.concatenate(found)


class Readout:
    """From the junction's voltage through the pre-amplifier to a counter input.

    The pre-amplifier answers a voltage step V of the junction with gain V (1 - exp(-t/tau)),
    tau = rise time / ln 9 (10 to 90 %), so that a threshold s is passed tau ln[gain V / (gain V - s)] later.

    Parameters
    ----------
    gain
        Voltage gain; negative for an inverting amplifier.
    rise_time
        10 to 90 %, s.
    noise
        Standard deviation of the noise in V, referred to the input, in the amplifier's bandwidth.
    delay
        Of the cables, in s, that of the bias line included.
    gap_voltage
        Junction voltage in V in the voltage state.
    offset
        Voltage in V at the amplifier's input in the zero-voltage state.
    seed
        The bench's seed.
    """

    def __init__(
        self,
        *,
        gain: float,
        rise_time: float,
        noise: float,
        delay: float,
        gap_voltage: float,
        offset: float,
        seed: int,
    ) -> None:
        self._step = gain * gap_voltage
        self._baseline = gain * offset
        self._constant = rise_time / math.log(9.0)
        self._noise = abs(gain) * noise
        self._delay = delay
        self._jitter = Stream(seed, "read-out jitter")
        self._counts = Stream(seed, "number of false edges in a second")
        self._seed = seed
        self._second_of_noise = lru_cache(maxsize=8)(self._draw_second_of_noise)

    def edges(self, log: EventLog, threshold: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the output crosses the threshold (V)."""
        above = threshold - self._baseline
        margin = 40.0 * self._constant + 1e-9
        begin, end = since - self._delay - margin, until - self._delay + margin
        # Ends are sorted like begins: a state that began early but ended in the window counts too.
        low = int(log.ends.searchsorted(begin))
        high = max(int(log.begins.searchsorted(end)), low)
        times = self._crossings(log, slice(low, high), above, rising)
        if self._noise > 0.0:
            false = self._false_edges(log, above, rising, since, until)
            times = np.concatenate([times, false]) if false.size else times
        times.sort()
        return times[times.searchsorted(since, side="right") : times.searchsorted(until, side="right")]

    def _crossings(self, log: EventLog, states: slice, above: float, rising: bool) -> Array:
        """Return when the output passes a level (V above its baseline) because of voltage states."""
        polarities = log.polarities[states]
        if len(polarities) == 0 or above == 0.0:
            return np.empty(0)
        if (polarities == polarities[0]).all():
            return self._crossings_of(log, states, float(polarities[0]), above, rising)
        numbers = np.arange(states.start, states.stop)
        both = [self._crossings_of(log, numbers[polarities == p], p, above, rising) for p in (1.0, -1.0)]
        return np.concatenate(both)

    def _crossings_of(
        self, log: EventLog, numbers: slice | NDArray[np.int64], polarity: float, above: float, rising: bool
    ) -> Array:
        """Return the crossings of the numbered states, which have one polarity."""
        height = self._step * polarity
        ratio = above / height
        if not 0.0 < ratio < 1.0:
            return np.empty(0)
        answer = -self._constant * math.log1p(-ratio)
        begins, ends = log.begins[numbers], log.ends[numbers]
        lasting = ends - begins > answer  # a shorter state ends before the amplifier gets there
        if (height > 0.0) == rising:
            times, slope = begins + (answer + self._delay), abs(height - above)
        else:  # the way back crosses the other way
            lasting &= np.isfinite(ends)
            times, slope = self._way_back(ends - begins, ratio) + ends + self._delay, abs(above)
        if self._noise > 0.0:
            jitter = self._noise * self._constant / slope
            times = times + jitter * self._normals(log.first_index, numbers)
        return times if lasting.all() else times[lasting]

    def _normals(self, first: int, numbers: slice | NDArray[np.int64]) -> Array:
        """Return the jitter of the numbered states in standard deviations; state 0 has the number `first` for life."""
        if isinstance(numbers, slice):
            return self._jitter.normal(first + numbers.start, numbers.stop - numbers.start)
        normals = self._jitter.normal(first + int(numbers[0]), int(numbers[-1] - numbers[0]) + 1)
        return np.asarray(normals[numbers - numbers[0]])

    def _way_back(self, durations: Array, ratio: float) -> Array:
        """Return how long after its end a state's signal has sunk to a share of the full step."""
        if self._constant == 0.0:
            return np.zeros(len(durations))
        reached = -np.expm1(-durations / self._constant)
        return np.asarray(self._constant * np.log(reached / ratio))

    def _false_edges(self, log: EventLog, above: float, rising: bool, since: float, until: float) -> Array:
        """Return crossings by noise alone while the junction is superconducting.

        Rice's rate of level crossings, nu0 exp(-s^2 / 2 sigma^2) (Rice, Bell Syst. Tech. J. 24, 46 (1945),
        eq. 3.3-11), with nu0 = 1 / (2 pi tau) for the amplifier's bandwidth.
        """
        highest = 1.0 / (2.0 * math.pi * max(self._constant, 1e-9))
        rate = min(highest * math.exp(-0.5 * min((above / self._noise) ** 2, 1e3)), _FALSE_EDGES)
        if rate < 1e-9:
            return np.empty(0)
        seconds = range(max(math.floor(since), 0), math.floor(until) + 1)
        found = [self._second_of_noise(second, rate, rising) for second in seconds]
        found = [
            times[times.searchsorted(since, side="right") : times.searchsorted(until, side="right")] for times in found
        ]
        times = np.concatenate([np.empty(0), *found])
        state = np.searchsorted(log.begins + self._delay, times) - 1
        if len(log.begins) == 0:
            return times
        quiet = (state < 0) | (times > log.ends[np.maximum(state, 0)] + self._delay)
        return times[quiet]

    def _draw_second_of_noise(self, second: int, rate: float, rising: bool) -> Array:
        """Return the false edges in one second of bench time, the same whenever they are asked for.

        Whoever waits asks again and again within the same second: the last few are kept.
        """
        uniform = float(self._counts.uniform(2 * second + rising, 1)[0])
        count = _poisson(rate, uniform)
        if count == 0:
            return np.empty(0)
        times = second + np.sort(Stream(self._seed, f"false edges {second} {rising}").uniform(0, count))
        times.setflags(write=False)
        return times


def _poisson(mean: float, uniform: float) -> int:
    """Return the Poisson quantile of a uniform number: exact up to a mean of 50, the normal limit above."""
    if mean > 50.0:
        # Only the number of false edges is at stake, and there are far too many of them anyway.
        return max(round(mean + math.sqrt(mean) * (2.0 * uniform - 1.0) * math.sqrt(3.0)), 0)
    count, term = 0, math.exp(-mean)
    total = term
    while uniform > total and count < 1000:
        count += 1
        term *= mean / count
        total += term
    return count
