"""The served bench, stepped by hand: sockets, pseudo-terminals, and clients that behave badly."""

from __future__ import annotations

import contextlib
import math
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.program import serve
from pyvisa_mqt.serve.server import BenchServer
from pyvisa_mqt.visa.frames import LARGEST_FRAME, Frames, pack

BENCH = """
instruments:
  source: {model: keithley-6221, address: "GPIB0::12::INSTR"}
  counter: {model: keysight-53230a, address: "TCPIP0::10.0.0.1::inst0::INSTR"}
  bridge: {model: lakeshore-372, address: "TCPIP0::10.0.0.2::7777::SOCKET"}
  cable: {model: lakeshore-372, address: "ASRL3::INSTR"}
cryostat: {sensors: {bridge.ch6: mixing_chamber}}
"""
STEPS = 2000  # of at most 5 ms: far more than any exchange takes, and an end where none comes


class Served:
    """A server and its clients in one thread: every look for a reply lets the server take a step."""

    def __init__(self, folder: Path, speed: float | None, bench: str = BENCH) -> None:
        path = folder / "bench.yaml"
        path.write_text(bench)
        self.bench = open_bench(str(path))
        self.server = BenchServer(self.bench, speed)
        self.places = self.server.addresses()
        self.clients: list[socket.socket] = []

    def connect(self, name: str) -> socket.socket:
        place = self.places["instruments"][name]
        client = socket.create_connection((place["host"], place["port"]), timeout=5.0)
        client.setblocking(False)
        self.clients.append(client)
        self.server.step(0.005)
        return client

    def steps(self, number: int = 5) -> None:
        for _ in range(number):
            self.server.step(0.001)

    def read_line(self, read: Callable[[], bytes]) -> bytes:
        """Return what comes up to a line feed, or what came until the other end closed."""
        return self.read_until(b"\n", read)

    def read_until(self, end: bytes, read: Callable[[], bytes]) -> bytes:
        received = b""
        for _ in range(STEPS):
            self.server.step(0.005)
            try:
                data = read()
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return received
            received += data
            if received.endswith(end) or not data:
                return received
        raise AssertionError(f"no reply; got {received[:100]!r}")

    def host(self) -> socket.socket:
        """Connect as a VISA library of another process does."""
        port = int(self.places["backend"].removeprefix("serve:").removesuffix("@mqt"))
        client = socket.create_connection(("127.0.0.1", port), timeout=5.0)
        client.setblocking(False)
        self.clients.append(client)
        return client

    def request(self, client: socket.socket, **content: Any) -> Any:
        client.sendall(pack(content))
        frames = Frames()
        for _ in range(STEPS):
            self.server.step(0.005)
            with contextlib.suppress(BlockingIOError):
                if answers := frames.feed(client.recv(1 << 16)):
                    return answers[0]
        raise AssertionError(f"no answer to {content}")

    def ask(self, client: socket.socket, message: bytes) -> bytes:
        client.setblocking(True)
        client.sendall(message)
        client.setblocking(False)
        return self.read_line(lambda: client.recv(1 << 16))

    def close(self) -> None:
        for client in self.clients:
            client.close()
        self.server.close()


