"""All but the serial port of a served bench works where POSIX is missing, as on Windows: an emulation, no more."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.system.safety.test_supervision import status_of, wait_for

EMULATION = Path(__file__).with_name("no_posix.py")
IMPORTS = """
import importlib, pkgutil, sys
import mqtctl, mqtctl_drivers, pyvisa_mqt

assert "fcntl" not in sys.modules and not hasattr(__import__("os"), "fork")
for package in (mqtctl, mqtctl_drivers, pyvisa_mqt):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print("all done")
"""

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Run:
    """Start a Python without POSIX in the test's folder."""
    there = tmp_path / "without_posix"
    there.mkdir()
    shutil.copy(EMULATION, there / "sitecustomize.py")
    root = EMULATION.parents[3]
    folders = [there, root, root / "drivers", root / "sim_instruments"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "MPLBACKEND": "Agg"}

    def begin(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return begin


@pytest.fixture
def mqtctl(start: Run) -> Callable[..., str]:
    """Run a command there to its end, which must be a good one, and return what it printed."""

    def run(*arguments: str) -> str:
        process = start("-m", "mqtctl", *arguments)
        printed, said = process.communicate(timeout=110)
        assert process.returncode == 0, (arguments, said)
        return printed

    return run


@pytest.fixture
def plan(mqtctl: Callable[..., str], tmp_path: Path) -> Path:
    """A short plan."""
    mqtctl("init", "lab")
    path = tmp_path / "lab" / "plan.yaml"
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("temperatures: ["), text.index("switches: 10000")
    short = text[end:].replace("switches: 10000", "switches: 200")
    path.write_text(text[:begin] + "temperatures: [100 mK, 200 mK]\n\n" + short, encoding="utf-8")
    return path


def test_every_module_can_be_imported(start: Run) -> None:
    printed, said = start("-c", IMPORTS).communicate(timeout=110)
    assert printed == "all done\n", said


def test_a_sweep_under_its_supervisor_and_what_comes_after_it(plan: Path, mqtctl: Callable[..., str]) -> None:
    mqtctl("check", str(plan))
    assert json.loads(mqtctl("sweep", str(plan), "-o", "run", "--seed", "1", "--json"))["unfinished"] == []
    status = json.loads(mqtctl("status", "run", "--json"))
    assert (status["state"], status["outputs"], status["exit_code"]) == ("complete", "off, confirmed", 0)
    assert status["process"] > 0
    mqtctl("analyze", "run")
    mqtctl("report", "run")
    mqtctl("safe", str(plan.with_name("station.yaml")))


def test_a_sweep_that_is_asked_to_stop_makes_safe_and_is_resumed(
    plan: Path, start: Run, mqtctl: Callable[..., str], tmp_path: Path
) -> None:
    plan.write_text(plan.read_text(encoding="utf-8").replace("switches: 200", "switches: 40000"), encoding="utf-8")
    run = tmp_path / "run"
    sweep = start("-m", "mqtctl", "sweep", str(plan), "-o", "run", "--seed", "1")
    wait_for(lambda: measuring(run))
    os.kill(sweep.pid, signal.SIGINT)
    _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 128 + signal.SIGINT, said
    assert (status_of(run)["state"], status_of(run)["outputs"]) == ("stopped", "off, confirmed")
    assert mqtctl("resume", "run", "--json")
    assert status_of(run)["state"] == "complete"


def test_a_killed_worker_has_its_bench_brought_to_rest(plan: Path, start: Run, tmp_path: Path) -> None:
    plan.write_text(plan.read_text(encoding="utf-8").replace("switches: 200", "switches: 200000"), encoding="utf-8")
    run = tmp_path / "run"
    sweep = start("-m", "mqtctl", "sweep", str(plan), "-o", "run", "--seed", "1")
    status = wait_for(lambda: measuring(run))
    os.kill(status["process"], signal.SIGKILL)
    _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 137
    assert "source and heater are off, confirmed" in said
    assert status_of(run)["outputs"] == "off, confirmed"


def measuring(run: Path) -> dict[str, Any] | None:
    """Return the status once switches have been counted."""
    status = status_of(run)
    return status if status and status["current"].get("switches", 0) >= 100 else None
