"""The 336 as temperature controller, through QCoDeS's own driver."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from mqtctl.errors import CryostatError, HardwareError, InputError, UnsafeError
from mqtctl.instruments.lakeshore.model_336 import Lakeshore336Controller
from mqtctl.instruments.roles.experiment import TemperatureController
from tests.unit.drivers.scripted_visa import SILENCE, library_for, resource_on
from tests.unit.instruments.fake_clock import FakeClock
from tests.unit.instruments.lakeshore_device import Controller

IDN = "LSCI,MODEL336,LSA2CMQ/LSA2C8R,2.9"
READ = "KRDG? B;RDGST? B"
OPTIONS = {
    "input": "B",
    "minimum": "0.3 K",
    "maximum": "30 K",
    "ranges": [
        {"up_to": "0.5 K", "range": "off"},
        {"up_to": "4 K", "range": "low", "p": 60.0, "i": 20.0, "d": 0.0},
        {"up_to": "30 K", "range": "High"},
    ],
}
_names = count()


class Unit(Controller):
    """A 336 with a sensor on input B."""

    def __init__(self, answers: dict[str, object] | None = None) -> None:
        settings = {
            "INTYPE B": "3,1,0,0,1", "OUTMODE 1": "0,1,1", "OUTMODE 2": "0,0,0", "PID 1": "+0150.0,+0005.0,+000.0",
            "PID 2": "+0050.0,+0020.0,+000.0", "RAMP 1": "0,+000.0", "RAMP 2": "1,+0.100", "SETP 1": "+000.000",
            "RANGE 1": "0", "RANGE 2": "0", "KRDG B": "+001.234", "RDGST B": "000",
        }  # fmt: skip
        super().__init__(settings, {"*IDN?": IDN} | (answers or {}))


@pytest.fixture
def opened() -> Iterator[list[LakeshoreModel336]]:
    instruments: list[LakeshoreModel336] = []
    yield instruments
    for instrument in instruments:
        instrument.close()


def build(
    opened: list[LakeshoreModel336], device: Controller, **options: object
) -> tuple[Lakeshore336Controller, FakeClock]:
    clock = FakeClock()
    resource = resource_on(library_for(device), "TCPIP0::192.0.2.36::7777::SOCKET")
    quiet: dict[str, Any] = {"address": None, "print_connect_message": False}  # as a station file passes it on
    instrument = LakeshoreModel336(f"controller_{next(_names)}", resource=resource, **quiet)
    opened.append(instrument)
    device.seen.clear()
    return Lakeshore336Controller(instrument, OPTIONS | options, clock), clock


def test_it_plays_the_role(opened: list[LakeshoreModel336]) -> None:
    controller, _ = build(opened, Unit())
    assert isinstance(controller, TemperatureController)
    assert controller.range == (0.3, 30.0)
    assert controller.identify() == "LSCI MODEL336, serial LSA2CMQ/LSA2C8R, firmware 2.9"


def test_another_instrument_at_its_address_is_found_out(opened: list[LakeshoreModel336]) -> None:
    controller, _ = build(opened, Unit({"*IDN?": "LSCI,MODEL335,1,1"}))
    with pytest.raises(HardwareError, match="335"):
        controller.identify()


def test_value_and_status_come_in_one_message(opened: list[LakeshoreModel336]) -> None:
    device = Unit()
    controller, clock = build(opened, device)
    reading = controller.read()
    assert device.seen == [READ]
    assert (reading.temperature, reading.valid, reading.status) == (1.234, True, "OK")
    for _ in range(20):
        controller.read()
    assert clock.now() == pytest.approx(1.0)  # 50 ms between messages


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ("+000.000;128", "Sensor Units Overrange"),
        ("+001.234;048", "Temp Underrange, Temp Overrange"),
        ("+000.000;001", "Invalid Reading"),
        ("+000.000;000", "not plausible"),
        ("+400.001;000", "not plausible"),
        ("NAN;000", "not a number"),
    ],
)
def test_a_reading_that_must_not_be_believed_is_not_valid(
    opened: list[LakeshoreModel336], reply: str, status: str
) -> None:
    controller, _ = build(opened, Unit({READ: reply}))
    reading = controller.read()
    assert not reading.valid
    assert status in reading.status


@pytest.mark.parametrize(
    ("reply", "words"), [("+001.234", "makes no sense"), ("+0.1;0;06,0", "makes no sense"), (SILENCE, "no answer")]
)
def test_an_answer_that_cannot_be_read_is_a_fault_and_the_unit_is_cleared(
    opened: list[LakeshoreModel336], reply: object, words: str
) -> None:
    device = Unit({READ: reply})
    controller, _ = build(opened, device)
    with pytest.raises(HardwareError, match=words):
        controller.read()
    assert device.seen == [READ, "<clear>", "*IDN?"] * 3


def test_a_target_sets_loop_gains_setpoint_and_range(opened: list[LakeshoreModel336]) -> None:
    device = Unit()
    controller, _ = build(opened, device)
    controller.set_target(1.5)
    sent = ["OUTMODE 1,1,2,0", "PID 1,60,20,0", "SETP 1,1.5", "RANGE 1,1"]
    assert [m for m in device.seen if "?" not in m] == sent
    device.seen.clear()
    controller.set_target(20.0)  # a zone without gains; the loop is closed already
    assert [m for m in device.seen if "?" not in m] == ["RANGE 1,0", "SETP 1,20", "RANGE 1,3"]
    controller.set_target(0.4)
    assert device.settings["RANGE 1"] == "0"


def test_the_second_output_can_regulate_and_its_setpoint_ramp_is_switched_off(
    opened: list[LakeshoreModel336],
) -> None:
    device = Unit()
    controller, _ = build(opened, device, output=2)
    controller.set_target(2.0)
    assert device.settings["OUTMODE 2"] == "1,2,0"
    assert "RAMP 2,0,+0.100" in device.seen
    assert device.settings["RANGE 1"] == "0"


def test_a_setpoint_that_comes_back_in_millikelvin_is_accepted(opened: list[LakeshoreModel336]) -> None:
    controller, _ = build(opened, Unit({"SETP? 1": "+000.301"}))
    controller.set_target(0.3005)


@pytest.mark.parametrize("temperature", [0.0, 0.299, 30.01, float("nan")])
def test_a_temperature_outside_what_the_cryostat_holds_is_refused_before_anything_is_sent(
    opened: list[LakeshoreModel336], temperature: float
) -> None:
    device = Unit()
    controller, _ = build(opened, device)
    with pytest.raises(InputError, match="outside what this cryostat holds"):
        controller.set_target(temperature)
    assert device.seen == []


@pytest.mark.parametrize(
    ("kind", "words"), [("0,1,0,0,1", "disabled"), ("3,1,0,0,3", "kelvin"), ("1,0,0,0,2", "kelvin")]
)
def test_an_input_that_cannot_regulate_is_told(opened: list[LakeshoreModel336], kind: str, words: str) -> None:
    device = Unit()
    device.settings["INTYPE B"] = kind
    controller, _ = build(opened, device)
    with pytest.raises(CryostatError, match=words):
        controller.set_target(1.0)
    assert not [m for m in device.seen if m.startswith("RANGE 1,")]


@pytest.mark.parametrize(
    ("query", "reply", "words"),
    [
        ("SETP? 1", "+001.000", "set-point"),
        ("RANGE? 1", "3", "heater range"),
        ("PID? 1", "+0060.0,+0021.0,+000.0", "PID was set"),
        ("OUTMODE? 1", "3,2,0", "output mode"),
        ("OUTMODE? 1", "1,1,0", "control input"),
        ("OUTMODE? 1", "1,2", "makes no sense"),
    ],
)
def test_what_does_not_read_back_is_a_fault(
    opened: list[LakeshoreModel336], query: str, reply: str, words: str
) -> None:
    controller, _ = build(opened, Unit({query: reply}))
    with pytest.raises(HardwareError, match=words):
        controller.set_target(1.5)


def test_a_refused_command_shows_in_the_event_status(opened: list[LakeshoreModel336]) -> None:
    replies = iter(["0", "16"])
    controller, _ = build(opened, Unit({"*ESR?": lambda: next(replies)}))
    with pytest.raises(HardwareError, match="refused"):
        controller.set_target(1.5)


def test_making_safe_turns_the_heater_off_and_reads_back(opened: list[LakeshoreModel336]) -> None:
    device = Unit()
    device.settings["RANGE 1"] = "3"
    controller, _ = build(opened, device)
    controller.make_safe()
    assert device.seen == ["RANGE 1,0", "RANGE? 1"]


@pytest.mark.parametrize("reply", ["3", SILENCE, "off"])
def test_a_heater_that_does_not_confirm_is_told(opened: list[LakeshoreModel336], reply: object) -> None:
    controller, _ = build(opened, Unit({"RANGE? 1": reply}))
    with pytest.raises(UnsafeError, match="heater 1 could not be confirmed off"):
        controller.make_safe()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input": "E"}, "input"),
        ({"output": 3}, "output"),
        ({"minimum": 0.3}, "has no unit"),
        ({"maximum": "0.2 K"}, "below maximum"),
        ({"ranges": []}, "ranges"),
        ({"ranges": [{"up_to": "30 K", "range": "31.6 mA"}]}, "range"),
        ({"ranges": [{"up_to": "20 K", "range": "low"}]}, "add one"),
        ({"ranges": [{"up_to": "30 K", "range": "low", "p": 0.0, "i": 1, "d": 1}]}, "ranges, entry 1, p"),
        ({"ranges": [{"up_to": "30 K", "range": "low", "p": 1}]}, "all three or none"),
        ({"channel": 6}, "unknown key 'channel'"),
    ],
)
def test_wrong_options_are_refused_with_their_key(
    opened: list[LakeshoreModel336], options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        build(opened, Unit(), **options)


def test_default_zones_cover_everything_up_to_room_temperature(opened: list[LakeshoreModel336]) -> None:
    device = Unit()
    build(opened, device)
    options = {key: value for key, value in OPTIONS.items() if key != "ranges"} | {"maximum": "300 K"}
    controller = Lakeshore336Controller(opened[0], options, FakeClock())
    ranges = []
    for temperature in (0.3, 10.0, 250.0):
        controller.set_target(temperature)
        ranges.append(device.settings["RANGE 1"])
    assert ranges == ["1", "2", "3"]
