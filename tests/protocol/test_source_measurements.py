"""One complete operation of each simulated source through plain PyVISA, as its manual describes it.

The 6221's wave with phase marker and a service request at its end, a triggered burst of the 33512B, and a program
of the GS200; all that is used of the bench beside VISA is its temperature, to compare with the physics.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
from numpy.typing import NDArray
from pyvisa.constants import EventMechanism, EventType
from scipy import stats

from mqtctl.physics import Junction, SwitchingDistribution

SOURCE, GENERATOR, DC_SOURCE = "GPIB0::12::INSTR", "USB0::0x0957::0x2C07::MY52400001::INSTR", "GPIB0::1::INSTR"
COUNTER = "TCPIP0::192.0.2.53::inst0::INSTR"
BENCH = f"""
seed: {{seed}}
instruments:
  source: {{{{model: keithley-6221, address: "{SOURCE}"}}}}
  generator: {{{{model: keysight-33512b, address: "{GENERATOR}"}}}}
  dc_source: {{{{model: yokogawa-gs200, address: "{DC_SOURCE}", options: {{{{monitor: true, load: 100 kOhm}}}}}}}}
  counter: {{{{model: keysight-53230a, address: "{COUNTER}"}}}}
junction: {{{{critical_current: 9.489 uA, capacitance: 6.35 pF, resistance: 190 Ohm}}}}
bias:
  sources:
    - {{{{port: source.output, factor: 1}}}}
    - {{{{port: generator.output1, resistance: 100 kOhm}}}}
    - {{{{port: dc_source.voltage, resistance: 100 kOhm}}}}
  lag: 1 us
markers:
  - {{{{from: {{marker}}, to: counter.input1, pulse: {{pulse}}, width: 10 us}}}}
readouts: [{{{{to: counter.input2, noise: 2 uV}}}}]
"""
#: Of the bias line and of the amplifier at a threshold of 1 V, s.
DELAY = 1e-6 + 0.105e-6
POINTS, RISE, TOP = 2000, 1800, 11e-6
_seeds = count(1)


class Laboratory:
    """A bench of one's own and what is connected to it."""

    def __init__(self, path: Path, marker: str, pulse: str) -> None:
        path.write_text(BENCH.format(seed=next(_seeds), marker=marker, pulse=pulse), "utf-8")
        self._manager = pyvisa.ResourceManager(f"{path}@mqt")
        self.library: Any = self._manager.visalib

    def connect(self, resource: str) -> Any:
        """Open an instrument and clear its status."""
        instrument: Any = self._manager.open_resource(resource, read_termination="\n", write_termination="\n")
        instrument.write("*RST")
        instrument.write("*CLS")
        return instrument

    def counting(self, samples: int, slope: str, longest: float) -> Any:
        """Start the counter on intervals from the marker's edge to the junction's step, at most `longest` s."""
        counter = self.connect(COUNTER)
        for command in (
            f"SYST:TIM {longest}",
            "CONF:TINT (@1),(@2)",
            f"INP1:COUP DC;LEV 1.0;SLOP {slope}",
            "INP2:COUP DC;LEV 1.0;SLOP POS",
            f"SAMP:COUN {samples}",
            "INIT",
        ):
            counter.write(command)
        return counter

    def p_value(self, intervals: NDArray[np.float64], ramp_rate: float) -> float:
        """Return the Kolmogorov-Smirnov p-value of intervals in s against the physics."""
        currents = ramp_rate * (intervals - DELAY)
        law = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), self.library.bench.cryostat.sample, ramp_rate)
        return float(stats.kstest(law.cdf(currents), "uniform").pvalue)


@pytest.fixture
def laboratory(tmp_path: Path) -> Callable[[str, str], Laboratory]:
    """Return a function that builds a bench with one marker, from a connector and of a polarity."""
    return lambda marker, pulse: Laboratory(tmp_path / "bench.yaml", marker, pulse)


def ramp() -> NDArray[np.float64]:
    """Return one period, -1 to 1: up in 9/10 of it, then back and at rest."""
    wave = np.full(POINTS, -1.0)
    wave[:RISE] = np.linspace(-1, 1, RISE, endpoint=False)
    return wave


