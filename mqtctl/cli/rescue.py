"""`mqtctl rescue`: puts what could not be stored back into its database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, reporting_faults

__all__ = ["rescue"]


def rescue(
    file: Annotated[Path, typer.Argument(help="The rescue file that a run named when its database was not to be had.")],
    database: Annotated[
        Path | None, typer.Option(help="Where its database is now [default: where it was].", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Put what a rescue file holds back into its run; doing it twice changes nothing."""
    with reporting_faults():
        from mqtctl.storage import restore

        found = restore(file, database)
        if json:
            print_json(
                {
                    "database": str(found.database),
                    "run_id": found.run_id,
                    "switches": found.switches,
                    "there_already": found.there_already,
                }
            )
            return
        what = "facts" if found.switches is None else f"{found.switches} intervals"
        done = "are there already" if found.there_already else "are put back"
        typer.echo(f"{what} of run {found.run_id} {done} in {found.database}")
