"""A class named in text: turns `package.module:Class(parameter=value)` into an object.

Nothing in the text is evaluated but literals: numbers, strings, booleans, None, and lists or mappings of them. A value
may also be named itself, without quotes: `noise-temperature(model=kramers(barrier='cubic'), excess=0.02)`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from io import StringIO
from tokenize import OP, TokenError, generate_tokens
from typing import Any

from mqtctl.errors import InputError

__all__ = ["Nested", "choose", "entry_points_of", "make", "named", "registered", "split_call"]

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_CALL = re.compile(r"\s*([^()]*?)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ARGUMENT = re.compile(r"([^\W\d]\w*)\s*=\s*(.*)", re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w.:-]*\s*(\(.*\))?", re.DOTALL)
_DEEPEST = 20


@dataclass(frozen=True)
class Nested:
    """A value that is itself named in text, and not made yet."""

    text: str


def split_call(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the keyword arguments of `name(parameter=value)`; without brackets there are none.

    A value that is a name, perhaps with brackets of its own, comes as `Nested`.

    Raises
    ------
    InputError
        If the brackets hold anything but `parameter=literal` or `parameter=name`, separated by commas.
    """
    try:
        return _split(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError, TokenError) as error:
        raise InputError(
            f"{text!r} cannot be read: write package.module:Class(parameter=value), each value a number, a text in"
            " quotes, True, False, None or another such name"
        ) from error


def named(path: str) -> Any:
    """Return what `package.module:Name` names; raises `InputError` if it is not there or cannot be imported."""
    if not _PATH.fullmatch(path):
        raise InputError(f"{path!r} names nothing: write package.module:Name")
    module, name = path.split(":")
    try:
        return getattr(import_module(module), name)
    except AttributeError as error:
        raise InputError(f"{path!r}: there is no {name!r} in {module}; check its spelling ({error})") from error
    except Exception as error:  # whatever the other package raises
        raise InputError(
            f"{path!r}: {module} cannot be imported ({type(error).__name__}: {error}); install it where mqtctl is"
            " installed, or mend it"
        ) from error


def entry_points_of(group: str) -> EntryPoints:
    """Return the entry points that other packages bring in a group.

    What is installed is looked through once for each state of `sys.path`; what is installed later into a folder that
    stood there already is seen by the next process.
    """
    found: EntryPoints = _entry_points(tuple(sys.path)).select(group=group)
    return found


@lru_cache(maxsize=8)
def _entry_points(_path: tuple[str, ...]) -> Any:
    """Return all entry points of all packages on `sys.path`, to select from."""
    return entry_points()


def registered(group: str) -> dict[str, str]:
    """Return the entry points that other packages bring in a group: name -> `package.module:Name`."""
    return {point.name: point.value for point in entry_points_of(group)}


def make(path: str, arguments: Mapping[str, Any], method: str) -> Any:
    """Return an object of the class `package.module:Class`, which must have a method; only then it is called.

    Raises
    ------
    InputError
        If there is no such class, it lacks the method, or it refuses the arguments.
    """
    kind = named(path)
    if not isinstance(kind, type) or not callable(getattr(kind, method, None)):
        raise InputError(f"{path!r} is not a class with a method {method}; name one that has it")
    try:
        return kind(**arguments)
    except InputError as error:
        raise InputError(f"{path!r}: {error}") from error
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items()) or "no parameters"
        raise InputError(f"{path!r} cannot be made with {given}: {error}; correct its parameters") from error


def choose(text: str, own: Mapping[str, Any], group: str, method: str, *, what: str, in_a_file: bool = False) -> Any:
    """Return the object that a text names, with its parameters; those that are named themselves are of the same kind.

    Parameters
    ----------
    text
        A name of `own` (case, and _ or a blank for -, do not matter), an entry point's name, or `package.module:Class`,
        each with `(parameter=value)` behind it where it needs parameters.
    own
        Name -> class, or class with parameters (`functools.partial`).
    group
        Of the entry points of other packages.
    method
        What the class must have.
    what
        The kind in words, such as "escape model".
    in_a_file
        Whether a file names it, which somebody else may have written: then only packages that register one are
        imported, as drivers are for a station file.

    Raises
    ------
    InputError
        If there is no such class, it cannot be imported, lacks the method, refuses its parameters, or a file may not
        name it.
    """
    name, arguments = split_call(text)
    alias = own.get(_spelled(name))
    if isinstance(alias, partial):
        arguments = {**alias.keywords, **arguments}
    path = _path(name, own, group, what, in_a_file=in_a_file)
    for key, value in arguments.items():
        if isinstance(value, Nested):
            try:
                arguments[key] = choose(value.text, own, group, method, what=what, in_a_file=in_a_file)
            except InputError as error:
                raise InputError(f"{key}={value.text}: {error}; a text stands in quotes") from error
    return make(path, arguments, method)


def _spelled(name: str) -> str:
    """Return a name as it stands in a table of names."""
    return name.lower().replace("_", "-").replace(" ", "-")


def _path(name: str, own: Mapping[str, Any], group: str, what: str, *, in_a_file: bool) -> str:
    """Return `package.module:Class` of a name."""
    found = own.get(_spelled(name))
    if isinstance(found, partial):
        found = found.func
    if found is not None:
        return f"{found.__module__}:{found.__name__}"
    others = registered(group)  # reads every installed package's list
    if ":" in name:
        if in_a_file and _package(name) not in {"mqtctl", *map(_package, others.values())}:
            raise InputError(
                f"{name!r} may not be named in a file: its package registers no {what}; add an entry point of the"
                f" group {group} to it (docs/extend.md)"
            )
        return name
    if name not in others:
        known = ", ".join([*own, *sorted(others)])
        raise InputError(f"there is no {what} {name!r}; choose one of {known}, or name package.module:Class")
    return others[name]


def _package(path: str) -> str:
    """Return the package of `package.module:Class`."""
    return path.partition(":")[0].partition(".")[0]


def _split(text: str) -> tuple[str, dict[str, Any]]:
    found = _CALL.fullmatch(text)
    if found is None:
        raise ValueError("the brackets do not match")
    arguments: dict[str, Any] = {}
    for part in _parts((found[2] or "").replace("\n", " ").strip()):
        argument = _ARGUMENT.fullmatch(part.strip())
        if argument is None or argument[1] in arguments:
            raise ValueError("a value has no name, or one that is taken")
        arguments[argument[1]] = _value(argument[2])
    return found[1], arguments


def _parts(text: str) -> list[str]:
    """Return what stands between the commas that are in no bracket and in no quotes."""
    parts, depth, begin = [], 0, 0
    for token in generate_tokens(StringIO(text).readline):
        if token.type == OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            if not 0 <= depth <= _DEEPEST:
                raise ValueError("the brackets do not match, or are too deep")
            if token.string == "," and depth == 0:
                parts.append(text[begin : token.start[1]])
                begin = token.end[1]
    return [*parts, text[begin:]] if text[begin:].strip() else parts


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        if _NAME.fullmatch(text) is None:
            raise
    return Nested(text)
