"""Runs a short sweep for each cell of faults x phases, and has the checker judge it.

    python -m tests.reliability.cells [--seeds 10] [--workers 2] [--table docs/fault-matrix.md]

A cell is a child of a process that has loaded everything; the bench lives in it and writes its transcript with each
message, so that what happened is known whatever becomes of the command.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.reliability.checker import Case, violations

__all__ = ["FAULTS", "PHASES", "Cell", "Fault", "Outcome", "cells", "run_cell", "undisturbed"]

POINTS, SWITCHES, LIMIT = 3, 200, 12e-6
_LONGEST = 300.0
SWEEP = ("sweep", "plan.yaml", "-o", "run")


@dataclass(frozen=True)
class Fault:
    """A kind of fault with its parameters.

    `lying`: what it makes lie or deaf. `edges`: it makes edges that are no switches.
    """

    name: str
    text: str
    lying: frozenset[str] = frozenset()
    edges: bool = False


def _faults() -> Iterator[Fault]:
    """Yield all faults of the matrix."""
    for instrument in ("source", "counter", "thermometer"):
        for kind in (
            "late-reply",
            "lost-reply",
            "truncated-reply",
            "duplicated-reply",
            "garbled-reply",
            "lost-message",
            "disconnect",
            "power-cycle",
            "queued-error",
        ):
            yield Fault(f"{kind}, {instrument}", f"kind: {kind}, instrument: {instrument}")
        yield Fault(f"30 s outage, {instrument}", f"kind: disconnect, instrument: {instrument}, duration: 30 s")
    for instrument in ("counter", "thermometer"):
        for kind in ("nan-reading", "overflow-reading"):
            yield Fault(f"{kind}, {instrument}", f"kind: {kind}, instrument: {instrument}")
    yield Fault("repeated replies for 20 s, counter", "kind: stale-reading, instrument: counter, duration: 20 s")
    yield Fault("full memory, counter", "kind: full-memory, instrument: counter, duration: 5 s")
    lies = frozenset({"thermometer"})
    yield Fault("stuck thermometer", "kind: stuck-thermometer, port: thermometer.ch6", lies)
    yield Fault("jumping thermometer", "kind: jumping-thermometer, port: thermometer.ch6, duration: 60 s", lies)
    yield Fault(
        "stuck heater", "kind: stuck-heater, port: thermometer.sample, power: 100 uW", frozenset({"thermometer.sample"})
    )
    yield Fault("weak heater", "kind: weak-heater, port: thermometer.sample")
    yield Fault("warming", "kind: warming, power: 200 uW, duration: 5 min")
    yield Fault("false triggers", "kind: false-triggers, port: counter.ch2, rate: 100 Hz, duration: 60 s", edges=True)
    yield Fault("stuck in the voltage state", "kind: stuck-voltage-state, duration: 60 s")
    yield Fault("drift", "kind: critical-current-drift, drift: 1 nA/s, duration: 60 s")


FAULTS = tuple(_faults())
PHASES = ("connect", "configure", "set point", "settle", "arm", "read", "between points", "last ramps", "shut down")


@dataclass(frozen=True)
class Cell:
    """A fault in a phase, with the bench's seed."""

    fault: Fault
    phase: str
    seed: int = 7


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: exit code (None: it hung), what is wrong, what was said last."""

    cell: Cell
    exit_code: int | None
    wrong: list[str]
    said: str


def cells(seeds: Sequence[int] = (7,)) -> list[Cell]:
    """Return all cells."""
    return [Cell(fault, phase, seed) for seed in seeds for fault in FAULTS for phase in PHASES]


def prepare(folder: Path, seed: int, fault: str = "") -> None:
    """Put a laboratory with a plan of three temperatures, a bench with a fault, and a transcript into a folder."""
    from mqtctl.plan import write_examples

    write_examples(folder)
    bench = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    faults = f"\nfaults:\n  - {{{fault}}}\n" if fault else ""
    (folder / "bench.yaml").write_text(f"transcript: bench.jsonl\n{bench}{faults}", encoding="utf-8")
    station = (folder / "station.yaml").read_text(encoding="utf-8")
    (folder / "station.yaml").write_text(station.replace('"@mqt"', f'"bench.yaml?seed={seed}@mqt"'), encoding="utf-8")
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    begin, end = plan.index("temperatures: ["), plan.index("switches: 10000")
    plan = f"{plan[:begin]}temperatures: [50 mK, 60 mK, 70 mK]\n\n{plan[end:]}"
    plan = plan.replace("switches: 10000", f"switches: {SWITCHES}").replace("block: 500", "block: 100")
    (folder / "plan.yaml").write_text(plan.replace("deadline: 2 h", "deadline: 15 min"), encoding="utf-8")


def _run(folder: str, sabotage: Callable[[], None] | None, arguments: Sequence[str]) -> None:
    """Run the command in this process, as the worker of a supervisor that only listens."""
    os.chdir(folder)
    reading, writing = os.pipe()
    log = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(log, standard)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    os.environ["MQTCTL_SUPERVISOR"] = str(writing)
    import threading

    import mqtctl.report.writer
    from mqtctl.cli.app import app

    vars(mqtctl.report.writer)["render"] = lambda _draw, **_size: b"\x89PNG"  # pictures take the time

    def listen() -> None:
        Path("run").mkdir(exist_ok=True)
        with os.fdopen(reading, "rb") as told, Path("run/status.jsonl").open("ab") as status:
            for line in told:
                status.write(line)
                status.flush()

    threading.Thread(target=listen, daemon=True).start()
    if sabotage is not None:
        sabotage()
    try:
        app(list(arguments))
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as exc:  # what the interpreter would have shown, and its exit code
        print(f"TRACEBACK {type(exc).__name__}: {exc}", file=sys.stderr)  # noqa: T201
        code = 1
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(code or 0)


def run_case(
    folder: Path,
    sabotage: Callable[[], None] | None = None,
    longest: float = _LONGEST,
    arguments: Sequence[str] = SWEEP,
) -> int | None:
    """Run a command in a prepared folder in a child process; returns its exit code, None if it had to be ended.

    Parameters
    ----------
    sabotage
        What is broken in the child before.
    longest
        How long it may take, in s.
    arguments
        Of the command line.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["mqtctl.cli.live.progress", "mqtctl.cli.summary", "qcodes.dataset", "pyvisa_mqt.visa.library"]
    )
    child = context.Process(target=_run, args=(str(folder), sabotage, tuple(arguments)))
    child.start()
    child.join(longest)
    if child.is_alive():
        child.kill()
        child.join()
        return None
    code = child.exitcode
    return code if code is None or code >= 0 else 128 - code


