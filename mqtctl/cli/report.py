"""`mqtctl report`: tables, figures and a self-contained HTML file from stored data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import CalibrationOption, FormatOption, JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults

__all__ = ["report"]


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a database (its newest sweep).")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the report [default: the run's own].")
    ] = None,
    calibration: CalibrationOption = None,
    formats: FormatOption = None,
    json: JsonOption = False,
) -> None:
    """Fit a stored sweep again and write report.html and the figures."""
    with reporting_faults():
        from mqtctl.cli.summary import print_sweep
        from mqtctl.workflow import report as write

        result = write(run, output=output, calibration=calibration, formats=formats or ())
        with printing():
            if json:
                print_json(result)
            else:
                print_sweep(result)
