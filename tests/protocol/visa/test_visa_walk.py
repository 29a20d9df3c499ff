"""What PyVISA promises for any VISA library, on every interface: names, attributes, reading; in process and served."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa import attributes, constants, errors
from pyvisa.constants import ResourceAttribute, StatusCode

from tests.protocol.visa.visa_bench import (
    BRIDGE,
    COUNTER,
    EVERYTHING,
    GENERATOR,
    SERIAL,
    SOURCE,
    STOCK,
    STOCK_SERIAL,
    manager,
    now,
    open_one,
    status_of,
)

__all__ = ["manager"]  # the fixture of this module's tests

# Names.


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("GPIB::12", SOURCE),
        ("gpib0::12::instr", SOURCE),
        ("GPIB::12::INSTR", SOURCE),
        ("TCPIP::10.0.0.1::inst0", COUNTER),
        ("TCPIP::10.0.0.1", COUNTER),
        ("tcpip0::10.0.0.1::inst0::instr", COUNTER),
        ("TCPIP::10.0.0.2::7777::SOCKET", BRIDGE),
        ("ASRL3", SERIAL),
        ("asrl3::instr", SERIAL),
        ("usb::0X0957::0x2c07::my52400001::instr", GENERATOR),
        ("USB::0x0957::0x2C07::MY52400001", GENERATOR),
        ("USB0::0x0957::0x2C07::MY52400001::INSTR", GENERATOR),
    ],
)
def test_a_resource_opens_under_every_spelling_of_its_name(
    manager: pyvisa.ResourceManager, spelling: str, name: str
) -> None:
    resource = open_one(manager, spelling)
    assert resource.resource_name == name
    assert resource.query("*IDN?").count(",") == 3
    info = manager.resource_info(spelling)
    assert info.resource_name == name
    assert info.interface_type == resource.interface_type


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("?*", EVERYTHING),
        ("?*INSTR", tuple(name for name in EVERYTHING if name != BRIDGE)),
        ("GPIB?*", (SOURCE, STOCK)),
        ("GPIB[0-9]*::?*INSTR", (SOURCE, STOCK)),
        ("gpib?*instr", (SOURCE, STOCK)),
        ("(GPIB|ASRL)?*INSTR", (SOURCE, SERIAL, STOCK, STOCK_SERIAL)),
        ("ASRL[0-5]?*", (SERIAL,)),
        ("ASRL[^0-5]?*", (STOCK_SERIAL,)),
        ("TCPIP?*SOCKET", (BRIDGE,)),
        ("PXI?*", ()),
    ],
)
def test_resources_are_listed_by_every_kind_of_visa_expression(
    manager: pyvisa.ResourceManager, expression: str, names: tuple[str, ...]
) -> None:
    assert set(manager.list_resources(expression)) == set(names)


def test_what_is_listed_comes_with_its_interface(manager: pyvisa.ResourceManager) -> None:
    listed = manager.list_resources_info("?*")
    assert set(listed) == set(EVERYTHING)
    assert listed[GENERATOR].interface_type == constants.InterfaceType.usb
    assert listed[SERIAL].interface_board_number == 3


def test_what_cannot_be_opened_says_why(manager: pyvisa.ResourceManager) -> None:
    for missing in ("GPIB0::13::INSTR", "GPIB1::12::INSTR", "TCPIP::10.0.0.9::INSTR", "ASRL4", "USB::1::2::3::INSTR"):
        assert status_of(manager.open_resource, missing) == StatusCode.error_resource_not_found
    for malformed in ("", "NONSENSE", "GPIB0::12::INSTR::9::8", "TCPIP::SOCKET"):
        assert status_of(manager.open_bare_resource, malformed) in (
            StatusCode.error_invalid_resource_name,
            StatusCode.error_resource_not_found,
        )
    assert status_of(manager.visalib.open, 12345, SOURCE) == StatusCode.error_invalid_object
    assert status_of(manager.open_bare_resource, SOURCE, 7) == StatusCode.error_invalid_access_mode


# Attributes.


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_attribute_of_an_interface_can_be_read_and_set_to_what_it_is(
    manager: pyvisa.ResourceManager, name: str
) -> None:
    resource = open_one(manager, name)
    unknown = set()
    for attribute in type(resource).visa_attributes_classes:
        if not attribute.read or not attribute.py_name:
            continue
        try:
            value = getattr(resource, attribute.py_name)
        except errors.VisaIOError:  # with VI_ERROR_NSUP_ATTR: what is missing is looked at below
            unknown.add(attribute.visa_name)
            continue
        assert value is not attributes.NotAvailable
        if attribute.write:
            setattr(resource, attribute.py_name, value)
            assert getattr(resource, attribute.py_name) == value
    # What only the instrument itself could tell, or a real wire.
    assert unknown <= {"VI_ATTR_MANF_NAME", "VI_ATTR_MODEL_NAME", "VI_ATTR_USB_MAX_INTR_SIZE", "VI_ATTR_ASRL_WIRE_MODE"}
    assert resource.query("*IDN?")


def test_the_settings_of_a_serial_line_keep_what_they_are_set_to(manager: pyvisa.ResourceManager) -> None:
    cable = open_one(manager, SERIAL)
    settings: dict[str, Any] = {
        "baud_rate": 57600,
        "data_bits": 7,
        "parity": constants.Parity.odd,
        "stop_bits": constants.StopBits.two,
        "flow_control": constants.ControlFlow.rts_cts,
        "end_input": constants.SerialTermination.termination_char,
        "end_output": constants.SerialTermination.none,
        "break_length": 100,
        "discard_null": True,
        "xon_char": "\x01",
        "replace_char": "?",
    }
    for setting, value in settings.items():
        setattr(cable, setting, value)
        assert getattr(cable, setting) == value, setting
    assert cable.query("*IDN?").startswith("LSCI")


def test_the_ends_of_messages_on_a_serial_line_follow_its_end_modes(manager: pyvisa.ResourceManager) -> None:
    cable = open_one(manager, SERIAL, timeout=500)
    cable.write_termination, cable.read_termination = "", None
    cable.end_output = constants.SerialTermination.termination_char
    cable.write("*IDN?")  # the line feed is put behind it
    assert cable.bytes_in_buffer == len(reply := cable.read_bytes(12, break_on_termchar=True)) + cable.bytes_in_buffer
    assert bytes(reply) == b"LSCI,MODEL37"
    assert cable.read().endswith("\r\n")  # the line feed ends it
    assert cable.bytes_in_buffer == 0
    cable.end_input = constants.SerialTermination.none
    cable.write("*OPC?")
    cable.write("*OPC?")
    assert cable.read_bytes(6) == b"1\r\n1\r\n"
    assert status_of(cable.read_bytes, 1) == StatusCode.error_timeout


@pytest.mark.parametrize(
    ("attribute", "value", "status"),
    [
        (ResourceAttribute.timeout_value, -1, StatusCode.error_nonsupported_attribute_state),
        (ResourceAttribute.timeout_value, "long", StatusCode.error_nonsupported_attribute_state),
        (ResourceAttribute.termchar, 300, StatusCode.error_nonsupported_attribute_state),
        (ResourceAttribute.resource_name, "x", StatusCode.error_attribute_read_only),
        (ResourceAttribute.asrl_baud_rate, 9600, StatusCode.error_nonsupported_attribute),
    ],
)
def test_an_attribute_takes_no_nonsense(
    manager: pyvisa.ResourceManager, attribute: ResourceAttribute, value: Any, status: StatusCode
) -> None:
    source = open_one(manager, SOURCE)
    assert status_of(source.set_visa_attribute, attribute, value) == status
    assert "6221" in source.query("*IDN?")


# Reading.


@pytest.mark.shown(12)
@pytest.mark.parametrize("chunk", [1, 7, 20 * 1024])
@pytest.mark.parametrize("name", EVERYTHING)
def test_a_reply_comes_whole_in_chunks_of_any_size(manager: pyvisa.ResourceManager, name: str, chunk: int) -> None:
    resource = open_one(manager, name, chunk_size=chunk)
    reply = resource.query("*IDN?")
    assert not reply.endswith(("\r", "\n"))
    resource.write("*IDN?")
    assert resource.read_raw(chunk).decode("ascii").rstrip() == reply
    resource.write("*IDN?")
    assert resource.read_bytes(4, chunk_size=chunk) == reply[:4].encode()
    assert resource.read() == reply[4:]


def test_bytes_are_read_up_to_the_termination_character_on_request(manager: pyvisa.ResourceManager) -> None:
    source = open_one(manager, SOURCE)
    source.read_termination = ","
    source.write("*IDN?")
    assert source.read_bytes(100, break_on_termchar=True) == b"KEITHLEY INSTRUMENTS INC.,"
    assert source.read_bytes(5) == b"MODEL"
    assert source.read() == " 6221"
    source.clear()


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("chunk", [7, 4096])
def test_binary_values_come_with_the_headers_that_the_counter_has(
    manager: pyvisa.ResourceManager, big_endian: bool, chunk: int
) -> None:
    counter = open_one(manager, COUNTER, chunk_size=chunk)
    counter.write("SYST:TIM 0.01;:CONF:TINT (@1),(@2);:FORM REAL,64;:SAMP:COUN 25")
    counter.write(f"FORM:BORD {'NORM' if big_endian else 'SWAP'};:INIT;*WAI")
    counter.read_termination = None
    read = {"datatype": "d", "is_big_endian": big_endian, "container": np.array}
    missing = np.full(25, 9.91e37)
    assert np.array_equal(counter.query_binary_values("FETC?", data_points=25, **read), missing)  # "#0", up to END
    assert np.array_equal(counter.query_binary_values("R?", header_fmt="ieee", **read), missing)  # "#3200"
    assert counter.query_binary_values("*OPC?", "B", header_fmt="empty", data_points=2, expect_termination=False) == [
        49,
        10,
    ]


def test_a_timeout_of_nothing_and_one_without_end(manager: pyvisa.ResourceManager) -> None:
    counter = open_one(manager, COUNTER)
    counter.timeout = 0
    before = now(manager)
    assert status_of(counter.read) == StatusCode.error_timeout
    assert now(manager) == before
    counter.timeout = None
    assert counter.timeout == float("+inf")
    counter.write("SYST:TIM 2;:CONF:TINT (@1),(@2)")
    assert float(counter.query("READ?")) == 9.91e37
    assert now(manager) - before > 2.0
    del counter.timeout
    assert counter.timeout == float("+inf") or counter.timeout == 2000


@pytest.mark.shown(1)
@pytest.mark.parametrize("name", [STOCK, STOCK_SERIAL])
def test_a_stock_device_times_out_in_virtual_time_and_is_cleared_and_locked_like_the_others(
    manager: pyvisa.ResourceManager, name: str
) -> None:
    device = open_one(manager, name, timeout=3_600_000)
    before = now(manager)
    device.write("QUIET")
    assert status_of(device.read) == StatusCode.error_timeout  # an hour, at once
    assert now(manager) - before == pytest.approx(3600.0, abs=1.0)
    device.write("*IDN?")
    assert device.stb == 16
    device.clear()
    assert device.stb == 0
    assert device.query("nonsense") == "ERROR"
    with device.lock_context():
        assert status_of(open_one(manager, name).query, "*IDN?") == StatusCode.error_resource_locked
    assert device.query("*IDN?") == "STOCK"
