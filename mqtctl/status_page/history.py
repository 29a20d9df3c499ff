"""What happened in a run so far, from its log: read as it grows, kept in so much memory however long the night is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Convergence", "History", "Reading"]

#: So many readings of the bath are kept; beyond, every second one goes.
_MOST_READINGS = 2000


class Reading(NamedTuple):
    """A temperature of the bath: laboratory time in s, temperature and set point in K (None where none was set)."""

    time: float
    temperature: float
    target: float | None


class Convergence(NamedTuple):
    """Switches so far at a point, their mean and their standard deviation in A."""

    switches: int
    mean: float
    width: float


@dataclass
class History:
    """Follows the log of a run.

    Attributes
    ----------
    path
        The log; it need not be there yet.
    bath
        The bath's temperature through the run.
    convergence
        Of the histogram that is being taken, or of the last one.
    finished
        The facts of each finished histogram, with those of its fit, by its run in the database.
    lines
        How many were taken.
    laboratory_s, wall_s
        Time that passed in settling and ramping on the laboratory's clock, and on this computer's.
    """

    path: Path
    bath: list[Reading] = field(default_factory=list)
    convergence: list[Convergence] = field(default_factory=list)
    finished: dict[int, dict[str, Any]] = field(default_factory=dict)
    lines: int = 0
    laboratory_s: float = 0.0
    wall_s: float = 0.0
    _offset: int = 0
    _segment: tuple[str, int] | None = None
    _elapsed: float = 0.0
    _ended: float = 0.0
    _told: datetime | None = None
    _target: float | None = None

    def follow(self) -> None:
        """Take what was written since the last time, whole lines only; a log that is not there says nothing."""
        try:
            with self.path.open("rb") as log:
                log.seek(self._offset)
                new = log.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            told = _parsed(line)
            if told is not None:
                self._take(told)

    def _take(self, told: Mapping[str, Any]) -> None:
        """Take a line of the log."""
        self.lines += 1
        kind = told["kind"]
        match kind:
            case "settling":
                self._pass(kind, told)
                self._note_bath(told)
            case "ramps":
                self._segment = None
                self._target = told.get("target_K")
                self.convergence = []
            case "block":
                self._pass(kind, told)
                self._note_bath({**told, "target_K": self._target})
                if told.get("mean_A") is not None and told.get("width_A") is not None:
                    self.convergence.append(Convergence(told["switches"], told["mean_A"], told["width_A"]))
            case "finished":
                self.finished[told["run_id"]] = dict(told)
            case "fitted":
                mine = [facts for facts in self.finished.values() if facts["point"] == told["point"]]
                if mine:
                    mine[-1].update(told)
            case _:
                pass

    def _pass(self, kind: str, told: Mapping[str, Any]) -> None:
        """Let the laboratory's time pass: what a line says is counted from the beginning of its own part."""
        segment, elapsed = (kind, told["point"]), told["elapsed_s"]
        if segment != self._segment or elapsed < self._elapsed:
            self._ended, self._segment = self.laboratory_s, segment
        else:
            now = datetime.fromisoformat(told["time"])
            self.wall_s += (now - self._told).total_seconds() if self._told else 0.0
        self._told, self._elapsed = datetime.fromisoformat(told["time"]), elapsed
        self.laboratory_s = self._ended + elapsed

    def _note_bath(self, told: Mapping[str, Any]) -> None:
        if told.get("temperature_K") is None:
            return
        self.bath.append(Reading(self.laboratory_s, told["temperature_K"], told.get("target_K")))
        if len(self.bath) > _MOST_READINGS:
            self.bath = self.bath[::2]


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; None for one that was torn by a crash of the computer."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("kind"), str) else None
