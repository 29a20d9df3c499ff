"""`mqtctl bench serve`: the simulated instruments for any client."""

from __future__ import annotations

from typing import Annotated

import typer

from mqtctl.cli.options import JsonOption
from mqtctl.cli.outcome import reporting_faults

__all__ = ["bench"]

bench = typer.Typer(no_args_is_help=True, help="The simulated bench on its own.")


@bench.callback()
def _bench() -> None:
    """Keep `serve` a command of its own, also while it is the only one."""


@bench.command(short_help="put the simulated instruments on sockets")
def serve(
    bench: Annotated[str, typer.Argument(help="Bench file, or the name of a built-in bench.")] = "built-in",
    *,
    as_json: JsonOption = False,
    speed: Annotated[float | None, typer.Option(help="Bench seconds per second [default: 1].")] = None,
    virtual: Annotated[
        bool, typer.Option("--virtual", help="Virtual time: it passes with messages and waits only.")
    ] = False,
    port_base: Annotated[int, typer.Option(help="Port of the first instrument, the others follow; 0: any.")] = 0,
    host: Annotated[
        str, typer.Option(help="Address at which the instruments listen; 0.0.0.0: every one of this computer's.")
    ] = "127.0.0.1",
    vxi11: Annotated[
        bool, typer.Option("--vxi11", help="VXI-11, too; takes port 111, or asks the port mapper that has it.")
    ] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed in place of the one in the bench file.")] = None,
) -> None:
    """Put the simulated instruments on sockets, print where each one is, serve until interrupted."""
    with reporting_faults():
        from mqtctl.errors import InputError

        if virtual and speed is not None:
            raise InputError("--speed has no meaning in virtual time; leave out --speed or --virtual")
        path = bench if seed is None else f"{bench}{'&' if '?' in bench else '?'}seed={seed}"
        # The command line is no experiment: it alone may reach the bench otherwise than by VISA bytes.
        from pyvisa_mqt.serve import program
    pace = None if virtual else 1.0 if speed is None else speed
    raise typer.Exit(program.serve(path, speed=pace, port_base=port_base, host=host, vxi11=vxi11, as_json=as_json))
