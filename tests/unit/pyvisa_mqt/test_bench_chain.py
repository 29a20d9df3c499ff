"""The built-in bench with its real instruments, through plain PyVISA as the manuals describe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvisa
import pyvisa_mqt
from numpy.typing import NDArray
from pyvisa_mqt.bench import Bench
from scipy import stats

from mqtctl.physics import Junction, SwitchingDistribution

BUILTIN = Path(pyvisa_mqt.__file__).parent / "benches" / "builtin.yaml"
DELAY = 10.105e-6
POINTS, RISE, TOP = 10_000, 9_700, 10.5e-6


class Setup:
    """Source, counter and thermometer of one bench, opened as any VISA client would."""

    def __init__(self, file: Path) -> None:
        manager = pyvisa.ResourceManager(f"{file}@mqt")
        ends: dict[str, Any] = {"read_termination": "\n", "write_termination": "\n"}
        self.bench: Bench = manager.visalib.bench  # type: ignore[attr-defined]  # PyVISA types the base library
        self.source: Any = manager.open_resource("GPIB0::12::INSTR", **ends)
        self.counter: Any = manager.open_resource("TCPIP0::192.168.1.53::inst0::INSTR", **ends)
        self.thermometer: Any = manager.open_resource(
            "TCPIP0::192.168.1.72::7777::SOCKET", read_termination="\r\n", write_termination="\r\n"
        )

    def ramp(self, frequency: float, cycles: int) -> float:
        """Program a sawtooth and return its rate in A/s."""
        wave = np.full(POINTS, -1.0)
        wave[:RISE] = np.linspace(-1.0, 1.0, RISE)
        wave[RISE : RISE + 100] = np.linspace(1.0, -1.0, 100)
        source = self.source
        source.write("*RST;*CLS")
        for command in ("CURR:RANG 20e-6", "CURR:COMP 0.1", "WAVE:FUNC ARB0"):
            source.write(command)
        for first in range(0, POINTS, 100):
            head = "WAVE:ARB:APP " if first else "WAVE:ARB:DATA "
            source.write(head + ",".join(f"{v:.6f}" for v in wave[first : first + 100]))
        for command in (
            f"WAVE:AMPL {TOP / 2}",
            f"WAVE:OFFS {TOP / 2}",
            f"WAVE:FREQ {frequency}",
            "WAVE:RANG FIX",
            "WAVE:PMAR:OLIN 3",
            "WAVE:PMAR 0",
            "WAVE:PMAR:STAT 1",
            f"WAVE:DUR:CYCL {cycles}",
        ):
            source.write(command)
        assert source.query("SYST:ERR?").startswith("0,")
        return TOP / (RISE - 1) * frequency * POINTS

    def measure(self, frequency: float, cycles: int, threshold: float = 1.0) -> NDArray[np.float64]:
        """Start counter and ramps, wait, and return the intervals in s."""
        counter = self.counter
        for command in (
            "*RST;*CLS",
            f"SYST:TIM {max(0.01, 3 / frequency)}",
            "CONF:TINT (@1),(@2)",
            "INP1:COUP DC;LEV 1.0;SLOP NEG",
            f"INP2:COUP DC;LEV {threshold};SLOP POS",
            "TRIG:SOUR IMM;COUN 1",
            f"SAMP:COUN {cycles}",
            "FORM REAL,64",
            "INIT",
        ):
            counter.write(command)
        assert counter.query("SYST:ERR?").startswith("+0,")
        self.source.write("WAVE:ARM")
        self.source.write("WAVE:INIT")
        self.bench.clock.sleep(cycles / frequency + 0.5)
        counter.write("R? 1000000")
        counter.read_termination = None
        block = counter.read_raw()
        counter.read_termination = "\n"
        digits = int(block[1:2])
        return np.frombuffer(block[2 + digits : 2 + digits + int(block[2 : 2 + digits])], dtype=">f8")


Open = Callable[..., Setup]


@pytest.fixture
def chain(tmp_path: Path) -> Open:
    """Return a function that opens a copy of the built-in bench with changes."""

    def opened(*changes: tuple[str, str]) -> Setup:
        text = BUILTIN.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        # A file of its own each time: clients of one file share one bench.
        file = tmp_path / f"bench-{len(list(tmp_path.iterdir()))}.yaml"
        file.write_text(text, encoding="utf-8")
        return Setup(file)

    return opened


def test_switching_currents_at_base_temperature_follow_the_physics(chain: Open) -> None:
    setup = chain()
    rate = setup.ramp(80.0, 4000)
    intervals = setup.measure(80.0, 4000)
    assert len(intervals) == 4000
    currents = rate * (intervals - DELAY - 0.5 / 80.0 / POINTS)
    law = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), setup.bench.cryostat.sample, rate)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3


def test_the_thermometer_warms_the_junction_and_the_histogram_follows(chain: Open) -> None:
    setup = chain()
    rate = setup.ramp(400.0, 4000)
    for command in ("SCAN 6,0", "OUTMODE 0,5,6,0,0,0,1", "PID 0,10,20,0", "SETP 0,0.3", "RANGE 0,6"):
        setup.thermometer.write(command)
    setup.bench.clock.sleep(300.0)
    assert setup.bench.cryostat.sample == pytest.approx(0.3, rel=2e-3)
    assert float(setup.thermometer.query("KRDG? 6")) == pytest.approx(0.3, rel=5e-3)
    currents = rate * (setup.measure(400.0, 4000) - DELAY - 0.5 / 400.0 / POINTS)
    law = SwitchingDistribution(Junction(9.489e-6, 6.35e-12, 190.0), 0.3, rate)
    assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-3


def test_a_stop_threshold_above_the_step_leaves_every_interval_open(chain: Open) -> None:
    setup = chain()
    setup.ramp(80.0, 20)
    # A reading gives up after 37.5 ms: three ramps.
    intervals = setup.measure(80.0, 20, threshold=2.8)
    assert np.all(intervals == 9.91e37)


def test_the_same_seed_gives_the_same_bytes_through_visa(chain: Open) -> None:
    results = []
    for _ in range(2):
        setup = chain(("seed: 0", "seed: 3"))
        setup.ramp(80.0, 200)
        results.append(setup.measure(80.0, 200).tobytes())
        del setup
    assert results[0] == results[1]
