"""The PyVISA backend `@mqt` as any VISA client meets it."""

from __future__ import annotations

import gc
import random
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa import constants, errors
from pyvisa.constants import BufferOperation, EventMechanism, EventType, StatusCode
from pyvisa.highlevel import list_backends

from tests.protocol.visa.visa_bench import (
    BENCH,
    BRIDGE,
    BYTE_TIME,
    COUNTER,
    EVERYTHING,
    LATENCY,
    SERIAL,
    SOURCE,
    STOCK,
    now,
    open_one,
    status_of,
)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[pyvisa.ResourceManager]:
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH)
    manager = pyvisa.ResourceManager(f"{path}@mqt")
    yield manager
    manager.close()


@pytest.fixture
def source(manager: pyvisa.ResourceManager) -> Any:
    return open_one(manager, SOURCE)


@pytest.fixture
def counter(manager: pyvisa.ResourceManager) -> Any:
    return open_one(manager, COUNTER)


def test_pyvisa_lists_the_backend_and_the_built_in_bench_opens_without_a_path() -> None:
    assert "mqt" in list_backends()
    manager = pyvisa.ResourceManager("@mqt")
    assert manager.list_resources()
    assert "Version" in manager.visalib.get_debug_info()
    manager.close()


def test_resources_are_listed_and_filtered(manager: pyvisa.ResourceManager) -> None:
    assert set(manager.list_resources("?*")) == set(EVERYTHING)
    assert set(manager.list_resources("GPIB?*INSTR")) == {SOURCE, STOCK}
    assert manager.list_resources("PXI?*") == ()


def test_every_instrument_answers_under_its_address_in_any_spelling(manager: pyvisa.ResourceManager) -> None:
    assert "MODEL 6221" in open_one(manager, "GPIB::12").query("*IDN?")
    assert "53230A" in open_one(manager, "TCPIP::10.0.0.1::INSTR").query("*IDN?")
    assert "MODEL372" in open_one(manager, BRIDGE).query("*IDN?")
    assert "MODEL372" in open_one(manager, SERIAL).query("*IDN?")


def test_a_stock_device_in_the_same_file_works_beside_them(manager: pyvisa.ResourceManager) -> None:
    device = open_one(manager, STOCK)
    assert device.query("*IDN?") == "STOCK"
    device.clear()
    device.close()


def test_a_resource_that_is_not_there_or_has_no_proper_name_is_not_opened(manager: pyvisa.ResourceManager) -> None:
    assert status_of(manager.open_resource, "GPIB0::13::INSTR") == StatusCode.error_resource_not_found
    assert status_of(manager.open_resource, "NONSENSE") == StatusCode.error_invalid_resource_name


def test_a_wrong_bench_file_is_one_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("instruments:\n  s: {model: keithley-6221, address: 'GPIB0::1::INSTR', options: {colour: red}}\n")
    with pytest.raises(ValueError, match=r"wrong\.yaml: instruments\.s\.options.*colour"):
        pyvisa.ResourceManager(f"{path}@mqt")
    with pytest.raises(ValueError, match="no such bench"):
        pyvisa.ResourceManager("nowhere.yaml@mqt")


def test_two_managers_of_one_file_share_the_bench_and_state_survives_close_and_reopen(
    manager: pyvisa.ResourceManager, source: Any
) -> None:
    source.write("CURR:COMP 5")
    source.close()
    again = pyvisa.ResourceManager(f"{manager.visalib.library_path}@mqt")
    assert float(open_one(again, SOURCE).query("CURR:COMP?")) == 5.0


def test_a_closed_bench_is_gone_and_opens_fresh(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH)
    for _ in range(2):
        manager = pyvisa.ResourceManager(f"{path}@mqt")
        source = open_one(manager, SOURCE)
        assert float(source.query("CURR:COMP?")) == 10.0
        source.write("CURR:COMP 5")
        source.close()
        manager.close()
        del source, manager
        gc.collect()


# Messages.


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_message_ends_by_line_feed_or_by_end(source: Any, ending: str) -> None:
    source.write_termination = ending
    assert "6221" in source.query("*IDN?")


