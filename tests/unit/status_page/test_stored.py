"""The newest histogram of a run is read from its database while somebody writes to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mqtctl.errors import InputError
from mqtctl.plan import ResolvedPlan, example_path, load_plan
from mqtctl.status_page.stored import read_stored
from mqtctl.storage import open_database
from tests.unit.storage.stored_sweeps import header, write


@pytest.fixture(scope="module")
def plan() -> ResolvedPlan:
    return load_plan(example_path("plan.yaml"))


def test_the_unfinished_histogram_of_this_sweep_is_shown_though_it_is_being_written(
    tmp_path: Path, plan: ResolvedPlan
) -> None:
    assert read_stored(tmp_path) is None
    with open_database(tmp_path / "data.db") as database:
        write(database, header(plan, 0), (10, 20))
        write(database, header(plan, 1), (30, 7), finish=False)
        stored = read_stored(tmp_path)
        other = write(database, header(plan, 0, "another"), (5,))
        (tmp_path / "run.json").write_text(json.dumps({"sweep_id": "first", "database": "x"}), encoding="utf-8")
        mine = read_stored(tmp_path)
    assert stored is not None
    assert mine is not None
    assert (stored.run_id, mine.run_id, other) == (2, 2, 3)
    assert stored.currents.size == 37
    assert stored.set_temperature == 0.1
    counts, edges = stored.bars()
    assert sum(counts) == 37
    assert edges[0] <= stored.currents.min() <= stored.currents.max() <= edges[-1]
    assert stored.planned == ()  # the header says three points, the plan fourteen


def test_a_database_elsewhere_is_found_by_what_the_run_was_asked_to_do(tmp_path: Path, plan: ResolvedPlan) -> None:
    run = tmp_path / "run"
    run.mkdir()
    elsewhere = tmp_path / "shared.db"
    with open_database(elsewhere) as database:
        write(database, header(plan, 0), (10,))
    order = {"sweep_id": "first", "database": str(elsewhere)}
    (run / "run.json").write_text(json.dumps(order), encoding="utf-8")
    stored = read_stored(run)
    assert stored is not None
    assert stored.currents.size == 10


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "data.db").write_bytes(b"nonsense" * 200)
    with pytest.raises(InputError, match="cannot be read"):
        read_stored(tmp_path)


def test_the_planned_set_points_stand_in_the_header(tmp_path: Path, plan: ResolvedPlan) -> None:
    with open_database(tmp_path / "data.db") as database:
        write(database, header(plan, 0).model_copy(update={"points": 14}), (10,))
    stored = read_stored(tmp_path)
    assert stored is not None
    assert (stored.planned[0], stored.planned[-1], len(stored.planned)) == (0.015, 0.8, 14)
