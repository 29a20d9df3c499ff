"""Sweeps with one fault at a random moment, of the kinds that must not end a night: how many complete?

    python -m tests.reliability.nights [--count 500] [--first 1] [--record FILE]

A glitch of one message, 30 s without an instrument (cable out, power off), one reading that is no number, and 30 s of
another program in the database; never before all instruments have been found, when somebody still stands there.
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

from tests.reliability import storage_faults
from tests.reliability.children import judge, prepare, run_case

__all__ = ["Night", "chosen", "run_night"]

_GLITCHES = (
    "late-reply",
    "lost-reply",
    "truncated-reply",
    "duplicated-reply",
    "garbled-reply",
    "lost-message",
    "disconnect",
)
_INSTRUMENTS = ("source", "counter", "thermometer")
#: Of what kind a night's fault is, with which probability.
_KINDS = {"glitch": 0.5, "outage": 0.16, "power": 0.12, "no number": 0.16, "lock": 0.06}


@dataclass(frozen=True)
class Night:
    """One sweep: its seed, what struck it, when on the bench's clock (s), and what came of it."""

    seed: int
    kind: str
    fault: str
    begin: float
    exit_code: int | None
    wrong: list[str]
    said: str


def chosen(seed: int, first: float, last: float) -> tuple[str, str, float]:
    """Return kind, fault and moment of a night; the moment is between two bench times in s."""
    random = np.random.default_rng([seed, 500])
    kind = str(random.choice(list(_KINDS), p=list(_KINDS.values())))
    instrument = str(random.choice(_INSTRUMENTS))
    glitch = str(random.choice(_GLITCHES))
    reading = str(random.choice(_INSTRUMENTS[1:]))
    fault = {
        "glitch": f"kind: {glitch}, instrument: {instrument}",
        "outage": f"kind: disconnect, instrument: {instrument}, duration: 30 s",
        "power": f"kind: power-cycle, instrument: {instrument}, duration: 30 s",
        "no number": f"kind: nan-reading, instrument: {reading}",
        "lock": "",
    }[kind]
    return kind, fault, round(float(random.uniform(first, last)), 3)


def run_night(seed: int, span: tuple[float, float], place: Path) -> Night:
    """Run a sweep with its fault, in a folder of its own, which is kept if it does not complete."""
    kind, fault, begin = chosen(seed, *span)
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    prepare(folder, seed, f"{fault}, at: {begin} s" if fault else "", brief=True)
    code = run_case(folder, None if fault else partial(storage_faults.lock, begin))
    wrong = judge(folder, code)
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [""]
    if code == 0 and not wrong:
        shutil.rmtree(folder.parent)
    return Night(seed, kind, fault, begin, code, wrong, said[0])


def _span(place: Path) -> tuple[float, float]:
    """Return when, on the bench's clock in s, the instruments have been found and the sweep is over."""
    prepare(place / "whole", 7, brief=True)
    run_case(place / "whole")
    records = [json.loads(line) for line in (place / "whole" / "bench.jsonl").read_text(encoding="utf-8").splitlines()]
    sent = [(r["t"], r.get("text", "")) for r in records if r.get("direction") == "to"]
    return next(t for t, text in sent if "*IDN?" in text) + 0.3, sent[-1][0]


def table(found: Sequence[Night]) -> str:
    """Return how many of each kind completed."""
    lines = ["| what happens | sweeps | completed | violations |", "|---|---|---|---|"]
    for kind in (*_KINDS, "all"):
        here = [night for night in found if kind in ("all", night.kind)]
        done, wrong = sum(night.exit_code == 0 for night in here), sum(bool(night.wrong) for night in here)
        lines.append(f"| {kind} | {len(here)} | {done} | {wrong} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong, or fewer than 99 % complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path, help="a JSON line for each; one that is there is not run again")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    span = _span(place)
    found: list[Night] = []
    if options.record and options.record.exists():
        found = [Night(**json.loads(line)) for line in options.record.read_text(encoding="utf-8").splitlines()]
    there = {night.seed for night in found}
    todo = [seed for seed in range(options.first, options.first + options.count) if seed not in there]
    with ThreadPoolExecutor(options.workers) as pool:
        for night in pool.map(lambda seed: run_night(seed, span, place), todo):
            found.append(night)
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(night)) + "\n")
            if night.exit_code != 0 or night.wrong:
                print(night, flush=True)  # noqa: T201
    print(table(found), flush=True)  # noqa: T201
    counts = Counter(night.exit_code for night in found)
    return 1 if any(night.wrong for night in found) or counts[0] < 0.99 * len(found) else 0


if __name__ == "__main__":
    sys.exit(main())
