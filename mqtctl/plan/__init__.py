"""What to measure: plan and sample files, and the examples that `mqtctl init` copies."""

from __future__ import annotations

from mqtctl.plan.calibration import (
    Calibration,
    ThresholdWalk,
    load_calibration,
    require_writable,
    save_calibration,
)
from mqtctl.plan.example_files import EXAMPLES, example_path, write_examples
from mqtctl.plan.plan import Plan, RampSettings, SettleSettings
from mqtctl.plan.resolved import ResolvedPlan, load_plan
from mqtctl.plan.sample import Limits, Sample, load_sample
from mqtctl.plan.variants import Purpose, Variant

__all__ = [
    "EXAMPLES",
    "Calibration",
    "Limits",
    "Plan",
    "Purpose",
    "RampSettings",
    "ResolvedPlan",
    "Sample",
    "SettleSettings",
    "ThresholdWalk",
    "Variant",
    "example_path",
    "load_calibration",
    "load_plan",
    "load_sample",
    "require_writable",
    "save_calibration",
    "write_examples",
]
