"""What may follow a SCPI header: numbers with units, booleans, choices, strings and channel lists.

Each kind reads the program data of a command and writes the response data of its query;
what it refuses it refuses with the SCPI error that a real instrument queues
(SCPI-1999 volume 2, chapter 21; IEEE 488.2-1992, 7.7).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pyvisa_mqt.grammar.ieee488 import ScpiError

__all__ = [
    "Boolean",
    "ChannelList",
    "Choice",
    "Mask",
    "Number",
    "NumberFormat",
    "Parameter",
    "Text",
    "abbreviation",
]

# IEEE 488.2-1992, 7.7.3: multipliers of unit suffixes, written without regard to case.
MULTIPLIERS: Mapping[str, float] = {
    "EX": 1e18, "PE": 1e15, "T": 1e12, "G": 1e9, "MA": 1e6, "K": 1e3, "": 1.0,
    "M": 1e-3, "U": 1e-6, "N": 1e-9, "P": 1e-12, "F": 1e-15, "A": 1e-18,
}  # fmt: skip
# The same paragraph: with these units M means mega.
MEGA_UNITS = frozenset({"HZ", "OHM"})
INFINITY = 9.9e37
# Clients write six digits; an instrument rounds to its own resolution before it compares.
CLIENT_ROUNDING = 1e-6

# Each written so that a long wrong text is refused in one pass.
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:\s*[Ee]\s*([+-]?\d+))?\s*([A-Za-z/%]*[0-9]?)\Z", re.ASCII)
_CHARACTER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_CHANNELS = re.compile(r"\(\s*@([0-9,:\s]*)\)\Z")
_NON_DECIMAL = {"H": ("0123456789ABCDEF", 16), "Q": ("01234567", 8), "B": ("01", 2)}
# IEEE 488.2-1992, 7.7.2.4.1: what a device need not take.
MOST_DIGITS, LARGEST_EXPONENT = 255, 32000


class NumberFormat(Protocol):
    """How an instrument writes numbers."""

    def format_number(self, value: float) -> str:
        """Write a real number."""

    def format_integer(self, value: int) -> str:
        """Write an integer."""


class Parameter(Protocol):
    """One element of program data, and the response data that answers its query."""

    def parse(self, text: str) -> Any:
        """Return the value; raises `ScpiError` for what the instrument refuses."""

    def format(self, value: Any, style: NumberFormat) -> str:
        """Return the response data, numbers in the instrument's style."""


def abbreviation(name: str) -> tuple[str, str]:
    """Return short and long form in capitals of a mnemonic written like 'FREQuency'."""
    short = "".join(character for character in name if not character.islower())
    return short, name.upper()


def _suffixes(unit: str) -> dict[str, float]:
    table = {multiplier + unit: factor for multiplier, factor in MULTIPLIERS.items()}
    if unit in MEGA_UNITS:
        table["M" + unit] = 1e6
    return table


def _refuse_other_data(text: str) -> None:
    """Raise the error for data that is no decimal number at all."""
    first = text[:1]
    if first in ("'", '"'):
        raise ScpiError(-158)
    if first == "(":
        raise ScpiError(-178)
    if first == "#":
        raise ScpiError(-168)
    if _CHARACTER.match(text):
        raise ScpiError(-148)
    raise ScpiError(-121 if first and (first.isdigit() or first in "+-.") else -102)


def _decimal(mantissa: str, exponent: str) -> float:
    """Return a number in scientific notation."""
    if len(mantissa) > MOST_DIGITS:
        raise ScpiError(-124)
    if len(exponent) > MOST_DIGITS or abs(int(exponent)) > LARGEST_EXPONENT:
        raise ScpiError(-123)
    return float(f"{mantissa}E{exponent}")


def _non_decimal(text: str) -> int:
    """Return a number in capitals such as #HFF."""
    digits, base = _NON_DECIMAL[text[1]]
    if len(text) > MOST_DIGITS:
        raise ScpiError(-124)
    if len(text) < 3 or any(digit not in digits for digit in text[2:]):
        raise ScpiError(-121)
    return int(text[2:], base)


