"""The Model 336 driven by QCoDeS and by its maker's own package."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import pyvisa
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

CONTROLLER = "TCPIP0::192.168.1.36::7777::SOCKET"
_seeds = count(7000)


@pytest.fixture
def library() -> str:
    """Return a showroom of one's own: another seed is another bench."""
    return f"showroom?seed={next(_seeds)}@mqt"


@pytest.fixture
def qcodes_controller(library: str) -> Iterator[LakeshoreModel336]:
    controller = LakeshoreModel336("controller", CONTROLLER, visalib=library)
    yield controller
    controller.close()


def test_qcodes_takes_a_snapshot_and_sees_the_temperatures(qcodes_controller: LakeshoreModel336) -> None:
    snapshot = qcodes_controller.snapshot(update=True)
    channels = snapshot["submodules"]
    assert channels["A"]["parameters"]["temperature"]["value"] == pytest.approx(0.012, abs=1e-3)
    assert channels["C"]["parameters"]["temperature"]["value"] == pytest.approx(300, rel=1e-3)
    assert channels["A"]["parameters"]["sensor_status"]["value"] == "OK"
    assert channels["output_1"]["parameters"]["mode"]["value"] == "off"
    assert qcodes_controller.get_idn()["model"] == "336"


def test_qcodes_sets_every_setting_of_output_and_channel_and_reads_it_back(
    qcodes_controller: LakeshoreModel336,
) -> None:
    channel, heater, voltage = qcodes_controller.B, qcodes_controller.output_1, qcodes_controller.output_3
    heater.setpoint.post_delay = voltage.setpoint.post_delay = 0
    settings: list[tuple[Any, Any]] = [
        (channel.t_limit, 0.0),
        (channel.sensor_name, "mixing chamber1"),
        *((channel.sensor_type, kind) for kind in ("diode", "platinum_rtd", "disabled", "ntc_rtd")),
        (channel.auto_range_enabled, False),
        (channel.range, 7),
        (channel.compensation_enabled, False),
        (channel.units, "celsius"),
        (channel.units, "kelvin"),
        *((heater.mode, mode) for mode in ("zone", "open_loop", "closed_loop", "off")),
        (heater.input_channel, "B"),
        (heater.powerup_enable, True),
        (heater.P, 12.5),
        (heater.I, 40.0),
        (heater.D, 10.0),
        (heater.setpoint_ramp_rate, 2.5),
        (heater.setpoint_ramp_enabled, False),
        (heater.setpoint, 4.2),
        *((heater.output_range, name) for name in ("low", "medium", "high", "off")),
        *((voltage.mode, mode) for mode in ("monitor_out", "warm_up", "open_loop", "off")),
        (voltage.input_channel, "D"),
        (voltage.output_range, "low"),
        (voltage.output_range, "off"),
        (voltage.setpoint, 1.5),
    ]
    for parameter, value in settings:
        parameter(value)
        read = parameter.get()
        expected = pytest.approx(value) if isinstance(value, float) else value
        # The driver leaves the input range as text.
        assert read == expected or read == str(value), parameter.full_name
    assert heater.output() == 0.0
    assert voltage.output() == 0.0
    assert channel.curve_number() == 21
    assert channel.curve_format() == "log Ohms/K"
    assert qcodes_controller.visa_handle.query("*ESR?") == "128"  # power-on and no error


def test_qcodes_holds_the_mixing_chamber_at_a_set_point(qcodes_controller: LakeshoreModel336) -> None:
    heater = qcodes_controller.output_1
    heater.setpoint.post_delay = 0
    clock: Any = qcodes_controller.visa_handle.visalib
    qcodes_controller.write("HTRSET 1,1,0,0.1,1")  # 100 mA into 25 Ohm: 0.25 W in the high range
    heater.mode("closed_loop")
    heater.input_channel("A")
    heater.P(10), heater.I(50)
    heater.setpoint(0.5)
    heater.output_range("medium")
    clock.clock.sleep(600)
    assert qcodes_controller.A.temperature() == pytest.approx(0.5, rel=0.02)
    heater.output_range("off")
    clock.clock.sleep(600)
    assert qcodes_controller.A.temperature() < 0.02


@pytest.fixture
def makers_controller(library: str) -> Any:
    lakeshore = pytest.importorskip("lakeshore")
    client: Any = pyvisa.ResourceManager(library).open_resource(
        CONTROLLER, read_termination="\r\n", write_termination="\r\n"
    )
    return lakeshore.Model336(connection=client)


