"""Reads a bench file: plain YAML, validated, every error one sentence with the file and the dotted key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .bench_schema import BenchFile

__all__ = ["BenchFileError", "load_bench_file"]

_LARGEST_FILE = 1 << 20  # bytes; a bench file is a page or two of text
_MOST_VALUES = 20_000
_BUILTIN = Path(__file__).parent / "benches"


class BenchFileError(ValueError):
    """A bench file is missing, unreadable or wrong; the message is one sentence naming file and key."""


def load_bench_file(name: str) -> tuple[BenchFile, Path]:
    """Read and validate a bench file.

    Parameters
    ----------
    name
        Path of a file, the name of a built-in bench, or "" for the standard one.

    Raises
    ------
    BenchFileError
        If there is no such file or it is wrong.
    """
    path = _locate(name)
    data = _parse(path)
    try:
        return BenchFile.model_validate(data), path
    except ValidationError as exc:
        raise BenchFileError(f"{path}: {_first_fault(exc)}") from exc


def _locate(name: str) -> Path:
    """Return the path of a file or built-in bench."""
    builtin = {p.stem: p for p in sorted(_BUILTIN.glob("*.yaml"))}
    if name in ("", "built-in"):
        return builtin["builtin"]
    if name in builtin:
        return builtin[name]
    path = Path(name).expanduser()
    if not path.is_file():
        names = ", ".join(builtin)
        raise BenchFileError(f"{name}: no such bench file; give an existing file or a built-in bench ({names})")
    return path


def _parse(path: Path) -> dict[str, Any]:
    """Return the file's mapping; only plain YAML data, no tags that build objects."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise BenchFileError(f"{path}: larger than {_LARGEST_FILE} bytes; this is no bench file")
        text = path.read_text(encoding="utf-8")
        data = YAML(typ="safe", pure=True).load(text)
    except OSError as exc:
        raise BenchFileError(f"{path}: cannot be read ({exc.strerror})") from exc
    except (YAMLError, UnicodeDecodeError, RecursionError, ValueError) as exc:
        if isinstance(exc, BenchFileError):
            raise
        raise BenchFileError(f"{path}: not valid YAML: {_yaml_fault(exc)}") from exc
    if data is None:
        raise BenchFileError(f"{path}: the file is empty; see docs/bench.md for what a bench file holds")
    if _oversized(data):
        raise BenchFileError(f"{path}: expands to more than {_MOST_VALUES} values; this is no bench file")
    if not isinstance(data, dict):
        raise BenchFileError(f"{path}: holds a {type(data).__name__}, not keys with values; see docs/bench.md")
    return data


def _oversized(data: object) -> bool:
    """Return whether aliases blow the data up beyond measure, or endlessly."""
    waiting, seen = [data], 0
    while waiting and seen <= _MOST_VALUES:
        seen += 1
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return seen > _MOST_VALUES


def _yaml_fault(error: Exception) -> str:
    """Return one line that says what is wrong and where."""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    where = f" in line {mark.line + 1}" if mark is not None else ""
    return f"{' '.join(str(problem).split())}{where}"


def _first_fault(error: ValidationError) -> str:
    """Return the first fault as "dotted.key: what is wrong", and how many more there are."""
    faults = error.errors(include_url=False)
    fault = faults[0]
    key = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    kind = fault["type"]
    message = fault["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        message = "unknown key"
    elif kind == "missing":
        message = "missing"
    elif kind != "value_error":
        message = f"{message[0].lower()}{message[1:]}, not {fault['input']!r:.80}"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{key}: {message}{more}" if key else f"{message}{more}"
