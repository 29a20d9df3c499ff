from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtctl.errors import InputError
from mqtctl.quantities import UNITS, format_quantity, parse_quantity, readable


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("9.5 uA", "A", 9.5e-6),
        ("9.5 µA", "A", 9.5e-6),
        ("9.5uA", "A", 9.5e-6),
        (" -1e3 nA ", "A", -1e-6),
        ("1 mA/s", "A/s", 1e-3),
        ("0.5 uA/ms", "A/s", 5e-4),
        ("12 mK", "K", 0.012),
        ("2 h", "s", 7200.0),
        ("2 %", "1", 0.02),
        ("-0.36 %/h", "1/s", -1e-6),
        ("190 Ω", "Ohm", 190.0),
        ("300 kB/s", "B/s", 3e5),
        (".5 V", "V", 0.5),
    ],
)
def test_quantities_are_read_to_the_last_bit(text: str, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "fault"),
    [
        (5, "A", "no unit"),
        (5.0, "A", "no unit"),
        ("5", "A", "no unit"),
        ("5 MA", "A", "case matters: did you mean mA"),
        ("5 MK", "K", "case matters"),
        ("5 UA", "A", "case matters"),
        ("5 V", "A", "another kind"),
        ("5 furlongs", "A", "unknown unit"),
        ("nan A", "A", "not a finite number"),
        ("inf A", "A", "not a finite number"),
        ("1e400 A", "A", "not a finite number"),
        ("1e9999 A", "A", "not a finite number"),
        ("", "A", "not a finite number"),
        ("uA", "A", "not a finite number"),
        ("5 uA 3", "A", "not a finite number"),
        (None, "A", "not a quantity"),
        (True, "A", "not a quantity"),
        (["1 A"], "A", "not a quantity"),
    ],
)
def test_what_is_no_quantity_is_refused_in_one_sentence_with_an_example(text: object, unit: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_quantity(text, unit)
    message = str(caught.value)
    assert fault in message
    assert "write for example" in message
    assert "\n" not in message


@given(value=st.floats(allow_nan=False, allow_infinity=False), unit=st.sampled_from(sorted(UNITS)))
def test_what_is_written_reads_back_exactly(value: float, unit: str) -> None:
    assert parse_quantity(format_quantity(value, unit), unit) == value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9.489e-6, "A", "9.489 uA"),
        (0.8, "K", "800 mK"),
        (0.0, "A", "0 A"),
        (999.97e-9, "A", "1 uA"),
        (-5e-6, "A", "-5 uA"),
        (0.01, "1", "1 %"),
        (1e-6, "1/s", "0.36 %/h"),
        (1e-3, "A/s", "1 mA/s"),
        (math.pi * 1e3, "Hz", "3.142 kHz"),
    ],
)
def test_quantities_are_shown_with_the_prefix_a_person_would_choose(value: float, unit: str, text: str) -> None:
    assert readable(value, unit) == text
