"""Kills a sweep at a message, a statement to the database or a random time, goes on with it, and judges both halves.

    python -m tests.reliability.kills messages [--step 20] [--first 1]
    python -m tests.reliability.kills statements
    python -m tests.reliability.kills times --count 1000

All are SIGKILL: the child kills itself before its n-th message reaches the bench or its n-th statement the database, so
that each run ends at another place, exactly; or it is killed from outside after a random CPU time. What is judged:
after the kill nothing that was acknowledged is missing; after `mqtctl resume` the sweep is whole, and what had been
finished is there unchanged, once.
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
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tests.reliability.checker import Run, read_runs
from tests.reliability.children import POINTS, judge, prepare, run_case

__all__ = ["Killed", "gone_on_with", "kill_and_resume", "kill_at_message", "kill_at_statement", "statements"]


#: So many sweeps without a kill are what those with one are compared with.
REFERENCES = 20


@dataclass(frozen=True)
class Killed:
    """What came of a sweep that was killed.

    Attributes
    ----------
    where
        The message, the statement, or the CPU time in s.
    code
        Exit code of what was to be killed: 137, or 0 if it was done before.
    wrong
        Empty if all is as it must be.
    kept
        How many finished histograms were there before the sweep was gone on with.
    unfinished
        How many that were not.
    pvalues
        Of each histogram taken after the kill: whether it is from the distribution of those without a kill.
    seed
        Of the bench.
    """

    where: float
    code: int | None
    wrong: list[str]
    kept: int = 0
    unfinished: int = 0
    pvalues: tuple[float, ...] = ()
    seed: int = 7


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
        connection: sqlite3.Connection = real(*arguments, **options)
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


def write_cpu_time_down() -> None:
    """Write the CPU time of this process (s) into cpu-time.txt, at its end."""
    real = os._exit

    def leave(code: int) -> None:
        Path("cpu-time.txt").write_text(str(time.process_time()), encoding="ascii")
        real(code)

    vars(os)["_exit"] = leave


def kill_and_resume(
    where: float,
    place: Path,
    kill: Callable[[int], None] | None = None,
    seed: int = 7,
    *,
    whole: Sequence[Run] = (),
    pool: Mapping[int, NDArray[np.float64]] | None = None,
) -> Killed:
    """Kill a sweep and go on with it, in a folder of its own, which is kept if anything is wrong.

    Parameters
    ----------
    where
        Message or statement for `kill`; without it, the CPU time in s after which it is killed.
    whole
        Histograms of the same sweep without a kill: those finished before it must be the same, bit for bit.
    pool
        Intervals in s by point of sweeps with other seeds and without a kill, for `Killed.pvalues`.
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
        wrong += gone_on_with(folder, before)
    for run in kept if whole else []:
        if run.intervals.tobytes() != whole[run.header["point"]].intervals.tobytes():
            wrong.append(f"I7 run {run.number} is not what it is without a kill")
    pvalues = _pvalues(database, {run.number for run in before}, pool or {})
    if not wrong:
        rmtree(folder.parent)
    return Killed(where, code, wrong, len(kept), len(before) - len(kept), pvalues, seed)


def _pvalues(database: Path, before: Collection[int], pool: Mapping[int, NDArray[np.float64]]) -> tuple[float, ...]:
    """Return the p-value (Kolmogorov-Smirnov, two samples) of each histogram that was taken after the kill."""
    if not before or not pool:
        return ()
    new = [run for run in read_runs(database) if run.complete and run.number not in before]
    return tuple(float(stats.ks_2samp(run.intervals, pool[run.header["point"]]).pvalue) for run in new)


def gone_on_with(folder: Path, before: list[Run]) -> list[str]:
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


def _sweeps(seeds: Sequence[int], place: Path, workers: int) -> dict[int, NDArray[np.float64]]:
    """Return the intervals in s by point of sweeps without a kill."""

    def one(seed: int) -> list[Run]:
        folder = place / f"without-kill-{seed}"
        prepare(folder, seed, brief=True)
        run_case(folder)
        runs = read_runs(folder / "run" / "data.db")
        rmtree(folder)
        return runs

    with ThreadPoolExecutor(workers) as threads:
        runs = [run for sweep in threads.map(one, seeds) for run in sweep]
    return {point: np.concatenate([r.intervals for r in runs if r.header["point"] == point]) for point in range(POINTS)}


def _cpu_time_of_one(place: Path) -> float:
    """Return how much CPU time in s the child of a sweep without a kill takes."""
    folder = place / "cpu-time"
    prepare(folder, 7, brief=True)
    run_case(folder, write_cpu_time_down)
    return float((folder / "cpu-time.txt").read_text(encoding="ascii"))


def _all_places(at: str, place: Path) -> tuple[int, Callable[[int], None], list[Run]]:
    """Return how many messages or statements a sweep has, how to kill at one, and the sweep without a kill."""
    folder = place / "whole"
    prepare(folder, 7, brief=True)
    run_case(folder, write_statements_down)
    whole = read_runs(folder / "run" / "data.db")
    if at == "statements":
        return len((folder / "statements.txt").read_text(encoding="utf-8").splitlines()), kill_at_statement, whole
    lines = (folder / "bench.jsonl").read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if json.loads(line).get("direction") == "to"), kill_at_message, whole


def _recorded(path: Path | None) -> list[Killed]:
    """Return the kills that a file has."""
    if path is None or not path.exists():
        return []
    return [Killed(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("at", choices=("messages", "statements", "times"))
    parser.add_argument("--step", type=int, default=1, help="every n-th message or statement")
    parser.add_argument("--first", type=int, default=1, help="the first of them; of random times, the first seed")
    parser.add_argument("--count", type=int, default=1000, help="how many random times")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path, help="a JSON line for each kill; one that is there is not done again")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    found = _recorded(options.record)
    todo: list[Callable[[], Killed]]
    if options.at == "times":
        seeds = range(options.first, options.first + options.count)
        pool = _sweeps(range(100_000, 100_000 + REFERENCES), place, options.workers)
        times = np.random.default_rng(options.first).uniform(0.0, _cpu_time_of_one(place), options.count)
        todo = [
            partial(kill_and_resume, float(t), place, seed=seed, pool=pool)
            for t, seed in zip(times, seeds, strict=True)
            if seed not in {each.seed for each in found}
        ]
    else:
        most, kill, whole = _all_places(options.at, place)
        done = {each.where for each in found}
        places = range(options.first, most + 1, options.step)
        todo = [partial(kill_and_resume, number, place, kill, whole=whole) for number in places if number not in done]
    print(f"{len(todo)} kills; folders of those with a violation stay in {place}", flush=True)  # noqa: T201
    with ThreadPoolExecutor(options.workers) as threads:
        for each in threads.map(lambda one: one(), todo):
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
    pvalues = [pvalue for each in found for pvalue in each.pvalues]
    if pvalues:
        uniform = stats.kstest(pvalues, "uniform").pvalue
        print(f"{len(pvalues)} histograms taken afterwards; their p-values are uniform with p = {uniform:.3f}")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
