"""`mqtctl rehearse`: what a plan will take and give, before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults, tell

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
        from mqtctl.rehearsal import RehearsalOptions, rehearse

        found = rehearse(
            plan,
            RehearsalOptions(bench=bench, seed=seed, repeat=repeat),
            notify=tell,
        )
        with printing():
            if json:
                print_json(found.to_dict())
            else:
                _print(found.to_dict())
        if found.exit_code:
            if found.fault is not None:
                # people have the sentence among the findings already
                told = _sentence(found.fault.text, found.fault.advice) if json else "there are faults, see above"
                tell(f"mqtctl: {told}")
            raise typer.Exit(found.exit_code)


def _print(result: Mapping[str, Any]) -> None:
    """Print one line for each temperature, then what holds for the whole."""
    from mqtctl.analysis.sweep.results import SWEEP
    from mqtctl.cli.summary import COLUMNS, LEGEND
    from mqtctl.cli.tables import Column, print_rows, quantity, say
    from mqtctl.notation import rough_duration

    before = (
        Column("set point", "temperature_K", unit="K"),
        Column("settling", "settling_time_s", unit="s"),
        Column("ramping", "ramping_time_s", unit="s"),
        Column("switches", "switches"),
        Column("no switch\n(share)", "censored_fraction"),
    )
    say("REHEARSED on the simulated bench: these are predictions, nothing real was touched")
    print_rows((*before, *COLUMNS), [{**point, **_expected_error(point)} for point in result["points"]])
    say(f"{LEGEND} Here the errors are those that are expected of the measurement.")
    say("")
    whole = result["duration_s"]
    ends = "the sweep would not come to its end" if whole is None else f"{rough_duration(whole)} of laboratory time"
    say(f"whole: {ends}")
    for row in SWEEP:
        if row.name in {"crossover_temperature", "measured_crossover_temperature"}:
            found = row.read(result)
            text = "not identifiable" if found.value is None else quantity(found.value, row.unit, found.stderr)
            say(f"{row.label}: {text}")
    say(f"crossover {'' if result['crossover_resolved'] else 'NOT '}resolved: {result['crossover_criterion']}")
    _print_spread(result["spread"])
    for finding in result["findings"]:
        say(f"{finding['verdict']}: {finding['subject']}: {_sentence(finding['text'], finding['advice'])}")
    if not result["findings"]:
        say("nothing found that would fail")
    for assumed in result["assumed"]:
        say(f"assumed: {assumed}")


def _expected_error(point: Mapping[str, Any]) -> dict[str, float]:
    """Return the standard error that the mean of so many switches will have."""
    width, switches = point["std_switching_current_A"], point["switches"]
    return {"mean_switching_current_stderr_A": width / switches**0.5} if width and switches else {}


def _print_spread(spread: Mapping[str, Any] | None) -> None:
    """Print how repeated rehearsals scatter."""
    if spread is None:
        return
    from mqtctl.cli.tables import quantity, say

    for title, key in (
        ("T_esc, shared Ic", "escape_temperature_std_K"),
        ("T_esc alone", "escape_temperature_free_std_K"),
    ):
        values = ", ".join(quantity(value, "K") for value in spread[key])
        say(f"scatter of {title} over {spread['rehearsals']} rehearsals: {values}")
    verdicts = ", ".join(f"{count} x {verdict}" for verdict, count in spread["verdicts"].items())
    say(f"crossover resolved in {spread['resolved']:.0%} of them; verdicts: {verdicts}")


def _sentence(text: str, advice: str) -> str:
    """Return what was found and what to do about it."""
    return f"{text}; {advice}" if advice else text
