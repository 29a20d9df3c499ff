"""`mqtctl rehearse`: what a plan will take and give, before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as Markdown, for the summary of a CI job.")
    ] = False,
) -> None:
    """Say what a plan will take and give, and what would fail: on the simulated bench, nothing real is touched.

    The exit code is 0, or the one with which the sweep would have ended.
    """
    with reporting_faults():
        from mqtctl.cli.rehearse.words import markdown_lines, print_rehearsal, sentence
        from mqtctl.errors import InputError
        from mqtctl.rehearsal import RehearsalOptions, rehearse

        if json and markdown:
            raise InputError("--json and --markdown are two ways to print the same; leave one out")
        found = rehearse(
            plan,
            RehearsalOptions(bench=bench, seed=seed, repeat=repeat),
            notify=tell,
        )
        with printing():
            if json:
                print_json(found.to_dict())
            elif markdown:
                typer.echo("\n".join(markdown_lines(found.to_dict(), str(plan))))
            else:
                print_rehearsal(found.to_dict())
        if found.exit_code:
            if found.fault is not None:
                # people have the sentence among the findings already
                told = sentence(found.fault.text, found.fault.advice) if json else "there are faults, see above"
                tell(f"mqtctl: {told}")
            raise typer.Exit(found.exit_code)
