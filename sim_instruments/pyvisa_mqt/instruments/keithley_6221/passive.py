"""Settings of the 6221 that a client can set and read back and that nothing on this bench depends on.

Mathematics, buffer and filter of the readings, which need a nanovoltmeter; trigger model, digital output,
display and interface. Spellings as the `slave` 0.4.0 and PyMeasure 0.16 drivers send them; defaults are U.
"""

from __future__ import annotations

import re
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number, NumberFormat, Text
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.instruments.keithley_6221.delta import no_readings

__all__ = ["ALL_ERRORS", "PASSIVE_COMMANDS"]

_ITEM = re.compile(r"\s*([+-]?\d{1,4})\s*(?::\s*([+-]?\d{1,4})\s*)?\Z")
#: Error numbers that the queue takes after power-on (Reference Manual, STATus:QUEue:ENABle).
ALL_ERRORS = frozenset(range(-440, 901))
_COUNT = Number(1, 65536, 1, integer=True, infinite=True)
_POINTS = Number(1, 65536, 11, integer=True)
_PATTERN = Number(0, 15, 0, integer=True)
_LINE = Number(1, 6, 1, integer=True)
_OUTPUT_LINE = Number(1, 6, 2, integer=True)
_BOARDS = ("ABOard", "DBOard")


class _Errors:
    """Error numbers such as (-440:-110,-222) or -222, read as a set."""

    def parse(self, text: str) -> frozenset[int]:
        inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
        codes: set[int] = set()
        for item in inner.split(","):
            match = _ITEM.match(item)
            if match is None:
                raise ScpiError(-171 if text.startswith("(") else -102)
            low = int(match[1])
            codes.update(range(low, int(match[2] or low) + 1))
        if not codes <= ALL_ERRORS:
            raise ScpiError(-222)
        return frozenset(codes)

    def format(self, value: frozenset[int], style: NumberFormat) -> str:
        starts = [code for code in sorted(value) if code - 1 not in value]
        ends = [code for code in sorted(value) if code + 1 not in value]
        pairs = (f"{low:+d}" if low == high else f"{low:+d}:{high:+d}" for low, high in zip(starts, ends, strict=True))
        return f"({','.join(pairs)})"


class _Elements(Choice):
    """One element of a reading."""

    def __init__(self) -> None:
        super().__init__(
            *("READing", "TSTamp", "UNITs", "RNUMber", "SOURce", "COMPliance", "AVOLtage", "ALL", "DEFault")
        )


class _OneOf:
    """One of some whole numbers."""

    def __init__(self, *words: str) -> None:
        self._numbers = [int(word) for word in words]
        self._any = Number(min(self._numbers), max(self._numbers), integer=True)

    def parse(self, text: str) -> int:
        number = int(self._any.parse(text))
        if number not in self._numbers:
            raise ScpiError(-224)
        return number

    def format(self, value: int, style: NumberFormat) -> str:
        return style.format_integer(value)


def _nothing(instrument: object, *_: object) -> None:
    """Accept what has no effect here."""


def _check_text(instrument: object, window: int, text: str) -> None:
    """Refuse more than the upper line of the display holds."""
    if window == 1 and len(text) > 20:
        raise ScpiError(-223)


def _no_trigger(instrument: object) -> None:
    """Refuse to pass a trigger layer at which nothing ever waits here."""
    raise ScpiError(-211)


def _enable_errors(instrument: Any, *parts: frozenset[int]) -> None:
    instrument.settings["queued_errors"] = frozenset().union(*parts)


def _disable_errors(instrument: Any, *parts: frozenset[int]) -> None:
    instrument.settings["queued_errors"] = instrument.settings["queued_errors"].difference(*parts)


def _set_elements(instrument: Any, *elements: str) -> None:
    instrument.settings["elements"] = elements


def _set_format(instrument: Any, kind: str, *length: float) -> None:
    """Choose the format of readings; REAL takes a length of 32 or 64 bits behind a comma."""
    if length and (kind != "REAL" or length[0] not in (32, 64)):
        raise ScpiError(-221)
    instrument.settings["format"] = f"REAL,{int(length[0])}" if length else "REAL,32" if kind == "REAL" else kind


