"""Takes the histogram of one kind of ramp at the present temperature, stores it and watches the bath meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mqtctl.acquisition.bath import Bath
from mqtctl.acquisition.conversion import Block
from mqtctl.acquisition.events import BlockStored, PointFinished, RampsBegin, Remark
from mqtctl.acquisition.faults import DriftError, ImpossibleIntervalsError, ThermometerError, chosen
from mqtctl.acquisition.goal import PrecisionGoal, Standing
from mqtctl.acquisition.histogram import HistogramRequest, Tally, acquire_histogram
from mqtctl.acquisition.job import SweepJob
from mqtctl.acquisition.ramps import RampBench
from mqtctl.acquisition.retry import BATH_FAULTS, Interruption, persist
from mqtctl.acquisition.settle import SettleResult
from mqtctl.analysis.histogram.health.checks import ALARM, MINIMUM_SWITCHES, check_health
from mqtctl.errors import HardwareError, LostError
from mqtctl.plan import Variant
from mqtctl.plan.variants import HEATING_SHARE
from mqtctl.quantities import readable
from mqtctl.records import MeasuredRamp
from mqtctl.storage import ClosingFacts, HistogramWriter, PlanDocument, PointHeader, PointVariant, StoredRamp

__all__ = ["Place", "take_histogram"]


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
    threshold
        In V at the counter, if it is not the one of all ramps.
    """

    point: int
    target: float | None
    number: int
    variant: Variant
    settled: SettleResult | None = None
    threshold: float | None = None


def take_histogram(
    job: SweepJob,
    place: Place,
    ramp: MeasuredRamp,
    bench: RampBench,
    settle_again: Callable[[], object] | None = None,
) -> tuple[Tally, float]:
    """Take and store the histogram of a ramp that source and counter are set up for.

    Parameters
    ----------
    bench
        Sets them up anew after a failed exchange.
    settle_again
        Waits for the set point once more if the bath leaves its band.

    Returns
    -------
    tuple
        What was counted, and the mean of the bath in K meanwhile.
    """
    plan = job.plan.plan
    bath = Bath(job, place.target, place.point)
    goal = _goal(job, place.variant)
    repeated = None if place.variant.purpose == "dummy" else job.repeated
    request = HistogramRequest(place.variant.switches, plan.block, plan.empty_ramps_limit, goal, repeated)
    job.notify(_beginning(job, place, ramp, goal))  # before there is a run: who listens keeps how to go on with it
    with HistogramWriter(job.database, job.station.qcodes, job.plan.sample.name, _header(job, place, ramp)) as writer:
        progress = _Progress(job, place, bath, writer)
        regain = partial(_regain, bath, bench, settle_again)
        _read_bath(job, place, bath, regain, settle_again)
        bench.make_ready()
        tally = acquire_histogram(
            job.station.source,
            job.station.counter,
            ramp,
            request,
            clock=job.station.clock,
            store=progress.store,
            watch=bath.watch,
            recover=_recovery(job, place, bath, bench, settle_again, regain),
            beside=[job.station.offset],
        )
        _read_bath(job, place, bath, regain, settle_again)
        bath.require_alive()
        progress.require_plausible()
        sessions, bench.reconnections = bench.reconnections, 0
        writer.finish(_closing_facts(job, tally, bath, place.settled, sessions))
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
    _remark_on_setbacks(job, place, bath, tally, sessions)
    _remark_on_precision(job, place, goal, tally)
    return tally, bath.mean


def _recovery(
    job: SweepJob,
    place: Place,
    bath: Bath,
    bench: RampBench,
    settle_again: Callable[[], object] | None,
    regain: Callable[[HardwareError], None],
) -> Callable[[Interruption, str], None]:
    """Return what is done when a burst was cut short: source to zero, all set up anew, settled again if need be."""

    def recover(fault: Interruption, action: str) -> None:
        job.check()
        held = isinstance(fault, BATH_FAULTS)
        if held and chosen(job.plan.plan, type(fault)) != "hold":
            raise fault
        job.notify(Remark(f"{fault}; {action}", place.point))
        if isinstance(fault, LostError):
            regain(fault)
        bench.prepare_again()
        if held and settle_again is not None:
            settle_again()
            _read_bath(job, place, bath, regain, settle_again)
            bench.make_ready()
        bath.resume()

    return recover


def _read_bath(
    job: SweepJob,
    place: Place,
    bath: Bath,
    regain: Callable[[HardwareError], None],
    settle_again: Callable[[], object] | None,
) -> None:
    """Read the bath, whatever has to be opened anew for that; with patience where the plan has some."""

    def read() -> None:
        persist(bath.wait_for_reading, lambda text: job.notify(Remark(text, place.point)), regain)

    try:
        read()
    except ThermometerError:
        if settle_again is None or chosen(job.plan.plan, ThermometerError) != "hold":
            raise
        bath.settlings += 1
        settle_again()
        bath.resume()
        read()


