"""What a supervisor hears its worker with: a socket that is handed down, or one on this computer's own network.

Windows hands no descriptors down that Python could use, and a signal there ends a process on the spot. The worker then
connects to a port of its supervisor, with a word that nobody else knows, and is asked to stop on the same way.
"""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress

__all__ = ["HANDLE_NAME", "Ear", "hands_down", "own_end"]

#: Environment variable in which a worker finds its end: a descriptor, or a port and the word that opens it.
HANDLE_NAME = "MQTCTL_SUPERVISOR"
_LOOPBACK = "127.0.0.1"
#: Bytes of the word, as hexadecimal digits; and how long (s) whoever connects may take to say it.
_WORD, _PATIENCE = 32, 2.0
_CHUNK = 65536


def hands_down() -> bool:
    """Return whether this system hands descriptors down to a process, and has signals that a process may answer."""
    return hasattr(os, "fork")


class Ear:
    """The supervisor's end.

    Attributes
    ----------
    address
        What the worker is to find in its environment.
    inherited
        Descriptors that are to be handed down to it.
    """

    def __init__(self) -> None:
        self._worker: socket.socket | None = None
        self._early = b""
        if hands_down():
            self._worker, self._theirs = socket.socketpair()
            self.inherited: tuple[int, ...] = (self._theirs.fileno(),)
            self.address = str(self._theirs.fileno())
        else:
            self._theirs = socket.create_server((_LOOPBACK, 0))
            self._word = secrets.token_hex(_WORD // 2)
            self.inherited = ()
            self.address = f"{self._theirs.getsockname()[1]}:{self._word}"

    def begun(self) -> None:
        """Leave the other end to the worker, which has been started."""
        if self._worker is not None:
            self._theirs.close()

    def hear(self, longest: float) -> bytes | None:
        """Return what the worker wrote, b"" at the end of that, None if there is nothing within `longest` (s)."""
        try:
            if self._worker is None:
                self._theirs.settimeout(longest)
                self._worker = self._let_in(self._theirs.accept()[0])
            if self._worker is None:
                return None
            self._worker.settimeout(longest)
            return self._worker.recv(_CHUNK)
        except (TimeoutError, BlockingIOError):
            return None
        except ConnectionError:  # it was killed, and took back what was on its way
            return b""

    def _let_in(self, caller: socket.socket) -> socket.socket | None:
        """Return the connection of who knows the word."""
        caller.settimeout(_PATIENCE)
        said = b""
        with suppress(OSError):
            while len(said) < _WORD and (more := caller.recv(_WORD - len(said))):
                said += more
            if secrets.compare_digest(said, self._word.encode()):
                self._theirs.close()
                caller.sendall(self._early)
                return caller
        caller.close()
        return None

    def ask(self, number: int) -> bool:
        """Ask the worker to take a signal; returns False where signals themselves are the way. Raises `OSError`."""
        if self.inherited:
            return False
        if self._worker is None:
            self._early += bytes([number])
        else:
            self._worker.sendall(bytes([number]))
        return True

    def close(self) -> None:
        """Listen no more."""
        self._theirs.close()
        if self._worker is not None:
            self._worker.close()


def own_end(address: str) -> socket.socket:
    """Return the worker's end; raises `OSError` if the supervisor is gone."""
    port, colon, word = address.partition(":")
    if not colon:
        return socket.socket(fileno=int(address))
    end = socket.create_connection((_LOOPBACK, int(port)), timeout=_PATIENCE)
    end.sendall(word.encode())
    return end
