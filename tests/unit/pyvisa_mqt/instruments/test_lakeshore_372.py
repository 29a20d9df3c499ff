"""The simulated bridge and controller: its formats, its scanner and its loop."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyvisa_mqt.grammar.lakeshore_fields import engineering
from pyvisa_mqt.instruments.lakeshore.model_372_bridge import resistance_of, temperature_of
from pyvisa_mqt.instruments.lakeshore.model_372_heater import ControlLoop, LoopSetup


@pytest.fixture
def bridge(talk_to: Callable[..., Any]) -> Any:
    bridge = talk_to("lakeshore-372", noise=0.0)
    bridge.wires.temperatures = {f"ch{n}": 0.01 * n for n in range(1, 17)}
    bridge.wait(1.0)
    return bridge


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0152346, "+015.235E-03"),
        (0.0, "+000.000E+00"),
        (-4.2, "-004.200E+00"),
        (300.0, "+300.000E+00"),
        (999.9996, "+001.000E+03"),
        (0.9999999, "+001.000E+00"),
        (1.23456e-12, "+001.235E-12"),
        (12345.678, "+012.346E+03"),
    ],
)
def test_numbers_are_written_in_engineering_notation_with_six_digits(value: float, text: str) -> None:
    assert engineering(value) == text


@given(st.floats(1e-12, 1e9))
def test_engineering_notation_reads_back_within_half_its_last_digit(value: float) -> None:
    text = engineering(value)
    assert len(text) == 12
    assert float(text) == pytest.approx(value, rel=5.1e-4)


def test_the_sensor_curve_can_be_inverted() -> None:
    for temperature in (0.01, 0.1, 1.0, 10.0):
        assert temperature_of(resistance_of(temperature)) == pytest.approx(temperature)


def test_it_knows_its_name_and_answers_joined_queries_with_one_reply(bridge: Any) -> None:
    assert bridge.query("*IDN?") == "LSCI,MODEL372,LSA2000,1.3"
    bridge.write("\n")
    assert bridge.read_bytes() == b""
    assert bridge.query("*CLS;*IDN?;*ESR?") == "LSCI,MODEL372,LSA2000,1.3;000"
    assert bridge.query("EMUL 0;*ESR?") == "000"
    assert bridge.query("KRDG? 6;:RDGST? 6;:SCAN?") == "+060.000E-03;000;06,0"
    assert bridge.query("NONSENSE;KRDG? 6;*ESR?") == "+060.000E-03;032"


def test_replies_end_with_carriage_return_and_line_feed(bridge: Any) -> None:
    bridge.write("KRDG? 6")
    assert bridge.read_bytes() == b"+060.000E-03\r\n"


def test_commands_in_any_case_with_spaces_and_leading_zeros_are_understood(bridge: Any) -> None:
    assert bridge.query("krdg?06") == "+060.000E-03"
    assert bridge.query("OUTMODE 0, 5, 6, 0, 0, 1, 10;OUTMODE? 0") == "5,6,0,0,1,10"


def test_empty_and_missing_fields_keep_their_values(bridge: Any) -> None:
    assert bridge.query("PID 0,5,30,1;PID 0,,40;PID? 0") == "+005.000E+00,+040.000E+00,+001.000E+00"


def test_a_channel_that_is_not_scanned_keeps_its_last_value_and_says_it_is_valid(bridge: Any) -> None:
    assert bridge.query("KRDG? 5") == "+050.000E-03"
    bridge.wires.temperatures.update(ch5=0.5, ch6=0.6)
    bridge.wait(10.0)
    assert bridge.query("KRDG? 5;RDGST? 5;KRDG? 6") == "+050.000E-03;000;+600.000E-03"
    bridge.write("SCAN 5,0")
    bridge.wait(2.9)  # still in the pause after the change
    assert bridge.query("KRDG? 5;SCAN?") == "+050.000E-03;05,0"
    bridge.wait(0.3)
    assert bridge.query("KRDG? 5") == "+500.000E-03"


def test_the_scanner_goes_round_the_enabled_channels(bridge: Any) -> None:
    for channel in range(1, 17):
        bridge.write(f"INSET {channel},{int(channel in (2, 6, 9))},2,3,21,1")
    bridge.write("SCAN 6,1")
    seen = []
    for _ in range(200):
        bridge.wait(0.1)
        seen.append(bridge.query("SCAN?"))
    order = [seen[0], *(b for a, b in pairwise(seen) if a != b)]
    assert order == ["06,1", "09,1", "02,1", "06,1", "09,1"]
    assert seen.count("09,1") == pytest.approx(100, abs=60)


def test_a_new_value_comes_ten_times_a_second_however_often_it_is_asked_for(talk_to: Any) -> None:
    bridge = talk_to("lakeshore-372", noise=0.01)
    bridge.wires.temperatures["ch6"] = 0.1
    bridge.wait(0.35)
    assert len({bridge.query("KRDG? 6") for _ in range(20)}) == 1
    values = []
    for _ in range(2000):
        bridge.wait(0.1)
        values.append(float(bridge.query("KRDG? 6")))
    # 4 sigma for n = 2000
    assert np.std(values) == pytest.approx(1e-3, rel=4 / np.sqrt(4000))
    assert np.mean(values) == pytest.approx(0.1, abs=4e-3 / np.sqrt(2000))


def test_the_filter_smooths_and_starts_afresh_outside_its_window(talk_to: Any) -> None:
    bridge = talk_to("lakeshore-372", noise=0.01)
    bridge.wires.temperatures["ch6"] = 0.1
    bridge.write("FILTER 6,1,40,20")
    values = []
    for _ in range(2000):
        bridge.wait(0.1)
        values.append(float(bridge.query("KRDG? 6")))
    # an exponential filter over 100 conversions: sigma / sqrt(2 x 100 - 1); correlated, so 20 %
    assert np.std(values[500:]) == pytest.approx(1e-3 / np.sqrt(199), rel=0.3)
    bridge.wires.temperatures["ch6"] = 0.2
    bridge.wait(0.11)
    assert float(bridge.query("KRDG? 6")) == pytest.approx(0.2, rel=0.05)


def test_readings_outside_the_calibration_or_range_have_their_status_and_read_zero(bridge: Any) -> None:
    bridge.wires.temperatures["ch6"] = 77.0
    bridge.wait(0.2)
    assert bridge.query("RDGST? 6;KRDG? 6") == "064;+000.000E+00"
    bridge.wires.temperatures["ch6"] = 0.001
    bridge.wait(0.2)
    assert bridge.query("RDGST? 6") == "128"
    bridge.wires.temperatures["ch6"] = 0.05
    bridge.write("INTYPE 6,0,2,0,13,0,1")  # 2 kOhm fixed
    bridge.wait(0.2)
    assert bridge.query("RDGST? 6") == "016"
    bridge.write("INTYPE 6,0,2,1,13,0,1;INSET 6,1,10,3,0,1")
    bridge.wait(0.2)
    assert bridge.query("RDGST? 6;KRDG? 6") == "000;+000.000E+00"  # no curve


def test_disabling_an_input_with_zeros_is_taken_and_one_channel_stays_enabled(bridge: Any) -> None:
    for channel in range(1, 17):
        bridge.write(f"INSET {channel},0,0,0,0,0")
    assert bridge.query("INSET? 1;INSET? 7;*ESR?") == "1,10,3,0,1;0,10,3,0,1;128"


def plant(bridge: Any, duration: float, resistance: float = 100.0) -> None:
    """Let a stage with 30 s time constant and a cooling power of 400 uW at 0.1 K follow the heater."""
    cooling, base = 400e-6 / 0.01, 0.012
    for _ in range(round(duration / 0.1)):
        temperature = bridge.wires.temperatures["ch6"]
        power = bridge.wires.powers.get("sample", 0.0)
        capacity = 30.0 * 2 * cooling * temperature
        temperature += 0.1 * (power - cooling * (temperature**2 - base**2)) / capacity
        bridge.wires.temperatures["ch6"] = temperature
        bridge.wait(0.1)


@pytest.mark.parametrize(("target", "heater_range"), [(0.03, 4), (0.1, 6), (0.8, 7)])
def test_the_closed_loop_brings_the_stage_to_the_set_point(bridge: Any, target: float, heater_range: int) -> None:
    bridge.wires.temperatures["ch6"] = 0.012
    bridge.write(f"OUTMODE 0,5,6,0,0,0,1;PID 0,10,20,0;SETP 0,{target};RANGE 0,{heater_range}")
    plant(bridge, 300.0)
    assert bridge.wires.temperatures["ch6"] == pytest.approx(target, rel=0.005)
    assert 5 < float(bridge.query("HTR?")) < 95
    bridge.write("RANGE 0,0")
    assert bridge.wires.powers["sample"] == 0.0
    assert float(bridge.query("HTR? 0")) == 0.0
    plant(bridge, 300.0)
    assert bridge.wires.temperatures["ch6"] < 0.02


def test_the_loop_waits_while_another_channel_is_scanned(bridge: Any) -> None:
    bridge.wires.temperatures["ch6"] = 0.05
    bridge.write("OUTMODE 0,5,6,0,0,0,1;SETP 0,0.051;RANGE 0,6")
    bridge.wait(5.0)
    bridge.write("SCAN 3,0")
    bridge.wait(1.0)
    held = bridge.query("HTR?")
    bridge.wires.temperatures["ch6"] = 0.02
    bridge.wait(20.0)
    assert bridge.query("HTR?") == held


def test_the_set_point_ramps_at_its_rate_and_tells_when_it_has_arrived(bridge: Any) -> None:
    bridge.write("OUTMODE 0,5,6,0,0,0,1;RAMP 0,0,0;SETP 0,0.1;RAMP 0,1,0.6;SETP 0,0.2")
    bridge.wait(5.0)
    assert bridge.query("SETP? 0;RAMPST? 0") == "+150.000E-03;1"
    assert int(bridge.query("*STB?")) & 128 == 0
    bridge.wait(5.2)
    assert bridge.query("SETP? 0;RAMPST? 0") == "+200.000E-03;0"
    assert int(bridge.query("*STB?")) & 128


def test_the_end_of_a_ramp_and_an_invalid_reading_can_request_service(bridge: Any) -> None:
    bridge.write("OUTMODE 0,5,6,0,0,0,1;SETP 0,0.1;RAMP 0,1,60;SETP 0,1.1;*SRE 144")
    assert bridge.query("*STB?") == "004"
    bridge.wait(1.1)
    assert (bridge.instrument.service_requests, bridge.instrument.status_byte()) == (1, 128 + 64 + 4)
    bridge.wires.temperatures["ch6"] = 77.0
    bridge.wait(0.2)
    assert (bridge.instrument.service_requests, bridge.instrument.status_byte()) == (2, 128 + 64 + 16)


def test_open_loop_warm_up_and_still_give_their_powers(talk_to: Any) -> None:
    bridge = talk_to("lakeshore-372", heater_resistance=120.0)
    bridge.write("OUTMODE 0,2,6,0,0,0,1;MOUT 0,50;RANGE 0,6")
    assert bridge.wires.powers["sample"] == pytest.approx((5e-3) ** 2 * 120)
    bridge.write("HTRSET 0,120,0,0,2;MOUT 0,50")
    assert bridge.wires.powers["sample"] == pytest.approx(0.5 * (10e-3) ** 2 * 120)
    bridge.write("OUTMODE 1,6,A,0,0,0,1;WARMUP 0,10;RANGE 1,1")
    assert bridge.wires.powers["warmup"] == pytest.approx((0.045) ** 2 * 50)
    bridge.write("OUTMODE 2,4,1,0,0,0,1;STILL 20;RANGE 2,1")
    assert bridge.wires.powers["still"] == pytest.approx(0.04)
    assert bridge.query("AOUT? 2;STILL?") == "+020.000E+00;+020.000E+00"
    bridge.write("*RST")
    assert set(bridge.wires.powers.values()) == {0.0}


def test_the_temperature_limit_shuts_all_outputs_down(bridge: Any) -> None:
    bridge.write("OUTMODE 0,2,6,0,0,0,1;MOUT 0,50;RANGE 0,6;TLIMIT 6,0.5")
    bridge.wires.temperatures["ch6"] = 0.6
    bridge.wait(0.2)
    assert bridge.query("RANGE? 0") == "0"
    assert bridge.wires.powers["sample"] == 0.0


def test_zones_bring_their_gains_and_ranges(bridge: Any) -> None:
    bridge.wires.temperatures["ch6"] = 0.02
    bridge.write("ZONE 0,1,0.05,10,20,0,0,4,0,0,0;ZONE 0,2,1,10,20,0,0,6,0,0,0")
    bridge.write("OUTMODE 0,3,6,0,0,0,1;SETP 0,0.03;RANGE 0,1")
    bridge.wait(0.5)
    assert bridge.query("RANGE? 0") == "4"
    bridge.write("SETP 0,0.1")
    bridge.wait(0.5)
    assert bridge.query("RANGE? 0") == "6"


def test_a_set_point_in_ohms_is_a_temperature_on_the_curve(bridge: Any) -> None:
    bridge.write("OUTMODE 0,5,6,0,0,0,1;INTYPE 6,0,2,1,14,0,2")
    ohms = resistance_of(0.1)
    assert float(bridge.query(f"SETP 0,{ohms:.3f};SETP? 0")) == pytest.approx(ohms, rel=1e-4)
    assert bridge.query("INTYPE 6,0,2,1,14,0,1;SETP? 0") == "+100.000E-03"


def test_the_loop_does_not_wind_up_while_the_output_is_full() -> None:
    loop = ControlLoop()
    loop.aim(1.0, False, 0.0)
    setup = LoopSetup(10.0, 5.0, 0.0, 0.0, 0.0)
    for _ in range(10_000):
        assert 0.0 <= loop.step(0.0, setup, 0.1) <= 100.0
    assert loop.step(1.2, setup, 0.1) < 90.0


@pytest.mark.parametrize("options", [{"channel": 17}, {"noise": -0.1}, {"heater_resistance": 0.0}, {"curve": 3}])
def test_impossible_options_of_the_bench_file_are_refused(talk_to: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        talk_to("lakeshore-372", **options)


def test_a_virtual_day_of_control_costs_seconds(talk_to: Any) -> None:
    bridge = talk_to("lakeshore-372")
    bridge.wires.temperatures["ch6"] = 0.05
    bridge.write("OUTMODE 0,5,6,0,0,0,1;SETP 0,0.05;RANGE 0,6")
    bridge.wait(8640.0)  # a tenth of a day; measured: 1.0 s
    assert bridge.instrument.service_requests == 0


# What the usual case does in a row must be what the general one does conversion by conversion, whatever is changed.
CHANGES = (
    "HTRSET 0,100,0,0,1;OUTMODE 0,5,6,0,0,0,1;PID 0,10,20,0;RANGE 0,5;SETP 0,0.065",
    "PID 0,20,30,5",
    "FILTER 6,1,10,20",
    "OUTMODE 0,5,6,0,0,1,1",
    "RAMP 0,1,0.06;SETP 0,0.07",
    "RAMP 0,0,0;SETP 0,0.062",
    "RANGE 0,6",
    "ALARM 6,1,1,0.061,0.001,0,0,0,0",
    "ALARM 6,0",
    "SCAN 7,0",
    "SCAN 6,1",
    "SCAN 6,0",
    "TLIMIT 6,0.05",
    "TLIMIT 6,0;RANGE 0,5",
    "OUTMODE 1,5,6,0,0,0,1;RANGE 1,1;SETP 1,0.061",
    "OUTMODE 1,0,6,0,0,0,1",
    "OUTMODE 0,5,A,0,0,0,1",
    "OUTMODE 0,5,6,0,0,0,1;RANGE 0,5",
    "OUTMODE 2,1,6,0,0,0,1;ANALOG 2,1,6,6,1,0.1,0,0",
    "OUTMODE 2,0,6,0,0,0,1",
    "*RST",
)


def test_conversions_in_a_row_are_those_one_by_one_whatever_is_changed(
    talk_to: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, general = (talk_to("lakeshore-372", noise=1e-2) for _ in range(2))
    seen = []

    def live(talk: Any, change: str, node: float) -> list[Any]:
        talk.write(change)
        told = []
        for step in range(60):
            talk.wires.temperatures = {f"ch{n}": node * (1.0 + 0.01 * n) for n in range(1, 17)} | {"chA": node}
            talk.wait(0.25 if step % 7 else 1.13)
            queries = "KRDG? 6;KRDG? 7;RDGST? 6;MDAT? 6;HTR?;AOUT? 2;SETP? 0;SCAN?;RANGE? 0;*STB?"
            told.append((talk.query(queries), dict(talk.wires.powers)))
            if step == 30:
                node = 50.0 if change.startswith("PID") else 0.9 * node  # beyond the sensor's curve, for a while
            if step == 40:
                node = 0.06
        return told

    for change in CHANGES:
        seen.append(live(usual, change, 0.06))
        with monkeypatch.context() as patched:
            patched.setattr(general.instrument, "_control_in_a_row", lambda _now: False)
            assert live(general, change, 0.06) == seen[-1]
    usual.instrument.power_cycle()
    general.instrument.power_cycle()
    assert usual.query("KRDG? 6;SETP? 0;RANGE? 0") == general.query("KRDG? 6;SETP? 0;RANGE? 0")
    assert len({told for told, _ in seen[0]}) > 50  # it does regulate meanwhile
