"""Whatever asks a command to stop, it is made safe; and nobody who only watches can stop it or change how it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyvisa_mqt.serve.program import serve
from pyvisa_mqt.serve.server import BenchServer

from mqtctl.acquisition import BlockStored
from mqtctl.cli.live.progress import watching
from mqtctl.stop_signals import STOP_SIGNALS
from mqtctl.workflow.safety import Rested


def transcript(laboratory: Any) -> Path:
    """Have the bench write down what happens, and return where."""
    path: Path = laboratory.folder / "bench.jsonl"
    laboratory.change("station.yaml", "bench.yaml@mqt", "bench.yaml?transcript=bench.jsonl@mqt")
    return path


def last_of(path: Path) -> tuple[bool, float]:
    """Return whether the source still ramps and the heater's power in W at the end of a transcript."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    output = [line for line in lines if line["kind"] == "output" and line["instrument"] == "source"][-1]
    power = ([0.0] + [line["power_W"] for line in lines if line["kind"] == "heater"])[-1]
    return output["least"] != 0.0 or output["greatest"] != 0.0, power


def heard_by(listen: Callable[[object], None]) -> Callable[[], Any]:
    """Return what takes the place of the terminal's listener."""

    @contextmanager
    def watching() -> Iterator[Callable[[object], None]]:
        yield listen

    return watching


def at_the_first_block(number: int) -> Callable[[object], None]:
    """Return a listener that lets a signal come while ramps run and the heater is on."""

    def listen(event: object) -> None:
        if isinstance(event, BlockStored):
            signal.raise_signal(number)

    return listen


def every_command_and_signal() -> Iterator[Any]:
    """Yield all pairs; slow are all but one of each command, and of each signal that no other test sends."""
    for command in ("sweep", "histogram", "calibrate"):
        for number in STOP_SIGNALS:
            shown = number == signal.SIGHUP if command != "sweep" else number in (signal.SIGQUIT, signal.SIGTERM)
            yield pytest.param(command, number, marks=() if shown else pytest.mark.slow)


