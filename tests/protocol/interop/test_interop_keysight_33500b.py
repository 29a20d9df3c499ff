"""The 33512B driven by QCoDeS, PyMeasure and pylablib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
import pyvisa
from qcodes.instrument_drivers.Keysight import Keysight33512B

GENERATOR = "USB0::0x0957::0x2C07::MY52400001::INSTR"
_seeds = count(6000)


@pytest.fixture
def library() -> str:
    """Return a showroom of one's own: another seed is another bench."""
    return f"showroom?seed={next(_seeds)}@mqt"


@pytest.fixture
def qcodes_generator(library: str) -> Iterator[Keysight33512B]:
    generator = Keysight33512B("generator", GENERATOR, silent=True, visalib=library)
    yield generator
    generator.close()


def test_qcodes_knows_the_model_and_takes_a_snapshot(qcodes_generator: Keysight33512B) -> None:
    snapshot = qcodes_generator.snapshot(update=True)
    assert qcodes_generator.model == "33512B"
    assert qcodes_generator.num_channels == 2
    parameters = snapshot["submodules"]["ch2"]["parameters"]
    values = {name: parameter["value"] for name, parameter in parameters.items()}
    assert None not in values.values()
    assert values["amplitude"] == pytest.approx(0.1)
    assert values["burst_mode"] == "N Cycle"
    assert qcodes_generator.error() == (0, "No error")


def test_qcodes_sets_every_setting_of_a_channel_and_reads_it_back(qcodes_generator: Keysight33512B) -> None:
    channel = qcodes_generator.ch2
    settings: list[tuple[Any, Any]] = [
        *((channel.function_type, name) for name in ("SIN", "SQU", "TRI", "PULS", "PRBS", "NOIS", "ARB", "DC", "RAMP")),
        (channel.frequency_mode, "CW"),
        (channel.frequency, 81.0),
        (channel.phase, 90.0),
        *((channel.amplitude_unit, unit) for unit in ("VRMS", "DBM", "VPP")),
        (channel.amplitude, 1.5),
        (channel.offset, 0.75),
        (channel.output, "ON"),
        (channel.ramp_symmetry, 97.0),
        (channel.pulse_width, 1e-3),
        (channel.trigger_source, "EXT"),
        (channel.trigger_source, "BUS"),
        (channel.trigger_slope, "NEG"),
        (channel.trigger_count, 17),
        (channel.trigger_delay, 0.5),
        (channel.trigger_timer, 2.0),
        (channel.output_polarity, "INV"),
        (channel.burst_mode, "Gated"),
        (channel.burst_mode, "N Cycle"),
        (channel.burst_ncycles, 1000),
        (channel.burst_phase, -90.0),
        (channel.burst_polarity, "INV"),
        (channel.burst_int_period, 0.0125),
        (channel.burst_state, "ON"),
        (qcodes_generator.sync.output, "ON"),
        (qcodes_generator.sync.source, 2),
    ]
    for parameter, value in settings:
        parameter(value)
        read = parameter.get()
        assert read == (pytest.approx(value) if isinstance(value, float) else value), parameter.full_name
        assert qcodes_generator.error() == (0, "No error"), parameter.full_name
    channel.burst_ncycles("INF")
    assert channel.burst_ncycles.get() == float("inf")
    channel.burst_ncycles(1)
    qcodes_generator.force_trigger()
    qcodes_generator.sync_channel_phases()
    assert qcodes_generator.error() == (0, "No error")


def test_qcodes_flushes_the_error_queue(qcodes_generator: Keysight33512B) -> None:
    for _ in range(25):
        qcodes_generator.write("NONSENSE")
    errors = []
    while (error := qcodes_generator.error())[0]:
        errors.append(error)
    assert errors == [(-113, "Undefined header")] * 19 + [(-350, "Queue overflow")]


def test_pymeasure_programs_the_generator(library: str, connect_pymeasure: Callable[..., Any]) -> None:
    agilent = pytest.importorskip("pymeasure.instruments.agilent")
    generator = agilent.Agilent33500(connect_pymeasure(GENERATOR, library))
    generator.reset()
    generator.clear()
    settings: list[tuple[str, Any]] = [
        *(("shape", name) for name in ("SIN", "SQU", "TRI", "PULS", "PRBS", "NOIS", "ARB", "DC", "RAMP")),
        ("frequency", 1234.5),
        ("amplitude", 2.5),
        ("amplitude_unit", "VRMS"),
        ("amplitude_unit", "VPP"),
        ("offset", -0.3),
        ("voltage_high", 2.0),
        ("voltage_low", -1.0),
        ("phase", -180.0),
        ("square_dutycycle", 25.0),
        ("ramp_symmetry", 99.0),
        ("pulse_period", 1e-3),
        ("pulse_hold", "DCYC"),
        ("pulse_width", 1e-5),
        ("pulse_dutycycle", 20.0),
        ("pulse_transition", 2e-8),
        ("output", True),
        ("output_load", 75.0),
        ("burst_period", 0.2),
        ("burst_mode", "GAT"),
        ("burst_mode", "TRIG"),
        ("burst_ncycles", 7),
        ("burst_state", True),
        ("arb_advance", "TRIG"),
        ("arb_filter", "OFF"),
        ("arb_srate", 1e5),
        ("ext_trig_out", True),
        ("trigger_source", "BUS"),
    ]
    for target in (generator, generator.ch_2):
        for name, value in settings:
            if not hasattr(type(target), name):
                continue
            setattr(target, name, value)
            read = getattr(target, name)
            assert read == (pytest.approx(value) if isinstance(value, float) else value), name
            assert generator.check_errors() == [], name
        target.burst_state = False
        target.data_volatile_clear()
        target.data_arb("test", range(-10000, 10000, 20), data_format="DAC")
        target.data_arb("other", np.linspace(-1, 1, 64).tolist(), data_format="float")
        target.arb_file = "test"
        assert target.arb_file.strip('"') == "TEST"
        target.output_load = "INF"
        assert target.output_load == pytest.approx(9.9e37)
    generator.phase_sync()
    generator.beep()
    generator.burst_state = True
    generator.trigger()
    assert generator.check_errors() == []


def test_pylablib_counts_the_channels_and_sets_them_up(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generators = pytest.importorskip("pylablib.devices.AWG")
    manager = pyvisa.ResourceManager(library)
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda: manager)  # pylablib takes no library's name
    generator = generators.Agilent33500(GENERATOR)
    assert generator.get_channels_number() == 2
    generator.set_load(None, channel=1)
    assert generator.get_load(channel=1) == pytest.approx(1e6)
    for name in ("square", "pulse", "noise", "prbs", "dc", "arb", "sine", "ramp"):
        assert generator.set_function(name, channel=1) == name
    assert generator.set_output_range((0.2, 1.25), channel=1) == pytest.approx((0.2, 1.25))
    assert generator.set_output_range((2.0, 3.0), channel=1) == pytest.approx((2.0, 3.0))
    assert generator.set_frequency(80.0, channel=1) == pytest.approx(80.0)
    assert generator.set_ramp_symmetry(95.0, channel=1) == pytest.approx(95.0)
    assert generator.set_phase(30.0, channel=2) == pytest.approx(30.0)
    assert generator.set_burst_ncycles(12, channel=2) == 12
    assert generator.set_trigger_source("bus", channel=2) == "bus"
    assert generator.enable_sync_output(True, channel=1)
    assert generator.enable_output(True, channel=2)
    assert generator.set_output_polarity("inv", channel=2) == "inv"
    settings = generator.get_settings()
    assert settings["ch1/frequency"] == pytest.approx(80.0)
    generator.close()
