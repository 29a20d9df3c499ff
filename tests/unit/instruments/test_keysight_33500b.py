"""The 33500B as ramp source through a bias resistor: commands, read-back, bursts, and how it is made safe."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
from qcodes.instrument import VisaInstrument
from qcodes.instrument_drivers.Keysight import Keysight33511B, Keysight33512B

from mqtctl.errors import HardwareError, InputError, UnsafeError
from mqtctl.instruments.keysight_33500b.adapter import Keysight33500BRampSource
from mqtctl.instruments.roles.experiment import RampProgram, RampSource
from tests.unit.drivers.scripted_visa import SILENCE, Responder, resource_for
from tests.unit.instruments.fake_clock import FakeClock

IDN = "Agilent Technologies,33512B,MY52400001,3.05-1.19-2.00-52-00"
RAMP = RampProgram(start_current=2e-6, stop_current=12e-6, rate=1e-5 / 0.9e-3, period=1e-3)
_names = count()


class Generator(Responder):
    """A 33512B as far as the adapter sees it: it takes binary waveforms, names come back in quotes."""

    def __init__(self, answers: dict[str, object] | None = None, idn: str = IDN) -> None:
        self.samples: list[float] = []
        standard: dict[str, object] = {"*IDN?": idn, "SYST:ERR?": '+0,"No error"', "*OPC?": "1"}
        super().__init__(standard | (answers or {}))

    def receive(self, message: str) -> bytes:
        if ":DATA:ARB " in message:
            head, _, block = message.partition(",")
            self.seen.append(head)
            digits = int(block[1])
            content = block[2 + digits :].encode("latin-1")
            assert len(content) == int(block[2 : 2 + digits])
            self.samples = list(struct.unpack(f">{len(content) // 4}f", content))
            return b""
        if message == "*RST;*CLS":
            self.settings = {"OUTP1": "0", "OUTP2": "0"}
        return super().receive(message)


@pytest.fixture
def opened() -> Iterator[list[VisaInstrument]]:
    instruments: list[VisaInstrument] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(
    opened: list[VisaInstrument], device: Generator, driver: Any = Keysight33512B, **options: object
) -> tuple[Keysight33500BRampSource, FakeClock]:
    clock = FakeClock()
    resource = resource_for(device, "USB0::0x0957::0x2807::MY52400001::INSTR")
    instrument = driver(f"generator_{next(_names)}", None, resource=resource, silent=True)
    opened.append(instrument)
    device.seen.clear()
    return Keysight33500BRampSource(instrument, {"bias_resistance": "100 kOhm"} | options, clock), clock


def test_it_plays_the_role(opened: list[VisaInstrument]) -> None:
    source, _ = build(opened, Generator())
    assert isinstance(source, RampSource)
    assert source.identify() == "Agilent Technologies 33512B, serial MY52400001, firmware 3.05-1.19-2.00-52-00"


def test_another_model_at_its_address_is_found_out(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    device.answers["*IDN?"] = "Agilent Technologies,33250A,0,2.0"
    with pytest.raises(HardwareError, match="33250A"):
        source.identify()


def test_the_ramp_is_set_up_with_the_output_off_and_read_back(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device, current_limit="15 uA")
    actual = source.configure(RAMP)
    assert [m for m in device.seen if "?" not in m] == [
        "*RST;*CLS",
        "OUTP1:LOAD INF",
        "FORM:BORD NORM",
        "SOUR1:DATA:VOL:CLE",
        "SOUR1:DATA:ARB MQTCTL",
        "SOUR1:FUNC:ARB MQTCTL",
        "SOUR1:FUNC:ARB:FILT OFF",
        "SOUR1:FUNC:ARB:SRAT 10000000",
        "SOUR1:FUNC ARB",
        "SOUR1:VOLT 1.2",
        "SOUR1:VOLT:OFFS 0.6",
        "SOUR1:VOLT:LIM:HIGH 1.5",
        "SOUR1:VOLT:LIM:LOW -1.5",
        "SOUR1:VOLT:LIM:STAT 1",
        "TRIG1:SOUR BUS",
        "SOUR1:BURS:MODE TRIG",
        "SOUR1:BURS:NCYC 1",
        "SOUR1:BURS:PHAS 0",
        "SOUR1:BURS:STAT 1",
        "OUTP:SYNC:SOUR CH1",
        "OUTP1:SYNC:MODE CARR",
        "OUTP:SYNC 1",
    ]
    for name in ("start_current", "stop_current", "rate", "period"):
        assert getattr(actual, name) == pytest.approx(getattr(RAMP, name), rel=1e-9)


def test_the_first_sample_is_zero_current_and_the_rest_is_the_ramp(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    source.configure(RAMP)
    currents = 6e-6 + 6e-6 * np.array(device.samples)
    assert currents.size == 10_000
    assert currents[0] == pytest.approx(0.0, abs=1e-12)
    step = 1e-5 / 9000
    np.testing.assert_allclose(currents[1:9000], 2e-6 + step * (np.arange(1, 9000) + 0.5), atol=1e-12)
    assert currents[9500] == pytest.approx(0.0, abs=1e-12)


def test_a_negative_ramp_begins_at_zero_too(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device, channel=2)
    actual = source.configure(RampProgram(0.0, -1e-5, -1e-2, 1.25e-3))
    assert device.samples[0] == 1.0  # the offset is -0.5 V
    assert device.settings["SOUR2:VOLT:OFFS"] == "-0.5"
    assert device.settings["OUTP:SYNC:SOUR"] == "CH2"
    assert actual.rate == pytest.approx(-1e-2, rel=1e-6)


def test_without_a_current_limit_the_instrument_stops_a_little_above_the_ramp(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    source.configure(RAMP)
    assert float(device.settings["SOUR1:VOLT:LIM:HIGH"]) == pytest.approx(1.05 * 1.2)
    assert float(device.settings["SOUR1:VOLT:LIM:LOW"]) == pytest.approx(-1.05 * 1.2)


def test_the_rate_follows_what_the_instrument_reads_back(opened: list[VisaInstrument]) -> None:
    source, _ = build(opened, Generator({"SOUR1:VOLT?": "+1.200024000000000E+00"}))
    assert source.configure(RAMP).rate == pytest.approx(RAMP.rate * 1.00002, rel=1e-9)


@pytest.mark.parametrize(
    ("query", "reply", "words"),
    [
        ("OUTP1?", "1", "OUTP1"),
        ("SOUR1:FUNC?", "SIN", "FUNC was set"),
        ("SOUR1:FUNC:ARB?", '"OTHER"', "FUNC:ARB"),
        ("SOUR1:FUNC:ARB:FILT?", "STEP", "FILT"),
        ("SOUR1:FUNC:ARB:SRAT?", "+1.0E+06", "SRAT"),
        ("SOUR1:VOLT?", "+2.4E+00", "VOLT was set"),
        ("SOUR1:VOLT:OFFS?", "+0.0E+00", "OFFS"),
        ("SOUR1:VOLT:LIM:STAT?", "0", "LIM:STAT"),
        ("SOUR1:BURS:STAT?", "0", "BURS:STAT"),
        ("SOUR1:BURS:NCYC?", "9.9E37", "NCYC"),
        ("TRIG1:SOUR?", "IMM", "TRIG1:SOUR"),
        ("OUTP1:SYNC:MODE?", "NORM", "SYNC:MODE"),
        ("OUTP:SYNC?", "0", "SYNC was set"),
        ("SYST:ERR?", '-221,"Settings conflict"', "Settings conflict"),
        ("SOUR1:BURS:MODE?", SILENCE, "no answer"),
        ("SOUR1:VOLT?", "many", "makes no sense"),
        ("*OPC?", "0", "makes no sense"),
    ],
)
def test_anything_that_does_not_read_back_is_a_fault(
    opened: list[VisaInstrument], query: str, reply: object, words: str
) -> None:
    entries = iter([reply, '+0,"No error"']) if query == "SYST:ERR?" else None
    device = Generator({query: (lambda: next(entries)) if entries else reply})
    source, _ = build(opened, device)
    with pytest.raises(HardwareError, match=words):
        source.configure(RAMP)
    with pytest.raises(HardwareError, match="configure first"):
        source.start(10)
    assert "*TRG" not in device.seen


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"current_limit": "11 uA"}, "exceeds the source's current limit"),
        ({"bias_resistance": "1 MOhm"}, "smaller bias resistor"),
        ({"bias_resistance": "100 Ohm"}, "larger bias resistor"),
    ],
)
def test_a_ramp_that_generator_and_resistor_cannot_make_is_refused_before_anything_is_sent(
    opened: list[VisaInstrument], options: dict[str, object], words: str
) -> None:
    device = Generator()
    source, _ = build(opened, device, **options)
    with pytest.raises(InputError, match=words):
        source.configure(RAMP)
    assert device.seen == []


def test_a_burst_is_finite_and_started_by_one_trigger(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, clock = build(opened, device)
    assert not source.running()
    source.configure(RAMP)
    device.seen.clear()
    source.start(5000)
    assert {":SOUR1:FUNC?", ":SOUR1:VOLT:LIM:HIGH?", "*ESR?"} < set(device.seen[0].split(";"))
    assert device.seen[1:] == ["SOUR1:BURS:NCYC 5000", "OUTP1 1", "*TRG", "*OPC", "SYST:ERR?"]
    clock.sleep(4.99)
    assert source.running()
    clock.sleep(0.05)
    assert not source.running()
    device.seen.clear()
    assert not source.running()
    assert device.seen == []
    source.stop()
    assert device.seen == ["ABOR", "OUTP1 0", "SYST:ERR?"]


def test_a_burst_that_still_runs_is_ended_before_the_next(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    source.configure(RAMP)
    source.start(5000)
    device.seen.clear()
    source.start(10)
    assert device.seen[0] == "ABOR"


def test_an_output_that_went_off_in_a_burst_is_told(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    source.configure(RAMP)
    source.start(5000)
    device.settings["OUTP1"] = "0"
    with pytest.raises(HardwareError, match="output went off"):
        source.running()


def test_a_generator_that_lost_its_settings_is_not_started(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    source.configure(RAMP)
    device.settings["SOUR1:VOLT"] = "0.1"
    with pytest.raises(HardwareError, match="changed"):
        source.start(10)
    assert "*TRG" not in device.seen


@pytest.mark.parametrize("cycles", [0, -1, 100_000_001])
def test_a_burst_of_an_impossible_length_is_refused(opened: list[VisaInstrument], cycles: int) -> None:
    source, _ = build(opened, Generator())
    source.configure(RAMP)
    with pytest.raises(InputError, match="100000000"):
        source.start(cycles)


def test_making_safe_aborts_switches_off_and_reads_back(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, _ = build(opened, device)
    source.configure(RAMP)
    source.start(100)
    device.seen.clear()
    source.make_safe()
    assert device.seen == ["ABOR", "OUTP1 0", "OUTP1?"]
    assert not source.running()


def test_one_silent_reply_does_not_keep_it_from_being_made_safe(opened: list[VisaInstrument]) -> None:
    replies = iter([SILENCE, "0"])
    device = Generator({"OUTP1?": lambda: next(replies)})
    source, _ = build(opened, device)
    source.make_safe()
    assert "*RST;*CLS" in device.seen
    assert device.seen.count("OUTP1 0") == 2


@pytest.mark.parametrize("reply", ["1", SILENCE, "off"])
def test_an_output_that_does_not_confirm_is_told(opened: list[VisaInstrument], reply: object) -> None:
    source, _ = build(opened, Generator({"OUTP1?": reply}))
    with pytest.raises(UnsafeError, match="could not be confirmed"):
        source.make_safe()


def test_a_late_reply_does_not_answer_the_next_question(opened: list[VisaInstrument]) -> None:
    device = Generator()
    source, clock = build(opened, device)
    source.configure(RAMP)
    source.start(5000)
    device.answers[":OUTP1?;*ESR?"] = SILENCE
    with pytest.raises(HardwareError, match="no answer"):
        source.running()
    assert device.clears >= 1
    del device.answers[":OUTP1?;*ESR?"]
    assert source.running()
    assert clock.now() == 0.0


def test_a_single_channel_model_has_no_second_channel(opened: list[VisaInstrument]) -> None:
    single = Generator(idn=IDN.replace("33512B", "33511B"))
    with pytest.raises(InputError, match="one channel only"):
        build(opened, single, Keysight33511B, channel=2)
    source, _ = build(opened, Generator(idn=IDN.replace("33512B", "33511B")), Keysight33511B)
    source.configure(RAMP)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bias_resistance": 1e5}, "has no unit"),
        ({"bias_resistance": "10 Ohm"}, "bias_resistance"),
        ({"channel": 3}, "channel"),
        ({"points": 50}, "points"),
        ({"current_limit": "0 A"}, "current_limit"),
        ({"compliance": "1 V"}, "unknown key 'compliance'"),
    ],
)
def test_wrong_options_are_refused_with_their_key(
    opened: list[VisaInstrument], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Generator(), **options)


def test_the_bias_resistance_has_no_default(opened: list[VisaInstrument]) -> None:
    build(opened, Generator())
    with pytest.raises(InputError, match="'bias_resistance' is missing"):
        Keysight33500BRampSource(opened[0], {}, FakeClock())
