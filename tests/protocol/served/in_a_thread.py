"""A bench that is served by a thread of the test, for clients that talk to sockets and terminals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyvisa_mqt.bench.bench import Bench, open_bench
from pyvisa_mqt.serve.server import BenchServer

__all__ = ["ServedBench", "serving_in_a_thread"]

#: Bench seconds per second: a 372, which takes 20 messages a second, then takes 2000.
SPEED = 100.0


class ServedBench:
    """Where the instruments of a served bench are.

    Parameters
    ----------
    server
        What serves the bench.
    """

    def __init__(self, server: BenchServer) -> None:
        self.bench: Bench = server.bench
        places = server.addresses()
        self._places = places["instruments"]
        #: Library path of the bench in virtual time.
        self.backend: str | None = places["backend"]

    def port(self, name: str) -> int:
        """Return the port of an instrument."""
        return int(self._places[name]["port"])

    def address(self, name: str) -> str:
        """Return the VISA address at which any VISA library reaches an instrument."""
        device = self._places[name]["device"]
        return f"ASRL{device}::INSTR" if device else f"TCPIP0::127.0.0.1::{self.port(name)}::SOCKET"

    def device(self, name: str) -> str:
        """Return the terminal of a serial instrument."""
        return str(self._places[name]["device"])

    def wait(self, duration: float) -> None:
        """Wait until `duration` (s) of bench time have passed, which the server lets pass."""
        until = self.bench.clock.now() + duration
        for _ in range(int(duration / SPEED / 0.005) + 20_000):
            if self.bench.clock.now() >= until:
                return
            threading.Event().wait(0.005)
        raise AssertionError(f"the served bench stood still at {self.bench.clock.now()} s")


@contextmanager
def serving_in_a_thread(bench: str, speed: float | None = SPEED) -> Iterator[ServedBench]:
    """Serve a bench until the end of the block; nothing may have failed until then."""
    server = BenchServer(open_bench(bench), speed)
    failed: list[BaseException] = []
    end = threading.Event()

    def serve() -> None:
        try:
            while not end.is_set():
                server.step()
        except BaseException as exc:  # told to the test's thread
            failed.append(exc)
            raise

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield ServedBench(server)
    finally:
        end.set()
        thread.join()
        server.close()
    assert failed == []
