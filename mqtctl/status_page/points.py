"""The points of a run as a table: done, being measured, planned."""

from __future__ import annotations

import html
from typing import Any

from mqtctl.notation import MISSING, quantity
from mqtctl.status_page.follow import Facts

__all__ = ["point_table"]

_HEAD = ("point", "set point", "bath", "escape temperature", "switches", "mean", "width", "critical current")
_NOW = {"settling": "settling now", "ramps": "measuring now"}


def point_table(facts: Facts) -> str:
    """Return a table with a row for each finished histogram, and one for each point that has none yet."""
    status = facts.status
    done: dict[int, list[dict[str, Any]]] = {}
    for finished in facts.history.finished.values():
        done.setdefault(finished["point"], []).append(finished)
    count = max([status["points"] or 0, *(point + 1 for point in done)])
    if not count:
        return "<p>Nothing was measured yet.</p>"
    running = status["state"] == "running"
    rows = ""
    for point in range(count):
        rows += "".join(_finished(facts, point, finished) for finished in done.get(point, ()))
        now = _NOW.get(status["phase"], "") if running and point == status["point"] and status["current"] else ""
        if now or point not in done:
            rows += _open(facts, point, now)
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    summary = f"{len(done)} of {count} points have a finished histogram."
    return (
        f'<p>{summary}</p><div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _finished(facts: Facts, point: int, finished: dict[str, Any]) -> str:
    """Return the row of a finished histogram, with the fit of it alone where there is one."""
    switches, width = finished["switches"], finished["width_A"]
    error = width / switches**0.5 if switches and width is not None else None
    purpose = finished.get("purpose", "switching")
    kind = "" if purpose == "switching" else f" {html.escape(purpose)}"
    cells = (
        f"{point + 1}{kind}",
        _planned(facts, point),
        quantity(finished["temperature_K"], "K"),
        quantity(finished.get("escape_temperature_K"), "K", finished.get("escape_temperature_stderr_K")),
        str(switches),
        quantity(finished["mean_A"], "A", error),
        quantity(width, "A"),
        quantity(finished.get("critical_current_A"), "A", finished.get("critical_current_stderr_A")),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _open(facts: Facts, point: int, now: str) -> str:
    """Return the row of a point that is being measured (`now` says how) or still to come."""
    kind, text = (' class="now"', now) if now else (' class="open"', "planned")
    rest = len(_HEAD) - 2
    return f'<tr{kind}><td>{point + 1}</td><td>{_planned(facts, point)}</td><td colspan="{rest}">{text}</td></tr>'


def _planned(facts: Facts, point: int) -> str:
    planned = facts.stored.planned if facts.stored else ()
    return quantity(planned[point], "K") if point < len(planned) else MISSING
