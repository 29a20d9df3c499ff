"""Shows a running measurement on stderr: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mqtctl.acquisition import BlockStored, Bystander, PointFinished, Remark, Settling
from mqtctl.cli.live.apart import Apart
from mqtctl.cli.tables import quantity, simulated_line
from mqtctl.clock import WallClock
from mqtctl.notation import rough_duration
from mqtctl.quantities import readable
from mqtctl.supervision.link import link
from mqtctl.supervision.narration import Narration
from mqtctl.workflow import MeasurementBegins, PointFitted
from mqtctl.workflow.time_left import TimeLeft

__all__ = ["PlainLines", "status_server"]

#: A histogram whose ramps counted for less than this share of its time is worth a word.
_USUAL_LIVE = 0.95


@contextmanager
def watching() -> Iterator[Callable[[Any], None]]:
    """Give a listener for the events of a measurement for as long as it runs: it shows them, and tells the supervisor.

    The terminal may go or hang: neither beginning nor end fails, and nobody waits for long.
    """
    if sys.stderr is None:  # closed before we began; print would take stdout in its place
        yield Narration(link())
        return
    display = _live_view() if _can_draw() else Apart(PlainLines(lambda text: print(text, file=sys.stderr, flush=True)))  # noqa: T201
    shown, told = Bystander(display), Bystander(Narration(link()))

    def listen(event: object) -> None:
        told(event)
        shown(event)

    try:
        yield listen
    finally:
        display.close()


def _live_view() -> Apart:
    """Return the view of a terminal on which it can be drawn."""
    from rich.live import Live

    from mqtctl.cli.console import PlainConsole
    from mqtctl.cli.live import LiveDisplay

    # no redirection: what others write on stderr does not wait for a display that hangs
    live = Live(
        console=PlainConsole(stderr=True),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    drawn = LiveDisplay(live, WallClock(), result_line)

    def show(event: object) -> None:
        live.start()  # the first time
        drawn(event)

    def end() -> None:
        try:
            drawn.close()
        finally:
            live.stop()

    display = Apart(show, end)
    display(None)  # connecting takes a while: something is there to look at from the beginning
    return display


def _can_draw() -> bool:
    """Return whether stderr is a terminal that can move its cursor and has the characters."""
    encoding = (sys.stderr.encoding or "").lower().replace("-", "")
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown") and "utf" in encoding


class PlainLines:
    """Writes one line at each step worth a line.

    Parameters
    ----------
    write
        Takes a line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._point = -1
        self._quarters = 0
        self._left = TimeLeft()

    def __call__(self, event: object) -> None:
        """Take an event."""
        self._left.take(event)
        if isinstance(event, Settling | BlockStored):
            self._progress(event)
        elif (line := result_line(event)) is not None:
            self._write(line)

    def _progress(self, event: Settling | BlockStored) -> None:
        """Write a line at each new set point and at each quarter of a histogram."""
        place = f"[{event.point + 1}/{event.points}]"
        if isinstance(event, Settling):
            if event.point != self._point:
                self._point = event.point
                bath = readable(event.temperature, "K")
                self._write(f"{place} settling on {readable(event.target, 'K')}, bath at {bath}")
            return
        quarters = 4 * event.switches // event.wanted
        if quarters > self._quarters and event.switches < event.wanted:
            self._write(f"{place} {counts(event)}, {left(self._left, event)}")
        self._quarters = quarters


def result_line(event: object) -> str | None:
    """Return what stays on the screen of an event; None if nothing does."""
    match event:
        case MeasurementBegins():
            return began(event)
        case PointFinished():
            return f"[{event.point + 1}/{event.points}] {finished(event)}"
        case PointFitted():
            return f"       {fit_line(event)}"
        case Remark(text=text):
            return f"       note: {text}"
        case _:
            return None


def began(event: MeasurementBegins) -> str:
    """Return where the data go, and whether any of it is real."""
    text = f"data: {event.folder}"
    return f"{simulated_line(event.seed)}; times are its own\n{text}" if event.simulated else text


def counts(event: BlockStored) -> str:
    """Return the counts and the rate of a running histogram."""
    rate = event.switches / event.elapsed if event.elapsed else 0.0
    reached = "" if event.precision is None else f", about {readable(event.precision, '1')}"
    return (
        f"{event.switches}/{event.wanted} switches at {rate:.4g}/s, {event.censored} ramps without, "
        f"width {readable(event.std, 'A')}{reached}"
    )


def finished(event: PointFinished) -> str:
    """Return a finished histogram in words."""
    kind = "" if event.purpose == "switching" else f"{event.purpose}, "
    reached = "" if event.precision is None else f", precision {readable(event.precision, '1')}"
    mean = quantity(event.mean, "A", event.std / math.sqrt(event.switches) if event.switches else None)
    missed = f", {event.censored} ramps without" if event.censored else ""
    idle = (
        ""
        if event.live_fraction >= _USUAL_LIVE
        else f"; ramps counted only {readable(event.live_fraction, '1')} of the time"
    )
    return (
        f"{kind}{readable(event.temperature, 'K')}: {event.switches} switches{missed}, mean {mean}, "
        f"width {readable(event.std, 'A')}{reached}{idle}"
    )


def left(estimate: TimeLeft, event: BlockStored) -> str:
    """Return the time left for the point and for the sweep, on the laboratory's clock."""
    sweep = f"{rough_duration(estimate.settling)} of settling and {rough_duration(estimate.ramping)} of ramps"
    here = f"{rough_duration(estimate.ramping_here)} of laboratory time left"
    return here if event.points == 1 else f"{here}, sweep {sweep}"


def fit_line(event: PointFitted) -> str:
    """Return the fit of a histogram alone in words."""
    temperature = quantity(event.escape_temperature, "K", event.escape_temperature_stderr)
    current = quantity(event.critical_current, "A", event.critical_current_stderr)
    return f"fitted alone: escape temperature {temperature}, Ic {current}"  # fits into 80 columns
