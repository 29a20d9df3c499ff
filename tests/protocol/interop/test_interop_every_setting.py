"""Every setting that other people's drivers have for the simulated sources, and every method.

What a driver declares and the instrument refuses is listed with the refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from qcodes.instrument import Instrument
from qcodes.instrument_drivers.Keysight import Keysight33512B, Keysight33522B
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

from tests.protocol.interop.settings_walk import errors_of, pymeasure_settings, qcodes_settings, walk

ADDRESS = "GPIB0::5::INSTR"
BENCH = """
instruments:
  source: {{model: {model}, address: "{address}", options: {options}}}
junction: {{critical_current: 9.489 uA, capacitance: 6.35 pF, resistance: 190 Ohm}}
bias:
  sources: [{source}]
"""
PORTS = {
    "keithley-6221": "{port: source.output, factor: 1}",
    "keysight-33512b": "{port: source.output1, resistance: 100 kOhm}",
    "keysight-33522b": "{port: source.output1, resistance: 100 kOhm}",
    "yokogawa-gs200": "{port: source.voltage, resistance: 100 kOhm}",
}
MakeBench = Callable[..., str]


@pytest.fixture
def bench_with(tmp_path: Path) -> MakeBench:
    """Return a function that makes a bench with one source and returns the name of its VISA library."""

    def make(model: str, options: str = "{}") -> str:
        path = tmp_path / "bench.yaml"
        path.write_text(BENCH.format(model=model, address=ADDRESS, options=options, source=PORTS[model]), "utf-8")
        return f"{path}@mqt"

    return make


@pytest.fixture(autouse=True)
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let drivers that sleep on the wall clock go on at once; the bench has a time of its own."""
    monkeypatch.setattr("time.sleep", lambda duration: None)


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    """Close what a failed test leaves open: QCoDeS gives a name only once."""
    yield
    Instrument.close_all()


# QCoDeS.


@pytest.mark.shown(5)
@pytest.mark.parametrize("driver", [Keysight33512B, Keysight33522B])
@pytest.mark.parametrize("function", ["SIN", "SQU", "TRI", "RAMP", "PULS", "PRBS", "NOIS", "ARB", "DC"])
def test_qcodes_walks_through_the_generator_with_every_function(
    bench_with: MakeBench, driver: Any, function: str
) -> None:
    model, highest = {Keysight33512B: ("keysight-33512b", 20e6), Keysight33522B: ("keysight-33522b", 30e6)}[driver]
    generator = driver("generator", ADDRESS, silent=True, visalib=bench_with(model))
    errors = errors_of(generator.ask)
    slow = function in ("TRI", "RAMP", "ARB")  # a ramp has its own limit, an arbitrary wave that of its clock
    refusals: dict[tuple[str, Any], int] = {("frequency", highest): -222} if slow else {}
    if function == "ARB":  # the built-in wave takes 0.1 s
        refusals["burst_state", "ON"] = -221
    more: dict[str, list[Any]] = {"amplitude": [1e-3, 10.0, 0.1], "offset": [4.9, -4.9, 0.0], "pulse_width": [1e-7]}
    for channel in (generator.ch1, generator.ch2):
        channel.function_type(function)
        count, wrong = walk(qcodes_settings(channel, more, frozenset({"function_type"})), errors, refusals)
        assert wrong == []
        assert count > 40
    assert walk(qcodes_settings(generator.sync, {}, frozenset()), errors, {}) == (4, [])
    generator.ch1.burst_state("ON")
    generator.ch1.trigger_source("BUS")
    generator.force_trigger()
    generator.sync_channel_phases()
    assert [code for code in errors() if code != -221] == []
    generator.close()


