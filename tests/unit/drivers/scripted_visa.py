"""A VISA library for tests that plays back a script, byte by byte, under real PyVISA resources."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import pyvisa
from pyvisa.constants import VI_FALSE, AccessModes, ResourceAttribute, StatusCode
from pyvisa.highlevel import VisaLibraryBase
from pyvisa.resources import MessageBasedResource
from pyvisa.util import LibraryPath

_numbers = itertools.count(1)

#: In a script: the query gets no answer, and the client's time-out passes.
SILENCE = object()


class Device(Protocol):
    """What stands at the other end of the cable."""

    def receive(self, message: str) -> bytes:
        """Take one message, without its terminator, and return what it puts on the bus."""

    def clear(self) -> None:
        """Note a device clear."""


class Transcript:
    """A device that accepts exactly these messages in this order.

    Each exchange is (message, reply); a reply of text gets a line feed, of bytes nothing, None and
    `SILENCE` put nothing on the bus. "<clear>" as a message stands for a device clear.
    """

    def __init__(self, *exchanges: tuple[str, object]) -> None:
        self._left = list(exchanges)
        self.seen: list[str] = []

    def receive(self, message: str) -> bytes:
        self.seen.append(message)
        assert self._left, f"{message!r} came after the script's end"
        expected, reply = self._left.pop(0)
        assert message == expected, f"{message!r} came where the script has {expected!r}"
        if isinstance(reply, str):
            return reply.encode("ascii") + b"\n"
        return reply if isinstance(reply, bytes) else b""

    def clear(self) -> None:
        self.receive("<clear>")

    def finished(self) -> bool:
        return not self._left


class ScriptedVisaLibrary(VisaLibraryBase):
    """One device behind every address; nothing waits, a read of nothing times out at once."""

    device: Device
    clear_supported: bool
    keeps_output_on_clear: bool

    def _init(self) -> None:
        self._attributes: dict[Any, Any] = {}
        self._output = bytearray()
        self.clear_supported = True
        self.keeps_output_on_clear = False

    def open_default_resource_manager(self) -> Any:
        return 1, StatusCode.success

    def open(
        self,
        session: Any,
        resource_name: str,
        access_mode: AccessModes = AccessModes.no_lock,
        open_timeout: int = 0,
    ) -> Any:
        self._attributes[ResourceAttribute.resource_name] = resource_name
        self._attributes[ResourceAttribute.termchar_enabled] = VI_FALSE
        return 2, StatusCode.success

    def close(self, session: Any) -> StatusCode:
        return StatusCode.success

    def get_attribute(self, session: Any, attribute: Any) -> Any:
        return self._attributes.get(attribute, 0), StatusCode.success

    def set_attribute(self, session: Any, attribute: Any, attribute_state: Any) -> StatusCode:
        self._attributes[attribute] = attribute_state
        return StatusCode.success

    def disable_event(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        return StatusCode.success

    def discard_events(self, session: Any, event_type: Any, mechanism: Any) -> StatusCode:
        return StatusCode.success

    def clear(self, session: Any) -> StatusCode:
        if not self.clear_supported:
            return self.handle_return_value(session, StatusCode.error_nonsupported_operation)
        if not self.keeps_output_on_clear:
            self._output.clear()
        self.device.clear()
        return StatusCode.success

    def write(self, session: Any, data: bytes) -> Any:
        assert data.endswith(b"\n"), f"{data!r} was sent without its terminator"
        self._output += self.device.receive(data[:-1].decode("latin-1"))  # binary blocks, too
        return len(data), StatusCode.success

    def read(self, session: Any, count: int) -> Any:
        if not self._output:
            return b"", self.handle_return_value(session, StatusCode.error_timeout)
        chunk = bytes(self._output[:count])
        status = StatusCode.success_max_count_read if len(self._output) > count else StatusCode.success
        if self._attributes[ResourceAttribute.termchar_enabled]:
            end = chunk.find(bytes([self._attributes[ResourceAttribute.termchar]]))
            if end >= 0:
                chunk, status = chunk[: end + 1], StatusCode.success_termination_character_read
        del self._output[: len(chunk)]
        return chunk, self.handle_return_value(session, status)

    def pending(self) -> bytes:
        """Return what the client has not read yet."""
        return bytes(self._output)


def library_for(device: Device) -> ScriptedVisaLibrary:
    """Return a library of its own for this device."""
    library = ScriptedVisaLibrary(LibraryPath(f"scripted-{next(_numbers)}"))
    assert isinstance(library, ScriptedVisaLibrary)
    library.device = device
    return library


def resource_on(library: ScriptedVisaLibrary, address: str = "GPIB0::12::INSTR") -> MessageBasedResource:
    """Open an address on a scripted library."""
    resource = pyvisa.ResourceManager(library).open_resource(address)
    assert isinstance(resource, MessageBasedResource)
    return resource


def resource_for(device: Device, address: str = "GPIB0::12::INSTR") -> MessageBasedResource:
    """Open an address behind which this device answers."""
    return resource_on(library_for(device), address)


class Responder:
    """A device that stores what it is set to and returns it when asked; a test can bend any answer.

    Parameters
    ----------
    answers
        Query -> reply text, bytes, `SILENCE`, or a function of no arguments that returns one of these.
    """

    def __init__(self, answers: dict[str, object] | None = None) -> None:
        self.answers: dict[str, object] = {"SYST:ERR?": '0,"No error"', "*OPC?": "1"} | (answers or {})
        self.settings: dict[str, str] = {}
        self.seen: list[str] = []
        self.clears = 0

    def receive(self, message: str) -> bytes:
        self.seen.append(message)
        if message in self.answers:
            return self._encoded(self._answer(message))
        parts = split_message(message)
        replies = [self._part(part) for part in parts]
        found = [reply for reply in replies if reply is not None]
        return b";".join(reply.rstrip(b"\n") for reply in found) + b"\n" if found else b""

    def _part(self, part: str) -> bytes | None:
        if part in self.answers:
            return self._encoded(self._answer(part)) or None
        if part.endswith("?"):
            return self._encoded(self.settings.get(part[:-1], "0"))
        header, _, value = part.partition(" ")
        self.settings[header] = value
        return None

    def _answer(self, query: str) -> object:
        answer = self.answers[query]
        return answer() if callable(answer) else answer

    @staticmethod
    def _encoded(answer: object) -> bytes:
        if answer is SILENCE or answer is None:
            return b""
        return answer if isinstance(answer, bytes) else f"{answer}\n".encode("ascii")

    def clear(self) -> None:
        self.clears += 1


def split_message(message: str) -> Sequence[str]:
    """Return the commands of a message with their full headers, without a leading colon."""
    commands: list[str] = []
    path = ""
    for piece in message.split(";"):
        text = piece.strip()
        if text.startswith("*"):
            commands.append(text)
            continue
        text = text[1:] if text.startswith(":") else path + text
        header = text.partition(" ")[0].rstrip("?")
        path = header[: header.rfind(":") + 1]
        commands.append(text)
    return commands
