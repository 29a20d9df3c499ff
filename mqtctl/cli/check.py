"""`mqtctl check`: everything that a measurement needs, looked at before it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mqtctl.cli.options import JsonOption, SeedOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults, tell

if TYPE_CHECKING:
    from mqtctl.instruments.roles.findings import Finding
    from mqtctl.workflow import CheckResult

__all__ = ["check"]

_COLOURS = {"good": "green", "warning": "yellow", "fault": "red", "not checked": "cyan"}


def check(
    plan: Annotated[Path, typer.Argument(help="Plan file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder that `sweep` will be given: its disk is looked at.")
    ] = None,
    database: Annotated[
        Path | None, typer.Option("--database", help="Database that `sweep` will be given: its disk is looked at.")
    ] = None,
    seed: SeedOption = None,
    json: JsonOption = False,
) -> None:
    """Identify every instrument, read its errors, verify wiring and limits; outputs stay as they are.

    Exit code 0 without a fault; 2 if plan, station or sample file has one, 10 if the hardware has.
    """
    with reporting_faults():
        from mqtctl.workflow import check_measurement

        result = check_measurement(plan, seed=seed, output=output, database=database)
        with printing():
            if json:
                print_json(result.as_json())
            else:
                _print(result)
        faults = [finding for finding in result.findings if finding.verdict == "fault"]
        if faults:
            # people have the sentence in the table already
            told = "see above" if not json else f"{_where(faults[0])}: {faults[0].sentence.rstrip('.')}"
            count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
            tell(f"mqtctl: {count}: {told}")
            raise typer.Exit(result.exit_code)


def _print(result: CheckResult) -> None:
    """Print one row for each finding: verdict, what was looked at, what was found and what to do."""
    from rich.table import Table
    from rich.text import Text

    from mqtctl.cli.tables import paper, say, simulated_line

    findings, console = result.findings, paper()
    if result.simulated:
        say(simulated_line(result.seed))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("verdict", "what"):
        table.add_column(title, no_wrap=True)
    table.add_column("found, and what to do", overflow="fold")
    for finding in findings:
        verdict = Text(finding.verdict, style=_COLOURS[finding.verdict])
        table.add_row(verdict, Text(_where(finding)), Text(finding.sentence))
    console.print(table)
    counts = [f"{sum(f.verdict == v for f in findings)} {v}" for v in _COLOURS]
    console.print(f"\n{', '.join(counts)}")


def _where(finding: Finding) -> str:
    """Return instrument and subject of a finding."""
    return f"{finding.instrument.replace('_', ' ')}, {finding.subject}" if finding.instrument else finding.subject
