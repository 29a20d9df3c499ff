"""A fresh bench for one test: what a test may ask for, the bench opened or served, and its transcript to read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyvisa import ResourceManager

from pyvisa_mqt.bench.bench import Bench, open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError, load_bench_file, split_query
from pyvisa_mqt.bench.faults import Faults
from pyvisa_mqt.serve.in_a_thread import ServedBench, serving
from pyvisa_mqt.serve.server import BenchServer
from pyvisa_mqt.time_and_signals.clock import VirtualClock

__all__ = ["BenchForTest", "Wanted", "check_bench", "opened", "served", "told"]

#: Most of a transcript that is told: records, and bytes of the file that are looked at for them.
_MOST_RECORDS, _MOST_BYTES = 60, 1 << 16
_LONGEST_RECORD = 300


@dataclass(frozen=True)
class Wanted:
    """What a test wants of its bench.

    Parameters
    ----------
    bench
        A bench file, the name of a built-in bench, or "" for the bench of the built-in sweep.
    seed
        Stands above the file's own; None for that one.
    faults
        As entries of `faults` in a bench file; numbers are in SI units.
    speed
        Bench seconds per second of wall time; None for virtual time, in which nobody waits.

    Raises
    ------
    BenchFileError
        If the seed, the faults or the speed are of the wrong kind; one sentence.
    """

    bench: str = ""
    seed: int | None = None
    faults: Sequence[Mapping[str, Any]] = ()
    speed: float | None = None

    def __post_init__(self) -> None:
        seed, speed = self.seed, self.speed
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 10**18):
            raise BenchFileError(f"seed is {seed!r}; give a whole number from 0 on")
        number = isinstance(speed, (int, float)) and not isinstance(speed, bool)
        if speed is not None and not (number and 0.0 < speed < math.inf):
            raise BenchFileError(
                f"speed is {speed!r}; give a finite number above 0, such as 1, or none for virtual time"
            )
        plans = self.faults if isinstance(self.faults, (list, tuple)) else (None,)
        if not all(isinstance(plan, Mapping) and isinstance(plan.get("kind"), str) for plan in plans):
            raise BenchFileError(
                f"faults is {self.faults!r}; give a list of entries such as {{'kind': 'late-reply', 'instrument': "
                "'counter'}"
            )

    def path(self, transcript: Path, speed: float | None = None) -> str:
        """Return what `open_bench` and, with `@mqt` behind it, PyVISA take; the transcript makes it this test's own."""
        changes = [] if self.seed is None else [f"seed={self.seed}"]
        changes += [] if speed is None else [f"speed={speed:f}"]
        return f"{self.bench}{'&' if '?' in self.bench else '?'}{'&'.join([*changes, f'transcript={transcript}'])}"

    def plan_faults(self, faults: Faults) -> None:
        """Plan the faults that are wanted; raises BenchFileError, one sentence, for one that makes no sense there."""
        for number, plan in enumerate(self.faults):
            try:
                faults.inject(**plan)
            except ValueError as exc:
                raise BenchFileError(f"faults, entry {number + 1}: {exc}") from exc


class BenchForTest:
    """A bench in this process.

    Parameters
    ----------
    manager
        What has opened it.

    Attributes
    ----------
    bench
        The bench itself.
    manager
        Its PyVISA resource manager.
    visalib
        What drivers that open their instruments themselves call the bench: QCoDeS `visalib=`, PyMeasure
        `visa_library=`, `pyvisa.ResourceManager(...)`; each such text leads to this one bench.
    """

    def __init__(self, manager: ResourceManager) -> None:
        library: Any = manager.visalib
        self.manager = manager
        self.bench: Bench = library.bench
        self.visalib = f"{library.library_path}@mqt"

    @property
    def faults(self) -> Faults:
        """What goes wrong; `faults.inject("late-reply", instrument="counter")` lets more go wrong."""
        return self.bench.faults

    @property
    def clock(self) -> VirtualClock:
        """The bench's time; `clock.sleep(3600)` lets an hour pass at once."""
        return self.bench.clock

    def address(self, name: str) -> str:
        """Return the VISA address of an instrument, named as in the bench file."""
        addresses = {line.name: resource for resource, line in self.bench.lines.items()}
        if name not in addresses:
            raise KeyError(f"there is no instrument {name!r} on this bench; there are {', '.join(addresses)}")
        return addresses[name]


def check_bench(name: str) -> None:
    """Raise `BenchFileError`, one sentence, if there is no such bench or its file is wrong."""
    load_bench_file(split_query(name)[0])


@contextmanager
def opened(wanted: Wanted, transcript: Path) -> Iterator[BenchForTest]:
    """Open a bench in this process; at the end of the block everything that was opened on it is closed.

    Raises
    ------
    BenchFileError
        If there is no such bench or it is wrong, or a fault makes no sense on it; one sentence.
    """
    bench = BenchForTest(ResourceManager(f"{wanted.path(transcript, wanted.speed)}@mqt"))
    try:
        wanted.plan_faults(bench.faults)
        yield bench
    finally:
        bench.manager.close()
        _end_transcript(bench.bench)


@contextmanager
def served(wanted: Wanted, transcript: Path, port_base: int = 0) -> Iterator[ServedBench]:
    """Serve a bench on sockets and terminals from a thread until the end of the block.

    Raises
    ------
    BenchFileError
        As `opened`, or if a port is taken.
    """
    bench = open_bench(wanted.path(transcript))
    try:
        if bench.speed is not None:
            raise BenchFileError(f"{wanted.bench}: give a served bench its speed with the marker's key speed=")
        wanted.plan_faults(bench.faults)
        try:
            server = BenchServer(bench, wanted.speed, port_base)
        except OSError as exc:
            raise BenchFileError(f"{exc.strerror}; leave --mqt-port-base out for free ports") from exc
        with serving(server) as places:
            yield places
    finally:
        _end_transcript(bench)


def _end_transcript(bench: Bench) -> None:
    if bench.transcript is not None:
        bench.transcript.close()


def told(transcript: Path) -> str:
    """Return the end of a transcript in words, a line for each record; "" if there is none yet."""
    try:
        with transcript.open("rb") as file:
            skipped = max(transcript.stat().st_size - _MOST_BYTES, 0)
            file.seek(skipped)
            lines = file.read().decode("utf-8", "replace").splitlines()[bool(skipped) :]
    except FileNotFoundError:
        return ""
    shown = [_in_words(line) for line in lines[-_MOST_RECORDS:]]
    if skipped or len(lines) > len(shown):
        shown.insert(0, f"... the last {len(shown)} records")
    return "\n".join([*shown, f"all of it: {transcript}"])


def _in_words(line: str) -> str:
    """Return a record as a line to read: when, who, what."""
    record = json.loads(line)
    time, kind = record.pop("t"), record.pop("kind")
    if kind == "message":
        arrow = "<-" if record["direction"] == "to" else "->"
        text = repr(record["text"]) if "text" in record else f"base64 {record['base64']}"
        words = f"{record['instrument']} {arrow} {text}"
    else:
        words = f"{kind} {json.dumps(record)}"
    end = " ..." if len(words) > _LONGEST_RECORD else ""
    return f"{time:12.6f} s  {words[:_LONGEST_RECORD]}{end}"
