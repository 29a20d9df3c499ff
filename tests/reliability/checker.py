"""Judges a run from outside: the bench's transcript, the raw SQLite file, the exit code and the status lines.

It imports neither mqtctl nor QCoDeS, so that no mistake of theirs can hide itself. The invariants are numbered I1, I2,
...; what each means stands in docs/guarantees.md.
"""

from __future__ import annotations

import base64
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Case", "Run", "read_runs", "violations"]

#: An interval is a switch's if it is this near (s) to one, behind the delay that all have in common (filters, cables).
_NEAR = 2e-8
_DELAYS = np.arange(0.0, 20e-6, 1e-8)
#: So many ramps may stand in one record of the transcript, which is written when they are over.
_TOGETHER = 20
_KILLED = 137
#: The true bath may be off the stored one by the thermometer's own error and lag (relative).
_BATH = 0.02


@dataclass(frozen=True)
class Case:
    """What was run and what came of it.

    Attributes
    ----------
    database
        The run's data.db.
    told
        File of what the worker told.
    transcript
        Of the bench.
    exit_code
        Of the command.
    points, switches
        Planned.
    limit
        The sample's greatest current in A.
    lying
        Ports of instruments that the fault made lie or that did not obey: what they claim or do is not to blame.
    edges
        Whether the fault made edges that are no switches.
    since
        Number of the last histogram of an earlier bench and worker: it was judged with them.
    sweep
        Identity of the sweep, where the database has others, too.
    """

    database: Path
    told: Path
    transcript: Path
    exit_code: int
    points: int
    switches: int
    limit: float
    lying: frozenset[str] = frozenset()
    edges: bool = False
    since: int = 0
    sweep: str | None = None


@dataclass(frozen=True)
class Run:
    """A histogram as it stands in the file."""

    number: int
    header: dict[str, Any]
    result: dict[str, Any] | None
    intervals: NDArray[np.float64]
    blocks: int
    censored: int

    @property
    def complete(self) -> bool:
        """Whether its closing facts are there."""
        return self.result is not None and bool(self.result.get("complete"))


def violations(case: Case) -> list[str]:
    """Return what is wrong, each beginning with the number of its invariant; empty if all is as it must be."""
    records = _lines(case.transcript)
    database = case.database
    found: list[str] = []
    runs: list[Run] = []
    if database.exists():
        try:
            found += _sound(database)
            runs = [run for run in read_runs(database) if case.sweep in (None, run.header["sweep_id"])]
        except (sqlite3.Error, ValueError, OSError) as exc:
            found.append(f"I10 the database cannot be read: {exc}")
    new = [run for run in runs if run.number > case.since]
    found += _acknowledged(case, new)
    found += _emitted(case, records, new)
    found += _off(case, records)
    found += _within_limits(case, records)
    found += _baths(case, records, new)
    found += _no_silent_success(case, runs)
    return found


