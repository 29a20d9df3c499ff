"""Opens sessions to the instruments of a bench in this process, for the VISA library and for hosted clients."""

from __future__ import annotations

from pyvisa import constants, rname
from pyvisa.constants import StatusCode
from pyvisa.typing import VISARMSession

from .bench import Bench
from .sessions import BenchSession, ResourceLock

__all__ = ["open_session"]


def open_session(
    bench: Bench, manager: VISARMSession, name: rname.ResourceName, mode: int, timeout: int
) -> BenchSession | StatusCode:
    """Return a session to an instrument, or why there is none.

    Parameters
    ----------
    bench
        Where the instrument stands.
    manager
        Handle of the resource manager.
    name
        Canonical name of the resource.
    mode
        The lock asked for, a value of `pyvisa.constants.AccessModes`.
    timeout
        How long in ms a client waits for it; it waits in vain, for nobody else acts meanwhile.
    """
    line = bench.lines.get(str(name))
    if line is None or line.down:
        return StatusCode.error_resource_not_found
    lock = bench.locks.setdefault(str(name), ResourceLock())
    opened = BenchSession(manager, name, line, bench.clock, bench.transport(str(name)), lock)
    if mode != constants.AccessModes.no_lock and not opened.acquire(constants.Lock(mode), None):
        opened.wait_for_lock(timeout)
        return StatusCode.error_resource_locked
    return opened
