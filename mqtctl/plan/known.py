"""What is known of a junction from other measurements, as people write it: "plasma_frequency = 2.1 GHz +- 0.1 GHz"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from mqtctl.errors import InputError
from mqtctl.quantities import parse_quantity
from mqtctl.records import JunctionEstimate, KnownFact

__all__ = ["CIRCUIT", "parse_known", "with_known"]

#: Units of what can be known; those of the circuit stand in the estimate itself.
_UNITS = {"plasma_frequency": "Hz", "quality_factor": "", "capacitance": "F", "resistance": "Ohm"}
CIRCUIT = ("capacitance", "resistance")
_EXAMPLE = "write for example 'plasma_frequency = 2.1 GHz +- 0.1 GHz @ 9.4 uA'"
_FACT = re.compile(r"\s*([A-Za-z_ -]+?)\s*=\s*(.+?)\s*(?:\+-|\+/-|±)\s*(.+?)\s*(?:@\s*(.+?)\s*)?")


def parse_known(text: str) -> KnownFact:
    """Return what a line such as "quality_factor = 30 +- 5 @ 9.4 uA" says; no current is none, 0 A.

    Raises
    ------
    InputError
        Another form, name or unit, no error, or a value or error that is not positive.
    """
    match = _FACT.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is not what is known with its error; {_EXAMPLE}")
    name = match[1].replace("-", "_").replace(" ", "_")
    if name not in _UNITS:
        raise InputError(f"{text!r}: {name!r} is not one of {', '.join(_UNITS)}; {_EXAMPLE}")
    if match[4] and name in CIRCUIT:
        raise InputError(f"{text!r}: a {name} belongs to no current; leave the @ out")
    value, error = (_positive(text, part, _UNITS[name]) for part in (match[2], match[3]))
    return KnownFact(name, value, error, abs(parse_quantity(match[4], "A")) if match[4] else 0.0)


def with_known(estimate: JunctionEstimate, facts: Sequence[KnownFact]) -> JunctionEstimate:
    """Return an estimate with what else is known; raises `InputError` where it says the same thing twice."""
    for name in CIRCUIT:
        if (number := sum(fact.name == name for fact in facts)) > 1:
            raise InputError(f"the {name} is stated {number} times; state it once")
    for fact in facts:
        if fact.name == "capacitance":
            estimate = replace(estimate, capacitance=fact.value, capacitance_stderr=fact.stderr)
        elif fact.name == "resistance":
            estimate = replace(estimate, resistance=fact.value, resistance_stderr=fact.stderr)
    return replace(estimate, known=(*estimate.known, *(fact for fact in facts if fact.name not in CIRCUIT)))


def _positive(text: str, part: str, unit: str) -> float:
    try:
        value = parse_quantity(part, unit) if unit else float(part)
    except ValueError as error:
        raise InputError(f"{text!r}: {error if unit else f'{part!r} is no number'}; {_EXAMPLE}") from error
    if not (math.isfinite(value) and value > 0.0):
        raise InputError(f"{text!r}: {part!r} is not positive; {_EXAMPLE}")
    return value
