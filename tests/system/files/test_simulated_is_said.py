"""What no real instrument measured says so, in every command, in text, JSON, page and picture."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import Result

from mqtctl.cli.summary import print_calibration, print_point, print_points
from mqtctl.report.style import render

LINE = "SIMULATED: no instrument and no junction was here, only the simulated bench, seed 0"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory, build_laboratory: Callable[[Path], Any]) -> Iterator[Any]:
    laboratory = build_laboratory(tmp_path_factory.mktemp("simulated") / "lab")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 200\niv_curve: true")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(laboratory.folder)
        patch.setattr("mqtctl.report.writer.render", lambda _draw, **_size: b"\x89PNG")
        yield laboratory


@dataclass(frozen=True)
class Swept:
    """What a sweep said, and its page as it wrote it."""

    outcome: Result
    page: str


@pytest.fixture(scope="module")
def swept(laboratory: Any) -> Swept:
    outcome = laboratory.run("sweep", "plan.yaml", "-o", "run")
    assert outcome.exit_code == 0, outcome.stderr
    return Swept(outcome, (laboratory.folder / "run" / "report.html").read_text(encoding="utf-8"))


def test_a_sweep_says_it_before_and_after_and_keeps_it(laboratory: Any, swept: Swept) -> None:
    assert swept.outcome.stderr.startswith(LINE)
    assert swept.outcome.stdout.startswith(LINE)
    result = json.loads((laboratory.folder / "run" / "result.json").read_text(encoding="utf-8"))
    # nobody asked for a seed: it is the bench's own
    assert (result["simulated"], result["seed"], len(result["plan_hash"])) == (True, 0, 64)


@pytest.mark.usefixtures("swept")
def test_every_run_in_the_database_says_it_where_plotting_programs_show_names(laboratory: Any) -> None:
    with closing(sqlite3.connect(laboratory.folder / "run" / "data.db")) as connection:
        rows = connection.execute("SELECT runs.name, sample_name FROM runs JOIN experiments USING (exp_id)").fetchall()
    kinds = {name.split()[0] for name, _ in rows}
    assert {"iv_curve", "switching_histogram", "switching_counts"} <= kinds
    assert all(name.endswith(" SIMULATED") for name, _ in rows)
    assert all(sample.endswith(" SIMULATED") for name, sample in rows if "counts" in name or "over" in name)


@pytest.mark.shown(1)
@pytest.mark.usefixtures("swept")
@pytest.mark.parametrize("command", [("analyze", "run"), ("report", "run"), ("check", "plan.yaml")], ids=lambda c: c[0])
def test_commands_that_look_say_it_in_text_and_json(laboratory: Any, command: tuple[str, str]) -> None:
    assert laboratory.run(*command).stdout.startswith(LINE)
    result = json.loads(laboratory.run(*command, "--json").stdout)
    assert (result["simulated"], result["seed"]) == (True, 0)


@pytest.mark.shown(1)
@pytest.mark.parametrize(
    ("command", "show"),
    [
        ("histogram", print_point),
        ("histogram", print_points),
        pytest.param("calibrate", print_calibration, marks=pytest.mark.slow),
    ],
)
def test_commands_that_measure_say_it_in_text_and_json(
    laboratory: Any, command: str, show: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = laboratory.run(command, "plan.yaml", "--json", "-o", f"{command}-{show.__name__}")
    assert outcome.stderr.startswith(LINE)
    result = json.loads(outcome.stdout)
    assert (result["simulated"], result["seed"]) == (True, 0)
    show(result)
    shown = capsys.readouterr().out
    assert shown.startswith(LINE)
    assert ("UTC on the bench's own clock" in shown) == (command == "calibrate")


def test_safe_says_it_beside_its_lines(laboratory: Any) -> None:
    outcome = laboratory.run("safe", "station.yaml", "--json")
    assert outcome.stderr.startswith("SIMULATED")
    assert json.loads(outcome.stdout)["simulated"] is True


def test_the_page_says_it_first_and_dates_are_the_benchs_own(swept: Swept) -> None:
    body = swept.page[swept.page.index("<body>") :]
    assert body.index("<strong>SIMULATED.</strong>") < body.index("<h2>")
    assert "2026-01-05 08:00:00 UTC on the bench&#x27;s own clock" in body


def test_report_and_terminal_say_the_same_computer_time(swept: Swept) -> None:
    told = re.search(r"laboratory time: .*, (.*) on this computer", swept.outcome.stdout)
    assert told is not None
    assert f"<td>Computer time</td><td>{told[1]}</td>" in swept.page


def test_a_mark_lies_across_every_figure_and_hides_nothing(tmp_path: Path) -> None:
    def draw(figure: Any) -> None:
        figure.subplots().plot([0, 1], [0, 1])

    for name, mark in (("plain", ""), ("marked", "SIMULATED")):
        (tmp_path / name).write_bytes(render(draw, mark=mark))
    plain, marked = (np.asarray(imread(tmp_path / name))[..., :3] for name in ("plain", "marked"))
    changed = np.any(plain != marked, axis=-1)
    assert changed.mean() > 0.02
    # pale: nothing gets darker than by a quarter
    assert (plain - marked).max() < 0.25
