#!/usr/bin/env bash
# QCoDeS 0.58.0: metadata tags come back as other types, and a tag that has the name of a column of the runs table overwrites it.
# True is read as 1, NaN as the text 'nan', a numpy bool as bytes. A tag 'name' renames the run, a tag 'guid' gives it
# another identity, both without a word.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0 numpy==2.4.6
venv/bin/python - <<'PYTHON'
import numpy as np
from qcodes.dataset import (
    Measurement,
    initialise_or_create_database_at,
    load_by_id,
    load_or_create_experiment,
)

initialise_or_create_database_at("finding.db")
measurement = Measurement(exp=load_or_create_experiment("finding", "sample"), name="first name")
measurement.register_custom_parameter("x")


def run_with(**tags: object) -> int:
    with measurement.run() as saver:
        saver.add_result(("x", 1.0))
        for tag, value in tags.items():
            saver.dataset.add_metadata(tag, value)
    return saver.run_id


found = load_by_id(run_with(flag=True, missing=float("nan"), good=np.bool_(True))).metadata
print(found)
assert type(found["flag"]) is int
assert found["missing"] == "nan"
assert type(found["good"]) is bytes

plain = load_by_id(run_with())
assert plain.name == "first name"
assert load_by_id(run_with(name="second name")).name == "second name"
changed = load_by_id(run_with(guid="not a guid at all"))
print("guid after add_metadata('guid', ...):", changed.guid)
assert changed.guid == "not a guid at all"
PYTHON
