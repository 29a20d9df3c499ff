from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qcodes.station import Station

from mqtctl.errors import InputError, StorageError
from mqtctl.plan import ResolvedPlan
from mqtctl.storage import ClosingFacts, Database, HistogramWriter, load_sweep, open_database, prepare_database
from tests.unit.storage.stored_sweeps import RAMP, header, write


def test_what_is_stored_comes_back_to_the_last_bit(opened: Database, database: Path, plan: ResolvedPlan) -> None:
    write(opened, header(plan), (1000, 1000, 300))
    (point,) = load_sweep(database).points
    expected = np.random.default_rng(0)
    intervals = np.concatenate([expected.uniform(5e-3, 6e-3, n) for n in (1000, 1000, 300)])
    np.testing.assert_array_equal(point.histogram.intervals, intervals)
    np.testing.assert_array_equal(point.histogram.switching_currents, RAMP.current(intervals))
    assert point.histogram.ramp == RAMP
    assert point.histogram.censored == 0 + 1 + 2
    assert point.histogram.temperature == 0.101
    assert point.complete


def test_currents_can_be_computed_again_from_the_raw_intervals(
    opened: Database, database: Path, plan: ResolvedPlan
) -> None:
    write(opened, header(plan), (50,))
    histogram = load_sweep(database).sweep.histograms[0]
    np.testing.assert_array_equal(histogram.ramp.current(histogram.intervals), histogram.switching_currents)


def test_intervals_that_are_no_switch_are_kept_and_their_currents_are_nan(
    opened: Database, database: Path, plan: ResolvedPlan
) -> None:
    with HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer:
        writer.add_block(np.array([5e-3, 11e-3]), np.array([5e-6, math.nan]), censored=1, temperature=0.1, time=0.0)
        writer.finish(ClosingFacts())
    histogram = load_sweep(database).sweep.histograms[0]
    np.testing.assert_array_equal(histogram.intervals, [5e-3])
    raw = opened.connection.execute("SELECT count(interval) FROM 'results-1-1'").fetchone()
    assert raw == (1,)


def test_the_newest_sweep_is_loaded_unless_another_is_named(
    opened: Database, database: Path, plan: ResolvedPlan
) -> None:
    for point in (1, 0):
        write(opened, header(plan, point, "old"), (10,))
    for point in (2, 0, 1):
        write(opened, header(plan, point, "new"), (20,))
    stored = load_sweep(database)
    assert stored.sweep_id == "new"
    assert [p.histogram.point for p in stored.points] == [0, 1, 2]
    assert len(load_sweep(database, sweep_id="old").points) == 2
    assert load_sweep(database, run_id=1).points[0].histogram.point == 1


def test_an_unfinished_point_is_left_out_and_counted(opened: Database, database: Path, plan: ResolvedPlan) -> None:
    write(opened, header(plan, 0), (10,))
    write(opened, header(plan, 1), (10,), finish=False)
    stored = load_sweep(database)
    assert [p.histogram.point for p in stored.points] == [0]
    assert len(stored.unfinished) == 1


def test_a_block_is_readable_by_others_before_the_run_ends(
    opened: Database, database: Path, plan: ResolvedPlan
) -> None:
    with HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer:
        intervals = np.full(100, 5e-3)
        writer.add_block(intervals, RAMP.current(intervals), censored=0, temperature=0.1, time=0.0)
        (point,) = load_sweep(database).points
        assert point.histogram.switching_currents.size == 100
        assert not point.complete


