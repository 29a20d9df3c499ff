"""Kills worker, supervisor or both of a real sweep on a bench in its own process, at random times; then goes on.

    python -m tests.reliability.parents [--count 30] [--victims worker supervisor both] [--record FILE]

What is judged: source and heater are off within 10 s of bench time, or, with both dead, the source at the end of its
burst; nothing acknowledged is missing; `mqtctl resume` makes the sweep whole.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.reliability.checker import read_runs
from tests.reliability.children import POINTS, judge, prepare, run_case, serving

__all__ = ["VICTIMS", "Orphaned", "kill_one"]

VICTIMS = ("worker", "supervisor", "both")
#: Source and heater are off so soon (s of bench time) after a worker or a supervisor has died.
_SOON = 10.0
#: A burst is this long at most, in s.
_BURST = 65.0


@dataclass(frozen=True)
class Orphaned:
    """What came of it.

    Attributes
    ----------
    victim, share
        Who was killed, after which share of the sweep.
    code
        What the supervisor ended with.
    off
        How long (s of bench time) after the kill the last of source and heater was off; None with both dead.
    wrong
        Empty if all is as it must be.
    """

    victim: str
    share: float
    code: int | None
    off: float | None
    wrong: list[str]


def kill_one(victim: str, share: float, place: Path, seed: int = 7) -> Orphaned:
    """Kill after a share of the sweep's bench time, and go on; the folder is kept if anything is wrong."""
    folder = Path(tempfile.mkdtemp(dir=place)) / "lab"
    prepare(folder, seed, brief=True)
    with serving(folder, f"?seed={seed}") as backend:
        text = (folder / "station.yaml").read_text(encoding="utf-8")
        visalib = text.split("visalib: ")[1].split("\n")[0]
        (folder / "station.yaml").write_text(text.replace(visalib, f'"{backend}"'), encoding="utf-8")
        command = [sys.executable, "-m", "mqtctl", "sweep", "plan.yaml", "-o", "run"]
        sweep = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = share * _DURATION
        _wait(lambda: sweep.poll() is not None or _now(folder) >= begin)
        if (worker := _worker(sweep.pid)) is None:
            return Orphaned(victim, share, sweep.wait(), None, ["it was over before it was killed"])
        for process in {"worker": [worker], "supervisor": [sweep.pid]}.get(victim, [sweep.pid, worker]):
            os.kill(process, signal.SIGKILL)
        if victim != "worker":
            sweep.wait(60)  # virtual time runs on while the system is busy with its end
        killed = _now(folder)
        code = sweep.wait(120)
        _wait(lambda: not _alive(worker))
        wrong, off = _resting(folder, killed, both=victim == "both")
        wrong += [each for each in judge(folder, 137) if not each.startswith(("I3", "I1"))]
        wrong += _acknowledged(folder)
        run = folder / "run"
        if (run / "run.json").exists():
            _told(folder).unlink(missing_ok=True)
            database = run / "data.db"
            numbers = [each.number for each in read_runs(database)] if database.exists() else []
            again = run_case(folder, arguments=("resume", "run"))
            wrong += [f"resumed: {each}" for each in judge(folder, again, since=max(numbers, default=0))]
            points = sorted(each.header["point"] for each in read_runs(database) if each.complete)
            if again != 0 or points != list(range(POINTS)):
                wrong.append(f"I6 resumed with exit code {again}, and the points {points} are there")
    if not wrong:
        shutil.rmtree(folder.parent)
    return Orphaned(victim, share, code, off, wrong)


#: About how long (s of bench time) such a sweep takes.
_DURATION = 215.0


def _told(folder: Path) -> Path:
    return folder / "status.jsonl"


def _records(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "bench.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def _now(folder: Path) -> float:
    """Return the bench time of the transcript's last line."""
    path = folder / "bench.jsonl"
    if not path.exists():
        return -1.0
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 20000))
        lines = file.read().decode(errors="replace").splitlines()[1:]
    for line in reversed(lines):
        try:
            return float(json.loads(line)["t"])
        except (ValueError, KeyError):
            continue
    return -1.0


def _wait(there: Callable[[], bool]) -> None:
    for _ in range(12000):
        if there():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come")


def _worker(supervisor: int) -> int | None:
    """Return the process that a supervisor watches."""
    path = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    found = path.read_text().split() if path.exists() else []
    return int(found[0]) if found else None


def _alive(process: int) -> bool:
    path = Path(f"/proc/{process}/stat")
    try:
        return path.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _resting(folder: Path, killed: float, *, both: bool) -> tuple[list[str], float | None]:
    """Return what is wrong with source and heater, and how long after the kill the last went off."""
    last: dict[str, dict[str, Any]] = {}
    changes: dict[str, tuple[bool, float]] = {}
    for record in _records(folder):
        if record["kind"] == "output":
            on = any(record[key] != 0.0 for key in ("least", "greatest", "idle"))
        elif record["kind"] == "heater":
            on = record["power_W"] != 0.0
        else:
            continue
        name = record["instrument"]
        last[name] = record
        if changes.get(name, (None, 0.0))[0] != on:
            changes[name] = (on, record["t"])
    still = [name for name, (is_on, _) in changes.items() if is_on]
    if both:
        output = last.get("source")
        if output is None or "source" not in still:
            return [], None
        if output["cycles"] is None and output["waveform"] is not None:
            return ["I3 the source ramps without end"], None
        end = output["start"] + output["cycles"] * output["period"] if output["waveform"] is not None else killed
        return ([f"I3 the burst goes on for {end - killed:.0f} s"] if end - killed > _BURST else []), None
    if still:
        return [f"I3 left on: {still}"], None
    off = max([t - killed for _, t in changes.values() if t >= killed], default=0.0)
    return ([f"I3 off only after {off:.1f} s"] if off > _SOON else []), off


def _acknowledged(folder: Path) -> list[str]:
    """I1 from the supervisor's own log, which may lack the last lines if it was killed."""
    log, database = folder / "run" / "status.jsonl", folder / "run" / "data.db"
    if not log.exists():
        return []
    told: list[int] = []
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        if fact["kind"] == "ramps":
            told.append(0)
        elif fact["kind"] == "block" and told:
            told[-1] = fact["switches"]
    runs = read_runs(database) if database.exists() else []
    stored = [run.intervals.size for run in runs] + [0] * len(told)
    return [
        f"I1 histogram {order} has {there} of {count} acknowledged switches"
        for order, (there, count) in enumerate(zip(stored, told, strict=False))
        if there < count
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; the exit code is 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=30, help="how many of each")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=list(VICTIMS))
    parser.add_argument("--record", type=Path, help="file to which a JSON line is added for each")
    options = parser.parse_args(arguments)
    place = Path(tempfile.mkdtemp())
    found = []
    for number in range(options.first, options.first + options.count):
        for victim in options.victims:
            share = float(np.random.default_rng([number, VICTIMS.index(victim)]).uniform(0.02, 0.97))
            found.append(kill_one(victim, round(share, 4), place, seed=7 + number))
            if options.record:
                with options.record.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(found[-1])) + "\n")
            if found[-1].wrong:
                print(f"{found[-1]}; see {place}", flush=True)  # noqa: T201
    for victim in options.victims:
        here = [each for each in found if each.victim == victim]
        off = max([each.off for each in here if each.off is not None], default=float("nan"))
        wrong = sum(bool(each.wrong) for each in here)
        print(f"{victim} killed {len(here)} times, {wrong} with a violation; off at most {off:.1f} s later")  # noqa: T201
    return 1 if any(each.wrong for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