def test_a_message_can_be_sent_in_pieces_without_end(source: Any) -> None:
    source.send_end = False
    source.write_raw(b"*ID")
    source.write_raw(b"N?;*OPC?")
    source.send_end = True
    source.write_raw(b"\n")
    assert source.read().endswith(";1")


def test_a_socket_knows_no_end_when_writing(manager: pyvisa.ResourceManager) -> None:
    bridge = open_one(manager, BRIDGE)
    bridge.write_raw(b"*IDN?")
    bridge.timeout = 10
    assert status_of(bridge.read) == StatusCode.error_timeout
    bridge.write_raw(b"\r\n")
    assert "MODEL372" in bridge.read()


def test_a_read_stops_at_count_then_at_the_termination_character_then_at_end(source: Any) -> None:
    library = source.visalib
    source.read_termination = ","
    source.write("*IDN?")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chunk, status = library.read(source.session, 8)
        assert (bytes(chunk), status) == (b"KEITHLEY", StatusCode.success_max_count_read)
        chunk, status = library.read(source.session, 100)
        assert (bytes(chunk), status) == (b" INSTRUMENTS INC.,", StatusCode.success_termination_character_read)
    source.read_termination = None
    chunk, status = library.read(source.session, 100)
    assert bytes(chunk) == b"MODEL 6221,1400001,D04\n"
    assert status == StatusCode.success
    assert source.last_status == StatusCode.success


def test_all_256_byte_values_come_through_in_blocks_that_are_read_in_chunks(counter: Any) -> None:
    memory = counter.visalib.bench.instruments[COUNTER].memory
    numbers = np.frombuffer(np.random.default_rng(3).bytes(800_000), ">u8").view(">f8")
    memory.append(numbers)
    counter.write("FORM REAL,64")
    counter.read_termination = None
    values = counter.query_binary_values("R? 100000", "d", True, np.array, chunk_size=4096)
    assert values.astype(">f8").tobytes() == numbers.tobytes()
    assert set(numbers.tobytes()) == set(range(256))


def test_a_stream_that_suppresses_end_reads_on_into_the_next_reply(manager: pyvisa.ResourceManager) -> None:
    bridge = open_one(manager, BRIDGE, read_termination=None)
    bridge.set_visa_attribute(constants.ResourceAttribute.suppress_end_enabled, True)
    bridge.write("*OPC?")
    bridge.write("*TST?")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert bytes(bridge.visalib.read(bridge.session, 6)[0]) == b"1\r\n0\r\n"


def test_query_without_terminations_works_on_every_interface(manager: pyvisa.ResourceManager) -> None:
    for name in (SOURCE, COUNTER, BRIDGE, SERIAL):
        client: Any = manager.open_resource(name)
        assert client.query("*IDN?").endswith("\n")


# Time.


def test_time_passes_by_latency_and_bytes_and_by_nothing_else(manager: pyvisa.ResourceManager, source: Any) -> None:
    before = now(manager)
    reply = source.query("*IDN?")
    sent, received = len("*IDN?\n"), len(reply) + 1
    assert now(manager) - before == pytest.approx(2 * LATENCY + (sent + received) * BYTE_TIME)


def test_the_372_takes_twenty_messages_a_second_and_the_others_wait(manager: pyvisa.ResourceManager) -> None:
    bridge = open_one(manager, BRIDGE)
    before = now(manager)
    for _ in range(41):
        bridge.query("KRDG? 6")
    assert now(manager) - before == pytest.approx(2.0, abs=0.06)


def test_a_timeout_passes_in_virtual_time_only_and_is_noted_by_the_instrument(
    manager: pyvisa.ResourceManager, source: Any
) -> None:
    source.timeout = 3_600_000
    before, began = now(manager), time.perf_counter()
    assert status_of(source.read) == StatusCode.error_timeout
    assert now(manager) - before == pytest.approx(3600.0)
    assert time.perf_counter() - began < 5.0
    assert source.query("SYST:ERR?") == '-420,"Query UNTERMINATED"'


