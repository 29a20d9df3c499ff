"""`mqtctl status`: how a run stands, from any other process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import print_json, printing, reporting_faults

__all__ = ["status"]

#: With --watch the status is read so often, in s.
_EVERY = 2.0


def status(
    run: Annotated[
        Path | None, typer.Argument(help="Folder of a run [default: the newest one under mqtctl-runs].")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until the run ends, or Ctrl-C.")] = False,
    json: JsonOption = False,
) -> None:
    """Say what a sweep does, or did when it died: point, temperature, switches, outputs as last confirmed, alarms."""
    with reporting_faults():
        from mqtctl.clock import WallClock
        from mqtctl.supervision.standing import newest_run, standing

        folder = run or newest_run()
        while True:
            found = standing(folder)
            with printing():
                if json:
                    print_json(found)
                else:
                    typer.echo("\n".join(lines(found, datetime.now(UTC))))
            if not watch or found["state"] != "running":
                break
            WallClock().sleep(_EVERY)


def lines(found: dict[str, Any], now: datetime) -> list[str]:
    """Return a status in words: first whether all is well."""
    from mqtctl.notation import rough_duration
    from mqtctl.quantities import readable

    age = (now - datetime.fromisoformat(found["updated"])).total_seconds()
    told = [f"{found['state']}: {found['folder']} ({found['command']})"]
    if found["simulated"]:
        told.insert(0, f"SIMULATED bench, seed {found['seed']}")
    if found["alarm"]:
        told.insert(0, f"ALARM: {found['alarm']}")
    if found["point"] is not None:
        left = "" if found["left_s"] is None else f", about {rough_duration(found['left_s'])} of laboratory time left"
        doing = f"{found['phase']}, " if found["state"] == "running" else ""
        told.append(f"  {doing}point {found['point'] + 1} of {found['points']}{left}")
    current = found["current"]
    if current.get("temperature_K") is not None:
        target = "" if current.get("target_K") is None else f", set point {readable(current['target_K'], 'K')}"
        told.append(f"  bath {readable(current['temperature_K'], 'K')}{target}")
    if current.get("switches"):
        told.append(f"  {current['switches']} of {current['wanted']} switches")
    told.append(f"  {len(found['finished'])} histograms finished")
    if found.get("skipped"):
        told.append(f"  {len(found['skipped'])} points skipped")
    since = f" since {found['outputs_since']}" if found["outputs_since"] else ""
    told.append(f"  source and heater: {found['outputs']}{since}")
    told.append(f"  last heard {rough_duration(max(age, 0.0))} ago, {found['updated']}")
    told += [f"  note: {remark['text']}" for remark in found["remarks"][-3:]]
    return told
