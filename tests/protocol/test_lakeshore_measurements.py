"""One complete measurement with each Lake Shore controller, in plain PyVISA as the manuals describe it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, groupby, pairwise
from typing import Any

import pytest
import pyvisa

BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
CONTROLLER = "TCPIP0::192.0.2.36::7777::SOCKET"
_seeds = count(7700)


class Client:
    """A VISA session with a Lake Shore controller, and the bench's clock."""

    def __init__(self, address: str) -> None:
        self.manager = pyvisa.ResourceManager(f"showroom?seed={next(_seeds)}@mqt")
        self.device: Any = self.manager.open_resource(address, read_termination="\r\n", write_termination="\r\n")
        library: Any = self.manager.visalib
        self.clock, self.bench = library.clock, library.bench

    def write(self, *messages: str) -> None:
        for message in messages:
            self.device.write(message)

    def query(self, message: str) -> str:
        return str(self.device.query(message))

    def settle(self, query: str, target: float, band: float, deadline: float) -> float:
        """Poll every 2 s until ten readings in a row lie in the band; return how long it took in s."""
        start, inside = self.clock.now(), 0
        while inside < 10:
            assert self.clock.now() - start < deadline
            self.clock.sleep(2.0)
            value, status = self.query(query).split(";")
            inside = inside + 1 if int(status) == 0 and abs(float(value) / target - 1) < band else 0
        return float(self.clock.now() - start)


@pytest.fixture
def bridge() -> Iterator[Client]:
    client = Client(BRIDGE)
    yield client
    client.manager.close()


@pytest.fixture
def controller() -> Iterator[Client]:
    client = Client(CONTROLLER)
    yield client
    client.manager.close()


def holding_power(temperature: float) -> float:
    """Return the power in W that holds the showroom's cryostat at a temperature in K (docs/bench.md)."""
    return 400e-6 * ((temperature / 0.1) ** 2 - (0.012 / 0.1) ** 2)


def set_up_bridge(bridge: Client) -> None:
    """Configure channel 6, the scanner and the sample heater."""
    assert bridge.query("*IDN?").startswith("LSCI,MODEL372,")
    bridge.write("*RST;*CLS")
    for channel in range(1, 17):
        bridge.write(f"INSET {channel},{int(channel in (5, 6))},5,3,21,1")
    bridge.write("INTYPE 6,0,2,1,14,0,1;FILTER 6,1,5,10;FREQ 6,2;SCAN 6,0", 'INNAME 6,"mixing chamber"')
    bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,5,6,0,0,1,5;PID 0,10,20,0;RAMP 0,0,0;SETP 0,0.1;RANGE 0,5")
    assert bridge.query("*ESR?") == "000"


def test_the_372_regulates_ramps_and_scans(bridge: Client) -> None:
    set_up_bridge(bridge)
    assert bridge.settle("KRDG? 6;RDGST? 6", 0.1, 0.01, 300.0) < 180
    # 3.16 mA into 100 Ohm is 1 mW; the heater's percentage is one of the current.
    power = 1e-3 * (float(bridge.query("HTR?")) / 100) ** 2
    assert power == pytest.approx(holding_power(0.1), rel=0.05)
    assert bridge.query("HTRST? 0") == "0"

    bridge.write("RAMP 0,1,0.06;*SRE 128;SETP 0,0.14")
    assert bridge.query("RAMPST? 0") == "1"
    bridge.clock.sleep(20.0)
    assert float(bridge.query("SETP? 0")) == pytest.approx(0.12, abs=1e-3)
    assert 0.102 < float(bridge.query("KRDG? 6")) < 0.12  # behind the set point, which it follows
    bridge.clock.sleep(25.0)
    assert bridge.query("RAMPST? 0;SETP? 0") == "0;+140.000E-03"
    assert bridge.device.read_stb() & 192 == 192  # the ramp's end requested service

    bridge.write("SCAN 6,1")
    places = []
    for _ in range(240):
        bridge.clock.sleep(0.2)
        places.append((bridge.clock.now(), bridge.query("SCAN?").split(",")[0]))
    visits = [(name, [t for t, _ in times]) for name, times in groupby(places, key=lambda place: place[1])]
    assert {name for name, _ in visits} == {"05", "06"}
    # Pause of 3 s and dwell of 5 s on each channel; seen every 0.3 s.
    for (_, before), (_, after) in pairwise(visits[1:]):
        assert after[0] - before[0] == pytest.approx(8.0, abs=0.5)
    bridge.write("SCAN 6,0;RANGE 0,0")
    bridge.clock.sleep(300.0)
    assert float(bridge.query("KRDG? 6")) < 0.015
    assert bridge.query("*ESR?") == "000"


