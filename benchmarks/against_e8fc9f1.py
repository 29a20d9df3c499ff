"""The bench and the sweep against commit e8fc9f1: the same work, the same interpreter, alternately, in CPU time.

Targets: acquisition of the built-in sweep through the wires (neither imports nor figures) at most 1/10 of that commit's
CPU time, the whole command at most 1/3, a virtual day of polling and ramping at most 1/8, a histogram of 1e6 switches
at 80 Hz at most 1/20; peak memory of the sweep at most 0.8; a histogram of 1e7 switches at most 1.5 times the peak
memory of one of 1e5. `--short` does the same without the whole command and with fewer switches, where what is done once
counts for more, and gives ratios without targets. The commit is taken out of the repository into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMIT = "e8fc9f1"
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("", "drivers", "sim_instruments")


@dataclass(frozen=True)
class Cost:
    """CPU time in s (user and system) and peak memory in bytes of one process."""

    cpu: float
    memory: float


@dataclass(frozen=True)
class Item:
    """Something that both commits do, and the largest ratio of CPU time that is wanted; `size` is (full, short)."""

    name: str
    title: str
    limit: float
    size: tuple[float, float]
    repetitions: int = 3


ITEMS = (
    Item("acquisition", "acquisition of the built-in sweep", 1 / 10, (10_000, 1_000)),
    Item("command", "the whole command `mqtctl sweep`", 1 / 3, (10_000, 1_000)),
    Item("day", "a virtual day of polling and ramping", 1 / 8, (24.0, 0.2), 1),
    Item("histogram", "a histogram of 1e6 switches at 80 Hz", 1 / 20, (1_000_000, 10_000), 1),
)
MEMORY_LIMIT, LARGE_LIMIT = 0.8, 1.5


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# What follows runs in a child process, with the packages of one commit or the other.


def _plan(folder: Path, switches: int, temperatures: str | None = None) -> Path:
    """Write the example plan, with other numbers."""
    from mqtctl.plan import write_examples

    write_examples(folder)
    path = folder / "plan.yaml"
    changed = _changed(path.read_text(encoding="utf-8"), switches, temperatures)
    path.write_text(changed, encoding="utf-8")
    return path


def _changed(text: str, switches: int, temperatures: str | None = None) -> str:
    """Return the example plan with another number of switches, and perhaps other temperatures."""
    text = text.replace("switches: 10000", f"switches: {switches}")
    if temperatures is None:
        return text
    begin, end = text.index("temperatures: ["), text.index("switches: ")
    return f"{text[:begin]}temperatures: [{temperatures}]\n\n{text[end:]}"


def acquisition(folder: Path, switches: float) -> float:
    """Take the built-in sweep; what the first use of anything costs has been paid before, by a short one."""
    from mqtctl.workflow.measurement import Options, acquire

    acquire(_plan(folder / "first", 100, "800 mK"), Options(output=folder / "warm", seed=1))
    plan = _plan(folder / "second", int(switches))
    begun = _cpu()
    acquire(plan, Options(output=folder / "run", seed=1))
    return _cpu() - begun


def histogram(folder: Path, switches: float) -> float:
    """Take one histogram, as `acquisition` does."""
    from mqtctl.workflow.measurement import Options, acquire

    acquire(_plan(folder / "first", 100), Options(output=folder / "warm", seed=1), single=True)
    plan = _plan(folder / "second", int(switches))
    begun = _cpu()
    acquire(plan, Options(output=folder / "run", seed=1), single=True)
    return _cpu() - begun


def day(folder: Path, hours: float) -> float:
    """Live through so many hours, as `bench_virtual_day.py` does."""
    import bench_virtual_day

    del folder
    bench_virtual_day.live(10.0)
    begun = _cpu()
    bench_virtual_day.live(3600.0 * hours)
    return _cpu() - begun


CHILDREN: Mapping[str, Callable[[Path, float], float]] = {
    "acquisition": acquisition,
    "histogram": histogram,
    "day": day,
}


def _child(name: str, size: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cpu = CHILDREN[name](Path(folder), size)
    print(json.dumps({"cpu": cpu, "memory": 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


# What follows runs in the benchmark's own process.


def environment(root: Path) -> dict[str, str]:
    """Return the environment in which Python finds the packages of a checkout before the installed ones."""
    paths = [root / part for part in PACKAGES] + [root / "benchmarks"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "MPLBACKEND": "Agg"}


def cost(root: Path, item: Item, size: float) -> Cost:
    """Return what one run of an item costs with the packages of a checkout."""
    if item.name == "command":
        return _command(root, int(size))
    command = [sys.executable, "-P", "-W", "ignore", __file__, "--child", item.name, "--size", str(size)]
    done = subprocess.run(command, env=environment(root), check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Cost(found["cpu"], found["memory"])


def _command(root: Path, switches: int) -> Cost:
    """Return what `mqtctl sweep` costs with all the processes that it starts; the memory is the largest one's."""
    with tempfile.TemporaryDirectory() as folder:
        mqtctl, known = [sys.executable, "-m", "mqtctl"], environment(root)
        subprocess.run([*mqtctl, "init", "lab"], env=known, cwd=folder, check=True, capture_output=True)
        plan = Path(folder) / "lab" / "plan.yaml"
        plan.write_text(_changed(plan.read_text(encoding="utf-8"), switches), encoding="utf-8")
        with (Path(folder) / "out").open("wb") as out:
            command = [*mqtctl, "sweep", str(plan), "--json", "--seed", "1"]
            process = subprocess.Popen(command, env=known, cwd=folder, stdout=out, stderr=out)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, (Path(folder) / "out").read_text()
    return Cost(used.ru_utime + used.ru_stime, 1024.0 * used.ru_maxrss)


def checked_out(folder: Path) -> Path | None:
    """Return where the old commit's files are; None where the repository does not have it."""
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        return None
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def compared(old: Path, item: Item, size: float, repetitions: int) -> tuple[float, float]:
    """Run an item alternately with both; print and return the ratios of CPU time and of memory, now to then."""
    then, now = [], []
    for _ in range(repetitions):
        then.append(cost(old, item, size))
        now.append(cost(ROOT, item, size))
    cpu = [statistics.median(one.cpu for one in some) for some in (then, now)]
    memory = [statistics.median(one.memory for one in some) for some in (then, now)]
    ratios = cpu[1] / cpu[0], memory[1] / memory[0]
    print(
        f"{item.title}: {ratios[0]:.3f} of {COMMIT} (1/{1 / ratios[0]:.1f}; target 1/{1 / item.limit:.0f}): "
        f"{cpu[1]:.2f} s against {cpu[0]:.2f} s of CPU time, peak memory {ratios[1]:.2f}",
        flush=True,
    )
    return ratios


def main() -> None:
    """Measure and print the ratios; with --child, be one of the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer switches, no targets; under 20 s")
    parser.add_argument("--only", choices=[item.name for item in ITEMS], help="one item only")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--size", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(given.child, given.size)
        return
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        old = checked_out(Path(folder))
        if old is None:
            print(f"NOT RUN: {COMMIT} is not in this repository (a shallow clone, or no repository)")
            return
        for item in ITEMS:
            if given.only == item.name or (given.only is None and not (given.short and item.name == "command")):
                size, repetitions = (item.size[1], 1) if given.short else (item.size[0], item.repetitions)
                cpu, memory = compared(old, item, size, repetitions)
                missed += [item.title] * (cpu > item.limit)
                missed += ["memory of the sweep"] * (item.name == "command" and memory > MEMORY_LIMIT)
    if given.only in (None, "histogram") and not given.short:
        large, small = (cost(ROOT, ITEMS[-1], size).memory for size in (1e7, 1e5))
        print(f"peak memory of a histogram of 1e7: {large / small:.2f} of one of 1e5 (target {LARGE_LIMIT})")
        missed += ["memory of 1e7 switches"] * (large / small > LARGE_LIMIT)
    if not given.short:
        assert not missed, f"missed: {', '.join(missed)}"


if __name__ == "__main__":
    main()
