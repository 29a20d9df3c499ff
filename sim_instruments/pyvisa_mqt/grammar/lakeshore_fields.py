"""The fields of a Lake Shore command: each reads its text, refuses what is out of range, and writes a value back."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Protocol

from pyvisa_mqt.grammar.ieee488 import COMMAND_ERROR, EXECUTION_ERROR

__all__ = ["Field", "Integer", "Quoted", "Real", "RefusalError", "Word", "engineering"]

_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)?\Z")


class RefusalError(Exception):
    """A command that is refused; carries the bit of the event status register that tells so."""

    def __init__(self, bit: int = EXECUTION_ERROR) -> None:
        self.bit = bit
        super().__init__(f"refused, event status {bit}")


class Field(Protocol):
    """One field behind a mnemonic."""

    def parse(self, text: str) -> Any:
        """Return the value; raises `RefusalError`."""

    def format(self, value: Any) -> str:
        """Return how the instrument writes it."""


def engineering(value: float) -> str:
    """Write a number as ±nnn.nnnE±nn, the exponent a multiple of three (Model 372 manual, p. 174)."""
    if value == 0.0 or not math.isfinite(value):
        return "+000.000E+00"
    exponent = 3 * math.floor(math.log10(abs(value)) / 3)
    mantissa = value / 10.0**exponent
    if abs(round(mantissa, 3)) >= 1000.0:
        exponent += 3
        mantissa /= 1000.0
    return f"{mantissa:+08.3f}E{exponent:+03d}"


@dataclass(frozen=True)
class Integer:
    """A whole number within limits, written with at least `width` digits."""

    minimum: int
    maximum: int
    width: int = 1

    def parse(self, text: str) -> int:
        """Return the number."""
        if not _REAL.match(text):
            raise RefusalError(COMMAND_ERROR)
        number = float(text)
        if not self.minimum <= number <= self.maximum or number != int(number):
            raise RefusalError
        return int(number)

    def format(self, value: int) -> str:
        """Write the digits."""
        return f"{value:0{self.width}d}"


@dataclass(frozen=True)
class Real:
    """A real number within limits, in engineering notation or in a given format."""

    minimum: float
    maximum: float
    style: str = ""

    def parse(self, text: str) -> float:
        """Return the number."""
        if not _REAL.match(text):
            raise RefusalError(COMMAND_ERROR)
        number = float(text)
        if not self.minimum <= number <= self.maximum:
            raise RefusalError
        return number

    def format(self, value: float) -> str:
        """Write the number."""
        return format(value, self.style) if self.style else engineering(value)


@dataclass(frozen=True)
class Word:
    """One of some spellings, such as the inputs A and 1 to 16."""

    words: tuple[str, ...]

    def parse(self, text: str) -> str:
        """Return the spelling without leading zeros, in capitals."""
        word = text.upper()
        word = word.lstrip("0") or "0" if word.isascii() and word.isdigit() else word
        if word not in self.words:
            raise RefusalError
        return word

    def format(self, value: str) -> str:
        """Write it."""
        return value


@dataclass(frozen=True)
class Quoted:
    """Text of limited length, in quotes when it is sent and without when it is read."""

    maximum: int

    def parse(self, text: str) -> str:
        """Return the text; without quotes it is a command error if it contains anything odd."""
        if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1]
        elif '"' in text or "'" in text:
            raise RefusalError(COMMAND_ERROR)
        return text[: self.maximum]

    def format(self, value: str) -> str:
        """Write the text."""
        return value
