"""The showroom bench, and switching histograms through the generator and both counters, by plain PyVISA."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from numpy.typing import NDArray
from scipy import stats

from mqtctl.physics import Junction, SwitchingDistribution

GENERATOR = "USB0::0x0957::0x2C07::MY52400001::INSTR"
COUNTER = "TCPIP0::192.0.2.53::inst0::INSTR"
INTERVAL_COUNTER = "GPIB0::16::INSTR"
BINARY_UNIT = 1.05963812934e-14
POINTS, RISE = 10_000, 9_000
TOP = 1.22  # V, across 100 kOhm
LAG, AMPLIFIER = 1e-6, 0.105e-6
_seeds = count(9000)

BENCH = """
transport: {{latency: {latency}, byte_rate: 1 MB/s}}
instruments:
  generator: {{model: keysight-33512b, address: "{generator}"}}
  counter: {{model: keysight-53230a, address: "{counter}"}}
  interval_counter: {{model: srs-sr620, address: "{interval_counter}"}}
junction: {{critical_current: 9.489 uA, capacitance: 6.35 pF, resistance: 190 Ohm}}
bias:
  sources: [{{port: generator.output1, resistance: 100 kOhm}}]
  lag: 1 us
  noise: 0.1 nA
markers:
  - {{from: generator.sync, to: counter.input1, pulse: high, high: 3.3 V, width: 10 us}}
  - {{from: generator.sync, to: interval_counter.inputA, pulse: high, high: 3.3 V, width: 10 us}}
readouts:
  - {{to: counter.input2, noise: 2 uV}}
  - {{to: interval_counter.inputB, noise: 2 uV}}
"""


class Chain:
    """Generator and counters of a bench of one's own."""

    def __init__(self, path: Path, latency: str) -> None:
        text = BENCH.format(latency=latency, generator=GENERATOR, counter=COUNTER, interval_counter=INTERVAL_COUNTER)
        path.write_text(text, encoding="utf-8")
        manager = pyvisa.ResourceManager(f"{path}@mqt")
        ends: dict[str, Any] = {"read_termination": "\n", "write_termination": "\n", "timeout": 60_000}
        self.generator: Any = manager.open_resource(GENERATOR, **ends)
        self.counter: Any = manager.open_resource(COUNTER, **ends)
        self.interval_counter: Any = manager.open_resource(INTERVAL_COUNTER, **ends)
        library: Any = manager.visalib
        self.clock, self.bench = library.clock, library.bench

    def ramp(self, frequency: float) -> float:
        """Program bursts of one ramp each with idle time between them, and return the ramp rate in A/s."""
        wave = np.full(POINTS, -1.0, dtype=np.float32)
        wave[:RISE] = np.linspace(-1, 1, RISE)
        wave[RISE : RISE + 200] = np.linspace(1, -1, 200)
        self.generator.write("*RST;*CLS")
        self.generator.write("OUTP1:LOAD INF")
        self.generator.write(f"VOLT:LOW 0;HIGH {TOP}")
        self.generator.write_binary_values("DATA:ARB ramp,", wave, datatype="f", is_big_endian=True)
        rate = POINTS * frequency * 1.01
        for command in (
            "FUNC:ARB ramp",
            "FUNC ARB",
            f"FUNC:ARB:SRAT {rate}",
            "BURS:MODE TRIG;NCYC 1",
            f"BURS:INT:PER {1 / frequency}",
            "TRIG1:SOUR TIM",
            "BURS:STAT ON",
            "OUTP:SYNC ON",
        ):
            self.generator.write(command)
        assert self.generator.query("SYST:ERR?") == '+0,"No error"'
        return TOP / 100e3 / ((RISE - 1) / rate)

    def set_interval_counter(self) -> None:
        """Set the SR620 to intervals from A to B."""
        self.interval_counter.write("*RST;*CLS;AUTM0;MODE0;SRCE0;ARMM1;SIZE1")
        self.interval_counter.write("LEVL1,1.0;LEVL2,1.0;TSLP1,0;TSLP2,0;TERM1,1;TERM2,1")

    def p_value(self, intervals: NDArray[np.float64], ramp_rate: float) -> float:
        """Return the Kolmogorov-Smirnov p-value of intervals in s against the physics, the delay taken off."""
        currents = ramp_rate * (intervals - LAG - AMPLIFIER)
        law = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), self.bench.cryostat.sample, ramp_rate)
        return float(stats.kstest(law.cdf(currents), "uniform").pvalue)


@pytest.fixture
def chain(tmp_path: Path) -> Callable[[str], Chain]:
    """Return a function that builds a bench with a latency of the lines."""
    return lambda latency: Chain(tmp_path / "bench.yaml", latency)


def test_one_of_every_instrument_stands_in_the_showroom_and_knows_its_name() -> None:
    manager = pyvisa.ResourceManager(f"showroom?seed={next(_seeds)}@mqt")
    names = []
    for resource in manager.list_resources("?*"):
        instrument: Any = manager.open_resource(resource, read_termination="\n", write_termination="\n")
        names.append(instrument.query("*IDN?").split(",")[1].strip())
    assert sorted(names) == ["33512B", "53230A", "GS210", "MODEL 6221", "MODEL336", "MODEL372", "SR620"]


