"""Drivers and adapters against the simulated bench: they meet only as VISA bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pytest
from mqtctl_drivers.errors import ErrorQueueError
from mqtctl_drivers.keithley_6221 import Keithley6221
from mqtctl_drivers.keysight_53230a import Keysight53230A
from pyvisa.errors import VisaIOError
from qcodes.instrument import InstrumentBase, VisaInstrument
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372
from qcodes.parameters import ManualParameter
from scipy import stats

from mqtctl.clock import Clock
from mqtctl.errors import HardwareError
from mqtctl.instruments.keithley_6221.adapter import Keithley6221RampSource
from mqtctl.instruments.keysight_53230a.adapter import Keysight53230ATimingCounter
from mqtctl.instruments.lakeshore.model_372 import Lakeshore372Controller
from mqtctl.instruments.roles.experiment import RampProgram, StopEdge
from mqtctl.physics import Escape, Junction, SwitchingDistribution

#: What the built-in bench is made of: benches/builtin.yaml.
JUNCTION = Junction(9.489e-6, 6.35e-12, 190.0)
DELAY = "10.105 us"
RAMP = RampProgram(start_current=0.0, stop_current=10e-6, rate=10e-6 / 0.9e-3, period=1e-3)
_seeds = count(1000)


@dataclass
class Bench:
    source_driver: Keithley6221
    counter_driver: Keysight53230A
    bridge: LakeshoreModel372
    source: Keithley6221RampSource
    counter: Keysight53230ATimingCounter
    controller: Lakeshore372Controller
    clock: Clock


@pytest.fixture
def bench() -> Iterator[Bench]:
    seed = next(_seeds)  # another path is another bench: state does not leak from test to test
    library = f"?seed={seed}@mqt"
    quiet: dict[str, Any] = {"print_connect_message": False}
    source = Keithley6221(f"source_{seed}", "GPIB0::12::INSTR", visalib=library)
    counter = Keysight53230A(f"counter_{seed}", "TCPIP0::192.0.2.53::inst0::INSTR", visalib=library)
    bridge = LakeshoreModel372(f"bridge_{seed}", "TCPIP0::192.0.2.72::7777::SOCKET", visalib=library, **quiet)
    clock: Any = source.visa_handle.visalib
    clock = clock.clock
    yield Bench(
        source,
        counter,
        bridge,
        Keithley6221RampSource(source, {}, clock),
        Keysight53230ATimingCounter(counter, {"stop_threshold": "1 V", "delay": DELAY}, clock),
        Lakeshore372Controller(bridge, {"channel": 6, "minimum": "12 mK", "maximum": "1 K"}, clock),
        clock,
    )
    for instrument in (source, counter, bridge):
        instrument.close()


def take(bench: Bench, number: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Ramp and return `number` intervals."""
    bench.source.start(number + 200)
    bench.counter.arm(number)
    for _ in range(1000):
        if bench.counter.available() >= number:
            break
        bench.clock.sleep(0.1)
    readings = bench.counter.read(number)
    bench.source.stop()
    return readings


def test_everyone_is_who_he_should_be(bench: Bench) -> None:
    assert "6221" in bench.source.identify()
    assert "53230A" in bench.counter.identify()
    assert "MODEL372" in bench.controller.identify()
    assert bench.source_driver.get_idn()["model"] == "6221"
    assert bench.counter_driver.get_idn()["model"] == "53230A"


def settable(part: InstrumentBase) -> Iterator[Any]:
    for parameter in part.parameters.values():
        ours = parameter.name not in {"IDN", "timeout"} and not isinstance(parameter, ManualParameter)
        if ours and parameter.gettable and parameter.settable:
            yield parameter
    for submodule in part.instrument_modules.values():
        yield from settable(submodule)


@pytest.mark.parametrize("which", ["source_driver", "counter_driver"])
def test_every_parameter_can_be_asked_for_and_set_to_what_it_is(bench: Bench, which: str) -> None:
    instrument: Any = getattr(bench, which)
    instrument.reset()
    for parameter in settable(instrument):
        value = parameter.get()
        parameter.validate(value)
        if parameter.name in {"relative_level", "marker_line"}:
            continue  # settings in conflict with others as they are after a reset
        parameter.set(value)
        assert instrument.errors() == [], parameter.full_name
        assert parameter.get() == value, parameter.full_name


@pytest.mark.parametrize("which", ["source_driver", "counter_driver"])
def test_a_snapshot_asks_for_everything_and_disturbs_nothing(bench: Bench, which: str) -> None:
    instrument: VisaInstrument = getattr(bench, which)
    snapshot = instrument.snapshot(update=True)
    assert snapshot["parameters"]["service_request_enable"]["value"] == 0
    assert getattr(bench, which).errors() == []


def test_a_wrong_command_shows_in_the_error_queue(bench: Bench) -> None:
    for instrument in (bench.source_driver, bench.counter_driver):
        instrument.write("NONSENSE 1")
        with pytest.raises(ErrorQueueError, match="-113"):
            instrument.check_errors()
        instrument.check_errors()


