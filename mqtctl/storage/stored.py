"""What the reader expects of a run, checked: a database may be damaged, or anybody's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from mqtctl.documents import explain
from mqtctl.errors import InputError
from mqtctl.plan.calibration import Calibration
from mqtctl.plan.sample import JunctionFacts

__all__ = ["ClosingFacts", "CurveFacts", "HistogramFacts", "numbers", "of_run", "parse", "results_table"]


class _Stored(BaseModel):
    """Base of what stands in a run as JSON; more may stand there than this version knows."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)


def _checked_by(check: Callable[[Any], object]) -> BeforeValidator:
    """Return what lets a value through as it is if a reader of files accepts it."""

    def through(value: Any) -> Any:
        check(value)
        return value

    return BeforeValidator(through)


Finite = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0, le=1_000_000)]


class _Ramp(_Stored):
    """The measured ramp."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    start_current: Finite
    stop_current: Finite
    rate: Finite
    period: Annotated[Finite, Field(gt=0.0)]
    delay: Finite
    offset: Finite = 0.0

    @model_validator(mode="after")
    def _goes_somewhere(self) -> _Ramp:
        if self.rate * (self.stop_current - self.start_current) <= 0.0:
            raise ValueError(
                f"a ramp of {self.rate} A/s does not go from {self.start_current} to {self.stop_current} A"
            )
        return self


class _Plan(_Stored):
    """What is used of the plan."""

    title: str


class _Sample(_Stored):
    """What is used of the sample file."""

    name: str
    junction: Annotated[dict[str, Any], _checked_by(JunctionFacts.model_validate)]


class _Document(_Stored):
    """Plan, sample and calibration as they were resolved."""

    plan: _Plan
    sample: _Sample
    calibration: Annotated[dict[str, Any], _checked_by(Calibration.from_reference)] | None = None


class _Variant(_Stored):
    """Which of the ramps it is."""

    number: Index = 0
    purpose: str = "switching"
    polarity: Literal[1, -1] = 1
    threshold: Finite | None = Field(default=None, alias="threshold_V")


class HistogramFacts(_Stored):
    """The header of a histogram, as `PointHeader` writes it."""

    sweep_id: str
    point: Index
    points: Index
    set_temperature: float
    ramp: _Ramp
    plan_digest: str
    document: _Document
    facts: dict[str, Any] = Field(default_factory=dict)
    variant: _Variant = Field(default_factory=_Variant)


class ClosingFacts(_Stored):
    """The closing facts of a histogram."""

    complete: bool = False
    temperature: float | None = None
    temperature_std: float | None = None
    duration: Finite | None = None
    live_fraction: Finite | None = None
    settling_time: Finite | None = None


class CurveFacts(_Stored):
    """The facts of an I-V curve."""

    sweep_id: str
    when: str
    highest_seen: Finite = Field(alias="highest_seen_V")
    lowest_unseen: Finite | None = Field(default=None, alias="lowest_unseen_V")
    time: str = ""


def parse(text: object, model: type[BaseModel], where: str) -> dict[str, Any]:
    """Return the JSON object in a metadata text, of which a model says what must be in it.

    Raises
    ------
    InputError
        No text, no JSON object, or not what the model asks for; the message begins with `where`.
    """
    if not isinstance(text, str):
        raise InputError(f"{where}: is damaged (no text but {type(text).__name__})")
    try:
        content = json.loads(text)
        model.model_validate(content)
    except ValidationError as exc:
        raise InputError(f"{where}: is damaged ({explain(exc, model)})") from exc
    except (ValueError, RecursionError, OverflowError) as exc:
        raise InputError(f"{where}: is damaged (not JSON as mqtctl writes it: {exc})") from exc
    return dict(content)


def of_run(connection: sqlite3.Connection, run_id: int, column: str, where: str) -> Any:
    """Return what stands in a column of the runs table for a run that was found before; raises `InputError` if not."""
    row = connection.execute(f'SELECT "{column}" FROM runs WHERE run_id = ?', (run_id,)).fetchone()
    if row is None:  # the index of a damaged file
        raise InputError(f"{where}: is damaged (it is in one list of runs and not in the other)")
    return row[0]


def results_table(connection: sqlite3.Connection, run_id: int, columns: set[str], where: str) -> str:
    """Return the name of a run's table, which exists and has these columns; raises `InputError` if not."""
    name = of_run(connection, run_id, "result_table_name", where)
    known = {found for (found,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if name not in known or '"' in name:
        raise InputError(f"{where}: is damaged (it has no table of results)")
    missing = columns - {row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')}
    if missing:
        raise InputError(f"{where}: is damaged (its table has no column {min(missing)!r})")
    return str(name)


def numbers(values: list[Any], where: str) -> NDArray[np.float64]:
    """Return the values of a numeric column, in which QCoDeS writes NaN as text; raises `InputError` for others."""
    if any(isinstance(value, bytes) for value in values):
        raise InputError(f"{where}: is damaged (bytes where numbers belong)")
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as exc:
        raise InputError(f"{where}: is damaged (no numbers: {exc})") from exc
