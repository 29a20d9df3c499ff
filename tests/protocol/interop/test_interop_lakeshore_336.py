"""The Model 336 driven by QCoDeS and by its maker's own package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
import pyvisa
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from tests.protocol.interop.makers_package import NOT_THE_INSTRUMENTS, Pair, public_methods, served_showroom, walk
from tests.protocol.interop.qcodes_walk import NOT_THESE_LAKE_SHORES, wait_by_the_bench, walk_parameters

CONTROLLER = "TCPIP0::192.0.2.36::7777::SOCKET"
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


def test_every_parameter_of_the_qcodes_driver_takes_its_allowed_values_and_reads_them_back(
    qcodes_controller: LakeshoreModel336,
) -> None:
    unit = qcodes_controller
    outputs = [unit.output_1, unit.output_2, unit.output_3, unit.output_4]
    values: dict[str, list[Any]] = {f"{o.full_name}_setpoint": [0.0, 4.2, 400.0] for o in outputs}
    # Off and on are all that the voltage outputs have; the driver knows "on" as "low".
    values |= {f"{o.full_name}_output_range": ["low", "off"] for o in outputs[2:]}
    # The thermometers of the bench are resistors; the units end as they were, for the set points.
    values |= {f"{c.full_name}_units": ["sensor", "celsius", "kelvin"] for c in unit.channels}
    # A limit below room temperature would switch all outputs off.
    values |= {f"{c.full_name}_t_limit": [1.5, 400.0, 0.0] for c in unit.channels}
    parts = [unit.A, unit.B, unit.C, unit.D, *outputs]
    assert walk_parameters(unit, parts, leave_out=NOT_THESE_LAKE_SHORES, values=values) > 180
    assert unit.A.curve_number() == 21
    assert unit.A.curve_format() == "log Ohms/K"


@pytest.mark.slow
def test_qcodes_goes_to_a_temperature_and_waits_there(
    qcodes_controller: LakeshoreModel336, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_by_the_bench(monkeypatch, qcodes_controller)
    qcodes_controller.write("HTRSET 1,1,0,0.1,1")
    heater = qcodes_controller.output_1
    heater.setpoint.post_delay = 0
    heater.mode("closed_loop")
    heater.input_channel("A")
    heater.P(10), heater.I(50)
    heater.range_limits([0.13, 0.42, 1.0])
    heater.wait_tolerance(0.01)
    heater.wait_equilibration_time(30)
    heater.wait_cycle_time(1)
    heater.blocking_t(0.3)
    assert heater.output_range() == "medium"
    assert qcodes_controller.A.temperature() == pytest.approx(0.3, rel=0.015)


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


def input_pairs(c: Any, m: Any) -> list[Pair]:
    """Return what is set and read of inputs, curves and alarms."""
    kelvin, types = c.InputSensorUnits.KELVIN, c.InputSensorType
    resistor = m.Model336InputSensorSettings(types.NTC_RTD, False, True, kelvin, c.RTDRange.ONE_HUNDRED_THOUSAND_OHM)
    platinum = m.Model336InputSensorSettings(types.PLATINUM_RTD, False, False, kelvin, c.RTDRange.TEN_THOUSAND_OHM)
    diode = m.Model336InputSensorSettings(types.DIODE, False, False, kelvin, c.DiodeRange.TEN_VOLTS)
    negative = c.CurveTemperatureCoefficient.NEGATIVE
    header = m.Model336CurveHeader("CX-1030", "X12345", c.CurveFormat.LOG_OHMS_PER_KELVIN, 40.0, negative)
    alarm = m.Model336AlarmSettings(5.0, 1.0, 0.5, True, False, True)
    return [
        Pair("set_input_sensor", ("B", resistor), "get_input_sensor", ("B",), resistor),
        Pair("set_input_sensor", ("C", platinum), "get_input_sensor", ("C",), platinum),
        Pair("set_input_sensor", ("D", diode), "get_input_sensor", ("D",), diode),
        *(
            Pair("set_diode_excitation_current", ("D", i), "get_diode_excitation_current", ("D",), i)
            for i in c.DiodeCurrent
        ),
        Pair("set_filter", ("A", True, 64, 10), "get_filter", ("A",), {"data_points": 64, "reset_threshold": 10}),
        Pair("set_filter", ("A", False, 2, 1), "get_filter", ("A",), {"filter_enable": False, "data_points": 2}),
        Pair("set_sensor_name", ("A", "mixing; chamber"), "get_sensor_name", ("A",), "mixing; chamber"),
        Pair("set_temperature_limit", ("A", 300), "get_temperature_limit", ("A",), 300.0),
        Pair("set_temperature_limit", ("A", 0), "get_temperature_limit", ("A",), 0.0),
        Pair("set_curve_header", (21, header), "get_curve_header", (21,), header),
        Pair("set_curve_data_point", (21, 200, 4.5, 0.02), "get_curve_data_point", (21, 200), [4.5, 0.02]),
        Pair("set_input_curve", ("A", 21), "get_input_curve", ("A",), 21),
        Pair("delete_curve", (21,), "get_curve_data_point", (21, 200), [0.0, 0.0]),
        Pair("set_curve", (22, enumerate([(3.0, 10.0), (4.0, 0.5)])), "get_curve_data_point", (22, 2), [4.0, 0.5]),
        Pair("", (), "get_curve", (22,), [(3.0, 10.0)]),  # the package leaves out the last point of a curve
        Pair("set_soft_cal_curve_dt_470", (23, "SN1"), "get_curve_data_point", (23, 1), [0.50691, 305.0]),
        Pair("set_soft_cal_curve_pt_100", (24, "SN2"), "get_curve_data_point", (24, 3), [178.353, 480.0]),
        Pair("set_soft_cal_curve_pt_1000", (25, "SN3"), "get_curve_header", (25,), {"serial_number": "SN3"}),
        Pair(
            "set_alarm_parameters",
            ("A", True, alarm),
            "get_alarm_parameters",
            ("A",),
            vars(alarm) | {"alarm_enable": True},
        ),
        Pair("", (), "get_alarm_status", ("A",), {"high_state_enabled": False, "low_state_enabled": True}),
        Pair("set_alarm_parameters", ("A", False), "get_alarm_parameters", ("A",), {"alarm_enable": False}),
        Pair("reset_alarm_status", (), "get_alarm_status", ("A",), {"low_state_enabled": False}),
        Pair("reset_min_max_data", (), "get_min_max_data", ("A",)),
        Pair("", (), "get_kelvin_reading", ("A",)),
        Pair("", (), "get_kelvin_reading", (0,)),
        Pair("", (), "get_celsius_reading", ("A",)),
        Pair("", (), "get_sensor_reading", ("A",)),
        Pair("", (), "get_all_kelvin_reading"),
        Pair("", (), "get_all_sensor_reading"),
        Pair("", (), "get_input_reading_status", ("A",), {"invalid_reading": False}),
        Pair("", (), "get_thermocouple_junction_temp", (), 296.15),
    ]


def output_pairs(c: Any, m: Any) -> list[Pair]:
    """Return what is set and read of outputs, loops, zones and relays."""
    modes, inputs, ranges, types = c.HeaterOutputMode, c.InputChannel, c.HeaterRange, c.ControlTypes
    kelvin, bipolar, alarms = c.InputSensorUnits.KELVIN, c.Polarity.BIPOLAR, c.RelayControlAlarm
    zone = m.Model336ControlLoopZoneSettings(10.0, 1000.0, 0.1, 200.0, 100.0, ranges.HIGH, inputs.CHANNEL_D, 100.0)
    both, power = alarms.BOTH_ALARMS, c.HeaterOutputUnits.POWER
    voltage, fifty = c.HeaterVoltageRange, c.HeaterResistance.HEATER_50_OHM
    monitor = {"channel": inputs.CHANNEL_A, "high_value": 100.0, "low_value": 0.0, "polarity": bipolar}
    return [
        *(
            Pair(
                "set_heater_output_mode",
                (3, mode, i, True),
                "get_heater_output_mode",
                (3,),
                {"mode": mode, "channel": i},
            )
            for mode in modes
            for i in inputs
        ),
        Pair("set_heater_output_mode", (1, modes.CLOSED_LOOP, inputs.CHANNEL_A, False), "get_heater_output_mode", (1,)),
        *(Pair("set_heater_range", (1, r), "get_heater_range", (1,), r) for r in ranges),
        *(
            Pair("set_heater_range", (4, r), "get_heater_range", (4,), r)
            for r in (voltage.VOLTAGE_ON, voltage.VOLTAGE_OFF)
        ),
        Pair(
            "set_heater_setup",
            (1, fifty, 0.2, power),
            "get_heater_setup",
            (1,),
            {"heater_resistance": fifty, "max_current": 0.2},
        ),
        Pair(
            "set_heater_pid",
            (1, 0.1, 1000, 200),
            "get_heater_pid",
            (1,),
            {"gain": 0.1, "integral": 1000.0, "derivative": 200.0},
        ),
        Pair(
            "set_setpoint_ramp_parameter",
            (1, True, 0.1),
            "get_setpoint_ramp_parameter",
            (1,),
            {"ramp_enable": True, "rate_value": 0.1},
        ),
        Pair("set_setpoint_ramp_parameter", (1, False, 100), "get_setpoint_ramp_status", (1,), False),
        Pair("set_control_setpoint", (1, 4.2), "get_control_setpoint", (1,), 4.2),
        Pair("set_manual_output", (2, 12.5), "get_manual_output", (2,), 12.5),
        Pair(
            "set_warmup_supply_parameter",
            (3, types.CONTINUOUS, 50.5),
            "get_warmup_supply_parameter",
            (3,),
            {"control": types.CONTINUOUS, "percentage": 50.5},
        ),
        Pair(
            "set_monitor_output_heater",
            (3, inputs.CHANNEL_A, kelvin, 100, 0, bipolar),
            "get_monitor_output_heater",
            (3,),
            monitor,
        ),
        Pair("set_control_loop_zone_table", (1, 10, zone), "get_control_loop_zone_table", (1, 10), zone),
        Pair("set_heater_range", (1, ranges.LOW), "get_heater_range", (1,), ranges.LOW),
        Pair(
            "set_autotune",
            (1, c.AutotuneMode.P_I),
            "get_tuning_control_status",
            (),
            {"active_tuning_enable": True, "output": 1, "tuning_error": False},
        ),
        Pair("all_heaters_off", (), "get_heater_range", (1,), ranges.OFF),
        Pair("", (), "get_heater_output", (1,), 0.0),
        Pair("", (), "get_analog_output_percentage", (4,), 0.0),
        Pair("", (), "get_heater_status", (1,), c.HeaterError.NO_ERROR),
        Pair("turn_relay_on", (1,), "get_relay_status", (1,), True),
        Pair("turn_relay_off", (1,), "get_relay_status", (1,), False),
        Pair(
            "set_relay_alarms",
            (2, "B", both),
            "get_relay_alarm_control_parameters",
            (2,),
            {"activating_input_channel": "B", "alarm_relay_trigger_type": both},
        ),
        Pair("", (), "get_relay_control_mode", (2,), c.RelayControlMode.ALARMS),
    ]


def interface_pairs(c: Any, m: Any) -> list[Pair]:
    """Return what is set and read of display, interface and status."""
    mask = m.Model336StandardEventRegister(True, False, True, True, False)
    events = m.Model336OperationEvent(*[True] * 8)
    service, display = m.Model336ServiceRequestEnable(False, True, True), c.DisplaySetupMode
    addresses = ("10.0.0.2", "255.255.255.0", "10.0.0.1", "10.0.0.3", "10.0.0.4", "cold", "lab.org", "the bench")
    return [
        *(
            Pair("set_display_setup", (mode,), "get_display_setup", (), {"mode": mode})
            for mode in display
            if mode not in (display.CUSTOM, display.ALL_INPUTS)
        ),
        Pair(
            "set_display_setup",
            (display.CUSTOM, c.DisplayFields.SMALL_8, 2),
            "get_display_setup",
            (),
            {"displayed_output": 2},
        ),
        Pair(
            "set_display_setup",
            (display.ALL_INPUTS, c.DisplayFieldsSize.LARGE),
            "get_display_setup",
            (),
            {"num_fields": 1},
        ),
        Pair(
            "set_display_field_settings",
            (8, 4, 6),
            "get_display_field_settings",
            (8,),
            {"input_channel": 4, "display_units": 6},
        ),
        Pair("set_contrast_level", (32,), "get_contrast_level", (), 32),
        Pair("set_led_state", (False,), "get_led_state", (), False),
        Pair("set_keypad_lock", (True, 7), "get_keypad_lock", (), {"state": True, "code": 7}),
        *(Pair("set_interface", (i,), "get_interface", (), i) for i in c.Interface),
        *(Pair("set_remote_interface_mode", (i,), "get_remote_interface_mode", (), i) for i in c.InterfaceMode),
        Pair("set_ieee_488", (30,), "get_ieee_488", (), 30),
        Pair("set_website_login", ("lab", "secret"), "get_website_login"),
        Pair(
            "set_network_settings",
            (False, True, *addresses),
            "get_network_settings",
            (),
            {"dhcp_enable": False, "ip_address": "10.0.0.2", "pref_host": "cold", "description": "the bench"},
        ),
        Pair("", (), "get_network_configuration", (), {"lan_status": c.LanStatus.DHCP}),
        Pair("set_standard_event_enable_mask", (mask,), "get_standard_event_enable_mask", (), mask),
        Pair("set_service_request", (service,), "get_service_request", (), service),
        Pair("set_operation_event_enable", (events,), "get_operation_event_enable", (), events),
        Pair("", (), "get_operation_event", (), {"new_sensor_reading": True}),
        Pair("", (), "get_operation_condition", (), {"alarm": False}),
        Pair("", (), "get_status_byte", (), {"operation_summary_bit": True}),
        Pair("", (), "get_self_test", (), False),
        Pair("clear_interface_command"),
    ]


def test_every_method_of_the_makers_package_does_what_it_says(makers_controller: Any) -> None:
    module = pytest.importorskip("lakeshore.model_336")
    pairs = [part(makers_controller, module) for part in (input_pairs, output_pairs, interface_pairs)]
    called = {name for part in pairs for name in walk(makers_controller, part)}
    makers_controller.set_heater_range(1, makers_controller.HeaterRange.LOW)
    makers_controller.reset_instrument()
    assert makers_controller.get_heater_range(1) == makers_controller.HeaterRange.OFF
    assert public_methods(type(makers_controller)) - NOT_THE_INSTRUMENTS - {"reset_instrument"} == called


def test_the_makers_package_reaches_every_setting_over_a_socket_too() -> None:
    lakeshore = pytest.importorskip("lakeshore")
    module = pytest.importorskip("lakeshore.model_336")
    with served_showroom(speed=100) as instruments:
        place = instruments["controller"]
        controller = lakeshore.Model336(ip_address=place["host"], tcp_port=place["port"])
        for part in (input_pairs, output_pairs, interface_pairs):
            walk(controller, part(controller, module))
        controller.disconnect_tcp()


def test_the_makers_package_is_told_of_what_the_instrument_refuses(makers_controller: Any) -> None:
    controller = makers_controller
    refused: dict[str, list[Callable[[], Any]]] = {
        "Execution Error": [
            lambda: controller.set_heater_pid(1, 1000.1, 1, 0),
            lambda: controller.command("INTYPE A,1,0,2,0,1"),
            lambda: controller.command("INTYPE A,2,0,7,0,1"),
            lambda: controller.command("OUTMODE 1,4,1,0"),
            lambda: controller.command("RANGE 3,2"),
            lambda: controller.command("CRVHDR 20,a,b,1,1,1"),
        ],
        "Command Error": [lambda: controller.command("PIDS 1"), lambda: controller.query("HTRSET?")],
        "autotune error": [lambda: controller.set_autotune(1, controller.AutotuneMode.P_ONLY)],
    }
    for words, calls in refused.items():
        for call in calls:
            with pytest.raises(Exception, match=words):
                call()
    status = controller.get_tuning_control_status()
    assert (status["tuning_error"], status["stage_status"]) == (True, 0)


def test_pymeasure_reads_the_inputs_and_sets_the_outputs(library: str, connect_pymeasure: Callable[..., Any]) -> None:
    driver = pytest.importorskip("pymeasure.instruments.lakeshore.lakeshore3xx")
    unit = driver.LakeShore3xx(connect_pymeasure(CONTROLLER, library, write_termination="\r\n"))
    assert "MODEL336" in unit.id
    assert unit.input_A.kelvin == pytest.approx(0.012, abs=1e-3)
    assert unit.input_C.celsius == pytest.approx(unit.input_C.kelvin - 273.15, abs=0.5)
    assert unit.input_A.sensor > 0
    for output, ranges in (
        (unit.output_1, ("low", "medium", "high", "off")),
        (unit.output_2, ("low", "medium", "high", "off")),
        (unit.output_3, ("low", "off")),
        (unit.output_4, ("low", "off")),
    ):
        for name in ranges:
            output.range = name
            assert output.range == name
        output.setpoint, output.mout = 4.2, 12.5
        assert (output.setpoint, output.mout, output.output) == (4.2, 12.5, 0.0)
    assert unit.ask("*ESR?").strip() == "128"
