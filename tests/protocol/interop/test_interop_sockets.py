"""Drivers that nobody here wrote, over loopback sockets with pyvisa-py, as a user of `mqtctl bench serve` runs them.

What each of them can set is walked through on the backend; here it is connections, blocks, waits and the end of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from mqtctl_drivers.keithley_6221 import Keithley6221
from mqtctl_drivers.keysight_53230a import Keysight53230A
from qcodes.instrument import Instrument
from qcodes.instrument_drivers.Keysight import Keysight33512B
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336, LakeshoreModel372
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

from tests.protocol.served.in_a_thread import ServedBench, serving_in_a_thread

_seeds = count(9000)


@pytest.fixture
def showroom() -> Iterator[ServedBench]:
    """Serve a showroom of one's own."""
    pytest.importorskip("pyvisa_py", exc_type=ImportError)
    with serving_in_a_thread(f"showroom?seed={next(_seeds)}") as served:
        yield served


def errors_of(ask: Callable[[str], str]) -> list[str]:
    """Empty an error queue."""
    errors = []
    while not (error := ask("SYST:ERR?")).lstrip("+").startswith("0"):
        errors.append(error)
    return errors


def set_and_read(settings: list[tuple[Any, Any]]) -> None:
    """Set QCoDeS parameters and read each back."""
    for parameter, value in settings:
        parameter.post_delay = 0
        parameter(value)
        read = parameter.get()
        same = read == (pytest.approx(value) if isinstance(value, float) else value)
        assert same or str(read) == str(value), parameter.full_name


def read_doubles(resource: Any) -> Any:
    """Read a definite block and its line feed; a raw socket has no END, so all lengths must be known."""
    digits = int(resource.read_bytes(2)[1:])
    values = np.frombuffer(resource.read_bytes(int(resource.read_bytes(digits))), ">f8")
    assert resource.read_bytes(1) == b"\n"
    return values.astype(float)


# QCoDeS.


def test_qcodes_runs_the_generator_and_finds_it_as_it_left_it(showroom: ServedBench) -> None:
    for life in range(2):
        generator = Keysight33512B("generator", showroom.address("generator"), silent=True, visalib="@py")
        try:
            channel = generator.ch1
            if life:
                assert channel.frequency() == 81.0
                assert channel.function_type() == "RAMP"
                assert channel.burst_state() == "ON"
                channel.burst_state("OFF")
            snapshot = generator.snapshot(update=True)["submodules"]["ch2"]["parameters"]
            assert None not in [parameter["value"] for parameter in snapshot.values()]
            functions = ("SIN", "SQU", "TRI", "PULS", "PRBS", "NOIS", "ARB", "DC", "RAMP")
            set_and_read([*((channel.function_type, name) for name in functions), (channel.frequency, 81.0)])
            set_and_read([(channel.amplitude, 1.5), (channel.offset, 0.75), (channel.output, "ON")])
            set_and_read([(channel.trigger_source, "BUS"), (channel.burst_mode, "N Cycle"), (channel.burst_ncycles, 5)])
            set_and_read([(channel.burst_state, "ON"), (generator.sync.output, "ON")])
            generator.force_trigger()
            assert generator.error() == (0, "No error")
        finally:
            generator.close()


def test_qcodes_runs_the_dc_source_through_a_ramp(showroom: ServedBench) -> None:
    source: Any = YokogawaGS200("dc", showroom.address("dc_source"), visalib="@py")
    try:
        set_and_read([(source.voltage_range, 1.0), (source.output, "on"), (source.voltage_limit, 5)])
        source.ramp_rate(10.0)
        source.voltage(0.5)
        assert source.voltage() == 0.5
        source.ramp_voltage(-0.25, ramp_mode="HARDWARE")
        assert source.voltage() == -0.25
        source.output("off")
        source.source_mode("CURR")
        set_and_read([(source.current_range, 0.01), (source.current, 0.005)])
        assert errors_of(source.ask) == []
    finally:
        source.close()


def warms_to(showroom: ServedBench, sensor: Any, there: Callable[[float], bool]) -> bool:
    """Wait until a thermometer shows what is wanted; False if it has not within half an hour of bench time."""
    for _ in range(180):
        if there(sensor.temperature()):
            return True
        showroom.wait(10.0)
    return False


