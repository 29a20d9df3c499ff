from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtctl.cli.live.glyphs import bars, share_bar, sparkline


def test_bars_fill_the_height_with_the_largest_value_and_leave_zero_empty() -> None:
    assert bars([0, 1, 2, 4], 2) == ["   █", " ▄██"]
    assert bars([0, 0], 3) == ["  "] * 3


def test_one_switch_in_many_can_be_seen() -> None:
    assert bars([1, 1000], 1) == ["▁█"]


def test_a_trace_goes_from_the_lowest_to_the_highest_sign() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20) == "▁▂▃▄▅▆▇█"


def test_a_trace_that_stands_still_is_a_line_in_the_middle() -> None:
    assert sparkline([0.1] * 5, 20) == "▄▄▄▄▄"


def test_a_trace_shows_where_it_lies_against_the_target() -> None:
    assert sparkline([1.0, 2.0], 20, low=3.0, high=3.0)[-1] < "█"


def test_a_trace_without_finite_values_or_room_is_empty() -> None:
    assert sparkline([math.nan, math.inf], 10) == ""
    assert sparkline([1.0, 2.0], 0) == ""


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), max_size=300), st.integers(0, 120), st.integers(1, 8))
def test_pictures_have_the_size_they_are_given(values: list[float], width: int, rows: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)
    drawn = bars(np.abs(values), rows)
    assert len(drawn) == rows
    assert {len(row) for row in drawn} == {len(values)}


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "····"), (0.5, "██··"), (0.53, "██▏·"), (1.0, "████"), (2.0, "████"), (math.nan, "····")],
)
def test_a_bar_is_filled_to_the_share(share: float, expected: str) -> None:
    assert share_bar(share, 4) == expected
