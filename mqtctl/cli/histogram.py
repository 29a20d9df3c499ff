"""`mqtctl histogram`: one histogram, where the cryostat is now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import AlarmOption, DatabaseOption, JsonOption, OutputOption, SeedOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults

__all__ = ["histogram"]


def histogram(
    plan: Annotated[Path, typer.Argument(help="Plan file; its temperatures are not used.")],
    output: OutputOption = None,
    database: DatabaseOption = None,
    seed: SeedOption = None,
    json: JsonOption = False,
    alarm_command: AlarmOption = None,
) -> None:
    """Take one histogram at the present temperature, fit it and write its report.

    A plan of both polarities or of several rates gives one for each.
    """
    del alarm_command  # the supervisor's
    with reporting_faults():
        from mqtctl.cli.live.progress import watching
        from mqtctl.cli.summary import print_point, print_points
        from mqtctl.supervision.link import link
        from mqtctl.workflow import Options, measure_histogram

        with watching() as notify:
            options = Options(output=output, database=database, seed=seed, alive=link().beat)
            result = measure_histogram(plan, options, notify=notify)
        with printing():
            if json:
                print_json(result)
            elif len(result["points"]) > 1:
                print_points(result)
            else:
                print_point(result)