@pytest.mark.parametrize("options", ["{}", "{monitor: true, product: GS211}"])
@pytest.mark.parametrize("mode", ["VOLT", "CURR"])
def test_qcodes_walks_through_the_dc_source(bench_with: MakeBench, mode: str, options: str) -> None:
    source: Any = YokogawaGS200("dc", ADDRESS, visalib=bench_with("yokogawa-gs200", options))
    errors = errors_of(source.ask)
    source.source_mode(mode)
    ranges = {"VOLT": [0.01, 0.1, 1.0, 10.0, 30.0], "CURR": [1e-3, 1e-2, 0.1, 0.2]}[mode]
    # The driver itself refuses what belongs to the other mode, and the monitor while the output is off.
    own, other = ("voltage", "current") if mode == "VOLT" else ("current", "voltage")
    skip = {"source_mode", "system_errors", other, f"{other}_range", "measure", "load"}
    more: dict[str, list[Any]] = {own: [0.5e-3, -0.5e-3, 0.0], "save": ["a.csv"], "output_level": [1e-4, 0.0]}
    count, wrong = walk(qcodes_settings(source, more, frozenset(skip)), errors, {})
    assert wrong == []
    assert count > 40
    source.on()
    for size in ranges:
        source.range(size)
        for share in (1.0, -1.0, 0.123456, 0.0):
            source.output_level(share * size)
            assert source.output_level() == pytest.approx(share * size, abs=1e-4 * size)  # a step is 1e-5 to 3e-5 of it
        assert errors() == []
        if options != "{}" and size >= 1e-3 and (mode == "CURR" or size >= 1):
            source.measure.on()
            assert source.measure.measure() == 0.0
    source.auto_range(True)
    for level in (1e-4, 0.02, 0.2, -0.2):
        source.output_level(level)
        assert source.output_level() == pytest.approx(level, rel=1e-5)
    source.close()


@pytest.mark.parametrize("ramp_mode", ["HARDWARE", "SOFTWARE"])
def test_qcodes_ramps_the_dc_source_and_waits_for_its_end(bench_with: MakeBench, ramp_mode: str) -> None:
    source: Any = YokogawaGS200("dc", ADDRESS, visalib=bench_with("yokogawa-gs200"))
    errors = errors_of(source.ask)
    source.voltage_range(1.0)
    source.on()
    source.ramp_rate(1.0)
    source.ramp_step(0.01)
    source.ramp_mode(ramp_mode)
    source.voltage(0.5)
    assert source.voltage() == 0.5
    source.ramp_voltage(-0.3)
    assert source.voltage() == -0.3
    source.ramp_mode("HARDWARE")
    source.ramp_blocking(False)
    source.voltage(0.7)
    assert -0.3 <= source.voltage() < 0.7
    program = source.program
    for step in (program.hold, program.hold, program.pause, program.cont):
        step()
    source.visa_handle.visalib.clock.sleep(1.1)
    assert source.voltage() == 0.7
    assert errors() == []
    source.reset()
    assert source.output() == "off"
    source.close()


# PyMeasure.


@pytest.fixture
def adapter_for(bench_with: MakeBench, connect_pymeasure: Callable[..., Any]) -> Callable[[str], Any]:
    """Return a function that connects PyMeasure to a source on a bench of its own."""
    return lambda model: connect_pymeasure(ADDRESS, bench_with(model))


def test_pymeasure_walks_through_the_current_source(adapter_for: Callable[[str], Any]) -> None:
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    source = keithley.Keithley6221(adapter_for("keithley-6221"))
    errors = errors_of(source.ask)
    readings = frozenset({"buffer_data", "delta_sense", "delta_values"})  # there are none without a nanovoltmeter
    unknown = frozenset({"standard_event_enabled"})  # the driver forgets the asterisk
    texts = frozenset({"error", "next_error"})
    more: dict[str, list[Any]] = {
        "delta_buffer_points": [1, 65536],  # the driver allows 1e6
        "srq_event_enabled": [0, 191],  # bit 6 cannot be set
        **{f"{kind}_event_enabled": [0, 32767] for kind in ("measurement", "operation", "questionable")},
        "source_range": [2e-9, 0.1],  # others read back as the next range
        "source_auto_range": [False],  # would choose 2 nA, which refuses 105 mA
    }
    count, wrong = walk(pymeasure_settings(source, more, readings | unknown | texts), errors, {})
    assert wrong == []
    assert count > 70
    for name, codes in (("delta_values", [-230, -420]), ("standard_event_enabled", [-113, -420])):
        with pytest.raises(Exception, match="TMO"):
            getattr(source, name)
        assert errors() == codes


