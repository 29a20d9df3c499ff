"""The VISA library behind `@mqt`: sessions to the bench's instruments and to stock pyvisa-sim devices.

Whatever can fail in VISA fails here with the VISA error code; time passes only in the bench's
virtual clock (`library.clock`).
"""

from __future__ import annotations

import itertools
from importlib import metadata
from typing import Any, SupportsInt

from pyvisa import constants, errors, rname
from pyvisa.constants import EventType, StatusCode
from pyvisa.typing import VISASession
from pyvisa.util import LibraryPath
from pyvisa_sim.highlevel import SimVisaLibrary

from .bench import Bench, open_bench
from .clock import VirtualClock
from .connecting import open_session
from .remote import RemoteBench, RemoteClock, RemoteSession, is_remote
from .sessions import BenchSession, EventContext

__all__ = ["MqtVisaLibrary"]

# Stands for "no path given": PyVISA asks for a path that is not empty.
BUILT_IN = "built-in"


class _ManagerSession:
    """The resource manager's own handle; it has no attributes to speak of."""

    def get_attribute(self, attribute: Any) -> tuple[Any, StatusCode]:
        return 0, StatusCode.error_nonsupported_attribute

    def set_attribute(self, attribute: Any, attribute_state: Any) -> StatusCode:
        return StatusCode.error_nonsupported_attribute


