"""Opens the QCoDeS database, after making sure that it is one and can be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mqtctl.errors import InputError, StorageError

if TYPE_CHECKING:
    from qcodes.dataset.sqlite.connection import AtomicConnection

__all__ = ["has_runs", "open_database", "prepare_database"]

_QCODES_TABLES = {"experiments", "runs"}


def prepare_database(path: Path) -> None:
    """Make sure that a QCoDeS database stands at `path` and can be written.

    A new one is built in a temporary file and moved into place when it is whole, because a
    process killed while QCoDeS creates one leaves a file that QCoDeS cannot open again.

    Raises
    ------
    InputError
        Not writable, or a file that QCoDeS did not make.
    """
    if path.exists():
        _check_existing(path)
        return
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as exc:
        raise InputError(
            f"database {path} cannot be written ({exc.strerror or exc}); choose another place with --database"
        ) from exc
    os.close(handle)
    temporary = Path(name)
    try:
        _create(temporary)
        temporary.replace(path)
    finally:
        for leftover in path.parent.glob(f"{temporary.name}*"):
            leftover.unlink()


def _create(path: Path) -> None:
    """Build an empty QCoDeS database in a file."""
    from qcodes.dataset.sqlite.database import conn_from_dbpath_or_conn, connect
    from qcodes.dataset.sqlite.db_upgrades import perform_db_upgrade

    path.unlink()
    with closing(connect(path)) as connection:
        perform_db_upgrade(conn_from_dbpath_or_conn(connection, None))
        # one file, no -wal beside it, so that the move into place moves everything
        connection.execute("PRAGMA journal_mode=DELETE")


def _check_existing(path: Path) -> None:
    """Raise `InputError` unless a file is a QCoDeS database that can be written."""
    if not path.is_file():
        raise InputError(f"database {path} is not a file; name a .db file with --database")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=5)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
            if not tables >= _QCODES_TABLES:
                raise InputError(
                    f"database {path} was not made by QCoDeS (it has no tables {sorted(_QCODES_TABLES - tables)}); "
                    "choose another file with --database"
                )
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.DatabaseError as exc:
        raise InputError(f"database {path} cannot be used ({exc}); choose another file with --database") from exc


def has_runs(path: Path) -> bool:
    """Return whether a QCoDeS database holds any run, whoever made it."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None


@contextmanager
def open_database(path: Path, *, needed: int = 0) -> Iterator[AtomicConnection]:
    """Open a prepared database for writing, in write-ahead mode so that plots can read meanwhile.

    Parameters
    ----------
    path
        Database that `prepare_database` accepted.
    needed
        Bytes that the measurement will write; three times that must be free on the disk.

    Raises
    ------
    StorageError
        Too little space, or the database is locked by another process.
    """
    from qcodes.dataset.sqlite.database import connect

    free = shutil.disk_usage(path.parent).free
    if free < 3 * needed:
        raise StorageError(
            f"only {free / 1e6:.0f} MB are free at {path.parent}, but {3 * needed / 1e6:.0f} MB are wanted; make room"
        )
    try:
        connection = connect(path)
        (before,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as exc:
        raise StorageError(f"database {path} could not be opened ({exc})") from exc
    try:
        yield connection
    finally:
        _leave_one_file(connection, before)
        connection.close()


def _leave_one_file(connection: AtomicConnection, mode: str) -> None:
    """Go back to the journal mode there was: a copy of a file that has a -wal beside it lacks the newest runs."""
    # while somebody else reads, it stays in write-ahead mode, which is safe: only a careless copy is not
    with suppress(sqlite3.OperationalError):
        connection.rollback()
        connection.execute(f"PRAGMA journal_mode={mode}")
