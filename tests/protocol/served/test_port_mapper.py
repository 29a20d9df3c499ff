"""The port mapper in front of VXI-11: the bench's own, and one that is there already."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import serving
from pyvisa_mqt.serve.port_mapper import PortMapper
from pyvisa_mqt.serve.server import BenchServer

from tests.protocol.served import vxi11_client as vx
from tests.protocol.served.vxi11_client import Rpc, Vxi11

SET, UNSET, GET_PORT, DUMP, CALL_IT = range(1, 6)
TCP, UDP = 6, 17


def test_the_benchs_own_tells_the_port_of_vxi11_over_tcp_and_udp_and_nothing_else() -> None:
    server = BenchServer(open_bench("showroom"), mapper_port=0)
    assert server.mapper_port is not None
    with serving(server) as served, Rpc(server.mapper_port, vx.PORT_MAPPER, 2) as mapper:
        port = int(served.vxi11("source").split("::")[1].partition(",")[2])
        for program in (vx.CORE, vx.ABORT):
            assert mapper.call(GET_PORT, program, 1, TCP, 0) == vx.xdr(port)
        for other in ((vx.CORE, 2, TCP), (vx.CORE, 1, UDP), (100_003, 1, TCP)):
            assert mapper.call(GET_PORT, *other, 0) == vx.xdr(0)
        itself = [(1, vx.PORT_MAPPER, 2, protocol, server.mapper_port) for protocol in (TCP, UDP)]
        listed = [*itself, (1, vx.CORE, 1, TCP, port), (1, vx.ABORT, 1, TCP, port), (0,)]
        assert vx.numbers(mapper.call(DUMP)) == sum(listed, ())
        assert mapper.call(GET_PORT, vx.PORT_MAPPER, 2, TCP, 0) == vx.xdr(server.mapper_port)
        assert mapper.call(SET, 100_003, 1, TCP, 2049) == vx.xdr(0)
        assert mapper.result(mapper.send(CALL_IT)) == (3, b"")
        assert mapper.result(mapper.send(GET_PORT)) == (4, b"")
        mapper.version = 4  # as newer clients try first
        assert mapper.result(mapper.send(GET_PORT)) == (2, vx.xdr(2, 2))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(10.0)
            for what in (b"", b"garbage", vx.call_record(3, vx.PORT_MAPPER, 2, GET_PORT, b"")):
                datagrams.sendto(what, ("127.0.0.1", server.mapper_port))
            asked = vx.call_record(4, vx.PORT_MAPPER, 2, GET_PORT, vx.xdr(vx.CORE, 1, TCP, 0))
            datagrams.sendto(asked, ("127.0.0.1", server.mapper_port))
            assert vx.numbers(datagrams.recv(1024)) == (3, 1, 0, 0, 0, 4)
            assert vx.numbers(datagrams.recv(1024)) == (4, 1, 0, 0, 0, 0, port)
        with vx.connected(server.mapper_port) as stranger:
            stranger.sendall(b"\xff" * 8)
            assert stranger.recv(1) == b""
        with Vxi11(served.vxi11("source")) as session:
            assert "6221" in session.query("*IDN?")


@contextmanager
def another_port_mapper(answers: list[int]) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
    """Answer as many calls of another port mapper; its port, and what was asked of it."""
    asked: list[tuple[int, ...]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10.0)

        def answer() -> None:
            for result in answers:
                connection, _ = listener.accept()
                with connection:
                    record = vx.numbers(vx.received(connection))
                    assert record[1:5] == (0, 2, vx.PORT_MAPPER, 2)
                    asked.append((record[5], *record[10:]))
                    connection.sendall(vx.fragments(vx.xdr(record[0], 1, 0, 0, b"", 0, result)))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join(10.0)
        assert not thread.is_alive()


def test_one_that_is_there_takes_the_bench_in_and_forgets_it_at_the_end() -> None:
    with another_port_mapper([0, 1, 0, 1, 1, 1]) as (port, asked):
        mapper = PortMapper("127.0.0.1", port, {vx.CORE: 4711, vx.ABORT: 4711})
        assert (mapper.trouble, mapper.listener) == ("", None)
        mapper.close()
    both = [(vx.CORE, 1, TCP, 4711), (vx.ABORT, 1, TCP, 4711)]
    assert [each for each in asked if each[0] != GET_PORT] == [(what, *each) for what in (SET, UNSET) for each in both]


def test_the_entry_of_a_bench_that_was_killed_is_replaced_and_that_of_one_that_lives_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as dead:
        left = dead.getsockname()[1]
    with another_port_mapper([left, 1, 1, 1]) as (port, asked):
        mapper = PortMapper("127.0.0.1", port, {vx.CORE: 4711})
        assert mapper.trouble == ""
        mapper.close()
    assert [(each[0], each[4]) for each in asked[1:]] == [(UNSET, left), (SET, 4711), (UNSET, 4711)]
    with (
        socket.create_server(("127.0.0.1", 0)) as alive,
        another_port_mapper([alive.getsockname()[1], 0]) as (port, asked),
    ):
        mapper = PortMapper("127.0.0.1", port, {vx.CORE: 4711})
        assert mapper.trouble
        mapper.close()
    assert [each[0] for each in asked] == [GET_PORT, SET]


def test_one_that_refuses_is_left_as_it_was_and_one_sentence_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with another_port_mapper([0, 1, 0, 0, 1]) as (port, asked):
        server = BenchServer(open_bench("showroom"), mapper_port=port)
        address = server.addresses()["instruments"]["source"]["vxi11"]
        server.close()
    assert [each[0] for each in asked] == [GET_PORT, SET, GET_PORT, SET, UNSET]
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in said
    assert address.startswith("TCPIP0::127.0.0.1,")
    assert address.endswith("::inst0::INSTR")


def test_something_else_at_the_port_is_no_port_mapper() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        mapper = PortMapper("127.0.0.1", port, {vx.CORE: 4711})
        thread.join()
    assert "cannot be had" in mapper.trouble
    mapper.close()


def test_without_being_asked_for_nobody_listens_for_vxi11() -> None:
    server = BenchServer(open_bench("showroom"))
    places = server.addresses()["instruments"]
    server.close()
    assert {place["vxi11"] for place in places.values()} == {None}
