"""A row of the table of what was measured: where a number stands in JSON, what people call it, how it is found.

The tables are `POINT` (`analysis.histogram.results`) and `SWEEP` (`analysis.sweep.results`). JSON, terminal and report
are written from them, so that a quantity is added by adding its row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from mqtctl.notation import Estimate

__all__ = ["Quantity", "as_json", "estimates"]

T = TypeVar("T")


@dataclass(frozen=True)
class Quantity(Generic[T]):
    """One number that results of type `T` have.

    Attributes
    ----------
    name, unit
        Name in JSON, without unit, and SI unit; together they make the key, as in `ramp_rate_A_per_s`.
    of
        Takes it from a result, in that unit; `NOTHING` where it was not found.
    error
        What its error is in JSON, if it has one: a standard error, or a scatter.
    label
        What the terminal calls it on a line of its own; empty: it is not shown there.
    column
        Head of its column in the terminal's table; empty: it has none.
    heading
        HTML: what the report calls it on a line of its own; empty: it is not shown there.
    head
        HTML: head of its column in the report's table; empty: it has none.
    scale
        Columns of the report with the same word here share one SI prefix.
    infinite
        How an infinite value is written, where that means something.
    words
        What it is called in a sentence, where that is not its name.
    """

    name: str
    unit: str
    of: Callable[[T], Estimate]
    error: Literal["", "stderr", "std"] = ""
    label: str = ""
    column: str = ""
    heading: str = ""
    head: str = ""
    scale: str = ""
    infinite: str = ""
    words: str = ""

    @property
    def key(self) -> str:
        """Its key in JSON."""
        return self._key(self.name)

    @property
    def error_key(self) -> str:
        """Key of its error in JSON; empty where it has none."""
        return self._key(f"{self.name}_{self.error}") if self.error else ""

    def _key(self, name: str) -> str:
        unit = self.unit.replace("/", "_per_").replace("Ω", "Ohm")
        return f"{name}_{unit}" if unit else name

    @property
    def in_words(self) -> str:
        """What it is called in a sentence."""
        return self.words or self.name.replace("_", " ")

    def read(self, content: Mapping[str, Any]) -> Estimate:
        """Return value and standard error from a JSON object; a scatter is no standard error."""
        return Estimate(content.get(self.key), content.get(self.error_key) if self.error == "stderr" else None)


def estimates(table: Sequence[Quantity[T]], result: T) -> dict[str, Estimate]:
    """Return name -> value and error of all quantities of a table."""
    return {row.name: row.of(result) for row in table}


def as_json(table: Sequence[Quantity[T]], result: T) -> dict[str, float | None]:
    """Return key -> number of all quantities of a table, and of their errors."""
    found: dict[str, float | None] = {}
    for row in table:
        estimate = row.of(result)
        found[row.key] = estimate.value
        if row.error:
            found[row.error_key] = estimate.stderr
    return found
