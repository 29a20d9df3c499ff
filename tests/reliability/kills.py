"""Kills a sweep at a message, a statement to the database or a random time, goes on with it, and judges both halves.

    python -m tests.reliability.kills messages [--step 20] [--first 1]
    python -m tests.reliability.kills statements
    python -m tests.reliability.kills times --count 1000

All are SIGKILL: the child kills itself before its n-th message reaches the bench or its n-th statement the database, so
that each run ends at another place, exactly; or it is killed from outside after a random time. What is judged: after
the kill nothing that was acknowledged is missing; after `mqtctl resume` the sweep is whole, and what had been finished
is there unchanged, once.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from tests.reliability.checker import Run, read_runs
from tests.reliability.children import POINTS, judge, prepare, run_case

__all__ = ["Killed", "kill_and_resume", "kill_at_message", "kill_at_statement", "statements"]


@dataclass(frozen=True)
class Killed:
    """What came of a sweep that was killed.

    Attributes
    ----------
    where
        The message, the statement, or the time in s.
    code
        Exit code of what was to be killed: 137, or 0 if it was done before.
    wrong
        Empty if all is as it must be.
    kept
        How many finished histograms were there before the sweep was gone on with.
    unfinished
        How many that were not.
    """

    where: float
    code: int | None
    wrong: list[str]
    kept: int = 0
    unfinished: int = 0


def kill_at_message(number: int) -> None:
    """Have this process killed before its n-th message goes to the bench."""
    from pyvisa_mqt.visa.library import MqtVisaLibrary

    real = MqtVisaLibrary.write
    sent = [0]

    def write(self: MqtVisaLibrary, session: Any, data: bytes) -> Any:
        sent[0] += 1
        if sent[0] >= number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, session, data)

    MqtVisaLibrary.write = write  # type: ignore[method-assign]


def statements(tell: Callable[[str], None]) -> None:
    """Tell each statement that changes a database, on any connection, before it is executed: COMMIT is one."""
    real = sqlite3.connect

    def traced(text: str) -> None:
        if text.split(None, 1)[0].upper() not in ("SELECT", "PRAGMA", "--"):
            tell(text)

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = real(*arguments, **options)
        connection.set_trace_callback(traced)
        return connection

    vars(sqlite3)["connect"] = connect


def kill_at_statement(number: int) -> None:
    """Have this process killed before its n-th statement that changes a database."""
    seen = [0]

    def count(_text: str) -> None:
        seen[0] += 1
        if seen[0] >= number:
            os.kill(os.getpid(), signal.SIGKILL)

    statements(count)


def write_statements_down() -> None:
    """Write each statement's first word into statements.txt."""
    file = Path("statements.txt").open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends

    def tell(text: str) -> None:
        file.write(text.split(None, 1)[0] + "\n")
        file.flush()

    statements(tell)


def kill_and_resume(
    where: float,
    place: Path,
    kill: Callable[[int], None] | None = None,
    seed: int = 7,
    *,
    whole: list[Run] | None = None,
) -> Killed:
    """Kill a sweep and go on with it, in a folder of its own, which is kept if anything is wrong.

    Parameters
    ----------
    where
        Message or statement for `kill`; without it, the time in s after which it is killed.
    whole
        Histograms of the same sweep without a kill: those finished before it must be the same, bit for bit.
    """
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    prepare(folder, seed, brief=True)
    code = run_case(folder, partial(kill, int(where))) if kill else run_case(folder, kill_after=where)
    # the bench died with it, and what was on there
    wrong = [f"before resuming: {each}" for each in judge(folder, code) if not each.startswith("I3")]
    database = folder / "run" / "data.db"
    before = read_runs(database) if database.exists() else []
    kept = [run for run in before if run.complete]
    if code == 137:
        wrong += _gone_on_with(folder, before)
    for run in kept if whole else []:
        if run.intervals.tobytes() != whole[run.header["point"]].intervals.tobytes():  # type: ignore[index]
            wrong.append(f"I7 run {run.number} is not what it is without a kill")
    if not wrong:
        rmtree(folder.parent)
    return Killed(where, code, wrong, len(kept), len(before) - len(kept))


