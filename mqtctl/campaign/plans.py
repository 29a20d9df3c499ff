"""What each plan of a campaign gives for its time in the cold, and which is best for a given night."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Choice", "PlanOutcome", "Rate", "best_plan", "mean_power", "outcomes_of", "right_and_wrong"]

#: A value of the plan that takes more different values than this is no choice between plans.
MOST_PLANS = 12
_UNDECIDED = ("", "cannot be told apart", "not identifiable")
_SATURATION, _CROSSOVER = "saturation_escape_temperature", "crossover_temperature"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Rate:
    """How often something happened: `count` of `of`."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share; NaN of nothing."""
        return self.count / self.of if self.of else math.nan

    @property
    def stderr(self) -> float:
        """Its binomial standard error, with a success and a failure added so that it is never zero."""
        share = (self.count + 1) / (self.of + 2)
        return math.sqrt(share * (1.0 - share) / (self.of + 2))

    def __str__(self) -> str:
        return f"{self.value:.0%} ± {self.stderr:.0%} ({self.count} of {self.of})" if self.of else "–"


@dataclass(frozen=True)
class PlanOutcome:
    """What one plan (a combination of values that the design varies under `plan.`) gives.

    Attributes
    ----------
    plan
        Its values, in words.
    as_given
        Whether it is the plan of the design's plan file, unchanged.
    cold_time
        Median time in s.
    right
        Draws of which it was said, rightly, whether the junction tunnels.
    wrong
        Draws of which the opposite was said.
    precision, crossover_precision
        Median relative standard errors of the saturation's escape temperature and of the crossover temperature.
    crossover_deviation
        What 68 % of the crossovers are not further from the truth than, relative.
    stated_power
        Mean of the power that the analysis stated; NaN where none was asked for.
    """

    plan: str
    as_given: bool
    cold_time: float
    right: Rate
    wrong: Rate
    precision: float
    crossover_precision: float
    crossover_deviation: float
    stated_power: float


@dataclass(frozen=True)
class Choice:
    """The best plan for a night of so many seconds, None where none is that short; and the plan that was given."""

    night: float
    best: PlanOutcome | None
    given: PlanOutcome | None


def right_and_wrong(rows: Iterable[Row]) -> tuple[Rate, Rate]:
    """Return how often it was said rightly whether a junction tunnels, and how often the opposite was said."""
    counts = [0, 0]
    total = 0
    for total, row in enumerate(rows, start=1):  # noqa: B007
        if row["verdict"] not in _UNDECIDED:
            counts[(row["verdict"] == "tunnelling") != row["truth"].startswith("tunnelling")] += 1
    return Rate(counts[0], total), Rate(counts[1], total)


def mean_power(rows: Iterable[Row]) -> float:
    """Return the mean of the power that the analyses stated; NaN where none did."""
    powers = _known(_number(row, "power") for row in rows)
    return float(np.mean(powers)) if powers else math.nan


def outcomes_of(rows: Sequence[Row]) -> tuple[PlanOutcome, ...]:
    """Return each plan of a table, the shortest first, those without a time last; one where nothing varies in steps."""
    keys = [key for key in rows[0] if key.startswith("plan.") and 1 < len({row[key] for row in rows}) <= MOST_PLANS]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    found = []
    for values, own in groups.items():
        words = [f"{key.removeprefix('plan.')} {value}" for key, value in zip(keys, values, strict=True)]
        found.append(_outcome(", ".join(words) or "the plan", own))
    return tuple(sorted(found, key=lambda plan: (math.isnan(plan.cold_time), plan.cold_time)))


def best_plan(plans: Sequence[PlanOutcome], night: float | None) -> Choice:
    """Return which plan is best for a night.

    It has the most right verdicts, less the wrong ones; of those that equal it within their binomial errors the one
    with the smallest error of the crossover temperature; of those within a twentieth of that the shortest.

    Parameters
    ----------
    plans
        Any number.
    night
        Time in s; by default that of the plan as given, of the longest one where that is none of them or has no time
        since no experiment came to its end.
    """
    given = next((plan for plan in plans if plan.as_given), None)
    if night is None:
        known = _known(plan.cold_time for plan in plans)
        night = given.cold_time if given and not math.isnan(given.cold_time) else max(known, default=math.nan)
    short = [plan for plan in plans if plan.cold_time <= night]
    if not short:
        return Choice(night, None, given)

    def merit(plan: PlanOutcome) -> float:
        return plan.right.value - plan.wrong.value

    first = max(short, key=merit)
    good = [plan for plan in short if merit(first) - merit(plan) <= math.hypot(first.right.stderr, plan.right.stderr)]
    sharpest = min(_known(plan.crossover_precision for plan in good), default=math.nan)
    sharp = [plan for plan in good if plan.crossover_precision <= 1.05 * sharpest] or good
    return Choice(night, min(sharp, key=lambda plan: plan.cold_time), given)


def _outcome(plan: str, rows: Sequence[Row]) -> PlanOutcome:
    """Return what one plan gives."""
    right, wrong = right_and_wrong(rows)
    crossover, true = f"{_CROSSOVER}_K", f"true_{_CROSSOVER}_K"
    return PlanOutcome(
        plan,
        {row.get("as_given") for row in rows} == {"1"},
        _median(_number(row, "cold_time_s") for row in rows),
        right,
        wrong,
        _median(_relative_error(row, _SATURATION) for row in rows),
        _median(_relative_error(row, _CROSSOVER) for row in rows),
        _quantile((abs(_number(row, crossover) / _number(row, true) - 1.0) for row in rows), 0.683),
        mean_power(rows),
    )


def _relative_error(row: Row, name: str) -> float:
    return _number(row, f"{name}_stderr_K") / _number(row, f"{name}_K")


def _number(row: Row, column: str) -> float:
    return float(row.get(column) or "nan")


def _known(values: Iterable[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]


def _median(values: Iterable[float]) -> float:
    return _quantile(values, 0.5)


def _quantile(values: Iterable[float], share: float) -> float:
    known = _known(values)
    return float(np.quantile(known, share)) if known else math.nan
