"""Puts the commands together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from mqtctl import __version__
from mqtctl.cli.analyze import analyze
from mqtctl.cli.bench import bench
from mqtctl.cli.calibrate import calibrate
from mqtctl.cli.campaign import campaign
from mqtctl.cli.check import check
from mqtctl.cli.course import course
from mqtctl.cli.histogram import histogram
from mqtctl.cli.init import init
from mqtctl.cli.rehearse import rehearse
from mqtctl.cli.report import report
from mqtctl.cli.rescue import rescue
from mqtctl.cli.resume import resume
from mqtctl.cli.safe import safe
from mqtctl.cli.simulate import simulate
from mqtctl.cli.status import status
from mqtctl.cli.sweep import sweep
from mqtctl.cli.watch import watch

__all__ = ["app"]

app = typer.Typer(
    name="mqtctl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Measure how a Josephson junction escapes from its zero-voltage state, by heat or by macroscopic quantum "
    "tunnelling: on your cryostat, or on the simulated bench that comes with mqtctl.\n\n"
    "Start with `mqtctl sweep`: a complete temperature sweep on the simulated bench. Then `mqtctl init` writes the "
    "plan, station and sample files that you change for your own laboratory; `mqtctl rehearse` tries them on the "
    "simulated bench and `mqtctl check` on your instruments, before the first ramp.",
    epilog="Exit codes: 0 done; 2 bad plan, station, sample or option; 10 hardware fault, made safe; 11 data not "
    "stored; 12 cryostat unsafe; 13 bench or database in use; 20 safe state NOT confirmed; 130/143 interrupted "
    "(129/131 by a lost terminal or Ctrl-\\), made safe.",
)

_COMMANDS: dict[Callable[..., None], str] = {
    sweep: "the main job: temperature sweep, fits, crossover, report",
    resume: "go on with a sweep that was stopped or killed; nothing finished is taken again",
    status: "what a sweep does, or did when it died",
    watch: "the same as a page in a browser, to look at from home",
    check: "connect, identify, read every error queue, verify wiring and limits; moves nothing",
    rehearse: "duration, precision and failures of a plan, before anything is touched",
    histogram: "one histogram at the present temperature",
    calibrate: "from time to current: delay, offset, ramp, measured and dated",
    analyze: "fit a stored sweep, or switching values from elsewhere",
    safe: "source to zero and off, heater off, read back",
    rescue: "put what could not be stored back into its database",
    report: "tables, figures, self-contained HTML",
    simulate: "switching currents straight from the physics",
    init: "write plan, station and sample files to start from",
}
for command, summary in _COMMANDS.items():
    app.command(short_help=summary)(command)
app.add_typer(campaign, name="campaign", short_help="many virtual experiments whose truth is known, in one table")
app.add_typer(course, name="course", short_help="hidden junctions to learn on: data, and marks for what was found")
app.add_typer(bench, name="bench", short_help="the simulated instruments on loopback sockets for any client")


def _show_version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        typer.echo(f"mqtctl {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""
