"""Writes the description of somebody's data: what was found in them, and which option answers what they do not say."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mqtctl.analysis import SwitchingRecord
from mqtctl.analysis.importers import ReadOptions, Table, read_table, records_of
from mqtctl.analysis.importers.columns import switching_column, unit_of
from mqtctl.analysis.importers.counted import counts_column
from mqtctl.errors import InputError, StorageError
from mqtctl.quantities import UNITS, readable
from mqtctl.workflow.file_analysis.facts import ForeignFacts
from mqtctl.workflow.file_analysis.files import data_files, gathered

__all__ = ["describe_data"]

#: What an answer looks like, for every key that a sentence of refusal may ask for.
_EXAMPLES = {
    "column": "2",
    "unit": "uA",
    "quantity": "current",
    "bias_resistance": "100 kOhm",
    "polarity": "both",
    "empty": "survived",
    "temperature": "300 mK",
    "temperature_column": "T (mK)",
    "rate_column": "rate (mA/s)",
    "counts_column": "3",
    "switches": "1000",
    "delimiter": "';'",
    "decimal": "','",
    "encoding": "cp1252",
    "stop_current": "9 uA",
}
_BLANK = "___"  # no example that would be taken for an answer: whoever leaves it is asked again
_OPTION = re.compile(r"--([a-z][a-z-]+)")
_RATE = re.compile(
    r"(?<![\w.])[a-zA-Z_=]?(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s?([pnuµμm]?A)\s?(?:/|p|per )\s?(s|ms)(?![A-Za-z])"
)
#: What no file says, or hardly ever.
_NEEDED = (("ramp_rate", "1 mA/s", "of the current, dI/dt"), ("capacitance", "5 pF", "of the junction"))
_HELPFUL = (
    ("temperature", "300 mK", "of the bath: only compared with the result"),
    ("resistance", "100 Ohm", "shunt: for models with damping"),
    ("critical_current", "2 uA", "known from elsewhere: escape temperature for it"),
    ("start_current", "0 A", "where the ramp starts"),
    ("stop_current", "9 uA", "where it ends; values equal to it are ramps without a switch"),
    ("delay", "10 us", "lag of recorded times behind the switch"),
    ("resolution", "25 nA", "step the values were rounded to; looked for if not given"),
)


def describe_data(data: Sequence[Path], folder: Path) -> tuple[Path, list[str]]:
    """Write the description of files, folders of them, or databases of other programs; returns it and what it lacks.

    Parameters
    ----------
    data
        What is described together.
    folder
        Where the description is written, under the name of the first file with the suffix `.yaml`.

    Raises
    ------
    InputError
        A file cannot be opened, or there is a description already.
    StorageError
        The description cannot be written.
    """
    target = folder / f"{data[0].resolve().name if data[0].is_dir() else data[0].stem}.yaml"
    if target.exists():
        raise InputError(f"{target} exists already and is left as it is; choose another folder or move it away")
    for path in data:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
    places = [os.path.relpath(path, folder) for path in data]
    keys, comments, refusal = _found(data)
    asked = [name.replace("-", "_") for name in _OPTION.findall(refusal)]
    if "unit" in asked:  # in which a resistor is only needed for volts
        asked = [name for name in asked if name != "bias_resistance"]
    asked = [name for name in dict.fromkeys(asked) if name in _EXAMPLES and name not in keys]
    missing = [*asked, *(name for name, _, _ in _NEEDED if name not in keys)]
    text = "".join(_lines(places, keys, comments, refusal, asked, _mentioned(data)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StorageError(f"{target} cannot be written ({error.strerror or error})") from error
    return target, missing


def _found(data: Sequence[Path]) -> tuple[dict[str, Any], list[str], str]:
    """Return the keys that are certain, what was seen in words, and the sentence of refusal if there is one."""
    comments: list[str] = []
    keys: dict[str, Any] = {}
    files = [file for path in data for file in (data_files(path) if path.is_dir() else [path])]
    try:
        table = read_table(files[0], ReadOptions()) if files[0].suffix.lower() != ".db" else None
        if table is not None:
            comments.append(f"{files[0].name} is {table.kind}; its columns: {table.listed()}")
            keys = _keys(table)
        records = gathered(data, ForeignFacts())
    except InputError as error:
        return keys, comments, str(error)
    comments += [_in_words(record) for record in records]
    said = dict.fromkeys(text for record in records for text in record.said)
    if all(record.ramp_rate is not None for record in records):
        keys["ramp_rate"] = None  # the data say it
    return keys, [*comments, *said], ""


def _keys(table: Table) -> dict[str, Any]:
    """Return column and unit of a table with one column of switching values, where both are certain."""
    options = ReadOptions()
    try:
        if counts_column(table, options) is not None or len(records_of(table, options)) != 1:
            return {}
        column = switching_column(table, options)
        return {"column": column.name or column.number, "unit": unit_of(table, column, options)}
    except InputError:  # the sentence is told when all files are read
        return {}


def _in_words(record: SwitchingRecord) -> str:
    values = record.data.values
    unit = "A" if record.data.quantity == "current" else "s"
    bath = "" if record.temperature != record.temperature else f" at {readable(record.temperature, 'K')}"
    return (
        f"{values.size} switching {record.data.quantity}s{bath} from {readable(float(values.min()), unit)} to"
        f" {readable(float(values.max()), unit)}"
    )


def _mentioned(data: Sequence[Path]) -> str:
    """Return a ramp rate that the name of a file, or the lines above its numbers, seem to state."""
    texts = [path.name for path in data]
    with suppress(InputError):  # what cannot be read mentions nothing; why, stands above
        texts += [line for _, line in read_table(data[0], ReadOptions()).header]
    found = {f"{number} {unit}/{time}" for text in texts for number, unit, time in _RATE.findall(text)}
    rates = {rate for rate in found if rate.split()[1] in UNITS["A/s"]}
    return rates.pop() if len(rates) == 1 else ""


def _lines(
    places: Sequence[str],
    keys: dict[str, Any],
    comments: Sequence[str],
    refusal: str,
    asked: Sequence[str],
    mentioned: str,
) -> Iterator[str]:
    """Yield the lines of the description."""
    yield "# Data from elsewhere, for `mqtctl analyze --describe` and this file; keys are the options of `analyze`.\n"
    yield "# What was found:\n"
    yield from (f"#   {' '.join(text.split())}\n" for text in comments)
    yield _yaml({"data": places[0] if len(places) == 1 else list(places)})
    yield from (_yaml({key: value}) for key, value in keys.items() if value is not None)
    if refusal:
        yield f"\n# Not read yet: {' '.join(refusal.split())}\n"
        yield "# Take out the `#` in front of the line that answers it, and fill in the blank:\n"
        yield from (f"# {key}: {_BLANK}  # such as {_EXAMPLES[key]}\n" for key in asked)
    needed = [(key, example, why) for key, example, why in _NEEDED if key not in keys]
    if needed:
        yield "\n# Needed, and not said by the data: take out the `#` and fill in yours.\n"
    for key, example, why in needed:
        hint = f"; the file mentions {mentioned}" if key == "ramp_rate" and mentioned else ""
        yield f"# {key}: {mentioned if hint else _BLANK}  # {why}, such as {example}{hint}\n"
    yield "\n# Not known either, and not needed:\n"
    others = [row for row in _HELPFUL if row[0] not in (*keys, *asked)]
    yield from (f"# {key}: {_BLANK}  # {why}, such as {example}\n" for key, example, why in others)


def _yaml(content: dict[str, Any]) -> str:
    """Return one key as YAML, quoted where it must be."""
    from ruamel.yaml import YAML

    stream = io.StringIO()
    yaml = YAML()
    yaml.width = 10_000
    yaml.dump(content, stream)
    return stream.getvalue()
