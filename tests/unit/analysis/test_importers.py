from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from mqtctl.analysis import imported_histogram, read_switching_data
from mqtctl.errors import InputError

VALUES = [9.01, 9.02, 9.035, 9.04, 9.05, 9.06, 9.07, 9.08, 9.09, 9.1, 9.11, 9.12]


def text_file(folder: Path, content: str, name: str = "switches.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def column(header: str = "", values: list[float] | None = None) -> str:
    return header + "\n".join(str(value) for value in values or VALUES) + "\n"


@pytest.mark.parametrize(
    ("header", "quantity", "scale"),
    [
        ("switching_current_A\n", "current", 1.0),
        ("I (uA)\n", "current", 1e-6),
        ("I_sw [µA]\n", "current", 1e-6),
        ('"current/nA"\n', "current", 1e-9),
        ("# a comment\n\ntime [us]\n", "time", 1e-6),
        ("t_ms\n", "time", 1e-3),
        ("s\n", "time", 1.0),
    ],
)
def test_the_header_states_quantity_and_unit(tmp_path: Path, header: str, quantity: str, scale: float) -> None:
    data = read_switching_data(text_file(tmp_path, column(header)))
    assert data.quantity == quantity
    assert data.values == pytest.approx(np.array(VALUES) * scale, rel=1e-12)


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.dat", "a"])
def test_a_unit_may_be_given_instead(tmp_path: Path, name: str) -> None:
    data = read_switching_data(text_file(tmp_path, column(), name), unit="uA")
    assert data.values[0] == pytest.approx(9.01e-6)


def test_windows_line_ends_byte_order_mark_and_trailing_commas_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"\xef\xbb\xbfI_uA,\r\n" + b"".join(f"{value},\r\n".encode() for value in VALUES))
    assert read_switching_data(path).values.size == len(VALUES)


def test_infinite_values_are_ramps_without_a_switch(tmp_path: Path) -> None:
    data = read_switching_data(text_file(tmp_path, column("t_us\n") + "inf\ninf\n"))
    assert data.censored == 2
    assert data.values.size == len(VALUES)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_npy_arrays_are_read_with_a_unit(tmp_path: Path, dtype: type) -> None:
    path = tmp_path / "x.npy"
    np.save(path, (np.array(VALUES) * 1000).astype(dtype).reshape(-1, 1))
    data = read_switching_data(path, unit="nA")
    assert data.values == pytest.approx(np.array(VALUES) * 1e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("content", "unit", "words"),
    [
        ("", "A", "is empty"),
        ("  \n\n", "A", "is empty"),
        ("I_uA\n", None, "at least 10"),
        ("# only comments\n", "A", "holds no values"),
        (column("I_uA\n", VALUES[:9]), None, "holds 9 switches"),
        (column("I_uA\n", [9.0] * 30), None, "equal"),
        (column("I_uA\n") + "abc\n", None, "line 14: 'abc' is not a number"),
        (column("I_uA\n") + "9.1;9.2\n", None, "line 14: '9.1;9.2' has more than one column"),
        ("a,b\n" + "9.0,1.0\n" * 20, "A", "more than one column"),
        (column("I_uA\n") + "nan\n", None, "line 14: the value is not a number"),
        (column("t_us\n") + "-1\n", None, "line 14: the time -1 us is not positive"),
        (column("t_us\n") + "0\n", None, "line 14: the time 0 us is not positive"),
        (column("I_uA\n") + "-inf\n", None, "line 14: the current -inf uA is not positive"),
        (column(), None, "does not state a unit"),
        (column("current\n"), None, "does not state a unit"),
        (column(), "UA", "did you mean 'uA'"),
        (column(), "V", "is not known"),
        (column("I_uA\n"), "nA", "states the unit 'uA' but 'nA' was given"),
        (column("I_uA\n") + "header again\n", None, "line 14"),
    ],
)
def test_bad_text_is_refused_in_one_sentence(tmp_path: Path, content: str, unit: str | None, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_switching_data(text_file(tmp_path, content), unit)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_data_are_refused(tmp_path: Path) -> None:
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([{"a": 1}] * 20, dtype=object), allow_pickle=True)
    archive = tmp_path / "archive.npy"
    with archive.open("wb") as stream:
        np.savez(stream, a=np.arange(20.0))
    cut = tmp_path / "cut.npy"
    np.save(cut, np.arange(1.0, 100.0))
    cut.write_bytes(cut.read_bytes()[:200])
    table = tmp_path / "table.npy"
    np.save(table, np.ones((20, 2)))
    complex_ = tmp_path / "complex.npy"
    np.save(complex_, np.ones(20, dtype=complex))
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x89PNG\xff\xfe\x00")
    missing = tmp_path / "missing.csv"
    for path in (objects, archive, cut, table, complex_, binary, missing, tmp_path):
        with pytest.raises(InputError) as caught:
            read_switching_data(path, "uA")
        assert str(path) in str(caught.value)


def test_times_become_currents_by_start_rate_and_delay(tmp_path: Path) -> None:
    data = read_switching_data(text_file(tmp_path, column("t_ms\n")))
    histogram = imported_histogram(data, ramp_rate=1e-3, start_current=1e-7, delay=2e-6, temperature=0.3)
    assert histogram.switching_currents == pytest.approx(1e-7 + 1e-3 * (np.array(VALUES) * 1e-3 - 2e-6))
    assert histogram.intervals == pytest.approx(np.array(VALUES) * 1e-3)
    assert histogram.temperature == 0.3


def test_currents_keep_their_values_and_unknown_temperature_is_nan(tmp_path: Path) -> None:
    data = read_switching_data(text_file(tmp_path, column("I_uA\n")))
    histogram = imported_histogram(data, ramp_rate=1e-3)
    assert histogram.switching_currents == pytest.approx(np.array(VALUES) * 1e-6)
    assert math.isnan(histogram.temperature)
    assert histogram.ramp.stop_current == pytest.approx(9.12e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ramp_rate": 0.0}, "ramp rate"),
        ({"ramp_rate": math.nan}, "ramp rate"),
        ({"ramp_rate": 1e-3, "start_current": 9.05e-6}, "at or below the ramp's start"),
        ({"ramp_rate": 1e-3, "censored": 3}, "give the stop current"),
        ({"ramp_rate": 1e-3, "stop_current": 9.0e-6}, "exceeds the stop current"),
    ],
)
def test_a_ramp_that_cannot_be_right_is_refused(tmp_path: Path, options: dict[str, float], words: str) -> None:
    data = read_switching_data(text_file(tmp_path, column("I_uA\n")))
    with pytest.raises(InputError, match=words):
        imported_histogram(data, **options)  # type: ignore[arg-type]  # censored is an int among floats