def judge(folder: Path, exit_code: int | None, fault: Fault | None = None) -> list[str]:
    """Return what is wrong with the run in a folder."""
    if exit_code is None:
        return ["I9 it did not end"]
    return violations(
        Case(
            folder=folder / "run",
            transcript=folder / "bench.jsonl",
            exit_code=exit_code,
            points=POINTS,
            switches=SWITCHES,
            limit=LIMIT,
            lying=fault.lying if fault else frozenset(),
            edges=bool(fault and fault.edges),
        )
    )


def undisturbed(folder: Path, seed: int = 7) -> dict[str, float]:
    """Return when each phase begins (bench time in s) in a sweep without a fault, which must be without a violation."""
    prepare(folder, seed)
    code = run_case(folder)
    wrong = judge(folder, code)
    if code != 0 or wrong:
        raise AssertionError(f"the undisturbed sweep ended with {code}: {wrong}")
    records = [json.loads(line) for line in (folder / "bench.jsonl").read_text(encoding="utf-8").splitlines()]
    sent = [(r["t"], r["instrument"], r.get("text", "")) for r in records if r.get("direction") == "to"]

    def first(text: str, number: int = 0) -> float:
        return float([t for t, _, message in sent if text in message][number])

    ramps = [r["t"] for r in records if r["kind"] == "ramps"]
    set_points = [t for t, _, message in sent if "SETP" in message and "?" not in message]
    return {
        "connect": 0.0,
        "configure": first("*IDN?") + 0.3,
        "set point": set_points[0] - 0.01,
        "settle": set_points[0] + 60.0,
        "arm": first("WAVE:INIT", 1) - 0.01,
        "read": first("R? ") - 0.01,
        "between points": set_points[1] - 0.5,
        "last ramps": ramps[-1] - 1.0,
        "shut down": max(t for t, _, message in sent if "OUTP" in message) - 0.05,
    }


def run_cell(cell: Cell, times: dict[str, float], place: Path) -> Outcome:
    """Run one cell in a folder of its own below `place`."""
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    prepare(folder, cell.seed, f"{cell.fault.text}, at: {times[cell.phase]} s")
    code = run_case(folder)
    wrong = judge(folder, code, cell.fault)
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [""]
    if "TRACEBACK" in said[0]:
        wrong.append("I8 a traceback")
    if not wrong:
        shutil.rmtree(folder.parent)
    return Outcome(cell, code, wrong, said[0])


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as a table: a row for each fault, a column for each phase."""
    lines = ["| fault | " + " | ".join(PHASES) + " |", "|" + "---|" * (len(PHASES) + 1)]
    for fault in FAULTS:
        row = []
        for phase in PHASES:
            here = [o for o in outcomes if o.cell.fault == fault and o.cell.phase == phase]
            codes = Counter("hung" if o.exit_code is None else str(o.exit_code) for o in here)
            wrong = sum(bool(o.wrong) for o in here)
            text = ", ".join(
                code if count == len(here) else f"{code} ({count})" for code, count in sorted(codes.items())
            )
            row.append(text + (f" **{wrong} wrong**" if wrong else ""))
        lines.append(f"| {fault.name} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix and print its table; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="part of a fault's or phase's name")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args(arguments)
    seeds = range(7, 7 + options.seeds)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        times = {seed: undisturbed(place / f"undisturbed{seed}", seed) for seed in seeds}
        todo = [c for c in cells(list(seeds)) if options.only in f"{c.fault.name}, {c.phase}"]
        with ThreadPoolExecutor(options.workers) as pool:
            outcomes = []
            for outcome in pool.map(lambda cell: run_cell(cell, times[cell.seed], place), todo):
                outcomes.append(outcome)
                if outcome.wrong:
                    cell = outcome.cell
                    _print(f"{cell.fault.name}, {cell.phase}, seed {cell.seed}: {outcome.wrong}; {outcome.said}")
    text = table(outcomes)
    _print(text)
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    _print(f"{len(outcomes)} cells, {wrong} with a violation")
    if options.table:
        options.table.write_text(text + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _print(text: Any) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