@pytest.mark.parametrize(
    ("driver", "name", "channel", "range_name"),
    [(LakeshoreModel372, "thermometer", "ch06", "10mA"), (LakeshoreModel336, "controller", "A", "medium")],
)
def test_qcodes_heats_the_cryostat_and_lets_it_cool(
    showroom: ServedBench, driver: Any, name: str, channel: str, range_name: str
) -> None:
    for _ in range(2):  # the second one begins where the first has ended
        controller = driver(name, showroom.address(name), visalib="@py")
        try:
            heater = getattr(controller, "sample_heater", None) or controller.output_1
            sensor = getattr(controller, channel)
            assert sensor.temperature() < 0.03
            if name == "controller":
                controller.write("HTRSET 1,1,0,0.1,1")  # 100 mA
            settings: list[tuple[Any, Any]] = [(heater.mode, "closed_loop"), (heater.P, 10.0), (heater.I, 50.0)]
            settings += [(heater.input_channel, 6 if name == "thermometer" else "A"), (heater.setpoint, 0.1)]
            set_and_read([*settings, (heater.output_range, range_name)])
            assert warms_to(showroom, sensor, lambda kelvins: kelvins > 0.08)
            heater.output_range("off")
            assert warms_to(showroom, sensor, lambda kelvins: kelvins < 0.03)
            assert int(controller.ask("*ESR?")) & 0b111100 == 0
        finally:
            controller.close()


# PyMeasure.


def pymeasure_adapter(showroom: ServedBench, name: str, ending: str = "\n") -> Any:
    adapters = pytest.importorskip("pymeasure.adapters")
    options = {"read_termination": ending, "write_termination": "\n", "timeout": 10_000}
    return adapters.VISAAdapter(showroom.address(name), visa_library="@py", **options)


def test_pymeasure_runs_a_wave_on_the_6221(showroom: ServedBench) -> None:
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    for _ in range(2):
        source = keithley.Keithley6221(pymeasure_adapter(showroom, "source"))
        source.reset()
        source.source_range = 2e-3
        source.waveform_function = "ramp"
        source.waveform_amplitude = 1e-3
        source.waveform_frequency = 347
        source.waveform_duration_cycles = 100
        source.waveform_use_phasemarker = True
        source.waveform_arm()
        source.waveform_start()
        assert source.ask("*OPC?").strip() == "1"
        showroom.wait(1.0)
        assert int(source.ask(":STAT:OPER:COND?")) & 8 == 0  # the sweep is over
        source.waveform_abort()
        source.define_arbitary_waveform(np.linspace(-1, 1, 100), 2)
        assert source.waveform_function == "arbitrary2"
        source.shutdown()
        assert source.check_errors() == []
        source.adapter.close()


def test_pymeasure_loads_a_wave_into_the_generator_and_waits_for_its_burst(showroom: ServedBench) -> None:
    agilent = pytest.importorskip("pymeasure.instruments.agilent")
    generator = agilent.Agilent33500(pymeasure_adapter(showroom, "generator"))
    generator.data_volatile_clear()
    generator.data_arb("dac", range(-10000, 10000, 20), data_format="DAC")
    generator.arb_file = "dac"
    generator.shape = "ARB"
    generator.arb_srate = 1e4  # 0.1 s a period
    generator.burst_ncycles = 3
    generator.trigger_source = "BUS"
    generator.burst_state = True
    generator.output = True
    begin = showroom.bench.clock.now()
    generator.trigger()
    generator.wait_for_trigger()
    assert showroom.bench.clock.now() - begin >= 0.3
    assert generator.check_errors() == []
    generator.adapter.close()


