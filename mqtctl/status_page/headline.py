"""Whether all is well, in one line: what somebody wants to know who looks at a telephone at three in the morning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from mqtctl.notation import rough_duration

__all__ = ["Headline", "headline"]

#: A run that says "running" and of which nothing was heard for so long (s) is doubtful; the supervisor ends a silent
#: worker after 90 s.
_LONG_SILENCE = 120.0
_OFF = ("off", "off, confirmed")
_DOING = {
    "connecting": "connecting",
    "settling": "settling",
    "ramps": "measuring",
    "analysing": "fitting and reporting",
}
_FAILURES = {
    2: "plan, station, sample or option is wrong",
    10: "hardware fault, made safe",
    11: "data could not be stored",
    12: "cryostat unsafe",
    13: "bench or database in use",
    20: "safe state NOT confirmed",
}
#: Exit codes of what somebody asked to stop.
_ASKED = (129, 130, 131, 143)


class Headline(NamedTuple):
    """`level`: "well", "over" (ended, nothing to do), "doubt" or "bad"; `text` is the sentence."""

    level: str
    text: str


def headline(status: Mapping[str, Any], now: datetime, lost: str = "") -> Headline:
    """Return the first line of a page.

    Parameters
    ----------
    status
        As `mqtctl status --json` gives it.
    now
        The time, with its zone.
    lost
        Why nothing can be read of the run any more, if so.
    """
    state, alarm, outputs = status["state"], status["alarm"], status["outputs"]
    place = "" if status["point"] is None else f", point {status['point'] + 1} of {status['points']}"
    if lost:
        return Headline("bad", f"Lost: {lost}. What stands below is what was read last")
    if state == "dead":
        return Headline("bad", f"Dead{place}: {alarm or 'it ended without a word, with source and heater off'}")
    if alarm:
        return Headline("bad", f"ALARM{place}: {alarm}")
    if state != "running" and outputs not in _OFF:
        return Headline("bad", f"ALARM: {state}, and source and heater are {outputs}: look at the instruments")
    if state == "complete":
        return Headline("over", "Complete: source and heater are off")
    if state == "stopped" and status["exit_code"] not in _ASKED:
        killed = f"Killed{place}: the measurement ended by signal {(status['exit_code'] or 128) - 128}"
        return Headline("bad", f"{killed}; source and heater are off; `mqtctl resume` goes on")
    if state == "stopped":
        return Headline("doubt", f"Stopped{place}: source and heater are off; `mqtctl resume` goes on")
    if state == "failed":
        why = _FAILURES.get(status["exit_code"], f"exit code {status['exit_code']}")
        return Headline("bad", f"Failed{place}: {why}; source and heater are off")
    silence = (now - datetime.fromisoformat(status["updated"])).total_seconds()
    if silence > _LONG_SILENCE:
        return Headline("doubt", f"Silent: running{place}, but nothing was heard for {rough_duration(silence)}")
    return Headline("well", f"All is well: {_DOING.get(status['phase'], status['phase'])}{place}")
