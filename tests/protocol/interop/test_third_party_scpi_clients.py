"""Drivers that nobody here wrote, living their normal life on the built-in bench.

QCoDeS is always there; the others are an optional group and are skipped where they are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
import pyvisa
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

SOURCE = "GPIB0::12::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
_seeds = count(5000)


@pytest.fixture
def library() -> str:
    """Return a bench of one's own: another seed is another bench."""
    return f"?seed={next(_seeds)}@mqt"


@pytest.fixture
def qcodes_bridge(library: str) -> Iterator[LakeshoreModel372]:
    bridge = LakeshoreModel372("bridge", BRIDGE, visalib=library)
    yield bridge
    bridge.close()


def test_qcodes_takes_a_snapshot_of_the_372_and_sees_its_values(qcodes_bridge: LakeshoreModel372) -> None:
    snapshot = qcodes_bridge.snapshot(update=True)
    channel = snapshot["submodules"]["ch06"]["parameters"]
    assert channel["temperature"]["value"] == pytest.approx(0.012, rel=0.02)
    assert channel["sensor_status"]["value"] == "OK"
    assert channel["units"]["value"] == "kelvin"
    heater = snapshot["submodules"]["sample_heater"]["parameters"]
    assert (heater["mode"]["value"], heater["output_range"]["value"], heater["P"]["value"]) == ("off", "off", 10.0)
    assert qcodes_bridge.get_idn()["model"] == "372"  # the driver takes "MODEL" off


def test_qcodes_sets_every_setting_of_output_and_channel_and_reads_it_back(qcodes_bridge: LakeshoreModel372) -> None:
    channel, heater = qcodes_bridge.ch05, qcodes_bridge.sample_heater
    heater.setpoint.post_delay = 0
    settings: list[tuple[Any, Any]] = [
        (channel.enabled, False),
        (channel.dwell, 20),
        (channel.pause, 5),
        (channel.curve_number, 25),
        (channel.temperature_coefficient, "positive"),
        (channel.excitation_mode, "current"),
        (channel.excitation_range_number, 13),
        (channel.auto_range, "off"),
        (channel.range, "63.2 kOhm"),
        (channel.current_source_shunted, True),
        (channel.units, "ohms"),
        (channel.t_limit, 1.5),
        (channel.sensor_name, "mixing chamber1"),
        (heater.mode, "closed_loop"),
        (heater.input_channel, 6),
        (heater.powerup_enable, True),
        (heater.polarity, "bipolar"),
        (heater.use_filter, True),
        (heater.delay, 7),
        (heater.P, 3.0),
        (heater.I, 40.0),
        (heater.D, 1.0),
        (heater.setpoint_ramp_rate, 2.5),
        (heater.setpoint_ramp_enabled, False),
        (heater.setpoint, 0.15),
        *((heater.output_range, name) for name in heater.RANGES),
    ]
    for parameter, value in settings:
        parameter(value)
        read = parameter.get()
        assert read == pytest.approx(value) if isinstance(value, float) else read == value
    assert qcodes_bridge.visa_handle.query("*ESR?") == "128"  # power-on and no error


def test_qcodes_heats_the_cryostat_to_a_set_point_and_back(qcodes_bridge: LakeshoreModel372) -> None:
    heater = qcodes_bridge.sample_heater
    heater.setpoint.post_delay = 0
    clock: Any = qcodes_bridge.visa_handle.visalib
    heater.mode("closed_loop")
    heater.output_range("10mA")
    heater.setpoint(0.1)
    clock.clock.sleep(300)
    assert qcodes_bridge.ch06.temperature() == pytest.approx(0.1, rel=0.01)
    assert heater.output() > 5
    heater.output_range("off")
    clock.clock.sleep(300)
    assert qcodes_bridge.ch06.temperature() < 0.02


def test_pymeasure_runs_a_wave_on_the_6221_and_waits_for_its_end(
    library: str, connect_pymeasure: Callable[..., Any]
) -> None:
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    source = keithley.Keithley6221(connect_pymeasure(SOURCE, library))
    source.clear()
    source.reset()
    source.source_range = 2e-3
    settings = {
        "waveform_function": "ramp",
        "waveform_amplitude": 1e-3,
        "waveform_offset": 1e-4,
        "source_compliance": 10,
        "waveform_dutycycle": 70,
        "waveform_frequency": 347,
        "waveform_ranging": "best",
        "waveform_duration_cycles": 100,
        "waveform_use_phasemarker": True,
        "waveform_phasemarker_phase": 180,
        "waveform_phasemarker_line": 3,
        "source_delay": 0.1,
        "output_low_grounded": True,
        "shield_to_guard_enabled": True,
        "operation_event_enabled": 128,
        "srq_event_enabled": 128,
    }
    for name, value in settings.items():
        setattr(source, name, value)
        read = getattr(source, name)
        assert read == (pytest.approx(value) if isinstance(value, float) else value), name
    source.waveform_duration_time = 999999.999
    source.waveform_duration_cycles = 100
    source.waveform_arm()
    source.waveform_start()
    source.adapter.wait_for_srq()
    source.waveform_abort()
    source.shutdown()
    source.define_arbitary_waveform(np.linspace(-1, 1, 100), 2)
    assert source.waveform_function == "arbitrary2"
    assert source.check_errors() == []
    assert source.source_enabled is False


def test_the_makers_own_package_runs_the_372(library: str) -> None:
    lakeshore = pytest.importorskip("lakeshore")
    client: Any = pyvisa.ResourceManager(library).open_resource(
        BRIDGE, read_termination="\r\n", write_termination="\r\n"
    )
    bridge = lakeshore.Model372(57600, connection=client)
    assert bridge.model_number == "MODEL372"
    assert bridge.get_kelvin_reading(6) == pytest.approx(0.012, rel=0.02)
    bridge.set_filter(0, True, 10, 20)
    assert bridge.get_filter(16) == {"state": True, "settle_time": 10, "window": 20}
    bridge.disable_input(4)
    assert bridge.get_input_channel_parameters(4).enable is False
    bridge.set_heater_output_range(0, bridge.SampleHeaterOutputRange.RANGE_10_MILLI_AMPS)
    bridge.set_warmup_output(True, 50)
    assert bridge.get_warmup_output() == {"auto_control": True, "current": 50.0}
    bridge.set_scanner_status(5, True)
    assert bridge.get_scanner_status() == {"input_channel": 5, "status": True}
    with pytest.raises(Exception, match="Execution Error"):
        bridge.set_heater_pid(0, 1001, 0, 0)
    bridge.all_off()
    assert bridge.get_all_input_readings("A").keys() == {"kelvin", "resistance", "power"}
