"""The simulated Model 336: its formats, its sensors and its loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyvisa_mqt.instruments.lakeshore.model_336_sensors import fixed, sensor_value


@pytest.fixture
def controller(talk_to: Callable[..., Any]) -> Any:
    controller = talk_to("lakeshore-336", noise=0.0)
    controller.wires.temperatures = {"chA": 4.2, "chB": 77.0, "chC": 300.0, "chD": 0.005}
    return controller


@pytest.mark.parametrize(
    ("value", "text"),
    [(229.138, "+229.138"), (-44.012, "-044.012"), (0.0, "+000.000"), (999.9996, "+1000.00"), (25478.2, "+25478.2")],
)
def test_numbers_are_written_with_a_fixed_point_and_six_digits(value: float, text: str) -> None:
    assert fixed(value) == text


def test_readings_of_one_and_of_all_inputs(controller: Any) -> None:
    assert controller.query("*IDN?") == "LSCI,MODEL336,LSA2CMQ/#######,2.9"
    assert controller.query("KRDG? A;KRDG? 0") == "+004.200;+004.200,+077.000,+300.000,+000.000"
    assert controller.query("CRDG? B") == "-196.150"
    assert float(controller.query("SRDG? A")) == pytest.approx(sensor_value(3, 4.2), rel=1e-5)
    assert controller.query("RDGST? A;RDGST? D") == "000;016"


def test_replies_end_with_crlf_and_empty_lines_are_ignored(controller: Any) -> None:
    controller.write("\n")
    assert controller.read_bytes() == b""
    controller.write("SETP 1,4.2;*ESR?")
    assert controller.read_bytes() == b"128\r\n"


def test_a_switched_off_input_a_missing_curve_and_a_small_range_show(controller: Any) -> None:
    controller.write("INTYPE A,0,1,0,1,1")
    controller.wait(0.2)
    assert controller.query("KRDG? A;RDGST? A") == "+000.000;001"
    controller.write("INCRV B,0", "INTYPE C,3,0,0,1,1")
    controller.wait(0.2)
    assert controller.query("KRDG? B;RDGST? C") == "+000.000;128"
    controller.wires.temperatures["chB"] = 450.0
    controller.wait(0.2)
    assert controller.query("RDGST? B") == "032"


@pytest.mark.parametrize(
    ("message", "event_status"),
    [
        ("NONSENSE", 32),
        ("KRDG? E", 16),
        ("KRDG?", 32),
        ("PID 1,0,1,1", 16),
        ("PID 1,1,1,201", 16),
        ("RANGE 3,2", 16),
        ("RANGE 1,4", 16),
        ("OUTMODE 1,4,1,0", 16),
        ("OUTMODE 5,0,1,0", 16),
        ("HTRSET 3,1,1,0,1", 16),
        ("HTRSET 1,1,5,0,1", 16),
        ("SETP 1,-300", 16),
        ("INTYPE A,6,1,0,1,1", 16),
        ("ATUNE 1,3", 16),
        ("CRVHDR 60,a,b,1,1,1", 16),
        ("KRDG A", 32),
    ],
)
def test_what_is_refused_sets_its_event_bit_and_nothing_else(controller: Any, message: str, event_status: int) -> None:
    controller.write("*CLS", message)
    assert not controller.instrument.output
    assert controller.query("*ESR?") == f"{event_status:03d}"


def test_settings_come_back_in_the_documented_number_of_fields(controller: Any) -> None:
    controller.write("HTRSET 1,2,0,0.5,2", "PID 1,150,5,0", "ZONE 1,3,10,50,20,0,0,2,1,0.5", "RAMP 1,1,10.5")
    assert controller.query("HTRSET? 1") == "2,0,+0.500,2"
    assert controller.query("PID? 1") == "+0150.0,+0005.0,+000.00"
    assert controller.query("ZONE? 1,3").count(",") == 7
    assert controller.query("RAMP? 1") == "1,+10.500"
    assert controller.query("OUTMODE? 1;SETP? 1;TLIMIT? A") == "0,1,0;+000.000;+0000"
    controller.write('INNAME A,"mixing chamber"', 'CRVHDR 21,"CX-1030","X123",4,40,1')
    assert controller.query("INNAME? A;CRVHDR? 21") == "mixing chamber;CX-1030,X123,4,+040.000,1"


def test_a_curve_of_the_wrong_kind_is_not_chosen(controller: Any) -> None:
    controller.write("CRVHDR 30,DIODE,1,2,400,1", "INCRV A,30")
    assert controller.query("INCRV? A") == "0"
    controller.write("INTYPE A,1,1,0,0,1", "INCRV A,30")
    assert controller.query("INCRV? A") == "30"


def test_the_set_point_is_in_the_control_inputs_preferred_unit(controller: Any) -> None:
    controller.write("INTYPE A,3,1,0,1,2", "OUTMODE 1,1,1,0", "SETP 1,-270")
    assert controller.query("SETP? 1") == "-270.000"
    controller.write("INTYPE A,3,1,0,1,1")
    assert controller.query("SETP? 1") == "+003.150"


def test_the_set_point_ramps_and_reports_its_arrival(controller: Any) -> None:
    controller.write("OUTMODE 1,1,1,0", "SETP 1,4.2", "RAMP 1,1,60", "SETP 1,14.2")
    controller.wait(5.0)
    assert float(controller.query("SETP? 1")) == pytest.approx(9.2, abs=0.2)
    assert controller.query("RAMPST? 1;OPST?") == "1;000"
    controller.wait(6.0)
    assert controller.query("RAMPST? 1;SETP? 1") == "0;+014.200"
    assert int(controller.query("OPSTR?")) & 8


@pytest.mark.parametrize(("number", "power"), [(1, 0.1), (2, 1.0), (3, 10.0)])
def test_heater_ranges_are_a_decade_of_power_apart(controller: Any, number: int, power: float) -> None:
    controller.write("HTRSET 1,1,2,0,1", "OUTMODE 1,3,0,0", "MOUT 1,63.2456", f"RANGE 1,{number}")
    # 1 A into 25 Ohm is 25 W; 63.2456 % of the current are 40 % of the power.
    assert controller.wires.powers["output1"] == pytest.approx(power, rel=1e-3)
    assert controller.query("HTR? 1") == "+063.2"
    controller.write("HTRSET 1,1,2,0,2")  # in terms of power
    assert controller.wires.powers["output1"] == pytest.approx(power * 0.632456 / 0.4, rel=1e-3)
    controller.write("RANGE 1,0")
    assert controller.wires.powers["output1"] == 0.0


def test_the_loop_heats_below_the_set_point_and_not_above(controller: Any) -> None:
    controller.write("OUTMODE 1,1,1,0", "SETP 1,5", "RANGE 1,2")
    controller.wait(2.0)
    assert controller.wires.powers["output1"] > 0
    controller.wires.temperatures["chA"] = 10.0
    controller.wait(100.0)
    assert controller.wires.powers["output1"] == 0.0


def test_zones_choose_the_range_by_the_set_point(controller: Any) -> None:
    controller.write("ZONE 1,1,10,50,20,0,0,1,0,0.1", "ZONE 1,2,100,60,30,0,0,3,2,0.1")
    controller.write("OUTMODE 1,2,1,0", "SETP 1,5", "RANGE 1,2")
    controller.wait(0.5)
    assert controller.query("RANGE? 1;OUTMODE? 1") == "1;2,1,0"
    controller.write("SETP 1,50")
    controller.wait(0.5)
    assert controller.query("RANGE? 1;OUTMODE? 1") == "3;2,2,0"


def test_above_its_temperature_limit_an_input_shuts_all_outputs_down(controller: Any) -> None:
    controller.write("OUTMODE 1,3,0,0", "MOUT 1,50", "RANGE 1,1", "OUTMODE 3,3,0,0", "MOUT 3,50", "RANGE 3,1")
    controller.write("TLIMIT B,100")
    controller.wait(1.0)
    assert controller.query("RANGE? 1;RANGE? 3") == "1;1"
    controller.wires.temperatures["chB"] = 101.0
    controller.wait(1.0)
    assert controller.query("RANGE? 1;RANGE? 3") == "0;0"
    assert controller.wires.powers == {"output1": 0.0, "output3": 0.0}


def test_a_filter_smooths_and_extremes_are_kept_until_they_are_reset(controller: Any) -> None:
    controller.query("KRDG? A")
    controller.write("FILTER A,1,20,10")
    controller.wires.temperatures["chA"] = 4.4
    controller.wait(0.5)
    assert 4.2 < float(controller.query("KRDG? A")) < 4.35
    controller.wait(20.0)
    assert controller.query("KRDG? A;MDAT? A") == "+004.400;+004.200,+004.400"
    controller.write("MNMXRST")
    assert controller.query("MDAT? A") == "+004.400,+004.400"


def test_reset_switches_the_heaters_off(controller: Any) -> None:
    controller.write("OUTMODE 1,3,0,0", "MOUT 1,50", "RANGE 1,1", "*RST")
    assert controller.query("RANGE? 1;OUTMODE? 1;HTR? 1") == "0;0,1,0;+000.0"
    assert controller.wires.powers["output1"] == 0.0


@pytest.mark.parametrize("options", [{"noise": 2.0}, {"coldest": 0.0}, {"analog_resistance": -1.0}])
def test_impossible_options_are_refused(talk_to: Callable[..., Any], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        talk_to("lakeshore-336", **options)
