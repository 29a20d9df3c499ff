"""Another program writes to the database, or another mqtctl: everything waits or is refused, nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from qcodes.station import Station

from mqtctl.errors import BenchBusyError, InputError, InterruptedRunError, StorageError
from mqtctl.plan import ResolvedPlan
from mqtctl.storage import (
    ClosingFacts,
    Column,
    CurveFacts,
    Database,
    HistogramWriter,
    Patience,
    Table,
    load_sweep,
    open_database,
    prepare_database,
    restore,
    sole_writer,
    write_curve,
    write_table,
)
from mqtctl.storage.rescue import read_rescue
from tests.unit.storage.stored_sweeps import RAMP, OtherProgram, header, write

INTERVALS = np.linspace(5e-3, 6e-3, 40)
Step = Callable[[], object]


def add(writer: HistogramWriter, shift: float = 0.0) -> None:
    """Store a block."""
    intervals = INTERVALS + shift
    writer.add_block(intervals, RAMP.current(intervals), censored=2, temperature=0.1, time=1.5)


def everything_written(database: Database, plan: ResolvedPlan, number: int, other: Step) -> None:
    """Store a histogram, a curve and a table, with `other` called before the write of that number."""
    before = iter(range(100))

    def turn(step: Step) -> None:
        if next(before) == number:
            other()
        step()

    for point in range(2):  # the second one finds experiment, columns and tags there already
        writer = HistogramWriter(database, Station(default=False), "sample", header(plan, point))
        turn(writer.__enter__)
        turn(lambda: add(writer))  # noqa: B023  # called at once
        turn(lambda: add(writer, 1e-4))  # noqa: B023
        turn(lambda: writer.finish(ClosingFacts(temperature=0.1)))  # noqa: B023
        turn(lambda: writer.__exit__(None, None, None))  # noqa: B023
    facts = CurveFacts(sweep_id="first", when="before", highest_seen_V=1e-3)
    turn(lambda: write_curve(database, Station(default=False), "sample", facts, [(1e-3, 9e-6, 1e-6)]))
    table = Table("others", "a table", (Column("x", "X", "K"), Column("y", "Y", "A")), [(1.0, 2.0)], {})
    turn(lambda: write_table(database, table, "sample"))


WRITES = {
    0: "the first run",
    1: "a first block",
    2: "a second block",
    3: "a first result",
    4: "the end of a run",
    5: "a second run",
    6: "a block of the second run",
    8: "a second result",
    9: "the end of the second run",
    10: "an I-V curve",
    11: "a table",
}


@pytest.mark.parametrize("number", WRITES, ids=WRITES.values())
def test_every_write_waits_for_another_program_and_is_complete(database: Path, plan: ResolvedPlan, number: int) -> None:
    other = OtherProgram(database)
    with open_database(database, patience=Patience(check=other.watch, step=0.01)) as opened:
        everything_written(opened, plan, number, other.take)
    assert other.waited >= 3
    stored = load_sweep(database)
    assert [p.histogram.switching_currents.size for p in stored.points] == [80, 80]
    assert len(stored.iv_curves) == 1


@pytest.mark.parametrize("number", WRITES, ids=WRITES.values())
def test_every_write_that_waited_too_long_says_so_in_one_sentence(
    database: Path, plan: ResolvedPlan, number: int
) -> None:
    other = OtherProgram(database)
    try:
        with (
            open_database(database, patience=Patience(seconds=0.02, step=0.01)) as opened,
            pytest.raises(StorageError, match="has been locked by another program for"),
        ):
            everything_written(opened, plan, number, other.take)
    finally:
        other.let_go()


def test_opening_a_database_waits_too(database: Path) -> None:
    other = OtherProgram(database)
    other.take()
    patience = Patience(check=other.watch, step=0.01)
    prepare_database(database, patience)
    assert other.waited >= 3
    with open_database(database, patience=patience):
        pass


def test_a_wait_that_is_noticed_is_told_once(
    database: Path, plan: ResolvedPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mqtctl.storage.patience._WORTH_TELLING", 0.0)
    told: list[str] = []
    other = OtherProgram(database, slices=4)
    with open_database(database, patience=Patience(tell=told.append, check=other.watch, step=0.01)) as opened:
        other.take()
        write(opened, header(plan), (10,))
    assert len(told) == 1
    assert "is locked by another program; waiting up to 120 s" in told[0]


@pytest.fixture
def rescued(database: Path, plan: ResolvedPlan) -> Path:
    """The rescue file of a second block that found the database locked."""
    other = OtherProgram(database)
    with (  # noqa: PT012  # all of it is needed to get there
        pytest.raises(StorageError, match=r"`mqtctl rescue .*` puts it back"),
        open_database(database, patience=Patience(seconds=0.02, step=0.01)) as opened,
        HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer,
    ):
        add(writer)
        other.take()
        add(writer, 1e-4)
    other.let_go()
    (file,) = database.parent.glob("*.npz")
    return file


def test_a_block_that_waited_too_long_comes_back_from_its_rescue_file_to_the_last_bit(
    database: Path, plan: ResolvedPlan, rescued: Path, tmp_path: Path
) -> None:
    assert load_sweep(database).points[0].histogram.intervals.size == INTERVALS.size
    first = restore(rescued)
    assert (first.run_id, first.switches, first.there_already) == (1, INTERVALS.size, False)
    assert restore(rescued).there_already

    undisturbed = tmp_path / "undisturbed.db"
    prepare_database(undisturbed)
    with (
        open_database(undisturbed) as opened,
        HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer,
    ):
        add(writer)
        add(writer, 1e-4)
    assert rows(database) == rows(undisturbed)


def rows(database: Path) -> list[tuple[object, ...]]:
    """All rows of the first run but their numbers, in an order of their own."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT * FROM 'results-1-1'").fetchall()
    return sorted((row[1:] for row in found), key=repr)


