"""A laboratory's own database: other people's files, other programs, other settings, other mqtctl."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qcodes

from mqtctl.acquisition import BlockStored, Remark
from mqtctl.errors import StorageError
from mqtctl.storage import Patience, load_sweep, prepare_database, sole_writer
from mqtctl.workflow import Options, acquire

NEIGHBOURS = ("lab.db.2025-backup", "lab.db-notes.txt", "lab.db~", "lab.db-wal.old", ".lab.db.swp", "xlab.db")


@contextmanager
def held(database: Path) -> Iterator[sqlite3.Connection]:
    """Another program's transaction."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    finally:
        connection.close()


def test_a_sweep_that_ends_before_its_first_run_leaves_nothing_and_takes_nothing(laboratory: Any) -> None:
    for name in NEIGHBOURS:
        (laboratory.folder / name).write_text("precious")
    before = sorted(path.name for path in laboratory.folder.iterdir())
    laboratory.change("bench.yaml", "base_temperature: 12 mK", "base_temperature: 300 mK")
    laboratory.change("plan.yaml", "deadline: 2 h", "deadline: 5 min")
    outcome = laboratory.sweep("--database", str(laboratory.folder / "lab.db"))
    assert outcome.exit_code == 12, outcome.stderr
    assert sorted(path.name for path in laboratory.folder.iterdir()) == before
    assert all((laboratory.folder / name).read_text() == "precious" for name in NEIGHBOURS)


def test_a_database_in_use_by_another_mqtctl_is_refused_before_any_instrument_is_asked(laboratory: Any) -> None:
    database = laboratory.folder / "lab.db"
    prepare_database(database)
    laboratory.change("station.yaml", "bench.yaml@mqt", "nothing.yaml@mqt")  # no instrument could be opened
    before = sorted(path.name for path in laboratory.folder.iterdir())
    with sole_writer(database):
        outcome = laboratory.sweep("--database", str(database))
    assert outcome.exit_code == 13, outcome.stderr
    assert "lab.db is being written by process" in outcome.stderr
    assert sorted(path.name for path in laboratory.folder.iterdir()) == before


def test_another_programs_lock_is_waited_for_and_the_sweep_is_whole(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mqtctl.storage.patience._WORTH_TELLING", 0.0)
    database = laboratory.folder / "lab.db"
    prepare_database(database)
    held_now: list[Any] = []
    remarks: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, BlockStored) and event.switches == 500:
            held_now.append(held(database))
            held_now[-1].__enter__()
        if isinstance(event, Remark):
            remarks.append(event.text)
            held_now.pop().__exit__(None, None, None)

    options = Options(output=laboratory.folder / "run", database=database, seed=1)
    taken = acquire(laboratory.folder / "plan.yaml", options, notify=listen)
    assert len(remarks) == 1
    assert "is locked by another program; waiting up to 120 s" in remarks[0]
    (point,) = load_sweep(database, sweep_id=taken.sweep_id).points
    assert (point.complete, point.histogram.switching_currents.size) == (True, 1000)


