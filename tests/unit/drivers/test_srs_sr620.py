"""Each command of the SR620 driver, as the manual spells it, and its dump byte by byte."""

from __future__ import annotations

import struct
from itertools import count
from typing import Any

import numpy as np
import pytest
from mqtctl_drivers.errors import ErrorQueueError, InstrumentError, ReplyError
from mqtctl_drivers.srs_sr620 import LONGEST_DUMP, SECONDS_PER_COUNT, SrsSR620
from pyvisa.errors import VisaIOError

from tests.unit.drivers.scripted_visa import SILENCE, Transcript, library_for, resource_on
from tests.unit.drivers.sr620_device import IDN, Timer

_names = count()


def connect(opened: list[SrsSR620], device: Any, address: str = "GPIB0::16::INSTR") -> SrsSR620:
    instrument = SrsSR620(f"sr620_{next(_names)}", resource=resource_on(library_for(device), address))
    opened.append(instrument)
    return instrument


def scripted(opened: list[SrsSR620], *exchanges: tuple[str, object]) -> tuple[SrsSR620, Transcript]:
    device = Transcript(("<clear>", None), *exchanges)
    return connect(opened, device), device


@pytest.mark.parametrize(
    ("path", "value", "command", "query", "reply"),
    [
        ("mode", "time", "MODE 0", "MODE?", "0"),
        ("mode", "rise and fall time", "MODE 2", "MODE?", "2"),
        ("mode", "count", "MODE 6", "MODE?", "6"),
        ("source", "ratio", "SRCE 3", "SRCE?", "3"),
        ("arming", "+-time", "ARMM 0", "ARMM?", "0"),
        ("arming", "+time", "ARMM 1", "ARMM?", "1"),
        ("arming", "0.1 s gate", "ARMM 4", "ARMM?", "4"),
        ("arming", "external +time", "ARMM 7", "ARMM?", "7"),
        ("arming", "external 1 s gate", "ARMM 12", "ARMM?", "12"),
        ("sample_size", 1, "SIZE 1", "SIZE?", "1"),
        ("sample_size", 500_000, "SIZE 500000", "SIZE?", "500000"),
        ("auto_measure", False, "AUTM 0", "AUTM?", "0"),
        ("jitter_type", "allan", "JTTR 1", "JTTR?", "1"),
        ("expand", True, "EXPD 1", "EXPD?", "1"),
        ("clock_source", "external", "CLCK 1", "CLCK?", "1"),
        ("clock_frequency", 5e6, "CLKF 1", "CLKF?", "1"),
        ("power_on_status_clear", False, "*PSC 0", "*PSC?", "0"),
        ("timer_enable", 6, "TENA 6", "TENA?", "6"),
        ("error_enable", 2, "EREN 2", "EREN?", "2"),
        ("external.level", -1.25, "LEVL 0,-1.25", "LEVL? 0", "-1.25"),
        ("external.slope", "negative", "TSLP 0,1", "TSLP? 0", "1"),
        ("a.level", 0.5, "LEVL 1,0.5", "LEVL? 1", "0.50"),
        ("a.termination", 1e6, "TERM 1,1", "TERM? 1", "1"),
        ("b.termination", 50.0, "TERM 2,0", "TERM? 2", "0"),
        ("a.slope", "positive", "TSLP 1,0", "TSLP? 1", "0"),
        ("b.coupling", "ac", "TCPL 2,1", "TCPL? 2", "1"),
        ("b.autolevel", False, "TMOD 2,0", "TMOD? 2", "0"),
        ("standard_event_enable", 52, "*ESE 52", "*ESE?", "52"),
        ("service_request_enable", 16, "*SRE 16", "*SRE?", "16"),
    ],
)
def test_a_setting_is_sent_and_asked_for_as_in_the_manual(
    opened: list[SrsSR620], path: str, value: object, command: str, query: str, reply: str
) -> None:
    instrument, device = scripted(opened, (command, None), (query, reply))
    parameter: Any = instrument
    for name in path.split("."):
        parameter = getattr(parameter, name)
    parameter.set(value)
    assert parameter.get() == value
    assert device.finished()


