"""VISA operations beyond messages: those that a message-based instrument refuses, and other names of read and write.

PyVISA's base class raises NotImplementedError for each of them; a VISA library answers with a status code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyvisa.constants import StatusCode
from pyvisa.errors import completion_and_error_messages
from pyvisa_sim.highlevel import SimVisaLibrary

__all__ = ["UnsupportedOperations"]


class UnsupportedOperations(SimVisaLibrary):
    """What a VISA library offers besides, on top of `read`, `write` and `flush`."""

    def _refuse(self, session: Any, *_: Any, **__: Any) -> Any:
        """Return VI_ERROR_NSUP_OPER: registers, memory, bus control and the like are not on this bench."""
        if session not in self.sessions:
            return self.handle_return_value(None, StatusCode.error_invalid_object)
        return self.handle_return_value(session, StatusCode.error_nonsupported_operation)

    def buffer_read(self, session: Any, count: int) -> tuple[bytes, StatusCode]:
        """Read through the formatted buffer (viBufRead), which keeps nothing back here."""
        return self.read(session, count)

    def buffer_write(self, session: Any, data: bytes) -> tuple[int, StatusCode]:
        """Write through the formatted buffer (viBufWrite), which keeps nothing back here."""
        return self.write(session, data)

    def set_buffer(self, session: Any, mask: Any, size: int) -> StatusCode:
        """Accept any size of a buffer (viSetBuf): none is ever too small here."""
        known = session in self.sessions
        return self.handle_return_value(session, StatusCode.success if known else StatusCode.error_invalid_object)

    def read_to_file(self, session: Any, filename: str, count: int) -> tuple[int, StatusCode]:
        """Read at most `count` bytes into a file (viReadToFile)."""
        data, status = self.read(session, count)
        try:
            Path(filename).write_bytes(data)
        except OSError:
            return 0, self.handle_return_value(session, StatusCode.error_file_access)
        return len(data), status

    def write_from_file(self, session: Any, filename: str, count: int) -> tuple[int, StatusCode]:
        """Write the first `count` bytes of a file (viWriteFromFile)."""
        try:
            data = Path(filename).read_bytes()[:count]
        except OSError:
            return 0, self.handle_return_value(session, StatusCode.error_file_access)
        return self.write(session, data)

    def status_description(self, session: Any, status: Any) -> tuple[str, StatusCode]:
        """Return what a status code means (viStatusDesc)."""
        text = completion_and_error_messages.get(status)
        if text is None:
            return f"Unknown status {int(status):#x}", StatusCode.warning_unknown_status
        return ": ".join(text), StatusCode.success


_WIDTHS = (8, 16, 32, 64)
for _name in (
    *(f"{kind}_{width}" for kind in ("in", "out", "move_in", "move_out", "peek", "poke") for width in _WIDTHS),
    *("move", "move_asynchronously", "map_address", "unmap_address", "memory_allocation", "memory_free"),
    *("map_trigger", "unmap_trigger", "assert_interrupt_signal", "assert_utility_signal", "vxi_command_query"),
    *("gpib_command", "gpib_control_atn", "gpib_pass_control", "gpib_send_ifc", "usb_control_in", "usb_control_out"),
    *("read_asynchronously", "write_asynchronously", "terminate"),
):
    setattr(UnsupportedOperations, _name, UnsupportedOperations._refuse)  # noqa: SLF001
