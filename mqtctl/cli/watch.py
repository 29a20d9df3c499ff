"""`mqtctl watch`: a status page to look at from home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mqtctl.cli.outcome import reporting_faults, tell

__all__ = ["watch"]


def watch(
    run: Annotated[
        Path | None, typer.Argument(help="Folder of a run [default: the newest one under mqtctl-runs].")
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; one that others can reach asks them for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen at; 0 is any free one.")] = 8765,
) -> None:
    """Serve a read-only page of a run until Ctrl-C: whether all is well, outputs, bath, histogram, points, time left.

    It may be started and ended at any time, while the run goes on and after it died.
    """
    with reporting_faults():
        from mqtctl.errors import InputError
        from mqtctl.supervision.standing import newest_run

        try:
            from mqtctl.status_server.server import serve
        except ModuleNotFoundError as exc:
            if (exc.name or "").partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
                raise
            raise InputError(
                f"the status page needs {exc.name}, which is not installed: `pip install 'mqtctl[watch]'`"
            ) from exc
        folder = run or newest_run()
        serve(folder, host, port, lambda address: tell(f"{folder} is shown at {address} until Ctrl-C"))
