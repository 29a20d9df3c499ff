"""pyvisa-py's HiSLIP and drivers on top of it, against the HiSLIP of a served bench; byte by byte it is in `served`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource
from qcodes.instrument_drivers.Keysight import Keysight33512B
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336, LakeshoreModel372
from qcodes.instrument_drivers.yokogawa import YokogawaGS200

from tests.protocol.served.in_a_thread import ServedBench, serving_in_a_thread

_seeds = count(9500)


@pytest.fixture
def showroom() -> Iterator[ServedBench]:
    """Serve a showroom of one's own."""
    pytest.importorskip("pyvisa_py", exc_type=ImportError)
    with serving_in_a_thread(f"showroom?seed={next(_seeds)}") as served:
        yield served


@pytest.fixture
def open_at() -> Iterator[Callable[[str], MessageBasedResource]]:
    """Open addresses with pyvisa-py, without any termination character: HiSLIP has END."""
    manager = pyvisa.ResourceManager("@py")

    def opened(address: str) -> MessageBasedResource:
        resource = manager.open_resource(address, open_timeout=5000)
        assert isinstance(resource, MessageBasedResource)
        resource.timeout = 10_000
        return resource

    yield opened
    manager.close()


def test_messages_blocks_status_and_clear_need_no_terminations(
    showroom: ServedBench, open_at: Callable[[str], MessageBasedResource]
) -> None:
    counter = open_at(showroom.hislip("counter"))
    assert "53230A" in counter.query("*IDN?")
    counter.write("*RST;:FORM REAL,64;:CONF:FREQ (@2);:INP2:COUP DC;:INP2:LEV 0")
    counter.write("SAMP:COUN 4000;:FREQ:GATE:TIME 1E-5;:INIT")
    assert counter.query("*OPC?").strip() == "1"
    # What a raw socket cannot do: a block without a length ends with END.
    counter.write("FETC?")
    raw = counter.read_raw()
    assert (raw[:2], len(raw)) == (b"#0", 2 + 8 * 4000 + 1)
    assert np.all(np.frombuffer(raw[2:-1], ">f8") > 1e3)
    assert counter.read_stb() & 16 == 0
    counter.write("*RST;:SYST:TIM INF;:CONF:TINT (@1),(@2);:READ?")
    counter.clear()
    assert counter.query("SYST:ERR?").strip() == '+0,"No error"'


def test_two_sessions_get_their_own_replies(
    showroom: ServedBench, open_at: Callable[[str], MessageBasedResource]
) -> None:
    first, second = (open_at(showroom.hislip("source")) for _ in range(2))
    first.write("SOUR:CURR:COMP 7;COMP?")
    second.write("*IDN?")
    assert "6221" in second.read()
    assert float(first.read()) == 7.0


def test_qcodes_drivers_open_hislip_addresses(showroom: ServedBench) -> None:
    opened: list[Any] = []
    try:
        for kind, name in (
            (Keysight33512B, "generator"),
            (YokogawaGS200, "dc_source"),
            (LakeshoreModel372, "thermometer"),
            (LakeshoreModel336, "controller"),
        ):
            opened.append(kind(name, showroom.hislip(name), visalib="@py"))
        generator, source, bridge, controller = opened
        generator.ch1.frequency(81.0)
        assert generator.ch1.frequency() == 81.0
        source.source_mode("VOLT")
        assert source.voltage() == 0.0
        assert 0.0 < bridge.ch06.temperature() < 1.0
        assert controller.A.temperature() > 0.0
    finally:
        for each in opened:
            each.close()


def test_pymeasure_opens_hislip_addresses(showroom: ServedBench, connect_pymeasure: Callable[..., Any]) -> None:
    keithley = pytest.importorskip("pymeasure.instruments.keithley")
    source = keithley.Keithley6221(connect_pymeasure(showroom.hislip("source"), "@py"))
    assert "6221" in source.id
    source.source_compliance = 3.0
    assert source.source_compliance == 3.0
    assert source.check_errors() == []
