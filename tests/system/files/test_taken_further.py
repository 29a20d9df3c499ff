"""What else `mqtctl` makes of data from elsewhere: a description, a table of rates, runs in a database."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app
from mqtctl.documents import load_yaml
from mqtctl.physics import Junction, SwitchingDistribution, TransitionState

IC, CAPACITANCE, RATE = 2.4e-6, 1.2e-12, 2e-4
RAMP = ("--ramp-rate", "0.2 mA/s", "--capacitance", "1.2 pF")
NUMBERS = ("escape_temperature_free_K", "escape_temperature_free_stderr_K", "critical_current_free_A", "switches")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fitted(*arguments: str | Path) -> dict[str, Any]:
    outcome = run("analyze", *arguments, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    result: dict[str, Any] = json.loads(outcome.stdout)
    return result


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def switches(bath: float = 0.3, number: int = 400, seed: int = 6) -> NDArray[np.float64]:
    law = SwitchingDistribution(Junction(IC, CAPACITANCE), bath, RATE, model=TransitionState())
    return np.asarray(law.sample(number, np.random.default_rng(seed)))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "night.txt"
    np.savetxt(path, switches() * 1e6, header="I_sw (uA), ramp 200 uA/s", fmt="%.15g")
    return path


def test_a_description_of_data_is_what_analyze_then_needs(plain: Path, tmp_path: Path) -> None:
    outcome = run("init", "--data", plain, tmp_path / "here")
    assert outcome.exit_code == 0
    assert "Say ramp_rate, capacitance in it" in outcome.stderr
    written = Path(outcome.stdout.strip())
    assert load_yaml(written)["unit"] == "uA"
    text = written.read_text()
    assert "400 switching currents" in text
    assert "the file mentions 200 uA/s" in text
    assert run("analyze", "--describe", written).exit_code == 2  # the ramp rate is a guess until somebody says it
    answered = text.replace("# ramp_rate: 200 uA/s", "ramp_rate: 200 uA/s")
    written.write_text(answered.replace("# capacitance: ___", "capacitance: 1.2 pF"))
    mine, direct = fitted("--describe", written), fitted(plain, *RAMP)
    assert [mine[key] for key in NUMBERS] == [direct[key] for key in NUMBERS]
    again = run("init", "--data", plain, tmp_path / "here")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_what_a_file_leaves_open_stands_in_its_description_with_the_key_that_answers_it(tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("a,b\n" + "".join(f"{v:.9g},{v + 1:.9g}\n" for v in switches()))
    assert run("init", "--data", tmp_path / "two.csv", tmp_path).exit_code == 0
    text = (tmp_path / "two.yaml").read_text()
    assert "# Not read yet: " in text
    assert "\n# column: ___  # such as 2\n" in text
    assert "\n# unit: ___  # such as uA\n" in text


def test_a_rate_table_has_every_histogram_with_errors_and_the_law_inside_them(plain: Path, tmp_path: Path) -> None:
    second = tmp_path / "600mK.txt"
    np.savetxt(second, switches(0.6, 400, 7) * 1e6, header="I_sw (uA)", fmt="%.15g")
    result = fitted(plain, second, *RAMP, "--temperature", "0.3 K", "--temperature-column", "none", "--quick")
    assert "rates" not in result
    for file, bath in ((plain, 0.3), (second, 0.6)):
        result = fitted(file, *RAMP, "--rates", tmp_path / "rates.csv")
        found = rows(tmp_path / "rates.csv")
        assert sum(int(row["switched"]) for row in found) == 400
        assert found[-1]["rate_per_s"] == "inf"  # in the last bin all switched
        assert float(found[-1]["rate_lower_per_s"]) > 0.0
        finite = [row for row in found[:-1] if row["switched"] != "0"]
        for row in finite:
            numbers = [float(row[f"rate_{key}per_s"]) for key in ("lower_", "", "upper_")]
            assert numbers == sorted(numbers)
            assert float(row["rate_poisson_upper_per_s"]) == pytest.approx(numbers[2], rel=0.3)
        middle = finite[len(finite) // 2]
        low, high = (float(middle[f"escape_temperature_{end}_K"]) for end in ("lower", "upper"))
        assert low - 0.05 * bath < result["escape_temperature_free_K"] < high + 0.05 * bath


def test_bins_of_rounded_currents_are_whole_steps(tmp_path: Path) -> None:
    step = 3e-9
    np.savetxt(tmp_path / "r.txt", np.rint(switches() / step) * step, header="I (A)", fmt="%.12g")
    fitted(tmp_path / "r.txt", *RAMP, "--rates", tmp_path / "rates.csv")
    found = rows(tmp_path / "rates.csv")
    widths = np.array([float(row["current_high_A"]) - float(row["current_low_A"]) for row in found]) / step
    np.testing.assert_allclose(widths, np.rint(widths), atol=1e-3)
    assert sum(int(row["switched"]) for row in found) == 400


def test_what_is_taken_into_a_database_gives_the_same_numbers_there(tmp_path: Path) -> None:
    database = tmp_path / "lab.db"
    files = []
    for bath in (0.3, 0.6):
        files.append(tmp_path / f"{1e3 * bath:.0f}mK.txt")
        currents = np.rint(switches(bath, 300, 8) / 4e-9) * 4e-9
        np.savetxt(files[-1], currents, header="I_sw (A)", fmt="%.12g")
    options = ("--resolution", "4 nA", "--rounding", "up", "--quick")
    elsewhere = fitted(*files, *RAMP, *options, "--into", database, "--rates", tmp_path / "a.csv")
    stored = fitted(database, "--quick", "--rates", tmp_path / "b.csv")
    assert elsewhere["run_ids"] == [point["run_id"] for point in stored["points"]]
    for one, other in zip(elsewhere["points"], stored["points"], strict=True):
        assert {**one, "run_id": None} == {**other, "run_id": None}
    assert elsewhere["verdict"] == stored["verdict"]
    assert stored["points_done"] == 2
    assert stored["simulated"] is None  # nobody knows
    without = [[{**row, "data": ""} for row in rows(tmp_path / name)] for name in ("a.csv", "b.csv")]
    assert without[0] == without[1]
    assert run("report", database, "-o", tmp_path / "report").exit_code == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "300mK.txt" in page


def test_rates_and_polarities_of_one_table_are_runs_of_their_own_and_plots_find_their_tables(tmp_path: Path) -> None:
    database = tmp_path / "lab.db"
    lines = [
        f"{rate},{sign * (value + sign * 0.01)}"
        for rate in (0.2, 0.4)
        for sign in (1, -1)
        for value in (switches(0.3, 60, int(10 * rate) + sign) * 1e6).tolist()
    ]
    (tmp_path / "both.csv").write_text("rate (mA/s),I_sw (uA)\n" + "\n".join(lines) + "\n")
    options = ("--capacitance", "1.2 pF", "--polarity", "both", "--temperature", "0.3 K", "--quick")
    elsewhere = fitted(tmp_path / "both.csv", *options, "--into", database)
    stored = fitted(database, "--quick")

    def by_ramp(result: dict[str, Any]) -> dict[tuple[int, float], float]:
        return {
            (point["polarity"], float(f"{point['ramp_rate_A_per_s']:.3g}")): point["escape_temperature_free_K"]
            for point in result["points"]
        }

    assert len(by_ramp(stored)) == 4
    assert by_ramp(stored) == by_ramp(elsewhere)
    assert stored["offset_current_A"] == elsewhere["offset_current_A"] != 0.0
    assert stored["title"] == "taken from both.csv"
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM runs ORDER BY run_id")]
    assert names[0] == "switching_histogram 300 mK + 200 uA/s"
    assert sum(name.startswith("switching_counts") for name in names) == 4


def test_a_histogram_without_a_bath_temperature_is_drawn(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(drawing: Any, **_: Any) -> bytes:
        drawing(Figure())
        return b"drawn"

    monkeypatch.setattr("mqtctl.report.writer.render", draw)
    fitted(plain, *RAMP, "--report", tmp_path / "report")
    figures = {path.name for path in (tmp_path / "report" / "figures").iterdir()}
    assert figures == {"histograms.png", "escape_rate.png"}


def test_unequal_bins_are_taken_as_they_are_into_database_and_rates(tmp_path: Path) -> None:
    currents = switches(0.3, 4000, 9) * 1e6
    widths = np.resize([0.002, 0.005], 60)
    edges = (currents.min() - 0.001).round(3) + np.concatenate([[0.0], np.cumsum(widths)])
    edges = edges[: int(np.searchsorted(edges, currents.max())) + 1]
    counts, _ = np.histogram(currents, edges)
    table = "low (uA),high (uA),counts\n"
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        table += f"{low:.7g},{high:.7g},{count}\n"
    (tmp_path / "h.csv").write_text(table)
    np.savetxt(tmp_path / "all.txt", currents, header="I (uA)", fmt="%.15g")
    exact = fitted(tmp_path / "all.txt", *RAMP)
    found = fitted(tmp_path / "h.csv", *RAMP, "--into", tmp_path / "h.db", "--rates", tmp_path / "h_rates.csv")
    off = found["escape_temperature_free_K"] - exact["escape_temperature_free_K"]
    assert abs(off) < 0.3 * exact["escape_temperature_free_stderr_K"]
    stored = fitted(tmp_path / "h.db")["points"][0]
    assert [stored[key] for key in NUMBERS] == [found[key] for key in NUMBERS]
    written = rows(tmp_path / "h_rates.csv")
    assert [int(row["switched"]) for row in written] == counts.tolist()
    assert math.isclose(float(written[0]["current_low_A"]), edges[0] * 1e-6, rel_tol=1e-9)


def test_nothing_is_taken_from_a_stored_run_or_analysed_without_a_name(plain: Path, tmp_path: Path) -> None:
    fitted(plain, *RAMP, "--into", tmp_path / "lab.db")
    again = run("analyze", tmp_path / "lab.db", "--into", tmp_path / "other.db")
    assert again.exit_code == 2
    assert "--into cannot be used for a stored run" in again.stderr
    nothing = run("analyze")
    assert nothing.exit_code == 2
    assert "--describe" in nothing.stderr
