"""Opens sessions to the instruments of a bench in this process, for the VISA library and for hosted clients."""

from __future__ import annotations

from collections.abc import Iterable

from pyvisa import constants, rname
from pyvisa.constants import StatusCode
from pyvisa.typing import VISARMSession

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.visa.sessions import BenchSession

__all__ = ["canonical_name", "open_session"]

_CLASSES = frozenset({"INSTR", "SOCKET", "RAW", "INTFC", "BACKPLANE", "SERVANT"})


def canonical_name(text: str, known: Iterable[str]) -> rname.ResourceName:
    """Return the resource that a text means, spelt as on the bench: VISA takes capitals and small letters as the same.

    Parameters
    ----------
    text
        What a client calls the resource.
    known
        Canonical names of what there is.

    Raises
    ------
    pyvisa.rname.InvalidResourceName
        If this is no resource name.
    """
    parts = [part.upper() if part.upper() in _CLASSES else part for part in text.split("::")]
    if len(parts) > 2 and parts[-1] == parts[-2]:  # PyVISA itself puts INSTR behind an instr that it does not know
        parts.pop()
    name = str(rname.parse_resource_name("::".join(parts)))
    spelt = next((one for one in known if one.casefold() == name.casefold()), name)
    return rname.parse_resource_name(spelt)


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
    opened = BenchSession(manager, name, line, bench.clock, bench.transport(str(name)), bench.locks[str(name)])
    mode &= ~constants.VI_LOAD_CONFIG  # nothing is configured outside the bench file
    if mode not in set(constants.AccessModes):
        return StatusCode.error_invalid_access_mode
    if mode != constants.AccessModes.no_lock and opened.acquire(constants.Lock(mode), None, timeout) < 0:
        return StatusCode.error_resource_locked
    return opened
