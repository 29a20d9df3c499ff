"""Writes and reads I-V curves: one small QCoDeS run each, beside the histograms of its sweep."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mqtctl.errors import InputError
from mqtctl.storage import layout
from mqtctl.storage.connection import Database
from mqtctl.storage.headers import CurveFacts, parse, stored_text
from mqtctl.storage.naming import marked
from mqtctl.storage.rescue import Rescued, RescuedCurve, rescuing
from mqtctl.storage.stored import numbers, results_table, tagged
from mqtctl.storage.tables import Column, Table, write_table

if TYPE_CHECKING:
    from qcodes.station import Station

__all__ = ["StoredCurve", "read_curves", "store_curve", "write_curve"]

_COLUMNS = (layout.THRESHOLD, layout.RISING_CURRENT, layout.FALLING_CURRENT)


@dataclass(frozen=True)
class StoredCurve:
    """An I-V curve.

    Attributes
    ----------
    facts, run_id
        What was stored with it, and where it is.
    threshold
        In V at the counter, shape (n_threshold,).
    rising, falling
        Currents in A at which it was passed on the rise and on the fall, same shape; None where it was not.
    """

    facts: CurveFacts
    run_id: int
    threshold: tuple[float, ...]
    rising: tuple[float | None, ...]
    falling: tuple[float | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as the JSON contract has it."""
        return {
            "when": self.facts.when,
            "highest_seen_V": self.facts.highest_seen,
            "lowest_unseen_V": self.facts.lowest_unseen,
            "time": self.facts.time,
            "threshold_V": list(self.threshold),
            "rising_current_A": list(self.rising),
            "falling_current_A": list(self.falling),
            "run_id": self.run_id,
        }


def write_curve(
    database: Database,
    station: Station,
    sample_name: str,
    facts: CurveFacts,
    rows: Sequence[tuple[float, float, float]],
) -> int:
    """Store an I-V curve and return its run.

    Parameters
    ----------
    facts
        Identity of the sweep, when it was taken, what else is known of it.
    rows
        Threshold in V at the counter, current in A on the rise, and on the fall; NaN where it was not passed.

    Raises
    ------
    StorageError
        It did not reach the file; a rescue file has it, which the message names.
    """
    curve = RescuedCurve(sample_name=sample_name, facts=facts, rows=list(rows))
    kept = Rescued(database.path, "", 0, curve=curve)
    with rescuing(lambda: kept, database.patience.tell):
        return store_curve(database, sample_name, facts, rows, station)


def store_curve(
    database: Database,
    sample_name: str,
    facts: CurveFacts,
    rows: Sequence[tuple[float, float, float]],
    station: Station | None = None,
) -> int:
    """Store an I-V curve and return its run, as `write_curve` does, without a rescue file where it fails."""
    columns = (
        Column(layout.THRESHOLD, "Voltage at the counter", "V"),
        Column(layout.RISING_CURRENT, "Current on the rise", "A"),
        Column(layout.FALLING_CURRENT, "Current on the fall", "A"),
    )
    tags = {layout.METADATA_TAG.format("curve"): stored_text(facts)}
    table = Table(layout.EXPERIMENT, marked(layout.CURVE_RUN_NAME, facts.simulated), columns, rows, tags)
    return write_table(database, table, sample_name, station)


def read_curves(connection: sqlite3.Connection, sweep_id: str, path: Path) -> list[StoredCurve]:
    """Return the I-V curves of a sweep, in the order in which they were taken.

    Raises
    ------
    InputError
        One of them is damaged.
    """
    found = []
    for run_id, text in tagged(connection, "curve"):
        where = f"{path}: the I-V curve in run {run_id}"
        facts = parse(text, CurveFacts, where)
        if facts.sweep_id == sweep_id:
            found.append(_read_curve(connection, run_id, facts, where))
    return found


def _read_curve(connection: sqlite3.Connection, run_id: int, facts: CurveFacts, where: str) -> StoredCurve:
    """Return one curve."""
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
    return StoredCurve(
        facts=facts,
        run_id=run_id,
        threshold=tuple(points),
        rising=tuple(_number(rising) for rising, _ in points.values()),
        falling=tuple(_number(falling) for _, falling in points.values()),
    )


def _number(value: float) -> float | None:
    """Return a number that JSON can write; None for one that was not measured."""
    return float(value) if math.isfinite(value) else None
