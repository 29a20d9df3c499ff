"""The SR620 driver, and the adapters of 33512B, SR620 and 336, against the simulated bench, as VISA bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mqtctl_drivers.srs_sr620 import SrsSR620
from qcodes.instrument_drivers.Keysight import Keysight33512B
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336
from scipy import stats

from mqtctl.acquisition.conversion import convert
from mqtctl.clock import Clock
from mqtctl.errors import GlitchError, HardwareError
from mqtctl.instruments.keysight_33500b.adapter import Keysight33500BRampSource
from mqtctl.instruments.lakeshore.model_336 import Lakeshore336Controller
from mqtctl.instruments.roles.experiment import RampProgram
from mqtctl.instruments.srs_sr620.adapter import SrsSR620TimingCounter
from mqtctl.physics import Escape, Junction, SwitchingDistribution
from mqtctl.records import MeasuredRamp

GENERATOR, CONTROLLER = "USB0::0x0957::0x2807::MY52400001::INSTR", "TCPIP0::192.0.2.36::7777::SOCKET"
JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
DELAY = 10.105e-6
RAMP = RampProgram(start_current=0.0, stop_current=10e-6, rate=10e-6 / 0.9e-3, period=1e-3)
_names = count()
#: Old -> new text of the built-in bench file.
CHANGES = {
    "keithley-6221\n    address: GPIB0::12::INSTR": f"keysight-33512b\n    address: {GENERATOR}",
    "keysight-53230a\n    address: TCPIP0::192.0.2.53::inst0::INSTR": "srs-sr620\n    address: TIMER",
    "lakeshore-372\n    address: TCPIP0::192.0.2.72::7777::SOCKET": f"lakeshore-336\n    address: {CONTROLLER}",
    "{port: source.output, factor: 1}": "{port: source.output1, resistance: 100 kOhm}",
    "source.marker, to: counter.input1": "source.sync, to: counter.inputA",
    "pulse: low": "pulse: high",
    "counter.input2": "counter.inputB",
    "    thermometer.sample: mixing_chamber\n    thermometer.warmup": "    thermometer.output1",
    "thermometer.ch6": "thermometer.chB",
}


@dataclass
class Bench:
    generator: Keysight33512B
    timer: SrsSR620
    unit: LakeshoreModel336
    source: Keysight33500BRampSource
    counter: SrsSR620TimingCounter
    controller: Lakeshore336Controller
    clock: Clock


@pytest.fixture(params=["GPIB0::16::INSTR", "ASRL7::INSTR"], ids=["gpib", "serial"])
def timer_address(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bench(tmp_path: Path, timer_address: str) -> Iterator[Bench]:
    text = (files("pyvisa_mqt") / "benches" / "builtin.yaml").read_text(encoding="utf-8")
    for old, new in CHANGES.items():
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "bench.yaml"
    path.write_text(text.replace("TIMER", timer_address), encoding="utf-8")
    library, number = f"{path}@mqt", next(_names)
    quiet: dict[str, Any] = {"print_connect_message": False}
    generator = Keysight33512B(f"awg_{number}", GENERATOR, visalib=library, silent=True)
    timer = SrsSR620(f"timer_{number}", timer_address, visalib=library)
    unit = LakeshoreModel336(f"unit_{number}", CONTROLLER, visalib=library, **quiet)
    simulated: Any = generator.visa_handle.visalib
    clock = simulated.clock
    heater = {"input": "B", "minimum": "12 mK", "maximum": "1 K", "ranges": [{"up_to": "1 K", "range": "low"}]}
    yield Bench(
        generator,
        timer,
        unit,
        Keysight33500BRampSource(generator, {"bias_resistance": "100 kOhm"}, clock),
        SrsSR620TimingCounter(timer, {"stop_threshold": "1 V", "delay": f"{DELAY} s"}, clock),
        Lakeshore336Controller(unit, heater, clock),
        clock,
    )
    for instrument in (generator, timer, unit):
        instrument.close()


def take(bench: Bench, number: int, ramps: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Ramp and return `number` intervals, or those that came before the ramps ended."""
    bench.source.start(ramps)
    bench.counter.arm(number)
    pieces: list[np.ndarray[Any, np.dtype[np.float64]]] = []
    while sum(piece.size for piece in pieces) < number and bench.source.running():
        if bench.counter.available():
            pieces.append(bench.counter.read(number))
    bench.source.stop()
    bench.counter.stop()
    return np.concatenate(pieces)


def test_everyone_is_who_he_should_be(bench: Bench) -> None:
    assert "33512B" in bench.source.identify()
    assert "SR620" in bench.counter.identify()
    assert "MODEL336" in bench.controller.identify()


