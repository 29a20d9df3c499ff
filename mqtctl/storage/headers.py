"""What stands beside a run as JSON, typed: written and read with these classes, in the format `FORMAT`.

A database may be damaged, or anybody's: what does not fit is refused with the key at fault. More may stand there than
this version knows; it is kept.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from mqtctl.documents import explain
from mqtctl.errors import InputError
from mqtctl.plan.calibration import Calibration
from mqtctl.plan.sample import JunctionFacts
from mqtctl.plan.variants import Purpose
from mqtctl.records import MeasuredRamp

__all__ = [
    "FORMAT",
    "ClosingFacts",
    "CurveFacts",
    "DerivedFacts",
    "PlanDocument",
    "PlanFacts",
    "PointHeader",
    "PointVariant",
    "RunFacts",
    "SampleFacts",
    "StoredRamp",
    "parse",
    "require_known_format",
    "stored_text",
]

#: Number of the format that is written. 1 had no number; its first headers had neither `facts` nor `variant`.
FORMAT = 2


class _Stored(BaseModel):
    """Base of all that is stored."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, ser_json_inf_nan="constants")


_UNDAMPED = "inf Ohm"  # nobody knows the resistance, and no fit uses it
Finite = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0, le=1_000_000)]
S = TypeVar("S", bound=_Stored)


class StoredRamp(_Stored):
    """The measured ramp, with the attributes of `MeasuredRamp`."""

    model_config = ConfigDict(extra="forbid")

    start_current: Finite
    stop_current: Finite
    rate: Finite
    period: Annotated[Finite, Field(gt=0.0)]
    delay: Finite
    offset: Finite = 0.0

    @model_validator(mode="after")
    def _goes_somewhere(self) -> StoredRamp:
        if self.rate * (self.stop_current - self.start_current) <= 0.0:
            raise ValueError(
                f"a ramp of {self.rate} A/s does not go from {self.start_current} to {self.stop_current} A"
            )
        return self

    @property
    def measured(self) -> MeasuredRamp:
        """The ramp as everything else takes it."""
        return MeasuredRamp(**self.model_dump())


class PlanFacts(_Stored):
    """The plan, and what is used of it: how many switching histograms it takes at a temperature, and of what."""

    title: str
    switches: int | None = None
    polarity: str = "positive"
    further_rates: list[object] | None = None

    @property
    def ramps_at_a_point(self) -> int:
        """How many switching histograms there are to be at each temperature."""
        return (2 if self.polarity == "both" else 1) * (1 + len(self.further_rates or ()))


def _junction(value: object) -> object:
    """Return the junction that a document describes: of one from elsewhere the resistance need not be known."""
    if not isinstance(value, dict) or value.get("resistance", _UNDAMPED) != _UNDAMPED:
        return value
    facts = JunctionFacts.model_validate({**value, "resistance": "1 Ohm"})
    return facts.model_copy(update={"resistance": math.inf})


class SampleFacts(_Stored):
    """The sample file, and what is used of it."""

    name: str
    junction: Annotated[JunctionFacts, BeforeValidator(_junction)]


def _calibration(value: object) -> object:
    """Return the calibration that a reference stands for; anything else as it is."""
    return Calibration.from_reference(value) if isinstance(value, dict) else value


def _reference(calibration: Calibration | None) -> dict[str, object] | None:
    """Return what is kept of a calibration."""
    return None if calibration is None else calibration.reference()


class PlanDocument(_Stored):
    """Plan, sample and calibration as they were resolved, quantities written out.

    `unknown` names what nobody said about data from elsewhere.
    """

    plan: PlanFacts
    sample: SampleFacts
    calibration: Annotated[Calibration | None, BeforeValidator(_calibration), PlainSerializer(_reference)] = None
    unknown: list[str] = Field(default_factory=list)


class RunFacts(_Stored):
    """Where a run comes from.

    Attributes
    ----------
    plan, station
        Names of the files.
    instruments
        Role and identity.
    simulated, seed
        Whether no instrument was real, and what the simulated bench began with.
    started
        When, in ISO 8601.
    versions
        Of the software.
    source, read_as
        Of data from elsewhere: the file, and what was told from its look.
    """

    plan: str = ""
    station: str = ""
    instruments: dict[str, str] = Field(default_factory=dict)
    simulated: bool | None = None
    seed: int | None = None
    started: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    source: str = ""
    read_as: list[str] = Field(default_factory=list)


class PointVariant(_Stored):
    """Which of the ramps made at a point it is.

    Attributes
    ----------
    number, purpose, polarity, repetition
        From 0; what it was made for; +1 or -1; ramps per second.
    threshold
        In V at the counter, of a calibration's histogram only.
    """

    number: Index = 0
    purpose: Purpose = "switching"
    polarity: Literal[1, -1] = 1
    repetition: Finite | None = None
    threshold: Finite | None = Field(default=None, alias="threshold_V")


