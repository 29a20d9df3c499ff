"""The simulated 33500B: its levels, functions, arbitrary waveforms, bursts and triggers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.sample.cables import MarkerLine, MarkerRecord
from pyvisa_mqt.time_and_signals.signals import Waveform


@pytest.fixture
def generator(talk_to: Callable[..., Any]) -> Any:
    return talk_to("keysight-33512b")


def marker(generator: Any, port: str = "output1") -> str | None:
    name: str | None = [m for p, _, m in generator.wires.driven if p == port][-1]
    return name


def test_it_knows_its_name_and_powers_up_with_a_small_sine_and_the_outputs_off(generator: Any) -> None:
    assert generator.query("*IDN?").startswith("Agilent Technologies,33512B,")
    assert generator.query("FUNC?;FREQ?;VOLT?;VOLT:OFFS?") == (
        "SIN;+1.000000000000000E+03;+1.000000000000000E-01;+0.000000000000000E+00"
    )
    assert generator.query("OUTP1?;:OUTP2?;:OUTP1:LOAD?") == "0;0;+5.000000000000000E+01"
    assert np.all(generator.put_out("output1").values == 0.0)


def test_the_source_node_and_its_number_may_be_left_out(generator: Any) -> None:
    generator.write("SOUR2:FREQ 2e3", "FREQ 3 kHz", "SOURce1:VOLTage:OFFSet 0.1;:SOUR2:VOLT:OFFS 0.2")
    assert float(generator.query("SOUR1:FREQ?")) == 3e3
    assert float(generator.query("SOUR2:FREQ?")) == 2e3
    assert float(generator.query("VOLT:OFFS?")) == pytest.approx(0.1)
    generator.write("SOUR2:VOLT:HIGH 1;LOW 0;:VOLT:HIGH 2;LOW 1")
    assert generator.query("SOUR2:VOLT:LOW?;HIGH?") == "+0.000000000000000E+00;+1.000000000000000E+00"
    assert float(generator.query("VOLT:OFFS?")) == pytest.approx(1.5)
    generator.write("SOUR3:FREQ 1")
    assert generator.errors() == ['-114,"Header suffix out of range"']


def test_the_load_changes_what_is_shown_and_not_what_is_put_out(generator: Any) -> None:
    generator.write("VOLT 1;VOLT:OFFS 0.5", "OUTP1 ON")
    peak = generator.put_out("output1").values.max()
    assert peak == pytest.approx(2.0, abs=1e-3)  # open circuit: twice the shown 1 V
    generator.write("OUTP1:LOAD INF")
    assert float(generator.query("VOLT?")) == pytest.approx(2.0)
    assert float(generator.query("VOLT:HIGH?")) == pytest.approx(2.0)
    assert float(generator.query("OUTP1:LOAD?")) == 9.9e37
    assert generator.put_out("output1").values.max() == peak


def test_levels_in_the_wrong_order_make_the_other_one_give_way_with_an_error(generator: Any) -> None:
    generator.write("OUTP1:LOAD INF", "VOLT:LOW 2")
    assert generator.errors() == ['-221,"Settings conflict; high level changed"']
    assert float(generator.query("VOLT:LOW?")) == pytest.approx(2.0)
    generator.write("VOLT:HIGH 3")
    assert generator.errors() == []
    assert float(generator.query("VOLT?")) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("VOLT 20.1", "-222"),
        ("VOLT 1e-4", "-222"),
        ("VOLT:OFFS 6", "-222"),
        ("VOLT:HIGH 5.1", "-222"),
        ("VOLT 10;VOLT:OFFS 1", "-221"),
        ("FREQ 21 MHz", "-222"),
        ("FUNC RAMP;FREQ 201 kHz", "-222"),
        ("FREQ 1 MHz;FUNC RAMP", "-221"),
        ("FUNC:RAMP:SYMM 101", "-222"),
        ("BURS:NCYC 0", "-222"),
        ("BURS:INT:PER 9000", "-222"),
        ("PHAS 361", "-222"),
        ("OUTP1:LOAD 0.5", "-222"),
        ("OUTP1:LOAD INF;:VOLT:UNIT DBM", "-221"),
        ("FUNC TRIANGULAR", "-224"),
        ("TRIG1:COUN 2e6", "-222"),
        ("*TRG", "-211"),
        ("INIT1", "-213"),
        ("FUNC:ARB missing", "+785"),
        ("DATA:ARB short,0,0,0", "-222"),
        ("DATA:ARB big,2,0,0,0,0,0,0,0", "-222"),
        ("DATA:ARB averylongname,0,0,0,0,0,0,0,0", "+783"),
        ("DATA:ARB x,#15ab", "-161"),
        ("DATA:ARB:DAC x,#13abc", "-161"),
        ("MMEM:LOAD:DATA1 'none'", "-256"),
        ("VOLT:LIM:HIGH 0.5;STAT ON;:VOLT:HIGH 1", "-221"),
    ],
)
def test_what_is_refused_says_why(generator: Any, message: str, error: str) -> None:
    generator.write(message)
    found = generator.errors()
    assert len(found) == 1
    assert found[0].split(",")[0].lstrip("+") == error.lstrip("+")


def test_an_amplitude_can_be_given_in_effective_volts_and_in_dbm(generator: Any) -> None:
    generator.write("VOLT 1 VRMS")
    assert float(generator.query("VOLT?")) == pytest.approx(2 * math.sqrt(2))
    generator.write("VOLT:UNIT DBM")
    assert float(generator.query("VOLT?")) == pytest.approx(13.0103, abs=1e-4)  # 1 Vrms into 50 Ohm: 20 mW
    generator.write("VOLT 0")
    generator.write("VOLT:UNIT VPP")
    assert float(generator.query("VOLT?")) == pytest.approx(0.632456, rel=1e-5)  # 0 dBm into 50 Ohm
    assert float(generator.query("VOLT? MAX")) == pytest.approx(10.0)
    assert float(generator.query("VOLT:HIGH? MAX")) == pytest.approx(5.0)
    assert float(generator.query("VOLT:OFFS? MIN")) == pytest.approx(-5 + 0.632456 / 2, rel=1e-5)
    assert generator.errors() == []


def test_a_ramp_starts_at_its_middle_and_an_arbitrary_waveform_at_its_first_point(generator: Any) -> None:
    generator.write("OUTP1:LOAD INF", "VOLT:LOW 0;HIGH 1", "FUNC RAMP", "FUNC:RAMP:SYMM 80", "FREQ 100", "OUTP1 ON")
    values = generator.put_out("output1").values
    assert values[0] == pytest.approx(0.5, abs=1e-3)
    assert np.argmax(values) / len(values) == pytest.approx(0.4, abs=1e-3)
    assert np.argmin(values) / len(values) == pytest.approx(0.6, abs=1e-3)
    generator.write("PHAS -144")  # from the bottom
    assert generator.put_out("output1").values[0] == pytest.approx(0.0, abs=1e-3)
    assert generator.put_out("output1").marker_phase == pytest.approx(0.4)
    generator.write("DATA:ARB up,-1,-0.5,0,0.5,1,0.5,0,-0.5", "FUNC:ARB up", "FUNC ARB", "PHAS 0")
    assert generator.put_out("output1").values[0] == pytest.approx(0.0, abs=1e-3)
    assert generator.put_out("output1").period == pytest.approx(8 / 40e3)


@pytest.mark.parametrize(("filtering", "steps"), [("OFF", 8), ("STEP", 20_000 // 8 * 8)])
def test_points_are_held_without_filter_and_joined_by_lines_with_one(
    generator: Any, filtering: str, steps: int
) -> None:
    generator.write("OUTP1:LOAD INF", "VOLT 2", "DATA:ARB up,-1,-0.5,0,0.5,1,0.5,0,-0.5", "FUNC:ARB up")
    generator.write(f"FUNC:ARB:FILT {filtering}", "FUNC:ARB:SRAT 800", "FUNC ARB", "OUTP1 ON")
    values = generator.put_out("output1").values
    assert len(values) == steps
    if filtering == "OFF":
        assert values == pytest.approx([-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5], abs=1e-4)
    else:  # the middle of each step lies on the straight line from point to point
        middle = (np.arange(steps) + 0.5) / steps * 8
        line = np.interp(middle, np.arange(9), [-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5, -1])
        assert values == pytest.approx(line, abs=1e-4)


@pytest.mark.parametrize(("order", "dtype"), [("NORM", ">"), ("SWAP", "<")])
def test_binary_points_arrive_byte_for_byte(generator: Any, order: str, dtype: str) -> None:
    # Every byte value occurs, line feeds, carriage returns, semicolons, quotes and hashes among them.
    codes = np.arange(-32767, 32768, 7, dtype=np.int16)
    block = codes.astype(f"{dtype}i2").tobytes()
    header = f"DATA:ARB:DAC codes,#{len(str(len(block)))}{len(block)}".encode()
    generator.write(f"FORM:BORD {order}")
    generator.instrument.write(header + block + b"\r\n", True)
    floats = np.array([-1, -0.5, 0.25, 1, 0, 1e-20, 0.1, 1], dtype=f"{dtype}f4")
    generator.instrument.write(b"SOUR1:DATA:ARB real, #232" + floats.tobytes(), True)
    assert generator.errors() == []
    assert np.rint(generator.instrument.memory.points(1, "codes") * 32767).astype(int).tolist() == codes.tolist()
    assert generator.instrument.memory.points(1, "real") == pytest.approx(floats.astype(float))
    assert generator.query("DATA:VOL:CAT?").split(",")[1:] == ['"CODES"', '"REAL"']
    assert float(generator.query("DATA:ATTR:POIN? codes")) == len(codes)


def test_a_name_is_loaded_only_once_and_clearing_makes_room(generator: Any) -> None:
    points = ",".join(["0", "1"] * 4)
    generator.write(f"DATA:ARB a,{points}", f"DATA:ARB A,{points}")
    assert generator.errors() == ['786,"Specified arb waveform already exists"']
    generator.write("FUNC:ARB a", "DATA:VOL:CLE")
    assert generator.query("FUNC:ARB?") == r'"INT:\BUILTIN\EXP_RISE.ARB"'
    generator.write(f"SOUR2:DATA:ARB a,{points}", "FUNC:ARB a")
    assert generator.errors() == ['785,"Specified arb waveform does not exist"']
    generator.write("SOUR2:FUNC:ARB a", "MMEM:STOR:DATA2 'INT:\\a.arb'", "*RST", "MMEM:LOAD:DATA1 'INT:\\a.arb'")
    generator.write("FUNC:ARB 'INT:\\a.arb'")
    assert generator.errors() == []


def burst(generator: Any, *more: str) -> None:
    generator.write("OUTP1:LOAD INF", "VOLT:LOW 0;HIGH 1", "DATA:ARB up,-1,-0.5,0,0.5,1,0.5,0,-0.5", "FUNC:ARB up")
    generator.write("FUNC ARB", "FUNC:ARB:SRAT 800", "BURS:STAT ON", *more, "OUTP1 ON")


def test_internally_triggered_bursts_repeat_with_idle_time_and_one_sync_edge_each(generator: Any) -> None:
    burst(generator, "BURS:INT:PER 15 ms", "TRIG1:SOUR TIM")
    waveform = generator.put_out("output1")
    assert (waveform.period, waveform.cycles, waveform.marker_phase) == (0.015, math.inf, 0.0)
    assert marker(generator) == "sync"
    idle = waveform.values[int(0.67 * len(waveform.values)) :]
    assert np.all(idle == waveform.values[-1])
    assert waveform.values[-1] == pytest.approx(0.0, abs=1e-4)
    generator.write("OUTP:SYNC OFF")
    assert marker(generator) is None
    generator.write("OUTP:SYNC ON;SYNC:SOUR CH2")
    assert marker(generator) is None


def test_a_burst_period_that_is_too_short_is_lengthened_with_an_error(generator: Any) -> None:
    burst(generator)
    generator.errors()
    generator.write("BURS:INT:PER 5 ms")
    assert generator.errors() == ['-221,"Settings conflict; burst period increased to fit entire burst"']
    assert float(generator.query("BURS:INT:PER?")) == pytest.approx(0.010001)


def test_a_timer_faster_than_the_burst_loses_triggers(generator: Any) -> None:
    burst(generator, "TRIG1:SOUR TIM", "TRIG1:TIM 4 ms")
    assert generator.put_out("output1").period == pytest.approx(0.012)


def test_a_software_trigger_starts_a_finite_burst_behind_its_delay(generator: Any) -> None:
    burst(generator, "TRIG1:SOUR BUS", "BURS:NCYC 3", "TRIG1:DEL 0.5")
    generator.errors()
    assert np.ptp(generator.put_out("output1").values) == 0.0
    generator.wait(1.0)
    generator.write("*TRG")
    waveform = generator.put_out("output1")
    assert [waveform.start, waveform.cycles, waveform.period] == pytest.approx([1.5, 3.0, 0.01])
    assert waveform.marker_every == 3.0
    generator.write("*TRG")  # while it runs: not disturbed
    assert generator.put_out("output1").start == 1.5
    generator.wait(2.0)
    generator.instrument.trigger()
    assert generator.put_out("output1").start == 3.5
    assert generator.errors() == []


def test_with_continuous_initiation_off_a_counted_number_of_bursts_follows_initiate(generator: Any) -> None:
    burst(generator, "INIT1:CONT OFF", "TRIG1:SOUR TIM", "TRIG1:TIM 20 ms", "TRIG1:COUN 50")
    assert np.ptp(generator.put_out("output1").values) == 0.0
    generator.wait(1.0)
    generator.write("INIT1")
    waveform = generator.put_out("output1")
    assert (waveform.start, waveform.cycles, waveform.period) == (1.0, 50.0, 0.02)
    generator.write("ABOR")
    assert np.ptp(generator.put_out("output1").values) == 0.0


def test_an_external_trigger_starts_a_burst(generator: Any) -> None:
    burst(generator, "TRIG1:SOUR EXT")
    generator.wires.edge_times["trigger"] = np.array([0.5])
    generator.wait(0.6)
    assert generator.put_out("output1").start == 0.6
    assert generator.put_out("output1").cycles == 1.0


def test_a_setting_that_changes_nothing_does_not_restart_the_wave(generator: Any) -> None:
    generator.write("OUTP1 ON")
    generator.wait(1.0)
    number = len(generator.wires.driven)
    generator.write("OUTP1 ON", "FREQ 1e3", "TRIG1:SLOP NEG", "OUTP:SYNC:MODE CARR")
    assert len(generator.wires.driven) == number
    generator.write("FREQ 2e3")
    assert generator.put_out("output1").start == 1.0


def test_polarity_pulse_square_and_noise_reach_the_output(generator: Any) -> None:
    generator.write("OUTP1:LOAD INF", "VOLT:LOW 0;HIGH 1", "FUNC SQU", "FUNC:SQU:DCYC 25", "OUTP1 ON")
    assert np.mean(generator.put_out("output1").values) == pytest.approx(0.25, abs=1e-3)
    generator.write("FUNC PULS", "FUNC:PULS:WIDT 100 us", "FREQ 1e3")
    assert np.mean(generator.put_out("output1").values) == pytest.approx(0.1, abs=1e-3)
    generator.write("OUTP1:POL INV")
    assert generator.put_out("output1").values.min() == pytest.approx(-1.0, abs=1e-3)
    generator.write("OUTP1:POL NORM", "FUNC NOIS")
    assert np.std(generator.put_out("output1").values) == pytest.approx(0.5 / 3.3, rel=0.05)
    generator.write("FUNC DC", "VOLT:OFFS 0.3")
    assert generator.put_out("output1").values == pytest.approx(0.3, abs=1e-3)


def test_reset_switches_off_and_forgets_volatile_waveforms(generator: Any) -> None:
    burst(generator, "BURS:INT:PER 20 ms")
    generator.write("*RST")
    assert generator.query("OUTP1?;:FUNC?;:BURS:STAT?;:OUTP:SYNC:SOUR?") == "0;SIN;0;CH1"
    assert np.all(generator.put_out("output1").values == 0.0)
    assert generator.query("DATA:VOL:CAT?") == r'"INT:\BUILTIN\EXP_RISE.ARB"'


def test_the_faster_model_goes_to_30_mhz(talk_to: Callable[..., Any]) -> None:
    generator = talk_to("keysight-33522b")
    generator.write("FREQ MAX")
    assert float(generator.query("FREQ?")) == pytest.approx(30e6)
    assert "33522B" in generator.query("*IDN?")


@pytest.mark.parametrize(
    ("cycles", "every", "expected"),
    [(3.0, 3.0, [1.0]), (3.0, 1.0, [1.0, 1.5, 2.0]), (6.0, 3.0, [1.0, 2.5]), (math.inf, math.inf, [1.0])],
)
def test_a_burst_of_several_cycles_has_one_sync_edge(cycles: float, every: float, expected: list[float]) -> None:
    record = MarkerRecord(MarkerLine("counter.input1", active_low=False))
    record.drive(0.5, Waveform(1.0, 0.5, cycles, np.array([0.0, 1.0]), marker_phase=0.0, marker_every=every))
    assert record.edges(1.0, True, 0.0, 10.0).tolist() == expected
