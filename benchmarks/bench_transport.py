"""Speed of the VISA backend against stock pyvisa-sim and against a loopback socket, all in the same run.

Targets: 10 000 ASCII readings, parsed, at least 200 times as fast as stock, 100 000 at least 2000 times; a short
query no slower than stock; 100 000 doubles in a binary block at least at 0.3 of the speed of a loopback socket.

Stock reads byte by byte from a buffer that it shifts; 100 000 readings take it minutes, `--short` leaves those out.
"""

from __future__ import annotations

import argparse
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvisa
from numpy.typing import NDArray
from pyvisa_mqt.grammar.number_text import scientific_list

COUNTER = "TCPIP0::192.0.2.53::inst0::INSTR"
STOCK = "GPIB0::8::INSTR"
ASCII_TARGETS = {10_000: 200.0, 100_000: 2000.0}
BINARY_COUNT, BINARY_TARGET, QUERY_TARGET = 100_000, 0.3, 1.0


def best(action: Callable[[], object], repeats: int) -> float:
    """Return the shortest of some durations in s: what the machine does besides only ever adds."""
    durations = []
    for _ in range(repeats):
        before = time.perf_counter()
        action()
        durations.append(time.perf_counter() - before)
    return min(durations)


@contextmanager
def stock(readings: NDArray[np.float64]) -> Iterator[Any]:
    """Open a stock pyvisa-sim device that answers FETC? with the same text as the counter."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stock.yaml"
        text = scientific_list(readings).decode()
        path.write_text(
            'spec: "1.1"\n'
            "devices:\n"
            "  counter:\n"
            '    eom: {GPIB INSTR: {q: "\\n", r: "\\n"}}\n'
            "    error: ERROR\n"
            "    dialogues:\n"
            '      - {q: "*IDN?", r: "Agilent Technologies,53230A,MY50000001,02.05-1519.666-1.19-4.15-127-155-35"}\n'
            f'      - {{q: "FETC?", r: "{text}"}}\n'
            "resources:\n"
            f"  {STOCK}: {{device: counter}}\n"
        )
        manager = pyvisa.ResourceManager(f"{path}@sim")
        resource: Any = manager.open_resource(STOCK, timeout=3_600_000)
        resource.read_termination = resource.write_termination = "\n"
        yield resource
        manager.close()


@contextmanager
def ours(readings: NDArray[np.float64]) -> Iterator[Any]:
    """Open the simulated counter with readings in its memory."""
    manager = pyvisa.ResourceManager("@mqt")
    resource: Any = manager.open_resource(COUNTER, timeout=60_000)
    resource.read_termination = resource.write_termination = "\n"
    library: Any = manager.visalib
    library.bench.instruments[COUNTER].memory.append(readings)
    yield resource
    manager.close()


@contextmanager
def loopback(block: bytes) -> Iterator[Callable[[], NDArray[np.float64]]]:
    """Return a function that asks a plain socket server for a block and returns its doubles."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(100):
                connection.sendall(block)

    thread = threading.Thread(target=serve)
    thread.start()
    client = socket.create_connection(listener.getsockname())

    def fetch() -> NDArray[np.float64]:
        client.sendall(b"R?\n")
        data = bytearray()
        while len(data) < len(block):
            data += client.recv(1 << 20)
        return np.frombuffer(bytes(data), dtype=">f8").astype(np.float64)

    yield fetch
    client.close()
    thread.join()
    listener.close()


def ascii_ratio(count: int, readings: NDArray[np.float64]) -> float:
    """Print and return how many times faster than stock ASCII readings are read and parsed."""

    def read(resource: Any) -> None:
        values = resource.query_ascii_values("FETC?", container=np.array)
        assert np.allclose(values, readings[:count], rtol=1e-13, atol=0.0)

    with ours(readings[:count]) as resource:
        mine = best(lambda: read(resource), 5)
    with stock(readings[:count]) as resource:
        theirs = best(lambda: read(resource), 1)
    ratio = theirs / mine
    target = ASCII_TARGETS[count]
    print(f"{count} ASCII readings: {mine * 1e3:.2f} ms, stock {theirs:.2f} s, ratio {ratio:.0f} (target {target:.0f})")
    return ratio


def query_ratio() -> float:
    """Print and return how many times faster than stock a short query is."""
    number = 300

    def ask(resource: Any) -> None:
        for _ in range(number):
            assert resource.query("*IDN?").startswith("Agilent")

    with ours(np.empty(0)) as resource:
        mine = best(lambda: ask(resource), 5) / number
    with stock(np.ones(1)) as resource:
        theirs = best(lambda: ask(resource), 3) / number
    print(f"short query: {mine * 1e6:.0f} us, stock {theirs * 1e6:.0f} us, ratio {theirs / mine:.1f} (target 1)")
    return theirs / mine


def binary_ratio(readings: NDArray[np.float64]) -> float:
    """Print and return the speed of a binary block relative to a loopback socket."""
    with ours(readings) as resource:
        resource.write("FORM REAL")
        resource.read_termination = None

        def read() -> None:
            values = resource.query_binary_values(
                "FETC?", datatype="d", is_big_endian=True, container=np.array, data_points=len(readings)
            )
            assert len(values) == len(readings)

        mine = best(read, 15)
    with loopback(readings.astype(">f8").tobytes()) as fetch:
        theirs = best(fetch, 15)
    print(
        f"{len(readings)} doubles in a block: {mine * 1e3:.2f} ms, loopback socket {theirs * 1e3:.2f} ms, "
        f"ratio {theirs / mine:.2f} (target {BINARY_TARGET})"
    )
    return theirs / mine


def main() -> None:
    """Measure, print the ratios and assert the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="leave out the 100 000 ASCII readings")
    counts = [10_000] if parser.parse_args().short else [10_000, 100_000]
    readings = np.random.default_rng(1).uniform(1e-3, 2e-2, size=100_000)
    assert query_ratio() >= QUERY_TARGET
    assert binary_ratio(readings[:BINARY_COUNT]) >= BINARY_TARGET
    for count in counts:
        assert ascii_ratio(count, readings) >= ASCII_TARGETS[count]


if __name__ == "__main__":
    main()
