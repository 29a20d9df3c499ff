"""Prints results for people on stdout; every number says which it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mqtctl.analysis.histogram.results import POINT
from mqtctl.analysis.sweep.results import SWEEP
from mqtctl.cli.tables import Column, plain, print_rows, quantity, say, simulated_line
from mqtctl.notation import duration
from mqtctl.workflow.besides import besides_in_words
from mqtctl.workflow.extent import done_of_planned
from mqtctl.workflow.results import stamp

__all__ = ["COLUMNS", "LEGEND", "print_calibration", "print_point", "print_points", "print_sweep"]

_ROWS = {row.name: row for row in POINT if row.column}
_FIRST = ("temperature", "switches", "censored")
_PREDICTED = ("mean_switching_current", "std_switching_current", "escape_temperature", "escape_temperature_free")
#: Shown where they differ between the histograms of a sweep.
_DIFFERING = ("polarity", "ramp_rate")
_SHOWN = (*_FIRST, *_PREDICTED, *(name for name in _ROWS if name not in {*_FIRST, *_PREDICTED, *_DIFFERING}))


def _column(name: str) -> Column:
    """Return the column of a quantity."""
    row = _ROWS[name]
    return Column(row.column, row.key, row.error_key if row.error == "stderr" else None, row.unit)


#: What follows from each histogram; `rehearse` predicts the same.
COLUMNS = tuple(_column(name) for name in _PREDICTED)
LEGEND = (
    "In brackets: standard error in the last digits. T_esc: escape temperature of the law with prefactor a_t = 1; with "
    "one critical current Ic shared by the sweep (from its points in the thermal regime), and alone, Ic and T_esc both "
    "fitted to the one histogram; on a tunnelling plateau the two differ by definition."
)


def print_sweep(result: Mapping[str, Any]) -> None:
    """Print a sweep: one line for each histogram, then what follows from all of them."""
    _print_heading(result)
    _print_histograms(result)
    _print_facts(result)


def print_points(result: Mapping[str, Any]) -> None:
    """Print the histograms of one temperature, one a line, then what was measured besides."""
    _print_heading(result)
    _print_histograms(result)
    _print_besides(result)
    _print_flags(result)
    _print_files(result)


def _print_heading(result: Mapping[str, Any]) -> None:
    """Say first what must be known before any number is believed."""
    if result.get("simulated"):
        say(simulated_line(result.get("seed")))
    done, planned = result.get("points_done"), result.get("points_planned")
    if done is not None and planned is not None and done < planned:
        say(f"NOT COMPLETE: {done_of_planned(result)}")


def _print_histograms(result: Mapping[str, Any]) -> None:
    """Print one line for each histogram, and what the columns mean."""
    points = result["points"]
    differing = [name for name in _DIFFERING if len({f"{point[_ROWS[name].key]:.2g}" for point in points}) > 1]
    all_switched = not any(point["censored"] for point in points)
    first, *rest = (name for name in _SHOWN if not (name == "censored" and all_switched))
    print_rows([_column(name) for name in (first, *differing, *rest)], points)
    say(f"Every ramp switched. {LEGEND}" if all_switched else LEGEND)
    say("")


def print_point(result: Mapping[str, Any]) -> None:
    """Print one histogram, one quantity a line."""
    _print_heading(result)
    _print_impossible(result)
    for row in (_ROWS[name] for name in _SHOWN):
        found = row.read(result)
        text = str(found.value) if isinstance(found.value, int) else quantity(found.value, row.unit, found.stderr)
        limit = result.get(f"{row.name}_upper_95_{row.unit}")
        if limit is not None:
            text = f"below {quantity(limit, row.unit)} (95 %)"
        if row.name == "escape_temperature" and found.value is None and limit is None:
            continue  # no critical current was given
        say(f"{row.label or row.column}: {text}")
    _print_parameters(result)
    _print_besides(result)
    for verb, sentences in (result.get("conclusions") or {}).items():
        for sentence in sentences:
            say(plain(f"{verb} be concluded: {sentence}"))
    _print_flags(result)
    _print_files(result)


def _print_parameters(result: Mapping[str, Any]) -> None:
    """Print the parameters that were named to be free or fixed, besides those that are always told."""
    for one in result.get("parameters") or ():
        if one["name"] in ("critical_current", "temperature") and not one["fixed"]:
            continue
        text = quantity(one["value"], one["unit"], one["stderr"])
        if one["fixed"]:
            text += " (given)"
        elif not one["identifiable"]:
            text = "not identifiable"
        elif one["upper_95"] is not None:
            text = f"below {quantity(one['upper_95'], one['unit'])} (95 %)"
        elif one["value"] is None:
            text = f"above {quantity(one['interval_95'][0], one['unit'])} (95 %)"
        say(f"{one['name'].replace('_', ' ')}: {text}")


def _print_flags(result: Mapping[str, Any]) -> None:
    """Print every doubt, those about single histograms with their bath temperature."""
    for point in result.get("points") or ():
        bath = point.get("temperature_K")
        place = f"point {point.get('point')}" if bath is None else quantity(bath, "K")
        for flag in point.get("flags") or ():
            say(f"note: {place}: {flag}")
    for flag in result.get("flags") or ():
        say(f"note: {flag}")


def _print_impossible(result: Mapping[str, Any]) -> None:
    """Print, before anything is believed, what makes all of it wrong."""
    if result.get("impossible"):
        say(plain(f"WRONG: {result['impossible']}"))


def print_calibration(result: Mapping[str, Any]) -> None:
    """Print a calibration, one quantity a line."""
    rows = (
        ("delay of the stop behind the current", "delay_s", "delay_stderr_s", "s"),
        ("current that flows besides the ramp", "offset_A", "offset_stderr_A", "A"),
        ("true current over the source's own", "scale", "scale_stderr", ""),
        ("threshold walk", "threshold_walk_s", "threshold_walk_stderr_s", "s"),
    )
    if result["simulated"]:
        say(simulated_line(result.get("seed")))
    say(f"calibration with a {result['method']}, {stamp(result['date'], simulated=result['simulated'])}")
    for title, key, error, unit in rows:
        value = result[key]
        text = "not measured" if value is None else quantity(value, unit, result.get(error) if error else None)
        say(f"{title}: {text}")
    if result["nonlinearity"] is not None:
        say(f"departure of the ramp from a straight line: {1e6 * result['nonlinearity']:.3g} ppm of its span")
    say(f"source's time base by the counter's: {result['time_base']:.9g}")
    if result["threshold_walk_s"] is not None:
        first, second = (quantity(result[key], "V") for key in ("first_threshold_V", "second_threshold_V"))
        say(f"  from a threshold of {first} to {second}")
    if result["pvalue"] is not None:
        say(f"agreement with the model: p = {result['pvalue']:.2g}")
    for name in ("file", "database"):
        say(f"{name}: {result[name]}")


def _print_facts(result: Mapping[str, Any]) -> None:
    """Print what follows from the whole sweep, or why it does not."""
    reasons = result.get("reasons") or {}
    told = ""
    _print_impossible(result)
    for row in SWEEP:
        if not row.label:
            continue
        found = row.read(result)
        if found.value is None:
            reason = reasons.get(row.name) or reasons.get(row.key)
            why = "" if not reason else ", for the same reason" if reason == told else f" ({reason})"
            told = reason or told
            say(f"{row.label}: not identifiable{why}")
        else:
            say(f"{row.label}: {quantity(found.value, row.unit, found.stderr)}")
    if result.get("saturation_test"):
        sigmas = result.get("tunnelling_sigmas")
        apart = f" ({sigmas:+.1f} sigma)" if sigmas is not None else ""
        say(f"saturation against tunnelling's prediction: {result['saturation_test']}{apart}")
    if result.get("verdict"):
        say(plain(f"verdict: {result['verdict_sentence']}"))
    if (result.get("control") or {}).get("used"):
        say(plain(f"control sweep {result['control']['data']}: {result['control']['text']}"))
    for fact in result.get("known") or ():
        unit = "Hz" if fact["name"] == "plasma_frequency" else ""
        value, error, fitted = (fact[f"{key}_{unit}" if unit else key] for key in ("value", "stderr", "fitted"))
        where = f"{fact['name'].replace('_', ' ')} at {quantity(fact['current_A'], 'A')}"
        told = f"{quantity(value, unit, error)} from elsewhere, {quantity(fitted, unit)} by the best explanation"
        say(plain(f"{where}: {told} ({fact['pull']:+.1f} sigma)"))
    _print_besides(result)
    _print_flags(result)
    _print_files(result)


def _print_besides(result: Mapping[str, Any]) -> None:
    """Print what was measured besides the histograms, if anything was."""
    for subject, finding in besides_in_words(result).items():
        say(plain(f"{subject}: {finding}"))


def _print_files(result: Mapping[str, Any]) -> None:
    """Print how long it took and where everything lies."""
    if result.get("lab_time_s") is not None:
        wall = "" if result.get("wall_time_s") is None else f", {duration(result['wall_time_s'])} on this computer"
        live = (
            f"; live fraction (share of the ramping time in which ramps counted) {result['live_fraction']:.3f}"
            if result.get("live_fraction") is not None
            else ""
        )
        say(plain(f"laboratory time: {duration(result['lab_time_s'])}{wall}{live}"))
    for name in ("database", "report"):
        if result.get(name):
            say(f"{name}: {result[name]}")
