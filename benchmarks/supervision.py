"""What it costs that a sweep has a supervisor: CPU time of the built-in sweep with one, against without, in one run.

Targets: CPU time at most 1.10 times that of the worker alone, live fraction at most 0.5 % lower. CPU time is
that of all processes of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

CPU_RATIO, LIVE_LOSS = 1.10, 0.005
#: The variable by which a worker knows that it has a supervisor, which here never listens.
HANDLE = "MQTCTL_SUPERVISOR"


def sweep(folder: Path, *, supervised: bool) -> tuple[float, float]:
    """Run the built-in sweep; returns its CPU time in s and its live fraction."""
    deaf, workers = socket.socketpair()
    with deaf, workers:
        environment = dict(os.environ) if supervised else {**os.environ, HANDLE: str(workers.fileno())}
        process = subprocess.Popen(
            [sys.executable, "-m", "mqtctl", "sweep", "--seed", "1", "-o", str(folder)],
            env=environment,
            pass_fds=() if supervised else (workers.fileno(),),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return used.ru_utime + used.ru_stime, float(result["live_fraction"])


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one pair of sweeps instead of five")
    pairs = 1 if parser.parse_args().short else 5

    with_one, alone, live = 0.0, 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        for pair in range(pairs):
            for supervised in (True, False):
                cpu, fraction = sweep(Path(folder) / f"{pair}{supervised}", supervised=supervised)
                with_one, alone = with_one + cpu * supervised, alone + cpu * (not supervised)
                live.append(fraction)
    lost = 1.0 - min(live[::2]) / max(live[1::2])
    print(f"CPU time: {with_one / pairs:.2f} s with a supervisor, {with_one / alone:.3f} times the worker alone")
    print(f"live fraction: {lost:.2%} lower than without a supervisor")
    assert with_one <= CPU_RATIO * alone
    assert lost <= LIVE_LOSS


if __name__ == "__main__":
    main()
