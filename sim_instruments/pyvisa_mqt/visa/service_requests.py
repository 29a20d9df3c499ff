"""Service requests as one session sees them: queued for a wait, or counted for its handlers."""

from __future__ import annotations

from pyvisa.constants import EventMechanism, EventType

from pyvisa_mqt.grammar.instrument import Instrument

__all__ = ["EventContext", "ServiceRequests"]

#: Requests that a session's queue keeps (VI_ATTR_MAX_QUEUE_LENGTH); later ones are lost.
QUEUE_LENGTH = 50


class EventContext:
    """What viWaitOnEvent and handlers are handed: the event's type, until it is closed."""

    def __init__(self, event_type: EventType) -> None:
        self.event_type = event_type


class ServiceRequests:
    """The service requests of one instrument, by the two mechanisms of VPP-4.3, section 3.7.

    Parameters
    ----------
    instrument
        Whose requests.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._seen: dict[EventMechanism, int] = {}

    def enabled(self, mechanism: EventMechanism) -> bool:
        """Whether requests are noted for this mechanism."""
        return mechanism in self._seen

    def enable(self, mechanism: EventMechanism) -> None:
        """Note requests from now on; one that is asserted already counts."""
        if mechanism not in self._seen:
            self._seen[mechanism] = self._instrument.service_requests - self._instrument.requesting_service

    def disable(self, mechanism: EventMechanism) -> None:
        """Note none from now on; those that are queued stay until they are discarded."""
        self._seen.pop(mechanism, None)

    def discard(self, mechanism: EventMechanism) -> None:
        """Forget those that were noted."""
        if mechanism in self._seen:
            self._seen[mechanism] = self._instrument.service_requests

    def pending(self, mechanism: EventMechanism) -> bool:
        """Whether one was noted and not taken."""
        return mechanism in self._seen and self._instrument.service_requests > self._seen[mechanism]

    def take(self, mechanism: EventMechanism) -> bool:
        """Take the oldest one; False if there is none."""
        if not self.pending(mechanism):
            return False
        self._seen[mechanism] = max(self._seen[mechanism], self._instrument.service_requests - QUEUE_LENGTH) + 1
        return True
