"""Compares answers with the truth and with what the data allow, and says what is missing, in a sentence each.

A number is right within three of its own standard errors. Its error is right between half and twice that of the best
fit of the same data: a smaller one claims what nobody could know, a larger one leaves in the data what they hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mqtctl.course.answers import Answer, Answers
from mqtctl.course.truth import ASKED, Expected, Number, expected
from mqtctl.notation import quantity

__all__ = ["Mark", "mark"]

_FAR, _UNLIKELY = 3.0, 2.0
_ERROR_FACTOR = 2.0
_NOT_SURE = "right, but the best fit of these data could not be sure of it"
_DECIDED = "these data decide it: compare the coldest histograms' escape temperature with what tunnelling predicts"
_NOISE = (
    "the escape temperature saturates above what tunnelling predicts from critical current, capacitance and resistance"
)
_TUNNELLING = "the escape temperature saturates where tunnelling puts it; no noise is needed"
_NEAR_MISTAKE, _NEAR_PREFIX = 0.03, 0.2


@dataclass(frozen=True)
class Mark:
    """What is said about one answer.

    Attributes
    ----------
    name
        Key in answers.yaml.
    right
        Value and error are right, or the explanation is.
    remarks
        What is missing, or worth knowing though it is right; a sentence each.
    pull
        (Answer less truth) / its standard error; None for the explanation and for no answer.
    error_ratio
        Its standard error over that of the best fit of the same data.
    """

    name: str
    right: bool
    remarks: tuple[str, ...]
    pull: float | None = None
    error_ratio: float | None = None


def mark(answers: Answers) -> tuple[Mark, ...]:
    """Return a mark for each question, in the order of answers.yaml."""
    wanted = expected(answers.seed)
    numbers = [_number(name, getattr(answers, name), wanted.numbers[name], ASKED[name].unit) for name in ASKED]
    return (*numbers, _explanation(answers.explanation, wanted))


def _number(name: str, answer: Answer | None, wanted: Number, unit: str) -> Mark:
    if answer is None:
        return Mark(name, False, (f"not answered: {ASKED[name].words}",))
    pull, ratio = (answer.value - wanted.truth) / answer.stderr, answer.stderr / wanted.stderr
    value, error = _about_value(answer, wanted, pull), _about_error(answer, wanted, ratio, unit)
    right = abs(pull) <= _FAR and error is None
    luck = None
    if right and abs(pull) > _UNLIKELY:
        often = 1.0 / math.erfc(abs(pull) / math.sqrt(2.0))
        luck = f"right, and {abs(pull):.1f} standard errors from the truth: of honest results one in {often:.0f} is"
    return Mark(name, right, tuple(said for said in (value, error, luck) if said), pull, ratio)


def _about_value(answer: Answer, wanted: Number, pull: float) -> str | None:
    """Return what is wrong with a value; None where nothing is."""
    if abs(pull) <= _FAR:
        return None
    for sentence, other in wanted.mistakes.items():
        if abs(answer.value - other) < min(_NEAR_MISTAKE * other, abs(answer.value - wanted.truth)):
            return sentence
    if answer.value > 0.0:
        decades = math.log10(answer.value / wanted.truth)
        power = 3 * round(decades / 3.0)
        if power and abs(10.0 ** (decades - power) - 1.0) < _NEAR_PREFIX:
            return f"the unit has the wrong prefix: the number is 10^{power} times the right one"
    side = "large" if pull > 0.0 else "small"
    return f"the value is too {side} by {abs(pull):.1f} of its own standard errors"


def _about_error(answer: Answer, wanted: Number, ratio: float, unit: str) -> str | None:
    """Return what is wrong with a standard error; None where nothing is."""
    own, best = quantity(answer.stderr, unit), quantity(float(f"{wanted.stderr:.1e}"), unit)
    if ratio < 1.0 / _ERROR_FACTOR:
        partial = wanted.partial_stderr
        why = ""
        if partial and 1.0 / _ERROR_FACTOR <= answer.stderr / partial <= _ERROR_FACTOR:
            why = "; it is about the scatter of the switches alone, without the error of the critical current"
        return f"the error bar of {own} is too small: these data allow {best}{why}"
    if ratio > _ERROR_FACTOR:
        return f"the error bar of {own} is larger than it need be: these data allow {best}"
    return None


def _explanation(answer: str | None, wanted: Expected) -> Mark:
    """Return the mark of the explanation: "undecided" is right where the best fit cannot decide either."""
    name = "explanation"
    if answer is None:
        return Mark(name, False, ("not answered: tunnelling, noise or undecided",))
    if answer == wanted.explanation:
        return Mark(name, True, () if wanted.decided == answer else (_NOT_SURE,))
    if answer == "undecided":
        right = wanted.decided == "undecided"
        return Mark(name, right, () if right else (_DECIDED,))
    return Mark(name, False, (_NOISE if wanted.explanation == "noise" else _TUNNELLING,))