@pytest.fixture(params=[1.0, None], ids=["real time", "virtual time"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, request.param)
    yield served
    served.close()


def test_each_instrument_answers_at_its_own_loopback_port(served: Served) -> None:
    for name, expected in (("source", b"MODEL 6221"), ("counter", b"53230A"), ("bridge", b"LSCI,MODEL372")):
        assert served.places["instruments"][name]["host"] == "127.0.0.1"
        assert expected in served.ask(served.connect(name), b"*IDN?\n")


def test_the_bridge_speaks_with_carriage_return_and_line_feed(served: Served) -> None:
    reply = served.ask(served.connect("bridge"), b"KRDG? 6;*ESR?\r\n")
    assert reply.endswith(b"\r\n")
    assert reply.count(b";") == 1


def test_a_message_may_come_in_pieces_and_several_at_once(served: Served) -> None:
    client = served.connect("source")
    for piece in (b"*ID", b"N?", b"\nSOUR:CURR"):
        client.sendall(piece)
        served.steps()
    assert served.ask(client, b":COMP?\n").count(b"\n") == 2


def test_two_clients_of_one_instrument_get_their_own_replies(served: Served) -> None:
    first, second = served.connect("source"), served.connect("source")
    first.sendall(b"*ID")  # half a message of one does not spoil that of the other
    assert float(served.ask(second, b"SOUR:CURR:COMP?\n")) == 10.0
    assert b"6221" in served.ask(first, b"N?\n")


def test_a_third_socket_of_a_bridge_is_closed_and_a_place_that_is_left_is_free(served: Served) -> None:
    first, second = served.connect("bridge"), served.connect("bridge")
    assert b"LSCI" in served.ask(first, b"*IDN?\r\n")
    third = served.connect("bridge")
    assert served.read_line(lambda: third.recv(100)) == b""
    assert b"LSCI" in served.ask(second, b"*IDN?\r\n")
    first.close()
    served.steps()
    assert b"LSCI" in served.ask(served.connect("bridge"), b"*IDN?\r\n")


def test_a_serial_instrument_has_a_pseudo_terminal_that_passes_all_bytes(served: Served) -> None:
    place = served.places["instruments"]["cable"]
    assert (place["host"], place["port"]) == (None, None)
    for _ in range(2):  # it stays when a client leaves
        terminal = os.open(place["device"], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(terminal, b"*IDN?\r\n")
        assert served.read_line(lambda terminal=terminal: os.read(terminal, 1000)).startswith(b"LSCI")  # type: ignore[misc]
        os.close(terminal)
        served.steps()


def test_garbage_and_endless_lines_hurt_nobody(served: Served) -> None:
    noise = random.Random(1).randbytes(300_000)
    for name in ("source", "counter", "bridge"):
        bad, good = served.connect(name), served.connect(name)
        for data in (noise, b"A" * 3_000_000, b"#9999999999" + noise, b";" * 100_000 + b"\n"):
            rest = memoryview(data)
            for _ in range(STEPS):
                if not rest:
                    break
                with contextlib.suppress(BlockingIOError):
                    rest = rest[bad.send(rest) :]
                served.server.step(0.0)
            else:
                break  # read no further: a bounded buffer is full, which is an answer too
        bad.close()
        served.steps()
        assert served.ask(good, b"*IDN?\n").count(b",") == 3
        good.close()
        served.steps()


@pytest.mark.shown(1)
def test_a_client_that_never_reads_is_read_no_further_and_keeps_nobody_waiting(served: Served) -> None:
    greedy, good = served.connect("source"), served.connect("source")
    sent = 0
    for _ in range(3000):
        with contextlib.suppress(BlockingIOError):
            sent += greedy.send(b"SOUR:WAVE:ARB:DATA?;*IDN?\n" * 100)
        served.server.step(0.0)
    assert sent < 3000 * 2600  # it was held up
    assert served.server._pause() > 0.0  # and the server does not spin for it
    good_reply = served.ask(good, b"*IDN?\n")
    assert b"6221" in good_reply


def test_a_client_that_leaves_in_the_middle_of_a_measurement_frees_the_instrument(served: Served) -> None:
    if served.places["backend"] is None:
        client = served.connect("counter")
        client.sendall(b"*RST;:SYST:TIM MAX;:CONF:TINT (@1),(@2);:READ?\n")
        served.steps()
        assert served.bench.lines["TCPIP0::10.0.0.1::inst0::INSTR"].instrument.busy
        client.close()
        served.steps()
    assert b"53230A" in served.ask(served.connect("counter"), b"*IDN?\n")


def test_a_disconnect_closes_the_socket_and_a_new_one_works(served: Served) -> None:
    client = served.connect("source")
    assert b"6221" in served.ask(client, b"*IDN?\n")
    served.bench.faults.inject("disconnect", instrument="source")
    assert served.read_line(lambda: client.recv(100)) == b""
    assert b"6221" in served.ask(served.connect("source"), b"*IDN?\n")


def test_a_hosted_bench_survives_what_is_no_request(tmp_path: Path) -> None:
    served = Served(tmp_path, None)
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 100, pack({})[:-1] + b"x", b"\0\0\0\4null", b"\0\0\0\2[]"):
        client = served.host()
        client.sendall(data)
        served.steps()
        client.close()
    client = served.host()
    for request in ({"do": "nothing"}, {"do": "sleep", "duration": "x"}, {"do": ["now"]}, {"do": "now", "x": 1}):
        assert "error" in served.request(client, **request)
    served.close()


def test_a_frame_that_is_too_long_is_refused_before_it_is_collected() -> None:
    with pytest.raises(ValueError, match="at most"):
        Frames().feed((LARGEST_FRAME + 1).to_bytes(4, "big"))


def test_bytes_and_numbers_come_back_from_a_frame_as_they_were() -> None:
    content = {"do": "x", "data": bytes(range(256)), "number": 0.1, "list": [1, None, "ä"]}
    frame = pack(content)
    frames = Frames()
    assert frames.feed(frame[:5]) == []
    assert frames.feed(frame[5:] + frame) == [content, content]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"bench_path": "nix"}, "no such bench file"),
        ({"speed": 0.0}, "speed"),
        ({"speed": math.nan}, "speed"),
        ({"port_base": 70000}, "port-base"),
    ],
)
def test_a_wrong_bench_or_option_is_one_sentence_and_exit_code_2(
    arguments: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(**arguments) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert serve(port_base=taken.getsockname()[1]) == 2
    assert "cannot listen" in capsys.readouterr().err


def test_without_real_time_a_client_that_waits_lets_time_pass_and_the_others_go_on(tmp_path: Path) -> None:
    served = Served(tmp_path, None)
    try:
        waiting, other = served.connect("counter"), served.connect("source")
        before = served.bench.clock.now()
        waiting.sendall(b"*RST;:SYST:TIM 30;:CONF:TINT (@1),(@2);:READ?\n")
        served.steps()
        assert b"6221" in served.ask(other, b"*IDN?\n")
        assert float(served.read_line(lambda: waiting.recv(1 << 16))) == 9.91e37
        assert 30.0 < served.bench.clock.now() - before < 31.0
    finally:
        served.close()


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e308", "9.9e37"])
def test_numbers_beyond_all_limits_are_refused_and_nothing_else_happens(served: Served, number: str) -> None:
    client = served.connect("source")
    message = f"OUTP {number};:SOUR:CURR {number};:SOUR:WAVE:FREQ {number};:SOUR:WAVE:DUR:CYCL {number};*IDN?\n"
    assert b"6221" in served.ask(client, message.encode())


# What a client must not be able to do to the others.


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path, 1.0)
    yield served
    served.close()


