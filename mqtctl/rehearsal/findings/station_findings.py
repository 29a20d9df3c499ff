"""What is wrong with plan, station and wiring, asked of the open station on the simulated bench before the first ramp.

It is what `mqtctl check` asks of the real one; where the station file does not say what stands before the stop
input, the bench's description does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mqtctl.acquisition.preflight import disk_finding, live_findings, plan_findings
from mqtctl.acquisition.preflight.stop_edge import stop_edge_findings
from mqtctl.instruments.roles.diagnostic import Amplifier, DiagnosticCounter
from mqtctl.instruments.roles.findings import Finding
from mqtctl.plan import ResolvedPlan
from mqtctl.rehearsal.bench import RehearsalBench
from mqtctl.station import Station
from mqtctl.workflow.measurement import bytes_needed

__all__ = ["spoils_everything", "station_findings"]

#: With a fault in one of these no histogram means anything.
_ESSENTIAL = ("stop threshold", "noise", "start marker")

#: What the simulated bench cannot say of the real one.
_OF_THE_REAL_BENCH = ("bath", "thermometer")


def station_findings(plan: ResolvedPlan, station: Station, bench: RehearsalBench) -> list[Finding]:
    """Return faults and warnings.

    Parameters
    ----------
    plan
        The whole plan.
    station
        Open, on the bench.
    bench
        Its description.
    """
    database = plan.plan.database
    folder = Path.cwd() if database is None else (plan.source.resolve().parent / database).parent
    found = [
        *plan_findings(plan, station),
        *live_findings(plan, station, check=lambda: None),
        disk_finding(folder, bytes_needed(plan, len(plan.plan.temperatures))),
    ]
    said = [
        finding
        for finding in found
        if finding.verdict in ("fault", "warning") and finding.subject not in _OF_THE_REAL_BENCH
    ]
    if any(finding.subject == "stop threshold" for finding in said):
        return said
    return [*said, *_stop_edge(plan, station, bench)]


def spoils_everything(findings: Sequence[Finding]) -> bool:
    """Whether there is a fault with which no histogram means anything."""
    return any(finding.verdict == "fault" and finding.subject in _ESSENTIAL for finding in findings)


def _stop_edge(plan: ResolvedPlan, station: Station, bench: RehearsalBench) -> list[Finding]:
    """Compare threshold and slope with the bench's amplifier, where the station file states none."""
    counter = station.counter
    if not isinstance(counter, DiagnosticCounter) or bench.amplifier is None:
        return []
    stated, there = counter.amplifier, bench.amplifier
    amplifier = Amplifier(
        there.gain if stated.gain is None else stated.gain, there.noise if stated.noise is None else stated.noise
    )
    gap = plan.sample.junction.gap_voltage or bench.junction.gap_voltage
    found = stop_edge_findings(counter.stop_edge, amplifier, gap)
    return [finding for finding in found if finding.verdict in ("fault", "warning")]
