"""Calls the handlers that clients have installed for service requests (viInstallHandler, VI_HNDLR)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pyvisa.constants import EventMechanism, EventType

__all__ = ["EventHandlers", "HandledSession"]

Handler = Callable[[Any, Any, Any, Any], Any]


class HandledSession(Protocol):
    """What the caller of handlers asks of a session."""

    def take_service_request(self) -> bool:
        """Take the next service request that is for the session's handlers; False if there is none."""

    def next_event(self) -> float:
        """Return the bench time in s of the instrument's next event, inf if none is known."""


class EventHandlers:
    """The handlers of one library's sessions.

    A handler is called as soon as the VISA operation is over in which the request came, or in the middle of a sleep on
    the bench's clock, at the time of the request, by the thread that lets this time pass.

    Parameters
    ----------
    new_context, end_context
        Make and end a handle of an event for a handler to look at.
    """

    def __init__(self, new_context: Callable[[], Any], end_context: Callable[[Any], object]) -> None:
        self._new_context = new_context
        self._end_context = end_context
        self._installed: dict[Any, list[tuple[Handler, Any]]] = {}
        self._enabled: dict[Any, HandledSession] = {}
        self._suspended: set[Any] = set()
        self._calling = False

    @property
    def watching(self) -> bool:
        """Whether any session's requests are to be handled."""
        return bool(self._enabled)

    def install(self, session: Any, handler: Handler, user_handle: Any) -> None:
        """Remember a handler; the latest is called first (VPP-4.3, section 3.7.3)."""
        self._installed.setdefault(session, []).insert(0, (handler, user_handle))

    def uninstall(self, session: Any, handler: Handler, user_handle: Any) -> bool:
        """Forget a handler; False if it is not installed."""
        installed = self._installed.get(session, [])
        for entry in installed:
            if entry[0] == handler and entry[1] is user_handle:
                installed.remove(entry)
                return True
        return False

    def installed(self, session: Any) -> bool:
        """Whether a session has any."""
        return bool(self._installed.get(session))

    def enable(self, session: Any, requests: HandledSession, mechanism: EventMechanism) -> None:
        """Call the handlers of a session from now on, or keep the requests for them as long as they are suspended."""
        self._enabled[session] = requests
        if mechanism == EventMechanism.suspend_handler:
            self._suspended.add(session)
        else:
            self._suspended.discard(session)

    def disable(self, session: Any) -> None:
        """Call them no more."""
        self._enabled.pop(session, None)
        self._suspended.discard(session)

    def forget(self, session: Any) -> None:
        """Forget all of a session that closes."""
        self.disable(session)
        self._installed.pop(session, None)

    def next_event(self) -> float:
        """Return the bench time in s of the next thing that may be a request."""
        return min((requests.next_event() for requests in self._enabled.values()), default=float("inf"))

    def look(self) -> None:
        """Call the handlers for what has been requested; a handler's own messages wait for it to end."""
        if self._calling:
            return
        self._calling = True
        try:
            for session, requests in tuple(self._enabled.items()):
                if session not in self._suspended:
                    self._serve(session, requests)
        finally:
            self._calling = False

    def _serve(self, session: Any, requests: HandledSession) -> None:
        while session in self._enabled and requests.take_service_request():
            context = self._new_context()
            try:
                for handler, user_handle in tuple(self._installed.get(session, ())):
                    handler(session, EventType.service_request, context, user_handle)
            finally:
                self._end_context(context)
