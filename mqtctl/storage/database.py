"""Makes a QCoDeS database, or makes sure that a file is one and can be written; takes away only what it made."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from mqtctl.errors import InputError, StorageError
from mqtctl.storage.headers import require_known_format
from mqtctl.storage.opening import READING_FAULTS
from mqtctl.storage.patience import Patience
from mqtctl.storage.qcodes_settings import require_qcodes
from mqtctl.storage.stored import tagged

__all__ = ["prepare_database", "prepared_database", "require_space"]

#: What is asked of a database before anything is measured: tables, and the columns that are used of each.
_SCHEMA = {
    "experiments": {"exp_id", "name", "sample_name", "run_counter", "format_string"},
    "runs": {"run_id", "exp_id", "name", "result_table_name", "result_counter", "guid", "is_completed"},
    "layouts": {"layout_id", "run_id", "parameter"},
    "dependencies": {"dependent", "independent", "axis_num"},
}
#: The files that SQLite keeps for one database.
_PARTS = ("", "-wal", "-shm", "-journal")


@contextmanager
def prepared_database(path: Path, patience: Patience | None = None) -> Iterator[None]:
    """Make sure that a database stands at `path`; one that was made for the block and is unused goes afterwards.

    Parameters and errors are those of `prepare_database`.
    """
    made_here = prepare_database(path, patience)
    try:
        yield
    finally:
        if made_here:
            _remove_unused(path)


def prepare_database(path: Path, patience: Patience | None = None) -> bool:
    """Make sure that a QCoDeS database stands at `path` and can be written; returns whether it was made now.

    A new one is built in a temporary file and appears when it is whole, because a process killed while QCoDeS creates
    one leaves a file that QCoDeS cannot open again. If another process makes it at the same time, its file is taken.

    Raises
    ------
    InputError
        Not writable, or a file that QCoDeS did not make.
    StorageError
        Another program has locked it for too long.
    """
    require_qcodes()
    try:
        there = path.exists() or path.is_symlink()
    except OSError as exc:  # a folder that may not be looked into
        raise _unwritable(path, exc) from exc
    if there:
        _check_existing(path, patience or Patience())
        return False
    _require_alone(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        temporary.open("xb").close()
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    try:
        _create(temporary)
        made_here = _appear(temporary, path)
    except OSError as exc:
        raise _unwritable(path, exc) from exc
    finally:
        _remove_parts(temporary)
    if not made_here:
        _check_existing(path, patience or Patience())
    return made_here


def _unwritable(path: Path, fault: OSError) -> InputError:
    """Return the error that nothing can be written at `path`."""
    return InputError(
        f"database {path} cannot be written ({fault.strerror or fault}); choose another place with --database"
    )


def _require_alone(path: Path) -> None:
    """Raise `InputError` where a new database would take over what SQLite kept for another one of this name.

    A killed sweep leaves its newest blocks in `-wal`. If the database is then moved away, SQLite would write them into
    whatever comes to stand there: that one is damaged, and the other has lost them.
    """
    for part in _PARTS[1:]:
        left = path.with_name(path.name + part)
        if os.path.lexists(left):
            raise InputError(
                f"database {path} is not there, but {left} is, with what belongs to a database of this name; put that "
                "one back beside it, remove the file if it is not wanted, or choose another place with --database"
            )


def _create(path: Path) -> None:
    """Build a QCoDeS database in an empty file of our own."""
    from qcodes.dataset import connect

    with closing(connect(path)) as connection:
        # one file, no -wal beside it, so that the file is everything
        connection.execute("PRAGMA journal_mode=DELETE")


def _appear(temporary: Path, path: Path) -> bool:
    """Give a whole file its name unless somebody has taken it; returns whether it is ours."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: the name is taken first, and filled
        try:
            with path.open("xb") as file:
                file.write(temporary.read_bytes())
        except FileExistsError:
            return False
    return True


def _remove_parts(path: Path) -> None:
    """Remove a database of our own and what SQLite keeps beside it."""
    for part in _PARTS:
        path.with_name(path.name + part).unlink(missing_ok=True)


def _remove_unused(path: Path) -> None:
    """Remove a database that was made here, unless anybody has put a run or an experiment into it."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            connection.execute("BEGIN EXCLUSIVE")  # nobody is writing
            used = connection.execute("SELECT EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM experiments)")
            if used.fetchone() != (0,):
                return
    except sqlite3.Error:  # somebody uses it, or it is not there any more: either way it stays as it is
        return
    with suppress(OSError):
        _remove_parts(path)


def _check_existing(path: Path, patience: Patience) -> None:
    """Raise `InputError` unless a file is a QCoDeS database that can be written."""
    if not path.is_file():
        raise InputError(f"database {path} is not a file; name a .db file with --database")
    uri = f"{path.resolve().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=patience.step)) as connection:
            patience.wait_for(lambda: _check_schema(connection, path), path)
            patience.wait_for(lambda: connection.execute("BEGIN IMMEDIATE"), path)
            connection.rollback()
    except READING_FAULTS as exc:
        raise InputError(f"database {path} cannot be used ({exc}); choose another file with --database") from exc


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise `InputError` unless tables, columns and version are those of a QCoDeS database that can be written."""
    for table, wanted in _SCHEMA.items():
        found = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        if not found:
            raise InputError(
                f"database {path} was not made by QCoDeS (it has no table {table!r}); choose another file with "
                "--database"
            )
        if not found >= wanted:
            raise InputError(
                f"database {path} is damaged (table {table!r} has no column {min(wanted - found)!r}); choose another "
                "file with --database"
            )
    for tag in ("header", "curve"):
        for run_id, text in tagged(connection, tag):
            require_known_format(text, f"{path}: the {tag} of run {run_id}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    newest = _newest_version()
    if version > newest:
        raise InputError(
            f"database {path} has version {version}, the installed QCoDeS knows up to {newest}; upgrade QCoDeS or "
            "choose another file with --database"
        )


@cache
def _newest_version() -> int:
    """Return the version of the databases that the installed QCoDeS makes: it knows none that is newer."""
    from qcodes.dataset import connect

    with closing(connect(":memory:")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def require_space(path: Path, needed: int) -> None:
    """Raise `StorageError` unless three times the bytes that a measurement will write are free on the disk."""
    free = shutil.disk_usage(path.parent).free
    if free < 3 * needed:
        raise StorageError(
            f"only {free / 1e6:.0f} MB are free at {path.parent}, but {3 * needed / 1e6:.0f} MB are wanted; make room"
        )
