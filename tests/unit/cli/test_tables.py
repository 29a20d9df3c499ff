"""Tables fold at the terminal's width, and no number is torn apart."""

from __future__ import annotations

from typing import Any

import pytest

from mqtctl.cli.summary import COLUMNS, print_points
from mqtctl.cli.tables import Column, print_rows, quantity

POINT = {
    "temperature_K": 0.0150012,
    "switches": 10000,
    "censored": 3,
    "polarity": 1,
    "ramp_rate_A_per_s": 1e-3,
    "mean_switching_current_A": 9.401023e-6,
    "mean_switching_current_stderr_A": 6.3e-11,
    "std_switching_current_A": 6.301e-9,
    "std_switching_current_stderr_A": 6.2e-11,
    "escape_temperature_K": 0.03686,
    "escape_temperature_stderr_K": 7.4e-4,
    "escape_temperature_free_K": 0.03108,
    "escape_temperature_free_stderr_K": 3.7e-4,
    "critical_current_free_A": 9.48012e-6,
    "critical_current_free_stderr_A": 6.1e-10,
}
NUMBERS = ("9.401023(63)", "6.301(62)", "36.86(74)", "31.08(37)", "9.48012(61)", "10000")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_no_line_is_wider_than_the_paper_and_no_number_wraps(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_points({"points": [POINT, POINT | {"polarity": -1}]})
    printed = capsys.readouterr().out
    table = printed.split("In brackets")[0]
    assert max(len(line.rstrip()) for line in table.splitlines()) <= width
    for number in NUMBERS:
        assert printed.count(number) >= 2


def test_the_first_column_leads_what_is_continued_below(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    print_rows((Column("bath", "temperature_K", unit="K"), *COLUMNS), [POINT])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.strip().startswith("15 ") for line in lines) == 2


def test_a_file_gets_the_whole_table_side_by_side(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_points({"points": [POINT]})
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "10000" in line]
    assert all(number in row for number in NUMBERS)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((9.401023e-6, "A", 6.3e-11), "9.401023(63) uA"),
        ((190.0, "Ω", None), "190 Ohm"),
        ((None, "K", None), "-"),
        ((0.0, "A", 1e-10), "0(100) pA"),
    ],
)
def test_terminals_get_the_spelling_of_files(numbers: tuple[Any, ...], text: str) -> None:
    assert quantity(*numbers) == text
    assert text.isascii()
