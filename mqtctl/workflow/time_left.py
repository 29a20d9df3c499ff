"""How long it will still take on the laboratory's clock: settling and ramping by themselves, this point and all."""

from __future__ import annotations

import math

from mqtctl.acquisition import BlockStored, PointFinished, Settling

__all__ = ["TimeLeft"]


class TimeLeft:
    """Follows the events of a measurement and estimates the time that is left, in s.

    Settling: the approach so far is continued as an exponential until the band is reached, and then comes the dwell.
    Ramping: the switches that are still wanted, at the rate so far. Points to come are taken to last as long as
    those that are done, or as the present one where none is.
    """

    def __init__(self) -> None:
        self._settled: list[float] = []
        self._ramped: list[float] = []
        self._points_to_come = 0
        self._point = -1
        self._approach: list[tuple[float, float]] = []
        self._settling: Settling | None = None
        self._done_here = 0.0
        self._block: BlockStored | None = None
        self._last_block = 0.0
        self._passed = 0.0

    def take(self, event: object) -> None:
        """Take an event."""
        match event:
            case Settling():
                self._enter(event.point, event.points)
                self._settling = event
                self._approach.append((event.elapsed, abs(event.temperature - event.target)))
            case BlockStored():
                self._enter(event.point, event.points)
                self._end_settling()
                self._block, self._last_block = event, event.elapsed
            case PointFinished():
                self._done_here += self._last_block
                self._block = None
                self._last_block = 0.0
            case _:
                pass

    @property
    def passed(self) -> float:
        """Of settling and ramping so far."""
        here = self._settling.elapsed if self._settling else 0.0
        return self._passed + here + self._done_here + self._last_block

    @property
    def settling_here(self) -> float:
        """Until this set point counts as reached."""
        return self._settling_left() if self._settling else 0.0

    @property
    def ramping_here(self) -> float:
        """For this point's ramps; NaN before anything is known of any."""
        known = self._ramping_of_a_point() - self._done_here - self._last_block
        return max(known, self._left_of_block()) if not math.isnan(known) else known

    @property
    def settling(self) -> float:
        """For this and all further set points."""
        mean = sum(self._settled) / len(self._settled) if self._settled else self._present_settling()
        return self.settling_here + self._points_to_come * mean

    @property
    def ramping(self) -> float:
        """For the ramps of this and all further points; NaN before anything is known of any."""
        return self.ramping_here + self._points_to_come * self._ramping_of_a_point()

    def _enter(self, point: int, points: int) -> None:
        """Note that events are about this point, and close the one before."""
        if point == self._point:
            return
        if self._done_here:
            self._ramped.append(self._done_here)
        self._passed += self._done_here + self._last_block
        self._point, self._points_to_come = point, points - point - 1
        self._done_here = self._last_block = 0.0
        self._block = self._settling = None
        self._approach = []

    def _end_settling(self) -> None:
        if self._settling is not None:
            self._settled.append(self._settling.elapsed)
            self._passed += self._settling.elapsed
            self._settling = None

    def _present_settling(self) -> float:
        return self._settling.elapsed + self._settling_left() if self._settling else 0.0

    def _settling_left(self) -> float:
        """Return the time to the band and through the dwell; at least one reading's worth is always left."""
        event = self._settling
        if event is None:
            return 0.0
        edge = event.band * event.target
        inside = 0.0
        for elapsed, distance in reversed(self._approach):
            if distance > edge:
                break
            inside = event.elapsed - elapsed
        if self._approach[-1][1] <= edge:
            return max(0.0, event.dwell - inside)
        return event.dwell + self._to_the_edge(edge)

    def _to_the_edge(self, edge: float) -> float:
        """Continue the last third of the approach as an exponential; without one, what settling took before."""
        recent = self._approach[-max(3, len(self._approach) // 3) :]
        (first, far), (last, near) = recent[0], recent[-1]
        if near < far and last > first and edge > 0.0:
            return (last - first) * math.log(near / edge) / math.log(far / near)
        usual = sum(self._settled) / len(self._settled) if self._settled else 0.0
        return max(0.0, usual - last)

    def _left_of_block(self) -> float:
        """Return what is left of the histogram that is being taken."""
        block = self._block
        return 0.0 if block is None else block.elapsed * (block.wanted - block.switches) / max(block.switches, 1)

    def _ramping_of_a_point(self) -> float:
        """Return how long the ramps of a whole point take; NaN before anything is known of any."""
        if self._ramped:
            return sum(self._ramped) / len(self._ramped)
        if self._block is None and not self._done_here:
            return math.nan
        return self._done_here + self._last_block + self._left_of_block()
