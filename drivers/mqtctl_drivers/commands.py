"""Keyword arguments for `add_parameter`, one function per kind of SCPI setting.

They keep the spelling of numbers, booleans and infinity in one place, and give every parameter
its unit and its strict validator beside its command.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from qcodes.parameters import Parameter, create_on_off_val_mapping
from qcodes.validators import Enum, Ints, MultiType, Numbers, Validator

__all__ = [
    "Queried",
    "choice",
    "coded",
    "format_number",
    "integer",
    "number",
    "one_of",
    "parse_number",
    "reading",
    "switch",
]

#: SCPI spells infinity 9.9E37 and not-a-number 9.91E37 (SCPI-99 volume 1, section 7.2.1).
SCPI_INFINITY = 9.9e37


class Queried(Parameter):
    """A parameter that knows how it is asked for, so that several can be asked for in one message.

    Parameters
    ----------
    *args, **kwargs
        As in `qcodes.parameters.Parameter`.
    get_cmd
        The query.
    """

    def __init__(self, *args: Any, get_cmd: str, **kwargs: Any) -> None:
        super().__init__(*args, get_cmd=get_cmd, **kwargs)
        self.query = get_cmd
        """The message that asks for the value."""


def format_number(value: float) -> str:
    """Return a number as SCPI text with ten digits, infinity as INF."""
    if math.isinf(value):
        return "INF" if value > 0 else "NINF"
    return f"{value + 0.0:.10G}"  # + 0.0 turns -0.0 into 0


def parse_number(text: str) -> float:
    """Return the number in a reply, SCPI's 9.9E37 and beyond as infinity."""
    value = float(text)
    return math.copysign(math.inf, value) if abs(value) >= SCPI_INFINITY else value


def number(header: str, unit: str, low: float, high: float, *, infinite: bool = False) -> dict[str, Any]:
    """Return the keywords of a real number from `low` to `high` in `unit`, or also infinite."""
    validator: Validator[Any] = Numbers(low, high)
    return {
        "unit": unit,
        "parameter_class": Queried,
        "get_cmd": f"{header}?",
        "set_cmd": f"{header} {{}}",
        "set_parser": format_number,
        "get_parser": parse_number,
        "vals": MultiType(validator, Enum(math.inf)) if infinite else validator,
    }


def integer(header: str, low: int, high: int, *, unit: str = "") -> dict[str, Any]:
    """Return the keywords of a whole number from `low` to `high`."""
    return {
        "unit": unit,
        "parameter_class": Queried,
        "get_cmd": f"{header}?",
        "set_cmd": f"{header} {{}}",
        "get_parser": _parse_integer,
        "vals": Ints(low, high),
    }


def one_of(header: str, unit: str, values: Sequence[float]) -> dict[str, Any]:
    """Return the keywords of a number that must be one of a few."""
    return {
        "unit": unit,
        "parameter_class": Queried,
        "get_cmd": f"{header}?",
        "set_cmd": f"{header} {{}}",
        "set_parser": format_number,
        "get_parser": parse_number,
        "vals": Enum(*values),
    }


def switch(header: str) -> dict[str, Any]:
    """Return the keywords of something that is on or off."""
    return {
        "parameter_class": Queried,
        "get_cmd": f"{header}?",
        "set_cmd": f"{header} {{}}",
        "get_parser": _parse_switch,
        "val_mapping": create_on_off_val_mapping(on_val=1, off_val=0),
    }


def choice(header: str, spellings: Mapping[str, str]) -> dict[str, Any]:
    """Return the keywords of a choice; `spellings` maps our word to the instrument's short form."""
    return {
        "parameter_class": Queried,
        "get_cmd": f"{header}?",
        "set_cmd": f"{header} {{}}",
        "get_parser": _parse_word,
        "val_mapping": dict(spellings),
    }


def reading(query: str, unit: str, low: float = -math.inf, high: float = math.inf) -> dict[str, Any]:
    """Return the keywords of a real number that can only be read."""
    return {
        "unit": unit,
        "parameter_class": Queried,
        "get_cmd": query,
        "set_cmd": False,
        "get_parser": parse_number,
        "vals": Numbers(low, high),
        "snapshot_value": False,
    }


def _parse_integer(text: str) -> int:
    """Return a whole number, which some instruments write as 1.00000E+03."""
    value = float(text)
    if not value.is_integer():
        raise ValueError(f"{text!r} is not a whole number")
    return int(value)


def _parse_switch(text: str) -> int:
    """Return 1 or 0 for ON, OFF, 1 and 0 in any spelling."""
    word = text.strip().upper()
    if word in {"ON", "OFF"}:
        return int(word == "ON")
    return _parse_integer(word)


def _parse_word(text: str) -> str:
    """Return an enumeration reply in upper case and without blanks or quotes."""
    return text.strip().strip('"').upper()


def coded(mnemonic: str, values: Mapping[Any, int], *, index: int | None = None) -> dict[str, Any]:
    """Return the keywords of a setting that the instrument writes as a whole number.

    Parameters
    ----------
    mnemonic
        Four letters.
    values
        Our word -> the instrument's number.
    index
        First argument of the command, such as the number of an input.
    """
    selector = "" if index is None else f"{index},"
    return {
        "parameter_class": Queried,
        "get_cmd": f"{mnemonic}?" if index is None else f"{mnemonic}? {index}",
        "set_cmd": f"{mnemonic} {selector}{{}}",
        "get_parser": _parse_code,
        "val_mapping": dict(values),
    }


def _parse_code(text: str) -> int:
    """Return a whole number, perhaps written with a decimal point."""
    value = float(text)
    if not value.is_integer():
        raise ValueError(f"{text!r} is not a whole number")
    return int(value)
