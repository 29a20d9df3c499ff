"""Only what this process made is ever removed or replaced: databases, folders, and files written as a whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mqtctl.errors import InputError
from mqtctl.plan import ResolvedPlan
from mqtctl.storage import load_sweep, open_database, prepare_database, prepared_database
from mqtctl.whole_files import write_whole
from mqtctl.workflow.results import RunFolder, find_run
from tests.unit.storage.stored_sweeps import header, write

pytestmark = pytest.mark.usefixtures("databases_of_qcodes")

NEIGHBOURS = ("data.db.2025-backup", "data.db-notes.txt", "data.db~", ".data.db.swp", "data.dbx", "data.db-wal.old")


@pytest.fixture
def neighbours(tmp_path: Path) -> Iterator[Path]:
    """A folder with files whose names look like those of a database's parts."""
    for name in NEIGHBOURS:
        (tmp_path / name).write_text("precious")
    yield tmp_path
    assert all((tmp_path / name).read_text() == "precious" for name in NEIGHBOURS)


def names(folder: Path) -> set[str]:
    """What lies there beside the neighbours."""
    return {path.name for path in folder.iterdir()} - set(NEIGHBOURS)


def test_a_database_that_was_made_and_not_used_goes_and_nothing_else(neighbours: Path) -> None:
    with (  # noqa: PT012  # what is in the block is what is tested
        pytest.raises(KeyboardInterrupt),
        prepared_database(neighbours / "data.db"),
    ):
        assert names(neighbours) == {"data.db"}
        raise KeyboardInterrupt
    assert names(neighbours) == set()


def test_a_database_that_was_there_stays_although_it_is_empty(neighbours: Path) -> None:
    prepare_database(neighbours / "data.db")
    with prepared_database(neighbours / "data.db"):
        pass
    assert names(neighbours) == {"data.db"}


def test_a_database_into_which_anybody_put_a_run_stays(neighbours: Path, plan: ResolvedPlan) -> None:
    path = neighbours / "data.db"
    with prepared_database(path), open_database(path) as opened:
        write(opened, header(plan), (5,))
    assert load_sweep(path).points[0].complete


@pytest.mark.parametrize("part", ["-wal", "-shm", "-journal"])
def test_a_new_database_does_not_take_over_what_another_of_its_name_left(tmp_path: Path, part: str) -> None:
    """SQLite would write the newest blocks of a killed sweep, whose database was moved away, into the new one."""
    left = tmp_path / f"data.db{part}"
    left.write_text("precious")
    with pytest.raises(InputError, match=f"data.db{part} is, with what belongs to a database of this name"):
        prepare_database(tmp_path / "data.db")
    assert [path.name for path in tmp_path.iterdir()] == [left.name]
    assert left.read_text() == "precious"


