"""The smaller commands: simulate, analyze on lists from elsewhere, init, help."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from mqtctl.cli.app import app

RAMP = ("--ramp-rate", "1 mA/s", "--capacitance", "6.35 pF", "--resistance", "190 Ohm")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def currents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of 3000 switching currents at 300 mK with a_t = 1, as `simulate` writes it."""
    outcome = run(
        "simulate", "--temperature", "300 mK", "--switches", "3000", "--seed", "2", "--model", "transition-state"
    )
    assert outcome.exit_code == 0, outcome.stderr
    path = tmp_path_factory.mktemp("list") / "currents.csv"
    path.write_text(outcome.stdout, encoding="utf-8")
    return path


def test_simulate_writes_one_column_and_repeats_to_the_byte() -> None:
    first, again, other = (run("simulate", "--switches", "50", "--seed", seed).stdout for seed in ("1", "1", "2"))
    assert first == again != other
    lines = first.splitlines()
    assert lines[0] == "switching_current_A"
    assert len(lines) == 51
    assert all(8e-6 < float(line) < 9.489e-6 for line in lines[1:])


def test_a_list_gives_the_keys_of_a_point_without_a_shared_escape_temperature(currents: Path) -> None:
    outcome = run("analyze", currents, *RAMP, "--json")
    assert outcome.exit_code == 0, outcome.stderr
    point = json.loads(outcome.stdout)
    assert point["switches"] == 3000
    assert point["escape_temperature_K"] is None
    # 1.17 / sqrt(n): 4 standard errors
    assert point["escape_temperature_free_K"] == pytest.approx(0.3, rel=4 * 1.17 / np.sqrt(3000))


def test_a_known_critical_current_gives_the_escape_temperature_for_it(currents: Path) -> None:
    point = json.loads(run("analyze", currents, *RAMP, "--critical-current", "9.489 uA", "--json").stdout)
    error = point["escape_temperature_stderr_K"]
    assert point["escape_temperature_K"] == pytest.approx(0.3, abs=4 * error)
    assert error < 0.1 * point["escape_temperature_free_stderr_K"]


def test_the_same_switches_as_times_or_in_other_units_give_the_same_fit(currents: Path, tmp_path: Path) -> None:
    reference = json.loads(run("analyze", currents, *RAMP, "--json").stdout)
    values = np.loadtxt(currents, skiprows=1)
    np.savetxt(tmp_path / "times.txt", values / 1e-3 * 1e6, header="time_us", comments="")
    np.save(tmp_path / "currents.npy", values * 1e6)
    for path, unit in ((tmp_path / "times.txt", ()), (tmp_path / "currents.npy", ("--unit", "uA"))):
        outcome = run("analyze", path, *RAMP, *unit, "--json")
        assert outcome.exit_code == 0, outcome.stderr
        assert json.loads(outcome.stdout)["escape_temperature_free_K"] == pytest.approx(
            reference["escape_temperature_free_K"], rel=1e-6
        )


@pytest.mark.parametrize(
    ("content", "options", "fault"),
    [
        ("", RAMP, "is empty"),
        ("switching_current_A\n", RAMP, "at least 10"),
        ("switching_current_A\n1e-6\nabc\n", RAMP, "line 3"),
        ("switching_current_A\n" + "9e-6\n" * 20, RAMP, "equal"),
        ("switching_current_A\n" + "nan\n" * 20, RAMP, "NaN"),
        ("switching_current_A\n9e-6\n", (), "--ramp-rate"),
        ("switching_current_A\n9e-6\n", ("--ramp-rate", "1 mA/s"), "--capacitance"),
        ("switching_current_A\n9e-6\n", ("--ramp-rate", "1e-3"), "--ramp-rate: '1e-3' has no unit"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, content: str, options: tuple[str, ...], fault: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content, encoding="utf-8")
    outcome = run("analyze", path, *options)
    assert outcome.exit_code == 2
    assert fault in outcome.stderr
    assert outcome.stderr.startswith("mqtctl: ")
    assert outcome.stderr.count("\n") == 1
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("simulate", "--temperature", "5 MK"), "case matters"),
        (("simulate", "--temperature=-1 K"), "temperature"),
        (("simulate", "--model", "magic"), "there is no escape model 'magic'"),
        (("simulate", "--start-current", "10 uA"), "start_current"),
        (("analyze", "nowhere"), "no such file or folder"),
        (("report", "nowhere"), "no such file or folder"),
    ],
)
def test_a_wrong_option_is_refused_in_one_sentence(arguments: tuple[str, ...], fault: str) -> None:
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert fault in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_init_writes_three_files_and_then_refuses_to_overwrite(tmp_path: Path) -> None:
    outcome = run("init", tmp_path / "new")
    assert outcome.exit_code == 0
    assert sorted(Path(line).name for line in outcome.stdout.splitlines()) == [
        "plan.yaml",
        "sample.yaml",
        "station.yaml",
    ]
    assert run("init", tmp_path / "new").exit_code == 2


def test_init_prints_a_next_command_that_works_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("init", "our lab")
    command, _, check = re.findall(r"`mqtctl ([^`]+)`", outcome.stderr.replace("`visalib`", "`mqtctl x`"))
    assert shlex.split(command) == ["sweep", "our lab/plan.yaml"]
    looked = run(*shlex.split(check))
    assert looked.exit_code == 0, looked.stderr


def test_nothing_connects_to_an_address_that_stands_for_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")  # a table leaves each sentence on its line
    run("init", tmp_path)
    station = tmp_path / "station.yaml"
    text = station.read_text(encoding="utf-8").replace('"@mqt"', '"@py"')
    station.write_text(text.replace("GPIB0::12::INSTR", "TCPIP0::127.0.0.1::1::SOCKET"), encoding="utf-8")
    (line,) = [n for n, text in enumerate(station.read_text(encoding="utf-8").splitlines(), 1) if "192.0.2.53" in text]
    sentence = f"station.yaml:{line}: instruments.counter.address: 192.0.2.53 stands for an example"
    for command in ("check", "sweep", "histogram", "calibrate", "safe"):
        outcome = run(command, "station.yaml" if command == "safe" else "plan.yaml")
        told = outcome.stderr + outcome.stdout
        assert outcome.exit_code in ((2, 20) if command == "safe" else (2,)), told
        assert sentence in told
    assert not (tmp_path / "mqtctl-runs").exists()


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = run("--help").stdout
    for word in ("sweep", "histogram", "analyze", "report", "simulate", "init", "130/143"):
        assert word in text


def test_every_command_explains_its_options() -> None:
    for command in ("sweep", "histogram", "analyze", "report", "simulate", "init"):
        outcome = run(command, "--help")
        assert outcome.exit_code == 0
        assert "Usage" in outcome.stdout


def test_safe_confirms_every_instrument(laboratory: Any) -> None:
    outcome = laboratory.run("safe", laboratory.folder / "station.yaml")
    assert outcome.exit_code == 0, outcome.stderr
    assert [line.split(":")[0] for line in outcome.stdout.splitlines()] == [
        "ramp_source",
        "timing_counter",
        "temperature_controller",
    ]


def test_safe_reaches_the_others_when_one_does_not_answer_and_says_that_it_is_not_confirmed(laboratory: Any) -> None:
    laboratory.change("station.yaml", "GPIB0::12::INSTR", "GPIB0::13::INSTR")
    outcome = laboratory.run("safe", laboratory.folder / "station.yaml")
    assert outcome.exit_code == 20
    assert "NOT confirmed" in outcome.stderr
    assert "ramp_source" in outcome.stderr
    assert "temperature_controller" not in outcome.stderr
