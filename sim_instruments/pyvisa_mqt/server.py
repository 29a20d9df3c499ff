"""Serves a bench to any client: a loopback socket per instrument, a pseudo-terminal per serial one.

    python -m pyvisa_mqt.server showroom --speed 10

The bench lives in this process. In real time it follows the wall clock; with `--virtual` its time passes with
messages and waits only, and other processes reach it as "serve:PORT@mqt". One thread does everything, so nothing
that a client sends can disturb another client's exchange.
"""

from __future__ import annotations

import argparse
import json
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from .bench import Bench, open_bench
from .bench_file import BenchFileError
from .clock import Pace
from .hosting import HostedClient
from .line import Line
from .served import Client, SerialClient, SocketClient

__all__ = ["BenchServer", "main"]

HOST = "127.0.0.1"
#: Longest time in s between two looks at the clock, when nothing and when something is going on.
_IDLE, _BUSY = 0.05, 0.002
_BACKLOG = 16
_MOST_HOSTED = 64


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

    Raises
    ------
    OSError
        If a port is not free.
    ValueError
        If the speed is not above 0.
    """

    def __init__(self, bench: Bench, speed: float | None = 1.0, port_base: int = 0) -> None:
        self.bench = bench
        self._pace = None if speed is None else Pace(bench.clock, speed)
        self._selector = selectors.DefaultSelector()
        self._clients: list[Client] = []
        self._hosted: list[HostedClient] = []
        self._listeners: dict[str, socket.socket] = {}
        self._devices: dict[str, SerialClient] = {}
        self._reported_slow = False
        # Who sent the last message to each instrument, by its name: the replies are that client's.
        self._owner: dict[str, Client] = {}
        try:
            self._listen(port_base)
        except BaseException:
            self.close()
            raise

    def _listen(self, port_base: int) -> None:
        port = port_base
        for address, line in self.bench.lines.items():
            if address.startswith("ASRL"):
                client = SerialClient(self.bench, line, real_time=self._pace is not None)
                self._devices[line.name] = client
                self._clients.append(client)
                self._selector.register(client, selectors.EVENT_READ, client)
                continue
            self._listeners[line.name] = self._listener(port, line)
            port += bool(port_base)
        self._backend = None if self._pace is not None else self._listener(port, None)

    def _listener(self, port: int, line: Line | None) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        self._selector.register(listener, selectors.EVENT_READ, line)
        return listener

    def addresses(self) -> dict[str, Any]:
        """Return where each instrument is, as `bench serve --json` prints it."""
        instruments: dict[str, Any] = {}
        for name, section in self.bench.file.instruments.items():
            listener, device = self._listeners.get(name), self._devices.get(name)
            instruments[name] = {
                "model": section.model,
                "resource": section.address,
                "host": HOST if listener is not None else None,
                "port": listener.getsockname()[1] if listener is not None else None,
                "device": device.device if device is not None else None,
            }
        backend = None if self._backend is None else f"serve:{self._backend.getsockname()[1]}@mqt"
        return {"instruments": instruments, "backend": backend}

    def step(self, longest: float = _IDLE) -> None:
        """Do what is due, waiting for at most `longest` (s) if that is nothing."""
        for key, events in self._selector.select(min(longest, self._pause())):
            if isinstance(key.data, (Client, HostedClient)):
                if events & selectors.EVENT_READ:
                    key.data.receive()
                if events & selectors.EVENT_WRITE:
                    key.data.send()
            elif isinstance(key.fileobj, socket.socket):
                self._accept(key.fileobj, key.data)
        self._pass_time()
        for client in self._clients:
            self._attend(client)
        for client in [*self._clients]:
            self._update(client, self._clients)
        for hosted in [*self._hosted]:
            hosted.execute()
            self._update(hosted, self._hosted)

    def _pause(self) -> float:
        """Return for how long nothing is due."""
        if any(client.expects_reply for client in self._clients):
            return _BUSY
        if self._pace is None:
            now = self.bench.clock.now()
            return 0.0 if any(client.ready_at <= now for client in self._clients) else _IDLE
        return min([self._pace.until(client.ready_at) for client in self._clients], default=_IDLE)

    def _pass_time(self) -> None:
        if self._pace is None:
            return
        behind = self._pace.catch_up()
        if behind and not self._reported_slow:
            self._reported_slow = True
            sys.stderr.write(
                f"the bench cannot keep up with its speed; it was {behind:.3g} s behind, and goes on slower\n"
            )
        for instrument in self.bench.instruments.values():
            if instrument.busy:
                instrument.advance(self.bench.clock.now())

    def _attend(self, client: Client) -> None:
        """Execute one client's messages; one that waits for an instrument keeps the others from it."""
        if client.dead:
            client.lose()
            return
        if client.line.instrument.busy and self._owner.get(client.line.name) is not client:
            return
        if client.expects_reply:
            client.collect()
        if client.execute():
            self._owner[client.line.name] = client
        if self._owner.get(client.line.name) is client:
            client.collect()

    def _accept(self, listener: socket.socket, line: Line | None) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # gone again
            return
        if line is None:
            if len(self._hosted) >= _MOST_HOSTED:
                connection.close()
                return
            hosted = HostedClient(self.bench, connection)
            self._hosted.append(hosted)
            self._selector.register(hosted, selectors.EVENT_READ, hosted)
            return
        present = sum(client.line is line for client in self._clients)
        if present >= line.instrument.most_sockets or line.down:
            connection.close()
            return
        client = SocketClient(self.bench, line, connection, real_time=self._pace is not None)
        self._clients.append(client)
        self._selector.register(client, selectors.EVENT_READ, client)

    def _update(self, client: Any, members: list[Any]) -> None:
        """Send what can be sent, wait for what the client can do next, forget one that is gone."""
        if client.wants_to_write and client.open:
            client.send()
        if not client.open:
            if client in self._selector.get_map():
                self._selector.unregister(client)
            client.close()
            members.remove(client)
            for name in [name for name, owner in self._owner.items() if owner is client]:
                del self._owner[name]
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

    def close(self) -> None:
        """Close everything."""
        everybody: list[Client | HostedClient] = [*self._clients, *self._hosted]
        for client in everybody:
            client.close()
        for key in [*self._selector.get_map().values()]:
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._selector.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mqtctl bench serve", description=__doc__)
    parser.add_argument("bench", nargs="?", default="", help="bench file or name of a built-in bench")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else on stdout")
    parser.add_argument("--speed", type=float, default=1.0, help="bench seconds per second")
    parser.add_argument("--virtual", action="store_true", help="virtual time: it passes with messages and waits only")
    parser.add_argument("--port-base", type=int, default=0, help="port of the first instrument; the others follow")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted and return the exit code: 0, or 2 for a wrong bench or option."""
    options = _parser().parse_args(arguments)
    if not 0 <= options.port_base <= 65000:
        sys.stderr.write(f"mqtctl: --port-base is {options.port_base}; give a port from 1024 to 65000, or 0 for any\n")
        return 2
    try:
        bench = open_bench(options.bench)
        server = BenchServer(bench, None if options.virtual else options.speed, options.port_base)
    except (BenchFileError, ValueError) as exc:
        sys.stderr.write(f"mqtctl: {exc}\n")
        return 2
    except OSError as exc:
        sys.stderr.write(
            f"mqtctl: the bench cannot listen on {HOST} from port {options.port_base} on ({exc.strerror})\n"
        )
        return 2
    stop = _Stop()
    try:
        with stop:
            _announce(server, as_json=options.json)
            while not stop.asked:
                server.step()
    finally:
        server.close()
    return 0


class _Stop:
    """Remembers that SIGINT or SIGTERM came; the handlers before are put back at the end."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def _ask(self, *_: object) -> None:
        self.asked = True

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _announce(server: BenchServer, *, as_json: bool) -> None:
    """Print where everything is."""
    addresses = server.addresses()
    if as_json:
        sys.stdout.write(json.dumps(addresses) + "\n")
    else:
        for name, place in addresses["instruments"].items():
            where = place["device"] or f"TCPIP::{place['host']}::{place['port']}::SOCKET"
            sys.stdout.write(f"{name:14s} {place['model']:18s} {where}\n")
        if addresses["backend"]:
            sys.stdout.write(f"all of them, in virtual time: pyvisa.ResourceManager({addresses['backend']!r})\n")
        sys.stderr.write("serving; Ctrl-C ends it\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
