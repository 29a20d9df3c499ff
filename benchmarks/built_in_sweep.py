"""The built-in sweep against its limits (30 s, 1 GB), and `--help` against importing what a measurement needs.

Targets: the whole sweep in at most 30 s and 1 GB; --help in at most 0.4 s and at least 4 times faster than the
imports of QCoDeS, SciPy, pyplot, xarray and pandas in one process, timed in the same run.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time

WALL_LIMIT, MEMORY_LIMIT = 30.0, 1e9
HELP_LIMIT, HELP_RATIO = 0.4, 4.0
PEERS = "import qcodes, scipy.optimize, matplotlib.pyplot, xarray, pandas"


def seconds(*command: str, folder: str | None = None) -> float:
    """Return how long a command takes."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - begun


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="three repetitions of --help instead of nine")
    repetitions = 3 if parser.parse_args().short else 9

    with tempfile.TemporaryDirectory() as folder:
        wall = seconds("-m", "mqtctl", "sweep", "--json", "--seed", "1", folder=folder)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024.0
    print(f"built-in sweep: {wall:.1f} s, {wall / WALL_LIMIT:.2f} of the limit of {WALL_LIMIT:g} s")
    print(f"peak memory: {memory / 1e6:.0f} MB, {memory / MEMORY_LIMIT:.2f} of the limit of 1 GB")

    helps, peers = [], []
    for _ in range(repetitions):
        helps.append(seconds("-m", "mqtctl", "--help"))
        peers.append(seconds("-W", "ignore", "-c", PEERS))
    shown, imported = statistics.median(helps), statistics.median(peers)
    print(f"--help: {shown:.3f} s, {imported / shown:.1f} times faster than the imports of a measurement")
    assert wall <= WALL_LIMIT
    assert memory <= MEMORY_LIMIT
    assert shown <= HELP_LIMIT
    assert imported / shown >= HELP_RATIO


if __name__ == "__main__":
    main()
