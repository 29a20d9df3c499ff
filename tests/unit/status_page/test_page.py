"""The page says first whether all is well, and nothing on it is a surprise to the browser."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mqtctl.status_page import CONTENT_POLICY, Facts, Follower, fragment, whole_page
from mqtctl.status_page.drawing import Line, bars, lines
from mqtctl.status_page.headline import headline
from tests.unit.status_page.a_run import block, finished, fitted, settling, write_log, write_status

NOW = datetime(2026, 1, 1, 0, 0, 40, tzinfo=UTC)
RUNNING: dict[str, Any] = {"state": "running", "phase": "ramps", "outputs": "in use", "point": 4, "points": 14}


@pytest.mark.parametrize(
    ("facts", "level", "text"),
    [
        (RUNNING, "well", "All is well: measuring, point 5 of 14"),
        ({"state": "running", "outputs": "off"}, "well", "All is well: connecting"),
        ({**RUNNING, "updated": "2025-12-31T23:50:00+00:00"}, "doubt", "nothing was heard for 11 min"),
        ({**RUNNING, "alarm": "heater high"}, "bad", "ALARM, point 5 of 14: heater high"),
        ({**RUNNING, "state": "dead", "alarm": "run `mqtctl safe`"}, "bad", "Dead, point 5 of 14: run `mqtctl safe`"),
        ({**RUNNING, "state": "dead", "outputs": "off"}, "bad", "Dead, point 5 of 14: it ended without a word"),
        ({"state": "complete"}, "over", "Complete"),
        (
            {"state": "complete", "outputs": "NOT confirmed off"},
            "bad",
            "ALARM: complete, and source and heater are NOT",
        ),
        ({"state": "stopped", "point": 1, "points": 3, "exit_code": 143}, "doubt", "Stopped, point 2 of 3"),
        ({"state": "stopped", "exit_code": 137}, "bad", "Killed: the measurement ended by signal 9"),
        ({"state": "failed", "exit_code": 12}, "bad", "Failed: cryostat unsafe"),
        ({"state": "failed", "exit_code": 1}, "bad", "Failed: exit code 1"),
    ],
)
def test_the_first_line_says_whether_all_is_well(facts: dict[str, Any], level: str, text: str, tmp_path: Path) -> None:
    found = headline(write_status(tmp_path, **facts), NOW)
    assert found.level == level
    assert text in found.text


def facts_of(folder: Path, **status: Any) -> Facts:
    current = {"temperature_K": 0.0501, "target_K": 0.05, "switches": 120, "wanted": 1000, "censored": 2}
    told = write_status(folder, **{**RUNNING, "point": 1, "points": 3, "left_s": 7200.0, "current": current, **status})
    (folder / "data.db").unlink()
    log = write_log(
        folder,
        settling(0.0, 0.04),
        settling(60.0, 0.05, second=20),
        block(10.0, 500),
        block(20.0, 1000),
        finished(0, 1),
        fitted(0),
        block(5.0, 120, point=1),
    )
    return Follower(log).facts(told)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_the_page_shows_outputs_bath_counts_points_and_time_left(tmp_path: Path) -> None:
    text = plain(fragment(facts_of(tmp_path, outputs_since="2026-01-01T00:00:05+00:00", simulated=True, seed=3), NOW))
    for part in (
        "SIMULATED bench, seed 3",
        "in use , since 2026-01-01 00:00:05",
        "50.1 mK, set point 50 mK",
        "120 of 1000 switches, 2 ramps without",
        "The whole run ends",
        "(2.0 h of laboratory time)",
        "1 of 3 points have a finished histogram",
        "9.40000(19) µA",
        "61.0(1.0) mK",
        "measuring now",
        "planned",
        "No report was written yet",
    ):
        assert part in text


def test_a_dead_run_shows_its_outputs_and_bath_as_the_last_known_and_how_to_go_on(tmp_path: Path) -> None:
    text = plain(fragment(facts_of(tmp_path, state="dead", simulated=True, seed=3), NOW))
    for part in (
        "nothing real is in use",
        "Source and heater, last known",
        "Bath, last known",
        "what was measured is stored; mqtctl resume goes on",
    ):
        assert part in text
    assert "The whole run ends" not in text


def test_bath_and_convergence_are_drawn(tmp_path: Path) -> None:
    page = fragment(facts_of(tmp_path), NOW)
    assert page.count("<svg") == 3
    assert page.count('class="trace"') == 3


def test_what_comes_from_outside_is_escaped(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    remarks = [{"time": "2026-01-01T00:00:00+00:00", "text": evil}]
    facts = facts_of(tmp_path, alarm=evil, command=evil, remarks=remarks, outputs=evil)
    facts.history.finished[1]["purpose"] = evil
    page = whole_page(facts, NOW)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert") >= 5


@pytest.mark.parametrize("events", ["", "/events"])
def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_from_elsewhere(
    events: str, tmp_path: Path
) -> None:
    page = whole_page(facts_of(tmp_path), NOW, events=events)
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY
    assert f'content="{CONTENT_POLICY}"' in page
    assert re.findall(r"""https?:|\son\w+=|\sstyle=|src=""", page) == []


def test_a_file_is_read_again_while_the_run_goes_on_and_a_served_page_where_there_is_no_javascript(
    tmp_path: Path,
) -> None:
    again = '<meta http-equiv="refresh"'
    assert again in whole_page(facts_of(tmp_path / "1"), NOW)
    assert again not in whole_page(facts_of(tmp_path / "2", state="complete"), NOW)
    assert f"<noscript>{again}" in whole_page(facts_of(tmp_path / "3"), NOW, events="/events")


def test_a_run_that_just_begins_has_a_page(tmp_path: Path) -> None:
    status = write_status(tmp_path, state="running", outputs="off", point=None, points=None)
    (tmp_path / "data.db").unlink()
    page = whole_page(Follower(tmp_path / "status.jsonl").facts(status), NOW)
    assert "All is well: connecting" in page
    assert "Nothing was measured yet" in page


def test_a_damaged_database_is_told_on_the_page(tmp_path: Path) -> None:
    status = write_status(tmp_path, **RUNNING)
    (tmp_path / "data.db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    page = fragment(Follower(tmp_path / "status.jsonl").facts(status), NOW)
    assert "The histogram cannot be shown" in page


def test_the_database_is_read_again_only_when_there_is_more_and_not_too_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    monkeypatch.setattr("mqtctl.status_page.follow.read_stored", reads.append)
    status = write_status(tmp_path, **RUNNING)
    time = [0.0]
    follower = Follower(write_log(tmp_path, settling(0.0, 0.04)), clock=lambda: time[0])
    for now, line, count in ((0.0, False, 1), (1.0, True, 1), (4.0, False, 2), (9.0, False, 2), (9.5, True, 3)):
        time[0] = now
        if line:
            write_log(tmp_path, settling(now, 0.04))
        follower.facts(status)
        assert len(reads) == count


def test_plots_of_nothing_are_nothing_and_equal_values_have_an_axis() -> None:
    assert lines([Line([(0.0, 1.0)], "trace")], ("x", ""), ("y", "A")) == ""
    assert bars([], [], ("x", "A"), "n") == ""
    for value in (0.0, 1e-9, 9.4e-6):
        drawn = lines([Line([(0.0, value), (1.0, value)], "trace")], ("x", ""), ("y", "A"))
        assert "nan" not in drawn
        assert drawn.count("<text") >= 5


def test_ticks_of_close_values_can_be_told_apart() -> None:
    drawn = lines([Line([(0.0, 9.4011e-6), (1.0, 9.4016e-6)], "trace")], ("x", ""), ("y", "A"))
    said = re.findall(r'text-anchor="end">([^<]*)<', drawn)
    assert len(set(said)) == len(said) >= 3
    assert "y / µA" in drawn
