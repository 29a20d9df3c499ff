"""`mqtctl analyze`: fits of what was measured, here or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import CalibrationOption, JsonOption
from mqtctl.cli.outcome import parse_option, print_json, printing, reporting_faults

__all__ = ["analyze"]

_LIST = "Lists of switching values"


def _for_lists(text: str) -> typer.models.OptionInfo:
    """Return an option that only lists of switching values need."""
    option: typer.models.OptionInfo = typer.Option(help=text, rich_help_panel=_LIST)
    return option


def analyze(
    data: Annotated[
        Path,
        typer.Argument(help="Folder of a run, a database, or a list of switching currents or times (.csv .txt .npy)."),
    ],
    run: Annotated[int | None, typer.Option(help="Only this run of the database.")] = None,
    calibration: CalibrationOption = None,
    ramp_rate: Annotated[str | None, _for_lists("Rate of the ramp, such as '1 mA/s'; needed for a list.")] = None,
    capacitance: Annotated[str | None, _for_lists("Capacitance, such as '6.35 pF'; needed for a list.")] = None,
    resistance: Annotated[str | None, _for_lists("Shunt resistance, such as '190 Ohm'.")] = None,
    critical_current: Annotated[
        str | None, _for_lists("Critical current, if known: gives the escape temperature for it.")
    ] = None,
    critical_current_stderr: Annotated[str | None, _for_lists("Its standard error.")] = None,
    start_current: Annotated[str | None, _for_lists("Where the ramp starts; 0 A if not given.")] = None,
    stop_current: Annotated[str | None, _for_lists("Where it ends; needed with --censored.")] = None,
    delay: Annotated[str | None, _for_lists("Lag of recorded times behind the switch.")] = None,
    temperature: Annotated[str | None, _for_lists("Bath temperature, if known.")] = None,
    censored: Annotated[int, typer.Option(min=0, help="Ramps without a switch.", rich_help_panel=_LIST)] = 0,
    unit: Annotated[str | None, _for_lists("Unit of the numbers (uA, us, ...) where the file does not say it.")] = None,
    model: Annotated[str, _for_lists("Escape model that defines the temperature.")] = "transition-state",
    json: JsonOption = False,
) -> None:
    """Fit a stored sweep, one run of it, or a list of switching currents or times from elsewhere."""
    with reporting_faults():
        from mqtctl.cli.summary import print_point, print_sweep
        from mqtctl.workflow import ForeignFacts, analyze_list
        from mqtctl.workflow import analyze as analyze_run
        from mqtctl.workflow.foreign import LIST_SUFFIXES

        if data.suffix.lower() not in LIST_SUFFIXES:
            result = analyze_run(data, run_id=run, calibration=calibration)
            show = print_sweep
        else:
            given = {
                name: parse_option(name, text, base)
                for name, text, base in (
                    ("ramp_rate", ramp_rate, "A/s"),
                    ("capacitance", capacitance, "F"),
                    ("resistance", resistance, "Ohm"),
                    ("critical_current", critical_current, "A"),
                    ("critical_current_stderr", critical_current_stderr, "A"),
                    ("start_current", start_current, "A"),
                    ("stop_current", stop_current, "A"),
                    ("delay", delay, "s"),
                    ("temperature", temperature, "K"),
                )
                if text is not None
            }
            result = analyze_list(data, ForeignFacts(**given, censored=censored, unit=unit, model=model))
            show = print_point
        with printing():
            if json:
                print_json(result)
            else:
                show(result)
