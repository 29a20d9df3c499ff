"""Each command of the 53230A driver, as the manual spells it, and blocks byte by byte."""

from __future__ import annotations

import contextlib
import math
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mqtctl_drivers.blocks import parse_block
from mqtctl_drivers.errors import ReplyError
from mqtctl_drivers.keysight_53230a import Keysight53230A

from tests.unit.drivers.scripted_visa import Transcript, library_for, resource_for, resource_on

_names = count()
IDN = "Agilent Technologies,53230A,MY50001484,02.05"


def connect(
    opened: list[Keysight53230A], *exchanges: tuple[str, object], address: str = "TCPIP0::10.0.0.5::inst0::INSTR"
) -> tuple[Keysight53230A, Transcript]:
    device = Transcript(("<clear>", None), *exchanges)
    instrument = Keysight53230A(f"k53230a_{next(_names)}", resource=resource_for(device, address))
    opened.append(instrument)
    return instrument, device


def block(values: list[float], dtype: str = ">f8") -> bytes:
    content = np.array(values, dtype=dtype).tobytes()
    length = str(len(content))
    return f"#{len(length)}{length}".encode() + content


@pytest.mark.parametrize(
    ("path", "value", "command", "query", "reply"),
    [
        ("input1.coupling", "dc", "INP1:COUP DC", "INP1:COUP?", "DC"),
        ("input2.impedance", 50.0, "INP2:IMP 50", "INP2:IMP?", "+5.00000000E+001"),
        ("input2.impedance", 1e6, "INP2:IMP 1000000", "INP2:IMP?", "+1.00000000E+006"),
        ("input1.range", 5.0, "INP1:RANG 5", "INP1:RANG?", "+5.00000000E+000"),
        ("input1.probe", 10, "INP1:PROB 10", "INP1:PROB?", "+10"),
        ("input1.low_pass_filter", True, "INP1:FILT 1", "INP1:FILT?", "1"),
        ("input2.noise_rejection", False, "INP2:NREJ 0", "INP2:NREJ?", "0"),
        ("input2.autolevel", False, "INP2:LEV:AUTO 0", "INP2:LEV:AUTO?", "0"),
        ("input2.level", 0.25, "INP2:LEV 0.25", "INP2:LEV?", "+2.50000000000000E-001"),
        ("input1.stop_level", -1.5, "INP1:LEV2 -1.5", "INP1:LEV2?", "-1.50000000000000E+000"),
        ("input1.relative_level", 55, "INP1:LEV:REL 55", "INP1:LEV:REL?", "+55"),
        ("input1.slope", "negative", "INP1:SLOP NEG", "INP1:SLOP?", "NEG"),
        ("input1.stop_slope", "positive", "INP1:SLOP2 POS", "INP1:SLOP2?", "POS"),
        ("gate.source", "external", "SENS:TINT:GATE:SOUR EXT", "SENS:TINT:GATE:SOUR?", "EXT"),
        ("gate.polarity", "negative", "SENS:TINT:GATE:POL NEG", "SENS:TINT:GATE:POL?", "NEG"),
        ("gate.start_delay_source", "time", "SENS:GATE:STAR:DEL:SOUR TIME", "SENS:GATE:STAR:DEL:SOUR?", "TIME"),
        ("gate.start_delay", 0.1, "SENS:GATE:STAR:DEL:TIME 0.1", "SENS:GATE:STAR:DEL:TIME?", "+1.0E-001"),
        ("gate.stop_holdoff_source", "time", "SENS:GATE:STOP:HOLD:SOUR TIME", "SENS:GATE:STOP:HOLD:SOUR?", "TIME"),
        ("gate.stop_holdoff", 1e-4, "SENS:GATE:STOP:HOLD:TIME 0.0001", "SENS:GATE:STOP:HOLD:TIME?", "+1.0E-004"),
        ("gate.external_source", "input 2", "SENS:GATE:EXT:SOUR INP2", "SENS:GATE:EXT:SOUR?", "INP2"),
        ("gate.frequency_time", 0.1, "SENS:FREQ:GATE:TIME 0.1", "SENS:FREQ:GATE:TIME?", "+1.0E-001"),
        ("gate.start_source", "input 1", "SENS:GATE:STAR:SOUR INP1", "SENS:GATE:STAR:SOUR?", "INP1"),
        ("gate.start_slope", "negative", "SENS:GATE:STAR:SLOP NEG", "SENS:GATE:STAR:SLOP?", "NEG"),
        ("gate.start_delay_events", 7, "SENS:GATE:STAR:DEL:EVEN 7", "SENS:GATE:STAR:DEL:EVEN?", "+7"),
        ("gate.stop_source", "immediate", "SENS:GATE:STOP:SOUR IMM", "SENS:GATE:STOP:SOUR?", "IMM"),
        ("gate.stop_slope", "positive", "SENS:GATE:STOP:SLOP POS", "SENS:GATE:STOP:SLOP?", "POS"),
        ("gate.stop_holdoff_events", 3, "SENS:GATE:STOP:HOLD:EVEN 3", "SENS:GATE:STOP:HOLD:EVEN?", "+3"),
        ("autolevel_frequency", 10_000, "SYST:ALEV:FREQ 10000", "SYST:ALEV:FREQ?", "+1.0E+004"),
        ("reference", "external", "SENS:ROSC:SOUR EXT", "SENS:ROSC:SOUR?", "EXT"),
        ("reference_automatic", True, "SENS:ROSC:SOUR:AUTO 1", "SENS:ROSC:SOUR:AUTO?", "1"),
        ("gate_output", False, "OUTP 0", "OUTP?", "0"),
        ("frequency_mode", "reciprocal", "SENS:FREQ:MODE REC", "SENS:FREQ:MODE?", "REC"),
        ("frequency_gate_source", "external", "SENS:FREQ:GATE:SOUR EXT", "SENS:FREQ:GATE:SOUR?", "EXT"),
        ("frequency_gate_polarity", "positive", "SENS:FREQ:GATE:POL POS", "SENS:FREQ:GATE:POL?", "POS"),
        ("totalize_time", 0.5, "SENS:TOT:GATE:TIME 0.5", "SENS:TOT:GATE:TIME?", "+5.0E-001"),
        ("gate_output_polarity", "inverted", "OUTP:POL INV", "OUTP:POL?", "INV"),
        ("display", False, "DISP 0", "DISP?", "0"),
        ("beeper", True, "SYST:BEEP:STAT 1", "SYST:BEEP:STAT?", "1"),
        ("trigger_source", "bus", "TRIG:SOUR BUS", "TRIG:SOUR?", "BUS"),
        ("trigger_slope", "negative", "TRIG:SLOP NEG", "TRIG:SLOP?", "NEG"),
        ("trigger_delay", 1e-3, "TRIG:DEL 0.001", "TRIG:DEL?", "+1.00000000000000E-003"),
        ("trigger_count", 1, "TRIG:COUN 1", "TRIG:COUN?", "+1"),
        ("sample_count", 10000, "SAMP:COUN 10000", "SAMP:COUN?", "+1.00000000E+004"),
        ("reading_timeout", 0.01, "SYST:TIM 0.01", "SYST:TIM?", "+1.00000000000000E-002"),
        ("reading_timeout", math.inf, "SYST:TIM INF", "SYST:TIM?", "+9.90000000000000E+037"),
        ("data_format", "real", "FORM REAL,64", "FORM?", "REAL,64"),
        ("data_format", "ascii", "FORM ASC,15", "FORM?", "ASC,15"),
        ("byte_order", "little", "FORM:BORD SWAP", "FORM:BORD?", "SWAP"),
        ("reading_threshold", 5000, "DATA:POIN:EVEN:THR 5000", "DATA:POIN:EVEN:THR?", "+5000"),
    ],
)
def test_each_setting_is_spelled_as_in_the_manual(
    opened: list[Keysight53230A], path: str, value: Any, command: str, query: str, reply: str
) -> None:
    counter, device = connect(opened, (command, None), (query, reply))
    parameter: Any = counter
    for part in path.split("."):
        parameter = getattr(parameter, part)
    parameter.set(value)
    assert parameter.get() == value
    assert device.finished()


