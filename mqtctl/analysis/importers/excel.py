"""Sheets of an Excel workbook (.xlsx), each read as the text that it would be saved as."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mqtctl.analysis.importers.containers import library, reading
from mqtctl.analysis.importers.options import ReadOptions
from mqtctl.analysis.importers.tables import LARGEST_FILE, Column, Table, short
from mqtctl.analysis.importers.text import read_text
from mqtctl.errors import InputError

__all__ = ["WORKBOOK", "read_excel"]

WORKBOOK = b"xl/workbook.xml"  # a member of the archive that every workbook is


def read_excel(file: Path, content: bytes, options: ReadOptions) -> Table:
    """Return the columns of all sheets with numbers; where there are several, as `sheet/column`.

    Formulas count as the values that Excel stored for them.

    Raises
    ------
    InputError
        No sheet holds rows of numbers, the workbook is damaged or grows beyond every measure when it is unpacked, or
        the package that reads it is not installed.
    """
    openpyxl = library(file, "openpyxl", "an Excel workbook")
    tables: list[tuple[str, Table]] = []
    faults: list[InputError] = []
    with reading(file, "an Excel workbook"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_FILE:
                raise InputError(f"{file} unpacks to more than {LARGEST_FILE} bytes: split it into histograms")
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for sheet in workbook.worksheets:
            try:
                tables.append((sheet.title, _table(file, sheet.title, "".join(_lines(sheet)), options)))
            except InputError as fault:
                faults.append(fault)
    if not tables:
        raise faults[0] if faults else InputError(f"{file} is an Excel workbook without a sheet of cells")
    if len(tables) == 1:
        return tables[0][1]
    columns: list[Column] = []
    for title, table in tables:
        for column in table.columns:
            columns.append(replace(column, number=len(columns) + 1, name=f"{title}/{column.name or column.number}"))
    said = tuple(f"sheet {title!r}: {text}" for title, table in tables for text in table.assumed)
    return Table(file, f"an Excel workbook with {len(tables)} sheets", tuple(columns), assumed=said)


def _table(file: Path, title: str, text: str, options: ReadOptions) -> Table:
    """Return one sheet, whose cells are divided by tabs and have decimal points whatever Excel shows."""
    lines = text.encode()
    if not lines.strip():
        raise InputError(f"{file}: the sheet {short(title)!r} is empty")
    dialect = replace(options, delimiter="tab" if b"\t" in lines else None, decimal=".", encoding="utf-8")
    table = read_text(file, lines, dialect)
    return replace(table, kind=f"the sheet {short(title)!r} of an Excel workbook", assumed=())


def _lines(sheet: Any) -> Iterator[str]:
    """Yield the rows as text, from the first column with anything in it; cells beside numbers are never empty."""
    rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    used = [k for row in rows for k, cell in enumerate(row) if cell]
    if not used:
        return
    rows = [row[min(used) : max(used) + 1] for row in rows]
    numbers = [sum(map(_is_number, cells)) for cells in zip(*rows, strict=True)]
    words = [sum(map(bool, cells)) - number for cells, number in zip(zip(*rows, strict=True), numbers, strict=True)]
    nothing = ["nan" if number >= word else "(empty)" for number, word in zip(numbers, words, strict=True)]
    for row in rows:
        beside = any(map(_is_number, row))
        cells = [cell or filler for cell, filler in zip(row, nothing, strict=True)] if beside else row
        yield "\t".join(cells).rstrip() + "\n"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _cell(value: object) -> str:
    if value is None or isinstance(value, bool):
        return ""
    return repr(value) if isinstance(value, int | float) else " ".join(str(value).split())