def test_closing_facts_that_waited_too_long_come_back_too(database: Path, plan: ResolvedPlan) -> None:
    other = OtherProgram(database)
    with (  # noqa: PT012  # all of it is needed to get there
        pytest.raises(StorageError, match="mqtctl rescue"),
        open_database(database, patience=Patience(seconds=0.02, step=0.01)) as opened,
        HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer,
    ):
        add(writer)
        other.take()
        writer.finish(ClosingFacts(temperature=0.1))
    other.let_go()
    assert not load_sweep(database).points[0].complete
    (file,) = database.parent.glob("*.npz")
    assert not restore(file).there_already
    assert load_sweep(database).points[0].complete
    assert restore(file).there_already


def test_an_iv_curve_that_waited_too_long_comes_back_too(database: Path, plan: ResolvedPlan) -> None:
    other = OtherProgram(database)
    facts = CurveFacts(sweep_id="first", when="before", highest_seen_V=1e-3)
    rows = [(1e-3, 9e-6, 1e-6), (2e-3, float("nan"), 2e-6)]
    with open_database(database, patience=Patience(seconds=0.02, step=0.01)) as opened:
        write(opened, header(plan), (10,))
        other.take()
        with pytest.raises(StorageError, match="mqtctl rescue"):
            write_curve(opened, Station(default=False), "sample", facts, rows)
        other.let_go()
    (file,) = database.parent.glob("*.npz")
    assert not restore(file).there_already
    assert restore(file).there_already
    (curve,) = load_sweep(database).iv_curves
    assert curve.threshold == (1e-3, 2e-3)
    assert curve.rising == (9e-6, None)


def test_who_is_interrupted_while_waiting_finds_the_block_in_a_rescue_file(database: Path, plan: ResolvedPlan) -> None:
    other, told = OtherProgram(database), list[str]()

    def stop() -> None:
        raise InterruptedRunError(2)

    with (  # noqa: PT012  # all of it is needed to get there
        pytest.raises(InterruptedRunError),
        open_database(database, patience=Patience(tell=told.append, check=stop, step=0.01)) as opened,
        HistogramWriter(opened, Station(default=False), "sample", header(plan)) as writer,
    ):
        other.take()
        add(writer)
    other.let_go()
    (file,) = database.parent.glob("*.npz")
    assert str(file) in told[0]
    assert not restore(file).there_already


