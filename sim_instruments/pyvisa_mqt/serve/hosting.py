"""The bench's side of "serve:PORT@mqt": executes what the VISA libraries of other processes ask for.

Every request is one frame (`wire`) with `do` and its arguments, every answer one frame with `result` or `error`.
All clients share the bench's one virtual clock; a wait of any of them lets time pass for all.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from typing import Any

from pyvisa import constants, rname
from pyvisa.constants import EventMechanism, ResourceAttribute, StatusCode
from pyvisa.typing import VISARMSession

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.bench.faults import Fault
from pyvisa_mqt.serve.connections import Connection
from pyvisa_mqt.visa.connecting import open_session
from pyvisa_mqt.visa.frames import Frames, pack
from pyvisa_mqt.visa.sessions import BenchSession

__all__ = ["HostedClient"]

_CHUNK = 1 << 18
_MOST_BYTES = 1 << 27
#: Longest wait in s of bench time in one request: a year.
_LONGEST = 3.2e7


class HostedClient(Connection):
    """One process that uses the bench.

    Parameters
    ----------
    bench
        The bench.
    connection
        The socket at whose other end the process is.
    on_failure
        Called with what was asked and the exception when the bench fails.
    """

    def __init__(self, bench: Bench, connection: socket.socket, on_failure: Callable[[str, Exception], None]) -> None:
        super().__init__(connection)
        self._on_failure = on_failure
        self._bench = bench
        self._frames = Frames()
        self._requests: list[dict[str, Any]] = []
        self._sessions: dict[int, BenchSession] = {}
        self._faults: list[Fault] = []
        self._opened = 0
        self._actions: dict[str, Callable[..., Any]] = {
            "hello": self._hello,
            "now": bench.clock.now,
            "utc": lambda: bench.clock.utc().isoformat(),
            "sleep": self._sleep,
            "advance_to": self._advance_to,
            "open": self._open,
            "close": self._close_session,
            "call": self._call,
            "inject": self._inject,
            "clear_fault": self._clear_fault,
            "clear_faults": bench.faults.clear,
            "strikes": self._strikes,
        }

    @property
    def wants_to_read(self) -> bool:
        """Whether there is room for more."""
        return len(self._outgoing) < _MOST_BYTES

    def receive(self) -> None:
        """Take what has arrived; whoever sends something else than frames is not listened to any more."""
        try:
            data = self._socket.recv(_CHUNK)
            if data:
                self._requests += self._frames.feed(data)
            else:
                self.open = False
        except BlockingIOError:
            return
        except (OSError, ValueError):
            self.open = False

    def execute(self) -> None:
        """Do what was asked, in order."""
        for request in self._requests:
            self._outgoing += self._answer(request)
        self._requests.clear()

    def _answer(self, request: dict[str, Any]) -> bytes:
        """Return the frame that answers a request."""
        name, arguments = request.pop("do", None), request
        action = self._actions.get(name) if isinstance(name, str) else None
        if action is None:
            return pack({"error": f"{name!r} is nothing that a hosted bench does"})
        try:
            return pack({"result": action(**arguments)})
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
            # Whatever a wrong argument leads to; a client's mistake must not end the bench for the others.
            return pack({"error": " ".join(str(exc).split()) or type(exc).__name__})
        except Exception as exc:  # a defect of an instrument must not end the bench for the others either
            self._on_failure(f"request {name!r}", exc)
            return pack({"error": f"the bench failed: {' '.join(str(exc).split()) or type(exc).__name__}"})

    def close(self) -> None:
        """End it: its sessions close, and their locks are given back."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        super().close()

    # What can be asked for.

    def _hello(self) -> dict[str, Any]:
        return {"resources": list(self._bench.lines), "names": {x.name: r for r, x in self._bench.lines.items()}}

    def _sleep(self, duration: float) -> float:
        if not 0.0 <= duration <= _LONGEST:
            raise ValueError(f"cannot sleep for {duration} s; give 0 to {_LONGEST:g} s")
        self._bench.clock.sleep(duration)
        return self._bench.clock.now()

    def _advance_to(self, time: float) -> float:
        now = self._bench.clock.now()
        return self._sleep(max(time - now, 0.0)) if math.isfinite(time) else now

    def _open(self, name: str, mode: int, timeout: int) -> dict[str, Any]:
        session = open_session(self._bench, VISARMSession(0), rname.parse_resource_name(name), mode, timeout)
        if isinstance(session, StatusCode):
            return {"status": int(session)}
        self._opened += 1
        self._sessions[self._opened] = session
        return {"status": int(StatusCode.success), "session": self._opened}

    def _close_session(self, session: int) -> None:
        self._sessions.pop(session).close()

    def _call(self, session: int, method: str, arguments: list[Any]) -> Any:
        if method not in _METHODS:
            raise ValueError(f"{method!r} is nothing that a session does")
        converted = [convert(value) for convert, value in zip(_METHODS[method], arguments, strict=True)]
        result = getattr(self._sessions[session], method)(*converted)
        return list(result) if isinstance(result, tuple) else result

    def _inject(self, kind: str, parameters: dict[str, Any]) -> int:
        self._faults.append(self._bench.faults.inject(kind, **parameters))
        return len(self._faults) - 1

    def _clear_fault(self, number: int) -> None:
        self._faults[number].clear()

    def _strikes(self, number: int) -> int:
        return self._faults[number].strikes


def _data(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} cannot be written to an instrument; send bytes")
    return value


def _key(value: Any) -> str | None:
    return None if value is None else str(value)


#: What a session does for another process, and what makes its arguments of what was sent.
_METHODS: dict[str, tuple[Callable[[Any], Any], ...]] = {
    "acquire": (constants.Lock, _key, int),
    "assert_trigger": (),
    "clear": (),
    "disable_service_requests": (EventMechanism,),
    "discard_input": (),
    "discard_service_requests": (EventMechanism,),
    "enable_service_requests": (EventMechanism,),
    "get_attribute": (ResourceAttribute,),
    "lock_key": (),
    "read": (int,),
    "read_stb": (),
    "release": (),
    "set_attribute": (ResourceAttribute, lambda value: value),
    "take_service_request": (),
    "wait_service_request": (int,),
    "write": (_data,),
}
