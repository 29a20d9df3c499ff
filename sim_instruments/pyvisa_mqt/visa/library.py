"""The VISA library behind `@mqt`: sessions to the bench's instruments and to stock pyvisa-sim devices.

Whatever can fail in VISA fails here with the VISA error code; time passes only in the bench's
virtual clock (`library.clock`).
"""

from __future__ import annotations

import contextlib
import itertools
import weakref
from importlib import metadata
from typing import Any, ClassVar, SupportsInt

from pyvisa import ResourceManager, constants, highlevel, rname
from pyvisa.constants import EventType, StatusCode
from pyvisa.typing import VISASession
from pyvisa.util import LibraryPath

from pyvisa_mqt.bench.bench import Bench, open_bench
from pyvisa_mqt.time_and_signals.clock import VirtualClock, WallTime
from pyvisa_mqt.visa.connecting import canonical_name, open_session
from pyvisa_mqt.visa.event_handlers import EventHandlers
from pyvisa_mqt.visa.events_and_locks import EventsAndLocks
from pyvisa_mqt.visa.remote import RemoteBench, RemoteClock, RemoteSession, is_remote
from pyvisa_mqt.visa.service_requests import EventContext
from pyvisa_mqt.visa.sessions import BenchSession

__all__ = ["MqtVisaLibrary"]

# Stands for "no path given": PyVISA asks for a path that is not empty.
BUILT_IN = "built-in"


class _ManagerSession:
    """The resource manager's own handle, and the handles of what was opened with it."""

    def __init__(self) -> None:
        self.opened: set[VISASession] = set()

    def get_attribute(self, attribute: Any) -> tuple[Any, StatusCode]:
        return 0, StatusCode.error_nonsupported_attribute

    def set_attribute(self, attribute: Any, attribute_state: Any) -> StatusCode:
        return StatusCode.error_nonsupported_attribute


