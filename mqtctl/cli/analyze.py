"""`mqtctl analyze`: fits of what was measured, here or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mqtctl.cli.options import CalibrationOption, JsonOption
from mqtctl.cli.outcome import parse_option, print_json, printing, reporting_faults
from mqtctl.errors import InputError

__all__ = ["analyze"]

_LIST = "Lists of switching values"
_FOR_STORED = {"run", "calibration"}
_FOR_ALL = {"data", "potential", "json", "quick"}


def _for_lists(text: str) -> typer.models.OptionInfo:
    """Return an option that only lists of switching values need."""
    option: typer.models.OptionInfo = typer.Option(help=text, rich_help_panel=_LIST)
    return option


def analyze(
    context: typer.Context,
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
    stop_current: Annotated[
        str | None, _for_lists("Where it ends; values equal to it are ramps without a switch.")
    ] = None,
    delay: Annotated[str | None, _for_lists("Lag of recorded times behind the switch.")] = None,
    temperature: Annotated[str | None, _for_lists("Bath temperature, if known.")] = None,
    censored: Annotated[
        int, typer.Option(min=0, help="Ramps without a switch besides those in the list.", rich_help_panel=_LIST)
    ] = 0,
    unit: Annotated[str | None, _for_lists("Unit of the numbers (uA, us, ...) where the file does not say it.")] = None,
    empty: Annotated[
        str | None, _for_lists("What NaN, 0 and 9.91E37 in the list are: 'missed' or 'survived' ramps.")
    ] = None,
    resolution: Annotated[
        str | None,
        _for_lists("Step the values were rounded to, such as '25 nA'; looked for if not given, '0 A': none."),
    ] = None,
    rounding: Annotated[
        str, _for_lists("How they were rounded: 'nearest', 'up' (a staircase's first step above), 'down'.")
    ] = "nearest",
    model: Annotated[str, _for_lists("Escape model that defines the temperature.")] = "transition-state",
    potential: Annotated[
        str | None,
        typer.Option(
            help="Potential instead of the sample file's (or the washboard): transparent-channel(transmission=0.6)."
        ),
    ] = None,
    importer: Annotated[
        str | None, _for_lists("Function package.module:function that reads a list of another format.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="Leave out what these data could have decided (the power).")] = False,
    json: JsonOption = False,
) -> None:
    """Fit a stored sweep, one run of it, or a list of switching currents or times from elsewhere."""
    with reporting_faults():
        from mqtctl.cli.summary import print_point, print_sweep
        from mqtctl.workflow import ForeignFacts, analyze_list, is_list
        from mqtctl.workflow import analyze as analyze_run

        foreign = is_list(data)
        if data.exists():
            _refuse_unused(context, data, foreign)
        if not foreign:
            result = analyze_run(data, run_id=run, calibration=calibration, potential=potential, quick=quick)
            show = print_sweep
        else:
            given: dict[str, Any] = {
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
            given |= _resolution(resolution)
            if potential is not None:
                given["potential"] = potential
            facts = ForeignFacts(
                **given, censored=censored, unit=unit, empty=empty, rounding=rounding, model=model, importer=importer
            )
            result = analyze_list(data, facts)
            show = print_point
        with printing():
            if json:
                print_json(result)
            else:
                show(result)


def _refuse_unused(context: typer.Context, data: Path, foreign: bool) -> None:
    """Refuse options that were given but say nothing about this kind of data."""
    unused = _FOR_STORED if foreign else set(context.params) - _FOR_STORED - _FOR_ALL
    given = [name for name in context.params if name in unused and _was_given(context, name)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        kind = "a list of values" if foreign else "a stored run or database"
        raise InputError(f"{names} cannot be used for {kind}, which {data} is")


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _resolution(text: str | None) -> dict[str, float]:
    """Return a resolution under the name of its quantity: a current, or a time."""
    from mqtctl.quantities import parse_quantity

    if text is None:
        return {}
    try:
        return {"resolution_time": parse_quantity(text, "s")}
    except InputError:
        return {"resolution": parse_option("resolution", text, "A")}
