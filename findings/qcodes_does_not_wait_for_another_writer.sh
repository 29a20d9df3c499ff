#!/usr/bin/env bash
# QCoDeS 0.58.0 on SQLite: another program's short write transaction (1 s) makes some writes wait, others fail at once.
# SQLite waits 5 s for a lock (Python's default), but only when the transaction has not read before it writes. A plain
# flush writes first: it waits and is stored. Starting a run in an experiment that exists and adding a metadata tag read first: they fail
# after 0.0 s, with a RuntimeError, not with a sqlite3.Error. A flush inside 'atomic' fails at once, too, but raises nothing:
# the failure is only logged, and the row is not in the file.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0
venv/bin/python - <<'PYTHON'
import logging
import sqlite3
import threading
import time
from collections.abc import Callable

from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment
from qcodes.dataset.sqlite.connection import atomic

logging.disable()
HELD = 1.0
initialise_or_create_database_at("shared.db")
measurement = Measurement(exp=load_or_create_experiment("finding", "sample"))
measurement.register_custom_parameter("x")


def beside_a_writer(action: Callable[[], object]) -> tuple[str, bool]:
    """Do something while another connection holds the write lock; return what came of it and whether it waited."""
    holds = threading.Event()

    def hold() -> None:
        other = sqlite3.connect("shared.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        holds.set()
        time.sleep(HELD)
        other.execute("ROLLBACK")

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait()
    begun = time.monotonic()
    try:
        before = rows()
        action()
        outcome = "stored" if rows() > before else "no exception, nothing stored"
    except (RuntimeError, sqlite3.Error) as exc:
        outcome = type(exc).__name__
    waited = time.monotonic() - begun > HELD / 2
    thread.join()
    return outcome, waited


def rows() -> int:
    """Return how many values and tags other connections can see."""
    reader = sqlite3.connect("shared.db")
    values = reader.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    return values + len(reader.execute("SELECT * FROM runs").description) + len(reader.execute("SELECT 1 FROM runs").fetchall())


def flush_in_a_transaction() -> None:
    saver.add_result(("x", 2.0))
    with atomic(saver.dataset.conn):
        saver.flush_data_to_database()


def start_a_run() -> None:
    with measurement.run():
        pass


with measurement.run(write_in_background=False) as saver:
    table = saver.dataset.table_name
    saver.add_result(("x", 1.0))
    seen = {
        "flush": beside_a_writer(saver.flush_data_to_database),
        "flush inside atomic": beside_a_writer(flush_in_a_transaction),
        "new tag": beside_a_writer(lambda: saver.dataset.add_metadata("a", "1")),
    }
seen["start of a run"] = beside_a_writer(start_a_run)
print(seen)
assert seen["flush"] == ("stored", True)
assert seen["flush inside atomic"] == ("no exception, nothing stored", False)
assert seen["new tag"] == seen["start of a run"] == ("RuntimeError", False)
PYTHON
