"""The command line; one file per command, and every heavy import inside its command."""

from __future__ import annotations

import sys

from mqtctl.supervision import is_supervised, supervise
from mqtctl.supervision.link import link

__all__ = ["main"]


def main() -> None:
    """Run the command line; a command that drives outputs works in a process of its own."""
    if is_supervised(sys.argv[1:]):
        sys.exit(supervise(sys.argv[1:]))
    link()  # from the first moment on somebody may ask this process to stop
    from mqtctl.cli.app import app

    app(prog_name="mqtctl")
