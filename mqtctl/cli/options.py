"""Options that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AlarmOption",
    "CalibrationOption",
    "DatabaseOption",
    "FormatOption",
    "JsonOption",
    "OutputOption",
    "SeedOption",
]


def _takes_words(text: str | None) -> str | None:
    """Check a command of the user's: it is read by the supervisor, long before it is needed."""
    import shlex
    import shutil

    if text is None:
        return None
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} cannot be taken apart ({exc})") from exc
    if not words or shutil.which(words[0]) is None:
        raise typer.BadParameter(f"there is no command {words[0] if words else text!r}")
    return text


AlarmOption = Annotated[
    str | None,
    typer.Option(
        "--alarm-command",
        callback=_takes_words,
        help="Command to run when somebody is needed (an alarm, a failure), with the facts as JSON on its input.",
    ),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option("--calibration", help="Calibration file: currents are computed again from the raw intervals."),
]


def _known_formats(names: list[str] | None) -> list[str] | None:
    """Check names of formats before anything is fitted."""
    from mqtctl.report import FORMATS

    for name in names or ():
        if name not in FORMATS:
            raise typer.BadParameter(f"{name!r} is none of {', '.join(FORMATS)}")
    return names


FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        callback=_known_formats,
        metavar="pdf|svg|csv|netcdf",
        help="Write the report's figures as PDF or SVG too, its table as CSV or netCDF; may be given several times.",
    ),
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
