#!/usr/bin/env bash
# QCoDeS 0.58.0 (SQLite of Python 3.11): a 'numeric' value comes back with 15 significant digits.
# The file holds the whole double (17 digits); the loss is in the converter that reads it as text. Values of the
# parameter type 'array' come back exact. A time stamp in seconds since 1970 so moves to a grid of 10 us, and
# extract_runs_into_db, which reads and writes again, makes the loss permanent.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import sqlite3

import numpy as np
from qcodes.dataset import (
    Measurement,
    extract_runs_into_db,
    initialise_or_create_database_at,
    load_by_id,
    load_or_create_experiment,
)

initialise_or_create_database_at("source.db")
measurement = Measurement(exp=load_or_create_experiment("finding", "sample"))
measurement.register_custom_parameter("as_number", paramtype="numeric")
measurement.register_custom_parameter("as_array", paramtype="array")
written = 1764374400.1234567
with measurement.run() as saver:
    saver.add_result(("as_number", written), ("as_array", np.array([written])))
run = load_by_id(saver.run_id)
number = float(run.get_parameter_data("as_number")["as_number"]["as_number"][0])
array = float(run.get_parameter_data("as_array")["as_array"]["as_array"].ravel()[0])
query = f'SELECT as_number FROM "{run.table_name}" WHERE as_number IS NOT NULL'
(in_file,) = sqlite3.connect("source.db").execute(query).fetchone()
extract_runs_into_db("source.db", "copy.db", run.run_id)
tables = sqlite3.connect("copy.db").execute("SELECT result_table_name FROM runs").fetchall()
(in_copy,) = (
    sqlite3.connect("copy.db").execute(f'SELECT as_number FROM "{tables[0][0]}" WHERE as_number IS NOT NULL').fetchone()
)
print(f"written {written!r}, in the file {in_file!r}, read {number!r}, array {array!r}, in a copy {in_copy!r}")
assert in_file == array == written
assert number == in_copy == float(f"{written:.15g}") != written
PYTHON