def _readings() -> tuple[Command, ...]:
    factor = Number(-9.99999e20, 9.99999e20, 1.0)
    statistics = Choice("MEAN", "SDEViation", "MAXimum", "MINimum", "PKPK")
    pattern = "CALCulate3:FORCe:PATTern"
    return (
        *(Command(f"SENSe:DATA{node}", None, no_readings) for node in ("[:LATest]", ":FRESh")),
        setting("SENSe:AVERage:TCONtrol", "filter_control", Choice("MOVing", "REPeat"), "MOV"),
        setting("SENSe:AVERage:WINDow", "filter_window", Number(0, 10, 0), 0.0),
        setting("SENSe:AVERage:COUNt", "filter_count", Number(2, 300, 10, integer=True), 10),
        setting("SENSe:AVERage[:STATe]", "filter_on", Boolean(), False),
        setting("CALCulate:FORMat", "math_format", Choice("NONE", "MXB", "RECiprocal"), "NONE"),
        setting("CALCulate:KMATh:MMFactor|MMF", "math_factor", factor, 1.0),
        setting("CALCulate:KMATh:MBFactor|MBF", "math_offset", factor, 0.0),
        setting("CALCulate:STATe", "math_on", Boolean(), False),
        *(Command(f"CALCulate:DATA{node}", None, no_readings) for node in ("[:LATest]", ":FRESh")),
        setting("CALCulate2:FORMat", "statistic", statistics, "MEAN"),
        setting("CALCulate2:STATe", "statistic_on", Boolean(), False),
        Command("CALCulate2:IMMediate", no_readings, no_readings),
        Command("CALCulate2:DATA", None, no_readings),
        setting("CALCulate3:LIMit[:STATe]", "limit_test", Boolean(), False),
        setting("CALCulate3:LIMit:SOURce", "limit_pattern", _PATTERN, 0),
        Command("CALCulate3:LIMit:FAIL", None, lambda instrument: "0"),
        setting(pattern, "forced_pattern", _PATTERN, 0),
        setting("CALCulate3:FORCe[:STATe]", "pattern_forced", Boolean(), False),
    )


def _buffer() -> tuple[Command, ...]:
    feeds = Choice("SENSe1", "CALCulate1", "NONE", aliases={"SENS": "SENS1", "SENSE": "SENS1", "CALC": "CALC1"})
    return (
        *(Command(f"TRACe:DATA{node}", None, no_readings) for node in ("", ":SELected")),
        Command("TRACe:DATA:TYPE", None, lambda instrument: "NONE"),
        Command("TRACe:CLEar", _nothing),
        Command("TRACe:FREE", None, lambda instrument: "2097152,0"),
        setting("TRACe:POINts", "buffer_points", _POINTS, 11),
        Command("TRACe:POINts:ACTual", None, lambda instrument: "0"),
        setting("TRACe:NOTify", "buffer_notify", Number(1, 65536, 6, integer=True), 6),
        setting("TRACe:FEED", "buffer_feed", feeds, "SENS1"),
        setting("TRACe:FEED:CONTrol", "buffer_control", Choice("NEXT", "NEVer"), "NEV"),
        setting("TRACe:TSTamp:FORMat", "buffer_time", Choice("ABSolute", "DELTa"), "ABS"),
        Command(
            "FORMat[:DATA]",
            _set_format,
            lambda self: self.settings["format"],
            (Choice("ASCii", "REAL", "SREal", "DREal"), Number(32, 64, integer=True)),
            optional=1,
            name="format",
            default="ASC",
        ),
        Command(
            "FORMat:ELEMents",
            _set_elements,
            lambda self: ",".join(self.settings["elements"]),
            (_Elements(),),
            repeats=True,
            name="elements",
            default=("DEF",),
        ),
        setting("FORMat:BORDer", "byte_order", Choice("NORMal", "SWAPped"), "NORM"),
        setting("FORMat:SREGister", "register_format", Choice("ASCii", "HEXadecimal", "OCTal", "BINary"), "ASC"),
        setting("UNIT[:VOLTage][:DC]", "unit", Choice("V", "OHMS", "W", "SIEMens", aliases={"OHM": "OHMS"}), "V"),
        setting("UNIT:POWer[:TYPE]", "power_unit", Choice("PEAK", "AVERage"), "PEAK"),
    )


def _triggers() -> tuple[Command, ...]:
    layers = Choice("IMMediate", "TIMer", "BUS", "TLINk", "BSTest", "PSTest", "NSTest", "MANual")
    direction = Choice("SOURce", "ACCeptor")
    return (
        setting("ARM:SOURce", "arm_source", layers, "IMM"),
        setting("ARM:TIMer", "arm_timer", Number(0, 99999.99, 0.1, unit="S"), 0.1),
        setting("ARM:COUNt", "arm_count", _COUNT, 1),
        setting("ARM:DIRection", "arm_direction", direction, "ACC"),
        setting("ARM:OLINe|OLIN", "arm_output_line", _OUTPUT_LINE, 2),
        setting("ARM:ILINe|ILIN", "arm_input_line", _LINE, 1),
        setting("ARM:OUTPut", "arm_output", Choice("TENTer", "TEXit", "NONE"), "NONE"),
        Command("ARM:SIGNal", lambda self: self.signal_arm()),
        # PyMeasure sets both layers to BUS.
        setting("TRIGger:SOURce", "trigger_source", Choice("IMMediate", "TLINk", "BUS"), "IMM"),
        setting("TRIGger:DIRection", "trigger_direction", direction, "ACC"),
        setting("TRIGger:ILINe|ILIN", "trigger_input_line", _LINE, 1),
        setting("TRIGger:OUTPut", "trigger_output", Choice("SOURce", "DELay", "NONE"), "NONE"),
        Command("TRIGger:SIGNal", _no_trigger),
        setting("TRIGger:COUNt", "trigger_count", _COUNT, 1),
        setting("TRIGger:DELay", "trigger_delay", Number(0, 999999.999, 0, unit="S"), 0.0),
    )


