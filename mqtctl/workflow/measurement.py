"""Measures what a plan asks for: opens the station, takes and stores the data, analyses, reports."""

from __future__ import annotations

import math
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mqtctl.acquisition import (
    Bystander,
    Event,
    Interrupt,
    Notify,
    PointFinished,
    Remark,
    SweepJob,
    before_ramps,
    exclusive,
    guarded,
    instruments_of,
    run_sweep,
)
from mqtctl.acquisition.events import AtRest, OutputsInUse
from mqtctl.acquisition.goal import PrecisionGoal
from mqtctl.acquisition.preflight import calibration_findings
from mqtctl.acquisition.preflight.together import check_plan
from mqtctl.acquisition.sweep import run_histogram
from mqtctl.analysis import fit_histogram
from mqtctl.clock import WallClock
from mqtctl.errors import MqtctlError, UnsafeError
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.station import Station, open_station
from mqtctl.storage import NOTHING, Done, Patience, RunFacts, load_sweep, open_database
from mqtctl.storage.database import require_space
from mqtctl.workflow.analysis import analyze_stored
from mqtctl.workflow.following import Following, MeasurementBegins
from mqtctl.workflow.overview import store_overview
from mqtctl.workflow.results import Order, RunFolder

__all__ = [
    "Acquired",
    "Begun",
    "Listener",
    "Options",
    "PointFitted",
    "Task",
    "acquire",
    "bytes_needed",
    "carry_out",
    "concluded",
    "histogram_task",
    "measure_histogram",
    "measure_sweep",
]

#: Bytes in the database for each switch (interval, current, book-keeping) and for each run (snapshot).
BYTES_PER_SWITCH, BYTES_PER_RUN = 20, 1_000_000


@dataclass(frozen=True)
class PointFitted:
    """The fit of a histogram alone, as soon as it is complete: A and K, a_t = 1, both free."""

    point: int
    critical_current: float
    critical_current_stderr: float
    escape_temperature: float
    escape_temperature_stderr: float


Listener = Callable[[Event | PointFitted | MeasurementBegins], None]


def nobody(_event: object) -> None:
    """Listen to no event; histograms are then not fitted one by one, for nobody would see it."""


@dataclass(frozen=True)
class Options:
    """What may be said beside the plan; see `measure_sweep`."""

    output: Path | None = None
    database: Path | None = None
    seed: int | None = None
    alive: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Acquired:
    """Where a measurement was stored, and how long it took on the laboratory's clock (s)."""

    folder: RunFolder
    sweep_id: str
    lab_time: float


def measure_sweep(plan_path: Path, options: Options | None = None, *, notify: Listener = nobody) -> dict[str, Any]:
    """Run a temperature sweep from plan to report and return the result as in the JSON contract.

    Parameters
    ----------
    plan_path
        Plan file.
    options
        Folder for the run (default: a new one under mqtctl-runs), database (default: in that
        folder, or as planned), the simulated bench's seed, and what is called wherever the measurement could stop: a
        sign of life, some times a second.
    notify
        Called with each event of the measurement.

    Raises
    ------
    MqtctlError
        See `mqtctl.errors`; source and heater are off before it is raised. What was stored stays.
    """
    return _measure(plan_path, options or Options(), notify)


def measure_histogram(plan_path: Path, options: Options | None = None, *, notify: Listener = nobody) -> dict[str, Any]:
    """Take the plan's histograms at the present temperature; returns the keys of a point, then those of a sweep.

    A plan of both polarities or of several rates makes more than one: the keys are then those of the plan's own ramp,
    and `points` has all of them. Parameters and errors are those of `measure_sweep`.
    """
    result = _measure(plan_path, options or Options(), notify, single=True)
    own = result["points"][0]
    return {**own, **{key: value for key, value in result.items() if key not in own}}


def _measure(plan_path: Path, options: Options, notify: Listener, *, single: bool = False) -> dict[str, Any]:
    """Measure, then analyse and report."""
    return concluded(lambda: acquire(plan_path, options, notify=notify, single=single, reported=True), notify)


