"""Says on stderr how far a campaign is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from mqtctl.cli.outcome import tell

if TYPE_CHECKING:
    from mqtctl.campaign.run import Progress

__all__ = ["Told"]


class Told:
    """Tells on stderr how far it is: a line that is written over on a terminal, one in ten elsewhere."""

    def __init__(self) -> None:
        self.done = self.total = 0
        self._tenth = -1

    def __call__(self, progress: Progress) -> None:
        """Take the news."""
        from mqtctl.notation import rough_duration

        self.done, self.total = progress.done, progress.total
        left = "" if progress.left is None else f", about {rough_duration(progress.left)} left"
        text = f"{progress.done} of {progress.total} draws{left}"
        if sys.stderr.isatty():
            end = "\n" if progress.done == progress.total else ""
            typer.echo(f"\r\x1b[K{text}{end}", err=True, nl=False)
        elif (tenth := 10 * progress.done // progress.total) != self._tenth:
            self._tenth = tenth
            tell(text)
