"""VISA sessions to the bench's own instruments, in virtual time.

They are private to this backend: nothing is entered in pyvisa-sim's table of session classes,
so stock definitions keep their stock sessions. Rule numbers are those of VPP-4.3 (VISA
library specification) 7.2.1, section 6.1.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

from pyvisa import constants, rname
from pyvisa.constants import EventMechanism, ResourceAttribute, StatusCode
from pyvisa.typing import VISARMSession

from pyvisa_mqt.messages.line import Line, ReplyQueue
from pyvisa_mqt.messages.locks import ResourceLock
from pyvisa_mqt.time_and_signals.clock import VirtualClock
from pyvisa_mqt.time_and_signals.interface_speed import Transport
from pyvisa_mqt.visa.service_requests import ServiceRequests
from pyvisa_mqt.visa.session_attributes import AttributedSession

__all__ = ["BenchSession"]

_LOG = logging.getLogger(__name__)

# With an infinite time-out a client would wait for ever where nothing is to come; this much
# virtual time (s) is taken for ever.
FOREVER = 1e5
# Smallest step in s towards an instrument's next event, so that a wait always ends.
SMALLEST_STEP = 1e-6


class BenchSession(AttributedSession):
    """One client's connection to one instrument.

    Parameters
    ----------
    manager
        Handle of the resource manager.
    name
        Parsed resource name.
    line, clock, transport, lock
        What it talks through, the bench's time, the interface's speed, the resource's lock.
    private
        Whether it gets the replies to its own messages and no others also where that is not a socket's nature.
    """

    def __init__(
        self,
        manager: VISARMSession,
        name: rname.ResourceName,
        line: Line,
        clock: VirtualClock,
        transport: Transport,
        lock: ResourceLock[BenchSession],
        *,
        private: bool = False,
    ) -> None:
        super().__init__(manager, name)
        self.instrument = line.instrument
        self._line = line
        self._generation = line.generation
        self.lock = lock
        self._clock = clock
        self._latency = transport.latency
        self._byte_time = 1.0 / transport.byte_rate
        # Each raw socket gets the replies to its own messages; on a bus whoever reads gets what is there.
        self._own = ReplyQueue(line) if self._socket or private else None
        self._private = private
        self._reply_started = False
        self.service_requests = ServiceRequests(self.instrument)

    def get_attribute(self, attribute: ResourceAttribute) -> tuple[Any, StatusCode]:
        """Return an attribute's value and a status."""
        if attribute == ResourceAttribute.resource_lock_state:
            return self.lock.state, StatusCode.success
        if attribute == ResourceAttribute.asrl_avalaible_number and self._serial:
            return self.replies.count, StatusCode.success
        return super().get_attribute(attribute)

    # Messages.

    @property
    def replies(self) -> ReplyQueue:
        """Replies that this session can read."""
        return self._line.bus if self._own is None else self._own

    @property
    def answered(self) -> bool:
        """Whether the instrument answers to this session at present, and not to another one's socket."""
        return self.instrument.output is self.replies

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
            arrival = max(arrival, self._line.ready_at)
            self._line.ready_at = arrival + instrument.message_interval
        self._clock.advance_to(arrival)
        instrument.advance(arrival)
        if instrument.busy and not self.answered and not self._wait_for_others():
            return 0, StatusCode.error_timeout
        if self._line.active and not self._line.received(data, self._send_end):
            return len(data), StatusCode.success
        self._line.answer_to(self.replies, not self._stream)
        instrument.write(data, self._send_end)
        self._reply_started = False
        return len(data), StatusCode.success

    def _wait_for_others(self) -> bool:
        """Let the instrument finish another socket's query; False if that takes longer than the time-out."""
        return self.wait_until(self._clock.now() + self._timeout, lambda: not self.instrument.busy)

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
            if not self.replies and not self._wait_for_reply(deadline):
                self._tell_of_waiting()
                return b"".join(parts), StatusCode.error_connection_lost if self.dead else StatusCode.error_timeout
            chunk, ended, terminated = self.replies.take(left, self._termination)
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

    def _tell_of_waiting(self) -> None:
        """Log what the instrument waits for when a read has ended without its reply."""
        since = self.instrument.waiting_since
        if since is not None and self.answered and not self._private:
            waited = self._clock.now() - since
            _LOG.warning("%s has waited %.3g s for %s", self._line.name, waited, self.instrument.what_is_awaited())

    def _spend(self, chunk: bytes, ended: bool) -> None:
        duration = len(chunk) * self._byte_time
        if not self._reply_started:
            duration += self._latency
        self._reply_started = not ended
        self._clock.advance_to(self._clock.now() + duration)
        if self._line.active:
            self._line.sent(chunk, ended)

    def _wait_for_reply(self, deadline: float) -> bool:
        if self.instrument.busy or self.replies.due < math.inf:
            return self.wait_until(deadline, lambda: bool(self.replies) or self.dead) and not self.dead
        self.instrument.starved()
        if math.isfinite(deadline):
            self._pass(deadline)
        return bool(self.replies)

    def wait_until(self, deadline: float, done: Callable[[], bool]) -> bool:
        """Let time pass from event to event until `done()` or the deadline (s, bench time); return whether done."""
        instrument = self.instrument
        deadline = min(deadline, self._clock.now() + FOREVER)
        while not done():
            now = self._clock.now()
            if now >= deadline:
                return False
            event = min(instrument.next_event(), self.replies.due)
            if event == math.inf and self._timeout == math.inf:
                return False
            self._pass(min(max(event, now + SMALLEST_STEP), deadline))
        return True

    def _pass(self, time: float) -> None:
        self._clock.advance_to(time)
        self.instrument.advance(time)
        if self.replies.due <= time:
            self.replies.arrive(time)

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
        self._line.answer_to(self.replies, not self._stream)
        self.instrument.clear()
        self._reply_started = False
        return StatusCode.success

    def discard_input(self) -> StatusCode:
        """Throw away what has arrived and was not read."""
        self.replies.clear()
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

    def enable_service_requests(self, mechanism: EventMechanism) -> bool:
        """Note service requests from now on; return whether they were noted already."""
        before = self.service_requests.enabled(mechanism)
        self.service_requests.enable(mechanism)
        return before

    def disable_service_requests(self, mechanism: EventMechanism) -> bool:
        """Note none from now on; return whether they were noted until now."""
        before = self.service_requests.enabled(mechanism)
        self.service_requests.disable(mechanism)
        return before

    def discard_service_requests(self, mechanism: EventMechanism) -> bool:
        """Forget those that were noted; return whether there were any."""
        before = self.service_requests.pending(mechanism)
        self.service_requests.discard(mechanism)
        return before

    def take_service_request(self) -> bool:
        """Take the next service request that is for the session's handlers; False if there is none."""
        self.instrument.advance(self._clock.now())
        return self.service_requests.take(EventMechanism.handler)

    def next_event(self) -> float:
        """Return the bench time in s of the instrument's next event, inf if none is known."""
        return self.instrument.next_event()

    def wait_service_request(self, milliseconds: int) -> StatusCode:
        """Wait in virtual time for a service request."""
        requests = self.service_requests
        if not requests.enabled(EventMechanism.queue):
            return StatusCode.error_not_enabled
        infinite = milliseconds == constants.VI_TMO_INFINITE
        deadline = math.inf if infinite else self._clock.now() + milliseconds / 1000
        self.instrument.advance(self._clock.now())
        if not self.wait_until(deadline, lambda: requests.pending(EventMechanism.queue)):
            return StatusCode.error_timeout
        requests.take(EventMechanism.queue)
        return StatusCode.success

    # Locks.

    def acquire(self, kind: constants.Lock, key: str | None, milliseconds: int) -> StatusCode:
        """Take the exclusive lock, or take or join the shared one; one that is not free costs the time-out."""
        status = self.lock.acquire(self, kind, key)
        if status == StatusCode.error_timeout and milliseconds != constants.VI_TMO_INFINITE:
            self._pass(self._clock.now() + milliseconds / 1000)
        return status

    def release(self) -> StatusCode:
        """Give back the latest lock."""
        return self.lock.release(self)

    def lock_key(self) -> str:
        """Return the key of the shared lock."""
        return self.lock.key

    def close(self) -> None:
        """Give back all locks, also those that an instrument keeps for a connection of its own."""
        self.lock.release_all(self)
        if self._own is not None:
            self.instrument.disconnected(self._own)
