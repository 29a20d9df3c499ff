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
        from mqtctl.station import real_addresses
        from mqtctl.workflow import make_station_safe

        with Interrupt():  # no signal cuts this short; every step of it has a deadline of its own
            done = make_station_safe(station)
        simulated = not real_addresses(station)
        if simulated:
            tell(simulated_line(None))
        with printing():
            if json:
                print_json({"safe": True, "simulated": simulated, "instruments": done})
            else:
                typer.echo("\n".join(done))
