"""What VXI-11 clients can open, and who has opened it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.vxi11 import Vxi11Channel
from pyvisa_mqt.serve.vxi11_links import Fault, Vxi11Error, Vxi11Link

__all__ = ["Vxi11Host"]

_MOST_CHANNELS = 128


class Vxi11Host:
    """The instruments by their device names, and the links that are open.

    Parameters
    ----------
    bench
        The bench.
    admits
        Tells whether an instrument takes one more client now.
    real_time
        Whether the bench follows the wall clock.

    Attributes
    ----------
    port
        The port of both channels.
    told
        What addresses say of the port: "" if clients find it, otherwise a comma and the port; None if nobody listens.
    """

    def __init__(self, bench: Bench, admits: Callable[[Line], bool], *, real_time: bool) -> None:
        self.port = 0
        self.told: str | None = None
        self.bench = bench
        self.real_time = real_time
        self._admits = admits
        self._places: dict[str, str] = {}
        self._channels: list[Vxi11Channel] = []
        self._links: dict[int, Vxi11Channel] = {}
        self._opened = 0

    def add(self, device: str, resource: str) -> None:
        """Give an instrument a device name, such as "inst0"."""
        self._places[device] = resource

    def address(self, host: str, number: int) -> str | None:
        """Return the VISA address of the instrument at this place of the bench, None if VXI-11 is not served."""
        return None if self.told is None else f"TCPIP0::{host}{self.told}::inst{number}::INSTR"

    def accept(self, connection: socket.socket) -> Vxi11Channel | None:
        """Return the channel of a new connection; None if there are too many."""
        self._channels = [channel for channel in self._channels if channel.open]
        if len(self._channels) >= _MOST_CHANNELS:
            connection.close()
            return None
        channel = Vxi11Channel(self, connection)
        self._channels.append(channel)
        return channel

    def create(self, channel: Vxi11Channel, device: str) -> tuple[int, Vxi11Link]:
        """Return a new link of this connection to the device of this name ("": the first), and its number."""
        resource = self._places.get(device.lower() or next(iter(self._places), ""))
        if resource is None:
            raise Vxi11Error(Fault.DEVICE_NOT_ACCESSIBLE)
        line = self.bench.lines[resource]
        if line.down:
            raise Vxi11Error(Fault.DEVICE_NOT_ACCESSIBLE)
        if not self._admits(line):
            raise Vxi11Error(Fault.OUT_OF_RESOURCES)
        self._opened += 1
        self._links[self._opened] = channel
        return self._opened, Vxi11Link(self.bench, line, resource, real_time=self.real_time)

    def forget(self, number: int) -> None:
        """Take note that a link has ended."""
        self._links.pop(number, None)

    def abort(self, number: int) -> bool:
        """End the call that is at work for a link; False if there is no such link."""
        channel = self._links.get(number)
        if channel is not None:
            channel.abort(number)
        return channel is not None