class MqtVisaLibrary(EventsAndLocks):
    """A VISA library whose instruments stand on a simulated bench.

    Attributes
    ----------
    bench
        The bench with its instruments, junction and cryostat; in another process for a path "serve:PORT".
    clock
        The bench's virtual time; an experiment that runs on the bench waits on it.
    seed
        The seed in force, which an experiment keeps with its data; None for a bench in another process.
    """

    #: Those that are there, each with a bench.
    living: ClassVar[weakref.WeakSet[MqtVisaLibrary]] = weakref.WeakSet()
    _manager: weakref.ref[ResourceManager] | None = None
    bench: Bench | RemoteBench
    clock: VirtualClock | RemoteClock
    seed: int | None

    @property
    def resource_manager(self) -> ResourceManager | None:
        """PyVISA's resource manager, which holds on to its library; held weakly here.

        So both end with the last session, and the next library of this name has a fresh bench.
        """
        return None if self._manager is None else self._manager()

    @resource_manager.setter
    def resource_manager(self, manager: ResourceManager | None) -> None:
        self._manager = None if manager is None else weakref.ref(manager)

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
        self.living.add(self)
        self.clock = self.bench.clock
        self.seed = self.bench.file.seed if isinstance(self.bench, Bench) else None
        self._wall: WallTime | None = None
        if isinstance(self.bench, Bench) and self.bench.speed is not None:
            self._wall = WallTime(self.bench.clock, self.bench.speed)
        self.sessions = {}
        self._handles = itertools.count(1)
        # One message is handled at a time, and not while another thread lets time pass.
        self._mutex = self.clock.lock
        # The clock holds on to the handlers, and must not keep a closed bench alive by that.
        library = weakref.ref(self)
        self._event_handlers = EventHandlers(lambda: _new_context(library()), lambda context: _end(library(), context))

    def _register(self, obj: Any) -> Any:
        handle = VISASession(next(self._handles))
        self.sessions[handle] = obj
        return handle

    def _session(self, session: Any) -> BenchSession | RemoteSession:
        if self._wall is not None:
            self._wall.pass_on()
        return super()._session(session)

    def register_event(self, event: EventContext) -> Any:
        """Return the handle of an event, good until it is closed."""
        return self._register(event)

    def open_default_resource_manager(self) -> tuple[Any, StatusCode]:
        """Return a handle of the resource manager."""
        # Not the library itself, as stock does: a cycle would keep a closed bench alive.
        return self._register(_ManagerSession()), StatusCode.success

    def list_resources(self, session: Any, query: str = "?*::INSTR") -> tuple[str, ...]:
        """Return the names of the bench's resources that match a VISA expression."""
        return tuple(rname.filter(tuple(self.bench.lines), query))

    def parse_resource_extended(self, session: Any, resource_name: str) -> tuple[highlevel.ResourceInfo, StatusCode]:
        """Return what a resource name says of its interface (viParseRsrcEx)."""
        with contextlib.suppress(rname.InvalidResourceName):
            resource_name = str(canonical_name(resource_name, self.bench.lines))
        return super().parse_resource_extended(session, resource_name)

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
        manager = self.sessions.get(session)
        if not isinstance(manager, _ManagerSession):
            return self._fail(None, StatusCode.error_invalid_object)
        try:
            parsed = canonical_name(resource_name, self.bench.lines)
        except rname.InvalidResourceName:
            return self._fail(session, StatusCode.error_invalid_resource_name)
        with self._mutex:
            opened = self._connect(session, parsed, int(access_mode), int(open_timeout))
            if isinstance(opened, StatusCode):
                return self._fail(session, opened)
            handle = self._register(opened)
            manager.opened.add(handle)
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
        """Close a session, an event or the resource manager with all that was opened with it (viClose)."""
        with self._mutex:
            closed = self.sessions.pop(session, None)
            if isinstance(closed, _ManagerSession):
                for opened in tuple(closed.opened & self.sessions.keys()):
                    self.close(opened)
            elif isinstance(closed, (BenchSession, RemoteSession)):
                self._event_handlers.forget(session)
                self._watch()
                closed.close()
            self._last_status_in_session.pop(session, None)
            self._ignore_warning_in_session.pop(session, None)
        return StatusCode.success if closed is not None else StatusCode.error_invalid_object

    def read(self, session: Any, count: int) -> tuple[bytes, StatusCode]:
        """Read at most `count` bytes (viRead)."""
        found = self._session(session)
        with self._mutex:
            data, status = found.read(count)
        return data, self._done(session, status)

    def write(self, session: Any, data: bytes) -> tuple[int, StatusCode]:
        """Write bytes (viWrite)."""
        found = self._session(session)
        with self._mutex:
            count, status = found.write(data)
        return count, self._done(session, status)

    def clear(self, session: Any) -> StatusCode:
        """Send a device clear (viClear)."""
        found = self._session(session)
        with self._mutex:
            status = found.clear()
        return self._done(session, status)

    def read_stb(self, session: Any) -> tuple[int, StatusCode]:
        """Do a serial poll (viReadSTB)."""
        found = self._session(session)
        with self._mutex:
            value, status = found.read_stb()
        return value, self._done(session, status)

    def assert_trigger(self, session: Any, protocol: constants.TriggerProtocol) -> StatusCode:
        """Send a group execute trigger (viAssertTrigger)."""
        found = self._session(session)
        if protocol != constants.TriggerProtocol.default:
            return self.handle_return_value(session, StatusCode.error_invalid_protocol)
        with self._mutex:
            status = found.assert_trigger()
        return self._done(session, status)

    def flush(self, session: Any, mask: constants.BufferOperation) -> StatusCode:
        """Discard what was received and not read; nothing waits to be sent (viFlush)."""
        found = self._session(session)
        reading = (
            constants.BufferOperation.discard_read_buffer
            | constants.BufferOperation.discard_read_buffer_no_io
            | constants.BufferOperation.discard_receive_buffer
            | constants.BufferOperation.discard_receive_buffer2
        )
        if mask & reading:
            with self._mutex:
                found.discard_input()
        return self.handle_return_value(session, StatusCode.success)

    def gpib_control_ren(self, session: Any, mode: constants.RENLineOperation) -> StatusCode:
        """Accept any change of the remote line; the bench's instruments are always remote."""
        self._session(session)
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


def _new_context(library: MqtVisaLibrary | None) -> Any:
    """Return the handle of a new event."""
    return None if library is None else library.register_event(EventContext(EventType.service_request))


def _end(library: MqtVisaLibrary | None, context: Any) -> None:
    """End an event, if its handler has not done so."""
    if library is not None:
        library.sessions.pop(context, None)