@pytest.mark.slow
def test_a_lock_that_never_ends_costs_the_rest_of_the_night_and_not_one_switch(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = acquire(laboratory.folder / "plan.yaml", Options(output=laboratory.folder / "undisturbed", seed=1))
    monkeypatch.setattr("mqtctl.workflow.measurement.Patience", partial(Patience, seconds=0.05, step=0.01))
    database = laboratory.folder / "lab.db"
    prepare_database(database)
    locks = []

    def listen(event: object) -> None:
        if isinstance(event, BlockStored):
            locks.append(held(database))
            locks[-1].__enter__()

    options = Options(output=laboratory.folder / "run", database=database, seed=1)
    with pytest.raises(StorageError, match=r"has been locked by another program .*`mqtctl rescue") as caught:
        acquire(laboratory.folder / "plan.yaml", options, notify=listen)
    assert caught.value.exit_code == 11
    for lock in locks:
        lock.__exit__(None, None, None)
    (file,) = laboratory.folder.glob("*.npz")
    outcome = laboratory.run("rescue", file, "--json")
    assert json.loads(outcome.stdout) == {
        "database": str(database),
        "run_id": 1,
        "switches": 500,
        "there_already": False,
    }
    assert "are there already" in laboratory.run("rescue", file).stdout
    assert laboratory.run("rescue", laboratory.folder / "plan.yaml").exit_code == 2
    (whole,) = load_sweep(undisturbed.folder.database).points
    (point,) = load_sweep(database).points
    np.testing.assert_array_equal(point.histogram.switching_currents, whole.histogram.switching_currents)


CONFIGURATIONS: dict[str, dict[tuple[str, str], Any]] = {
    "export as csv": {("dataset", "export_automatic"): True, ("dataset", "export_type"): "csv"},
    "export to nowhere": {
        ("dataset", "export_automatic"): True,
        ("dataset", "export_type"): "netcdf",
        ("dataset", "export_path"): "/dev/null/nowhere",
    },
    "a subscriber that is not there": {("subscription", "default_subscribers"): ["nobody"]},
    "write in the background": {("dataset", "write_in_background"): True, ("dataset", "write_period"): 0.001},
    "identifiers of another type": {
        ("GUID_components", "GUID_type"): "random_sample",
        ("GUID_components", "sample"): 7,
    },
    "raw data in files of their own (QCoDeS 0.62)": {("dataset", "raw_data_backend"): "sqlite_per_dataset_db"},
    "another database": {("core", "db_location"): "/dev/null/other.db", ("core", "db_debug"): True},
}


@pytest.mark.shown(1)
@pytest.mark.usefixtures("blank_figures")
@pytest.mark.parametrize(
    "wanted",
    # the first three are those that ended a run
    [
        pytest.param(w, id=n, marks=[pytest.mark.slow] if i > 2 else [])
        for i, (n, w) in enumerate(CONFIGURATIONS.items())
    ],
)
def test_the_laboratorys_own_qcodes_configuration_neither_ends_nor_changes_a_run(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wanted: dict[tuple[str, str], Any]
) -> None:
    laboratory.change("plan.yaml", "switches: 1000", "switches: 60")
    laboratory.change("plan.yaml", "block: 500", "block: 50")  # of unequal lengths: no table for QCoDeS
    config: Any = qcodes.config
    monkeypatch.setitem(config["dataset"], "export_path", str(tmp_path / "exports"))
    for (section, key), value in wanted.items():
        monkeypatch.setitem(config[section], key, value)
    outcome = laboratory.sweep("--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["points"][0]["switches"] == 60
    for (section, key), value in wanted.items():
        assert config[section][key] == value
    exports = ("dataset", "export_automatic") in wanted
    assert ("the run itself is stored" in outcome.stderr) == exports


@pytest.mark.usefixtures("blank_figures")
def test_a_sweep_ends_with_runs_that_any_plotting_program_shows(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "[100 mK]", "[300 mK, 100 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 300")
    result = laboratory.result()
    script = """
import json, sys
from qcodes.dataset import experiments, initialise_or_create_database_at, load_by_id
initialise_or_create_database_at(sys.argv[1])
found = {}
for experiment in experiments():
    for run in experiment.data_sets():
        table = load_by_id(run.run_id)
        found[run.name] = {"experiment": experiment.name, "data": None}
        if experiment.name == "switching_currents_overview":
            frame = table.to_pandas_dataframe().reset_index()
            found[run.name]["data"] = {name: list(values) for name, values in frame.items()}
assert not any(name.split(".")[0] == "mqtctl" for name in sys.modules)
print(json.dumps(found))
"""
    command = [sys.executable, "-W", "ignore", "-c", script, result["database"]]
    output = subprocess.run(command, check=True, timeout=100, capture_output=True, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    assert list(found) == [
        "switching_histogram 300 mK + 1 mA/s SIMULATED",
        "switching_histogram 100 mK + 1 mA/s SIMULATED",
        "switching_counts 300 mK + 1 mA/s SIMULATED",
        "switching_counts 100 mK + 1 mA/s SIMULATED",
        "over bath temperature + 1 mA/s SIMULATED",
    ]
    counts = found["switching_counts 100 mK + 1 mA/s SIMULATED"]["data"]
    assert sum(counts["counts"]) <= 300
    assert sum(counts["counts"]) >= 290  # what lies ten quartile ranges away is left out
    cold = result["points"][1]
    mean = np.average(counts["current"], weights=counts["counts"])
    assert mean == pytest.approx(cold["mean_switching_current_A"], abs=0.2 * cold["std_switching_current_A"])
    over = found["over bath temperature + 1 mA/s SIMULATED"]["data"]
    # QCoDeS reads numbers with 15 digits
    assert over["bath_temperature"] == pytest.approx([cold["temperature_K"], result["points"][0]["temperature_K"]])
    for column, key in (
        ("mean_switching_current", "mean_switching_current_A"),
        ("std_switching_current", "std_switching_current_A"),
        ("escape_temperature_free", "escape_temperature_free_K"),
    ):
        assert over[column][0] == pytest.approx(cold[key], rel=1e-12)
    # they are not taken for measurements
    assert [point["run_id"] for point in result["points"]] == [1, 2]
    again = json.loads(laboratory.run("analyze", laboratory.folder / "run", "--json").stdout)
    assert again["points"] == result["points"]
    assert laboratory.run("analyze", laboratory.folder / "run", "--run", "3").exit_code == 2


@pytest.mark.usefixtures("blank_figures")
def test_a_database_that_is_taken_when_the_overview_is_written_costs_the_overview_only(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> int:
        raise StorageError("the disk is full")

    monkeypatch.setattr("mqtctl.workflow.overview.write_table", refuse)
    outcome = laboratory.sweep("--json")
    assert outcome.exit_code == 0
    assert "plottr will show the single runs only" in outcome.stderr


@pytest.mark.parametrize(
    "exists",
    [
        pytest.param(True, marks=pytest.mark.campaign, id="a database that exists"),
        pytest.param(False, marks=pytest.mark.slow, id="a database that none has made yet"),
    ],
)
def test_of_eight_sweeps_at_once_those_refused_say_so_and_every_acknowledged_block_is_kept(
    laboratory: Any, exists: bool
) -> None:
    database = laboratory.folder / "lab.db"
    if exists:
        prepare_database(database)
    sweeps = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mqtctl",
                "sweep",
                "plan.yaml",
                "-o",
                f"run{n}",
                "--database",
                str(database),
                "--json",
            ],
            cwd=laboratory.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(8)
    ]
    ended = [(*process.communicate(timeout=110), process.returncode) for process in sweeps]
    assert {code for _, _, code in ended} <= {0, 13}
    assert not any("Traceback" in stderr for _, stderr, _ in ended)
    done = [json.loads(stdout) for stdout, _, code in ended if code == 0]
    assert done
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for result in done:
        (point,) = load_sweep(database, run_id=result["points"][0]["run_id"]).points
        assert point.complete
        assert point.histogram.switching_currents.size == 1000
    for _, stderr, code in ended:
        if code == 13:
            assert "is being written by process" in stderr
    assert sorted(path.name for path in laboratory.folder.glob("*lab.db*")) == ["lab.db"]