def test_a_question_nobody_understands_times_out_and_the_next_one_is_answered(bench: Bench) -> None:
    for instrument in (bench.source_driver, bench.counter_driver):
        before = bench.clock.now()
        with pytest.raises(VisaIOError):
            instrument.ask("NONSENSE?")
        assert bench.clock.now() - before >= 5.0  # the time-out passed in the bench's time
        assert instrument.get_idn()["serial"]


def test_a_marker_line_in_conflict_is_refused_as_by_the_instrument(bench: Bench) -> None:
    bench.source_driver.wave.marker_line.set(bench.source_driver.trigger_output_line.get())
    with pytest.raises(ErrorQueueError, match="-221"):
        bench.source_driver.check_errors()


def test_the_ramp_reads_back_as_planned_with_the_output_off(bench: Bench) -> None:
    actual = bench.source.configure(RAMP)
    assert actual.start_current == pytest.approx(0.0, abs=1e-12)
    assert actual.stop_current == pytest.approx(RAMP.stop_current, rel=1e-6)  # seven digits come back
    assert actual.rate == pytest.approx(RAMP.rate, rel=1e-6)
    assert actual.period == pytest.approx(RAMP.period, rel=1e-6)
    assert bench.source_driver.output.get() is False


def test_the_period_of_the_marker_is_measured_while_the_source_ramps(bench: Bench) -> None:
    actual = bench.source.configure(RAMP)
    bench.counter.configure(actual)
    bench.source.start(1000)
    assert bench.counter.measure_period(actual) == pytest.approx(1e-3, rel=1e-6)
    bench.source.stop()


def test_a_burst_ends_by_itself_and_says_so(bench: Bench) -> None:
    bench.source.configure(RAMP)
    begin = bench.clock.now()
    bench.source.start(500)
    while bench.source.running():
        bench.clock.sleep(0.01)
    # 0.5 s of ramps, and messages of 1 ms
    assert bench.clock.now() - begin == pytest.approx(0.5, abs=0.1)
    bench.source.start(10)
    assert bench.source.running()
    bench.source.stop()
    assert not bench.source.running()


@pytest.mark.parametrize("points", [10_000, 1000])
def test_currents_follow_the_physics_without_any_shift(bench: Bench, points: int) -> None:
    """The staircase must not shift the currents: half a step of 1000 points would be 5.6 nA."""
    number = 20_000
    source = Keithley6221RampSource(bench.source_driver, {"points": points}, bench.clock)
    bench.source = source
    actual = source.configure(RAMP)
    bench.counter.configure(actual)
    bench.controller.set_target(0.3)
    bench.clock.sleep(900)
    readings = take(bench, number)
    currents = actual.start_current + actual.rate * (readings - bench.counter.delay)
    law = SwitchingDistribution(JUNCTION, 0.3, actual.rate, Escape())
    # 4 standard errors of the mean (28.8 nA / sqrt(20 000) = 0.2 nA)
    assert abs(currents.mean() - law.mean) < 4 * law.std / np.sqrt(number)
    if points == 10_000:  # with 1000 the steps of 11 nA widen the law of 28.8 nA by 0.6 %
        assert stats.kstest(law.cdf(currents), "uniform").pvalue > 1e-4


def test_ramps_below_the_switching_current_time_out_and_are_no_fault(bench: Bench) -> None:
    low = RampProgram(start_current=0.0, stop_current=5e-6, rate=5e-6 / 0.9e-3, period=1e-3)
    bench.counter.configure(bench.source.configure(low))
    readings = take(bench, 50)
    assert readings.size == 50
    assert np.all(np.isinf(readings))
    bench.counter.arm(10)  # the time-outs in the error queue are no fault


def test_readings_are_neither_lost_nor_doubled_when_taken_in_pieces(bench: Bench) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    bench.source.start(1500)
    bench.counter.arm(1000)
    pieces = []
    for wanted in (1, 7, 99, 1000, 1000, 1000, 1000):
        bench.clock.sleep(0.3)
        pieces.append(bench.counter.read(wanted))
    assert sum(piece.size for piece in pieces) == 1000
    assert len({float(value) for piece in pieces for value in piece}) == 1000
    bench.counter.stop()
    assert bench.counter.available() == 0


def test_stopping_keeps_what_was_counted(bench: Bench) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    bench.source.start(1000)
    bench.counter.arm(10_000)
    bench.clock.sleep(0.2)
    bench.counter.stop()
    left = bench.counter.available()
    assert 150 < left < 250
    assert bench.counter.read(10_000).size == left


def test_whatever_was_going_on_everything_is_off_afterwards(bench: Bench) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    bench.controller.set_target(0.3)
    bench.source.start(100_000)
    bench.counter.arm(10_000)
    bench.clock.sleep(0.1)
    bench.source.make_safe()
    bench.controller.make_safe()
    bench.counter.make_safe()
    assert bench.source_driver.output.get() is False
    assert bench.source_driver.current.get() == 0.0
    assert bench.bridge.sample_heater.output_range.get() == "off"
    assert not bench.source.running()


