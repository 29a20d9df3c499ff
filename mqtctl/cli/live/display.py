"""Keeps the live view on the terminal, and its cost below a hundredth of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mqtctl.cli.live.state import LiveState
from mqtctl.cli.live.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.live import Live

    from mqtctl.clock import Clock

__all__ = ["LiveDisplay"]

#: The view is drawn at most so often (s); and so many times the time that a drawing takes lies between two.
_SHORTEST_PAUSE, _PAUSE_SHARE = 0.25, 200.0


class LiveDisplay:
    """Listens to a measurement and has it drawn, but never so often that drawing takes a hundredth of the time.

    Parameters
    ----------
    live
        Rich's live display on the terminal, without a refresh of its own.
    clock
        The computer's clock.
    result_line
        Returns the line that an event leaves above the view, or None.
    """

    def __init__(self, live: Live, clock: Clock, result_line: Callable[[object], str | None]) -> None:
        self._live, self._clock, self._result_line = live, clock, result_line
        self._state = LiveState()
        self._lines: list[str] = []
        self._begun = self._due = clock.now()
        live.update(View(self._state))

    def __call__(self, event: object) -> None:
        """Take an event."""
        self._state.take(event)
        line = self._result_line(event)
        if line is not None:
            self._lines.append(line)
        begun = self._clock.now()
        self._state.wall = begun - self._begun
        if begun < self._due:
            return
        self._draw()
        cost = self._clock.now() - begun
        self._due = begun + max(_SHORTEST_PAUSE, _PAUSE_SHARE * cost)

    def close(self) -> None:
        """Write the lines that have not been drawn yet."""
        self._draw()

    def _draw(self) -> None:
        """Draw the view once: printing a line above it draws it too."""
        if self._lines:
            self._live.console.print("\n".join(self._lines), markup=False)
            self._lines = []
        else:
            self._live.refresh()
