"""What somebody's files, folders and databases hold: records, in the order in which they were named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mqtctl.analysis.importers import ReadOptions, SwitchingRecord, read_table, records_of
from mqtctl.analysis.importers.switching_values import imported_by, importer_of
from mqtctl.errors import InputError
from mqtctl.storage.foreign_runs import foreign_tables, holds_foreign_runs
from mqtctl.workflow.file_analysis.facts import ForeignFacts

__all__ = ["DATABASE_SUFFIXES", "data_files", "gathered", "is_foreign"]

#: Names of databases, whatever is in them; every other file is a list unless it begins like a database.
DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")
SQLITE = b"SQLite format 3\x00"
RUN_FILES = ("result.json", "run.json", "data.db")
#: Names of files that are taken from a folder; a file that is named by itself may have any.
DATA_SUFFIXES = (
    ".csv",
    ".txt",
    ".dat",
    ".tsv",
    ".asc",
    ".lvm",
    ".tdms",
    ".npy",
    ".npz",
    ".mat",
    ".h5",
    ".hdf5",
    ".hdf",
    ".nc",
    ".cdf",
    ".parquet",
    ".pq",
    ".xlsx",
    ".xlsm",
)


def is_foreign(data: Path) -> bool:
    """Return whether a path holds somebody else's numbers, rather than a run of mqtctl or nothing at all.

    A folder does if it holds no run and a file of a known suffix, a database if its runs are another program's.
    """
    if data.is_dir():
        return not any((data / name).exists() for name in RUN_FILES) and bool(data_files(data))
    if not data.exists():
        return False
    if data.suffix.lower() in DATABASE_SUFFIXES:
        return holds_foreign_runs(data)
    return not _is_database(data) or holds_foreign_runs(data)


def _is_database(file: Path) -> bool:
    """Return whether a file begins as SQLite's do; looking into a pipe would take away what the reader wants."""
    if not file.is_file():
        return False
    try:
        with file.open("rb") as stream:
            return stream.read(len(SQLITE)) == SQLITE
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error


def data_files(folder: Path) -> list[Path]:
    """Return the files in a folder that may hold switching values, by name."""
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in DATA_SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror or error}") from error


def gathered(paths: Sequence[Path], facts: ForeignFacts, run_id: int | None = None) -> tuple[SwitchingRecord, ...]:
    """Return all records of files, folders and databases.

    Parameters
    ----------
    run_id
        Only this run of a database.

    Raises
    ------
    InputError
        One of them cannot be read, or a run is asked for of what is no database.
    """
    files = [file for path in paths for file in (data_files(path) if path.is_dir() else [path])]
    return tuple(replace(record, file=file) for file in files for record in _of_file(file, facts, run_id))


def _of_file(file: Path, facts: ForeignFacts, run_id: int | None) -> tuple[SwitchingRecord, ...]:
    importer = importer_of(file, facts.importer)
    if importer is not None:
        if facts.read != ReadOptions():
            raise InputError(f"{file} is read by {importer}, which knows unit and empty readings: leave them out")
        return (SwitchingRecord(str(file), imported_by(importer, file)),)
    if _is_database(file) and holds_foreign_runs(file):
        return _of_database(file, facts, run_id)
    if run_id is not None:
        raise InputError(f"--run cannot be used for a list of values, which {file} is")
    return records_of(read_table(file, facts.read), facts.read, own=True)


def _of_database(file: Path, facts: ForeignFacts, run_id: int | None) -> tuple[SwitchingRecord, ...]:
    """Return the records of all runs; one that holds no switching values among others is passed over and said."""
    found: list[SwitchingRecord] = []
    faults = []
    for table in foreign_tables(file, run_id):
        try:
            found += records_of(table, facts.read)
        except InputError as error:
            faults.append(error)
    if not found:
        raise faults[0] if faults else InputError(f"{file} is a QCoDeS database without a run that holds numbers")
    said = tuple(f"left out: {fault}" for fault in faults)
    return (replace(found[0], said=(*said, *found[0].said)), *found[1:])
