"""`mqtctl sweep`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import AlarmOption, DatabaseOption, JsonOption, OutputOption, SeedOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults

__all__ = ["sweep"]


def sweep(
    plan: Annotated[
        Path | None, typer.Argument(help="Plan file [default: the built-in example on the simulated bench].")
    ] = None,
    output: OutputOption = None,
    database: DatabaseOption = None,
    seed: SeedOption = None,
    json: JsonOption = False,
    alarm_command: AlarmOption = None,
) -> None:
    """Run a temperature sweep: settle, ramp, fill histograms, fit them, find the crossover, write the report."""
    del alarm_command  # the supervisor's
    with reporting_faults():
        from mqtctl.cli.live.progress import watching
        from mqtctl.cli.summary import print_sweep
        from mqtctl.plan import example_path
        from mqtctl.supervision.link import link
        from mqtctl.workflow import Options, measure_sweep

        options = Options(output=output, database=database, seed=seed, alive=link().beat)
        with watching() as notify:
            result = measure_sweep(plan or example_path("plan.yaml"), options, notify=notify)
        with printing():
            if json:
                print_json(result)
            else:
                print_sweep(result)
