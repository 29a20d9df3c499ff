#!/usr/bin/env bash
# QCoDeS 0.58.0: array results of unequal length, such as a last block that is not full, are stored, but what reads them back depends on the number of set points.
# With one array set point to_pandas_dataframe raises ValueError and to_xarray_dataset TypeError ('unhashable type'); with none or with two they
# work; with blocks of equal length all work. The error comes when the data are read, after the night.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check qcodes==0.58.0 numpy==2.4.6 pandas==3.1.1 xarray==2026.9.0
venv/bin/python - <<'PYTHON'
import warnings

import numpy as np
from qcodes.dataset import Measurement, initialise_or_create_database_at, load_by_id, load_or_create_experiment

warnings.simplefilter("ignore")
initialise_or_create_database_at("finding.db")
experiment = load_or_create_experiment("finding", "sample")


def outcome(set_points: tuple[str, ...], sizes: tuple[int, ...]) -> tuple[str, str]:
    measurement = Measurement(exp=experiment)
    for name in set_points:
        measurement.register_custom_parameter(name, paramtype="numeric" if name == "block" else "array")
    measurement.register_custom_parameter("current", paramtype="array", setpoints=set_points)
    with measurement.run() as saver:
        for block, size in enumerate(sizes):
            values = np.arange(size, dtype=float)
            saver.add_result(*((name, block if name == "block" else values) for name in set_points), ("current", values))
    run = load_by_id(saver.run_id)
    seen = []
    for read in (run.to_pandas_dataframe, run.to_xarray_dataset):
        try:
            read()
            seen.append("works")
        except (ValueError, TypeError) as exc:
            seen.append(type(exc).__name__)
    return seen[0], seen[1]


for set_points in ((), ("number",), ("block", "number")):
    equal, unequal = outcome(set_points, (3, 3, 3)), outcome(set_points, (3, 3, 2))
    print(f"set points {set_points}: equal blocks {equal}, unequal blocks {unequal}")
    assert equal == ("works", "works")
    assert unequal == (("ValueError", "TypeError") if set_points == ("number",) else ("works", "works"))
PYTHON
