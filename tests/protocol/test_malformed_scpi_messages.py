"""Ten thousand malformed messages to each instrument: no crash, no hang, and it still knows its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pyvisa_mqt.clock import VirtualClock
from pyvisa_mqt.instruments import MODELS, Instrument
from pyvisa_mqt.instruments.lakeshore_grammar import LakeShoreInstrument
from pyvisa_mqt.instruments.scpi_base import ScpiInstrument
from pyvisa_mqt.signals import Waveform

MESSAGES = 10_000
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
ODD = ["", ";", ":", "?", ",", '"', "'", "(", ")", "#", "#3", "#0", "#19999", "@", "\x00", "\xff", "\t", " ", "1e999"]


class _Silence:
    """Wires on which nothing ever happens."""

    def __init__(self) -> None:
        self.clock = VirtualClock()

    def drive(self, port: str, waveform: Waveform, marker_port: str | None = None) -> None: ...

    def edges(self, port: str, threshold: float, rising: bool, since: float, until: float) -> NDArray[np.float64]:
        return np.zeros(0)

    def temperature(self, sensor: str) -> float:
        return 0.05

    def heat(self, heater: str, power: float) -> None: ...


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


@pytest.mark.parametrize("model", sorted(MODELS))
def test_malformed_messages_neither_crash_nor_silence_an_instrument(model: str) -> None:
    rng = np.random.default_rng(20240607)
    wires = _Silence()
    instrument = MODELS[model](wires, np.random.default_rng(0), {})
    name = _identification(instrument)
    for number in range(MESSAGES):
        message = _spoiled(rng).encode("latin-1")
        instrument.write(message + b"\n" * int(rng.integers(2)), bool(rng.integers(8)))
        if number % 10 == 0:
            wires.clock.sleep(0.01)
            instrument.advance(wires.clock.now())
            instrument.status_byte()
        if number % 100 == 0:
            assert _identification(instrument) == name
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
    ],
}


@pytest.mark.parametrize(("model", "message", "code"), [(m, *case) for m, cases in WRONG.items() for case in cases])
def test_a_wrong_message_is_refused_with_its_scpi_error(model: str, message: str, code: int) -> None:
    instrument: Any = MODELS[model](_Silence(), np.random.default_rng(0), {})
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
    instrument = MODELS["lakeshore-372"](_Silence(), np.random.default_rng(0), {})
    assert isinstance(instrument, LakeShoreInstrument)
    instrument.write(b"*CLS\n", True)
    instrument.write(message.encode("latin-1") + b"\n", True)
    assert not instrument.output
    assert instrument.status.event_status == event_status
