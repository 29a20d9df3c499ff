"""`mqtctl resume` takes what is missing of a stopped sweep and nothing else, and the parts are one sweep."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mqtctl.acquisition import BlockStored, RampsBegin
from mqtctl.errors import InterruptedRunError
from mqtctl.storage import load_done, load_sweep
from mqtctl.workflow import Options, measure_sweep
from mqtctl.workflow.results import read_order
from mqtctl.workflow.resuming import first_difference


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> Any:
    """A laboratory whose sweep over three temperatures, two polarities and an I-V curve was stopped at its second."""
    laboratory = build_laboratory(tmp_path_factory.mktemp("resume") / "lab")
    laboratory.change("plan.yaml", "[100 mK]", "[100 mK, 200 mK, 300 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 200\npolarity: both\niv_curve: true")
    laboratory.change("plan.yaml", "block: 500", "block: 50")

    def press(event: object) -> None:
        if isinstance(event, BlockStored) and event.point == 1 and event.switches >= 100 and event.mean < 0.0:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(InterruptedRunError) as caught:
        measure_sweep(laboratory.folder / "plan.yaml", Options(laboratory.folder / "run", seed=4), notify=press)
    assert f"`mqtctl resume {laboratory.folder / 'run'}`" in "; ".join(caught.value.__notes__)
    return laboratory


@pytest.fixture
def copy(stopped: Any, tmp_path: Path) -> Any:
    """The same, to be changed."""
    return type(stopped)(shutil.copytree(stopped.folder, tmp_path / "lab"))


@pytest.fixture(scope="module")
def resumed(stopped: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    """A copy of it whose sweep was resumed, and what was printed."""
    laboratory = type(stopped)(shutil.copytree(stopped.folder, tmp_path_factory.mktemp("resumed") / "lab"))
    outcome = laboratory.run("resume", laboratory.folder / "run", "--json", "--plan", laboratory.folder / "plan.yaml")
    assert outcome.exit_code == 0, outcome.stderr
    return laboratory, json.loads(outcome.stdout)


def test_a_resumed_sweep_is_whole_and_repeats_nothing(stopped: Any, resumed: tuple[Any, dict[str, Any]]) -> None:
    old, run, result = stopped.folder / "run" / "data.db", resumed[0].folder / "run", resumed[1]
    before = load_done(old, read_order(stopped.folder / "run").sweep_id)
    assert before.histograms == {(0, 0), (0, 1), (1, 0)}
    kept = {p.histogram.run_id or 0: p.histogram.intervals for p in load_sweep(old).points if p.complete}
    assert (result["points_planned"], result["points_done"], result["unfinished"]) == (3, 3, [])
    after = load_sweep(run / "data.db")
    assert [(p.histogram.point, p.histogram.polarity) for p in after.points] == [
        (0, 1), (0, -1), (1, 1), (1, -1), (2, 1), (2, -1)
    ]  # fmt: skip
    runs = {p.histogram.run_id or 0: p.histogram.intervals for p in after.points}
    assert set(kept) < set(runs)  # the finished ones are those of the first part
    assert len(runs) - len(kept) == 3
    assert all(np.array_equal(kept[number], runs[number]) for number in kept)
    assert all(intervals.size == 200 for intervals in runs.values())
    assert [curve.facts.when for curve in after.iv_curves] == ["before", "after"]
    first, later = runs[min(runs)], runs[max(runs)]
    assert np.intersect1d(first, later).size == 0  # the bench did not draw its first switches once more


def test_resuming_a_finished_run_takes_nothing_and_reports(
    resumed: tuple[Any, dict[str, Any]],
) -> None:
    laboratory = resumed[0]
    run, plan = laboratory.folder / "run", laboratory.folder / "plan.yaml"
    runs = load_done(run / "data.db", read_order(run).sweep_id).runs
    (run / "report.html").unlink()
    outcome = laboratory.run("resume", run, "--json", "--plan", plan)
    assert outcome.exit_code == 0, outcome.stderr
    assert load_done(run / "data.db", read_order(run).sweep_id).runs == runs
    assert (run / "report.html").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("switches: 200", "switches: 300", "plan.switches was 200 and is 300"),
        ("[100 mK, 200 mK, 300 mK]", "[100 mK, 210 mK, 300 mK]", 'plan.temperatures[1] was "0.2 K" and is "0.21 K"'),
        ("iv_curve: true", "iv_curve: false", "plan.iv_curve was true and is false"),
    ],
)
def test_a_changed_plan_is_refused_by_the_key(copy: Any, old: str, new: str, said: str) -> None:
    copy.change("plan.yaml", old, new)
    outcome = copy.run("resume", copy.folder / "run", "--plan", copy.folder / "plan.yaml")
    assert outcome.exit_code == 2
    assert said in outcome.stderr
    assert load_done(copy.folder / "run" / "data.db", read_order(copy.folder / "run").sweep_id).runs == 4


def test_a_changed_sample_is_refused_by_the_key(copy: Any) -> None:
    copy.change("sample.yaml", "6.35 pF", "6.4 pF")
    outcome = copy.run("resume", copy.folder / "run", "--plan", copy.folder / "plan.yaml")
    assert outcome.exit_code == 2
    assert "sample.junction.capacitance" in outcome.stderr


def test_what_cannot_be_gone_on_with_is_told_in_a_sentence(copy: Any, tmp_path: Path) -> None:
    run = copy.folder / "run"
    assert "no such file or folder" in copy.run("resume", tmp_path / "nowhere").stderr
    order = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps({**order, "plan": str(tmp_path / "gone.yaml")}), encoding="utf-8")
    assert "say where it is with --plan" in copy.run("resume", run).stderr
    (run / "run.json").write_text(json.dumps({**order, "format": 99}), encoding="utf-8")
    assert "is in layout 99" in copy.run("resume", run).stderr
    (run / "run.json").write_text("{", encoding="utf-8")
    assert "is damaged" in copy.run("resume", run).stderr
    (run / "run.json").unlink()
    outcome = copy.run("resume", run)
    assert (outcome.exit_code, "does not say what it was asked to do" in outcome.stderr) == (2, True)


def test_a_difference_names_what_is_new_and_what_is_gone() -> None:
    assert first_difference({"a": {"b": 1}}, {"a": {}}) == "a.b was 1 and is not there"
    assert first_difference({"a": [1]}, {"a": [1, 2]}) == "a was [1] and is [1, 2]"
    assert first_difference({}, {"c": "x"}) == 'c was not there and is "x"'


def test_a_kill_at_any_moment_leaves_either_no_run_or_one_that_can_be_gone_on_with(laboratory: Any) -> None:
    run, runs = laboratory.folder / "run", []

    def look(event: object) -> None:
        if isinstance(event, RampsBegin):  # the order is written as it is told
            with closing(sqlite3.connect(run / "data.db")) as connection:
                runs.append(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
            raise KeyboardInterrupt

    with pytest.raises((InterruptedRunError, KeyboardInterrupt)):
        measure_sweep(laboratory.folder / "plan.yaml", Options(run, seed=4), notify=look)
    assert runs == [0]
