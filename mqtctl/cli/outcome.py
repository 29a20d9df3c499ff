"""How a command ends: results on stdout, one sentence on stderr and the contract's exit code for a fault."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import signal
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import typer

from mqtctl.errors import InputError, InterruptedRunError, MqtctlError, StorageError

__all__ = ["parse_option", "print_json", "printing", "reporting_faults", "tell"]

#: What a write says when its reader has gone: a closed pipe, a terminal that hung up. Windows says EINVAL for a pipe.
_NOBODY_READS = {errno.EPIPE, errno.EIO} | ({errno.EINVAL} if sys.platform == "win32" else set())


@contextmanager
def reporting_faults() -> Iterator[None]:
    """Turn mqtctl's errors into one sentence on stderr and an exit code; anything else is a bug and shows itself."""
    # drivers and QCoDeS log whole tracebacks of faults that are reported here in one sentence
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        yield
    except InterruptedRunError as exc:
        tell(f"mqtctl: {_sentence(exc)}")
        raise typer.Exit(128 + exc.signal_number) from exc
    except MqtctlError as exc:
        tell(f"mqtctl: {_sentence(exc)}")
        raise typer.Exit(exc.exit_code) from exc
    except KeyboardInterrupt as exc:
        tell("mqtctl: interrupted")
        raise typer.Exit(128 + signal.SIGINT) from exc
    finally:
        for stream in (sys.stdout, sys.stderr):
            if _broken(stream):
                _let_go(stream)


@contextmanager
def printing() -> Iterator[None]:
    """Print results on stdout within the block.

    Whoever reads them may leave (`| head`, a terminal that is gone): what is left is not printed, and the command ends
    as if they had stayed.

    Raises
    ------
    StorageError
        They cannot be written for another reason, such as a full disk.
    """
    try:
        yield
        _flush(sys.stdout)  # here, and not when the interpreter ends
    except OSError as exc:
        if exc.errno not in _NOBODY_READS:
            raise StorageError(
                f"the results could not be written on stdout ({exc.strerror}); send them to another place"
            ) from exc


def tell(sentence: str) -> None:
    """Write a sentence on stderr; where nobody can read it any more, nobody is told."""
    with suppress(OSError):
        typer.echo(_folded(sentence), err=True)


def _folded(sentence: str) -> str:
    """Break a sentence between its words where a terminal would break it within them; a command stays in one piece."""
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError, AttributeError):  # no terminal, or none any more
        return sentence
    whole = re.sub(r"`[^`]*`", lambda match: match[0].replace(" ", "\0"), sentence)
    lines = textwrap.wrap(whole, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def _flush(stream: TextIO | None) -> None:
    """Write what a stream still holds; None is one that was closed before we began."""
    if stream is not None and not stream.closed:
        stream.flush()


def _broken(stream: TextIO | None) -> bool:
    """Return whether a stream cannot write what it still holds."""
    try:
        _flush(stream)
    except OSError:
        return True
    return False


def _let_go(stream: TextIO) -> None:
    """Send the rest to nowhere: Python would try again at its end, and exit with a code of its own (120)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


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
