"""The plan: what to measure, on which station, on which sample; every quantity with its unit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mqtctl.documents import Document
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

__all__ = ["Plan", "Policies", "RampSettings", "SettleSettings"]

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
    interval: Annotated[Seconds, Field(ge=0.1)] = 2.0


class Policies(Document):
    """What is done when something goes wrong at a point: tell and go on, wait, give the point up, or end the sweep.

    None: as `on_fault` says, which is also what follows where waiting was in vain.
    """

    bath_outside_band: Literal["flag", "hold", "skip", "stop"] = "hold"
    thermometer: Literal["hold", "skip", "stop"] | None = None
    not_reached: Literal["hold", "skip", "stop"] | None = None
    empty_ramps: Literal["skip", "stop"] | None = None
    unwatched: Literal["flag", "hold", "skip", "stop"] = "flag"
    drift: Literal["flag", "skip", "stop"] = "flag"
    impossible_intervals: Literal["flag", "skip", "stop"] = "flag"
    disk: Literal["flag", "stop"] = "flag"


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
    on_fault: Literal["stop", "skip"] = "stop"
    policies: Policies = Policies()

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
