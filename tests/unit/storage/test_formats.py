"""What is stored carries the number of its format; the one before is read, a newer one is refused in one sentence."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qcodes.station import Station
from typer.testing import CliRunner

from mqtctl.cli.app import app
from mqtctl.errors import InputError
from mqtctl.plan import ResolvedPlan
from mqtctl.storage import CurveFacts, load_sweep, open_database, prepare_database, write_curve
from mqtctl.storage.headers import FORMAT
from tests.unit.storage.stored_sweeps import RAMP, header, write


@pytest.fixture
def database(tmp_path: Path, plan: ResolvedPlan) -> Path:
    """A database with two histograms and an I-V curve."""
    path = tmp_path / "data.db"
    prepare_database(path)
    with open_database(path) as opened:
        for point in range(2):
            write(opened, header(plan, point), (60, 40))
        facts = CurveFacts(sweep_id="first", when="before", highest_seen_V=1e-3, time="2026-11-28")
        write_curve(opened, Station(default=False), "sample", facts, [(1e-3, 9e-6, 1e-6)])
    return path


def texts(path: Path, tag: str) -> dict[int, dict[str, Any]]:
    """Run -> what stands under a tag."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"SELECT run_id, mqtctl_{tag} FROM runs WHERE mqtctl_{tag} NOT NULL").fetchall()
    return {run: json.loads(text) for run, text in rows}


def put(path: Path, tag: str, run: int, content: dict[str, Any]) -> None:
    """Change what stands under a tag."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE runs SET mqtctl_{tag} = ? WHERE run_id = ?", (json.dumps(content), run))


def test_everything_that_is_written_says_its_format(database: Path) -> None:
    for tag, runs in (("header", {1, 2}), ("result", {1, 2}), ("curve", {3})):
        written = texts(database, tag)
        assert set(written) == runs
        assert {content["format"] for content in written.values()} == {FORMAT}


def test_plan_sample_and_facts_stand_in_the_header_as_they_were_resolved(database: Path, plan: ResolvedPlan) -> None:
    written = texts(database, "header")[1]
    assert written["document"] == json.loads(json.dumps(plan.document()))
    assert written["ramp"] == asdict(RAMP)
    assert written["facts"] == {"seed": 1}
    read = load_sweep(database).points[0].header
    assert read.document.sample.junction == plan.sample.junction
    assert read.document.plan.switches == plan.plan.switches


def test_a_database_of_the_format_before_is_read_as_it_was(database: Path, plan: ResolvedPlan) -> None:
    new = load_sweep(database)
    for point in range(2):  # as the version before wrote them: no number, plain dictionaries
        former = {
            "sweep_id": "first",
            "point": point,
            "points": 3,
            "set_temperature": 0.1,
            "ramp": asdict(RAMP),
            "plan_digest": plan.digest,
            "document": plan.document(),
            "facts": {"seed": 1},
            "variant": {},
        }
        if point:  # the very first headers
            former = {key: value for key, value in former.items() if key not in {"facts", "variant"}}
        put(database, "header", point + 1, former)
        closing_facts = {"temperature": 0.101, "temperature_std": 1e-4, "switches": 100, "blocks": 2, "complete": True}
        put(database, "result", point + 1, closing_facts)
    curve = {"sweep_id": "first", "when": "before", "highest_seen_V": 1e-3, "lowest_unseen_V": None}
    put(database, "curve", 3, {**curve, "time": "2026-11-28", "simulated": True})
    old = load_sweep(database)
    for before, after in zip(old.points, new.points, strict=True):
        np.testing.assert_array_equal(
            before.histogram.switching_currents, after.histogram.switching_currents, strict=True
        )
        assert (before.complete, before.histogram.temperature) == (True, 0.101)
        assert before.header.document == after.header.document
        assert before.header.variant.polarity == 1
    assert [point.header.facts.seed for point in old.points] == [1, None]
    assert old.sweep.junction == new.sweep.junction
    (old_curve,), (new_curve,) = old.iv_curves, new.iv_curves
    assert old_curve.to_dict() == new_curve.to_dict()
    assert not prepare_database(database)  # and written to
    with open_database(database) as opened:
        write(opened, header(plan, 2), (10,))
    assert [point.histogram.point for point in load_sweep(database).points] == [0, 1, 2]


@pytest.mark.parametrize(
    ("tag", "run", "place"),
    [("header", 2, "the header of run 2"), ("result", 1, "run 1: the result"), ("curve", 3, "the I-V curve in run 3")],
)
def test_a_newer_format_is_refused_with_what_was_found_what_is_read_and_what_to_do(
    database: Path, tag: str, run: int, place: str
) -> None:
    put(database, tag, run, {"format": FORMAT + 1, "something": "else"})
    with pytest.raises(InputError) as caught:
        load_sweep(database)
    assert str(caught.value) == (
        f"{database}: {place}: is of format {FORMAT + 1}, and this mqtctl reads formats up to {FORMAT}; read it with "
        "the mqtctl that wrote it, or install a newer one"
    )
    outcome = CliRunner().invoke(app, ["analyze", str(database), "--json"])
    assert outcome.exit_code == 2
    assert f"is of format {FORMAT + 1}" in outcome.stderr


@pytest.mark.parametrize(("tag", "run"), [("header", 2), ("curve", 3)])
def test_a_database_of_a_newer_format_is_refused_before_anything_is_measured(
    database: Path, tag: str, run: int
) -> None:
    put(database, tag, run, {"format": FORMAT + 1})
    before = database.read_bytes()
    with pytest.raises(InputError, match=rf"run {run}: is of format {FORMAT + 1}.*install"):
        prepare_database(database)
    assert database.read_bytes() == before


@pytest.mark.parametrize("number", ["two", 0, True, None, 1.5])
def test_a_format_that_is_no_number_is_damage(database: Path, number: object) -> None:
    put(database, "header", 1, {**texts(database, "header")[1], "format": number})
    with pytest.raises(InputError, match=r"the header of run 1: is damaged \(its format"):
        load_sweep(database)
