"""What a served bench writes down of its clients, how many it takes, and what PyVISA makes of its blocks."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from tests.protocol.served.in_a_thread import ServedBench, serving_in_a_thread

IDENTITY = "Agilent Technologies,53230A,MY50000001,02.05-1519.666-1.19-4.15-127-155-35"
ONE_SOCKET = """
instruments:
  source:
    model: keithley-6221
    address: "GPIB0::12::INSTR"
    options: {sockets: 1, refusal_time: 45 s}
"""


def records(path: Path, kind: str) -> list[dict[str, Any]]:
    return [record for record in map(json.loads, path.read_text().splitlines()) if record["kind"] == kind]


def exchange(bench: ServedBench, name: str, message: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", bench.port(name)), timeout=5.0) as client:
        client.sendall(message)
        return client.recv(1000)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", ["thermometer", "controller", "counter", "source", "generator", "dc_source"])
def test_the_transcript_of_a_served_bench_shows_what_the_client_sent(tmp_path: Path, name: str, end: bytes) -> None:
    path = tmp_path / "transcript.jsonl"
    with serving_in_a_thread(f"showroom?transcript={path}") as bench:
        assert exchange(bench, name, b"*IDN?" + end)
    sent = [record["text"] for record in records(path, "message") if record["direction"] == "to"]
    assert sent == ["*IDN?" + end.decode()]


@pytest.mark.parametrize("name", ["thermometer", "source"])
def test_the_transcript_shows_a_message_that_a_client_has_not_ended(tmp_path: Path, name: str) -> None:
    path = tmp_path / "transcript.jsonl"
    with serving_in_a_thread(f"showroom?transcript={path}") as bench:
        with socket.create_connection(("127.0.0.1", bench.port(name)), timeout=5.0) as client:
            client.sendall(b"*IDN?\r")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1000) == b""
        assert exchange(bench, name, b"*IDN?\n")
    found = [(record["instrument"], record["reason"]) for record in records(path, "refused")]
    assert found == [(name, "'*IDN?\\r' came without a message end")]


@pytest.mark.parametrize(
    ("name", "message", "reason"),
    [
        ("thermometer", b"RANGE0,4\n*IDN?\n", "'RANGE0,4': *ESR? bit 5; a blank is missing behind RANGE"),
        ("controller", b"FOO 1\n*IDN?\n", "'FOO 1': *ESR? bit 5; no such command, or not with so many values"),
        ("thermometer", b"RANGE 0,44\n*IDN?\n", "'RANGE 0,44': *ESR? bit 4; a value that it does not take, or not now"),
        ("counter", b"FOO 1\n*IDN?\n", '-113,"Undefined header"'),
    ],
)
def test_the_transcript_says_why_something_was_refused(tmp_path: Path, name: str, message: bytes, reason: str) -> None:
    path = tmp_path / "transcript.jsonl"
    with serving_in_a_thread(f"showroom?transcript={path}") as bench:
        exchange(bench, name, message)
    assert [(record["instrument"], record["reason"]) for record in records(path, "refused")] == [(name, reason)]


def test_an_instrument_can_be_told_to_take_one_socket_and_to_refuse_the_next_behind_a_broken_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(ONE_SOCKET)
    with serving_in_a_thread(str(path)) as bench:
        first = socket.create_connection(("127.0.0.1", bench.port("source")), timeout=5.0)
        first.sendall(b"*IDN?\n")
        assert first.recv(1000)
        assert refused(bench)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first.close()  # breaks the connection off
        assert refused(bench)
        bench.wait(60.0)
        assert exchange(bench, "source", b"*IDN?\n")


def refused(bench: ServedBench) -> bool:
    """Return whether a new connection is closed without an answer."""
    try:
        return exchange(bench, "source", b"*IDN?\n") == b""
    except OSError:
        return True


@pytest.mark.filterwarnings("ignore")
def test_binary_values_come_whole_through_a_socket_that_is_opened_as_the_documents_say() -> None:
    pytest.importorskip("pyvisa_py")
    with serving_in_a_thread("showroom") as bench:
        manager = pyvisa.ResourceManager("@py")
        counter = manager.open_resource(bench.address("counter"), read_termination="\n", write_termination="\n")
        assert isinstance(counter, MessageBasedResource)
        counter.timeout = 5000
        counter.write("*RST;:FORM REAL,64;:CONF:FREQ (@2);:INP2:COUP DC;:INP2:LEV 0")  # edges of the amplifier's noise
        counter.write("SAMP:COUN 480;:FREQ:GATE:TIME 1E-3;:INIT")
        assert counter.query("*OPC?").strip() == "1"
        assert counter.query("*IDN?").strip() == IDENTITY
        first = counter.query_binary_values("R? 100", datatype="d", is_big_endian=True)
        rest = counter.query_binary_values("R?", datatype="d", is_big_endian=True)
        assert (len(first), len(rest)) == (100, 380)
        assert min(first) > 1e3
        assert counter.query("SYST:ERR?").strip() == '+0,"No error"'
        # A block without a length: nothing of it is returned, and it is in the way of the next reply.
        counter.write("INIT;*WAI")
        assert list(counter.query_binary_values("FETC?", datatype="d", is_big_endian=True)) == []
        counter.write("*IDN?")
        assert counter.read_raw().strip() != IDENTITY.encode()
        counter.close()
        manager.close()
