"""Text files: columns of numbers in any dialect, below header blocks, with names and units or none."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.importers.dialect import Dialect, as_ascii_superset, find_dialect
from mqtctl.analysis.importers.options import ReadOptions
from mqtctl.analysis.importers.tables import Column, Table, short
from mqtctl.analysis.stated_units import Line, bare_unit, spelled, stated_unit
from mqtctl.errors import InputError

__all__ = ["read_text"]

MOST_HEADER_LINES = 300
SAMPLE_LINES = 200
SAMPLE_BYTES = 65536
ROWS_AT_ONCE = 200_000
LARGE = 1_000_000  # bytes from which pandas reads what is regular: it takes a second to load


@dataclass(frozen=True)
class _Body:
    """Rows as they stand: numbers by column, and the line of each row."""

    numbers: NDArray[np.float64]
    lines: NDArray[np.int64]
    faults: dict[int, str]


def read_text(file: Path, content: bytes, options: ReadOptions) -> Table:
    """Return the columns of a text file.

    Raises
    ------
    InputError
        It is not text, holds no rows of numbers, or rows of different lengths; or what divides its columns cannot be
        told.
    """
    content, encoding, assumed = as_ascii_superset(file, content, options.encoding)
    if not content or content.isspace():
        raise InputError(f"{file} is empty: one switching current or time per line is expected")
    top = _lines(content[: 4 * SAMPLE_BYTES], encoding)[:MOST_HEADER_LINES]
    rows = [line for _, line in top if line and not line.startswith(("#", "%"))]
    if not rows:
        raise InputError(f"{file} holds no values: one switching current or time per line is expected")
    middle = _middle(content, encoding)
    dialect = find_dialect(file, middle, [line for _, line in top], options)
    pattern = _pattern(dialect, middle)
    width = len(pattern)
    start = next((at for at, (_, line) in enumerate(top) if _is_row(dialect, line, pattern)), None)
    if start is None:
        raise InputError(
            f"{file} holds no numbers, only text such as {short(rows[0])!r}: at least 10"
            " switching currents or times are needed"
        )
    header = [line for line in top[:start] if line[1]]
    body = _regular(content, top[start][0], dialect, width) if len(content) > LARGE else None
    if body is None:
        found = _lines(content, encoding)
        header = sorted([*header, *(line for line in found[start:] if line[1].startswith("#"))])
        body = _row_by_row(file, found[start:], dialect, pattern)
    # in LabVIEW's header block the last mark stands before the names
    names, units = _names(header, dialect, width)
    labview = _labview_units(header, width)
    columns = tuple(
        Column(k + 1, names[k], units[k] or labview.get(k, ""), body.numbers[:, k], body.faults.get(k, ""))
        for k in range(width)
        if k not in body.faults or np.isfinite(body.numbers[:, k]).any()
    )
    if not columns:
        raise InputError(f"{file} holds no column of numbers")
    said = [*([assumed] if assumed else []), *([str(dialect)] if dialect != Dialect("") else [])]
    kind = "a LabVIEW measurement" if rows[0].lower().startswith("labview measurement") else "text"
    where = body.lines

    def place(index: int) -> str:
        return f"line {where[index]}" if where.size else _line_of(content, encoding, index, top[start][0])

    return Table(file, kind, columns, tuple(header), tuple(said), place)


def _lines(content: bytes, encoding: str) -> list[Line]:
    """Return number and text of each line, without blanks around it."""
    text = content.decode(encoding, errors="replace")
    return [(number, line.strip(" \r\n")) for number, line in enumerate(text.splitlines(), 1)]


def _middle(content: bytes, encoding: str) -> list[str]:
    """Return lines of the file's second half, which no header reaches; all of them where there are few."""
    lines = _lines(content if len(content) < SAMPLE_BYTES else _slice(content), encoding)
    kept = [line for _, line in lines if line.strip() and not line.startswith(("#", "%"))]
    return kept[len(kept) // 2 :][:SAMPLE_LINES]


def _slice(content: bytes) -> bytes:
    begin = content.find(b"\n", len(content) // 2) + 1
    end = content.rfind(b"\n", begin, begin + SAMPLE_BYTES)
    return content[begin : end if end > begin else begin + SAMPLE_BYTES]


def _pattern(dialect: Dialect, lines: Sequence[str]) -> tuple[bool, ...]:
    """Return which columns hold numbers in most lines."""
    patterns = [dialect.pattern(line) for line in lines]
    widths = [len(pattern) for pattern in patterns]
    width = max(set(widths), key=widths.count)
    mine = [pattern for pattern in patterns if len(pattern) == width]
    return max(set(mine), key=lambda pattern: (mine.count(pattern), sum(pattern)))


def _is_row(dialect: Dialect, line: str, pattern: tuple[bool, ...]) -> bool:
    """Return whether a line is a row of numbers, or one that failed, rather than a header line."""
    if not line or line.startswith(("#", "%")):
        return False
    mine = dialect.pattern(line)
    if len(mine) == len(pattern):
        numbers = [dialect.number(field) is not None for field in dialect.split(line)]
        return any(mine) and all(there for there, wanted in zip(numbers, pattern, strict=False) if wanted)
    return len(mine) > 1 and 2 * sum(mine) > len(mine)  # not of this width: a fault, but no header


def _regular(content: bytes, first_line: int, dialect: Dialect, width: int) -> _Body | None:
    """Return rows of numbers only, read fast; None where anything else stands among them."""
    import pandas as pd

    # to the last digit, which pandas does by itself since 3.1
    exact: Any = {} if _version(pd.__version__) >= (3, 1) else {"float_precision": "round_trip"}
    sample = content[:SAMPLE_BYTES]
    stream = io.BytesIO(
        content.translate(bytes.maketrans(b"dD", b"eE")) if re.search(rb"\d[dD][+-]", sample) else content
    )
    for _ in range(first_line - 1):
        stream.readline()
    # filled part by part, for fresh memory costs as much time as the parsing; the number of lines is guessed
    sample = _slice(content)
    lines = 1 + max(sample.count(b"\n"), sample.count(b"\r"))
    numbers, at = np.empty((int(1.02 * len(content) / len(sample) * lines) + ROWS_AT_ONCE, width)), 0
    try:
        with pd.read_csv(
            stream,
            chunksize=ROWS_AT_ONCE,
            header=None,
            sep={" ": r"\s+", "": "\x01"}.get(dialect.delimiter, dialect.delimiter),
            decimal=dialect.decimal,
            dtype=np.float64,
            **exact,
            encoding="utf-8" if content.isascii() else "latin-1",
        ) as parts:
            for part in parts:
                rows = part.to_numpy()
                if rows.shape[1] != width or np.isnan(rows[:, 1:]).any():
                    return None
                if at + len(rows) > len(numbers):
                    numbers = np.concatenate([numbers[:at], np.empty((at + ROWS_AT_ONCE, width))])
                numbers[at : at + len(rows)] = rows
                at += len(rows)
    except (ValueError, pd.errors.ParserError):  # words among the numbers: read again, line by line
        return None
    return _Body(numbers[:at], np.array([], dtype=np.int64), {})


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _row_by_row(file: Path, found: Sequence[Line], dialect: Dialect, pattern: Sequence[bool]) -> _Body:
    """Return the rows with the line of each; a number among words is no fault until the column is wanted."""
    rows, lines, faults, width = [], [], {}, len(pattern)
    for number, line in found:
        if not line.strip() or line.startswith("#"):
            continue
        fields = dialect.split(line)
        while len(fields) > width and not fields[-1]:
            fields.pop()
        if len(fields) != width:
            words = _fault(line) if width == 1 else f"{short(line)!r} has {len(fields)} columns where most have {width}"
            raise InputError(f"{file}, line {number}: {words}")
        row = [dialect.number(field) for field in fields]
        for k, value in enumerate(row):
            if value is None and pattern[k] and width > 1:  # a line of another kind: a mean, an end
                raise InputError(f"{file}, line {number}: {_fault(fields[k])}, as column {k + 1} is in other lines")
            if value is None and k not in faults:
                faults[k] = f"line {number}: {_fault(fields[k])}"
        rows.append([np.nan if value is None else value for value in row])
        lines.append(number)
    return _Body(np.array(rows, dtype=np.float64).reshape(-1, width), np.array(lines, dtype=np.int64), faults)


def _line_of(content: bytes, encoding: str, index: int, first_line: int) -> str:
    """Say in which line the value of an index stands, where the lines of a large file were not counted."""
    rows: Iterator[int] = (
        number
        for number, line in _lines(content, encoding)[first_line - 1 :]
        if line.strip() and not line.startswith("#")
    )
    for at, number in enumerate(rows):
        if at == index:
            return f"line {number}"
    return f"value {index + 1}"


def _names(header: Sequence[Line], dialect: Dialect, width: int) -> tuple[list[str], list[str]]:
    """Return name and unit of each column, from the last header line that has as many fields."""
    names, units = [""] * width, [""] * width
    if width == 1:  # the whole header speaks of it: see `agreed_unit`
        return [next((_plain(line) for _, line in reversed(header) if _plain(line)), "")], [""]
    rows = [fields for _, line in reversed(header) if (fields := _fields(_plain(line), dialect, width))][:3]
    below = next((k for k, fields in enumerate(rows[:-1]) if _are_units(fields)), None)
    if below is not None:
        units = [bare_unit(field) for field in rows[below]]
    names = rows[0 if below is None else below + 1] if rows else names
    return names, [units[k] or stated_unit(names[k]) for k in range(width)]


def _are_units(fields: Sequence[str]) -> bool:
    """Return whether a row of fields states units and nothing else."""
    bare = [bare_unit(field) for field in fields]
    return any(bare) and all(unit or not field for unit, field in zip(bare, fields, strict=True))


def _plain(line: str) -> str:
    return line.lstrip("#%").strip(" \r\n")


def _fields(line: str, dialect: Dialect, width: int) -> list[str]:
    """Return the names in a header line, nothing if it does not name the columns; blanks may be part of a name."""
    whole = dialect.split(line)
    ways = [whole, re.split(r"\t|\s{2,}", line), re.split(r"\s+(?![(\[])", line), line.split(",")]
    if dialect.delimiter not in ("", " "):
        ways.append(whole[:width])  # names of columns that stay empty
    for fields in ways:
        while len(fields) > width and not fields[-1]:
            fields.pop()
        if len(fields) == width and any(re.search(r"[^\W\d_]", field) for field in fields):
            return [field.strip("\"' ") for field in fields]
    return []


def _labview_units(header: Sequence[Line], width: int) -> dict[int, str]:
    """Return column -> unit from the line of a LabVIEW header block that states those of its channels."""
    for _, line in header:
        key, *words = re.split(r"[\t,;]", line.strip())
        if key.strip() == "Y_Unit_Label":
            found = [spelled(word) for word in words]
            # the first column is the X_Value
            return {k: unit for k, unit in enumerate(found, 1) if unit and k < width}
    return {}


def _fault(text: str) -> str:
    shown = repr(short(text))
    if re.fullmatch(r"[+-]?\d+,\d+([eE][+-]?\d+)?", text):
        return f"{shown} has a decimal comma or two columns, other lines have one number with a decimal point"
    fields = [field for field in re.split(r"[,;\s]+", text) if field]
    numbers = sum(Dialect("").number(field) is not None for field in fields)
    if numbers > 1 and 2 * numbers > len(fields):
        return f"{shown} has more than one column, other lines have one"
    return f"{shown} is not a number"
