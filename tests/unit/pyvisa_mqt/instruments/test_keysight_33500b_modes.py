"""The simulated 33500B: modulation modes, pulses, APPLy, stored states, triggered mode and the Sync output."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.sample.cables import MarkerLine, MarkerRecord


@pytest.fixture
def generator(talk_to: Callable[..., Any]) -> Any:
    return talk_to("keysight-33512b")


def burst(generator: Any, *more: str) -> None:
    """Set up bursts of a wave of eight points in 10 ms, 0 to 1 V."""
    generator.write("OUTP1:LOAD INF", "VOLT:LOW 0;HIGH 1", "DATA:ARB up,-1,-0.5,0,0.5,1,0.5,0,-0.5", "FUNC:ARB up")
    generator.write("FUNC ARB", "FUNC:ARB:SRAT 800", "BURS:STAT ON", *more, "OUTP1 ON", "*CLS")


def test_one_mode_excludes_the_others_and_sweep_is_a_frequency_mode(generator: Any) -> None:
    generator.write("AM:STAT ON;:FM:STAT ON")
    assert generator.query("AM:STAT?;:FM:STAT?") == "0;1"
    generator.write("SWE:STAT ON")
    assert generator.query("FM:STAT?;:FREQ:MODE?;:SWE:STAT?") == "0;SWE;1"
    generator.write("BURS:STAT ON")
    assert generator.query("SWE:STAT?;:FREQ:MODE?;:BURS:STAT?") == "0;CW;1"
    generator.write("FREQ:MODE LIST")
    assert generator.query("BURS:STAT?;:FREQ:MODE?") == "0;LIST"
    generator.write("SOUR2:PM:STAT ON;:FREQ:MODE SWE")
    assert generator.query("SOUR2:PM:STAT?;:SWE:STAT?") == "1;1"  # the other channel is another matter
    assert generator.errors() == []


@pytest.mark.parametrize(
    ("function", "command", "allowed"),
    [
        ("SIN", "PWM:STAT ON", False),
        ("PULS", "PWM:STAT ON", True),
        ("PULS", "FM:STAT ON", False),
        ("NOIS", "AM:STAT ON", True),
        ("NOIS", "FSK:STAT ON", False),
        ("ARB", "SWE:STAT ON", False),
    ],
)
def test_a_modulation_needs_a_function_that_it_can_modulate(
    generator: Any, function: str, command: str, allowed: bool
) -> None:
    generator.write(f"FUNC {function}", command)
    assert [error[:4] for error in generator.errors()] == ([] if allowed else ["-221"])
    generator.write("FUNC DC")
    assert generator.query(f"{command.split()[0]}?") == "0"


def test_the_ends_of_a_frequency_sweep_are_also_centre_and_span(generator: Any) -> None:
    generator.write("FREQ:STAR 2e3;STOP 4e3")
    assert [float(v) for v in generator.query("FREQ:CENT?;SPAN?").split(";")] == [3e3, 2e3]
    generator.write("FREQ:SPAN 1 kHz;CENT 10 kHz")
    assert [float(v) for v in generator.query("FREQ:STAR?;STOP?").split(";")] == [9.5e3, 10.5e3]
    generator.write("LIST:FREQ 1e3,2e3,3e3,4e3", "FREQ:SPAN 30e3")
    assert float(generator.query("LIST:FREQ:POIN?")) == 4
    assert generator.errors() == ['-222,"Data out of range"']


def test_a_pulse_follows_the_period_by_its_width_or_by_its_duty_cycle(generator: Any) -> None:
    generator.write("FUNC PULS", "FUNC:PULS:WIDT 2e-4;HOLD DCYC", "FREQ 2e3")
    assert float(generator.query("FUNC:PULS:WIDT?")) == pytest.approx(1e-4)
    generator.write("FUNC:PULS:HOLD WIDT", "FREQ 1e4")
    assert float(generator.query("FUNC:PULS:DCYC?")) == pytest.approx(100.0, abs=0.1)
    generator.write("FREQ 2e4")
    assert float(generator.query("FUNC:PULS:WIDT?")) == pytest.approx(50e-6 - 16e-9)
    assert generator.errors() == []
    generator.write("FUNC:PULS:WIDT 1", "FUNC:PULS:TRAN:LEAD 20e-9;TRA 30e-9")
    assert generator.errors() == ['-221,"Settings conflict; pulse width does not fit into the period"']
    assert float(generator.query("FUNC:PULS:TRAN?")) == pytest.approx(20e-9)


def test_apply_sets_everything_at_once(generator: Any) -> None:
    generator.write("BURS:STAT ON;:TRIG1:SOUR BUS", "APPL:RAMP 5 kHz, 3.0, -1.0")
    assert generator.query("FUNC?;:OUTP?;:BURS:STAT?;:TRIG1:SOUR?") == "RAMP;1;0;IMM"
    values = "+5.000000000000000E+03,+3.000000000000000E+00,-1.000000000000000E+00"
    assert generator.query("APPL?") == f'"RAMP {values}"'
    generator.write("APPL:SIN 15 MHz", "APPL:RAMP 5 kHz", "APPL:PULS 1e3")
    assert float(generator.query("FREQ?")) == 1e3
    generator.write("APPL:SIN DEF, 1 VRMS")
    assert float(generator.query("VOLT?")) == pytest.approx(2 * math.sqrt(2))
    generator.write("SOUR2:APPL:DC DEF, DEF, 0.5")
    assert generator.put_out("output2").values == pytest.approx(1.0, abs=1e-3)
    assert generator.errors() == []


def test_states_are_saved_recalled_and_survive_a_power_failure(generator: Any) -> None:
    generator.write("MMEM:STOR:DATA1 'INT:\\kept.arb'", "FREQ 4321", "OUTP1 ON", "*SAV 2", "*RST", "*RCL 2")
    assert float(generator.query("FREQ?")) == 4321
    assert np.ptp(generator.put_out("output1").values) > 0
    generator.write("*RCL 4")
    assert generator.errors() == ['810,"State has not been stored"']
    generator.instrument.power_cycle()
    assert float(generator.query("FREQ?")) == 1e3
    assert generator.query("OUTP1?;:MEM:STAT:VAL? 2;VAL? 3;VAL? 0") == "0;1;0;1"
    generator.write("MMEM:LOAD:DATA1 'INT:\\kept.arb'", "MEM:STAT:DEL 2", "*RCL 2")
    assert generator.errors() == ['810,"State has not been stored"']


def test_operation_complete_waits_for_the_end_of_a_triggered_burst(generator: Any) -> None:
    burst(generator, "TRIG1:SOUR BUS", "BURS:NCYC 5")  # 10 ms each
    generator.write("*TRG;*WAI;*OPC?")
    assert generator.wait_for_reply() == "1"
    assert generator.wires.clock.now() == pytest.approx(0.05)
    generator.write("*CLS;*TRG;*OPC")
    assert generator.query("*ESR?") == "+0"
    generator.wait(0.06)
    assert generator.query("*ESR?;*OPC?") == "+1;1"
    generator.write("BURS:NCYC INF;:*TRG")
    assert generator.query("*OPC?") == "1"  # what never ends is not waited for


def test_initiated_once_it_takes_as_many_triggers_as_were_asked_for(generator: Any) -> None:
    burst(generator, "INIT1:CONT OFF", "TRIG1:SOUR BUS;COUN 2")
    generator.write("*TRG")
    assert [error[:4] for error in generator.errors()] == ["-211"]
    generator.write("INIT1")
    assert np.ptp(generator.put_out("output1").values) == 0.0
    for number in range(3):
        generator.wait(1.0)
        generator.write("*TRG")
        assert generator.put_out("output1").start == min(number + 1, 2)
    assert [error[:4] for error in generator.errors()] == ["-211"]


def rises(generator: Any, until: float) -> list[float]:
    """Return when Sync rises, from the marker that goes with the output."""
    record = MarkerRecord(MarkerLine("counter.input1", active_low=False))
    record.drive(0.0, generator.put_out("output1"))
    times: list[float] = record.edges(1.0, True, -1e-9, until).tolist()
    return times


def test_sync_rises_at_the_start_of_a_burst_or_with_each_of_its_cycles(generator: Any) -> None:
    burst(generator, "BURS:NCYC 3;INT:PER 50 ms")
    assert rises(generator, 0.12) == pytest.approx([0.0, 0.05, 0.1])
    generator.write("OUTP:SYNC:MODE CARR")
    assert rises(generator, 0.125) == pytest.approx([0.0, 0.01, 0.02, 0.05, 0.06, 0.07, 0.1, 0.11, 0.12])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (["BURS:STAT OFF"], [0.005, 0.015]),
        (["BURS:STAT OFF", "OUTP:SYNC:MODE MARK", "MARK:POIN 6"], [0.0075, 0.0175]),
        (["BURS:NCYC 1;INT:PER 20 ms"], [0.01]),
        (["BURS:NCYC 3;INT:PER 50 ms"], [0.03, 0.08]),
        (["BURS:NCYC 3;INT:PER 50 ms", "OUTP:SYNC:MODE MARK", "MARK:CYCL 2"], [0.01, 0.06]),
        (["BURS:NCYC 2;INT:PER 50 ms", "OUTP:SYNC:MODE CARR"], [0.005, 0.015, 0.055]),
    ],
)
def test_an_inverted_sync_rises_where_an_upright_one_falls(
    generator: Any, settings: list[str], expected: list[float]
) -> None:
    burst(generator, "OUTP:SYNC:POL INV", *settings)
    assert rises(generator, expected[-1] + 1e-3) == pytest.approx(expected)


def test_an_inverted_sync_marks_the_end_of_a_triggered_burst(generator: Any) -> None:
    burst(generator, "OUTP:SYNC:POL INV", "TRIG1:SOUR BUS", "BURS:NCYC 3")
    generator.wait(1.0)
    generator.write("*TRG")
    assert rises(generator, 2.0) == pytest.approx([1.03])
    assert generator.put_out("output1").stop == pytest.approx(1.03)