def read_runs(database: Path) -> list[Run]:
    """Return the histograms of a database, by nothing but SQL and numpy."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(runs)")}
        if "mqtctl_header" not in columns:
            return []
        result = "mqtctl_result" if "mqtctl_result" in columns else "NULL"
        rows = connection.execute(
            f"SELECT run_id, result_table_name, mqtctl_header, {result} FROM runs WHERE mqtctl_header IS NOT NULL"
        ).fetchall()
        return [_run(connection, *row) for row in rows]


def _run(connection: sqlite3.Connection, number: int, table: str, header: str, result: str | None) -> Run:
    blobs = connection.execute(f'SELECT interval FROM "{table}" WHERE interval IS NOT NULL ORDER BY id').fetchall()
    arrays = [np.load(io.BytesIO(blob), allow_pickle=False) for (blob,) in blobs]
    intervals = np.concatenate(arrays) if arrays else np.empty(0)
    (censored,) = connection.execute(f'SELECT COALESCE(SUM(block_censored_ramps), 0) FROM "{table}"').fetchone()
    facts = None if result is None else json.loads(result)
    return Run(number, json.loads(header), facts, intervals, len(arrays), int(censored))


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file of JSON lines; a last one that was cut off does not count."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _sound(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    return [] if answer == "ok" else [f"I10 integrity_check says {answer}"]


def _acknowledged(case: Case, runs: list[Run]) -> list[str]:
    """I1: what was told as stored is there, once."""
    told: dict[int, list[int]] = {}
    begun = -1
    for line in _lines(case.told):
        if line["kind"] == "ramps":
            begun += 1
            told[begun] = []
        elif line["kind"] == "block" and begun >= 0:
            told[begun].append(line["switches"] + line["censored"])
    found = []
    for order, run in enumerate(runs):
        most = max(told.get(order, [0]), default=0)
        there = run.intervals.size + run.censored
        if there < most:
            found.append(f"I1 run {run.number} has {there} of {most} acknowledged ramps")
        if np.unique(run.intervals).size != run.intervals.size:
            found.append(f"I1 run {run.number} has intervals twice")
        for name, counted in (("blocks", run.blocks), ("censored", run.censored)):
            if run.complete and run.result is not None and run.result[name] != counted:
                found.append(f"I1 run {run.number} says {run.result[name]} {name} and has {counted}")
    everything = np.concatenate([run.intervals for run in runs]) if runs else np.empty(0)
    if np.unique(everything).size != everything.size and not found:
        found.append("I1 two runs have the same intervals")
    return found


def _readings(records: list[dict[str, Any]]) -> Iterator[float]:
    """Yield all numbers that the counter sent: binary blocks of big-endian doubles, and plain numbers."""
    for record in records:
        if record["kind"] != "message" or record["instrument"] != "counter" or record["direction"] != "from":
            continue
        data = base64.b64decode(record["base64"]) if "base64" in record else record["text"].encode()
        while (at := data.find(b"#")) >= 0 and data[at + 1 : at + 2].isdigit():
            digits = int(data[at + 1 : at + 2])
            length = data[at + 2 : at + 2 + digits]
            if not digits or not length.isdigit():
                break
            payload = data[at + 2 + digits : at + 2 + digits + int(length)]
            yield from np.frombuffer(payload[: len(payload) // 8 * 8], dtype=">f8").tolist()
            data = data[at + 2 + digits + int(length) :]
        for part in data.replace(b";", b",").split(b","):
            try:
                yield float(part)
            except ValueError:
                continue


def _emitted(case: Case, records: list[dict[str, Any]], runs: list[Run]) -> list[str]:
    """I2: each interval was sent by the counter, and is the time of a switch that happened."""
    sent = np.unique(np.fromiter(_readings(records), dtype=np.float64))
    switched = _since_start(records)
    found = []
    for run in runs:
        strange = run.intervals[~np.isin(run.intervals, sent)]
        if strange.size:
            found.append(f"I2 run {run.number} has {strange.size} intervals that the counter never sent")
        elif run.intervals.size and switched.size and not case.edges:
            far = min(_far(run.intervals - delay, switched) for delay in _DELAYS)
            unwritten = _TOGETHER if case.exit_code == _KILLED else 0  # the bench died with the worker
            if far > 0.02 * run.intervals.size + 1 + unwritten:
                found.append(f"I2 run {run.number} has {far} intervals at which nothing switched")
    told = sum(run.result["censored"] for run in runs if run.result)
    empty = sum(r["ramps"] - len(r["switch_times_s"]) for r in records if r["kind"] == "ramps" and "ramps" in r)
    if told > empty and not case.edges:
        found.append(f"I2 {told} ramps count as empty, and {empty} were")
    return found


def _since_start(records: list[dict[str, Any]]) -> NDArray[np.float64]:
    """Return how long after the beginning of its ramp (s) each switch of the bench happened, in order."""
    ramps = [record for record in records if record["kind"] == "ramps" and record.get("start") is not None]
    times = [(time - r["start"]) % r["period"] for r in ramps for time in r["switch_times_s"]]
    return np.sort(np.array(times))


def _far(times: NDArray[np.float64], switched: NDArray[np.float64]) -> int:
    """Return how many times are not near one of a switch."""
    place = np.clip(np.searchsorted(switched, times), 1, switched.size - 1)
    distance = np.minimum(np.abs(times - switched[place - 1]), np.abs(times - switched[place]))
    return int(np.count_nonzero(distance > _NEAR))


def _off(case: Case, records: list[dict[str, Any]]) -> list[str]:
    """I3: at the end nothing is on; or it is told with exit code 20."""
    last: dict[str, bool] = {}
    for record in records:
        if record["kind"] == "output":
            last[record["instrument"]] = any(record[key] != 0.0 for key in ("least", "greatest", "idle"))
        elif record["kind"] == "heater" and f"{record['instrument']}.{record['port']}" not in case.lying:
            last[f"{record['instrument']}.{record['port']}"] = record["power_W"] != 0.0
    on = sorted(name for name, is_on in last.items() if is_on)
    return [f"I3 left on at the end: {', '.join(on)} (exit code {case.exit_code})"] if on else []


def _within_limits(case: Case, records: list[dict[str, Any]]) -> list[str]:
    """I4: never more current than the sample may see."""
    most = 0.0
    for record in records:
        if record["kind"] == "output":
            to_junction = abs(record["unit_to_junction_A"] or 0.0)
            most = max(most, *(abs(record[key]) * to_junction for key in ("least", "greatest", "idle")))
    return [f"I4 {most} A, more than {case.limit} A"] if most > case.limit else []


def _baths(case: Case, records: list[dict[str, Any]], runs: list[Run]) -> list[str]:
    """I5: the temperature that a finished histogram claims is the one that the bench had meanwhile."""
    epoch = next((datetime.fromisoformat(r["epoch"]) for r in records if r["kind"] == "bench"), None)
    baths = [(r["t"], r["mixing_chamber_K"]) for r in records if r["kind"] == "temperatures"]
    if epoch is None or not baths or "thermometer" in case.lying:
        return []
    times, values = np.array(baths).T
    found = []
    for run in runs:
        if not run.complete or run.result is None:
            continue
        end = (datetime.fromisoformat(run.result["finished"]) - epoch).total_seconds()
        grid = np.linspace(end - run.result["duration"], end, 50)
        true = float(np.mean(values[np.clip(np.searchsorted(times, grid, side="right") - 1, 0, None)]))
        told = run.result["temperature"]
        if not abs(told - true) <= _BATH * true:
            found.append(f"I5 run {run.number} says {told} K, it was {true} K")
    return found


def _no_silent_success(case: Case, runs: list[Run]) -> list[str]:
    """I8: exit code 0 if, and only if, everything that was planned is there."""
    whole = {
        run.header["point"]
        for run in runs
        if run.complete and run.intervals.size >= case.switches and np.isfinite(run.intervals).all()
    }
    if case.exit_code == 0 and whole != set(range(case.points)):
        return [f"I8 exit code 0, and {sorted(whole)} of {case.points} points are there"]
    if case.exit_code not in (0, 10, 11, 12, 13, 20) and case.exit_code < 128:
        return [f"I8 exit code {case.exit_code} is none that the contract knows"]
    return []