@pytest.mark.parametrize(
    ("name", "query", "reply", "value"),
    [
        ("mean", "XAVG?", "7.654321E-4", 7.654321e-4),
        ("jitter", "XJIT?", "1.2E-9", 1.2e-9),
        ("maximum", "XMAX?", "8E-4", 8e-4),
        ("minimum", "XMIN?", "7E-4", 7e-4),
        ("timer_status", "STAT?", "14", 14),
        ("error_status", "ERRS?", "2", 2),
        ("standard_event_status", "*ESR?", "128", 128),
        ("status_byte", "*STB?", "16", 16),
    ],
)
def test_a_result_is_asked_for_as_in_the_manual(
    opened: list[SrsSR620], name: str, query: str, reply: str, value: float
) -> None:
    instrument, device = scripted(opened, (query, reply))
    assert getattr(instrument, name).get() == value
    assert device.finished()


def test_actions_are_sent_as_in_the_manual(opened: list[SrsSR620]) -> None:
    setup = ",".join(["0"] * 24)
    instrument, device = scripted(
        opened,
        ("STRT", None), ("STOP", None), ("MEAS? 0", "7.5E-4"), ("MEAS? 3", "7.4E-4"), ("STUP?", setup),
        ("*CAL?", "0"), ("*TST?", "0"), ("*RST;*CLS", None), ("*OPC?", "1"),
    )  # fmt: skip
    instrument.start()
    instrument.stop()
    assert instrument.measure() == 7.5e-4
    assert instrument.measure("minimum") == 7.4e-4
    assert instrument.setup() == [0] * 24
    assert instrument.calibrate() == 0
    assert instrument.self_test() == 0
    instrument.reset()
    instrument.wait_complete()
    assert device.finished()


def test_nonsense_is_refused_before_it_is_sent(opened: list[SrsSR620]) -> None:
    instrument, _ = scripted(opened)
    with pytest.raises(ValueError, match="none of mean"):
        instrument.measure("median")
    for number in (0, LONGEST_DUMP + 1):
        with pytest.raises(ValueError, match="between 1 and"):
            instrument.start_dump(number)


@pytest.mark.parametrize("reply", ["1,2,3", "0.5," * 24 + "0", "hello"])
def test_a_setup_that_is_none_is_an_error(opened: list[SrsSR620], reply: str) -> None:
    instrument, _ = scripted(opened, ("STUP?", reply))
    with pytest.raises(ReplyError, match="setup"):
        instrument.setup()


def test_identity_has_its_four_fields(opened: list[SrsSR620]) -> None:
    instrument, _ = scripted(opened, ("*IDN?", IDN))
    assert instrument.get_idn() == {
        "vendor": "StanfordResearchSystems", "model": "SR620", "serial": "02500", "firmware": "1.48",
    }  # fmt: skip


def test_errors_are_decoded_from_the_two_registers_that_have_them(opened: list[SrsSR620]) -> None:
    instrument, device = scripted(
        opened, ("*ESR?", "0"), ("ERRS?", "0"), ("*ESR?", "177"), ("ERRS?", "130"), ("*ESR?", "129"), ("ERRS?", "0")
    )
    instrument.check_errors()
    with pytest.raises(ErrorQueueError, match="value out of range") as caught:
        instrument.check_errors()
    assert caught.value.errors == (
        (16, "value out of range"), (32, "command not understood"), (2, "no clock"), (128, "error status 128"),
    )  # fmt: skip
    instrument.check_errors()  # completed, and power was switched on: no errors
    assert device.finished()


def dumping(opened: list[SrsSR620], stream: object, mode: str = "time") -> SrsSR620:
    code = {"time": "0", "frequency": "3", "period": "4", "phase": "5", "count": "6"}[mode]
    instrument = connect(
        opened, Transcript(("<clear>", None), (f"MODE {code}", None), ("EXPD 0", None), ("BDMP 3", stream))
    )
    instrument.mode.set(mode)
    instrument.expand.set(False)
    instrument.start_dump(3)
    return instrument


def test_samples_are_little_endian_twos_complement_counts(opened: list[SrsSR620]) -> None:
    counts = [0x0A0A0A0A0A0A, -5, 2**62]  # line feeds inside must not end anything
    instrument = dumping(opened, struct.pack("<3q", *counts))
    samples = instrument.read_dump(3, timeout=1.0)
    np.testing.assert_allclose(samples, np.array(counts) * SECONDS_PER_COUNT, rtol=1e-15)
    assert instrument.visa_handle.read_termination == "\n"
    assert instrument.timeout.get() == 5.0


