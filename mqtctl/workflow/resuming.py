"""Goes on with a sweep where it was stopped: what is finished stays, what is not is taken anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mqtctl.acquisition import Remark
from mqtctl.errors import InputError
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.storage import Done, load_done
from mqtctl.workflow.measurement import Begun, Listener, Options, carry_out, concluded, histogram_task
from mqtctl.workflow.results import RunFolder, find_run, read_order

__all__ = ["first_difference", "resume"]


def resume(
    run: Path,
    plan_path: Path | None = None,
    *,
    notify: Listener = lambda _event: None,
    alive: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Take what is missing of a sweep or histogram, then analyse the whole and report; returns the JSON contract.

    A histogram counts as finished when its closing facts, written last, are in the database. One that is not is taken
    anew from its first ramp; the unfinished one stays in the database and is left out of the analysis.

    Parameters
    ----------
    run
        Folder of the run.
    plan_path
        Plan file, if it is not where it was.
    notify, alive
        As for `measure_sweep`.

    Raises
    ------
    InputError
        No such run, none that can be gone on with, or a plan or sample that has changed; the message names the key.
    MqtctlError
        See `mqtctl.errors`; source and heater are off before it is raised. What was stored stays.
    """
    database, _ = find_run(run)
    order = read_order(run)
    source = plan_path or Path(order.plan)
    if not source.is_file():
        raise InputError(f"{source}: the plan of {run} is not there any more; say where it is with --plan")
    plan = load_plan(source)
    done = load_done(database, order.sweep_id)
    _require_unchanged(plan, done, run)
    task = histogram_task(plan, single=order.single)
    begun = Begun(RunFolder(run, database, resumed=True), order.sweep_id, done)
    options = Options(seed=_next_seed(order.seed, done.runs), alive=alive)
    notify(Remark(f"going on: {len(done.histograms)} histograms are finished and are not taken again"))
    return concluded(lambda: carry_out(plan, task, options, notify=notify, begun=begun), notify)


def _next_seed(seed: int | None, runs: int) -> int | None:
    """Return the seed for what is still to be taken: with the old one a bench would draw its first switches again."""
    if seed is None or runs == 0:
        return seed
    return int(np.random.SeedSequence([seed, runs]).generate_state(1)[0])


def _require_unchanged(plan: ResolvedPlan, done: Done, run: Path) -> None:
    """Refuse a plan, sample or calibration that is not what the finished part was taken with."""
    if done.header is None or done.header.plan_digest == plan.digest:
        return
    difference = first_difference(done.header.document.model_dump(mode="json"), json.loads(json.dumps(plan.document())))
    raise InputError(
        f"{plan.source}: is not the plan with which {run} was begun: {difference}; put it back, or begin a new sweep"
    )


def first_difference(before: object, now: object, where: str = "") -> str:
    """Say in what two pieces of plain data differ first: the key, what it was, and what it is."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in (*before, *(key for key in now if key not in before)):
            old, new = before.get(key, _ABSENT), now.get(key, _ABSENT)
            if old != new:
                return first_difference(old, new, f"{where}.{key}".removeprefix("."))
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            if old != new:
                return first_difference(old, new, f"{where}[{number}]")
    return f"{where} was {_shown(before)} and is {_shown(now)}"


_ABSENT = object()


def _shown(value: object) -> str:
    """Return a value for a message; short, whatever it is."""
    text = "not there" if value is _ABSENT else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
