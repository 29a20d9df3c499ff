"""The simulated GS200: its ranges, its program and its event register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

QCODES_RAMP = (
    "*CLS;:PROG:REP 0;:PROG:SLOP 2.000000E+00;:PROG:INT 2.000000E+00;:PROG:EDIT:STAR;"
    ":SOUR:LEV 2.000000E-04;:PROG:EDIT:END;:PROG:RUN"
)
PYMEASURE_RAMP = (
    ":program:edit:start;:source:level 0.0002;:program:edit:end;:program:interval 1.0;"
    ":program:slope 1.0;:program:repeat 0;:program:run"
)


@pytest.fixture
def source(talk_to: Callable[..., Any]) -> Any:
    source = talk_to("yokogawa-gs200")
    source.write("*CLS")
    return source


@pytest.fixture
def current_source(source: Any) -> Any:
    source.write("SOUR:FUNC CURR", "OUTP 1", "*CLS")
    return source


def driven(source: Any, port: str) -> float:
    """Return the level that a port holds now."""
    waveform = [wave for name, wave, _ in source.wires.driven if name == port][-1]
    return float(waveform.values[-1])


def test_it_answers_what_clients_ask_at_connect(source: Any) -> None:
    assert source.query("*IDN?") == "YOKOGAWA,GS210,90Z631552,2.02"
    assert source.query("*OPT?") == "0"
    assert source.query(":SOUR:FUNC?;:OUTP?;:SOUR:RANG?;:SOUR:LEV?") == "VOLT;0;+1E+0;+0E+0"
    assert source.query(":SYST:ERR?") == '0,"No error"'


@pytest.mark.parametrize(
    ("message", "size"), [("10E-3", 0.01), ("0.05", 0.1), ("30", 30.0), ("MIN", 0.01), ("MAX", 30.0), ("UP", 10.0)]
)
def test_a_range_is_the_smallest_that_is_large_enough(source: Any, message: str, size: float) -> None:
    source.write(f":SOUR:RANG {message}")
    assert float(source.query(":SOUR:RANG?")) == pytest.approx(size)


@pytest.mark.parametrize(
    ("function", "size", "largest", "step"),
    [
        ("VOLT", 10e-3, 12e-3, 100e-9),
        ("VOLT", 1.0, 1.2, 10e-6),
        ("VOLT", 30.0, 32.0, 1e-3),
        ("CURR", 1e-3, 1.2e-3, 10e-9),
        ("CURR", 200e-3, 200e-3, 1e-6),
    ],
)
def test_levels_go_to_the_end_of_the_range_in_its_steps(
    source: Any, function: str, size: float, largest: float, step: float
) -> None:
    source.write(f"SOUR:FUNC {function}", f"SOUR:RANG {size}", f"SOUR:LEV {largest}", "OUTP ON")
    assert float(source.query("SOUR:LEV?")) == pytest.approx(largest)
    port = "voltage" if function == "VOLT" else "current"
    assert driven(source, port) == pytest.approx(largest)
    source.write(f"SOUR:LEV {1.4 * step}")
    assert driven(source, port) == pytest.approx(step)
    assert driven(source, "output") == pytest.approx(step)
    source.write(f"SOUR:LEV {-largest - 2 * step}")
    assert source.query("SYST:ERR?") == '-222,"Data out of range"'
    assert driven(source, port) == pytest.approx(step)


def test_automatic_levels_choose_the_smallest_range_once(source: Any) -> None:
    source.write("SOUR:LEV:AUTO 0.011")
    assert source.query("SOUR:RANG?;LEV:AUTO?") == "+10E-3;+11E-3"
    source.write("SOUR:LEV 0.05")
    assert source.query("SYST:ERR?").startswith("-222")
    source.write("SOUR:LEV:AUTO -31")
    assert source.query("SOUR:RANG?") == "+30E+0"
    source.write("SOUR:RANG 10")
    assert source.query("SYST:ERR?").startswith("-221")


def test_voltage_and_current_have_ports_of_their_own(source: Any) -> None:
    source.write("OUTP 1", "SOUR:LEV 0.5")
    assert (driven(source, "voltage"), driven(source, "current")) == (0.5, 0.0)
    source.write("SOUR:FUNC CURR")
    assert source.query("OUTP?") == "0"  # the function changes with the output off
    source.write("OUTP 1;:SOUR:LEV 1E-3")
    assert (driven(source, "voltage"), driven(source, "current")) == (0.0, 1e-3)
    source.write("OUTP 0")
    assert driven(source, "current") == 0.0


@pytest.mark.parametrize(("ramp", "duration"), [(QCODES_RAMP, 2.0), (PYMEASURE_RAMP, 1.0)])
def test_the_end_of_a_program_is_reported_when_the_slope_has_arrived_and_once(
    current_source: Any, ramp: str, duration: float
) -> None:
    source = current_source
    source.write("SOUR:LEV 1E-4", ramp)
    assert source.query(":STAT:EVEN?") == "0"
    source.wait(duration / 2)
    assert float(source.query("SOUR:LEV?")) == pytest.approx(1.5e-4, rel=1e-3)
    source.wait(0.49 * duration)
    assert source.query(":STAT:EVEN?") == "0"
    source.wait(0.02 * duration)
    assert source.query(":STAT:EVEN?") == str(128 + 64 + 256)  # ends of program and step, ready for a program
    assert source.query(":STAT:EVEN?;:SOUR:LEV?") == "0;+200E-6"
    assert driven(source, "current") == pytest.approx(2e-4, abs=1e-6)


def test_editing_stores_steps_and_leaves_the_output_alone(current_source: Any) -> None:
    source = current_source
    source.write("SOUR:LEV 1E-4", "PROG:EDIT:STAR", "SOUR:LEV 5E-4", "SOUR:LEV:AUTO 6E-4")
    assert source.query("SOUR:LEV?") == "+100E-6"
    source.write("PROG:EDIT:END;:PROG:INT 1;:PROG:SLOP 0;:PROG:RUN")
    source.wait(0.5)
    assert float(source.query("SOUR:LEV?")) == pytest.approx(5e-4)
    source.wait(1.0)
    assert float(source.query("SOUR:LEV?")) == pytest.approx(6e-4)


def test_a_program_can_be_held_and_repeated(current_source: Any) -> None:
    source = current_source
    source.write("PROG:EDIT:STAR;:SOUR:LEV 1E-3;:PROG:EDIT:END;:PROG:INT 10;:PROG:SLOP 10;:PROG:REP 1;:PROG:RUN")
    source.wait(5.0)
    source.write("PROG:HOLD")
    source.wait(100.0)
    assert float(source.query("SOUR:LEV?")) == pytest.approx(5e-4, rel=1e-3)
    source.write("PROG:CONT")
    source.wait(2.0)
    assert float(source.query("SOUR:LEV?")) == pytest.approx(7e-4, rel=1e-3)
    source.wait(20.0)
    assert int(source.query(":STAT:EVEN?")) == 64  # steps end, a repeated program does not
    source.write("OUTP 0")
    assert source.query("SYST:ERR?") == '0,"No error"'


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("PROG:RUN", "-221"),
        ("PROG:EDIT:END", "-221"),
        ("PROG:PAUS", "-221"),
        ("PROG:INT 0.05", "-222"),
        ("PROG:LOAD 'x.csv'", "-256"),
        ("SOUR:PROT:VOLT 31", "-222"),
        ("SOUR:PROT:CURR 0.3", "-222"),
        ("SENS:NPLC 1", "-241"),
        ("MEAS?", "-241"),
        ("SOUR:RANG DOWN;RANG DOWN;RANG DOWN", "-222"),
        ("NONSENSE", "-113"),
    ],
)
def test_what_is_refused_says_why(source: Any, message: str, error: str) -> None:
    source.write(message)
    assert source.query("SYST:ERR?").startswith(error)
    assert source.query("SYST:ERR?") == '0,"No error"'


def test_the_monitor_measures_what_the_load_makes_of_the_output(talk_to: Callable[..., Any]) -> None:
    source = talk_to("yokogawa-gs200", monitor=True, load=100.0, product="GS211")
    assert source.query("*OPT?") == "/MON"
    source.write("SOUR:LEV 1;:OUTP 1;:SENS 1;:SENS:NPLC 5")
    begin = source.wires.clock.now()
    source.write("MEAS?")
    assert float(source.wait_for_reply()) == pytest.approx(0.01)
    assert source.wires.clock.now() - begin == pytest.approx(0.1)  # 5 cycles of 50 Hz
    source.write("SOUR:RANG MIN")
    assert source.query("SYST:ERR?").startswith("-221")  # 1 V does not fit


def test_the_condition_register_reads_idle(source: Any) -> None:
    assert source.query(":STAT:COND?") == str(1 + 4 + 8 + 16 + 256)


@pytest.mark.parametrize("options", [{"product": "GS300"}, {"load": 0.0}])
def test_impossible_options_are_refused(talk_to: Callable[..., Any], options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        talk_to("yokogawa-gs200", **options)


def monitored(talk_to: Callable[..., Any], load: float) -> Any:
    source = talk_to("yokogawa-gs200", monitor=True, load=load)
    source.write("SOUR:FUNC CURR", "SOUR:RANG MAX;LEV 0.1", "OUTP 1", "SENS 1;:SENS:TRIG COMM;DEL 500")
    return source


def test_a_triggered_measurement_is_fetched_when_its_end_is_reported(talk_to: Callable[..., Any]) -> None:
    source = monitored(talk_to, load=50.0)
    assert source.query("FETC?;:SYST:ERR?").startswith("-230")
    source.write("*CLS;:INIT")
    assert int(source.query(":STAT:COND?")) & 1 == 0
    source.wait(0.6)
    assert int(source.query(":STAT:EVEN?")) & 1
    assert float(source.query("FETC?")) == pytest.approx(5.0)
    source.write("SOUR:LEV -0.1;:*TRG")
    source.wait(0.6)
    assert float(source.query("FETC?")) == pytest.approx(-5.0)


def test_a_load_that_needs_more_than_the_limit_sets_the_limiters_bit_and_limits_the_reading(
    talk_to: Callable[..., Any],
) -> None:
    source = monitored(talk_to, load=100.0)
    assert int(source.query(":STAT:COND?")) & (3 << 10) == 0
    source.write("SOUR:PROT:VOLT 5")
    assert int(source.query(":STAT:COND?")) & (3 << 10) == 1 << 11
    source.write("SOUR:LEV -0.1")
    assert int(source.query(":STAT:COND?")) & (3 << 10) == 1 << 10
    source.write("MEAS?")
    assert float(source.wait_for_reply()) == pytest.approx(-5.0)
    source.write("OUTP 0")
    assert int(source.query(":STAT:COND?")) & (3 << 10) == 0


def test_the_counter_tells_the_step_that_runs_and_step_runs_one_at_a_time(current_source: Any) -> None:
    source = current_source
    source.write("PROG:EDIT:STAR;:SOUR:LEV 1E-4;LEV 2E-4;LEV 3E-4;:PROG:EDIT:END;:PROG:INT 1;SLOP 0;RUN")
    for number in (1, 2):
        source.wait(0.5)
        assert source.query("PROG:COUN?") == str(number)
        source.wait(0.5)
    source.wait(0.1)  # the end of a program is the end of its last slope
    assert source.query("PROG:COUN?;:SOUR:LEV?") == "1;+300E-6"
    for number, level in ((1, "+100E-6"), (2, "+200E-6"), (3, "+300E-6"), (1, "+100E-6")):
        assert source.query("PROG:COUN?") == str(number)
        source.write("PROG:STEP")
        source.wait(1.1)
        assert source.query("SOUR:LEV?") == level
    source.write("PROG:COUN 3;:PROG:STEP")
    source.wait(1.1)
    assert source.query("SOUR:LEV?;:PROG:TRIG MEND;:SYST:ERR?").startswith("+300E-6;-241")


def test_limits_of_the_level_depend_on_function_and_range(source: Any) -> None:
    source.write("SOUR:RANG 10;LEV MAX")
    assert source.query("SOUR:LEV?") == "+12E+0"
    source.write("SOUR:LEV:AUTO MIN")
    assert source.query("SOUR:LEV?;RANG?") == "-32E+0;+30E+0"
    source.write("SOUR:FUNC CURR;:SOUR:LEV:AUTO MAX")
    assert source.query("SOUR:LEV?;RANG?;:SYST:ERR?") == '+200E-3;+200E-3;0,"No error"'


def test_times_and_limiters_are_rounded_to_what_the_instrument_can_set(source: Any) -> None:
    source.write("PROG:INT 2.04;SLOP 0.26;:SOUR:PROT:VOLT 4.6;CURR 0.0123")
    assert source.query("PROG:INT?;SLOP?;:SOUR:PROT:VOLT?;CURR?") == "+2E+0;+300E-3;+5E+0;+12E-3"


def test_saved_programs_and_the_line_frequency_survive_a_power_failure(current_source: Any) -> None:
    source = current_source
    source.write("PROG:EDIT:STAR;:SOUR:LEV 1E-4;:PROG:EDIT:END;:PROG:SAVE 'a.csv';:SYST:LFR 60")
    source.instrument.power_cycle()
    assert source.query("SOUR:FUNC?;:OUTP?;:SYST:LFR?;:*ESR?") == "VOLT;0;60;128"
    source.write("PROG:LOAD 'A.CSV'")
    assert source.query("PROG:LOAD?;:SYST:ERR?") == '"A.CSV";0,"No error"'
    source.write("SOUR:FUNC CURR;:OUTP 1;:PROG:SLOP 0;:PROG:RUN")
    source.wait(0.1)
    assert source.query("SOUR:LEV?") == "+100E-6"
