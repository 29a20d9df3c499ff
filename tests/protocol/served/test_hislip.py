"""HiSLIP in front of a served bench, byte by byte as IVI-6.1 has it; pyvisa-py as the client is in `interop`."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pyvisa.constants import Lock
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import serving
from pyvisa_mqt.serve.server import BenchServer

from tests.protocol.served import hislip_client as hs
from tests.protocol.served.hislip_client import Hislip
from tests.protocol.served.in_a_thread import ServedBench, serving_in_a_thread

NO_ERROR = '+0,"No error"'


@pytest.fixture(scope="module")
def bench() -> Iterator[ServedBench]:
    """Serve one showroom to all tests of this file, each of which leaves it as it found it."""
    with serving_in_a_thread("showroom?seed=15") as served:
        yield served


def test_a_session_begins_with_both_channels_in_synchronized_mode(bench: ServedBench) -> None:
    with Hislip(bench.hislip("source")) as first, Hislip(bench.hislip("source")) as second:
        for session in (first, second):
            assert session.greeting[:2] == (hs.INITIALIZE_RESPONSE, 0)
            assert session.greeting.parameter >> 16 == 0x0100
            assert session.second_greeting.kind == hs.ASYNC_INITIALIZE_RESPONSE
        assert first.greeting.parameter != second.greeting.parameter


@pytest.mark.parametrize(
    "name", ["source", "generator", "dc_source", "counter", "interval_counter", "thermometer", "controller"]
)
def test_every_instrument_answers_at_its_sub_address_and_end_alone_ends_a_message(
    bench: ServedBench, name: str
) -> None:
    with Hislip(bench.hislip(name)) as session:
        identity = session.query("*IDN?")
        assert identity.count(",") == 3
        assert session.query("*IDN?\r\n") == identity
    assert len({bench.hislip(each) for each in ("source", name)}) == 2 - (name == "source")


def test_a_message_may_come_in_pieces_and_a_reply_goes_in_pieces_that_the_client_has_room_for(
    bench: ServedBench,
) -> None:
    with Hislip(bench.hislip("counter")) as session:
        whole = session.query("*IDN?")
        answer = session.ask(hs.MAX_SIZE, payload=(300).to_bytes(8))
        assert (answer.kind, int.from_bytes(answer.payload)) == (hs.MAX_SIZE_RESPONSE, 1 << 20)
        for piece in (b"*I", b"DN", b"?;*IDN?" + b";*IDN?" * 6):
            session.send(piece, hs.DATA)
        session.send(b"")
        sizes, data = [], b""
        while True:
            got = hs.received(session.sync)
            sizes.append(16 + len(got.payload))
            data += got.payload
            if got.kind == hs.DATA_END:
                break
        assert data.decode().strip() == ";".join([whole] * 8)
        assert max(sizes) == 300
        session.delivered = 1
        assert session.query("SYST:ERR?") == NO_ERROR


def test_half_a_message_of_one_client_does_not_get_into_anothers(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as first, Hislip(bench.hislip("counter")) as second:
        first.send(b"*IDN", hs.DATA)
        first.send(b"?\nSYST:ERR", hs.DATA)  # a line feed ends a message, too
        assert first.reply().decode().startswith("Agilent")
        assert "53230A" in second.query("*IDN?")


def test_a_reply_that_was_not_read_is_dropped_with_minus_410_and_both_channels_tell(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as session:
        session.send(b"*IDN?")
        assert hs.received(session.sync).kind == hs.DATA_END  # but it does not say that it has read it
        number = session.send(b"SYST:ERR?")
        assert hs.received(session.sync)[:3] == (hs.INTERRUPTED, 0, number)
        assert hs.received(session.asynchronous)[:3] == (hs.ASYNC_INTERRUPTED, 0, number)
        assert session.reply().decode().startswith("-410,")
        assert session.query("SYST:ERR?") == NO_ERROR


def test_a_reply_that_comes_late_is_not_taken_for_the_answer_to_the_next_query(bench: ServedBench) -> None:
    fault = bench.bench.faults.inject("late-reply", instrument="counter", probability=1, delay=100.0)
    with Hislip(bench.hislip("counter")) as session:
        session.send(b"*IDN?")
        assert session.status() & 16 == 0
        while not fault.strikes:
            session.status()
        fault.clear()
        number = session.send(b"SYST:ERR?")
        assert hs.received(session.sync)[:3] == (hs.INTERRUPTED, 0, number)
        assert session.reply().startswith(b"-410,")
        session.asynchronous.recv(16)
        bench.wait(110.0)
        assert session.query("SYST:ERR?") == NO_ERROR


def test_a_status_query_tells_of_a_reply_until_it_has_been_read(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as session:
        assert session.status() & 16 == 0
        session.send(b"*IDN?")
        while not session.status() & 16:
            pass
        session.reply()
        assert session.status() & 16 == 0
        session.delivered = 0  # told once, with the status query
        assert session.query("SYST:ERR?") == NO_ERROR


def test_a_service_request_comes_by_itself_and_the_next_status_says_from_whom(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as session:
        session.send(b"*CLS;*ESE 1;*SRE 32;:SYST:TIM 5;:CONF:TINT (@1),(@2);:INIT;*OPC")
        request = hs.received(session.asynchronous)  # when the measurement has run into its time-out
        assert request[::2] == (hs.SERVICE_REQUEST, 0)
        assert request.control & 0b0110_0000 == 0b0110_0000
        assert session.status() & 64
        assert not session.status() & 64
        session.send(b"*RST;*CLS;*ESE 0;*SRE 0")
        assert session.query("SYST:ERR?") == NO_ERROR


def test_a_device_clear_ends_a_query_that_waits_for_ever_and_drops_what_came_behind_it(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as session:
        session.send(b"*RST;:SYST:TIM INF;:CONF:TINT (@1),(@2);:READ?")
        session.send(b"SOME:NONSENSE")
        assert session.ask(hs.DEVICE_CLEAR)[:2] == (hs.DEVICE_CLEAR_ACKNOWLEDGE, 0)
        session.send(b"MORE:NONSENSE")
        session.sync.sendall(hs.sent(hs.CLEAR_COMPLETE))
        assert hs.received(session.sync)[:2] == (hs.CLEAR_ACKNOWLEDGE, 0)
        assert session.query("*RST;:SYST:ERR?") == NO_ERROR


def test_a_clear_leaves_the_query_of_another_client_alone(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as first, Hislip(bench.hislip("counter")) as second:
        first.send(b"*RST;:SYST:TIM 20;:CONF:TINT (@1),(@2);:READ?")
        first.status()
        assert second.ask(hs.DEVICE_CLEAR).kind == hs.DEVICE_CLEAR_ACKNOWLEDGE
        assert float(first.reply()) > 1e30  # nothing came within 20 s
        assert first.query("*RST;*CLS;:SYST:ERR?") == NO_ERROR


def test_a_trigger_message_triggers(bench: ServedBench) -> None:
    with Hislip(bench.hislip("counter")) as session:
        session.send(b"*RST;:SYST:TIM 1;:CONF:TINT (@1),(@2);:TRIG:SOUR BUS;:INIT")
        assert int(session.query("STAT:OPER:COND?")) & 32  # waits for the trigger
        session.send(b"", hs.TRIGGER)
        assert not int(session.query("STAT:OPER:COND?")) & 32
        assert session.query("*RST;*CLS;:SYST:ERR?") == NO_ERROR


def test_an_exclusive_lock_holds_off_other_clients_and_ends_with_its_session(bench: ServedBench) -> None:
    holder, other = Hislip(bench.hislip("dc_source")), Hislip(bench.hislip("dc_source"))
    with other:
        with holder:
            assert holder.ask(hs.LOCK, 1)[:2] == (hs.LOCK_RESPONSE, 1)
            assert holder.ask(hs.LOCK, 1)[:2] == (hs.LOCK_RESPONSE, 3)  # it has it already
            assert other.ask(hs.LOCK_INFO)[:3] == (hs.LOCK_INFO_RESPONSE, 1, 1)
            assert other.ask(hs.LOCK, 1, 20)[:2] == (hs.LOCK_RESPONSE, 0)
            assert other.ask(hs.LOCK, 0)[:2] == (hs.LOCK_RESPONSE, 3)  # it has none to give back
            other.send(b"*IDN?")
            assert other.status() & 16 == 0  # the status is told, the message waits
            assert "GS2" in holder.query("*IDN?")
            other.asynchronous.sendall(hs.sent(hs.LOCK, 1, 60_000))
        assert b"GS2" in other.reply()
        assert hs.received(other.asynchronous)[:2] == (hs.LOCK_RESPONSE, 1)
        assert other.ask(hs.LOCK, 0)[:2] == (hs.LOCK_RESPONSE, 1)


def test_a_shared_lock_is_for_all_who_know_its_key(bench: ServedBench) -> None:
    with (
        Hislip(bench.hislip("generator")) as first,
        Hislip(bench.hislip("generator")) as second,
        Hislip(bench.hislip("generator")) as third,
    ):
        assert first.ask(hs.LOCK, 1, 0, b"key").control == 1
        assert second.ask(hs.LOCK, 1, 0, b"key").control == 1
        assert third.ask(hs.LOCK, 1, 0, b"other key").control == 0
        assert third.ask(hs.LOCK_INFO)[:3] == (hs.LOCK_INFO_RESPONSE, 0, 2)
        assert "33512B" in second.query("*IDN?")
        assert [each.ask(hs.LOCK, 0).control for each in (first, second)] == [2, 2]
        assert "33512B" in third.query("*IDN?")


def test_a_lock_is_the_one_that_visa_sessions_of_the_bench_know(bench: ServedBench) -> None:
    lock, visitor = bench.bench.locks["GPIB0::1::INSTR"], object()
    with Hislip(bench.hislip("dc_source")) as session:
        assert lock.acquire(visitor, Lock.exclusive, None) == 0
        assert session.ask(hs.LOCK, 1, 0).control == 0
        lock.release(visitor)
        assert session.ask(hs.LOCK, 1, 0).control == 1
        assert not lock.admits(visitor)


def test_what_is_no_message_of_the_protocol_is_said_and_the_session_goes_on(bench: ServedBench) -> None:
    with Hislip(bench.hislip("source")) as session:
        for channel in (session.sync, session.asynchronous):
            channel.sendall(hs.sent(77, 0, 0, b"?"))
            assert hs.received(channel)[:2] == (hs.ERROR, 1)
        session.sync.sendall(hs.sent(hs.DATA_END, 0, 0, b"x" * ((1 << 20) + 1)))
        assert hs.received(session.sync)[:2] == (hs.ERROR, 4)
        assert session.ask(hs.REMOTE_LOCAL, 1).kind == hs.REMOTE_LOCAL_RESPONSE
        assert "6221" in session.query("*IDN?")


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"*IDN?\n" + bytes(16), 1),
        (hs.sent(hs.DATA_END, 0, 0, b"*IDN?"), 3),
        (hs.sent(hs.INITIALIZE, 0, 0x0100 << 16, b"hislip99"), 3),
        (hs.sent(hs.ASYNC_INITIALIZE, 0, 0xFFFF), 3),
    ],
)
def test_who_does_not_begin_a_session_is_told_why_and_sent_away(bench: ServedBench, first: bytes, code: int) -> None:
    with Hislip(bench.hislip("source")) as session, hs.connected(session.port) as stranger:
        stranger.sendall(first)
        assert hs.received(stranger)[:2] == (hs.FATAL_ERROR, code)
        assert stranger.recv(1) == b""
        assert "6221" in session.query("*IDN?")


def test_messages_before_the_second_channel_end_the_session(bench: ServedBench) -> None:
    with Hislip(bench.hislip("source")) as session, hs.connected(session.port) as early:
        early.sendall(hs.sent(hs.INITIALIZE, 0, 0x0100 << 16, b"hislip0"))
        assert hs.received(early).kind == hs.INITIALIZE_RESPONSE
        early.sendall(hs.sent(hs.DATA_END, 0, 0, b"*IDN?"))
        assert hs.received(early)[:2] == (hs.FATAL_ERROR, 2)


def test_no_sequence_of_messages_ends_the_bench_or_another_clients_session(bench: ServedBench) -> None:
    rng = np.random.default_rng(61)
    with Hislip(bench.hislip("source")) as witness:
        for _ in range(25):
            with Hislip(bench.hislip("generator")) as session:
                for _ in range(12):
                    channel = session.sync if rng.random() < 0.5 else session.asynchronous
                    payload = rng.bytes(int(rng.integers(0, 40))).replace(b"\n", b"")
                    kind, control, parameter = (int(number) for number in rng.integers(0, (30, 256, 256)))
                    message = hs.sent(kind, control, parameter, payload)
                    with contextlib.suppress(OSError):  # it has been sent away
                        channel.sendall(message if rng.random() < 0.95 else rng.bytes(20))
            assert "6221" in witness.query("*IDN?")
    with Hislip(bench.hislip("generator")) as session:
        assert "33512B" in session.query("*RST;*CLS;*IDN?")


def test_an_instrument_takes_as_many_clients_as_it_has_places_for(bench: ServedBench) -> None:
    address = bench.hislip("thermometer")
    with Hislip(address), socket.create_connection(("127.0.0.1", bench.port("thermometer")), timeout=10.0) as raw:
        raw.sendall(b"*IDN?\r\n")
        assert raw.recv(100)
        with hs.connected(int(address.split("::")[2].partition(",")[2])) as third:
            third.sendall(hs.sent(hs.INITIALIZE, 0, 0x0100 << 16, b"hislip5"))
            assert hs.received(third)[:2] == (hs.FATAL_ERROR, 4)


def test_messages_cost_virtual_time_and_the_transcript_has_them_as_those_of_any_client(tmp_path: Path) -> None:
    path = tmp_path / "transcript.jsonl"
    with (
        serving(BenchServer(open_bench(f"showroom?transcript={path}"), None)) as served,
        Hislip(served.hislip("thermometer")) as session,
    ):
        before = served.bench.clock.now()
        assert "MODEL372" in session.query("*IDN?")
        assert session.query("KRDG? 6").startswith("+")
        assert served.bench.clock.now() - before >= 0.05  # 20 messages a second
        session.ask(hs.DEVICE_CLEAR)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    kinds = [(each["kind"], each.get("direction"), each.get("text", "")) for each in records]
    assert ("message", "to", "*IDN?") in kinds
    assert [kind for kind, *_ in kinds].count("clear") == 1
    assert [direction for _, direction, _ in kinds].count("from") == 2


def test_a_disconnect_breaks_both_channels(bench: ServedBench) -> None:
    with Hislip(bench.hislip("source")) as session:
        assert session.query("*IDN?")
        fault = bench.bench.faults.inject("disconnect", instrument="source", duration=1.0)
        for channel in (session.sync, session.asynchronous):
            assert channel.recv(1) == b""
        fault.clear()
    bench.wait(2.0)
    with Hislip(bench.hislip("source")) as session:
        assert "6221" in session.query("*IDN?")


def test_the_addresses_say_the_port_only_where_it_is_not_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("pyvisa_mqt.serve.server.HISLIP_PORT", port)
        elsewhere = BenchServer(open_bench("showroom"), hislip_port=port)
        address = elsewhere.addresses()["instruments"]["source"]["hislip"]
        elsewhere.close()
    assert address.startswith("TCPIP0::127.0.0.1::hislip0,")
    assert str(port) not in address
    usual = BenchServer(open_bench("showroom"), hislip_port=port)
    places = usual.addresses()["instruments"]
    usual.close()
    assert [place["hislip"] for place in places.values()] == [f"TCPIP0::127.0.0.1::hislip{n}::INSTR" for n in range(7)]
