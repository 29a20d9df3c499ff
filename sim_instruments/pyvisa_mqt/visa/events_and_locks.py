"""The VISA library's events and locks: viEnableEvent, viWaitOnEvent, viInstallHandler, viLock and their kind."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import Any

from pyvisa import constants, errors
from pyvisa.constants import EventMechanism, EventType, StatusCode

from pyvisa_mqt.time_and_signals.clock import SleepingClock
from pyvisa_mqt.visa.event_handlers import EventHandlers
from pyvisa_mqt.visa.remote import RemoteSession
from pyvisa_mqt.visa.service_requests import EventContext
from pyvisa_mqt.visa.sessions import BenchSession
from pyvisa_mqt.visa.unsupported import UnsupportedOperations

__all__ = ["EventsAndLocks"]

_SERVICE_REQUESTS = frozenset({EventType.service_request, EventType.all_enabled})
_HANDLED = frozenset({EventMechanism.handler, EventMechanism.suspend_handler})
_MECHANISMS = (EventMechanism.queue, EventMechanism.handler, EventMechanism.suspend_handler)
_ALL_MECHANISMS = sum(_MECHANISMS)


def _noted(mechanism: int) -> list[EventMechanism]:
    """Return by which mechanisms requests are noted, of those that a mask names."""
    return [one for one in (EventMechanism.queue, EventMechanism.handler) if mechanism & one]


class EventsAndLocks(UnsupportedOperations):
    """What a VISA library does beside messages.

    Attributes
    ----------
    clock
        The bench's time.
    sessions
        What each handle stands for.
    """

    clock: SleepingClock
    sessions: dict[Any, Any]
    _event_handlers: EventHandlers
    # One message is handled at a time, and not while another thread lets time pass.
    _mutex: threading.RLock

    @abstractmethod
    def register_event(self, event: EventContext) -> Any:
        """Return the handle of an event, good until it is closed."""

    def _session(self, session: Any) -> BenchSession | RemoteSession:
        """Return the bench session of a handle; raises for none."""
        found = self.sessions.get(session)
        if not isinstance(found, (BenchSession, RemoteSession)):
            raise errors.VisaIOError(StatusCode.error_invalid_object)
        return found

    def _done(self, session: Any, status: StatusCode) -> StatusCode:
        """End an operation on a session: handlers are called for what it has brought about."""
        if self._event_handlers.watching:
            self._event_handlers.look()
        return self.handle_return_value(session, status)

    # Service requests; the other event types never occur on the bench.

    def enable_event(self, session: Any, event_type: Any, mechanism: Any, context: None = None) -> StatusCode:
        """Note service requests from now on, in a queue, for handlers, or both (viEnableEvent)."""
        found = self._session(session)
        if event_type != EventType.service_request:
            return self.handle_return_value(session, StatusCode.error_invalid_event)
        asked = [one for one in _MECHANISMS if mechanism & one]
        if not asked or mechanism & ~_ALL_MECHANISMS or {*asked} >= _HANDLED:
            return self.handle_return_value(session, StatusCode.error_nonsupported_mechanism)
        if EventMechanism.handler in asked and not self._event_handlers.installed(session):
            return self.handle_return_value(session, StatusCode.error_handler_not_installed)
        before = True
        with self._mutex:
            for one in asked:
                noted = EventMechanism.handler if one in _HANDLED else one
                before = found.enable_service_requests(noted) and before
                if one in _HANDLED:
                    self._event_handlers.enable(session, found, one)
            self._watch()
        return self._done(session, StatusCode.success_event_already_enabled if before else StatusCode.success)

    def disable_event(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """Note none from now on (viDisableEvent)."""
        found = self._session(session)
        self._check_event(session, event_type)
        before = False
        with self._mutex:
            for noted in _noted(mechanism):
                before = found.disable_service_requests(noted) or before
                if noted == EventMechanism.handler:
                    self._event_handlers.disable(session)
            self._watch()
        return self.handle_return_value(
            session, StatusCode.success if before else StatusCode.success_event_already_disabled
        )

    def discard_events(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """Forget those noted (viDiscardEvents)."""
        found = self._session(session)
        self._check_event(session, event_type)
        before = False
        with self._mutex:
            for noted in _noted(mechanism):
                before = found.discard_service_requests(noted) or before
        status = StatusCode.success if before else StatusCode.success_queue_already_empty
        return self.handle_return_value(session, status)

    def _check_event(self, session: Any, event_type: Any) -> None:
        """Refuse events that never occur on the bench."""
        if event_type not in _SERVICE_REQUESTS:
            self.handle_return_value(session, StatusCode.error_invalid_event)

    def _watch(self) -> None:
        """Look for requests in the middle of sleeps as long as there is anybody to call."""
        if self._event_handlers.watching:
            self.clock.watch(self._event_handlers)
        else:
            self.clock.unwatch(self._event_handlers)

    def install_handler(
        self, session: Any, event_type: EventType, handler: Any, user_handle: Any = None
    ) -> tuple[Any, Any, Any, StatusCode]:
        """Remember whom to call for service requests (viInstallHandler).

        Returns
        -------
        tuple
            Handler, user handle, handler as the library knows it, and a status.
        """
        self._session(session)
        if not callable(handler):
            raise TypeError(f"{handler!r} is no handler; give a function (session, event type, event, user handle)")
        self._check_event(session, event_type)
        self._event_handlers.install(session, handler, user_handle)
        return handler, user_handle, handler, self.handle_return_value(session, StatusCode.success)

    def uninstall_handler(
        self, session: Any, event_type: EventType, handler: Any, user_handle: Any = None
    ) -> StatusCode:
        """Call somebody no more (viUninstallHandler)."""
        self._session(session)
        known = self._event_handlers.uninstall(session, handler, user_handle)
        status = StatusCode.success if known else StatusCode.error_invalid_handler_reference
        return self.handle_return_value(session, status)

    def wait_on_event(self, session: Any, in_event_type: EventType, timeout: int) -> tuple[EventType, Any, StatusCode]:
        """Wait in virtual time for a service request (viWaitOnEvent)."""
        found = self._session(session)
        if in_event_type not in _SERVICE_REQUESTS:
            status = self.handle_return_value(session, StatusCode.error_invalid_event)
            return in_event_type, 0, status
        milliseconds = constants.VI_TMO_INFINITE if timeout is None else int(timeout)
        with self._mutex:
            status = found.wait_service_request(milliseconds)
        self._done(session, status)
        return EventType.service_request, self.register_event(EventContext(EventType.service_request)), status

    # Locks.

    def lock(
        self, session: Any, lock_type: constants.Lock, timeout: int, requested_key: str | None = None
    ) -> tuple[str, StatusCode]:
        """Lock a resource (viLock); a lock that is held by another session stays held: time-out."""
        found = self._session(session)
        if lock_type not in set(constants.Lock):
            self.handle_return_value(session, StatusCode.error_invalid_lock_type)
        with self._mutex:
            status = found.acquire(lock_type, requested_key, int(timeout))
            key = "" if lock_type == constants.Lock.exclusive or status < 0 else found.lock_key()
        return key, self._done(session, status)

    def unlock(self, session: Any) -> StatusCode:
        """Give back the latest lock (viUnlock)."""
        found = self._session(session)
        with self._mutex:
            status = found.release()
        return self.handle_return_value(session, status)
