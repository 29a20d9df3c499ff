"""A killed measurement on a bench in a process of its own: the other process brings everything to rest."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mqtctl.workflow.results import read_order

MQTCTL = [sys.executable, "-m", "mqtctl"]


@pytest.fixture
def served(laboratory: Any) -> Iterator[Path]:
    """A served bench behind the laboratory's station file; gives its transcript."""
    transcript: Path = laboratory.folder / "bench.jsonl"
    laboratory.change("plan.yaml", "switches: 1000", "switches: 1000000")
    laboratory.change("plan.yaml", "block: 500", "block: 50")
    bench = subprocess.Popen(
        [*MQTCTL, "bench", "serve", "bench.yaml?transcript=bench.jsonl", "--virtual", "--json"],
        cwd=laboratory.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert bench.stdout is not None
    backend = re.search(r'"backend": "([^"]*)"', bench.stdout.readline())
    assert backend is not None
    station = laboratory.folder / "station.yaml"
    station.write_text(station.read_text(encoding="utf-8").replace("bench.yaml@mqt", backend[1]), encoding="utf-8")
    yield transcript
    bench.kill()
    bench.wait()
    bench.stdout.close()


def wait_for(there: Callable[[], Any]) -> Any:
    """Return what is there as soon as it is; fails after a minute."""
    for _ in range(1200):
        if found := there():
            return found
        time.sleep(0.05)
    raise AssertionError("nothing came")


def status_of(run: Path) -> dict[str, Any]:
    path = run / "status.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "supervisor", "worker hangs"])
def test_a_killed_sweep_leaves_nothing_on(victim: str, served: Path, laboratory: Any) -> None:
    run = laboratory.folder / "run"
    sweep = subprocess.Popen(
        [*MQTCTL, "sweep", "plan.yaml", "-o", "run"], cwd=laboratory.folder, stderr=subprocess.PIPE, text=True
    )
    status = wait_for(lambda: (found := status_of(run)) and found["current"].get("switches", 0) >= 100 and found)
    assert status["outputs"] == "in use"
    killed = sweep.pid if victim == "supervisor" else status["process"]
    os.kill(killed, signal.SIGKILL)
    _, said = sweep.communicate(timeout=60)

    def at_rest() -> bool:
        lines = [json.loads(line) for line in served.read_text(encoding="utf-8").splitlines()]
        output = [line for line in lines if line["kind"] == "output" and line["instrument"] == "source"][-1]
        heater = [line["power_W"] for line in lines if line["kind"] == "heater"]
        return bool(output["least"] == output["greatest"] == 0.0 and heater[-1] == 0.0)

    wait_for(at_rest)
    if victim != "supervisor":
        assert sweep.returncode == 128 + signal.SIGKILL
        assert "source and heater are off, confirmed" in said
        after = status_of(run)
        assert (after["outputs"], after["state"], after["exit_code"]) == ("off, confirmed", "stopped", 137)
    assert read_order(run).single is False
