"""Serves a bench to any client: a loopback socket per instrument, or a pseudo-terminal; HiSLIP and VXI-11 for all.

The bench lives in this process. In real time it follows the wall clock; with `--virtual` its time passes with
messages and waits only, and other processes reach it as "serve:PORT@mqt". One thread does everything, so nothing
that a client sends can disturb another client's exchange.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import time as wall_time
from typing import Any

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.bench.stock_devices import StockInstrument
from pyvisa_mqt.grammar.instrument import Instrument
from pyvisa_mqt.messages.line import Line
from pyvisa_mqt.serve.clients import Client, SocketClient
from pyvisa_mqt.serve.complaints import Complaints
from pyvisa_mqt.serve.connections import Connection
from pyvisa_mqt.serve.hislip_sessions import HislipHost
from pyvisa_mqt.serve.hosting import HostedClient
from pyvisa_mqt.serve.port_mapper import PortMapper
from pyvisa_mqt.serve.terminals import NoTerminalError, SerialClient
from pyvisa_mqt.serve.vxi11 import PROGRAMS, Vxi11Channel
from pyvisa_mqt.serve.vxi11_host import Vxi11Host
from pyvisa_mqt.time_and_signals.clock import Pace

__all__ = ["EVERYWHERE", "HISLIP_PORT", "HOST", "BenchServer"]

HOST = "127.0.0.1"
#: Stands for every address that the computer has.
EVERYWHERE = "0.0.0.0"
#: Where a VISA looks for HiSLIP if its address says nothing else.
HISLIP_PORT = 4880
_HISLIP, _VXI11, _PORT_MAPPER = "HiSLIP", "VXI-11", "port mapper"
#: Longest time in s between two looks at the clock, when nothing and when something is going on.
_IDLE, _BUSY = 0.05, 0.002
_BACKLOG = 128
_MOST_HOSTED = 64
#: Wall time in s for which a connection may wait for the place of one that is just being closed.
_AT_THE_DOOR = 0.25


class BenchServer:
    """The bench and its listening sockets.

    Parameters
    ----------
    bench
        What is served.
    speed
        Bench seconds per second of wall time; None for virtual time.
    port_base
        Port of the first instrument, the others follow; 0 for ports that the system chooses.
    host
        Address at which the instruments listen.
    hislip_port
        Port of HiSLIP if it is free; otherwise, and for 0, the system chooses one.
    mapper_port
        Port at which VXI-11's clients are told its port, 0 for one that the system chooses; None for no VXI-11.

    Raises
    ------
    OSError
        If a port is not free.
    ValueError
        If the speed is not above 0.
    """

    def __init__(
        self,
        bench: Bench,
        speed: float | None = 1.0,
        port_base: int = 0,
        host: str = HOST,
        hislip_port: int = 0,
        mapper_port: int | None = None,
    ) -> None:
        if bench.speed is not None:
            raise ValueError(f"the bench's path says speed={bench.speed:g}; give a served bench its speed with --speed")
        self.bench = bench
        self._host = host
        self._pace = None if speed is None else Pace(bench.clock, speed)
        self._selector = selectors.DefaultSelector()
        self._clients: list[Client | Vxi11Channel] = []
        self._hosted: list[HostedClient] = []
        self._listeners: dict[str, socket.socket] = {}
        self._devices: dict[str, SerialClient] = {}
        self._complaints = Complaints()
        self._turns = 0
        # When (s, bench time) to look next at an instrument that is at work on a query.
        self._due: dict[Instrument, float] = {}
        # Until when (s, bench time) new connections are refused, behind one that was broken off.
        self._refused: dict[Line, float] = {}
        # Connections that find all places of their instrument taken, and until when they wait for one.
        self._at_the_door: list[tuple[Line, socket.socket, float]] = []
        self._hislip = HislipHost(bench, self._has_place, real_time=self._pace is not None)
        self._vxi11 = Vxi11Host(bench, self._has_place, real_time=self._pace is not None)
        self._mapper: PortMapper | None = None
        self._hosts: dict[str, HislipHost | Vxi11Host | PortMapper] = {_HISLIP: self._hislip, _VXI11: self._vxi11}
        bench.on_failure = self._instrument_failed
        try:
            behind = self._listen(port_base)
            self._listen_to_hislip(hislip_port)
            if mapper_port is not None:
                self._listen_to_vxi11(behind, mapper_port)
        except BaseException:
            self.close()
            raise

    def _listen(self, port_base: int) -> int:
        """Listen for each instrument and return the port behind the last, 0 if the system chooses."""
        port = port_base
        for resource, line in self.bench.lines.items():
            if resource.startswith("ASRL"):
                self._open_terminal(line, resource)
                continue
            self._listeners[line.name] = self._listener(port, resource)
            port += bool(port_base)
        self._backend = None if self._pace is not None else self._listener(port, None)
        for number, (resource, line) in enumerate(self.bench.lines.items()):
            # HiSLIP and VXI-11 reach whatever has a socket or a terminal, by its place on the bench
            if line.name in self._listeners or line.name in self._devices:
                self._hislip.add(f"hislip{number}", resource)
                self._vxi11.add(f"inst{number}", resource)
        return port + (self._backend is not None) if port_base else 0

    def _listen_to_hislip(self, port: int) -> None:
        try:
            listener = self._listener(port, _HISLIP)
        except OSError:
            if not port:
                raise
            listener = self._listener(0, _HISLIP)  # another served bench has it, or a real program
        chosen = listener.getsockname()[1]
        self._hislip.port = "" if chosen == HISLIP_PORT else f",{chosen}"

    def _listen_to_vxi11(self, port: int, mapper_port: int) -> None:
        chosen = self._listener(port, _VXI11).getsockname()[1]
        self._hosts[_PORT_MAPPER] = self._mapper = PortMapper(self._host, mapper_port, dict.fromkeys(PROGRAMS, chosen))
        self._vxi11.port, self._vxi11.told = chosen, "" if self._mapper.found_by_all else f",{chosen}"
        if self._mapper.trouble:
            self._complaints.say(f"mqtctl: {self._mapper.trouble}", once=_VXI11)
        if self._mapper.listener is not None:
            self._selector.register(self._mapper.listener, selectors.EVENT_READ, _PORT_MAPPER)
        for channel in self._mapper.channels:
            self._selector.register(channel, selectors.EVENT_READ, channel)

    def _open_terminal(self, line: Line, resource: str) -> None:
        """Give a serial instrument its terminal; without one the others are served all the same."""
        try:
            client = SerialClient(self.bench, line, resource, real_time=self._pace is not None)
        except NoTerminalError as exc:
            self._complaints.say(
                f"mqtctl: {line.name!r} is left out ({exc}); give it a TCPIP address in the bench file", line.name
            )
            return
        self._devices[line.name] = client
        self._clients.append(client)

    def _listener(self, port: int, resource: str | None) -> socket.socket:
        # the backend is for processes of this computer, whoever may talk to the instruments
        host = HOST if resource is None else self._host
        try:
            listener = socket.create_server((host, port), backlog=_BACKLOG)  # knows what reuse means on each system
        except OSError as exc:
            reason = (exc.strerror or str(exc)).partition(" (")[0]
            raise OSError(exc.errno, f"cannot listen on port {port} of {host} ({reason})") from exc
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, resource)
        return listener

    @property
    def serves(self) -> bool:
        """Whether anybody can reach anything."""
        return bool(self._listeners or self._devices or self._backend)

    @property
    def mapper_port(self) -> int | None:
        """The port of the bench's own port mapper, None if it has none."""
        listener = None if self._mapper is None else self._mapper.listener
        return None if listener is None else int(listener.getsockname()[1])

    @property
    def _reachable(self) -> str:
        """Address at which a program on this computer reaches what listens."""
        return HOST if self._host == EVERYWHERE else self._host

    def addresses(self) -> dict[str, Any]:
        """Return where each instrument is, as `bench serve --json` prints it."""
        instruments: dict[str, Any] = {}
        for number, (resource, line) in enumerate(self.bench.lines.items()):
            listener, device = self._listeners.get(line.name), self._devices.get(line.name)
            stock = line.instrument if isinstance(line.instrument, StockInstrument) else None
            instruments[line.name] = {
                "model": self.bench.file.instruments[line.name].model if stock is None else stock.name,
                "resource": resource,
                "host": self._reachable if listener is not None else None,
                "port": listener.getsockname()[1] if listener is not None else None,
                "device": device.device if device is not None else None,
                "hislip": self._hislip.address(self._reachable, number) if listener or device else None,
                "vxi11": self._vxi11.address(self._reachable, number) if listener or device else None,
            }
        backend = None if self._backend is None else f"serve:{self._backend.getsockname()[1]}@mqt"
        return {"instruments": instruments, "backend": backend}

    def step(self, longest: float = _IDLE) -> None:
        """Do what is due, waiting for at most `longest` (s) if that is nothing."""
        calling: list[tuple[socket.socket, str | None]] = []
        for key, events in self._selector.select(min(longest, self._pause())):
            if isinstance(key.data, (Client, Connection)):
                if events & selectors.EVENT_READ:
                    key.data.receive()
                if events & selectors.EVENT_WRITE:
                    key.data.send()
            elif isinstance(key.fileobj, socket.socket):
                calling.append((key.fileobj, key.data))
        for client in self._clients:
            client.look()
        self._pass_time()
        for client in sorted(self._clients, key=lambda client: client.turn):
            self._attend(client)
        for client in [*self._clients]:
            self._update(client, self._clients)
        for hosted in [*self._hosted]:
            hosted.execute()
            self._update(hosted, self._hosted)
        self._attend_channels()
        # Last, so that the places of those who have just left are free.
        for listener, resource in calling:
            self._accept(listener, resource)
        self._open_the_door()

    def _pause(self) -> float:
        """Return for how long nothing is due."""
        if self._pace is None:
            now = self.bench.clock.now()
            if self._at_the_door or any(client.expects_reply for client in self._clients):
                return _BUSY
            return 0.0 if any(client.ready_at <= now for client in self._clients) else _IDLE
        due = min([self._next_look(instrument) for instrument in self.bench.instruments.values()], default=math.inf)
        late = min([client.reply_due for client in self._clients], default=math.inf)
        pause = max(self._pace.until(min(due, late)), _BUSY)
        return min([pause, _BUSY if self._at_the_door else _IDLE, *map(self._until_ready, self._clients)])

    def _until_ready(self, client: Client | Vxi11Channel) -> float:
        return math.inf if self._pace is None else self._pace.until(client.ready_at)

    def _next_look(self, instrument: Instrument) -> float:
        """Return when (s, bench time) to look at an instrument that is at work on a query; inf if it is not.

        What it knows itself of its next event counts, at most so much later that nobody notices.
        """
        if not instrument.busy or self._pace is None:
            self._due.pop(instrument, None)
            return math.inf
        latest = self.bench.clock.now() + _IDLE * self._pace.speed
        due = min(self._due.get(instrument, math.inf), instrument.next_event(), latest)
        self._due[instrument] = due
        return due

    def _pass_time(self) -> None:
        if self._pace is None:
            return
        try:
            behind = self._pace.catch_up()
        except Exception as exc:  # whatever fails on the bench, its instruments go on answering
            self._complaints.report("the bench", exc)
            return
        if behind:
            slow = "the bench cannot keep up with its speed"
            self._complaints.say(f"{slow}; it was {behind:.3g} s behind, and goes on slower", once=slow)
        now = self.bench.clock.now()
        for instrument in self.bench.instruments.values():
            if not instrument.busy or self._due.get(instrument, now) > now:
                continue
            self._due.pop(instrument, None)
            try:
                instrument.advance(now)
                self._complaints.tell_of_a_long_wait(self.bench, instrument)
            except Exception as exc:  # the same
                self._instrument_failed(instrument, exc)

    def _attend(self, client: Client | Vxi11Channel) -> None:
        """Execute one client's messages; one that waits for an instrument keeps the others from it."""
        try:
            if client.dead:
                client.lose()
            elif client.execute():
                self._turns += 1
                client.turn = self._turns
            client.take_leave()
        except Exception as exc:  # a defect of one instrument costs its client the connection, and nobody else
            if client.line is None:
                self._complaints.report(_VXI11, exc)
            else:
                self._instrument_failed(client.line.instrument, exc)
            client.lose()

    def _instrument_failed(self, instrument: Instrument, exc: Exception) -> None:
        names = [line.name for line in self.bench.lines.values() if line.instrument is instrument]
        self._complaints.report(f"instrument {names[0]!r}", exc)
        with contextlib.suppress(Exception):  # what has failed may not even be able to let go of its query
            instrument.clear()

    # Who comes and who goes.

    def _accept(self, listener: socket.socket, resource: str | None) -> None:
        for _ in range(_BACKLOG):
            try:
                connection, _ = listener.accept()
            except OSError:  # nobody there any more, or no more files to be had
                return
            if resource in self._hosts:
                channel = self._hosts[resource].accept(connection)
                if channel is not None:
                    self._selector.register(channel, selectors.EVENT_READ, channel)
                if isinstance(channel, Vxi11Channel):
                    self._clients.append(channel)
            elif resource is not None:
                self._at_the_door.append((self.bench.lines[resource], connection, wall_time.monotonic() + _AT_THE_DOOR))
            elif len(self._hosted) >= _MOST_HOSTED:
                connection.close()
            else:
                hosted = HostedClient(self.bench, connection, self._complaints.report)
                self._hosted.append(hosted)
                self._selector.register(hosted, selectors.EVENT_READ, hosted)

    def _shut(self, line: Line) -> bool:
        """Whether an instrument lets nobody in now, however many places it has."""
        return line.down or self.bench.clock.now() < self._refused.get(line, 0.0)

    def _has_place(self, line: Line) -> bool:
        """Whether an instrument takes one more client at once."""
        return not self._shut(line) and self._present(line) < line.instrument.socket_places

    def _present(self, line: Line) -> int:
        return sum(client.lines.count(line) for client in self._clients)

    def _attend_channels(self) -> None:
        """Do what was asked for where no instrument is: on HiSLIP's second channels, whose sessions are let in, too."""
        hosts: list[HislipHost | PortMapper] = [self._hislip, *([self._mapper] if self._mapper else [])]
        for host in hosts:
            for channel in [*host.channels]:
                try:
                    channel.execute()
                except Exception as exc:  # as for messages
                    self._complaints.report(type(host).__name__, exc)
                    channel.open = False
                self._update(channel, host.channels)
        for client in self._hislip.newcomers:
            self._clients.append(client)
            self._selector.register(client, selectors.EVENT_READ, client)
            self._update(client, self._clients)
        self._hislip.newcomers.clear()

    def _open_the_door(self) -> None:
        """Let in who finds a place; who does not in time is sent away, as the instrument's firmware does."""
        waiting, self._at_the_door = self._at_the_door, []
        for line, connection, until in waiting:
            free = self._has_place(line)
            if self._shut(line) or (not free and wall_time.monotonic() >= until):
                connection.close()
            elif not free:
                self._at_the_door.append((line, connection, until))
            else:
                resource = next(name for name, known in self.bench.lines.items() if known is line)
                client = SocketClient(self.bench, line, resource, connection, real_time=self._pace is not None)
                self._clients.append(client)
                self._selector.register(client, selectors.EVENT_READ, client)

    def _update(self, client: Any, members: list[Any]) -> None:
        """Send what can be sent, wait for what the client can do next, forget one that is gone."""
        if client.wants_to_write and client.open:
            client.send()
        if not client.open:
            if client in self._selector.get_map():
                self._selector.unregister(client)
            broken = client.lines if isinstance(client, (Client, Vxi11Channel)) and client.broken_off else []
            self._end(client)
            members.remove(client)
            for line in broken:
                self._refused[line] = self.bench.clock.now() + line.instrument.options["refusal_time"]
            return
        events = selectors.EVENT_READ if client.wants_to_read else 0
        events |= selectors.EVENT_WRITE if client.wants_to_write else 0
        known = client in self._selector.get_map()
        if known and not events:
            self._selector.unregister(client)
        elif known:
            self._selector.modify(client, events, client)
        elif events:
            self._selector.register(client, events, client)

    def _end(self, client: Client | Connection) -> None:
        try:
            client.close()
        except Exception as exc:  # an instrument that cannot even abandon its query
            self._complaints.report("the bench", exc)

    def close(self) -> None:
        """Close everything."""
        everybody: list[Client | Connection] = [*self._clients, *self._hosted, *self._hislip.channels]
        for client in everybody:
            self._end(client)
        if self._mapper is not None:
            self._mapper.close()
        for _, connection, _ in self._at_the_door:
            connection.close()
        for key in [*self._selector.get_map().values()]:
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()