def test_an_infinite_timeout_waits_for_what_comes_and_gives_up_on_what_cannot_come(counter: Any) -> None:
    counter.timeout = None
    counter.write("SYST:TIM 0.5")
    counter.write("CONF:TINT (@1),(@2)")
    assert float(counter.query("READ?")) == 9.91e37
    assert status_of(counter.read) == StatusCode.error_timeout


def test_a_query_that_takes_longer_than_the_timeout_fails_and_can_be_read_later(counter: Any) -> None:
    counter.write("SYST:TIM 1")
    counter.write("CONF:TINT (@1),(@2)")
    counter.timeout = 300
    counter.write("READ?")
    assert status_of(counter.read) == StatusCode.error_timeout
    counter.timeout = 2000
    assert float(counter.read()) == 9.91e37


def test_a_sleep_of_the_experiment_lets_the_instruments_live(manager: pyvisa.ResourceManager, counter: Any) -> None:
    library: Any = manager.visalib
    counter.write("SYST:TIM 0.1")
    counter.write("CONF:TINT (@1),(@2)")
    counter.write("SAMP:COUN 5;:INIT")
    library.clock.sleep(1.0)
    assert counter.query("DATA:POIN?") == "+5"


# Status, clear, trigger, service requests.


def test_a_device_clear_drops_a_pending_query_and_an_unread_reply(counter: Any, source: Any) -> None:
    counter.write("SYST:TIM INF;:CONF:TINT (@1),(@2);:READ?")
    counter.clear()
    assert "53230A" in counter.query("*IDN?")
    source.write("*IDN?")
    source.clear()
    assert source.query("SYST:ERR?") == '0,"No error"'


def test_an_unread_reply_is_lost_to_the_next_query_and_reported(source: Any) -> None:
    source.write("*IDN?")
    assert source.query("SYST:ERR?") == '-410,"Query INTERRUPTED"'


def test_a_serial_poll_sees_a_waiting_message_and_flush_discards_it(source: Any) -> None:
    source.write("*IDN?")
    assert source.stb & 16
    source.flush(BufferOperation.discard_read_buffer_no_io)
    assert not source.read_stb() & 16
    assert source.query("*OPC?") == "1"


def test_a_group_execute_trigger_reaches_the_trigger_model(counter: Any) -> None:
    counter.write("SYST:TIM 0.1;:CONF:TINT (@1),(@2);:TRIG:SOUR BUS;:INIT")
    counter.assert_trigger()
    counter.visalib.clock.sleep(0.2)
    assert counter.query("DATA:POIN?") == "+1"


def arm_wave(source: Any, cycles: int) -> None:
    source.write(f"CURR:RANG 2e-3;:WAVE:FREQ 100;AMPL 1e-3;RANG FIX;DUR:CYCL {cycles};:WAVE:ARM")
    source.write("*CLS;:STAT:OPER:ENAB 128;*SRE 128;:WAVE:INIT")


def test_wait_for_srq_returns_when_the_wave_has_ended(manager: pyvisa.ResourceManager, source: Any) -> None:
    arm_wave(source, 500)
    began = time.perf_counter()
    source.wait_for_srq(20_000)
    assert now(manager) == pytest.approx(5.0, abs=0.1)
    assert time.perf_counter() - began < 2.0
    assert source.query("SYST:ERR?") == '0,"No error"'


def test_waiting_for_an_event_times_out_in_virtual_time(manager: pyvisa.ResourceManager, source: Any) -> None:
    source.enable_event(EventType.service_request, EventMechanism.queue)
    before = now(manager)
    response = source.wait_on_event(EventType.service_request, 7000, capture_timeout=True)
    assert response.timed_out
    assert now(manager) - before == pytest.approx(7.0)
    assert status_of(source.wait_on_event, EventType.service_request, 10) == StatusCode.error_timeout


def test_an_event_that_came_before_the_wait_is_not_missed_and_comes_once(source: Any) -> None:
    source.enable_event(EventType.service_request, EventMechanism.queue)
    arm_wave(source, 10)
    source.visalib.clock.sleep(1.0)
    response = source.wait_on_event(EventType.service_request, 100)
    assert response.event.event_type == EventType.service_request
    assert source.wait_on_event(EventType.service_request, 100, capture_timeout=True).timed_out
    source.disable_event(EventType.service_request, EventMechanism.queue)
    assert status_of(source.wait_on_event, EventType.service_request, 10) == StatusCode.error_not_enabled