def test_the_bath_follows_its_set_point_and_a_scanner_elsewhere_is_noticed(bench: Bench) -> None:
    assert bench.controller.read().temperature == pytest.approx(0.012, rel=0.05)
    bench.controller.set_target(0.1)
    bench.clock.sleep(1200)
    reading = bench.controller.read()
    assert reading.valid
    assert reading.temperature == pytest.approx(0.1, rel=0.02)
    bench.bridge.write("SCAN 3,0")
    stale = bench.controller.read()
    assert not stale.valid
    assert stale.stale
    assert "scanner is on channel 3" in stale.status


@pytest.mark.parametrize("by_request", [True, False], ids=["service request", "polling"])
def test_a_block_is_waited_for_with_a_handful_of_messages(bench: Bench, by_request: bool) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    messages: list[str] = []
    usual = bench.counter_driver.ask_raw
    bench.counter_driver.ask_raw = lambda cmd: messages.append(cmd) or usual(cmd)  # type: ignore[method-assign, func-returns-value]
    if not by_request:
        bench.counter._requests_service = False
    bench.source.start(11_000)
    bench.counter.arm(10_000)
    begun, waits = bench.clock.now(), 0
    messages.clear()
    for block in range(1, 5):
        while bench.counter.available() < 2500:
            bench.counter.wait_for(2500, 10.0)
            waits += 1
        assert bench.counter.read(2500).size == 2500
        # awake within 20 ms of the reading that completes the block
        assert bench.clock.now() - begun < 2.5 * block + 0.02 + 0.08  # and 80 ms for the transfer of 20 kB
    bench.source.stop()
    assert waits <= 10
    assert len(messages) <= 24


def test_a_wait_ends_with_its_time_out_when_no_marker_comes(bench: Bench) -> None:
    bench.counter.configure(bench.source.configure(RAMP))
    bench.counter.arm(1000)
    before = bench.clock.now()
    bench.counter.wait_for(1000, 0.3)
    assert 0.25 <= bench.clock.now() - before <= 0.35


@pytest.mark.parametrize("sign", [1, -1], ids=["positive", "negative"])
def test_retrapping_is_timed_on_the_way_down(bench: Bench, sign: int) -> None:
    program = RampProgram(sign * 9.8e-6, 0.0, -sign * 9.8e-6 / 0.9e-3, 1e-3)
    actual = bench.source.configure(program)
    edge = bench.counter.stop_edge if sign > 0 else bench.counter.stop_edge.mirrored
    bench.counter.configure(actual, edge.reversed)
    intervals = take(bench, 300)
    assert np.all(np.isfinite(intervals))
    currents = actual.start_current + actual.rate * (intervals - 10.105e-6)
    # 4 Ic / (pi Q) at zero bias, docs/bench.md; the amplifier falls more slowly than it rises, 0.15 us or 1.7 nA
    assert sign * currents.mean() == pytest.approx(149e-9, abs=3e-9)


def test_switching_at_negative_currents_is_the_mirror_image(bench: Bench) -> None:
    means = []
    for sign in (1, -1):
        actual = bench.source.configure(RampProgram(0.0, sign * 10e-6, sign * 10e-6 / 0.9e-3, 1e-3))
        bench.counter.configure(actual, bench.counter.stop_edge if sign > 0 else bench.counter.stop_edge.mirrored)
        means.append(float(np.mean(take(bench, 500))))
    # the scatter of 500 switches, 6 nA of 9.4 uA on 1 mA/90 ms: 25 ns for each mean, five times that for both
    assert means[0] == pytest.approx(means[1], abs=0.2e-6)


def test_the_marker_is_tried_with_two_picoamperes_and_everything_is_put_back(bench: Bench) -> None:
    bench.source.configure(RAMP)
    before = bench.source_driver.snapshot(update=True)["submodules"]["wave"]["parameters"]
    with bench.source.marking(1e-3):
        positive, width = bench.counter.marker_pulse(RAMP)
        assert not positive
        assert width == pytest.approx(1e-6, abs=2e-9)
        assert bench.source_driver.wave.amplitude.get() == 2e-12
        assert bench.source_driver.current_range.get() == 2e-9
    after = bench.source_driver.snapshot(update=True)["submodules"]["wave"]["parameters"]
    assert {name: value["value"] for name, value in after.items()} == {
        name: value["value"] for name, value in before.items()
    }
    assert not bench.source.output_on()
    with pytest.raises(HardwareError, match="no marker arrives"):
        bench.counter.marker_pulse(RAMP)


def test_the_marker_is_not_tried_while_the_output_is_on(bench: Bench) -> None:
    bench.source_driver.output.set(True)
    with pytest.raises(HardwareError, match="output is on"), bench.source.marking(1e-3):
        pass
    assert bench.source.output_on()


def test_noise_at_the_stop_input_is_counted(bench: Bench) -> None:
    assert bench.counter.count_edges(StopEdge(1.0, rising=True), 0.5) == 0
    # 2 mV rms behind the amplifier: 5 mV are 2.5 standard deviations
    assert bench.counter.count_edges(StopEdge(5e-3, rising=True), 0.5) > 1000
