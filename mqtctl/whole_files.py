"""Writes a file so that nobody ever sees half of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["whole_file", "write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, through a temporary one that is nobody else's; raises `OSError`."""
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Hold a temporary file that takes the place of `path` at the end of the block, if that ends well."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    file = partial.open("xb")
    try:
        with file:
            yield file
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
