"""The program behind `mqtctl bench serve`: what it prints, how it ends."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, TextIO

from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.bench.bench_file import BenchFileError
from pyvisa_mqt.serve.port_mapper import PORT
from pyvisa_mqt.serve.server import HISLIP_PORT, HOST, BenchServer

__all__ = ["serve"]

#: Ports that may be asked for, and the number of instruments and clients that find room behind the last.
_LOWEST_PORT, _HIGHEST_PORT = 1024, 65000
#: What asks for the end, where it exists: Ctrl-C, a request to end, a terminal that is gone, Ctrl-\, a closed console.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")


class _Asked(BaseException):
    """One of the signals has come."""


class _Stop:
    """Ends what is going on at the first of these signals, once; the handlers before are put back at the end."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Any] = {}

    def _ask(self, *_: object) -> None:
        if not self._asked:
            self._asked = True
            raise _Asked  # also out of a virtual year that a client sleeps through

    @property
    def asked(self) -> bool:
        """Whether a signal has come, also where its exception got lost."""
        return self._asked

    def __enter__(self) -> None:
        for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
            nohup = number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN
            if not nohup:
                self._before[number] = signal.signal(number, self._ask)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._asked = True  # from here on nothing interrupts
        for number, handler in self._before.items():
            signal.signal(number, handler)
        return kind is not None and issubclass(kind, _Asked)


def serve(
    bench_path: str = "",
    *,
    speed: float | None = 1.0,
    port_base: int = 0,
    host: str = HOST,
    vxi11: bool = False,
    as_json: bool = False,
) -> int:
    """Serve until interrupted and return the exit code: 0, or 2 for a wrong bench or option.

    Parameters
    ----------
    bench_path
        A bench file or the name of a built-in bench, as in `open_bench`.
    speed
        Bench seconds per second; None for virtual time, which passes with messages and waits only.
    port_base
        Port of the first instrument, 1024 to 65000, the others follow; 0 for any.
    host
        Address at which the instruments listen; 0.0.0.0 for every one that the computer has.
    vxi11
        Whether to serve VXI-11, too, which takes port 111 or asks the port mapper there.
    as_json
        Whether to print the addresses as one JSON object.
    """
    if port_base and not _LOWEST_PORT <= port_base <= _HIGHEST_PORT:
        return _wrong(f"--port-base is {port_base}; give a port from {_LOWEST_PORT} to {_HIGHEST_PORT}, or 0 for any")
    stop = _Stop()
    with stop:
        try:
            bench = open_bench(bench_path)
            server = BenchServer(bench, speed, port_base, host, HISLIP_PORT, PORT if vxi11 else None)
        except (BenchFileError, ValueError) as exc:
            return _wrong(str(exc))
        except OSError as exc:
            advice = "give another --port-base (or none, for ports that are free), or another --host"
            return _wrong(f"{exc.strerror}; {advice}")
        try:
            if not server.serves:
                return _wrong("no instrument of this bench can be served; give one a TCPIP address, or serve --virtual")
            _announce(server, as_json=as_json)
            while not stop.asked:
                server.step()
        finally:
            server.close()
    return 0


def _wrong(sentence: str) -> int:
    _tell(sys.stderr, f"mqtctl: {sentence}\n")
    return 2


def _announce(server: BenchServer, *, as_json: bool) -> None:
    """Print where everything is."""
    addresses = server.addresses()
    if as_json:
        _tell(sys.stdout, json.dumps(addresses) + "\n")
        return
    lines = []
    for name, place in addresses["instruments"].items():
        socket = f"TCPIP::{place['host']}::{place['port']}::SOCKET" if place["port"] else "left out"
        others = "".join(f"  {address:36s}" for address in (place["hislip"], place["vxi11"]) if address)
        lines.append(f"{name:16s} {place['model']:18s} {place['device'] or socket:32s}{others}".rstrip() + "\n")
    if addresses["backend"]:
        lines.append(f"all of them, in virtual time: pyvisa.ResourceManager({addresses['backend']!r})\n")
    _tell(sys.stdout, "".join(lines))
    _tell(sys.stderr, "serving; Ctrl-C ends it\n")


def _tell(stream: TextIO | None, text: str) -> None:
    """Write to whoever reads; that nobody does any more is no reason not to serve."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        # what is left goes nowhere: Python would try again at its end, and exit with a code of its own
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
