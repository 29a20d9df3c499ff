"""Whole pieces of work, from a plan file to a report: what the command line calls and a notebook may."""

from __future__ import annotations

from mqtctl.workflow.analysis import analyze, report
from mqtctl.workflow.foreign import ForeignFacts, analyze_list
from mqtctl.workflow.measurement import Acquired, Options, PointFitted, acquire, measure_histogram, measure_sweep
from mqtctl.workflow.safety import make_station_safe

__all__ = [
    "Acquired",
    "ForeignFacts",
    "Options",
    "PointFitted",
    "acquire",
    "analyze",
    "analyze_list",
    "make_station_safe",
    "measure_histogram",
    "measure_sweep",
    "report",
]
