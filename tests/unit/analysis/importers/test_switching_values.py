from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from mqtctl.analysis import SwitchingData, imported_histogram, read_switching_data
from mqtctl.analysis.importers import switching_values
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
        ("Current (Amps)\n", "current", 1.0),
        ("# I_sw (uA)\n", "current", 1e-6),
        ("# interval start-stop (us)\n", "time", 1e-6),
        ("I_sw (uA), ramp 200 uA/s\n", "current", 1e-6),
        ("I_sw (uA), wait 5 ms\n", "current", 1e-6),
        ("I / uA\n", "current", 1e-6),
        ("I_sw\nuA\n", "current", 1e-6),
        ("# wait (ms): 5\nI (uA)\n", "current", 1e-6),
        ("# offset 3 (nA), gate = 2.5e1 [nA]\nI (uA) 300mK\n", "current", 1e-6),
        ("# delay [us] = 10\nB7 (uA)\n", "current", 1e-6),
        ("# cooldown 12, A\n# ramp rate (uA/s): 200\n# T (mK): 300\nI_nA\n", "current", 1e-9),
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
        (
            column("I_uA\n") + "nan\n",
            None,
            "1 of 13 values are no readings, the first in line 14 (NaN): say with --empty",
        ),
        (column("I_uA\n") + "NaN\n9.91E37\n", None, "2 of 14 values are no readings, the first in line 14"),
        (column("I_uA\n") + '""\n', None, "no readings, the first in line 14 (NaN)"),
        (column("t_us\n") + "-1\n", None, "line 14: the time -1 us is not positive"),
        (column("t_us\n") + "0\n", None, "no readings, the first in line 14 (0)"),
        (column("I_uA\n") + "-inf\n", None, "line 14: the current -inf uA is not positive"),
        (column(), None, "does not state the unit"),
        (column("current\n"), None, "does not state the unit"),
        (column(), "UA", "did you mean 'uA'"),
        (column(), "V", "is not known"),
        (column("I_uA\n"), "nA", "states the unit 'uA' but 'nA' was given"),
        (column("I_uA\n") + "header again\n", None, "line 14"),
        (column("I_uA\n") + "9,15\n", None, "line 14: '9,15' has a decimal comma or two columns"),
        (column("Junction A\n"), None, "does not state the unit"),
        (column("Run 3, waits\n"), None, "does not state the unit"),
        (column("I_sw, ramp 200 uA/s\n"), None, "does not state the unit"),
        (column("I_sw, wait 5 ms\n"), None, "does not state the unit"),
        (column("Switching currents, wait 5 (ms)\n"), None, "does not state the unit"),
        (column("Switching currents, wait (ms): 5\n"), None, "does not state the unit"),
        (column("5 (ms) between ramps, delay [us] = .5\n"), None, "does not state the unit"),
        (column("# I_sw (uA)\n"), "nA", "states the unit 'uA' but 'nA' was given"),
        (column("# wait (ms)\nI (uA)\n"), None, "states more than one unit, 'ms' in line 1 and 'uA' in line 2"),
        (column("I_uA\n") + "# second run (nA)\n" + column(), None, "states more than one unit"),
        (column("V_bias (mV)\n"), None, "the numbers have the unit 'mV'"),
        (column("V_bias (mV)\n"), "uA", "the numbers have the unit 'mV'"),
        (column("ramp_uA/s\n"), None, "the numbers have the unit 'uA/s'"),
        ("words\n" * 40, "A", "holds no numbers, only text such as 'words'"),
    ],
)
def test_bad_text_is_refused_in_one_sentence(tmp_path: Path, content: str, unit: str | None, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_switching_data(text_file(tmp_path, content), unit)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_unit_given_by_hand_is_not_refused_for_that_of_a_setting_in_the_title(tmp_path: Path) -> None:
    for title in ("Switching currents, wait 5 (ms)\n", "Switching currents at 300 (mK)\n", "I_sw, ramp (mA/s): 0.2\n"):
        data = read_switching_data(text_file(tmp_path, column(title)), "uA")
        assert data.values == pytest.approx(np.array(VALUES) * 1e-6)


def test_a_unit_given_by_hand_wins_over_a_title_and_decides_between_two_that_are_stated(tmp_path: Path) -> None:
    for header in ("Junction A\n", "Sample 3 (300 K), 5 ms\n", "# wait (ms): 5\nI (uA)\n"):
        data = read_switching_data(text_file(tmp_path, column(header)), unit="uA")
        assert data.values[0] == pytest.approx(9.01e-6)


@pytest.mark.parametrize("reading", ["nan", "NaN", "9.91E37", "+9.90000000E+37", "0", '""', "NA"])
@pytest.mark.parametrize("empty", ["missed", "survived"])
def test_empty_readings_are_what_their_owner_says(tmp_path: Path, reading: str, empty: str) -> None:
    data = read_switching_data(text_file(tmp_path, column("I_uA\n") + f"{reading}\n{reading}\n"), empty=empty)
    assert data.values.size == len(VALUES)
    assert (data.missed, data.censored) == ((2, 0) if empty == "missed" else (0, 2))


def test_an_option_for_empty_readings_counts_for_infinite_ones_too(tmp_path: Path) -> None:
    path = text_file(tmp_path, column("I_uA\n") + "inf\n")
    assert read_switching_data(path, empty="missed").missed == 1
    with pytest.raises(InputError, match="missed or survived"):
        read_switching_data(path, empty="lost")


def test_values_equal_to_the_stop_current_did_not_switch(tmp_path: Path) -> None:
    data = read_switching_data(text_file(tmp_path, column("I_uA\n") + "9.14\n9.140000001\n"))
    histogram = imported_histogram(data, ramp_rate=1e-3, stop_current=9.14e-6)
    assert histogram.censored == 2
    assert histogram.switching_currents.max() == pytest.approx(9.12e-6)
    with pytest.raises(InputError, match="equal the stop current"):
        imported_histogram(read_switching_data(text_file(tmp_path, "I_uA\n9\n" + "9.1\n" * 20)), 1e-3, 0.0, 9.1e-6)


def forged(shape: str, descr: str = "'<f8'") -> bytes:
    """Return the header of a `.npy` file that says what is not there, followed by 160 bytes."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + np.arange(1.0, 21.0).tobytes()


@pytest.mark.parametrize(
    "content",
    [
        forged("(1000000000000,)"),
        forged("(10**18,)"),
        forged("(9223372036854775807, 9223372036854775807)"),
        forged("(-1,)"),
        forged("(0,)"),
        forged("()"),
        forged("(15,)"),
        forged("(20.5,)"),
        forged("'twenty'"),
        forged("(20,)", "'|O'"),
        forged("(20,)", "'<c16'"),
        forged("(20,)", "'<U2'"),
        forged("(20,)", "'<M8[s]'"),
        forged("(10,)", "[('a', '<f8'), ('b', '<f8')]"),
        forged("(20,)", "'<f8', 'more': 1"),
        forged("(20,", "'<f8'"),
        forged("(20,)", "'<f8"),
        forged("(20L,", "(((("),
        forged("(20,)", "(" * 4000),
        forged("(20,)", "[]"),
        forged("(2, 10)"),
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY",
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N.",
        b"PK\x03\x04" + bytes(100),
        b"\x89HDF\r\n\x1a\n" + bytes(100),
        "I (uA)\n9\n".encode("utf-16"),
    ],
)
@pytest.mark.parametrize("name", ["forged.npy", "forged.csv"])
def test_forged_arrays_and_other_formats_are_refused_in_one_sentence(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_switching_data(path, "uA")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [">f8", "<f4", ">i4", "u2"])
def test_arrays_of_any_byte_order_are_read_a_column_in_any_memory_order(tmp_path: Path, dtype: str) -> None:
    values = np.arange(100, 200).astype(dtype)
    for array in (values, values.reshape(-1, 1), np.asfortranarray(values.reshape(1, -1))):
        np.save(tmp_path / "x.npy", array)
        assert read_switching_data(tmp_path / "x.npy", "nA").values == pytest.approx(np.arange(100, 200) * 1e-9)


def test_huge_and_endless_files_are_refused_before_they_are_read(tmp_path: Path) -> None:
    for size in (10_000_000_000, 1_500_000_000):
        with (tmp_path / "sparse.csv").open("wb") as stream:
            stream.truncate(size)
        with pytest.raises(InputError, match=r"more than 2000000000|holds zero bytes"):
            read_switching_data(tmp_path / "sparse.csv", "uA")
    with pytest.raises(InputError, match="is a device"):
        read_switching_data("/dev/zero", "uA")


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


def read_amperes_behind_semicolons(path: Path) -> SwitchingData:
    """Read a format of a laboratory: everything in one line, in uA."""
    return SwitchingData(np.array(path.read_text(encoding="utf-8").split(";"), dtype=float) * 1e-6, "current", 2, 1)


def read_nothing_useful(path: Path) -> list[float]:
    return [1.0]


def lab_importers(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the functions of this file importable; returns the path of the module."""
    monkeypatch.setitem(sys.modules, "lab_importers", sys.modules[__name__])
    return "lab_importers"


@pytest.mark.parametrize("registered", [False, True])
def test_a_function_of_another_package_reads_its_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registered: bool
) -> None:
    importer = f"{lab_importers(monkeypatch)}:read_amperes_behind_semicolons"
    file = text_file(tmp_path, ";".join(str(value) for value in VALUES), "night.ACME")
    if registered:
        monkeypatch.setattr(switching_values, "registered", lambda group: {"acme": importer})
    data = read_switching_data(file, importer=None if registered else importer)
    np.testing.assert_allclose(data.values, np.array(VALUES) * 1e-6)
    assert (data.quantity, data.censored, data.missed) == ("current", 2, 1)
    with pytest.raises(InputError, match="leave them out"):
        read_switching_data(file, "uA", importer=importer)


@pytest.mark.parametrize(
    ("function", "content", "complaint"),
    [
        ("read_nothing_useful", "1", "must return SwitchingData"),
        ("read_amperes_behind_semicolons", "1;x", "cannot be read by lab_importers:read_amperes_behind_semicolons"),
        ("read_amperes_behind_semicolons", "1;-2", "positive, finite"),
        ("read_amperes_behind_semicolons", "1;2", "at least 10"),
        ("VALUES", "1", "is no function"),
        ("read_what", "1", "there is no 'read_what'"),
    ],
)
def test_a_reader_that_returns_nonsense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, content: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read_switching_data(text_file(tmp_path, content), importer=f"{lab_importers(monkeypatch)}:{function}")
