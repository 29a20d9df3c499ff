#!/usr/bin/env bash
# QCoDeS 0.58.0: a parameter whose name is an SQL keyword (index, order, group, limit, values, set) passes registration, and none of its results is stored.
# The run ends without an exception and is marked completed, with 0 rows; the only sign is a line in the log. Parameters named
# 'step' or 'current' are stored. Names of columns are not quoted when results are written.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0
venv/bin/python - <<'PYTHON'
import logging

from qcodes.dataset import Measurement, initialise_or_create_database_at, load_by_id, load_or_create_experiment

logging.disable()
initialise_or_create_database_at("finding.db")
experiment = load_or_create_experiment("finding", "sample")


def stored(name: str) -> tuple[bool, int]:
    measurement = Measurement(exp=experiment)
    measurement.register_custom_parameter(name)
    with measurement.run() as saver:
        saver.add_result((name, 1.0))
    run = load_by_id(saver.run_id)
    return run.completed, run.number_of_results


seen = {name: stored(name) for name in ("step", "current", "index", "order", "group", "limit", "values", "set")}
print("completed, rows:", seen)
assert seen.pop("step") == seen.pop("current") == (True, 1)
assert set(seen.values()) == {(True, 0)}
PYTHON
