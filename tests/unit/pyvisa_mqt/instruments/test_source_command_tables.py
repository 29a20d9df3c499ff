"""The command tables of the sources' reference files, line by line: forms, ranges, defaults, limits, replies."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

INF = math.inf
#: Headers in long form -> value after *RST, smallest, largest (SI; as shown after *RST).
NUMBERS: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "keithley-6221": {
        "SOURce:CURRent:COMPliance": (10, 0.1, 105),
        "SOURce:CURRent:LEVel:IMMediate:AMPLitude": (0, -0.105, 0.105),
        "SOURce:WAVE:FREQuency": (1e3, 1e-3, 1e5),
        "SOURce:WAVE:AMPLitude": (1e-3, 2e-12, 0.105),
        "SOURce:WAVE:OFFSet": (0, -0.105, 0.105),
        "SOURce:WAVE:DCYCle": (50, 0, 100),
        "SOURce:WAVE:DURation:TIME": (INF, 100e-9, 999999.999),
        "SOURce:WAVE:DURation:CYCLes": (INF, 1e-3, 99999999900),
        "SOURce:WAVE:PMARker:OLINe": (3, 1, 6),
        "SOURce:WAVE:EXTRigger:ILINe": (0, 0, 6),
        "SOURce:WAVE:EXTRigger:IVALue": (0, -1, 1),
        "SOURce:DELay": (1, 1e-3, 999999.999),
        "SOURce:DELTa:DELay": (2e-3, 0, 9999.999),
        "SOURce:PDELta:WIDTh": (110e-6, 50e-6, 12e-3),
        "SOURce:PDELta:SDELay": (16e-6, 16e-6, 11.966e-3),
        "SENSe:AVERage:COUNt": (10, 2, 300),
        "ARM:TIMer": (0.1, 0, 99999.99),
        "TRACe:POINts": (11, 1, 65536),
    },
    "keysight-33512b": {
        "SOURce1:FREQuency": (1e3, 1e-6, 20e6),
        "SOURce2:VOLTage": (0.1, 1e-3, 10),
        "SOURce1:VOLTage:LIMit:HIGH": (5, -10, 10),
        "SOURce1:FUNCtion:RAMP:SYMMetry": (100, 0, 100),
        "SOURce1:FUNCtion:SQUare:DCYCle": (50, 0.01, 99.99),
        "SOURce1:FUNCtion:PULSe:WIDTh": (100e-6, 16e-9, 1e6),
        "SOURce1:FUNCtion:PULSe:TRANsition:BOTH": (10e-9, 8.4e-9, 1e-6),
        "SOURce1:FUNCtion:ARBitrary:SRATe": (40e3, 1e-6, 250e6),
        "SOURce1:BURSt:NCYCles": (1, 1, 1e8),
        "SOURce1:BURSt:INTernal:PERiod": (10e-3, 1e-6, 8000),
        "OUTPut1:LOAD": (50, 1, 10e3),
        "TRIGger1:COUNt": (1, 1, 1e6),
        "TRIGger1:DELay": (0, 0, 1000),
        "TRIGger2:TIMer": (1, 1e-6, 8000),
        "TRIGger1:LEVel": (1.65, 0.9, 3.8),
        "SOURce1:AM:DEPTh": (100, 0, 120),
        "SOURce1:PM:DEViation": (180, 0, 360),
        "SOURce1:SUM:AMPLitude": (0.1, 0, 100),
        "SOURce1:MARKer:CYCLe": (2, 2, 1e8),
    },
    "yokogawa-gs200": {
        "SOURce:PROTection:VOLTage": (30, 1, 30),
        "SOURce:PROTection:CURRent": (0.2, 1e-3, 0.2),
        "PROGram:INTerval": (1, 0.1, 3600),
        "PROGram:SLOPe": (0, 0, 3600),
        "PROGram:COUNt": (1, 1, 10000),
        "SENSe:NPLC": (1, 1, 25),
        "SENSe:DELay": (0, 0, 999999),
        "SENSe:INTerval": (1, 0.1, 3600),
    },
}
#: Headers in long form -> the words they take in long form, the one after *RST first.
WORDS: Mapping[str, Mapping[str, str]] = {
    "keithley-6221": {
        "SOURce:WAVE:FUNCtion": "SINusoid SQUare RAMP ARB0 ARB1 ARB2 ARB3 ARB4",
        "SOURce:WAVE:RANGing": "BEST FIXed",
        "OUTPut:RESPonse": "FAST SLOW",
        "OUTPut:ISHield": "OLOW GUARd",
        "ARM:SOURce": "IMMediate TIMer BUS TLINk BSTest PSTest NSTest MANual",
        "TRIGger:SOURce": "IMMediate TLINk BUS",
        "TRIGger:OUTPut": "NONE SOURce DELay",
        "UNIT:VOLTage:DC": "V OHMS W SIEMens",
        "TRACe:FEED": "SENSe1 CALCulate1 NONE",
        "SYSTem:COMMunicate:SELect": "GPIB SERial ETHernet",
        "SOURce:SWEep:SPACing": "LINear LOGarithmic LIST",
    },
    "keysight-33512b": {
        "SOURce1:FUNCtion": "SINusoid SQUare TRIangle RAMP PULSe PRBS NOISe ARBitrary DC",
        "SOURce2:FREQuency:MODE": "CW LIST SWEep FIXed",
        "SOURce1:VOLTage:UNIT": "VPP VRMS DBM",
        "SOURce1:BURSt:MODE": "TRIGgered GATed",
        "SOURce1:BURSt:GATE:POLarity": "NORMal INVerted",
        "OUTPut1:POLarity": "NORMal INVerted",
        "OUTPut:SYNC:SOURce": "CH1 CH2",
        "OUTPut1:SYNC:MODE": "NORMal CARRier MARKer",
        "OUTPut1:SYNC:POLarity": "NORMal INVerted",
        "OUTPut:TRIGger:SLOPe": "POSitive NEGative",
        "TRIGger1:SOURce": "IMMediate EXTernal TIMer BUS",
        "TRIGger1:SLOPe": "POSitive NEGative",
        "SOURce1:FUNCtion:ARBitrary:FILTer": "STEP NORMal OFF",
        "SOURce1:FUNCtion:ARBitrary:ADVance": "SRATe TRIGger",
        "FORMat:BORDer": "NORMal SWAPped",
        "UNIT:ANGLe": "DEGree RADian SECond",
        "SOURce1:AM:SOURce": "INTernal EXTernal CH1 CH2",
        "SOURce1:SWEep:SPACing": "LINear LOGarithmic",
    },
    "yokogawa-gs200": {
        "SOURce:FUNCtion": "VOLTage CURRent",
        "PROGram:TRIGger": "NORMal MEND",
        "SENSe:TRIGger": "READy TIMer COMMunicate IMMediate",
        "ROUTe:BNCO": "TRIGger OUTPut READy",
        "ROUTe:BNCI": "TRIGger OUTPut",
    },
}
SWITCHES: Mapping[str, list[str]] = {
    "keithley-6221": [
        *("OUTPut:STATe", "SOURce:CURRent:RANGe:AUTO", "SOURce:CURRent:FILTer:STATe", "OUTPut:LTEarth"),
        *("SOURce:WAVE:PMARker:STATe", "SOURce:WAVE:EXTRigger:ENABle", "SOURce:WAVE:EXTRigger:IGNore"),
        *("SOURce:DELTa:CSWitch", "SOURce:SWEep:CABort", "CALCulate:STATe", "CALCulate3:LIMit:STATe"),
    ],
    "keysight-33512b": [
        *("OUTPut1:STATe", "OUTPut2:STATe", "SOURce1:BURSt:STATe", "SOURce1:VOLTage:LIMit:STATe"),
        *("OUTPut:TRIGger:STATe", "SOURce1:AM:STATe", "SOURce2:SWEep:STATe", "SOURce1:AM:DSSC"),
    ],
    "yokogawa-gs200": ["OUTPut:STATe", "SENSe:REMote", "SENSe:GUARd", "SENSe:STATe", "PROGram:REPeat"],
}
#: How each writes a real number (digits U), and what its *RST leaves alone.
FORMATS = {
    "keithley-6221": r"[+-]\d\.\d{6}E[+-]\d\d",
    "keysight-33512b": r"[+-]\d\.\d{15}E[+-]\d\d",
    "yokogawa-gs200": r"[+-]\d{1,3}(\.\d+)?E[+-]\d{1,2}",
}
LASTING = {"SYSTem:COMMunicate:SELect"}


@pytest.fixture
def connect(talk_to: Callable[..., Any]) -> Callable[[str], Any]:
    """Return a function that connects to a model with all its options."""
    return lambda model: talk_to(model, **({"monitor": True} if model == "yokogawa-gs200" else {}))


def short(header: str) -> str:
    """Return the short form of a header or a word."""
    return re.sub("[a-z]", "", header)


def number(reply: str) -> float:
    """Return the number in a reply, 9.9E37 as infinity."""
    return INF if float(reply) > 9e37 else float(reply)


@pytest.mark.parametrize(("model", "header"), [(m, h) for m, table in NUMBERS.items() for h in table])
def test_a_number_has_its_default_its_limits_and_its_errors(
    connect: Callable[[str], Any], model: str, header: str
) -> None:
    instrument = connect(model)
    default, low, high = NUMBERS[model][header]
    reply = instrument.query(f"{header}?")
    assert number(reply) == pytest.approx(default, rel=1e-6, abs=1e-15)
    assert re.fullmatch(FORMATS[model] + r"|[+-]?\d+", reply)
    for word, value in (("MIN", low), ("MAXimum", high), ("DEF", default)):
        assert number(instrument.query(f"{header.lower()}? {word}")) == pytest.approx(value, rel=1e-6, abs=1e-15), word
    for value in (low, high):
        instrument.write("*RST", f"{short(header)} {value:.10G}")
        assert number(instrument.query(f"{header.upper()}?")) == pytest.approx(value, rel=1e-6, abs=1e-15)
    present = instrument.query(f"{header}?")
    assert instrument.errors() == []
    for beyond in (low - max(0.01 * abs(low), 1e-3), high * 1.01):
        instrument.write(f"{header} {beyond:.10G}")
        assert instrument.query(f"{header}?") == present
        assert [error.split(",")[0] for error in instrument.errors()] == ["-222"], beyond
    instrument.write("*RST")
    assert number(instrument.query(f"{header}?")) == pytest.approx(default, rel=1e-6, abs=1e-15)


@pytest.mark.parametrize(("model", "header"), [(m, h) for m, table in WORDS.items() for h in table])
def test_a_choice_takes_each_word_in_both_forms_and_reads_back_short(
    connect: Callable[[str], Any], model: str, header: str
) -> None:
    instrument = connect(model)
    words = WORDS[model][header].split()
    assert instrument.query(f"{header}?") == short(words[0])
    for word in words:
        for spelling in (word.upper(), short(word).lower()):
            instrument.write(f"{short(header)} {spelling}")
            assert instrument.query(f"{header.lower()}?") == short(word)
    assert instrument.errors() == []
    instrument.write(f"{header} NONSENSE", f"{header}", f"{header} {words[0]},{words[0]}")
    assert [error.split(",")[0] for error in instrument.errors()] == ["-224", "-109", "-108"]
    instrument.write("*RST")
    assert instrument.query(f"{header}?") == short(words[-1] if header in LASTING else words[0])


@pytest.mark.parametrize(("model", "header"), [(m, h) for m, headers in SWITCHES.items() for h in headers])
def test_a_switch_takes_on_off_and_numbers_and_is_off_after_reset(
    connect: Callable[[str], Any], model: str, header: str
) -> None:
    instrument = connect(model)
    for spelling, state in (("ON", "1"), ("0", "0"), ("1", "1"), ("off", "0"), ("2", "1")):
        instrument.write(f"{short(header)} {spelling}")
        assert instrument.query(f"{header}?") == state
    assert instrument.errors() == []
    instrument.write(f"{header} MAYBE", "*RST")
    assert [error.split(",")[0] for error in instrument.errors()] == ["-224"]
    assert instrument.query(f"{header}?") == "0"


@pytest.mark.parametrize("model", sorted(FORMATS))
def test_the_error_queue_has_its_depth_and_its_overflow(connect: Callable[[str], Any], model: str) -> None:
    instrument = connect(model)
    depth = {"keithley-6221": 10, "keysight-33512b": 20, "yokogawa-gs200": 20}[model]
    instrument.write(*["NONSENSE"] * (depth + 5))
    assert instrument.errors() == ['-113,"Undefined header"'] * (depth - 1) + ['-350,"Queue overflow"']
    none = instrument.query("SYST:ERR?")
    assert none == ('+0,"No error"' if model == "keysight-33512b" else '0,"No error"')


@pytest.mark.parametrize(("model", "bits"), [("keithley-6221", 128), ("keysight-33512b", 128), ("yokogawa-gs200", 128)])
def test_the_standard_registers_tell_power_on_and_each_class_of_error(
    connect: Callable[[str], Any], model: str, bits: int
) -> None:
    instrument = connect(model)
    assert int(instrument.query("*ESR?")) == bits
    instrument.write("NONSENSE")
    assert int(instrument.query("*ESR?")) == 32
    instrument.write("OUTP:STAT")
    instrument.write("*TRG" if model != "yokogawa-gs200" else "PROG:RUN")
    assert int(instrument.query("*ESR?")) == 32 + 16
    instrument.instrument.starved()
    assert int(instrument.query("*ESR?")) == 4
    instrument.write("*CLS;*ESE 4;*SRE 32")
    instrument.instrument.write(b"*IDN?\n*IDN?\n", True)  # the first reply is not read: interrupted
    assert instrument.instrument.status_byte() & 0x60 == 0x60
    assert instrument.read_bytes().count(b"\n") == 1
    assert int(instrument.query("*ESE?;*SRE?").split(";")[1]) == 32
