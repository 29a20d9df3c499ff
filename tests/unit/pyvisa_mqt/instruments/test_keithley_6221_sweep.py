"""Sweeps, stored set-ups and the modes of the 6221 that need a nanovoltmeter."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.time_and_signals.signals import Waveform

#: One step of the converter on the 20 uA range, A.
STEP = 2 * 1.05 * 20e-6 / 2**16


@pytest.fixture
def source(talk_to: Callable[..., Any]) -> Any:
    return talk_to("keithley-6221")


def put_out(source: Any) -> Waveform:
    wave: Waveform = source.wires.driven[-1][1]
    return wave


def steps(wave: Waveform) -> tuple[Any, Any]:
    """Return the levels of a staircase in their order, and how long each is held, s."""
    edges = np.flatnonzero(np.diff(wave.values)) + 1
    starts = np.concatenate([[0], edges])
    lengths = np.diff(np.concatenate([starts, [len(wave.values)]])) * wave.period / len(wave.values)
    return wave.values[starts], lengths


def test_a_linear_sweep_steps_through_its_currents_and_stays_at_the_last_one(source: Any) -> None:
    source.write("CURR:STAR 0;STOP 10e-6;STEP 1e-6", "SOUR:DEL 0.1;SWE:RANG BEST;ARM")
    assert source.query("SWE:ARM?;POIN?;:OUTP?;:STAT:OPER:COND?;:CURR:RANG?") == "1;11;1;1024;+2.000000E-05"
    source.write("STAT:OPER:ENAB 2;*SRE 128;:INIT")
    assert source.query("STAT:OPER:COND?") == "8"
    levels, lengths = steps(put_out(source))
    assert levels == pytest.approx(np.arange(11) * 1e-6, abs=STEP)
    # The processor's jitter: up to 1 ms a step, and the drawing's grid of 0.1 ms.
    assert np.all((lengths > 0.0998) & (lengths < 0.1012))
    assert np.ptp(lengths) > 3e-4
    source.wait(1.2)
    assert source.instrument.service_requests == 1
    assert source.query("STAT:OPER?;:STAT:OPER:COND?") == "1034;1026"  # sweeping, done, idle
    assert put_out(source).idle == pytest.approx(10e-6, abs=STEP)
    source.write("SWE:ABOR")
    assert put_out(source).values.tolist() == [0.0]
    assert source.query("OUTP?;:SWE:ARM?;:SYST:ERR?") == '0;0;0,"No error"'


def test_with_the_display_off_the_steps_do_not_jitter(source: Any) -> None:
    source.write("DISP:ENAB OFF", "CURR:STAR 0;STOP 10e-6;STEP 1e-6", "SOUR:DEL 0.1", "SWE:ARM", "INIT")
    assert put_out(source).period == pytest.approx(1.1)
    assert np.ptp(steps(put_out(source))[1]) < 2e-4


def test_an_aborted_sweep_says_so(source: Any) -> None:
    source.write("SWE:COUN INF", "SWE:ARM", "INIT")
    assert math.isinf(put_out(source).cycles)
    source.wait(0.5)
    source.write("ABOR")
    assert source.query("STAT:OPER:COND?") == str(4 + 1024)


def test_a_list_sweep_has_delays_of_its_own(source: Any) -> None:
    source.write("SOUR:LIST:CURR 1e-6,-2e-6;CURR:APP 3e-6;:SOUR:LIST:DEL 0.1,0.2,0.3", "SWE:SPAC LIST;ARM", "INIT")
    assert source.query("SOUR:LIST:CURR:POIN?;:SOUR:LIST:CURR?") == "3;+1.000000E-06,-2.000000E-06,+3.000000E-06"
    levels, lengths = steps(put_out(source))
    assert levels == pytest.approx([1e-6, -2e-6, 3e-6], abs=STEP)
    assert lengths == pytest.approx([0.1, 0.2, 0.3], abs=1.2e-3)


def test_a_logarithmic_sweep_has_equal_ratios_and_does_not_go_through_zero(source: Any) -> None:
    source.write("CURR:STAR 1e-7;STOP 1e-5", "SWE:SPAC LOG;POIN 5;ARM", "INIT")
    assert steps(put_out(source))[0] == pytest.approx(np.geomspace(1e-7, 1e-5, 5), abs=STEP)
    source.write("SWE:ABOR", "CURR:STAR 0", "SWE:ARM")
    assert source.query("SYST:ERR?").startswith("-221")


def test_ends_centre_span_step_and_points_of_a_sweep_follow_one_another(source: Any) -> None:
    source.write("CURR:STAR -2e-6;STOP 2e-6;STEP 1e-6")
    assert source.query("SWE:POIN?;:CURR:CENT?;SPAN?") == "5;+0.000000E+00;+4.000000E-06"
    assert source.query("SWE:POIN 9;:CURR:STEP?") == "+5.000000E-07"
    assert source.query("CURR:CENT 1e-6;STAR?;STOP?") == "-1.000000E-06;+3.000000E-06"
    assert source.query("CURR:SPAN 2e-6;STAR?;STOP?;:SYST:ERR?") == '+0.000000E+00;+2.000000E-06;0,"No error"'


def test_a_sweep_waits_for_the_event_of_its_arm_layer(source: Any) -> None:
    source.write("CURR 1e-6;:OUTP ON", "CURR:STAR 0;STOP 10e-6;STEP 1e-6;:ARM:SOUR BUS", "SWE:ARM", "INIT")
    assert put_out(source).values.tolist() == [0.0]
    assert source.query("STAT:OPER:COND?") == "64"
    source.wait(1.0)
    source.write("*TRG")
    assert put_out(source).start == 1.0
    assert source.query("STAT:OPER:COND?") == "8"
    source.write("SWE:ABOR", "ARM:SOUR TLIN", "SWE:ARM", "INIT", "*TRG")
    assert source.errors() == ['-211,"Trigger ignored"']
    source.write("ARM:SIGN")
    assert len(steps(put_out(source))[0]) == 11
    source.write("ABOR", "SWE:ARM", "INIT", "ABOR")
    assert source.query("STAT:OPER:COND?;:SYST:ERR?").split(";")[1] == '0,"No error"'


def test_a_wave_with_external_trigger_rests_at_its_inactive_value_until_it_comes(source: Any) -> None:
    source.write("WAVE:FUNC SQU;AMPL 1e-6;OFFS 2e-6;FREQ 100;DUR:CYCL 10", "WAVE:EXTR ON;EXTR:ILIN 1;IVAL -0.5")
    source.write("WAVE:ARM;INIT")
    assert put_out(source).values == pytest.approx([1.5e-6], abs=STEP)
    assert int(source.query("STAT:OPER:COND?")) & 32
    source.wires.edge_times["trigger"] = np.array([0.5, 0.55, 2.0])
    source.wires.falling = {"trigger"}
    source.wait(0.51)
    assert (put_out(source).start, put_out(source).cycles) == (0.51, 10.0)
    source.wait(0.06)  # a trigger during the wave starts it afresh, unless it is to be ignored
    assert put_out(source).start == pytest.approx(0.57)
    source.wait(0.2)
    assert put_out(source).values == pytest.approx([1.5e-6], abs=STEP)
    source.write("*TRG")
    assert put_out(source).cycles == 10.0
    source.write("WAVE:ABOR")
    assert source.query("STAT:OPER:COND?;:SYST:ERR?") == '1152;0,"No error"'


def test_what_is_left_of_a_duration_is_kept_however_often_a_running_wave_changes(source: Any) -> None:
    source.write("WAVE:FREQ 100;DUR:TIME 1;:WAVE:ARM;INIT")
    for frequency in (200, 50, 400):
        source.wait(0.2)
        source.write(f"WAVE:FREQ {frequency}")
        assert put_out(source).stop == pytest.approx(1.0)
    source.write("WAVE:ABOR;FREQ 100;DUR:CYCL 100;:WAVE:ARM;INIT")
    begin = source.wires.clock.now()
    source.wait(0.5)
    source.write("WAVE:FREQ 200")
    source.wait(0.1)
    source.write("WAVE:FREQ 50")
    assert put_out(source).cycles == pytest.approx(30.0)
    assert put_out(source).stop - begin == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("INIT", -221),
        ("DELT:ARM", -241),
        ("PDEL:ARM", -241),
        ("DCON:ARM", -241),
        ("SENS:DATA?", -230),
        ("SENS:DATA:FRES?", -230),
        ("TRAC:DATA?", -230),
        ("CALC2:DATA?", -230),
        ("PDEL:WIDT 13e-3", -222),
        ("PDEL:INT 4", -222),
        ("DELT:HIGH -1e-6", -222),
        ("SWE:POIN 65536", -222),
        ("SOUR:DEL 1e-4", -222),
        ("FORM ASC,32", -221),
        ("SYST:COMM:SER:BAUD 1300", -224),
        ("*SAV 5", -222),
        ("DISP:TEXT:DATA '" + "x" * 21 + "'", -223),
        ("STAT:QUE:ENAB (-441)", -222),
        ("*TRG", -211),
        ("CALC4:FORM MEAN", -114),
        ("WAVE:ARM;:SWE:ARM", -221),
        ("CURR:RANG 2e-6;:SWE:RANG FIX;ARM", -221),
    ],
)
def test_what_cannot_be_done_is_refused(source: Any, message: str, code: int) -> None:
    source.write(message)
    assert int(source.query("SYST:ERR?").split(",")[0]) == code
    assert source.query("SYST:ERR?") == '0,"No error"'


def test_the_low_current_of_delta_mode_follows_the_high_one(source: Any) -> None:
    assert source.query("DELT:HIGH 2e-6;LOW?;NVPR?") == "-2.000000E-06;0"
    assert source.query("PDEL:HIGH 2e-6;LOW?") == "+0.000000E+00"


def test_status_registers_can_be_read_in_other_bases(source: Any) -> None:
    source.write("STAT:OPER:ENAB 128")
    assert source.query("FORM:SREG HEX;:STAT:OPER:ENAB?") == "#H80"
    assert source.query("FORM:SREG BIN;:STAT:OPER:ENAB?;:FORM:SREG OCT;:STAT:OPER:ENAB?") == "#B10000000;#Q200"
    assert source.query("*RST;:STAT:OPER:ENAB?") == "128"


def test_errors_can_be_kept_out_of_the_queue(source: Any) -> None:
    assert source.query("STAT:QUE:ENAB?;DIS?") == "(-440:+900);()"
    source.write("*CLS;:STAT:QUE:DIS (-113, -222:-220)", "NONSENSE", "CURR 1", "CURR")
    assert source.query("STAT:QUE?;QUE?;:*ESR?") == '-109,"Missing parameter";0,"No error";48'
    assert source.query("STAT:QUE:DIS?") == "(-222:-220,-113)"


def test_a_saved_set_up_comes_back_with_the_output_off(source: Any) -> None:
    source.write("CURR:RANG 2e-6;:CURR 1e-6;:WAVE:FREQ 123;DUR:CYCL 7;:OUTP ON;*SAV 3", "*RST", "*RCL 3")
    assert source.query("CURR?;:WAVE:FREQ?;DUR:CYCL?;:OUTP?") == "+1.000000E-06;+1.230000E+02;+7.000000E+00;0"
    assert put_out(source).values.tolist() == [0.0]


def test_a_power_failure_keeps_points_states_and_interface_and_nothing_else(source: Any) -> None:
    source.write("WAVE:ARB:DATA 0,1;COPY 1;:WAVE:FREQ 5;:SYST:COMM:GPIB:ADDR 7;:CURR:COMP 3;*SAV 2")
    source.instrument.power_cycle()
    assert source.query("WAVE:FREQ?;:SYST:COMM:GPIB:ADDR?;:CURR:COMP?;:*ESR?") == "+1.000000E+03;7;+1.000000E+01;128"
    source.write("SYST:POS SAV2")
    source.instrument.power_cycle()
    assert source.query("WAVE:FREQ?;:CURR:COMP?;:OUTP?") == "+5.000000E+00;+3.000000E+00;0"


def test_limits_of_durations_can_be_asked_for(source: Any) -> None:
    assert source.query("WAVE:DUR:TIME? MIN;TIME? MAX;CYCL? DEF") == "+1.000000E-07;+1.000000E+06;+9.900000E+37"
