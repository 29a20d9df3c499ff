"""Somebody is called once for each reason, in time or not at all, and nothing waits for it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mqtctl.supervision.alarm import Alarm, alarm_command, run_command
from mqtctl.supervision.status import Status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="commands are not supervised there")


def writes_to(path: Path) -> list[str]:
    """Return a command that adds its input to a file, as a line."""
    return ["sh", "-c", f"cat >> '{path}'; echo >> '{path}'"]


def calls(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_an_alarm_calls_once_with_the_facts_however_often_it_is_told(tmp_path: Path) -> None:
    alarm = Alarm(writes_to(tmp_path / "called"))
    status = Status(folder="run", outputs="in use")
    alarm.changed(status)
    status.alarm = "heater high"
    alarm.changed(status)
    alarm.changed(status)
    status.alarm = ""
    alarm.changed(status)
    status.alarm = "heater high"
    alarm.changed(status)
    assert alarm.ended(status) == []
    (call,) = calls(tmp_path / "called")
    assert (call["reason"], call["outputs"], call["folder"]) == ("heater high", "in use", "run")


@pytest.mark.parametrize(
    ("state", "code", "alarm", "reasons"),
    [
        ("failed", 10, "", ["ended with exit code 10; source and heater are off"]),
        ("stopped", 137, "", ["ended with exit code 137; source and heater are off"]),
        ("failed", 20, "source or heater may be on", ["source or heater may be on"]),
        ("failed", 2, "", []),
        ("stopped", 130, "", []),
        ("stopped", 143, "", []),
        ("complete", 0, "", []),
    ],
)
def test_a_failure_calls_and_a_good_end_or_a_slip_of_typing_does_not(
    state: str, code: int, alarm: str, reasons: list[str], tmp_path: Path
) -> None:
    called = tmp_path / "called"
    assert Alarm(writes_to(called)).ended(Status(state=state, exit_code=code, alarm=alarm)) == []
    assert [call["reason"] for call in calls(called)] == reasons


def test_without_a_command_nobody_is_called() -> None:
    assert Alarm([]).ended(Status(state="failed", exit_code=10, alarm="x")) == []


def test_a_command_that_fails_or_is_not_there_is_a_remark() -> None:
    for command, said in ((["false"], "ended with exit code 1"), (["/no/such/command"], "cannot be run")):
        (remark,) = Alarm(command).ended(Status(state="failed", exit_code=10))
        assert said in remark
        assert "nobody was called" in remark


@pytest.mark.parametrize("groups", [True, False], ids=["process groups", "as on Windows"])
def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    groups: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not groups:
        monkeypatch.delattr(os, "killpg")
    pid = tmp_path / "pid"
    command = ["sh", "-c", f"sleep 600 & echo $! > '{pid}'; wait"]
    assert "took longer than" in run_command(command, {}, 2.0)  # a loaded computer takes a while to write a file
    stat = Path(f"/proc/{pid.read_text(encoding='utf-8').strip()}/stat")

    def is_over() -> bool:
        return not stat.exists() or stat.read_text(encoding="utf-8").split()[2] in "ZX"

    for _ in range(100_000):  # a signal takes its time, too
        if is_over():
            break
        os.sched_yield()
    assert is_over()


def test_a_command_that_reads_nothing_of_much_is_no_fault() -> None:
    assert run_command(["true"], {"remarks": "x" * 1_000_000}) == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sweep", "p.yaml", "--alarm-command", "mail -s 'it stopped' me"], ["mail", "-s", "it stopped", "me"]),
        (["--alarm-command=notify --now", "sweep"], ["notify", "--now"]),
        (["sweep", "--alarm-command"], []),
        (["sweep", "--alarm-command", "mail 'me"], []),
        (["sweep", "p.yaml"], []),
    ],
)
def test_the_command_is_read_from_the_command_line(arguments: list[str], words: list[str]) -> None:
    assert alarm_command(arguments) == words
