"""Words and numbers for people on stdout: tables that fold at the terminal's width, sentences broken between words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from mqtctl import notation
from mqtctl.notation import MISSING, Estimate, Scale

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Column", "paper", "plain", "print_rows", "quantity", "say", "simulated_line"]

#: Columns where nobody says how wide the paper is: a file or a pipe.
_WIDTH = 140
#: Spaces between two columns.
_GAP = 2


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title
        In words; each line break begins a line of the head.
    key, error
        Keys of the value and of its standard error in a point; None for a value without one.
    unit
        SI base unit; the column gets the prefix that suits its median. Empty: written as it is.
    """

    title: str
    key: str
    error: str | None = None
    unit: str = ""

    def cells(self, points: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the head and one text for each point."""
        scale = Scale.of([point.get(self.key) for point in points], self.unit) if self.unit else Scale("", 1.0)
        head = self.title + (f"\n({plain(scale.name)})" if scale.name else "")
        return [head, *(self._cell(point, scale) for point in points)]

    def _cell(self, point: Mapping[str, Any], scale: Scale) -> str:
        value = point.get(self.key)
        if isinstance(value, int | str):
            return str(value)
        return plain(notation.scaled_number(Estimate(value, point.get(self.error) if self.error else None), scale))


def quantity(value: float | None, unit: str, stderr: float | None = None) -> str:
    """Return a number in SI base units with standard error, prefix and unit, "36.07(43) mK"; "-" if there is none."""
    return plain(notation.quantity(value, unit, stderr))


def plain(text: str) -> str:
    """Return a number as a terminal of any encoding can show it, and as files spell it."""
    return text.replace("µ", "u").replace("Ω", "Ohm").replace(MISSING, "-").replace("×10^", "e")


def simulated_line(seed: int | None) -> str:
    """Return the sentence that stands above whatever no real instrument measured."""
    known = "" if seed is None else f", seed {seed}"
    return f"SIMULATED: no instrument and no junction was here, only the simulated bench{known}"


def paper() -> Console:
    """Return stdout as rich writes to it: as wide as the terminal or COLUMNS say, a fixed width elsewhere."""
    from mqtctl.cli.console import PlainConsole

    console = PlainConsole(markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console


def say(text: str) -> None:
    """Print a sentence: broken between words on a terminal, in one line for a program that reads it."""
    console = paper()
    if console.is_terminal:
        console.print(text)
    else:
        typer.echo(text)


def print_rows(columns: Sequence[Column], points: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for each point; columns that do not fit beside the others follow below, behind the first again."""
    from rich.table import Table

    console = paper()
    texts = [column.cells(points) for column in columns]
    for block in _blocks([max(len(line) for cell in column for line in cell.split("\n")) for column in texts], console):
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for place in block:
            table.add_column(texts[place][0], justify="right", no_wrap=True)
        for row in range(1, len(points) + 1):
            table.add_row(*(texts[place][row] for place in block))
        console.print(table)
        console.print()


def _blocks(widths: Sequence[int], console: Console) -> list[list[int]]:
    """Return which columns stand side by side; the first leads each block."""
    blocks = [[0]]
    for place in range(1, len(widths)):
        if sum(widths[k] + _GAP for k in (*blocks[-1], place)) - _GAP > console.width and len(blocks[-1]) > 1:
            blocks.append([0])
        blocks[-1].append(place)
    return blocks
