"""Writes a small table as a QCoDeS run of its own: the first column is the set point of the others."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mqtctl.errors import StorageError
from mqtctl.storage import layout
from mqtctl.storage.connection import Database
from mqtctl.storage.qcodes_settings import courtesy_export

if TYPE_CHECKING:
    from qcodes.dataset import AtomicConnection
    from qcodes.dataset.data_set import DataSet
    from qcodes.station import Station

__all__ = ["Column", "Table", "write_table"]


@dataclass(frozen=True)
class Column:
    """A parameter: its name, and label and unit as plots write them."""

    name: str
    label: str
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """What becomes a run.

    Attributes
    ----------
    experiment, name
        Under which QCoDeS files it, and what the run is called.
    columns
        The set point, then what depends on it.
    rows
        One value in SI units for each column; NaN where there is none.
    tags
        Run metadata, as text.
    """

    experiment: str
    name: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[float, ...]]
    tags: Mapping[str, str]


def write_table(database: Database, table: Table, sample_name: str, station: Station | None = None) -> int:
    """Store a table and return its run; `station` is the one whose snapshot is kept with it.

    Raises
    ------
    StorageError
        It did not reach the file.
    """
    from qcodes.dataset import Measurement, load_or_create_experiment
    from qcodes.station import Station as QcodesStation

    with database.transaction(f"the run {table.name!r}"):
        experiment = load_or_create_experiment(table.experiment, sample_name, conn=database.connection)
        measurement = Measurement(exp=experiment, station=station or QcodesStation(default=False), name=table.name)
        measurement.write_period = layout.NEVER
        first, *others = table.columns
        measurement.register_custom_parameter(first.name, label=first.label, unit=first.unit)
        for column in others:
            measurement.register_custom_parameter(
                column.name, label=column.label, unit=column.unit, setpoints=(first.name,)
            )
        runner = measurement.run(write_in_background=False, in_memory_cache=False)
        # QCoDeS announces the run on stdout: results go there
        with contextlib.redirect_stdout(io.StringIO()), runner as saver:
            for row in table.rows:
                saver.add_result(*zip((column.name for column in table.columns), row, strict=True))
            for tag, text in table.tags.items():
                saver.dataset.add_metadata(tag, text)
        dataset = cast("DataSet", saver.dataset)
        stored = _count(database.connection, dataset.table_name, first.name)
        if stored != len(table.rows) * len(others):  # one row for each quantity
            raise StorageError(f"{stored} of {len(table.rows) * len(others)} rows reached the disk; is it full?")
    if database.exports:
        courtesy_export(dataset, database.patience.tell)
    return dataset.run_id


def _count(connection: AtomicConnection, table: str, column: str) -> int:
    """Return how many rows have a value in a column."""
    (found,) = connection.execute(f'SELECT count("{column}") FROM "{table}"').fetchone()
    return int(found)