def _display() -> tuple[Command, ...]:
    window = "DISPlay[:WINDow{1-2}]"
    beep = (Number(65, 2e6, unit="HZ"), Number(0, 7.9, unit="S"))
    return (
        setting("DISPlay:ENABle", "display", Boolean(), True),
        setting(f"{window}:TEXT:STATe", "text_on", Boolean(), False),
        setting(f"{window}:TEXT:DATA", "text", Text(32), "", check=_check_text),
        setting(f"{window}:ATTRibutes|ATTR", "text_blinks", Boolean(), False),
        Command("SYSTem:BEEPer[:IMMediate]", _nothing, None, beep),
        setting("SYSTem:BEEPer:STATe", "beeper", Boolean(), True),
        setting("SYSTem:KCLick", "key_click", Boolean(), True),
        setting("SYSTem:KEY", "key", Number(0, 40, 0, integer=True), 0),
    )


def _interfaces() -> tuple[Command, ...]:
    node = "SYSTem:COMMunicate"
    rates = ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")

    def lasting(pattern: str, name: str, parameter: Any, default: Any) -> Command:
        return setting(f"{node}:{pattern}", name, parameter, default, lasting=True)

    return (
        lasting("SELect", "interface", Choice("GPIB", "SERial", "ETHernet"), "GPIB"),
        lasting("GPIB:ADDRess", "gpib_address", Number(0, 30, 12, integer=True), 12),
        lasting("SERial:CONTrol:RTS", "serial_handshake", Choice("IBFull", "RFR", "OFF"), "OFF"),
        lasting("SERial:PACE", "serial_pace", Choice("XON", "XOFF"), "XOFF"),
        lasting("SERial:TERMinator", "serial_terminator", Choice("CR", "LF", "CRLF", "LFCR"), "LF"),
        lasting("SERial:BAUD", "serial_rate", _OneOf(*rates), 9600),
        lasting("ETHernet:ADDRess", "ip_address", Text(15), "192.168.0.2"),
        lasting("ETHernet:MASK", "ip_mask", Text(15), "255.255.255.0"),
        lasting("ETHernet:GATeway", "ip_gateway", Text(15), "192.168.0.1"),
        lasting("ETHernet:DHCP", "dhcp", Boolean(), False),
        Command(f"{node}:ETHernet:SAVE", _nothing),
        *(Command(f"{node}:{word}", _nothing) for word in ("LOCal", "REMote")),
        setting(f"{node}:RWLock", "local_lockout", Boolean(), False),
        setting(
            "SYSTem:POSetup",
            "power_on_setup",
            Choice("RST", "PRESet", "SAV0", "SAV1", "SAV2", "SAV3", "SAV4"),
            "RST",
            lasting=True,
        ),
        *(
            Command(f"SYSTem:{board}:SNUMber", None, lambda self: str(self.options["serial_number"]))
            for board in _BOARDS
        ),
        *(Command(f"SYSTem:{board}:REVision", None, lambda instrument: "A03") for board in _BOARDS),
        setting("SYSTem:PASSword:ENABle", "password_on", Boolean(), False, lasting=True),
        *(Command(f"SYSTem:PASSword:{word}", _nothing, None, (Text(),)) for word in ("CDISable", "CENable", "NEW")),
        *(Command(f"SYSTem:{word}", _nothing) for word in ("LOCal", "REMote", "TSTamp:RESet", "RNUMber:RESet")),
        Command("SYSTem:RWLock", _nothing, None, (Boolean(),), optional=1),
        Command("SYSTem:LFRequency", None, lambda instrument: "60"),
        Command("SYSTem:PRESet", lambda self: self.reset_instrument()),
    )


PASSIVE_COMMANDS: tuple[Command, ...] = (
    *_readings(),
    *_buffer(),
    *_triggers(),
    *_display(),
    *_interfaces(),
    Command(
        "STATus:QUEue:ENABle",
        _enable_errors,
        lambda self: _Errors().format(self.settings["queued_errors"], self),
        (_Errors(),),
        repeats=True,
        name="queued_errors",
        default=ALL_ERRORS,
    ),
    Command(
        "STATus:QUEue:DISable",
        _disable_errors,
        lambda self: _Errors().format(ALL_ERRORS - self.settings["queued_errors"], self),
        (_Errors(),),
        repeats=True,
    ),
)
