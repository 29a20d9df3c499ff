"""Every mistake a user can make gets one sentence, the contract's exit code, and nothing half-written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


def assert_refused(laboratory: Any, outcome: Any, code: int, fault: str) -> None:
    assert outcome.exit_code == code, outcome.stderr or outcome.exception
    assert outcome.stdout == ""
    last = outcome.stderr.strip().splitlines()[-1]
    assert last.startswith("mqtctl: ")
    assert fault in last
    assert "Traceback" not in outcome.stderr


def assert_nothing_written(laboratory: Any) -> None:
    assert not (laboratory.folder / "run").exists()
    assert not list(laboratory.folder.glob("*.db*"))


@pytest.mark.shown(9)
@pytest.mark.parametrize(
    ("name", "old", "new", "code", "fault"),
    [
        ("plan.yaml", "rate: 1 mA/s", "rate: 0.001", 2, "has no unit"),
        ("plan.yaml", "rate: 1 mA/s", "rate: 5 MA/s", 2, "case matters"),
        ("plan.yaml", "stop_current: 9.8 uA", "stop_current: 13 uA", 2, "may see at most 12 uA"),
        ("plan.yaml", "[100 mK]", "[11 mK]", 2, "this cryostat holds 12 mK to 1 K"),
        ("plan.yaml", "[100 mK]", "[.nan]", 2, "has no unit"),
        ("plan.yaml", "station: station.yaml", "station: nowhere.yaml", 2, "no such file"),
        ("plan.yaml", "repetition: 80 Hz", "repetition: 80 Hz\n  repetitions: 5", 2, "unknown key 'ramp.repetitions'"),
        ("sample.yaml", "capacitance: 6.35 pF", "capacitance: -6.35 pF", 2, "greater than 0"),
        ("sample.yaml", "limits:", "limits: {}\nlimits:", 2, "duplicate key"),
        ("station.yaml", "mqtctl_drivers.keithley_6221.Keithley6221", "os.system", 2, "outside the allowed packages"),
        ("station.yaml", "mqtctl_drivers.keithley_6221.Keithley6221", "mqtctl_drivers.nothing.Nothing", 2, "no driver"),
        ("station.yaml", "GPIB0::12::INSTR", "!!python/object/apply:os.system ['true']", 2, "not allowed"),
        ("station.yaml", "GPIB0::12::INSTR", "GPIB0::13::INSTR", 10, "nothing answers at GPIB0::13::INSTR"),
        ("station.yaml", "GPIB0::12::INSTR", "nonsense", 2, "nonsense"),
        ("station.yaml", "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR", 2, "same address"),
        ("station.yaml", "GPIB0::12::INSTR", "TCPIP0::192.0.2.72::7777::SOCKET", 2, "same address"),
        ("station.yaml", "role: ramp_source", "role: ramp_sauce", 2, "ramp_sauce"),
        ("station.yaml", "role: timing_counter", "role: ramp_source", 2, "exactly one instrument"),
        ("station.yaml", "marker_line: 3", "marker_lime: 3", 2, "marker_lime"),
        ("station.yaml", "stop_threshold: 1 V", "stop_threshold: 1", 2, "has no unit"),
        ("station.yaml", "bench.yaml@mqt", "nowhere.yaml@mqt", 2, "nowhere.yaml"),
        ("bench.yaml", "resistance: 190 Ohm", "resistence: 190 Ohm", 2, "resistence"),
        ("bench.yaml", "critical_current: 9.489 uA", "critical_current: 9.489", 2, "junction.critical_current"),
    ],
)
def test_a_faulty_file_is_refused_before_anything_is_touched(
    laboratory: Any, name: str, old: str, new: str, code: int, fault: str
) -> None:
    laboratory.change(name, old, new)
    assert_refused(laboratory, laboratory.sweep(), code, fault)
    assert_nothing_written(laboratory)


@pytest.mark.parametrize(("content", "fault"), [("", "is empty"), ("a: [", "not valid YAML"), ("42", "must hold keys")])
def test_a_plan_that_is_no_plan_is_refused(laboratory: Any, content: str, fault: str) -> None:
    (laboratory.folder / "plan.yaml").write_text(content, encoding="utf-8")
    assert_refused(laboratory, laboratory.sweep(), 2, fault)
    assert_nothing_written(laboratory)


def test_a_missing_plan_is_refused(laboratory: Any) -> None:
    (laboratory.folder / "plan.yaml").unlink()
    assert_refused(laboratory, laboratory.sweep(), 2, "no such file")


def test_a_database_that_cannot_be_written_is_refused(laboratory: Any) -> None:
    outcome = laboratory.sweep("--database", str(laboratory.folder / "no" / "such" / "folder.db"))
    assert_refused(laboratory, outcome, 2, "cannot be written")
    assert_nothing_written(laboratory)


def test_a_database_made_by_something_else_is_refused_and_left_alone(laboratory: Any) -> None:
    path: Path = laboratory.folder / "other.db"
    with closing(sqlite3.connect(path)) as foreign, foreign:
        foreign.execute("CREATE TABLE accounts (name TEXT)")
    before = path.read_bytes()
    assert_refused(laboratory, laboratory.sweep("--database", str(path)), 2, "was not made by QCoDeS")
    assert path.read_bytes() == before


def test_a_folder_that_holds_a_run_already_is_refused_and_left_alone(laboratory: Any) -> None:
    precious = laboratory.folder / "run" / "data.db"
    precious.parent.mkdir()
    precious.write_bytes(b"years of work")
    assert_refused(laboratory, laboratory.sweep(), 2, "holds a run already")
    assert precious.read_bytes() == b"years of work"


def test_a_seed_for_a_real_bench_is_refused(laboratory: Any) -> None:
    laboratory.change("station.yaml", "visalib: bench.yaml@mqt", 'visalib: "@py"')
    assert_refused(laboratory, laboratory.sweep(), 2, "--seed works only on a simulated bench")


def test_a_ramp_that_never_reaches_the_switching_current_stops_and_says_so(laboratory: Any) -> None:
    laboratory.change("plan.yaml", "stop_current: 9.8 uA", "stop_current: 8 uA")
    laboratory.change("plan.yaml", "empty_ramps_limit: 100", "empty_ramps_limit: 40")
    outcome = laboratory.sweep()
    assert_refused(laboratory, outcome, 10, "40 ramps in a row reached 8 uA without a switch")


@pytest.mark.slow
def test_a_temperature_below_the_real_base_ends_at_the_deadline(laboratory: Any) -> None:
    laboratory.change("bench.yaml", "base_temperature: 12 mK", "base_temperature: 30 mK")
    laboratory.change("plan.yaml", "[100 mK]", "[20 mK]")
    laboratory.change("plan.yaml", "deadline: 2 h", "deadline: 1 h")
    assert_refused(laboratory, laboratory.sweep(), 12, "20 mK was not reached within 3600 s")
