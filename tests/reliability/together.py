"""Begins several sweeps at once on one bench, one database or one folder, and judges what each of them was told.

    python -m tests.reliability.together [--counts 2 4 8] [--seeds 10] [--record FILE]

Whoever comes first measures; every other is refused with one sentence and exit code 13 or 2, or comes after it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.reliability.checker import read_runs
from tests.reliability.children import judge, prepare, run_case, serving

__all__ = ["SHARED", "Together", "run_together"]

SHARED = ("bench", "database", "folder")


@dataclass(frozen=True)
class Together:
    """What came of sweeps that began at once: their exit codes, and what is wrong."""

    shared: str
    count: int
    seed: int
    codes: list[int | None]
    wrong: list[str]


def run_together(shared: str, count: int, seed: int, place: Path) -> Together:
    """Begin so many sweeps within a second, in a folder that is kept if anything is wrong."""
    root = Path(tempfile.mkdtemp(dir=place))
    labs = [root / f"lab{number}" for number in range(count)]
    for number, lab in enumerate(labs):
        prepare(lab, seed + 100 * number, brief=True)
    arguments = {"bench": "run", "database": "run", "folder": str(root / "run")}[shared]
    more = ("--database", str(root / "shared.db")) if shared == "database" else ()
    delays = np.random.default_rng(seed).uniform(0.0, 1.0, count) if seed % 2 else np.zeros(count)

    def begin(number: int) -> int | None:
        time.sleep(float(delays[number]))
        return run_case(labs[number], arguments=("sweep", "plan.yaml", "-o", arguments, *more))

    with serving(labs[0], f"?seed={seed}") if shared == "bench" else nullcontext() as backend:
        for lab in labs if backend else []:
            text = (lab / "station.yaml").read_text(encoding="utf-8")
            visalib = text.split("visalib: ")[1].split("\n")[0]
            (lab / "station.yaml").write_text(text.replace(visalib, f'"{backend}"'), encoding="utf-8")
        with ThreadPoolExecutor(count) as pool:
            codes = list(pool.map(begin, range(count)))
    wrong = _wrong(shared, root, labs, codes)
    if not wrong:
        shutil.rmtree(root)
    return Together(shared, count, seed, codes, wrong)


def _wrong(shared: str, root: Path, labs: Sequence[Path], codes: Sequence[int | None]) -> list[str]:
    """Return what is wrong with any of them."""
    wrong = [] if 0 in codes else ["nobody measured"]
    common = {"database": root / "shared.db", "folder": root / "run" / "data.db"}.get(shared)
    for lab, code in zip(labs, codes, strict=True):
        said = (lab / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if any("TRACEBACK" in line or "Traceback" in line for line in said):
            wrong.append(f"I8 a traceback in {lab.name}")
        elif code not in (0, 2, 13) or (code and not (said and said[-1].startswith("mqtctl: "))):
            wrong.append(f"I8 {lab.name} ended with {code}: {said[-1:]}")
        if code == 0:
            database = common or lab / "run" / "data.db"
            transcript = labs[0] / "bench.jsonl" if shared == "bench" else lab / "bench.jsonl"
            wrong += judge(lab, code, database=database, transcript=transcript, sweep=_sweep_of(lab, database))
    if common is not None and len({run.header["sweep_id"] for run in read_runs(common)}) != codes.count(0):
        wrong.append("I8 there are other sweeps in the database than those that ended well")
    return wrong


def _sweep_of(lab: Path, database: Path) -> str | None:
    """Return the identity of the sweep of a laboratory: the one that has its finished runs."""
    told = [json.loads(line) for line in (lab / "status.jsonl").read_text(encoding="utf-8").splitlines()]
    numbers = {line["run_id"] for line in told if line["kind"] == "finished"}
    return next((run.header["sweep_id"] for run in read_runs(database) if run.number in numbers), None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--record", type=Path, help="file to which a JSON line is added for each")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    found = []
    for seed in range(1, 1 + options.seeds):
        for count in options.counts:
            for shared in SHARED:
                found.append(run_together(shared, count, seed, place))
                if options.record:
                    with options.record.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(found[-1])) + "\n")
                if found[-1].wrong:
                    print(f"{found[-1]}; see {place}", flush=True)  # noqa: T201
    for shared in SHARED:
        here = [each for each in found if each.shared == shared]
        codes = Counter(code for each in here for code in each.codes)
        wrong = sum(bool(each.wrong) for each in here)
        print(f"one {shared}: {len(here)} times, exit codes {dict(codes)}, {wrong} with a violation")  # noqa: T201
    return 1 if any(each.wrong for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
