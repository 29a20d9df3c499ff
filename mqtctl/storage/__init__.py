"""The QCoDeS dataset: one run per histogram, written so that an acknowledged block is on disk."""

from __future__ import annotations

from mqtctl.storage.curves import write_curve
from mqtctl.storage.database import has_runs, open_database, prepare_database
from mqtctl.storage.reader import StoredPoint, StoredSweep, load_sweep
from mqtctl.storage.writer import HistogramWriter, PointHeader

__all__ = [
    "HistogramWriter",
    "PointHeader",
    "StoredPoint",
    "StoredSweep",
    "has_runs",
    "load_sweep",
    "open_database",
    "prepare_database",
    "write_curve",
]
