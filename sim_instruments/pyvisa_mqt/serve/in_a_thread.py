"""Serves a bench from a thread of this process, for test suites whose clients talk to sockets and terminals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyvisa_mqt.bench.bench import Bench
from pyvisa_mqt.serve.server import HOST, BenchServer

__all__ = ["ServedBench", "serving"]

#: Longest wall time in s until the thread notices that it is to end.
_LONGEST = 0.005


class ServedBench:
    """Where the instruments of a served bench are.

    Parameters
    ----------
    server
        What serves the bench.

    Attributes
    ----------
    bench
        The bench; its `faults.inject` and `clock` may be used while it is served.
    backend
        VISA library path of the bench for any process, `serve:PORT@mqt`; None unless its time is virtual.
    """

    def __init__(self, server: BenchServer) -> None:
        self.bench: Bench = server.bench
        places = server.addresses()
        self._places = places["instruments"]
        self.backend: str | None = places["backend"]

    def _place(self, name: str, what: str) -> str:
        """Return the port or the device of an instrument; a name that is not there is one sentence."""
        if name not in self._places:
            raise KeyError(f"there is no instrument {name!r} on this bench; there are {', '.join(self._places)}")
        return str(self._places[name][what])

    def port(self, name: str) -> int:
        """Return the TCP port of an instrument, named as in the bench file, on 127.0.0.1."""
        return int(self._place(name, "port"))

    def device(self, name: str) -> str:
        """Return the terminal of a serial instrument."""
        return self._place(name, "device")

    def address(self, name: str) -> str:
        """Return the VISA address at which any VISA library reaches an instrument."""
        if self._places.get(name, {}).get("device"):
            return f"ASRL{self.device(name)}::INSTR"
        return f"TCPIP0::{HOST}::{self.port(name)}::SOCKET"

    def hislip(self, name: str) -> str:
        """Return the VISA address at which an instrument speaks HiSLIP."""
        return self._place(name, "hislip")

    def vxi11(self, name: str) -> str:
        """Return the VISA address at which an instrument speaks VXI-11, if the server was told to."""
        return self._place(name, "vxi11")


@contextmanager
def serving(server: BenchServer) -> Iterator[ServedBench]:
    """Serve until the end of the block, and close the server; what has failed in the thread is raised then."""
    failed: list[BaseException] = []
    end = threading.Event()

    def serve() -> None:
        try:
            while not end.is_set():
                server.step(_LONGEST)
        except BaseException as exc:  # told to the thread that waits for the end
            failed.append(exc)

    thread = threading.Thread(target=serve, name="served bench", daemon=True)
    thread.start()
    try:
        yield ServedBench(server)
    finally:
        end.set()
        thread.join()
        server.close()
    for exc in failed:
        raise exc
