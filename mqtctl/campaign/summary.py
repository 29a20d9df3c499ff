"""What a planner asks of a campaign's table: bias and coverage, verdicts by truth, precision against cold hours."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.campaign.results import read_table
from mqtctl.errors import InputError
from mqtctl.notation import jsonable, number, rough_duration

Numbers = NDArray[np.float64]

__all__ = ["COMPARED", "NO_VERDICT", "Comparison", "PlanOutcome", "Rate", "Summary", "TextTable", "summarise"]

NO_VERDICT = "no result"
#: What is compared with its truth, and its name in words.
_ESTIMATES = (
    ("critical_current_A", "critical current"),
    ("crossover_temperature_K", "crossover (from Ic, C, R)"),
    ("tunnelling_escape_temperature_K", "prediction of tunnelling"),
    ("saturation_escape_temperature_K", "saturation of T_esc"),
)
#: (estimate, its standard error, its truth, its name in words)
COMPARED = tuple((value, "_stderr_".join(value.rsplit("_", 1)), f"true_{value}", name) for value, name in _ESTIMATES)
#: Share of a normal distribution within one and two standard errors.
NORMAL = (0.683, 0.954)


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
class Comparison:
    """An estimate against its truth over the draws that have both.

    Attributes
    ----------
    name, truth
        In words, and the cause that was true.
    draws
        How many have value, standard error and truth.
    bias, bias_stderr
        Median relative deviation from the truth, and the standard error of it.
    scatter
        Standard deviation of the relative deviations.
    stated
        Median relative standard error.
    within_one, within_two
        Draws whose truth lies within one and two standard errors.
    """

    name: str
    truth: str
    draws: int
    bias: float
    bias_stderr: float
    scatter: float
    stated: float
    within_one: Rate
    within_two: Rate


@dataclass(frozen=True)
class PlanOutcome:
    """What one plan (a combination of values that the design varies under `plan.`) gives.

    Attributes
    ----------
    plan
        Its values, in words.
    cold_time
        Median time in s.
    right
        Draws in which the verdict was the truth.
    wrong
        Draws in which another cause was named.
    precision
        Median relative standard error of the saturation's escape temperature.
    stated_power
        Mean of the power that the analysis stated; NaN where none was asked for.
    """

    plan: str
    cold_time: float
    right: Rate
    wrong: Rate
    precision: float
    stated_power: float


@dataclass(frozen=True)
class TextTable:
    """A table for people: title, heads, rows."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """Return it with aligned columns."""
        lines = [self.heads, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.heads))]
        body = "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )
        return f"{self.title}\n{body}\n"


@dataclass(frozen=True)
class Summary:
    """The rows of a campaign and what follows from them."""

    source: Path
    rows: Sequence[Mapping[str, str]]

    def numbers(self, column: str) -> Numbers:
        """Return a column as numbers, NaN where there is none."""
        return np.array([float(row.get(column) or "nan") for row in self.rows])

    @property
    def truths(self) -> list[str]:
        """The causes that were true, in order of the alphabet."""
        return sorted({row["truth"] for row in self.rows})

    @property
    def failures(self) -> Counter[str]:
        """Message -> how many draws ended with it."""
        return Counter(row["message"] for row in self.rows if row["exit_code"] != "0")

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Each estimate that has a truth, over the draws in which the same cause was true."""
        found = []
        for _, _, _, name in COMPARED:
            for truth in self.truths:
                off, stated, pulls = self.deviations(name, truth)
                if not (count := off.size):
                    continue
                scatter = float(np.std(off, ddof=1)) if count > 1 else math.nan
                found.append(
                    Comparison(
                        name,
                        truth,
                        count,
                        float(np.median(off)),
                        1.2533 * scatter / math.sqrt(count),  # sqrt(pi / 2): a median's
                        scatter,
                        float(np.median(stated)),
                        *(Rate(int((np.abs(pulls) <= limit).sum()), count) for limit in (1.0, 2.0)),
                    )
                )
        return tuple(found)

    def deviations(self, name: str, truth: str) -> tuple[Numbers, Numbers, Numbers]:
        """Return relative deviations, relative standard errors, and deviations in standard errors, of known ones."""
        columns = next(columns[:3] for columns in COMPARED if columns[3] == name)
        values, errors, true = map(self.numbers, columns)
        own = np.array([row["truth"] == truth for row in self.rows])
        known = own & np.isfinite(values) & np.isfinite(errors) & np.isfinite(true) & (errors > 0.0)
        values, errors, true = values[known], errors[known], true[known]
        return values / true - 1.0, errors / true, (values - true) / errors

    def verdicts(self, rows: Iterable[Mapping[str, str]]) -> Counter[str]:
        """Return verdict -> how often, `NO_VERDICT` where the experiment failed."""
        return Counter(row["verdict"] or NO_VERDICT for row in rows)

    @cached_property
    def plans(self) -> tuple[PlanOutcome, ...]:
        """Each plan of the design, the shortest first; one where no value of the plan varies in steps."""
        keys = [
            key
            for key in self.rows[0]
            if key.startswith("plan.") and 1 < len({row[key] for row in self.rows}) <= _MOST_PLANS
        ]
        groups: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
        for row in self.rows:
            groups.setdefault(tuple(row[key] for key in keys), []).append(row)
        found = []
        for values, rows in groups.items():
            words = [f"{key.removeprefix('plan.')} {value}" for key, value in zip(keys, values, strict=True)]
            found.append(_plan_outcome(", ".join(words) or "the plan", rows))
        return tuple(sorted(found, key=lambda plan: plan.cold_time))

    def tables(self) -> tuple[TextTable, ...]:
        """Return what is printed and what the page has."""
        names = sorted(self.verdicts(self.rows))
        by_truth = []
        for truth in self.truths:
            rows = [row for row in self.rows if row["truth"] == truth]
            said = self.verdicts(rows)
            by_truth.append((truth, *(str(Rate(said[name], len(rows))) for name in names)))
        compared = [
            (
                c.name,
                c.truth,
                str(c.draws),
                f"{_percent(c.bias, c.bias_stderr)}",
                f"{c.scatter:.2%}",
                f"{c.stated:.2%}",
                str(c.within_one),
                str(c.within_two),
            )
            for c in self.comparisons
        ]
        plans = [
            (
                p.plan,
                rough_duration(p.cold_time),
                str(p.right),
                str(p.wrong),
                "–" if math.isnan(p.precision) else f"{p.precision:.2%}",
                "–" if math.isnan(p.stated_power) else f"{p.stated_power:.0%}",
            )
            for p in self.plans
        ]
        tables = [
            TextTable("Verdicts, by what is true", ("truth", *names), tuple(by_truth)),
            TextTable(
                "Estimates against the truth (honest errors: "
                f"{NORMAL[0]:.0%} within one standard error, {NORMAL[1]:.0%} within two)",
                ("estimate", "truth", "draws", "bias", "scatter", "stated error", "within one", "within two"),
                tuple(compared),
            ),
            TextTable(
                "Plans, the shortest first",
                (
                    "plan",
                    "time in the cold",
                    "right verdict",
                    "wrong verdict",
                    "error of the saturation",
                    "stated power",
                ),
                tuple(plans),
            ),
        ]
        if self.failures:
            failed = tuple((str(count), text) for text, count in self.failures.most_common())
            tables.append(TextTable("Experiments that failed", ("draws", "message"), failed))
        return tuple(tables)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        plain: dict[str, Any] = jsonable(
            {
                "table": str(self.source),
                "draws": len(self.rows),
                "failed": sum(self.failures.values()),
                "verdicts": {t: dict(self.verdicts(r for r in self.rows if r["truth"] == t)) for t in self.truths},
                "estimates": [
                    {
                        "name": c.name,
                        "truth": c.truth,
                        "draws": c.draws,
                        "bias": c.bias,
                        "bias_stderr": c.bias_stderr,
                        "scatter": c.scatter,
                        "stated_stderr": c.stated,
                        "within_one_stderr": c.within_one.value,
                        "within_two_stderr": c.within_two.value,
                    }
                    for c in self.comparisons
                ],
                "plans": [
                    {
                        "plan": p.plan,
                        "cold_time_s": p.cold_time,
                        "right": p.right.value,
                        "wrong": p.wrong.value,
                        "saturation_relative_stderr": p.precision,
                        "stated_power": p.stated_power,
                    }
                    for p in self.plans
                ],
            }
        )
        return plain


