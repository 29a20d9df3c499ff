"""What a counter input sees of a dummy resistor: when the amplified voltage passes a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from pyvisa_mqt.sample.dummy_resistor import CurrentHistory, Passage
from pyvisa_mqt.sample.resistor_cycle import AmplifiedCycle, ResponseLine, steady_outputs
from pyvisa_mqt.sample.staircase import Staircase
from pyvisa_mqt.sample.voltage_steps import EventLog
from pyvisa_mqt.time_and_signals.random_streams import Stream

__all__ = ["ResistorReadout"]

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]

_MOST_CYCLES = 1 << 18  # searched at once
_SHAPES = 64  # kept


@dataclass(frozen=True)
class _Piece:
    """Cycles that are alike.

    Attributes
    ----------
    passage
        Where they belong.
    cycle, since
        What the amplifier makes of each, and where in the cycle (s) that begins.
    numbers
        Of the cycles, shape (n_cycle,).
    """

    passage: Passage
    cycle: AmplifiedCycle
    since: float
    numbers: Numbers


class ResistorReadout:
    """From a dummy resistor through the pre-amplifier to a counter input.

    Noise of standard deviation sigma at the amplifier's output, on a signal that passes the threshold with the slope
    x', makes 1 + K crossings out of the true one, each of them Gaussian around it with standard deviation sigma / x',
    where K is Poisson with the mean m = (s/x') phi(x'/s) - Phi(-x'/s), s = sigma / tau: the rate of level crossings of
    Gaussian noise on a straight line (Cramer and Leadbetter, Stationary and Related Stochastic Processes (1967),
    section 13.2), integrated along the line. The first and the last of them are given, and between them one the other
    way; a counter stops at the first.

    Parameters
    ----------
    gain, rise_time, noise, delay, offset, seed
        As of `wiring.Readout`; V, s and A.
    """

    def __init__(self, *, gain: float, rise_time: float, noise: float, delay: float, offset: float, seed: int) -> None:
        self._gain = gain
        self._baseline = gain * offset
        self._constant = rise_time / math.log(9.0)
        self._noise = abs(gain) * noise
        self._delay = delay
        self._counts, self._firsts, self._lasts = (
            Stream(seed, f"{what} of a dummy resistor") for what in ("number of crossings", "first crossing", "last")
        )
        self._steady: dict[Staircase, tuple[Array, AmplifiedCycle]] = {}

    def edges(self, log: EventLog, threshold: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the output crosses the threshold (V)."""
        if not isinstance(log, CurrentHistory):
            raise TypeError("a read-out of a dummy resistor needs the history of its current")
        begin, end = since - self._delay, until - self._delay
        found = [np.empty(0)]
        for passage in reversed(log.passages):
            stretch = passage.stretch
            if stretch.begin <= end and stretch.end >= begin:
                times = [self._crossings(log, piece, threshold, rising) for piece in self._pieces(passage, begin, end)]
                joined = np.concatenate([np.empty(0), *times])
                found.append(joined[(joined >= stretch.begin) & (joined < stretch.end)])
            if stretch.begin < begin:
                break
        times_seen = np.sort(np.concatenate(found)) + self._delay
        return times_seen[(times_seen > since) & (times_seen <= until)]

    def _pieces(self, passage: Passage, begin: float, end: float) -> list[_Piece]:
        """Return the cycles of a passage near a window (s), those alike together."""
        stretch = passage.stretch
        line = ResponseLine(passage.staircase.lag, self._constant)
        begun = math.floor((stretch.begin - stretch.origin) / stretch.period + 1e-9)
        # Noise can move a crossing out of its cycle: the neighbours count too.
        first = max(math.floor((begin - stretch.origin) / stretch.period) - 1, begun, 0)
        stop = stretch.cycles_begun(end + stretch.period)
        # The first cycle remembers even where nothing lags: a staircase jumps from the level before.
        settled = max(math.ceil((stretch.begin + line.memory - stretch.origin) / stretch.period), begun + 1)
        pieces = []
        for number in range(first, min(settled, stop)):
            pieces.append(self._transient_piece(passage, line, number))
        for part in range(max(first, settled), stop, _MOST_CYCLES):
            numbers = np.arange(part, min(part + _MOST_CYCLES, stop))
            pieces.append(_Piece(passage, self._steady_cycle(passage.staircase)[1], 0.0, numbers))
        return pieces

    def _crossings(self, log: CurrentHistory, piece: _Piece, threshold: float, rising: bool) -> Array:
        """Return the crossings of the cycles of one piece, in s of bench time at the source."""
        passage, numbers = piece.passage, piece.numbers
        volts = self._gain * log.resistance
        index = passage.first_index + int(numbers[0])
        levels = np.full(len(numbers), (threshold - self._baseline) / volts)
        if log.noise:
            levels -= log.noise * log.offsets.normal(index, len(numbers))
        starts = passage.stretch.origin + passage.stretch.period * numbers + piece.since
        found = [np.empty(0)]
        for direction in (1, -1):
            along = (direction * volts > 0.0) == rising  # or the other way, where only noise makes such edges
            if not along and not self._noise:
                continue
            for number, run in enumerate(piece.cycle.runs(direction)):
                times, slopes = piece.cycle.crossings(run, direction, levels)
                there = np.flatnonzero(~np.isnan(times))
                exact, steepness = (starts + times)[there], np.maximum(slopes[there] * abs(volts), 1e-30)
                keys = 4 * index + 2 * (number % 2) + (direction > 0), there
                found.append(self._disturbed(exact, steepness, along, *keys) if self._noise else exact)
        return np.concatenate(found)

    def _disturbed(self, times: Array, slopes: Array, along: bool, key: int, cycles: Numbers) -> Array:
        """Return the crossings that noise makes of exact ones (s, with slopes in V/s), shape (n_crossing,).

        `key + 4 n` addresses the random numbers of the cycle n of `cycles`.
        """
        if not len(times):
            return times
        count = 4 * int(cycles[-1]) + 1
        draws = (stream.uniform(key, count)[4 * cycles] for stream in (self._counts, self._firsts, self._lasts))
        uniform, first, last = draws
        width = self._noise / slopes
        steep = slopes * max(self._constant, 1e-9) / self._noise
        mean = np.exp(-0.5 * steep**2) / (math.sqrt(2.0 * math.pi) * steep) - ndtr(-steep)
        more = _poisson_quantile(np.maximum(mean, 0.0), uniform)
        # Smallest and largest of 1 + K uniform numbers, then of as many Gaussian ones.
        smallest = -np.expm1(np.log1p(-first) / (1.0 + more))
        largest = smallest + (1.0 - smallest) * last ** (1.0 / np.maximum(more, 1.0))
        early, late = (times + width * ndtri(np.clip(u, 1e-16, 1.0 - 1e-16)) for u in (smallest, largest))
        again = more > 0.0
        return np.concatenate([early, late[again]]) if along else np.asarray(0.5 * (early + late)[again])

    def _steady_cycle(self, staircase: Staircase) -> tuple[Array, AmplifiedCycle]:
        """Return the outputs in A at the starts of the steps in the periodic steady state, and the shape with them."""
        if staircase not in self._steady:
            if len(self._steady) >= _SHAPES:
                self._steady.clear()
            cycle, line = staircase.cycle(0.0), ResponseLine(staircase.lag, self._constant)
            outputs = steady_outputs(line, cycle.targets, cycle.starts, cycle.step)
            self._steady[staircase] = outputs, AmplifiedCycle(line, cycle.targets, cycle.starts, outputs, cycle.step)
        return self._steady[staircase]

    def _transient_piece(self, passage: Passage, line: ResponseLine, number: int) -> _Piece:
        """Return a cycle that remembers what was before."""
        stretch, cycle = passage.stretch, passage.staircase.cycle(0.0)
        start = stretch.origin + stretch.period * number
        k = int(cycle.step_of(max(stretch.begin - start, 0.0)))
        # Of a step that began before the stretch did, the first part is cut off later.
        times = start + cycle.step * np.arange(k, len(cycle.targets))
        elapsed = np.maximum(times - stretch.begin, 0.0)
        inputs, outputs = cycle.starts[k:], self._steady_cycle(passage.staircase)[0][k:]
        if line.lag:
            inputs = inputs + passage.transient * np.exp(-elapsed / line.lag)
        outputs = outputs + self._fading(passage, line, elapsed)
        amplified = AmplifiedCycle(line, cycle.targets[k:], inputs, outputs, cycle.step)
        return _Piece(passage, amplified, k * cycle.step, np.array([number]))

    def _fading(self, passage: Passage, line: ResponseLine, elapsed: Array) -> Array:
        """Return how far the output (A) is from its steady state at times (s) after the passage's begin."""
        if line.constant:
            past = self._output_at(passage.before, passage.stretch.begin) if passage.before else None
            now = self._steady_at(passage, line, passage.stretch.begin)
            own = (passage.current(passage.stretch.begin) if past is None else past) - now
            fading = own * np.exp(-elapsed / line.constant)
            return np.asarray(fading + passage.transient * line.cascade(elapsed) if line.lag else fading)
        if line.lag:
            return np.asarray(passage.transient * np.exp(-elapsed / line.lag))
        # A bare staircase: before its very first step comes the level before, not its own last one.
        fading = np.zeros(len(elapsed))
        if passage.before is not None and elapsed[0] == 0.0:
            begin = passage.stretch.begin
            fading[0] = (
                passage.before.current(begin - 1e-12)
                - self._steady_cycle(passage.staircase)[0][
                    passage.staircase.cycle(0.0).step_of(max(begin - passage.stretch.origin, 0.0))
                ]
            )
        return fading

    def _output_at(self, passage: Passage, time: float) -> float:
        """Return the output in A at bench time `time` (s)."""
        line = ResponseLine(passage.staircase.lag, self._constant)
        since = time - passage.stretch.begin
        fading = float(self._fading(passage, line, np.array([since]))[0]) if since < line.memory else 0.0
        return self._steady_at(passage, line, time) + fading

    def _steady_at(self, passage: Passage, line: ResponseLine, time: float) -> float:
        """Return the steady-state output in A at bench time `time` (s)."""
        cycle = passage.staircase.cycle(0.0)
        outputs = self._steady_cycle(passage.staircase)[0]
        phase = math.fmod(max(time - passage.stretch.origin, 0.0), passage.stretch.period)
        k = int(cycle.step_of(phase))
        here = slice(k, k + 1)
        return float(line.output(cycle.targets[here], cycle.starts[here], outputs[here], phase - k * cycle.step)[0])


def _poisson_quantile(means: Array, uniforms: Array) -> Array:
    """Return Poisson numbers, exact up to a mean of 50, from the normal limit above; shape (n,)."""
    counts = np.zeros(len(means))
    large = means > 50.0
    spread = np.sqrt(means[large]) * ndtri(np.clip(uniforms[large], 1e-12, 1.0 - 1e-12))
    counts[large] = np.maximum(np.rint(means[large] + spread), 0.0)
    small = np.flatnonzero(~large)
    term = np.exp(-means[small])
    total = term.copy()
    for number in range(1, 200):
        beyond = uniforms[small] > total
        if not beyond.any():
            break
        counts[small[beyond]] = number
        term = term * means[small] / number
        total += term
    return counts
