"""The 372 as temperature controller, through QCoDeS's own driver."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from mqtctl.errors import CryostatError, HardwareError, InputError, UnsafeError
from mqtctl.instruments.lakeshore.model_372 import Lakeshore372Controller
from mqtctl.instruments.roles.experiment import TemperatureController
from tests.unit.drivers.scripted_visa import SILENCE, library_for, resource_on
from tests.unit.instruments.fake_clock import FakeClock
from tests.unit.instruments.lakeshore_device import Controller

IDN = "LSCI,MODEL372,LSA12YZ/LSA34YZ,1.3"
READ = "KRDG? 6;RDGST? 6;SCAN?"
OPTIONS = {
    "channel": 6,
    "minimum": "10 mK",
    "maximum": "1 K",
    "ranges": [
        {"up_to": "30 mK", "range": "off"},
        {"up_to": "100 mK", "range": "3.16 mA", "p": 10.0, "i": 20.0, "d": 0.0},
        {"up_to": "1 K", "range": "31.6 mA"},
    ],
}
_names = count()


class Bridge(Controller):
    """A 372 that regulates on channel 6."""

    def __init__(self, answers: dict[str, object] | None = None) -> None:
        settings = {
            "INSET 6": "1,001,003,21,1", "INTYPE 6": "0,05,0,12,0,1", "SCAN": "06,0", "OUTMODE 0": "0,1,1,0,1,005",
            "PID 0": "+0010.00,+0020.00,+0000.00", "RAMP 0": "0,+000.0", "SETP 0": "+0.000000E+00", "RANGE 0": "0",
            "KRDG 6": "+5.000000E-02", "RDGST 6": "000",
        }  # fmt: skip
        super().__init__(settings, {"*IDN?": IDN} | (answers or {}), frozenset({"SCAN"}))


@pytest.fixture
def opened() -> Iterator[list[LakeshoreModel372]]:
    instruments: list[LakeshoreModel372] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(
    opened: list[LakeshoreModel372], device: Bridge, **options: object
) -> tuple[Lakeshore372Controller, FakeClock]:
    clock = FakeClock()
    resource = resource_on(library_for(device), "TCPIP0::192.0.2.72::7777::SOCKET")
    quiet: dict[str, Any] = {"address": None, "print_connect_message": False}  # as a station file passes it on
    instrument = LakeshoreModel372(f"bridge_{next(_names)}", resource=resource, **quiet)
    opened.append(instrument)
    device.seen.clear()
    return Lakeshore372Controller(instrument, OPTIONS | options, clock), clock


def test_it_plays_the_role(opened: list[LakeshoreModel372]) -> None:
    controller, _ = build(opened, Bridge())
    assert isinstance(controller, TemperatureController)
    assert controller.range == (0.01, 1.0)
    assert controller.identify() == "LSCI MODEL372, serial LSA12YZ/LSA34YZ, firmware 1.3"


def test_value_status_and_scanner_come_in_one_message(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    controller, _ = build(opened, device)
    reading = controller.read()
    assert device.seen == [READ]
    assert (reading.temperature, reading.valid, reading.status) == (0.05, True, "OK")


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("+5.000000E-02;016;06,0", "R. OVER"),
        ("+0.000000E+00;132;06,0", "VMIX OVL, T. UNDER"),
        ("+5.000000E-02;000;03,0", "stale: the scanner is on channel 3"),
        ("+5.000000E-02;000;03,1", "stale: the scanner is on channel 3"),
        ("+0.000000E+00;000;06,0", "not plausible"),
        ("-5.000000E-02;000;06,0", "not plausible"),
        ("+9.999900E+09;000;06,0", "not plausible"),
        ("NAN;000;06,0", "not a number"),
        ("INF;000;06,0", "not a number"),
    ],
)
def test_a_reading_that_must_not_be_believed_is_not_valid(
    opened: list[LakeshoreModel372], reply: str, status: str
) -> None:
    controller, _ = build(opened, Bridge({READ: reply}))
    reading = controller.read()
    assert not reading.valid
    assert status in reading.status


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("+5.0000;000", "makes no sense"),
        ("hello;000;06,0", "makes no sense"),
        ("+5.000000E-02;000;06,", "makes no sense"),
        (SILENCE, "no answer"),
    ],
)
def test_an_answer_that_cannot_be_read_is_a_fault_and_the_bridge_is_cleared(
    opened: list[LakeshoreModel372], reply: object, words: str
) -> None:
    device = Bridge({READ: reply})
    controller, _ = build(opened, device)
    with pytest.raises(HardwareError, match=words):
        controller.read()
    assert device.seen == [READ, "<clear>", "*IDN?"] * 3
    del device.answers[READ]
    assert controller.read().valid


def test_a_late_temperature_does_not_answer_the_next_question(opened: list[LakeshoreModel372]) -> None:
    replies: Iterator[object] = iter([SILENCE, "+5.000000E-02;000;06,0"])
    device = Bridge({READ: lambda: next(replies)})
    controller, _ = build(opened, device)
    opened[0].visa_handle.visalib.clear_supported = False  # type: ignore[attr-defined]  # the scripted library
    device.answers["*IDN?"] = f"+7.000000E-01;000;06,0\r\n{IDN}"
    assert controller.read().temperature == 0.05


def test_messages_keep_the_quiet_time_that_the_bridge_needs(opened: list[LakeshoreModel372]) -> None:
    controller, clock = build(opened, Bridge())
    for _ in range(21):
        controller.read()
    assert clock.now() == pytest.approx(1.0)


def test_a_target_sets_loop_gains_setpoint_and_range(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    controller, _ = build(opened, device)
    controller.set_target(0.08)
    assert [m for m in device.seen if "?" not in m] == [
        "SCAN 6,0",
        "OUTMODE 0,5,6,0,0,1,5",  # polarity, filter and delay as they were; off after a power failure
        "PID 0,10,20,0",
        "SETP 0,0.08",
        "RANGE 0,5",
    ]
    device.seen.clear()
    controller.set_target(0.5)  # a zone without gains
    assert [m for m in device.seen if "?" not in m] == [
        "SCAN 6,0",
        "RANGE 0,0",  # the loop starts afresh in the new range
        "SETP 0,0.5",
        "RANGE 0,7",
    ]
    device.seen.clear()
    controller.set_target(0.6)  # the same range: the loop goes on
    assert [m for m in device.seen if "?" not in m] == ["SCAN 6,0", "SETP 0,0.6", "RANGE 0,7"]
    controller.set_target(0.02)
    assert device.settings["RANGE 0"] == "0"


def test_a_heater_left_on_in_another_mode_goes_off_before_the_loop_is_closed(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    device.settings |= {"OUTMODE 0": "2,6,0,0,1,005", "RANGE 0": "5"}
    controller, _ = build(opened, device)
    controller.set_target(0.08)
    sent = [m for m in device.seen if "?" not in m]
    assert sent[1:3] == ["RANGE 0,0", "OUTMODE 0,5,6,0,0,1,5"]
    assert sent[-1] == "RANGE 0,5"


def test_a_setpoint_ramp_left_on_is_switched_off(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    device.settings["RAMP 0"] = "1,+0.100"
    controller, _ = build(opened, device)
    controller.set_target(0.08)
    assert "RAMP 0,0,+0.100" in device.seen


@pytest.mark.parametrize("temperature", [0.0, -1.0, 0.009, 1.01, float("nan"), float("inf")])
def test_a_temperature_outside_what_the_cryostat_holds_is_refused_before_anything_is_sent(
    opened: list[LakeshoreModel372], temperature: float
) -> None:
    device = Bridge()
    controller, _ = build(opened, device)
    with pytest.raises(InputError, match="outside what this cryostat holds"):
        controller.set_target(temperature)
    assert device.seen == []


def test_after_a_change_of_channel_readings_are_stale_for_the_pause(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    device.settings["SCAN"] = "02,1"
    controller, clock = build(opened, device)
    controller.set_target(0.08)
    assert device.settings["SCAN"] == "6,0"
    assert "just come" in controller.read().status
    clock.sleep(3.0)
    assert controller.read().valid


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("INSET 6", "0,001,003,21,1", "disabled"),
        ("INTYPE 6", "0,05,2,12,1,1", "excitation off"),
        ("INTYPE 6", "0,05,0,12,0,2", "Ohm"),
    ],
)
def test_a_channel_that_cannot_regulate_is_told(
    opened: list[LakeshoreModel372], key: str, value: str, words: str
) -> None:
    device = Bridge()
    device.settings[key] = value
    controller, _ = build(opened, device)
    with pytest.raises(CryostatError, match=words):
        controller.set_target(0.08)
    assert not [m for m in device.seen if m.startswith("RANGE 0,")]


@pytest.mark.parametrize(
    ("query", "reply", "words"),
    [
        ("SETP? 0", "+7.000000E-02", "set-point"),
        ("RANGE? 0", "4", "heater range"),
        ("PID? 0", "+0010.00,+0030.00,+0000.00", "PID was set"),
        ("OUTMODE? 0", "3,6,0,0,1,005", "output mode"),
        ("OUTMODE? 0", "5,7,0,0,1,005", "control channel"),
        ("OUTMODE? 0", "5,6", "makes no sense"),
        ("SCAN?", "05,0", "does not stay"),
    ],
)
def test_what_does_not_read_back_is_a_fault(
    opened: list[LakeshoreModel372], query: str, reply: str, words: str
) -> None:
    controller, _ = build(opened, Bridge({query: reply}))
    with pytest.raises(HardwareError, match=words):
        controller.set_target(0.08)


def test_a_refused_command_shows_in_the_event_status(opened: list[LakeshoreModel372]) -> None:
    replies = iter(["0", "16"])
    controller, _ = build(opened, Bridge({"*ESR?": lambda: next(replies)}))
    with pytest.raises(HardwareError, match="refused"):
        controller.set_target(0.08)


def test_making_safe_turns_the_heater_off_and_reads_back(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    device.settings["RANGE 0"] = "5"
    controller, _ = build(opened, device)
    controller.make_safe()
    assert device.seen == ["RANGE 0,0", "RANGE? 0"]


def test_one_silent_reply_does_not_keep_the_heater_on(opened: list[LakeshoreModel372]) -> None:
    replies = iter([SILENCE, "0"])
    device = Bridge({"RANGE? 0": lambda: next(replies)})
    controller, _ = build(opened, device)
    controller.make_safe()
    assert device.seen.count("RANGE 0,0") == 2


@pytest.mark.parametrize("reply", ["3", SILENCE, "off"])
def test_a_heater_that_does_not_confirm_is_told(opened: list[LakeshoreModel372], reply: object) -> None:
    controller, _ = build(opened, Bridge({"RANGE? 0": reply}))
    with pytest.raises(UnsafeError, match="could not be confirmed off"):
        controller.make_safe()


def test_another_instrument_at_its_address_is_found_out(opened: list[LakeshoreModel372]) -> None:
    controller, _ = build(opened, Bridge({"*IDN?": "LSCI,MODEL336,1,1"}))
    with pytest.raises(HardwareError, match="336"):
        controller.identify()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channel": 17}, "channel"),
        ({"minimum": 0.01}, "has no unit"),
        ({"minimum": "2 K"}, "below maximum"),
        ({"heater": "still"}, "heater"),
        ({"ranges": []}, "ranges"),
        ({"ranges": [{"up_to": "1 K", "range": "2 mA"}]}, "no range 2 mA"),
        ({"ranges": [{"up_to": "1 K", "range": "on"}]}, "no range on"),
        ({"ranges": [{"up_to": "0.5 K", "range": "1 mA"}]}, "add one"),
        ({"ranges": [{"up_to": "1 K", "range": "1 mA", "p": 10}]}, "all three or none"),
        ({"ranges": [{"up_to": "1 K", "range": "1 mA", "p": 2000, "i": 1, "d": 1}]}, "ranges, entry 1, p"),
        ({"ranges": [{"up_to": "1 K", "range": "off"}, {"up_to": "1 K", "range": "off"}]}, "rising"),
        ({"heater": "warm-up", "ranges": [{"up_to": "1 K", "range": "1 mA"}]}, "warm-up heater has no ranges"),
    ],
)
def test_wrong_options_are_refused_with_their_key(
    opened: list[LakeshoreModel372], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Bridge(), **options)


def test_the_warm_up_heater_is_output_one(opened: list[LakeshoreModel372]) -> None:
    device = Bridge()
    device.settings["OUTMODE 1"] = "0,1,0,0,0,001"
    device.settings["PID 1"] = "1,1,1"
    device.settings["RAMP 1"] = "0,+0.000"
    controller, _ = build(opened, device, heater="warm-up", ranges=[{"up_to": "1 K", "range": "on"}])
    controller.set_target(0.9)
    assert device.settings["RANGE 1"] == "1"
    assert device.settings["RANGE 0"] == "0"


def test_default_zones_cover_everything_up_to_room_temperature(opened: list[LakeshoreModel372]) -> None:
    options = {key: value for key, value in OPTIONS.items() if key != "ranges"}
    clock = FakeClock()
    device = Bridge()
    build(opened, device)
    controller = Lakeshore372Controller(opened[0], options, clock)
    codes = []
    for temperature in (0.015, 0.05, 0.2, 0.8):
        controller.set_target(temperature)
        codes.append(device.settings["RANGE 0"])
    assert codes == ["4", "5", "6", "7"]
