"""Tells the supervisor what a measurement does: its events as plain data."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from mqtctl.acquisition import BlockStored, PointFinished, RampsBegin, Remark, Settling
from mqtctl.acquisition.events import AtRest, OutputsInUse, PointSkipped
from mqtctl.supervision.link import Link
from mqtctl.workflow import MeasurementBegins, PointFitted
from mqtctl.workflow.time_left import TimeLeft

__all__ = ["Narration"]


class Narration:
    """A listener that passes events on through a link.

    Parameters
    ----------
    link
        To the supervisor.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._left = TimeLeft()

    def __call__(self, event: object) -> None:
        """Take an event."""
        self._left.take(event)
        told = _facts(event)
        if told is None:
            return
        kind, facts = told
        if kind in ("settling", "block", "finished"):
            facts["left_s"] = _finite(self._left.settling + self._left.ramping)
        self._link.tell(kind, **facts)


def _facts(event: object) -> tuple[str, dict[str, Any]] | None:
    """Return the kind of an event and its facts as plain data; None for what is not told."""
    match event:
        case OutputsInUse():
            return "outputs in use", {"station": event.station}
        case AtRest():
            return "at rest", {}
        case MeasurementBegins():
            return "begins", {
                "folder": str(Path(event.folder).resolve()),
                "simulated": event.simulated,
                "seed": event.seed,
            }
        case Settling():
            return "settling", {
                **_place(event),
                "target_K": event.target,
                "temperature_K": _finite(event.temperature),
                "elapsed_s": event.elapsed,
            }
        case RampsBegin():
            return "ramps", {**_place(event), "target_K": event.target, "purpose": event.purpose}
        case BlockStored():
            return "block", {
                **_place(event),
                "switches": event.switches,
                "wanted": event.wanted,
                "censored": event.censored,
                "temperature_K": _finite(event.temperature),
                "elapsed_s": event.elapsed,
                "mean_A": _finite(event.mean),
                "width_A": _finite(event.std),
            }
        case PointFinished():
            return "finished", {
                **_place(event),
                "run_id": event.run_id,
                "purpose": event.purpose,
                "switches": event.switches,
                "temperature_K": _finite(event.temperature),
                "mean_A": _finite(event.mean),
                "width_A": _finite(event.std),
            }
        case PointSkipped():
            return "skipped", {**_place(event), "target_K": event.target, "reason": event.reason}
        case PointFitted():
            return "fitted", {
                "point": event.point,
                "critical_current_A": _finite(event.critical_current),
                "critical_current_stderr_A": _finite(event.critical_current_stderr),
                "escape_temperature_K": _finite(event.escape_temperature),
                "escape_temperature_stderr_K": _finite(event.escape_temperature_stderr),
            }
        case Remark():
            return "remark", {"text": event.text}
        case _:
            return None


def _place(event: Settling | RampsBegin | BlockStored | PointFinished | PointSkipped) -> dict[str, Any]:
    return {"point": event.point, "points": event.points}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
