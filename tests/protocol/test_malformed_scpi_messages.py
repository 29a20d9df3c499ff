"""Malformed messages by the thousand to each instrument: no crash, no hang, and it still knows its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from pyvisa_mqt.grammar.lakeshore import LakeShoreInstrument
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument
from pyvisa_mqt.instruments import MODELS, Instrument

from tests.protocol.silent_wires import SilentWires

#: Messages of each instrument: always, and among the slow tests.
MESSAGES = [1500, pytest.param(10_000, marks=pytest.mark.slow)]
#: What real clients send, to be spoiled; each model gets those of its own and of the others.
GOOD = [
    "*IDN?",
    "*RST;*CLS",
    "SYST:ERR?",
    "CURR:RANG 9.5e-6;COMP 1",
    "SOUR:WAVE:AMPL 4 uA;OFFS 4E-6;FREQ 1 kHz",
    "WAVE:ARB:DATA -1, 0,1",
    "WAVE:ARM;:WAVE:INIT",
    "WAVE:PMAR:OLIN 3",
    "CONF:TINT (@1),(@2)",
    "INP1:COUP DC;IMP 50;LEV 1.0;SLOP POS",
    "SAMP:COUN 100",
    "INIT;*OPC?",
    "R? 10000",
    "FORM REAL,64",
    "DATA:REM? 5,WAIT",
    'FUNC "TINT 1, 2"',
    'DISP:TEXT:DATA "hello; world"',
    "OUTMODE 0,5,6,0,0,0,1",
    "SETP 0,0.1",
    "KRDG? 6;*ESR?",
    'INNAME 6,"mixing chamber"',
    "INTYPE 6,0,2,1,14,0,1",
    "ZONE 0,1,0.1,10,20,0,0,6,0,0,0",
    "STAT:OPER:ENAB #H80",
    "SOUR1:FUNC RAMP;:SOUR1:FUNC:RAMP:SYMM 99",
    "OUTP1:LOAD INF;:VOLT:LOW 0;HIGH 1.05;:OUTP1 ON",
    "DATA:ARB ramp,#232\x00\x0a\x0d;\"'#,\x80\xff\x20\x09:?01234567890123456",
    "DATA:ARB:DAC x,1,2,3,4,5,6,7,8",
    "BURS:NCYC INF;STAT ON;:TRIG1:SOUR TIM;TIM 1e-6;:*TRG",
    "FUNC:ARB x;:FUNC ARB;:FUNC:ARB:SRAT 1e-6",
    "MODE0;ARMM1;SIZE 1000.0;LEVL1,1.0",
    "BDMP50",
    "STRT;*WAI;XAVG?",
    "MEAS?0;STUP?;*ESR? 5",
    "SETP 1,4.2;KRDG? 0;HTRSET? 1",
    "ZONE 1,1,0.1,10,20,0,0,3,1,0.5;OUTMODE 1,2,1,0;RANGE 1,3",
    "SOUR:FUNC CURR;:SOUR:RANG UP;:SOUR:LEV:AUTO 1E-4;:OUTP 1",
    ":PROG:EDIT:STAR;:SOUR:LEV 1E-4;:PROG:EDIT:END;:PROG:SLOP 3600;REP 1;RUN",
    ":PROG:HOLD;STEP;CONT",
]
ODD = [
    *("", ";", ":", "?", ",", '"', "'", "(", ")", "#", "#3", "#0", "#19999", "@", "\x00", "\xff", "\t", " ", "1e999"),
    *(
        " #9999999999",
        ",#0abc",
        " #41000",
        "#H",
        "#BFF",
        "''",
        '""',
        "\"'\"'",
        "((@",
        "(@1:",
        "NAN",
        "-INF",
        "\xb2",
        "\xe9",
    ),
    *("9" * 300, "1E99999", "-" * 50, ":" * 50, ";" * 500, "," * 200, "\x00" * 5, "99999999999999", "*", "::", "?;?"),
]
#: What no client sends, whole: each message goes to each model as it is.
HARD = [
    *(";" * 1_000_000, ":" * 100_000, "\x00" * 100_000, "?" * 100_000, "," * 100_000, "*" * 100_000, "'" * 99_999),
    *(
        "CURR " + "1" * 100_000,
        "CURR " + "1" * 100_000 + "!",
        "VOLT 1" + " " * 100_000 + "x",
        "SETP 1," + "0" * 100_000,
    ),
    *("A" * 100_000, "A:" * 50_000, "VOLT:" * 50_000, "*IDN? " * 10_000, "*ESR?;" * 2000, "(@1" + ",1" * 50_000 + ")"),
    *("DATA:ARB x,#0", "DATA:ARB x,#", "DATA:ARB x, #9", "DATA:ARB x,#8" + "9" * 8, "DATA:ARB x,#14ab", "#" * 100_000),
    *(
        "DISP:TEXT 'a\"b''c\"\"d",
        'DISP:TEXT "\xe9\xff\x80"',
        "INNAME 6,'\"'",
        "\xc3\xa9=1",
        "STAT:OPER:ENAB #HFFFFFFFFFF",
    ),
    *(
        "MEAS?" * 5000,
        "BDMP" + "9" * 1000,
        "*SRE " + "9" * 400,
        "*ESE -1E30000",
        "INP999999:LEV 1",
        "SOUR00000001:FREQ 1",
    ),
]


def _spoiled(rng: np.random.Generator) -> str:
    """Return a message that is most probably wrong."""
    text = GOOD[rng.integers(len(GOOD))]
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(len(text) + 1))
        kind = rng.integers(6)
        if kind == 0:
            text = text[:place] + ODD[rng.integers(len(ODD))] + text[place:]
        elif kind == 1:
            text = text[:place] + text[place + 1 :]
        elif kind == 2:
            text = text[:place] + chr(rng.integers(256)) + text[place + 1 :]
        elif kind == 3:
            text = text[:place] + text[place:] * int(rng.integers(1, 4))
        elif kind == 4:
            text = text + ";" + GOOD[rng.integers(len(GOOD))][:place]
        else:
            text = "".join(chr(c) for c in rng.integers(0, 256, size=rng.integers(0, 60)))
    return text


def _identification(instrument: Instrument) -> str:
    instrument.clear()
    instrument.write(b"*IDN?\n", True)
    reply, ended, _ = instrument.output.take(1000)
    assert ended
    return reply.decode("latin-1").strip()


@pytest.mark.shown(4)
@pytest.mark.parametrize("messages", MESSAGES)
@pytest.mark.parametrize("model", sorted(MODELS))
def test_malformed_messages_neither_crash_nor_silence_an_instrument(model: str, messages: int) -> None:
    rng = np.random.default_rng(20240607)
    wires = SilentWires()
    instrument = MODELS[model](wires, np.random.default_rng(0), {})
    name = _identification(instrument)
    for number in range(messages):
        message = _spoiled(rng).encode("latin-1")
        instrument.write(message + b"\n" * int(rng.integers(2)), bool(rng.integers(8)))
        if number % 10 == 0:
            wires.clock.sleep(0.01)
            instrument.advance(wires.clock.now())
            instrument.status_byte()
        if number % 100 == 0:
            assert _identification(instrument) == name
    assert _identification(instrument) == name


@pytest.mark.shown(2)
@pytest.mark.parametrize("model", sorted(MODELS))
@pytest.mark.timeout(20)
def test_no_message_however_hard_holds_an_instrument_up(model: str) -> None:
    instrument = MODELS[model](SilentWires(), np.random.default_rng(0), {})
    name = _identification(instrument)
    for message in HARD:
        for end in (b"\n", b""):
            instrument.write(message.encode("latin-1") + end, True)
            assert _identification(instrument) == name, message[:50]
    for message in HARD:  # and as a raw socket brings it: in pieces, without END
        instrument.message_exchange = False
        data = message.encode("latin-1") + b"\n"
        for begin in range(0, len(data), 65_536):
            instrument.write(data[begin : begin + 65_536], False)
    assert _identification(instrument) == name


WRONG: Mapping[str, list[tuple[str, int]]] = {
    "keithley-6221": [
        ("NONSENSE 1", -113),
        ("CURR:NONSENSE 1", -113),
        ("CURR", -109),
        ("CURR 1,2", -108),
        ("CURR 1", -222),
        ("CURR 'a'", -158),
        ("CURR abc", -148),
        ("CURR 1 V", -131),
        ("CURR 1..2", -121),
        ("CURR:COMP 106", -222),
        ("WAVE:FUNC TRIANGLE", -224),
        ("WAVE:FUNC 3", -128),
        ("WAVE:DCYC 5 uA", -138),
        ("OUTP MAYBE", -224),
        ("OUTP2 ON", -114),
        ("WAVE:INIT", -221),
        ("WAVE:PMAR:OLIN 2", -221),
        ("WAVE:PMAR:OLIN 7", -222),
        ("*NONSENSE", -113),
        ("CURR\x00 1", -101),
        ("::CURR 1", -110),
        ("CURR:ABCDEFGHIJKLMNOP 1", -112),
        ("*TRG", -211),
        ("*IDN", -113),
        ("WAVE:INIT?", -113),
        ("CURR " + "1" * 300, -124),
        ("CURR 1E-40000", -123),
        ("CURR (1)", -178),
        ("CURR #11", -168),
        ("WAVE:ARB:DATA 0,2", -222),
        ("WAVE:ARB:DATA 0,", -109),
        ("WAVE:ARB:COPY 5", -222),
        ("WAVE:FREQ 1e6", -222),
        ("WAVE:AMPL 0.2", -222),
        ("WAVE:DUR:TIME 0", -222),
        ("WAVE:PMAR:OLIN 0", -222),
        ("WAVE:ARM 1", -108),
        ("OUTP:RESP MEDIUM", -224),
        ("FORM:ELEM NOTHING", -224),
        ("DISP:TEXT:DATA hello", -104),
        ("SYST:COMM:ETH:ADDR 1.2.3.4", -104),
        ("SYST:COMM:GPIB:ADDR 31", -222),
        ("STAT:QUE:ENAB (1;2)", -171),
        ("*RCL 9", -222),
        ("*ESE 256", -222),
        ("*OPC 1", -108),
        ("INIT?", -113),
    ],
    "keysight-53230a": [
        ("CONF:TINT (@3),(@1)", -222),
        ("CONF:TINT (@1", -171),
        ("CONF:TINT 1,2", -104),
        ("INP3:COUP DC", -114),
        ("INP1:LEV 6", -222),
        ("INP1:IMP 75", -222),
        ("SAMP:COUN 0", -222),
        ("SAMP:COUN 1000001", -222),
        ("FORM REAL,32", -224),
        ("R?", -230),
        ("FETC?", -230),
        ("DATA:REM? 5", -230),
        ("SYST:TIM 1e-3", -222),
        ('FUNC "VOLT"', -224),
        ('FUNC "FREQ', -151),
    ],
    "keysight-33512b": [
        ("SOUR3:FREQ 1", -114),
        ("OUTP1:LOAD 0", -222),
        ("FREQ 1 V", -131),
        ("VOLT 1 VXX", -131),
        ("FUNC:ARB 'a", -151),
        ("DATA:ARB a", -109),
        ("DATA:ARB a,#3", -161),
        ("FUNC SAW", -224),
        ("BURS:STAT MAYBE", -224),
        ("*TRG", -211),
        ("VOLT 1 VPP 2", -121),
        ("VOLT VPP", -148),
        ("FREQ? MEDIUM", -224),
        ("FREQ? 3", -108),
        ("BURS:NCYC 0.4", -222),
        ("BURS:INT:PER 1e-7", -222),
        ("TRIG3:SOUR BUS", -114),
        ("TRIG1:SOUR SOMETIMES", -224),
        ("OUTP3 ON", -114),
        ("OUTP1:LOAD 20e3", -222),
        ("UNIT:ANGL GRAD", -224),
        ("DATA:ARB x,#15abcd", -161),
        ("DATA:ARB:DAC x,40000,0,0,0,0,0,0,0", -222),
        ("DATA:ARB 1x,0,0,0,0,0,0,0,0", -141),
        ("FM:DEV 1 V", -131),
        ("AM:DEPT 121", -222),
        ("SWE:TIME 1e-4", -222),
        ("APPL:SAW 1e3", -113),
        ("APPL:SIN 1,2,3,4", -108),
        ("*SAV 5", -222),
        ("*RCL 1", 810),
        ("*LRN?", -113),
    ],
    "yokogawa-gs200": [
        ("SOUR:LEV", -109),
        ("SOUR:LEV 33", -222),
        ("SOUR:LEV 1 S", -131),
        ("SOUR:FUNC RES", -224),
        ("OUTP 1,2", -108),
        ("LEV 1", -113),
        ("PROG:RUN", -221),
        ("PROG:SAVE ramp", -104),
        ("SOUR:LEV MUCH", -148),
        ("SOUR:LEV 1.3", -222),
        ("SOUR:RANG 40", -222),
        ("SOUR:PROT:VOLT 0.5", -222),
        ("SOUR:PROT:CURR 1", -222),
        ("PROG:INT 0", -222),
        ("PROG:SLOP 3601", -222),
        ("PROG:COUN 10001", -222),
        ("PROG:TRIG LATER", -224),
        ("PROG:EDIT:END", -221),
        ("PROG:CONT", -221),
        ("PROG:SAVE 'it's'", -151),
        ("SENS ON", -241),
        ("INIT", -241),
        ("ROUT:BNCO NOWHERE", -224),
        ("SYST:LFR 70", -222),
        ("*TRG", -211),
    ],
}


@pytest.mark.parametrize(("model", "message", "code"), [(m, *case) for m, cases in WRONG.items() for case in cases])
def test_a_wrong_message_is_refused_with_its_scpi_error(model: str, message: str, code: int) -> None:
    instrument: Any = MODELS[model](SilentWires(), np.random.default_rng(0), {})
    assert isinstance(instrument, ScpiInstrument)
    instrument.write(message.encode("latin-1") + b"\n", True)
    assert instrument.status.errors.pop()[0] == code
    assert not instrument.output
    assert instrument.status.event_status & ~128  # besides power-on


@pytest.mark.parametrize(
    ("message", "event_status"),
    [
        ("NONSENSE", 32),
        ("KRDG?", 32),
        ("KRDG? 17", 16),
        ("SETP 0", 32),
        ("SETP 0,abc", 32),
        ("SETP 3,0.1", 16),
        ("PID 0,1001,0,0", 16),
        ("PID 0,1,2,3,4", 32),
        ("RANGE 0,9", 16),
        ("RANGE 1,2", 16),
        ("OUTMODE 0,7", 16),
        ("INSET 6,1,0,3,0,1", 16),
        ("INSET 6,1,10,2,0,1", 16),
        ('INNAME 6,"abc', 32),
        ("DFLT 98", 16),
        ("KRDG 6", 32),
        ("*ESE 256", 16),
    ],
)
def test_a_wrong_message_to_the_372_sets_its_event_bit_and_nothing_else(message: str, event_status: int) -> None:
    instrument = MODELS["lakeshore-372"](SilentWires(), np.random.default_rng(0), {})
    assert isinstance(instrument, LakeShoreInstrument)
    instrument.write(b"*CLS\n", True)
    instrument.write(message.encode("latin-1") + b"\n", True)
    assert not instrument.output
    assert instrument.status.event_status == event_status
