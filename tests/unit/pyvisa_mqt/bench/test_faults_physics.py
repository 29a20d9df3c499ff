"""Faults of sensors, heaters, refrigerator, junction and counter inputs, each with and without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
import pyvisa
from numpy.typing import NDArray

SOURCE, COUNTER = "GPIB0::12::INSTR", "TCPIP0::192.0.2.53::inst0::INSTR"
BRIDGE = "TCPIP0::192.0.2.72::7777::SOCKET"
POINTS = ",".join(f"{point:.4f}" for point in [*np.linspace(0, 1, 97), 0, 0, 0])
SENSOR, HEATER = "thermometer.ch6", "thermometer.sample"
_seeds = count(7000)


class Laboratory:
    """A client of the built-in bench, and the bench behind it."""

    def __init__(self) -> None:
        manager = pyvisa.ResourceManager(f"?seed={next(_seeds)}@mqt")  # another seed is another bench
        library: Any = manager.visalib
        self.manager, self.bench, self.clock = manager, library.bench, library.clock
        self.source: Any = manager.open_resource(SOURCE)
        self.counter: Any = manager.open_resource(COUNTER)
        self.bridge: Any = manager.open_resource(BRIDGE, read_termination="\r\n", write_termination="\r\n")

    def inject(self, kind: str, **parameters: Any) -> Any:
        return self.bench.faults.inject(kind, **parameters)

    def temperatures(self, number: int) -> NDArray[np.float64]:
        """Return readings, one a second."""
        readings = []
        for _ in range(number):
            self.clock.sleep(1.0)
            readings.append(float(self.bridge.query("KRDG? 6")))
        return np.array(readings)

    def heat(self) -> None:
        """Switch 0.25 mW on, which holds about 80 mK."""
        self.bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,2,6,1,0,0,1;RANGE 0,5;MOUT 0,50")

    def start_ramps(self, ramps: int = 10_000) -> None:
        """Ramp to 10 uA at 100 Hz, above the critical current."""
        self.source.write(f"*RST;SOUR:WAVE:FUNC ARB0;ARB:DATA {POINTS}")
        self.source.write(
            f"SOUR:WAVE:FREQ 100;AMPL 10e-6;OFFS 0;PMAR:STAT ON;:SOUR:WAVE:PMAR 0;:SOUR:WAVE:DUR:CYCL {ramps}"
        )
        self.source.write("SOUR:WAVE:ARM;INIT")

    def intervals(self, number: int) -> NDArray[np.float64]:
        """Time so many ramps; 9.91e37 stands for one without a switch."""
        self.counter.write(f"*RST;:SYST:TIM 0.02;:CONF:TINT (@1),(@2);:SAMP:COUN {number}")
        self.counter.write(":INP1:COUP DC;LEV 2.5;SLOP NEG;:INP2:COUP DC;LEV 1;SLOP POS;:INIT")
        self.counter.timeout = 60_000
        return np.array([float(item) for item in self.counter.query("FETC?").split(",")])


@pytest.fixture
def laboratory() -> Iterator[Laboratory]:
    laboratory = Laboratory()
    yield laboratory
    laboratory.manager.close()


def test_without_faults_temperature_and_intervals_are_quiet(laboratory: Laboratory) -> None:
    assert np.abs(laboratory.temperatures(30) / 0.012 - 1).max() < 5 * 5e-4  # the bridge's own noise
    laboratory.start_ramps()
    intervals = laboratory.intervals(100)
    assert intervals.max() < 0.01
    assert np.ptp(intervals) < 1.5e-4  # a step of the staircase is 100 us long


def test_a_stuck_thermometer_shows_what_it_showed_while_the_truth_moves(laboratory: Laboratory) -> None:
    fault = laboratory.inject("stuck-thermometer", port=SENSOR, duration="100 s")
    laboratory.heat()
    assert laboratory.temperatures(60).max() < 0.0121
    assert laboratory.bench.cryostat.mixing_chamber > 0.03
    assert fault.lasting
    laboratory.clock.sleep(60.0)
    assert not fault.lasting
    assert laboratory.temperatures(1)[0] > 0.03


def test_a_stuck_thermometer_can_stick_anywhere(laboratory: Laboratory) -> None:
    laboratory.inject("stuck-thermometer", port=SENSOR, temperature="50 mK")
    assert laboratory.temperatures(5)[-1] == pytest.approx(0.05, rel=0.01)


def test_a_jumping_thermometer_jumps_now_and_then(laboratory: Laboratory) -> None:
    laboratory.inject("jumping-thermometer", port=SENSOR, factor=3.0, share=0.2)
    readings = laboratory.temperatures(200)
    high = readings > 0.03
    assert abs(high.sum() - 40) < 4 * np.sqrt(200 * 0.2 * 0.8)  # 4 sigma of a binomial
    assert readings[high] == pytest.approx(0.036, rel=0.01)


def test_a_stuck_heater_goes_on_when_it_is_switched_off(laboratory: Laboratory) -> None:
    laboratory.heat()
    laboratory.clock.sleep(100.0)
    fault = laboratory.inject("stuck-heater", port=HEATER)
    laboratory.bridge.write("RANGE 0,0")
    laboratory.clock.sleep(100.0)
    assert laboratory.bridge.query("RANGE? 0") == "0"
    assert laboratory.bench.cryostat.mixing_chamber > 0.07
    fault.clear()
    laboratory.clock.sleep(400.0)
    assert laboratory.bench.cryostat.mixing_chamber < 0.02


def test_a_weak_heater_never_reaches_the_set_point(laboratory: Laboratory) -> None:
    laboratory.inject("weak-heater", port=HEATER, power="10 uW")
    laboratory.bridge.write("HTRSET 0,100,0,0,1;OUTMODE 0,5,6,1,0,0,1;PID 0,10,20,0;SETP 0,0.1;RANGE 0,5")
    readings = laboratory.temperatures(300)
    assert readings.max() < 0.021  # 10 uW holds sqrt(12^2 + 15.8^2) mK = 19.8 mK
    laboratory.bench.faults.clear()
    assert laboratory.temperatures(200)[-1] == pytest.approx(0.1, rel=0.01)


def test_a_warming_refrigerator_warms_and_cools_down_again(laboratory: Laboratory) -> None:
    laboratory.inject("warming", at="10 s", duration="200 s", power="400 uW")
    before = laboratory.temperatures(9)
    during = laboratory.temperatures(200)
    laboratory.clock.sleep(400.0)
    after = laboratory.temperatures(5)
    assert before.max() < 0.0121
    assert during[-1] == pytest.approx(np.sqrt(0.1**2 + 0.012**2), rel=0.02)  # 400 uW is the cooling power at 100 mK
    assert after.max() < 0.02


def test_a_drifting_critical_current_shifts_the_switching_times(laboratory: Laboratory) -> None:
    laboratory.start_ramps()
    steady = laboratory.intervals(200)
    laboratory.inject("critical-current-drift", drift="-50 nA/s")
    laboratory.clock.sleep(4.0)
    drifted = laboratory.intervals(200)
    assert laboratory.bench.sample.junction.critical_current == pytest.approx(9.489e-6 - 6 * 50e-9, rel=2e-3)
    # 50 nA/s at 10 uA in 9.7 ms, over the 5 s between the middles of the two series.
    assert steady.mean() - drifted.mean() == pytest.approx(5 * 50e-9 * 9.7e-3 / 10e-6, rel=0.05)


def test_a_drift_that_has_ended_stays_where_it_is(laboratory: Laboratory) -> None:
    laboratory.inject("critical-current-drift", drift="10 nA/s", duration="5 s")
    laboratory.clock.sleep(20.0)
    assert laboratory.bench.sample.junction.critical_current == pytest.approx(9.489e-6 + 50e-9, rel=1e-3)


def test_false_triggers_end_intervals_too_early(laboratory: Laboratory) -> None:
    laboratory.start_ramps()
    fault = laboratory.inject("false-triggers", port="counter.input2", rate="20 Hz")
    intervals = laboratory.intervals(400)
    early = np.count_nonzero(intervals < 8e-3)
    # A false edge in the first 8 ms of the interval: 1 - exp(-20 x 8e-3) = 15 % of 400.
    assert abs(early - 59) < 4 * np.sqrt(59)
    fault.clear()
    laboratory.clock.sleep(0.5)
    assert laboratory.intervals(400).min() > 8e-3


def test_a_junction_stuck_in_the_voltage_state_gives_no_stop(laboratory: Laboratory) -> None:
    laboratory.start_ramps()
    fault = laboratory.inject("stuck-voltage-state")
    assert np.count_nonzero(laboratory.intervals(50) > 1e37) == 50
    fault.clear()
    laboratory.clock.sleep(0.5)
    assert laboratory.intervals(50).max() < 0.01


def test_a_stuck_junction_warms_the_sample_as_its_heat_does(laboratory: Laboratory) -> None:
    laboratory.start_ramps(100_000)
    laboratory.clock.sleep(5.0)
    cool = laboratory.bench.cryostat.sample
    laboratory.inject("stuck-voltage-state")
    laboratory.clock.sleep(20.0)
    assert laboratory.bench.cryostat.sample > cool


def test_the_same_faults_from_the_same_seed_give_the_same_readings(tmp_path: Any) -> None:
    def run(name: str) -> bytes:
        manager = pyvisa.ResourceManager(f"?seed=11&transcript={tmp_path / name}@mqt")
        library: Any = manager.visalib
        bridge: Any = manager.open_resource(BRIDGE, read_termination="\r\n", write_termination="\r\n")
        library.bench.faults.inject("jumping-thermometer", port=SENSOR)
        library.bench.faults.inject("garbled-reply", instrument="thermometer", probability=0.1)
        for _ in range(50):
            library.clock.sleep(0.7)
            bridge.write("KRDG? 6")
            bridge.read_raw()
        manager.close()
        return bytes((tmp_path / name).read_bytes())

    assert run("a") == run("b")