def _regain(bath: Bath, bench: RampBench, settle_again: Callable[[], object] | None, fault: HardwareError) -> None:
    """Open lost sessions anew, and settle again if the bath is not held any more."""
    bench.restore(fault)
    bath.resume()
    if settle_again is not None and not bath.holds():
        settle_again()
    bath.resume()


def _remark_on_setbacks(job: SweepJob, place: Place, bath: Bath, tally: Tally, sessions: int) -> None:
    """Tell what a histogram went through: bursts cut short, and readings of the bath that were invalid."""
    told = {
        "bursts cut short by failed exchanges (what they lacked was ramped anew)": tally.glitches,
        "sessions opened anew, here or on the way here": sessions,
        "settled again because the bath had left its band": tally.settlings + bath.settlings,
        "invalid readings of the bath, waited out": bath.invalid,
        "times that the bath was found outside its band while ramps went on": bath.outside,
    }
    if any(told.values()):
        counts = "; ".join(f"{text}: {number}" for text, number in told.items() if number)
        job.notify(Remark(counts, place.point))


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
            f"{tally.switches} switches, the most that the plan allows, gave {reached} instead of "
            f"{readable(goal.precision, '1')} of the {goal.quantity}; plan more switches or ask for less",
            place.point,
        )
    )


def _header(job: SweepJob, place: Place, ramp: MeasuredRamp) -> PointHeader:
    """Return what identifies the histogram."""
    return PointHeader(
        sweep_id=job.sweep_id,
        point=place.point,
        points=job.points,
        set_temperature=math.nan if place.target is None else place.target,
        ramp=StoredRamp(**asdict(ramp)),
        plan_digest=job.plan.digest,
        document=PlanDocument.model_validate(job.plan.document()),
        facts=job.facts,
        variant=PointVariant(
            number=place.number,
            purpose=place.variant.purpose,
            polarity=place.variant.polarity,
            repetition=place.variant.repetition,
            threshold_V=place.threshold,
        ),
    )


class _Progress:
    """Stores blocks and keeps the running moments for whoever watches."""

    def __init__(self, job: SweepJob, place: Place, bath: Bath, writer: HistogramWriter) -> None:
        self._job, self._place, self._bath, self._writer = job, place, bath, writer
        self._mean = 0.0
        self._squares = 0.0
        self._switches = 0
        self._censored = 0
        self._currents: list[NDArray[np.float64]] = []

    def remark(self, sentence: str) -> None:
        """Tell something about this point."""
        self._job.notify(Remark(sentence, self._place.point))

    def require_plausible(self) -> None:
        """Tell if the mean has drifted or some intervals are impossible, or raise, as the plan says."""
        currents = np.concatenate([np.empty(0), *self._currents])
        if self._place.variant.purpose != "switching" or currents.size < MINIMUM_SWITCHES or not np.ptp(currents):
            return
        health = check_health(currents, self._censored)
        plan = self._job.plan.plan
        doubts = {
            DriftError: (
                health.drift_pvalue,
                f"the mean drifted by {health.drift_sigmas:+.1f} standard errors from the first half of the histogram "
                "to the second",
            ),
            ImpossibleIntervalsError: (
                health.outliers_pvalue,
                f"{health.outliers} intervals lie where no junction switches: is there interference at an input?",
            ),
        }
        for kind, (pvalue, sentence) in doubts.items():
            if pvalue >= ALARM:
                continue
            if chosen(plan, kind) != "flag":
                raise kind(sentence)
            self.remark(sentence)

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
        self._currents.append(currents)
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


def _closing_facts(
    job: SweepJob, tally: Tally, bath: Bath, settled: SettleResult | None, sessions: int
) -> ClosingFacts:
    """Return what is known of a histogram when it is complete."""
    return ClosingFacts(
        switches=tally.switches,
        censored=tally.censored,
        lost=tally.lost,
        bursts=tally.bursts,
        duration=tally.duration,
        live_fraction=tally.live_fraction,
        block=tally.block,
        glitches=tally.glitches,
        lost_sessions=sessions,
        settled_again=tally.settlings + bath.settlings,
        bath_outside_band=bath.outside,
        invalid_bath_readings=bath.invalid,
        precision=tally.precision if tally.precision is None or math.isfinite(tally.precision) else None,
        looks=[[look.switches, look.precision if math.isfinite(look.precision) else None] for look in tally.looks],
        temperature=bath.mean,
        temperature_std=bath.std,
        temperature_before=bath.readings[0],
        temperature_after=bath.readings[-1],
        settling_time=None if settled is None else settled.duration,
        finished=job.station.clock.utc().isoformat(),
    )
