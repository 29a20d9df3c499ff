"""How a command ends: results on stdout, one sentence on stderr and the contract's exit code for a fault."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from mqtctl.errors import InputError, InterruptedRunError, MqtctlError

__all__ = ["parse_option", "print_json", "reporting_faults"]


@contextmanager
def reporting_faults() -> Iterator[None]:
    """Turn mqtctl's errors into one sentence on stderr and an exit code; anything else is a bug and shows itself."""
    # drivers and QCoDeS log whole tracebacks of faults that are reported here in one sentence
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        yield
    except InterruptedRunError as exc:
        typer.echo(f"mqtctl: {_sentence(exc)}", err=True)
        raise typer.Exit(128 + exc.signal_number) from exc
    except MqtctlError as exc:
        typer.echo(f"mqtctl: {_sentence(exc)}", err=True)
        raise typer.Exit(exc.exit_code) from exc
    except KeyboardInterrupt as exc:
        typer.echo("mqtctl: interrupted", err=True)
        raise typer.Exit(128 + signal.SIGINT) from exc
    except BrokenPipeError as exc:  # whoever read our output has gone, such as `| head`
        sys.stderr.close()
        raise typer.Exit(1) from exc


def _sentence(exc: MqtctlError) -> str:
    """Return an error in one line, with what was added to it on its way: how far a measurement came, and what now."""
    return "; ".join(" ".join(text.split()) for text in (str(exc), *getattr(exc, "__notes__", ())))


def parse_option(name: str, text: str, base: str) -> float:
    """Return an option's quantity in its base unit; a fault names the option."""
    from mqtctl.quantities import parse_quantity

    try:
        return parse_quantity(text, base)
    except InputError as exc:
        raise InputError(f"--{name.replace('_', '-')}: {exc}") from exc


def print_json(result: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.dumps(result, allow_nan=False))
