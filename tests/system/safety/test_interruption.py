"""A run that is interrupted leaves everything safe and loses no acknowledged block."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from mqtctl.storage import load_sweep


def start(laboratory: Any) -> subprocess.Popen[str]:
    """Start a long sweep in a process of its own."""
    laboratory.change("plan.yaml", "[100 mK]", "[100 mK, 200 mK]")
    laboratory.change("plan.yaml", "switches: 1000", "switches: 400000")
    return subprocess.Popen(
        [sys.executable, "-m", "mqtctl", "sweep", "plan.yaml", "-o", "run", "--seed", "1"],
        cwd=laboratory.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_blocks(process: subprocess.Popen[str]) -> None:
    """Return when a quarter of the first histogram is on disk, as the progress on stderr says."""
    assert process.stderr is not None
    for line in process.stderr:
        if "switches at" in line:
            return
    pytest.fail(f"the sweep ended by itself: {process.communicate()}")


@pytest.mark.shown(1)
@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_signal_ends_the_run_safely_with_its_exit_code(
    laboratory: Any, number: signal.Signals, code: int, name: str
) -> None:
    process = start(laboratory)
    wait_for_blocks(process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stdout == ""
    assert (
        f"stopped by {name}; source and heater are off; it was at point 1 of 2; stored in run: an unfinished" in stderr
    )
    assert "look at it with `mqtctl report run`" in stderr
    assert "Traceback" not in stderr


def test_a_killed_process_loses_no_block(laboratory: Any) -> None:
    process = start(laboratory)
    wait_for_blocks(process)
    process.kill()
    process.communicate(timeout=60)
    database = laboratory.folder / "run" / "data.db"
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    (point,) = load_sweep(database).points
    assert not point.complete
    assert point.histogram.switching_currents.size >= 10_000
    assert point.histogram.switching_currents.size % 500 == 0
    np.testing.assert_array_equal(
        point.histogram.ramp.current(point.histogram.intervals), point.histogram.switching_currents
    )
