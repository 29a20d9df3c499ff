"""Rows of numbers for people: aligned columns, and as many digits as a standard error allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

__all__ = ["Column", "number", "print_rows"]

#: Title, key of the value, key of its standard error (None: none), factor to the unit, unit.
Column = tuple[str, str, str | None, float, str]


def print_rows(columns: Sequence[Column], points: Sequence[Mapping[str, Any]]) -> None:
    """Print a title line and one line for each point."""
    rows = [[f"{title} ({unit})" if unit else title for title, _, _, _, unit in columns]]
    rows += [
        [number(point.get(key), point.get(error) if error else None, factor) for _, key, error, factor, _ in columns]
        for point in points
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(len(columns))]
    for row in rows:
        typer.echo("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    typer.echo()


def number(value: float | None, error: float | None, factor: float) -> str:
    """Write a number, with as many digits as its standard error allows if it has one."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    if error is None:
        return f"{value * factor:.5g}"
    digits = max(0, 1 - _exponent(error * factor))
    return f"{value * factor:.{digits}f} +- {error * factor:.{digits}f}"


def _exponent(value: float) -> int:
    """Return the decimal exponent of a positive number; 0 for zero."""
    return int(f"{value:e}".split("e")[1]) if value > 0 else 0
