"""Prints results for people on stdout; every number says which it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

__all__ = ["print_point", "print_sweep"]

_COLUMNS = (
    ("bath", "temperature_K", None, 1e3, "mK"),
    ("switches", "switches", None, 1, ""),
    ("without", "censored", None, 1, ""),
    ("mean", "mean_switching_current_A", None, 1e6, "uA"),
    ("width", "std_switching_current_A", None, 1e9, "nA"),
    ("T_esc, shared Ic", "escape_temperature_K", "escape_temperature_stderr_K", 1e3, "mK"),
    ("T_esc alone", "escape_temperature_free_K", "escape_temperature_free_stderr_K", 1e3, "mK"),
    ("Ic alone", "critical_current_free_A", "critical_current_free_stderr_A", 1e6, "uA"),
)
_FACTS = (
    ("critical current (shared, thermal points)", "critical_current", "A", 1e6, "uA"),
    ("saturation of the escape temperature (a_t = 1, shared Ic)", "saturation_escape_temperature", "K", 1e3, "mK"),
    ("what tunnelling predicts for it", "tunnelling_escape_temperature", "K", 1e3, "mK"),
    ("crossover temperature (from Ic, C and R)", "crossover_temperature", "K", 1e3, "mK"),
    ("measured crossover (escape temperature leaves saturation)", "measured_crossover_temperature", "K", 1e3, "mK"),
)


def print_sweep(result: Mapping[str, Any]) -> None:
    """Print a sweep: one line for each point, then what follows from all of them."""
    rows = [[f"{title} ({unit})" if unit else title for title, _, _, _, unit in _COLUMNS]]
    rows += [
        [_number(point.get(key), point.get(error) if error else None, factor) for _, key, error, factor, _ in _COLUMNS]
        for point in result["points"]
    ]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    for row in rows:
        typer.echo("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    typer.echo()
    _print_facts(result)


def print_point(result: Mapping[str, Any]) -> None:
    """Print one histogram, one quantity a line."""
    for title, key, error, factor, unit in _COLUMNS:
        text = _number(result.get(key), result.get(error) if error else None, factor)
        typer.echo(f"{title}: {text} {unit}".rstrip())
    _print_files(result)


def _print_facts(result: Mapping[str, Any]) -> None:
    """Print what follows from the whole sweep, or why it does not."""
    reasons = result.get("reasons") or {}
    for title, name, base, factor, unit in _FACTS:
        value = result.get(f"{name}_{base}")
        if value is None:
            reason = reasons.get(name) or reasons.get(f"{name}_{base}")
            typer.echo(f"{title}: not identifiable" + (f" ({reason})" if reason else ""))
        else:
            typer.echo(f"{title}: {_number(value, result.get(f'{name}_stderr_{base}'), factor)} {unit}")
    if result.get("verdict"):
        sigmas = result.get("tunnelling_sigmas")
        typer.echo(f"verdict: {result['verdict']}" + (f" ({sigmas:+.1f} sigma)" if sigmas is not None else ""))
    for flag in result.get("flags") or ():
        typer.echo(f"note: {flag}")
    _print_files(result)


def _print_files(result: Mapping[str, Any]) -> None:
    """Print how long it took and where everything lies."""
    if result.get("lab_time_s") is not None:
        wall = f", {result['wall_time_s']:.1f} s here" if result.get("wall_time_s") is not None else ""
        live = f", live fraction {result['live_fraction']:.3f}" if result.get("live_fraction") is not None else ""
        typer.echo(f"laboratory time: {result['lab_time_s'] / 3600:.2f} h{wall}{live}")
    for name in ("database", "report"):
        if result.get(name):
            typer.echo(f"{name}: {result[name]}")


def _number(value: float | None, error: float | None, factor: float) -> str:
    """Write a number, with as many digits as its standard error allows if it has one."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    if error is None:
        return f"{value * factor:.5g}"
    digits = max(0, 1 - _exponent(error * factor))
    return f"{value * factor:.{digits}f} +- {error * factor:.{digits}f}"


def _exponent(number: float) -> int:
    """Return the decimal exponent of a positive number; 0 for zero."""
    return int(f"{number:e}".split("e")[1]) if number > 0 else 0
