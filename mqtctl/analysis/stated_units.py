"""The unit that a header states: in brackets, or behind a name of one word. A word of free text is never a unit.

"I_sw (uA), ramp 200 uA/s" states uA, "switching_current_A", "I / uA" and a line "us" state theirs; "Junction A" and
"wait 5 ms" state none, nor does a bracket beside a number, "wait 5 (ms)" or "wait (ms): 5", which is a setting's.
Comment lines count like header lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from mqtctl.errors import InputError
from mqtctl.quantities import UNITS

__all__ = ["CURRENT_UNITS", "TIME_UNITS", "agreed_unit"]

CURRENT_UNITS = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "µA": 1e-6, "μA": 1e-6, "nA": 1e-9, "pA": 1e-12}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "ps": 1e-12}
_READABLE = CURRENT_UNITS | TIME_UNITS
_KNOWN = frozenset(unit for base, spellings in UNITS.items() if base != "1" for unit in spellings) | _READABLE.keys()

_NUMBER = r"(?<![\w.])[+-]?[.]?\d[\d.,]*(?:[eE][+-]?\d+)?"
_BRACKETED = re.compile(rf"(?P<value>{_NUMBER}\s*)?[(\[]\s*(?P<unit>[^()\[\]\s]+)\s*[)\]]")
_VALUE = re.compile(rf"\s*[:=]?\s*{_NUMBER}(?!\w)")
_ONE_WORD = re.compile(r"(?:(?P<name>[^\W\d_][\w.]*?)(?P<link>_|\s*/\s*))?(?P<unit>[^\W\d_]+)")

Line = tuple[int, str]
"""Number and text of a line of a file."""


def agreed_unit(file: Path, header: Sequence[Line], given: str | None) -> str:
    """Return the unit that header and option agree on.

    Parameters
    ----------
    file
        For the messages.
    header
        Header and comment lines; the last one before the numbers names the column.
    given
        What the user says; needed where no line states a unit, and decides between several that are stated.

    Raises
    ------
    InputError
        If the unit is missing, unknown, stated differently in two places, or contradicts what was given.
    """
    if given is not None and given not in _READABLE:
        similar = [name for name in _READABLE if name.lower() == given.lower()]
        hint = f"; did you mean {similar[0]!r}?" if similar else ""
        raise InputError(f"unit {given!r} is not known: use one of {', '.join(_ascii())}{hint}")
    stated = [(number, unit) for number, line in header for unit in _units(line) if unit in _READABLE]
    different = {_meaning(unit): (number, unit) for number, unit in reversed(stated)}
    places = sorted(different.values())
    if given is not None and _meaning(given) in different:
        return given
    if given is not None and different:
        raise InputError(
            f"{file} states the unit {' or '.join(repr(unit) for _, unit in places)} but {given!r} was given (line"
            f" {places[0][0]}): leave --unit out, or correct the file"
        )
    if len(different) > 1:
        shown = " and ".join(f"{unit!r} in line {number}" for number, unit in places)
        raise InputError(f"{file} states more than one unit, {shown}: say with --unit which of them the numbers have")
    if different:
        return stated[0][1]
    for unit in _units(header[-1][1]) if header else ():
        raise InputError(
            f"{file}, line {header[-1][0]}: the numbers have the unit {unit!r}, neither a current nor a time:"
            f" save them in one of {', '.join(_ascii())} (a voltage divided by its resistor)"
        )
    if given is None:
        raise InputError(
            f"{file} does not state the unit of its numbers in brackets or behind a name (I_uA): give --unit with"
            f" one of {', '.join(_ascii())}"
        )
    return given


def _units(line: str) -> list[str]:
    """Return the units that a line states, of whatever kind."""
    text = line.strip().lstrip("#").strip(" \t\"',;:")
    bracketed = [match for match in _BRACKETED.finditer(text) if match["unit"] in _KNOWN]
    found = [match["unit"] for match in bracketed if not match["value"] and not _VALUE.match(text, match.end())]
    if bracketed:
        return found
    match = _ONE_WORD.fullmatch(text)
    if match is None or match["unit"] not in _KNOWN:
        return []
    name, link, unit = match["name"] or "", match["link"] or "", match["unit"]
    last = name.rsplit("_", 1)[-1]
    # "ramp_uA/s" and "rate_A_per_s" are rates, not times
    divided = (link != "_" and last in _KNOWN) or last == "per"
    return [f"{last}/{unit}"] if divided and name else [unit]


def _meaning(unit: str) -> tuple[bool, float]:
    """Return the same for all spellings of one unit."""
    return unit in CURRENT_UNITS, _READABLE[unit]


def _ascii() -> list[str]:
    return [name for name in _READABLE if name.isascii()]
