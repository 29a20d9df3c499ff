"""The simulated current source, from its commands to what it puts on the wires."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.time_and_signals.signals import Waveform

#: One step of the wave generator's converter on the 20 uA range, A.
STEP = 2 * 1.05 * 20e-6 / 2**16


@pytest.fixture
def source(talk_to: Callable[..., Any]) -> Any:
    return talk_to("keithley-6221")


def ramp_recipe(source: Any, cycles: str = "10") -> None:
    """Set up 0 to 8 uA at 1 kHz as the manual describes it."""
    points = np.concatenate([np.linspace(-1, 1, 160), np.full(40, -1.0)])
    source.write("*RST;*CLS", "CURR:RANG 20e-6", "CURR:COMP 1", "WAVE:FUNC ARB0")
    for begin in (0, 100):
        command = "DATA" if begin == 0 else "APP"
        source.write(f"WAVE:ARB:{command} " + ",".join(f"{p:.7g}" for p in points[begin : begin + 100]))
    source.write("WAVE:AMPL 4e-6;OFFS 4e-6;FREQ 1000;RANG FIX", "WAVE:PMAR:OLIN 3;STAT 1;LEV 0")
    source.write(f"WAVE:DUR:CYCL {cycles}", "WAVE:ARM")


def last_wave(source: Any) -> Waveform:
    wave: Waveform = source.wires.driven[-1][1]
    return wave


def test_it_knows_its_name_and_starts_without_error(source: Any) -> None:
    assert source.query("*IDN?") == "KEITHLEY INSTRUMENTS INC.,MODEL 6221,1400001,D04"
    assert source.query("SYST:ERR?;:STAT:QUE?") == '0,"No error";0,"No error"'


def test_the_ramp_recipe_puts_its_waveform_on_the_output_with_markers_at_phase_zero(source: Any) -> None:
    ramp_recipe(source)
    source.wait(2.0)
    source.write("WAVE:INIT")
    assert source.query("SYST:ERR?") == '0,"No error"'
    port, wave, marker_port = source.wires.driven[-1]
    assert (port, marker_port, wave.marker_phase) == ("output", "marker", 0.0)
    assert (wave.start, wave.period, wave.cycles, wave.idle) == (2.0, 1e-3, 10.0, 0.0)
    expected = 4e-6 + 4e-6 * np.concatenate([np.linspace(-1, 1, 160), np.full(40, -1.0)])
    assert np.abs(wave.values - expected).max() <= STEP / 2 * (1 + 1e-6)
    assert np.allclose(np.round(wave.values / STEP), wave.values / STEP, atol=1e-6)


def test_the_end_of_the_wave_sets_its_bit_and_requests_service(source: Any) -> None:
    ramp_recipe(source)
    source.write("*CLS;:STAT:OPER:ENAB 128;*SRE 128;:WAVE:INIT")
    assert source.query("STAT:OPER:COND?") == "16"
    assert source.instrument.next_event() == pytest.approx(0.01)
    source.wait(0.0099)
    assert source.instrument.service_requests == 0
    source.wait(0.0002)
    assert source.instrument.service_requests == 1
    assert source.instrument.status_byte() & 0xC0 == 0xC0
    assert source.query("STAT:OPER?;:STAT:OPER:COND?") == "1168;1152"  # 16 + 128 + 1024 idle
    assert source.instrument.next_event() == math.inf


def test_it_can_start_again_once_armed_and_abort_takes_the_output_to_zero(source: Any) -> None:
    ramp_recipe(source, cycles="INF")
    source.write("WAVE:INIT")
    assert math.isinf(last_wave(source).cycles)
    source.wait(1.0)
    source.write("WAVE:INIT")
    assert last_wave(source).start == 1.0
    source.write("WAVE:ABOR")
    assert last_wave(source).values.tolist() == [0.0]
    assert last_wave(source).marker_phase is None
    assert source.wires.driven[-1][2] == "marker"  # so that the marker falls silent, too
    assert source.query("OUTP?;:WAVE:ARM?") == "0;0"


@pytest.mark.parametrize("command", ["OUTP OFF", "*RST", "CLE", "SYST:PRES"])
def test_switching_off_and_reset_take_the_output_to_zero_during_a_wave(source: Any, command: str) -> None:
    ramp_recipe(source, cycles="INF")
    source.write("WAVE:INIT", command)
    assert last_wave(source).values.tolist() == [0.0]
    source.write("WAVE:INIT")
    assert source.query("SYST:ERR?") == '-221,"Settings conflict"'


@pytest.mark.parametrize("command", ["WAVE:FUNC SIN", "WAVE:ARB:DATA 0,1", "WAVE:DUR:CYCL 5", "CURR:RANG 2e-3"])
def test_function_points_duration_and_range_are_locked_while_armed(source: Any, command: str) -> None:
    ramp_recipe(source)
    source.write(command)
    assert source.query("SYST:ERR?") == '-221,"Settings conflict"'


def test_amplitude_offset_and_frequency_change_a_running_wave_for_what_is_left_of_it(source: Any) -> None:
    ramp_recipe(source)
    source.write("WAVE:INIT")
    source.wait(4e-3)
    source.write("WAVE:AMPL 2e-6")
    assert last_wave(source).cycles == pytest.approx(6.0)
    assert last_wave(source).values.max() == pytest.approx(6e-6, abs=STEP)
    source.write("WAVE:AMPL 20e-6")
    assert source.query("SYST:ERR?") == '-221,"Settings conflict"'


def test_a_fixed_range_refuses_a_wave_that_it_cannot_hold_and_best_finds_one(source: Any) -> None:
    source.write("CURR:RANG 2e-6", "WAVE:AMPL 4e-6;OFFS 4e-6;RANG FIX;ARM")
    assert source.query("SYST:ERR?;:WAVE:ARM?") == '-221,"Settings conflict";0'
    source.write("WAVE:RANG BEST;ARM")
    assert source.query("SYST:ERR?;:CURR:RANG?") == '0,"No error";+2.000000E-05'


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [("1e-9", 2e-9), ("2.1e-9", 2e-9), ("2.2e-9", 20e-9), ("9.5e-6", 20e-6), ("-5e-3", 20e-3), ("0.105", 0.1)],
)
def test_the_range_is_the_smallest_that_holds_the_value_with_five_percent_to_spare(
    source: Any, asked: str, chosen: float
) -> None:
    assert float(source.query(f"CURR:RANG {asked};RANG?")) == pytest.approx(chosen)


def test_autorange_follows_the_level_and_a_fixed_range_refuses_it(source: Any) -> None:
    source.write("CURR:RANG 2e-6", "CURR 5e-6")
    assert source.query("SYST:ERR?;:CURR?") == '-222,"Parameter data out of range";+0.000000E+00'
    source.write("CURR:RANG:AUTO ON;:CURR 5e-6;:OUTP ON")
    assert source.query("CURR:RANG?;RANG:AUTO?") == "+2.000000E-05;1"
    assert last_wave(source).values[0] == pytest.approx(5e-6, abs=STEP)
    source.write("CURR:RANG 2e-6")
    assert source.query("SYST:ERR?") == '-221,"Settings conflict"'


def test_the_level_reaches_the_wire_only_with_the_output_on(source: Any) -> None:
    source.write("CURR:RANG 2e-6;:CURR 1e-6")
    assert last_wave(source).values[0] == 0.0
    source.write("OUTP ON")
    assert last_wave(source).values[0] == pytest.approx(1e-6, abs=STEP)


def test_the_marker_line_must_be_free_and_must_be_the_one_with_the_cable(source: Any, talk_to: Any) -> None:
    assert source.query("WAVE:PMAR:OLIN 2;:SYST:ERR?") == '-221,"Settings conflict"'
    assert source.query("TRIG:OLIN 3;:SYST:ERR?") == '-221,"Settings conflict"'
    other = talk_to("keithley-6221", marker_line=4)
    ramp_recipe(other)
    other.write("WAVE:INIT")
    assert last_wave(other).marker_phase is None
    other.write("WAVE:PMAR:OLIN 4")
    assert last_wave(other).marker_phase == 0.0


@pytest.mark.parametrize("spelling", ["WAVE:PMAR", "wave:pmark:lev", "SOUR:WAVE:PMARKER:LEVEL"])
def test_the_marker_phase_has_many_spellings(source: Any, spelling: str) -> None:
    assert source.query(f"{spelling} 90;:WAVE:PMAR?") == "+9.000000E+01"


def test_duration_in_time_and_in_cycles_are_two_views_of_one_setting(source: Any) -> None:
    assert source.query("WAVE:DUR:TIME?;CYCL?") == "+9.900000E+37;+9.900000E+37"
    assert source.query("WAVE:FREQ 100;DUR:TIME 2;CYCL?") == "+2.000000E+02"
    assert source.query("WAVE:DUR:CYCL 50;TIME?") == "+5.000000E-01"
    assert source.query("WAVE:DUR:CYCL INF;TIME?;:SYST:ERR?") == '+9.900000E+37;0,"No error"'


def test_points_come_in_hundreds_up_to_64k_and_can_be_copied(source: Any) -> None:
    block = ",".join(["0.5"] * 100)
    assert source.query(f"WAVE:ARB:DATA {block},0;:SYST:ERR?") == '-223,"Too much data"'
    source.write(f"WAVE:ARB:DATA {block}")
    for _ in range(655):
        source.write(f"WAVE:ARB:APP {block}")
    assert source.query("WAVE:ARB:POIN?;:SYST:ERR?") == '65500;-223,"Too much data"'


def test_copied_points_survive_a_reset(source: Any) -> None:
    source.write("WAVE:ARB:DATA 0,1,0.5", "WAVE:ARB:COPY 2", "*RST", "WAVE:FUNC ARB2;AMPL 1e-3;ARM;INIT")
    assert np.allclose(last_wave(source).values, [0, 1e-3, 0.5e-3], atol=1e-7)


def test_ramp_sine_and_square_have_their_shapes(source: Any) -> None:
    shapes = {}
    for function in ("RAMP", "SIN", "SQU"):
        source.write(f"WAVE:ABOR;FUNC {function};DCYC 75;AMPL 1e-3;FREQ 1e4;ARM;INIT")
        shapes[function] = last_wave(source).values
    assert shapes["RAMP"].argmax() == pytest.approx(375, abs=1)  # rises from the zero crossing to 75/2 %
    assert shapes["RAMP"].argmin() == pytest.approx(625, abs=1)
    assert np.mean(shapes["SQU"] > 0) == pytest.approx(0.75)
    assert shapes["SIN"][250] == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("duty", ["0", "100"])
def test_a_ramp_that_only_rises_or_only_falls_stays_in_bounds(source: Any, duty: str) -> None:
    source.write(f"WAVE:FUNC RAMP;DCYC {duty};AMPL 1e-3;ARM;INIT")
    assert np.abs(last_wave(source).values).max() <= 1.0001e-3


def test_the_reset_message_of_a_common_client_is_accepted(source: Any) -> None:
    source.write("BAD")
    source.write("status:queue:clear;*RST;:stat:pres;:*CLS;")
    assert source.query("SYST:ERR?;*ESR?") == '0,"No error";0'


def test_the_error_queue_is_ten_deep(source: Any) -> None:
    source.write(*["BAD"] * 12)
    answers = [source.query("SYST:ERR?") for _ in range(11)]
    assert answers[:9] == ['-113,"Undefined header"'] * 9
    assert answers[9:] == ['-350,"Queue overflow"', '0,"No error"']


def test_a_wrong_marker_line_in_the_bench_file_is_refused(talk_to: Any) -> None:
    with pytest.raises(ValueError, match="from 1 to 6"):
        talk_to("keithley-6221", marker_line=7)
