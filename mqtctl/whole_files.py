"""Writes a file so that nobody ever sees half of it."""

from __future__ import annotations

import uuid
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, through a temporary one that is nobody else's; raises `OSError`."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    file = partial.open("xb")
    try:
        with file:
            file.write(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
