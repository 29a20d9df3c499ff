"""Puts a rehearsal together: bench, dry run, predicted distributions, precision, and what would have failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mqtctl.acquisition import Bystander
from mqtctl.analysis import moments
from mqtctl.errors import InputError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.rehearsal.bench import BenchFileError, RehearsalBench, choose_bench
from mqtctl.rehearsal.dry_run import QUICK, STREAMED, DryRun, Failure, dry_run
from mqtctl.rehearsal.findings.station_findings import spoils_everything
from mqtctl.rehearsal.laboratory import rehearsal_laboratory
from mqtctl.rehearsal.points import PointCast, RehearsedPoint, circumstances_of, failures_of
from mqtctl.rehearsal.prediction.precision import PointPrecision, Precision, predict_precision
from mqtctl.rehearsal.prediction.timing import Growth, ramps_of
from mqtctl.rehearsal.result import PredictedPoint, PredictedRamp, Rehearsal
from mqtctl.rehearsal.wiring import is_streamed
from mqtctl.station import load_station
from mqtctl.storage.qcodes_settings import require_qcodes

__all__ = ["RehearsalOptions", "rehearse"]

#: From so many rehearsed ramps without a switch their share is told by them, else by the law.
_COUNTED = 25
#: How a sweep should end whose data would be worthless, by the cause.
_CODES = {"file": 2, "hardware": 10}


@dataclass(frozen=True)
class RehearsalOptions:
    """What the user may say beside the plan.

    Attributes
    ----------
    bench
        A bench file that describes the user's bench.
    seed
        Of the simulated bench and of the synthetic sweeps.
    repeat
        Number of rehearsed sweeps whose spread is wanted.
    """

    bench: Path | None = None
    seed: int | None = None
    repeat: int = 0


def rehearse(
    plan_path: Path,
    options: RehearsalOptions | None = None,
    *,
    notify: Callable[[str], None] = lambda _text: None,
) -> Rehearsal:
    """Rehearse a plan on the simulated bench; no real instrument is opened.

    Parameters
    ----------
    plan_path
        Plan file.
    options
        Bench file, seed, number of repetitions.
    notify
        Told in a few words what happens.

    Raises
    ------
    InputError
        A fault in the plan, the sample or the bench file. One in the station file is a finding.
    InterruptedRunError
        The user asked to stop.
    """
    options = options or RehearsalOptions()
    notify = Bystander(notify)
    plan = load_plan(plan_path)
    require_qcodes()
    bench, run = _run(plan, options, notify)
    trusted = None if spoils_everything(run.findings) else bench
    cast = PointCast(plan, circumstances_of(plan, bench), trusted, run, np.random.default_rng(options.seed or 0))
    points = [cast.point(place) for place in range(len(plan.plan.temperatures))]
    precision = _precision(points, plan, options, notify)
    predicted = _results(points, plan, run, precision)
    findings = (*failures_of(run, None, plan), *run.findings, *_common([point.findings for point in predicted]))
    return Rehearsal(
        points=predicted,
        duration=_whole(run, predicted, points),
        precision=precision,
        findings=findings,
        assumed=bench.assumed if bench is not None else (),
        exit_code=_exit_code(run, findings),
    )


def _exit_code(run: DryRun, findings: Sequence[Finding]) -> int:
    """Return the code with which the sweep would have ended, or should have; 0 without a fault."""
    ending = [run.refusal, *run.failures] if run.refusal is not None else run.failures
    if ending:
        return ending[0].error.exit_code
    return next((_CODES[finding.cause] for finding in findings if finding.verdict == "fault"), 0)


def _run(
    plan: ResolvedPlan, options: RehearsalOptions, notify: Callable[[str], None]
) -> tuple[RehearsalBench | None, DryRun]:
    """Return the bench and what the acquisition did; a fault in the station file is a failure of the run."""
    try:
        file = load_station(plan.station)
        bench = choose_bench(file, plan, options.bench)
    except BenchFileError:
        raise
    except InputError as exc:
        return None, DryRun(failures=[Failure(None, exc, " ".join(str(exc).split()))])
    notify(f"rehearsing on {bench.origin}")
    with rehearsal_laboratory(plan, bench) as laboratory:
        effort = STREAMED if is_streamed(file) else QUICK
        return bench, dry_run(laboratory, bench, options.seed, effort, notify)


def _precision(
    points: Sequence[RehearsedPoint], plan: ResolvedPlan, options: RehearsalOptions, notify: Callable[[str], None]
) -> Precision | None:
    """Return the predicted fit of all histograms that will be fitted; None without any."""
    drawn = [
        (place, law, switches)
        for place, point in enumerate(points)
        for variant, law, switches in zip(point.variants, point.expected, point.switches, strict=True)
        if variant.purpose == "switching" and law is not None
    ]
    if not drawn:
        return None
    return predict_precision(drawn, plan.sample.junction.estimate, options.seed or 0, options.repeat, notify)


def _results(
    points: Sequence[RehearsedPoint], plan: ResolvedPlan, run: DryRun, precision: Precision | None
) -> tuple[PredictedPoint, ...]:
    """Return the points with times and precision."""
    fits = iter(precision.points if precision is not None else ())
    growth = _growth(points, run)
    results = []
    for place, point in enumerate(points):
        ramps = []
        for number, variant in enumerate(point.variants):
            fitted = variant.purpose == "switching" and point.expected[number] is not None
            ramps.append(_ramp(point, number, growth, next(fits) if fitted else None))
        times = [ramp.duration for ramp in ramps if ramp.duration is not None]
        own = point.rehearsed[0]
        results.append(
            PredictedPoint(
                temperature=plan.plan.temperatures[place],
                bath=None if own is None else own.histogram.temperature,
                settling_time=run.settling.get(place) if own is not None else None,
                ramping_time=sum(times) if len(times) == len(ramps) else None,
                ramps=tuple(ramps),
                findings=tuple(point.findings),
            )
        )
    return tuple(results)


def _growth(points: Sequence[RehearsedPoint], run: DryRun) -> Growth:
    """Return how durations grow, from the long histogram and the coldest short one, which is most like it."""
    short = [point.rehearsed[0] for point in points if point.rehearsed[0] is not None]
    coldest = min(short, key=lambda stored: stored.histogram.temperature, default=None)
    return Growth(coldest, run.long)


def _ramp(point: RehearsedPoint, number: int, growth: Growth, precision: PointPrecision | None) -> PredictedRamp:
    """Return one kind of ramp with what is known of it: moments by the law if there is one, else as rehearsed."""
    variant, law, stored = point.variants[number], point.expected[number], point.rehearsed[number]
    mean = std = share = None
    if law is not None:
        (mean, std), share = law.moments, law.survivors
        if stored is not None and stored.histogram.censored >= _COUNTED:
            share = stored.histogram.censored / ramps_of(stored)
    elif stored is not None and stored.histogram.switching_currents.size > 1:
        found = moments(stored.histogram.switching_currents)
        mean, std, share = abs(found.mean), found.std, stored.histogram.censored / ramps_of(stored)
    return PredictedRamp(
        purpose=variant.purpose,
        polarity=variant.polarity,
        rate=variant.rate,
        repetition=variant.repetition,
        switches=point.switches[number],
        duration=None if stored is None else growth.duration(stored, point.switches[number]),
        censored_fraction=share,
        mean=mean,
        std=std,
        precision=precision,
    )


def _whole(run: DryRun, predicted: Sequence[PredictedPoint], points: Sequence[RehearsedPoint]) -> float | None:
    """Return the time in s of the whole sweep: as rehearsed, with each histogram at its full length."""
    durations = [point.duration for point in predicted]
    if any(duration is None for duration in durations):
        return None
    told = sum(duration for duration in durations if duration is not None)
    if run.lab_time is None:
        return told
    rehearsed = sum(stored.duration for point in points for stored in point.rehearsed if stored is not None)
    settling = sum(point.settling_time or 0.0 for point in predicted)
    return told + run.lab_time - rehearsed - settling


def _common(found: Sequence[Sequence[Finding]]) -> list[Finding]:
    """Return the points' findings, one for each subject and verdict: the first, and at how many points it was."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for findings in found:
        for finding in findings:
            groups.setdefault((finding.subject, finding.verdict), []).append(finding)
    return [
        first
        if len(group) == 1
        else replace(first, text=f"{first.text} (at {len(group)} of {len(found)} temperatures)")
        for group in groups.values()
        for first in group[:1]
    ]
