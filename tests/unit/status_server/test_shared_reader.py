"""However many look, a run is read once in an interval; what dies or goes away is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from mqtctl.errors import InputError
from mqtctl.status_server import shared_reader
from mqtctl.status_server.server import changes
from mqtctl.status_server.shared_reader import EVERY, SharedReader
from mqtctl.storage import sole_writer
from tests.unit.status_page.a_run import settling, write_log, write_status


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def running(folder: Path, **facts: Any) -> None:
    write_status(
        folder, **{"state": "running", "outputs": "in use", "point": 0, "points": 3, "phase": "ramps", **facts}
    )


def test_twenty_viewers_cost_one_reading_in_an_interval(tmp_path: Path) -> None:
    write_status(tmp_path)
    log = write_log(tmp_path, settling(0.0, 0.04), settling(1.0, 0.05))
    time = Time()
    reader = SharedReader(tmp_path, time)
    rounds = 4
    seen: list[list[str]] = [[] for _ in range(20)]

    async def look() -> None:
        async def pause(_: float) -> None:
            await anyio.lowlevel.checkpoint()

        viewers = [cast("AsyncGenerator[str]", changes(reader, pause)) for _ in seen]
        for number in range(rounds):
            async with anyio.create_task_group() as group:
                for place, viewer in enumerate(viewers):
                    group.start_soon(one, viewer, seen[place])
            write_log(log.parent, settling(2.0 + number, 0.06))
            time.now += EVERY
        for viewer in viewers:
            await viewer.aclose()

    async def one(viewer: AsyncGenerator[str], told: list[str]) -> None:
        told.append(await anext(viewer))

    anyio.run(look)
    assert reader.times_read == rounds  # one at the beginning, and one for each interval that passed
    assert [len(told) for told in seen] == [rounds] * 20
    fragments = [json.loads(event.removeprefix("data: "))["fragment"] for event in seen[7]]
    assert len(set(fragments)) == rounds  # each had something new


def test_a_stream_says_nothing_twice_but_that_it_is_alive(tmp_path: Path) -> None:
    write_status(tmp_path)
    reader = SharedReader(tmp_path, Time())
    passed: list[float] = []

    async def look() -> list[str]:
        async def pause(seconds: float) -> None:
            passed.append(seconds)
            await anyio.lowlevel.checkpoint()

        stream = cast("AsyncGenerator[str]", changes(reader, pause))
        told = [await anext(stream), await anext(stream)]
        await stream.aclose()
        return told

    first, second = (json.loads(event.removeprefix("data: ")) for event in anyio.run(look))
    assert first["fragment"].startswith("<h1")
    assert second["fragment"] == ""
    assert sum(passed) == 10.0


def test_a_sweep_that_dies_is_told_and_its_database_is_not_held_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(tmp_path)
    time = Time()
    with sole_writer(tmp_path / "data.db"):
        reader = SharedReader(tmp_path, time)
        assert "heard for" in reader.page()  # long ago, by the status made here
    time.now = 3.0
    assert "Dead, point 1 of 3" in reader.page()
    monkeypatch.setattr(shared_reader, "standing", lambda _: pytest.fail("asked again"))
    time.now = 6.0
    assert "Dead, point 1 of 3" in reader.page()


def test_a_run_that_is_gone_on_with_after_its_death_is_well_again(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    running(tmp_path)
    time = Time()
    reader = SharedReader(tmp_path, time)
    assert "Dead" in reader.fragment()
    (tmp_path / "status.json").unlink()
    running(tmp_path, updated=datetime.now(UTC).isoformat())
    time.now = 3.0
    with sole_writer(tmp_path / "data.db"):
        assert "All is well: measuring, point 1 of 3" in reader.fragment()


def test_a_folder_that_goes_away_leaves_what_was_read_last_and_says_so(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_status(run, outputs_since="2026-01-01T00:00:05+00:00")
    time = Time()
    reader = SharedReader(run, time)
    shutil.rmtree(run)
    time.now = 3.0
    page = reader.page()
    assert "Lost: " in page
    assert "no such file or folder" in page
    assert "2026-01-01 00:00:05" in page
    write_status(run)
    time.now = 6.0
    assert "Complete" in reader.fragment()


def test_a_run_without_a_status_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data.db").touch()
    with pytest.raises(InputError, match="keeps no status"):
        SharedReader(tmp_path)
