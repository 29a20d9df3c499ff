"""Fast scientific notation against Python's own."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyvisa_mqt.grammar.number_text import scientific_list


def by_python(value: float) -> str:
    mantissa, _, exponent = f"{value:+.14E}".partition("E")
    return f"{mantissa}E{int(exponent):+04d}"


@given(st.lists(st.floats(-1e90, 1e90, allow_subnormal=False), min_size=1, max_size=20))
def test_it_is_right_within_one_unit_of_the_last_digit_and_has_pythons_shape(values: list[float]) -> None:
    items = scientific_list(np.array(values)).decode().split(",")
    for item, value in zip(items, values, strict=True):
        expected = by_python(value)
        assert len(item) == len(expected)
        # the 15th digit, and one unit of it for ties that extended precision cannot tell
        assert abs(float(item) - float(expected)) <= 1.1e-14 * abs(value)


def test_typical_readings_are_written_exactly_as_python_writes_them() -> None:
    values = np.random.default_rng(5).uniform(1e-5, 9e-4, 20_000)
    values[[3, 5, 7, 9, 11]] = [9.91e37, 0.0, -1e-3, 1e-3, 9.999999999999999e-4]
    assert scientific_list(values).decode() == ",".join(by_python(value) for value in values.tolist())


def test_no_values_are_no_text_and_huge_exponents_fall_back() -> None:
    assert scientific_list(np.zeros(0)) == b""
    assert scientific_list(np.array([1e-300, 2.5])) == b"+1.00000000000000E-300,+2.50000000000000E+000"