def concluded(measure: Callable[[], Acquired], notify: Listener) -> dict[str, Any]:
    """Measure, then analyse and report what was taken, and what an earlier part of the same sweep had taken."""
    wall = WallClock()
    begun = wall.now()
    taken = measure()
    stored = load_sweep(taken.folder.database, sweep_id=taken.sweep_id)
    result = analyze_stored(
        stored, taken.folder.database, taken.folder.path, lab_time_s=taken.lab_time, wall=(wall, begun)
    )
    taken.folder.write({**result, "state": "complete"}, taken.sweep_id)
    store_overview(stored, result, taken.folder.database, lambda sentence: notify(Remark(sentence)))
    return result


def acquire(
    plan_path: Path,
    options: Options | None = None,
    *,
    notify: Listener = nobody,
    single: bool = False,
    reported: bool = False,
) -> Acquired:
    """Measure and store, without the analysis: everything opened in the right order and left safe.

    Parameters
    ----------
    single
        Take one histogram at the present temperature instead of the plan's sweep.
    reported
        Write the report of what there is from time to time while it goes on.

    Other parameters and errors are those of `measure_sweep`.
    """
    plan = load_plan(plan_path)
    return carry_out(plan, histogram_task(plan, single=single, reported=reported), options, notify=notify)


def histogram_task(plan: ResolvedPlan, *, single: bool, reported: bool = True) -> Task:
    """Return the task of `acquire`."""
    points = 1 if single else len(plan.plan.temperatures)
    return Task(run_histogram if single else run_sweep, points, reported, single)


@dataclass(frozen=True)
class Task:
    """What is done on the open station.

    Attributes
    ----------
    measure
        Does it.
    points
        At how many temperatures.
    reported
        Whether `mqtctl report` can show what is taken.
    single
        Whether it is one histogram at the present temperature; None for what `mqtctl resume` cannot go on with.
    """

    measure: Callable[[SweepJob], object]
    points: int
    reported: bool = False
    single: bool | None = None


@dataclass(frozen=True)
class Begun:
    """A measurement that was begun before: where it is stored, as what, and what of it is there."""

    folder: RunFolder
    sweep_id: str
    done: Done


def bytes_needed(plan: ResolvedPlan, points: int) -> int:
    """Return how many bytes a measurement at so many points adds to the database, with room to spare."""
    variants = max(len(plan.variants(target)) for target in (None, *plan.plan.temperatures))
    switches = plan.plan.most_switches
    if plan.plan.precision is not None:
        goal = PrecisionGoal(plan.plan.precision, plan.plan.precision_of, plan.sample.junction.estimate)
        switches = min(switches, 2 * goal.expected_switches)
    return points * variants * (switches * BYTES_PER_SWITCH + BYTES_PER_RUN)


def _anew(plan: ResolvedPlan, options: Options) -> Begun:
    """Return a measurement of which nothing is there yet."""
    sweep_id = uuid.uuid4().hex
    planned = plan.source.parent / plan.plan.database if plan.plan.database else None
    folder = RunFolder.choose(options.output, options.database or planned, datetime.now(UTC), sweep_id)
    return Begun(folder, sweep_id, NOTHING)


def _order(plan: ResolvedPlan, task: Task, begun: Begun, options: Options) -> Order | None:
    """Return what the folder is to keep for `mqtctl resume`; None if it has it, or the task is none that resumes."""
    if task.single is None or begun.folder.resumed:
        return None
    return Order(str(plan.source.resolve()), begun.sweep_id, task.single, options.seed)


