"""How a text file writes numbers: encoding, delimiter, decimal mark, exponents. Told from its lines, or asked for."""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mqtctl.analysis.importers.options import ReadOptions
from mqtctl.analysis.importers.tables import short
from mqtctl.analysis.stated_units import stated_unit
from mqtctl.errors import InputError

__all__ = ["Dialect", "as_ascii_superset", "find_dialect"]

EMPTY_WORDS = frozenset({"", "-", "--", "na", "n/a", "none", "null"})
DELIMITERS = {"tab": "\t", "\\t": "\t", "\t": "\t", ";": ";", ",": ",", "|": "|", "space": " ", " ": " ", "": ""}
_WORDS = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "white space"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[+-]?(?:inf|infinity)|[+-]?nan", re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?\d+(?:,\d+)?(?:[eEdD][+-]?\d+)?|[+-]?(?:inf|infinity)|[+-]?nan", re.IGNORECASE)
#: Two numbers, or two parts of one, in what should be one field.
_UNDIVIDED = re.compile(r"\d[,;|\t][ ]*[-+]?[\d.]|[\d.]\s+[-+]?[\d.]")
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True)
class Dialect:
    """Delimiter ("": one column, " ": any white space) and decimal mark."""

    delimiter: str
    decimal: str = "."

    def split(self, line: str) -> list[str]:
        """Return the fields of a line, without blanks and quotes around them."""
        if self.delimiter == " ":
            return line.split()
        if self.delimiter == "":
            return [line.strip().strip("\"'").strip()]
        if '"' in line:
            found = next(csv.reader([line], delimiter=self.delimiter, skipinitialspace=True))
        else:
            found = line.split(self.delimiter)
        return [text.strip().strip("'").strip() for text in found]

    def number(self, text: str) -> float | None:
        """Return a field's number, NaN for the words that stand for none, None for anything else."""
        if (_NUMBER if self.decimal == "." else _COMMA_NUMBER).fullmatch(text):
            return float(text.replace(",", ".").replace("d", "e").replace("D", "e"))
        return math.nan if text.lower() in EMPTY_WORDS else None

    def undivided(self, text: str) -> bool:
        """Return whether a field is no number, but looks like two; a time of day may stand beside a date."""
        return self.number(text) is None and _UNDIVIDED.search(text) is not None and ":" not in text

    def pattern(self, line: str) -> tuple[bool, ...]:
        """Return which fields of a line are numbers; empty fields at its end are dropped."""
        fields = self.split(line)
        while len(fields) > 1 and not fields[-1]:
            fields.pop()
        return tuple(bool(field) and self.number(field) is not None for field in fields)

    def __str__(self) -> str:
        said = f"columns divided by {_WORDS[self.delimiter]}" if self.delimiter else "one column"
        return f"{said}, decimal commas" if self.decimal == "," else said


def as_ascii_superset(file: Path, content: bytes, encoding: str | None) -> tuple[bytes, str, str]:
    """Return the bytes, an encoding of theirs that contains ASCII, and what was assumed.

    Digits are the same bytes in every such encoding, so that only names and units hang on the choice; a letter
    read wrongly makes no known unit, for the micro sign is the same byte in all Western encodings of Windows and Unix.
    """
    mark, marked = next(
        ((mark, name) for mark, name in _BYTE_ORDER_MARKS.items() if content.startswith(mark)), (b"", "")
    )
    content = content[len(mark) :]
    wide = encoding or marked or _without_mark(content[:4096])
    try:
        if wide:
            known = codecs.lookup(wide).name
            if known == "utf-8" or not known.startswith("utf"):
                content.decode(known)
                return content, known, ""
            return content.decode(known).encode(), "utf-8", f"encoding {known.upper()}"
        if b"\x00" in content[:65536] or b"\x00" in content[-65536:]:
            raise InputError(f"{file} is not text: it holds zero bytes; export the switching values as text or as .npy")
        if content.isascii():
            return content, "utf-8", ""
        content.decode("utf-8")
    except LookupError as error:
        raise InputError(f"the encoding {encoding!r} (--encoding) is not known: utf-8, cp1252, utf-16 are") from error
    except UnicodeDecodeError as error:
        if wide:
            line = content[: error.start].count(b"\n") + 1
            raise InputError(
                f"{file}, line {line}: {content[error.start : error.start + 4]!r} is not {wide} text: say with"
                " --encoding which it is"
            ) from error
        return content, "cp1252", "encoding Windows-1252, for it is not UTF-8"
    return content, "utf-8", ""