def test_the_53230a_times_the_generators_ramps_as_the_physics_says(chain: Callable[[str], Chain]) -> None:
    setup = chain("1 ms")
    rate = setup.ramp(100.0)
    counter = setup.counter
    for command in (
        "*RST;*CLS",
        "SYST:TIM 0.025",
        "CONF:TINT (@1),(@2)",
        "INP1:COUP DC;LEV 1.0;SLOP POS",
        "INP2:COUP DC;LEV 1.0;SLOP POS",
        "SAMP:COUN 4000",
        "FORM REAL,64",
        "INIT",
    ):
        counter.write(command)
    setup.generator.write("OUTP1 ON")
    setup.clock.sleep(4000 / 100.0 + 0.1)
    counter.read_termination = None
    intervals = counter.query_binary_values("R?", datatype="d", is_big_endian=True, container=np.array)
    assert len(intervals) == 4000
    assert setup.p_value(intervals, rate) > 1e-3


@pytest.mark.slow
def test_the_sr620_dumps_every_ramp_at_100_hz_and_they_follow_the_physics(chain: Callable[[str], Chain]) -> None:
    setup = chain("0.1 ms")
    rate = setup.ramp(100.0)
    setup.set_interval_counter()
    setup.generator.write("OUTP1 ON")
    begin = setup.clock.now()
    setup.interval_counter.write("BDMP 1500")
    intervals = np.frombuffer(setup.interval_counter.read_bytes(8 * 1500), "<i8") * BINARY_UNIT
    assert (setup.clock.now() - begin) * 100.0 / 1500 == pytest.approx(1.0, abs=0.01)
    assert setup.p_value(intervals, rate) > 1e-3


@pytest.mark.shown(2)
@pytest.mark.parametrize("frequency", [100.0, 1e3, 1e4])
@pytest.mark.parametrize("how", ["BDMP", "MEAS?"])
def test_the_sr620_skips_ramps_as_its_dead_time_demands(
    chain: Callable[[str], Chain], frequency: float, how: str
) -> None:
    # N readings take N T ceil((0.7 T + dead + host) / T), with 750 us of dead time, and for
    # MEAS? 250 us for the text, 5 ms for the end of the group and here 0.2 ms for query and reply.
    setup = chain("0.1 ms")
    setup.ramp(frequency)
    setup.set_interval_counter()
    setup.generator.write("OUTP1 ON")
    counter, number = setup.interval_counter, 400
    begin = setup.clock.now()
    if how == "BDMP":
        counter.write(f"BDMP{number}")
        counter.read_bytes(8 * number)
    else:
        intervals = [float(counter.query("MEAS?0")) for _ in range(number)]
        assert np.mean(intervals) * frequency == pytest.approx(0.69, abs=0.02)
    ramps = (setup.clock.now() - begin) * frequency / number
    dead = 750e-6 if how == "BDMP" else 6.2e-3
    assert ramps == pytest.approx(math.ceil(0.69 + dead * frequency), abs=0.6 if frequency > 1e3 else 0.05)


def test_a_sample_nobody_fetches_stops_the_dump(chain: Callable[[str], Chain]) -> None:
    setup = chain("0.1 ms")
    setup.ramp(100.0)
    setup.set_interval_counter()
    setup.generator.write("OUTP1 ON")
    setup.interval_counter.write("BDMP 3")
    setup.interval_counter.read_bytes(8)
    setup.clock.sleep(1.0)  # nothing is kept meanwhile but the one sample that is waiting
    begin = setup.clock.now()
    setup.interval_counter.read_bytes(8)
    assert setup.clock.now() - begin < 1e-3
    setup.interval_counter.read_bytes(8)
    assert setup.clock.now() - begin > 5e-3


def test_a_dump_without_ramps_times_out_and_any_command_ends_it(chain: Callable[[str], Chain]) -> None:
    setup = chain("0.1 ms")
    setup.set_interval_counter()
    setup.interval_counter.write("BDMP 10")
    setup.interval_counter.timeout = 500
    with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
        setup.interval_counter.read_bytes(8)
    assert setup.interval_counter.query("*IDN?").startswith("StanfordResearchSystems,SR620")


def test_the_33512b_and_the_sr620_meet_over_the_serial_port_of_the_showroom() -> None:
    manager = pyvisa.ResourceManager(f"showroom?seed={next(_seeds)}@mqt")
    counter: Any = manager.open_resource("ASRL1::INSTR", read_termination="\r\n", write_termination="\r")
    counter.write("*CLS;STOP;AUTM0;")
    assert counter.query("STUP?;").count(",") == 23
    assert counter.query("MODE?;ARMM?;*ESR?") == "0;1;0"
    generator: Any = manager.open_resource(GENERATOR, read_termination="\n", write_termination="\n")
    for command in ("OUTP1:LOAD INF", "VOLT:LOW -1;HIGH 1.2", "FUNC SIN", "FREQ 50", "OUTP1 ON"):
        generator.write(command)
    counter.write("LEVL1,1;LEVL2,1")
    interval = float(counter.query("MEAS? 0"))
    # The sine starts at its middle, 0.1 V, with the Sync edge, and reaches 9.4 uA behind a fifth of its period.
    assert interval == pytest.approx(math.asin((0.94 - 0.1) / 1.1) / (2 * math.pi * 50), rel=0.02)
