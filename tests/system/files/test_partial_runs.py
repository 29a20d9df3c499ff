"""A measurement that did not come to its end says so wherever it is looked at, and names the next command."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mqtctl.acquisition import BlockStored, PointFinished, RampsBegin, Remark
from mqtctl.errors import (
    BenchBusyError,
    CryostatError,
    HardwareError,
    InputError,
    InterruptedRunError,
    StorageError,
    UnsafeError,
)
from mqtctl.records import MeasuredRamp
from mqtctl.storage import RunFacts
from mqtctl.workflow import MeasurementBegins, Options, measure_sweep
from mqtctl.workflow.following import Following
from mqtctl.workflow.results import RunFolder
from tests.unit.instruments.fake_clock import FakeClock


@dataclass
class Stopped:
    """A sweep over three temperatures that was stopped by Ctrl-C within the second."""

    laboratory: Any
    error: InterruptedRunError
    folder: Path

    def json(self, *arguments: str | Path) -> dict[str, Any]:
        outcome = self.laboratory.run(*arguments, "--json")
        assert outcome.exit_code == 0, outcome.stderr or outcome.exception
        result = json.loads(outcome.stdout)
        assert isinstance(result, dict)
        return result


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> Stopped:
    laboratory = build_laboratory(tmp_path_factory.mktemp("stopped") / "lab")
    laboratory.change("plan.yaml", "[100 mK]", "[100 mK, 200 mK, 300 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 200")
    laboratory.change("plan.yaml", "block: 500", "block: 50")
    folder = laboratory.folder / "run"

    def press(event: object) -> None:
        if isinstance(event, BlockStored) and event.point == 1 and event.switches >= 100:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(InterruptedRunError) as caught:
        measure_sweep(laboratory.folder / "plan.yaml", Options(output=folder, seed=4), notify=press)
    return Stopped(laboratory, caught.value, folder)


def test_the_last_sentence_says_how_far_it_came_and_names_folder_and_next_command(stopped: Stopped) -> None:
    assert str(stopped.error) == "stopped by Ctrl-C; source and heater are off"
    (note,) = stopped.error.__notes__
    assert note.startswith(f"it was at point 2 of 3; stored in {stopped.folder}: 1 histogram and an unfinished one of ")
    assert note.endswith(
        f"look at it with `mqtctl report {stopped.folder}`, go on with `mqtctl resume {stopped.folder}`"
    )
    left = json.loads((stopped.folder / "result.json").read_text(encoding="utf-8"))
    assert (left["state"], left["points_planned"], left["histograms_done"]) == ("stopped", 3, 1)


@pytest.mark.usefixtures("blank_figures")
def test_analyze_and_report_say_what_is_missing_and_leave_the_unfinished_histogram_out(stopped: Stopped) -> None:
    for command in ("analyze", "report"):
        result = stopped.json(command, stopped.folder)
        assert (result["points_planned"], result["points_done"], len(result["points"])) == (3, 1, 1)
        (unfinished,) = result["unfinished"]
        assert (unfinished["run_id"], unfinished["switches_planned"]) == (2, 200)
        assert 100 <= unfinished["switches"] < 200
        assert result["flags"][0].startswith("not complete: 1 of 3 planned temperatures; the measurement")
        assert f"{unfinished['switches']} of 200 switches" in result["flags"][1]
        shown = stopped.laboratory.run(command, stopped.folder).stdout
        assert "NOT COMPLETE: 1 of 3 planned temperatures" in shown
        assert "left out: unfinished" in shown
    page = (stopped.folder / "report.html").read_text(encoding="utf-8")
    assert "Not complete: 1 of 3 planned temperatures." in page


@pytest.mark.usefixtures("blank_figures")
def test_analyze_writes_a_report_of_a_stored_sweep_where_it_is_asked_to(stopped: Stopped, tmp_path: Path) -> None:
    result = stopped.json("analyze", stopped.folder, "--report", tmp_path / "out", "--quick")
    assert result["report"] == str(tmp_path / "out" / "report.html")
    assert "Not complete" in Path(result["report"]).read_text(encoding="utf-8")
    both = stopped.laboratory.run("analyze", stopped.folder, "--report", tmp_path / "out", "--run", "1")
    assert both.exit_code == 2
    assert "--report is for all of a sweep" in both.stderr


def test_an_unfinished_histogram_that_is_asked_for_is_analysed_with_a_flag(stopped: Stopped) -> None:
    result = stopped.json("analyze", stopped.folder, "--run", "2")
    (point,) = result["points"]
    assert point["flags"][0] == f"unfinished: {point['switches']} of 200 switches"
    assert (result["points_planned"], result["points_done"]) == (1, 0)
    shown = stopped.laboratory.run("analyze", stopped.folder, "--run", "2").stdout
    assert "NOT COMPLETE: its one temperature is not finished" in shown
    assert "planned temperatures" not in shown  # the plan has three
    whole = stopped.json("analyze", stopped.folder, "--run", "1")
    assert (whole["points_planned"], whole["points_done"], whole["unfinished"]) == (1, 1, [])


def only_the_second(stopped: Stopped, folder: Path) -> Path:
    """Return a copy of the run in which nothing but its second histogram was begun, and not finished."""
    folder.mkdir()
    shutil.copy(stopped.folder / "data.db", folder)
    with closing(sqlite3.connect(folder / "data.db")) as connection:
        connection.execute("UPDATE runs SET mqtctl_header = NULL WHERE run_id != 2")
        connection.commit()
    return folder


@pytest.mark.usefixtures("blank_figures")
def test_a_killed_first_histogram_is_not_taken_for_a_whole_one(stopped: Stopped, tmp_path: Path) -> None:
    folder = only_the_second(stopped, tmp_path / "half")
    half = stopped.json("report", folder)
    assert (half["points_planned"], half["points_done"]) == (3, 0)
    assert any("is unfinished" in flag and "of 200 switches" in flag for flag in half["flags"])
    assert "Not complete: 0 of 3" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_histogram_without_a_first_block_is_refused_in_a_sentence(stopped: Stopped, tmp_path: Path) -> None:
    folder = only_the_second(stopped, tmp_path / "empty")
    with closing(sqlite3.connect(folder / "data.db")) as connection:
        (table,) = connection.execute("SELECT result_table_name FROM runs WHERE run_id = 2").fetchone()
        connection.execute(f'DELETE FROM "{table}"')
        connection.commit()
    for command in ("analyze", "report"):
        outcome = stopped.laboratory.run(command, folder)
        assert outcome.exit_code == 2
        assert "run 2 holds no switches" in outcome.stderr


@pytest.mark.parametrize(
    "fault",
    [
        InputError("bad"),
        HardwareError("dead"),
        StorageError("full"),
        CryostatError("warm"),
        BenchBusyError("busy"),
        UnsafeError("on"),
        InterruptedRunError(signal.SIGTERM),
        KeyboardInterrupt(),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_every_way_out_tells_where_the_data_are(fault: BaseException, tmp_path: Path) -> None:
    following = Following(RunFolder(tmp_path, tmp_path / "data.db"), "id", 14, lambda _event: None, FakeClock())
    following.begin(RunFacts(simulated=True, seed=3))
    following(RampsBegin(3, 14, 0.1, MeasuredRamp(0.0, 9.8e-6, 1e-3, 0.0125, 0.0)))
    following(BlockStored(3, 14, 100, 100, 0, 0.1, 1.0, 9e-6, 1e-9))
    following(PointFinished(3, 14, 4, 100, 0, 0.1, 9e-6, 1e-9, 0.9))
    with pytest.raises(type(fault)) as caught, following.telling():
        raise fault
    place = f"it was at point 4 of 14; stored in {tmp_path}: 1 histogram"
    ways = f"look at it with `mqtctl report {tmp_path}`, go on with `mqtctl resume {tmp_path}`"
    assert caught.value.__notes__ == [f"{place}; {ways}"]
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["state"] == "stopped"


@pytest.mark.usefixtures("blank_figures")
def test_the_report_is_rewritten_while_it_runs_but_seldom_and_never_ends_the_measurement(
    stopped: Stopped, tmp_path: Path
) -> None:
    events: list[object] = []
    clock = FakeClock()
    sweep_id = json.loads((stopped.folder / "result.json").read_text(encoding="utf-8"))["sweep_id"]
    folder = RunFolder(tmp_path / "run", stopped.folder / "data.db")
    folder.path.mkdir()
    following = Following(folder, sweep_id, 3, events.append, clock, reported=True)
    finished = PointFinished(0, 3, 1, 200, 0, 0.1, 9e-6, 1e-9, 0.9)
    following.begin(RunFacts(simulated=True, seed=4))
    assert isinstance(events[0], MeasurementBegins)
    clock.sleep(20.0)  # a sweep that the bench rushes through: a report of 3 s would be 15 % of it
    following(finished)
    assert not (folder.path / "report.html").exists()
    clock.sleep(180.0)
    following(finished)
    assert "Running: 1 of 3 planned temperatures." in (folder.path / "report.html").read_text(encoding="utf-8")
    assert json.loads((folder.path / "result.json").read_text(encoding="utf-8"))["state"] == "running"
    # a folder that cannot be written to any more costs a remark and not the measurement
    shutil.rmtree(folder.path)
    folder.path.write_text("in the way", encoding="utf-8")
    following(finished)
    remarks = [event for event in events if isinstance(event, Remark)]
    assert remarks
    assert all("the measurement goes on" in remark.text for remark in remarks)
