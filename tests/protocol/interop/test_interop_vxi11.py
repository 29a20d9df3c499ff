"""pyvisa-py's VXI-11, and a driver on top of it, against a served bench; byte by byte it is in `served`."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import pyvisa
from mqtctl_drivers.keithley_6221 import Keithley6221
from pyvisa.constants import StatusCode
from pyvisa.resources import MessageBasedResource
from pyvisa_mqt.bench.bench import open_bench
from pyvisa_mqt.serve.in_a_thread import ServedBench, serving
from pyvisa_mqt.serve.server import BenchServer

from mqtctl.errors import HardwareError
from mqtctl.instruments.registry import adapter_for
from mqtctl.station.connecting import Player

pytest.importorskip("pyvisa_py", exc_type=ImportError)


@pytest.fixture(scope="module")
def showroom() -> Iterator[ServedBench]:
    """Serve one showroom, whose addresses say the port: its port mapper is not where all look."""
    with serving(BenchServer(open_bench("showroom?seed=9600"), 100.0, mapper_port=0)) as served:
        yield served


@pytest.fixture
def open_at() -> Iterator[Callable[[str], MessageBasedResource]]:
    """Open addresses with pyvisa-py, without any termination character: VXI-11 has END."""
    manager = pyvisa.ResourceManager("@py")

    def opened(address: str) -> MessageBasedResource:
        resource = manager.open_resource(address, open_timeout=5000)
        assert isinstance(resource, MessageBasedResource)
        resource.timeout = 10_000
        return resource

    yield opened
    manager.close()


def test_messages_blocks_status_trigger_and_clear_need_no_terminations(
    showroom: ServedBench, open_at: Callable[[str], MessageBasedResource]
) -> None:
    counter = open_at(showroom.vxi11("counter"))
    assert "53230A" in counter.query("*IDN?")
    counter.write("*RST;:FORM REAL,64;:CONF:FREQ (@2);:INP2:COUP DC;:INP2:LEV 0")
    counter.write("SAMP:COUN 4000;:FREQ:GATE:TIME 1E-5;:TRIG:SOUR BUS;:INIT")
    counter.assert_trigger()
    assert counter.query("*OPC?").strip() == "1"
    counter.write("FETC?")
    assert counter.read_stb() & 16
    raw = counter.read_raw()
    assert (raw[:2], len(raw)) == (b"#0", 2 + 8 * 4000 + 1)
    assert np.all(np.frombuffer(raw[2:-1], ">f8") > 1e3)
    assert counter.read_stb() & 16 == 0
    counter.write("*RST;:SYST:TIM INF;:CONF:TINT (@1),(@2);:READ?")
    counter.timeout = 20
    with pytest.raises(pyvisa.VisaIOError) as timeout:
        counter.read()
    assert timeout.value.error_code == StatusCode.error_timeout
    counter.timeout = 10_000
    counter.clear()
    assert counter.query("*RST;:SYST:ERR?").strip() == '+0,"No error"'


def test_two_sessions_get_their_own_replies_and_one_may_lock_the_other_out(
    showroom: ServedBench, open_at: Callable[[str], MessageBasedResource]
) -> None:
    first, second = (open_at(showroom.vxi11("source")) for _ in range(2))
    first.write("SOUR:CURR:COMP 7;COMP?")
    second.write("*IDN?")
    assert "6221" in second.read()
    assert float(first.read()) == 7.0
    first.lock_excl()
    with pytest.raises(pyvisa.VisaIOError) as locked:
        second.read_stb()
    assert locked.value.error_code == StatusCode.error_resource_locked
    with pytest.raises(pyvisa.VisaIOError) as written:
        second.write("*IDN?")
    assert written.value.error_code == StatusCode.error_io  # not "locked": findings/, pyvisa-py and VXI-11
    first.unlock()
    assert "6221" in second.query("*IDN?")


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # pyvisa-py leaves the connection of such a name open
def test_a_name_that_is_not_there_is_a_sentence_though_pyvisa_py_raises_a_bare_exception(showroom: ServedBench) -> None:
    address = showroom.vxi11("source").replace("inst0", "inst19")
    adapter = adapter_for("ramp_source", "mqtctl_drivers.keithley_6221.Keithley6221")
    source = Player("ramp_source", "source", Path("station.yaml"), address, Keithley6221, adapter, {}, "@py")
    with pytest.raises(HardwareError, match=r"instruments\.source: .*inst19.* refuses the connection .*link: 3"):
        source.identify()
    gc.collect()  # what is left open is closed here, and not in another test


def test_a_termination_character_ends_a_read_in_the_middle_of_a_reply(
    showroom: ServedBench, open_at: Callable[[str], MessageBasedResource]
) -> None:
    source = open_at(showroom.vxi11("source"))
    source.read_termination = ","
    assert source.query("*IDN?") == "KEITHLEY INSTRUMENTS INC."
    assert source.read() == "MODEL 6221"
    source.clear()


def test_the_program_prints_addresses_that_pyvisa_py_opens_whether_or_not_port_111_is_to_be_had(
    open_at: Callable[[str], MessageBasedResource],
) -> None:
    command = [sys.executable, "-m", "mqtctl", "bench", "serve", "showroom", "--vxi11", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            places = json.loads(process.stdout.readline())["instruments"]
            sources = [open_at(places[name]["vxi11"]) for name in ("source", "generator")]
            assert [source.query("*IDN?").split(",")[1] for source in sources] == ["MODEL 6221", "33512B"]
            for source in sources:  # behind the program's end each would wait 5 s for it
                source.close()
        finally:
            process.terminate()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 0
    told = [place["vxi11"].partition("::")[2] for place in places.values()]
    if "," in told[0]:
        assert said.count("\n") == 1
        assert "port 111 of 127.0.0.1 cannot be had" in said
    else:
        assert told == [f"127.0.0.1::inst{number}::INSTR" for number in range(7)]
        assert said == ""


def test_a_qcodes_driver_opens_vxi11_addresses(showroom: ServedBench) -> None:
    drivers = pytest.importorskip("qcodes.instrument_drivers.Keysight")
    generator = drivers.Keysight33512B("vxi11_generator", showroom.vxi11("generator"), visalib="@py")
    try:
        generator.ch1.frequency(81.0)
        assert generator.ch1.frequency() == 81.0
    finally:
        generator.close()
