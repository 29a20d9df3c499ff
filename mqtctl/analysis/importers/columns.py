"""Which column holds the switching values, which the temperature and the ramp rate, and in which units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mqtctl.analysis.importers.options import QUANTITIES, ReadOptions
from mqtctl.analysis.importers.tables import Column, Table, short
from mqtctl.analysis.stated_units import agreed_unit, bare_unit, kind_of, same_unit, stated_unit
from mqtctl.errors import InputError
from mqtctl.quantities import parse_quantity, readable

__all__ = ["chosen", "found", "switching_column", "unit_of", "wanted_kinds"]

_RESISTOR = re.compile(
    r"(?i:(?<![a-z])(?:R|R_?b(?:ias)?|(?:bias[ _]?)?resist(?:ance|or)))\s*[=:]\s*(\d+(?:\.\d+)?(?:[eE][+]?\d+)?)"
    r"\s*([kM]?)(?:\s*(?i:ohms?|Ω|Ω)|(?![\w.]))"
)
_VOLTS = re.compile(r"(?i)\bvolt(?:age|age_?s|s)?\b")
_UNIT_BEHIND = re.compile(r"(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]\s]+)[)\]]")


def found(table: Table, text: str, option: str) -> Column:
    """Return the column that an option names: by its name, its number from 1, or the path of an array.

    A unit may stand in brackets behind it, "T (mK)", where the file states none.

    Raises
    ------
    InputError
        No column, or several, have this name; or what it holds is no numbers.
    """
    column = chosen(table.columns, text)
    if column is None and (match := _UNIT_BEHIND.fullmatch(text)) and bare_unit(match["unit"]):
        column = chosen(table.columns, match["name"])
        if column is not None and column.unit and not same_unit(column.unit, match["unit"]):
            raise InputError(f"{table.name}: column {column} has not the unit {match['unit']!r} ({option})")
        column = column and replace(column, unit=match["unit"])
    if column is None:
        raise InputError(
            f"{table.name}: {option} {short(text)!r} is none of its columns, or not one alone: {table.listed()}"
        )
    return without_fault(table, column)


def without_fault(table: Table, column: Column) -> Column:
    """Return a column of numbers only; refuse one in which a word stands."""
    if column.fault:
        raise InputError(f"{table.name}, {column.fault}")
    return column


def chosen(columns: Sequence[Column], text: str) -> Column | None:
    """Return the one column with a name (else with that number, else with a name that contains it), if it is one."""
    wanted = text.strip()
    ways = (
        [column for column in columns if column.name == wanted],
        [column for column in columns if str(column.number) == wanted],
        [column for column in columns if column.name.casefold() == wanted.casefold()],
        [column for column in columns if wanted.casefold().strip("/") in column.name.casefold()],
    )
    first = next((way for way in ways if way), [])
    return first[0] if len(first) == 1 else None


def wanted_kinds(options: ReadOptions) -> set[str]:
    """Return which quantities switching values may be.

    Raises
    ------
    InputError
        The quantity that was given is none.
    """
    if options.quantity is not None:
        if options.quantity not in QUANTITIES:
            raise InputError(f"--quantity can be {', '.join(QUANTITIES)}, not {options.quantity!r}")
        return {options.quantity}
    return {"current", "time"} | ({"voltage"} if options.bias_resistance is not None else set())


def switching_column(table: Table, options: ReadOptions) -> Column:
    """Return the column of the switching values.

    Raises
    ------
    InputError
        None is there, or several that could be meant.
    """
    if options.column is not None:
        return found(table, options.column, "--column")
    if not table.columns:
        raise InputError(f"{table.name} is {table.kind} without a column of numbers: nothing can be read")
    if len(table.columns) == 1:
        return without_fault(table, table.columns[0])
    kinds = wanted_kinds(options)
    if options.unit is not None and kind_of(options.unit) in kinds:
        kinds = {kind_of(options.unit)}
    candidates = [column for column in table.columns if kind_of(column.unit) in kinds]
    if not candidates and options.unit is not None:
        candidates = [column for column in table.columns if not column.unit]
    candidates = [column for column in candidates if not _is_axis(column)] or candidates
    if len(candidates) == 1:
        return without_fault(table, candidates[0])
    voltages = [column for column in table.columns if kind_of(column.unit) == "voltage"]
    if not candidates and voltages and options.bias_resistance is None:
        raise InputError(
            f"{table.name}: the numbers have the unit {voltages[0].unit!r} (column {voltages[0]}): give the resistor"
            " across which they were measured with --bias-resistance, or another column with --column"
        )
    why = "has more than one column, and" if candidates else "has columns of which none states a current or a time:"
    several = f"{len(candidates)} of them" if candidates else "any"
    raise InputError(
        f"{table.name} ({table.kind}) {why} {several} may hold the switching values: say which with --column NAME or"
        f" NUMBER{'' if candidates else ', and --unit'}: {table.listed()}"
    )


def _is_axis(column: Column) -> bool:
    """Return whether a column counts or stamps the rows: times that only rise, or values equally far apart."""
    step = np.diff(column.values)
    if not (column.values.size > 2 and (step >= 0.0).all() and (step > 0.0).any()):
        return False
    return kind_of(column.unit) == "time" or bool(step.max() - step.min() <= 1e-3 * step.max())


def _as_voltages(table: Table) -> str:
    """Return the options that make currents of the values, if the texts beside them speak of a resistor and volts."""
    texts = (*(line for _, line in table.header), *table.settings)
    found = {(number, prefix) for text in texts for number, prefix in _RESISTOR.findall(text)}
    voltages = any(kind_of(column.unit) == "voltage" for column in table.columns)
    if len(found) != 1 or not (voltages or any(_VOLTS.search(text) for text in texts)):
        return ""
    number, prefix = found.pop()
    resistance = float(number) * {"": 1.0, "k": 1e3, "M": 1e6}[prefix]
    unit, shown = "" if voltages else "--unit V ", readable(resistance, "Ohm")
    if parse_quantity(shown, "Ohm") != resistance:
        shown = f"{resistance!r} Ohm"
    return f"; if these are volts across {shown}: {unit}--bias-resistance '{shown}'"


def unit_of(table: Table, column: Column, options: ReadOptions) -> str:
    """Return the unit of switching values, that which is stated and given.

    Raises
    ------
    InputError
        None is known, two contradict each other, or what is measured in it cannot be used as asked.
    """
    try:
        return _unit_of(table, column, options)
    except InputError as error:
        hint = _as_voltages(table) if options.unit is None and options.bias_resistance is None else ""
        if not hint or "--bias-resistance" not in str(error):
            raise
        raise InputError(f"{error}{hint}") from error


def _unit_of(table: Table, column: Column, options: ReadOptions) -> str:
    wanted_kinds(options)  # refuses a quantity that is none
    voltages = options.bias_resistance is not None
    if len(table.columns) == 1 and table.header and column.unit == "":
        unit = agreed_unit(table.file, table.header, options.unit, voltages=voltages)
    elif column.unit and kind_of(column.unit) in ("current", "time", "voltage"):
        if options.unit is not None and not same_unit(options.unit, column.unit):
            agreed_unit(table.file, (), options.unit, voltages=voltages)
            raise InputError(
                f"{table.name}: column {column} states the unit {column.unit!r} but {options.unit!r} was given: leave"
                " --unit out, or correct the file"
            )
        unit = column.unit
        if kind_of(unit) == "voltage" and not voltages:
            raise InputError(
                f"{table.name}: the numbers of column {column} have the unit {unit!r}: give the resistor across which"
                " they were measured with --bias-resistance"
            )
    elif stated_unit(column.name) or (column.unit and bare_unit(column.unit)):
        raise InputError(
            f"{table.name}: column {column} has the unit {column.unit!r}, neither a current nor a time: choose another"
            f" with --column: {table.listed()}"
        )
    else:
        try:
            unit = agreed_unit(table.file, (), options.unit, voltages=voltages)
        except InputError as error:
            if options.unit is not None or not table.settings:
                raise
            raise InputError(f"{error}; beside the values stand {', '.join(table.settings)}") from error
    kind = kind_of(unit)
    if options.quantity is not None and kind != options.quantity:
        raise InputError(f"{table.name}: the unit {unit!r} is not that of a {options.quantity} (--quantity)")
    if voltages and kind != "voltage":
        raise InputError(f"{table.name} holds {kind}s in {unit}: --bias-resistance is for voltages")
    return unit
