"""Locks of resources, as viLock sees them (VPP-4.3, VISA library specification 7.2.1, section 3.6)."""

from __future__ import annotations

import itertools
from typing import Generic, TypeVar

from pyvisa.constants import AccessModes, Lock, StatusCode

__all__ = ["ResourceLock"]

_KEYS = itertools.count(1)
#: Longest access key that viLock takes, in characters.
_LONGEST_KEY = 255

Holder = TypeVar("Holder")


class ResourceLock(Generic[Holder]):
    """Who holds a resource: one session exclusively, or several that share an access key.

    Attributes
    ----------
    key
        Access key of the shared lock; "" as long as nobody has asked for one.
    """

    def __init__(self) -> None:
        self.key = ""
        self._exclusive: Holder | None = None
        self._exclusive_depth = 0
        self._shared: dict[Holder, int] = {}

    def admits(self, session: Holder) -> bool:
        """Whether this session may talk to the resource."""
        if self._exclusive is not None:
            return self._exclusive is session
        return not self._shared or session in self._shared

    @property
    def holders(self) -> int:
        """How many sessions hold a lock."""
        return len({*self._shared, *([] if self._exclusive is None else [self._exclusive])})

    def acquire(self, session: Holder, kind: Lock, key: str | None) -> StatusCode:
        """Take the exclusive lock, or take or join the shared one; `key` None makes a new one.

        Returns
        -------
        StatusCode
            Success, one of the two "nested" successes if the session holds this kind of lock already, a time-out if
            another session stands in the way, or that the key is impossible.
        """
        if kind == Lock.exclusive:
            return self._acquire_exclusive(session)
        if key is not None and len(key) > _LONGEST_KEY:
            return StatusCode.error_invalid_access_key
        if self._exclusive not in (None, session):
            return StatusCode.error_timeout
        held = self._shared.get(session, 0)
        if self._shared and (key != self.key if not held else key not in (None, self.key)):
            return StatusCode.error_timeout
        if not self._shared:
            self.key = key or f"mqt-{next(_KEYS)}"
        self._shared[session] = held + 1
        return StatusCode.success_nested_shared if held else StatusCode.success

    def _acquire_exclusive(self, session: Holder) -> StatusCode:
        if not self.admits(session):
            return StatusCode.error_timeout
        self._exclusive = session
        self._exclusive_depth += 1
        return StatusCode.success_nested_exclusive if self._exclusive_depth > 1 else StatusCode.success

    def release(self, session: Holder) -> StatusCode:
        """Give back the latest lock of this session; the status tells which lock it still holds."""
        if self._exclusive is session:
            self._exclusive_depth -= 1
            if self._exclusive_depth:
                return StatusCode.success_nested_exclusive
            self._exclusive = None
        elif session in self._shared:
            self._shared[session] -= 1
            if not self._shared[session]:
                del self._shared[session]
        else:
            return StatusCode.error_session_not_locked
        return StatusCode.success_nested_shared if session in self._shared else StatusCode.success

    def release_all(self, session: Holder) -> None:
        """Give back everything, when the session closes."""
        while self.release(session) != StatusCode.error_session_not_locked:
            pass

    @property
    def state(self) -> AccessModes:
        """The value of VI_ATTR_RSRC_LOCK_STATE."""
        if self._exclusive is not None:
            return AccessModes.exclusive_lock
        return AccessModes.shared_lock if self._shared else AccessModes.no_lock
