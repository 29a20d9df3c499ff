"""Reads a YAML file that a person wrote into a checked model; faults name the file and the key."""

from __future__ import annotations

import difflib
import io
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from mqtctl.errors import InputError

__all__ = ["Document", "dump_yaml", "explain", "load_document", "load_yaml", "validate_document", "write_whole"]


class Document(BaseModel):
    """Base of everything read from a file: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)

#: A file that a person wrote is a page or two; aliases must not blow it up either.
_LARGEST_FILE, _MOST_VALUES = 1 << 20, 20_000


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file, of plain types only.

    Raises
    ------
    InputError
        Missing, unreadable, empty, not YAML, a duplicate key, a tag such as `!!python/...`, or
        something other than a mapping at the top.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise InputError(f"{path}: is larger than {_LARGEST_FILE} bytes; that is no file of settings")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not a file") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: cannot be read ({exc})") from exc
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as exc:
        raise InputError(f"{path}: {_yaml_fault(exc)}") from exc
    except YAMLError as exc:
        raise InputError(f"{path}: is not valid YAML ({' '.join(str(exc).split())})") from exc
    except RecursionError as exc:
        raise InputError(f"{path}: is nested too deeply") from exc
    except ValueError as exc:  # a timestamp or number of impossible value
        raise InputError(f"{path}: is not valid YAML ({exc})") from exc
    if content is None:
        raise InputError(f"{path}: is empty")
    if not isinstance(content, dict):
        raise InputError(f"{path}: must hold keys with values, but holds a {type(content).__name__}")
    if _oversized(content):
        raise InputError(f"{path}: expands to more than {_MOST_VALUES} values; that is no file of settings")
    return content


def dump_yaml(content: Mapping[str, Any]) -> str:
    """Return a mapping of plain types as YAML text."""
    from ruamel.yaml import YAML

    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(content, stream)
    return stream.getvalue()


def _oversized(content: object) -> bool:
    """Return whether aliases blow the content up beyond measure, or endlessly."""
    waiting, seen = [content], 0
    while waiting and seen <= _MOST_VALUES:
        seen += 1
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return seen > _MOST_VALUES


def _yaml_fault(exc: Any) -> str:
    """Return a YAML error as one line with its place."""
    mark = exc.problem_mark or exc.context_mark
    place = f"line {mark.line + 1}: " if mark is not None else ""
    problem = " ".join(str(exc.problem or exc.context or "is not YAML").split())
    if "duplicate key" in problem:
        return f"{place}{problem.split(' with value')[0]}; each key may stand only once"
    if "could not determine a constructor" in problem:
        return f"{place}tags such as '!!python' are not allowed"
    return f"{place}not valid YAML: {problem}"


def validate_document(content: object, model: type[M], origin: str) -> M:
    """Check a mapping against a model; `origin` (a file name) leads the message of a fault.

    Raises
    ------
    InputError
        With the first fault: dotted key, what was found, what is allowed.
    """
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        raise InputError(f"{origin}: {explain(exc, model)}") from exc


def load_document(path: Path, model: type[M]) -> M:
    """Read a YAML file into a model; see `load_yaml` and `validate_document` for what can go wrong."""
    return validate_document(load_yaml(path), model, str(path))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, through a temporary one that is nobody else's; raises `OSError`."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    file = partial.open("xb")
    try:
        with file:
            file.write(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def explain(exc: ValidationError, model: type[BaseModel]) -> str:
    """Return the first fault of a validation as one sentence that names the key."""
    faults = exc.errors(include_url=False)
    # an unknown key usually explains a missing one beside it: tell it first
    fault = next((f for f in faults if f["type"] == "extra_forbidden"), faults[0])
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _keys_at(model, fault["loc"][:-1])
        close = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(sorted(known))}"
        return f"unknown key {key!r}; {hint}"
    if fault["type"] == "missing":
        return f"key {key!r} is missing"
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{key}: {message}" if key else message
    return f"{key}: {message[0].lower()}{message[1:]}, not {fault['input']!r}"


def _keys_at(model: Any, location: tuple[int | str, ...]) -> list[str]:
    """Return the keys that a model allows at a location inside it."""
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[str(part)].annotation
        candidates = [a for a in get_args(model) if isinstance(a, type) and issubclass(a, BaseModel)]
        if candidates:
            model = candidates[-1]
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []
