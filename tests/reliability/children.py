"""Runs a command in a child of a process that has everything loaded, for campaigns of thousands of runs.

The bench lives in the child and writes its transcript with each message, so that what happened is known whatever
becomes of the command.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from tests.reliability.checker import Case, violations

__all__ = ["POINTS", "SWEEP", "SWITCHES", "judge", "prepare", "run_case", "serving"]

POINTS, SWITCHES, LIMIT = 3, 200, 12e-6
_LONGEST = 300.0
SWEEP = ("sweep", "plan.yaml", "-o", "run")


def prepare(folder: Path, seed: int, *faults: str, brief: bool = False) -> None:
    """Put a laboratory with a plan of three temperatures, a bench with faults, and a transcript into a folder.

    `brief`: with as few messages as such a sweep can have, for campaigns that do something at each of them.
    """
    from mqtctl.plan import write_examples

    write_examples(folder)
    bench = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    listed = "".join(f"  - {{{fault}}}\n" for fault in faults if fault)
    ending = f"\nfaults:\n{listed}" if listed else ""
    (folder / "bench.yaml").write_text(f"transcript: bench.jsonl\n{bench}{ending}", encoding="utf-8")
    station = (folder / "station.yaml").read_text(encoding="utf-8")
    (folder / "station.yaml").write_text(station.replace('"@mqt"', f'"bench.yaml?seed={seed}@mqt"'), encoding="utf-8")
    plan = (folder / "plan.yaml").read_text(encoding="utf-8")
    begin, end = plan.index("temperatures: ["), plan.index("switches: 10000")
    plan = f"{plan[:begin]}temperatures: [50 mK, 60 mK, 70 mK]\n\n{plan[end:]}"
    plan = plan.replace("switches: 10000", f"switches: {SWITCHES}").replace("block: 500", "block: 100")
    plan = plan.replace("deadline: 2 h", "deadline: 15 min")
    if brief:
        plan = plan.replace("dwell: 2 min", "dwell: 40 s\n  interval: 4 s").replace(
            "[50 mK, 60 mK, 70 mK]", "[50 mK, 52 mK, 54 mK]"
        )
    (folder / "plan.yaml").write_text(plan, encoding="utf-8")


def _run(folder: str, sabotage: Callable[[], None] | None, arguments: Sequence[str], said: str = "said.txt") -> None:
    """Run the command in this process, as the worker of a supervisor that has only a file for what it is told."""
    os.chdir(folder)
    log = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(log, standard)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    # what was told is in the file before the worker goes on: nothing acknowledged can be missing there
    told = os.open("status.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    _tell_a_file(told)
    _spare_what_is_not_asked()
    if sabotage is not None:
        sabotage()
    from mqtctl.cli.app import app

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


class _FileEnd:
    """A worker's end of a line that a file has the other end of: what is sent stands there at once."""

    def __init__(self, told: int) -> None:
        self._told = told

    def setblocking(self, _flag: bool) -> None:
        """A file never blocks."""

    def set_inheritable(self, _flag: bool) -> None:
        """The descriptor is nobody else's."""

    def send(self, data: bytes) -> int:
        return os.write(self._told, data)

    def recv(self, _most: int, _flags: int = 0) -> bytes:
        raise BlockingIOError


def _tell_a_file(told: int) -> None:
    """Let a file take what this process would tell its supervisor."""
    import mqtctl.supervision.link
    from mqtctl.supervision.ear import HANDLE_NAME

    os.environ[HANDLE_NAME] = "a file"
    vars(mqtctl.supervision.link)["own_end"] = lambda _address: _FileEnd(told)


def _spare_what_is_not_asked() -> None:
    """Leave out what takes most of the time and is no matter of faults: pictures, and intervals by profiles."""
    import mqtctl.analysis.histogram.escape_temperature
    import mqtctl.analysis.histogram.fit
    import mqtctl.report.writer
    from mqtctl.analysis.histogram.profile import parabolic_interval

    vars(mqtctl.report.writer)["render"] = lambda _draw, **_size: b"\x89PNG"
    for module in (mqtctl.analysis.histogram.escape_temperature, mqtctl.analysis.histogram.fit):
        vars(module)["temperature_interval"] = lambda _profile, temperature, *_: parabolic_interval(
            temperature, 0.1 * temperature
        )


def run_case(
    folder: Path,
    sabotage: Callable[[], None] | None = None,
    longest: float = _LONGEST,
    arguments: Sequence[str] = SWEEP,
    kill_after: float | None = None,
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
    kill_after
        The child is killed when it has had so much CPU time (s), whatever else the computer does.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.loaded"])
    child = context.Process(target=_run, args=(str(folder), sabotage, tuple(arguments)))
    child.start()
    end = time.monotonic() + longest
    while kill_after is not None and child.is_alive() and time.monotonic() < end:
        child.join(2e-3)
        if _cpu_time(child.pid) >= kill_after:
            child.kill()
            child.join()
    child.join(max(0.0, end - time.monotonic()))
    if child.is_alive():
        child.kill()
        child.join()
        return None
    code = child.exitcode
    return code if code is None or code >= 0 else 128 - code


def _cpu_time(process: int | None) -> float:
    """Return how much CPU time in s a process has had; 0 once it is gone."""
    try:
        return 1e-9 * int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0])
    except (OSError, IndexError):
        return 0.0


@contextmanager
def serving(folder: Path, options: str = "") -> Iterator[str]:
    """Serve the bench of a folder in virtual time, in a process of its own; yields what stands for it in a station."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.loaded"])
    arguments = ("bench", "serve", f"bench.yaml{options}", "--virtual", "--json")
    said = folder / "served.txt"
    child = context.Process(target=_run, args=(str(folder), None, arguments, said.name))
    child.start()
    try:
        while not (said.exists() and (found := re.search(r'"backend": "([^"]*)"', said.read_text()))):
            child.join(0.05)
            if not child.is_alive():
                raise AssertionError(f"the bench is not served: {said.read_text()}")
        yield found[1]
    finally:
        child.kill()
        child.join()


def judge(
    folder: Path,
    exit_code: int | None,
    *,
    lying: frozenset[str] = frozenset(),
    edges: bool = False,
    since: int = 0,
    database: Path | None = None,
    transcript: Path | None = None,
    sweep: str | None = None,
) -> list[str]:
    """Return what is wrong with the run in a folder; see `Case`."""
    if exit_code is None:
        return ["I9 it did not end"]
    return violations(
        Case(
            database=database or folder / "run" / "data.db",
            told=folder / "status.jsonl",
            transcript=transcript or folder / "bench.jsonl",
            exit_code=exit_code,
            points=POINTS,
            switches=SWITCHES,
            limit=LIMIT,
            lying=lying,
            edges=edges,
            since=since,
            sweep=sweep,
        )
    )
