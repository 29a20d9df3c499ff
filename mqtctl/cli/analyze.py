"""`mqtctl analyze`: fits of what was measured, here or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mqtctl.cli.options import CalibrationOption, FormatOption, JsonOption
from mqtctl.cli.outcome import parse_option, print_json, printing, reporting_faults, tell
from mqtctl.errors import InputError

if TYPE_CHECKING:
    from mqtctl.workflow import ForeignFacts

__all__ = ["analyze"]

_LIST = "Data from elsewhere: what the file does not say"
_COLUMNS = "Data from elsewhere: how it is to be read"
_FOR_STORED = {"run", "calibration"}
_FOR_ALL = {"data", "potential", "report", "formats", "rates", "quick", "control", "known", "json"}
#: Options that are quantities, and their base units.
_QUANTITIES = {
    "ramp_rate": "A/s",
    "capacitance": "F",
    "resistance": "Ohm",
    "critical_current": "A",
    "critical_current_stderr": "A",
    "start_current": "A",
    "stop_current": "A",
    "delay": "s",
    "temperature": "K",
    "bias_resistance": "Ohm",
    "mains": "Hz",
    "period": "s",
}


def _for_lists(text: str) -> typer.models.OptionInfo:
    """Return an option that only data from elsewhere need."""
    option: typer.models.OptionInfo = typer.Option(help=text, rich_help_panel=_LIST)
    return option


def _for_reading(text: str, metavar: str | None = None) -> typer.models.OptionInfo:
    """Return an option that says how a file from elsewhere is to be read."""
    option: typer.models.OptionInfo = typer.Option(help=text, rich_help_panel=_COLUMNS, metavar=metavar)
    return option


def analyze(
    context: typer.Context,
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folder of a run or a database; or files from elsewhere (text, .npy, .npz, .mat, HDF5, netCDF,"
            " Parquet, LabVIEW, another program's database): several, a folder or a table of temperatures are a sweep."
        ),
    ] = None,
    run: Annotated[int | None, typer.Option(help="Only this run of the database.")] = None,
    calibration: CalibrationOption = None,
    report: Annotated[Path | None, typer.Option(help="Folder in which a report is written as well.")] = None,
    formats: FormatOption = None,
    rates: Annotated[
        Path | None,
        typer.Option(help="CSV file for the escape rates Γ(I) with errors, and T_esc(I), of every histogram."),
    ] = None,
    into: Annotated[
        Path | None, _for_lists("QCoDeS database to take the histograms into, for plottr and `mqtctl report`.")
    ] = None,
    ramp_rate: Annotated[
        str | None, _for_lists("Rate of the ramp, such as '1 mA/s'; needed for data from elsewhere.")
    ] = None,
    capacitance: Annotated[
        str | None, _for_lists("Of the junction, such as '6.35 pF'; needed too, an estimate will do.")
    ] = None,
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
    describe: Annotated[
        Path | None,
        _for_lists("YAML file with these options under their names (ramp_rate: 1 mA/s); those given here win."),
    ] = None,
    column: Annotated[
        str | None,
        _for_reading("Column of the switching values: name, number from 1, or path.", "NAME|NUMBER|PATH"),
    ] = None,
    unit: Annotated[
        str | None, _for_reading("Unit of the numbers (uA, us, mV, ...) where the file does not say it.")
    ] = None,
    quantity: Annotated[
        str | None, _for_reading("What they are, where several columns are there.", "current|time|voltage")
    ] = None,
    bias_resistance: Annotated[
        str | None, _for_reading("Resistor across which voltages were measured, such as '100 kOhm'.")
    ] = None,
    polarity: Annotated[
        str | None, _for_reading("Which ramps to take where both signs are there.", "positive|negative|both")
    ] = None,
    temperature_column: Annotated[
        str | None,
        _for_reading("Bath temperature of each row: several are a sweep; 'none': leave it aside.", "NAME|NUMBER|PATH"),
    ] = None,
    rate_column: Annotated[str | None, _for_reading("Ramp rate of each row.", "NAME|NUMBER|PATH")] = None,
    counts_column: Annotated[
        str | None, _for_reading("The file is a histogram: counts or densities.", "NAME|NUMBER|PATH")
    ] = None,
    switches: Annotated[int | None, _for_reading("How many switches a density is made of.")] = None,
    delimiter: Annotated[str | None, _for_reading("Between columns: tab, space, ';', ',' or '|'.")] = None,
    decimal: Annotated[str | None, _for_reading("Decimal mark: '.' or ','.")] = None,
    encoding: Annotated[str | None, _for_reading("Of a text file, such as cp1252.")] = None,
    empty: Annotated[
        str | None,
        _for_reading(
            "What NaN, 0 and 9.91E37 in the list are: readings that were lost, or ramps that reached the top.",
            "missed|survived",
        ),
    ] = None,
    resolution: Annotated[
        str | None,
        _for_reading("Step the values were rounded to, such as '25 nA'; looked for if not given, '0 A': none."),
    ] = None,
    rounding: Annotated[
        str,
        _for_reading("How they were rounded: 'up' is a staircase's first step above the switch.", "nearest|up|down"),
    ] = "nearest",
    model: Annotated[str, _for_lists("Escape model that defines the temperature.")] = "transition-state",
    free: Annotated[
        list[str] | None, _for_lists("Parameter to fit too: capacitance, resistance, current-noise, false-triggers.")
    ] = None,
    fix: Annotated[
        list[str] | None, _for_lists("Parameter that is known, such as 'temperature=20 mK' or 'capacitance=6 pF'.")
    ] = None,
    current_noise: Annotated[
        str | None, _for_lists("Gaussian noise of the current (rms), such as '5 nA'; 'auto': fitted.")
    ] = None,
    false_triggers: Annotated[
        str | None, _for_lists("Share of ramps that something else ended, such as 0.01; 'auto': fitted.")
    ] = None,
    drift: Annotated[
        str | None,
        _for_lists(
            "Drift of the current over the list: 'auto' (a straight line, fitted), 'steps' (found and fitted), or known"
            " from first ramp to last, such as '5 nA'."
        ),
    ] = None,
    mains: Annotated[
        str | None, _for_lists("Frequency at which the current is modulated, such as '50 Hz': fitted.")
    ] = None,
    period: Annotated[
        str | None, _for_lists("Time from one ramp's start to the next's: gives the mains' phases.")
    ] = None,
    potential: Annotated[
        str | None,
        typer.Option(
            help="Potential instead of the sample file's (or the washboard): transparent-channel(transmission=0.6)."
        ),
    ] = None,
    importer: Annotated[
        str | None, _for_reading("Function package.module:function that reads a list of another format.")
    ] = None,
    known: Annotated[
        list[str] | None,
        typer.Option(
            help="What another measurement says: 'plasma_frequency = 2.1 GHz +- 0.1 GHz @ 9.4 uA', quality_factor,"
            " capacitance or resistance; several times."
        ),
    ] = None,
    control: Annotated[
        list[Path] | None,
        typer.Option(
            help="Second sweep of the same junction at a lowered critical current (field or flux): a run, or one file"
            " or folder after the other."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option(help="Leave out what these data could have decided (the power).")] = False,
    json: JsonOption = False,
) -> None:
    """Fit a stored sweep, one run of it, or switching currents, times, voltages or histograms from elsewhere.

    Data from elsewhere need two facts that no file states; what else they leave open is asked for, with the option that
    answers: mqtctl analyze currents.csv --ramp-rate '1 mA/s' --capacitance '5 pF'

    `mqtctl init --data currents.csv` writes down what a file holds and what is still to be said about it.
    """
    with reporting_faults():
        from mqtctl.cli.summary import print_point, print_sweep
        from mqtctl.plan.known import parse_known
        from mqtctl.workflow import Outputs, analyze_foreign, is_foreign, read_description
        from mqtctl.workflow import analyze as analyze_run

        if formats and report is None:
            raise InputError("--format is for the report: name its folder with --report")
        described = {} if describe is None else read_description(describe)
        data = data or described.get("data")
        if not data:
            raise InputError("name a run, a database or files to analyse (or a description with `data`, --describe)")
        foreign = [is_foreign(path) for path in data]
        if all(path.exists() for path in data):
            _refuse_unused(context, data, foreign)
        second = list(control or ())
        _refuse_control(second, [is_foreign(path) for path in second if path.exists()], data[0], any(foreign))
        if any(foreign):
            outputs = Outputs(report, rates, into, formats or ())
            facts = _facts(context, described)
            result = analyze_foreign(data, facts, run_id=run, outputs=outputs, quick=quick, control=second)
            for sentence in result["assumed"]:
                tell(f"read: {sentence}")
        else:
            result = analyze_run(
                data[0],
                run_id=run,
                calibration=calibration,
                potential=potential,
                report_folder=report,
                rates=rates,
                formats=formats or (),
                quick=quick,
                control=second[0] if second else None,
                known=[parse_known(text) for text in known or ()],
            )
        if rates is not None:
            tell(f"rates: {result['rates']}")
        with printing():
            if json:
                print_json(result)
            elif "points" in result:
                print_sweep(result)
            else:
                print_point(result)


def _facts(context: typer.Context, described: Mapping[str, Any]) -> ForeignFacts:
    """Return what the options and the description say; an option wins."""
    from dataclasses import fields

    from mqtctl.analysis.importers import ReadOptions
    from mqtctl.plan.known import parse_known
    from mqtctl.workflow import ForeignFacts
    from mqtctl.workflow.file_analysis.description import resolution_in

    given: dict[str, Any] = dict(described)
    for name, value in context.params.items():
        if not _was_given(context, name):
            continue
        if name == "resolution":
            given.pop("resolution", None)
            given.pop("resolution_time", None)
            try:
                given |= resolution_in(value)
            except InputError as exc:
                raise InputError(f"--resolution: {exc}") from exc
        else:
            given[name] = parse_option(name, value, _QUANTITIES[name]) if name in _QUANTITIES else value
    nuisances = {name: given.pop(name, None) for name in ("current_noise", "false_triggers")}
    given |= _named(given.pop("free", []), given.pop("fix", []), nuisances)
    given["known"] = tuple(parse_known(text) for text in given.pop("known", ()))
    if "drift" in given:
        given |= _drift(given.pop("drift"))
    reading = {field.name: given.pop(field.name) for field in fields(ReadOptions) if field.name in given}
    known = {field.name for field in fields(ForeignFacts)}
    return ForeignFacts(**{k: v for k, v in given.items() if k in known}, read=ReadOptions(**reading))


def _refuse_unused(context: typer.Context, data: list[Path], foreign: list[bool]) -> None:
    """Refuse options that were given but say nothing about this kind of data, and data that do not go together."""
    stored = [path for path, other in zip(data, foreign, strict=True) if not other]
    if stored and len(data) > 1:
        raise InputError(
            f"{stored[0]} is a stored run or database (or a folder without data): it is analysed by itself"
        )
    unused = {"calibration"} if not stored else set(context.params) - _FOR_STORED - _FOR_ALL
    given = [name for name in context.params if name in unused and _was_given(context, name)]
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        kind = "a stored run or database" if stored else "a list of values"
        raise InputError(f"{names} cannot be used for {kind}, which {data[0]} is")


def _refuse_control(control: list[Path], foreign: list[bool], data: Path, data_foreign: bool) -> None:
    """Refuse a control that is not of the kind of the data, or more than one stored one."""
    kinds = ("a stored run or database", "a list of values")
    for path in control:
        if not path.exists():
            raise InputError(f"--control {path} does not exist")
    for path, other in zip(control, foreign, strict=True):
        if other != data_foreign:
            raise InputError(
                f"--control {path} is {kinds[other]}, and {data} is {kinds[data_foreign]}: give two of a kind"
            )
    if len(control) > 1 and not data_foreign:
        raise InputError(f"--control {control[1]}: a stored sweep has one control, and {control[0]} is one")


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _named(free: list[str], fix: list[str], nuisances: dict[str, str | None]) -> dict[str, Any]:
    """Return which parameters are free, and the values in SI units of those that are fixed, all by name."""
    from mqtctl.analysis.histogram.nuisances.parameters import UNITS, parameter_name

    names = [parameter_name(text) for text in free]
    fixed: dict[str, float] = {}
    pairs = [("fix", *text.partition("=")[::2]) for text in fix]
    for name, text in nuisances.items():
        if text is not None and text.strip().lower() == "auto":
            names.append(name)
        elif text is not None:
            pairs.append((name, name, text))
    for option, given, text in pairs:
        name = parameter_name(given)
        if not text:
            raise InputError(f"--{option} {given}: a value is needed, as in --fix '{given}=...'")
        if name in fixed:
            raise InputError(f"--fix: {name} is given twice")
        fixed[name] = parse_option(option, text, UNITS[name]) if UNITS[name] else _share(option, text)
    return {"free": tuple(dict.fromkeys(names)), "fixed": fixed}


def _drift(text: str) -> dict[str, Any]:
    """Return which drift is fitted, or the one that is known."""
    kind = {"auto": "linear", "linear": "linear", "steps": "steps"}.get(text.strip().lower())
    return {"drift": kind} if kind else {"known_drift": parse_option("drift", text, "A")}


def _share(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as exc:
        raise InputError(f"--{option.replace('_', '-')}: {text!r} is no share, which is a number such as 0.01") from exc
