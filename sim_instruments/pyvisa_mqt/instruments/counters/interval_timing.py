"""Which edges a timing counter catches: arming, first start, first stop behind it, dead time, time-out.

Pure functions of edge times; the counter's skipped ramps and missing stops come from here.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arming", "Readings", "armed_intervals", "gated_periods", "next_start", "start_stop_intervals"]

Array = NDArray[np.float64]

_NEVER = np.array([math.inf])
#: Value and end of a reading that is not complete yet.
_UNKNOWN = (math.inf, math.inf)


@dataclass(frozen=True)
class Readings:
    """What a counter measured.

    Attributes
    ----------
    values
        Intervals or periods in s in order of time, inf where the time-out struck, shape (n_reading,).
    ends
        When each was complete, s, same shape.
    armed
        From when on (s) the next start edge counts.
    """

    values: Array
    ends: Array
    armed: float


def start_stop_intervals(
    starts: Array,
    stops: Array,
    *,
    armed: float,
    now: float,
    limit: int,
    timeout: float,
    dead_time: float,
    holdoff: float = 0.0,
) -> Readings:
    """Pair start and stop edges as a re-arming counter does.

    Once armed, the first start edge begins a reading and the first stop edge behind it ends it;
    after the dead time the counter is armed again. Edges in between go unnoticed.

    Parameters
    ----------
    starts, stops
        Sorted edge times in s up to `now`, shapes (n_start,) and (n_stop,).
    armed
        From when on start edges count, s.
    now
        Bench time in s; nothing later is known yet.
    limit
        Largest number of readings.
    timeout
        Longest duration in s of a reading, counted from its arming; may be infinite.
    dead_time
        Time in s from the end of a reading until the counter is armed again.
    holdoff
        Time in s behind the start edge in which stop edges are ignored.
    """
    following = np.searchsorted(stops, starts + holdoff, side="right")
    ends = np.concatenate((stops, _NEVER))[following]
    start_list, end_list = starts.tolist(), ends.tolist()
    irregular = _irregular(starts, ends, timeout, dead_time).tolist()
    picked: list[int] = []
    expired: list[tuple[int, float]] = []
    index = bisect_right(start_list, armed)
    while len(picked) < limit:
        deadline = armed + timeout
        missed = index >= len(start_list) or start_list[index] > deadline or end_list[index] > deadline
        if missed:
            if deadline > now:
                break
            expired.append((len(picked), deadline))
            picked.append(-1)
            armed = deadline + dead_time
        elif end_list[index] == math.inf:
            break
        else:
            run_end = irregular[bisect_left(irregular, index)] + 1
            run_end = min(run_end, index + limit - len(picked))
            picked.extend(range(index, run_end))
            armed = end_list[run_end - 1] + dead_time
        index = bisect_right(start_list, armed)
    return _readings(starts, ends, picked, expired, armed)


def _irregular(starts: Array, ends: Array, timeout: float, dead_time: float) -> NDArray[np.int64]:
    """Return the indices of start edges after whose reading the very next start edge does not give one."""
    ended = int(ends.searchsorted(math.inf))
    if not ended:
        return np.arange(len(starts))
    rearmed = ends[: ended - 1] + dead_time
    in_time = (starts[1:ended] > rearmed) & (ends[1:ended] - rearmed <= timeout)
    return np.concatenate((np.flatnonzero(~in_time), np.arange(ended - 1, len(starts))))


def _readings(
    starts: Array, ends: Array, picked: list[int], expired: list[tuple[int, float]], armed: float
) -> Readings:
    if not len(starts):
        count = len(picked)
        return Readings(np.full(count, math.inf), np.array([deadline for _, deadline in expired]), armed)
    chosen = np.array(picked, dtype=np.int64)
    values = ends[chosen] - starts[chosen]
    times = ends[chosen]
    for position, deadline in expired:
        values[position] = math.inf
        times[position] = deadline
    return Readings(values, times, armed)


def gated_periods(
    edges: Array, *, armed: float, now: float, limit: int, timeout: float, dead_time: float, gate: float
) -> Readings:
    """Measure the mean period over a gate time, edge to edge.

    Parameters
    ----------
    edges
        Sorted edge times in s up to `now`, shape (n_edge,).
    gate
        Least time in s from the first edge to the last; the last is the first edge at or behind it.

    Other parameters and the result as in `start_stop_intervals`.
    """
    begin = int(edges.searchsorted(armed, side="right"))
    if armed + timeout > now and (begin == len(edges) or edges[-1] < edges[begin] + gate):
        return Readings(np.zeros(0), np.zeros(0), armed)  # said at once, however many edges there are within the gate
    times = edges.tolist()

    def following(armed: float) -> tuple[float, float]:
        first = bisect_right(times, armed)
        last = max(bisect_left(times, times[first] + gate), first + 1) if first < len(times) else len(times)
        return ((times[last] - times[first]) / (last - first), times[last]) if last < len(times) else _UNKNOWN

    return _one_by_one(following, armed, now, limit, timeout, dead_time)


def _one_by_one(
    following: Callable[[float], tuple[float, float]],
    armed: float,
    now: float,
    limit: int,
    timeout: float,
    dead_time: float,
) -> Readings:
    """Take readings; `following` gives value and end of the one behind an arming, an end of inf if not known yet."""
    values: list[float] = []
    ends: list[float] = []
    while len(values) < limit:
        deadline = armed + timeout
        value, end = following(armed)
        if end < math.inf and end <= deadline:
            values.append(value)
            ends.append(end)
        elif deadline <= now:
            values.append(math.inf)
            ends.append(deadline)
        else:
            break
        armed = ends[-1] + dead_time
    return Readings(np.array(values), np.array(ends), armed)


@dataclass(frozen=True)
class Arming:
    """What a reading waits for besides its start and stop.

    Attributes
    ----------
    gates
        Sorted times in s of edges of which one has to come before a start counts, shape (n_gate,); None if none has.
    delay, delay_events
        Behind the gate (or the arming): time in s, and number of start edges, that are let pass.
    holdoff, holdoff_events
        Behind the start: time in s, and number of stop edges, that are let pass.
    """

    gates: Array | None = None
    delay: float = 0.0
    delay_events: int = 0
    holdoff: float = 0.0
    holdoff_events: int = 0


def armed_intervals(
    starts: Array,
    stops: Array,
    arming: Arming,
    *,
    armed: float,
    now: float,
    limit: int,
    timeout: float,
    dead_time: float,
) -> Readings:
    """Pair start and stop edges as `start_stop_intervals` does, each reading with a gate, a delay and a holdoff."""

    def following(armed: float) -> tuple[float, float]:
        start = next_start(starts, arming, armed)
        stop = _nth(stops, start + arming.holdoff, arming.holdoff_events)
        return stop - start, stop

    return _one_by_one(following, armed, now, limit, timeout, dead_time)


def next_start(starts: Array, arming: Arming, armed: float) -> float:
    """Return when (s) the next reading starts, inf where that is not known yet."""
    gate = armed if arming.gates is None else _nth(arming.gates, armed, 0)
    return _nth(starts, gate + arming.delay, arming.delay_events)


def _nth(times: Array, since: float, skipped: int) -> float:
    """Return the first time behind `since` that is left when some have been skipped, inf if there is none."""
    index = int(times.searchsorted(since, side="right")) + skipped
    return float(times[index]) if index < len(times) else math.inf
