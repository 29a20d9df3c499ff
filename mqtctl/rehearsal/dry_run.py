"""Lets the acquisition run on the simulated bench, with fewer switches, and goes on behind what would have ended it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from mqtctl.acquisition import Remark, Settling
from mqtctl.acquisition.preflight import first_fault, plan_findings
from mqtctl.errors import CryostatError, InterruptedRunError, MqtctlError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.plan import ResolvedPlan
from mqtctl.quantities import format_quantity, readable
from mqtctl.rehearsal.bench import RehearsalBench
from mqtctl.rehearsal.findings.station_findings import station_findings
from mqtctl.rehearsal.laboratory import Laboratory
from mqtctl.station import open_station
from mqtctl.storage import StoredPoint, load_sweep
from mqtctl.workflow.measurement import Options, acquire

__all__ = ["QUICK", "STREAMED", "DryRun", "Effort", "Failure", "doomed", "dry_run"]

#: So many points in a row fail for another reason than their temperature before the others are taken to fail as well.
PATIENCE = 3


@dataclass(frozen=True)
class Effort:
    """How much is rehearsed.

    Attributes
    ----------
    together
        Most switches of all rehearsed histograms together.
    few, most
        Fewest and most switches of each, where the plan has more.
    long
        Most switches of the one histogram from which long ones are extrapolated.
    time
        Longest virtual time in s of a histogram's ramps.
    """

    together: int
    few: int
    most: int
    long: int
    time: float = 600.0

    def switches(self, plan: ResolvedPlan, planned: int) -> int:
        """Return how many switches a histogram of so many is rehearsed with: all if that does not take long."""
        temperatures = plan.plan.temperatures
        share = self.together // sum(len(plan.variants(temperature)) for temperature in temperatures)
        affordable = min(self.most, max(self.few, share), int(self.time * plan.plan.ramp.repetition))
        return max(10, min(planned, affordable))


#: A counter with a memory costs 10 us of computing for each switch, one that is read switch by switch 500 us.
QUICK = Effort(together=30_000, few=500, most=5000, long=6000)
STREAMED = Effort(together=10_000, few=200, most=1000, long=3000)


@dataclass(frozen=True)
class Failure:
    """What ended the acquisition: at which point (None: before the first), and how."""

    point: int | None
    error: MqtctlError
    text: str


@dataclass
class DryRun:
    """What the rehearsed acquisition left behind.

    Attributes
    ----------
    histograms
        (point, number of the ramp at that point) -> what was stored.
    settling
        Point -> time in s from the set point to the first ramp.
    findings
        What the station on the bench says to the whole plan.
    refusal
        What keeps the sweep from beginning; it is one of the findings.
    failures
        What ended the acquisition, in order.
    skipped
        Point that was not tried -> the one that failed and shows that it would fail as well.
    remarks
        (point, sentence) that the acquisition told.
    lab_time
        Virtual time in s of the whole, if nothing failed.
    long
        One histogram with more switches than the others, None where none is needed.
    """

    histograms: dict[tuple[int, int], StoredPoint] = field(default_factory=dict)
    settling: dict[int, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    refusal: Failure | None = None
    failures: list[Failure] = field(default_factory=list)
    skipped: dict[int, int] = field(default_factory=dict)
    remarks: list[tuple[int, str]] = field(default_factory=list)
    lab_time: float | None = None
    long: StoredPoint | None = None


def dry_run(
    laboratory: Laboratory, bench: RehearsalBench, seed: int | None, effort: Effort, notify: Callable[[str], None]
) -> DryRun:
    """Check the whole plan on the open station, then acquire it with fewer switches.

    Parameters
    ----------
    laboratory, bench
        Where, and what answers there.
    seed
        Of the simulated bench.
    effort
        How many switches.
    notify
        Told what happens, in a few words.

    Raises
    ------
    InterruptedRunError
        The user asked to stop.
    """
    plan = laboratory.plan
    result = _looked_at(laboratory, bench, seed)
    runs = (Options(output=folder, database=folder / "data.db", seed=seed) for folder in laboratory.runs())
    left = list(range(len(plan.plan.temperatures)))
    while left:
        attempt = _Attempt(laboratory, result, left, effort, notify)
        failure = attempt.run(next(runs))
        if failure is None:
            break
        if result.refusal is None or failure.error.finding != result.refusal.error.finding:
            result.failures.append(failure)
        if failure.point is None:
            return result
        left = [point for point in left if point > failure.point]
        for point in doomed(plan, result.failures, left, attempt.bath):
            result.skipped[point] = failure.point
            left.remove(point)
    result.long = _acquire_long(laboratory, next(runs), effort)
    return result


def _looked_at(laboratory: Laboratory, bench: RehearsalBench, seed: int | None) -> DryRun:
    """Check the whole plan on the open station; what keeps it from being opened is a failure."""
    result = DryRun()
    plan = replace(laboratory.plan, station=laboratory.station)
    try:
        limit = plan.sample.limits.max_current
        with open_station(laboratory.station, seed=seed, current_limit=limit, only_look=True) as station:
            result.findings = station_findings(plan, station, bench)
            error = first_fault(plan_findings(plan, station), plan)
    except MqtctlError as exc:
        result.failures.append(_failure(laboratory, None, exc))
    else:
        result.refusal = None if error is None else _failure(laboratory, None, error)
    return result


def _failure(laboratory: Laboratory, point: int | None, error: MqtctlError) -> Failure:
    """Return what ended the acquisition in the user's terms; a request to stop is passed on."""
    if isinstance(error, InterruptedRunError):
        raise error
    return Failure(point, error, laboratory.in_users_terms(" ".join(str(error).split())))