def test_every_method_of_pymeasures_current_source_is_answered(adapter_for: Callable[[str], Any]) -> None:
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    source = keithley.Keithley6221(adapter_for("keithley-6221"))
    errors = errors_of(source.ask)
    calls: list[tuple[Callable[[], Any], list[int]]] = [
        (source.reset, []),
        (source.enable_source, []),
        (source.disable_source, []),
        (lambda: source.define_arbitary_waveform(np.linspace(-1, 1, 100), 4), []),
        (source.waveform_duration_set_infinity, []),
        (source.waveform_arm, []),
        (source.waveform_start, []),
        (source.waveform_abort, []),
        (lambda: source.beep(440, 0.1), []),
        (lambda: source.triad(440, 0.1), []),
        (source.trigger_immediately, []),
        (source.trigger_on_bus, []),
        (source.trigger_on_external, []),
        (lambda: source.trigger_on_external(4), []),
        (lambda: source.set_timed_arm(0.5), []),
        (source.disable_output_trigger, []),
        (lambda: source.output_trigger_on_external(1), []),
        (source.trigger, [-211]),
        (source.delta_arm, [-241]),
        (source.delta_start, [-221]),
        (source.delta_abort, []),
        (lambda: source.config_buffer(64, 0.1), []),
        (source.is_buffer_full, []),
        (source.reset_buffer, []),
        (source.start_buffer, [-221]),
        (source.stop_buffer, []),
        (source.disable_buffer, []),
        (source.clear, []),
        (source.check_errors, []),
        (source.shutdown, []),
    ]
    for call, codes in calls:
        call()
        assert errors() == codes, call
    assert source.waveform_function == "arbitrary4"


@pytest.mark.parametrize("driver", ["Agilent33500", "Agilent33521A"])
def test_pymeasure_walks_through_the_generator(adapter_for: Callable[[str], Any], driver: str) -> None:
    model = {"Agilent33500": "keysight-33512b", "Agilent33521A": "keysight-33522b"}[driver]
    agilent = pytest.importorskip("pymeasure.instruments.agilent")
    generator = getattr(agilent, driver)(adapter_for(model))
    errors = errors_of(generator.ask)
    # The driver serves faster models, too. Of levels that cross the other one gives way, with an error.
    refusals: dict[tuple[str, Any], int] = {("pulse_period", 33e-9): -222}
    refusals |= {("offset", -4.995): -221, ("offset", 4.995): -221}  # at 100 mVpp
    refusals |= {("voltage_high", -4.999): -221, ("voltage_low", 4.999): -221}
    more: dict[str, list[Any]] = {
        "output_load": [1, 10e3, "INF", 50.0],
        "pulse_dutycycle": [1e-2, 100],  # a pulse has 16 ns at least
        "display": ["hello"],
    }
    for target in (generator, generator.ch_1, generator.ch_2):
        generator.reset()
        if driver == "Agilent33500" or target is not generator:
            refusals["frequency", 120e6] = -222
        count, wrong = walk(pymeasure_settings(target, more, frozenset({"next_error"})), errors, refusals)
        assert wrong == []
        assert count > 50


def test_every_method_of_pymeasures_generator_is_answered(adapter_for: Callable[[str], Any]) -> None:
    agilent = pytest.importorskip("pymeasure.instruments.agilent")
    generator = agilent.Agilent33500(adapter_for("keysight-33512b"))
    errors = errors_of(generator.ask)
    generator.reset()
    for target in (generator, generator.ch_1, generator.ch_2):
        target.data_volatile_clear()
        target.data_arb("dac", range(-10000, 10000, 20), data_format="DAC")
        target.data_arb("real", np.linspace(-1, 1, 64).tolist(), data_format="float")
        for name in ("dac", "real"):
            target.arb_file = name
            assert target.arb_file.strip('"') == name.upper()
        target.shape = "ARB"
        assert errors() == []
    generator.display = "hello"
    generator.clear_display()
    generator.beep()
    generator.phase_sync()
    generator.burst_ncycles = 3
    generator.trigger_source = "BUS"
    generator.burst_state = True
    generator.output = True
    assert errors() == []
    clock = generator.adapter.connection.visalib.clock
    begin = clock.now()
    generator.arb_srate = 64e3  # 1 ms a period
    generator.trigger()
    generator.wait_for_trigger()
    assert clock.now() - begin > 3e-3
    assert errors() == []