@pytest.mark.parametrize(
    ("mode", "scale"),
    [("period", SECONDS_PER_COUNT), ("frequency", 1.24900090270331e-9), ("phase", 8.3819032e-8), ("count", 1 / 256)],
)
def test_the_scale_goes_by_the_mode(opened: list[SrsSR620], mode: str, scale: float) -> None:
    instrument = dumping(opened, struct.pack("<q", 1000), mode)
    np.testing.assert_allclose(instrument.read_dump(1, timeout=1.0), [1000 * scale], rtol=1e-15)


def test_expanded_counts_are_a_thousand_times_finer(opened: list[SrsSR620]) -> None:
    instrument, _ = scripted(
        opened, ("MODE 3", None), ("EXPD 1", None), ("BDMP 1", struct.pack("<q", 1000)), ("MODE 0", None),
        ("BDMP 1", struct.pack("<q", 1000)),
    )  # fmt: skip
    instrument.mode.set("frequency")
    instrument.expand.set(True)
    instrument.start_dump(1)
    np.testing.assert_allclose(instrument.read_dump(1, timeout=1.0), [1.24900090270331e-9], rtol=1e-15)
    instrument.mode.set("time")  # where it changes nothing
    instrument.start_dump(1)
    np.testing.assert_allclose(instrument.read_dump(1, timeout=1.0), [1000 * SECONDS_PER_COUNT], rtol=1e-15)


def test_a_time_out_in_the_middle_of_a_sample_loses_nothing(opened: list[SrsSR620]) -> None:
    stream = struct.pack("<3q", 1, 2, 3)
    instrument = dumping(opened, stream[:13])
    library: Any = instrument.visa_handle.visalib
    np.testing.assert_array_equal(instrument.read_dump(3, timeout=1.0), [SECONDS_PER_COUNT])
    assert instrument.read_dump(2, timeout=1.0).size == 0
    library._output += stream[13:]
    np.testing.assert_array_equal(instrument.read_dump(2, timeout=1.0), [2 * SECONDS_PER_COUNT, 3 * SECONDS_PER_COUNT])


def test_ending_a_dump_clears_and_discards_what_was_on_its_way(opened: list[SrsSR620]) -> None:
    device = Timer(intervals=[7e-4] * 3)
    instrument = connect(opened, device)
    instrument.mode.set("time")
    instrument.start_dump(3)
    assert instrument.read_dump(1, timeout=1.0) == pytest.approx([7e-4], rel=1e-9)
    instrument.end_dump()
    assert device.clears == 2  # when it was opened, and now
    assert device.seen[-1] == "*IDN?"
    instrument.a.level.set(0.5)
    assert instrument.a.level.get() == 0.5
    device.intervals = [8e-4]
    instrument.start_dump(1)
    assert instrument.read_dump(1, timeout=1.0) == pytest.approx([8e-4], rel=1e-9)


def test_a_lost_connection_is_no_time_out(opened: list[SrsSR620], monkeypatch: pytest.MonkeyPatch) -> None:
    instrument = dumping(opened, b"")
    library: Any = instrument.visa_handle.visalib

    def broken(session: object, number: int) -> object:
        raise VisaIOError(-1073807194)  # VI_ERROR_CONN_LOST

    monkeypatch.setattr(library, "read", broken)
    with pytest.raises(VisaIOError, match="CONN_LOST"):
        instrument.read_dump(1, timeout=1.0)
    monkeypatch.setattr(library, "read", lambda session, number: (b"", 0))
    with pytest.raises(InstrumentError, match="without a byte"):
        instrument.read_dump(1, timeout=1.0)


def test_a_silent_measurement_times_out_and_the_next_question_is_answered(opened: list[SrsSR620]) -> None:
    instrument = connect(opened, Timer({"MEAS? 0": SILENCE}))
    with pytest.raises(VisaIOError):
        instrument.measure(timeout=0.1)
    assert instrument.get_idn()["model"] == "SR620"


def test_a_trigger_is_sent(opened: list[SrsSR620]) -> None:
    instrument, device = scripted(opened, ("*TRG", None))
    instrument.trigger()
    assert device.finished()
