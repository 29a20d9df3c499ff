"""VXI-11 in front of a served bench, byte by byte as VXI-11 1.0 has it; pyvisa-py as the client is in `interop`."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import serving
from pyvisa_mqt.serve.server import BenchServer

from tests.protocol.served import vxi11_client as vx
from tests.protocol.served.hislip_client import LOCK as HISLIP_LOCK
from tests.protocol.served.hislip_client import Hislip
from tests.protocol.served.in_a_thread import SPEED, ServedBench
from tests.protocol.served.vxi11_client import Read, Rpc, Vxi11

NO_ERROR = '+0,"No error"'
#: Waits for a start and a stop that do not come.
ENDLESS = b"*RST;:SYST:TIM INF;:CONF:TINT (@1),(@2);:READ?"


@pytest.fixture(scope="module")
def bench() -> Iterator[ServedBench]:
    """Serve one showroom to all tests of this file, each of which leaves it as it found it."""
    with serving(server := BenchServer(open_bench("showroom?seed=11"), SPEED, mapper_port=0)):
        yield ServedBench(server)


@pytest.mark.parametrize(
    "name", ["source", "generator", "dc_source", "counter", "interval_counter", "thermometer", "controller"]
)
def test_every_instrument_answers_at_its_device_name_and_end_alone_ends_a_message(
    bench: ServedBench, name: str
) -> None:
    with Vxi11(bench.vxi11(name)) as session:
        assert session.error == 0
        identity = session.query("*IDN?")
        assert identity.count(",") == 3
        assert session.query("*IDN?\r\n") == identity
    assert len({bench.vxi11(each) for each in ("source", name)}) == 2 - (name == "source")


def test_a_message_comes_in_pieces_and_a_record_in_fragments(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session:
        whole = session.query("*IDN?")
        assert session.write(b"*I", flags=0) == (0, 2)
        assert session.write(b"DN?;*IDN?", flags=0) == (0, 9)
        assert vx.numbers(session.call(vx.WRITE, session.link, 1000, 0, vx.END, b";*IDN?", size=7)) == (0, 6)
        assert session.read().data.decode().strip() == ";".join([whole] * 3)


def test_a_reply_goes_in_parts_and_the_reason_says_why_each_is_over(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as session:
        session.write(b"*IDN?")
        whole = b"KEITHLEY INSTRUMENTS INC.,MODEL 6221,"
        assert session.read(8) == Read(0, vx.COUNT_REACHED, b"KEITHLEY")
        assert session.read(flags=vx.TERMINATION, character=ord(",")) == Read(0, vx.TERMINATED, whole[8:26])
        assert session.read(3, flags=vx.TERMINATION, character=ord(",")) == Read(0, vx.COUNT_REACHED, b"MOD")
        rest = session.read(flags=0, character=ord(","))  # the character is there, and the flag is not
        assert rest[:2] == (0, vx.ENDED)
        assert rest.data.startswith(b"EL 6221,")
        assert rest.data.endswith(b"\n")


def test_half_a_message_of_one_client_does_not_get_into_anothers_nor_its_reply(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as first, Vxi11(bench.vxi11("counter")) as second:
        first.write(b"*IDN?\nSYST:ERR", flags=0)  # a line feed ends a message, too
        assert "53230A" in second.query("*IDN?")
        assert b"53230A" in first.read().data


def test_one_connection_may_have_several_links_and_none_of_another_connections(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as one, Vxi11(bench.vxi11("generator")) as other:
        second = vx.numbers(one.call(vx.CREATE_LINK, 77, 0, 0, b"INST1"))
        assert second[0] == 0
        first, one.link = one.link, second[1]
        assert "33512B" in one.query("*IDN?")
        assert one.link not in (first, other.link)
        one.link = other.link
        assert one.write(b"*IDN?") == (4, 0)
        assert one.read() == Read(4, 0, b"")
        assert one.generic(vx.READ_STB) == (4, 0)
        assert [one.lock(), one.unlock()] == [4, 4]
        one.link = first
        assert vx.numbers(one.call(vx.DESTROY_LINK, first)) == (0,)
        assert vx.numbers(one.call(vx.DESTROY_LINK, first)) == (4,)
        assert one.generic(vx.CLEAR) == (4,)
        assert "33512B" in other.query("*IDN?")


def test_no_name_is_the_first_device_and_an_unknown_one_is_not_accessible(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as session:
        assert vx.numbers(session.call(vx.CREATE_LINK, 77, 0, 0, b"inst99")) == (3, 0, 0, 0)
        error, session.link, port, most = vx.numbers(session.call(vx.CREATE_LINK, 77, 0, 0, b""))
        assert (error, port, most) == (0, session.port, 1 << 20)
        assert "6221" in session.query("*IDN?")


def test_an_instrument_takes_as_many_clients_as_it_has_places_for(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("thermometer")), vx.connected(bench.port("thermometer")) as raw:
        raw.sendall(b"*IDN?\r\n")
        assert raw.recv(100)
        with Vxi11(bench.vxi11("thermometer")) as third:
            assert third.error == 9


def test_a_read_with_nothing_to_read_is_an_io_timeout_and_minus_420(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session:
        assert session.read(timeout=30) == Read(15, 0, b"")
        assert session.query("SYST:ERR?").startswith("-420,")
        assert session.query("SYST:ERR?") == NO_ERROR


def test_a_reply_that_comes_behind_the_timeout_is_there_for_the_next_read(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session:
        session.write(b"*RST;:SYST:TIM 20;:CONF:TINT (@1),(@2);:READ?")
        assert session.read(timeout=10) == Read(15, 0, b"")
        assert float(session.read().data) > 1e30  # nothing came within 20 s of bench time
        assert session.query("*RST;*CLS;:SYST:ERR?") == NO_ERROR


def test_a_message_before_the_reply_was_read_is_minus_410(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session:
        session.write(b"*IDN?")
        assert session.query("SYST:ERR?").startswith("-410,")
        assert session.query("SYST:ERR?") == NO_ERROR


def test_the_status_byte_tells_of_a_reply_and_of_a_request_for_service(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session, Vxi11(bench.vxi11("counter")) as other:
        assert session.generic(vx.READ_STB) == (0, 0)
        session.write(b"*IDN?")
        other.query("*CLS;*IDN?")
        assert session.generic(vx.READ_STB) == (0, 16)  # whatever another client has asked since
        session.read()
        session.write(b"*ESE 1;*SRE 32;*OPC")
        assert session.generic(vx.READ_STB) == (0, 32 | 64)
        assert session.generic(vx.READ_STB) == (0, 32)  # the poll has taken the request
        session.write(b"*CLS;*ESE 0;*SRE 0")


def test_a_device_clear_ends_a_query_that_waits_for_ever_and_drops_half_a_message(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session:
        session.write(ENDLESS)
        session.write(b"SOME:NONS", flags=0)
        assert session.generic(vx.CLEAR) == (0,)
        assert session.query("*RST;:SYST:ERR?") == NO_ERROR


def test_a_clear_leaves_the_query_of_another_client_alone_and_messages_wait_for_its_end(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as first, Vxi11(bench.vxi11("counter")) as second:
        first.write(ENDLESS)
        assert second.generic(vx.CLEAR) == (0,)
        assert second.write(b"*IDN?", timeout=20) == (15, 0)
        first.generic(vx.CLEAR)
        assert "53230A" in second.query("*IDN?")
        assert first.query("*RST;:SYST:ERR?") == NO_ERROR


def test_a_client_that_vanishes_takes_its_endless_query_and_its_lock_with_it(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as other:
        with Vxi11(bench.vxi11("counter"), lock=1) as session:
            session.write(ENDLESS)
            session.send_read(timeout=2**32 - 1)
            assert other.write(b"*IDN?") == (11, 0)
        assert other.write(b"*RST;*IDN?", flags=vx.WAIT | vx.END, lock_timeout=10_000) == (0, 10)
        assert b"53230A" in other.read().data


def test_abort_ends_the_call_that_is_at_work_and_no_other(bench: ServedBench) -> None:
    with (
        Vxi11(bench.vxi11("counter")) as session,
        Vxi11(bench.vxi11("source")) as other,
        Rpc(session.abort_port, vx.ABORT) as abort,
    ):
        session.write(ENDLESS)
        number = session.send_read(timeout=2**32 - 1)
        assert vx.numbers(abort.call(1, other.link)) == (0,)
        assert vx.numbers(abort.call(1, 999_999)) == (4,)
        assert "6221" in other.query("*IDN?")
        assert vx.numbers(abort.call(1, session.link)) == (0,)
        assert session.read_result(number) == Read(23, 0, b"")
        session.generic(vx.CLEAR)
        assert session.query("*RST;:SYST:ERR?") == NO_ERROR


def test_a_trigger_triggers(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session:
        session.write(b"*RST;:SYST:TIM 1;:CONF:TINT (@1),(@2);:TRIG:SOUR BUS;:INIT")
        assert int(session.query("STAT:OPER:COND?")) & 32  # waits for the trigger
        assert session.generic(vx.TRIGGER) == (0,)
        assert not int(session.query("STAT:OPER:COND?")) & 32
        assert session.query("*RST;*CLS;:SYST:ERR?") == NO_ERROR


def test_a_lock_holds_off_other_links_until_it_is_given_back(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("dc_source")) as holder, Vxi11(bench.vxi11("dc_source")) as other:
        assert other.unlock() == 12
        assert [holder.lock(), holder.lock()] == [0, 0]  # it has it once
        assert other.write(b"*IDN?") == (11, 0)
        assert other.read() == Read(11, 0, b"")
        assert [other.generic(each)[0] for each in (vx.READ_STB, vx.TRIGGER, vx.CLEAR, vx.REMOTE, vx.LOCAL)] == [11] * 5
        assert [other.lock(), other.lock(vx.WAIT, 20)] == [11, 11]
        with Vxi11(bench.vxi11("dc_source"), lock=1, lock_timeout=20) as third:
            assert third.error == 11
        assert "GS2" in holder.query("*IDN?")
        waiting = other.send(vx.LOCK, other.link, vx.WAIT, 60_000)
        assert [holder.unlock(), holder.unlock()] == [0, 12]
        assert other.result(waiting) == (0, vx.xdr(0))
        assert holder.lock() == 11
        assert other.unlock() == 0
        assert other.generic(vx.LOCAL) == holder.generic(vx.REMOTE) == (0,)


def test_a_lock_is_the_one_that_hislip_knows(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("dc_source"), lock=1) as session, Hislip(bench.hislip("dc_source")) as other:
        assert other.ask(HISLIP_LOCK, 1, 0).control == 0
        assert session.unlock() == 0
        assert other.ask(HISLIP_LOCK, 1, 0).control == 1
        assert session.lock() == 11


def test_what_is_not_offered_says_so(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as session:
        assert vx.numbers(session.call(vx.DOCMD, session.link, 0, 1, 1, 0x020000, 1, 1, b"")) == (8, 0)


def test_a_request_for_service_comes_on_the_interrupt_channel_under_the_clients_name(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10.0)
        here = (0x7F000001, listener.getsockname()[1], 0x0607B1, 1, 0)
        assert vx.numbers(session.call(vx.ENABLE_SRQ, session.link, 1, b"name")) == (6,)
        assert vx.numbers(session.call(vx.CREATE_INTR, *here)) == (0,)
        assert vx.numbers(session.call(vx.CREATE_INTR, *here)) == (29,)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10.0)
            assert vx.numbers(session.call(vx.ENABLE_SRQ, session.link, 1, b"n" * 41)) == (5,)
            assert vx.numbers(session.call(vx.ENABLE_SRQ, session.link, 1, b"name")) == (0,)
            session.write(b"*CLS;*ESE 1;*SRE 32;:SYST:TIM 5;:CONF:TINT (@1),(@2);:INIT;*OPC")
            # when the measurement has run into its time-out
            told = vx.received(connection)
            assert vx.numbers(told[4:24]) == (0, 2, 0x0607B1, 1, 30)
            assert told[40:] == vx.xdr(b"name")
            assert session.generic(vx.READ_STB)[1] & 0b0110_0000 == 0b0110_0000
            assert vx.numbers(session.call(vx.ENABLE_SRQ, session.link, 0, b"")) == (0,)
            for message in (b"*CLS", b"*OPC"):
                session.write(message)
            assert session.generic(vx.READ_STB)[1] & 64  # requested, and not told
            assert vx.numbers(session.call(vx.DESTROY_INTR)) == (0,)
            assert connection.recv(1) == b""
        assert vx.numbers(session.call(vx.DESTROY_INTR)) == (6,)
        session.write(b"*RST;*CLS;*ESE 0;*SRE 0")
        assert session.query("SYST:ERR?") == NO_ERROR


def test_the_bench_calls_nobody_back_but_its_caller_and_goes_on_without_one_that_is_gone(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("counter")) as session, socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for elsewhere in (
            (0x7F000002, port, 0x0607B1, 1, 0),
            (0x7F000001, port, 0x0607B1, 1, 1),  # over UDP
            (0x7F000001, 1 << 16, 0x0607B1, 1, 0),
        ):
            assert vx.numbers(session.call(vx.CREATE_INTR, *elsewhere)) == (5,)
        assert vx.numbers(session.call(vx.CREATE_INTR, 0x7F000001, port, 0x0607B1, 1, 0)) == (0,)
        listener.accept()[0].close()
        assert vx.numbers(session.call(vx.ENABLE_SRQ, session.link, 1, b"")) == (0,)
        for _ in range(3):  # the first is lost on the way, and the answer to it breaks the channel
            for message in (b"*CLS;*ESE 1;*SRE 32", b"*OPC"):
                session.write(message)
            session.generic(vx.READ_STB)
        assert session.query("*CLS;*ESE 0;*SRE 0;:SYST:ERR?") == NO_ERROR
        assert vx.numbers(session.call(vx.DESTROY_INTR)) == (6,)
    with Vxi11(bench.vxi11("counter")) as session:
        assert vx.numbers(session.call(vx.CREATE_INTR, 0x7F000001, port, 0x0607B1, 1, 0)) == (6,)


def test_messages_to_an_instrument_that_takes_twenty_a_second_wait(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("thermometer")) as session:
        before = bench.bench.clock.now()
        for _ in range(20):
            session.query("KRDG? 6")
        assert bench.bench.clock.now() - before >= 19 * 0.05


def test_more_than_the_most_that_was_told_is_a_wrong_parameter(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as session:
        assert session.write(b" " * session.most) == (0, session.most)
        assert session.write(b" " * (session.most + 1)) == (5, 0)
        assert "6221" in session.query("*IDN?")


def test_the_nothing_of_rpc_and_what_is_not_there_are_answered_as_rpc_says(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as session:
        assert session.call(0) == b""
        assert session.result(session.send(99)) == (3, b"")
        assert session.result(session.send(vx.WRITE, session.link)) == (4, b"")
        session.program = 0x0607B1
        assert session.result(session.send(0)) == (1, b"")
        session.program, session.version = vx.CORE, 7
        assert session.result(session.send(vx.CREATE_LINK, 1, 0, 0, b"")) == (2, vx.xdr(1, 1))
        session.socket.sendall(vx.fragments(vx.call_record(5, vx.CORE, 1, 0, b"", rpc=3)))
        assert vx.numbers(vx.received(session.socket)) == (5, 1, 1, 0, 2, 2)
        session.version = 1
        assert "6221" in session.query("*IDN?")


@pytest.mark.parametrize(
    "garbage",
    [
        b"*IDN?\n" * 20,
        b"\xff\xff\xff\xff",
        b"\x00\x20\x00\x00" * 2,
        vx.fragments(b""),
        vx.fragments(vx.xdr(1, 1, 0, 0, 0, 0)),
        vx.fragments(vx.call_record(1, vx.CORE, 1, 0, b"")[:-6]),
        vx.fragments(vx.xdr(1, 0, 2, vx.CORE, 1, 0, 1, b"x" * 401, 0, b"")),
    ],
)
def test_garbage_ends_its_connection_and_nothing_else(bench: ServedBench, garbage: bytes) -> None:
    with Vxi11(bench.vxi11("source")) as witness, vx.connected(witness.port) as stranger:
        stranger.sendall(garbage)
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(1) == b""
        assert "6221" in witness.query("*IDN?")


def test_no_sequence_of_calls_ends_the_bench_or_another_clients_link(bench: ServedBench) -> None:
    rng = np.random.default_rng(62)
    with Vxi11(bench.vxi11("source")) as witness:
        for _ in range(25):
            with Vxi11(bench.vxi11("generator")) as session:
                for _ in range(12):
                    procedure = int(rng.integers(0, 28))
                    arguments = [int(number) for number in rng.integers(0, 4, int(rng.integers(0, 7)))]
                    payload = rng.bytes(int(rng.integers(0, 40))).replace(b"\n", b"")
                    record = vx.call_record(1, vx.CORE, 1, procedure, vx.xdr(session.link, *arguments, payload))
                    cut = int(rng.integers(1, len(record))) if rng.random() < 0.1 else len(record)
                    with contextlib.suppress(OSError):  # it has been sent away
                        session.socket.sendall(vx.fragments(record)[:cut])
            assert "6221" in witness.query("*IDN?")
    with Vxi11(bench.vxi11("generator")) as session:
        assert "33512B" in session.query("*RST;*CLS;*IDN?")


def test_a_disconnect_breaks_the_connection(bench: ServedBench) -> None:
    with Vxi11(bench.vxi11("source")) as session:
        assert session.query("*IDN?")
        fault = bench.bench.faults.inject("disconnect", instrument="source", duration=1.0)
        assert session.socket.recv(1) == b""
        fault.clear()
    bench.wait(2.0)
    with Vxi11(bench.vxi11("source")) as session:
        assert "6221" in session.query("*IDN?")


def test_timeouts_cost_virtual_time_and_the_transcript_has_the_messages_as_those_of_any_client(tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    with (
        serving(BenchServer(open_bench(f"showroom?transcript={path}"), None, mapper_port=0)) as served,
        Vxi11(served.vxi11("thermometer")) as session,
        Vxi11(served.vxi11("counter")) as counter,
        Vxi11(served.vxi11("counter")) as second,
    ):
        clock = served.bench.clock
        assert session.query("KRDG? 6").startswith("+")
        before = clock.now()
        assert "MODEL372" in session.query("*IDN?")
        assert 0.05 <= clock.now() - before < 1.0  # 20 messages a second
        before = clock.now()
        assert counter.read(timeout=20_000).error == 15
        assert clock.now() - before == pytest.approx(20.0, abs=0.1)
        before = clock.now()
        counter.write(b"*RST;:SYST:TIM 5;:CONF:TINT (@1),(@2);:READ?")
        assert second.write(b"*IDN?", timeout=1000) == (15, 0)  # nobody reads: waiting alone lets time pass
        assert 1.0 <= clock.now() - before < 2.0
        assert second.write(b"*CLS;*IDN?", timeout=10_000) == (0, 10)
        assert float(counter.read().data) > 1e30
        assert 5.0 <= clock.now() - before < 7.0
        session.generic(vx.CLEAR)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = [(each["kind"], each.get("direction"), each.get("text", "")) for each in records]
    assert ("message", "to", "*IDN?") in kinds
    assert [kind for kind, *_ in kinds].count("clear") == 1
    assert [direction for _, direction, _ in kinds].count("from") == 3