def test_each_action_is_spelled_as_in_the_manual(opened: list[Keysight53230A]) -> None:
    counter, device = connect(
        opened,
        ("CONF:TINT (@2),(@1)", None),
        ("CONF:TINT (@1)", None),
        ("CONF:PER (@2)", None),
        ("CONF:FREQ (@1)", None),
        ("INIT", None),
        ("*TRG", None),
        ("DATA:POIN?", "+17"),
        ("DATA:LAST?", "+7.00000000000000E-004,SEC"),
        ("DATA:LAST?", "+9.91000000000000E+037"),
        ("ABOR", None),
        ("STAT:PRES", None),
        ("DATA:CLE", None),
        ("INP2:LEV:AUTO ONCE", None),
    )
    counter.configure_time_interval(2, 1)
    counter.configure_time_interval(1, 1)
    counter.configure_period(2)
    counter.configure_frequency()
    counter.initiate()
    counter.trigger()
    assert counter.readings_available.get() == 17
    assert counter.last_reading() == 7e-4
    assert math.isnan(counter.last_reading())
    counter.abort()
    counter.preset_status()
    counter.clear_readings()
    counter.input2.find_level()
    assert device.finished()


@pytest.mark.parametrize(
    ("reply", "function"),
    [('"TINT"', "time interval"), ('"TINT 1, 2"', "time interval"), ('"FREQ"', "frequency"), ("PER", "period")],
)
def test_the_function_is_understood_with_and_without_channels(
    opened: list[Keysight53230A], reply: str, function: str
) -> None:
    counter, _ = connect(opened, ("FUNC?", reply))
    assert counter.function.get() == function