def test_pymeasure_runs_the_336_and_the_dc_source(showroom: ServedBench) -> None:
    lakeshore = pytest.importorskip("pymeasure.instruments.lakeshore.lakeshore3xx")
    yokogawa = pytest.importorskip("pymeasure.instruments.yokogawa")
    controller = lakeshore.LakeShore3xx(showroom.address("controller"), visa_library="@py", timeout=10_000)
    assert controller.id.startswith("LSCI,MODEL336")
    assert controller.input_A.kelvin == pytest.approx(0.012, abs=1e-3)
    controller.output_1.setpoint = 1.5
    assert controller.output_1.setpoint == 1.5
    controller.output_1.range = "low"
    assert controller.output_1.range == "low"
    controller.output_1.range = "off"
    controller.adapter.close()
    with pytest.warns(FutureWarning, match="SCPI"):
        source = yokogawa.YokogawaGS200(pymeasure_adapter(showroom, "dc_source"))
    source.source_mode = "voltage"
    source.source_range = 1
    source.source_enabled = True
    source.trigger_ramp_to_level(0.5, 0.2)
    showroom.wait(0.5)
    assert source.source_level == pytest.approx(0.5)
    source.source_enabled = False
    source.adapter.close()


# The thermometers' maker, which opens its own sockets.


@pytest.mark.parametrize(("model", "name", "channel"), [("372", "thermometer", 6), ("336", "controller", "A")])
def test_the_makers_own_package_connects_by_itself(showroom: ServedBench, model: str, name: str, channel: Any) -> None:
    lakeshore = pytest.importorskip("lakeshore")
    driver = getattr(lakeshore, f"Model{model}")
    place = {"ip_address": "127.0.0.1", "tcp_port": showroom.port(name)}
    if model == "372":
        place["baud_rate"] = 57600
    for life in range(3):
        with driver(**place) as controller:
            assert controller.model_number == f"MODEL{model}"
            assert controller.get_kelvin_reading(channel) == pytest.approx(0.012, rel=0.03)
            if life:
                assert controller.get_heater_pid(1 if model == "336" else 0)["gain"] == 12.0
            controller.set_heater_pid(1 if model == "336" else 0, 12, 30, 5)
            with driver(**place) as second:  # two sockets are what it has
                assert second.get_heater_pid(1 if model == "336" else 0)["integral"] == 30.0
            with pytest.raises(Exception, match="Execution Error"):
                controller.set_heater_pid(1 if model == "336" else 0, 1001, 1, 0)
            controller.all_heaters_off() if model == "336" else controller.all_off()


# Plain pyvisa-py, and this project's own drivers on it.


def test_all_spellings_of_binary_and_text_blocks_come_through_pyvisa_py(showroom: ServedBench) -> None:
    manager = pyvisa.ResourceManager("@py")
    counter: Any = manager.open_resource(showroom.address("counter"), timeout=20_000)
    counter.read_termination = counter.write_termination = "\n"
    readings = np.linspace(1e-3, 2e-2, 1000)
    memory: Any = showroom.bench.instruments["TCPIP0::192.0.2.53::inst0::INSTR"]
    memory.memory.append(readings)
    counter.write("FORM ASC,15")
    assert np.allclose(counter.query_ascii_values("FETC?", container=np.array), readings, rtol=1e-13, atol=0)
    counter.write("FORM REAL,64")
    counter.read_termination = None
    counter.write("R?")
    assert read_doubles(counter).tobytes() == readings.tobytes()
    counter.read_termination = "\n"
    assert errors_of(counter.query) == []
    counter.close()
    manager.close()


def test_this_projects_own_drivers_time_switches_over_sockets(showroom: ServedBench) -> None:
    source: Any = Keithley6221("source", showroom.address("source"), visalib="@py")
    counter: Any = Keysight53230A("counter", showroom.address("counter"), visalib="@py")
    try:
        for driver in (source, counter):
            driver.visa_handle.timeout = 20_000
            assert driver.get_idn()["model"] in ("MODEL 6221", "6221", "53230A")
        source.write(
            "*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA " + ",".join(f"{p:.4f}" for p in [*np.linspace(0, 1, 97), 0, 0, 0])
        )
        source.write("SOUR:WAVE:FREQ 100;AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:CYCL 6000")
        counter.write("*RST;:SYST:TIM 0.1;:CONF:TINT (@1),(@2);:FORM REAL;:SAMP:COUN 100")
        counter.write(":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS;:INIT")
        assert counter.ask("DATA:POIN?") == "+0"  # what was sent to a socket is executed once it is answered
        source.write("SOUR:WAVE:ARM;INIT")
        for _ in range(100):
            if counter.ask("DATA:POIN?") == "+100":
                break
            showroom.wait(0.1)
        counter.visa_handle.read_termination = None
        counter.write("R?")
        intervals = read_doubles(counter.visa_handle)
        counter.visa_handle.read_termination = "\n"
        assert len(intervals) == 100
        switches = intervals[intervals < 0.01]  # before the ramps began there was nothing to time
        assert len(switches) > 30
        assert switches.mean() == pytest.approx(9.2e-3, rel=0.05)  # of 10 ms to 10 uA: at about 9.3 uA
        assert errors_of(source.ask) == []
        assert all("321" in error for error in errors_of(counter.ask))  # those without a ramp took too long
    finally:
        source.close()
        counter.close()


