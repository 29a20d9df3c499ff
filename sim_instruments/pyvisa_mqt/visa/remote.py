"""A bench in another process, as this one's VISA library sees it: `pyvisa.ResourceManager("serve:PORT@mqt")`.

The virtual time is kept over there, one for all processes; messages and waits of each let it pass.
"""

from __future__ import annotations

import contextlib
import math
import re
import socket
import threading
from datetime import datetime
from typing import Any

from pyvisa import constants
from pyvisa.constants import EventMechanism, ResourceAttribute, StatusCode

from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.time_and_signals.clock import SleepingClock
from pyvisa_mqt.visa.frames import Frames, pack

__all__ = ["RemoteBench", "RemoteClock", "RemoteFault", "RemoteSession", "is_remote"]

#: Longest wall time in s for one answer: a virtual week of the largest bench.
_PATIENCE = 600.0


def is_remote(path: str) -> bool:
    """Whether a library path means a bench in another process."""
    return path.startswith("serve:")


class _Connection:
    """Requests and answers, one after the other."""

    def __init__(self, path: str) -> None:
        found = re.fullmatch(r"serve:(\d{1,5})", path)
        if found is None or not 0 < int(found[1]) < 65536:
            raise BenchFileError(
                f"{path}: not understood; write serve:PORT with the port that `mqtctl bench serve --virtual` printed "
                "(seed and transcript are given there)"
            )
        try:
            self._socket = socket.create_connection(("127.0.0.1", int(found[1])), timeout=_PATIENCE)
        except OSError as exc:
            raise BenchFileError(f"{path}: no bench is served at this port ({exc.strerror or exc})") from exc
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._frames = Frames()
        self.lock = threading.RLock()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Return what the bench answers.

        Raises
        ------
        ConnectionError
            If the bench is gone.
        ValueError
            If it refuses.
        """
        with self.lock:
            try:
                self._socket.sendall(pack({"do": do, **arguments}))
                answer = self._answer()
            except OSError as exc:
                raise ConnectionError(f"the served bench is gone ({exc}); serve it again") from exc
        if "error" in answer:
            raise ValueError(str(answer["error"]))
        return answer.get("result")

    def _answer(self) -> dict[str, Any]:
        while True:
            data = self._socket.recv(1 << 18)
            if not data:
                raise ConnectionResetError("it has closed the connection")
            answers = self._frames.feed(data)
            if answers:
                return answers[0]

    def close(self) -> None:
        """Let the bench go."""
        self._socket.close()


class RemoteClock(SleepingClock):
    """The virtual clock of the bench in the other process."""

    def __init__(self, connection: _Connection) -> None:
        super().__init__(connection.lock)
        self._connection = connection

    def now(self) -> float:
        """Return the bench time in s."""
        return float(self._connection.ask("now"))

    def advance_to(self, time: float) -> None:
        """Let time pass until bench time `time` (s)."""
        self._connection.ask("advance_to", time=time)

    def utc(self) -> datetime:
        """Return the bench's calendar time."""
        return datetime.fromisoformat(self._connection.ask("utc"))


class RemoteFault:
    """A fault on the bench in the other process."""

    def __init__(self, connection: _Connection, number: int) -> None:
        self._connection = connection
        self._number = number

    @property
    def strikes(self) -> int:
        """How often it has struck."""
        return int(self._connection.ask("strikes", number=self._number))

    def clear(self) -> None:
        """Put it right again, and let it happen no more."""
        self._connection.ask("clear_fault", number=self._number)


