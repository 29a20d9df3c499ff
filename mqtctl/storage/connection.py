"""An open database: one connection, and transactions that wait for other programs before anything is read.

QCoDeS begins a deferred transaction and reads first. If somebody else writes meanwhile, SQLite then refuses the first
write at once instead of waiting, because waiting could never help (sqlite.org, `sqlite3_busy_handler`). So each
transaction begins here, as one that writes, and those of QCoDeS take place inside it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mqtctl.errors import MqtctlError, StorageError
from mqtctl.storage.database import require_space
from mqtctl.storage.patience import Patience
from mqtctl.storage.qcodes_settings import own_settings

if TYPE_CHECKING:
    from qcodes.dataset import AtomicConnection

__all__ = ["Database", "open_database"]

#: What QCoDeS raises when a database fails it: of SQLite, wrapped by its `atomic`, or its own doubts about what it
#: finds in a damaged one.
_QCODES_FAULTS = (sqlite3.Error, RuntimeError, AssertionError, LookupError, TypeError, ValueError, OSError)

T = TypeVar("T")


@dataclass(frozen=True)
class Database:
    """A database that is open for writing.

    Attributes
    ----------
    path, connection
        The file, and the connection to it.
    patience
        How long a write waits for other programs.
    exports
        Whether the laboratory's QCoDeS configuration wants its runs exported.
    """

    path: Path
    connection: AtomicConnection
    patience: Patience
    exports: bool = False

    @contextmanager
    def transaction(self, what: str, patience: Patience | None = None) -> Iterator[None]:
        """Write what QCoDeS writes in the block as a whole, or not at all.

        Parameters
        ----------
        what
            Subject of the sentence that it could not be stored.
        patience
            Instead of the database's own.

        Raises
        ------
        StorageError
            The database was locked for too long, or nothing can be written to it.
        """
        connection, patience = self.connection, patience or self.patience
        level = connection.isolation_level
        try:
            connection.isolation_level = None  # before the beginning: sqlite3 commits when it is set
            try:
                patience.wait_for(lambda: connection.execute("BEGIN IMMEDIATE"), self.path)
                connection.atomic_in_progress = True
                yield
                self._commit(patience)
            except BaseException:
                with suppress(sqlite3.Error):  # whatever it was that failed is the fault to be told
                    connection.rollback()
                raise
            finally:
                connection.atomic_in_progress = False
                connection.isolation_level = level
        except StorageError as exc:
            raise StorageError(f"{what} could not be stored: {exc}") from exc
        except MqtctlError:
            raise
        except _QCODES_FAULTS as exc:
            raise StorageError(f"{what} could not be stored in {self.path} ({_cause(exc)})") from exc

    def _commit(self, patience: Patience) -> None:
        """End the transaction, if it is there: QCoDeS swallows what goes wrong in a flush, and rolls back."""
        if not self.connection.in_transaction:
            raise StorageError("nothing of it reached the disk: is it full?")
        patience.wait_for(lambda: self.connection.execute("COMMIT"), self.path)

    def patiently(self, action: Callable[[], T]) -> T:
        """Return what a question to the database returns, waiting for other programs."""
        return self.patience.wait_for(action, self.path)


def _cause(fault: BaseException) -> BaseException:
    """Return what QCoDeS wrapped."""
    while isinstance(fault, RuntimeError) and fault.__cause__ is not None:
        fault = fault.__cause__
    return fault


@contextmanager
def open_database(path: Path, *, needed: int = 0, patience: Patience | None = None) -> Iterator[Database]:
    """Open a prepared database for writing, in write-ahead mode so that plots can read meanwhile.

    Parameters
    ----------
    path
        Database that `prepare_database` accepted.
    needed
        Bytes that the measurement will write; three times that must be free on the disk.
    patience
        How long a write waits for other programs; see `LONGEST_WAIT`.

    Raises
    ------
    StorageError
        Too little space, or the database is locked by another process.
    """
    require_space(path, needed)
    patience = patience or Patience()
    try:
        connection, before = patience.wait_for(lambda: _connect(path, patience), path)
    except _QCODES_FAULTS as exc:
        raise StorageError(f"database {path} could not be opened ({_cause(exc)})") from exc
    try:
        with own_settings() as exports:
            yield Database(path, connection, patience, exports)
    finally:
        _leave_one_file(connection, before)
        connection.close()


def _connect(path: Path, patience: Patience) -> tuple[AtomicConnection, str]:
    """Return a connection in write-ahead mode, and the mode there was."""
    from qcodes.dataset import connect

    connection = connect(path)
    try:
        connection.execute(f"PRAGMA busy_timeout={round(1e3 * patience.step)}")
        (before,) = connection.execute("PRAGMA journal_mode").fetchone()
        connection.execute("PRAGMA journal_mode=WAL")
    except BaseException:
        connection.close()
        raise
    return connection, before


def _leave_one_file(connection: AtomicConnection, mode: str) -> None:
    """Go back to the journal mode there was: a copy of a file that has a -wal beside it lacks the newest runs."""
    # while somebody else reads, it stays in write-ahead mode, which is safe: only a careless copy is not
    with suppress(sqlite3.OperationalError):
        connection.rollback()
        connection.execute(f"PRAGMA journal_mode={mode}")
