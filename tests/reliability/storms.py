"""Sweeps that several faults strike, of any kind, each at a random moment; then they are gone on with on a sound bench.

    python -m tests.reliability.storms [--count 500] [--first 1] [--record FILE]

A storm may end a sweep with whatever exit code is right; it violates no invariant, and `mqtctl resume` makes the sweep
whole once nothing is broken any more.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tests.reliability.cells import FAULTS, Fault
from tests.reliability.checker import read_runs
from tests.reliability.children import judge, prepare, run_case
from tests.reliability.kills import gone_on_with

__all__ = ["Storm", "chosen", "run_storm"]

#: Bench time (s) in which faults strike; how many do.
_SPAN, _MOST = (0.3, 700.0), 4


@dataclass(frozen=True)
class Storm:
    """One sweep: its seed, what struck it and when (bench time in s), how it ended, and what is wrong."""

    seed: int
    faults: list[tuple[str, float]]
    exit_code: int | None
    wrong: list[str]
    said: str


def chosen(seed: int) -> list[tuple[Fault, float]]:
    """Return the faults of a storm and when they begin; at most one is of the database."""
    random = np.random.default_rng([seed, 40])
    count = int(random.integers(2, _MOST + 1))
    picked = [FAULTS[place] for place in random.choice(len(FAULTS), count, replace=False)]
    deeds = [fault for fault in picked if fault.deed is not None]
    kept = [fault for fault in picked if fault.deed is None or fault is deeds[0]]
    return [(fault, round(float(random.uniform(*_SPAN)), 3)) for fault in kept]


def run_storm(seed: int, place: Path) -> Storm:
    """Run a sweep in its storm, and go on with it, in a folder of its own, which is kept if anything is wrong."""
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    storm = chosen(seed)
    prepare(folder, seed, *(f"{fault.text}, at: {begin} s" for fault, begin in storm if fault.text))
    deed = next((partial(fault.deed, begin) for fault, begin in storm if fault.deed is not None), None)
    code = run_case(folder, deed)
    lying = frozenset[str]().union(*(fault.lying for fault, _ in storm))
    wrong = judge(folder, code, lying=lying, edges=any(fault.edges for fault, _ in storm))
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [""]
    if "TRACEBACK" in said[0]:
        wrong.append("I8 a traceback")
    if code != 0:
        database = folder / "run" / "data.db"
        before = read_runs(database) if database.exists() else []
        bench = folder / "bench.yaml"
        bench.write_text(bench.read_text(encoding="utf-8").partition("\nfaults:\n")[0] + "\n", encoding="utf-8")
        wrong += gone_on_with(folder, before)
    if not wrong:
        shutil.rmtree(folder.parent)
    return Storm(seed, [(fault.name, begin) for fault, begin in storm], code, wrong, said[0])


def _recorded(path: Path | None) -> list[Storm]:
    """Return the storms that a file has."""
    if path is None or not path.exists():
        return []
    return [Storm(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path, help="a JSON line for each; one that is there is not run again")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    found = _recorded(options.record)
    there = {storm.seed for storm in found}
    todo = [seed for seed in range(options.first, options.first + options.count) if seed not in there]
    with ThreadPoolExecutor(options.workers) as pool:
        for storm in pool.map(lambda seed: run_storm(seed, place), todo):
            found.append(storm)
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(storm)) + "\n")
            if storm.wrong:
                print(f"{storm}; see {place}", flush=True)  # noqa: T201
    codes = Counter(storm.exit_code for storm in found)
    wrong = sum(bool(storm.wrong) for storm in found)
    print(f"{len(found)} storms, exit codes {dict(codes)}, {wrong} with a violation", flush=True)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
