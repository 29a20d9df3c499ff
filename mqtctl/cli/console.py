"""Rich's console for the commands; import it where it is used, for it is heavy."""

from __future__ import annotations

from typing import Any, NoReturn

from rich.console import Console

__all__ = ["PlainConsole"]


class PlainConsole(Console):
    """A console that highlights nothing, and reports a broken pipe like every other write that fails.

    Rich's own would end the process: with exit code 1, out of the middle of whatever is going on.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(highlight=False, **kwargs)

    def on_broken_pipe(self) -> NoReturn:
        """Raise `BrokenPipeError`; it is being handled when rich calls this."""
        raise  # see above