# Locks, attributes, several clients.


def test_an_exclusive_lock_keeps_others_out_until_it_is_given_back(manager: pyvisa.ResourceManager) -> None:
    first, second = open_one(manager, SOURCE), open_one(manager, SOURCE)
    first.lock_excl()
    assert first.lock_state == constants.AccessModes.exclusive_lock
    assert status_of(second.write, "*RST") == StatusCode.error_resource_locked
    before = now(manager)
    assert status_of(second.lock_excl, 500) == StatusCode.error_timeout
    assert now(manager) - before == pytest.approx(0.5)
    assert "6221" in first.query("*IDN?")
    first.unlock()
    assert "6221" in second.query("*IDN?")
    assert status_of(first.unlock) == StatusCode.error_session_not_locked


def test_a_shared_lock_is_joined_with_its_key_and_given_back_on_close(manager: pyvisa.ResourceManager) -> None:
    first, second, third = (open_one(manager, SOURCE) for _ in range(3))
    key = first.lock()
    assert second.lock(requested_key=key) == key
    assert "6221" in second.query("*IDN?")
    assert status_of(third.query, "*IDN?") == StatusCode.error_resource_locked
    first.close()
    second.close()
    assert "6221" in third.query("*IDN?")


def test_opening_with_an_exclusive_lock_fails_while_another_holds_it(manager: pyvisa.ResourceManager) -> None:
    first = open_one(manager, SOURCE, access_mode=constants.AccessModes.exclusive_lock)
    with pytest.raises(errors.VisaIOError) as caught:
        open_one(manager, SOURCE, access_mode=constants.AccessModes.exclusive_lock)
    assert caught.value.error_code == StatusCode.error_resource_locked
    first.close()


def test_attributes_follow_from_the_resource_name(manager: pyvisa.ResourceManager) -> None:
    source = open_one(manager, SOURCE)
    assert (source.primary_address, source.interface_number, source.resource_class) == (12, 0, "INSTR")
    assert source.resource_name == SOURCE
    bridge = open_one(manager, BRIDGE)
    assert bridge.get_visa_attribute(constants.ResourceAttribute.tcpip_port) == 7777
    assert bridge.get_visa_attribute(constants.ResourceAttribute.tcpip_address) == "10.0.0.2"
    assert status_of(bridge.get_visa_attribute, constants.ResourceAttribute.gpib_primary_address) < 0
    assert open_one(manager, SERIAL).baud_rate == 9600


def test_a_closed_session_is_an_invalid_object(source: Any) -> None:
    handle = source.session
    source.close()
    assert status_of(source.visalib.write, handle, b"*IDN?\n") == StatusCode.error_invalid_object


def test_clients_on_several_threads_each_get_their_own_answers(manager: pyvisa.ResourceManager) -> None:
    wrong: list[str] = []

    def poll(name: str, expected: str) -> None:
        client = open_one(manager, name)
        wrong.extend(reply for reply in (client.query("*IDN?") for _ in range(200)) if expected not in reply)

    threads = [threading.Thread(target=poll, args=pair) for pair in ((SOURCE, "6221"), (COUNTER, "53230A"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert now(manager) > 400 * 2 * LATENCY


def test_the_library_uses_no_global_random_numbers(manager: pyvisa.ResourceManager) -> None:

    random.seed(1)
    expected = random.random()
    random.seed(1)
    open_one(manager, SOURCE).query("*IDN?")
    assert random.random() == expected


def test_readings_of_a_seed_are_the_same_in_every_run(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH)
    replies = []
    for seed in (7, 7, 8):
        manager = pyvisa.ResourceManager(f"{path}?seed={seed}@mqt")
        bridge = open_one(manager, BRIDGE)
        replies.append([bridge.query("KRDG? 6") for _ in range(30)])
        bridge.close()
        manager.close()
        del bridge, manager
        gc.collect()
    assert replies[0] == replies[1]
    assert replies[0] != replies[2]
