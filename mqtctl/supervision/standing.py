"""How a run stands, from what its folder says and from whether anybody still writes to its database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mqtctl.errors import BenchBusyError, InputError
from mqtctl.storage import sole_writer
from mqtctl.supervision.status import FORMAT, STATUS_NAME
from mqtctl.workflow.results import find_run

__all__ = ["newest_run", "standing"]


def newest_run(place: Path = Path("mqtctl-runs")) -> Path:
    """Return the folder of the run that was begun last, by the time in its name.

    Raises
    ------
    InputError
        There is none.
    """
    runs = sorted(path for path in place.glob("*") if path.is_dir())
    if not runs:
        raise InputError(f"there is no run under {place}; name the folder of one")
    return runs[-1]


def standing(run: Path) -> dict[str, Any]:
    """Return the status of a run as plain data; truthful about one that died.

    The supervisor's own word stands as long as it is there to say it. A run that says "running" while nobody holds its
    database is "dead": killed together with its supervisor, or the computer went down.

    Raises
    ------
    InputError
        No such run, one that keeps no status (begun from Python, or by a former version), or a damaged one.
    """
    database, _ = find_run(run)
    path = run / STATUS_NAME
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise InputError(
            f"{run}: keeps no status (no {STATUS_NAME}): it was begun from Python, or by a former version; "
            f"`mqtctl analyze {run}` says what is there"
        ) from exc
    except (OSError, ValueError, RecursionError) as exc:
        raise InputError(f"{path}: cannot be read ({exc})") from exc
    if not isinstance(status, dict) or status.get("format") != FORMAT:
        raise InputError(f"{path}: is not a status as this version of mqtctl keeps it (format {FORMAT})")
    if status["state"] == "running" and not _written(database):
        status["state"] = "dead"
        status["alarm"] = _alarm_of_the_dead(status)
    return status


def _written(database: Path) -> bool:
    """Return whether a process holds the database for writing."""
    try:
        with sole_writer(database):
            return False
    except BenchBusyError:
        return True


def _alarm_of_the_dead(status: Mapping[str, Any]) -> str:
    """Return what is to be done about a run that died without a word."""
    if status["outputs"] != "in use":
        return ""
    return (
        "it ended without a word while source and heater were in use: nobody has confirmed that they are off; run "
        f"`mqtctl safe {status['station']}`"
    )
