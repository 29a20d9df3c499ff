"""Runs a short sweep for each cell of faults x phases, and has the checker judge it.

python -m tests.reliability.cells [--seeds 10] [--first 7] [--only TEXT] [--record cells.jsonl] [--table FILE]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.reliability import storage_faults
from tests.reliability.children import judge, prepare, run_case

__all__ = ["FAULTS", "PHASES", "Cell", "Fault", "Outcome", "cells", "run_cell", "undisturbed"]


@dataclass(frozen=True)
class Fault:
    """A kind of fault with its parameters.

    `text`: of the bench; `deed`: of what is beside it, done from a bench time in s on. `lying`: what it makes lie or
    deaf. `edges`: it makes edges that are no switches.
    """

    name: str
    text: str
    lying: frozenset[str] = frozenset()
    edges: bool = False
    deed: Callable[[float], None] | None = None


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
        yield Fault(f"30 s without power, {instrument}", f"kind: power-cycle, instrument: {instrument}, duration: 30 s")
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
    yield Fault(
        "false triggers", "kind: false-triggers, port: counter.input2, rate: 100 Hz, duration: 60 s", edges=True
    )
    yield Fault("stuck in the voltage state", "kind: stuck-voltage-state, duration: 60 s")
    yield Fault("drift", "kind: critical-current-drift, drift: 1 nA/s, duration: 60 s")
    yield Fault("database locked for 30 s", "", deed=storage_faults.lock)
    yield Fault("disk full", "", deed=storage_faults.fill)
    yield Fault("database read-only", "", deed=storage_faults.write_protect)


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
    fault, begin = cell.fault, times[cell.phase]
    prepare(folder, cell.seed, f"{fault.text}, at: {begin} s" if fault.text else "")
    code = run_case(folder, None if fault.deed is None else partial(fault.deed, begin))
    return concluded(cell, code, folder)


def concluded(cell: Cell, code: int | None, folder: Path) -> Outcome:
    """Return what came of a cell; its folder is kept if anything is wrong."""
    wrong = judge(folder, code, lying=cell.fault.lying, edges=cell.fault.edges)
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [""]
    if "TRACEBACK" in said[0]:
        wrong.append("I8 a traceback")
    if not wrong:
        shutil.rmtree(folder.parent)
    return Outcome(cell, code, wrong, said[0])


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes as a table: a row for each fault, a column for each phase."""
    lines = ["| fault | " + " | ".join(PHASES) + " |", "|" + "---|" * (len(PHASES) + 1)]
    for fault in (fault for fault in FAULTS if any(o.cell.fault == fault for o in outcomes)):
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
    parser.add_argument("--first", type=int, default=7, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="part of a fault's or phase's name")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--record", type=Path, help="a JSON line for each cell; one that is there is not run again")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        times = {seed: undisturbed(place / f"undisturbed{seed}", seed) for seed in seeds}
        outcomes = _recorded(options.record)
        there = {outcome.cell for outcome in outcomes}
        chosen = [c for c in cells(list(seeds)) if options.only in f"{c.fault.name}, {c.phase}"]
        todo = [cell for cell in chosen if cell not in there]
        with ThreadPoolExecutor(options.workers) as pool:
            for outcome in pool.map(lambda cell: run_cell(cell, times[cell.seed], place), todo):
                outcomes.append(outcome)
                cell = outcome.cell
                if options.record:
                    _record(options.record, outcome)
                if outcome.wrong:
                    _print(f"{cell.fault.name}, {cell.phase}, seed {cell.seed}: {outcome.wrong}; {outcome.said}")
    text = table(outcomes)
    _print(text)
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    _print(f"{len(outcomes)} cells, {wrong} with a violation")
    if options.table:
        options.table.write_text(text + "\n", encoding="utf-8")
    return 1 if wrong else 0


def _record(path: Path, outcome: Outcome) -> None:
    """Add what came of a cell to a file."""
    cell = outcome.cell
    facts = {"fault": cell.fault.name, "phase": cell.phase, "seed": cell.seed, "exit_code": outcome.exit_code}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**facts, "wrong": outcome.wrong, "said": outcome.said}) + "\n")


def _recorded(path: Path | None) -> list[Outcome]:
    """Return the outcomes that a file has."""
    if path is None or not path.exists():
        return []
    faults = {fault.name: fault for fault in FAULTS}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Outcome(Cell(faults[at["fault"]], at["phase"], at["seed"]), at["exit_code"], at["wrong"], at["said"])
        for at in lines
    ]


def _print(text: Any) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