# The serial counter.


def test_pyvisa_py_runs_the_serial_counter(showroom: ServedBench) -> None:
    manager = pyvisa.ResourceManager("@py")
    for _ in range(3):
        counter: Any = manager.open_resource(
            showroom.address("interval_counter"),
            baud_rate=9600,
            stop_bits=pyvisa.constants.StopBits.two,
            read_termination="\r\n",
            write_termination="\r\n",
            timeout=20_000,
        )
        assert counter.query("*IDN?").startswith("StanfordResearchSystems,SR620")
        counter.write("*CLS;MODE0;SRCE0;ARMM1;SIZE1;LEVL1,1.65;LEVL2,1;TSLP1,0;TSLP2,0")
        assert float(counter.query("LEVL?1")) == pytest.approx(1.65, abs=0.01)
        assert int(counter.query("*ESR?")) & 0b111100 == 0
        counter.close()
    manager.close()


def test_a_driver_from_the_package_index_runs_the_serial_counter(showroom: ServedBench) -> None:
    driver = pytest.importorskip("sr620py.sr620")
    counter = driver.SR620(showroom.device("interval_counter"))
    counter.DELAY_CONF = 0
    assert counter.mode == "time"
    for mode, source in (("width", "A"), ("freq", "B"), ("time", "A")):
        counter.set_custom_configuration(mode=mode, source=source, jitter="ALL", arming="1ds", size=10, clock="int")
        assert (counter.mode, counter.source, counter.size) == (mode, source, 10)
    assert counter.cont
    counter.close_connection()


# docs/bench-serve.md.


def test_the_clients_of_the_page_do_what_it_prints(showroom: ServedBench, capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("pymeasure", "lakeshore", "serial"):
        pytest.importorskip(package)
    page = (Path(__file__).parents[3] / "docs" / "bench-serve.md").read_text(encoding="utf-8")
    for name, port in re.findall(r"^(\w+) .*TCPIP::127\.0\.0\.1::(\d+)::SOCKET(?: |$)", page, re.MULTILINE):
        page = page.replace(port, str(showroom.port(name)))
    for name, address in re.findall(r"^(\w+) .* (TCPIP0::127\.0\.0\.1::hislip\d::INSTR)$", page, re.MULTILINE):
        page = page.replace(address, showroom.hislip(name))
    page = page.replace("/dev/pts/3", showroom.device("interval_counter"))
    clients = re.findall(r"```python\n(.*?)```", page.partition("## As JSON")[0], re.DOTALL)
    namespace: dict[str, Any] = {}
    said = []
    try:
        for code in clients:
            exec(compile(code, "docs/bench-serve.md", "exec"), namespace)
            said.append(capsys.readouterr().out)
    finally:
        Instrument.close_all()
        namespace["source"].adapter.close()
        namespace["manager"].close()
    assert "53230A" in said[0]
    assert said.pop(0).splitlines()[-1].strip() == "0"  # the same by HiSLIP, and the status byte
    assert "53230A" in said[0]
    assert [float(said[number].split()[-1]) for number in (1, 3)] == pytest.approx([0.012, 0.012], rel=0.05)
    assert said[2].strip().endswith("MODEL 6221,1400001,D04 []")
    assert (said[4], "SR620" in said[5]) == ("", True)