def test_a_write_that_qcodes_swallows_is_an_error(
    opened: Database, plan: ResolvedPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer:

        def fail(_results: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(writer._saver.dataset, "add_results", fail)
        with pytest.raises(StorageError, match="did not reach the database"):
            writer.add_block(np.ones(5), np.ones(5), censored=0, temperature=0.1, time=0.0)


def test_a_block_that_reads_back_differently_is_an_error(
    opened: Database, plan: ResolvedPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer:
        original = writer._saver.add_result

        def garble(*results: tuple[str, Any]) -> None:
            original(*((name, value * 2 if name == "interval" else value) for name, value in results))

        monkeypatch.setattr(writer._saver, "add_result", garble)
        with pytest.raises(StorageError, match="reads back differently"):
            writer.add_block(np.ones(5), np.ones(5), censored=0, temperature=0.1, time=0.0)


def test_qcodes_says_nothing_on_stdout(
    opened: Database, plan: ResolvedPlan, capsys: pytest.CaptureFixture[str]
) -> None:
    write(opened, header(plan), (10,))
    assert capsys.readouterr().out == ""


def test_stock_qcodes_without_mqtctl_reads_the_arrays(opened: Database, database: Path, plan: ResolvedPlan) -> None:
    write(opened, header(plan), (1000, 1000, 300))
    script = f"""
import sys
from qcodes.dataset import initialise_or_create_database_at, load_by_id, experiments
initialise_or_create_database_at({str(database)!r})
(experiment,) = experiments()
(run,) = experiment.data_sets()
arrays = load_by_id(run.run_id).to_xarray_dataset()
assert arrays["interval"].shape == arrays["switching_current"].shape == (2300,)
assert arrays["switching_current"].attrs["units"] == "A"
assert list(arrays["block_censored_ramps"]) == [0, 1, 2]
assert not any(name.split(".")[0] == "mqtctl" for name in sys.modules)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True, timeout=60)


@pytest.mark.usefixtures("databases_of_qcodes")
def test_a_new_database_is_whole_or_not_there(tmp_path: Path) -> None:
    prepare_database(tmp_path / "data.db")
    assert [path.name for path in tmp_path.iterdir()] == ["data.db"]
    prepare_database(tmp_path / "data.db")


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"hello, this is no database at all", "cannot be used"), (b"", "was not made by QCoDeS")],
)
def test_a_file_made_by_something_else_is_refused_and_left_alone(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(content)
    with pytest.raises(InputError, match=fault):
        prepare_database(path)
    assert path.read_bytes() == content


def test_a_foreign_sqlite_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as foreign, foreign:
        foreign.execute("CREATE TABLE accounts (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(InputError, match="was not made by QCoDeS"):
        prepare_database(path)
    with pytest.raises(InputError, match="holds no switching histograms"):
        load_sweep(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        prepare_database(tmp_path / "nowhere" / "data.db")
    with pytest.raises(InputError, match="is not a file"):
        prepare_database(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_is_noticed_before_the_first_ramp(database: Path) -> None:
    with pytest.raises(StorageError, match="make room"), open_database(database, needed=10**18):
        pass


@pytest.mark.parametrize("question", [{"sweep_id": "unknown"}, {"run_id": 99}])
def test_what_is_not_in_the_database_is_said_so(
    opened: Database, database: Path, plan: ResolvedPlan, question: dict[str, Any]
) -> None:
    write(opened, header(plan), (10,))
    with pytest.raises(InputError, match="there are"):
        load_sweep(database, **question)


def test_files_that_hold_no_histograms_are_said_so(tmp_path: Path, database: Path) -> None:
    with pytest.raises(InputError, match="no such database"):
        load_sweep(tmp_path / "nowhere.db")
    with pytest.raises(InputError, match="holds no switching histograms"):
        load_sweep(database)
    (tmp_path / "junk.db").write_bytes(b"junk" * 100)
    with pytest.raises(InputError, match="not a QCoDeS database"):
        load_sweep(tmp_path / "junk.db")


@pytest.mark.usefixtures("databases_of_qcodes")
def test_a_finished_database_is_one_file_that_can_be_copied(tmp_path: Path, plan: ResolvedPlan) -> None:
    database = tmp_path / "data.db"
    prepare_database(database)
    with open_database(database) as opened:
        write(opened, header(plan), (10,))
    load_sweep(database)
    assert [path.name for path in tmp_path.iterdir()] == ["data.db"]
    copy = tmp_path / "copy.db"
    copy.write_bytes(database.read_bytes())
    assert load_sweep(copy).points[0].histogram.switching_currents.size == 10


def test_a_full_disk_is_noticed_at_the_block_that_does_not_fit_and_keeps_those_before(
    opened: Database, database: Path, plan: ResolvedPlan
) -> None:
    kept = 0
    with (  # noqa: PT012  # the block at which the disk is full is not known beforehand
        pytest.raises(StorageError, match=r"did not reach the database|could not be"),
        HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer,
    ):
        (pages,) = opened.connection.execute("PRAGMA page_count").fetchone()
        opened.connection.execute(f"PRAGMA max_page_count={pages + 40}")
        for _ in range(1000):
            writer.add_block(np.full(1000, 5e-3), np.full(1000, 5e-6), censored=0, temperature=0.1, time=0.0)
            kept += 1
    assert kept >= 1
    assert load_sweep(database).points[0].histogram.switching_currents.size == 1000 * kept
