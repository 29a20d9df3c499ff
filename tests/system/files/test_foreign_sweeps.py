"""`mqtctl analyze` on several lists that are a sweep together, however kept, and on a description beside them."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from mqtctl.analysis.importers import ReadOptions
from mqtctl.cli.app import app
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState
from mqtctl.workflow import ForeignFacts
from mqtctl.workflow.file_analysis.files import gathered

IC, CAPACITANCE, RATE = 2.4e-6, 1.2e-12, 2e-4
RAMP = ("--ramp-rate", "0.2 mA/s", "--capacitance", "1.2 pF")
BATHS = (0.15, 0.2, 0.3, 0.45, 0.6, 0.8)
Sweep = dict[float, NDArray[np.float64]]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["analyze", *(str(argument) for argument in arguments)])


def fitted(*arguments: str | Path) -> dict[str, Any]:
    outcome = run(*arguments, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result: dict[str, Any] = json.loads(outcome.stdout)
    return result


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    """Switching currents in A of an undamped junction at six temperatures."""
    rng = np.random.default_rng(12)
    laws = {t: SwitchingDistribution(Junction(IC, CAPACITANCE), t, RATE, model=TransitionState()) for t in BATHS}
    return {bath: np.asarray(law.sample(150, rng)) for bath, law in laws.items()}


def six_files(folder: Path, sweep: Sweep) -> list[Path]:
    for bath, currents in sweep.items():
        np.savetxt(folder / f"night {1e3 * bath:.0f}mK.txt", currents, header="I_sw (A)", fmt="%.12e")
    return sorted(folder.glob("*.txt"))


def a_folder(folder: Path, sweep: Sweep) -> list[Path]:
    six_files(folder, sweep)
    (folder / "notes.md").write_text("by hand")
    return [folder]


def a_long_table(folder: Path, sweep: Sweep) -> list[Path]:
    path = folder / "all.csv"
    lines = [f"{1e3 * bath},{current:.12e}\n" for bath, currents in sweep.items() for current in currents]
    path.write_text("T_mK,I_sw_A\n" + "".join(lines))
    return [path]


def a_wide_table(folder: Path, sweep: Sweep) -> list[Path]:
    path = folder / "all.txt"
    names = "\t".join(f"{1e3 * bath:.0f} mK (A)" for bath in sweep)
    np.savetxt(path, np.column_stack(list(sweep.values())), delimiter="\t", header=names, comments="", fmt="%.12e")
    return [path]


def blob(values: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def database(path: Path, sweep: Sweep, *, arrays: bool, version: int = 9) -> list[Path]:
    """Write what QCoDeS does: times with the bath temperature, a run for each, as arrays or one row a switch."""
    specs = [
        {"name": name, "unit": unit, "paramtype": kind}
        for name, unit, kind in (
            ("mxc", "K", "numeric"),
            ("axis", "#", "array" if arrays else "numeric"),
            ("interval", "s", "array" if arrays else "numeric"),
            ("remark", "", "text"),
        )
    ]
    description = json.dumps({"interdependencies": {"paramspecs": specs}})
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute(f"PRAGMA user_version = {version}")
        opened.execute("CREATE TABLE runs (run_id INTEGER, result_table_name TEXT, run_description TEXT)")
        for number, (bath, currents) in enumerate(sweep.items(), 1):
            name = f"results-1-{number}"
            opened.execute("INSERT INTO runs VALUES (?, ?, ?)", (number, name, description))
            opened.execute(f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY, mxc, axis, interval, remark)')
            times = currents / RATE
            rows = (
                [(bath, blob(np.arange(times.size)), blob(times))]
                if arrays
                else [(bath, k, float(t)) for k, t in enumerate(times)]
            )
            opened.executemany(f"INSERT INTO \"{name}\" (mxc, axis, interval, remark) VALUES (?, ?, ?, 'x')", rows)
    opened.close()
    return [path]


def a_database_of_arrays(folder: Path, sweep: Sweep) -> list[Path]:
    return database(folder / "night.db", sweep, arrays=True)


def a_database_of_rows(folder: Path, sweep: Sweep) -> list[Path]:
    return database(folder / "night", sweep, arrays=False)


@pytest.mark.parametrize(
    "write", [six_files, a_folder, a_long_table, a_wide_table, a_database_of_arrays, a_database_of_rows]
)
def test_a_sweep_is_found_however_it_is_kept(
    write: Callable[[Path, Sweep], list[Path]], sweep: Sweep, tmp_path: Path
) -> None:
    found = gathered(write(tmp_path, sweep), ForeignFacts(read=ReadOptions()))
    assert [record.temperature for record in found] == [pytest.approx(bath) for bath in BATHS]
    for record, currents in zip(found, sweep.values(), strict=True):
        factor = RATE if record.data.quantity == "time" else 1.0
        np.testing.assert_allclose(record.data.values * factor, currents, rtol=1e-9)


@pytest.mark.usefixtures("blank_figures")
def test_six_files_end_in_a_verdict_and_a_report_in_one_command(sweep: Sweep, tmp_path: Path) -> None:
    result = fitted(*six_files(tmp_path, sweep), *RAMP, "--report", tmp_path / "out", "--quick")
    assert [point["temperature_K"] for point in result["points"]] == [pytest.approx(bath) for bath in BATHS]
    assert (result["points_planned"], result["points_done"], result["simulated"]) == (6, 6, False)
    assert result["verdict"]
    assert abs(result["critical_current_A"] - IC) < 5.0 * result["critical_current_stderr_A"]
    for point in result["points"]:
        # five standard errors; the full law of the shared fit differs from that of the data by less than one
        assert abs(point["escape_temperature_K"] - point["temperature_K"]) < 5 * point["escape_temperature_stderr_K"]
    page = Path(result["report"])
    told = page.read_text(encoding="utf-8")
    assert "Capacitance used, as given" in told
    assert "from the sample file" not in told
    assert "Ramp rate</td><td>200 uA/s" in told
    assert "bath temperatures below the crossover temperature, about 58 mK" in told
    assert page.is_relative_to(tmp_path / "out")
    assert "night 150mK.txt" in page.read_text(encoding="utf-8")
    assert any("that of the file's name" in sentence for sentence in result["assumed"])


def test_ramp_rates_in_a_column_are_taken_from_it_and_contradict_another(sweep: Sweep, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    path.write_text("I_sw_A,rate (mA/s)\n" + "".join(f"{current:.9e},0.2\n" for current in sweep[0.3]))
    capacitance = ("--capacitance", "1.2 pF")
    assert fitted(path, *capacitance, "--rate-column", "2")["ramp_rate_A_per_s"] == pytest.approx(RATE)
    assert "states the ramp rate 200 uA/s" in run(path, *capacitance, "--ramp-rate", "1 mA/s").stderr


def test_one_run_of_a_database_is_one_histogram(sweep: Sweep, tmp_path: Path) -> None:
    (path,) = a_database_of_arrays(tmp_path, sweep)
    result = fitted(path, "--run", "3", *RAMP)
    assert result["temperature_K"] == pytest.approx(0.3)
    assert result["mean_switching_current_A"] == pytest.approx(sweep[0.3].mean())


def test_both_polarities_show_the_offset_which_is_taken_out(sweep: Sweep, tmp_path: Path) -> None:
    currents = sweep[0.3].copy()
    currents[1::2] *= -1.0
    np.savetxt(tmp_path / "both.csv", currents + 2e-8, header="I_sw (A)")
    result = fitted(tmp_path / "both.csv", *RAMP, "--polarity", "both", "--temperature", "0.3 K")
    assert [point["polarity"] for point in result["points"]] == [1, -1]
    assert abs(result["offset_current_A"] + 2e-8) < 4.0 * result["offset_current_stderr_A"]


@pytest.mark.usefixtures("blank_figures")
def test_one_histogram_has_a_report_as_well(sweep: Sweep, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "night.csv", sweep[0.3], header="I_sw (A)")
    result = fitted(tmp_path / "night.csv", *RAMP, "--temperature", "0.3 K", "--report", tmp_path / "out")
    assert "night.csv" in Path(result["report"]).read_text(encoding="utf-8")


DESCRIPTION = """\
column: V_bias   # across the resistor
unit: mV
bias_resistance: 100 kOhm
ramp_rate: 0.2 mA/s
capacitance: 1.2 pF
temperature: 300 mK
empty: missed
resolution: 0 A
"""


def test_a_description_says_what_the_options_say_and_an_option_wins(sweep: Sweep, tmp_path: Path) -> None:
    path, beside = tmp_path / "night.csv", tmp_path / "night.yaml"
    rows = "".join(f"{k},{current * 1e8!r}\n" for k, current in enumerate(sweep[0.3].tolist()))
    path.write_text("nr,V_bias\n" + rows + "150,nan\n")
    beside.write_text(DESCRIPTION)
    result = fitted(path, "--describe", beside)
    assert (result["switches"], result["missed"], result["temperature_K"]) == (150, 1, 0.3)
    assert result["mean_switching_current_A"] == pytest.approx(sweep[0.3].mean())
    assert fitted(path, "--describe", beside, "--temperature", "0.31 K")["temperature_K"] == 0.31
    options = ("--column", "V_bias", "--unit", "mV", "--bias-resistance", "100 kOhm", *RAMP, "--empty", "missed")
    plain = fitted(path, *options, "--temperature", "300 mK", "--resolution", "0 A")
    assert plain == result


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("colunm: 2\n", "colunm"),
        ("ramp_rate: 3\n", "ramp_rate"),
        ("polarity: up\n", "polarity"),
        ("resolution: 3 V\n", "resolution"),
    ],
)
def test_a_faulty_description_is_refused(line: str, words: str, sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(line)
    np.savetxt(tmp_path / "night.csv", sweep[0.3], header="I_sw (A)")
    outcome = run(tmp_path / "night.csv", *RAMP, "--describe", tmp_path / "d.yaml")
    assert outcome.exit_code == 2
    assert words in outcome.stderr
    assert "d.yaml" in outcome.stderr


LIST = "I_uA\n" + "".join(f"{2.1 + 0.001 * (k * 7 % 50)}\n" for k in range(50))
BAD: list[tuple[str, str | bytes, tuple[str, ...], str]] = [
    ("empty.csv", "", RAMP, "is empty"),
    ("line.csv", "I_uA\n2.1\n", RAMP, "holds 1 switches"),
    ("constant.csv", "I_uA\n" + "2.1\n" * 50, RAMP, "are equal to 2.1 uA"),
    ("nan.csv", "I_uA\n" + "nan\n" * 50, RAMP, "50 of 50 values are no readings, the first in line 2"),
    ("lost.csv", "I_uA\n" + "nan\n" * 50, (*RAMP, "--empty", "missed"), "holds 0 switches"),
    ("signs.csv", LIST + "-2.1\n", RAMP, "line 52: the current -2.1 uA is not positive"),
    ("thousand.csv", LIST, (*RAMP, "--critical-current", "2.4 mA"), "times the largest switching current"),
    ("million.csv", LIST.replace("uA", "A"), (*RAMP, "--critical-current", "2.4 uA"), "check the unit|lies below"),
    ("two.csv", "I_uA,J_uA\n" + "2.1,2.2\n2.2,2.1\n" * 20, RAMP, "--column NAME or NUMBER"),
    ("counts.csv", "I_uA,counts\n2.1,3\n2.2,-4\n2.3,5\n", RAMP, "line 3: -4 is no count"),
    ("edges.csv", "low_uA,high_uA,counts\n2.1,2.2,3\n2.2,2.2,4\n2.2,2.3,5\n", RAMP, "line 3: the bin from 2.2 to 2.2"),
    ("rate.csv", LIST, ("--ramp-rate", "0 A/s", "--capacitance", "1.2 pF"), "--ramp-rate is 0 A/s"),
    ("no_rate.csv", LIST, ("--capacitance", "1.2 pF"), "needs --ramp-rate"),
    ("no_unit.csv", LIST.replace("I_uA\n", ""), RAMP, "give --unit"),
    ("comma.csv", "".join(f"2,{k % 7 + 1}\n" for k in range(50)), RAMP, "--decimal , or --delimiter ,"),
    ("volts.csv", LIST.replace("I_uA", "V_mV"), RAMP, "--bias-resistance"),
    (
        "forged.npy",
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,), }".ljust(117)
        + b"\n"
        + bytes(80),
        (*RAMP, "--unit", "A"),
        "announces|damaged",
    ),
    ("pickle.csv", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00N.", RAMP, "a pickle, which is never read"),
    ("other.db", b"SQLITE", RAMP, "not made by|cannot be used for a stored|mqtctl"),
    ("newer.db", b"NEWER", RAMP, "format 10, newer than 9"),
    ("resistor.csv", LIST, (*RAMP, "--bias-resistance", "-1 Ohm"), "--bias-resistance"),
    ("huge.csv", b"HUGE", RAMP, "10000000000 bytes, more than 2000000000"),
]


@pytest.mark.parametrize(("name", "content", "options", "words"), BAD, ids=[case[0] for case in BAD])
def test_bad_input_is_refused_in_one_sentence_with_exit_code_2(
    name: str, content: str | bytes, options: tuple[str, ...], words: str, sweep: Sweep, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content == b"HUGE":
        with path.open("wb") as stream:
            stream.truncate(10_000_000_000)
    elif content == b"NEWER":
        database(path, {0.3: sweep[0.3]}, arrays=True, version=10)
    elif content == b"SQLITE":
        with closing(sqlite3.connect(path)) as opened, opened:
            opened.execute("CREATE TABLE accounts (name TEXT)")
        opened.close()
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    outcome = run(path, *options)
    assert outcome.exit_code == 2, outcome.stdout
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert any(word in outcome.stderr for word in words.split("|"))


def test_stored_runs_are_analysed_by_themselves_and_lists_need_temperatures_to_be_a_sweep(
    sweep: Sweep, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        np.savetxt(tmp_path / name, sweep[0.3], header="I_sw (A)")
    (tmp_path / "empty").mkdir()
    assert "analysed by itself" in run(tmp_path / "a.csv", tmp_path / "empty", *RAMP).stderr
    assert "bath temperature is not known" in run(tmp_path / "a.csv", tmp_path / "b.csv", *RAMP).stderr
    named = six_files(tmp_path, sweep)
    assert "the data state 6 bath temperatures" in run(*named, *RAMP, "--temperature", "1 K").stderr
    for path in named:
        path.unlink()
    assert "--censored is for one histogram" in run(tmp_path, *RAMP, "--censored", "3", "--temperature", "1 K").stderr


def test_a_sweep_far_below_its_baths_names_the_causes_before_the_verdict(sweep: Sweep, tmp_path: Path) -> None:
    warmer = {3.0 * bath: currents for bath, currents in sweep.items()}
    told = run(*a_long_table(tmp_path, warmer), *RAMP, "--quick", "--report", tmp_path / "out").stdout
    wrong = told.index("as no junction can: unit, ramp rate, capacitance or the thermometer is wrong")
    assert told.rindex("WRONG: the junction is at 0.", 0, wrong) > 0
    assert wrong < told.index("\ncritical current") < told.index("\nverdict")
    verdict = told.partition("\nverdict: ")[2].partition("\n")[0]
    assert verdict.startswith("Not identifiable")
    assert "as no junction can" in verdict
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.index("times the bath temperature above the crossover") < page.index("Not identifiable:")


def test_a_missing_resistance_is_said_with_its_option(sweep: Sweep, tmp_path: Path) -> None:
    (data,) = a_long_table(tmp_path, sweep)
    flags = fitted(data, *RAMP, "--quick")["flags"]
    (flag,) = [text for text in flags if "no resistance is known" in text]
    assert "--resistance" in flag
    assert not any("does not hold" in text for text in flags)
    assert not any("resistance" in text for text in fitted(data, *RAMP, "--quick", "--resistance", "1 kOhm")["flags"])
