"""Walks through the drivers in Lake Shore's own Python package: every method, what it sets, what it then gets."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest

__all__ = ["NOT_THE_INSTRUMENTS", "Pair", "public_methods", "same", "served_showroom", "walk"]

#: Methods that send nothing of their own, or that open other connections than the bench's.
NOT_THE_INSTRUMENTS = {"command", "query", "write", "connect_tcp", "connect_usb", "disconnect_tcp", "disconnect_usb"}


@dataclass(frozen=True)
class Pair:
    """A setter with its arguments, and the getter with its arguments that then says `expected`.

    No setter: only the getter is called. No getter: only the setter is. `expected` may be a mapping or tuple of
    what an object with attributes or a mapping contains; an `Ellipsis` takes anything.
    """

    setter: str
    arguments: tuple[Any, ...] = ()
    getter: str = ""
    where: tuple[Any, ...] = ()
    expected: Any = ...


@contextmanager
def served_showroom(speed: int) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Serve the showroom on sockets, so many times faster than life; hand out where each instrument is."""
    command = [sys.executable, "-m", "mqtctl", "bench", "serve", "showroom", "--speed", str(speed), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["instruments"]
        finally:
            process.send_signal(signal.SIGINT)


def public_methods(driver: type) -> set[str]:
    """Return the names of a driver's public methods."""
    return {name for name, _ in inspect.getmembers(driver, inspect.isfunction) if not name.startswith("_")}


def _plain(value: Any) -> Any:
    """Return enumerations as their values, objects with attributes as mappings."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _plain(vars(value)) if hasattr(value, "__dict__") else value


def same(found: Any, expected: Any) -> bool:
    """Return whether what was got is what was expected; numbers to a thousandth."""
    if expected is ...:
        return True
    found, expected = _plain(found), _plain(expected)
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and all(same(found.get(key), item) for key, item in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float):
        return bool(found == pytest.approx(expected, rel=1e-3))
    return bool(found == expected)


def walk(controller: Any, pairs: Iterable[Pair]) -> set[str]:
    """Call all setters and getters; return the names of the methods. The driver itself raises what ESR reports."""
    called = set()
    wrong = []
    for pair in pairs:
        if pair.setter:
            getattr(controller, pair.setter)(*pair.arguments)
            called.add(pair.setter)
        if pair.getter:
            found = getattr(controller, pair.getter)(*pair.where)
            called.add(pair.getter)
            if not same(found, pair.expected):
                wrong.append(f"{pair.setter}{pair.arguments} -> {pair.getter}{pair.where}: {_plain(found)}")
    assert not wrong, wrong
    return called
