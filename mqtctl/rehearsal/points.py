"""What is known of each temperature: its ramps, their laws, what was rehearsed there, and what was found."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mqtctl.errors import InputError
from mqtctl.instruments.roles.findings import Finding
from mqtctl.physics.models.names import escape_model
from mqtctl.plan import ResolvedPlan, Variant
from mqtctl.quantities import readable
from mqtctl.rehearsal.bench import RehearsalBench
from mqtctl.rehearsal.dry_run import DryRun
from mqtctl.rehearsal.findings.comparison import compare, comparison_findings, line_findings
from mqtctl.rehearsal.findings.point_findings import ramp_findings, settling_findings
from mqtctl.rehearsal.prediction.expectation import Circumstances, Expected, expect, switches_for
from mqtctl.rehearsal.prediction.line import Line
from mqtctl.storage import StoredPoint

__all__ = ["PointCast", "RehearsedPoint", "circumstances_of", "failures_of"]


def circumstances_of(plan: ResolvedPlan, bench: RehearsalBench | None) -> Circumstances:
    """Return what the switching currents depend on, on this bench."""
    return Circumstances(
        plan.sample,
        bench.junction.law if bench is not None else escape_model("escape"),
        line=bench.line if bench is not None else Line(),
        offset_current=plan.plan.ramp.offset_current,
        calibration=plan.calibration,
        **({} if bench is None else {"share": bench.junction.share}),
    )


@dataclass
class RehearsedPoint:
    """What is known of one temperature: its ramps, their laws, what was rehearsed, and what was found."""

    variants: tuple[Variant, ...]
    switches: list[int]
    expected: list[Expected | None]
    rehearsed: list[StoredPoint | None]
    findings: list[Finding] = field(default_factory=list)


class PointCast:
    """Gathers what the estimate predicts and what the dry run found, point by point."""

    def __init__(
        self,
        plan: ResolvedPlan,
        circumstances: Circumstances,
        bench: RehearsalBench | None,
        run: DryRun,
        rng: np.random.Generator,
    ) -> None:
        self._plan, self.circumstances_of, self._bench, self._run, self._rng = plan, circumstances, bench, run, rng

    def point(self, place: int) -> RehearsedPoint:
        """Return one temperature of the plan."""
        target = self._plan.plan.temperatures[place]
        variants = self._plan.variants(target)
        rehearsed = [self._run.histograms.get((place, number)) for number in range(len(variants))]
        own = rehearsed[0]
        bath = target if own is None else own.histogram.temperature
        findings = [
            *failures_of(self._run, place, self._plan),
            *settling_findings(self._plan, self._run.settling.get(place)),
        ]
        findings += [Finding("bath", "warning", text) for point, text in self._run.remarks if point == place]
        findings += ramp_findings(self._plan, self.circumstances_of, bath)
        sample = bath
        time = 0.0 if own is None or self._bench is None else self._bench.time_of(own.histogram)
        law = self._law(variants[0], bath, bath, time)
        if own is not None and law is not None and self._bench is not None:
            comparison = compare(own.histogram, law, self.circumstances_of)
            findings += [*line_findings(law, self.circumstances_of, variants[0].polarity)]
            findings += comparison_findings(own.histogram, comparison, self._bench.junction.gap_voltage)
            sample = bath if comparison is None else comparison.sample_temperature
        expected = [self._law(variant, sample, bath, time) for variant in variants]
        switches = [self._switches(variant, law) for variant, law in zip(variants, expected, strict=True)]
        return RehearsedPoint(variants, switches, expected, rehearsed, findings)

    def _law(self, variant: Variant, temperature: float, bath: float, time: float) -> Expected | None:
        """Return the law of a switching ramp, None for another one."""
        if variant.purpose == "retrapping":
            return None
        return expect(self.circumstances_of, variant, temperature, bath, time)

    def _switches(self, variant: Variant, law: Expected | None) -> int:
        """Return how many switches a ramp will take."""
        if variant.purpose != "switching" or law is None:
            return variant.switches
        return switches_for(self._plan.plan, law, self._plan.sample.junction.estimate, self._rng)


def failures_of(run: DryRun, point: int | None, plan: ResolvedPlan) -> list[Finding]:
    """Return what would have ended the sweep at a point, or before the first, each sentence once."""
    found = [
        Finding(
            "sweep" if point is None else "point",
            "fault",
            failure.text,
            cause="file" if isinstance(failure.error, InputError) else "hardware",
        )
        for failure in run.failures
        if failure.point == point
    ]
    if point is not None and point in run.skipped:
        like = readable(plan.plan.temperatures[run.skipped[point]], "K")
        found.append(Finding("rehearsal", "not checked", f"not rehearsed: it would fail as {like} does"))
    return list(dict.fromkeys(found))