def carry_out(
    plan: ResolvedPlan,
    task: Task,
    options: Options | None = None,
    *,
    notify: Listener = nobody,
    begun: Begun | None = None,
) -> Acquired:
    """Open folder, station and database, do the task, leave everything safe; errors are those of `measure_sweep`.

    `begun` is what the measurement goes on with; a new one without.
    """
    options = options or Options()
    begun = begun or _anew(plan, options)
    folder, sweep_id = begun.folder, begun.sweep_id
    needed = bytes_needed(plan, task.points)
    heard = notify is not nobody
    notify = Bystander(notify)

    def tell(sentence: str) -> None:
        notify(Remark(sentence))

    following = Following(
        folder,
        sweep_id,
        task.points,
        notify,
        WallClock(),
        task.reported,
        histograms=len(begun.done.histograms),
        order=_order(plan, task, begun, options),
    )
    limit = plan.sample.limits.max_current
    with ExitStack() as opened:
        opened.enter_context(following.telling())
        interrupt = opened.enter_context(Interrupt(options.alive))
        patience = Patience(tell=tell, check=interrupt.check)
        opened.enter_context(folder.made(patience))  # a database in use is refused before any instrument is asked
        opened.enter_context(exclusive(instruments_of(plan.station)))
        station = opened.enter_context(
            open_station(plan.station, seed=options.seed, current_limit=limit, wall=interrupt.clock)
        )
        with before_ramps(station, tell), interrupt.striking():
            check_plan(plan, station, tell)
        start = station.clock.now()
        # the innermost ends first: no wait is cut short while source and heater go off, which is before the database
        # closes
        with (
            open_database(folder.database, needed=needed, patience=patience) as database,
            _in_use(plan.station, notify),
            guarded(station, tell),
            interrupt.striking(),
        ):
            interrupt.check()
            facts = _facts(plan, station)
            following.begin(facts)
            for doubt in calibration_findings(plan, station, facts.instruments):
                if doubt.verdict != "good":
                    notify(Remark(f"{doubt.subject}: {doubt.sentence}"))
            task.measure(
                SweepJob(
                    plan=plan,
                    points=task.points,
                    station=station,
                    database=database,
                    sweep_id=sweep_id,
                    facts=facts,
                    notify=_with_fits(following, folder.database, plan) if heard else following,
                    check=interrupt.check,
                    room=lambda left: require_space(folder.database, bytes_needed(plan, left)),
                    done=begun.done,
                )
            )
        return Acquired(folder, sweep_id, station.clock.now() - start)


@contextmanager
def _in_use(station: Path, notify: Listener) -> Iterator[None]:
    """Tell that outputs are in use within the block, which ends with an error where they are not confirmed off."""
    notify(OutputsInUse(str(station.resolve())))
    try:
        yield
    except UnsafeError:
        raise
    except BaseException:
        notify(AtRest())
        raise
    notify(AtRest())


def _facts(plan: ResolvedPlan, station: Station) -> RunFacts:
    """Return what is kept with every run beside plan, sample and snapshot."""
    return RunFacts(
        plan=plan.source.name,
        station=plan.station.name,
        instruments=station.identities(),
        simulated=station.simulated,
        seed=station.seed,
        started=station.clock.utc().isoformat(),
        versions={name: version(name) for name in ("mqtctl", "qcodes", "pyvisa", "numpy", "scipy")}
        | {"python": platform.python_version()},
    )


def _with_fits(notify: Listener, database: Path, plan: ResolvedPlan) -> Notify:
    """Return a listener that adds to each finished point the fit of its histogram alone; it never raises by itself."""
    junction = plan.sample.junction.estimate

    def listen(event: Event) -> None:
        notify(event)
        if not isinstance(event, PointFinished) or event.purpose != "switching":
            return
        try:
            (point,) = load_sweep(database, run_id=event.run_id).points
            fit = fit_histogram(point.histogram, junction)
        except Exception as exc:  # a courtesy: it must not end the sweep; the data are stored
            kind = "" if isinstance(exc, MqtctlError) else f"{type(exc).__name__}: "
            notify(Remark(f"no fit of this histogram alone: {kind}{exc}", event.point))
            return
        if fit.converged and math.isfinite(fit.escape_temperature_stderr):
            notify(
                PointFitted(
                    event.point,
                    fit.critical_current,
                    fit.critical_current_stderr,
                    fit.escape_temperature,
                    fit.escape_temperature_stderr,
                )
            )

    return listen