class PointHeader(_Stored):
    """What identifies a histogram before its first block.

    Attributes
    ----------
    sweep_id
        Identity of the sweep to which the point belongs.
    point, points
        Index of the point, from 0, and their number.
    set_temperature
        Temperature in K that was asked for; NaN for a histogram at the present temperature.
    ramp
        The ramp as measured.
    plan_digest, document
        SHA-256 and content of the resolved plan and sample.
    facts, variant
        Where it comes from; which of the ramps made at this point it is.
    resolution, rounding, edges
        How the currents of a file from elsewhere were rounded or counted, as in `Histogram`; not written for others.
    """

    sweep_id: str
    point: Index
    points: Index
    set_temperature: float
    ramp: StoredRamp
    plan_digest: str
    document: PlanDocument
    facts: RunFacts
    variant: PointVariant
    resolution: Annotated[Finite, Field(ge=0.0)] | None = None
    rounding: Literal["nearest", "up", "down"] = "nearest"
    edges: list[Finite] | None = None


class ClosingFacts(_Stored):
    """What is known of a histogram when its last block is stored; times in s, temperatures in K.

    Attributes
    ----------
    complete, blocks
        Set by the writer: the last thing that a finished histogram gets.
    looks
        Switches and precision at each look at the precision reached.
    """

    complete: bool = False
    blocks: int | None = None
    switches: int | None = None
    censored: int | None = None
    lost: int | None = None
    bursts: int | None = None
    duration: Finite | None = None
    live_fraction: Finite | None = None
    block: int | None = None
    glitches: int | None = None
    lost_sessions: int | None = None
    settled_again: int | None = None
    bath_outside_band: int | None = None
    invalid_bath_readings: int | None = None
    precision: float | None = None
    looks: list[list[int | float | None]] = Field(default_factory=list)
    temperature: float | None = None
    temperature_std: float | None = None
    temperature_before: float | None = None
    temperature_after: float | None = None
    settling_time: Finite | None = None
    finished: str = ""


class CurveFacts(_Stored):
    """Of which sweep an I-V curve is, when it was taken, and between which thresholds in V the step lies."""

    sweep_id: str
    when: str
    highest_seen: Finite = Field(alias="highest_seen_V")
    lowest_unseen: Finite | None = Field(default=None, alias="lowest_unseen_V")
    time: str = ""
    simulated: bool | None = None


class DerivedFacts(_Stored):
    """From which runs of which sweep a run was computed."""

    sweep_id: str
    run_ids: list[int | None]


def stored_text(content: _Stored) -> str:
    """Return what stands in the database for it, with the number of the format."""
    return json.dumps({"format": FORMAT, **content.model_dump(mode="json", by_alias=True, exclude_unset=True)})


def parse(text: object, model: type[S], where: str) -> S:
    """Return what a metadata text of this format, or of one before, holds.

    Raises
    ------
    InputError
        A newer format, no JSON object, or not what the model asks for; the message begins with `where`.
    """
    content = _loaded(text, where)
    number = content.pop("format", 1) if isinstance(content, dict) else FORMAT
    _require_known(number, where)
    if number == 1 and model is PointHeader:
        content = {"facts": {}, "variant": {}, **content}
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        raise InputError(f"{where}: is damaged ({explain(exc, model)})") from exc
    except (RecursionError, OverflowError) as exc:
        raise InputError(f"{where}: is damaged (not as mqtctl writes it: {exc})") from exc


def _loaded(text: object, where: str) -> Any:
    """Return what a JSON text holds; raises `InputError` if it is none."""
    if not isinstance(text, str):
        raise InputError(f"{where}: is damaged (no text but {type(text).__name__})")
    try:
        return json.loads(text)
    except (ValueError, RecursionError, OverflowError) as exc:
        raise InputError(f"{where}: is damaged (not JSON as mqtctl writes it: {exc})") from exc


def _require_known(number: object, where: str) -> None:
    """Raise `InputError` for a format that this version does not read."""
    if type(number) is not int or number < 1:
        raise InputError(f"{where}: is damaged (its format is {number!r})")
    if number > FORMAT:
        raise InputError(
            f"{where}: is of format {number}, and this mqtctl reads formats up to {FORMAT}; read it with the mqtctl "
            "that wrote it, or install a newer one"
        )


def require_known_format(text: object, where: str) -> None:
    """Raise `InputError` if a text is of a newer format; a damaged one is told when it is read."""
    try:
        content = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError, OverflowError):
        return
    number = content.get("format", 1) if isinstance(content, dict) else 1
    if type(number) is int and number > FORMAT:
        _require_known(number, where)
