"""Campaigns run: the same table whoever computes it, nothing lost, failures as rows, and a report of it."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from mqtctl.campaign import CampaignOptions, load_design, run_campaign, workers
from mqtctl.campaign.design import Campaign
from mqtctl.campaign.draws import draw_of
from mqtctl.campaign.results import Table, columns_of, read_table
from mqtctl.campaign.run import Progress
from mqtctl.campaign.run_draw import run_draw
from mqtctl.campaign.summary import summarise
from mqtctl.campaign.workers import Computed
from mqtctl.cli.app import app
from mqtctl.errors import InputError, MqtctlError
from mqtctl.station import load_station
from tests.unit.campaign.test_campaign_design import design_file

SMALL = {
    "plan.temperatures": {"value": ["20 mK", "150 mK", "500 mK"]},
    "plan.switches": {"grid": [50, 100]},
    "bench.junction.critical_current": {"uniform": ["9.3 uA", "9.6 uA"]},
}


def in_this_process(campaign: Campaign, table: Table, numbers: Any, _workers: int, scratch: Path) -> Any:
    """Compute draws as workers do, without starting processes."""
    station = load_station(campaign.station)
    for number in numbers:
        row = run_draw(draw_of(campaign, number, station), campaign.design.through, scratch)
        yield Computed(number, table.line(row), 0.0, os.getpid())


@pytest.fixture
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mqtctl.campaign.run.computed", in_this_process)


class MortalPool:
    """In the place of a pool of processes: each `deaths` is how many draws a pool makes before a worker dies."""

    deaths: ClassVar[list[int]] = []

    def __init__(self, *_arguments: Any, **_settings: Any) -> None:
        self._left = self.deaths.pop(0) if self.deaths else 1_000

    def submit(self, _work: Any, number: int) -> Future[Computed]:
        future: Future[Computed] = Future()
        if self._left > 0:
            future.set_result(Computed(number, f"line {number}", 0.0, 0))
        else:
            future.set_exception(BrokenProcessPool())
        self._left -= 1
        return future

    def shutdown(self, **_how: bool) -> None:
        """Nothing is left behind."""


def computed_by_mortals(campaign: Campaign, tmp_path: Path, deaths: list[int], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("mqtctl.campaign.workers.ProcessPoolExecutor", MortalPool)
    monkeypatch.setattr(MortalPool, "deaths", deaths)
    table = Table(tmp_path / "table.csv", columns_of(campaign), campaign.digest)
    return workers.computed(campaign, table, range(9), 2, tmp_path)


def test_draws_that_a_dead_worker_took_along_are_made_again_and_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = load_design(design_file(tmp_path, SMALL))
    found = list(computed_by_mortals(campaign, tmp_path, [3, 0, 2], monkeypatch))
    assert sorted(draw.number for draw in found) == list(range(9))


def test_workers_that_die_again_and_again_end_the_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = load_design(design_file(tmp_path, SMALL))
    draws = computed_by_mortals(campaign, tmp_path, [2, 0, 0, 0, 0], monkeypatch)
    with pytest.raises(MqtctlError, match="died 3 times without finishing a draw"):
        list(draws)


@pytest.mark.slow
def test_one_worker_and_two_of_which_one_is_killed_write_the_same_bytes(tmp_path: Path) -> None:
    campaign = load_design(design_file(tmp_path, SMALL, draws=3))
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if progress.latest is not None and not killed:
            killed.append(progress.latest.worker)
            os.kill(progress.latest.worker, signal.SIGKILL)

    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    run_campaign(campaign, CampaignOptions(one, workers=1))
    done = run_campaign(campaign, CampaignOptions(two, workers=2, notify=kill_one))
    assert killed
    assert done.computed == 6
    assert two.read_bytes() == one.read_bytes()
    rows = read_table(one)
    assert [row["draw"] for row in rows] == [str(number) for number in range(6)]
    assert {row["exit_code"] for row in rows} == {"0"}
    assert sorted(path.name for path in tmp_path.glob("*.partial")) == []


@pytest.mark.usefixtures("without_processes")
def test_what_was_stopped_is_gone_on_with_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    campaign = load_design(design_file(tmp_path, SMALL, draws=1))
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    run_campaign(campaign, CampaignOptions(whole))

    def stop(progress: Progress) -> None:
        if progress.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_campaign(campaign, CampaignOptions(parts, notify=stop))
    assert len(read_table(parts)) == 1
    with pytest.raises(InputError, match="exists already; go on with it"):
        run_campaign(campaign, CampaignOptions(parts))
    # a kill may tear the last line of the journal
    table = Table(parts, columns_of(campaign), campaign.digest)
    parts.rename(table.journal)
    with table.journal.open("a") as journal:
        journal.write("1,0123")
    done = run_campaign(campaign, CampaignOptions(parts, resume=True))
    assert done.computed == 1
    assert parts.read_bytes() == whole.read_bytes()
    assert run_campaign(campaign, CampaignOptions(parts, resume=True)).computed == 0


@pytest.mark.usefixtures("without_processes")
@pytest.mark.parametrize("change", [{"seed": 7}, {"through": "wires"}])
def test_results_of_another_design_are_refused_and_left_as_they_are(tmp_path: Path, change: dict[str, Any]) -> None:
    path = design_file(tmp_path, {"plan.temperatures": {"value": ["5 mK"]}}, draws=1)
    results = tmp_path / "results.csv"
    run_campaign(load_design(path), CampaignOptions(results))
    before = results.read_bytes()
    with pytest.raises(InputError, match="holds the results of another design"):
        run_campaign(load_design(path, **change), CampaignOptions(results, resume=True))
    assert results.read_bytes() == before


@pytest.mark.usefixtures("without_processes")
def test_experiments_that_fail_are_rows_with_their_exit_code(tmp_path: Path) -> None:
    vary = {
        "plan.temperatures": {"list": [["5 mK"], ["300 mK"]]},
        "plan.ramp.stop_current": {"list": ["9.8 uA", "5 uA"]},
    }
    results = tmp_path / "results.csv"
    run_campaign(load_design(design_file(tmp_path, vary, draws=1)), CampaignOptions(results))
    cold, short = read_table(results)
    assert (cold["exit_code"], short["exit_code"]) == ("12", "10")
    assert "gets no colder than 12 mK" in cold["message"]
    assert "no switches at 300 mK" in short["message"]
    assert cold["true_critical_current_A"] == "9.489e-06"
    assert sum(summarise(results).failures.values()) == 2


WRONG = "jumping-thermometer"


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("bench.junction.critical_current", {"uniform": ["9.2 uA", "9.3 uA"]}),
        ("bench.junction.capacitance", {"lognormal": ["7 pF", 0.01]}),
        ("bench.junction.resistance", {"grid": ["60 Ohm"]}),  # Q
        ("bench.bias.noise", {"normal": ["30 nA", "1 nA"]}),
        ("bench.bias.noise_temperature", {"list": ["50 mK"]}),
        ("bench.bias.offset", {"choice": ["40 nA"]}),
        ("bench.faults", {"value": [{"kind": WRONG, "port": "thermometer.ch6", "factor": 1.1, "share": 1.0}]}),
        ("bench.junction.critical_current_drift", {"normal": ["-20 ppm/s", "1 ppm/s"]}),
        ("plan.switches", {"grid": [150]}),
        ("plan.temperatures", {"list": [["20 mK", "300 mK"]]}),
        ("plan.ramp.rate", {"grid": ["3 mA/s"]}),
    ],
)
def test_the_physics_shows_every_value_that_a_planner_varies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, entry: dict[str, Any]
) -> None:
    seen: list[Any] = []

    def noted(sweep: Any, **_how: Any) -> Any:
        seen.append(
            [
                (
                    h.temperature,
                    h.switching_currents.size,
                    float(h.switching_currents.mean()),
                    float(h.switching_currents.std()),
                )
                for h in sweep.histograms
            ]
        )
        raise InputError("seen enough")

    monkeypatch.setattr("mqtctl.campaign.run_draw.fit_sweep", noted)
    cold = {"plan.temperatures": {"value": ["20 mK", "500 mK"]}, "plan.switches": 100}
    for vary in (cold, {**cold, key: entry}):
        campaign = load_design(design_file(tmp_path, vary, draws=1))
        drawn = draw_of(campaign, 0, load_station(campaign.station))
        assert run_draw(drawn, "physics", tmp_path)["message"] == "seen enough"
    plain, varied = seen
    assert all(one != other for one, other in zip(plain[1:], varied[1:], strict=True))


@pytest.mark.usefixtures("without_processes")
def test_the_table_is_there_as_parquet_with_the_same_numbers(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    results = tmp_path / "results.csv"
    run_campaign(load_design(design_file(tmp_path, SMALL, draws=1)), CampaignOptions(results))
    stored = parquet.read_table(results.with_suffix(".parquet")).to_pylist()
    for row, typed in zip(read_table(results), stored, strict=True):
        assert float(row["critical_current_A"]) == typed["critical_current_A"]
        assert int(row["plan.switches"] or 0) == typed["plan.switches"]


@pytest.mark.usefixtures("without_processes")
def test_through_the_wires_a_draw_is_a_measurement_on_the_simulated_bench(tmp_path: Path) -> None:
    vary = {"plan.temperatures": {"value": ["100 mK", "500 mK"]}, "plan.switches": 100, "plan.block": 100}
    results = tmp_path / "results.csv"
    vary |= {"bench.junction.critical_current": "9.4 uA"}
    run_campaign(load_design(design_file(tmp_path, vary, draws=1, through="wires")), CampaignOptions(results))
    (row,) = read_table(results)
    assert (row["exit_code"], row["message"], row["switches"]) == ("0", "", "200")
    off = float(row["critical_current_A"]) - float(row["true_critical_current_A"])
    assert abs(off) < 3.5 * float(row["critical_current_stderr_A"]) < 0.2e-6
    assert float(row["cold_time_s"]) > 240.0


@pytest.mark.usefixtures("without_processes")
def test_the_row_of_a_measurement_that_fails_is_the_same_in_every_run(tmp_path: Path) -> None:
    path = design_file(tmp_path, {"plan.temperatures": {"value": ["5 mK"]}}, draws=1, through="wires")
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    for results in (first, second):
        run_campaign(load_design(path), CampaignOptions(results))
    (row,) = read_table(first)
    assert (row["exit_code"], row["message"].split(": ")[0]) == ("2", str(tmp_path / "plan.yaml"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.usefixtures("without_processes")
@pytest.mark.parametrize("steps", [["5 uA"], ["5 uA", "9.8 uA"]], ids=["all", "one plan of two"])
def test_a_campaign_of_which_all_experiments_of_a_plan_failed_has_a_report_that_says_so(
    tmp_path: Path, steps: list[str]
) -> None:
    vary = {"plan.temperatures": {"value": ["300 mK"]}, "plan.ramp.stop_current": {"grid": steps}}
    results = tmp_path / "results.csv"
    run_campaign(load_design(design_file(tmp_path, vary, draws=2)), CampaignOptions(results))
    result = CliRunner().invoke(app, ["campaign", "report", str(results)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "too long" not in result.stdout
    assert ("No experiment here came to its end" in result.stdout) == (len(steps) == 1)
    assert results.with_suffix(".html").exists()


@pytest.mark.usefixtures("without_processes")
def test_the_report_opens_with_a_picture_and_counts_verdicts_by_truth(tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    arguments = ["campaign", str(design_file(tmp_path, SMALL, draws=1)), "--output", str(results), "--workers", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Verdicts, by what is true" in result.stdout
    assert "\nswitches 50 " in result.stdout
    page = results.with_suffix(".html").read_text(encoding="utf-8")
    assert page.index("data:image/png;base64,") < page.index("Verdicts, by what is true")
    again = CliRunner().invoke(app, ["campaign", "report", str(results), "--json"])
    assert again.exit_code == 0
    assert '"draws": 2' in again.stdout


@pytest.mark.usefixtures("without_processes")
def test_parts_of_an_array_job_are_joined_and_what_is_missing_is_computed(tmp_path: Path) -> None:
    path = design_file(tmp_path, SMALL, draws=2)
    whole, joined, parts = tmp_path / "whole.csv", tmp_path / "joined.csv", tmp_path / "parts"
    run_campaign(load_design(path), CampaignOptions(whole))
    arguments = ["campaign", str(path), "--part", "2/3", "--output", str(parts / "2.csv")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert [row["draw"] for row in read_table(parts / "2.csv")] == ["1"]
    assert not (parts / "2.html").exists()
    run_campaign(load_design(path), CampaignOptions(parts / "1.csv", part=(0, 3)))
    (parts / "1.csv").rename(parts / "1.csv.partial")  # as a killed job leaves it
    done = run_campaign(load_design(path), CampaignOptions(joined, join=parts))
    assert (done.draws, done.computed) == (4, 1)
    assert joined.read_bytes() == whole.read_bytes()
    other = load_design(path, seed=9)
    with pytest.raises(InputError, match="holds the results of another design"):
        run_campaign(other, CampaignOptions(tmp_path / "other.csv", join=parts))
    assert not list(tmp_path.glob("other*"))
    with pytest.raises(InputError, match=r"has no table \(\*\.csv\)"):
        run_campaign(other, CampaignOptions(tmp_path / "other.csv", join=tmp_path / "nowhere"))


@pytest.mark.parametrize("part", ["0/3", "4/3", "1/99", "half"])
def test_a_part_that_is_none_is_refused(tmp_path: Path, part: str) -> None:
    arguments = ["campaign", str(design_file(tmp_path, SMALL)), "--part", part, "--output", str(tmp_path / "r.csv")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "is none of 1/N to N/N, with N at most the number of draws, 6" in result.stderr


def test_what_is_no_table_of_a_campaign_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("current\n1\n")
    result = CliRunner().invoke(app, ["campaign", "report", str(path)])
    assert result.exit_code == 2
    assert "is no table of a campaign" in result.stderr


def test_a_table_that_was_cut_off_is_refused_with_the_row(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("draw,design,verdict,exit_code\n0,abc,thermal,0\n1,ab", encoding="utf-8")
    result = CliRunner().invoke(app, ["campaign", "report", str(path)])
    assert result.exit_code == 2
    assert "row 2 is not whole" in result.stderr


@pytest.mark.parametrize("night", ["-3 h", "0 s"])
def test_a_night_that_is_none_is_refused(tmp_path: Path, night: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text("draw,design,verdict,exit_code\n0,abc,thermal,0\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["campaign", "report", str(path), "--night", night])
    assert result.exit_code == 2
    assert "give a time above 0" in result.stderr


def test_the_built_in_design_is_one(tmp_path: Path) -> None:
    campaign = load_design()
    station = load_station(campaign.station)
    assert campaign.design.total <= 60
    assert {draw_of(campaign, number, station).bench.junction.escape for number in range(4)} == {
        "escape",
        "melnikov-meshkov",
    }
