"""Reads a YAML file that a person wrote into a checked model; faults name the file, the line and the key."""

from __future__ import annotations

import copy
import difflib
import io
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from mqtctl.errors import InputError

__all__ = [
    "Document",
    "dump_yaml",
    "explain",
    "load_document",
    "load_yaml",
    "place",
    "validate_document",
]


class Document(BaseModel):
    """Base of everything read from a file: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)

#: A file that a person wrote is a page or two; aliases must not blow it up either.
_LARGEST_FILE, _MOST_VALUES = 1 << 20, 20_000

#: What a file is, by the keys that no other kind has together; the first that fits is meant.
_KINDS = {
    "bench": {"instruments", "cryostat"},
    "station": {"instruments"},
    "sample": {"junction", "limits"},
    "calibration": {"delay", "time_base"},
    "plan": {"temperatures", "ramp"},
}


def load_yaml(path: Path, *, duplicates: bool = False) -> dict[str, Any]:
    """Return the mapping in a YAML file, of plain types only.

    Parameters
    ----------
    path
        The file.
    duplicates
        Take the first of equal keys instead of refusing the file.

    Raises
    ------
    InputError
        Missing, unreadable, empty, not YAML, a duplicate key, a tag such as `!!python/...`, or
        something other than a mapping at the top.
    """
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
        content = copy.deepcopy(_parsed(text, duplicates))
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


@lru_cache(maxsize=16)
def _parsed(text: str, duplicates: bool) -> Any:
    """Return what a YAML text holds, not to be changed: a command reads the same files at each of its steps."""
    from ruamel.yaml import YAML

    parser = YAML(typ="safe", pure=True)
    parser.allow_duplicate_keys = duplicates
    return parser.load(text)


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
        With the first fault: dotted key, what was found, what is allowed; its `location` holds the keys one by one.
    """
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        raise _fault(exc, model, origin) from exc


def load_document(path: Path, model: type[M]) -> M:
    """Read a YAML file into a model; see `load_yaml` and `validate_document` for what can go wrong."""
    content = load_yaml(path)
    try:
        return model.model_validate(content)
    except ValidationError as exc:
        known = set(model.model_fields)
        kind = next((kind for kind, keys in _KINDS.items() if keys <= content.keys() and not keys <= known), None)
        if kind is not None:
            raise InputError(f"{path}: this looks like a {kind} file; another one is wanted here") from exc
        raise _fault(exc, model, place(path, *_first(exc)["loc"])) from exc


def place(path: Path, *keys: int | str) -> str:
    """Return where in a YAML file the value at some keys stands, FILE:LINE; as far as the keys lead, or the file alone.

    Keys are names and, in lists, numbers from 0.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        return str(path)
    line = None
    for key in keys:
        inside = node.value if isinstance(node.value, list) else []
        # a mapping holds pairs of nodes, the first of them the key; a list holds single ones
        pairs = [entry if isinstance(entry, tuple) else (entry, entry) for entry in inside]
        names = [first.value if first is not second else number for number, (first, second) in enumerate(pairs)]
        if key not in names:
            break
        first, node = pairs[names.index(key)]
        line = first.start_mark.line + 1
    return str(path) if line is None else f"{path}:{line}"


def explain(exc: ValidationError, model: type[BaseModel]) -> str:
    """Return the first fault of a validation as one sentence that names the key."""
    return _explain(_first(exc), model)


def _first(exc: ValidationError) -> Any:
    """Return the fault to tell: an unknown key usually explains a missing one beside it."""
    faults = exc.errors(include_url=False)
    return next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])


def _fault(exc: ValidationError, model: type[BaseModel], origin: str) -> InputError:
    """Return the first fault of a validation as an error that names the key."""
    fault = _first(exc)
    error = InputError(f"{origin}: {_explain(fault, model)}")
    error.location = fault["loc"]
    return error


def _explain(fault: Any, model: type[BaseModel]) -> str:
    """Return a fault as one sentence."""
    key = _spelled(fault["loc"])
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
    return f"{key}: {_WORDS.get(fault['type']) or _plain(message)}, not {fault['input']!r}"


def _spelled(location: tuple[int | str, ...]) -> str:
    """Return keys as people read them: "ramp.rate", "temperatures, entry 1", "ranges, entry 2, p"."""
    text = ""
    in_entry = False
    for part in location:
        mark = "" if not text else ", " if in_entry or isinstance(part, int) else "."
        in_entry = isinstance(part, int)
        text += f"{mark}entry {part + 1}" if isinstance(part, int) else f"{mark}{part}"
    return text


#: Types of fault of which pydantic speaks in Python's terms.
_WORDS = {
    "tuple_type": "must be a list in square brackets",
    "list_type": "must be a list in square brackets",
    "too_short": "must have at least one entry",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "path_type": "must be a file name",
    "dict_type": "must be a block of keys with values",
    "model_type": "must be a block of keys with values",
}


def _plain(message: str) -> str:
    """Return pydantic's words without its subject: "Input should be greater than 0" is "must be greater than 0"."""
    return re.sub(r"^\w+ should ", "must ", message)


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
