#!/usr/bin/env bash
# QCoDeS 0.58.0: extract_runs_into_db raises for a run that holds 9.9E37, the 'not a number' of SCPI instruments.
# A counter that times out answers 9.91E37, and QCoDeS stores it. Reading, a float without a fraction becomes a
# Python int, and an int from 2^63 on does not go back into SQLite: OverflowError inside a RuntimeError, and nothing is copied.
# 9.91E37 itself is read as 99100000000000000000000000000000000000.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0
venv/bin/python - <<'PYTHON'
from qcodes.dataset import (
    Measurement,
    extract_runs_into_db,
    initialise_or_create_database_at,
    load_or_create_experiment,
)

initialise_or_create_database_at("source.db")
measurement = Measurement(exp=load_or_create_experiment("finding", "sample"))
measurement.register_custom_parameter("interval", unit="s")


def extracted(value: float) -> str:
    with measurement.run() as saver:
        saver.add_result(("interval", value))
    try:
        extract_runs_into_db("source.db", "copy.db", saver.run_id)
    except RuntimeError as exc:
        return f"{type(exc).__name__} from {exc.__cause__!r}"
    return "copied"


results = {value: extracted(value) for value in (1.5e-3, 9.0e18, 9.91e37)}
print(results)
assert results[1.5e-3] == results[9.0e18] == "copied"
assert results[9.91e37].startswith("RuntimeError from OverflowError")
PYTHON
