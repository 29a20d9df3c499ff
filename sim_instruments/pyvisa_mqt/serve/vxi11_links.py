"""A VXI-11 link: one client's session to one instrument, for the calls of `vxi11`."""

from __future__ import annotations

import math
from enum import IntEnum

from pyvisa.constants import EventMechanism, Lock, ResourceAttribute, StatusCode

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.clients import private_session
from pyvisa_mqt.serve.framing import Framing

__all__ = ["Fault", "Vxi11Error", "Vxi11Link"]

_MESSAGE_AVAILABLE = 16


class Fault(IntEnum):
    """Error numbers of VXI-11 (table B.2) that the bench has a use for."""

    NONE = 0
    DEVICE_NOT_ACCESSIBLE = 3
    INVALID_LINK = 4
    PARAMETER_ERROR = 5
    CHANNEL_NOT_ESTABLISHED = 6
    NOT_SUPPORTED = 8
    OUT_OF_RESOURCES = 9
    LOCKED_BY_ANOTHER_LINK = 11
    NO_LOCK_HELD = 12
    IO_TIMEOUT = 15
    IO_ERROR = 17
    ABORT = 23
    CHANNEL_ESTABLISHED = 29


class Vxi11Error(Exception):
    """A call that the protocol answers with an error number.

    Parameters
    ----------
    fault
        The number.
    """

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


class Vxi11Link:
    """One link.

    Parameters
    ----------
    bench, line, resource, real_time
        As for the client of a raw socket.
    """

    def __init__(self, bench: Bench, line: Line, resource: str, *, real_time: bool) -> None:
        self.line = line
        name = "TCPIP0::127.0.0.1::inst0::INSTR"
        self.session = private_session(bench, line, resource, name, bench.locks[resource], real_time=real_time)
        self.session.set_attribute(ResourceAttribute.timeout_value, 0)  # whoever calls waits, and the others go on
        self.framing = Framing(line.instrument)
        #: The client's name for the link where it wants to be told of requests for service, otherwise None.
        self.handle: bytes | None = None
        self._clock = bench.clock
        self._real_time = real_time
        self._termination: int | None = None

    @property
    def admitted(self) -> bool:
        """Whether no other session has locked the instrument."""
        return self.session.lock.admits(self.session)

    def writable(self) -> bool:
        """Whether the instrument can take a message now: it is not at work on another client's, nor still too busy."""
        held_off = self.line.instrument.busy and not self.session.answered
        late_enough = not self._real_time or self._clock.now() >= self.line.ready_at
        return late_enough and not held_off and self.admitted

    def readable(self) -> bool:
        """Whether there is something to read."""
        self.session.replies.arrive(self._clock.now())
        return bool(self.session.replies) and self.admitted

    @property
    def expectant(self) -> bool:
        """Whether a reply is still to come."""
        return self.line.instrument.busy or self.session.replies.due < math.inf

    @property
    def next_look(self) -> float:
        """Bench time in s at which what was not possible may be; inf if only an event tells."""
        now = self._clock.now()
        return min((time for time in (self.line.ready_at, self.session.replies.due) if time > now), default=math.inf)

    def read(self, count: int, termination: int | None) -> tuple[bytes, StatusCode]:
        """Take at most so many bytes of the reply that is there, up to a termination character (its number)."""
        if termination != self._termination:
            self._termination = termination
            self.session.set_attribute(ResourceAttribute.termchar, termination or 0)
            self.session.set_attribute(ResourceAttribute.termchar_enabled, termination is not None)
        return self.session.read(count)

    def status(self) -> int:
        """Return the status byte as a serial poll does; a reply of this link counts as available, and no other."""
        value, _ = self.session.read_stb()
        return value | _MESSAGE_AVAILABLE * bool(self.session.replies)

    def clear(self) -> None:
        """Do a device clear; a query of another client goes on."""
        self.framing.clear()
        if self.line.instrument.busy and not self.session.answered:
            self.session.discard_input()
        else:
            self.session.clear()

    def tell_of_requests(self, handle: bytes | None) -> None:
        """Note requests for service from now on under this name; None for no more."""
        self.handle = handle
        self.session.discard_service_requests(EventMechanism.handler)
        if handle is None:
            self.session.disable_service_requests(EventMechanism.handler)
        else:
            self.session.enable_service_requests(EventMechanism.handler)

    def lock(self) -> bool:
        """Take the lock, which a link has once or not at all; False if another session has it."""
        status = self.session.acquire(Lock.exclusive, None, 0)
        if status == StatusCode.success_nested_exclusive:
            self.session.release()
        return status >= 0

    def close(self) -> None:
        """End it; an operation that it was waiting for is abandoned."""
        if self.line.instrument.busy and self.session.answered:
            self.line.instrument.clear()
        self.session.close()
