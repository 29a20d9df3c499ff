"""Kills a sweep at one of its messages after the other, goes on with it, and has the whole judged from outside.

    python -m tests.reliability.kills [--step 20] [--workers 2]

The child kills itself (SIGKILL) before its n-th message reaches the bench, so that each run ends at another place,
exactly. What is judged: after the kill nothing that was acknowledged is missing; after `mqtctl resume` the sweep is
whole, and what had been finished is there unchanged, once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.reliability.cells import judge, prepare, run_case
from tests.reliability.checker import read_runs

__all__ = ["Killed", "kill_and_resume", "messages_of"]


@dataclass(frozen=True)
class Killed:
    """What came of a sweep that was killed at a message: what is wrong, and how many histograms were kept."""

    message: int
    wrong: list[str]
    kept: int


def kill_at(message: int) -> None:
    """Have this process killed when so many messages have gone to the bench."""
    from pyvisa_mqt.visa.library import MqtVisaLibrary

    real = MqtVisaLibrary.write
    sent = [0]

    def write(self: MqtVisaLibrary, session: Any, data: bytes) -> Any:
        sent[0] += 1
        if sent[0] >= message:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, session, data)

    MqtVisaLibrary.write = write  # type: ignore[method-assign]


def messages_of(folder: Path) -> int:
    """Return how many messages went to the bench in a sweep."""
    lines = (folder / "bench.jsonl").read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if json.loads(line).get("direction") == "to")


def kill_and_resume(message: int, place: Path) -> Killed:
    """Kill a sweep at a message and go on with it, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    prepare(folder, seed=7)
    code = run_case(folder, partial(kill_at, message))
    wrong = [f"before resuming: {each}" for each in judge(folder, code) if not each.startswith("I3")]  # the bench died
    database = folder / "run" / "data.db"
    before = {run.number: run for run in read_runs(database) if run.complete} if database.exists() else {}
    if not (folder / "run" / "run.json").exists():
        return Killed(message, wrong + (["I6 finished, and not to be gone on with"] if before else []), 0)
    (folder / "bench.jsonl").unlink()  # of the bench that died with it
    code = run_case(folder, arguments=("resume", "run"))
    after = {run.number: run for run in read_runs(database)}
    whole = {run.header["point"] for run in after.values() if run.complete}
    if code != 0 or whole != {0, 1, 2}:
        wrong.append(f"I6 resumed with exit code {code}, and {sorted(whole)} are there")
    if any(after[n].intervals.tobytes() != run.intervals.tobytes() for n, run in before.items()):
        wrong.append("I1 a finished histogram is not what it was")
    if sum(run.complete for run in after.values()) != len(whole):
        wrong.append("I6 a point was taken twice")
    return Killed(message, wrong, len(before))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", type=int, default=20, help="every n-th message")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        prepare(place / "whole", seed=7)
        run_case(place / "whole")
        todo = range(1, messages_of(place / "whole"), options.step)
        with ThreadPoolExecutor(options.workers) as pool:
            found = list(pool.map(partial(kill_and_resume, place=place), todo))
    for each in found:
        if each.wrong:
            print(f"message {each.message}: {each.wrong}", flush=True)  # noqa: T201
    wrong = sum(bool(each.wrong) for each in found)
    kept = sum(each.kept for each in found)
    print(f"{len(found)} kills, {wrong} with a violation; {kept} finished histograms were kept")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
