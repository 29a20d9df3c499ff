"""The plan: what to measure, on which station, on which sample; every quantity with its unit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mqtctl.documents import Document, load_document, place
from mqtctl.errors import InputError
from mqtctl.plan.calibration import Calibration, load_calibration
from mqtctl.plan.sample import Sample, load_sample
from mqtctl.plan.variants import RETURN_SHARE, Variant, variants_of
from mqtctl.quantities import (
    Amperes,
    AmperesPerSecond,
    Fraction,
    Hertz,
    Kelvins,
    KelvinsPerSecond,
    Seconds,
    readable,
)

__all__ = ["Plan", "RampSettings", "ResolvedPlan", "SettleSettings", "load_plan"]

#: Most switches at one temperature where a precision is asked for and no number is given.
MOST_SWITCHES = 1_000_000


class RampSettings(Document):
    """The bias ramp: up from `start_current` to `stop_current` at `rate`, `repetition` times a second.

    `offset_current` flows besides, from the station's offset source.
    """

    start_current: Amperes
    stop_current: Amperes
    rate: Annotated[AmperesPerSecond, Field(gt=0)]
    repetition: Annotated[Hertz, Field(gt=0)]
    offset_current: Amperes = 0.0

    @property
    def rise_time(self) -> float:
        """Duration of the rise in s."""
        return (self.stop_current - self.start_current) / self.rate

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.stop_current <= self.start_current:
            raise ValueError(
                f"stop_current ({readable(self.stop_current, 'A')}) must be above "
                f"start_current ({readable(self.start_current, 'A')})"
            )
        return self


class SettleSettings(Document):
    """When a temperature counts as reached: inside the band for the dwell, with a small slope, in time."""

    band: Annotated[Fraction, Field(gt=0, le=0.2)] = 0.01
    dwell: Annotated[Seconds, Field(gt=0)] = 120.0
    slope: Annotated[KelvinsPerSecond, Field(gt=0)] | None = None
    deadline: Annotated[Seconds, Field(gt=0)] = 7200.0
    interval: Annotated[Seconds, Field(ge=0.1)] = 1.0


class Plan(Document):
    """A measurement as a person writes it down."""

    title: str = Field(min_length=1)
    station: Path
    sample: Path
    database: Path | None = None
    temperatures: tuple[Annotated[Kelvins, Field(gt=0)], ...] = Field(min_length=1)
    switches: int | None = Field(default=None, ge=10, le=10_000_000)
    precision: Annotated[Fraction, Field(ge=1e-4, le=0.5)] | None = None
    precision_of: Literal["escape temperature", "width"] = "escape temperature"
    block: int | None = Field(default=None, ge=1, le=1_000_000)
    empty_ramps_limit: int = Field(default=100, ge=1)
    ramp: RampSettings
    settle: SettleSettings = SettleSettings()
    polarity: Literal["positive", "negative", "both"] = "positive"
    further_rates: tuple[Annotated[AmperesPerSecond, Field(gt=0)], ...] = ()
    retrapping: int = Field(default=0, ge=0, le=1_000_000)
    heating_check: bool = False
    iv_curve: bool = False
    calibration: Path | None = None

    @property
    def most_switches(self) -> int:
        """Switches at each temperature: as many as planned, or the most that a precision may cost."""
        return self.switches if self.switches is not None else MOST_SWITCHES

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if self.switches is None and self.precision is None:
            raise ValueError("give switches (a number at each temperature) or precision (such as 1 %), or both")
        return self

    @model_validator(mode="after")
    def _names_each_rate_once(self) -> Self:
        rates = (self.ramp.rate, *self.further_rates)
        for rate in rates:
            if rates.count(rate) > 1:
                raise ValueError(f"further_rates: {readable(rate, 'A/s')} stands twice (ramp.rate counts too)")
        return self

    @model_validator(mode="after")
    def _names_each_temperature_once(self) -> Self:
        seen: set[float] = set()
        for temperature in self.temperatures:
            if temperature in seen:
                raise ValueError(f"temperatures: {readable(temperature, 'K')} stands twice; name each once")
            seen.add(temperature)
        return self


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
        """Return plan and sample as plain data, quantities written out: what the database keeps."""
        return {
            "plan": self.plan.model_dump(mode="json", exclude={"station", "sample", "database", "calibration"}),
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
    here = path.parent
    sample = load_sample(here / plan.sample)
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