def _gone_on_with(folder: Path, before: list[Run]) -> list[str]:
    """Resume, and return what is wrong then."""
    database = folder / "run" / "data.db"
    for name in ("bench.jsonl", "status.jsonl"):  # of the bench and the worker that died
        (folder / name).unlink(missing_ok=True)
    resumable = (folder / "run" / "run.json").exists()
    if not resumable and before:
        return ["I6 something is stored, and not to be gone on with"]
    if not resumable:  # nothing had been begun: it is begun again
        code = run_case(folder, arguments=("sweep", "plan.yaml", "-o", "run2"))
        return [] if code == 0 else [f"I6 begun again with exit code {code}"]
    code = run_case(folder, arguments=("resume", "run"))
    wrong = [f"resumed: {each}" for each in judge(folder, code, since=max((run.number for run in before), default=0))]
    after = {run.number: run for run in read_runs(database)}
    finished = [run.header["point"] for run in after.values() if run.complete]
    if code != 0 or sorted(finished) != list(range(POINTS)):
        wrong.append(f"I6 resumed with exit code {code}, and the points {sorted(finished)} are there")
    if any(after[run.number].intervals.tobytes() != run.intervals.tobytes() for run in before):
        wrong.append("I1 a histogram from before the kill is not what it was")
    if len({run.header["sweep_id"] for run in after.values()}) > 1:
        wrong.append("I6 the halves are two sweeps")
    return wrong


def _places(options: argparse.Namespace, place: Path) -> tuple[list[tuple[float, int]], Any, list[Run]]:
    """Return where to kill and with which seed, by what, and the sweep without a kill."""
    prepare(place / "whole", 7, brief=True)
    run_case(place / "whole")
    begun = time.perf_counter()
    (place / "again").mkdir()
    prepare(place / "again" / "lab", 7, brief=True)
    run_case(place / "again" / "lab", write_statements_down)
    took = time.perf_counter() - begun
    whole = read_runs(place / "whole" / "run" / "data.db")
    if options.at == "times":
        random = np.random.default_rng(options.first)
        times = random.uniform(0.0, took, options.count)
        return [(float(t), options.first + number) for number, t in enumerate(times)], None, []
    if options.at == "statements":
        most, kill = len((place / "again" / "lab" / "statements.txt").read_text().splitlines()), kill_at_statement
    else:
        lines = (place / "whole" / "bench.jsonl").read_text(encoding="utf-8").splitlines()
        most, kill = sum(1 for line in lines if json.loads(line).get("direction") == "to"), kill_at_message
    return [(number, 7) for number in range(options.first, most + 1, options.step)], kill, whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("at", choices=("messages", "statements", "times"))
    parser.add_argument("--step", type=int, default=1, help="every n-th message or statement")
    parser.add_argument("--first", type=int, default=1, help="the first of them; of random times, the first seed")
    parser.add_argument("--count", type=int, default=1000, help="how many random times")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path, help="file to which a JSON line is added for each kill")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    todo, kill, whole = _places(options, place)
    print(f"{len(todo)} kills; folders of those with a violation stay in {place}", flush=True)  # noqa: T201
    found = []
    with ThreadPoolExecutor(options.workers) as pool:
        for each in pool.map(lambda one: kill_and_resume(one[0], place, kill, one[1], whole=whole), todo):
            found.append(each)
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(each)) + "\n")
            if each.wrong:
                print(f"{options.at} {each.where}: {each.wrong}", flush=True)  # noqa: T201
    wrong = sum(bool(each.wrong) for each in found)
    killed, kept = sum(each.code == 137 for each in found), sum(each.kept for each in found)
    unfinished = sum(each.unfinished for each in found)
    print(  # noqa: T201
        f"{killed} kills of {len(found)} runs, {wrong} with a violation; {kept} finished histograms were kept,"
        f" {unfinished} unfinished ones taken anew"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
