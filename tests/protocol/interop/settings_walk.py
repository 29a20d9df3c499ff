"""Walks through all that a driver can set: reads, sets, reads back and restores, and looks into the error queue.

The walk knows no driver. It takes what a driver declares: QCoDeS parameters with their validators, PyMeasure
properties with their sets of values; every word, and both ends of every range.
"""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qcodes import validators

__all__ = ["Refusals", "Setting", "errors_of", "pymeasure_settings", "qcodes_settings", "walk"]

#: Error numbers that come when a value of a setting is set, by setting and value.
Refusals = Mapping[tuple[str, Any], int]


@dataclass(frozen=True)
class Setting:
    """One setting of a driver: how it is read and set, and what it may be set to.

    Attributes
    ----------
    meaning
        Of values that are another spelling of one thing, such as True and "on".
    """

    name: str
    read: Callable[[], Any] | None
    write: Callable[[Any], None]
    values: list[Any]
    meaning: Mapping[Any, Any] = field(default_factory=dict)

    def same(self, read: Any, asked: Any) -> bool:
        """Whether what was read is what was asked for: a number to five digits, a word perhaps in its short form."""
        if asked in self.meaning and read in self.meaning:
            return bool(self.meaning[asked] == self.meaning[read])
        if isinstance(asked, str):  # INF, MIN and MAX read as numbers
            return not isinstance(read, str) or asked.upper().startswith(read.upper())
        return math.isclose(read, asked, rel_tol=1e-5) if isinstance(asked, int | float) else bool(read == asked)


def walk(settings: Iterable[Setting], errors: Callable[[], list[int]], refusals: Refusals) -> tuple[int, list[str]]:
    """Read, set, read back and restore each setting; return how many values were set and all that went wrong."""
    count, wrong = 0, []
    for setting in settings:
        before = setting.read() if setting.read else None
        if found := errors():
            wrong.append(f"reading {setting.name}: {found}")
        for value in setting.values:
            count += 1
            setting.write(value)
            found, refused = errors(), refusals.get((setting.name, value))
            if found != ([] if refused is None else [refused]):
                wrong.append(f"{setting.name} = {value!r}: {found}")
            if setting.read and refused is None and not setting.same(read := setting.read(), value):
                wrong.append(f"{setting.name} = {value!r} reads {read!r}")
        if before is not None and setting.values:
            known = [value for value in setting.values if isinstance(value, str) and setting.same(before, value)]
            setting.write(known[0] if isinstance(before, str) and known else before)
            if found := errors():
                wrong.append(f"{setting.name} back to {before!r}: {found}")
    return count, wrong


def errors_of(ask: Callable[[str], str]) -> Callable[[], list[int]]:
    """Return what empties an error queue and returns the numbers."""

    def empty() -> list[int]:
        codes = []
        while code := int(ask(":SYST:ERR?").split(",")[0]):
            codes.append(code)
        return codes

    return empty


def values_of(validator: Any) -> list[Any]:
    """Return every word, and both finite ends of every range, that a QCoDeS validator lets through."""
    if isinstance(validator, validators.Enum):
        return sorted(validator._values, key=str)
    if isinstance(validator, validators.Bool):
        return [True, False]
    if isinstance(validator, validators.Ints | validators.Numbers):
        ends: tuple[Any, Any] = (validator._min_value, validator._max_value)
        return [end for end in ends if abs(end) < 1e15]
    if isinstance(validator, validators.MultiTypeAnd):
        return values_of(validator._validators[0])
    if isinstance(validator, validators.MultiType | validators.MultiTypeOr):
        return list(itertools.chain(*map(values_of, validator._validators)))
    return []


def qcodes_settings(module: Any, more: Mapping[str, list[Any]], skip: frozenset[str]) -> Iterator[Setting]:
    """Yield the parameters of a QCoDeS module and of what is in it."""
    for name, parameter in module.parameters.items():
        if name not in skip | {"timeout"}:
            yield Setting(
                name,
                parameter.get if parameter.gettable else None,
                parameter,
                (values_of(parameter.vals) or more.get(name, [])) if parameter.settable else [],
            )
    for submodule in module.submodules.values():
        yield from qcodes_settings(submodule, more, skip)


def constants(accessor: Any) -> dict[str, Any]:
    """Return the defaults of a PyMeasure property's accessor: what it was declared with."""
    parameters = inspect.signature(accessor).parameters if accessor else {}
    return {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty}


def declared(values: Any) -> list[Any]:
    """Return every word, and both ends of every range, that a PyMeasure property declares."""
    if isinstance(values, Mapping):
        return list(values)
    if isinstance(values, range):
        return [values[0], values[-1]]
    if isinstance(values, list | tuple) and values and isinstance(values[0], list | tuple):
        return list(itertools.chain(*map(declared, values)))
    return list(values)


def pymeasure_settings(instrument: Any, more: Mapping[str, list[Any]], skip: frozenset[str]) -> Iterator[Setting]:
    """Yield the properties of a PyMeasure instrument or channel."""
    kind = type(instrument)
    for name in dir(kind):
        entry = inspect.getattr_static(kind, name)
        if not isinstance(entry, property) or name.startswith("_") or name in skip:
            continue
        facts = constants(entry.fget) | constants(entry.fset)
        readable = entry.fget is not None and facts.get("get_command", "") is not None
        values = facts.get("values", ())
        yield Setting(
            name,
            partial(getattr, instrument, name) if readable else None,
            partial(setattr, instrument, name),
            more.get(name, declared(values)) if entry.fset else [],
            values if isinstance(values, Mapping) else {},
        )
