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

from mqtctl.campaign.plans import Choice, PlanOutcome, Rate, best_plan, mean_power, outcomes_of, right_and_wrong
from mqtctl.campaign.results import read_table
from mqtctl.errors import InputError
from mqtctl.notation import jsonable, number, rough_duration

Numbers = NDArray[np.float64]

__all__ = ["COMPARED", "NO_VERDICT", "Comparison", "Summary", "TextTable", "summarise"]

NO_VERDICT = "no result"
#: What is compared with its truth, and its name in words.
_ESTIMATES = (
    ("critical_current_A", "critical current"),
    ("capacitance_F", "capacitance"),
    ("crossover_temperature_K", "crossover (from Ic, C, R)"),
    ("tunnelling_escape_temperature_K", "prediction of tunnelling"),
    ("saturation_escape_temperature_K", "saturation of T_esc"),
)
#: (estimate, its standard error, its truth, its name in words)
COMPARED = tuple((value, "_stderr_".join(value.rsplit("_", 1)), f"true_{value}", name) for value, name in _ESTIMATES)
#: Share of a normal distribution within one and two standard errors.
NORMAL = (0.683, 0.954)


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
    """The rows of a campaign and what follows from them; a night in s, by default as long as the plan as given."""

    source: Path
    rows: Sequence[Mapping[str, str]]
    night: float | None = None

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
        return outcomes_of(self.rows)

    @cached_property
    def choice(self) -> Choice:
        """The best plan for the night, and the one that was given."""
        return best_plan(self.plans, self.night)

    def advice(self) -> str:
        """Return in a sentence which plan is best, and what the given one brings."""
        choice = self.choice
        if all(math.isnan(plan.cold_time) for plan in self.plans):
            return "No experiment here came to its end, so no plan can be judged; the table of what failed says why."
        night = f"For a night of {rough_duration(choice.night)}"
        if choice.best is None:
            return f"{night} every plan here is too long."
        if len(self.plans) == 1:
            return f"The plan takes {_in_words(choice.best)}; a design with a grid under plan. would compare others."
        given = "the plan as given is none of these: add its values to the grids to compare it"
        if choice.given is choice.best:
            given = "that is the plan as given"
        elif choice.given is not None and math.isnan(choice.given.cold_time):
            given = f"no experiment with the plan as given ({choice.given.plan}) came to its end"
        elif choice.given is not None:
            given = f"the plan as given ({choice.given.plan}) takes {_in_words(choice.given)}"
        return f"{night} the best plan is {choice.best.plan}: it takes {_in_words(choice.best)}; {given}."

    def tables(self) -> tuple[TextTable, ...]:
        """Return what is printed and what the page has."""
        names = sorted(self.verdicts(self.rows))
        by_truth = []
        for truth in self.truths:
            rows = [row for row in self.rows if row["truth"] == truth]
            said = self.verdicts(rows)
            by_truth.append(
                (
                    truth,
                    *(str(Rate(said[name], len(rows))) for name in names),
                    str(right_and_wrong(rows)[0]),
                    _share(mean_power(rows)),
                )
            )
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
                f"{p.plan} (as given)" if p.as_given else p.plan,
                rough_duration(p.cold_time),
                str(p.right),
                str(p.wrong),
                _share(p.crossover_precision, 2),
                _share(p.crossover_deviation, 2),
                _share(p.precision, 2),
                _share(p.stated_power),
            )
            for p in self.plans
        ]
        tables = [
            TextTable("Verdicts, by what is true", ("truth", *names, "right", "stated power"), tuple(by_truth)),
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
                    "error of the crossover",
                    "68 % are within",
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
                        "as_given": p.as_given,
                        "cold_time_s": p.cold_time,
                        "right": p.right.value,
                        "wrong": p.wrong.value,
                        "saturation_relative_stderr": p.precision,
                        "crossover_relative_stderr": p.crossover_precision,
                        "crossover_relative_deviation": p.crossover_deviation,
                        "stated_power": p.stated_power,
                    }
                    for p in self.plans
                ],
                "night_s": self.choice.night,
                "best_plan": self.choice.best and self.choice.best.plan,
                "advice": self.advice(),
            }
        )
        return plain


def _percent(value: float, stderr: float) -> str:
    return f"{number(100.0 * value, 100.0 * stderr)} %"


def _share(value: float, digits: int = 0) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}%}"


def _in_words(plan: PlanOutcome) -> str:
    """Return what a plan costs and brings."""
    crossover = "" if math.isnan(plan.crossover_precision) else f", crossover known to {plan.crossover_precision:.1%}"
    return (
        f"{rough_duration(plan.cold_time)}, {plan.right.value:.0%} ± {plan.right.stderr:.0%} right verdicts, "
        f"{plan.wrong.value:.0%} wrong{crossover}"
    )


def summarise(results: Path, night: float | None = None) -> Summary:
    """Read a campaign's table; raises `InputError` where it is none, or has no row. A night is given in s, above 0."""
    if night is not None and not night > 0.0:
        raise InputError(f"--night: a night of {night:g} s is none; give a time above 0, such as '8 h'")
    rows = read_table(results)
    if not rows:
        raise InputError(f"{results}: has no draw yet; go on with the campaign (--resume)")
    return Summary(results, rows, night)
