"""Prints results for people on stdout; every number says which it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from mqtctl.cli.tables import Column, number, print_rows

__all__ = ["print_calibration", "print_point", "print_points", "print_sweep"]

_COLUMNS: tuple[Column, ...] = (
    ("bath", "temperature_K", None, 1e3, "mK"),
    ("switches", "switches", None, 1, ""),
    ("without", "censored", None, 1, ""),
    ("mean", "mean_switching_current_A", None, 1e6, "uA"),
    ("width", "std_switching_current_A", None, 1e9, "nA"),
    ("T_esc, shared Ic", "escape_temperature_K", "escape_temperature_stderr_K", 1e3, "mK"),
    ("T_esc alone", "escape_temperature_free_K", "escape_temperature_free_stderr_K", 1e3, "mK"),
    ("Ic alone", "critical_current_free_A", "critical_current_free_stderr_A", 1e6, "uA"),
)
#: Shown where they differ between the histograms of a sweep.
_RAMP_COLUMNS: tuple[Column, ...] = (
    ("polarity", "polarity", None, 1, ""),
    ("ramp", "ramp_rate_A_per_s", None, 1e3, "mA/s"),
)
_FACTS = (
    ("critical current (shared, thermal points)", "critical_current", "A", 1e6, "uA"),
    ("saturation of the escape temperature (a_t = 1, shared Ic)", "saturation_escape_temperature", "K", 1e3, "mK"),
    ("what tunnelling predicts for it", "tunnelling_escape_temperature", "K", 1e3, "mK"),
    ("crossover temperature (from Ic, C and R)", "crossover_temperature", "K", 1e3, "mK"),
    ("measured crossover (escape temperature leaves saturation)", "measured_crossover_temperature", "K", 1e3, "mK"),
)


def print_sweep(result: Mapping[str, Any]) -> None:
    """Print a sweep: one line for each histogram, then what follows from all of them."""
    _print_histograms(result)
    _print_facts(result)


def print_points(result: Mapping[str, Any]) -> None:
    """Print the histograms of one temperature, one a line, then what was measured besides."""
    _print_histograms(result)
    _print_besides(result)
    _print_flags(result)
    _print_files(result)


def _print_histograms(result: Mapping[str, Any]) -> None:
    """Print one line for each histogram."""
    differing = tuple(
        column for column in _RAMP_COLUMNS if len({f"{point[column[1]]:.2g}" for point in result["points"]}) > 1
    )
    print_rows((*_COLUMNS[:1], *differing, *_COLUMNS[1:]), result["points"])


def print_point(result: Mapping[str, Any]) -> None:
    """Print one histogram, one quantity a line."""
    for title, key, error, factor, unit in _COLUMNS:
        text = number(result.get(key), result.get(error) if error else None, factor)
        typer.echo(f"{title}: {text} {unit}".rstrip())
    _print_besides(result)
    _print_flags(result)
    _print_files(result)


def _print_flags(result: Mapping[str, Any]) -> None:
    """Print every doubt, those about single histograms with their bath temperature."""
    for point in result.get("points") or ():
        bath = point.get("temperature_K")
        place = f"point {point.get('point')}" if bath is None else f"{1e3 * bath:.4g} mK"
        for flag in point.get("flags") or ():
            typer.echo(f"note: {place}: {flag}")
    for flag in result.get("flags") or ():
        typer.echo(f"note: {flag}")


def print_calibration(result: Mapping[str, Any]) -> None:
    """Print a calibration, one quantity a line."""
    rows = (
        ("delay of the stop behind the current", "delay_s", "delay_stderr_s", 1e6, "us"),
        ("current that flows besides the ramp", "offset_A", "offset_stderr_A", 1e9, "nA"),
        ("true current over the source's own", "scale", "scale_stderr", 1, ""),
        ("departure of the ramp from a straight line", "nonlinearity", None, 1e6, "ppm of its span"),
        ("source's time base by the counter's", "time_base", None, 1, ""),
        ("threshold walk", "threshold_walk_s", "threshold_walk_stderr_s", 1e9, "ns"),
    )
    typer.echo(f"calibration with a {result['method']}, {result['date']}")
    for title, key, error, factor, unit in rows:
        value = result[key]
        text = "not measured" if value is None else number(value, result.get(error) if error else None, factor)
        typer.echo(f"{title}: {text} {unit if value is not None else ''}".rstrip())
    if result["threshold_walk_s"] is not None:
        typer.echo(f"  from {result['first_threshold_V']:.3g} V to {result['second_threshold_V']:.3g} V")
    if result["pvalue"] is not None:
        typer.echo(f"agreement with the model: p = {result['pvalue']:.2g}")
    for name in ("file", "database"):
        typer.echo(f"{name}: {result[name]}")


def _print_facts(result: Mapping[str, Any]) -> None:
    """Print what follows from the whole sweep, or why it does not."""
    reasons = result.get("reasons") or {}
    for title, name, base, factor, unit in _FACTS:
        value = result.get(f"{name}_{base}")
        if value is None:
            reason = reasons.get(name) or reasons.get(f"{name}_{base}")
            typer.echo(f"{title}: not identifiable" + (f" ({reason})" if reason else ""))
        else:
            typer.echo(f"{title}: {number(value, result.get(f'{name}_stderr_{base}'), factor)} {unit}")
    if result.get("verdict"):
        sigmas = result.get("tunnelling_sigmas")
        typer.echo(f"verdict: {result['verdict']}" + (f" ({sigmas:+.1f} sigma)" if sigmas is not None else ""))
    _print_besides(result)
    _print_flags(result)
    _print_files(result)


def _print_besides(result: Mapping[str, Any]) -> None:
    """Print what was measured besides the histograms, if anything was."""
    if result.get("offset_current_A") is not None:
        text = number(result["offset_current_A"], result["offset_current_stderr_A"], 1e9)
        typer.echo(f"offset of the bias line, taken out: {text} nA")
    for entry in result.get("retrapping") or ():
        text = number(entry["mean_retrapping_current_A"], entry["mean_retrapping_current_stderr_A"], 1e9)
        sign = "positive" if entry["polarity"] > 0 else "negative"
        typer.echo(f"retrapping current at {1e3 * entry['temperature_K']:.4g} mK, {sign} bias: {text} nA")
    for curve in result.get("iv_curves") or ():
        top = "more" if curve["lowest_unseen_V"] is None else f"{curve['lowest_unseen_V']:.4g} V"
        typer.echo(
            f"I-V curve {curve['when']}: voltage steps to {curve['highest_seen_V']:.4g} V .. {top} at the counter"
        )
    heating = result.get("heating_check")
    if heating is not None:
        found = "warms the sample" if heating["heated"] else "none seen"
        shift = number(heating["mean_shift_A"], heating["mean_shift_stderr_A"], 1e9)
        typer.echo(f"heating by the voltage state: {found} (the mean moves by {shift} nA at a slower repetition)")


def _print_files(result: Mapping[str, Any]) -> None:
    """Print how long it took and where everything lies."""
    if result.get("lab_time_s") is not None:
        wall = f", {result['wall_time_s']:.1f} s here" if result.get("wall_time_s") is not None else ""
        live = f", live fraction {result['live_fraction']:.3f}" if result.get("live_fraction") is not None else ""
        typer.echo(f"laboratory time: {result['lab_time_s'] / 3600:.2f} h{wall}{live}")
    for name in ("database", "report"):
        if result.get(name):
            typer.echo(f"{name}: {result[name]}")
