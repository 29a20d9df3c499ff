"""What PyVISA promises for any VISA library: several sessions, locks, service requests, the rest; also when served."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from pyvisa import constants, errors
from pyvisa.constants import AccessModes, EventMechanism, EventType, Lock, StatusCode

from tests.protocol.visa.visa_bench import (
    BENCH,
    BRIDGE,
    COUNTER,
    GENERATOR,
    SOURCE,
    STOCK,
    manager,
    now,
    open_one,
    status_of,
)

__all__ = ["manager"]  # the fixture of this module's tests

# Several sessions.


def test_each_socket_gets_the_replies_to_its_own_messages(manager: pyvisa.ResourceManager) -> None:
    first, second = open_one(manager, BRIDGE), open_one(manager, BRIDGE)
    first.write("*IDN?")
    assert second.query("KRDG? 6").startswith("+")
    assert first.read().startswith("LSCI")
    second.write("*IDN?")
    second.close()
    assert first.query("SETP? 0").count(",") == 0


def test_on_a_bus_whoever_reads_first_gets_the_reply(manager: pyvisa.ResourceManager) -> None:
    first, second = open_one(manager, SOURCE), open_one(manager, SOURCE)
    first.write("*IDN?")
    assert "6221" in second.read()


def test_a_manager_that_closes_takes_its_sessions_with_it(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH)
    manager = pyvisa.ResourceManager(f"{path}@mqt")
    library = manager.visalib
    source, _ = library.open(manager.session, SOURCE)
    other = open_one(manager, COUNTER)
    library.lock(source, Lock.exclusive, 0)
    library.close(manager.session)
    assert status_of(library.write, source, b"*IDN?\n") == StatusCode.error_invalid_object
    assert status_of(other.write, "*IDN?") == StatusCode.error_invalid_object
    assert library.close(source) == StatusCode.error_invalid_object  # closing twice hurts nobody
    again, _ = library.open_default_resource_manager()
    reopened, _ = library.open(again, SOURCE, AccessModes.exclusive_lock)
    assert library.write(reopened, b"*RST\n")[0] == 5
    library.close(again)


def test_closing_twice_and_using_what_is_closed(manager: pyvisa.ResourceManager) -> None:
    source = open_one(manager, SOURCE)
    with source:
        assert "6221" in source.query("*IDN?")
    source.close()
    source.close()
    with pytest.raises(errors.InvalidSession):
        source.query("*IDN?")


def test_managers_and_sessions_on_many_threads(manager: pyvisa.ResourceManager) -> None:
    wrong: list[Any] = []
    path = manager.visalib.library_path

    def work(name: str, expected: str) -> None:
        try:
            own = pyvisa.ResourceManager(f"{path}@mqt")
            for _ in range(10):
                client = open_one(own, name)
                wrong.extend(reply for reply in (client.query("*IDN?") for _ in range(5)) if expected not in reply)
                client.close()
        except Exception as exc:  # told to the test's thread
            wrong.append(exc)

    pairs = [(SOURCE, "6221"), (COUNTER, "53230A"), (BRIDGE, "372"), (GENERATOR, "33512B"), (STOCK, "STOCK")]
    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Locks.


def test_locks_nest_and_tell_their_state(manager: pyvisa.ResourceManager) -> None:
    first, second = open_one(manager, SOURCE), open_one(manager, SOURCE, timeout=100)
    first.lock_excl()
    first.lock_excl()
    assert first.last_status == StatusCode.success_nested_exclusive
    first.unlock()
    assert second.lock_state == AccessModes.exclusive_lock
    assert status_of(second.write, "*RST") == StatusCode.error_resource_locked
    assert status_of(second.clear) == StatusCode.error_resource_locked
    assert status_of(second.read_stb) == StatusCode.error_resource_locked
    first.unlock()
    assert second.lock_state == AccessModes.no_lock
    key = second.lock(requested_key="ours")
    assert key == "ours"
    assert second.lock() == "ours"
    assert second.last_status == StatusCode.success_nested_shared
    assert status_of(first.lock, 50, "theirs") == StatusCode.error_timeout
    assert first.lock(requested_key="ours") == "ours"
    second.lock_excl()  # whoever shares may also exclude for a while
    assert status_of(first.query, "*IDN?") == StatusCode.error_resource_locked
    second.unlock()
    assert "6221" in first.query("*IDN?")
    for resource, times in ((first, 1), (second, 2)):
        for _ in range(times):
            resource.unlock()
        assert status_of(resource.unlock) == StatusCode.error_session_not_locked
    assert status_of(first.lock, 0, "k" * 300) == StatusCode.error_invalid_access_key


def test_a_lock_is_waited_for_in_virtual_time(manager: pyvisa.ResourceManager) -> None:
    first, second = open_one(manager, SOURCE), open_one(manager, SOURCE)
    with first.lock_context(requested_key=None) as key:
        before = now(manager)
        assert status_of(second.lock_excl, 60_000) == StatusCode.error_timeout
        assert now(manager) - before == pytest.approx(60.0, abs=0.1)
        assert status_of(manager.open_resource, SOURCE, AccessModes.exclusive_lock) == StatusCode.error_resource_locked
        with second.lock_context(requested_key=key):
            assert "6221" in second.query("*IDN?")
    manager.open_resource(SOURCE, AccessModes.shared_lock).close()


# Service requests.


def request_service(counter: Any, delay: float = 0.5) -> None:
    counter.write(f"*CLS;*ESE 1;*SRE 32;:SYST:TIM {delay};:CONF:TINT (@1),(@2);:INIT;*OPC")


def test_a_handler_is_called_when_the_request_comes_in_the_middle_of_a_sleep(
    manager: pyvisa.ResourceManager,
) -> None:
    counter = open_one(manager, COUNTER)
    calls: list[tuple[Any, ...]] = []

    def handler(resource: Any, event: Any, user_handle: Any) -> None:
        calls.append((event.event_type, user_handle, now(manager), resource.read_stb()))

    wrapped = counter.wrap_handler(handler)
    handle = counter.install_handler(EventType.service_request, wrapped, "mine")
    counter.enable_event(EventType.service_request, EventMechanism.handler)
    begin = now(manager)
    request_service(counter)
    library: Any = manager.visalib
    library.clock.sleep(10.0)
    assert now(manager) - begin >= 10.0
    assert len(calls) == 1
    event_type, user_handle, time, status = calls[0]
    assert (event_type, user_handle, status & 64) == (EventType.service_request, "mine", 64)
    assert time - begin == pytest.approx(0.5, abs=0.3)
    request_service(counter)
    while len(calls) < 2:  # also at the end of an operation
        counter.query("*STB?")
    counter.disable_event(EventType.service_request, EventMechanism.handler)
    counter.uninstall_handler(EventType.service_request, wrapped, handle)
    request_service(counter)
    library.clock.sleep(10.0)
    assert len(calls) == 2


def test_the_mechanisms_of_events_keep_to_visas_rules(manager: pyvisa.ResourceManager) -> None:
    counter = open_one(manager, COUNTER)
    srq, queue, handlers = EventType.service_request, EventMechanism.queue, EventMechanism.handler
    assert status_of(counter.enable_event, srq, handlers) == StatusCode.error_handler_not_installed
    assert status_of(counter.enable_event, EventType.clear, queue) == StatusCode.error_invalid_event
    assert status_of(counter.wait_on_event, srq, 10) == StatusCode.error_not_enabled
    with pytest.raises(errors.VisaTypeError):
        counter.install_handler(srq, "no function")
    with pytest.raises(errors.UnknownHandler):
        counter.uninstall_handler(srq, print, None)
    calls: list[int] = []
    counter.install_handler(srq, lambda *event: calls.append(1))
    counter.enable_event(srq, EventMechanism.suspend_handler)  # kept until they are let through
    counter.enable_event(srq, queue)
    counter.enable_event(srq, queue)
    assert counter.last_status == StatusCode.success_event_already_enabled
    request_service(counter, 0.1)
    library: Any = manager.visalib
    library.clock.sleep(1.0)
    assert calls == []
    counter.enable_event(srq, handlers)
    assert calls == [1]
    assert counter.wait_on_event(srq, 0).event.event_type == srq  # both mechanisms see it
    counter.discard_events(srq, EventMechanism.all)
    assert counter.last_status == StatusCode.success_queue_already_empty
    counter.disable_event(EventType.all_enabled, EventMechanism.all)
    counter.disable_event(srq, queue)
    assert counter.last_status == StatusCode.success_event_already_disabled


def test_a_handler_that_fails_tells_so_to_whoever_let_time_pass_and_is_called_again(
    manager: pyvisa.ResourceManager,
) -> None:
    counter = open_one(manager, COUNTER)

    def handler(*_: Any) -> None:
        raise LookupError("handled badly")

    counter.install_handler(EventType.service_request, handler)
    counter.enable_event(EventType.service_request, EventMechanism.handler)
    library: Any = manager.visalib
    for _ in range(2):
        request_service(counter, 0.1)
        with pytest.raises(LookupError, match="handled badly"):
            library.clock.sleep(5.0)
        counter.read_stb()
    counter.close()
    library.clock.sleep(5.0)


def test_wait_for_srq_takes_part_in_virtual_time_for_all_interfaces_that_have_it(
    manager: pyvisa.ResourceManager,
) -> None:
    source = open_one(manager, SOURCE)
    source.write("CURR:RANG 2e-3;:WAVE:FREQ 100;AMPL 1e-3;RANG FIX;DUR:CYCL 500;:WAVE:ARM")
    source.write("*CLS;:STAT:OPER:ENAB 128;*SRE 128;:WAVE:INIT")
    before = now(manager)
    source.wait_for_srq(20_000)
    assert now(manager) - before == pytest.approx(5.0, abs=0.2)
    source.assert_trigger()
    assert status_of(source.visalib.assert_trigger, source.session, constants.TriggerProtocol.on) < 0


# All the rest of the library.


def test_what_a_message_based_instrument_cannot_do_is_refused_with_a_status(
    manager: pyvisa.ResourceManager, tmp_path: Path
) -> None:
    source = open_one(manager, SOURCE)
    library: Any = manager.visalib
    for operation in ("in_8", "move_in_32", "peek_16", "map_address", "gpib_send_ifc", "terminate", "usb_control_in"):
        status = status_of(getattr(library, operation), source.session, 0, 0)
        assert status == StatusCode.error_nonsupported_operation, operation
    assert status_of(library.in_8, 999, 0, 0) == StatusCode.error_invalid_object
    assert library.buffer_write(source.session, b"*IDN?\n")[0] == 6
    assert library.read_to_file(source.session, str(tmp_path / "reply"), 100)[0] > 20
    (tmp_path / "message").write_bytes(b"*IDN?\n and more")
    assert library.write_from_file(source.session, str(tmp_path / "message"), 6)[0] == 6
    assert b"6221" in library.buffer_read(source.session, 100)[0]
    missing = tmp_path / "no folder" / "reply"
    assert status_of(library.write_from_file, source.session, str(missing), 6) == StatusCode.error_file_access
    assert library.set_buffer(source.session, constants.BufferType.io_in, 10_000) == StatusCode.success
    assert "Timeout" in library.status_description(source.session, StatusCode.error_timeout)[0]
    assert library.parse_resource(manager.session, SOURCE)[0].interface_type == constants.InterfaceType.gpib
    source.control_ren(constants.RENLineOperation.asrt)
    assert status_of(library.gpib_command, source.session, b"\x14") == StatusCode.error_nonsupported_operation
