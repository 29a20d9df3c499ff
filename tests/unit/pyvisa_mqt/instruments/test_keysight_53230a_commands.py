"""Every command of the 53230A's reference: form, range, MIN, MAX, DEF, value after *RST, reply, refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

NO_ERROR = '+0,"No error"'
RANGE = '-222,"Data out of range"'
ILLEGAL = '-224,"Illegal parameter value"'


def nr3(value: float) -> str:
    return f"{value:+.14E}".replace("E+", "E+0").replace("E-", "E-0")


@pytest.fixture
def counter(talk_to: Callable[..., Any]) -> Any:
    counter = talk_to("keysight-53230a")
    counter.write("*CLS")
    return counter


# header without its optional nodes, value after *RST, least, greatest, other value as sent, other value as read
NUMBERS = [
    ("TRIG:DEL", 0.0, 0.0, 3600.0, "10 MS", nr3(0.01)),
    ("TINT:GATE:STAR:DEL:TIME", None, None, None, None, None),
    ("GATE:STAR:DEL:TIME", 0.0, 0.0, 10.0, "5 US", nr3(5e-6)),
    ("GATE:STOP:HOLD:TIME", 0.0, 0.0, 10.0, "1e-3", nr3(1e-3)),
    ("FREQ:GATE:TIME", 0.1, 1e-6, 1000.0, "1E-2", nr3(0.01)),
    ("TOT:GATE:TIME", 0.1, 1e-6, 1000.0, "1", nr3(1.0)),
    ("SYST:TIM", 9.9e37, 0.01, 2000.0, "20 MS", nr3(0.02)),
    ("SYST:ALEV:FREQ", 50.0, 50.0, 10e3, "10 KHZ", nr3(1e4)),
    ("INP2:LEV", 0.0, -5.125, 5.125, "250 MV", nr3(0.25)),
    ("INP1:LEV2:REL", 50.0, 10.0, 90.0, "72", nr3(70.0)),  # steps of 5
    ("CALC:LIM:LOW", 0.0, -1e15, 1e15, "1E-3", nr3(1e-3)),
    ("CALC:LIM:UPP", 0.0, -1e15, 1e15, "2E-3", nr3(2e-3)),
]
NUMBERS = [row for row in NUMBERS if row[1] is not None]


@pytest.mark.parametrize(("header", "reset", "least", "greatest", "sent", "read"), NUMBERS)
def test_a_number_has_its_range_its_reset_value_and_its_format(
    counter: Any, header: str, reset: float, least: float, greatest: float, sent: str, read: str
) -> None:
    assert counter.query(f"{header}?") == nr3(reset)
    assert counter.query(f"{header}? MIN;:{header}? MAXIMUM") == f"{nr3(least)};{nr3(greatest)}"
    counter.write(f"{header} {sent}")
    assert counter.query(f"{header}?") == read
    for word, value in (("MAX", greatest), ("MIN", least)):
        counter.write(f"{header} {word}")
        assert counter.query(f"{header}?") == nr3(value)
    counter.write(f"{header} {greatest * 1.01 + 0.1}")
    assert counter.query("SYST:ERR?") == RANGE
    assert counter.query(f"{header}?") == nr3(least)
    counter.write(f"{header} x", f"{header} 'a'", header)
    assert counter.query("SYST:ERR?").startswith("-1")
    counter.write("*CLS;*RST")
    expected = nr3(least) if header == "SYST:TIM" else nr3(reset)  # the time-out is non-volatile
    assert counter.query(f"{header}?") == expected


COUNTS = ["TRIG:COUN", "SAMP:COUN", "DATA:POIN:EVEN:THR", "GATE:STAR:DEL:EVEN", "GATE:STOP:HOLD:EVEN"]


@pytest.mark.parametrize("header", COUNTS)
def test_a_count_is_an_integer_with_its_sign(counter: Any, header: str) -> None:
    assert counter.query(f"{header}?;:{header}? MIN") == "+1;+1"
    counter.write(f"{header} 1234")
    assert counter.query(f"{header}?") == "+1234"
    counter.write(f"{header} 0")
    assert counter.query("SYST:ERR?") == RANGE
    if "EVEN" not in header or "THR" in header:
        assert counter.query(f"{header}? MAX") == "+1000000"
        counter.write(f"{header} 1000001")
        assert counter.query("SYST:ERR?") == RANGE
    counter.write("*RST")
    assert counter.query(f"{header}?") == "+1"


# header, words (long form after the short one), value after *RST
CHOICES = [
    ("INP1:COUP", ("AC", "DC"), "AC"),
    ("INP1:SLOP", ("POSitive", "NEGative"), "POS"),
    ("INP2:SLOP2", ("POSitive", "NEGative"), "POS"),
    ("TRIG:SOUR", ("IMMediate", "EXTernal", "BUS"), "IMM"),
    ("TRIG:SLOP", ("POSitive", "NEGative"), "NEG"),
    ("TINT:GATE:SOUR", ("IMMediate", "EXTernal", "ADVanced"), "IMM"),
    ("SENS:TINT:GATE:POL", ("POSitive", "NEGative"), "NEG"),
    ("GATE:EXT:SOUR", ("BNC", "INPut2"), "BNC"),
    ("GATE:STAR:SOUR", ("IMMediate", "EXTernal", "INPut1", "INPut2"), "IMM"),
    ("GATE:STAR:SLOP", ("POSitive", "NEGative"), "NEG"),
    ("GATE:STAR:DEL:SOUR", ("IMMediate", "TIME", "EVENts"), "IMM"),
    ("GATE:STOP:SOUR", ("IMMediate", "EXTernal", "INPut1", "INPut2"), "IMM"),
    ("GATE:STOP:SLOP", ("POSitive", "NEGative"), "POS"),
    ("GATE:STOP:HOLD:SOUR", ("IMMediate", "TIME", "EVENts"), "TIME"),
    ("FREQ:GATE:SOUR", ("TIME", "EXTernal", "ADVanced"), "TIME"),
    ("FREQ:GATE:POL", ("POSitive", "NEGative"), "NEG"),
    ("FORM:BORD", ("NORMal", "SWAPped"), "NORM"),
    ("OUTP:POL", ("NORMal", "INVerted"), "NORM"),
    ("ROSC:SOUR", ("INTernal", "EXTernal"), "INT"),
]


@pytest.mark.parametrize(("header", "words", "reset"), CHOICES)
def test_a_choice_is_read_back_in_short_capitals(counter: Any, header: str, words: tuple[str, ...], reset: str) -> None:
    assert counter.query(f"{header}?") == reset
    for word in words:
        short = "".join(character for character in word if not character.islower())
        for form in (word.lower(), short):
            counter.write(f"{header} {form}")
            assert counter.query(f"{header}?") == short
    counter.write(f"{header} NONSENSE")
    assert counter.query("SYST:ERR?") == ILLEGAL
    counter.write("*RST")
    assert counter.query(f"{header}?") == reset


SWITCHES = [
    ("INP1:FILT", "0"), ("INP2:FILT:LPAS:STAT", "0"), ("INP1:NREJ", "0"), ("INP1:LEV:AUTO", "1"), ("OUTP:STAT", "0"),
    ("DISP", "1"), ("CALC", "0"), ("CALC:AVER:STAT", "0"), ("CALC:LIM", "0"), ("ROSC:SOUR:AUTO", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "reset"), SWITCHES)
def test_a_switch_is_read_back_as_a_digit(counter: Any, header: str, reset: str) -> None:
    assert counter.query(f"{header}?") == reset
    for given, read in (("ON", "1"), ("OFF", "0"), ("1", "1"), ("0", "0")):
        counter.write(f"{header} {given}")
        assert counter.query(f"{header}?") == read
    counter.write("*RST")
    assert counter.query(f"{header}?") == reset
    assert counter.query("SYST:ERR?") == NO_ERROR


def test_values_with_words_of_their_own(counter: Any) -> None:
    assert counter.query("INP1:IMP?;RANG?;PROB?") == "+1.00000000E+006;" + nr3(5.0) + ";+1"
    counter.write("INP1:IMP 50 OHM;RANG 50;PROB 10;:TST:RATE 8E5")
    assert counter.query("INP1:IMP?;RANG?;PROB?;:TST:RATE?") == "+5.00000000E+001;" + nr3(50.0) + ";+10;" + nr3(8e5)
    for wrong, error in (("INP1:IMP 75", RANGE), ("INP1:PROB 5", ILLEGAL), ("TST:RATE 5E5", ILLEGAL)):
        counter.write(wrong)
        assert counter.query("SYST:ERR?") == error, wrong
    for sent, read in (("ASC", "ASC,15"), ("REAL", "REAL,64"), ("ASC,15", "ASC,15"), ("REAL,64", "REAL,64")):
        counter.write(f"FORM {sent}")
        assert counter.query("FORM:DATA?") == read
    counter.write("FORM REAL,32")
    assert counter.query("SYST:ERR?") == ILLEGAL


def test_a_level_depends_on_range_and_probe_and_switches_auto_level_off(counter: Any) -> None:
    for settings, largest in (("RANG 5;PROB 1", 5.125), ("RANG 50", 51.25), ("PROB 10", 512.5), ("RANG 5", 51.25)):
        counter.write(f"INP1:{settings}")
        assert counter.query("INP1:LEV? MAX") == nr3(largest)
        counter.write("INP1:LEV:AUTO ON", "INP1:LEV MAX")
        assert counter.query("INP1:LEV?;LEV:AUTO?") == f"{nr3(largest)};0"
        counter.write(f"INP1:LEV {-largest * 1.01}")
        assert counter.query("SYST:ERR?") == RANGE


@pytest.mark.parametrize(
    ("function", "channels", "name"),
    [
        ("TINT", "", "TINT"),
        ("TINT", "(@1),(@2)", "TINT"), ("TINTERVAL", "(@2),(@1)", "TINT"), ("TINT", "(@2)", "TINT"),
        ("FREQ", "", "FREQ"), ("FREQ", "1E6,0.1,(@2)", "FREQ"), ("FREQUENCY:RATIO", "(@1),(@2)", "FREQ:RAT"),
        ("PER", "DEF,DEF,(@1)", "PER"), ("SPER", "(@1)", "SPER"), ("RTIM", "(@1)", "RTIM"), ("FTIMe", "(@1)", "FTIM"),
        ("PWID", "(@2)", "PWID"), ("NWIDTH", "(@1)", "NWID"), ("PDUT", "(@1)", "PDUT"), ("NDUTycycle", "(@1)", "NDUT"),
        ("PHAS", "(@1),(@2)", "PHAS"), ("TOT:TIM", "0.5,(@1)", "TOT"), ("ARR:TST", "100,(@1)", "TST"),
    ],
)  # fmt: skip
def test_every_function_is_configured_and_chosen_by_name(counter: Any, function: str, channels: str, name: str) -> None:
    counter.write(f"CONF:{function} {channels}".strip())
    assert counter.query("FUNC?;:SYST:ERR?") == f'"{name}";{NO_ERROR}'
    counter.write("*RST", f'FUNC "{name}"')
    assert counter.query("FUNC?;:SYST:ERR?") == f'"{name}";{NO_ERROR}'
    counter.write('FUNC "WEIGHT"', "CONF:TINT (@3)", "CONF:FREQ (@1,2)")
    assert counter.query("SYST:ERR?;ERR?;ERR?") == f"{ILLEGAL};{RANGE};" + '-108,"Parameter not allowed"'


def test_conf_resets_what_the_manual_says_and_leaves_the_rest(counter: Any) -> None:
    counter.write("INP1:COUP DC;IMP 50;LEV 1;SLOP NEG;NREJ 1;FILT 1", "SAMP:COUN 7;:TRIG:COUN 3;SOUR BUS;DEL 1")
    counter.write("TINT:GATE:SOUR EXT;:SYST:TIM 1;:FORM REAL", "CONF:TINT (@1),(@2)")
    assert counter.query("SAMP:COUN?;:TRIG:COUN?;SOUR?;DEL?;:TINT:GATE:SOUR?") == f"+1;+1;IMM;{nr3(0)};IMM"
    assert counter.query("INP1:LEV:AUTO?;:INP1:LEV1:REL?;:INP1:SLOP?") == f"1;{nr3(50)};POS"
    assert counter.query("INP1:COUP?;IMP?;NREJ?;FILT?;:SYST:TIM?;:FORM?") == f"DC;+5.00000000E+001;1;1;{nr3(1)};REAL,64"


def test_the_error_queue_holds_twenty_and_says_when_it_overflows(counter: Any) -> None:
    counter.write(*["NONSENSE"] * 25)
    errors = [counter.query("SYST:ERR?") for _ in range(21)]
    assert errors[:19] == ['-113,"Undefined header"'] * 19
    assert errors[19:] == ['-350,"Error queue overflow"', NO_ERROR]


def test_learned_settings_bring_the_instrument_back(counter: Any) -> None:
    counter.write("CONF:TINT (@1),(@2)", "INP1:COUP DC;LEV 1.5;SLOP NEG;:SAMP:COUN 9;:FORM REAL;:SYST:TIM 0.5")
    learned = counter.query("*LRN?")
    assert learned.startswith(':FUNC "TINT";')
    assert ":INP1:LEV1 +1.50000000000000E+000" in learned
    assert ":CALC:AVER 0" in learned
    counter.write("*RST;:SYST:TIM 2")
    counter.write(*learned.split(";"))
    assert counter.query("SYST:ERR?") == NO_ERROR
    assert counter.query("*LRN?") == learned


def test_saved_settings_come_back_with_function_and_auto_level_but_without_the_time_out(counter: Any) -> None:
    counter.write("CONF:TINT (@1),(@2)", "INP1:COUP DC;LEV 1.5;:SAMP:COUN 9;:SYST:TIM 0.5", "*SAV 3")
    before = counter.query("*LRN?")
    counter.write("*RST;:SYST:TIM 2", "*RCL 3", "SYST:TIM 0.5")
    assert counter.query("*LRN?") == before
    assert counter.query("INP1:LEV:AUTO?;:INP2:LEV:AUTO?;:FUNC?") == '0;1;"TINT"'
    counter.write("SYST:TIM 2", "*RCL 3")
    assert counter.query("SYST:TIM?") == nr3(2.0)
    counter.write("*SAV 5")
    assert counter.query("SYST:ERR?") == RANGE


def test_a_power_cycle_keeps_the_time_out_only(counter: Any) -> None:
    counter.write("SYST:TIM 0.5", "CONF:TINT (@1),(@2)", "SAMP:COUN 9")
    counter.instrument.power_cycle()
    assert counter.query("SYST:TIM?;:FUNC?;:SAMP:COUN?;*ESR?") == f'{nr3(0.5)};"FREQ";+1;+128'


def test_registers_and_status_commands(counter: Any) -> None:
    for node in ("OPER", "QUES"):
        assert counter.query(f"STAT:{node}?;:STAT:{node}:COND?;ENAB?") == "+0;+0;+0"
        counter.write(f"STAT:{node}:ENAB 4096")
        assert counter.query(f"STAT:{node}:ENAB?") == "+4096"
    counter.write("STAT:PRES")
    assert counter.query("STAT:OPER:ENAB?;:*TST?;*OPT?;*STB?") == "+0;+0;0;+0"


# Measurements on laid-out pulses.


def lay(
    counter: Any, *, width: float = 0.25e-3, delay: float = 0.1e-3, period: float = 1e-3, number: int = 3000
) -> None:
    starts = 0.0101 + period * np.arange(number)
    counter.wires.edge_times = {"input1": starts, "input2": starts + delay}
    counter.wires.widths = {"input1": width, "input2": width}


def ready(counter: Any, configuration: str, *more: str) -> None:
    counter.write(
        f"CONF:{configuration}", "INP1:COUP DC;LEV 1;LEV2 1", "INP2:COUP DC;LEV 1;LEV2 1", "SYST:TIM 1", *more
    )
    assert counter.query("SYST:ERR?") == NO_ERROR


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("TINT (@1),(@2)", 0.1e-3), ("TINT (@2),(@1)", 0.9e-3), ("FREQ (@1)", 1000.0), ("PER (@1)", 1e-3),
        ("SPER (@1)", 1e-3), ("PWID (@1)", 0.25e-3), ("NWID (@1)", 0.75e-3), ("PDUT (@1)", 0.25), ("NDUT (@1)", 0.75),
        ("PHAS (@1),(@2)", 36.0), ("PHAS (@2),(@1)", -36.0), ("FREQ:RAT (@1),(@2)", 1.0), ("TOT:TIM 0.1,(@1)", 100.0),
    ],
)  # fmt: skip
def test_every_function_measures_what_its_name_says(counter: Any, configuration: str, expected: float) -> None:
    lay(counter)
    counter.wait(0.5)
    ready(counter, configuration)
    counter.write("READ?")
    assert float(counter.wait_for_reply()) == pytest.approx(expected, rel=1e-3 if "TOT" in configuration else 1e-6)


def test_one_channel_gives_start_and_stop_their_own_levels_and_slopes(counter: Any) -> None:
    lay(counter)
    ready(counter, "TINT (@1)", "INP1:SLOP1 NEG;SLOP2 POS")
    counter.write("READ?")
    assert float(counter.wait_for_reply()) == pytest.approx(0.75e-3, abs=1e-9)


def test_time_stamps_come_one_for_each_edge(counter: Any) -> None:
    lay(counter)
    ready(counter, "ARR:TST 50,(@1)")
    counter.write("READ?")
    stamps = np.array([float(item) for item in counter.wait_for_reply().split(",")])
    assert len(stamps) == 50
    assert np.diff(stamps) == pytest.approx(np.full(49, 1e-3), abs=1e-9)


def test_statistics_and_limits_of_what_was_read(counter: Any) -> None:
    starts = 0.0101 + 1e-3 * np.arange(100)
    intervals = 1e-4 + 1e-6 * np.arange(100)
    counter.wires.edge_times = {"input1": starts, "input2": starts + intervals}
    limits = ("CALC:LIM 1;LIM:LOW 109.5E-6;UPP 190.5E-6", "CALC:STAT 1;:CALC:AVER:STAT 1", "SAMP:COUN 100")
    ready(counter, "TINT (@1),(@2)", *limits)
    assert counter.query("CALC:AVER:ALL?") == ",".join([nr3(9.91e37)] * 4)
    counter.write("INIT")
    counter.wait(0.2)
    mean, deviation, least, greatest = (float(item) for item in counter.query("CALC:AVER:ALL?").split(","))
    assert [mean, deviation] == pytest.approx([intervals.mean(), intervals.std(ddof=1)], rel=1e-6)
    assert [least, greatest] == pytest.approx([intervals[0], intervals[-1]], abs=1e-9)
    assert counter.query("CALC:AVER:COUN?;:CALC:LIM:FCO?;:STAT:QUES?") == "+100;+19;+6144"  # bits 11 and 12
    assert float(counter.query("CALC:AVER:AVER?")) == mean
    assert float(counter.query("CALC:AVER:PTP?")) == pytest.approx(greatest - least)
    counter.write("CALC:AVER:CLE")
    assert counter.query("CALC:AVER:COUN?;:SYST:ERR?") == f"+0;{NO_ERROR}"


def test_an_external_gate_lets_one_interval_through_for_each_of_its_edges(counter: Any) -> None:
    lay(counter)
    counter.wires.edge_times["gate"] = np.array([0.5002, 0.7002, 0.9002])
    counter.wires.widths["gate"] = 0.1
    ready(counter, "TINT (@1),(@2)", "SYST:TIM INF", "TINT:GATE:SOUR EXT;POL POS", "SAMP:COUN 3", "INIT")
    for now, count in ((0.4, 0), (0.6, 1), (0.8, 2), (1.0, 3)):
        counter.wait(now - counter.wires.clock.now())
        assert counter.query("DATA:POIN?") == f"+{count}"
    counter.write("OUTP:STAT ON", "INIT")
    assert counter.query("SYST:ERR?").startswith('-221,"Settings conflict; ')


def test_advanced_arming_delays_the_start_and_holds_the_stop_off(counter: Any) -> None:
    lay(counter, delay=0.1e-3)
    starts = counter.wires.edge_times["input1"]
    counter.wires.edge_times["input2"] = np.sort(np.concatenate([starts + k * 1e-4 for k in (1, 3, 5)]))
    ready(counter, "TINT (@1),(@2)", "TINT:GATE:SOUR ADV", "GATE:STOP:HOLD:SOUR EVEN;EVEN 2")
    counter.write("READ?")
    assert float(counter.wait_for_reply()) == pytest.approx(0.5e-3, abs=1e-9)
    counter.write("GATE:STOP:HOLD:SOUR TIME;TIME 0.2E-3")
    counter.write("READ?")
    assert float(counter.wait_for_reply()) == pytest.approx(0.3e-3, abs=1e-9)
    counter.write("GATE:STAR:DEL:SOUR TIME;TIME 0.05", "SAMP:COUN 4", "INIT")
    begin = counter.wires.clock.now()
    while counter.instrument.operation_pending:
        counter.wait(1e-3)
    assert counter.wires.clock.now() - begin == pytest.approx(4 * 0.0505, abs=4e-3)


def test_coupling_termination_and_filter_decide_what_triggers(counter: Any) -> None:
    lay(counter, width=0.999e-3)  # high but for 1 us in each ms: AC coupling puts the high level at zero
    seen = {
        "INP1:COUP DC;LEV 1": True, "INP1:COUP AC;LEV 1": False, "INP1:COUP AC;LEV -1": True,
        "INP1:COUP DC;IMP 50;LEV 2.4": True, "INP1:IMP 50;LEV 2.6": False, "INP1:IMP 1E6;LEV 2.6": True,
        "INP1:FILT 1;LEV 1": False, "INP1:FILT 0;LEV 1": True,
    }  # fmt: skip
    ready(counter, "TINT (@1),(@2)", "SYST:TIM 0.05", "INP1:SLOP NEG")
    counter.wait(0.5)  # AC coupling needs time to find the mean
    for settings, expected in seen.items():
        counter.write(settings, "READ?")
        assert (float(counter.wait_for_reply()) < 1.0) is expected, settings


def test_noise_rejection_doubles_the_hysteresis(talk_to: Callable[..., Any]) -> None:
    for hysteresis, rejection, sees in ((0.02, 0, True), (0.02, 1, False), (0.0, 1, True)):
        counter = talk_to("keysight-53230a", hysteresis=hysteresis)
        lay(counter)
        counter.wires.levels = {"input2": (0.0, 0.05)}
        ready(counter, "TINT (@1),(@2)", "SYST:TIM 0.05", f"INP2:LEV 0.03;NREJ {rejection}")
        counter.wait(0.5)
        counter.write("READ?")
        assert (float(counter.wait_for_reply()) < 1.0) is sees


def test_auto_level_follows_termination_and_coupling(counter: Any) -> None:
    lay(counter, width=0.25e-3)
    counter.wait(0.5)
    for settings, level in (("COUP DC;IMP 1E6", 2.5), ("COUP DC;IMP 50", 1.25), ("COUP AC;IMP 1E6", 2.5 - 1.25)):
        counter.write(f"INP1:{settings}", "INP1:LEV:AUTO ONCE")
        assert float(counter.query("INP1:LEV?")) == pytest.approx(level, abs=0.03)
        assert counter.query("INP1:LEV:AUTO?") == "0"
    counter.write("INP1:COUP DC", "CONF:RTIM (@1)", "INIT")
    assert float(counter.query("INP1:LEV1?")) == pytest.approx(0.5, abs=0.02)
    assert float(counter.query("INP1:LEV2?")) == pytest.approx(4.5, abs=0.02)


@pytest.mark.parametrize(("configuration", "bit"), [("TINT", 4), ("FREQ", 32), ("PHAS", 64)])
def test_a_time_out_sets_the_questionable_bit_of_its_quantity(counter: Any, configuration: str, bit: int) -> None:
    counter.write(f"CONF:{configuration}", "SYST:TIM 0.05", "READ?")
    assert counter.wait_for_reply() == nr3(9.91e37)
    assert counter.query("STAT:QUES?;:SYST:ERR?") == f'+{bit};321,"Measurement timeout occurred"'