class Number:
    """A real or integer number in SI units, with MINimum, MAXimum, DEFault and perhaps INFinity.

    Parameters
    ----------
    minimum, maximum
        Closed range in the base unit; outside it the instrument answers -222.
    default
        Value of DEFault; None if the keyword is refused.
    unit
        Unit suffix in capitals, such as "A" or "HZ"; "" if none is taken.
    infinite
        Whether INFinity is a value.
    integer
        Whether the value is rounded to an integer and written as one.
    """

    def __init__(
        self,
        minimum: float,
        maximum: float,
        default: float | None = None,
        *,
        unit: str = "",
        infinite: bool = False,
        integer: bool = False,
    ) -> None:
        self.minimum = minimum
        self.maximum = maximum
        self.default = default
        self.infinite = infinite
        self.integer = integer
        self._suffixes = _suffixes(unit) if unit else {}

    def parse(self, text: str) -> float:
        """Return the number in its base unit."""
        match = _NUMBER.match(text)
        if match is None:
            return self._special(text)
        value = _decimal(match[1], match[2] or "0")
        suffix = match[3].upper()
        if suffix:
            value *= self._factor(suffix)
        return self._checked(value)

    def _factor(self, suffix: str) -> float:
        if not self._suffixes:
            raise ScpiError(-138)
        try:
            return self._suffixes[suffix]
        except KeyError:
            raise ScpiError(-131) from None

    def _checked(self, value: float) -> float:
        # The far end is where instruments put their "infinity" in a number's place.
        if self.infinite and value >= INFINITY:
            return math.inf
        if not self.minimum <= value <= self.maximum:
            value = self._nearly_a_limit(value)
        return round(value) if self.integer else value

    def _nearly_a_limit(self, value: float) -> float:
        """Return the limit that a client's rounding has just missed, such as 1e+06 for 999999.999."""
        for limit in (self.minimum, self.maximum):
            if not self.integer and math.isclose(value, limit, rel_tol=CLIENT_ROUNDING):
                return limit
        raise ScpiError(-222)

    def _special(self, text: str) -> float:
        keyword = text.upper()
        if keyword in ("INF", "INFINITY"):
            if self.infinite:
                return math.inf
            raise ScpiError(-222)
        if keyword in ("NINF", "NINFINITY", "NAN"):
            raise ScpiError(-222)
        if keyword in ("MIN", "MINIMUM", "MAX", "MAXIMUM", "DEF", "DEFAULT"):
            return self.limit(keyword)
        if self.integer and keyword[:1] == "#" and keyword[1:2] in _NON_DECIMAL:
            return self._checked(_non_decimal(keyword))
        _refuse_other_data(text)
        raise ScpiError(-120)

    def limit(self, keyword: str) -> float:
        """Return what MIN, MAX or DEF stand for."""
        short = keyword.strip().upper()[:3]
        if short == "MIN":
            return self.minimum
        if short == "MAX":
            return self.maximum
        if self.default is None:
            raise ScpiError(-224)
        return self.default

    def format(self, value: float, style: NumberFormat) -> str:
        """Write the number; infinity as 9.9E37."""
        if self.integer and math.isfinite(value):
            return style.format_integer(int(value))
        return style.format_number(value if math.isfinite(value) else INFINITY)


class Mask(Number):
    """A register mask, read back as a plain integer."""

    def __init__(self, maximum: int = 0xFFFF) -> None:
        super().__init__(0, maximum, 0, integer=True)


class Boolean:
    """ON, OFF or a number, of which anything but 0 is ON."""

    _values: Mapping[str, bool] = {"1": True, "0": False, "ON": True, "OFF": False}

    def parse(self, text: str) -> bool:
        """Return the truth value."""
        value = self._values.get(text.upper())
        if value is not None:
            return value
        match = _NUMBER.match(text)
        if match is not None:
            if match[3]:
                raise ScpiError(-138)
            return not abs(_decimal(match[1], match[2] or "0")) <= 0.5  # rounded to an integer
        if _CHARACTER.match(text):
            raise ScpiError(-224)
        _refuse_other_data(text)
        raise ScpiError(-104)

    def format(self, value: bool, style: NumberFormat) -> str:
        """Write 0 or 1."""
        return "1" if value else "0"


class Choice:
    """One of some words, in short or long form; read back in short form.

    Parameters
    ----------
    names
        The words, written like 'SINusoid'. Digits belong to the word.
    aliases
        Other spellings that the instrument takes, and what they mean.
    """

    def __init__(self, *names: str, aliases: Mapping[str, str] | None = None) -> None:
        self.names = names
        self._forms: dict[str, str] = {}
        for name in names:
            short, long = abbreviation(name)
            self._forms[short] = short
            self._forms[long] = short
        for spelling, meaning in (aliases or {}).items():
            self._forms[spelling.upper()] = meaning

    def parse(self, text: str) -> str:
        """Return the short form."""
        word = self._forms.get(text.upper())
        if word is not None:
            return word
        if _CHARACTER.match(text) or text in self._forms:
            raise ScpiError(-224)
        if text[:1] in "\"'":
            raise ScpiError(-158)
        raise ScpiError(-128 if _NUMBER.match(text) else -141)

    def format(self, value: str, style: NumberFormat) -> str:
        """Write the short form."""
        return value


@dataclass(frozen=True)
class Text:
    """A quoted string of at most `maximum` characters."""

    maximum: int = 255

    def parse(self, text: str) -> str:
        """Return the string without its quotes."""
        quote = text[:1]
        if quote not in ('"', "'") or not quote:
            raise ScpiError(-104)
        if len(text) < 2 or text[-1] != quote:
            raise ScpiError(-151)
        parts = text[1:-1].split(quote * 2)
        if any(quote in part for part in parts):
            raise ScpiError(-151)
        inner = quote.join(parts)
        if len(inner) > self.maximum:
            raise ScpiError(-223)
        return inner

    def format(self, value: str, style: NumberFormat) -> str:
        """Write the string in double quotes."""
        return '"' + value.replace('"', '""') + '"'


@dataclass(frozen=True)
class ChannelList:
    """A list such as (@1) or (@1,2), read as a tuple of channel numbers up to `maximum`."""

    maximum: int = 2

    def parse(self, text: str) -> tuple[int, ...]:
        """Return the channels in the order given."""
        match = _CHANNELS.match(text)
        if match is None:
            raise ScpiError(-171 if text[:1] == "(" else -104)
        items = [item.strip() for item in match[1].split(",")]
        if not all(item.isdigit() for item in items):
            raise ScpiError(-171)
        channels = tuple(int(item) for item in items)
        if not all(1 <= channel <= self.maximum for channel in channels):
            raise ScpiError(-222)
        return channels

    def format(self, value: tuple[int, ...], style: NumberFormat) -> str:
        """Write the list."""
        return "(@" + ",".join(str(channel) for channel in value) + ")"
