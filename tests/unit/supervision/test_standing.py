"""A status tells the truth about the living, the finished and the dead."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mqtctl.errors import InputError
from mqtctl.storage import sole_writer
from mqtctl.supervision.standing import newest_run, standing
from mqtctl.supervision.status import FORMAT, Status


def run_with(folder: Path, **facts: Any) -> Path:
    """Make the folder of a run with a status."""
    folder.mkdir(parents=True)
    (folder / "data.db").touch()
    status = {**asdict(Status(folder=str(folder), station="s.yaml", updated="2026-01-01T00:00:00+00:00")), **facts}
    (folder / "status.json").write_text(json.dumps({"format": FORMAT, **status}), encoding="utf-8")
    return folder


def test_a_run_whose_database_is_held_is_running(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", outputs="in use")
    with sole_writer(run / "data.db"):
        found = standing(run)
    assert (found["state"], found["alarm"]) == ("running", "")


def test_a_run_that_nobody_writes_any_more_is_dead_and_says_what_to_do_about_its_outputs(tmp_path: Path) -> None:
    found = standing(run_with(tmp_path / "run", outputs="in use"))
    assert found["state"] == "dead"
    assert "`mqtctl safe s.yaml`" in found["alarm"]
    assert standing(run_with(tmp_path / "rested", outputs="off, confirmed"))["alarm"] == ""
    assert standing(run_with(tmp_path / "ended", state="complete", outputs="off, confirmed"))["state"] == "complete"


def test_the_newest_run_is_taken_by_itself(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no run under"):
        newest_run(tmp_path / "nowhere")
    for name in ("2026-01-02_000000_a", "2026-01-10_000000_b", "2026-01-09_000000_c"):
        (tmp_path / name).mkdir()
    assert newest_run(tmp_path).name == "2026-01-10_000000_b"


def test_what_keeps_no_status_or_a_damaged_one_is_told_in_a_sentence(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run")
    for text, said in (("{", "cannot be read"), ("[]", "is not a status"), ('{"format": 9}', "is not a status")):
        (run / "status.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            standing(run)
    (run / "status.json").unlink()
    with pytest.raises(InputError, match="keeps no status"):
        standing(run)


def test_the_words_begin_with_an_alarm(tmp_path: Path) -> None:
    from mqtctl.cli.status import lines

    current = {"temperature_K": 0.0501, "target_K": 0.05, "switches": 120, "wanted": 1000}
    found = standing(run_with(tmp_path / "run", outputs="in use", point=2, points=14, left_s=7200.0, current=current))
    told = lines(found, datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC))
    assert told[0].startswith("ALARM: it ended without a word")
    text = "\n".join(told)
    for part in ("dead:", "point 3 of 14", "bath 50.1 mK, set point 50 mK", "120 of 1000 switches", "in use"):
        assert part in text


def test_a_run_that_writes_to_a_database_elsewhere_has_a_standing(tmp_path: Path) -> None:
    run = run_with(tmp_path / "run", outputs="in use")
    (run / "data.db").rename(tmp_path / "shared.db")
    order = {"format": 1, "plan": "p.yaml", "sweep_id": "x", "database": str(tmp_path / "shared.db")}
    (run / "run.json").write_text(json.dumps(order), encoding="utf-8")
    with sole_writer(tmp_path / "shared.db"):
        assert standing(run)["state"] == "running"
    assert standing(run)["state"] == "dead"
    (run / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="is damaged"):
        standing(run)
