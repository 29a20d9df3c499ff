"""Processes that a Ctrl-C at the terminal does not reach, and their end with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from typing import TypedDict

__all__ = ["APART", "end_with_children"]


class _Apart(TypedDict):
    process_group: int
    creationflags: int


#: Arguments of `subprocess.Popen`: each system takes its own and leaves the other alone.
APART: _Apart = {"process_group": 0, "creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}


def end_with_children(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that was started with `APART`, and all that it started."""
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        return
    import psutil

    with suppress(psutil.Error):
        found = psutil.Process(process.pid)
        for one in (*found.children(recursive=True), found):
            with suppress(psutil.Error):
                one.kill()