@pytest.mark.parametrize(("command", "number"), list(every_command_and_signal()))
def test_every_signal_ends_every_command_that_drives_outputs_with_everything_off(
    command: str, number: signal.Signals, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(laboratory.folder)
    there = transcript(laboratory)
    monkeypatch.setattr("mqtctl.cli.live.progress.watching", heard_by(at_the_first_block(number)))
    outcome = laboratory.run(command, "plan.yaml", "-o", "run", "--seed", "1")
    assert outcome.exit_code == 128 + number, outcome.stderr
    assert outcome.stdout == ""
    name = "Ctrl-C" if number is signal.SIGINT else number.name
    assert f"stopped by {name}; source and heater are off" in outcome.stderr
    assert last_of(there) == (False, 0.0)


@pytest.mark.shown(2)
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_every_signal_ends_a_check(number: signal.Signals, laboratory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked(*_: object) -> list[object]:
        signal.raise_signal(number)
        return []

    monkeypatch.setattr("mqtctl.workflow.check.plan_findings", looked)
    outcome = laboratory.run("check", laboratory.folder / "plan.yaml")
    assert outcome.exit_code == 128 + number


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_no_signal_cuts_short_the_safe_command(
    number: signal.Signals, laboratory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def bring_to_rest(station: Path) -> Rested:
        for _ in range(3):
            signal.raise_signal(number)
        done.append(station)
        return Rested(done=["source: safe"])

    monkeypatch.setattr("mqtctl.workflow.safety.bring_station_to_rest", bring_to_rest)
    outcome = laboratory.run("safe", laboratory.folder / "station.yaml")
    assert (outcome.exit_code, len(done)) == (0, 1)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_every_signal_ends_a_served_bench(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def step(_server: BenchServer, _longest: float = 0.0) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(BenchServer, "step", step)
    before = signal.getsignal(number)
    assert serve(as_json=True) == 0
    assert signal.getsignal(number) is before


@pytest.mark.slow
def test_a_lost_terminal_ends_a_sweep_with_everything_off(laboratory: Any) -> None:
    there = transcript(laboratory)
    laboratory.change("plan.yaml", "switches: 1000", "switches: 40000")
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(laboratory.folder)
        environment = {**os.environ, "TERM": "dumb"}
        os.execve(sys.executable, [sys.executable, "-m", "mqtctl", "sweep", "plan.yaml", "-o", "run"], environment)
    seen = b""
    while b"switches at" not in seen:
        seen += os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    assert last_of(there) == (False, 0.0)


@pytest.mark.slow
def test_a_reader_that_leaves_neither_ends_a_sweep_nor_changes_how_it_ends(laboratory: Any) -> None:
    command = [sys.executable, "-m", "mqtctl", "sweep", "plan.yaml", "-o", "run", "--seed", "1"]
    # as `mqtctl sweep 2>&1 | head -1`
    process = subprocess.Popen(command, cwd=laboratory.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=100) == 0
    assert json.loads((laboratory.folder / "run" / "result.json").read_text(encoding="utf-8"))["points"]


class Gone(io.StringIO):
    """A terminal or file whose other side is not there."""

    encoding = "utf-8"

    def __init__(self, number: int, *, terminal: bool) -> None:
        super().__init__()
        self._number, self._terminal = number, terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, _text: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("sweep", BrokenPipeError(errno.EPIPE, "Broken pipe")),
        pytest.param("sweep", OSError(errno.EIO, "gone"), marks=pytest.mark.slow),
        pytest.param("histogram", ZeroDivisionError("a mistake"), marks=pytest.mark.slow),
    ],
)
def test_a_listener_that_fails_changes_nothing(
    command: str, failure: Exception, laboratory: Any, monkeypatch: pytest.MonkeyPatch, blank_figures: None
) -> None:
    told = []

    def listen(event: object) -> None:
        told.append(event)
        raise failure

    monkeypatch.setattr("mqtctl.cli.live.progress.watching", heard_by(listen))
    outcome = laboratory.run(command, laboratory.folder / "plan.yaml", "-o", laboratory.folder / "run", "--json")
    assert outcome.exit_code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["points"][0]["switches"] == 1000
    assert len(told) == 1


def test_a_courtesy_fit_that_fails_is_told_and_ends_nothing(
    laboratory: Any, monkeypatch: pytest.MonkeyPatch, blank_figures: None
) -> None:
    def fit_histogram(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("mqtctl.workflow.measurement.fit_histogram", fit_histogram)
    outcome = laboratory.sweep()
    assert outcome.exit_code == 0, outcome.stderr
    assert "no fit of this histogram alone: ZeroDivisionError: a mistake" in outcome.stderr


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO])
@pytest.mark.parametrize("terminal", [False, True])
def test_the_display_of_a_terminal_that_is_gone_neither_begins_nor_ends_with_a_fault(
    terminal: bool, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Gone(number, terminal=terminal)
    monkeypatch.setattr(sys, "stderr", gone)
    monkeypatch.setenv("TERM", "xterm")
    with watching():
        pass
    assert sys.stderr is gone
    with pytest.raises(ValueError, match="its own"), watching():
        raise ValueError("its own")
    assert sys.stderr is gone


def test_without_a_stderr_nothing_is_shown_and_nothing_lands_on_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with watching() as notify:
        notify(object())
    assert capsys.readouterr().out == ""


def through(descriptor: int, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line with a stdout of our choice."""
    return subprocess.run(
        [sys.executable, "-m", "mqtctl", *arguments],
        stdout=descriptor,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=100,
        cwd=cwd,
    )


@pytest.mark.slow
def test_what_nobody_reads_is_not_printed_and_the_exit_code_stays(laboratory: Any) -> None:
    laboratory.change("sample.yaml", "max_current: 12 uA", "max_current: 5 uA")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        fault = through(writer, "check", "plan.yaml", cwd=laboratory.folder)
    finally:
        os.close(writer)
    assert fault.returncode == 2
    assert fault.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_reader_who_has_seen_enough_makes_no_fault(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        outcome = through(writer, "simulate", "--switches", "100000", cwd=tmp_path)
    finally:
        os.close(writer)
    assert (outcome.returncode, outcome.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_results_that_a_full_disk_swallows_are_data_not_stored(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        outcome = through(full.fileno(), "simulate", "--switches", "10", cwd=tmp_path)
    assert outcome.returncode == 11
    assert outcome.stderr.startswith("mqtctl: the results could not be written on stdout (No space left on device)")
    assert outcome.stderr.count("\n") == 1
