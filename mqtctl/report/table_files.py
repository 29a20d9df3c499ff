"""The report's table of results as files for other programs: CSV, and netCDF with units and names."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from mqtctl.analysis.histogram.results import POINT
from mqtctl.analysis.quantity import as_json
from mqtctl.analysis.sweep.results import SweepFit

__all__ = ["csv_table", "netcdf_table"]


def csv_table(fit: SweepFit) -> bytes:
    """Return one row for each histogram, with the keys of the JSON as header; empty where a number is not known."""
    text = io.StringIO()
    rows = [
        {"point": point.point, "run_id": point.run_id, **as_json(POINT, point), "regime": point.regime}
        | {"flags": "; ".join(point.flags)}
        for point in fit.points
    ]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def netcdf_table(fit: SweepFit) -> bytes:
    """Return the same as a netCDF 4 file, with what follows from the whole sweep as its attributes."""
    with tempfile.TemporaryDirectory(prefix="mqtctl-") as folder:
        path = Path(folder) / "table.nc"
        fit.to_xarray().to_netcdf(path, engine="h5netcdf")
        return path.read_bytes()