def test_pymeasure_walks_through_the_dc_source(adapter_for: Callable[[str], Any]) -> None:
    yokogawa = pytest.importorskip("pymeasure.instruments.yokogawa")
    adapter = adapter_for("yokogawa-gs200")
    with pytest.warns(FutureWarning, match="SCPI"):
        source = yokogawa.YokogawaGS200(adapter)
    errors = errors_of(source.ask)
    names = frozenset({"source_mode", "next_error"})  # the driver does not read the mode back as it was set
    for mode, ranges in (("voltage", [0.01, 0.1, 1, 10, 30]), ("current", [1e-3, 0.01, 0.1, 0.2])):
        source.source_mode = mode
        more: dict[str, list[Any]] = {"source_range": ranges, "source_level": [1e-3, -1e-3, 0]}
        count, wrong = walk(pymeasure_settings(source, more, names), errors, {})
        assert wrong == []
        assert count > 12
        source.source_range = ranges[2]
        source.source_enabled = True
        source.trigger_ramp_to_level(ranges[2], 0.5)
        adapter.connection.visalib.clock.sleep(0.6)
        assert source.source_level == pytest.approx(ranges[2])
        source.trigger_ramp_to_level(0, 0.01)  # at once
        assert source.source_level == 0.0
        source.source_enabled = False
        assert errors() == []


# pylablib.


def test_pylablib_sets_everything_that_it_has_on_both_channels_of_the_generator(
    bench_with: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    generators = pytest.importorskip("pylablib.devices.AWG")
    manager = pyvisa.ResourceManager(bench_with("keysight-33512b"))
    monkeypatch.setattr(pyvisa, "ResourceManager", lambda: manager)  # pylablib takes no library's name
    generator = generators.Agilent33500(ADDRESS)
    settings: list[tuple[str, list[Any]]] = [
        ("function", ["square", "ramp", "pulse", "noise", "prbs", "dc", "arb", "sine"]),
        ("load", [75.0, 50.0]),
        ("amplitude", [0.01, 1.0]),
        ("offset", [-1.0, 1.0, 0.0]),
        ("frequency", [1e-6, 20e6, 1e3]),
        ("phase", [-360.0, 360.0, 0.0]),
        ("duty_cycle", [0.01, 99.98]),
        ("ramp_symmetry", [0.0, 100.0]),
        ("pulse_width", [16e-9, 1e-4]),
        ("output_polarity", ["inv", "norm"]),
        ("burst_mode", ["trig"]),  # for gated bursts the driver sends and expects GATE, which is no form of GATed
        ("burst_ncycles", [1, 100000]),
        ("gate_polarity", ["inv", "norm"]),
        ("trigger_source", ["ext", "bus", "imm"]),
        ("trigger_slope", ["neg", "pos"]),
        ("output_trigger_slope", ["neg", "pos"]),
    ]
    switches = ["output", "sync_output", "trigger_output", "burst"]
    for channel in (1, 2):
        generator.select_current_channel(channel)
        for name, values in settings:
            for value in values:
                read = getattr(generator, f"set_{name}")(value)
                assert read == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value), name
        for name in switches:
            for state in (True, False):
                assert getattr(generator, f"enable_{name}")(state) is state
        assert generator.set_output_range((1.0, 1.0)) == pytest.approx((0.99, 1.01))  # by way of DC
        assert generator.get_function() == "dc"
    generator.sync_phase()
    generator.apply_settings(generator.get_settings())
    assert "ch2/burst_mode" in generator.get_full_info()
    generator.close()
    source: Any = manager.open_resource(ADDRESS)
    source.read_termination = "\n"
    # The driver reads what is not there at connect (-420) and sets levels in an order that makes others give way.
    assert {code for code in errors_of(source.query)() if code not in (-420, -221)} == set()
