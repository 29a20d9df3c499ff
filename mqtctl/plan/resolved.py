"""A plan with the files that it names read, and checked against the limits of its sample."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from mqtctl.documents import load_document, place
from mqtctl.errors import InputError
from mqtctl.plan.calibration import Calibration, load_calibration
from mqtctl.plan.plan import Plan, RampSettings
from mqtctl.plan.sample import Sample, load_sample
from mqtctl.plan.variants import RETURN_SHARE, Variant, variants_of
from mqtctl.quantities import readable

__all__ = ["ResolvedPlan", "load_plan", "resolve"]


@dataclass(frozen=True)
class ResolvedPlan:
    """A plan with its sample and calibration files read, checked against the limits, and its paths made absolute."""

    plan: Plan
    sample: Sample
    station: Path
    source: Path
    calibration: Calibration | None = None

    def variants(self, target: float | None) -> tuple[Variant, ...]:
        """Return the ramps to be made at a temperature (K), or at the present one (None)."""
        coldest = target is None or target == min(self.plan.temperatures)
        return variants_of(self.plan, coldest=coldest)

    def document(self) -> dict[str, object]:
        """Return plan and sample as plain data, quantities written out: what the database keeps.

        Not what is done when something goes wrong: that may change when a sweep is gone on with.
        """
        left_out = {"station", "sample", "database", "calibration", "on_fault", "policies"}
        return {
            "plan": self.plan.model_dump(mode="json", exclude=left_out),
            "sample": self.sample.model_dump(mode="json"),
            "calibration": None if self.calibration is None else self.calibration.reference(),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved plan: two runs with the same digest asked for the same thing."""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()


def load_plan(path: Path) -> ResolvedPlan:
    """Read a plan and its sample file and check one against the other.

    Raises
    ------
    InputError
        A fault in either file, or a plan that asks for more than the sample may see.
    """
    plan = load_document(path, Plan)
    return resolve(plan, load_sample(path.parent / plan.sample), path)


def resolve(plan: Plan, sample: Sample, path: Path) -> ResolvedPlan:
    """Check a plan, as if it stood in a file, against its sample; errors are those of `load_plan`."""
    here = path.parent
    check_limits(plan, sample, path)
    check_timing(plan.ramp, path)
    return ResolvedPlan(
        plan=plan,
        sample=sample,
        station=here / plan.station,
        source=path,
        calibration=None if plan.calibration is None else load_calibration(here / plan.calibration),
    )


def check_limits(plan: Plan, sample: Sample, path: Path) -> None:
    """Refuse a plan that exceeds the sample's limits; raises `InputError`."""
    limits = sample.limits
    offset = plan.ramp.offset_current
    for key in ("start_current", "stop_current"):
        current = getattr(plan.ramp, key)
        if abs(current) + abs(offset) > limits.max_current:
            besides = f" besides the offset of {readable(offset, 'A')}" if offset else ""
            where = place(path, "ramp", key)
            raise InputError(
                f"{where}: ramp.{key} is {readable(current, 'A')}{besides}, but the sample {sample.name!r} may see "
                f"at most {readable(limits.max_current, 'A')} (limits.max_current in {plan.sample}); lower it"
            )
    hottest = max(plan.temperatures)
    if hottest > limits.max_temperature:
        where = place(path, "temperatures", plan.temperatures.index(hottest))
        raise InputError(
            f"{where}: temperatures asks for {readable(hottest, 'K')}, but the sample {sample.name!r} may see at "
            f"most {readable(limits.max_temperature, 'K')} (limits.max_temperature in {plan.sample}); leave it out"
        )


def check_timing(ramp: RampSettings, path: Path) -> None:
    """Refuse a ramp that leaves no time in its period for the way back; raises `InputError`."""
    longest = (1 - RETURN_SHARE) / ramp.repetition
    if ramp.rise_time > longest:
        where = place(path, "ramp", "repetition")
        raise InputError(
            f"{where}: ramp: the rise takes {readable(ramp.rise_time, 's')}, but at {readable(ramp.repetition, 'Hz')} "
            f"only {readable(longest, 's')} of each period can be rise; lower the repetition to "
            f"{readable((1 - RETURN_SHARE) / ramp.rise_time, 'Hz')} or raise the rate"
        )
