"""What a file of any kind holds: columns with names, units and numbers, before anybody says what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.stated_units import Line

__all__ = ["LARGEST_FILE", "MOST_VALUES", "Column", "Table", "setting", "short"]

LARGEST_FILE = 2_000_000_000  # bytes; a hundred million switches
MOST_VALUES = 250_000_000  # of one array, which a compressed file may hold in few bytes
_MOST_LISTED = 12


@dataclass(frozen=True)
class Column:
    """One column of a text file, or one array of a container.

    Attributes
    ----------
    number
        From 1, in the file's order.
    name
        As the file has it, for containers the path; empty where it has none.
    unit
        That the file states for it; empty where it states none.
    values
        Shape (n_value,); NaN where there is nothing, or no number.
    fault
        What stands where a number is expected, and where; empty if there are numbers only.
    """

    number: int
    name: str
    unit: str
    values: NDArray[np.float64]
    fault: str = ""

    def __str__(self) -> str:
        unit = f" ({self.unit})" if self.unit and self.unit not in self.name else ""
        return f"{self.number}{f' {short(self.name)!r}' if self.name else ''}{unit}"


@dataclass(frozen=True)
class Table:
    """The columns of one file, or of one run in it.

    Attributes
    ----------
    file
        Where it was read.
    kind
        What the file is, in words.
    columns
        Those with numbers in them.
    header
        Lines of a text file that are no numbers: titles, names, units, comments.
    assumed
        What was told from the file's look rather than stated in it: encoding, delimiter, decimal mark.
    place
        Says where the value of an index stands, for messages.
    settings
        Single numbers and texts beside the columns, in words.
    label
        Tells it from the others of a file: "run 3"; empty if there is only one.
    """

    file: Path
    kind: str
    columns: tuple[Column, ...]
    header: tuple[Line, ...] = ()
    assumed: tuple[str, ...] = ()
    place: Callable[[int], str] = field(default=lambda index: f"value {index + 1}")
    settings: tuple[str, ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        """File, and the run in it where there are several."""
        return f"{self.file} ({self.label})" if self.label else str(self.file)

    def listed(self) -> str:
        """Return the columns in words, for a message that asks for one of them."""
        shown = ", ".join(_in_words(column) for column in self.columns[:_MOST_LISTED])
        more = len(self.columns) - _MOST_LISTED
        return shown + (f" and {more} more" if more > 0 else "")


def _in_words(column: Column) -> str:
    """Return a column for a list to choose from; one without a name or unit shows its numbers."""
    there = column.values[np.isfinite(column.values)]
    if column.name or column.unit or not there.size:
        return str(column)
    return f"{column} ({there.min():.4g} to {there.max():.4g})"


def setting(name: str, value: object) -> str:
    """Return a single number or text of a container in words."""
    return f"{name} = {value:g}" if isinstance(value, int | float) else f"{name} = {short(str(value))!r}"


def short(text: str) -> str:
    """Return a text of somebody else's file in at most 48 characters of one line."""
    line = " ".join(text.split())
    return line if len(line) <= 48 else f"{line[:40]}...{line[-1]}"
