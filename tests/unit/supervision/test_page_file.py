"""The page as a file: whole, new after each finished histogram and at the end, and no reason for anything to fail."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from mqtctl.supervision.page_file import PAGE_NAME, PageFile
from mqtctl.supervision.status import Status, StatusFile


def finished(point: int) -> dict[str, Any]:
    facts = {"switches": 9, "temperature_K": 0.05, "mean_A": 9.4e-6, "width_A": 6e-9}
    return {"point": point, "points": 2, "run_id": point + 1, "purpose": "switching", **facts}


def test_the_page_is_written_with_what_follows_a_finished_histogram_and_at_the_end(tmp_path: Path) -> None:
    file, page = StatusFile(Status(state="running", begun="2026-01-01T00:00:00+00:00")), PageFile()
    asked = []
    page._ask = lambda status: asked.append((status.point, len(status.finished)))  # type: ignore[method-assign]
    begins = {"folder": str(tmp_path), "simulated": True, "seed": 1}
    told: list[tuple[str, dict[str, Any]]] = [
        ("begins", begins),
        ("finished", finished(0)),
        ("beat", {}),
        ("remark", {"text": "x"}),
        ("beat", {}),
    ]
    for kind, facts in [*told, ("finished", finished(1)), ("at rest", {})]:
        file.take(kind, facts)
        page.changed(file.status, kind)
    assert asked == [(0, 1), (1, 2)]
    page.ended(file.status)
    assert len(asked) == 3


def test_the_last_page_tells_the_end_and_no_half_file_is_left(tmp_path: Path) -> None:
    file, page = StatusFile(Status(begun="2026-01-01T00:00:00+00:00")), PageFile()
    file.take("begins", {"folder": str(tmp_path), "simulated": False, "seed": None})
    for point in range(2):
        for kind, facts in (("finished", finished(point)), ("remark", {"text": f"look at {point}"})):
            file.take(kind, facts)
            page.changed(file.status, kind)
    file.status.state, file.status.outputs = "complete", "off, confirmed"
    assert page.ended(file.status) == []
    text = (tmp_path / PAGE_NAME).read_text(encoding="utf-8")
    assert "Complete: source and heater are off" in text
    assert "look at 1" in text
    assert "2 of 2 points have a finished histogram" in text
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_that_is_gone_or_was_never_made_is_no_fault(tmp_path: Path) -> None:
    assert PageFile().ended(Status()) == []
    folder = tmp_path / "run"
    folder.mkdir()
    file, page = StatusFile(Status(begun="2026-01-01T00:00:00+00:00")), PageFile()
    file.take("begins", {"folder": str(folder), "simulated": False, "seed": None})
    shutil.rmtree(folder)
    assert page.ended(file.status) == []
    assert not folder.exists()
