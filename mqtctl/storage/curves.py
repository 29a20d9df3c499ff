"""Writes and reads I-V curves: one small QCoDeS run each, beside the histograms of its sweep."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqtctl.errors import InputError
from mqtctl.storage import layout
from mqtctl.storage.connection import Database
from mqtctl.storage.naming import marked
from mqtctl.storage.rescue import Rescued, rescuing
from mqtctl.storage.stored import CurveFacts, numbers, parse, results_table
from mqtctl.storage.tables import Column, Table, write_table

if TYPE_CHECKING:
    from qcodes.station import Station

__all__ = ["read_curves", "store_curve", "write_curve"]

_DESCRIBED = ("when", "highest_seen_V", "lowest_unseen_V", "time")
_COLUMNS = (layout.THRESHOLD, layout.RISING_CURRENT, layout.FALLING_CURRENT)


def write_curve(
    database: Database,
    station: Station,
    sample_name: str,
    facts: Mapping[str, Any],
    rows: Sequence[tuple[float, float, float]],
) -> int:
    """Store an I-V curve and return its run.

    Parameters
    ----------
    facts
        Plain data: identity of the sweep, when it was taken, what else is known of it.
    rows
        Threshold in V at the counter, current in A on the rise, and on the fall; NaN where it was not passed.

    Raises
    ------
    StorageError
        It did not reach the file; a rescue file has it, which the message names.
    """
    kept = Rescued(
        database.path, "", 0, curve={"sample_name": sample_name, "facts": dict(facts), "rows": [list(r) for r in rows]}
    )
    with rescuing(lambda: kept, database.patience.tell):
        return store_curve(database, sample_name, facts, rows, station)


def store_curve(
    database: Database,
    sample_name: str,
    facts: Mapping[str, Any],
    rows: Sequence[tuple[float, float, float]],
    station: Station | None = None,
) -> int:
    """Store an I-V curve and return its run, as `write_curve` does, without a rescue file where it fails."""
    columns = (
        Column(layout.THRESHOLD, "Voltage at the counter", "V"),
        Column(layout.RISING_CURRENT, "Current on the rise", "A"),
        Column(layout.FALLING_CURRENT, "Current on the fall", "A"),
    )
    tags = {layout.METADATA_TAG.format("curve"): json.dumps(facts)}
    table = Table(layout.EXPERIMENT, marked(layout.CURVE_RUN_NAME, facts), columns, rows, tags)
    return write_table(database, table, sample_name, station)


def read_curves(connection: sqlite3.Connection, sweep_id: str, path: Path) -> list[dict[str, Any]]:
    """Return the I-V curves of a sweep as plain data, in the order in which they were taken.

    Raises
    ------
    InputError
        One of them is damaged.
    """
    tag = layout.METADATA_TAG.format("curve")
    if tag not in {row[1] for row in connection.execute("PRAGMA table_info(runs)")}:
        return []
    found = []
    for run_id, text in connection.execute(
        f'SELECT run_id, "{tag}" FROM runs WHERE "{tag}" IS NOT NULL ORDER BY run_id'
    ).fetchall():
        where = f"{path}: the I-V curve in run {run_id}"
        facts = parse(text, CurveFacts, where)
        if facts["sweep_id"] == sweep_id:
            described = {key: facts[key] for key in _DESCRIBED if key in facts}
            found.append({**described, **_read_curve(connection, run_id, where), "run_id": run_id})
    return found


def _read_curve(connection: sqlite3.Connection, run_id: int, where: str) -> dict[str, list[float | None]]:
    """Return threshold, rising and falling currents of one curve."""
    table = results_table(connection, run_id, set(_COLUMNS), where)
    columns = ", ".join(f'"{name}"' for name in _COLUMNS)
    points: dict[float, list[float]] = {}
    for row in connection.execute(f'SELECT {columns} FROM "{table}" ORDER BY id'):
        threshold, *currents = numbers([math.nan if value is None else value for value in row], where)
        if not math.isfinite(threshold):
            raise InputError(f"{where}: is damaged (a threshold of {threshold} V)")
        point = points.setdefault(float(threshold), [math.nan, math.nan])
        points[float(threshold)] = [
            new if math.isfinite(new) else old for new, old in zip(currents, point, strict=True)
        ]
    return {
        "threshold_V": list(points),
        "rising_current_A": [_number(rising) for rising, _ in points.values()],
        "falling_current_A": [_number(falling) for _, falling in points.values()],
    }


def _number(value: float) -> float | None:
    """Return a number that JSON can write; None for one that was not measured."""
    return float(value) if math.isfinite(value) else None