class _RemoteFaults:
    """What goes wrong on the bench in the other process; see `faults.Faults`."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def inject(self, kind: str, **parameters: object) -> RemoteFault:
        """Plan a fault from now on, and return it; raises ValueError if it makes no sense."""
        return RemoteFault(self._connection, int(self._connection.ask("inject", kind=kind, parameters=parameters)))

    def clear(self) -> None:
        """Put everything right again."""
        self._connection.ask("clear_faults")


class RemoteSession:
    """A session over there; its methods are those of `sessions.BenchSession`."""

    def __init__(self, connection: _Connection, number: int) -> None:
        self._connection = connection
        self._number = number

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._connection.ask("call", session=self._number, method=method, arguments=list(arguments))

    def _exchange(self, method: str, *arguments: Any, empty: Any) -> tuple[Any, StatusCode]:
        """Return what comes back and a status; `empty` with an error if the bench is gone."""
        try:
            value, status = self._call(method, *arguments)
        except ConnectionError:
            return empty, StatusCode.error_connection_lost
        return value, StatusCode(status)

    def _status(self, method: str, *arguments: Any) -> StatusCode:
        try:
            return StatusCode(self._call(method, *arguments))
        except ConnectionError:
            return StatusCode.error_connection_lost

    def _tell(self, method: str, *arguments: Any) -> bool:
        """Return what comes back; False from a bench that is gone, which has nothing left to tell or to close."""
        with contextlib.suppress(ConnectionError):
            return bool(self._call(method, *arguments))
        return False

    def close(self) -> None:
        """Close it, if the bench is still there."""
        with contextlib.suppress(ConnectionError, ValueError):
            self._connection.ask("close", session=self._number)

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        """Fetch at most `count` bytes."""
        return self._exchange("read", count, empty=b"")

    def write(self, data: bytes) -> tuple[int, StatusCode]:
        """Send bytes to the instrument."""
        return self._exchange("write", bytes(data), empty=0)

    def clear(self) -> StatusCode:
        """Send a device clear."""
        return self._status("clear")

    def discard_input(self) -> StatusCode:
        """Throw away what has arrived and was not read."""
        return self._status("discard_input")

    def read_stb(self) -> tuple[int, StatusCode]:
        """Do a serial poll."""
        return self._exchange("read_stb", empty=0)

    def assert_trigger(self) -> StatusCode:
        """Send a group execute trigger."""
        return self._status("assert_trigger")

    def enable_service_requests(self, mechanism: EventMechanism) -> bool:
        """Note service requests from now on; return whether they were noted already."""
        return bool(self._call("enable_service_requests", int(mechanism)))

    def disable_service_requests(self, mechanism: EventMechanism) -> bool:
        """Note none from now on; return whether they were noted until now."""
        return self._tell("disable_service_requests", int(mechanism))

    def discard_service_requests(self, mechanism: EventMechanism) -> bool:
        """Forget those that were noted; return whether there were any."""
        return self._tell("discard_service_requests", int(mechanism))

    def take_service_request(self) -> bool:
        """Take the next service request that is for the session's handlers; False if there is none."""
        return self._tell("take_service_request")

    def next_event(self) -> float:
        """Return inf: what happens next over there is looked up in steps."""
        return math.inf

    def wait_service_request(self, milliseconds: int) -> StatusCode:
        """Wait in virtual time for a service request."""
        return self._status("wait_service_request", milliseconds)

    def acquire(self, kind: constants.Lock, key: str | None, milliseconds: int) -> StatusCode:
        """Take a lock."""
        return self._status("acquire", int(kind), key, milliseconds)

    def release(self) -> StatusCode:
        """Give back the latest lock."""
        return self._status("release")

    def lock_key(self) -> str:
        """Return the key of the shared lock."""
        return str(self._call("lock_key"))

    def get_attribute(self, attribute: ResourceAttribute) -> tuple[Any, StatusCode]:
        """Return an attribute's value and a status."""
        return self._exchange("get_attribute", int(attribute), empty=0)

    def set_attribute(self, attribute: ResourceAttribute, attribute_state: Any) -> StatusCode:
        """Set an attribute and return a status."""
        return self._status("set_attribute", int(attribute), attribute_state)


class RemoteBench:
    """A bench in another process.

    Parameters
    ----------
    path
        "serve:PORT".

    Attributes
    ----------
    clock, faults
        Its virtual time, and what goes wrong on it.
    lines
        Canonical VISA resource names.

    Raises
    ------
    BenchFileError
        If no bench is served there.
    """

    def __init__(self, path: str) -> None:
        self._connection = _Connection(path)
        try:
            greeting = self._connection.ask("hello")
        except (ConnectionError, ValueError) as exc:
            raise BenchFileError(f"{path}: what answers at this port is no bench in virtual time ({exc})") from exc
        self.lines: tuple[str, ...] = tuple(greeting["resources"])
        self.clock = RemoteClock(self._connection)
        self.faults = _RemoteFaults(self._connection)

    def open(self, name: str, mode: int, timeout: int) -> RemoteSession | StatusCode:
        """Return a session to an instrument, or why there is none."""
        answer = self._connection.ask("open", name=name, mode=mode, timeout=timeout)
        status = StatusCode(answer["status"])
        return RemoteSession(self._connection, answer["session"]) if status == StatusCode.success else status

    def __del__(self) -> None:
        # PyVISA has no place to close a library: the connection ends with the last reference to it.
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()
