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

__all__ = [
    "CURRENT_UNITS",
    "TIME_UNITS",
    "VOLTAGE_UNITS",
    "Line",
    "agreed_unit",
    "bare_unit",
    "kind_of",
    "same_unit",
    "spelled",
    "stated_rates",
    "stated_unit",
]

CURRENT_UNITS = {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "µA": 1e-6, "μA": 1e-6, "nA": 1e-9, "pA": 1e-12}
VOLTAGE_UNITS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "ps": 1e-12}
_READABLE = CURRENT_UNITS | TIME_UNITS
_KNOWN = frozenset(unit for base, spellings in UNITS.items() if base != "1" for unit in spellings) | _READABLE.keys()

_RATE = re.compile(
    r"(?<![\w.])[a-zA-Z_=]?(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s?([pnuµμm]?A)\s?(?:/|p|per )\s?(s|ms)(?![A-Za-z])"
)
_NUMBER = r"(?<![\w.])[+-]?[.]?\d[\d.,]*(?:[eE][+-]?\d+)?"
_BRACKETED = re.compile(rf"(?P<value>{_NUMBER}\s*)?[(\[]\s*(?P<unit>[^()\[\]\s]+)\s*[)\]]")
_VALUE = re.compile(rf"\s*[:=]?\s*{_NUMBER}(?!\w)")
_ONE_WORD = re.compile(r"(?:(?P<name>[^\W\d_][\w.]*?)(?P<link>_|\s*/\s*))?(?P<unit>[^\W\d_]+)")

Line = tuple[int, str]
"""Number and text of a line of a file."""


def stated_unit(name: str) -> str:
    """Return the unit that a column's name states, empty if it states none, or several."""
    found = _units(name)
    return found[0] if len(found) == 1 else ""


def stated_rates(text: str) -> tuple[str, ...]:
    """Return the ramp rates that a text mentions, as `200 uA/s`: "ramp 200 uA/s", and "v200000nAps" in a name."""
    found = (f"{number} {unit}/{time}" for number, unit, time in _RATE.findall(text))
    return tuple(dict.fromkeys(rate for rate in found if rate.split()[1] in UNITS["A/s"]))


def bare_unit(text: str) -> str:
    """Return the unit that a field is, alone or in brackets; empty if it is anything else."""
    unit = text.strip(" ()[]\"'")
    return unit if unit in _KNOWN else ""


def kind_of(unit: str) -> str:
    """Return what is measured in a unit: "current", "time", "voltage", "temperature", "rate", or nothing known."""
    if unit in VOLTAGE_UNITS:
        return "voltage"
    if unit in _READABLE:
        return "current" if unit in CURRENT_UNITS else "time"
    return "temperature" if unit in UNITS["K"] else "rate" if unit in UNITS["A/s"] else ""


def same_unit(first: str, second: str) -> bool:
    """Return whether two spellings are of one unit."""
    return first == second or (kind_of(first), _size(first)) == (kind_of(second), _size(second)) != ("", None)


def spelled(unit: str) -> str:
    """Return the symbol of a unit that is written out, as LabVIEW and netCDF do; any other text as it is."""
    return _WRITTEN_OUT.get(unit.strip().lower().removesuffix("s"), unit.strip())


_WRITTEN_OUT = {"ampere": "A", "amp": "A", "volt": "V", "second": "s", "sec": "s", "kelvin": "K"}


def _size(unit: str) -> float | None:
    return next((float(table[unit]) for table in (_READABLE, VOLTAGE_UNITS, *UNITS.values()) if unit in table), None)


def agreed_unit(file: Path, header: Sequence[Line], given: str | None, *, voltages: bool = False) -> str:
    """Return the unit that header and option agree on.

    Parameters
    ----------
    file
        For the messages.
    header
        Header and comment lines; the last one before the numbers names the column.
    given
        What the user says; needed where no line states a unit, and decides between several that are stated.
    voltages
        A bias resistor makes currents of voltages, which count as well.

    Raises
    ------
    InputError
        If the unit is missing, unknown, stated differently in two places, or contradicts what was given.
    """
    readable = _READABLE | VOLTAGE_UNITS if voltages else _READABLE
    if given is not None and given not in readable:
        if given in VOLTAGE_UNITS:
            raise InputError(
                f"unit {given!r} is not known as a current's or a time's: give the resistor across which the voltage"
                " was measured with --bias-resistance"
            )
        similar = [name for name in readable if name.lower() == given.lower()]
        hint = f"; did you mean {similar[0]!r}?" if similar else ""
        raise InputError(f"unit {given!r} is not known: use one of {', '.join(_ascii())}{hint}")
    stated = [(number, unit) for number, line in header for unit in _units(line) if unit in readable]
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
            f" {'give --bias-resistance' if unit in VOLTAGE_UNITS else 'save them in one of ' + ', '.join(_ascii())}"
        )
    if given is None:
        raise InputError(
            f"{file} does not state the unit of its numbers in brackets or behind a name (I_uA): give --unit with"
            f" one of {', '.join(_ascii())}, or V with --bias-resistance"
        )
    return given


def _units(line: str) -> list[str]:
    """Return the units that a line states, of whatever kind."""
    text = line.strip().lstrip("#").strip(" \t\"',;:")
    bracketed = [match for match in _BRACKETED.finditer(text) if spelled(match["unit"]) in _KNOWN]
    found = [
        spelled(match["unit"]) for match in bracketed if not match["value"] and not _VALUE.match(text, match.end())
    ]
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


def _meaning(unit: str) -> tuple[str, float | None]:
    """Return the same for all spellings of one unit."""
    return kind_of(unit), _size(unit)


def _ascii() -> list[str]:
    return [name for name in _READABLE if name.isascii()]
