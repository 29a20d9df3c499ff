"""Numbers as people read them, value(standard error), SI prefixes, durations, and as JSON has them; written here only.

Use `quantity` for one number with its unit, `Scale.of` and `number` for a column or an axis that shares one prefix,
`duration` for a time that passed and `rough_duration` for one that is only estimated. A number that is missing (None,
NaN, infinite) is written as a dash, never as a zero. What a person wrote into a file is written by `quantities`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from uncertainties import ufloat

__all__ = [
    "MISSING",
    "NOTHING",
    "Estimate",
    "Scale",
    "duration",
    "finite",
    "jsonable",
    "number",
    "quantity",
    "rough_duration",
    "scaled_number",
]

MISSING = "–"

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_SIGNIFICANT_DIGITS = 4  # of a number without an uncertainty
_MOST_DECIMALS = 12  # a double holds some 16 digits; more than this would print rounding noise
_LARGEST_PLAIN = 1e7  # larger (or, in its inverse, smaller) numbers are written with a power of ten


@dataclass(frozen=True)
class Estimate:
    """A number in SI base units with its standard error; either may be None where it is not known."""

    value: float | None
    stderr: float | None = None

    def __bool__(self) -> bool:
        """Whether there is a finite value to print."""
        return finite(self.value)

    @property
    def error(self) -> float:
        """The standard error, 0.0 where there is none to draw."""
        return float(self.stderr) if self.stderr is not None and finite(self.stderr) else 0.0


NOTHING = Estimate(None)


@dataclass(frozen=True)
class Scale:
    """A unit with an SI prefix: `factor` units of the base are one of `name`."""

    name: str
    factor: float

    @classmethod
    def of(cls, values: Iterable[float | None], unit: str) -> Scale:
        """Choose the prefix that puts the median magnitude of `values` (SI base units) between 1 and 1000."""
        magnitudes = sorted(abs(float(v)) for v in values if v is not None and finite(v) and v != 0.0)
        if not magnitudes:
            return cls(unit, 1.0)
        # 999.7 would round to 1000 of the smaller prefix; the slack takes it to the next one
        exponent = 3 * math.floor(math.log10(magnitudes[len(magnitudes) // 2] * 1.0005) / 3)
        exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
        return cls(_PREFIXES[exponent] + unit, 10.0**exponent)


def finite(value: float | None) -> bool:
    """Return whether `value` is a number that can be printed or drawn."""
    return value is not None and math.isfinite(value)


def _plain(value: float) -> str:
    """Write a number without uncertainty, to four significant digits."""
    if value != 0.0 and not 1.0 / _LARGEST_PLAIN < abs(value) < _LARGEST_PLAIN:
        mantissa, exponent = f"{value:.{_SIGNIFICANT_DIGITS - 1}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}×10^{int(exponent)}"
    magnitude = 0 if value == 0.0 else math.floor(math.log10(abs(value)))
    decimals = min(max(_SIGNIFICANT_DIGITS - 1 - magnitude, 0), _MOST_DECIMALS)
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def number(value: float | None, stderr: float | None = None) -> str:
    """Write ``value(stderr)`` with the standard error to two digits, as in 36.07(43) or 36(12).

    The digits in parentheses belong to the last digits of the value; an error of one unit or
    more of a value with decimals keeps its point, as in 36.1(1.2), so that it cannot be misread.
    Without a positive finite `stderr` the value is written alone to four significant digits.
    Both arguments are in the same (already scaled) unit; a missing value gives a dash.
    """
    if value is None or not finite(value):
        return MISSING
    value = float(value)
    if stderr is None or not finite(stderr) or stderr <= 0.0:
        return _plain(value)
    # through '%e' so that 0.0996 is rounded to 0.10 before its decimals are counted
    decimals = 1 - int(f"{stderr:.1e}".split("e")[1])
    if decimals > _MOST_DECIMALS:
        return _plain(value)
    # rounded here as well: uncertainties keeps the sign of a zero, and all digits before the point
    rounded = ufloat(round(value, decimals) + 0.0, round(stderr, decimals))  # type: ignore[no-untyped-call]
    return f"{rounded:.2ufS}"


def scaled_number(estimate: Estimate, scale: Scale) -> str:
    """Write an estimate (SI base units) in the unit of a column or an axis, without naming the unit."""
    if estimate.value is None:
        return MISSING
    error = None if estimate.stderr is None else estimate.stderr / scale.factor
    return number(estimate.value / scale.factor, error)


def quantity(value: float | Estimate | None, unit: str, stderr: float | None = None, scale: Scale | None = None) -> str:
    """Write a quantity given in SI base units with its uncertainty and prefix, as in '36.07(43) mK'.

    Parameters
    ----------
    value
        The number, or an `Estimate` that carries its own standard error.
    unit
        Symbol of the SI base or derived unit, without prefix; may be empty.
    stderr
        Standard error in the same base unit.
    scale
        Prefix to use; by default the one that suits the value, or an error that is larger.
    """
    if isinstance(value, Estimate):
        stderr, value = value.stderr, value.value
    if value is None or not finite(value):
        return MISSING
    if scale is None:
        larger = max(abs(value), stderr if stderr is not None and finite(stderr) else 0.0)
        scale = Scale.of([larger], unit) if unit else Scale("", 1.0)
    scaled_error = None if stderr is None else stderr / scale.factor
    return f"{number(value / scale.factor, scaled_error)} {scale.name}".rstrip()


def duration(seconds: float | None) -> str:
    """Write a duration in s as people say it: '8 h 12 min', '3 min 20 s', '12.5 s', '40 ms'."""
    if seconds is None or not finite(seconds):
        return MISSING
    if abs(seconds) < 59.95:
        return quantity(float(f"{seconds:.3g}"), "s")
    minutes, rest = divmod(round(abs(seconds)), 60)
    sign = "-" if seconds < 0 else ""
    if minutes < 60:
        return f"{sign}{minutes} min {rest} s"
    hours, minutes = divmod(round(abs(seconds) / 60), 60)
    if hours < 72:
        return f"{sign}{hours} h {minutes} min"
    return f"{sign}{hours // 24} d {hours % 24} h"


def rough_duration(seconds: float) -> str:
    """Write an estimated time to two digits or so; a question mark where nothing is known."""
    if math.isnan(seconds):
        return "?"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def jsonable(value: Any) -> Any:
    """Return plain Python data, mappings and lists with all that is in them; JSON knows no inf or NaN: None."""
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
