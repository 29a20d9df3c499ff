"""How results show themselves in Python: a line for `repr`, a table in notebooks, plain data, xarray.

xarray comes with QCoDeS and is imported where it is asked for.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from mqtctl.analysis.quantity import Quantity
from mqtctl.notation import jsonable, quantity

if TYPE_CHECKING:
    import xarray

__all__ = ["Shown", "as_dataset", "in_html", "plain_data", "told"]

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]


class Shown:
    """A result that is read as one line, or as a table in a notebook; `_facts` says what stands there."""

    def _facts(self, *, briefly: bool) -> tuple[Pairs, Sequence[str]]:
        """Return names and values in words, and what is doubtful; of results without words the fields themselves."""
        found = []
        for each in fields(cast("Any", self)):
            value = getattr(self, each.name)
            text = f"{value:.4g}" if isinstance(value, float) else str(value)
            if isinstance(value, np.ndarray):
                text = f"{value.size} values from {value.min():.4g} to {value.max():.4g}" if value.size else "none"
            found.append((each.name.replace("_", " "), text))
        return found, ()

    def __repr__(self) -> str:
        pairs, notes = self._facts(briefly=True)
        words = [f"{name} = {value}" for name, value in pairs]
        if notes:
            words.append(f"{len(notes)} note{'s' if len(notes) > 1 else ''}")
        return f"<{type(self).__name__}: {', '.join(words)}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return in_html(*self._facts(briefly=False))

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain data in SI units; None where a number is infinite or not known."""
        return plain_data(asdict(cast("Any", self)))


def told(table: Sequence[Quantity[T]], result: T, *, briefly: bool) -> list[tuple[str, str]]:
    """Return name and value in words of every quantity of a table that people are shown and that is known."""
    found = []
    for row in table:
        name = (row.column.replace("\n", " ") or (row.label and row.in_words)) if briefly else row.label or row.column
        estimate = row.of(result)
        if name and estimate:
            stderr = None if row.error == "std" else estimate.stderr
            whole = isinstance(estimate.value, int)
            found.append((name, str(estimate.value) if whole else quantity(estimate.value, row.unit, stderr)))
    return found


def in_html(pairs: Pairs, notes: Sequence[str]) -> str:
    """Return a table of names and values, with what is doubtful below."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in pairs
    )
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return f"<table>{rows}</table>" + (f"<ul>{listed}</ul>" if notes else "")


def plain_data(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return mappings, arrays and tuples as what JSON knows."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray):
            value = value.tolist()
        return [plain(item) for item in value] if isinstance(value, list | tuple) else jsonable(value)

    return {key: plain(value) for key, value in content.items()}


def as_dataset(
    table: Sequence[Quantity[T]],
    results: Sequence[T],
    words: Mapping[str, Sequence[str]],
    attributes: Mapping[str, Any],
) -> xarray.Dataset:
    """Return the quantities of a table over the index `histogram`, under the keys of the JSON.

    Parameters
    ----------
    table, results
        What is taken of which results; NaN where a result has it not.
    words
        Name -> a text for each result.
    attributes
        Of the whole; what is None is left out.
    """
    import xarray

    variables: dict[str, Any] = {}
    for row in table:
        found = [row.of(result) for result in results]
        kind = {"units": row.unit, "long_name": row.label or row.in_words}
        variables[row.key] = ("histogram", [_number(estimate.value) for estimate in found], kind)
        if row.error:
            kind = {"units": row.unit, "long_name": f"{row.error} of {row.label or row.in_words}"}
            variables[row.error_key] = ("histogram", [_number(estimate.stderr) for estimate in found], kind)
    for name, texts in words.items():
        variables[name] = ("histogram", np.array(list(texts), dtype=object))
    known = {key: value for key, value in attributes.items() if value is not None}
    return xarray.Dataset(variables, coords={"histogram": np.arange(len(results))}, attrs=known)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