def test_the_372_is_not_spoken_to_more_than_twenty_times_a_second(bridge: Client) -> None:
    start = bridge.clock.now()
    for _ in range(41):
        bridge.query("KRDG? 6")
    assert bridge.clock.now() - start == pytest.approx(2.0, abs=0.1)


def test_the_value_of_a_channel_that_is_not_scanned_is_an_old_one_without_saying_so(bridge: Client) -> None:
    set_up_bridge(bridge)
    bridge.settle("KRDG? 6;RDGST? 6", 0.1, 0.01, 300.0)
    bridge.write("SCAN 5,0")
    held = bridge.query("KRDG? 6;RDGST? 6")
    bridge.write("RANGE 0,0")
    bridge.clock.sleep(60.0)
    assert bridge.query("KRDG? 6;RDGST? 6") == held
    assert bridge.bench.cryostat.mixing_chamber < 0.05
    bridge.write("SCAN 6,0")
    bridge.clock.sleep(2.5)
    assert bridge.query("KRDG? 6") == held.split(";")[0]  # the pause is 3 s
    bridge.clock.sleep(30.0)
    assert float(bridge.query("KRDG? 6")) < 0.03


def test_the_336_regulates_ramps_and_protects(controller: Client) -> None:
    assert controller.query("*IDN?").startswith("LSCI,MODEL336,")
    controller.write("*RST;*CLS", "INTYPE A,3,1,0,1,1;FILTER A,0,8,10;INCRV A,21", 'INNAME A,"mixing chamber"')
    controller.write("HTRSET 1,1,0,0.1,1;OUTMODE 1,1,1,0;PID 1,10,50,0;SETP 1,0.3;RANGE 1,2")
    assert controller.query("*ESR?") == "000"
    assert controller.settle("KRDG? A;RDGST? A", 0.3, 0.01, 400.0) < 300
    # 100 mA into 25 Ohm, a tenth of the power in the medium range.
    power = 0.1 * 0.1**2 * 25 * (float(controller.query("HTR? 1")) / 100) ** 2
    assert power == pytest.approx(holding_power(0.3), rel=0.05)

    controller.write("OPSTE 8;*SRE 128;*CLS;RAMP 1,1,0.3;SETP 1,0.4")
    assert controller.query("RAMPST? 1") == "1"
    controller.clock.sleep(10.0)
    assert float(controller.query("SETP? 1")) == pytest.approx(0.35, abs=2e-3)
    controller.clock.sleep(15.0)
    assert controller.query("RAMPST? 1;SETP? 1") == "0;+000.400"
    assert controller.device.read_stb() & 192 == 192
    assert int(controller.query("OPSTR?")) & 8

    low, high = (float(value) for value in controller.query("MDAT? A").split(","))
    assert low < 0.02 < 0.35 < high
    controller.write("TLIMIT A,0.2")
    controller.clock.sleep(1.0)
    assert controller.query("RANGE? 1;HTR? 1") == "0;+000.0"
    controller.clock.sleep(300.0)
    assert [float(value) for value in controller.query("KRDG? 0").split(",")][:2] == pytest.approx(
        [0.012] * 2, abs=2e-3
    )