#: A value of the plan that takes more different values than this is no choice between plans.
_MOST_PLANS = 12


def _plan_outcome(plan: str, rows: Sequence[Mapping[str, str]]) -> PlanOutcome:
    """Return what one plan gives."""
    decided = [row for row in rows if row["verdict"] not in ("", "cannot be told apart", "not identifiable")]
    right = sum(row["verdict"] == row["truth"] for row in decided)

    def known(values: Iterable[float]) -> list[float]:
        return [value for value in values if math.isfinite(value)]

    def column(row: Mapping[str, str], name: str) -> float:
        return float(row.get(name) or "nan")

    value, error = COMPARED[-1][:2]
    times = known(column(row, "cold_time_s") for row in rows)
    errors = known(column(row, error) / column(row, value) for row in rows)
    powers = known(column(row, "power") for row in rows)
    return PlanOutcome(
        plan,
        float(np.median(times)) if times else math.nan,
        Rate(right, len(rows)),
        Rate(len(decided) - right, len(rows)),
        float(np.median(errors)) if errors else math.nan,
        float(np.mean(powers)) if powers else math.nan,
    )


def _percent(value: float, stderr: float) -> str:
    return f"{number(100.0 * value, 100.0 * stderr)} %"


def summarise(results: Path) -> Summary:
    """Read a campaign's table; raises `InputError` where it is none, or has no row."""
    rows = read_table(results)
    if not rows:
        raise InputError(f"{results}: has no draw yet; go on with the campaign (--resume)")
    return Summary(results, rows)
