"""`mqtctl safe`: everything off, with nothing but the station file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults, tell

__all__ = ["safe"]


def safe(
    station: Annotated[Path, typer.Argument(help="Station file.")],
    json: JsonOption = False,
) -> None:
    """Bring the source to zero and off and the heater off, read back; each whatever happens to the others."""
    with reporting_faults():
        from mqtctl.acquisition import Interrupt
        from mqtctl.cli.tables import simulated_line
        from mqtctl.workflow.safety import bring_station_to_rest

        with Interrupt():  # no signal cuts this short; every step of it has a deadline of its own
            rested = bring_station_to_rest(station)
        if rested.simulated:
            tell(simulated_line(None))
        for remark in rested.remarks:
            tell(f"mqtctl: {remark}")
        with printing():
            if json and rested.error is None:
                print_json(
                    {
                        "safe": True,
                        "simulated": rested.simulated,
                        "instruments": rested.done,
                        "remarks": rested.remarks,
                    }
                )
            elif not json and rested.done:
                typer.echo("\n".join(rested.done))
        if rested.error is not None:
            raise rested.error
