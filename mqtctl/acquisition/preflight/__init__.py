"""What is checked before the first ramp: files against each other, then the instruments, then the surroundings."""

from __future__ import annotations

from mqtctl.acquisition.preflight.calibrated import calibration_findings
from mqtctl.acquisition.preflight.live import TOGETHER, inspection_findings, live_findings
from mqtctl.acquisition.preflight.planned import first_fault, plan_findings
from mqtctl.acquisition.preflight.surroundings import clock_finding, disk_finding

__all__ = [
    "TOGETHER",
    "calibration_findings",
    "clock_finding",
    "disk_finding",
    "first_fault",
    "inspection_findings",
    "live_findings",
    "plan_findings",
]
