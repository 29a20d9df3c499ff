from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtctl.notation import MISSING, Estimate, Scale, duration, number, quantity
from mqtctl.report.tables import html_table


@pytest.mark.parametrize(
    ("value", "stderr", "text"),
    [
        (36.07, 0.43, "36.07(43)"),
        (36.1, 1.2, "36.1(1.2)"),
        (361.0, 12.3, "361(12)"),
        (12345.0, 1234.0, "12300(1200)"),
        (9.48879, 0.0013, "9.4888(13)"),
        (1.0, 0.0996, "1.00(10)"),  # the error's rounding moves its last digit
        (5.0, 0.996, "5.0(1.0)"),
        (5.0, 9.96, "5(10)"),
        (-0.001, 0.5, "0.00(50)"),  # no minus zero
        (-1.057, 0.031, "-1.057(31)"),
        (0.0, 0.01, "0.000(10)"),
        (2.0, 100.0, "0(100)"),
    ],
)
def test_a_value_is_written_with_its_error_to_two_digits(value: float, stderr: float, text: str) -> None:
    assert number(value, stderr) == text


@pytest.mark.parametrize("stderr", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_value_without_a_usable_error_is_written_alone(stderr: float | None) -> None:
    assert number(36.0712, stderr) == "36.07"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (100000.0, "100000"), (0.00123456, "0.001235"), (3.2e-9, "3.2×10^-9"), (1e9, "1×10^9")],
)
def test_plain_numbers_keep_four_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_missing_value_is_a_dash_and_never_a_number(value: float | None) -> None:
    assert number(value, 1.0) == MISSING
    assert quantity(value, "K") == MISSING
    assert duration(value) == MISSING
    assert not Estimate(value)


@given(
    value=st.floats(-1e6, 1e6),
    stderr=st.floats(1e-5, 1e5),
)
def test_what_is_printed_lies_within_a_twentieth_of_an_error_of_the_value(value: float, stderr: float) -> None:
    text = number(value, stderr)
    shown, error = text.rstrip(")").split("(")
    # two digits of at least 10: half a unit of the last digit is at most 5 % of the error, plus float rounding
    assert abs(float(shown) - value) <= 0.0501 * stderr + 1e-9 * abs(value)
    decimals = len(shown.partition(".")[2])
    printed = float(error) if "." in error or not decimals else int(error) * 10.0**-decimals
    assert printed == pytest.approx(stderr, rel=0.0501)


@pytest.mark.parametrize(
    ("value", "stderr", "unit", "text"),
    [
        (0.03607, 0.00043, "K", "36.07(43) mK"),
        (9.4888e-6, 1.3e-9, "A", "9.4888(13) µA"),
        (6.35e-12, None, "F", "6.35 pF"),
        (190.0, None, "Ω", "190 Ω"),
        (1e-3, None, "A/s", "1 mA/s"),
        (999.96e-6, None, "A", "1 mA"),  # not 1000 µA
        (-9.4e-6, 1e-8, "A", "-9.400(10) µA"),
        (0.0, None, "A", "0 A"),
        (0.641, 0.006, "", "0.6410(60)"),
        (1e-30, None, "A", "1×10^-12 aA"),
    ],
)
def test_quantities_carry_the_prefix_that_suits_them(value: float, stderr: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit, stderr) == text
    assert quantity(Estimate(value, stderr), unit) == text


def test_a_column_shares_the_prefix_of_its_median() -> None:
    scale = Scale.of([0.015, 0.1, None, math.nan, 0.8], "K")
    assert scale == Scale("mK", 1e-3)
    assert Scale.of([], "K") == Scale.of([None, 0.0, math.inf], "K") == Scale("K", 1.0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0401, "40.1 ms"),
        (12.5, "12.5 s"),
        (59.99, "1 min 0 s"),
        (200.0, "3 min 20 s"),
        (29520.0, "8 h 12 min"),
        (3599.9, "1 h 0 min"),
        (400000.0, "4 d 15 h"),
        (-90.0, "-1 min 30 s"),
    ],
)
def test_durations_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_table_cells_are_escaped_and_keep_their_line_breaks() -> None:
    table = html_table(("<i>T</i>",), [("<script>alert(1)</script>", "a\nb & c")], "points")
    assert "<script>" not in table
    assert "<i>T</i>" in table
    assert "a<br>b &amp; c" in table