@pytest.mark.parametrize("channel", [0, 3])
def test_an_input_that_does_not_exist_is_refused(opened: list[Keysight53230A], channel: int) -> None:
    counter, device = connect(opened)
    with pytest.raises(ValueError, match="1 and 2"):
        counter.configure_period(channel)
    assert device.finished()


@pytest.mark.parametrize(("order", "dtype"), [("NORM", ">f8"), ("SWAP", "<f8")])
def test_real_readings_come_in_either_byte_order(opened: list[Keysight53230A], order: str, dtype: str) -> None:
    values = [7.0e-4, 9.91e37, 7.1e-4]
    counter, device = connect(
        opened, ("FORM?", "REAL,64"), ("FORM:BORD?", order), ("R? 3", block(values, dtype) + b"\n")
    )
    np.testing.assert_array_equal(counter.read_readings(3), values)
    assert device.finished()


def test_ascii_readings_come_in_a_block_too(opened: list[Keysight53230A]) -> None:
    text = b"+7.00000000000000E-004,+9.91000000000000E+037"
    counter, _ = connect(
        opened, ("FORM?", "ASC,15"), ("FORM:BORD?", "NORM"), ("R? 10", b"#2%d" % len(text) + text + b"\n")
    )
    np.testing.assert_array_equal(counter.read_readings(10), [7e-4, 9.91e37])


def test_an_empty_block_is_no_reading(opened: list[Keysight53230A]) -> None:
    counter, _ = connect(opened, ("FORM?", "REAL,64"), ("FORM:BORD?", "NORM"), ("R? 10", b"#10\n"))
    assert counter.read_readings(10).size == 0


@pytest.mark.parametrize("address", ["TCPIP0::10.0.0.5::5025::SOCKET", "TCPIP0::10.0.0.5::inst0::INSTR"])
def test_nothing_is_left_on_the_line_behind_a_block(opened: list[Keysight53230A], address: str) -> None:
    values = np.frombuffer(bytes(range(256)) * 400, dtype=">f8")  # 100 kB, every byte value, two chunks
    device = Transcript(
        ("<clear>", None),
        ("FORM REAL,64", None),
        ("FORM:BORD NORM", None),
        ("R? 20000", b"#6%06d" % values.nbytes + values.tobytes() + b"\n"),
        ("DATA:REM? 2", block([1.0, 2.0]) + b"\n"),
        ("DATA:POIN?", "+0"),
    )
    library = library_for(device)
    counter = Keysight53230A(f"k53230a_{next(_names)}", resource=resource_on(library, address))
    opened.append(counter)
    counter.data_format.set("real")
    counter.byte_order.set("big")
    read = counter.read_readings(20_000)
    assert read.tobytes() == values.astype(np.float64).tobytes()
    assert library.pending() == b""
    assert counter.visa_handle.read_termination == "\n"
    np.testing.assert_array_equal(counter.remove_readings(2), [1.0, 2.0])
    assert counter.readings_available.get() == 0


