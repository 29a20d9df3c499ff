"""Small runs with set points at the end of a sweep, so that plottr and `plot_by_id` show what was measured at once.

The histograms' own runs hold every interval, which no plotting program turns into a histogram.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mqtctl.errors import MqtctlError
from mqtctl.report.histogram_figure import bin_edges
from mqtctl.storage import (
    METADATA_TAG,
    OVERVIEW_EXPERIMENT,
    Column,
    DerivedFacts,
    Patience,
    StoredPoint,
    StoredSweep,
    Table,
    marked,
    open_database,
    ramp_in_words,
    sole_writer,
    stored_text,
    write_table,
)

__all__ = ["store_overview"]

#: Nobody waits long (s) for what can be computed again.
_WAIT = 10.0
_LEAST = 2

_BATH = Column("bath_temperature", "Bath temperature", "K")
_OVER_BATH = {
    "mean_switching_current_A": Column("mean_switching_current", "Mean switching current", "A"),
    "std_switching_current_A": Column("std_switching_current", "Width (standard deviation)", "A"),
    "escape_temperature_K": Column("escape_temperature", "Escape temperature (shared critical current)", "K"),
    "escape_temperature_stderr_K": Column("escape_temperature_stderr", "Standard error of it", "K"),
    "escape_temperature_free_K": Column("escape_temperature_free", "Escape temperature (alone, both free)", "K"),
}


def store_overview(
    stored: StoredSweep, result: Mapping[str, Any], database: Path, tell: Callable[[str], None]
) -> list[int]:
    """Store counts over current for each histogram, and mean, width and escape temperature over bath temperature.

    Parameters
    ----------
    stored, result
        The sweep and what its analysis found, as in the JSON contract.
    database
        Where the sweep is.
    tell
        Called with a sentence if it could not be stored, which harms nothing.

    Returns
    -------
    list of int
        The runs.
    """
    tables = [_counts(point, stored.sweep_id) for point in _with_switches(stored)]
    tables += _over_bath(stored, result)
    header = stored.points[0].header
    tables = [replace(table, name=marked(table.name, header.facts.simulated)) for table in tables]
    sample = marked(header.document.sample.name, header.facts.simulated)  # stands over the plots
    try:
        with (
            sole_writer(database),
            open_database(database, patience=Patience(seconds=_WAIT, tell=tell)) as opened,
        ):
            return [write_table(opened, table, sample) for table in tables]
    except MqtctlError as exc:
        tell(f"plottr will show the single runs only, not the sweep as a whole: {exc}")
        return []


def _with_switches(stored: StoredSweep) -> list[StoredPoint]:
    """Return the histograms that have something to show."""
    return [p for p in (*stored.points, *stored.beside) if p.histogram.switching_currents.size >= _LEAST]


def _words(point: StoredPoint) -> str:
    """Return temperature, polarity and rate of a histogram."""
    return ramp_in_words(point.header.set_temperature, point.histogram.ramp.rate, point.header.variant)


def _table(
    name: str, columns: tuple[Column, ...], rows: Sequence[tuple[float, ...]], sweep_id: str, runs: list[int | None]
) -> Table:
    """Return a table that says what it was derived from."""
    tags = {METADATA_TAG.format("derived"): stored_text(DerivedFacts(sweep_id=sweep_id, run_ids=list(runs)))}
    return Table(OVERVIEW_EXPERIMENT, name, columns, rows, tags)


def _counts(point: StoredPoint, sweep_id: str) -> Table:
    """Return the histogram itself."""
    currents = point.histogram.switching_currents
    counts, edges = np.histogram(currents, bin_edges(currents))
    label = "Retrapping current" if point.purpose == "retrapping" else "Switching current"
    columns = (Column("current", label, "A"), Column("counts", "Counts"))
    middles = 0.5 * (edges[1:] + edges[:-1])
    rows = [(float(middle), float(count)) for middle, count in zip(middles, counts, strict=True)]
    return _table(f"{point.purpose}_counts {_words(point)}", columns, rows, sweep_id, [point.histogram.run_id])


def _over_bath(stored: StoredSweep, result: Mapping[str, Any]) -> list[Table]:
    """Return what depends on the bath temperature, for each kind of ramp that was made at several."""
    fits = {entry["run_id"]: entry for entry in result["points"]}
    ramps: dict[int, list[StoredPoint]] = {}
    for point in stored.points:
        ramps.setdefault(point.header.variant.number, []).append(point)
    tables = []
    for points in ramps.values():
        ordered = sorted(
            (p for p in points if math.isfinite(p.histogram.temperature)), key=lambda p: p.histogram.temperature
        )
        if len(ordered) < _LEAST:
            continue
        entries = [fits[point.histogram.run_id] for point in ordered]
        keys = [key for key in _OVER_BATH if any(entry.get(key) is not None for entry in entries)]
        rows = [
            (point.histogram.temperature, *(math.nan if entry.get(key) is None else float(entry[key]) for key in keys))
            for point, entry in zip(ordered, entries, strict=True)
        ]
        name = (
            f"over bath temperature {ramp_in_words(math.nan, points[0].histogram.ramp.rate, points[0].header.variant)}"
        )
        columns = (_BATH, *(_OVER_BATH[key] for key in keys))
        tables.append(_table(name, columns, rows, stored.sweep_id, [point.histogram.run_id for point in ordered]))
    return tables
