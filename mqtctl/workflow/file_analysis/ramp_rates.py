"""The ramp rate of a record: given, in a column, or mentioned by the file, and whether these agree."""

from __future__ import annotations

import math

from mqtctl.analysis import SwitchingRecord
from mqtctl.errors import InputError
from mqtctl.quantities import parse_quantity, readable

__all__ = ["hint_of_rate", "other_named_rate", "ramp_rate_of"]

_SAME = 0.01  # relative


def ramp_rate_of(record: SwitchingRecord, given: float | None, *, columns: bool = True) -> float:
    """Return the ramp rate in A/s.

    Parameters
    ----------
    record
        What was read, with the rates of its column and header.
    given
        What the user says, in A/s.
    columns
        Whether what the file says counts; `--rate-column none` leaves it aside.

    Raises
    ------
    InputError
        None is known, or the file's column or header states another one than the user.
    """
    rate = record.ramp_rate if given is None else given
    if rate is None:
        raise InputError(
            f"{record.name}: a list of switching values needs --ramp-rate to be fitted{hint_of_rate(record)}"
        )
    if record.ramp_rate is not None:
        if not math.isclose(rate, record.ramp_rate, rel_tol=_SAME):
            raise InputError(
                f"{record.name} states the ramp rate {readable(record.ramp_rate, 'A/s')}, not {readable(rate, 'A/s')}:"
                " leave --ramp-rate out and name the column with --rate-column, or say --rate-column none"
            )
    elif columns and _contradict(record.mentioned_rates, rate):
        raise InputError(
            f"{record.name}: the header mentions the ramp rate {' and '.join(record.mentioned_rates)} but"
            f" {readable(rate, 'A/s')} was given (--ramp-rate): correct one of them, or say --rate-column none if the"
            " header means something else"
        )
    return rate


def other_named_rate(record: SwitchingRecord, rate: float) -> tuple[str, ...]:
    """Return a sentence if the file's name mentions another ramp rate than that which is used (A/s)."""
    if not _contradict(record.named_rates, rate):
        return ()
    named = " and ".join(record.named_rates)
    return (f"{record.name}: the file's name mentions the ramp rate {named}; used is {readable(rate, 'A/s')}",)


def _contradict(mentioned: tuple[str, ...], rate: float) -> bool:
    values = [parse_quantity(text, "A/s") for text in mentioned]
    return bool(values) and not any(math.isclose(rate, value, rel_tol=_SAME) for value in values)


def hint_of_rate(record: SwitchingRecord) -> str:
    """Return, for the end of a sentence that asks for the ramp rate, which one header or name mention."""
    place, rates = "header", record.mentioned_rates
    if not rates:
        place, rates = "name of the file", record.named_rates
    return f"; the {place} mentions {' and '.join(rates)}: say --ramp-rate '{rates[0]}' if that is it" if rates else ""
