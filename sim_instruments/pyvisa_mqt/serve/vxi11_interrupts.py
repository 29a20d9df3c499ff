"""VXI-11's interrupt channel: the bench calls its client when an instrument requests service (VXI-11 1.0, B.4.3)."""

from __future__ import annotations

import errno
import math
import socket
import time as wall_time
from collections.abc import Generator

from pyvisa_mqt.serve.rpc import call, packed

__all__ = ["InterruptChannel"]

_SERVICE_REQUEST = 30
#: Wall time in s that the client has to take the connection.
_PATIENCE = 2.0
_UNDER_WAY = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK}


class InterruptChannel:
    """A connection to a client that has offered itself as a server.

    Parameters
    ----------
    where
        Address and port.
    program, version
        What to call there.
    """

    def __init__(self, where: tuple[str, int], program: int, version: int) -> None:
        self._where = where
        self._called = program, version
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)

    def connect(self) -> Generator[float, None, bool]:
        """Connect, going on with whatever else there is to do as long as that takes; return whether it succeeded."""
        deadline = wall_time.monotonic() + _PATIENCE
        while (state := self._socket.connect_ex(self._where)) in _UNDER_WAY and wall_time.monotonic() < deadline:
            yield math.inf
        if state in (0, errno.EISCONN):
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return True
        self.close()
        return False

    def tell(self, handle: bytes) -> bool:
        """Tell the client of a request, by its own name for the link; False if it does not listen any more."""
        message = call(*self._called, _SERVICE_REQUEST, packed(handle))
        try:
            return self._socket.send(message) == len(message)  # nothing is waited for: it has no answer
        except OSError:
            return False

    def close(self) -> None:
        """Close it."""
        self._socket.close()
