"""VXI-11 links as clients of the bench like others: places, faults of instruments, stock devices, ports."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import serving
from pyvisa_mqt.serve.server import BenchServer

from tests.protocol.served import vxi11_client as vx
from tests.protocol.served.in_a_thread import SPEED, ServedBench
from tests.protocol.served.vxi11_client import Vxi11

BENCH = """
instruments:
  source:
    model: keithley-6221
    address: "GPIB0::12::INSTR"
    options: {sockets: 1, refusal_time: 45 s}
  counter: {model: keysight-53230a, address: "TCPIP0::10.0.0.1::inst0::INSTR"}
spec: "1.1"
devices:
  meter:
    eom:
      GPIB INSTR: {q: "\\r\\n", r: "\\n"}
    error: ERROR
    dialogues: [{q: "*IDN?", r: "a stock meter"}]
resources:
  GPIB0::20::INSTR: {device: meter}
"""


@contextmanager
def served(folder: Path, port_base: int = 0) -> Iterator[ServedBench]:
    path = folder / "bench.yaml"
    path.write_text(BENCH)
    with serving(server := BenchServer(open_bench(str(path)), SPEED, port_base, mapper_port=0)):
        yield ServedBench(server)


def test_links_take_the_places_of_sockets_and_one_that_is_broken_off_closes_the_door_for_a_while(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as bench:
        first = Vxi11(bench.vxi11("source"))
        assert "6221" in first.query("*IDN?")
        with Vxi11(bench.vxi11("source")) as second:
            assert second.error == 9
            first.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            first.socket.close()  # breaks the connection off
            bench.wait(1.0)
            assert vx.numbers(second.call(vx.CREATE_LINK, 1, 0, 0, b"inst0"))[0] == 9
            bench.wait(60.0)
            error, second.link, *_ = vx.numbers(second.call(vx.CREATE_LINK, 1, 0, 0, b"inst0"))
            assert error == 0
            assert "6221" in second.query("*IDN?")


def test_a_defect_of_an_instrument_costs_its_client_the_connection_and_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("a defect")

    with served(tmp_path) as bench, Vxi11(bench.vxi11("counter")) as session, Vxi11(bench.vxi11("source")) as other:
        with monkeypatch.context() as patch:
            patch.setattr(bench.bench.instruments["TCPIP0::10.0.0.1::inst0::INSTR"], "write", fail)
            with pytest.raises(EOFError):
                session.write(b"*IDN?")
        assert "6221" in other.query("*IDN?")
        with Vxi11(bench.vxi11("counter")) as again:
            assert "53230A" in again.query("*IDN?")
    assert "a defect" in capsys.readouterr().err


def test_a_stock_device_keeps_its_own_message_ends(tmp_path: Path) -> None:
    with served(tmp_path) as bench, Vxi11(bench.vxi11("meter")) as session:
        session.write(b"*IDN?\r\n")
        assert session.read() == (0, vx.ENDED, b"a stock meter\n")


def test_with_a_base_vxi11_listens_behind_the_instruments(tmp_path: Path) -> None:
    for base in range(23_000, 60_000, 97):
        try:
            with served(tmp_path, base) as bench, Vxi11(bench.vxi11("counter")) as session:
                assert (bench.port("source"), bench.port("meter"), session.port) == (base, base + 2, base + 3)
                assert "53230A" in session.query("*IDN?")
        except OSError:  # another program has one of these ports
            continue
        return
    raise AssertionError("no four ports in a row are free")


def test_connections_that_break_off_before_they_are_taken_end_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as bench, Vxi11(bench.vxi11("counter")) as session:
        for _ in range(50):
            with vx.connected(session.port) as stranger:
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert "53230A" in session.query("*IDN?")
