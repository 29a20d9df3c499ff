"""What the 53230A can measure: for each function which events it looks at and what it makes of their times.

Functions beyond time interval, frequency and period follow the Programmer's Reference as far as the project's notes
tell; what they do not tell (U): that falling times begin at level 2, and that time stamps count from INITiate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pyvisa_mqt.instruments.counters.interval_timing import (
    Arming,
    Readings,
    armed_intervals,
    gated_periods,
    start_stop_intervals,
)

__all__ = ["FUNCTIONS", "Conditions", "Function"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Conditions:
    """Under which conditions readings are taken.

    Attributes
    ----------
    armed, now
        Between which bench times, s.
    limit
        Largest number of readings.
    timeout, dead_time
        Longest duration of a reading and time behind it, s.
    gate
        Gate time of averaging functions, s.
    arming
        What else a time interval waits for; None for nothing.
    begun
        When the measurement was initiated, s.
    """

    armed: float
    now: float
    limit: int
    timeout: float
    dead_time: float
    gate: float
    arming: Arming | None
    begun: float


Measure = Callable[[Array, Array, Conditions], Readings]


def _interval(starts: Array, stops: Array, c: Conditions) -> Readings:
    if c.arming is not None:
        return armed_intervals(
            starts, stops, c.arming, armed=c.armed, now=c.now, limit=c.limit, timeout=c.timeout, dead_time=c.dead_time
        )
    return start_stop_intervals(
        starts, stops, armed=c.armed, now=c.now, limit=c.limit, timeout=c.timeout, dead_time=c.dead_time
    )


def _single_period(starts: Array, stops: Array, c: Conditions) -> Readings:
    return _interval(starts, starts, replace(c, arming=None))


def _share_of_period(starts: Array, stops: Array, c: Conditions) -> Readings:
    """Return the interval to the next stop as a share of the period that contains it."""
    periods = _single_period(starts, stops, c)
    begins = periods.ends - periods.values
    following = np.searchsorted(stops, begins + 1e-15, side="right")
    known = np.append(stops, np.inf)[following]
    with np.errstate(invalid="ignore"):
        shares = np.where(np.isfinite(periods.values), (known - begins) / periods.values, np.inf)
    return Readings(np.array(shares), periods.ends, periods.armed)


def _phase(starts: Array, stops: Array, c: Conditions) -> Readings:
    shares = _share_of_period(starts, stops, c)
    degrees = 360.0 * shares.values
    values = np.asarray(np.where(degrees <= 180.0, degrees, degrees - 360.0), dtype=np.float64)
    return Readings(values, shares.ends, shares.armed)


def _mean_period(starts: Array, stops: Array, c: Conditions) -> Readings:
    return gated_periods(
        starts, armed=c.armed, now=c.now, limit=c.limit, timeout=c.timeout, dead_time=c.dead_time, gate=c.gate
    )


def _mean_frequency(starts: Array, stops: Array, c: Conditions) -> Readings:
    periods = _mean_period(starts, stops, c)
    with np.errstate(divide="ignore"):
        return replace(periods, values=np.where(np.isfinite(periods.values), 1.0 / periods.values, np.inf))


def _ratio(starts: Array, stops: Array, c: Conditions) -> Readings:
    """Return how often the first signal repeats for each time that the second does, over the second one's gate."""
    periods = _mean_period(stops, stops, c)
    ratios = []
    for end in periods.ends.tolist():
        here = starts[(starts > end - c.gate) & (starts <= end)]
        rate = (len(here) - 1) / (here[-1] - here[0]) if len(here) > 1 else np.inf
        ratios.append(rate)
    values = np.array(ratios) * periods.values
    return replace(periods, values=np.where(np.isfinite(values), values, np.inf))


def _count(starts: Array, stops: Array, c: Conditions) -> Readings:
    """Count events during gates that follow one another."""
    duration = c.gate + c.dead_time
    number = min(c.limit, max(int((c.now - c.armed + c.dead_time) / duration + 1e-9), 0))
    begins = np.asarray(c.armed + duration * np.arange(number), dtype=np.float64)
    ends = begins + c.gate
    counts = np.searchsorted(starts, ends, side="right") - np.searchsorted(starts, begins, side="right")
    armed = c.armed + duration * number
    return Readings(counts.astype(np.float64), ends, armed)


def _time_stamps(starts: Array, stops: Array, c: Conditions) -> Readings:
    times = starts[np.searchsorted(starts, c.armed, side="right") :][: c.limit]
    return Readings(times - c.begun, times, float(times[-1]) if len(times) else c.armed)


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes
    ----------
    node
        Its place under CONFigure and MEASure.
    channels
        On how many channels it looks.
    events
        Which event (1, 2) of each channel, and the slope if it is not a setting, of start and stop; for one
        channel both are on it.
    measure
        Makes readings, inf where the time-out struck, of the events' times.
    unit
        Behind DATA:LAST?.
    timeout_bit
        Of the questionable register.
    gated
        Whether it averages over the gate time.
    """

    node: str
    channels: int
    events: tuple[tuple[int, str], ...]
    measure: Measure
    unit: str = "S"
    timeout_bit: int = 1 << 2
    gated: bool = False


_OWN = ((1, ""),)
_BOTH = ((1, ""), (1, ""))
_FREQUENCY, _PHASE, _TOTALIZE = 1 << 5, 1 << 6, 1 << 9
FUNCTIONS: Mapping[str, Function] = {
    "FREQ": Function("FREQuency", 1, _OWN, _mean_frequency, "HZ", _FREQUENCY, gated=True),
    "FREQ:RAT": Function("FREQuency:RATio", 2, _BOTH, _ratio, "", _FREQUENCY, gated=True),
    "PER": Function("PERiod", 1, _OWN, _mean_period, "S", _FREQUENCY, gated=True),
    "SPER": Function("SPERiod", 1, _OWN, _single_period),
    "TINT": Function("TINTerval", 2, _BOTH, _interval),
    "RTIM": Function("RTIMe", 1, ((1, "POS"), (2, "POS")), _interval),
    "FTIM": Function("FTIMe", 1, ((2, "NEG"), (1, "NEG")), _interval),
    "PWID": Function("PWIDth", 1, ((1, "POS"), (1, "NEG")), _interval),
    "NWID": Function("NWIDth", 1, ((1, "NEG"), (1, "POS")), _interval),
    "PDUT": Function("PDUTycycle", 1, ((1, "POS"), (1, "NEG")), _share_of_period, ""),
    "NDUT": Function("NDUTycycle", 1, ((1, "NEG"), (1, "POS")), _share_of_period, ""),
    "PHAS": Function("PHASe", 2, _BOTH, _phase, "DEG", _PHASE),
    "TOT": Function("TOTalize[:TIMed]", 1, _OWN, _count, "", _TOTALIZE, gated=True),
    "TST": Function("ARRay:TSTamp", 1, _OWN, _time_stamps),
}
