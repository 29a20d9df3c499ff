"""How long the measurement will take, from how long the rehearsal's shorter one took on the same clock."""

from __future__ import annotations

from mqtctl.storage import StoredPoint

__all__ = ["Growth", "ramps_of"]


def ramps_of(point: StoredPoint) -> int:
    """Return how many ramps a histogram took: those with a switch and those without one."""
    return int(point.histogram.switching_currents.size) + point.histogram.censored


class Growth:
    """Extrapolates the duration of a histogram to more switches.

    The time is that of the rehearsed histogram, times the ratio of switches, times how much less or more a
    ramp takes in a long histogram than in a short one: bursts of the source that end and begin again, arming, and
    the read-out of the last block.

    Parameters
    ----------
    short, long
        A short and a long histogram of the same ramp; None where nothing has to be extrapolated.
    """

    def __init__(self, short: StoredPoint | None, long: StoredPoint | None) -> None:
        self._correction = 1.0
        if short is None or long is None:
            return
        times = [point.duration / ramps_of(point) for point in (short, long)]
        self._correction = times[1] / times[0]

    def duration(self, point: StoredPoint, switches: int) -> float:
        """Return the time in s that a histogram like this one takes with so many switches."""
        taken = int(point.histogram.switching_currents.size)
        if taken == 0 or switches == taken:
            return point.duration
        return point.duration * switches / taken * self._correction
