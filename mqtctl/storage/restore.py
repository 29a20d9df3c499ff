"""Puts what a rescue file holds back into the run that it belongs to; a second time changes nothing."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mqtctl.errors import InputError, StorageError
from mqtctl.storage import layout
from mqtctl.storage.blocks import StoredBlock
from mqtctl.storage.connection import Database, open_database
from mqtctl.storage.curves import store_curve
from mqtctl.storage.database import prepare_database
from mqtctl.storage.headers import ClosingFacts, stored_text
from mqtctl.storage.patience import Patience
from mqtctl.storage.rescue import RescuedCurve, read_rescue
from mqtctl.storage.sole_writer import sole_writer

__all__ = ["Restored", "restore"]


@dataclass(frozen=True)
class Restored:
    """What was put back.

    Attributes
    ----------
    database, run_id
        Where it belongs.
    switches
        Readings of the block in the file; None for one that holds closing facts or an I-V curve.
    there_already
        Whether nothing had to be written.
    """

    database: Path
    run_id: int
    switches: int | None
    there_already: bool


def restore(file: Path, database: Path | None = None, patience: Patience | None = None) -> Restored:
    """Put a rescue file's content back.

    Parameters
    ----------
    file
        The rescue file; it is left as it is.
    database
        Where the database stands now, if it was moved.

    Raises
    ------
    InputError
        Not a whole rescue file, a database that does not hold the run, or a run in which the place is taken by
        something else, or in which an earlier block is missing.
    BenchBusyError
        Another mqtctl writes to the database.
    StorageError
        It cannot be written.
    """
    rescued = read_rescue(file)
    path = database or rescued.database
    if not os.path.isfile(path):  # noqa: PTH113  # False, too, in a folder that may not be looked into
        raise InputError(f"{file}: belongs to {path}, which is not there; say where it is with --database")
    with sole_writer(path):
        prepare_database(path, patience)
        with open_database(path, patience=patience) as opened:
            if rescued.curve is not None:
                return _restore_curve(opened, rescued.curve)
            run_id, table = _find_run(opened.connection, rescued.guid, file, path)
            with opened.transaction(f"run {run_id}"):
                missing = rescued.block is not None and _block_is_missing(opened, table, rescued.block, file)
                if rescued.block is not None and missing:
                    _insert(opened, table, rescued.block)
                added = rescued.result is not None and _add_result(opened, run_id, rescued.result)
            if missing and rescued.block is not None and _block_is_missing(opened, table, rescued.block, file):
                raise StorageError(f"run {run_id}: the block did not reach {path}")
    switches = None if rescued.block is None else rescued.block.intervals.size
    return Restored(path, run_id, switches, there_already=not missing and not added)


def _restore_curve(opened: Database, curve: RescuedCurve) -> Restored:
    """Store an I-V curve, which has no run of its own yet, unless one with the same facts is there."""
    tag, text = layout.METADATA_TAG.format("curve"), stored_text(curve.facts)
    columns = {row[1] for row in opened.connection.execute("PRAGMA table_info(runs)")}
    if tag in columns:
        row = opened.connection.execute(f'SELECT run_id FROM runs WHERE "{tag}" = ?', (text,)).fetchone()
        if row is not None:
            return Restored(opened.path, int(row[0]), None, there_already=True)
    run_id = store_curve(opened, curve.sample_name, curve.facts, curve.rows)
    return Restored(opened.path, run_id, None, there_already=False)


def _find_run(connection: sqlite3.Connection, guid: str, file: Path, path: Path) -> tuple[int, str]:
    """Return number and table of the run with a QCoDeS identifier."""
    row = connection.execute("SELECT run_id, result_table_name FROM runs WHERE guid = ?", (guid,)).fetchone()
    if row is None:
        raise InputError(f"{file}: belongs to a run that {path} does not hold; name its database with --database")
    run_id, table = row
    return int(run_id), str(table)


def _block_is_missing(opened: Database, table: str, block: StoredBlock, file: Path) -> bool:
    """Return whether the block has yet to be written; raises `InputError` if it cannot be."""
    arrays = [
        [value for (value,) in opened.connection.execute(_ARRAYS.format(column=column, table=table))]
        for column in (layout.INTERVAL, layout.CURRENT)
    ]
    stored = min(len(column) for column in arrays)
    if stored < block.index:
        raise InputError(f"{file}: holds block {block.index}, but only {stored} blocks before it are in the run")
    if stored == block.index:
        return True
    same = [
        np.array_equal(column[block.index], own, equal_nan=True)
        for column, own in zip(arrays, (block.intervals, block.currents), strict=True)
    ]
    if not all(same):
        raise InputError(f"{file}: the run holds another block {block.index} already; nothing was changed")
    return False


_ARRAYS = 'SELECT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL ORDER BY id'


def _insert(opened: Database, table: str, block: StoredBlock) -> None:
    """Write the rows of a block; QCoDeS's own way is closed, for it adds nothing to a run that has ended."""
    for row in block.rows():
        columns, places = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        opened.connection.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', tuple(row.values()))


def _add_result(opened: Database, run_id: int, result: ClosingFacts) -> bool:
    """Write the closing facts unless they are there; returns whether they were not."""
    from qcodes.dataset import load_by_id

    tag, text = layout.METADATA_TAG.format("result"), stored_text(result)
    columns = {row[1] for row in opened.connection.execute("PRAGMA table_info(runs)")}
    if tag in columns:
        (there,) = opened.connection.execute(f'SELECT "{tag}" FROM runs WHERE run_id = ?', (run_id,)).fetchone()
        if there is not None:
            return False
    load_by_id(run_id, conn=opened.connection).add_metadata(tag, text)
    return True
