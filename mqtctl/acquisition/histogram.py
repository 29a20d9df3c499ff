"""Acquires one switching histogram in blocks, reading each out while the counter measures the next."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block, convert
from mqtctl.clock import Clock
from mqtctl.errors import HardwareError
from mqtctl.instruments.roles import RampSource, TimingCounter
from mqtctl.quantities import readable
from mqtctl.records import MeasuredRamp

__all__ = ["HistogramRequest", "Tally", "acquire_histogram"]

#: A burst of ramps lasts at most this long (s), so that a source whose computer died comes to rest by itself.
MAX_BURST = 60.0
#: Ramps beyond those needed, so that the counter fills before the source stops: a share of them, and a time (s)
#: in which the counter is armed while the source already ramps.
SPARE_SHARE, SPARE_TIME = 0.01, 0.1
#: If no reading at all comes for so many periods (and this long, s) the start marker is not arriving.
SILENT_PERIODS, SILENT_TIME = 50, 5.0
#: Shortest wait between two looks at the counter in s.
POLL = 2e-3


@dataclass(frozen=True)
class HistogramRequest:
    """How many switches, in blocks of how many readings, and when to give up (empty ramps in a row)."""

    switches: int
    block: int
    empty_ramps_limit: int


@dataclass(frozen=True)
class Tally:
    """What was acquired.

    Attributes
    ----------
    switches, censored
        Switches on the rise, and ramps that reached the top without one.
    bursts
        Number of bursts of the source.
    duration
        Time in s from the first ramp to the acknowledgement of the last block.
    live_fraction
        switches x period / duration: the share of time in which ramps became data.
    """

    switches: int
    censored: int
    bursts: int
    duration: float
    live_fraction: float


class _Collector:
    """Gathers readings, hands them on in blocks and counts."""

    def __init__(
        self, ramp: MeasuredRamp, request: HistogramRequest, timeout_ramps: int, store: Callable[[Block], None]
    ) -> None:
        self.ramp = ramp
        self.chunk = max(1, min(request.block, request.empty_ramps_limit // timeout_ramps))
        self._timeout_ramps = timeout_ramps
        self._request = request
        self._store = store
        self._pending: list[NDArray[np.float64]] = []
        self._pending_size = 0
        self._empty_in_a_row = 0
        self.switches = 0
        self.censored = 0

    def add(self, readings: NDArray[np.float64]) -> None:
        """Take readings, storing every full block; raises `HardwareError` after too many empty ramps in a row."""
        if readings.size == 0:
            return
        block = self._convert(readings)
        self.switches += block.switches
        self.censored += block.censored
        self._pending.append(readings)
        self._pending_size += readings.size
        while self._pending_size >= self._request.block:
            self._flush(self._request.block)
        self._watch_empty_ramps(readings, block)

    def _convert(self, readings: NDArray[np.float64]) -> Block:
        """Sort readings of this counter on this ramp."""
        return convert(readings, self.ramp, self._timeout_ramps)

    def finish(self) -> None:
        """Store what is left."""
        if self._pending_size:
            self._flush(self._pending_size)

    def _flush(self, count: int) -> None:
        """Store the oldest `count` readings as one block."""
        readings = np.concatenate(self._pending)
        self._store(self._convert(readings[:count]))
        self._pending = [readings[count:]]
        self._pending_size = readings.size - count

    def _watch_empty_ramps(self, readings: NDArray[np.float64], block: Block) -> None:
        """Count ramps without a switch since the last switch."""
        switched = np.flatnonzero(np.isfinite(readings))[np.isfinite(block.currents)]
        if switched.size:
            self._empty_in_a_row = self._timeout_ramps * int(readings.size - 1 - switched[-1])
        else:
            self._empty_in_a_row += block.censored
        if self._empty_in_a_row >= self._request.empty_ramps_limit:
            raise HardwareError(
                f"{self._empty_in_a_row} ramps in a row reached {readable(self.ramp.stop_current, 'A')} without a "
                "switch; the current is never raised by itself: check the wiring and the stop threshold, or plan a "
                "higher ramp.stop_current within the sample's limit"
            )


def acquire_histogram(
    source: RampSource,
    counter: TimingCounter,
    ramp: MeasuredRamp,
    request: HistogramRequest,
    *,
    clock: Clock,
    store: Callable[[Block, float], None],
    watch: Callable[[], None],
) -> Tally:
    """Take switches until there are as many as requested.

    Source and counter must have been configured for `ramp`. The counter has memory, so blocks are
    read out, converted and stored while it goes on measuring.

    Parameters
    ----------
    store
        Called with each block and the time in s since the first ramp; returns when it is on disk.
    watch
        Called between looks at the counter; may raise to stop.

    Raises
    ------
    HardwareError
        No start markers, too many empty ramps in a row, or an instrument fault.
    """
    first = clock.now()
    collector = _Collector(ramp, request, counter.timeout_ramps, lambda block: store(block, clock.now() - first))
    bursts = 0
    while collector.switches < request.switches:
        wanted = min(request.switches - collector.switches, counter.memory, _longest_burst(ramp))
        source.start(wanted + _spare_ramps(ramp, wanted))
        if bursts == 0:
            first = clock.now()
        bursts += 1
        counter.arm(wanted)
        _read_burst(source, counter, collector, wanted, clock=clock, watch=watch)
        source.stop()
    collector.finish()
    duration = clock.now() - first
    return Tally(
        switches=collector.switches,
        censored=collector.censored,
        bursts=bursts,
        duration=duration,
        live_fraction=collector.switches * ramp.period / duration,
    )


def _longest_burst(ramp: MeasuredRamp) -> int:
    """Return how many ramps fit into the longest burst, at least one hundred."""
    return max(100, int(MAX_BURST / ramp.period))


def _spare_ramps(ramp: MeasuredRamp, wanted: int) -> int:
    """Return how many ramps beyond the wanted ones a burst needs."""
    return 5 + math.ceil(SPARE_SHARE * wanted + SPARE_TIME / ramp.period)


def _read_burst(
    source: RampSource,
    counter: TimingCounter,
    collector: _Collector,
    wanted: int,
    *,
    clock: Clock,
    watch: Callable[[], None],
) -> None:
    """Read `wanted` readings of one burst as they come, or all there are when the burst ends before.

    Time-outs after the last ramp are no ramps without a switch: readings taken after the source
    stopped lose their trailing infinities.
    """
    period = collector.ramp.period
    taken = 0
    news = clock.now()
    while taken < wanted:
        running = source.running()  # asked before the counter, so that what is ready was taken while it ran
        ready = counter.available()
        if ready:
            news = clock.now()
        enough = min(collector.chunk, wanted - taken)
        if ready >= enough:
            readings = counter.read(min(ready, wanted - taken))
            taken += readings.size
            collector.add(readings if running else _without_trailing_timeouts(readings))
        elif not running:
            counter.stop()
            rest = min(counter.available(), wanted - taken)
            if rest:
                collector.add(_without_trailing_timeouts(counter.read(rest)))
            return
        elif clock.now() - news > max(SILENT_TIME, SILENT_PERIODS * period):
            raise HardwareError(
                "the counter takes no readings although the source ramps; the start marker does not arrive: "
                "check its cable, threshold and slope"
            )
        else:
            clock.sleep(max(POLL, min((enough - ready) * period, 1.0)))
        watch()


def _without_trailing_timeouts(readings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return readings up to the last finite one."""
    finite = np.flatnonzero(np.isfinite(readings))
    return readings[: finite[-1] + 1] if finite.size else readings[:0]
