"""Runs of other programs in a QCoDeS database, as tables of columns; of mqtctl's own runs `reader` knows more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers import Column, Table
from mqtctl.analysis.importers.arrays import load_array
from mqtctl.analysis.importers.tables import MOST_VALUES
from mqtctl.analysis.stated_units import spelled
from mqtctl.errors import InputError
from mqtctl.storage.layout import METADATA_TAG
from mqtctl.storage.opening import READING_FAULTS, open_read_only

__all__ = ["foreign_tables", "holds_foreign_runs"]

_NEWEST_FORMAT = 9  # of a QCoDeS database, as of QCoDeS 0.58
_OWN = METADATA_TAG.format("")


def holds_foreign_runs(path: Path) -> bool:
    """Return whether a file is a QCoDeS database without a run of mqtctl."""
    try:
        with open_read_only(path) as connection:
            columns = [str(row[1]) for row in connection.execute("PRAGMA table_info(runs)")]
    except READING_FAULTS:  # whoever reads it says what is wrong with it
        return False
    return "result_table_name" in columns and not any(name.startswith(_OWN) for name in columns)


def foreign_tables(path: Path, run_id: int | None = None) -> tuple[Table, ...]:
    """Return the runs of a database that hold numbers, each with one column for each parameter.

    Parameters
    ----------
    path
        The database.
    run_id
        Only this run.

    Raises
    ------
    InputError
        It is damaged, of a newer format, or there is no such run.
    """
    try:
        with open_read_only(path) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > _NEWEST_FORMAT:
                raise InputError(
                    f"{path} is a QCoDeS database of format {version}, newer than {_NEWEST_FORMAT}, the newest that is"
                    " read: export the run as text with the QCoDeS that wrote it"
                )
            runs = connection.execute("SELECT run_id, result_table_name, run_description FROM runs").fetchall()
            wanted = [run for run in runs if run_id in (None, run[0])]
            if not wanted:
                raise InputError(
                    f"{path} holds {'no run' if run_id is None else f'no run {run_id}'}: there are"
                    f" {', '.join(str(run[0]) for run in runs) or 'none'}"
                )
            tables = tuple(_table(connection, path, *run) for run in wanted)
    except (*READING_FAULTS, KeyError, TypeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is damaged, or not a QCoDeS database ({error})") from error
    return tuple(table for table in tables if table.columns or run_id is not None)


def _table(connection: sqlite3.Connection, path: Path, run_id: int, results: str, description: str) -> Table:
    """Return one run; a number beside arrays counts for each of their values."""
    specs = json.loads(description)["interdependencies"]["paramspecs"]
    names = [spec["name"] for spec in specs if spec["paramtype"] in ("numeric", "array")]
    units = {spec["name"]: spelled(str(spec["unit"])) for spec in specs}
    rows: Sequence[Sequence[object]] = []
    if names:
        listed = ", ".join(_quoted(name) for name in names)
        rows = connection.execute(f"SELECT {listed} FROM {_quoted(results)} ORDER BY id").fetchall()
    cells = [[_cell(f"{path}, run {run_id}", value) for value in row] for row in rows]
    lengths = [max((cell.size for cell in row), default=0) for row in cells]
    if sum(lengths) > MOST_VALUES:
        raise InputError(f"{path}: run {run_id} has {sum(lengths)} values, more than {MOST_VALUES}: split it")
    columns: list[Column] = []
    for k, name in enumerate(names):
        parts = [_filled(row[k], length) for row, length in zip(cells, lengths, strict=True)]
        values = np.concatenate(parts) if parts else np.empty(0)
        if np.isfinite(values).any():
            columns.append(Column(len(columns) + 1, name, units[name], values))
    if any(column.values.size != sum(lengths) for column in columns):  # rows of parameters measured one by one
        columns = [Column(c.number, c.name, c.unit, c.values[np.isfinite(c.values)]) for c in columns]
    return Table(path, f"run {run_id} of a QCoDeS database", tuple(columns), label=f"run {run_id}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cell(where: str, value: object) -> NDArray[np.float64]:
    """Return the numbers of one cell; NULL is none."""
    if value is None:
        return np.empty(0)
    if isinstance(value, bytes):
        return load_array(f"an array of {where}", value, numbers_only=False).ravel()
    return np.array([float(value)]) if isinstance(value, int | float) else np.empty(0)


def _filled(cell: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    return np.full(length, cell[0]) if cell.size == 1 else cell if cell.size else np.full(length, np.nan)
