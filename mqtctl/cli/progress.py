"""Shows a running measurement on stderr: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mqtctl.acquisition import BlockStored, PointFinished, Remark, Settling
from mqtctl.quantities import readable
from mqtctl.workflow import PointFitted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["watching"]


@contextmanager
def watching() -> Iterator[Callable[[Any], None]]:
    """Give a listener for the events of a measurement for as long as it runs."""
    if not sys.stderr.isatty():
        yield PlainLines(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201  # stderr is for people
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[counts]}", markup=False),
        TextColumn("{task.fields[left]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield LiveDisplay(progress, PlainLines(lambda text: console.print(text, markup=False)))


class TimeLeft:
    """Estimates the laboratory time left from what settling and ramping took so far."""

    def __init__(self) -> None:
        self._settling: list[float] = []
        self._elapsed = 0.0

    def settling(self, elapsed: float) -> None:
        """Note the time in s since the set point was given."""
        self._elapsed = elapsed

    def ramps_began(self) -> None:
        """Note that settling is over."""
        if self._elapsed:
            self._settling.append(self._elapsed)
            self._elapsed = 0.0

    def of_point(self, event: BlockStored) -> float:
        """Return the time in s that is left for this point's ramps."""
        return event.elapsed * (event.wanted - event.switches) / max(event.switches, 1)

    def of_sweep(self, event: BlockStored) -> float:
        """Return the time in s that is left for this point's ramps and for the points after it."""
        settling = sum(self._settling) / len(self._settling) if self._settling else 0.0
        ramping = event.elapsed * event.wanted / max(event.switches, 1)
        return self.of_point(event) + (event.points - event.point - 1) * (settling + ramping)


class PlainLines:
    """Writes one line at each step worth a line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._point = -1
        self._tenths = 0
        self._left = TimeLeft()

    def __call__(self, event: object) -> None:
        """Take an event."""
        match event:
            case Settling(elapsed=elapsed):
                self._left.settling(elapsed)
                if event.point != self._point:
                    self._point, self._tenths = event.point, 0
                    place, bath = f"[{event.point + 1}/{event.points}]", readable(event.temperature, "K")
                    self._write(f"{place} settling on {readable(event.target, 'K')}, bath at {bath}")
            case BlockStored():
                self._left.ramps_began()
                tenths = 4 * event.switches // event.wanted
                if tenths > self._tenths and event.switches < event.wanted:
                    self._tenths = tenths
                    self._write(f"[{event.point + 1}/{event.points}] {counts(event)}, {left(self._left, event)}")
            case PointFinished():
                self._write(f"[{event.point + 1}/{event.points}] {finished(event)}")
            case PointFitted():
                self._write(f"       {fit_line(event)}")
            case Remark(text=text):
                self._write(f"       note: {text}")
            case _:
                pass


class LiveDisplay:
    """Keeps one moving line below the plain ones."""

    def __init__(self, progress: Progress, lines: PlainLines) -> None:
        self._progress = progress
        self._lines = lines
        self._left = TimeLeft()
        self._task: TaskID = progress.add_task("connecting", total=None, counts="", left="")

    def __call__(self, event: object) -> None:
        """Take an event."""
        match event:
            case Settling():
                self._left.settling(event.elapsed)
                self._progress.update(
                    self._task,
                    description=f"{event.point + 1}/{event.points} settling on {readable(event.target, 'K')}",
                    total=None,
                    counts=f"bath {readable(event.temperature, 'K')}",
                    left=f"since {duration(event.elapsed)}",
                )
            case BlockStored():
                self._left.ramps_began()
                self._progress.update(
                    self._task,
                    description=f"{event.point + 1}/{event.points} ramping at {readable(event.temperature, 'K')}",
                    total=event.wanted,
                    completed=event.switches,
                    counts=counts(event),
                    left=left(self._left, event),
                )
            case PointFinished() | PointFitted() | Remark():
                self._lines(event)
            case _:
                pass


def counts(event: BlockStored) -> str:
    """Return the counts and the rate of a running histogram."""
    rate = event.switches / event.elapsed if event.elapsed else 0.0
    return (
        f"{event.switches}/{event.wanted} switches at {rate:.4g}/s, {event.censored} without, "
        f"width {readable(event.std, 'A')}"
    )


def finished(event: PointFinished) -> str:
    """Return a finished histogram in words."""
    return (
        f"{readable(event.temperature, 'K')}: {event.switches} switches, {event.censored} ramps without, "
        f"mean {readable(event.mean, 'A')}, width {readable(event.std, 'A')}, live {event.live_fraction:.3f}"
    )


def left(estimate: TimeLeft, event: BlockStored) -> str:
    """Return the time left for the point and for the sweep, on the laboratory's clock."""
    return f"{duration(estimate.of_point(event))} left, sweep {duration(estimate.of_sweep(event))}"


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def fit_line(event: PointFitted) -> str:
    """Return the fit of a histogram alone in words."""
    return (
        f"alone, both free, a_t = 1: escape temperature {1e3 * event.escape_temperature:.2f}"
        f"({1e3 * event.escape_temperature_stderr:.2f}) mK, critical current {1e6 * event.critical_current:.4f}"
        f"({1e6 * event.critical_current_stderr:.4f}) uA"
    )
