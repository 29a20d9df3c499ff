"""A bench that is served by a thread of the test, for clients that talk to sockets and terminals."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyvisa_mqt.serve.in_a_thread
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import serving
from pyvisa_mqt.serve.server import BenchServer

__all__ = ["ServedBench", "serving_in_a_thread"]

#: Bench seconds per second: a 372, which takes 20 messages a second, then takes 2000.
SPEED = 100.0


class ServedBench(pyvisa_mqt.serve.in_a_thread.ServedBench):
    """Where the instruments are, and a way to wait for the bench's time."""

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
    with serving(server):
        yield ServedBench(server)