def test_every_parameter_of_the_timer_can_be_asked_for_and_set_to_what_it_is(bench: Bench) -> None:
    timer = bench.timer
    timer.reset()
    for part in (timer, *timer.inputs.values()):
        for name, parameter in part.parameters.items():
            if name in {"IDN", "timeout"}:
                continue
            value = parameter.get()
            parameter.validate(value)
            if parameter.settable:
                parameter.set(value)
                assert parameter.get() == value, parameter.full_name
            assert timer.errors() == [], parameter.full_name
    assert len(timer.setup()) == 24
    assert timer.snapshot(update=True)["parameters"]["service_request_enable"]["value"] == 0
    assert timer.self_test() == 0


def test_a_wrong_command_shows_in_the_status(bench: Bench) -> None:
    bench.timer.write("NONS 1")
    assert bench.timer.errors() == [(32, "command not understood")]
    bench.timer.write("MODE 9")
    assert bench.timer.errors() == [(16, "value out of range")]
    assert bench.timer.errors() == []


def test_the_period_of_the_sync_output_is_measured_while_the_generator_ramps(bench: Bench) -> None:
    actual = bench.source.configure(RAMP)
    bench.counter.configure(actual)
    bench.source.start(2000)
    assert bench.counter.measure_period(actual) == pytest.approx(1e-3, rel=1e-6)
    bench.source.stop()


@pytest.mark.shown(2)
@pytest.mark.parametrize("start_current", [0.0, 4e-6])
def test_currents_follow_the_physics_without_any_shift(bench: Bench, start_current: float) -> None:
    number = 2000
    program = RampProgram(start_current, 10e-6, (10e-6 - start_current) / 0.9e-3, 1e-3)
    actual = bench.source.configure(program)
    bench.counter.configure(actual)
    bench.controller.set_target(0.3)
    bench.clock.sleep(900)
    begin = bench.clock.now()
    readings = take(bench, number, 6 * number)
    if bench.timer.visa_handle.resource_name.startswith("GPIB"):
        # 0.86 ms to the switch and 0.75 ms for the sample: every second ramp is the instrument's own floor
        assert bench.clock.now() - begin == pytest.approx(2 * number * 1e-3, rel=0.05)
    ramp = MeasuredRamp(actual.start_current, actual.stop_current, actual.rate, actual.period, DELAY)
    block = convert(readings, ramp)
    assert block.switches == number
    assert block.censored == 0
    law = SwitchingDistribution(JUNCTION, 0.3, actual.rate, Escape())
    # 5 standard errors of the mean: 4 of chance and 1 for a bath that is read in steps of 1 mK
    assert abs(block.currents.mean() - law.mean) < 5 * law.std / np.sqrt(number)
    assert stats.kstest(law.cdf(block.currents), "uniform").pvalue > 1e-4


@pytest.mark.shown(1)
def test_a_junction_that_never_switches_is_told_from_a_missing_marker(bench: Bench) -> None:
    low = RampProgram(start_current=0.0, stop_current=5e-6, rate=5e-6 / 0.9e-3, period=1e-3)
    bench.counter.configure(bench.source.configure(low))
    with pytest.raises(HardwareError, match="the junction does not switch"):
        take(bench, 50, 20_000)
    bench.source.stop()
    bench.counter.configure(low)
    bench.counter.arm(50)  # nobody ramps
    assert bench.counter.read(50).size == 0
    bench.clock.sleep(5.0)
    with pytest.raises(HardwareError, match="the start marker does not arrive"):
        bench.counter.available()


def test_a_trigger_that_was_lost_is_no_burst_without_switches(bench: Bench) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    simulated: Any = bench.generator.visa_handle.visalib
    simulated.bench.faults.inject("lost-message", instrument="source", match="*TRG")
    bench.source.start(1000)
    with pytest.raises(GlitchError, match="makes none"):
        bench.source.running()
    bench.source.start(1000)
    bench.clock.sleep(0.5)
    assert bench.source.running()
    bench.clock.sleep(0.6)
    assert not bench.source.running()


def test_whatever_was_going_on_everything_is_off_afterwards(bench: Bench) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    bench.controller.set_target(0.3)
    bench.source.start(100_000)
    bench.counter.arm(10_000)
    bench.clock.sleep(0.1)
    bench.source.make_safe()
    bench.controller.make_safe()
    bench.counter.make_safe()
    assert bench.generator.ch1.output.get() == "OFF"
    assert bench.unit.output_1.output_range.get() == "off"
    assert not bench.source.running()
    assert bench.counter.available() == 0


def test_the_bath_follows_its_set_point(bench: Bench) -> None:
    bench.controller.set_target(0.3)
    bench.clock.sleep(1200)
    reading = bench.controller.read()
    assert reading.valid
    assert reading.temperature == pytest.approx(0.3, rel=0.01)
