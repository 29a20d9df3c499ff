"""One mqtctl at a time writes to a database; programs that only read it, or write to it in between, are free.

Two sweeps in one database would wait for each other at every block. The lock stands beside the database: whoever may
write there may also take it, whichever user or computer, and it goes with the process, however that ends.
"""

from __future__ import annotations

import getpass
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from mqtctl.errors import BenchBusyError, InputError

__all__ = ["lock_path", "sole_writer"]


def lock_path(database: Path) -> Path:
    """Return where the lock of a database lies: one place for all links to it, and all spellings of its name."""
    real = database.resolve()
    return real.with_name(f"{real.name}-mqtctl.lock")


@contextmanager
def sole_writer(database: Path) -> Iterator[None]:
    """Be the only mqtctl that writes to a database, which need not exist yet, for as long as the block runs.

    Raises
    ------
    BenchBusyError
        Another process is; the message names it.
    InputError
        No lock can be made beside the database.
    """
    path = lock_path(database)
    if not os.access(path.parent, os.W_OK | os.X_OK):  # filelock would make a folder that is not there
        raise InputError(
            f"database {database} cannot be written (no such folder, or no permission to write there); choose another "
            "place with --database"
        )
    made_here = not path.exists()
    if issubclass(FileLock, SoftFileLock):  # a system without locks: the file itself is one, and signs itself
        lock = FileLock(path, timeout=0, mode=_mode(database))
    else:
        lock = FileLock(path, timeout=0, mode=_mode(database), preserve_lock_file=True, on_acquired=_sign)
    try:
        lock.acquire()
    except Timeout as exc:
        raise BenchBusyError(
            f"database {database} is being written by {_owner(path)}; wait until that is done, or choose another "
            "with --database"
        ) from exc
    except OSError as exc:
        raise InputError(
            f"database {database} cannot be written: no lock can be made at {path} ({exc.strerror or exc}); choose "
            "another place with --database"
        ) from exc
    try:
        yield
    finally:
        if made_here and not isinstance(lock, SoftFileLock):
            with suppress(OSError):  # where an open file cannot be removed it stays, empty of meaning
                path.unlink()
        lock.release()


def _mode(database: Path) -> int:
    """Return the permissions of the lock: those of the database, as SQLite does it with its own files."""
    try:
        return stat.S_IMODE(database.stat().st_mode) & 0o666 | 0o600
    except OSError:
        return 0o644


def _sign(handle: int) -> None:
    """Write into the lock who holds it; its first byte is left out, because Windows lets nobody read that."""
    since = datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    text = f" process {os.getpid()} of {_user()} on {socket.gethostname()}, since {since}".encode()
    os.ftruncate(handle, 0)
    os.write(handle, text)


def _user() -> str:
    """Return the user's name, or the number of a user who has none."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "a user without a name"


def _owner(path: Path) -> str:
    """Return who holds the lock, in words."""
    try:
        with path.open("rb") as file:
            file.seek(1)
            return file.read(300).decode(errors="replace").strip() or "another process"
    except OSError:
        return "another process"