def doomed(plan: ResolvedPlan, failures: list[Failure], left: list[int], bath: float) -> list[int]:
    """Return which of the points that are left will fail as the latest one did.

    A bath (K) that stayed above its set point reaches none below that either; one that stayed below it, or was
    overheated on the way there, none above. What else goes wrong at three in a row goes wrong at all.
    """
    latest = failures[-1]
    if latest.point is None:
        return left
    temperatures, band = plan.plan.temperatures, plan.plan.settle.band
    failed = temperatures[latest.point]
    if isinstance(latest.error, CryostatError) and abs(bath - failed) > band * failed:
        if failed < bath <= plan.sample.limits.max_temperature:
            return [point for point in left if temperatures[point] < bath * (1.0 - band)]
        return [point for point in left if temperatures[point] > min(failed, bath * (1.0 + band))]
    points = [failure.point for failure in failures if failure.point is not None][-PATIENCE:]
    in_a_row = len(points) == PATIENCE and points[-1] - points[0] == PATIENCE - 1
    return list(left) if in_a_row else []


class _Attempt:
    """One run of the acquisition over some of the plan's points."""

    def __init__(
        self,
        laboratory: Laboratory,
        result: DryRun,
        points: list[int],
        effort: Effort,
        notify: Callable[[str], None],
    ) -> None:
        self._laboratory, self._result, self._points = laboratory, result, list(points)
        self._effort, self._notify = effort, notify
        self._point: int | None = None
        self.bath = 0.0

    def run(self, options: Options) -> Failure | None:
        """Acquire, keep what was stored, and return what ended it, if anything did."""
        resolved = self._laboratory.plan
        plan = resolved.plan
        temperatures = [plan.temperatures[point] for point in self._points]
        path = self._laboratory.write_plan(
            temperatures=[format_quantity(temperature, "K") for temperature in temperatures],
            switches=self._effort.switches(resolved, plan.most_switches),
            retrapping=self._effort.switches(resolved, plan.retrapping) if plan.retrapping else 0,
            heating_check=plan.heating_check and min(plan.temperatures) in temperatures,
            precision=None,
        )
        failure = None
        try:
            taken = acquire(path, options, notify=self._listen)
            if len(self._points) == len(plan.temperatures):
                self._result.lab_time = taken.lab_time
        except MqtctlError as exc:
            failure = _failure(self._laboratory, self._point, exc)
        for point, stored in _complete(options):
            number = stored.header.variant.number
            self._result.histograms[self._points[point], number] = stored
        return failure

    def _listen(self, event: object) -> None:
        """Follow the acquisition."""
        match event:
            case Settling():
                point = self._points[event.point]
                if point != self._point:
                    self._point = point
                    target = readable(event.target, "K")
                    self._notify(f"rehearsing {point + 1}/{len(self._laboratory.plan.plan.temperatures)}: {target}")
                self._result.settling[point] = event.elapsed
                self.bath = event.temperature
            case Remark(sentence=sentence) if self._point is not None:
                self._result.remarks.append((self._point, sentence))
            case _:
                pass


def _complete(options: Options) -> Iterator[tuple[int, StoredPoint]]:
    """Yield (point of the run, histogram) of all that are complete."""
    if options.database is None or not options.database.is_file():
        return
    stored = load_sweep(options.database)
    for histogram in (*stored.points, *stored.beside):
        if histogram.complete:
            yield histogram.histogram.point, histogram


def _acquire_long(laboratory: Laboratory, options: Options, effort: Effort) -> StoredPoint | None:
    """Take one histogram of the plan's own ramp that is longer than the others; None where that is not needed.

    What a long one takes beyond so many short ones is what the bursts of the source and the read-out cost.
    """
    plan = laboratory.plan.plan
    switches = min(plan.most_switches, effort.long, int(effort.time * plan.ramp.repetition))
    if switches <= effort.switches(laboratory.plan, plan.most_switches):
        return None
    path = laboratory.write_plan(
        switches=switches,
        precision=None,
        polarity=None,
        further_rates=None,
        retrapping=None,
        heating_check=None,
        iv_curve=None,
    )
    try:
        taken = acquire(path, options, single=True)
    except MqtctlError as exc:
        _failure(laboratory, None, exc)
        return None
    (point,) = load_sweep(taken.folder.database).points
    return point
