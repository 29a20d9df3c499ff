"""The I-V curve as a ramp source and a timing counter see it: at which current the voltage passes each threshold.

No instrument of the three roles reads a voltage. But a counter whose stop threshold is V marks the moment at which the
amplified voltage passes V, upwards on the rise of the current and downwards on its fall; the ramp turns moments
into currents. A scan of thresholds gives both branches, the height of the voltage step and the hysteresis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import convert
from mqtctl.acquisition.events import Remark
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.ramps import RampBench
from mqtctl.acquisition.reader import LONGEST_WAIT
from mqtctl.errors import GlitchError, LostError
from mqtctl.instruments.roles.experiment import StopEdge
from mqtctl.plan import Variant
from mqtctl.plan.variants import way_down

__all__ = ["IVCurve", "measure_iv_curve"]

#: Ramps at each threshold; their median is taken.
RAMPS = 15
#: Thresholds as multiples of the station's own; the scan ends at the first that the voltage does not reach.
STEP, MOST_STEPS = 0.25, 40
#: The height of the voltage step is narrowed down by so many halvings.
HALVINGS = 5


@dataclass(frozen=True)
class IVCurve:
    """Both branches of the curve.

    Attributes
    ----------
    thresholds
        Voltage in V at the counter's input, behind the amplifier, shape (n,).
    rising, falling
        Median current in A at which it was passed on the way up and down, same shape; NaN where it never was.
    highest_seen, lowest_unseen
        The amplified voltage of the voltage state in V lies between these; `lowest_unseen` is inf if
        every threshold was reached.
    """

    thresholds: NDArray[np.float64]
    rising: NDArray[np.float64]
    falling: NDArray[np.float64]
    highest_seen: float
    lowest_unseen: float


def measure_iv_curve(job: SweepJob, bench: RampBench) -> IVCurve:
    """Scan the stop threshold on the way up and on the way down; at the plan's first polarity."""
    up = job.plan.variants(None)[0]
    down = way_down(up, switches=RAMPS)
    own = job.station.counter.stop_edge
    own = own if up.polarity > 0 else own.mirrored
    rising: dict[float, float] = {}
    for step in range(1, MOST_STEPS + 1):
        threshold = step * STEP * own.threshold
        rising[threshold] = _median_current(job, bench, up, replace(own, threshold=threshold))
        if math.isnan(rising[threshold]):
            break
    low, high = _narrow(job, bench, up, own, rising)
    reached = sorted(rising, key=abs)
    falling = {
        threshold: _median_current(job, bench, down, StopEdge(threshold, not own.rising))
        if not math.isnan(rising[threshold])
        else math.nan
        for threshold in reached
    }
    return IVCurve(
        thresholds=np.array(reached),
        rising=np.array([rising[threshold] for threshold in reached]),
        falling=np.array([falling[threshold] for threshold in reached]),
        highest_seen=low,
        lowest_unseen=high,
    )


def _narrow(
    job: SweepJob, bench: RampBench, up: Variant, own: StopEdge, rising: dict[float, float]
) -> tuple[float, float]:
    """Halve the interval in which the voltage step ends, adding what is found; returns its ends in V."""
    seen = [abs(v) for v, current in rising.items() if not math.isnan(current)]
    unseen = [abs(v) for v, current in rising.items() if math.isnan(current)]
    low, high = max(seen, default=0.0), min(unseen, default=math.inf)
    if math.isinf(high) or low == 0.0:
        return low, high
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        threshold = math.copysign(middle, own.threshold)
        rising[threshold] = _median_current(job, bench, up, replace(own, threshold=threshold))
        low, high = (low, middle) if math.isnan(rising[threshold]) else (middle, high)
    return low, high


def _median_current(job: SweepJob, bench: RampBench, variant: Variant, edge: StopEdge) -> float:
    """Return the median current in A at which the edge came in a few ramps; NaN if it came in fewer than half.

    After a failed exchange the ramps are made once more.
    """
    job.check()
    ramp = bench.prepare(variant, edge)
    try:
        readings = _few_readings(job, ramp.period)
    except (GlitchError, LostError) as exc:
        job.notify(Remark(f"I-V curve: {exc}; the ramps at this threshold are made once more"))
        if isinstance(exc, LostError):
            bench.restore(exc)
        bench.prepare_again()
        readings = _few_readings(job, ramp.period)
    currents = convert(readings, ramp, job.station.counter.timeout_ramps).currents
    found = currents[np.isfinite(currents)]
    return float(np.median(found)) if 2 * found.size > RAMPS else math.nan


def _few_readings(job: SweepJob, period: float) -> NDArray[np.float64]:
    """Ramp a few times and return the intervals in s, inf for time-outs, shape (n_reading,)."""
    source, counter, clock = job.station.source, job.station.counter, job.station.clock
    source.start(RAMPS + 5)
    counter.arm(RAMPS)
    readings = np.empty(0)

    def take(count: int) -> NDArray[np.float64]:
        piece = counter.read(count)
        job.repeated.check(piece)
        return np.concatenate([readings, piece])

    # a counter without memory says only while it is read how many intervals came
    while readings.size < RAMPS and source.running():
        counter.wait_for(RAMPS - readings.size, min(RAMPS * period, LONGEST_WAIT))
        job.check()
        readings = take(RAMPS - readings.size)
    source.stop()
    clock.sleep(period)  # what the last ramp started has ended
    counter.stop()
    if (ready := min(counter.available(), RAMPS - readings.size)) > 0:
        readings = take(ready)
    return readings
