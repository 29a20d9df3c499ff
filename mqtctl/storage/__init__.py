"""The QCoDeS dataset: one run per histogram, written so that an acknowledged block is on disk."""

from __future__ import annotations

from mqtctl.storage.connection import Database, open_database
from mqtctl.storage.curves import StoredCurve, write_curve
from mqtctl.storage.database import prepare_database, prepared_database
from mqtctl.storage.done import NOTHING, Done, load_done
from mqtctl.storage.headers import (
    ClosingFacts,
    CurveFacts,
    DerivedFacts,
    PlanDocument,
    PointHeader,
    PointVariant,
    RunFacts,
    StoredRamp,
    stored_text,
)
from mqtctl.storage.layout import METADATA_TAG, OVERVIEW_EXPERIMENT
from mqtctl.storage.naming import marked, ramp_in_words
from mqtctl.storage.patience import LONGEST_WAIT, Patience
from mqtctl.storage.reader import StoredPoint, StoredSweep, load_sweep
from mqtctl.storage.restore import Restored, restore
from mqtctl.storage.sole_writer import sole_writer
from mqtctl.storage.tables import Column, Table, write_table
from mqtctl.storage.writer import HistogramWriter

__all__ = [
    "LONGEST_WAIT",
    "METADATA_TAG",
    "NOTHING",
    "OVERVIEW_EXPERIMENT",
    "ClosingFacts",
    "Column",
    "CurveFacts",
    "Database",
    "DerivedFacts",
    "Done",
    "HistogramWriter",
    "Patience",
    "PlanDocument",
    "PointHeader",
    "PointVariant",
    "Restored",
    "RunFacts",
    "StoredCurve",
    "StoredPoint",
    "StoredRamp",
    "StoredSweep",
    "Table",
    "load_done",
    "load_sweep",
    "marked",
    "open_database",
    "prepare_database",
    "prepared_database",
    "ramp_in_words",
    "restore",
    "sole_writer",
    "stored_text",
    "write_curve",
    "write_table",
]
