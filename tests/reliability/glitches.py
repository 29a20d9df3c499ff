"""Has one exchange fail at one message of a sweep after the other, and has each of these sweeps judged.

    python -m tests.reliability.glitches [--kind lost-message] [--step 1] [--first 1] [--record FILE]

`lost-message`: the n-th message to an instrument never gets there, which is a time-out where it asks something, and a
command that was not obeyed where it does not. `lost-reply`: it was obeyed, and its answer never comes. `disconnect`:
the session is over at this message.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.reliability.children import judge, prepare, run_case

__all__ = ["KINDS", "Glitch", "glitches", "run_glitch"]

KINDS = ("lost-message", "lost-reply", "disconnect")


@dataclass(frozen=True)
class Glitch:
    """What fails: the message with this number to this instrument, and what it says."""

    kind: str
    instrument: str
    number: int
    text: str


@dataclass(frozen=True)
class Struck:
    """What came of it: exit code (None: it hung), what is wrong, what was said last."""

    glitch: Glitch
    exit_code: int | None
    wrong: list[str]
    said: str


def glitches(transcript: Path, kinds: Sequence[str] = KINDS) -> Iterator[Glitch]:
    """Yield what can fail in the sweep that wrote a transcript."""
    for kind in kinds:
        seen: Counter[str] = Counter()
        for line in transcript.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record.get("direction") != "to":
                continue
            instrument, text = record["instrument"], record.get("text", "(binary)").strip()
            seen[instrument] += 1
            if kind != "lost-reply" or "?" in text:
                yield Glitch(kind, instrument, seen[instrument], text[:60])


def run_glitch(glitch: Glitch, place: Path) -> Struck:
    """Run the sweep with it, in a folder of its own, which is kept if anything is wrong."""
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    fault = f"kind: {glitch.kind}, instrument: {glitch.instrument}, message: {glitch.number}"
    prepare(folder, 7, fault, brief=True)
    code = run_case(folder)
    wrong = judge(folder, code)
    said = (folder / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [""]
    if "TRACEBACK" in said[0]:
        wrong.append("I8 a traceback")
    if not wrong:
        shutil.rmtree(folder.parent)
    return Struck(glitch, code, wrong, said[0])


def table(found: Sequence[Struck]) -> str:
    """Return the exit codes by kind and instrument."""
    lines = ["| what fails | instrument | messages | exit codes | violations |", "|---|---|---|---|---|"]
    for kind, instrument in dict.fromkeys((each.glitch.kind, each.glitch.instrument) for each in found):
        here = [each for each in found if (each.glitch.kind, each.glitch.instrument) == (kind, instrument)]
        codes = Counter("hung" if each.exit_code is None else str(each.exit_code) for each in here)
        text = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
        lines.append(f"| {kind} | {instrument} | {len(here)} | {text} | {sum(bool(each.wrong) for each in here)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--step", type=int, default=1, help="every n-th message")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--record", type=Path, help="a JSON line for each; one that is there is not run again")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    prepare(place / "whole", 7, brief=True)
    run_case(place / "whole")
    found = []
    if options.record and options.record.exists():
        for line in options.record.read_text(encoding="utf-8").splitlines():
            facts = json.loads(line)
            found.append(Struck(Glitch(**facts.pop("glitch")), **facts))
    there = {each.glitch for each in found}
    everything = list(glitches(place / "whole" / "bench.jsonl", options.kind or KINDS))
    todo = [each for each in everything[options.first - 1 :: options.step] if each not in there]
    print(f"{len(todo)} sweeps; folders of those with a violation stay in {place}", flush=True)  # noqa: T201
    with ThreadPoolExecutor(options.workers) as pool:
        for each in pool.map(lambda glitch: run_glitch(glitch, place), todo):
            found.append(each)
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(each)) + "\n")
            if each.wrong:
                print(f"{each.glitch}: {each.wrong}; {each.said}", flush=True)  # noqa: T201
    print(table(found), flush=True)  # noqa: T201
    return 1 if any(each.wrong for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
