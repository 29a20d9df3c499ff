"""How much of what was planned is stored: planned against done, and what is there but unfinished."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mqtctl.analysis.sweep.results import SweepFit
from mqtctl.errors import InputError
from mqtctl.quantities import readable
from mqtctl.storage import StoredPoint, StoredSweep

__all__ = ["done_of_planned", "extent", "flagged", "require_switches"]


def extent(stored: StoredSweep, *, single: bool = False) -> dict[str, Any]:
    """Return the JSON keys that say how much is there and where it comes from.

    Parameters
    ----------
    single
        One run of a sweep was asked for: nothing else was to be there.
    """
    header = stored.points[0].header
    kinds = 1 if single else header.document.plan.ramps_at_a_point
    counted = Counter(point.header.point for point in stored.points if point.complete)
    return {
        "points_planned": 1 if single else header.points,
        "points_done": sum(count >= kinds for count in counted.values()),
        "unfinished": [_unfinished(point) for point in _all_unfinished(stored)],
        "simulated": header.facts.simulated,
        "seed": header.facts.seed,
        "plan_hash": header.plan_digest,
    }


def done_of_planned(found: Mapping[str, Any]) -> str:
    """Say how much of the plan is there, from the keys of `extent`."""
    done, planned = found["points_done"], found["points_planned"]
    if planned > 1:
        return f"{done} of {planned} planned temperatures"
    return f"its one temperature is {'' if done else 'not '}finished"


def require_switches(stored: StoredSweep) -> None:
    """Refuse a sweep in which there is nothing to fit yet; raises `InputError`."""
    if not any(histogram.switching_currents.size for histogram in stored.sweep.histograms):
        runs = ", ".join(str(histogram.run_id) for histogram in stored.sweep.histograms)
        raise InputError(
            f"there is nothing to analyse yet: run {runs} holds no switches; wait until a histogram is stored"
        )


def flagged(fit: SweepFit, stored: StoredSweep, found: Mapping[str, Any]) -> SweepFit:
    """Return a fit whose flags say first what is missing of the sweep, and which histogram is not whole."""
    flags = []
    if found["points_done"] < found["points_planned"]:
        flags.append(f"not complete: {done_of_planned(found)}; the measurement still runs, or was stopped")
    taken = {point.histogram.run_id: point for point in stored.points if not point.complete}
    for point in stored.unfinished:
        run = point.histogram.run_id
        flags.append(f"{_name(point)} is left out: unfinished, {_count(point)}; --run {run} of `analyze` looks at it")
    flags += [f"{_name(point)} is unfinished: {_count(point)}" for point in taken.values()]
    points = tuple(
        replace(point, flags=(f"unfinished: {_count(taken[point.run_id])}", *point.flags))
        if point.run_id in taken
        else point
        for point in fit.points
    )
    return replace(fit, points=points, flags=(*flags, *fit.flags))


def _all_unfinished(stored: StoredSweep) -> list[StoredPoint]:
    """Return what is unfinished, whether it was left out or, for want of anything else, taken."""
    return [point for point in (*stored.points, *stored.unfinished) if not point.complete]


def _unfinished(point: StoredPoint) -> dict[str, Any]:
    """Return an unfinished histogram as plain data."""
    return {
        "point": point.header.point,
        "run_id": point.histogram.run_id,
        "purpose": point.purpose,
        "switches": int(point.histogram.switching_currents.size),
        "switches_planned": _planned(point),
    }


def _planned(point: StoredPoint) -> int | None:
    """Return the switches that were planned; None where a precision was, or where it is another kind of ramp."""
    return point.header.document.plan.switches if point.purpose == "switching" else None


def _count(point: StoredPoint) -> str:
    """Say how many switches there are, of how many."""
    planned = _planned(point)
    there = point.histogram.switching_currents.size
    return f"{there} switches" if planned is None else f"{there} of {planned} switches"


def _name(point: StoredPoint) -> str:
    """Say which run it is."""
    temperature = point.histogram.temperature
    where = f" at {readable(temperature, 'K')}" if temperature == temperature else ""
    return f"run {point.histogram.run_id}{where}"
