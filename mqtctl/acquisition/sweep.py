"""Measures the points of a plan one after the other, each from settling to the last verified block."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.events import BlockStored, Notify, PointFinished, Remark, Settling
from mqtctl.acquisition.histogram import HistogramRequest, Tally, acquire_histogram
from mqtctl.acquisition.preflight import ramp_program
from mqtctl.acquisition.settle import SettleResult, believe, settle
from mqtctl.errors import HardwareError
from mqtctl.plan import ResolvedPlan
from mqtctl.quantities import readable
from mqtctl.records import MeasuredRamp
from mqtctl.station import Station
from mqtctl.storage import HistogramWriter, PointHeader

if TYPE_CHECKING:
    from qcodes.dataset.sqlite.connection import AtomicConnection

__all__ = ["SweepJob", "run_point", "run_sweep"]

#: The bath is read at most so often (s) while ramps run.
BATH_INTERVAL = 2.0
#: The measured ramp may differ from the planned one by this much, relatively.
RAMP_TOLERANCE = 0.02


@dataclass(frozen=True)
class SweepJob:
    """A plan on an open station with an open database, and who is told and asked meanwhile.

    Attributes
    ----------
    points
        How many points will be measured: the plan's temperatures, or one.
    check
        Called where stopping is safe; raises to stop.
    facts
        Plain data kept with every run: instruments, seed, versions.
    """

    plan: ResolvedPlan
    points: int
    station: Station
    connection: AtomicConnection
    sweep_id: str
    facts: Mapping[str, Any]
    notify: Notify
    check: Callable[[], None]


def run_sweep(job: SweepJob) -> list[Tally]:
    """Measure every point of the plan; returns what was counted at each.

    The caller holds the interlock: whatever is raised here, source and heater go off.
    """
    ramp = prepare_ramp(job)
    return [run_point(job, ramp, point, target) for point, target in enumerate(job.plan.plan.temperatures)]


def prepare_ramp(job: SweepJob) -> MeasuredRamp:
    """Configure source and counter and measure the ramp they make.

    Raises
    ------
    HardwareError
        An instrument refused, or the ramp differs from the planned one.
    """
    source, counter = job.station.source, job.station.counter
    planned = ramp_program(job.plan)
    actual = source.configure(planned)
    counter.configure(actual)
    source.start(max(20, math.ceil(1.0 / actual.period)))
    period = counter.measure_period(actual)
    source.stop()
    counter.configure(actual)
    rate = actual.rate * actual.period / period
    for name, measured, wanted in (("rate", rate, planned.rate), ("period", period, planned.period)):
        if abs(measured / wanted - 1) > RAMP_TOLERANCE:
            unit = "A/s" if name == "rate" else "s"
            raise HardwareError(
                f"the ramp's measured {name} is {readable(measured, unit)}, planned were {readable(wanted, unit)}; "
                "check the source's settings and the start marker"
            )
    return MeasuredRamp(
        start_current=actual.start_current,
        stop_current=actual.stop_current,
        rate=rate,
        period=period,
        delay=counter.delay,
    )


def run_point(job: SweepJob, ramp: MeasuredRamp, point: int, target: float | None) -> Tally:
    """Settle on a temperature (None: stay at the present one) and take its histogram."""
    plan = job.plan.plan
    settled = None if target is None else _settle(job, point, target)
    bath = _Bath(job, target)
    header = PointHeader(
        sweep_id=job.sweep_id,
        point=point,
        points=job.points,
        set_temperature=math.nan if target is None else target,
        ramp=ramp,
        plan_digest=job.plan.digest,
        document=job.plan.document(),
        facts=job.facts,
    )
    with HistogramWriter(job.connection, job.station.qcodes, job.plan.sample.name, header) as writer:
        progress = _Progress(job, point, bath, writer)
        bath.read()
        tally = acquire_histogram(
            job.station.source,
            job.station.counter,
            ramp,
            HistogramRequest(plan.switches, job.plan.block, plan.empty_ramps_limit),
            clock=job.station.clock,
            store=progress.store,
            watch=bath.watch,
        )
        bath.read()
        writer.finish(_closing_facts(job, tally, bath, settled))
        mean, std = progress.moments()
        finished = PointFinished(
            point=point,
            points=job.points,
            run_id=writer.run_id,
            switches=tally.switches,
            censored=tally.censored,
            temperature=bath.mean,
            mean=mean,
            std=std,
            live_fraction=tally.live_fraction,
        )
    job.notify(finished)
    if target is not None and abs(bath.mean - target) > plan.settle.band * target:
        job.notify(
            Remark(
                f"point {point}: the bath was at {readable(bath.mean, 'K')} on average during the ramps, outside "
                f"{readable(plan.settle.band, '1')} of {readable(target, 'K')}"
            )
        )
    return tally


def _settle(job: SweepJob, point: int, target: float) -> SettleResult:
    """Wait for a set point, telling how far it is."""

    def watch(temperature: float, elapsed: float) -> None:
        job.check()
        job.notify(Settling(point, job.points, target, temperature, elapsed))

    return settle(
        job.station.thermometer,
        target,
        job.plan.plan.settle,
        limit=job.plan.sample.limits.max_temperature,
        clock=job.station.clock,
        watch=watch,
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

    def __init__(self, job: SweepJob, point: int, bath: _Bath, writer: HistogramWriter) -> None:
        self._job, self._point, self._bath, self._writer = job, point, bath, writer
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

    def store(self, block: Block, elapsed: float) -> None:
        """Store a block and tell about it."""
        temperature = self._bath.readings[-1]
        self._writer.add_block(
            block.intervals, block.currents, censored=block.censored, temperature=temperature, time=elapsed
        )
        self._include(block.currents[np.isfinite(block.currents)])
        self._censored += block.censored
        mean, std = self.moments()
        event = BlockStored(
            point=self._point,
            points=self._job.points,
            switches=self._switches,
            wanted=self._job.plan.plan.switches,
            censored=self._censored,
            temperature=temperature,
            elapsed=elapsed,
            mean=mean,
            std=std,
        )
        self._job.notify(event)


def _closing_facts(job: SweepJob, tally: Tally, bath: _Bath, settled: SettleResult | None) -> dict[str, Any]:
    """Return what is known of a histogram when it is complete."""
    return {
        "switches": tally.switches,
        "censored": tally.censored,
        "bursts": tally.bursts,
        "duration": tally.duration,
        "live_fraction": tally.live_fraction,
        "temperature": bath.mean,
        "temperature_std": bath.std,
        "temperature_before": bath.readings[0],
        "temperature_after": bath.readings[-1],
        "settling_time": None if settled is None else settled.duration,
        "finished": job.station.clock.utc().isoformat(),
    }
