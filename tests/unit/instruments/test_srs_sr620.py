"""The SR620 as timing counter: set-up, a stream that waits for its reader, and what silence means."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
from mqtctl_drivers.srs_sr620 import LONGEST_DUMP, SrsSR620

from mqtctl.errors import HardwareError, InputError
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge, TimingCounter
from mqtctl.instruments.srs_sr620.adapter import SrsSR620TimingCounter
from tests.unit.drivers.scripted_visa import SILENCE, resource_for
from tests.unit.drivers.sr620_device import Timer
from tests.unit.instruments.fake_clock import FakeClock

RAMP = RampProgram(start_current=0.0, stop_current=12e-6, rate=12e-6 / 0.9e-3, period=1e-3)
_names = count()


@pytest.fixture
def opened() -> Iterator[list[SrsSR620]]:
    instruments: list[SrsSR620] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(opened: list[SrsSR620], device: Timer, **options: object) -> tuple[SrsSR620TimingCounter, FakeClock]:
    clock = FakeClock()
    instrument = SrsSR620(f"timer_{next(_names)}", resource=resource_for(device, "GPIB0::16::INSTR"))
    opened.append(instrument)
    return SrsSR620TimingCounter(instrument, {"stop_threshold": "1 V"} | options, clock), clock


def armed(
    opened: list[SrsSR620], intervals: list[float], number: int, **options: object
) -> tuple[SrsSR620TimingCounter, FakeClock, Timer]:
    device = Timer(intervals=intervals)
    counter, clock = build(opened, device, **options)
    counter.configure(RAMP)
    counter.arm(number)
    clock.sleep(1.0)
    return counter, clock, device


def put_on_bus(opened: list[SrsSR620], content: bytes) -> None:
    library: Any = opened[0].visa_handle.visalib
    library._output += content


def test_it_plays_the_role(opened: list[SrsSR620]) -> None:
    counter, _ = build(opened, Timer(), delay="12.3 us")
    assert isinstance(counter, TimingCounter)
    assert counter.memory == LONGEST_DUMP
    assert counter.timeout_ramps == 1
    assert counter.delay == 12.3e-6
    assert counter.identify() == "StanfordResearchSystems SR620, serial 02500, firmware 1.48"


def test_another_instrument_at_its_address_is_found_out(opened: list[SrsSR620]) -> None:
    counter, _ = build(opened, Timer({"*IDN?": "StanfordResearchSystems,SR830,1,1"}))
    with pytest.raises(HardwareError, match="SR830"):
        counter.identify()


def test_everything_that_an_interval_depends_on_is_set(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, _ = build(opened, device, start_slope="negative", stop_threshold="0.5 V")
    counter.configure(RAMP)
    assert [m for m in device.seen if "?" not in m] == [
        "*RST;*CLS",
        "MODE 0",
        "ARMM 1",
        "SRCE 0",
        "SIZE 1",
        "AUTM 0",
        "EXPD 0",
        "TMOD 1,0",
        "TCPL 1,0",
        "TERM 1,1",
        "LEVL 1,1",
        "TSLP 1,1",
        "TMOD 2,0",
        "TCPL 2,0",
        "TERM 2,1",
        "LEVL 2,0.5",
        "TSLP 2,0",
    ]


def test_inputs_can_be_exchanged(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, _ = build(opened, device, start_input="b", start_threshold="1.5 V", stop_impedance="50 Ohm")
    counter.configure(RAMP)
    assert device.settings["SRCE"] == "1"  # from B to A
    assert device.settings["LEVL 2"] == "1.5"
    assert device.settings["TERM 1"] == "0"


@pytest.mark.parametrize(
    ("query", "reply", "words"),
    [
        ("MODE?", "3", "mode"),
        ("ARMM?", "0", "arming"),
        ("SIZE?", "100", "sample size"),
        ("AUTM?", "1", "auto measure"),
        ("LEVL? 2", "0.5", "stop level"),
        ("TMOD? 1", "1", "start autolevel"),
        ("TCPL? 2", "1", "stop coupling"),
        ("*ESR?", "16", "value out of range"),
        ("ERRS?", "2", "no clock"),
        ("TERM? 1", SILENCE, "no answer"),
        ("TSLP? 1", "UP", "makes no sense"),
    ],
)
def test_anything_that_does_not_read_back_is_a_fault(
    opened: list[SrsSR620], query: str, reply: object, words: str
) -> None:
    counter, _ = build(opened, Timer({query: reply}))
    with pytest.raises(HardwareError, match=words):
        counter.configure(RAMP)
    with pytest.raises(HardwareError, match="configure first"):
        counter.arm(10)


def test_a_level_in_steps_of_ten_millivolts_is_accepted(opened: list[SrsSR620]) -> None:
    counter, _ = build(opened, Timer({"LEVL? 2": "1.23"}), stop_threshold="1.234 V")
    counter.configure(RAMP)


def test_arming_verifies_and_the_dump_is_the_last_message(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.seen.clear()
    counter.arm(10_000)
    assert {"MODE?", "SRCE?", "ARMM?", "SIZE?", "AUTM?", "EXPD?", "LEVL? 1", "*ESR?"} < set(device.seen[0].split(";"))
    assert len(device.seen[0]) < 256  # the instrument's input buffer
    assert device.seen[1:] == ["*ESR?", "ERRS?", "BDMP 10000"]
    counter.available()
    assert device.seen[-1] == "BDMP 10000"


def test_a_counter_that_lost_its_settings_is_not_armed(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.settings["LEVL 2"] = "0"
    with pytest.raises(HardwareError, match="changed"):
        counter.arm(10)
    assert not [m for m in device.seen if m.startswith("BDMP")]


@pytest.mark.parametrize("number", [0, -5, LONGEST_DUMP + 1])
def test_more_intervals_than_a_dump_has_are_refused(opened: list[SrsSR620], number: int) -> None:
    counter, _ = build(opened, Timer())
    counter.configure(RAMP)
    with pytest.raises(InputError, match=str(LONGEST_DUMP)):
        counter.arm(number)


def test_intervals_come_oldest_first_and_none_is_lost_or_doubled(opened: list[SrsSR620]) -> None:
    truth = np.linspace(7e-4, 8e-4, 2500)
    counter, _, _ = armed(opened, list(truth), 2500)
    assert counter.available() == 2500  # promised, as long as they come
    pieces = [counter.read(wanted) for wanted in (1, 99, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000)]
    # two periods a sample: about 500 of them come in a second, and then others must have their turn
    assert [piece.size for piece in pieces] == [1, 99, 500, 500, 500, 500, 400, 0]
    np.testing.assert_allclose(np.concatenate(pieces), truth, rtol=1e-9)
    assert counter.available() == 0


def test_a_stream_that_pauses_is_no_longer_promised_and_goes_on_later(opened: list[SrsSR620]) -> None:
    counter, clock, device = armed(opened, [7e-4, 7.1e-4], 10)
    np.testing.assert_allclose(counter.read(10), [7e-4, 7.1e-4], rtol=1e-9)
    assert counter.available() == 0
    assert counter.read(10).size == 0
    device.intervals = [7.2e-4, 7.3e-4]
    put_on_bus(opened, device.samples(2))
    clock.sleep(1.0)
    assert counter.available() == 8  # it goes on: one received, seven to come
    np.testing.assert_allclose(counter.read(10), [7.2e-4, 7.3e-4], rtol=1e-9)


def test_an_interval_through_several_ramps_is_passed_on_as_it_is(opened: list[SrsSR620]) -> None:
    counter, _, _ = armed(opened, [7e-4, 42.7e-3], 2)
    np.testing.assert_allclose(counter.read(2), [7e-4, 42.7e-3], rtol=1e-9)


@pytest.mark.parametrize("bad", [-1e-6, 10.0, 90_000.0])
def test_an_interval_that_cannot_be_ends_the_dump(opened: list[SrsSR620], bad: float) -> None:
    counter, _, device = armed(opened, [7e-4, bad, 7e-4], 4)
    with pytest.raises(HardwareError, match="interval 1 of 3"):
        counter.read(3)
    assert device.seen[-1] == "*IDN?"  # the dump was ended
    assert counter.available() == 0


def test_a_lost_byte_shifts_the_stream_and_is_noticed(opened: list[SrsSR620]) -> None:
    counter, _, device = armed(opened, [], 4)
    device.intervals = [7.0123e-4, 7.1234e-4, 7.2345e-4, 7.3456e-4]
    put_on_bus(opened, device.samples(4)[1:])
    with pytest.raises(HardwareError, match="out of step"):
        counter.read(4)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (8, "the start marker does not arrive"),
        (4 + 8, "the start marker does not arrive"),
        (2 + 8, "the junction does not switch"),
        (2 + 4 + 8, "no stop behind a start"),
    ],
)
def test_silence_is_explained_by_which_edge_is_missing(opened: list[SrsSR620], status: int, words: str) -> None:
    counter, clock, device = armed(opened, [7e-4], 10)
    device.answers["STAT?"] = str(status)
    assert counter.read(10).size == 1
    clock.sleep(4.0)
    assert counter.available() == 0  # not yet
    assert "STAT?" not in device.seen
    clock.sleep(1.0)
    with pytest.raises(HardwareError, match=words) as caught:
        counter.available()
    assert "\n" not in str(caught.value)


def test_status_bits_go_by_the_input_that_carries_the_marker(opened: list[SrsSR620]) -> None:
    counter, clock, device = armed(opened, [], 10, start_input="b")
    device.answers["STAT?"] = "4"
    assert counter.read(10).size == 0
    clock.sleep(10.0)
    with pytest.raises(HardwareError, match="does not switch"):
        counter.available()


def test_slow_ramps_have_more_patience(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, clock = build(opened, device)
    counter.configure(RampProgram(0.0, 1e-5, 1e-5 / 0.9, 1.0))
    counter.arm(10)
    assert counter.read(10).size == 0
    clock.sleep(40.0)
    assert counter.available() == 0
    clock.sleep(6.0)
    with pytest.raises(HardwareError, match="no interval"):
        counter.available()


def test_stopping_ends_the_dump_and_keeps_what_was_received(opened: list[SrsSR620]) -> None:
    counter, _, device = armed(opened, [7e-4], 10)
    assert counter.read(10).size == 1
    put_on_bus(opened, Timer(intervals=[7.5e-4, 7.6e-4]).samples(2))
    assert counter.available() == 10 - 1  # listens: received one more
    counter.stop()
    assert device.seen[-1] == "*IDN?"
    assert counter.available() == 1
    np.testing.assert_allclose(counter.read(5), [7.5e-4], rtol=1e-9)
    sent = len(device.seen)
    counter.stop()
    counter.make_safe()
    assert len(device.seen) == sent


def test_the_period_is_measured_at_the_start_input_and_the_time_interval_restored(opened: list[SrsSR620]) -> None:
    device = Timer({"MEAS? 0": "1.0002E-3"})
    counter, _ = build(opened, device)
    counter.configure(RAMP)
    device.seen.clear()
    assert counter.measure_period(RAMP) == 1.0002e-3
    assert device.seen[:3] == ["MODE 4", "ARMM 4", "SRCE 0"]
    assert device.settings["MODE"] == "0"
    assert device.settings["ARMM"] == "1"
    counter.arm(10)
    device.seen.clear()
    counter.measure_period(RampProgram(0.0, 1e-5, 1e-5 / 0.9, 1.0))
    assert "ARMM 2" in device.seen  # one period at a time


@pytest.mark.parametrize(("reply", "words"), [(SILENCE, "does it arrive"), ("0", "no marker"), ("nan", "no marker")])
def test_a_marker_that_does_not_arrive_is_told(opened: list[SrsSR620], reply: object, words: str) -> None:
    counter, _ = build(opened, Timer({"MEAS? 0": reply}))
    counter.configure(RAMP)
    with pytest.raises(HardwareError, match=words):
        counter.measure_period(RAMP)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stop_threshold": 1.0}, "has no unit"),
        ({"start_input": "c"}, "start_input"),
        ({"start_impedance": "75 Ohm"}, "50 Ohm or 1 MOhm"),
        ({"stop_threshold": "6 V"}, "stop_threshold"),
        ({"stop_input": "b"}, "unknown key 'stop_input'"),
        ({"delay": "1 uA"}, "another kind"),
    ],
)
def test_wrong_options_are_refused_with_their_key(
    opened: list[SrsSR620], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Timer(), **options)


def test_nothing_works_before_it_is_configured(opened: list[SrsSR620]) -> None:
    counter, _ = build(opened, Timer())
    assert counter.available() == 0
    with pytest.raises(HardwareError, match="configure first"):
        counter.arm(1)


def test_waiting_listens_to_the_stream_and_keeps_what_comes(opened: list[SrsSR620]) -> None:
    counter, _, device = armed(opened, [4e-4] * 30, 30)
    device.seen.clear()
    counter.wait_for(20, 10.0)
    assert device.seen == []  # any question would end the dump
    assert counter.available() == 30  # those received, and while they come those still to come
    np.testing.assert_allclose(counter.read(30), 4e-4, atol=1e-13)


def test_waiting_for_what_does_not_come_any_more_ends(opened: list[SrsSR620]) -> None:
    counter, _, _ = armed(opened, [4e-4] * 5, 30)
    counter.wait_for(20, 10.0)
    counter.wait_for(20, 0.0)
    assert counter.read(30).size == 5


def test_another_stop_edge_is_set_for_mirrored_and_for_retrapping_ramps(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, _ = build(opened, device)
    counter.configure(RAMP, counter.stop_edge.mirrored)
    assert (device.settings["LEVL 2"], device.settings["TSLP 2"]) == ("-1", "1")
    counter.configure(RAMP, counter.stop_edge.reversed)
    assert (device.settings["LEVL 2"], device.settings["TSLP 2"]) == ("1", "1")
    counter.configure(RAMP)
    assert (device.settings["LEVL 2"], device.settings["TSLP 2"]) == ("1", "0")


def test_a_time_out_shorter_than_the_ramp_is_refused_before_anything_is_sent(opened: list[SrsSR620]) -> None:
    device = Timer()
    counter, _ = build(opened, device, timeout="1 ms")
    device.seen.clear()
    with pytest.raises(InputError, match="shorter than the ramp needs"):
        counter.configure(RAMP)
    assert device.seen == []


def test_edges_are_counted_in_the_longest_gate_that_fits(opened: list[SrsSR620]) -> None:
    device = Timer({"MEAS? 0": "12"})
    counter, _ = build(opened, device)
    assert counter.count_edges(StopEdge(0.01, rising=True), 0.5) == 60  # 12 in 0.1 s
    assert (device.settings["MODE"], device.settings["SRCE"], device.settings["ARMM"]) == ("6", "1", "4")
    assert device.settings["LEVL 2"] == "0.01"
    device.answers["MEAS? 0"] = SILENCE
    assert counter.count_edges(StopEdge(0.01, rising=True), 0.5) == 0


def test_the_marker_is_the_shorter_of_the_two_widths(opened: list[SrsSR620]) -> None:
    device = Timer()
    device.answers["MEAS? 0"] = lambda: "1.0E-5" if device.settings["TSLP 1"] == "0" else "9.9E-4"
    counter, _ = build(opened, device)
    assert counter.marker_pulse(RAMP) == (True, 1e-5)
    device.answers["MEAS? 0"] = SILENCE
    with pytest.raises(HardwareError, match="no marker arrives at input a"):
        counter.marker_pulse(RAMP)