class MqtVisaLibrary(SimVisaLibrary):
    """A VISA library whose instruments stand on a simulated bench.

    Attributes
    ----------
    bench
        The bench with its instruments, junction and cryostat; in another process for a path "serve:PORT".
    clock
        The bench's virtual time; an experiment that runs on the bench waits on it.
    """

    bench: Bench | RemoteBench
    clock: VirtualClock | RemoteClock

    @staticmethod
    def get_library_paths() -> tuple[LibraryPath]:
        """Return the path that stands for the built-in bench."""
        return (LibraryPath(BUILT_IN),)

    @staticmethod
    def get_debug_info() -> dict[str, str]:
        """Return what `pyvisa-info` prints."""
        return {"Version": metadata.version("mqtctl"), "PyVISA-sim": metadata.version("pyvisa-sim")}

    def _init(self) -> None:
        path = "" if self.library_path == BUILT_IN else str(self.library_path)
        self.bench = RemoteBench(path) if is_remote(path) else open_bench(path)
        self.clock = self.bench.clock
        self.devices = self.bench.static_devices
        self.sessions = {}
        self._handles = itertools.count(1)
        # One message is handled at a time, and not while another thread lets time pass.
        self._mutex = self.clock.lock

    def _register(self, obj: Any) -> Any:
        handle = VISASession(next(self._handles))
        self.sessions[handle] = obj
        return handle

    def open_default_resource_manager(self) -> tuple[Any, StatusCode]:
        """Return a handle of the resource manager."""
        # Not the library itself, as stock does: a cycle would keep a closed bench alive.
        return self._register(_ManagerSession()), StatusCode.success

    def list_resources(self, session: Any, query: str = "?*::INSTR") -> tuple[str, ...]:
        """Return the names of the bench's resources that match a VISA expression."""
        names = (*self.bench.instruments, *self.devices.list_resources())
        return tuple(rname.filter(names, query))

    def open(
        self,
        session: Any,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,
        open_timeout: SupportsInt = constants.VI_TMO_IMMEDIATE,
    ) -> tuple[Any, StatusCode]:
        """Open a session to a resource (viOpen).

        Raises
        ------
        pyvisa.errors.VisaIOError
            VI_ERROR_INV_RSRC_NAME for a malformed name, VI_ERROR_RSRC_NFOUND for a resource
            that is not on the bench, VI_ERROR_RSRC_LOCKED if the lock asked for is not free.
        """
        try:
            parsed = rname.parse_resource_name(resource_name)
        except rname.InvalidResourceName:
            return self._fail(session, StatusCode.error_invalid_resource_name)
        name = str(parsed)
        with self._mutex:
            if name not in self.bench.instruments:
                if name not in self.devices.list_resources():
                    return self._fail(session, StatusCode.error_resource_not_found)
                return super().open(session, resource_name, access_mode, open_timeout)
            opened = self._connect(session, parsed, int(access_mode), int(open_timeout))
            if isinstance(opened, StatusCode):
                return self._fail(session, opened)
            handle = self._register(opened)
            return handle, self.handle_return_value(handle, StatusCode.success)

    def _connect(
        self, manager: Any, name: rname.ResourceName, mode: int, timeout: int
    ) -> BenchSession | RemoteSession | StatusCode:
        if isinstance(self.bench, RemoteBench):
            return self.bench.open(str(name), mode, timeout)
        return open_session(self.bench, manager, name, mode, timeout)

    def _fail(self, session: Any, status: StatusCode) -> tuple[Any, StatusCode]:
        return 0, self.handle_return_value(session, status)

    def close(self, session: Any) -> StatusCode:
        """Close a session, an event or the resource manager (viClose)."""
        with self._mutex:
            closed = self.sessions.pop(session, None)
            if isinstance(closed, (BenchSession, RemoteSession)):
                closed.close()
            self._last_status_in_session.pop(session, None)
            self._ignore_warning_in_session.pop(session, None)
        return StatusCode.success if closed is not None else StatusCode.error_invalid_object

    def _session(self, session: Any) -> BenchSession | RemoteSession | None:
        """Return the bench session of a handle, None for a stock one; raises for no session at all."""
        found = self.sessions.get(session)
        if isinstance(found, (BenchSession, RemoteSession)):
            return found
        if found is None:
            self.handle_return_value(None, StatusCode.error_invalid_object)
        return None

    def _bench_session(self, session: Any) -> BenchSession | RemoteSession:
        found = self._session(session)
        if found is None:
            raise errors.VisaIOError(StatusCode.error_nonsupported_operation)
        return found

    def read(self, session: Any, count: int) -> tuple[bytes, StatusCode]:
        """Read at most `count` bytes (viRead)."""
        found = self._session(session)
        if found is None:
            return super().read(session, count)
        with self._mutex:
            data, status = found.read(count)
        return data, self.handle_return_value(session, status)

    def write(self, session: Any, data: bytes) -> tuple[int, StatusCode]:
        """Write bytes (viWrite)."""
        found = self._session(session)
        if found is None:
            return super().write(session, data)
        with self._mutex:
            count, status = found.write(data)
        return count, self.handle_return_value(session, status)

    def clear(self, session: Any) -> StatusCode:
        """Send a device clear (viClear); stock devices have nothing to clear but their buffers."""
        found = self._session(session)
        if found is None:
            return StatusCode.success
        with self._mutex:
            status = found.clear()
        return self.handle_return_value(session, status)

    def read_stb(self, session: Any) -> tuple[int, StatusCode]:
        """Do a serial poll (viReadSTB)."""
        with self._mutex:
            value, status = self._bench_session(session).read_stb()
        return value, self.handle_return_value(session, status)

    def assert_trigger(self, session: Any, protocol: constants.TriggerProtocol) -> StatusCode:
        """Send a group execute trigger (viAssertTrigger)."""
        if protocol != constants.TriggerProtocol.default:
            return self.handle_return_value(session, StatusCode.error_invalid_protocol)
        with self._mutex:
            status = self._bench_session(session).assert_trigger()
        return self.handle_return_value(session, status)

    def flush(self, session: Any, mask: constants.BufferOperation) -> StatusCode:
        """Discard what was received and not read; nothing waits to be sent (viFlush)."""
        found = self._session(session)
        reading = (
            constants.BufferOperation.discard_read_buffer
            | constants.BufferOperation.discard_read_buffer_no_io
            | constants.BufferOperation.discard_receive_buffer
            | constants.BufferOperation.discard_receive_buffer2
        )
        if found is not None and mask & reading:
            with self._mutex:
                found.discard_input()
        return self.handle_return_value(session, StatusCode.success)

    def gpib_control_ren(self, session: Any, mode: constants.RENLineOperation) -> StatusCode:
        """Accept any change of the remote line; the bench's instruments are always remote."""
        self._bench_session(session)
        return self.handle_return_value(session, StatusCode.success)

    def get_attribute(self, session: Any, attribute: Any) -> tuple[Any, StatusCode]:
        """Return an attribute of a session or an event (viGetAttribute)."""
        found = self.sessions.get(session)
        if isinstance(found, EventContext):
            if attribute == constants.EventAttribute.event_type:
                return found.event_type, StatusCode.success
            return 0, self.handle_return_value(session, StatusCode.error_nonsupported_attribute)
        if found is None:
            return 0, self.handle_return_value(None, StatusCode.error_invalid_object)
        value, status = found.get_attribute(attribute)
        return value, self.handle_return_value(session, status)

    def set_attribute(self, session: Any, attribute: Any, attribute_state: Any) -> StatusCode:
        """Set an attribute of a session (viSetAttribute)."""
        found = self.sessions.get(session)
        if found is None:
            return self.handle_return_value(None, StatusCode.error_invalid_object)
        return self.handle_return_value(session, found.set_attribute(attribute, attribute_state))

    # Service requests; the other event types never occur on the bench.

    def enable_event(
        self, session: Any, event_type: EventType, mechanism: constants.EventMechanism, context: None = None
    ) -> StatusCode:
        """Queue service requests from now on (viEnableEvent)."""
        found = self._bench_session(session)
        if event_type != EventType.service_request:
            return self.handle_return_value(session, StatusCode.error_invalid_event)
        if mechanism != constants.EventMechanism.queue:
            return self.handle_return_value(session, StatusCode.error_nonsupported_mechanism)
        found.enable_service_requests()
        return self.handle_return_value(session, StatusCode.success)

    def disable_event(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """Queue none from now on (viDisableEvent)."""
        found = self._session(session)
        if found is not None and event_type in _SERVICE_REQUESTS:
            found.disable_service_requests()
        return StatusCode.success

    def discard_events(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        """Forget those queued (viDiscardEvents)."""
        found = self._session(session)
        if found is not None and event_type in _SERVICE_REQUESTS:
            found.discard_service_requests()
        return StatusCode.success

    def wait_on_event(self, session: Any, in_event_type: EventType, timeout: int) -> tuple[EventType, Any, StatusCode]:
        """Wait in virtual time for a service request (viWaitOnEvent)."""
        found = self._bench_session(session)
        if in_event_type not in _SERVICE_REQUESTS:
            status = self.handle_return_value(session, StatusCode.error_invalid_event)
            return in_event_type, 0, status
        milliseconds = constants.VI_TMO_INFINITE if timeout is None else int(timeout)
        with self._mutex:
            status = found.wait_service_request(milliseconds)
        self.handle_return_value(session, status)
        return EventType.service_request, self._register(EventContext(EventType.service_request)), status

    # Locks.

    def lock(
        self, session: Any, lock_type: constants.Lock, timeout: int, requested_key: str | None = None
    ) -> tuple[str, StatusCode]:
        """Lock a resource (viLock); a lock that is held by another session stays held: time-out."""
        found = self._bench_session(session)
        with self._mutex:
            granted = found.acquire(lock_type, requested_key)
            if not granted:
                found.wait_for_lock(timeout)
        self.handle_return_value(session, StatusCode.success if granted else StatusCode.error_timeout)
        return ("" if lock_type == constants.Lock.exclusive else found.lock_key()), StatusCode.success

    def unlock(self, session: Any) -> StatusCode:
        """Give back the latest lock (viUnlock)."""
        found = self._bench_session(session)
        with self._mutex:
            released = found.release()
        status = StatusCode.success if released else StatusCode.error_session_not_locked
        return self.handle_return_value(session, status)


_SERVICE_REQUESTS = frozenset({EventType.service_request, EventType.all_enabled})
