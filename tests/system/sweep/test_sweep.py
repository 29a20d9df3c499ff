"""The main job: a temperature sweep from the command line to the report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mqtctl.cli.app import app
from mqtctl.plan import example_path, write_examples

CONTRACT = {
    "points", "critical_current_A", "critical_current_stderr_A", "capacitance_F", "capacitance_stderr_F",
    "quality_factor", "crossover_temperature_K", "crossover_temperature_stderr_K", "saturation_escape_temperature_K",
    "lab_time_s", "wall_time_s", "live_fraction", "database", "report",
}  # fmt: skip
POINT = {
    "temperature_K", "switches", "censored", "mean_switching_current_A", "std_switching_current_A", "skewness",
    "escape_temperature_K", "escape_temperature_stderr_K", "critical_current_free_A", "escape_temperature_free_K",
    "escape_temperature_free_stderr_K", "run_id",
}  # fmt: skip


@dataclass(frozen=True)
class Swept:
    """A sweep that was run as a newcomer does, in a process of its own: what was asked for, and what came out."""

    temperatures: int
    switches: int
    folder: Path
    result: dict[str, Any]
    progress: str


def swept(folder: Path, temperatures: int, switches: int, *plan: str) -> Swept:
    """Run the sweep of the built-in plan, or of another one, in a folder."""
    outcome = subprocess.run(
        [sys.executable, "-m", "mqtctl", "sweep", *plan, "--json", "--seed", "11"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    return Swept(temperatures, switches, folder, json.loads(outcome.stdout), outcome.stderr)


@pytest.fixture(scope="module", params=["shorter", pytest.param("as it is", marks=pytest.mark.slow)])
def sweep(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """The sweep of the built-in plan, by default with fewer temperatures and fewer switches at each."""
    folder = tmp_path_factory.mktemp("sweep")
    if request.param == "as it is":
        return swept(folder, 14, 10_000)
    write_examples(folder)
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    plan, changed = re.subn(r"temperatures: \[[^]]*\]", "temperatures: [15 mK, 20 mK, 110 mK, 300 mK, 800 mK]", plan)
    assert changed == 1
    assert "switches: 10000" in plan
    (folder / "plan.yaml").write_text(plan.replace("switches: 10000", "switches: 5000"), encoding="utf-8")
    return swept(folder, 5, 5000, "plan.yaml")


def test_the_result_has_every_key_of_the_contract(sweep: Swept) -> None:
    assert set(sweep.result) >= CONTRACT
    assert len(sweep.result["points"]) == sweep.temperatures
    for point in sweep.result["points"]:
        assert set(point) >= POINT
        assert point["switches"] == sweep.switches


def test_the_saturation_agrees_with_what_tunnelling_gives_for_this_bench(sweep: Swept) -> None:
    error = sweep.result["saturation_escape_temperature_stderr_K"]
    assert abs(sweep.result["saturation_escape_temperature_K"] - 36.1e-3) < 3 * error
    assert error < 1.5e-3


def test_critical_current_and_crossover_agree_with_the_bench(sweep: Swept) -> None:
    result = sweep.result
    assert abs(result["critical_current_A"] - 9.489e-6) < 3 * result["critical_current_stderr_A"]
    assert abs(result["crossover_temperature_K"] - 29.6e-3) < 3 * result["crossover_temperature_stderr_K"]
    assert result["quality_factor"] == pytest.approx(29.9, rel=0.03)


def test_the_two_escape_temperatures_of_the_plateau_are_told_apart(sweep: Swept) -> None:
    coldest = sweep.result["points"][0]
    # 36.0 mK with the critical current known, 30.3 mK with it free; 4 standard errors
    assert coldest["escape_temperature_K"] == pytest.approx(36.1e-3, abs=4 * coldest["escape_temperature_stderr_K"])
    assert coldest["escape_temperature_free_K"] == pytest.approx(30.3e-3, abs=1.5e-3)
    assert coldest["critical_current_free_A"] == pytest.approx(9.489e-6 * (1 - 0.00103), rel=4e-4)


def test_the_width_falls_with_the_exponent_of_the_model_not_with_two_thirds(sweep: Swept) -> None:
    result = sweep.result
    assert result["width_exponent"] == pytest.approx(0.64, abs=4 * result["width_exponent_stderr"])
    assert result["width_exponent_stderr"] < 0.02


def test_the_acquisition_is_live_and_the_laboratory_time_is_the_benchs(sweep: Swept) -> None:
    assert sweep.result["live_fraction"] >= 0.95
    ramping = sweep.temperatures * sweep.switches / 80.0  # and settling
    assert 3600 > sweep.result["lab_time_s"] / 2 > ramping / 2


def test_a_report_and_four_figures_are_there(sweep: Swept) -> None:
    report = sweep.folder / sweep.result["report"]
    assert report.is_file()
    assert "<script" not in report.read_text(encoding="utf-8")
    figures = sorted(path.name for path in (report.parent / "figures").iterdir())
    assert figures == ["escape_rate.png", "escape_temperature.png", "histograms.png", "width.png"]


def test_progress_is_told_in_plain_lines_where_stderr_is_no_terminal(sweep: Swept) -> None:
    lines = sweep.progress.splitlines()
    assert sum("settling on" in line for line in lines) == sweep.temperatures
    assert sum("fitted alone: escape temperature" in line for line in lines) == sweep.temperatures
    assert "\x1b" not in sweep.progress


@pytest.mark.usefixtures("blank_figures")
def test_analysing_and_reporting_the_stored_run_gives_the_same_numbers(
    sweep: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sweep.folder)
    run = Path(sweep.result["report"]).parent
    for command in (["analyze", str(run)], ["analyze", sweep.result["database"]], ["report", str(run)]):
        outcome = CliRunner().invoke(app, [*command, "--json"])
        assert outcome.exit_code == 0, outcome.stderr
        again = json.loads(outcome.stdout)
        for key in CONTRACT - {"lab_time_s", "wall_time_s", "report", "database"}:
            assert again[key] == sweep.result[key], (command, key)


@pytest.mark.slow
def test_stock_qcodes_lists_the_runs_and_reads_the_arrays(sweep: Swept) -> None:
    script = f"""
