"""A bench with an instrument on every interface, for tests of the VISA library itself."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from pyvisa import errors

from tests.protocol.served.in_a_thread import serving_in_a_thread

__all__ = ["BENCH", "EVERYTHING", "manager", "now", "open_one", "status_of"]

SOURCE = "GPIB0::12::INSTR"
COUNTER = "TCPIP0::10.0.0.1::inst0::INSTR"
BRIDGE = "TCPIP0::10.0.0.2::7777::SOCKET"
SERIAL = "ASRL3::INSTR"
GENERATOR = "USB0::0x0957::0x2C07::MY52400001::0::INSTR"
STOCK, STOCK_SERIAL = "GPIB0::20::INSTR", "ASRL9::INSTR"
EVERYTHING = (SOURCE, COUNTER, BRIDGE, SERIAL, GENERATOR, STOCK, STOCK_SERIAL)

LATENCY = 2e-3
BYTE_TIME = 1e-5

BENCH = rf"""
transport: {{latency: 2 ms, byte_rate: 100 kB/s}}
instruments:
  source: {{model: keithley-6221, address: "{SOURCE}"}}
  counter: {{model: keysight-53230a, address: "{COUNTER}"}}
  bridge: {{model: lakeshore-372, address: "{BRIDGE}"}}
  cable: {{model: lakeshore-372, address: "{SERIAL}"}}
  generator: {{model: keysight-33512b, address: "{GENERATOR}"}}
cryostat:
  sensors: {{bridge.ch6: mixing_chamber}}

spec: "1.1"
devices:
  voltmeter:
    eom:
      GPIB INSTR: {{q: "\n", r: "\n"}}
      ASRL INSTR: {{q: "\r\n", r: "\r\n"}}
    error: ERROR
    dialogues:
      - {{q: "*IDN?", r: "STOCK"}}
      - {{q: "QUIET"}}
resources:
  {STOCK}: {{device: voltmeter}}
  {STOCK_SERIAL}: {{device: voltmeter}}
"""


@pytest.fixture(params=["in process", "served"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[pyvisa.ResourceManager]:
    """Open the bench in this process, or as another process has it."""
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH)
    gc.collect()  # a library lives as long as somebody holds it; this one is to be new
    if request.param == "in process":
        manager = pyvisa.ResourceManager(f"{path}@mqt")
        yield manager
        manager.close()
        return
    with serving_in_a_thread(str(path), None) as bench:
        assert bench.backend is not None
        manager = pyvisa.ResourceManager(bench.backend)
        yield manager
        manager.close()
        del manager
        gc.collect()


def open_one(manager: pyvisa.ResourceManager, name: str, **options: Any) -> Any:
    crlf = "7777" in name or "ASRL" in name
    endings = {"read_termination": "\r\n" if crlf else "\n", "write_termination": "\r\n" if crlf else "\n"}
    return manager.open_resource(name, **{**endings, **options})


def now(manager: pyvisa.ResourceManager) -> float:
    library: Any = manager.visalib
    return float(library.clock.now())


def status_of(call: Any, *arguments: Any, **options: Any) -> int:
    with pytest.raises(errors.VisaIOError) as caught:
        call(*arguments, **options)
    return caught.value.error_code
