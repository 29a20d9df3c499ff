"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["CalibrationOption", "DatabaseOption", "JsonOption", "OutputOption", "SeedOption"]

CalibrationOption = Annotated[
    Path | None,
    typer.Option("--calibration", help="Calibration file: currents are computed again from the raw intervals."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else there.")]
SeedOption = Annotated[
    int | None, typer.Option("--seed", min=0, help="Make a simulated run repeatable; refused on a real bench.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder for data and report [default: new, under mqtctl-runs].")
]
DatabaseOption = Annotated[
    Path | None, typer.Option("--database", help="QCoDeS database to write to [default: as planned, or in the folder].")
]
