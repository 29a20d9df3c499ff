"""A student's answers: `critical_current: 9.49 uA +- 0.02 uA`, as they stand in answers.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, StrictInt

from mqtctl.documents import Document, load_document
from mqtctl.errors import InputError
from mqtctl.quantities import parse_quantity

__all__ = ["Answer", "Answers", "load_answers"]

_TWO_PARTS = re.compile(r"\s*(.+?)\s*(?:\+-|\+/-|±)\s*(.+?)\s*")


class Answer(NamedTuple):
    """A number and its standard error, in the base unit."""

    value: float
    stderr: float


def _answer(unit: str) -> BeforeValidator:
    """Return what reads an answer in a base unit; an empty one is None."""
    example = {"A": "9.49 uA +- 0.02 uA", "K": "37.7 mK +- 2.3 mK"}[unit]

    def read(text: object) -> Answer | None:
        if text is None:
            return None
        match = _TWO_PARTS.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise InputError(f"{text!r} is no number with its standard error; write for example '{example}'")
        value, stderr = (parse_quantity(part, unit) for part in match.groups())
        if not stderr > 0.0:
            raise InputError(f"{text!r} has a standard error of {match[2]}; it must be larger than 0")
        return Answer(value, stderr)

    return BeforeValidator(read)


Current = Annotated[Answer | None, _answer("A")]
Temperature = Annotated[Answer | None, _answer("K")]


class Answers(Document):
    """The file answers.yaml; None is what was not answered."""

    seed: Annotated[StrictInt, Field(ge=0)]
    mean_switching_current: Current = None
    width: Current = None
    critical_current: Current = None
    escape_temperature: Temperature = None
    crossover_temperature: Temperature = None
    explanation: Literal["tunnelling", "noise", "undecided"] | None = None


def load_answers(path: str | Path) -> Answers:
    """Read answers.yaml.

    Raises
    ------
    InputError
        In one sentence with file and line: no such file, an unknown key, a number without a unit or an error.
    """
    return load_document(Path(path), Answers)
