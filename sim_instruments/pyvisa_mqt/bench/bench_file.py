"""Reads a bench file: plain YAML, validated, every error one sentence with the file and the dotted key."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from mqtctl.bench_description import BenchFile
from mqtctl.documents import load_document
from mqtctl.errors import InputError

__all__ = ["BenchFileError", "load_bench_file", "split_query"]

_BUILTIN = Path(__file__).parents[1] / "benches"


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


def split_query(path: str) -> tuple[str, dict[str, Any]]:
    """Split "bench.yaml?seed=7&transcript=run.jsonl" into the name and what it changes in the file.

    Raises
    ------
    BenchFileError
        If something else than a seed, a transcript and a speed, each once, follows the question mark.
    """
    name, mark, query = path.partition("?")
    changes: dict[str, Any] = {}
    for item in query.split("&") if mark else []:
        seed = re.fullmatch(r"seed=(\d{1,18})", item)
        transcript = re.fullmatch(r"transcript=(.+)", item)
        speed = re.fullmatch(r"speed=(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})", item, re.ASCII)
        if seed is not None and "seed" not in changes:
            changes["seed"] = int(seed[1])
        elif transcript is not None and "transcript" not in changes:
            changes["transcript"] = transcript[1]
        elif speed is not None and "speed" not in changes and 0.0 < float(speed[1]) < math.inf:
            changes["speed"] = float(speed[1])
        else:
            raise BenchFileError(
                f"{path}: {item!r} is not understood; only a seed, a transcript and a speed above 0, each once, may "
                "follow the '?', such as '?seed=7' or '?seed=7&transcript=run.jsonl' or '?speed=1'"
            )
    return name, changes
