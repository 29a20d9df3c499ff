"""VISA sessions to the bench's own instruments, in virtual time.

They are private to this backend: nothing is entered in pyvisa-sim's table of session classes,
so stock definitions keep their stock sessions. Rule numbers are those of VPP-4.3 (VISA
library specification) 7.2.1, section 6.1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Protocol

from pyvisa import constants, rname
from pyvisa.constants import ResourceAttribute, StatusCode
from pyvisa.typing import VISARMSession
from pyvisa_sim.sessions.session import Session

from .clock import VirtualClock
from .line import Line

__all__ = ["BenchSession", "EventContext", "ResourceLock", "Transport"]

# With an infinite time-out a client would wait for ever where nothing is to come; this much
# virtual time (s) is taken for ever.
FOREVER = 1e5
# Smallest step in s towards an instrument's next event, so that a wait always ends.
SMALLEST_STEP = 1e-6

_KEYS = itertools.count(1)


class Transport(Protocol):
    """How fast an interface is."""

    @property
    def latency(self) -> float:
        """Time in s that each message takes in either direction."""

    @property
    def byte_rate(self) -> float:
        """Bytes per second."""


class ResourceLock:
    """Who holds a resource, as viLock sees it (VPP-4.3, section 3.6)."""

    def __init__(self) -> None:
        self.exclusive: BenchSession | None = None
        self.exclusive_depth = 0
        self.shared: dict[BenchSession, int] = {}
        self.key = ""

    def admits(self, session: BenchSession) -> bool:
        """Whether this session may talk to the resource."""
        if self.exclusive is not None:
            return self.exclusive is session
        return not self.shared or session in self.shared

    def acquire_exclusive(self, session: BenchSession) -> bool:
        """Take the exclusive lock; nests."""
        if not self.admits(session):
            return False
        self.exclusive = session
        self.exclusive_depth += 1
        return True

    def acquire_shared(self, session: BenchSession, key: str | None) -> bool:
        """Take or join the shared lock; `key` None makes a new one."""
        if self.exclusive not in (None, session):
            return False
        if self.shared and session not in self.shared and key != self.key:
            return False
        if not self.shared:
            self.key = key or f"mqt-{next(_KEYS)}"
        self.shared[session] = self.shared.get(session, 0) + 1
        return True

    def release(self, session: BenchSession) -> bool:
        """Give back the latest lock of this session; False if it holds none."""
        if self.exclusive is session:
            self.exclusive_depth -= 1
            if self.exclusive_depth == 0:
                self.exclusive = None
            return True
        if session not in self.shared:
            return False
        self.shared[session] -= 1
        if self.shared[session] == 0:
            del self.shared[session]
        return True

    def release_all(self, session: BenchSession) -> None:
        """Give back everything, when the session closes."""
        while self.release(session):
            pass

    @property
    def state(self) -> constants.AccessModes:
        """The value of VI_ATTR_RSRC_LOCK_STATE."""
        if self.exclusive is not None:
            return constants.AccessModes.exclusive_lock
        return constants.AccessModes.shared_lock if self.shared else constants.AccessModes.no_lock


class EventContext:
    """What viWaitOnEvent hands out: the event's type, until it is closed."""

    def __init__(self, event_type: constants.EventType) -> None:
        self.event_type = event_type


