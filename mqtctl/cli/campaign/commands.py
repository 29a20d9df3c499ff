"""`mqtctl campaign`: many virtual experiments whose truth is known; `campaign report`: what they say of a plan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mqtctl.cli.campaign.told import Told
from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults, tell
from mqtctl.errors import InputError

__all__ = ["campaign"]


class _RunsByDefault(TyperGroup):
    """`campaign DESIGN` is `campaign run DESIGN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before what is no command."""
        own = {*self.commands, "--help"}
        return super().parse_args(ctx, args if args and args[0] in own else ["run", *args])


campaign = typer.Typer(
    cls=_RunsByDefault,
    help="Many virtual experiments whose truth is known. `campaign DESIGN` is `campaign run DESIGN`.",
)


@campaign.command(short_help="draw, measure and analyse; what is given without a command")
def run(
    design: Annotated[Path | None, typer.Argument(help="Design file [default: a small built-in one].")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV file of the table [default: DESIGN-results.csv, here].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-w", min=1, max=1024, help="Processes [default: one for each core].")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Compute what is missing in the table.")] = False,
    through: Annotated[
        str | None, typer.Option(help="physics: switches from the law; wires: the simulated instruments.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=1, help="Draws of each combination, instead of the design's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed, instead of the design's.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler (tcp://HOST:PORT, or its file) whose workers compute.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="K/N: only the K-th of N parts of the draws, K from 1.")] = None,
    join: Annotated[
        Path | None, typer.Option(help="Folder with tables of parts: take their rows, compute what is missing.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make many virtual experiments, analyse each blind, join the truth, write one table and its report."""
    with reporting_faults():
        from mqtctl.campaign import BUILT_IN, CampaignOptions, load_design, run_campaign

        path = design or BUILT_IN
        output = output or Path(f"{path.stem}-results.csv")
        if output.suffix != ".csv":
            raise InputError(
                f"--output: {output} must end in .csv; a Parquet file of the same name is written beside it"
            )
        chosen = load_design(path, through=through, draws=draws, seed=seed)
        given: dict[str, Any] = {} if workers is None else {"workers": workers}
        if part is not None:
            given["part"] = _part(part, chosen.design.total)
        told = Told()
        try:
            options = CampaignOptions(
                output, resume=resume, scheduler=scheduler, join=join, notify=told, notice=tell, **given
            )
            done = run_campaign(chosen, options)
        except KeyboardInterrupt:
            tell(f"mqtctl: {told.done} of {told.total} draws are whole, in {output}; --resume computes the others")
            raise
        shared = f" (draws: {done.cpu_time:.1f} s of CPU time)" if done.computed else ""
        tell(f"{done.computed} draws computed in {done.wall_time:.1f} s{shared}: {', '.join(map(str, done.files))}")
        if part is None:
            _report(output, None, json=json)


def _part(text: str, draws: int) -> tuple[int, int]:
    """Return (k, n) with k from 0."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]) <= draws:
        raise InputError(f"--part: {text!r} is none of 1/N to N/N, with N at most the number of draws, {draws}")
    return int(found[1]) - 1, int(found[2])


@campaign.command(short_help="bias, coverage, verdicts by truth, and precision against cold hours")
def report(
    results: Annotated[Path, typer.Argument(help="CSV file of a campaign.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="HTML file [default: beside the table, with its name].")
    ] = None,
    night: Annotated[
        str | None, typer.Option(help="Time in the cold, such as '8 h' [default: that of the plan as given].")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what the experiments of a campaign found, against what was true; the page opens with a picture."""
    with reporting_faults():
        from mqtctl.quantities import parse_quantity

        _report(results, output, None if night is None else parse_quantity(night, "s"), json=json)


def _report(results: Path, output: Path | None, night: float | None = None, *, json: bool) -> None:
    """Write the page and print the tables."""
    from mqtctl.campaign.page import write_page
    from mqtctl.campaign.summary import summarise

    found = summarise(results, night)
    page = write_page(found, output or results.with_suffix(".html"))
    with printing():
        if json:
            print_json({**found.to_dict(), "report": str(page)})
            return
        from mqtctl.cli.tables import plain, say

        for table in found.tables():
            say(plain(table.as_text()))
        say(plain(found.advice()))
        say(f"report: {page}")
