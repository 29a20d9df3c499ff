"""One value of a design that is not the same in every draw: a list, a grid, a distribution; with or without a unit."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from mqtctl.documents import Document
from mqtctl.errors import InputError
from mqtctl.quantities import UNITS, format_quantity, parse_quantity

__all__ = ["Entry", "Measured", "Varied", "in_file", "measured"]

Pair = Annotated[tuple[Any, Any], Field(min_length=2, max_length=2)]
Several = Annotated[tuple[Any, ...], Field(min_length=1)]
Kind = Literal["value", "list", "grid", "choice", "uniform", "normal", "lognormal"]
_KINDS: tuple[Kind, ...] = ("value", "list", "grid", "choice", "uniform", "normal", "lognormal")

#: A number in a base unit ("" for a pure number), or what is no number with None.
Measured = tuple[Any, str | None]


def measured(value: object) -> Measured:
    """Return a file's value as number and base unit: "9.5 uA" is (9.5e-6, "A"), 3 is (3, ""), text has no unit."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value, ""
    if isinstance(value, str):
        for unit in UNITS:
            try:
                return parse_quantity(value, unit), unit
            except InputError:
                continue
    return value, None


def in_file(value: Any, unit: str | None) -> Any:
    """Return a number of a base unit as a file has it; what is no quantity stays as it is."""
    return format_quantity(float(value), unit) if unit else value


class Varied(Document):
    """What a key is in each draw; exactly one of the kinds.

    `value`: always this. `grid`: every combination with the other grids. `list`: one entry after the other; lists of
    the same design run side by side. `choice`: one of these, each as probable. `uniform`: [low, high]; `normal`:
    [mean, standard deviation]; `lognormal`: [median, standard deviation of the logarithm]. `of` names another key: what
    is drawn is a factor on its value.
    """

    value: Any = None
    listed: Several | None = Field(default=None, alias="list")
    grid: Several | None = None
    choice: Several | None = None
    uniform: Pair | None = None
    normal: Pair | None = None
    lognormal: Pair | None = None
    of: str | None = None

    @property
    def kind(self) -> Kind:
        """Which of the kinds it is."""
        given = [name for name in _KINDS if getattr(self, "listed" if name == "list" else name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_KINDS)}, not {', '.join(given) or 'none'}")
        return given[0]

    @property
    def entries(self) -> tuple[Any, ...]:
        """The entries of a grid, a list or a choice; the two numbers of a distribution; the value alone."""
        kind = self.kind
        if kind == "value":
            return (self.value,)
        found: tuple[Any, ...] = getattr(self, "listed" if kind == "list" else kind)
        return found

    @cached_property
    def unit(self) -> str | None:
        """Base unit of what is drawn, of a factor where there is `of`; "" for pure numbers, None for no numbers."""
        quantities = self.entries[:1] if self.kind == "lognormal" else self.entries
        units = {measured(entry)[1] for entry in quantities}
        return units.pop() if len(units) == 1 else None

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Self:
        kind = self.kind
        first, second = measured(self.entries[0]), measured(self.entries[-1])
        if kind in ("uniform", "normal") and (first[1] is None or first[1] != second[1]):
            raise ValueError(f"{kind}: both must be numbers of the same kind, such as ['9 uA', '10 uA']")
        if kind == "uniform" and not first[0] < second[0]:
            raise ValueError(f"uniform: the first, {self.entries[0]}, must be below the second, {self.entries[1]}")
        if kind == "normal" and second[0] < 0:
            raise ValueError("normal: the standard deviation cannot be negative")
        if kind == "lognormal" and (first[1] is None or second[1] not in ("", "1") or first[0] <= 0 or second[0] < 0):
            raise ValueError(
                "lognormal: give a positive median and the spread of its logarithm, such as ['6 pF', 0.02]"
            )
        if self.of is not None and self.unit not in ("", "1"):
            raise ValueError("of: what is given besides must be factors, such as 1.02")
        return self

    def drawn(self, entry: int, rng: np.random.Generator) -> Measured:
        """Return the value of one draw: the entry of a grid or a list, or one from the distribution."""
        kind, entries = self.kind, self.entries
        if kind in ("value", "list", "grid"):
            return measured(entries[entry])
        if kind == "choice":
            return measured(entries[int(rng.integers(len(entries)))])
        (first, unit), (second, _) = map(measured, entries)
        if kind == "uniform":
            return float(rng.uniform(first, second)), unit
        if kind == "normal":
            return float(rng.normal(first, second)), unit
        with np.errstate(over="ignore"):  # an infinite value is refused with the number of its draw
            return float(first * np.exp(second * rng.standard_normal())), unit


def _spelled(content: Any) -> Any:
    """Take a bare number, text or truth value for `value: ...`."""
    return content if isinstance(content, dict) else {"value": content}


Entry = Annotated[Varied, BeforeValidator(_spelled)]
