"""Acquires one switching histogram, reading the counter out in pieces while it measures on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from mqtctl.acquisition.blocks import Pieces, block_size, message_latency
from mqtctl.acquisition.collector import Collector
from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.goal import Look, PrecisionGoal, Standing, StoppingRule
from mqtctl.acquisition.guards.watching import look_after
from mqtctl.acquisition.reader import Reader
from mqtctl.acquisition.repetition import RepeatedReadings
from mqtctl.acquisition.retry import BATH_FAULTS, INTERRUPTIONS, Interruption, Setbacks
from mqtctl.clock import Clock
from mqtctl.errors import HardwareError, LostError
from mqtctl.instruments.roles.experiment import RampSource, TimingCounter
from mqtctl.records import MeasuredRamp

__all__ = ["HistogramRequest", "Tally", "acquire_histogram"]

#: What is done about an interrupted burst: (the fault, what is said about it).
Recover = Callable[[Interruption, str], None]

#: A burst of ramps lasts at most this long (s), so that a source whose computer died comes to rest by itself.
MAX_BURST = 60.0
#: Ramps beyond those needed, so that the counter fills before the source stops: a share of them, and a time (s)
#: in which the counter is armed while the source already ramps.
SPARE_SHARE, SPARE_TIME = 0.01, 0.1


@dataclass(frozen=True)
class HistogramRequest:
    """How much is wanted, and when to give up.

    Attributes
    ----------
    switches
        How many; the most, where there is a goal.
    block
        Readings that are stored together; None: chosen by `block_size`.
    empty_ramps_limit
        So many ramps in a row without a switch end the measurement.
    goal
        The precision that ends the histogram; None: the number does.
    repeated
        What came from this counter before, in earlier histograms, too: what agrees with it to the last bit has come
        twice. None with a resistor, where readings may agree.
    """

    switches: int
    block: int | None
    empty_ramps_limit: int
    goal: PrecisionGoal | None = None
    repeated: RepeatedReadings | None = field(default_factory=RepeatedReadings)


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
        Time in s from the first ramp to the acknowledgement of the last block, without what setting up anew and
        settling again took.
    lost
        Ramps up to the last reading that are in none.
    live_fraction
        switches x period / duration: the share of time in which ramps became data.
    block
        Readings in a full block.
    precision
        Relative standard error that was reached (inf: nothing can be said); None without a goal.
    looks
        What was seen on the way to the goal.
    glitches, settlings
        How often a burst was cut short by a failed exchange, and because the bath had left its band.
    """

    switches: int
    censored: int
    bursts: int
    lost: int
    duration: float
    live_fraction: float
    block: int
    precision: float | None = None
    looks: tuple[Look, ...] = ()
    glitches: int = 0
    settlings: int = 0


def acquire_histogram(
    source: RampSource,
    counter: TimingCounter,
    ramp: MeasuredRamp,
    request: HistogramRequest,
    *,
    clock: Clock,
    store: Callable[[Block, Standing], None],
    watch: Callable[[], None],
    recover: Recover | None = None,
    beside: Sequence[object] = (),
) -> Tally:
    """Take switches until there are as many as requested, or as precise.

    Source and counter must have been configured for `ramp`. The counter has memory, so readings are
    fetched, converted and stored while it goes on measuring.

    Parameters
    ----------
    store
        Called with each block and how far the histogram is; returns when the block is on disk.
    watch
        Called between looks at the counter, at least every two seconds; may raise to stop.
    recover
        Called after a failed exchange or a lost session, or when the bath has left its band, with the fault and what is
        done about it: brings the source to zero and sets up anew; the histogram then goes on. Without it every fault
        ends it.
    beside
        Other instruments that have a part in the ramp; looked after before each burst and each piece that is read if
        they are `Watched`.

    Raises
    ------
    HardwareError
        No start markers, too many empty ramps in a row, or an instrument fault.
    """
    setbacks = Setbacks()
    acquisition: _Acquisition | None = None
    while acquisition is None or acquisition.missing:
        try:
            if acquisition is None:
                confirm = partial(look_after, beside)
                acquisition = _Acquisition(source, counter, ramp, request, clock, store, watch, confirm, setbacks)
            look_after(beside)
            with _true_reason([source, counter, *beside]):
                acquisition.make_burst()
        except INTERRUPTIONS as fault:
            if recover is None:
                raise
            if acquisition is None:
                action = setbacks.bear(fault, 0)
                recover(setbacks.escalated(fault), action)
            else:
                acquisition.bear(fault, recover)
    return acquisition.finish()


