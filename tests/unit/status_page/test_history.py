"""The history of a run is read from its log as it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqtctl.status_page.history import History
from tests.unit.status_page.a_run import block, finished, fitted, settling, write_log


def test_a_log_that_is_not_there_yet_says_nothing(tmp_path: Path) -> None:
    history = History(tmp_path / "status.jsonl")
    history.follow()
    assert (history.lines, history.bath) == (0, [])


def test_laboratory_time_goes_on_from_part_to_part(tmp_path: Path) -> None:
    ramps = {"time": "2026-01-01T00:00:03+00:00", "kind": "ramps", "point": 0, "points": 3, "target_K": 0.05}
    log = write_log(
        tmp_path,
        settling(0.0, 0.04, second=0),
        settling(100.0, 0.05, second=2),
        ramps,
        block(10.0, 100, second=3),
        block(20.0, 200, second=4),
        ramps,  # a second histogram at this point
        block(5.0, 100, second=5),
        settling(0.0, 0.05, point=1, second=5),
        settling(50.0, 0.06, point=1, second=9),
    )
    history = History(log)
    history.follow()
    assert [reading.time for reading in history.bath] == [0.0, 100.0, 110.0, 120.0, 125.0, 125.0, 175.0]
    assert history.bath[2].target == 0.05
    assert history.laboratory_s == pytest.approx(175.0)
    assert history.wall_s == pytest.approx(2.0 + 1.0 + 4.0)
    assert [seen.switches for seen in history.convergence] == [100]  # the second histogram's own


def test_a_line_is_taken_when_it_is_whole_and_only_once(tmp_path: Path) -> None:
    log = write_log(tmp_path, settling(0.0, 0.04))
    with log.open("ab") as file:
        file.write(b'{"kind": "settli')
    history = History(log)
    history.follow()
    assert history.lines == 1
    with log.open("ab") as file:
        file.write(b'ng"\xff}\n')  # torn by a crash: nonsense
    write_log(tmp_path, settling(1.0, 0.041))
    history.follow()
    history.follow()
    assert (history.lines, len(history.bath)) == (2, 2)


def test_a_fit_belongs_to_the_newest_histogram_of_its_point(tmp_path: Path) -> None:
    history = History(write_log(tmp_path, finished(0, 1), fitted(0), finished(1, 2), finished(1, 3), fitted(1)))
    history.follow()
    assert history.finished[1]["escape_temperature_K"] == 0.061
    assert "escape_temperature_K" not in history.finished[2]
    assert history.finished[3]["escape_temperature_K"] == 0.061


def test_a_long_night_is_kept_in_little_memory_with_its_first_and_last_readings(tmp_path: Path) -> None:
    history = History(write_log(tmp_path, *(settling(float(n), 0.05 + n * 1e-6) for n in range(9000))))
    history.follow()
    assert 1000 <= len(history.bath) <= 2001
    assert history.bath[0].time == 0.0
    assert history.bath[-1].time >= 8990.0
