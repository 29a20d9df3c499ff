"""Takes the histogram of one kind of ramp at the present temperature, stores it and watches the bath meanwhile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.events import BlockStored, PointFinished, RampsBegin, Remark
from mqtctl.acquisition.goal import PrecisionGoal, Standing
from mqtctl.acquisition.histogram import HistogramRequest, Tally, acquire_histogram
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.settle import SettleResult, believe
from mqtctl.plan import Variant
from mqtctl.plan.variants import HEATING_SHARE
from mqtctl.quantities import readable
from mqtctl.records import MeasuredRamp
from mqtctl.storage import HistogramWriter, PointHeader

__all__ = ["Place", "take_histogram"]

#: The bath is read at most so often (s) while ramps run.
BATH_INTERVAL = 2.0


@dataclass(frozen=True)
class Place:
    """Where in the sweep a histogram stands.

    Attributes
    ----------
    point
        Index of the temperature, from 0.
    target
        Set point in K; None at the present temperature.
    number, variant
        Which of the ramps made at this temperature, from 0, and the ramp.
    settled
        How the set point was reached; None for all but the first ramp.
    facts
        Plain data to be kept with the ramp.
    """

    point: int
    target: float | None
    number: int
    variant: Variant
    settled: SettleResult | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


def take_histogram(job: SweepJob, place: Place, ramp: MeasuredRamp) -> tuple[Tally, float]:
    """Take and store the histogram of a ramp that source and counter are set up for.

    Returns
    -------
    tuple
        What was counted, and the mean of the bath in K meanwhile.
    """
    plan = job.plan.plan
    bath = _Bath(job, place.target)
    goal = _goal(job, place.variant)
    request = HistogramRequest(place.variant.switches, plan.block, plan.empty_ramps_limit, goal)
    with HistogramWriter(job.database, job.station.qcodes, job.plan.sample.name, _header(job, place, ramp)) as writer:
        progress = _Progress(job, place, bath, writer)
        bath.read()
        job.notify(_beginning(job, place, ramp, goal))
        tally = acquire_histogram(
            job.station.source,
            job.station.counter,
            ramp,
            request,
            clock=job.station.clock,
            store=progress.store,
            watch=bath.watch,
        )
        bath.read()
        writer.finish(_closing_facts(job, tally, bath, place.settled))
        mean, std = progress.moments()
        finished = PointFinished(
            point=place.point,
            points=job.points,
            run_id=writer.run_id,
            switches=tally.switches,
            censored=tally.censored,
            temperature=bath.mean,
            mean=mean,
            std=std,
            live_fraction=tally.live_fraction,
            purpose=place.variant.purpose,
            precision=tally.precision,
        )
    job.notify(finished)
    _remark_on_precision(job, place, goal, tally)
    return tally, bath.mean


def _goal(job: SweepJob, variant: Variant) -> PrecisionGoal | None:
    """Return the precision that ends a histogram; the check for heating, with a share of the switches, has a lower."""
    plan = job.plan.plan
    if plan.precision is None or variant.purpose == "retrapping":
        return None
    share = HEATING_SHARE if variant.purpose == "heating" else 1.0
    precision = min(0.5, plan.precision / math.sqrt(share))
    return PrecisionGoal(precision, plan.precision_of, job.plan.sample.junction.estimate)


def _beginning(job: SweepJob, place: Place, ramp: MeasuredRamp, goal: PrecisionGoal | None) -> RampsBegin:
    """Return the event that a histogram begins."""
    return RampsBegin(
        point=place.point,
        points=job.points,
        target=place.target,
        ramp=ramp,
        purpose=place.variant.purpose,
        polarity=place.variant.polarity,
        precision=None if goal is None else goal.precision,
        precision_of="" if goal is None else goal.quantity,
    )


def _remark_on_precision(job: SweepJob, place: Place, goal: PrecisionGoal | None, tally: Tally) -> None:
    """Tell if the most switches were taken before the precision was reached."""
    if goal is None or tally.precision is None or tally.precision <= goal.precision:
        return
    reached = readable(tally.precision, "1") if math.isfinite(tally.precision) else "nothing that a fit could say"
    job.notify(
        Remark(
            f"point {place.point}: {tally.switches} switches, the most that the plan allows, gave {reached} instead of "
            f"{readable(goal.precision, '1')} of the {goal.quantity}; plan more switches or ask for less"
        )
    )


def _header(job: SweepJob, place: Place, ramp: MeasuredRamp) -> PointHeader:
    """Return what identifies the histogram."""
    return PointHeader(
        sweep_id=job.sweep_id,
        point=place.point,
        points=job.points,
        set_temperature=math.nan if place.target is None else place.target,
        ramp=ramp,
        plan_digest=job.plan.digest,
        document=job.plan.document(),
        facts=job.facts,
        variant={"number": place.number, **place.variant.facts(), **place.facts},
    )


class _Bath:
    """Reads the bath before, during and after the ramps, never oftener than is good for it."""

    def __init__(self, job: SweepJob, target: float | None) -> None:
        self._job = job
        # the sample's limit has a margin above the set point: thermometers are noisy
        self._limit = max(job.plan.sample.limits.max_temperature, 1.02 * (target or 0.0))
        self._last = -math.inf
        self.readings: list[float] = []

    @property
    def mean(self) -> float:
        """Mean reading in K."""
        return float(np.mean(self.readings))

    @property
    def std(self) -> float:
        """Standard deviation of the readings in K."""
        return float(np.std(self.readings))

    def read(self) -> None:
        """Read the bath now; raises `CryostatError` if it cannot be believed."""
        self.readings.append(believe(self._job.station.thermometer.read(), self._limit))
        self._last = self._job.station.clock.now()

    def watch(self) -> None:
        """Read the bath if it is time, and give way to a request to stop."""
        self._job.check()
        if self._job.station.clock.now() - self._last >= BATH_INTERVAL:
            self.read()


class _Progress:
    """Stores blocks and keeps the running moments for whoever watches."""

    def __init__(self, job: SweepJob, place: Place, bath: _Bath, writer: HistogramWriter) -> None:
        self._job, self._place, self._bath, self._writer = job, place, bath, writer
        self._mean = 0.0
        self._squares = 0.0
        self._switches = 0
        self._censored = 0

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation of the switching currents so far, in A; NaN without any."""
        if self._switches == 0:
            return math.nan, math.nan
        return self._mean, math.sqrt(self._squares / self._switches)

    def _include(self, currents: NDArray[np.float64]) -> None:
        """Update mean and sum of squared deviations with a block (Chan, Golub & LeVeque 1983, eq. 1.5)."""
        if currents.size == 0:
            return
        total = self._switches + currents.size
        shift = float(currents.mean()) - self._mean
        self._squares += float(((currents - currents.mean()) ** 2).sum())
        self._squares += shift**2 * self._switches * currents.size / total
        self._mean += shift * currents.size / total
        self._switches = total

    def store(self, block: Block, standing: Standing) -> None:
        """Store a block and tell about it."""
        temperature = self._bath.readings[-1]
        self._writer.add_block(
            block.intervals, block.currents, censored=block.censored, temperature=temperature, time=standing.elapsed
        )
        currents = block.currents[np.isfinite(block.currents)]
        self._include(currents)
        self._censored += block.censored
        mean, std = self.moments()
        event = BlockStored(
            point=self._place.point,
            points=self._job.points,
            switches=self._switches,
            wanted=standing.wanted,
            censored=self._censored,
            temperature=temperature,
            elapsed=standing.elapsed,
            mean=mean,
            std=std,
            lost=standing.lost,
            precision=standing.precision,
            currents=currents,
        )
        self._job.notify(event)


def _closing_facts(job: SweepJob, tally: Tally, bath: _Bath, settled: SettleResult | None) -> dict[str, Any]:
    """Return what is known of a histogram when it is complete."""
    return {
        "switches": tally.switches,
        "censored": tally.censored,
        "lost": tally.lost,
        "bursts": tally.bursts,
        "duration": tally.duration,
        "live_fraction": tally.live_fraction,
        "block": tally.block,
        "precision": tally.precision if tally.precision is None or math.isfinite(tally.precision) else None,
        "looks": [[look.switches, look.precision if math.isfinite(look.precision) else None] for look in tally.looks],
        "temperature": bath.mean,
        "temperature_std": bath.std,
        "temperature_before": bath.readings[0],
        "temperature_after": bath.readings[-1],
        "settling_time": None if settled is None else settled.duration,
        "finished": job.station.clock.utc().isoformat(),
    }
