"""The cables: bias line, marker line and voltage read-out, each a handful of numbers.

Everything here is a pure function of what the junction and the sources have done; no state
but the record of the marker pulses sent.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .events import EventLog
from .sample import Stretch
from .signals import Waveform
from .streams import Stream

__all__ = ["MarkerLine", "MarkerRecord", "Readout", "bias_stretches"]

Array = NDArray[np.float64]

_FALSE_EDGES = 5e4  # most false edges per second that are generated: enough to spoil every ramp


def bias_stretches(since: float, outputs: list[tuple[float, Waveform]], offset: float) -> list[Stretch]:
    """Return the bias current before the filter from `since` (s) on, as stretches without gaps.

    Parameters
    ----------
    since
        Time in s.
    outputs
        Scale (A per output unit) and waveform of each source, the one that was set last at the end.
    offset
        Current in A that flows in any case.
    """
    changes = {since}
    for _, waveform in outputs:
        changes |= {t for t in (waveform.start, waveform.stop) if since < t < math.inf}
    times = [*sorted(changes), math.inf]
    return [_stretch(a, b, outputs, offset) for a, b in pairwise(times)]


def _stretch(begin: float, end: float, outputs: list[tuple[float, Waveform]], offset: float) -> Stretch:
    """Return the sum of the outputs between two times; at most one of them ramps, the others hold."""
    level = offset
    ramp: tuple[float, Waveform] | None = None
    for scale, waveform in outputs:
        if not waveform.start <= begin < waveform.stop:
            level += scale * waveform.idle
        elif np.ptp(waveform.values) == 0.0:
            level += scale * float(waveform.values[0])
        else:
            if ramp is not None:
                level += ramp[0] * _value(ramp[1], begin)
            ramp = (scale, waveform)
    if ramp is None:
        return Stretch.constant(begin, end, level)
    scale, waveform = ramp
    return Stretch(begin, end, waveform.start, waveform.period, level + scale * np.asarray(waveform.values))


def _value(waveform: Waveform, time: float) -> float:
    """Return the output at a time (s) at which the waveform runs."""
    n_step = len(waveform.values)
    phase = math.fmod(time - waveform.start, waveform.period) / waveform.period
    return float(waveform.values[min(int(phase * n_step + 1e-9), n_step - 1)])


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

    def drive(self, now: float, waveform: Waveform | None) -> None:
        """From `now` (s) on the marker belongs to this waveform; None silences it."""
        if self._trains:
            first, period, begin, end = self._trains[-1]
            self._trains[-1] = (first, period, begin, min(end, now))
        if waveform is not None and waveform.marker_phase is not None:
            phase = waveform.marker_phase % 1.0
            first = waveform.start + phase * waveform.period
            self._trains.append((first, waveform.period, max(now, waveform.start), waveform.stop))

    def edges(self, threshold: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the line crosses the threshold (V)."""
        line = self.line
        if not line.low < threshold < line.high:
            return np.empty(0)
        shift = line.delay + (line.width if rising == line.active_low else 0.0)
        found: list[Array] = []
        for first, period, begin, end in reversed(self._trains):
            if end + shift + period < since:
                break
            low = math.floor((max(since - shift, begin) - first) / period) - 1
            high = math.ceil((min(until - shift, end) - first) / period) + 1
            if high < low:
                continue
            pulses = first + period * np.arange(max(low, 0), high + 1)
            times = np.asarray(pulses + shift)
            slack = 1e-9 * period  # a train's last period ends where the next would begin, up to rounding
            sent = (pulses >= begin - slack) & (pulses < end - slack)
            found.append(times[sent & (times > since) & (times <= until)])
        return np.concatenate(found[::-1]) if found else np.empty(0)


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

    def edges(self, log: EventLog, threshold: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the output crosses the threshold (V)."""
        above = threshold - self._baseline
        margin = 40.0 * self._constant + 1e-9
        begin, end = since - self._delay - margin, until - self._delay + margin
        # Ends are sorted like begins: a state that began early but ended in the window counts too.
        low = int(np.searchsorted(log.ends, begin))
        high = int(np.searchsorted(log.begins, end))
        states = slice(low, max(high, low))
        times = [self._crossings(log, states, above, rising)]
        if self._noise > 0.0:
            times.append(self._false_edges(log, above, rising, since, until))
        joined = np.concatenate(times)
        joined.sort()
        return joined[(joined > since) & (joined <= until)]

    def _crossings(self, log: EventLog, states: slice, above: float, rising: bool) -> Array:
        """Return when the output passes a level (V above its baseline) because of voltage states."""
        begins, ends = log.begins[states], log.ends[states]
        heights = self._step * log.polarities[states]
        with np.errstate(over="ignore"):
            reached = -heights * np.expm1(-(ends - begins) / self._constant) if self._constant else heights
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = above / heights
            crosses = (ratio > 0.0) & (ratio * heights / reached < 1.0)
            upward = (heights > 0.0) == rising  # the step itself; the way back crosses the other way
            on = begins - self._constant * np.log1p(-ratio)
            off = ends + self._constant * np.log(reached / above)
            slope = np.where(upward, np.abs(heights - above), abs(above)) / max(self._constant, 1e-12)
        times = np.where(upward, on, off) + self._delay
        if self._noise > 0.0:
            first = log.first_index + states.start
            times = times + self._jitter.normal(first, len(begins)) * self._noise / np.maximum(slope, 1e-12)
        return times[crosses & np.isfinite(times)]

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
        times = np.concatenate([np.empty(0), *found])
        times = times[(times > since) & (times <= until)]
        state = np.searchsorted(log.begins + self._delay, times) - 1
        if len(log.begins) == 0:
            return times
        quiet = (state < 0) | (times > log.ends[np.maximum(state, 0)] + self._delay)
        return times[quiet]

    def _second_of_noise(self, second: int, rate: float, rising: bool) -> Array:
        """Return the false edges in one second of bench time, the same whenever they are asked for."""
        uniform = float(self._counts.uniform(2 * second + rising, 1)[0])
        count = _poisson(rate, uniform)
        if count == 0:
            return np.empty(0)
        times = Stream(self._seed, f"false edges {second} {rising}").uniform(0, count)
        return second + np.sort(times)


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
