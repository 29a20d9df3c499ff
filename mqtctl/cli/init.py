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
    data: Annotated[
        list[Path] | None,
        typer.Option(help="File from elsewhere: write what is found in it for `mqtctl analyze --describe` instead."),
    ] = None,
) -> None:
    """Write a commented plan, station and sample file to start from, or a description of data; overwrites nothing."""
    with reporting_faults():
        if data:
            _describe(data, folder)
            return
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


def _describe(data: list[Path], folder: Path) -> None:
    """Write the description of data from elsewhere, and say what it still lacks."""
    from mqtctl.workflow import describe_data

    written, missing = describe_data(data, folder)
    with printing():
        typer.echo(str(written))
    lacks = f"Say {', '.join(missing)} in it (or as options). " if missing else ""
    tell(f"{lacks}Next: `mqtctl analyze --describe {shlex.quote(str(written))}`")