def _without_mark(beginning: bytes) -> str:
    """Return the UTF-16 that a file without a byte-order mark is in, told by the zero half of ASCII letters."""
    even, odd = beginning[0::2], beginning[1::2]
    if len(beginning) < 20:
        return ""
    if odd.count(0) > 0.9 * len(odd) and not even.count(0):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.9 * len(even) and not odd.count(0) else ""


def find_dialect(file: Path, body: Sequence[str], header: Sequence[str], options: ReadOptions) -> Dialect:
    """Return the dialect in which most lines are rows of numbers of one shape.

    Parameters
    ----------
    file
        For the messages.
    body
        Lines from the middle of the file, stripped.
    header
        Lines from its beginning, which may state what the rest is like.
    options
        `delimiter` and `decimal` are looked at.

    Raises
    ------
    InputError
        A comma may be a decimal mark or a delimiter, and nothing tells which; or the options are none.
    """
    if options.delimiter is not None and options.delimiter not in DELIMITERS:
        raise InputError(f"--delimiter {options.delimiter!r} is not known: use one of tab, space, ';', ',', '|'")
    if options.decimal not in (None, ".", ","):
        raise InputError(f"--decimal {options.decimal!r} is not known: use '.' or ','")
    stated = _stated(header)
    delimiter = DELIMITERS[options.delimiter] if options.delimiter is not None else stated.get("separator")
    decimal = options.decimal or stated.get("decimal_separator")
    candidates = [
        Dialect(mark, point)
        for mark in (["", "\t", ";", ",", "|", " "] if delimiter is None else [delimiter])
        for point in ([".", ","] if decimal is None else [decimal])
        if mark != point
    ]
    scores = [_score(dialect, body) for dialect in candidates]
    best = [dialect for dialect, score in zip(candidates, scores, strict=True) if score == max(scores)]
    chosen = best[0]
    commas = [dialect for dialect in best if dialect.delimiter == ","]
    if commas and chosen.decimal == ",":
        return _comma(file, body, header, chosen, commas[0])
    return chosen


def _stated(header: Sequence[str]) -> dict[str, str]:
    """Return what Excel ("sep=;") and LabVIEW ("Separator Tab") write about the rest."""
    found: dict[str, str] = {}
    for line in header:
        key, _, value = line.replace("=", "\t", 1).replace(";", "\t", 1).partition("\t")
        word = value.strip().lower() or line.strip()[4:5]
        if key.strip().lower() in ("sep", "separator"):
            delimiter = {"tab": "\t", "comma": ",", "semicolon": ";"}.get(word, word[:1])
            if delimiter in DELIMITERS:
                found["separator"] = delimiter
        elif key.strip().lower() == "decimal_separator" and word[:1] in (".", ","):
            found["decimal_separator"] = word[:1]
    return found


def _score(dialect: Dialect, body: Sequence[str]) -> tuple[int, int, int]:
    """Return how many lines have the commonest shape, how few fields are words, how few columns there are."""
    patterns: Counter[tuple[bool, ...]] = Counter()
    for line in body:
        if not any(dialect.undivided(field) for field in dialect.split(line)):
            patterns[dialect.pattern(line)] += 1
    usable = Counter({pattern: count for pattern, count in patterns.items() if any(pattern)})
    if not usable:
        return 0, 0, 0
    pattern = max(usable, key=lambda known: (usable[known], sum(known)))
    good = sum(count for known, count in usable.items() if len(known) == len(pattern))
    return good, sum(pattern) - len(pattern), 0


def _comma(file: Path, body: Sequence[str], header: Sequence[str], decimal: Dialect, delimiter: Dialect) -> Dialect:
    """Tell a decimal comma from one between two columns of whole numbers."""
    names = [line.lstrip("#").strip() for line in header if re.match(r"[\s#\"']*[^\W\d]", line)]
    if names and names[-1].count(",") == len(delimiter.pattern(body[0])) - 1:
        return delimiter
    parts = [field.partition(",") for line in body for field in decimal.split(line)]
    digits = [re.split("[eEdD]", fraction)[0] for _, _, fraction in parts]
    printed_alike = len({len(text) for text in digits}) == 1 and len(digits[0]) > 3
    if (
        (names and stated_unit(names[-1]))
        or any(text.startswith("0") and len(text) > 1 for text in digits)
        or (printed_alike and len({whole for whole, _, _ in parts}) <= 3)
    ):
        return decimal
    raise InputError(
        f"{file}: the comma in {short(body[0])!r} may be a decimal mark or stand between two columns: say --decimal ,"
        " or --delimiter ,"
    )
