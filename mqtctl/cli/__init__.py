"""The command line; one file per command, and every heavy import inside its command."""

from __future__ import annotations

from mqtctl.cli.app import main

__all__ = ["main"]
