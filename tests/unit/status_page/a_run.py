"""A run's log and status as a supervisor writes them, made by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mqtctl.supervision.status import FORMAT, LOG_NAME, STATUS_NAME, Status

__all__ = ["block", "finished", "fitted", "settling", "write_log", "write_status"]

_SECONDS = "2026-01-01T00:00:{:02d}+00:00"


def settling(elapsed: float, temperature: float, *, point: int = 0, second: int = 0) -> dict[str, Any]:
    place = {"time": _SECONDS.format(second), "kind": "settling", "point": point, "points": 3}
    return {**place, "target_K": 0.05, "temperature_K": temperature, "elapsed_s": elapsed, "left_s": 60.0}


def block(elapsed: float, switches: int, *, point: int = 0, second: int = 0) -> dict[str, Any]:
    place = {"time": _SECONDS.format(second), "kind": "block", "point": point, "points": 3}
    facts = {"switches": switches, "wanted": 1000, "censored": 0, "mean_A": 9.4e-6, "width_A": 6e-9}
    return {**place, **facts, "temperature_K": 0.0501, "elapsed_s": elapsed, "left_s": 60.0}


def finished(point: int, run_id: int) -> dict[str, Any]:
    place = {"time": _SECONDS.format(0), "kind": "finished", "point": point, "points": 3, "run_id": run_id}
    facts = {"purpose": "switching", "switches": 1000, "temperature_K": 0.05, "mean_A": 9.4e-6, "width_A": 6e-9}
    return {**place, **facts}


def fitted(point: int) -> dict[str, Any]:
    return {"kind": "fitted", "point": point, "escape_temperature_K": 0.061, "escape_temperature_stderr_K": 0.001}


def write_log(folder: Path, *lines: dict[str, Any]) -> Path:
    """Append lines to the log of a run; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG_NAME).open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(line) + "\n" for line in lines)
    return folder / LOG_NAME


def write_status(folder: Path, **facts: Any) -> dict[str, Any]:
    """Write the status of a run that is complete unless said otherwise; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.db").touch()
    plain = asdict(Status(folder=str(folder), command="sweep", station="s.yaml"))
    plain |= {"begun": _SECONDS.format(0), "updated": _SECONDS.format(30), "state": "complete"}
    status = {"format": FORMAT, **plain, "outputs": "off, confirmed", **facts}
    (folder / STATUS_NAME).write_text(json.dumps(status), encoding="utf-8")
    return status
