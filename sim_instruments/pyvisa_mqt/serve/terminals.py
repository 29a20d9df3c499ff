"""The pseudo-terminal in front of a serial instrument of a served bench."""

from __future__ import annotations

import os
import sys
import time as wall_time

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.clients import CHUNK, FAREWELL, Client

__all__ = ["NoTerminalError", "SerialClient"]


class NoTerminalError(Exception):
    """There is no pseudo-terminal to be had on this computer; says why."""


def _open_terminal() -> tuple[int, int, str]:
    """Return the bench's and the client's end of a new pseudo-terminal, raw, and the device's path."""
    try:
        import tty  # not on Windows, and needed for serial instruments only

        master, slave = os.openpty()
    except (ImportError, AttributeError):
        raise NoTerminalError(f"there are no pseudo-terminals on {sys.platform}") from None
    except OSError as exc:
        raise NoTerminalError(f"the system gives no pseudo-terminal: {exc.strerror or exc}") from exc
    try:
        device = os.ttyname(slave)
    except OSError as exc:  # a container that was given the kernel's terminals, and not the folder of their names
        os.close(master)
        os.close(slave)
        raise NoTerminalError(f"the system's pseudo-terminal has no name here: {exc.strerror or exc}") from exc
    tty.setraw(slave)  # nothing is echoed
    os.set_blocking(master, False)
    return master, slave, device


class SerialClient(Client):
    """Whoever has opened the pseudo-terminal; it is there for as long as the bench is.

    Raises
    ------
    NoTerminalError
        If there is none to be had.
    """

    def __init__(self, bench: Bench, line: Line, resource: str, *, real_time: bool) -> None:
        #: `device`: path of what a client opens.
        self._master, self._slave, self.device = _open_terminal()
        super().__init__(bench, line, resource, resource, real_time=real_time)
        self._left: float | None = None
        # On Linux the settings stay without the bench's own hold on the client's end, and reading then tells when the
        # last client has closed it. Elsewhere it is held: nobody is seen to leave.
        self._deserted = False
        if sys.platform == "linux":
            os.close(self._slave)
            self._slave = -1
            self._deserted = True

    def fileno(self) -> int:
        """Return the bench's end of the terminal."""
        return self._master

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more, and somebody who may send it."""
        return super().wants_to_read and not self._deserted

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for a client that is there."""
        return super().wants_to_write and not self._deserted

    def look(self) -> None:
        """See whether somebody has opened the terminal: no event tells."""
        if self._deserted:
            self.receive()

    def receive(self) -> None:
        """Take what has arrived; the instrument finds its messages in it."""
        try:
            data = os.read(self._master, CHUNK)
        except BlockingIOError:
            self._deserted = False
            return
        except OSError:  # the last client has closed it
            if not self._deserted:
                self._deserted, self._left = True, wall_time.monotonic()
            return
        if data:
            self._waiting.append(data)

    def take_leave(self) -> None:
        """Abandon what a client that is gone was waiting for, once it takes too long: the next one finds the port free.

        What it had sent behind that is dropped at once; quick replies stay for whoever opens the terminal next.
        """
        if self._left is None:
            return
        mine = self.line.instrument.busy and self._session.answered
        if mine and self._deserted:
            self._waiting.clear()
        if mine and wall_time.monotonic() - self._left <= FAREWELL:
            return
        self._left = None
        if mine:
            self.line.instrument.clear()

    def _transmit(self, data: bytes) -> int:
        return os.write(self._master, data)

    def lose(self) -> None:
        """Drop what was on its way; the terminal stays, and works again once the fault is over."""
        self._waiting.clear()
        self._outgoing.clear()
        if not self.line.down:
            self._session = self._new_session()

    def send(self) -> None:
        """Send what waits; a terminal that nobody reads keeps it."""
        super().send()
        self.open = True

    def close(self) -> None:
        """Remove the device."""
        super().close()
        os.close(self._master)
        if self._slave >= 0:
            os.close(self._slave)