def test_the_makers_own_package_reads_the_inputs(makers_controller: Any) -> None:
    controller = makers_controller
    assert controller.model_number == "MODEL336"
    assert controller.get_kelvin_reading("A") == pytest.approx(0.012, abs=1e-3)
    readings = controller.get_all_kelvin_reading()
    assert len(readings) == len(controller.get_all_sensor_reading()) == 4
    assert controller.get_celsius_reading("C") == pytest.approx(readings[2] - 273.15, abs=0.5)
    status = controller.get_input_reading_status("A")
    assert not any(vars(status).values())
    controller.set_sensor_name("A", "mixing chamber")
    assert controller.get_sensor_name("A") == "mixing chamber"
    assert controller.get_min_max_data("A")["minimum"] > 0
    assert controller.get_self_test() is False


def test_the_makers_own_package_sets_up_the_outputs(makers_controller: Any) -> None:
    controller = makers_controller
    controller.set_heater_pid(1, 20, 30, 5)
    assert controller.get_heater_pid(1) == {"gain": 20.0, "integral": 30.0, "derivative": 5.0}
    mode, inputs = controller.HeaterOutputMode, controller.InputChannel
    controller.set_heater_output_mode(1, mode.CLOSED_LOOP, inputs.CHANNEL_A, True)
    read = controller.get_heater_output_mode(1)
    assert (read["mode"], read["channel"]) == (mode.CLOSED_LOOP, inputs.CHANNEL_A)
    controller.set_heater_setup(1, controller.HeaterResistance.HEATER_25_OHM, 0.2, controller.HeaterOutputUnits.POWER)
    assert controller.get_heater_setup(1)["max_current"] == pytest.approx(0.2)
    controller.set_heater_range(1, controller.HeaterRange.MEDIUM)
    assert controller.get_heater_range(1) == controller.HeaterRange.MEDIUM
    controller.set_setpoint_ramp_parameter(1, True, 1.5)
    assert controller.get_setpoint_ramp_parameter(1) == {"ramp_enable": True, "rate_value": 1.5}
    controller.set_control_setpoint(1, 0.3)
    assert controller.get_setpoint_ramp_status(1) is True
    controller.set_manual_output(2, 12.5)
    assert controller.get_manual_output(2) == 12.5
    controller.set_filter("B", True, 16, 5)
    assert controller.get_filter("B")["data_points"] == 16
    controller.set_relay_alarms(1, "A", controller.RelayControlAlarm.BOTH_ALARMS)
    assert controller.get_relay_alarm_control_parameters(1)["activating_input_channel"] == "A"
    with pytest.raises(Exception, match="Execution Error"):
        controller.set_heater_pid(1, 1001, 1, 0)
    controller.all_heaters_off()
    assert controller.get_heater_range(1) == controller.HeaterRange.OFF
    assert controller.get_heater_output(1) == 0.0


def test_the_makers_own_package_reaches_curves_zones_display_and_interface(makers_controller: Any) -> None:
    model = pytest.importorskip("lakeshore.model_336")
    c, inputs = makers_controller, makers_controller.InputChannel
    c.set_display_setup(c.DisplaySetupMode.ALL_INPUTS, c.DisplayFieldsSize.LARGE)
    assert c.get_display_setup()["mode"] == c.DisplaySetupMode.ALL_INPUTS
    kelvin, unipolar = c.InputSensorUnits.KELVIN, c.Polarity.UNIPOLAR
    c.set_monitor_output_heater(3, inputs.CHANNEL_A, kelvin, 100, 0, unipolar)
    assert c.get_monitor_output_heater(3)["high_value"] == 100.0
    resistor = (c.InputSensorType.NTC_RTD, False, True, kelvin, c.RTDRange.THREE_THOUSAND_OHM)
    c.set_input_sensor("A", model.Model336InputSensorSettings(*resistor))
    assert c.get_input_sensor("A").input_range == c.RTDRange.THREE_THOUSAND_OHM
    zone = (10, 50, 20, 0, 0, c.HeaterRange.LOW, inputs.CHANNEL_A, 1)
    c.set_control_loop_zone_table(1, 1, model.Model336ControlLoopZoneSettings(*zone))
    assert c.get_control_loop_zone_table(1, 1).upper_bound == 10.0
    logarithmic, negative = c.CurveFormat.LOG_OHMS_PER_KELVIN, c.CurveTemperatureCoefficient.NEGATIVE
    c.set_curve_header(21, model.Model336CurveHeader("user", "sn1", logarithmic, 100, negative))
    assert c.get_curve_header(21).temperature_limit == 100.0
    c.set_curve_data_point(21, 1, 1.5, 2.5)
    assert c.get_curve_data_point(21, 1)[:2] == (1.5, 2.5)
    c.set_input_curve("A", 21)
    assert c.get_input_curve("A") == 21
    c.set_ieee_488(5)
    assert c.get_ieee_488() == 5
    assert c.get_network_settings()["pref_host"] == "LSCI-336"
    c.set_keypad_lock(True, 123)
    assert c.get_keypad_lock() == {"state": True, "code": 123}
    c.reset_instrument()
    assert c.get_heater_range(1) == c.HeaterRange.OFF
