"""`mqtctl init`: files to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.outcome import printing, reporting_faults, tell

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
        plan = shlex.quote(str(folder / "plan.yaml"))
        tell(
            f"Next: `mqtctl sweep {plan}` runs them on the simulated bench. For your own instruments change the "
            f"addresses in {folder / 'station.yaml'} and take out its `visalib` lines; `mqtctl check {plan}` then "
            "looks at everything before the first ramp."
        )
