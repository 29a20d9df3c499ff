"""A class named in text: turns `package.module:Class(parameter=value)` into an object.

Nothing in the text is evaluated but literals: numbers, strings, booleans, None, and lists or mappings of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from mqtctl.errors import InputError

__all__ = ["make", "named", "registered", "split_call"]

_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_CALL = re.compile(r"\s*([^()]*?)\s*(\(.*\))?\s*", re.DOTALL)


def split_call(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the keyword arguments of `name(parameter=value)`; without brackets there are none.

    Raises
    ------
    InputError
        If the brackets hold anything but `parameter=literal`, separated by commas.
    """
    try:
        return _split(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InputError(
            f"{text!r} cannot be read: write package.module:Class(parameter=value), each value a number, a text in"
            " quotes, True, False or None"
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


def registered(group: str) -> dict[str, str]:
    """Return the entry points that other packages bring in a group: name -> `package.module:Name`."""
    return {point.name: point.value for point in entry_points(group=group)}


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


def _split(text: str) -> tuple[str, dict[str, Any]]:
    found = _CALL.fullmatch(text)
    if found is None:
        raise ValueError("the brackets do not match")
    if found[2] is None:
        return found[1], {}
    call = ast.parse(f"_{found[2]}", mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
        raise ValueError("a value has no name")
    arguments = {key.arg: ast.literal_eval(key.value) for key in call.keywords if key.arg is not None}
    if len(arguments) < len(call.keywords):
        raise ValueError("** is no name")
    return found[1], arguments
