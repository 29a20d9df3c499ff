"""Measures the points of a plan one after the other, each from settling to the last verified block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from mqtctl.acquisition.events import Remark, Settling
from mqtctl.acquisition.histogram import Tally
from mqtctl.acquisition.iv_curve import measure_iv_curve
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.point import Place, take_histogram
from mqtctl.acquisition.ramps import RampBench
from mqtctl.acquisition.settle import SettleResult, settle
from mqtctl.plan import Variant
from mqtctl.quantities import readable
from mqtctl.storage import CurveFacts, write_curve

__all__ = ["SweepJob", "run_histogram", "run_sweep"]


def run_sweep(job: SweepJob) -> list[Tally]:
    """Measure every point of the plan; returns what was counted in each histogram.

    The caller holds the interlock: whatever is raised here, source and heater go off.
    """
    bench = _bench(job)
    points = [_Point.of(job, point, target) for point, target in enumerate(job.plan.plan.temperatures)]
    wanted = [variant for point in points for _, variant in point.missing]
    if wanted:
        bench.prepare(wanted[0])  # faults show before the cryostat moves
    _take_curve(job, bench, "before")
    tallies = [tally for point in points for tally in _run_point(job, bench, point)]
    _take_curve(job, bench, "after")
    return tallies


def run_histogram(job: SweepJob) -> list[Tally]:
    """Take the plan's histograms at the present temperature."""
    bench = _bench(job)
    _take_curve(job, bench, "before")
    tallies = _run_point(job, bench, _Point.of(job, 0, None))
    _take_curve(job, bench, "after")
    return tallies


def _bench(job: SweepJob) -> RampBench:
    """Return source and counter of the job's station."""
    return RampBench(
        job.station,
        job.plan.plan.ramp.offset_current,
        job.plan.calibration,
        remark=lambda text: job.notify(Remark(text)),
    )


@dataclass(frozen=True)
class _Point:
    """A temperature (K; None: the present one), and the ramps, with their numbers, that are still to be made at it."""

    index: int
    target: float | None
    missing: tuple[tuple[int, Variant], ...]

    @classmethod
    def of(cls, job: SweepJob, index: int, target: float | None) -> _Point:
        """Return what is missing of a point of the plan."""
        ramps = enumerate(job.plan.variants(target))
        missing = ((number, ramp) for number, ramp in ramps if (index, number) not in job.done.histograms)
        return cls(index, target, tuple(missing))


def _run_point(job: SweepJob, bench: RampBench, point: _Point) -> list[Tally]:
    """Settle on the temperature and take the histogram of each kind of ramp that is missing there."""
    if not point.missing:
        return []
    index, target = point.index, point.target
    again = None if target is None else partial(_settle, job, index, target)
    settled = None if again is None else again()
    tallies = []
    for number, variant in point.missing:
        place = Place(index, target, number, variant, settled)
        settled = None  # the time it took counts once
        tally, bath = take_histogram(job, place, bench.prepare(variant), bench, again)
        tallies.append(tally)
        _remark_on_bath(job, place, bath)
    return tallies


def _take_curve(job: SweepJob, bench: RampBench, when: str) -> None:
    """Measure and store an I-V curve if the plan asks for them."""
    if not job.plan.plan.iv_curve or when in job.done.curves:
        return
    curve = measure_iv_curve(job, bench)
    if curve.highest_seen == 0.0:
        lowest = readable(abs(float(curve.thresholds[0])), "V")
        job.notify(
            Remark(
                f"I-V curve {when}: in most ramps the voltage did not pass {lowest}, the lowest threshold; does the "
                "ramp reach the switching currents, and does the stop input see the junction?"
            )
        )
    facts = CurveFacts(
        sweep_id=job.sweep_id,
        when=when,
        highest_seen_V=float(curve.highest_seen),
        lowest_unseen_V=float(curve.lowest_unseen) if math.isfinite(curve.lowest_unseen) else None,
        time=job.station.clock.utc().isoformat(),
        simulated=job.station.simulated,
    )
    rows = [
        (float(threshold), float(rising), float(falling))
        for threshold, rising, falling in zip(curve.thresholds, curve.rising, curve.falling, strict=True)
    ]
    write_curve(job.database, job.station.qcodes, job.plan.sample.name, facts, rows)


def _remark_on_bath(job: SweepJob, place: Place, bath: float) -> None:
    """Tell if the mean of the bath during the ramps was not where it should have been."""
    target, band = place.target, job.plan.plan.settle.band
    if target is None or abs(bath - target) <= band * target:
        return
    job.notify(
        Remark(
            f"the bath was at {readable(bath, 'K')} on average during the ramps, outside "
            f"{readable(band, '1')} of {readable(target, 'K')}",
            place.point,
        )
    )


def _settle(job: SweepJob, point: int, target: float) -> SettleResult:
    """Wait for a set point, telling how far it is."""

    def watch(temperature: float, elapsed: float) -> None:
        job.check()
        settings = job.plan.plan.settle
        job.notify(Settling(point, job.points, target, temperature, elapsed, settings.band, settings.dwell))

    return settle(
        job.station.thermometer,
        target,
        job.plan.plan.settle,
        limit=job.plan.sample.limits.max_temperature,
        clock=job.station.clock,
        watch=watch,
        remark=lambda text: job.notify(Remark(text, point)),
    )
