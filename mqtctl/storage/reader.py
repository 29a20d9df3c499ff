"""Reads stored histograms back into plain records, without touching the database."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.records import Histogram, Sweep
from mqtctl.storage import layout
from mqtctl.storage.arrays import read_array
from mqtctl.storage.curves import StoredCurve, read_curves
from mqtctl.storage.headers import ClosingFacts, PointHeader, parse
from mqtctl.storage.opening import READING_FAULTS, open_read_only
from mqtctl.storage.stored import numbers, of_run, results_table, tagged

__all__ = ["StoredPoint", "StoredSweep", "finished_runs", "histogram_headers", "load_sweep", "place_of"]


@dataclass(frozen=True)
class StoredPoint:
    """One run of the database: its histogram, and whether it was finished.

    The histogram of a ramp at negative bias current is mirrored, so that it rises.
    """

    histogram: Histogram
    header: PointHeader
    result: ClosingFacts | None

    @property
    def purpose(self) -> str:
        """What the ramp was made for: switching, retrapping or heating."""
        return self.header.variant.purpose

    @property
    def duration(self) -> float:
        """Time in s from the first ramp to the last acknowledged block; raises `InputError` where it is not known."""
        if self.result is None or self.result.duration is None:
            raise InputError(f"run {self.histogram.run_id}: it is not known how long it took; is it finished?")
        return self.result.duration

    @property
    def complete(self) -> bool:
        """Whether the last thing that a finished histogram writes is there."""
        return self.result is not None and self.result.complete


@dataclass(frozen=True)
class StoredSweep:
    """The points of one sweep, in order, unfinished ones left out and kept aside.

    Attributes
    ----------
    sweep, points
        The histograms that are fitted: switching on the planned ramps. An unfinished one is among them only if
        nothing else is there.
    beside
        What was measured beside them: retrapping currents, and the check for heating.
    iv_curves
        I-V curves taken before and after.
    unfinished
        What was left out, because its last block was never written.
    """

    sweep: Sweep
    points: tuple[StoredPoint, ...]
    sweep_id: str
    beside: tuple[StoredPoint, ...] = ()
    iv_curves: tuple[StoredCurve, ...] = ()
    unfinished: tuple[StoredPoint, ...] = ()


def load_sweep(path: Path, *, sweep_id: str | None = None, run_id: int | None = None) -> StoredSweep:
    """Load a sweep, by default the newest one, or the one of a given identity or run.

    Raises
    ------
    InputError
        No such file, not a QCoDeS database or a damaged one, or no (such) switching histogram in it.
    """
    try:
        there = path.is_file()
    except OSError as exc:  # a folder that may not be looked into
        raise InputError(f"{path}: cannot be read ({exc.strerror or exc})") from exc
    if not there:
        raise InputError(f"{path}: no such database")
    try:
        with open_read_only(path) as connection:
            headers = histogram_headers(connection, path)
            chosen = _choose(connection, headers, path, sweep_id, run_id)
            points = [_load_point(connection, number, headers[number], path) for number in chosen]
            curves = read_curves(connection, points[0].header.sweep_id, path)
    except READING_FAULTS as exc:
        raise InputError(f"{path}: is damaged, or not a QCoDeS database ({exc})") from exc
    return _assemble(points, curves)


def histogram_headers(connection: sqlite3.Connection, path: Path) -> dict[int, PointHeader]:
    """Return run id -> header of all runs that hold a switching histogram."""
    return {
        run_id: parse(text, PointHeader, f"{path}: the header of run {run_id}")
        for run_id, text in tagged(connection, "header")
    }


def _choose(
    connection: sqlite3.Connection,
    headers: Mapping[int, PointHeader],
    path: Path,
    sweep_id: str | None,
    run_id: int | None,
) -> list[int]:
    """Return the runs that were asked for, ordered by point; raises `InputError` if there are none.

    A sweep that was gone on with has an unfinished run and a finished one of the same ramp: the finished one counts.
    """
    if not headers:
        raise InputError(
            f"{path}: holds no switching histograms of mqtctl; export the switching currents or times of other runs as"
            " one column of text, and analyze that"
        )
    if run_id is not None:
        if run_id not in headers:
            raise InputError(f"{path}: run {run_id} is not a switching histogram; there are {sorted(headers)}")
        return [run_id]
    # a calibration in the same database is asked for by name: its runs say at which threshold they were taken
    sweeps = [n for n, header in headers.items() if header.variant.threshold is None] or headers
    wanted = sweep_id if sweep_id is not None else headers[max(sweeps)].sweep_id
    mine = {number: header for number, header in headers.items() if header.sweep_id == wanted}
    if not mine:
        known = sorted({h.sweep_id for h in headers.values()})
        raise InputError(f"{path}: holds no sweep {wanted!r}; there are {', '.join(known)}")
    newest = {place_of(header): number for number, header in mine.items()}
    newest |= finished_runs(connection, mine, path)
    return [newest[place] for place in sorted(newest)]


def finished_runs(
    connection: sqlite3.Connection, headers: Mapping[int, PointHeader], path: Path
) -> dict[tuple[int, int], int]:
    """Return the newest finished run of each (point, ramp) among these; raises `InputError` for damaged ones."""
    results = {number: _result(connection, number, f"{path}: run {number}") for number in headers}
    return {place_of(headers[number]): number for number, result in results.items() if result and result.complete}


def place_of(header: PointHeader) -> tuple[int, int]:
    """Return where a run stands in its sweep: point, and number of the ramp at that point."""
    return header.point, header.variant.number


def _load_point(connection: sqlite3.Connection, run_id: int, header: PointHeader, path: Path) -> StoredPoint:
    """Read one run."""
    where = f"{path}: run {run_id}"
    result = _result(connection, run_id, where)
    table = results_table(connection, run_id, _COLUMNS, where)
    intervals = _concatenate(connection, table, layout.INTERVAL, where)
    currents = _concatenate(connection, table, layout.CURRENT, where)
    if intervals.size != currents.size:
        raise InputError(f"{where}: is damaged ({intervals.size} intervals, but {currents.size} currents)")
    censored = float(_column(connection, table, layout.BLOCK_CENSORED, where).sum())
    if not 0.0 <= censored < 1e15:
        raise InputError(f"{where}: is damaged ({censored} ramps without a switch)")
    baths = _column(connection, table, layout.BATH_TEMPERATURE, where)
    switched = np.isfinite(currents)
    facts = result or ClosingFacts()
    mean, std = facts.temperature, facts.temperature_std
    polarity, ramp = header.variant.polarity, header.ramp.measured
    histogram = Histogram(
        switching_currents=polarity * currents[switched],
        intervals=intervals[switched],
        ramp=ramp if polarity > 0 else ramp.mirrored,
        censored=int(censored),
        temperature=mean if mean is not None else float(np.mean(baths)) if baths.size else math.nan,
        temperature_std=std if std is not None else float(np.std(baths)) if baths.size else math.nan,
        point=header.point,
        run_id=run_id,
        polarity=polarity,
        resolution=header.resolution,
        rounding=header.rounding,
        edges=None if header.edges is None else np.array(header.edges),
        time=_middle(facts),
    )
    return StoredPoint(histogram=histogram, header=header, result=result)


def _middle(facts: ClosingFacts) -> float:
    """Return the middle of a histogram's ramps in s of calendar time; NaN where nobody noted it."""
    try:
        finished = datetime.fromisoformat(facts.finished).timestamp()
    except ValueError:
        return math.nan
    return finished - 0.5 * (facts.duration or 0.0)


