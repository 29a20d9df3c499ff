"""Text files in the dialects of instruments, programs and countries: the same numbers, whatever they look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.analysis import read
from mqtctl.analysis.importers import text
from mqtctl.errors import InputError

SWITCHES = np.round(np.random.default_rng(3).normal(2.1, 0.02, 60), 5)  # uA
BATH = np.round(300.0 + np.random.default_rng(4).normal(0.0, 0.1, 60), 2)  # mK


def rows(line: str, header: str = "", end: str = "\n") -> str:
    """Return a file with one line for each switch: {i} its number, {x} the current in uA, {t} the temperature in mK."""
    body = "".join(line.format(i=i + 1, x=x, t=t) + end for i, (x, t) in enumerate(zip(SWITCHES, BATH, strict=True)))
    return header + body


def comma(content: str) -> str:
    return content.replace(".", ",")


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (rows("{x}", "I_sw (uA)\n"), {}),
        (rows("{i};{x};{t}", "Nr;I_s (uA);T (mK)\n"), {}),
        (comma(rows("{i};{x};{t}", "Nr;I_s (uA);T (mK)\n")), {}),
        (comma(rows('"{x}";"{t}"', '"I_s (uA)";"T (mK)"\n')), {}),
        (comma(rows("{x}\t{t}", "I_s (uA)\tT (mK)\n")), {}),
        (comma(rows("{x}  {t}", "# I_s(uA)  T(mK)\n")), {}),
        (comma(rows("{x:.5f}", "I_s (uA)\n")), {}),
        (rows("{x} {t}", "# I (uA)  T (mK)\n"), {}),
        (rows("{i},{x}", ",I_sw (uA)\n"), {}),
        (rows("{x}|{t}", "I_uA|T_mK\n"), {}),
        (rows("{x};{t}", "sep=;\nI_uA;T_mK\n"), {}),
        (rows("{x},{t}", "I_sw,T\nuA,mK\n"), {}),
        (rows("{x},{t}", "I_sw,T\n(uA),(mK)\n"), {}),
        (rows("{x}\t{t}", "I_sw\tT\nuA\tmK\nComment\tby hand\n"), {}),
        (rows("{i}\t{x}", '# "nr"\t"switch"\n# "Number"\t"Switching current (uA)"\n# 60\n'), {}),
        (rows("{x},{t}", "Junction B7\nmeasured by hand\n\nI_sw [uA],T [mK]\n"), {}),
        (rows("{x},{t}", "% a comment of MATLAB\nI_sw (uA),T (mK)\n"), {}),
        (rows("2024-05-03 21:14:05,{x},ok", "when,I_sw (uA),remark\n"), {}),
        (rows("{i},{x},", "nr,I_uA,comment\n"), {}),
        (rows("{x},{t}"), {"column": "1", "unit": "uA"}),
        (rows("{x},{t}", "current,bath\n"), {"column": "current", "unit": "uA"}),
        (rows("{x},{t}", "current,bath\n"), {"column": "CURRENT", "unit": "uA"}),
        (rows("{x} {i}", "I (uA) I_other(uA)\n"), {}),
        (rows("{x},{i}", "I_sw_uA,time_s\n"), {}),
        (rows("{x},{x}", "I_sw_uA,I_again_uA\n"), {"column": "2"}),
        (rows("{x:.5E}", "I (uA)\n").replace("E+", "D+"), {}),
        (rows("{x}", "I_sw (uA)\n", "\r\n"), {}),
        (rows("{x}", "I_sw (uA)\n", "\r"), {}),
        (comma(rows("{x}")), {"unit": "uA", "decimal": ","}),
        (rows("{x};{t}", "V_bias (mV);T (mK)\n"), {"bias_resistance": 1e3}),
        (rows("{x};{t}", "V_bias;T\n"), {"bias_resistance": 1e3, "column": "V_bias", "unit": "mV"}),
        (rows("-{x}", "I_sw (uA)\n"), {}),
        (rows("-{x}", "I_sw (uA)\n"), {"polarity": "negative"}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_every_dialect_gives_the_same_switches(
    content: str, options: dict[str, Any], encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "night.txt"
    path.write_bytes(content.replace("(uA)", "(µA)").encode(encoding))
    (record,) = read(path, **options)
    np.testing.assert_allclose(record.data.values, SWITCHES * 1e-6, rtol=1e-12)
    assert (record.data.quantity, record.data.polarity) == ("current", -1 if "\n-" in content else 1)


def test_what_was_assumed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "night 300mK.csv"
    path.write_bytes(comma(rows("{i};{x}", "Nr;I (µA)\n")).encode("cp1252"))
    (record,) = read(path)
    said = " ".join(record.said)
    for words in (
        "Windows-1252",
        "divided by semicolons, decimal commas",
        "column 2 'I (µA)'",
        "300 mK is that of the",
    ):
        assert words in said
    assert record.temperature == pytest.approx(0.3)


def test_labview_measurements_state_delimiter_decimal_mark_and_unit_in_their_header_block(tmp_path: Path) -> None:
    header = (
        "LabVIEW Measurement\t\nWriter_Version\t2\nSeparator\tTab\nDecimal_Separator\t,\nTime\t21:14:05,1\n"
        "***End_of_Header***\t\n\t\nChannels\t1\t\nSamples\t60\t\nY_Unit_Label\tAmpere\t\nX0\t0,0E+0\t\n"
        "***End_of_Header***\t\t\nX_Value\tI_switch\tComment\n"
    )
    path = tmp_path / "night.lvm"
    path.write_text(header + comma("".join(f"{0.02 * i:.6f}\t{x:.6E}\t\n" for i, x in enumerate(SWITCHES * 1e-6))))
    (record,) = read(path)
    np.testing.assert_allclose(record.data.values, SWITCHES * 1e-6, rtol=1e-12)
    assert "column 2 'I_switch' (A)" in record.said[-1]


def test_a_large_regular_file_is_read_fast_to_the_same_digits_and_an_irregular_one_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = np.random.default_rng(8).normal(1.0, 0.01, 60)
    plain = comma("Nr;I_s (uA);T (mK)\n" + "".join(f"{i};{x!r};300\n" for i, x in enumerate(digits.tolist())))
    path = tmp_path / "night.csv"
    for content in (plain, plain + "# a remark\n61;2,1;300,1;\n"):
        path.write_text(content)
        found = []
        for large in (1 << 30, 0):
            monkeypatch.setattr(text, "LARGE", large)
            found.append(read(path)[0])
        assert (found[0].data.values == found[1].data.values).all()
        assert found[0].data.values.size == content.count("\n") - 1 - content.count("#")
    path.write_text(plain + "\n# a remark\nx;2,1;\n62;;300\n")
    with pytest.raises(InputError, match=r"line 64|line 65"):
        read(path)


def test_a_long_file_whose_lines_differ_in_length_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["1.5"] * 30_000 + [f"1.2{'0' * 34}{number:04d}" for number in range(5000)]
    (tmp_path / "a.txt").write_text("I (uA)\n" + "\n".join(lines) + "\n")
    monkeypatch.setattr(text, "LARGE", 0)
    monkeypatch.setattr(text, "ROWS_AT_ONCE", 5000)
    (record,) = read(tmp_path / "a.txt")
    assert record.data.values.size == 35_000
    assert record.data.values[-1] == float(lines[-1]) * 1e-6


def test_a_long_table_is_one_histogram_for_each_set_point_and_ramp_rate(tmp_path: Path) -> None:
    lines = [f"{t},{v},{x}" for t in (150.0, 300.0) for v in (0.1, 0.2) for x in SWITCHES[:20] + t / 1000.0 + v]
    path = tmp_path / "all.csv"
    path.write_text("T_mK,rate (mA/s),I_uA\n" + "\n".join(lines) + "\n")
    found = read(path)
    np.testing.assert_allclose([record.temperature for record in found], [0.15, 0.15, 0.3, 0.3])
    np.testing.assert_allclose([record.ramp_rate or 0.0 for record in found], [1e-4, 2e-4, 1e-4, 2e-4])
    for record in found:
        expected = (SWITCHES[:20] + record.temperature + 1e3 * (record.ramp_rate or 0.0)) * 1e-6
        np.testing.assert_allclose(record.data.values, expected)


def test_readings_that_scatter_about_a_set_point_are_one_histogram(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    lines = [f"{x},{t + rng.normal(0.0, 0.3):.1f}" for t in (150.0, 300.0) for x in SWITCHES]
    path = tmp_path / "all.csv"
    path.write_text("I_uA,T_mK\n" + "\n".join(lines) + "\n")
    found = read(path)
    assert [record.temperature for record in found] == [pytest.approx(0.15, abs=2e-4), pytest.approx(0.3, abs=2e-4)]
    assert all(2e-4 < record.temperature_std < 4e-4 for record in found)


def test_a_wide_table_is_one_histogram_for_each_column_whose_end_may_be_filled_up(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    lines = [f"{x}\t{x + 0.1 if i < 40 else 'NaN'}" for i, x in enumerate(SWITCHES)]
    path.write_text("150 mK\t300 mK\n" + "\n".join(lines) + "\n")
    low, high = read(path, unit="uA")
    np.testing.assert_allclose([low.temperature, high.temperature], [0.15, 0.3])
    assert (low.data.values.size, high.data.values.size, high.data.missed) == (60, 40, 0)
    assert any("20 empty cells" in sentence for sentence in high.said)


def test_a_temperature_column_without_a_unit_is_asked_for_it_and_may_be_given_one(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text(rows("{x},{t}", "I_uA,bath\n"))
    with pytest.raises(InputError, match=r"'bath \(mK\)'"):
        read(path, temperature_column="bath")
    assert read(path, temperature_column="bath (mK)")[0].temperature == pytest.approx(0.3, abs=1e-4)


def test_a_temperature_that_cannot_be_used_is_refused_unless_the_column_is_left_aside(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text(rows("{x},{t}", "I_uA,T_mK\n") + "2.1,0\n")
    with pytest.raises(InputError, match=r"line 62: the bath temperature 0 mK .* --temperature-column none leaves"):
        read(path)
    assert np.isnan(read(path, temperature_column="none")[0].temperature)


def test_thermometers_named_by_their_plates_are_no_switching_values(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text(rows("3.9,48,{x},{t}", "4 K plate,50 K plate,I_uA,T_mK\n"))
    (record,) = read(path)
    np.testing.assert_allclose(record.data.values, SWITCHES * 1e-6)
    assert record.temperature == pytest.approx(0.3, abs=1e-4)
    assert "the bath temperature is column 4 'T_mK'" in record.said[-1]


def test_a_sorted_list_of_currents_is_not_taken_for_an_axis(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("I_uA,wait_ms\n" + "".join(f"{x},{t}\n" for x, t in zip(np.sort(SWITCHES), BATH, strict=True)))
    with pytest.raises(InputError, match="2 of them may hold"):
        read(path)
    assert read(path, quantity="current")[0].data.values[0] == pytest.approx(SWITCHES.min() * 1e-6)


def test_both_polarities_come_apart(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text("I_uA\n" + "".join(f"{x if i % 2 else -x}\n" for i, x in enumerate(SWITCHES)))
    up, down = read(path, polarity="both")
    np.testing.assert_allclose(up.data.values, SWITCHES[1::2] * 1e-6)
    np.testing.assert_allclose(down.data.values, SWITCHES[::2] * 1e-6)
    assert (up.data.polarity, down.data.polarity) == (1, -1)


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("".join(f"{k},{10 + 7 * k % 80}\n" for k in range(60)), {}, "say --decimal , or --delimiter ,"),
        ("Run 3\n" + "".join(f"2,{10 + 7 * k % 80}\n" for k in range(60)), {"unit": "uA"}, "say --decimal , or"),
        (rows("{x},{x}", "I_a (uA),I_b (uA)\n"), {}, "--column NAME or NUMBER: 1 'I_a (uA)', 2 'I_b (uA)'"),
        (rows("{x},{x}"), {}, "--column NAME or NUMBER, and --unit: 1 (2."),
        (rows("{x},{t}", "I_uA,T_mK\n"), {"column": "3"}, "--column '3' is none of its columns"),
        (rows("{x},{t}", "I_uA,T_mK\n"), {"column": "T_mK"}, "neither a current nor a time"),
        (rows("{x},{t}", "I_uA,T_mK\n"), {"unit": "nA"}, "states the unit 'uA' but 'nA' was given"),
        (rows("{x},{t}", "I_uA,T_mK\n") + "2.1\n", {}, "line 62: '2.1' has 1 columns where most have 2"),
        (rows("{x},{t}", "I_uA,T_mK\n") + "2.1,cold\n", {}, "line 62: 'cold' is not a number"),
        (rows("{x},{t}", "I_uA,T_mK\n") + "warm,300.0\n", {}, "line 62: 'warm' is not a number"),
        (rows("{i},{x}", "nr,I_uA\n") + "mean,2.1\n", {}, "line 62: 'mean' is not a number, as column 1 is"),
        (rows("{x},{t}", "V_mV,T_mK\n"), {}, "--bias-resistance"),
        ('{"i_sw": [2.1, 2.2]}', {}, "JSON"),
        (rows("{x}", "I_uA\n"), {"bias_resistance": 1e3}, "--bias-resistance is for voltages"),
        (rows("{x}", "I_uA\n"), {"quantity": "time"}, "is not that of a time (--quantity)"),
        (rows("{x}", "I_uA\n"), {"quantity": "charge"}, "--quantity can be current, time, voltage"),
        (rows("{x}", "I_uA\n"), {"polarity": "up"}, "--polarity can be positive, negative, both"),
        (rows("{x}", "I_uA\n"), {"polarity": "both"}, "one sign only"),
        (rows("{x}", "I_uA\n"), {"polarity": "negative"}, "holds 0 switches"),
        (rows("{x}", "t_us\n"), {"polarity": "both"}, "times, which have no sign"),
        (rows("{x}", "I_uA\n") + "-2.1\n", {}, "line 62: the current -2.1 uA is not positive"),
        (rows("{x}", "I_uA\n"), {"delimiter": "x"}, "--delimiter 'x' is not known"),
        (rows("{x}", "I_uA\n"), {"decimal": "'"}, '--decimal "\'" is not known'),
        (rows("{x}", "I_uA\n"), {"encoding": "klingon"}, "--encoding"),
        (rows("{x}", "I_uA\n") + "\xff", {"encoding": "ascii"}, "line 62"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_option_that_decides(
    content: str, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "night.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(path, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
