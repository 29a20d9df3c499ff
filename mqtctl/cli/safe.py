"""`mqtctl safe`: everything off, with nothing but the station file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, reporting_faults

__all__ = ["safe"]


def safe(
    station: Annotated[Path, typer.Argument(help="Station file.")],
    json: JsonOption = False,
) -> None:
    """Bring the source to zero and off and the heater off, read back; each whatever happens to the others."""
    with reporting_faults():
        from mqtctl.workflow.safety import bring_station_to_rest

        rested = bring_station_to_rest(station)
        for remark in rested.remarks:
            typer.echo(f"mqtctl: {remark}", err=True)
        if not json and rested.done:
            typer.echo("\n".join(rested.done))
        if rested.error is not None:
            raise rested.error
        if json:
            print_json({"safe": True, "instruments": rested.done, "remarks": rested.remarks})
