"""The table of a campaign: one row a draw; whole lines while it grows, a whole file at the end."""

from __future__ import annotations

import csv
import importlib.util
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from mqtctl.analysis.sweep.results import SWEEP
from mqtctl.campaign.design import Campaign
from mqtctl.campaign.truth import TRUTH
from mqtctl.errors import InputError, StorageError
from mqtctl.whole_files import whole_file

__all__ = ["Table", "columns_of", "read_table"]

#: Rows that become Parquet together: their Python objects take far more memory than their text.
_ROWS_AT_ONCE = 500
#: Column -> whether it holds whole numbers, numbers, or text.
Columns = Mapping[str, type]
#: Draw -> file, and byte at which its line begins.
_Index = dict[int, tuple[Path, int]]


def columns_of(campaign: Campaign) -> Columns:
    """Return the columns of a campaign's table, with the type of what is in them."""
    design = campaign.design
    varied = {name: float if numbers else str for name, numbers in map(design.column, design.vary)}
    estimates = {key: float for row in SWEEP for key in (row.key, row.error_key) if key}
    return {
        "draw": int,
        "design": str,
        "cell": int,
        "as_given": int,
        **varied,
        "truth": str,
        **dict.fromkeys(TRUTH, float),
        **estimates,
        "saturation_test": str,
        "verdict": str,
        "verdict_confidence": float,
        "power": float,
        "flags": str,
        "reasons": str,
        "switches": int,
        "cold_time_s": float,
        "exit_code": int,
        "message": str,
    }


@dataclass(frozen=True)
class Table:
    """Where rows are kept: beside the file itself a journal of whole lines, which ends with the campaign.

    Attributes
    ----------
    path
        The CSV file.
    columns, digest
        Of the design.
    """

    path: Path
    columns: Columns
    digest: str

    @property
    def journal(self) -> Path:
        """Where lines are appended until the table is written."""
        return self.path.with_name(f"{self.path.name}.partial")

    def begin(self, *, resume: bool, others: Sequence[Path] = ()) -> set[int]:
        """Return the draws that are there already, with those of other tables, after making sure of their place.

        Raises
        ------
        InputError
            There are results and `resume` is not asked for, or they are those of another design.
        StorageError
            The place cannot be written.
        """
        there = [path for path in (self.path, self.journal) if path.exists()]
        if there and not resume:
            raise InputError(f"{there[0]} exists already; go on with it (--resume) or name another file (--output)")
        try:
            index = self._index(*others)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._copy(index, self.journal)  # what a kill tore off is not carried on
        except OSError as exc:
            raise StorageError(f"{self.path} cannot be written ({exc.strerror}); choose another place") from exc
        return set(index)

    def line(self, row: Mapping[str, Any]) -> str:
        """Return a row as one line of the file; a number that there is not is an empty cell."""
        cells = {"design": self.digest, **row}
        return _csv(_cell(cells.get(name)) for name in self.columns)

    def add(self, line: str) -> None:
        """Append a whole line to the journal."""
        try:
            with self.journal.open("a", encoding="utf-8", newline="") as file:
                file.write(line)
        except OSError as exc:
            raise StorageError(f"{self.journal} cannot be written ({exc.strerror}); go on with --resume") from exc

    def finish(self) -> list[Path]:
        """Write the table whole, in the order of the draws, as CSV and where pyarrow is installed as Parquet."""
        try:
            self._copy(self._index(), self.path)
            written = [self.path, *self._parquet()]
            self.journal.unlink()
        except OSError as exc:
            raise StorageError(f"{self.path} cannot be written ({exc.strerror}); go on with --resume") from exc
        return written

    def _parquet(self) -> list[Path]:
        if importlib.util.find_spec("pyarrow") is None:
            return []
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
        schema = pa.schema([(name, types[kind]) for name, kind in self.columns.items()])
        path = self.path.with_suffix(".parquet")
        with self.path.open(encoding="utf-8", newline="") as text, whole_file(path) as file:
            reader = csv.DictReader(text)
            with pq.ParquetWriter(file, schema) as writer:
                while rows := [_typed(row, self.columns) for row in islice(reader, _ROWS_AT_ONCE)]:
                    writer.write_table(pa.Table.from_pylist(rows, schema=schema))
        return [path]

    def _head(self) -> bytes:
        return _csv(self.columns).encode()

    def _index(self, *others: Path) -> _Index:
        """Return where each draw's line is, here and in other tables; a journal's last line may be torn."""
        found: _Index = {}
        for path in (*others, self.path, self.journal):
            if not path.exists():
                continue
            with path.open("rb") as file:
                head = file.readline()
                at = len(head)
                if head not in (self._head(), b""):
                    raise self._foreign(path)
                for line in file:
                    number, digest = (*line.rstrip(b"\n").split(b",", 2), b"")[:2]
                    if line.endswith(b"\n"):
                        if digest != self.digest.encode():
                            raise self._foreign(path)
                        found[int(number)] = path, at
                    at += len(line)
        return found

    def _copy(self, index: _Index, target: Path) -> None:
        """Write lines whole into a file, in the order of the draws."""
        with whole_file(target) as file, ExitStack() as stack:
            sources = {path: stack.enter_context(path.open("rb")) for path in {path for path, _ in index.values()}}
            file.write(self._head())
            for number in sorted(index):
                path, at = index[number]
                sources[path].seek(at)
                file.write(sources[path].readline())

    @staticmethod
    def _foreign(path: Path) -> InputError:
        return InputError(
            f"{path} holds the results of another design (or of another version of mqtctl or of a file that it names) "
            "and is left as it is; name another file with --output"
        )


def _csv(cells: Iterable[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


def _cell(value: Any) -> str:
    """Return a value as text that reads back to the last bit."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value))
    return " ".join(str(value).split())


def _typed(row: Mapping[str, str], columns: Columns) -> dict[str, Any]:
    return {name: None if row[name] == "" and kind is not str else kind(row[name]) for name, kind in columns.items()}


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, cells as text.

    Raises
    ------
    InputError
        No such file, or not a campaign's, or with a row that is not whole.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            fields: Sequence[str] = reader.fieldnames or ()
            if not {"draw", "design", "verdict", "exit_code"} <= set(fields):
                raise InputError(f"{path}: is no table of a campaign; name the CSV file that `mqtctl campaign` wrote")
            rows = list(reader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise InputError(f"{path}: cannot be read ({exc})") from exc
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():  # too many cells, or too few
            raise InputError(f"{path}: row {number} is not whole; make the table again, or take that row out")
    return rows
