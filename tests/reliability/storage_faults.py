"""Faults of the database and its disk, made in the process of the sweep from a bench time on.

A full disk and a read-only one are SQLite's own: its limit of pages, and its refusal to write, on every connection that
there is and every one that is opened afterwards. What is said and raised is what a disk's state would have SQLite say;
`tests/system/files` and `tests/unit/mqtctl/storage` have real files and limits of the system.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["at_bench_time", "fill", "lock", "write_protect"]

#: How long another program holds the database, in s: of the computer's time, as it is another program's.
HELD = 30.0
_HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


def at_bench_time(begin: float, deed: Callable[[], bool]) -> None:
    """Do something before the first message behind a bench time (s), and again until it returns True."""
    from pyvisa_mqt.visa.library import MqtVisaLibrary

    real = MqtVisaLibrary.write
    done = [False]

    def write(self: MqtVisaLibrary, session: Any, data: bytes) -> Any:
        if not done[0] and self.clock.now() >= begin:
            done[0] = deed()
        return real(self, session, data)

    MqtVisaLibrary.write = write  # type: ignore[method-assign]


def lock(begin: float) -> None:
    """Have another program hold the database for 30 s."""

    def hold() -> bool:
        database = Path("run/data.db")
        if not database.exists():
            return False
        command = [sys.executable, "-c", _HOLD, str(database), str(HELD)]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert holder.stdout is not None
        holder.stdout.readline()
        return True

    at_bench_time(begin, hold)


def fill(begin: float) -> None:
    """Have the database grow no further."""
    _on_every_connection(begin, "PRAGMA max_page_count = 1")


def write_protect(begin: float) -> None:
    """Have nothing written to the database any more."""
    _on_every_connection(begin, "PRAGMA query_only = 1")


def _on_every_connection(begin: float, pragma: str) -> None:
    there: list[sqlite3.Connection] = []
    begun = [False]
    real = sqlite3.connect

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*arguments, **options)
        there.append(connection)
        if begun[0]:
            connection.execute(pragma)
        return connection

    def begin_it() -> bool:
        begun[0] = True
        for connection in there:
            with suppress(sqlite3.ProgrammingError):  # it was closed
                connection.execute(pragma)
        return True

    vars(sqlite3)["connect"] = connect
    at_bench_time(begin, begin_it)
