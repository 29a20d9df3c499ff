"""Numbers with a unit written out, as people put them into files: "9.5 uA" <-> 9.5e-6.

A bare number where a unit is needed is an error, and so is a unit that differs from a known
one only in case: `5 MA` is a typing slip for `5 mA`, and a million million times it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from mqtctl.errors import InputError

__all__ = [
    "UNITS",
    "Amperes",
    "AmperesPerSecond",
    "BytesPerSecond",
    "Farads",
    "Fraction",
    "Hertz",
    "Kelvins",
    "KelvinsPerSecond",
    "Ohms",
    "PerSecond",
    "Seconds",
    "Volts",
    "Watts",
    "format_quantity",
    "parse_quantity",
    "readable",
]

_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "": 1.0}
_PREFIXES |= {"k": 1e3, "M": 1e6, "G": 1e9}


def _prefixed(symbol: str, prefixes: str, factor: float = 1.0) -> dict[str, float]:
    """Return spelling -> factor for a unit symbol with each of these prefixes and without one."""
    spellings = {p + symbol: _PREFIXES[p] * factor for p in prefixes}
    return spellings | {symbol: factor}


def _per(numerators: Mapping[str, float], denominators: Mapping[str, float]) -> dict[str, float]:
    """Return spelling -> factor for every quotient of two units."""
    return {f"{n}/{d}": a / b for n, a in numerators.items() for d, b in denominators.items()}


_MICRO = "uµμ"
_CURRENT = _prefixed("A", f"pn{_MICRO}m")
_TEMPERATURE = _prefixed("K", f"{_MICRO}m")
_TIME = _prefixed("s", f"pn{_MICRO}m") | {"min": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = _prefixed("B", "kM")
_FRACTION = {"%": 0.01, "ppm": 1e-6}

#: Base unit -> the spellings that files may use for it, with their factors.
UNITS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "A": _CURRENT,
        "A/s": _per(_CURRENT, {k: _TIME[k] for k in ("s", "ms", "us", "µs", "min")}),
        "B/s": _per(_BYTES, {"s": 1.0}),
        "F": _prefixed("F", f"fpn{_MICRO}"),
        "Hz": _prefixed("Hz", "mkMG"),
        "K": _TEMPERATURE,
        "K/s": _per(_TEMPERATURE, {k: _TIME[k] for k in ("s", "min", "h")}),
        "Ohm": _prefixed("Ohm", "mkMG") | _prefixed("Ω", "mkMG") | _prefixed("ohm", "mkMG"),
        "V": _prefixed("V", f"n{_MICRO}m"),
        "W": _prefixed("W", f"fpn{_MICRO}m"),
        "s": _TIME,
        "1": _FRACTION,
        "1/s": _per(_FRACTION, {k: _TIME[k] for k in ("s", "min", "h", "d")}),
    }
)
_EXAMPLES = {
    "A": "9.5 uA", "A/s": "1 mA/s", "B/s": "300 kB/s", "F": "6.35 pF", "Hz": "80 Hz", "K": "50 mK",
    "K/s": "1 mK/min", "Ohm": "190 Ohm", "V": "0.1 V", "W": "1 uW", "s": "10 ms", "1": "2 %",
    "1/s": "0.1 %/h",
}  # fmt: skip
#: A sentence names no more units than this.
_MOST_NAMED = 12
_COMMA = re.compile(r"\d,\d")
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(\S*)\s*")


def parse_quantity(text: object, unit: str) -> float:
    """Return the value of a quantity in its base unit.

    Parameters
    ----------
    text
        What stood in the file, such as "9.5 uA"; a number is refused, for its unit is unknown.
    unit
        Base unit, a key of `UNITS`; "1" is a fraction, written in %.

    Raises
    ------
    InputError
        Not text, not a number followed by a known unit, not finite, or a unit of another kind.
    """
    example = f"write for example {_EXAMPLES[unit]!r}"
    if isinstance(text, bool) or text is None:
        raise InputError(f"{text!r} is not a quantity; {example}")
    if isinstance(text, (int, float)):
        raise InputError(f"{text!r} has no unit; {example}")
    if not isinstance(text, str):
        raise InputError(f"{text!r} is not a quantity; {example}")
    match = _QUANTITY.fullmatch(text)
    if match is None and _COMMA.search(text):
        raise InputError(f"{text!r} has a comma; write a decimal point, and {example}")
    if match is None:
        raise InputError(f"{text!r} is not a finite number with a unit; {example}")
    number, spelling = match.groups()
    if not spelling:
        raise InputError(f"{text!r} has no unit; {example}")
    factor = UNITS[unit].get(spelling)
    if factor is None:
        raise InputError(f"{text!r} has {_unit_fault(spelling, unit)}; {example}")
    value = float(Decimal(number) * Decimal(repr(factor)))  # "9.5 uA" is 9.5e-6 to the last bit
    if not math.isfinite(value):
        raise InputError(f"{text!r} is not a finite number; {example}")
    return value


def _unit_fault(spelling: str, unit: str) -> str:
    """Say what is wrong with a unit that is not one of those allowed here."""
    close = sorted({s for s in UNITS[unit] if s.casefold() == spelling.casefold()})
    if close:
        return f"the unit {spelling!r}, and case matters: did you mean {' or '.join(close)}?"
    if any(spelling in table for table in UNITS.values()):
        return f"the unit {spelling!r}, which is of another kind"
    known = [s for s in UNITS[unit] if not s.startswith(("µ", "μ"))]
    told = f" (known: {', '.join(known)})" if len(known) <= _MOST_NAMED else ""
    return f"the unknown unit {spelling!r}{told}"


def format_quantity(value: float, unit: str) -> str:
    """Return text that `parse_quantity` reads back as exactly this value (of a base unit)."""
    if unit in ("1", "1/s"):
        return f"{Decimal(repr(value)) * 100:f} %{unit[1:]}"
    return f"{value!r} {unit}"


def readable(value: float, unit: str) -> str:
    """Return a quantity rounded to four digits, with the prefix a person would choose: "9.489 uA"."""
    if unit == "1":
        return f"{value * 100:.4g} %"
    if unit == "1/s":
        return f"{value * 100 * 3600:.4g} %/h"
    prefixes = [p for p in ("f", "p", "n", "u", "m", "", "k", "M", "G") if p + unit in UNITS[unit]]
    fitting = [p for p in prefixes if abs(value) >= 0.9995 * _PREFIXES[p]]
    prefix = fitting[-1] if fitting else ("" if value == 0 else prefixes[0])
    return f"{value / _PREFIXES[prefix]:.4g} {prefix}{unit}"


def _quantity(unit: str) -> Any:
    """Return what makes an annotated float a quantity of this unit in a pydantic model."""
    return BeforeValidator(partial(parse_quantity, unit=unit))


def _written(unit: str) -> Any:
    """Return the serialiser that writes the unit out again."""
    return PlainSerializer(partial(format_quantity, unit=unit), return_type=str)


Amperes = Annotated[float, _quantity("A"), _written("A")]
AmperesPerSecond = Annotated[float, _quantity("A/s"), _written("A/s")]
BytesPerSecond = Annotated[float, _quantity("B/s"), _written("B/s")]
Farads = Annotated[float, _quantity("F"), _written("F")]
Fraction = Annotated[float, _quantity("1"), _written("1")]
Hertz = Annotated[float, _quantity("Hz"), _written("Hz")]
Kelvins = Annotated[float, _quantity("K"), _written("K")]
KelvinsPerSecond = Annotated[float, _quantity("K/s"), _written("K/s")]
Ohms = Annotated[float, _quantity("Ohm"), _written("Ohm")]
PerSecond = Annotated[float, _quantity("1/s"), _written("1/s")]
Seconds = Annotated[float, _quantity("s"), _written("s")]
Volts = Annotated[float, _quantity("V"), _written("V")]
Watts = Annotated[float, _quantity("W"), _written("W")]
