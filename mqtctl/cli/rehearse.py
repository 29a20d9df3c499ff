"""`mqtctl rehearse`: what a plan will take and give, before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults, say
from mqtctl.cli.tables import Column, number, print_rows

__all__ = ["rehearse"]

_BenchOption = Annotated[
    Path | None,
    typer.Option("--bench", help="Bench file that describes your bench [default: wired as the station file says]."),
]
_RepeatOption = Annotated[
    int, typer.Option("--repeat", min=0, max=10_000, help="Sweeps to draw and fit from many seeds, for their spread.")
]
_SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Make the rehearsal repeatable.")]


def rehearse(
    plan: Annotated[Path, typer.Argument(help="Plan file.")],
    bench: _BenchOption = None,
    repeat: _RepeatOption = 0,
    seed: _SeedOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a plan will take and give, and what would fail: on the simulated bench, nothing real is touched.

    The exit code is 0, or the one with which the sweep would have ended.
    """
    with reporting_faults():
        from mqtctl.workflow.rehearsal import RehearsalOptions, rehearse

        found = rehearse(
            plan,
            RehearsalOptions(bench=bench, seed=seed, repeat=repeat),
            notify=say,
        )
        with printing():
            if json:
                print_json(found.to_dict())
            else:
                _print(found.to_dict())
        if found.exit_code:
            if found.fault is not None:
                say(f"mqtctl: {_sentence(found.fault.text, found.fault.advice)}")
            raise typer.Exit(found.exit_code)


_COLUMNS: tuple[Column, ...] = (
    ("set point", "temperature_K", None, 1e3, "mK"),
    ("settling", "settling_time_s", None, 1, "s"),
    ("ramping", "ramping_time_s", None, 1, "s"),
    ("switches", "switches", None, 1, ""),
    ("without", "censored_fraction", None, 100, "%"),
    ("mean", "mean_switching_current_A", None, 1e6, "uA"),
    ("width", "std_switching_current_A", None, 1e9, "nA"),
    ("T_esc, shared Ic", "escape_temperature_K", "escape_temperature_stderr_K", 1e3, "mK"),
    ("T_esc alone", "escape_temperature_free_K", "escape_temperature_free_stderr_K", 1e3, "mK"),
)


def _print(result: Mapping[str, Any]) -> None:
    """Print one line for each temperature, then what holds for the whole."""
    from mqtctl.cli.live.times import duration

    print_rows(_COLUMNS, result["points"])
    whole = result["duration_s"]
    typer.echo(f"whole: {duration(whole) if whole is not None else 'the sweep would not come to its end'}")
    for title, key in (
        ("crossover temperature (from Ic, C and R)", "crossover_temperature"),
        ("measured crossover (escape temperature leaves saturation)", "measured_crossover_temperature"),
    ):
        value = number(result[f"{key}_K"], result[f"{key}_stderr_K"], 1e3)
        typer.echo(f"{title}: {value} mK" if result[f"{key}_K"] is not None else f"{title}: not identifiable")
    typer.echo(f"crossover {'' if result['crossover_resolved'] else 'NOT '}resolved: {result['crossover_criterion']}")
    _print_spread(result["spread"])
    for finding in result["findings"]:
        typer.echo(f"{finding['verdict']}: {finding['subject']}: {_sentence(finding['text'], finding['advice'])}")
    if not result["findings"]:
        typer.echo("nothing found that would fail")
    for assumed in result["assumed"]:
        typer.echo(f"assumed: {assumed}")


def _print_spread(spread: Mapping[str, Any] | None) -> None:
    """Print how repeated rehearsals scatter."""
    if spread is None:
        return
    for title, key in (
        ("T_esc, shared Ic", "escape_temperature_std_K"),
        ("T_esc alone", "escape_temperature_free_std_K"),
    ):
        values = ", ".join(number(value, None, 1e3) for value in spread[key])
        typer.echo(f"scatter of {title} over {spread['rehearsals']} rehearsals (mK): {values}")
    verdicts = ", ".join(f"{count} x {verdict}" for verdict, count in spread["verdicts"].items())
    typer.echo(f"crossover resolved in {spread['resolved']:.0%} of them; verdicts: {verdicts}")


def _sentence(text: str, advice: str) -> str:
    """Return what was found and what to do about it."""
    return f"{text}; {advice}" if advice else text
