"""The built-in sweep and `--help` against importing what a measurement needs.

The peer is one process that imports QCoDeS, SciPy, pyplot, xarray and pandas, in the same run. Targets: the whole sweep
(settling, ramps, storage, fits, report, both processes) at most 8 times its CPU time, the larger of its two processes
at most 1.4 times its peak memory; `--help` at least 4 times faster. What the sweep costs against commit e8fc9f1 is in
`against_e8fc9f1.py`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

SWEEP_RATIO, MEMORY_RATIO, HELP_RATIO = 8.0, 1.4, 4.0
PEERS = "import qcodes, scipy.optimize, matplotlib.pyplot, xarray, pandas"


def cost(*command: str, folder: str | None = None) -> tuple[float, float]:
    """Return the CPU time in s of a command and all its processes, and the peak memory in bytes of the largest."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return used.ru_utime + used.ru_stime, 1024.0 * used.ru_maxrss


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="three repetitions of --help instead of nine")
    repetitions = 3 if parser.parse_args().short else 9

    with tempfile.TemporaryDirectory() as folder:
        sweep, memory = cost("-m", "mqtctl", "sweep", "--json", "--seed", "1", folder=folder)

    helps, peers = [], []
    for _ in range(repetitions):
        helps.append(cost("-m", "mqtctl", "--help")[0])
        peers.append(cost("-W", "ignore", "-c", PEERS))
    shown = statistics.median(helps)
    imported, needed = (statistics.median(values) for values in zip(*peers, strict=True))
    print(f"built-in sweep: {sweep / imported:.1f} times the imports of a measurement (target {SWEEP_RATIO:g})")
    print(f"its peak memory: {memory / needed:.2f} times theirs (target {MEMORY_RATIO:g}), {memory / 1e6:.0f} MB")
    print(f"--help: {imported / shown:.1f} times faster than they are (target {HELP_RATIO:g})")
    assert sweep / imported <= SWEEP_RATIO
    assert memory / needed <= MEMORY_RATIO
    assert imported / shown >= HELP_RATIO


if __name__ == "__main__":
    main()