class BenchSession(Session):
    """One client's connection to one instrument.

    Parameters
    ----------
    manager
        Handle of the resource manager.
    name
        Parsed resource name.
    line, clock, transport, lock
        What it talks through, the bench's time, the interface's speed, the resource's lock.
    """

    def __init__(
        self,
        manager: VISARMSession,
        name: rname.ResourceName,
        line: Line,
        clock: VirtualClock,
        transport: Transport,
        lock: ResourceLock,
    ) -> None:
        self.session_type = (name.interface_type_const, name.resource_class)
        super().__init__(manager, str(name), name)
        self.instrument = line.instrument
        self._line = line
        self._generation = line.generation
        self.lock = lock
        self._clock = clock
        self._latency = transport.latency
        self._byte_time = 1.0 / transport.byte_rate
        self._serial = name.interface_type_const == constants.InterfaceType.asrl
        self._bus = name.interface_type_const == constants.InterfaceType.gpib
        self._stream = self._serial or name.resource_class == "SOCKET"
        self.instrument.message_exchange = not self._stream
        self._last_arrival = -math.inf
        self._reply_started = False
        self._queueing = False
        self._seen_requests = 0
        self._cache_attributes()

    def after_parsing(self) -> None:
        """Fill in the attributes that follow from the resource name."""
        parsed: Any = self.parsed
        for attribute, field in _NAME_ATTRIBUTES.items():
            text = getattr(parsed, field, None)
            if text is None:
                continue
            if attribute in _TEXT_ATTRIBUTES:
                self.attrs[attribute] = text
            elif text.removeprefix("0x").isalnum():  # a serial port may have a path for a number
                self.attrs[attribute] = int(text, 16 if text.startswith("0x") else 10)
        if isinstance(parsed, rname.GPIBInstr) and not parsed.secondary_address:
            self.attrs[ResourceAttribute.gpib_secondary_address] = constants.VI_NO_SEC_ADDR

    def get_attribute(self, attribute: ResourceAttribute) -> tuple[Any, StatusCode]:
        """Return an attribute's value and a status."""
        if attribute == ResourceAttribute.resource_lock_state:
            return self.lock.state, StatusCode.success
        return super().get_attribute(attribute)

    def set_attribute(self, attribute: ResourceAttribute, attribute_state: Any) -> StatusCode:
        """Set an attribute and return a status."""
        status = super().set_attribute(attribute, attribute_state)
        self._cache_attributes()
        return status

    def _cache_attributes(self) -> None:
        def value(attribute: ResourceAttribute, default: Any) -> Any:
            result, status = super(BenchSession, self).get_attribute(attribute)
            return result if status == StatusCode.success else default

        milliseconds = value(ResourceAttribute.timeout_value, 2000)
        infinite = milliseconds == constants.VI_TMO_INFINITE
        self._timeout = math.inf if infinite else milliseconds / 1000
        self._send_end = bool(value(ResourceAttribute.send_end_enabled, True)) and not self._stream
        self._character = character = int(value(ResourceAttribute.termchar, 10))
        self._termination = character if value(ResourceAttribute.termchar_enabled, False) else None
        self._heeds_end = not value(ResourceAttribute.suppress_end_enabled, False)
        if self._serial:
            self._cache_serial_ends(character, value)

    def _cache_serial_ends(self, character: int, value: Any) -> None:
        """On a serial line there is no END; a termination character may stand for it."""
        ending = value(ResourceAttribute.asrl_end_in, constants.SerialTermination.termination_char)
        self._heeds_end = False
        if ending == constants.SerialTermination.termination_char:
            self._termination = character
        ending = value(ResourceAttribute.asrl_end_out, constants.SerialTermination.none)
        self._send_character = ending == constants.SerialTermination.termination_char

    # Messages.

    @property
    def dead(self) -> bool:
        """Whether the connection has broken since it was opened; a bus such as GPIB knows no connections."""
        return self._line.generation != self._generation and not self._bus

    def _refusal(self) -> StatusCode | None:
        """Return why nothing can pass now, None if it can."""
        if self._line.active:
            if self.dead:
                return StatusCode.error_connection_lost
            if self._line.down:
                self._pass(self._clock.now() + min(self._timeout, FOREVER))
                return StatusCode.error_no_listeners
        return None if self.lock.admits(self) else StatusCode.error_resource_locked

    def write(self, data: bytes) -> tuple[int, StatusCode]:
        """Send bytes to the instrument."""
        refusal = self._refusal()
        if refusal is not None:
            return 0, refusal
        if self._serial and self._send_character:
            data = bytes(data) + bytes([self._character])
        instrument = self.instrument
        arrival = self._clock.now() + self._latency + len(data) * self._byte_time
        if instrument.message_interval:
            arrival = max(arrival, self._last_arrival + instrument.message_interval)
            self._last_arrival = arrival
        self._clock.advance_to(arrival)
        instrument.advance(arrival)
        if self._line.active and not self._line.received(data, self._send_end):
            return len(data), StatusCode.success
        instrument.write(data, self._send_end)
        self._reply_started = False
        return len(data), StatusCode.success

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        """Fetch at most `count` bytes; a reply that never comes costs virtual time only."""
        refusal = self._refusal()
        if refusal is not None:
            return b"", refusal
        if count <= 0:
            return b"", StatusCode.success_max_count_read
        deadline = self._clock.now() + self._timeout
        parts: list[bytes] = []
        left = count
        while True:
            if not self.instrument.output and not self._wait_for_reply(deadline):
                return b"".join(parts), StatusCode.error_connection_lost if self.dead else StatusCode.error_timeout
            chunk, ended, terminated = self.instrument.output.take(left, self._termination)
            self._spend(chunk, ended)
            if ended and self._heeds_end:
                status = StatusCode.success  # rule 6.1.1
            elif terminated:
                # Rules 6.1.2 and, for a serial line whose END it is, 6.1.7.
                status = StatusCode.success if self._serial else StatusCode.success_termination_character_read
            elif len(chunk) == left:
                status = StatusCode.success_max_count_read  # rule 6.1.3
            else:
                parts.append(chunk)
                left -= len(chunk)
                continue
            return (b"".join([*parts, chunk]) if parts else chunk), status

    def _spend(self, chunk: bytes, ended: bool) -> None:
        duration = len(chunk) * self._byte_time
        if not self._reply_started:
            duration += self._latency
        self._reply_started = not ended
        self._clock.advance_to(self._clock.now() + duration)
        if self._line.active:
            self._line.sent(chunk, ended)

    def _wait_for_reply(self, deadline: float) -> bool:
        if self.instrument.busy or self.instrument.output.due < math.inf:
            return self._wait(deadline, lambda: bool(self.instrument.output) or self.dead) and not self.dead
        self.instrument.starved()
        if math.isfinite(deadline):
            self._pass(deadline)
        return bool(self.instrument.output)

    def _wait(self, deadline: float, done: Callable[[], bool]) -> bool:
        """Let time pass from event to event until `done()` or the deadline; return whether done."""
        instrument = self.instrument
        deadline = min(deadline, self._clock.now() + FOREVER)
        while not done():
            now = self._clock.now()
            if now >= deadline:
                return False
            event = min(instrument.next_event(), instrument.output.due)
            if event == math.inf and self._timeout == math.inf:
                return False
            self._pass(min(max(event, now + SMALLEST_STEP), deadline))
        return True

    def _pass(self, time: float) -> None:
        self._clock.advance_to(time)
        self.instrument.advance(time)
        if self.instrument.output.due <= time:
            self.instrument.output.arrive(time)

    def _pass_latency(self, what: str) -> None:
        """Let the time pass that something else than a message takes, and note it."""
        self._pass(self._clock.now() + self._latency)
        if self._line.active:
            self._line.event(what)

    def clear(self) -> StatusCode:
        """Send a device clear."""
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        self._pass_latency("clear")
        self.instrument.clear()
        self._reply_started = False
        return StatusCode.success

    def discard_input(self) -> StatusCode:
        """Throw away what has arrived and was not read."""
        self.instrument.output.clear()
        self._reply_started = False
        return StatusCode.success

    def read_stb(self) -> tuple[int, StatusCode]:
        """Do a serial poll."""
        refusal = self._refusal()
        if refusal is not None:
            return 0, refusal
        self._pass_latency("poll")
        return self.instrument.status_byte(), StatusCode.success

    def assert_trigger(self) -> StatusCode:
        """Send a group execute trigger."""
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        self._pass_latency("trigger")
        self.instrument.trigger()
        return StatusCode.success

    # Service requests.

    def enable_service_requests(self) -> None:
        """Queue service requests from now on; one that is asserted already counts."""
        if not self._queueing:
            self._queueing = True
            self.discard_service_requests()
            if self.instrument.requesting_service:
                self._seen_requests -= 1

    def disable_service_requests(self) -> None:
        """Queue none from now on."""
        self._queueing = False

    def discard_service_requests(self) -> None:
        """Forget those queued."""
        self._seen_requests = self.instrument.service_requests

    def wait_service_request(self, milliseconds: int) -> StatusCode:
        """Wait in virtual time for a service request."""
        if not self._queueing:
            return StatusCode.error_not_enabled
        infinite = milliseconds == constants.VI_TMO_INFINITE
        deadline = math.inf if infinite else self._clock.now() + milliseconds / 1000
        self.instrument.advance(self._clock.now())
        if not self._wait(deadline, lambda: self.instrument.service_requests > self._seen_requests):
            return StatusCode.error_timeout
        self._seen_requests += 1
        return StatusCode.success

    # Locks.

    def acquire(self, kind: constants.Lock, key: str | None) -> bool:
        """Take the exclusive lock, or take or join the shared one; return whether it was free."""
        if kind == constants.Lock.exclusive:
            return self.lock.acquire_exclusive(self)
        return self.lock.acquire_shared(self, key)

    def release(self) -> bool:
        """Give back the latest lock; False if there is none."""
        return self.lock.release(self)

    def lock_key(self) -> str:
        """Return the key of the shared lock."""
        return self.lock.key

    def close(self) -> Any:
        """Give back all locks."""
        self.lock.release_all(self)

    def wait_for_lock(self, milliseconds: int) -> None:
        """Let the time pass that a client waits in vain for a lock."""
        if milliseconds != constants.VI_TMO_INFINITE:
            self._pass(self._clock.now() + milliseconds / 1000)


_NAME_ATTRIBUTES = {
    ResourceAttribute.interface_number: "board",
    ResourceAttribute.gpib_primary_address: "primary_address",
    ResourceAttribute.gpib_secondary_address: "secondary_address",
    ResourceAttribute.tcpip_address: "host_address",
    ResourceAttribute.tcpip_device_name: "lan_device_name",
    ResourceAttribute.tcpip_port: "port",
    ResourceAttribute.manufacturer_id: "manufacturer_id",
    ResourceAttribute.model_code: "model_code",
    ResourceAttribute.usb_serial_number: "serial_number",
    ResourceAttribute.usb_interface_number: "usb_interface_number",
}
_TEXT_ATTRIBUTES = frozenset(
    {
        ResourceAttribute.tcpip_address,
        ResourceAttribute.tcpip_device_name,
        ResourceAttribute.usb_serial_number,
    }
)
