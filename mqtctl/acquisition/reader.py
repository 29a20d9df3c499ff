"""Moves the readings of a burst of ramps from the counter to the collector, while the counter measures on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.blocks import LAST_PIECE_TIME, Pieces
from mqtctl.acquisition.collector import Collector
from mqtctl.acquisition.repetition import RepeatedReadings
from mqtctl.clock import Clock
from mqtctl.errors import GlitchError, HardwareError
from mqtctl.instruments.roles.experiment import RampSource, TimingCounter

__all__ = ["Reader"]

#: If no reading at all comes for so many periods (and this long, s) the start marker is not arriving.
SILENT_PERIODS, SILENT_TIME = 50, 5.0
#: A piece that is not complete after so many times the time that as many ramps take, or that and so long (s), is read
#: as it is: that is how a junction that switches no more is noticed.
LATE_PIECES, LATE_TIME = 2.0, 0.25
#: So many bursts one after the other may end without a reading.
MOST_BARREN = 3
#: Longest wait for readings in s between two looks at the bath and at a request to stop; shortest, between two looks
#: at the counter.
LONGEST_WAIT, SHORTEST_WAIT = 1.8, 2e-3

#: Readings may stand for so many more ramps (and this share) than the computer's clock says that there were.
SPARE_RAMPS, SPARE_RAMP_SHARE = 3, 1e-3

NO_MARKER = (
    "the counter takes no readings although the source ramps; the start marker does not arrive: "
    "check its cable, threshold and slope"
)
NO_RAMPS = (
    "burst after burst the source stopped before a ramp had switched; check that it makes the ramps it is asked for, "
    "the wiring and the stop threshold, or plan a higher ramp.stop_current within the sample's limit"
)


class Reader:
    """Reads one burst after the other; a piece that has come before is refused.

    Time-outs that the counter reads after the source's last ramp are no ramps without a switch. So time-outs at the
    end of a piece are held back until a switch comes after them or the source is found still ramping, which it then
    was all the time; those that are left when the burst is over are dropped. `confirm` is called between reading a
    piece and handing it on; it raises if the ramps were not what they should be.
    """

    def __init__(
        self,
        source: RampSource,
        counter: TimingCounter,
        collector: Collector,
        pieces: Pieces,
        clock: Clock,
        watch: Callable[[], None],
        *,
        repeated: RepeatedReadings | None = None,
        confirm: Callable[[], None] = lambda: None,
    ) -> None:
        self._source, self._counter, self._collector = source, counter, collector
        self._pieces, self._clock, self._watch = pieces, clock, watch
        self._confirm = confirm
        self._held = np.empty(0)
        self._repeated = repeated
        self._barren = 0
        self._period, self._begun, self._ramps = 1.0, 0.0, 0.0
        # time in s of all bursts, each up to the last look at the counter: what was there then is with the collector
        self.ramping_time = 0.0

    def read(self, armed: int, period: float, begun: float) -> None:
        """Read the `armed` readings of a burst as they come, or all there are when it ends before.

        Parameters
        ----------
        period
            Time in s from one ramp to the next.
        begun
            When the burst began, in s.

        Raises
        ------
        HardwareError
            None comes at all, or none before the source stops, burst after burst.
        """
        self._held = np.empty(0)
        self._period, self._begun, self._ramps = period, begun, 0.0
        before = self._collector.readings
        taken = self._read_while_ramping(armed, period, begun)
        if taken < armed:
            taken += self._take_the_rest(armed - taken)
        self._barren = 0 if self._collector.readings > before else self._barren + 1
        if self._barren == MOST_BARREN:
            raise HardwareError(NO_RAMPS if taken else NO_MARKER)

    def _read_while_ramping(self, armed: int, period: float, begun: float) -> int:
        """Read until everything is there, enough is, or the source has stopped; returns how many readings came."""
        earlier, taken = self.ramping_time, 0
        patience = max(SILENT_TIME, SILENT_PERIODS * period)
        news = self._clock.now()
        while taken < armed and self._collector.missing:
            enough = min(self._pieces.next(taken, armed - taken), max(1, self._collector.until_look))
            late = max(min(LATE_PIECES * enough * period, enough * period + LATE_TIME), LAST_PIECE_TIME)
            asked = self._clock.now()
            self._counter.wait_for(enough, min(max(late - (asked - news), SHORTEST_WAIT), LONGEST_WAIT))
            ready = min(self._counter.available(), armed - taken)
            self.ramping_time = earlier + self._clock.now() - begun
            silent = self._clock.now() - news
            if ready >= enough or (ready and silent >= late):
                taken += self._take(ready)
                news = self._clock.now()
            elif not self._source.running():
                break
            elif silent > patience:
                raise HardwareError(NO_MARKER)
            else:
                self._give_time(asked)
            self._watch()
        return taken

    def _give_time(self, asked: float) -> None:
        """Sleep if hardly any time passed since then: an adapter that cannot wait must not keep the line busy."""
        too_soon = SHORTEST_WAIT - (self._clock.now() - asked)
        if too_soon > 0.0:
            self._clock.sleep(too_soon)

    def _take(self, count: int) -> int:
        """Read at most `count` readings, hand them on, and return how many came."""
        readings = self._counter.read(count)
        self._require_time_for(readings)
        if self._repeated is not None:
            self._repeated.check(readings)
        self._confirm()
        certain, self._held = _up_to_the_last_switch(np.concatenate([self._held, readings]))
        if self._held.size and self._source.running():
            certain, self._held = np.concatenate([certain, self._held]), self._held[:0]
        self._collector.add(certain)
        return readings.size

    def _require_time_for(self, readings: NDArray[np.float64]) -> None:
        """Raise `GlitchError` if readings (s, inf for time-outs) stand for more ramps than there was time for.

        A time-out takes many ramps; a reply that is not a number, where a switch was, is none.
        """
        finite = readings[np.isfinite(readings)]
        timeouts = readings.size - finite.size
        self._ramps += float(np.floor(finite / self._period).sum()) + finite.size
        self._ramps += timeouts * self._counter.timeout_ramps
        there_were = (self._clock.now() - self._begun) / self._period
        if timeouts and self._ramps > SPARE_RAMPS + (1.0 + SPARE_RAMP_SHARE) * there_were:
            raise GlitchError(
                f"{timeouts} of the counter's last {readings.size} readings are time-outs that there was no time for: "
                f"they would make {self._ramps:.0f} ramps in the time of {there_were:.0f}; they are dropped"
            )

    def _take_the_rest(self, most: int) -> int:
        """End the measurement, hand on what the counter has, and return how much that was."""
        self._counter.stop()
        taken = 0
        while taken < most and (ready := min(self._counter.available(), most - taken)):
            came = self._take(ready)
            if not came:
                break
            taken += came
        return taken


def _up_to_the_last_switch(readings: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return readings up to the last finite one, and the time-outs behind it."""
    finite = np.flatnonzero(np.isfinite(readings))
    end = int(finite[-1]) + 1 if finite.size else 0
    return readings[:end], readings[end:]
