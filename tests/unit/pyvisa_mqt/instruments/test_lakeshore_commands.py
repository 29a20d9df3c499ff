"""The command tables of the Lake Shore controllers, line by line: what is set, what comes back, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LAST = "+001.000E+03"
#: (command, query, reply to the digit): settings at the ends of their ranges.
SETTINGS_372 = [
    ("INSET 5,1,200,3,59,2", "INSET? 5", "1,200,3,59,2"),
    ("INSET A,1,1,200,0,1", "INSET? A", "1,1,200,0,1"),
    ("INTYPE 5,0,12,0,22,0,1", "INTYPE? 5", "0,12,0,22,0,1"),
    ("INTYPE 16,1,22,2,1,1,2", "INTYPE? 16", "1,22,2,1,1,2"),
    ("INTYPE A,0,6,1,0,0,1", "INTYPE? A", "1,6,1,1,0,1"),  # always a current; the range has no meaning
    ("FILTER 5,1,200,80", "FILTER? 5", "1,200,80"),
    ("FILTER 0,1,1,1", "FILTER? 12", "1,1,1"),
    ("FREQ 5,5", "FREQ? 5", "5"),
    ("FREQ 0,4", "FREQ? 9", "4"),
    ("TLIMIT 5,1.5", "TLIMIT? 5", "+001.500E+00"),
    ('INNAME 5,"fifteen letters"', "INNAME? 5", "fifteen letters"),
    ('INNAME 5,"a; b, c"', "INNAME? 5", "a; b, c"),
    ("INCRV 5,59", "INSET? 5", "1,10,3,59,1"),
    ("SCAN 16,1", "SCAN?", "16,1"),
    ("SCAN 03,0", "SCAN?", "03,0"),
    ("OUTMODE 0,5,16,1,1,1,255", "OUTMODE? 0", "5,16,1,1,1,255"),
    ("OUTMODE 1,6,A,0,0,0,1", "OUTMODE? 1", "6,A,0,0,0,1"),
    ("OUTMODE 2, 4, 1, 0, 0, 0, 1", "OUTMODE? 2", "4,1,0,0,0,1"),
    ("PID 0,1000,10000,2500", "PID? 0", f"{LAST},+010.000E+03,+002.500E+03"),
    ("PID 1,0,0,0", "PID? 1", "+000.000E+00,+000.000E+00,+000.000E+00"),
    ("SETP 0,0.0125", "SETP? 0", "+012.500E-03"),
    ("RAMP 0,1,100", "RAMP? 0", "1,+100.000E+00"),
    ("RANGE 0,8", "RANGE? 0", "8"),
    ("RANGE 0 7", "RANGE? 0", "7"),  # as production drivers send it
    ("RANGE 2,1", "RANGE? 2", "1"),
    ("HTRSET 0,2000,0,0,2", "HTRSET? 0", "2000,0,+0.0000,2"),
    ("HTRSET 1,2,0,0.63,1", "HTRSET? 1", "2,0,+0.6300,1"),
    ("MOUT 0,-100", "MOUT? 0", "-100.000E+00"),
    ("STILL 100", "STILL?", "+100.000E+00"),
    ("WARMUP 1,12.5", "WARMUP?", "1,+012.500E+00"),
    (
        "ZONE 0,10,1.5,1000,10000,2500,-100,8,100,1,0",
        "ZONE? 0,10",
        f"+001.500E+00,{LAST},+010.000E+03,+002.500E+03,-100.000E+00,8,+100.000E+00,1,0",
    ),
    ("ANALOG 2,1,1,6,2,1000,0.5,0", "ANALOG? 2", "1,1,6,2,1000,0.5,0"),
    ("ALARM 6,1,1,5,1,2,1,0,1", "ALARM? 6", "1,1,5,1,2,1,0,1"),
    ("RELAY 2,2,A,2", "RELAY? 2", "2,A,2"),
    ("CRVHDR 59,NAME,SERIAL,7,40,2", "CRVHDR? 59", "NAME,SERIAL,7,40.000,2"),
    ("CRVPT 21,200,4.7782,0.01,1.5", "CRVPT? 21,200", "4.7782,0.01,1.5"),
    ("MODE 2", "MODE?", "2"),
    ("BEEP 0", "BEEP?", "0"),
    ("CMR 1", "CMR?", "1"),
    ("INTSEL 2", "INTSEL?", "2"),
    ("IEEE 0,0,30", "IEEE?", "30"),
    ("IEEE 7", "IEEE?", "7"),
    ("EMUL 1,1", "EMUL?", "1,1"),
    ("MONITOR 7", "MONITOR?", "7"),
    ("DOUT 31", "DOUT?", "31"),
    ("DISPLAY 2,1,3", "DISPLAY?", "2,1,3"),
    ("BRIGT 100", "BRIGT?", "100"),
    ("LOCK 1,999", "LOCK?", "1,999"),
    ("*ESE 255", "*ESE?", "255"),
    ("*SRE 255", "*SRE?", "191"),  # bit 6 cannot be enabled
]
REFUSED_372 = [
    ("INSET 5,1,201,3,59,2", 16),
    ("INSET 5,1,1,2,59,2", 16),
    ("INSET 5,1,1,3,60,2", 16),
    ("INSET 5,1,1,3,59,3", 16),
    ("INSET 17,1,1,3,59,2", 16),
    ("INTYPE 5,0,13,0,12,0,1", 16),
    ("INTYPE 5,1,23,0,12,0,1", 16),
    ("INTYPE 5,0,1,0,0,0,1", 16),
    ("INTYPE 5,0,1,3,1,0,1", 16),
    ("INTYPE A,1,7,0,1,0,1", 16),
    ("FILTER 5,1,201,80", 16),
    ("FILTER 5,1,200,81", 16),
    ("FILTER 5,1,0,80", 16),
    ("FREQ 5,6", 16),
    ("SCAN 17,0", 16),
    ("OUTMODE 3,0,1,0,0,0,1", 16),
    ("OUTMODE 0,7,1,0,0,0,1", 16),
    ("OUTMODE 0,5,6,0,0,0,256", 16),
    ("PID 0,1001,0,0", 16),
    ("PID 0,0,10001,0", 16),
    ("PID 0,0,0,2501", 16),
    ("RANGE 0,9", 16),
    ("RANGE 1,2", 16),
    ("RANGE 2,2", 16),
    ("RAMP 0,2,1", 16),
    ("RAMP 0,1,100.1", 16),
    ("HTRSET 1,3,0,0,1", 16),
    ("HTRSET 2,1,0,0,1", 16),
    ("MOUT 0,100.1", 16),
    ("STILL 101", 16),
    ("WARMUP 2,1", 16),
    ("ZONE 0,11,1,1,1,1,1,1,1,0,0", 16),
    ("ZONE 2,1,1,1,1,1,1,1,1,0,0", 16),
    ("CRVHDR 20,a,b,4,1,1", 16),
    ("CRVPT 20,1,1,1", 16),
    ("CRVPT 21,201,1,1", 16),
    ("CRVDEL 20", 16),
    ("RELAY 3,0,0,0", 16),
    ("MODE 3", 16),
    ("DFLT 98", 16),
    ("IEEE 5,0,1", 16),
    ("KRDG? 0", 16),
    ("KRDG?", 32),
    ("KRDG", 32),
    ("KRDG 6", 32),
    ("PID 0,a,1,1", 32),
    ("SCAN 6,0,1", 32),
    ("NONSENSE?", 32),
    ("*RST 1", 32),
    ("*ESE", 32),
]
SETTINGS_336 = [
    ("SETP 1,4.2", "SETP? 1", "+004.200"),
    ("RANGE 1,3", "RANGE? 1", "3"),
    ("RANGE 4,1", "RANGE? 4", "1"),
    ("PID 1,0.1,1000,200", "PID? 1", "+0000.1,+1000.0,+200.00"),
    ("OUTMODE 3,5,8,1", "OUTMODE? 3", "5,8,1"),
    ("HTRSET 2,2,4,2,2", "HTRSET? 2", "2,4,+2.000,2"),
    ("RAMP 1,1,0.1", "RAMP? 1", "1,+00.100"),
    ("TLIMIT A,1500", "TLIMIT? A", "+1500"),
    ("INTYPE A,1,0,1,1,2", "INTYPE? A", "1,0,1,0,2"),  # a diode has no compensation
    ("INTYPE A,2,0,6,1,1", "INTYPE? A", "2,0,6,1,1"),
    ("INTYPE A,3,0,8,1,3", "INTYPE? A", "3,0,8,1,3"),
    ("INTYPE A,0,0,0,0,1", "INTYPE? A", "0,0,0,0,1"),
    ("CRVHDR 21,NAME,SERIAL,4,40,1", "CRVHDR? 21", "NAME,SERIAL,4,+040.000,1"),
    (
        "ZONE 1,10,100,60,30,10,50,3,4,100",
        "ZONE? 1,10",
        "+100.000,+0060.0,+0030.0,+010.00,+050.00,3,4,+100.000",
    ),
    ("MOUT 2,12.5", "MOUT? 2", "+012.50"),
    ("WARMUP 3,1,50.5", "WARMUP? 3", "1,+050.50"),
    ("ANALOG 3,1,1,100,0,1", "ANALOG? 3", "1,1,+100.000,+0.000,1"),
    ("FILTER A,1,64,10", "FILTER? A", "1,64,10"),
    ('INNAME A,"mixing; chamber"', "INNAME? A", "mixing; chamber"),
    ("ALARM A,1,5,1,0.5,1,0,1", "ALARM? A", "1,+5.000,+1.000,+0.500,1,0,1"),
    ("RELAY 2,2,D,2", "RELAY? 2", "2,D,2"),
    ("DIOCUR A,1", "DIOCUR? A", "1"),
    ("MODE 2", "MODE?", "2"),
    ("LOCK 1,7", "LOCK?", "1,007"),
    ("OPSTE 255", "OPSTE?", "255"),
]
REFUSED_336 = [
    ("INTYPE A,1,0,2,0,1", 16),
    ("INTYPE A,2,0,7,0,1", 16),
    ("INTYPE A,3,0,9,0,1", 16),
    ("INCRV A,60", 16),
    ("CRVDEL 20", 16),
    ("CRVHDR 20,a,b,1,1,1", 16),
    ("CRVPT 20,1,1,1", 16),
    ("SCAL 2,21,a,1,1,2,2,3,3", 16),
    ("SCAL 1,20,a,1,1,2,2,3,3", 16),
    ("ZONE 1,11,1,1,1,1,1,1,1,1", 16),
    ("WARMUP 1,1,1", 16),
    ("ANALOG 1,1,1,1,1,1", 16),
    ("HTRSET? 3", 16),
    ("HTRST? 3", 16),
    ("HTRSET 1,3,1,1,1", 16),
    ("RAMP 1,1,101", 16),
    ("TLIMIT A,1501", 16),
    ("SCAN 1,0", 32),
    ("HTR?", 32),
]


@pytest.fixture
def bridge(talk_to: Callable[..., Any]) -> Any:
    talk = talk_to("lakeshore-372", noise=0.0)
    talk.wires.temperatures = {f"ch{n}": 0.01 * n for n in range(1, 17)}
    talk.wait(1.0)
    return talk


@pytest.fixture
def controller(talk_to: Callable[..., Any]) -> Any:
    talk = talk_to("lakeshore-336", noise=0.0)
    talk.wires.temperatures = {"chA": 4.2, "chB": 77.0}
    talk.wait(1.0)
    return talk


@pytest.mark.parametrize(("command", "query", "reply"), SETTINGS_372)
def test_a_setting_of_the_372_comes_back_to_the_digit(bridge: Any, command: str, query: str, reply: str) -> None:
    assert bridge.query(f"*CLS;{command};{query};*ESR?") == f"{reply};000"


@pytest.mark.parametrize(("command", "query", "reply"), SETTINGS_336)
def test_a_setting_of_the_336_comes_back_to_the_digit(controller: Any, command: str, query: str, reply: str) -> None:
    assert controller.query(f"*CLS;{command};{query};*ESR?") == f"{reply};000"


@pytest.mark.parametrize(("message", "status"), REFUSED_372)
def test_what_the_372_refuses_sets_its_bit_returns_nothing_and_changes_nothing(
    bridge: Any, message: str, status: int
) -> None:
    before = dict(bridge.instrument.values)
    assert bridge.query(f"*CLS;{message};*ESR?") == f"{status:03d}"
    changed = {key: value for key, value in bridge.instrument.values.items() if before.get(key, value) != value}
    assert changed == {}


@pytest.mark.parametrize(("message", "status"), REFUSED_336)
def test_what_the_336_refuses_sets_its_bit_and_returns_nothing(controller: Any, message: str, status: int) -> None:
    assert controller.query(f"*CLS;{message};*ESR?") == f"{status:03d}"


@pytest.mark.parametrize("model", ["lakeshore-372", "lakeshore-336"])
def test_reset_brings_every_setting_back_and_leaves_the_curves(talk_to: Callable[..., Any], model: str) -> None:
    talk = talk_to(model)
    table = SETTINGS_372 if model == "lakeshore-372" else SETTINGS_336
    queries = [query for _, query, _ in table if not query.startswith(("CRV", "*", "OPSTE"))]
    before = [talk.query(query) for query in queries]
    for command, _, _ in table:
        talk.write(command)
    for reset in ("*RST", "DFLT 99"):
        talk.write(reset)
        assert [talk.query(query) for query in queries] == before
        assert talk.query(f"CRVHDR? {59 if model == 'lakeshore-372' else 21}").startswith("NAME,SERIAL")


@pytest.mark.parametrize("model", ["lakeshore-372", "lakeshore-336"])
def test_a_power_cycle_keeps_the_settings_and_leaves_the_heaters_off_unless_told_otherwise(
    talk_to: Callable[..., Any], model: str
) -> None:
    talk = talk_to(model, noise=0.0)
    off, on, mode = (0, 1, "OUTMODE {0},2,1,{1},0,0,1") if model.endswith("372") else (1, 2, "OUTMODE {0},3,1,{1}")
    for output, powerup in ((off, 0), (on, 1)):
        talk.write(mode.format(output, powerup), f"MOUT {output},50;RANGE {output},1;SETP {output},4")
    talk.write('INNAME 1,"cold";INNAME A,"cold"', "*ESE 32;*CLS")
    heater = {"lakeshore-372": "warmup", "lakeshore-336": "output2"}[model]
    power = talk.wires.powers[heater]
    talk.wires.powers.clear()
    talk.instrument.power_cycle()
    assert talk.query(f"RANGE? {off};RANGE? {on};INNAME? A;*ESR?") == "0;1;cold;128"
    assert float(talk.query(f"SETP? {off}")) == 4.0
    assert float(talk.query(f"MOUT? {off}")) == 50.0
    assert talk.wires.powers == {heater: power}


@pytest.mark.parametrize(("model", "name", "low"), [("lakeshore-372", "6", 0.01), ("lakeshore-336", "A", 1.0)])
def test_an_alarm_watches_its_limits_with_a_deadband_and_closes_a_relay(
    talk_to: Callable[..., Any], model: str, name: str, low: float
) -> None:
    talk = talk_to(model, noise=0.0)
    source = "1," if model.endswith("372") else ""

    def at(temperature: float) -> str:
        talk.wires.temperatures[f"ch{name}"] = temperature
        talk.wait(0.3)
        return str(talk.query(f"ALARMST? {name};RELAYST? 1"))

    talk.write(f"ALARM {name},1,{source}{2 * low},{low},{0.2 * low},0,1,1;RELAY 1,2,{name},1")
    assert [at(factor * low) for factor in (1.5, 2.1, 1.9, 1.7)] == ["0,0;0", "1,0;1", "1,0;1", "0,0;0"]
    assert [at(factor * low) for factor in (0.9, 1.1, 1.3)] == ["0,1;0", "0,1;0", "0,0;0"]
    talk.write(f"ALARM {name},1,{source}{2 * low},{low},0,1,1,1;RELAY 1,2,{name},2")
    assert [at(factor * low) for factor in (2.1, 1.5)] == ["1,0;1", "1,0;1"]  # latched
    talk.write("ALMRST")
    assert at(1.5 * low) == "0,0;0"
    talk.write("RELAY 1,1")
    assert talk.query("RELAYST? 1") == "1"


def test_an_alarm_of_the_372_shows_in_its_status_byte_and_may_request_service(bridge: Any) -> None:
    bridge.write("ALARM 6,1,1,0.5,0,0,0,1,1;*SRE 8")
    assert int(bridge.query("*STB?")) & 8 == 0
    bridge.wires.temperatures["ch6"] = 0.6
    bridge.wait(0.3)
    assert (bridge.instrument.service_requests, bridge.instrument.status_byte() & 72) == (1, 72)


def test_an_alarm_of_the_336_shows_among_its_operations(controller: Any) -> None:
    controller.write("OPSTE 1;ALARM A,1,5,0,0,0,1,1;*SRE 128")
    assert int(controller.query("OPST?")) & 1 == 0
    controller.wires.temperatures["chA"] = 6.0
    controller.wait(0.3)
    assert int(controller.query("OPST?")) & 1
    assert controller.instrument.status_byte() & 192 == 192
    assert int(controller.query("OPSTR?")) & 17 == 17  # the alarm, and new readings


def test_the_control_input_of_the_372_is_measured_all_the_time_and_can_regulate(bridge: Any) -> None:
    bridge.wires.temperatures["chA"] = 0.5
    bridge.wait(0.2)
    assert bridge.query("KRDG? A;RDGST? A;SCAN?") == "+500.000E-03;000;06,0"
    assert int(bridge.query("*STB?")) & 2  # valid reading, control input
    bridge.write("OUTMODE 1,5,A,0,0,0,1;SETP 1,0.6;RANGE 1,1;SCAN 3,0")
    bridge.wait(2.0)
    assert bridge.wires.powers["warmup"] > 0
    bridge.wires.temperatures["chA"] = 0.9
    bridge.wait(100.0)
    assert bridge.wires.powers["warmup"] == 0.0


@pytest.mark.parametrize("model", ["lakeshore-372", "lakeshore-336"])
def test_a_monitor_output_follows_its_input_and_is_always_on(talk_to: Callable[..., Any], model: str) -> None:
    talk = talk_to(model, noise=0.0)
    sensor, output, setup = (
        ("ch6", 2, "ANALOG 2,0,1,6,1,1,0,0;OUTMODE 2,1,6,0,0,0,1")
        if model.endswith("372")
        else ("chA", 3, "ANALOG 3,1,1,1,0,0;OUTMODE 3,4,1,0")
    )
    talk.wires.temperatures[sensor] = 0.25
    talk.wait(1.0)
    talk.write(setup)
    talk.wait(0.3)
    assert float(talk.query(f"AOUT? {output}")) == pytest.approx(25.0, abs=0.1)
    heater = "still" if model.endswith("372") else "output3"
    assert talk.wires.powers[heater] == pytest.approx(2.5**2 / 100, rel=5e-3)  # 2.5 V on 100 Ohm
    talk.wires.temperatures[sensor] = 3.0
    talk.wait(0.3)
    assert float(talk.query(f"AOUT? {output}")) == 100.0


@pytest.mark.parametrize("model", ["lakeshore-372", "lakeshore-336"])
@pytest.mark.parametrize("goes_on", [0, 1])
def test_a_warm_up_ends_at_the_set_point_unless_it_is_continuous(
    talk_to: Callable[..., Any], model: str, goes_on: int
) -> None:
    talk = talk_to(model, noise=0.0)
    sensor, output, setup = (
        ("ch6", 1, f"OUTMODE 1,6,6,0,0,0,1;WARMUP {goes_on},50;SETP 1,1")
        if model.endswith("372")
        else ("chA", 3, f"OUTMODE 3,5,1,0;WARMUP 3,{goes_on},50;SETP 3,1")
    )
    talk.wires.temperatures[sensor] = 0.5
    talk.wait(1.0)
    talk.write(setup, f"RANGE {output},1")
    talk.wait(1.0)
    assert talk.query(f"RANGE? {output}") == "1"
    talk.wires.temperatures[sensor] = 1.1
    talk.wait(1.0)
    assert talk.query(f"RANGE? {output}") == str(goes_on)


def test_a_relay_of_the_372_follows_the_zone_of_the_sample_heater(bridge: Any) -> None:
    bridge.write("ZONE 0,1,0.05,10,20,0,0,4,0,1,0;ZONE 0,2,1,10,20,0,0,6,0,0,1;RELAY 1,3;RELAY 2,3")
    assert bridge.query("RELAYST? 1;RELAYST? 2") == "0;0"
    bridge.write("OUTMODE 0,3,6,0,0,0,1;SETP 0,0.03;RANGE 0,1")
    assert bridge.query("RELAYST? 1;RELAYST? 2") == "1;0"
    bridge.write("SETP 0,0.5")
    assert bridge.query("RELAYST? 1;RELAYST? 2") == "0;1"


def test_a_set_point_in_ohms_beyond_the_curve_reads_back(bridge: Any) -> None:
    bridge.write("OUTMODE 0,5,6,0,0,0,1;INTYPE 6,0,2,1,14,0,2;SETP 0,63.4")
    assert bridge.query("SETP? 0") == "+063.400E+00"


def test_soft_calibration_makes_a_user_curve(controller: Any) -> None:
    controller.write('SCAL 6,30,"SN7",77.35,20.234,305,112.384,480,178.353')
    assert controller.query("CRVHDR? 30;CRVPT? 30,2") == "SCAL_PT-100,SN7,3,+800.000,2;112.384,305"


def test_an_autotune_goes_through_its_stages_and_fails_without_a_closed_loop(controller: Any) -> None:
    assert controller.query("ATUNE 1,1;TUNEST?") == "0,1,1,00"
    controller.write("OUTMODE 1,1,1,0;SETP 1,4.2;RANGE 1,1;ATUNE 1,1")
    controller.wait(25.0)
    assert controller.query("TUNEST?") == "1,1,0,03"
    controller.wait(80.0)
    assert controller.query("TUNEST?") == "0,1,0,00"
    assert int(controller.query("OPSTR?")) & 32
    controller.write("ATUNE 1,2")
    controller.wait(15.0)
    controller.write("RANGE 1,0")
    controller.wait(1.0)
    assert controller.query("TUNEST?") == "0,1,1,02"


def test_a_reply_that_waits_shows_in_the_status_byte_of_the_336_only(controller: Any, bridge: Any) -> None:
    controller.write("*SRE 16", "KRDG? A")
    assert controller.instrument.status_byte() == 16 + 64
    controller.read_bytes()
    assert controller.instrument.status_byte() == 0
    controller.wait(0.2)
    controller.write("KRDG? A")
    assert controller.instrument.service_requests == 2
    bridge.write("KRDG? 6")
    assert bridge.instrument.status_byte() & 16 == 0  # that bit is a sensor's overload there


def test_the_setup_of_the_stills_output_can_be_asked_for(bridge: Any) -> None:
    assert bridge.query("HTRSET? 2") == "0,0,+0.0000,1"


@pytest.mark.parametrize("model", ["lakeshore-372", "lakeshore-336"])
def test_a_loop_that_was_opened_forgets_what_it_had_gathered(talk_to: Callable[..., Any], model: str) -> None:
    talk = talk_to(model, noise=0.0)
    sensor, output, closed, opened = (
        ("ch6", 0, "OUTMODE 0,5,6,0,0,0,1", "OUTMODE 0,2,6,0,0,0,1")
        if model.endswith("372")
        else ("chA", 1, "OUTMODE 1,1,1,0", "OUTMODE 1,3,1,0")
    )
    talk.wires.temperatures[sensor] = 0.95
    talk.wait(1.0)
    talk.write(closed, f"PID {output},10,20,0;SETP {output},1;RANGE {output},1")
    talk.wait(60.0)
    gathered = float(talk.query(f"HTR? {output}"))
    talk.write(opened)
    assert float(talk.query(f"HTR? {output}")) == 0.0
    talk.write(closed)
    talk.wait(0.3)
    assert 0 < float(talk.query(f"HTR? {output}")) < 0.7 * gathered
