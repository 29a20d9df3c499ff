"""Opens a database for reading only, with everything that belongs to it or not at all.

A killed sweep leaves its newest blocks in `-wal` beside the database (or what must be undone in `-journal`). SQLite
reads them only where it may write beside them. Where it may not, both files are copied and the copy is read.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mqtctl.errors import InputError
from mqtctl.storage.patience import is_locked

__all__ = ["READING_FAULTS", "open_read_only"]

#: What sqlite3 raises on a damaged file: its messages quote what it found there, which need not be text.
READING_FAULTS = (sqlite3.Error, UnicodeDecodeError, OverflowError)

#: Time in s for which reading waits for a writer that lets nobody read meanwhile.
_WAIT = 30.0


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading; nothing of it is written, nor left out.

    Raises
    ------
    InputError
        It cannot be copied, although that is the only way to read all of it.
    One of READING_FAULTS
        It is no database, or a damaged one.
    """
    uri = path.resolve().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_WAIT)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as exc:
        connection.close()
        if is_locked(exc):
            raise InputError(f"{path}: is locked by another program at this moment; read it again later") from exc
    except BaseException:
        connection.close()
        raise
    else:
        with closing(connection):
            yield connection
        return
    if _pending(path.resolve()):
        with _copy(path.resolve()) as copied, closing(sqlite3.connect(copied)) as connection:
            yield connection
        return
    # nothing is pending, and nobody can write in this folder
    with closing(sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True)) as connection:
        yield connection


def _pending(path: Path) -> list[Path]:
    """Return the files beside a database that hold a part of it."""
    beside = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
    return [file for file in beside if file.exists() and file.stat().st_size > 0]


@contextmanager
def _copy(path: Path) -> Iterator[Path]:
    """Copy a database and what belongs to it into a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="mqtctl-") as folder:
        try:
            files = [path, *_pending(path)]
            before = [file.stat().st_mtime_ns for file in files]
            for file in files:
                shutil.copyfile(file, Path(folder) / file.name)
            changed = [file.stat().st_mtime_ns for file in files] != before
        except OSError as exc:
            raise InputError(
                f"{path}: its newest data are in a file beside it, which SQLite reads only where it may write, and no "
                f"copy could be made ({exc.strerror or exc}); copy both to a folder of your own"
            ) from exc
        if changed:
            raise InputError(f"{path}: is being written at this moment; read it again when that is done")
        yield Path(folder) / path.name
