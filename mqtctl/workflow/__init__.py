"""Whole pieces of work, from a plan file to a report: what the command line calls and a notebook may."""

from __future__ import annotations

from mqtctl.workflow.analysis import analyze, report
from mqtctl.workflow.calibration import CalibrationRequest, measure_calibration
from mqtctl.workflow.check import CheckResult, check_measurement
from mqtctl.workflow.file_analysis import (
    ForeignFacts,
    Outputs,
    analyze_foreign,
    describe_data,
    is_foreign,
    read_description,
)
from mqtctl.workflow.following import MeasurementBegins
from mqtctl.workflow.measurement import Acquired, Options, PointFitted, acquire, measure_histogram, measure_sweep
from mqtctl.workflow.safety import make_station_safe

__all__ = [
    "Acquired",
    "CalibrationRequest",
    "CheckResult",
    "ForeignFacts",
    "MeasurementBegins",
    "Options",
    "Outputs",
    "PointFitted",
    "acquire",
    "analyze",
    "analyze_foreign",
    "check_measurement",
    "describe_data",
    "is_foreign",
    "make_station_safe",
    "measure_calibration",
    "measure_histogram",
    "measure_sweep",
    "read_description",
    "report",
]
