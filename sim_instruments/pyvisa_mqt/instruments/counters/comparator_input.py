"""A counter's input: what lies between the connector and the comparator.

Termination, probe, coupling, filter and hysteresis change at which times a threshold is passed. The wires tell edges
only; behind a filter or with AC coupling the signal is taken for one of two levels, and both are followed exactly from
toggle to toggle, whenever they are asked for. Not confirmed (U): the corner of 10 Hz of the AC coupling, and that
every signal comes from 50 Ohm unless the bench file says otherwise.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.time_and_signals.signals import Wires

__all__ = ["Conditioning", "CounterInput", "divider"]

Array = NDArray[np.float64]

AC_CONSTANT = 1.0 / (2.0 * math.pi * 10.0)  # s
MEMORY = 15.0 * AC_CONSTANT  # s after which what was before does not matter
_LADDER = np.concatenate([-51.2 * 0.5 ** np.arange(16), [0.0], 51.2 * 0.5 ** np.arange(15, -1, -1)])
_HALVINGS = 14  # of the gap between two levels of the ladder
_TOLD = 1.0  # s: how far back is said what a signal does
_MOST_KEPT = 100_000  # edges behind coupling and filter that are remembered


def divider(source_impedance: float, terminated: bool) -> float:
    """Return which share of a source's open-circuit voltage reaches an input of 50 Ohm, or one of 1 MOhm (all)."""
    return 50.0 / (50.0 + source_impedance) if terminated else 1.0


