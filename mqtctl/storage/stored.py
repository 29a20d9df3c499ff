"""What the reader expects of a run's tables, checked: a database may be damaged, or anybody's."""

from __future__ import annotations

import sqlite3
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.storage import layout

__all__ = ["numbers", "of_run", "results_table", "tagged"]


def tagged(connection: sqlite3.Connection, tag: str) -> list[tuple[int, Any]]:
    """Return run and text of all runs that have something under this tag, in the order of the runs."""
    column = layout.METADATA_TAG.format(tag)
    if column not in {row[1] for row in connection.execute("PRAGMA table_info(runs)")}:
        return []
    return connection.execute(
        f'SELECT run_id, "{column}" FROM runs WHERE "{column}" IS NOT NULL ORDER BY run_id'
    ).fetchall()


def of_run(connection: sqlite3.Connection, run_id: int, column: str, where: str) -> Any:
    """Return what stands in a column of the runs table for a run that was found before; raises `InputError` if not."""
    row = connection.execute(f'SELECT "{column}" FROM runs WHERE run_id = ?', (run_id,)).fetchone()
    if row is None:  # the index of a damaged file
        raise InputError(f"{where}: is damaged (it is in one list of runs and not in the other)")
    return row[0]


def results_table(connection: sqlite3.Connection, run_id: int, columns: set[str], where: str) -> str:
    """Return the name of a run's table, which exists and has these columns; raises `InputError` if not."""
    name = of_run(connection, run_id, "result_table_name", where)
    known = {found for (found,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if name not in known or '"' in name:
        raise InputError(f"{where}: is damaged (it has no table of results)")
    missing = columns - {row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')}
    if missing:
        raise InputError(f"{where}: is damaged (its table has no column {min(missing)!r})")
    return str(name)


def numbers(values: list[Any], where: str) -> NDArray[np.float64]:
    """Return the values of a numeric column, in which QCoDeS writes NaN as text; raises `InputError` for others."""
    if any(isinstance(value, bytes) for value in values):
        raise InputError(f"{where}: is damaged (bytes where numbers belong)")
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as exc:
        raise InputError(f"{where}: is damaged (no numbers: {exc})") from exc
