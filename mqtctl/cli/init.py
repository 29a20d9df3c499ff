"""`mqtctl init`: files to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.outcome import printing, reporting_faults, say

__all__ = ["init"]


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path(),
) -> None:
    """Write a commented plan, station and sample file to start from; overwrites nothing."""
    with reporting_faults():
        from mqtctl.plan import write_examples

        written = write_examples(folder)
        with printing():
            for path in written:
                typer.echo(str(path))
        say(
            "Next: `mqtctl sweep plan.yaml` runs them on the simulated bench; "
            "for your own, change the addresses in station.yaml."
        )
