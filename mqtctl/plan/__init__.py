"""What to measure: plan and sample files, and the examples that `mqtctl init` copies."""

from __future__ import annotations

from mqtctl.plan.example_files import EXAMPLES, example_path, write_examples
from mqtctl.plan.plan import Plan, RampSettings, ResolvedPlan, SettleSettings, load_plan
from mqtctl.plan.sample import Limits, Sample, load_sample

__all__ = [
    "EXAMPLES",
    "Limits",
    "Plan",
    "RampSettings",
    "ResolvedPlan",
    "Sample",
    "SettleSettings",
    "example_path",
    "load_plan",
    "load_sample",
    "write_examples",
]
