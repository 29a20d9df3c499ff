"""Writes and reads I-V curves: one small QCoDeS run each, beside the histograms of its sweep."""

from __future__ import annotations

import contextlib
import io
import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from mqtctl.errors import StorageError
from mqtctl.storage import layout

if TYPE_CHECKING:
    from qcodes.dataset.data_set import DataSet
    from qcodes.dataset.sqlite.connection import AtomicConnection
    from qcodes.station import Station

__all__ = ["read_curves", "write_curve"]

_COLUMNS = (layout.THRESHOLD, layout.RISING_CURRENT, layout.FALLING_CURRENT)


def write_curve(
    connection: AtomicConnection,
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
        It did not reach the file.
    """
    from qcodes.dataset import Measurement, load_or_create_experiment

    experiment = load_or_create_experiment(layout.EXPERIMENT, sample_name, conn=connection)
    measurement = Measurement(exp=experiment, station=station, name=layout.CURVE_RUN_NAME)
    measurement.register_custom_parameter(layout.THRESHOLD, label="Voltage at the counter", unit="V")
    for name, label in (
        (layout.RISING_CURRENT, "Current on the rise"),
        (layout.FALLING_CURRENT, "Current on the fall"),
    ):
        measurement.register_custom_parameter(name, label=label, unit="A", setpoints=(layout.THRESHOLD,))
    runner = measurement.run(write_in_background=False, in_memory_cache=False)
    try:
        # QCoDeS announces the run on stdout: results go there
        with contextlib.redirect_stdout(io.StringIO()), runner as saver:
            for row in rows:
                saver.add_result(*zip(_COLUMNS, row, strict=True))
            saver.flush_data_to_database()
            saver.dataset.add_metadata(layout.METADATA_TAG.format("curve"), json.dumps(facts))
            run_id, table = saver.run_id, cast("DataSet", saver.dataset).table_name
        (stored,) = connection.execute(f'SELECT count("{layout.THRESHOLD}") FROM "{table}"').fetchone()
    except (sqlite3.Error, RuntimeError) as exc:
        raise StorageError(f"an I-V curve could not be stored in the database ({exc})") from exc
    if stored < len(rows):
        raise StorageError(f"run {run_id}: {stored} of {len(rows)} points of an I-V curve reached the database")
    return run_id


def read_curves(connection: sqlite3.Connection, sweep_id: str) -> list[dict[str, Any]]:
    """Return the I-V curves of a sweep as plain data, in the order in which they were taken."""
    tag = layout.METADATA_TAG.format("curve")
    if tag not in {row[1] for row in connection.execute("PRAGMA table_info(runs)")}:
        return []
    found = []
    runs = f'SELECT run_id, result_table_name, "{tag}" FROM runs WHERE "{tag}" IS NOT NULL ORDER BY run_id'
    for run_id, table, text in connection.execute(runs).fetchall():
        facts = json.loads(text)
        if facts["sweep_id"] != sweep_id:
            continue
        points: dict[float, dict[str, float]] = {}
        columns = ", ".join(f'"{name}"' for name in _COLUMNS)
        for threshold, rising, falling in connection.execute(f'SELECT {columns} FROM "{table}" ORDER BY id'):
            point = points.setdefault(threshold, {})
            point.update({k: v for k, v in (("rising", rising), ("falling", falling)) if v is not None})
        found.append(
            {
                **{key: value for key, value in facts.items() if key != "sweep_id"},
                "threshold_V": list(points),
                "rising_current_A": [_number(point.get("rising")) for point in points.values()],
                "falling_current_A": [_number(point.get("falling")) for point in points.values()],
                "run_id": run_id,
            }
        )
    return found


def _number(value: float | str | None) -> float | None:
    """Return a number that JSON can write; None for one that was not measured, which QCoDeS stores as text."""
    return float(value) if value is not None and math.isfinite(float(value)) else None
