"""Measures the points of a plan one after the other, each from settling to the last verified block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from mqtctl.acquisition.events import PointSkipped, Remark, Settling
from mqtctl.acquisition.faults import NotReachedError, ThermometerError, chosen, may_be_skipped
from mqtctl.acquisition.guards.interlock import make_safe
from mqtctl.acquisition.histogram import Tally
from mqtctl.acquisition.iv_curve import measure_iv_curve
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.point import Place, take_histogram
from mqtctl.acquisition.ramps import RampBench
from mqtctl.acquisition.reconnecting import Reconnection
from mqtctl.acquisition.retry import MOST_SKIPPED, persist
from mqtctl.acquisition.settle import SettleResult, settle
from mqtctl.errors import CryostatError, HardwareError, StorageError
from mqtctl.plan import Variant
from mqtctl.quantities import readable
from mqtctl.storage import CurveFacts, write_curve

__all__ = ["SweepJob", "run_histogram", "run_sweep"]


def run_sweep(job: SweepJob) -> list[Tally]:
    """Measure every point of the plan; returns what was counted in each histogram.

    The caller holds the interlock: whatever is raised here, source and heater go off.

    Raises
    ------
    HardwareError, CryostatError
        A fault, or, in the end, that points were skipped as the plan has it.
    """
    bench = _bench(job)
    points = [_Point.of(job, point, target) for point, target in enumerate(job.plan.plan.temperatures)]
    wanted = [variant for point in points for _, variant in point.missing]
    if wanted:
        bench.prepare(wanted[0])  # faults show before the cryostat moves
    _take_curve(job, bench, "before")
    tallies: list[Tally] = []
    skipped = _Skipped(job)
    for point in points:
        skipped.guard(bench, point, tallies)
    _take_curve(job, bench, "after")
    skipped.tell()
    return tallies


def run_histogram(job: SweepJob) -> list[Tally]:
    """Take the plan's histograms at the present temperature."""
    bench = _bench(job)
    _take_curve(job, bench, "before")
    tallies: list[Tally] = []
    _run_point(job, bench, _Point.of(job, 0, None), tallies)
    _take_curve(job, bench, "after")
    return tallies


def _bench(job: SweepJob) -> RampBench:
    """Return source and counter of the job's station."""
    return RampBench(
        job.station,
        job.plan.plan.ramp.offset_current,
        job.plan.calibration,
        remark=lambda text: job.notify(Remark(text)),
        restore=Reconnection(job).restore,
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


class _Skipped:
    """Gives up points that the plan lets be given up, and says in the end which."""

    def __init__(self, job: SweepJob) -> None:
        self._job = job
        self._faults: list[tuple[_Point, HardwareError | CryostatError]] = []
        self._in_a_row = 0

    def guard(self, bench: RampBench, point: _Point, tallies: list[Tally]) -> None:
        """Measure a point; if it fails and may be skipped, bring source and heater to rest and return.

        Raises
        ------
        HardwareError, CryostatError
            It may not be skipped, or too many were, one after the other.
        UnsafeError
            Source or heater could not be confirmed off.
        """
        job = self._job
        try:
            _run_point(job, bench, point, tallies)
        except (HardwareError, CryostatError) as fault:
            if job.points == 1 or not may_be_skipped(fault, job.plan.plan):
                raise
            self._in_a_row += 1
            if self._in_a_row == MOST_SKIPPED:
                fault.add_note(f"the sweep ends with the {MOST_SKIPPED}rd point in a row that would be skipped")
                raise
            make_safe(job.station, lambda text: job.notify(Remark(text, point.index)))
            bench.forget()
            self._faults.append((point, fault))
            job.notify(Remark(f"skipped: {fault}", point.index))
            job.notify(PointSkipped(point.index, job.points, point.target, str(fault), len(self._faults)))
        else:
            self._in_a_row = 0

    def tell(self) -> None:
        """Raise if points were skipped: a sweep that lacks some is not done."""
        if not self._faults:
            return
        which = "; ".join(
            f"{readable(point.target, 'K') if point.target else 'a point'} ({fault})" for point, fault in self._faults
        )
        cold = all(isinstance(fault, CryostatError) for _, fault in self._faults)
        sentence = f"{len(self._faults)} of {self._job.points} points were skipped: {which}"
        raise (CryostatError if cold else HardwareError)(sentence)


def _run_point(job: SweepJob, bench: RampBench, point: _Point, tallies: list[Tally]) -> None:
    """Settle on the temperature and take the histogram of each kind of ramp that is missing there."""
    if not point.missing:
        return
    index, target = point.index, point.target
    _require_room(job, index)
    again = None if target is None else partial(_settle, job, bench, index, target)
    settled = None if again is None else again()
    for number, variant in point.missing:
        place = Place(index, target, number, variant, settled)
        settled = None  # the time it took counts once
        tally, bath = take_histogram(job, place, bench.prepare(variant), bench, again)
        tallies.append(tally)
        _remark_on_bath(job, place, bath)


def _require_room(job: SweepJob, point: int) -> None:
    """Tell if the disk is nearly full, or raise `StorageError`, as the plan says."""
    try:
        job.room(job.points - point)
    except StorageError as fault:
        if job.plan.plan.policies.disk == "stop":
            raise
        job.notify(Remark(str(fault), point))


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


def _settle(job: SweepJob, bench: RampBench, point: int, target: float) -> SettleResult:
    """Wait for a set point, telling how far it is; with patience where the plan has some."""
    plan, clock = job.plan.plan, job.station.clock
    settings = plan.settle
    if chosen(plan, NotReachedError) == "hold":
        settings = settings.model_copy(update={"deadline": 2 * settings.deadline})

    def watch(temperature: float, elapsed: float) -> None:
        job.check()
        job.notify(Settling(point, job.points, target, temperature, elapsed, settings.band, settings.dwell))

    def remark(text: str) -> None:
        job.notify(Remark(text, point))

    def once() -> SettleResult:
        return settle(
            job.station.thermometer,
            target,
            settings,
            limit=job.plan.sample.limits.max_temperature,
            clock=clock,
            watch=watch,
            remark=remark,
        )

    begin = clock.now()
    while True:
        try:
            return persist(once, remark, bench.restore)
        except ThermometerError as fault:
            if chosen(plan, ThermometerError) != "hold" or clock.now() - begin >= settings.deadline:
                raise
            job.station.thermometer.make_safe()  # the heater must not follow what cannot be believed
            remark(f"{fault}; the heater is off, trying again until {readable(settings.deadline, 's')} are over")
            job.check()
            clock.sleep(settings.dwell)
