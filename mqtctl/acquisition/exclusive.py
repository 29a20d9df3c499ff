"""One process at a time on a real bench: a lock of the operating system on the set of addresses."""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mqtctl.errors import BenchBusyError

__all__ = ["exclusive"]


@contextmanager
def exclusive(addresses: Iterable[str]) -> Iterator[None]:
    """Hold every one of these VISA addresses for as long as the block runs.

    The lock is the operating system's: it goes with the process, however that ends, and nothing has
    to be cleaned up. Addresses are taken in order, so that two processes cannot wait for each other.

    Raises
    ------
    BenchBusyError
        Another process holds one of them; the message names it.
    """
    handles: list[int] = []
    try:
        for address in sorted(set(addresses)):
            handles.append(_take(address))
        yield
    finally:
        for handle in handles:
            os.close(handle)


def _take(address: str) -> int:
    """Lock one address and return the open file."""
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"mqtctl-{name}.lock"
    # a lock of another user must be seen too, so everybody may open the file
    previous = os.umask(0)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    finally:
        os.umask(previous)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        owner = os.read(handle, 200).decode(errors="replace").strip() or "another process"
        os.close(handle)
        raise BenchBusyError(f"{address} is in use by {owner}; wait until it is done or stop it") from exc
    os.ftruncate(handle, 0)
    os.write(handle, f"{getpass.getuser()}, process {os.getpid()}".encode())
    return handle