def test_a_wave_of_the_6221_with_its_marker_asks_for_service_when_it_is_over(
    laboratory: Callable[[str, str], Laboratory],
) -> None:
    lab = laboratory("source.marker", "low")
    source, frequency, ramps = lab.connect(SOURCE), 50.0, 1000
    for command in ("CURR:RANG 20e-6", "CURR:COMP 0.1", "WAVE:FUNC ARB0"):
        source.write(f"SOUR:{command}")
    for begin in range(0, POINTS, 100):
        points = ",".join(f"{point:.6g}" for point in ramp()[begin : begin + 100])
        source.write(f"SOUR:WAVE:ARB:{'APP' if begin else 'DATA'} {points}")
    assert int(source.query("SOUR:WAVE:ARB:POIN?")) == POINTS
    source.write(f"SOUR:WAVE:AMPL {TOP / 2};OFFS {TOP / 2};FREQ {frequency};RANG FIX")
    source.write(f"SOUR:WAVE:PMAR:OLIN 3;LEV 0;STAT ON;:SOUR:WAVE:DUR:CYCL {ramps}")
    source.write("STAT:OPER:ENAB 128;*SRE 128")
    counter = lab.counting(ramps, "NEG", 0.05)
    source.enable_event(EventType.service_request, EventMechanism.queue)
    source.write("SOUR:WAVE:ARM")
    source.write("SOUR:WAVE:INIT")
    begin = lab.library.clock.now()
    source.wait_on_event(EventType.service_request, 60_000)
    assert lab.library.clock.now() - begin == pytest.approx(ramps / frequency, abs=0.01)
    assert source.read_stb() & 0xC0 == 0xC0
    assert int(source.query("STAT:OPER?")) & 128
    source.write("SOUR:WAVE:ABOR")
    assert source.query("OUTP?;:SYST:ERR?") == '0;0,"No error"'
    intervals = np.array(counter.query_ascii_values("FETC?"))
    assert len(intervals) == ramps
    # A staircase lags its straight line by half a step.
    assert lab.p_value(intervals - 0.5 / (POINTS * frequency), TOP * frequency * POINTS / RISE) > 1e-3


@pytest.mark.parametrize("how", ["*TRG", "group execute trigger"])
def test_a_triggered_burst_of_the_33512b_makes_as_many_ramps_as_it_has_cycles(
    laboratory: Callable[[str, str], Laboratory], how: str
) -> None:
    lab = laboratory("generator.sync", "high")
    generator, frequency, ramps = lab.connect(GENERATOR), 50.0, 1000
    generator.write("OUTP1:LOAD INF")
    generator.write(f"VOLT:LOW 0;HIGH {TOP * 1e5}")
    generator.write("FORM:BORD NORM;:DATA:VOL:CLE")
    generator.write_binary_values("DATA:ARB ramp,", ramp().tolist(), datatype="f", is_big_endian=True)
    generator.write(f"FUNC:ARB ramp;:FUNC ARB;:FUNC:ARB:FILT OFF;SRAT {POINTS * frequency}")
    generator.write(f"TRIG1:SOUR BUS;:BURS:MODE TRIG;NCYC {ramps};STAT ON")
    generator.write("OUTP:SYNC ON;SYNC:MODE CARR;:OUTP1 ON")
    assert generator.query("SYST:ERR?") == '+0,"No error"'
    counter = lab.counting(ramps, "POS", 0.05)
    begin = lab.library.clock.now()
    if how == "*TRG":
        generator.write("*TRG")
    else:
        generator.assert_trigger()
    generator.timeout = 60_000
    assert generator.query("*OPC?") == "1"
    assert lab.library.clock.now() - begin == pytest.approx(ramps / frequency, abs=0.01)
    generator.write("OUTP1 OFF")
    intervals = np.array(counter.query_ascii_values("FETC?"))
    assert len(intervals) == ramps
    assert lab.p_value(intervals - 0.5 / (POINTS * frequency), TOP * frequency * POINTS / RISE) > 1e-3


def test_a_program_of_the_gs200_ramps_through_its_steps_and_reports_its_end(
    laboratory: Callable[[str, str], Laboratory],
) -> None:
    lab = laboratory("source.marker", "low")
    source = lab.connect(DC_SOURCE)
    source.write("SOUR:FUNC VOLT;:SOUR:RANG 10;:SOUR:PROT:CURR 1E-3;:SOUR:LEV 0;:OUTP ON")
    source.write("SENS ON;:SENS:NPLC 1")
    # Up to 0.8 V, down to -0.4 V and back: 3 s of slope and 1 s of rest each.
    source.write("PROG:REP 0;INT 4;SLOP 3;EDIT:STAR;:SOUR:LEV 0.8;LEV -0.4;LEV 0;:PROG:EDIT:END")
    source.write("STAT:ENAB 128;:*SRE 2")
    source.enable_event(EventType.service_request, EventMechanism.queue)
    source.write("*CLS;:PROG:RUN")
    clock = lab.library.clock
    begin = clock.now()
    read = []
    for time in np.arange(0.5, 10.6, 0.5):
        clock.sleep(begin + time - clock.now())
        read.append((clock.now() - begin, float(source.query("SOUR:LEV?"))))
    expected = np.interp([t for t, _ in read], [0, 3, 4, 7, 8, 11], [0, 0.8, 0.8, -0.4, -0.4, 0])
    assert [level for _, level in read] == pytest.approx(expected, abs=2e-3)  # the reply takes some ms
    source.wait_on_event(EventType.service_request, 10_000)
    assert clock.now() - begin == pytest.approx(11.0, abs=0.01)  # at the end of the last slope
    assert source.read_stb() & 0x42 == 0x42
    assert int(source.query("STAT:EVEN?")) & 0xC0 == 0xC0
    assert int(source.query("STAT:EVEN?")) == 0
    source.write("SOUR:LEV 0.8")
    assert float(source.query("MEAS?")) == pytest.approx(8e-6, rel=1e-6)
    source.write("OUTP OFF")
    assert source.query("OUTP?;:SYST:ERR?") == '0;0,"No error"'