import sys
from qcodes.dataset import experiments, initialise_or_create_database_at, load_by_id
initialise_or_create_database_at({sweep.result["database"]!r})
(experiment,) = (found for found in experiments() if found.name == "switching_currents")
runs = experiment.data_sets()
assert len(runs) == {sweep.temperatures}
for run in runs:
    arrays = load_by_id(run.run_id).to_xarray_dataset()
    assert arrays["switching_current"].shape == ({sweep.switches},)
    assert arrays["interval"].shape == ({sweep.switches},)
    assert run.snapshot["station"]["instruments"]
assert not any(name.split(".")[0] == "mqtctl" for name in sys.modules)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=sweep.folder, check=True, timeout=100)


@pytest.mark.usefixtures("blank_figures")
def test_the_same_seed_gives_the_same_numbers_and_another_does_not(laboratory: Any) -> None:
    volatile = ("wall_time_s", "database", "report")
    results = []
    for number, seed in enumerate((5, 5, 6)):
        results.append({k: v for k, v in laboratory.result(seed=seed).items() if k not in volatile})
        (laboratory.folder / "run").rename(laboratory.folder / f"run{number}")
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_the_built_in_example_is_what_init_writes() -> None:
    assert "14" not in example_path("plan.yaml").name
    assert example_path("plan.yaml").is_file()


def test_one_histogram_at_the_present_temperature(laboratory: Any) -> None:
    outcome = laboratory.run(
        "histogram", laboratory.folder / "plan.yaml", "-o", laboratory.folder / "run", "--seed", "1", "--json"
    )
    assert outcome.exit_code == 0, outcome.stderr
    result = json.loads(outcome.stdout)
    assert set(result) >= POINT
    assert result["switches"] == 1000
    assert result["temperature_K"] == pytest.approx(0.012, rel=0.05)  # a cold bench rests at its base temperature


@pytest.mark.usefixtures("blank_figures")
def test_a_transcript_and_a_seed_go_together(laboratory: Any) -> None:
    transcript = laboratory.folder / "run.jsonl"
    laboratory.change("station.yaml", "bench.yaml@mqt", f"bench.yaml?transcript={transcript}@mqt")
    laboratory.result(seed=4)
    assert transcript.stat().st_size > 0