_COLUMNS = {layout.INTERVAL, layout.CURRENT, layout.BLOCK_CENSORED, layout.BATH_TEMPERATURE}


def _result(connection: sqlite3.Connection, run_id: int, where: str) -> ClosingFacts | None:
    """Return the closing facts of a run; None if it was interrupted."""
    tag = layout.METADATA_TAG.format("result")
    if tag not in {row[1] for row in connection.execute("PRAGMA table_info(runs)")}:
        return None
    text = of_run(connection, run_id, tag, where)
    return None if text is None else parse(text, ClosingFacts, f"{where}: the result")


def _values(connection: sqlite3.Connection, table: str, column: str) -> list[Any]:
    """Return a column in the order of writing."""
    rows = connection.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL ORDER BY id')
    return [value for (value,) in rows]


def _column(connection: sqlite3.Connection, table: str, column: str, where: str) -> NDArray[np.float64]:
    """Return a numeric column in the order of writing."""
    return numbers(_values(connection, table, column), f"{where}: {column}")


def _concatenate(connection: sqlite3.Connection, table: str, column: str, where: str) -> NDArray[np.float64]:
    """Return the array blocks of a column joined in the order of writing."""
    blocks = [
        read_array(blob, f"{where}: block {number} of {column}")
        for number, blob in enumerate(_values(connection, table, column))
    ]
    return np.concatenate(blocks) if blocks else np.empty(0)


def _assemble(points: list[StoredPoint], curves: list[StoredCurve]) -> StoredSweep:
    """Put points together into a sweep; a single unfinished run is taken as it is."""
    finished = [p for p in points if p.complete] or points
    complete = [p for p in finished if p.purpose == "switching"] or finished
    header = points[0].header
    sweep = Sweep(
        histograms=tuple(p.histogram for p in complete),
        junction=header.document.sample.junction.estimate,
        title=header.document.plan.title,
        metadata={"header": header},
    )
    return StoredSweep(
        sweep=sweep,
        points=tuple(complete),
        sweep_id=header.sweep_id,
        beside=tuple(p for p in finished if all(p is not taken for taken in complete)),
        iv_curves=tuple(curves),
        unfinished=tuple(p for p in points if all(p is not taken for taken in finished)),
    )
