"""What a measurement does, as a file beside its data: written by the supervisor, readable by anybody at any time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtctl.whole_files import write_whole

__all__ = ["FORMAT", "LOG_NAME", "STATUS_NAME", "Status", "StatusFile", "now"]

STATUS_NAME = "status.json"
#: Everything that was told, one JSON object a line.
LOG_NAME = "status.jsonl"
FORMAT = 1
#: So many finished histograms and remarks stand in the status; all of them stand in the log.
_MOST_REMARKS = 20
#: What passes is written at most so often, in s: a simulated bench settles a hundred times faster than anybody looks.
_EVERY = 0.2
#: As long (s) after the last time a block need not be written yet: the next sign of life writes it.
_BLOCKS_APART = 0.1


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Status:
    """How a measurement stands.

    Attributes
    ----------
    state
        "running", "complete", "stopped" (by a signal), "failed".
    phase
        "connecting", "settling", "ramps", "analysing".
    outputs
        "off" before they were touched, "in use", "off, confirmed", or "NOT confirmed off"; `outputs_since` says since
        when.
    current
        The latest facts of the point that is being measured.
    finished
        The facts of each finished histogram.
    skipped
        The facts of each point that was given up, as the plan has it: set point and reason.
    remarks
        The latest, with the time of each.
    alarm
        What to look at, now; "" if nothing.
    """

    command: str = ""
    folder: str = ""
    station: str = ""
    process: int = 0
    state: str = "running"
    phase: str = "connecting"
    begun: str = ""
    updated: str = ""
    simulated: bool | None = None
    seed: int | None = None
    outputs: str = "off"
    outputs_since: str = ""
    point: int | None = None
    points: int | None = None
    left_s: float | None = None
    current: dict[str, Any] = field(default_factory=dict)
    finished: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[dict[str, str]] = field(default_factory=list)
    alarm: str = ""
    exit_code: int | None = None

    def take(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Take what the worker tells."""
        self.updated = now()
        for key in ("point", "points", "left_s"):
            if key in facts:
                setattr(self, key, facts[key])
        match kind:
            case "begins":
                self.folder, self.simulated, self.seed = facts["folder"], facts["simulated"], facts["seed"]
            case "outputs in use":
                self.station = facts["station"]
                self.set_outputs("in use")
            case "at rest":
                self.set_outputs("off, confirmed")
                self.phase = "analysing"
            case "settling" | "ramps" | "block":
                self.phase = "settling" if kind == "settling" else "ramps"
                self.current = dict(facts) if kind != "block" else {**self.current, **facts}
            case "finished":
                self.finished.append(dict(facts))
                self.current = {}
            case "skipped":
                self.skipped.append(dict(facts))
                self.current = {}
            case "remark":
                self.remarks = [*self.remarks, {"time": self.updated, "text": facts["text"]}][-_MOST_REMARKS:]
            case _:
                pass

    def set_outputs(self, outputs: str) -> None:
        """Set what is known of source and heater, and the time."""
        self.outputs, self.outputs_since = outputs, now()


class StatusFile:
    """Keeps a status in the folder of its run, once that is known; a folder that cannot be written is no fault."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self._unlogged: list[bytes] = []
        self._written = -_EVERY

    def take(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Take what the worker tells, and write."""
        self.status.take(kind, facts)
        if kind != "beat":
            line = json.dumps({"time": self.status.updated, "kind": kind, **facts})
            self._unlogged.append(line.encode() + b"\n")
        passing = kind in ("beat", "settling")
        # on a simulated bench blocks come a hundred times a second; in a laboratory each is written at once
        pause = _EVERY if passing else _BLOCKS_APART if kind == "block" else 0.0
        if time.monotonic() - self._written >= pause:
            self.write(durable=not passing)

    def write(self, *, durable: bool = True) -> None:
        """Write status and log as they are; `durable`: to the disk itself."""
        if not self.status.folder:
            return
        self._written = time.monotonic()
        folder = Path(self.status.folder)
        with suppress(OSError):  # a full disk ends the measurement by itself; a status never does
            if self._unlogged:
                with (folder / LOG_NAME).open("ab") as log:
                    log.write(b"".join(self._unlogged))
                    self._unlogged.clear()
                    log.flush()
                    if durable:
                        os.fsync(log.fileno())
            content = {"format": FORMAT, **asdict(self.status)}
            write_whole(folder / STATUS_NAME, json.dumps(content, indent=1).encode())
