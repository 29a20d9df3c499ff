"""Reads a bench file: plain YAML, validated, every error one sentence with the file and the dotted key."""

from __future__ import annotations

from pathlib import Path

from mqtctl.documents import load_document
from mqtctl.errors import InputError

from .bench_schema import BenchFile

__all__ = ["BenchFileError", "load_bench_file"]

_BUILTIN = Path(__file__).parent / "benches"


class BenchFileError(ValueError):
    """A bench file is missing, unreadable or wrong; the message is one sentence naming file and key."""


def load_bench_file(name: str) -> tuple[BenchFile, Path]:
    """Read and validate a bench file.

    Parameters
    ----------
    name
        Path of a file, the name of a built-in bench, or "" for the standard one.

    Raises
    ------
    BenchFileError
        If there is no such file or it is wrong.
    """
    path = _locate(name)
    try:
        return load_document(path, BenchFile), path
    except InputError as exc:
        raise BenchFileError(str(exc)) from exc


def _locate(name: str) -> Path:
    """Return the path of a file or built-in bench."""
    builtin = {p.stem: p for p in sorted(_BUILTIN.glob("*.yaml"))}
    if name in ("", "built-in"):
        return builtin["builtin"]
    if name in builtin:
        return builtin[name]
    path = Path(name).expanduser()
    if not path.is_file():
        names = ", ".join(builtin)
        raise BenchFileError(f"{name}: no such bench file; give an existing file or a built-in bench ({names})")
    return path
