"""One connection of a served bench: its socket, and what waits to be sent; what is said on it is for others to know."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod

__all__ = ["Connection"]


class Connection(ABC):
    """The bench's end of a socket, of which nothing is ever waited for.

    Parameters
    ----------
    connection
        The socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.open = True
        self._socket = connection
        self._file = connection.fileno()
        connection.setblocking(False)
        if connection.type == socket.SOCK_STREAM:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._outgoing = bytearray()

    def fileno(self) -> int:
        """Return the socket's file, also once it is closed."""
        return self._file

    @property
    @abstractmethod
    def wants_to_read(self) -> bool:
        """Whether there is room for more."""

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the client."""
        return bool(self._outgoing)

    @abstractmethod
    def receive(self) -> None:
        """Take what has arrived; a client that is gone is no longer `open`."""

    def send(self) -> None:
        """Send what waits for the client, as far as it takes it."""
        try:
            sent = self._socket.send(self._outgoing)
        except BlockingIOError:
            return
        except OSError:
            self.open = False
            return
        del self._outgoing[:sent]

    def close(self) -> None:
        """Close the socket."""
        self.open = False
        self._socket.close()