def break_instrument(served: Served, resource: str, where: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    setattr(served.bench.instruments[resource], where, fail)


@pytest.mark.parametrize("where", ["write", "advance"])
def test_a_defect_of_one_instrument_is_said_once_and_the_others_go_on(
    served: Served, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    break_instrument(served, "GPIB0::12::INSTR", where)
    for _ in range(3):
        client = served.connect("source")
        client.sendall(b"*IDN?\n")
        served.steps()
    if where == "write":
        assert served.read_line(lambda: client.recv(100)) == b""
    served.bench.clock.sleep(1.0)
    assert b"53230A" in served.ask(served.connect("counter"), b"*IDN?\n")
    error = capsys.readouterr().err
    assert error.count("Traceback") == 1
    assert "'source' has failed" in error
    assert "a defect" in error


def test_a_defect_on_a_hosted_bench_is_an_error_for_whoever_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = Served(tmp_path, None)
    break_instrument(served, "GPIB0::12::INSTR", "write")
    client = served.host()
    answers = [
        served.request(client, do="open", name="GPIB0::12::INSTR", mode=0, timeout=0),
        served.request(client, do="call", session=1, method="write", arguments=[b"*IDN?\n"]),
        served.request(client, do="call", session=1, method="write", arguments=[1 << 60]),
        served.request(client, do="now"),
    ]
    assert answers[0]["result"]["session"] == 1
    assert "a defect" in answers[1]["error"]
    assert "bytes" in answers[2]["error"]
    assert answers[3]["result"] >= 0
    assert capsys.readouterr().err.count("Traceback") == 1
    served.close()


def test_a_hundred_quick_connections_leave_the_instrument_free(served: Served) -> None:
    for _ in range(10):
        rush = [served.connect("source") for _ in range(10)]
        for client in rush:
            client.close()
    assert b"6221" in served.ask(served.connect("source"), b"*IDN?\n")


def test_the_place_of_a_client_that_has_just_left_is_free_for_the_next_at_once(served: Served) -> None:
    for _ in range(20):  # both of the two places that a 372 has
        first, second = served.connect("bridge"), served.connect("bridge")
        assert b"LSCI" in served.ask(second, b"*IDN?\r\n")
        first.close()
        second.close()


def test_connections_that_never_say_anything_hurt_nobody(served: Served) -> None:
    silent = [served.connect("counter") for _ in range(7)]
    assert b"53230A" in served.ask(served.connect("counter"), b"*IDN?\n")
    assert all(client.fileno() >= 0 for client in silent)


def test_a_client_that_sends_and_leaves_at_once_is_obeyed(served: Served) -> None:
    client = served.connect("bridge")
    client.sendall(b"".join(b"SETP 0,0.%02d\r\n" % n for n in range(1, 6)))  # a quarter of a second's work for a 372
    client.close()
    other = served.connect("bridge")
    readings = [float(served.ask(other, b"SETP? 0\r\n")) for _ in range(12)]
    assert readings[-1] == pytest.approx(0.05)


def test_a_client_that_ends_its_own_side_gets_its_replies_and_is_then_let_go(served: Served) -> None:
    client = served.connect("source")
    client.sendall(b"*IDN?\nSOUR:CURR:COMP?\n")
    client.shutdown(socket.SHUT_WR)
    received = served.read_line(lambda: client.recv(1 << 16))
    while not received.endswith(b"10.0\n") and received.count(b"\n") < 2:
        received += served.read_line(lambda: client.recv(1 << 16))
    assert received.startswith(b"KEITHLEY")
    assert served.read_line(lambda: client.recv(1 << 16)) == b""


@pytest.mark.shown(2)
@pytest.mark.parametrize("noise", [b"#", b"#11x", b"\0", b"\n", b"#0", b";", b"\xff"])
def test_a_megabyte_of_one_byte_holds_nobody_up_for_long(served: Served, noise: bytes) -> None:
    bad, good = served.connect("source"), served.connect("counter")
    rest = memoryview(noise * (1_000_000 // len(noise)))
    began = time.perf_counter()
    for _ in range(STEPS):
        if not rest:
            break
        with contextlib.suppress(BlockingIOError):
            rest = rest[bad.send(rest) :]
        served.server.step(0.0)
    assert b"53230A" in served.ask(good, b"*IDN?\n")
    assert time.perf_counter() - began < 10.0  # of about a second; a search that starts anew each time takes minutes


def test_a_delayed_reply_reaches_the_client_that_asked_and_no_other(served: Served) -> None:
    first, second = served.connect("source"), served.connect("source")
    served.bench.faults.inject("delayed-reply", instrument="source", delay=0.2)
    first.sendall(b"*IDN?\n")
    served.steps()
    assert float(served.ask(second, b"SOUR:CURR:COMP?\n")) == 10.0
    assert b"6221" in served.read_line(lambda: first.recv(1 << 16))


def test_two_clients_of_a_slow_instrument_share_its_time(real: Served) -> None:
    clients = [real.connect("bridge"), real.connect("bridge")]
    for client in clients:
        client.sendall(b"KRDG? 6\r\n" * 10)
    counts = [0, 0]
    for _ in range(STEPS):
        real.server.step(0.005)
        for number, client in enumerate(clients):
            with contextlib.suppress(BlockingIOError):
                counts[number] += client.recv(1 << 16).count(b"\n")
        if min(counts) >= 3:
            break
    assert abs(counts[0] - counts[1]) <= 1
    assert real.bench.clock.now() >= (sum(counts) - 1) * 0.05 - 1e-6  # twenty messages a second for both together


def test_a_query_that_takes_long_holds_up_the_instrument_for_others_but_mixes_no_replies(real: Served) -> None:
    slow, quick = real.connect("counter"), real.connect("counter")
    slow.sendall(b"*RST;:SYST:TIM 0.3;:CONF:TINT (@1),(@2);:READ?\n")
    real.steps()
    quick.sendall(b"*IDN?\n")
    assert float(real.read_line(lambda: slow.recv(1 << 16))) == 9.91e37
    assert b"53230A" in real.read_line(lambda: quick.recv(1 << 16))


def test_stock_devices_are_served_beside_the_others_and_keep_their_own_message_ends(tmp_path: Path) -> None:
    stock = """
spec: "1.1"
devices:
  voltmeter:
    eom:
      GPIB INSTR: {q: "\\r\\n", r: "\\n"}
      ASRL INSTR: {q: "\\r", r: "\\r"}
    error: ERROR
    dialogues: [{q: "*IDN?", r: "STOCK"}]
    properties:
      level: {default: "1.0", getter: {q: "LEV?", r: "{:.1f}"}, setter: {q: "LEV {:.1f}", r: OK}, specs: {type: float}}
resources:
  GPIB0::20::INSTR: {device: voltmeter}
  GPIB0::21::INSTR: {device: voltmeter}
  ASRL9::INSTR: {device: voltmeter}
"""
    served = Served(tmp_path, 1.0, BENCH + stock)
    try:
        first, second = (served.places["instruments"][name] for name in ("voltmeter", "GPIB0::21::INSTR"))
        assert (first["model"], first["resource"]) == ("voltmeter", "GPIB0::20::INSTR")
        assert second["port"] != first["port"]
        client, other = served.connect("voltmeter"), served.connect("GPIB0::21::INSTR")
        assert served.ask(client, b"*IDN?\r\n") == b"STOCK\n"
        assert served.ask(client, b"LEV 2.5\r\n") == b"OK\n"
        client.sendall(b"LE")
        assert served.ask(other, b"LEV?\r\n") == b"1.0\n"
        assert served.ask(client, b"V?\r\n") == b"2.5\n"
        assert served.ask(client, b"nonsense\r\n") == b"ERROR\n"
        device = served.places["instruments"]["ASRL9::INSTR"]["device"]
        terminal = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        os.write(terminal, b"*IDN?\r")
        assert served.read_until(b"\r", lambda: os.read(terminal, 1000)) == b"STOCK\r"
        os.close(terminal)
    finally:
        served.close()
