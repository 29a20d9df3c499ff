"""`mqtctl resume`: go on with a run that was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.options import AlarmOption, JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults

__all__ = ["resume"]


def resume(
    run: Annotated[Path, typer.Argument(help="Folder of a sweep or histogram that was stopped or killed.")],
    plan: Annotated[Path | None, typer.Option("--plan", help="Plan file, if it is not where it was.")] = None,
    json: JsonOption = False,
    alarm_command: AlarmOption = None,
) -> None:
    """Go on where a run was stopped: finished histograms stay, the others are taken; then fit and report the whole."""
    del alarm_command  # the supervisor's
    with reporting_faults():
        from mqtctl.cli.live.progress import watching
        from mqtctl.cli.summary import print_sweep
        from mqtctl.supervision.link import link
        from mqtctl.workflow.resuming import resume as go_on

        with watching() as notify:
            result = go_on(run, plan, notify=notify, alive=link().beat)
        with printing():
            if json:
                print_json(result)
            else:
                print_sweep(result)