@pytest.mark.parametrize("number", [0, -1, 1_000_001])
def test_a_number_of_readings_beyond_the_memory_is_refused(opened: list[Keysight53230A], number: int) -> None:
    counter, device = connect(opened)
    with pytest.raises(ValueError, match="1000000"):
        counter.read_readings(number)
    assert device.finished()


def test_after_a_cut_block_the_counter_is_back_in_step(opened: list[Keysight53230A]) -> None:
    counter, device = connect(
        opened,
        ("FORM?", "REAL,64"),
        ("FORM:BORD?", "NORM"),
        ("R? 2", block([7e-4, 7e-4])[:10]),
        ("<clear>", None),
        ("*IDN?", IDN),
        ("DATA:POIN?", "+0"),
    )
    with pytest.raises(ReplyError, match="cut short"):
        counter.read_readings(2)
    assert counter.visa_handle.read_termination == "\n"
    assert counter.readings_available.get() == 0
    assert device.finished()


@given(content=st.binary(max_size=300), tail=st.sampled_from([b"", b"\n", b"\r\n"]), padding=st.integers(0, 4))
def test_a_block_holds_what_was_put_into_it(content: bytes, tail: bytes, padding: int) -> None:
    length = str(len(content)).zfill(len(str(len(content))) + padding)
    assert parse_block(b"#%d%s" % (len(length), length.encode()) + content + tail) == content


@given(message=st.binary(max_size=60))
def test_no_message_makes_the_block_parser_fail_in_an_unexpected_way(message: bytes) -> None:
    with contextlib.suppress(ReplyError):
        assert parse_block(message) in message


@pytest.mark.parametrize(
    ("function", "channels", "command"),
    [
        ("single period", (1,), "CONF:SPER (@1)"),
        ("rise time", (2,), "CONF:RTIM (@2)"),
        ("fall time", (2,), "CONF:FTIM (@2)"),
        ("positive width", (1,), "CONF:PWID (@1)"),
        ("negative width", (1,), "CONF:NWID (@1)"),
        ("positive duty", (1,), "CONF:PDUT (@1)"),
        ("negative duty", (1,), "CONF:NDUT (@1)"),
        ("phase", (1, 2), "CONF:PHAS (@1),(@2)"),
        ("frequency ratio", (2, 1), "CONF:FREQ:RAT (@2),(@1)"),
        ("time interval", (2, 2), "CONF:TINT (@2)"),
    ],
)
def test_every_function_is_configured_as_the_manual_spells_it(
    opened: list[Keysight53230A], function: str, channels: tuple[int, ...], command: str
) -> None:
    instrument, device = connect(opened, (command, None))
    instrument.configure(function, *channels)
    assert device.finished()


@pytest.mark.parametrize(
    ("function", "channels", "words"),
    [
        ("voltage", (1,), "no function"),
        ("period", (1, 2), "1 inputs at most"),
        ("phase", (1, 3), "1 and 2, not 3"),
        ("period", (), "not on 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    opened: list[Keysight53230A], function: str, channels: tuple[int, ...], words: str
) -> None:
    instrument, device = connect(opened)
    with pytest.raises(ValueError, match=words):
        instrument.configure(function, *channels)
    assert device.finished()


def test_events_are_counted_and_stamped(opened: list[Keysight53230A]) -> None:
    instrument, device = connect(opened, ("CONF:TOT 0.5,(@2)", None), ("CONF:ARR:TST (1000),(@1)", None))
    instrument.configure_totalize(0.5, 2)
    instrument.configure_time_stamps(1000)
    assert device.finished()
    with pytest.raises(ValueError, match="1 us to 1000 s"):
        instrument.configure_totalize(1e4)


def test_set_up_and_calibrations_are_asked_for(opened: list[Keysight53230A]) -> None:
    instrument, device = connect(
        opened,
        ("*LRN?", ':FUNC "FREQ"'),
        ("CAL:COUN?", "+17"),
    )
    assert instrument.learn() == ':FUNC "FREQ"'
    assert instrument.calibration_count() == 17
    assert device.finished()