def test_a_rescue_file_never_replaces_another_and_goes_elsewhere_where_it_must(
    database: Path, rescued: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mqtctl.storage.rescue import write_rescue

    before = rescued.read_bytes()
    second = write_rescue(read_rescue(rescued))
    assert second != rescued
    assert rescued.read_bytes() == before
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(elsewhere))
    gone = read_rescue(rescued)
    moved = write_rescue(type(gone)(tmp_path / "gone" / "data.db", gone.guid, gone.run_id, gone.block, gone.result))
    assert moved.parent == elsewhere


def test_a_rescue_file_is_refused_where_it_does_not_belong(database: Path, rescued: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange.db"
    prepare_database(strange)
    with pytest.raises(InputError, match="belongs to a run that"):
        restore(rescued, strange)
    with pytest.raises(InputError, match="is not there"):
        restore(rescued, tmp_path / "nowhere.db")
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM 'results-1-1'")
    with pytest.raises(InputError, match="only 0 blocks before it"):
        restore(rescued)


def test_a_run_that_holds_something_else_at_that_place_is_left_alone(
    database: Path, plan: ResolvedPlan, rescued: Path
) -> None:
    restore(rescued)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE 'results-1-1' SET interval = (SELECT interval FROM 'results-1-1' WHERE interval NOT NULL LIMIT 1) "
            "WHERE interval NOT NULL"
        )
    before = rows(database)
    with pytest.raises(InputError, match="holds another block 1 already"):
        restore(rescued)
    assert rows(database) == before


def test_a_rescue_file_that_was_changed_or_is_none_is_refused(rescued: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    whole = rescued.read_bytes()
    forged = tmp_path / "forged.npz"
    for _ in range(60):
        content = bytearray(whole)
        content[int(rng.integers(len(content)))] ^= int(rng.integers(1, 256))
        forged.write_bytes(content if rng.random() < 0.7 else content[: int(rng.integers(len(content)))])
        try:
            read = read_rescue(forged)
        except InputError:
            continue
        # a byte that says nothing, such as a date in the archive
        np.testing.assert_array_equal(read.block.intervals, INTERVALS + 1e-4)  # type: ignore[union-attr]
    np.savez(forged, currents=np.ones(3))
    with pytest.raises(InputError, match="not a rescue file"):
        read_rescue(forged)
    with pytest.raises(InputError, match="no such file"):
        read_rescue(tmp_path / "nothing.npz")


def test_one_mqtctl_writes_to_a_database_and_the_next_is_told_who(database: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(database)
    with sole_writer(database):
        for name in (database, link, tmp_path / "." / "data.db"):
            with (
                pytest.raises(BenchBusyError, match=r"is being written by process \d+ of .* on .*, since 20"),
                sole_writer(name),
            ):
                pass
    with sole_writer(link):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.db", "link.db"]


def test_a_lock_that_somebody_left_behind_is_used_and_left_behind(database: Path) -> None:
    left = database.with_name("data.db-mqtctl.lock")
    left.write_text(" process 1 of nobody")
    with sole_writer(database):
        pass
    assert left.exists()
    left.unlink()
    left.symlink_to(database)
    before = database.read_bytes()
    with pytest.raises(InputError, match="no lock can be made"), sole_writer(database):
        pass
    assert database.read_bytes() == before


def test_a_database_that_lets_nobody_read_is_said_so_and_not_read_as_it_lies(
    database: Path, plan: ResolvedPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mqtctl.storage.opening._WAIT", 0.01)
    with open_database(database) as opened:
        write(opened, header(plan), (10,))
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="is locked by another program"):
            load_sweep(database)