def test_a_folder_of_somebody_elses_is_neither_made_nor_removed(tmp_path: Path) -> None:
    stamp = datetime(2026, 11, 29, tzinfo=UTC)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for path in (theirs, tmp_path / "deep" / "ours"):
        with RunFolder.choose(path, None, stamp, "f" * 32).made():
            assert (path / "data.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["theirs"]
    for name in ("data.db", "result.json", "report.html"):
        file = theirs / name
        file.write_text("precious")
        with (
            pytest.raises(InputError, match="holds a run already"),
            RunFolder.choose(theirs, None, stamp, "f" * 32).made(),
        ):
            pass
        assert file.read_text() == "precious"
        file.unlink()
    file.write_text("in the way")
    with pytest.raises(InputError, match="cannot be made"), RunFolder.choose(file, None, stamp, "f" * 32).made():
        pass
    assert file.read_text() == "in the way"


def test_the_copy_of_a_runs_folder_is_read_where_it_lies_and_not_where_it_was(tmp_path: Path) -> None:
    original = RunFolder(tmp_path / "run", tmp_path / "run" / "data.db")
    original.path.mkdir()
    prepare_database(original.database)
    original.write({"database": str(original.database)}, "f" * 32)
    copy = Path(shutil.copytree(original.path, tmp_path / "copy"))
    assert find_run(copy) == (copy / "data.db", "f" * 32)
    (copy / "data.db").unlink()  # a database of the laboratory's stands elsewhere
    assert find_run(copy) == (original.database, "f" * 32)


@pytest.mark.parametrize("link", [os.link, None], ids=["links", "a file system without links"])
def test_a_database_that_another_process_makes_meanwhile_is_taken_and_not_replaced(
    neighbours: Path, plan: ResolvedPlan, monkeypatch: pytest.MonkeyPatch, link: Callable[..., None] | None
) -> None:
    path = neighbours / "data.db"
    if link is None:

        def unable(*_arguments: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr("os.link", unable)
    from mqtctl.storage import database as module

    create = module._create

    def slow(temporary: Path) -> None:
        create(temporary)
        monkeypatch.setattr(module, "_create", create)
        with prepared_database(path), open_database(path) as opened:  # the other one is faster
            write(opened, header(plan), (5,))

    monkeypatch.setattr(module, "_create", slow)
    with prepared_database(path):
        pass
    assert names(neighbours) == {"data.db"}
    assert load_sweep(path).points[0].complete


def test_a_file_is_written_whole_through_a_name_that_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.html"
    for name in ("report.html.partial", "report.partial"):
        (tmp_path / name).write_text("precious")
    write_whole(target, b"first")

    @contextmanager
    def interrupted() -> Iterator[None]:
        def stop(*_arguments: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", stop)
            yield

    with interrupted(), pytest.raises(KeyboardInterrupt):
        write_whole(target, b"second")
    assert target.read_bytes() == b"first"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "report.html": "first",
        "report.html.partial": "precious",
        "report.partial": "precious",
    }


#: Reads a database as a user who may not write beside it; as root there is nothing that one may not write.
READER = """
import os, sys, json
from pathlib import Path
from mqtctl.errors import InputError
from mqtctl.storage import load_sweep
if os.geteuid() == 0:
    os.setegid(65534); os.seteuid(65534)
try:
    found = load_sweep(Path(sys.argv[1]))
    print(json.dumps([[p.histogram.switching_currents.size, p.complete] for p in found.points]))
except InputError as exc:
    print(json.dumps(str(exc)))
"""
#: Writes two histograms and dies in a third, as a killed sweep does.
KILLED = """
import os, sys
from pathlib import Path
from mqtctl.plan import example_path, load_plan
from mqtctl.storage import open_database, prepare_database
from tests.unit.storage.stored_sweeps import header, write
plan, path = load_plan(example_path("plan.yaml")), Path(sys.argv[1])
prepare_database(path)
with open_database(path) as opened:
    write(opened, header(plan, 0), (40,))
    write(opened, header(plan, 1), (30,))
    os._exit(9)
"""


@pytest.mark.slow
def test_a_copy_of_a_killed_sweep_where_nobody_may_write_is_read_with_its_newest_histograms() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are for their owner alone
        folder = Path(name)
        folder.chmod(0o755)
        killed_copy(folder)


def killed_copy(folder: Path) -> None:
    """Kill a sweep, copy what it left, and read the copy without being allowed to write beside it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    killed = [sys.executable, "-c", KILLED, str(folder / "whole.db")]
    assert subprocess.run(killed, timeout=60, env=environment, check=False).returncode == 9
    copy = folder / "copy"
    copy.mkdir()
    for part in ("", "-wal"):
        (copy / f"whole.db{part}").write_bytes((folder / f"whole.db{part}").read_bytes())
        (copy / f"whole.db{part}").chmod(0o444)
    copy.chmod(0o555)
    command = [sys.executable, "-c", READER, str(copy / "whole.db")]
    read = subprocess.run(command, timeout=60, env=environment, check=False, capture_output=True, text=True, cwd="/")
    assert read.stdout == "[[40, true], [30, true]]\n", read.stderr
    copy.chmod(0o755)
    (copy / "whole.db-wal").unlink()  # the file alone, with nothing pending, is read as it lies
    copy.chmod(0o555)
    read = subprocess.run(command, timeout=60, env=environment, check=False, capture_output=True, text=True, cwd="/")
    assert "holds no switching histograms" in read.stdout, read.stderr
    copy.chmod(0o700)  # a folder that may not even be looked into
    read = subprocess.run(command, timeout=60, env=environment, check=False, capture_output=True, text=True, cwd="/")
    assert os.geteuid() != 0 or "cannot be read (Permission denied)" in read.stdout, read.stderr