@contextmanager
def _true_reason(parts: Sequence[object]) -> Iterator[None]:
    """Ask instruments whether they are as they were set up before a fault within the block is believed."""
    try:
        yield
    except INTERRUPTIONS:
        raise
    except HardwareError as conclusion:
        # "no switches", "no marker" is what it looks like when an instrument has lost its settings
        look_after(parts, conclusion)
        raise


class _Acquisition:
    """One histogram on its way: the parts that take a share in it, and what they have to know of each other."""

    def __init__(
        self,
        source: RampSource,
        counter: TimingCounter,
        ramp: MeasuredRamp,
        request: HistogramRequest,
        clock: Clock,
        store: Callable[[Block, Standing], None],
        watch: Callable[[], None],
        confirm: Callable[[], None],
        setbacks: Setbacks,
    ) -> None:
        self._source, self._counter, self._ramp = source, counter, ramp
        self._clock, self._store = clock, store
        latency = message_latency(source, clock)
        self._block = request.block or block_size(ramp.period, counter.memory, latency)
        self._rule = StoppingRule(request.switches, request.goal, ramp)
        self._collector = Collector(
            ramp, counter.timeout_ramps, self._block, request.empty_ramps_limit, self._rule, self._put
        )
        pieces = Pieces.of(self._block, ramp.period, counter.memory, latency)
        self._reader = Reader(
            source, counter, self._collector, pieces, clock, watch, repeated=request.repeated, confirm=confirm
        )
        self._first = clock.now()
        self._bursts = 0
        self._setbacks = setbacks
        self._paused = 0.0

    @property
    def missing(self) -> int:
        """Switches that are still wanted."""
        return self._collector.missing

    def make_burst(self) -> None:
        """Have the source ramp until as many of the missing switches as one burst can give are read, or it ends."""
        ramp = self._ramp
        # a counter that is busy for longer than a ramp takes needs several for each reading
        ramps_each = max(1.0, self._reader.ramping_time / ramp.period / max(self._collector.readings, 1))
        longest = _longest_burst(ramp)
        wanted = min(self.missing, self._counter.memory, max(1, int(longest / ramps_each)))
        # never fewer ramps than might be needed: what is too many is cut off when everything is there
        self._source.start(_with_spare_ramps(ramp, longest))
        begun = self._clock.now()
        if self._bursts == 0:
            self._first = begun
        self._bursts += 1
        self._counter.arm(wanted)
        self._reader.read(wanted, ramp.period, begun)
        self._source.stop()

    def bear(self, fault: Interruption, recover: Recover) -> None:
        """Get ready for another burst after one that was cut short, or raise the fault: there were too many."""
        action = self._setbacks.bear(fault, self._collector.readings)
        if isinstance(fault, (*BATH_FAULTS, LostError)):
            action = f"{self._collector.discard()} readings that were not stored yet are dropped, {action}"
        begun = self._clock.now()
        recover(self._setbacks.escalated(fault), action)
        if self._bursts:  # what was before the first ramp is in no duration
            self._paused += self._clock.now() - begun

    def finish(self) -> Tally:
        """Store what is left and say what was acquired."""
        precision = self._collector.finish()
        duration = self._clock.now() - self._first - self._paused
        return Tally(
            switches=self._collector.switches,
            censored=self._collector.censored,
            bursts=self._bursts,
            lost=self._lost(),
            duration=duration,
            live_fraction=self._collector.switches * self._ramp.period / duration,
            block=self._block,
            precision=precision,
            looks=tuple(self._rule.looks),
            glitches=self._setbacks.glitches,
            settlings=self._setbacks.settlings,
        )

    def _put(self, block: Block) -> None:
        """Hand a block on to be stored."""
        expected = self._rule.expected_precision(self._collector.switches)
        standing = Standing(self._clock.now() - self._first, self._rule.wanted, self._lost(), expected)
        self._store(block, standing)

    def _lost(self) -> int:
        """Return how many ramps so far are in no reading."""
        ramps = int(self._reader.ramping_time / self._ramp.period)
        return max(0, ramps - self._collector.switches - self._collector.censored)


def _longest_burst(ramp: MeasuredRamp) -> int:
    """Return how many ramps fit into the longest burst, at least one hundred."""
    return max(100, int(MAX_BURST / ramp.period))


def _with_spare_ramps(ramp: MeasuredRamp, wanted: int) -> int:
    """Return how many ramps a burst needs of which so many are wanted."""
    return 5 + math.ceil((1.0 + SPARE_SHARE) * wanted + SPARE_TIME / ramp.period)