@dataclass(frozen=True)
class Conditioning:
    """Settings of an input.

    Attributes
    ----------
    gain
        Share of the signal that reaches the comparator: termination and probe.
    ac
        Whether the mean is taken away.
    filter_constant
        Time constant in s of the low-pass filter; 0 for none.
    hysteresis
        In V at the comparator: after an event the signal has to go back this far beyond the threshold.
    """

    gain: float = 1.0
    ac: bool = False
    filter_constant: float = 0.0
    hysteresis: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether edges of the signal are edges at the comparator."""
        return not self.ac and not self.filter_constant


class CounterInput:
    """The signals at one input.

    Parameters
    ----------
    wires
        The bench as the counter sees it.
    ports
        Connectors of this input; what comes in on any of them counts.
    """

    def __init__(self, wires: Wires, *ports: str) -> None:
        self._wires = wires
        self._ports = ports
        self._followers: dict[tuple[Conditioning, float, bool], _Follower] = {}

    def raw(self, level: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the signal itself passes a level (V)."""
        found = [self._wires.edges(port, level, rising, since, until) for port in self._ports]
        return found[0] if len(found) == 1 else np.sort(np.concatenate(found))

    def edges(self, settings: Conditioning, level: float, rising: bool, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until, at which the comparator answers.

        Parameters
        ----------
        settings
            The input's settings.
        level
            Threshold in V at the comparator.
        rising
            Slope.
        """
        if not settings.hysteresis:
            return self._passages(settings, level, rising, since, until)
        sign = 1.0 if rising else -1.0
        # It is ready again once the signal was on the other side of the threshold by the hysteresis.
        back = level - sign * settings.hysteresis
        before = max(since - MEMORY, 0.0)
        events = self._passages(settings, level, rising, before, until)
        ready = self._passages(settings, back, not rising, before, until)
        accepted = _alternating(events, ready)
        return accepted[accepted > since]

    def _passages(self, settings: Conditioning, level: float, rising: bool, since: float, until: float) -> Array:
        if settings.plain:
            return self.raw(level / settings.gain, rising, since, until)
        key = settings, level, rising
        follower = self._followers.get(key)
        if follower is None or not follower.begun <= since <= follower.seen:
            if len(self._followers) >= 8:
                self._followers.clear()
            follower = self._followers[key] = _Follower(self, settings, level, rising, since)
        return follower.edges(since, until)

    def extremes(self, since: float, until: float) -> tuple[float, float] | None:
        """Return the lowest and the highest level in V that the signal passed, to a thousandth; None without edges."""
        crossed = [k for k, level in enumerate(_LADDER.tolist()) if self._crossed(level, since, until)]
        if not crossed:
            return None
        low = self._limit(float(_LADDER[crossed[0]]), float(_LADDER[max(crossed[0] - 1, 0)]), since, until)
        top = min(crossed[-1] + 1, len(_LADDER) - 1)
        return low, self._limit(float(_LADDER[crossed[-1]]), float(_LADDER[top]), since, until)

    def told(self, settings: Conditioning, now: float) -> str:
        """Return in words what the signal has done at the comparator up to bench time `now` (s)."""
        extremes = self.extremes(max(now - _TOLD, 0.0), now)
        if extremes is None:
            return f"nothing has moved there for {_TOLD:g} s"
        low, high = (settings.gain * level for level in extremes)
        coupled = ", before the AC coupling" if settings.ac else ""
        return f"the signal lies between {_volts(low)} and {_volts(high)} V{coupled}"

    def _crossed(self, level: float, since: float, until: float) -> bool:
        return any(len(self.raw(level, rising, since, until)) > 0 for rising in (True, False))

    def _limit(self, inside: float, outside: float, since: float, until: float) -> float:
        """Return where between a level that was passed and one that was not the signal ends."""
        for _ in range(_HALVINGS):
            middle = 0.5 * (inside + outside)
            if self._crossed(middle, since, until):
                inside = middle
            else:
                outside = middle
        return inside

    def offset(self, settings: Conditioning, extremes: tuple[float, float], since: float, until: float) -> float:
        """Return the mean in V that AC coupling takes away, from what the signal did between two times (s)."""
        if not settings.ac:
            return 0.0
        low, high = (settings.gain * level for level in extremes)
        middle = 0.5 * (extremes[0] + extremes[1])
        up, down = (self.raw(middle, rising, since, until) for rising in (True, False))
        times, states = _toggles(up, down)
        if not len(times):
            return low
        bounds = np.concatenate([[since], times, [until]])
        high_first = not states[0]
        is_high = np.concatenate([[high_first], states])
        share = float(np.sum(np.diff(bounds)[is_high])) / (until - since)
        return low + share * (high - low)


def _volts(level: float) -> str:
    """Write a level in V to a millivolt."""
    return f"{round(level, 3) + 0.0:g}"


def _alternating(events: Array, ready: Array) -> Array:
    """Return the events before each of which the comparator became ready since the event before; the first counts."""
    accepted = []
    last = -math.inf
    for time in events.tolist():
        armed = int(np.searchsorted(ready, time))
        if last == -math.inf or (armed > 0 and ready[armed - 1] > last):
            accepted.append(time)
            last = time
    return np.array(accepted)


def _toggles(up: Array, down: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the times at which a two-level signal changes, and whether it is high afterwards."""
    times = np.concatenate([up, down])
    states = np.concatenate([np.ones(len(up), dtype=np.bool_), np.zeros(len(down), dtype=np.bool_)])
    order = np.argsort(times, kind="stable")
    return times[order], states[order]


class _Follower:
    """Follows a two-level signal through coupling and filter, and tells when the result passes a threshold.

    Between two toggles the signal is s, behind the filter y = s + (y_0 - s) exp(-t/tau), its slow mean
    m = s + (m_0 - s) exp(-t/T), and the comparator sees y - m.
    """

    def __init__(self, source: CounterInput, settings: Conditioning, level: float, rising: bool, since: float) -> None:
        self._source, self._settings = source, settings
        self._level, self._rising = level, rising
        self.begun = since
        self.seen = max(since - MEMORY, 0.0)
        self._levels: tuple[float, float] | None = None
        self._high = False
        self._filtered = self._mean = 0.0
        self._walks: dict[int, float] = {}
        self._found: list[float] = []

    def edges(self, since: float, until: float) -> Array:
        """Return the sorted times in s, since < t <= until."""
        if until > self.seen:
            self._follow(until)
        if len(self._found) > 2 * _MOST_KEPT:
            self._found = self._found[-_MOST_KEPT:]
            self.begun = max(self.begun, self._found[0])
        # Neighbours can be out of order, by less than the time in which a threshold is looked for around an edge.
        found = np.array(self._found[bisect_left(self._found, since - 1e-3) :])
        return found[(found > since) & (found <= until)]

    def _follow(self, until: float) -> None:
        since = self.seen
        if self._levels is None:
            self._levels = self._source.extremes(since, until)
            if self._levels is None:  # nothing moves, and nothing is lost by beginning later
                self.seen = until
                return
            self._start(since, until)
        middle = 0.5 * sum(self._levels)
        up, down = (self._source.raw(middle, rising, since, until) for rising in (True, False))
        begin = since
        for time, high in zip(*(part.tolist() for part in _toggles(up, down)), strict=True):
            self._hold(begin, time)
            self._toggle(time, high)
            begin = time
        self._hold(begin, until)
        self.seen = until

    def _start(self, since: float, until: float) -> None:
        """Begin in the state before the first toggle, at rest."""
        middle = 0.5 * sum(self._levels or ())
        ups, downs = (self._source.raw(middle, rising, since, until) for rising in (True, False))
        self._high = bool(len(downs)) and (not len(ups) or bool(downs[0] < ups[0]))
        self._filtered = self._signal
        self._mean = self._signal if self._settings.ac else 0.0

    @property
    def _signal(self) -> float:
        low, high = self._levels or (0.0, 0.0)
        return self._settings.gain * (high if self._high else low)

    def _toggle(self, time: float, high: bool) -> None:
        """Let the signal change; without a filter the comparator sees a jump."""
        before = self._filtered - self._mean
        self._high = high
        if self._settings.filter_constant:
            return
        self._filtered = self._signal
        after = self._filtered - self._mean
        passed = before < self._level <= after if self._rising else before >= self._level > after
        if passed:
            self._found.append(time + self._walk(time, high))

    def _walk(self, time: float, high: bool) -> float:
        """Return how much later than the middle of an edge the signal itself passes the threshold, in s."""
        level = (self._level + self._mean) / self._settings.gain
        key = round(level * 1e3)
        if key not in self._walks:
            near = self._source.raw(level, high, time - 20e-6, time + 20e-6)
            self._walks[key] = float(near[np.argmin(np.abs(near - time))] - time) if len(near) else 0.0
        return self._walks[key]

    def _hold(self, begin: float, end: float) -> None:
        """Let the signal stay where it is between two times (s)."""
        span = end - begin
        if span <= 0.0:
            return
        signal = self._signal
        fast, slow = self._filtered - signal, self._mean - signal
        tau = self._settings.filter_constant

        def seen(time: float) -> float:
            quick = fast * math.exp(-time / tau) if tau else 0.0
            return signal + quick - (signal + slow * math.exp(-time / AC_CONSTANT) if self._settings.ac else 0.0)

        times = [0.0, *_turning(fast, slow if self._settings.ac else 0.0, tau, span), span]
        values = [seen(time) for time in times]
        for first, last, low, high in zip(times, times[1:], values, values[1:], strict=False):
            passed = low < self._level <= high if self._rising else low >= self._level > high
            if passed:
                self._found.append(begin + _bisected(seen, self._level, first, last))
        self._filtered = signal + (fast * math.exp(-span / tau) if tau else 0.0)
        if self._settings.ac:
            self._mean = signal + slow * math.exp(-span / AC_CONSTANT)


def _turning(fast: float, slow: float, tau: float, span: float) -> list[float]:
    """Return where fast exp(-t/tau) - slow exp(-t/T) turns round within the span (s), if it does."""
    if not tau or not slow or fast / slow <= 0.0:
        return []
    time = math.log(fast * AC_CONSTANT / (slow * tau)) / (1.0 / tau - 1.0 / AC_CONSTANT)
    return [time] if 0.0 < time < span else []


def _bisected(function: Callable[[float], float], level: float, first: float, last: float) -> float:
    """Return where a monotonic function passes a level."""
    below = function(first) < level
    for _ in range(50):
        middle = 0.5 * (first + last)
        if (function(middle) < level) == below:
            first = middle
        else:
            last = middle
    return last
