"""Looks at everything that a measurement needs, before it: files, instruments, wiring, disk, clock."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtctl.acquisition import Interrupt, exclusive, instruments_of
from mqtctl.acquisition.preflight import (
    TOGETHER,
    calibration_findings,
    clock_finding,
    disk_finding,
    inspection_findings,
    live_findings,
    plan_findings,
)
from mqtctl.errors import BenchBusyError, HardwareError, InputError, InterruptedRunError, MqtctlError
from mqtctl.instruments.roles.findings import Finding, Verdict
from mqtctl.plan import ResolvedPlan, load_plan
from mqtctl.station import load_station, open_role, open_station, roles_played
from mqtctl.storage.qcodes_settings import require_qcodes
from mqtctl.workflow.measurement import bytes_needed
from mqtctl.workflow.results import RunFolder

__all__ = ["CheckResult", "check_measurement"]


@dataclass(frozen=True)
class CheckResult:
    """What a check found, in the order in which it looked; whether no instrument was real, and the bench's seed."""

    findings: tuple[Finding, ...]
    simulated: bool | None = None
    seed: int | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst verdict: fault, warning or good."""
        verdicts = {finding.verdict for finding in self.findings}
        return "fault" if "fault" in verdicts else "warning" if "warning" in verdicts else "good"

    @property
    def exit_code(self) -> int:
        """0 without a fault; else 2 if a file is to blame for one, 10 if only hardware is."""
        causes = {finding.cause for finding in self.findings if finding.verdict == "fault"}
        return InputError.exit_code if "file" in causes else HardwareError.exit_code if causes else 0

    def as_json(self) -> dict[str, Any]:
        """Return plain data: the verdict, and every finding."""
        keys = ("subject", "verdict", "text", "advice", "instrument")
        return {
            "verdict": self.verdict,
            "simulated": self.simulated,
            "seed": self.seed,
            "findings": [{key: getattr(finding, key) for key in keys} for finding in self.findings],
        }


def check_measurement(
    plan_path: Path, *, seed: int | None = None, output: Path | None = None, database: Path | None = None
) -> CheckResult:
    """Check a plan, its station and their surroundings; outputs are as before afterwards.

    What is wrong becomes a finding; only a bench in use by another process and an interruption end it.

    Parameters
    ----------
    plan_path
        Plan file.
    seed
        Seed of a simulated bench.
    output, database
        Where the measurement will store, as in `measure_sweep`.

    Raises
    ------
    BenchBusyError
        Another process uses the bench.
    InterruptedRunError
        The user or the system asked to stop; what was tried is put back.
    """
    try:
        plan = load_plan(plan_path)
        require_qcodes()
        simulated = load_station(plan.station).simulated
    except InputError as exc:
        return CheckResult((_of_error("files", exc),))
    names = f"{plan_path.name}, {plan.plan.sample.name} and {plan.station.name}"
    found = [Finding("files", "good", f"{names} can be read")]
    folder = _data_folder(plan, output, database)
    needed = bytes_needed(plan, len(plan.plan.temperatures))
    in_force = None
    try:
        with Interrupt() as interrupt, exclusive(instruments_of(plan.station)):
            there, in_force = _on_the_station(plan, folder, seed, interrupt.check)
            found += there
    except (BenchBusyError, InterruptedRunError):
        raise
    except MqtctlError as exc:
        alone = _each_alone(plan)
        told = any(finding.verdict == "fault" for finding in alone)
        found += alone if told else [_of_error("station", exc), *alone]
    return CheckResult((*found, disk_finding(folder, needed)), simulated, in_force)


def _on_the_station(
    plan: ResolvedPlan, folder: Path, seed: int | None, check: Callable[[], None]
) -> tuple[list[Finding], int | None]:
    """Open the station and look at everything on it; returns the simulated bench's seed as well."""
    limit = plan.sample.limits.max_current
    with open_station(plan.station, seed=seed, current_limit=limit, only_look=True) as station:
        found = [*plan_findings(plan, station), *live_findings(plan, station, check=check)]
        with suppress(HardwareError):  # who does not say what it is has its fault among those of the instruments
            found += calibration_findings(plan, station, station.identities())
        return [*found, clock_finding(station.clock, folder)], station.seed


def _each_alone(plan: ResolvedPlan) -> list[Finding]:
    """Look at every instrument by itself, for the whole station did not open; what needs several is not checked."""
    found = []
    for role in roles_played(load_station(plan.station), plan.station):
        try:
            with open_role(plan.station, role) as adapter:
                found += inspection_findings(role, adapter, plan)
        except MqtctlError as exc:
            found.append(replace(_of_error("identity", exc), instrument=role))
    missing = [finding.instrument for finding in found if finding.verdict == "fault" and finding.subject == "identity"]
    text = f"not tried without the {' and the '.join(role.replace('_', ' ') for role in missing)}"
    found += [Finding(subject, "not checked", text) for subject in TOGETHER if missing]
    return found


def _data_folder(plan: ResolvedPlan, output: Path | None, database: Path | None) -> Path:
    """Return the folder that the data will lie in."""
    planned = plan.source.parent / plan.plan.database if plan.plan.database else None
    return RunFolder.choose(output, database or planned, datetime.now(UTC), uuid.uuid4().hex).database.parent


def _of_error(subject: str, exc: MqtctlError) -> Finding:
    """Return an error as a finding."""
    return Finding(
        subject,
        "fault",
        " ".join(str(exc).split()),
        cause="file" if exc.exit_code == InputError.exit_code else "hardware",
    )
