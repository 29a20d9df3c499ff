"""The command table of the 33500B; what the commands do is in `keysight_33500b`."""

from __future__ import annotations

import math
import re
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number, NumberFormat, Text
from pyvisa_mqt.grammar.scpi import Command, block_end, setting
from pyvisa_mqt.grammar.scpi_instrument import register_commands
from pyvisa_mqt.instruments.keysight_33500b.levels import Amplitude, LimitKeyword
from pyvisa_mqt.instruments.keysight_33500b.memory import BUILT_IN
from pyvisa_mqt.instruments.keysight_33500b.modulation import MODULATION_COMMANDS
from pyvisa_mqt.instruments.keysight_33500b.system import SYSTEM_COMMANDS

__all__ = ["COMMANDS"]

_SOURCE = "[SOURce{1-2}:]"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_DEGREES = Number(-1e9, 1e9, 0.0)
_VOLTS = Number(-20, 20, 0.0, unit="V")
_SLOPE = Choice("POSitive", "NEGative")
_POLARITY = Choice("NORMal", "INVerted")
_FUNCTIONS = Choice("SINusoid", "SQUare", "TRIangle", "RAMP", "PULSe", "PRBS", "NOISe", "ARBitrary", "DC")
_CHANNEL = Choice("CH1", "CH2")


class _Name:
    """A waveform's name or file, bare or quoted; read back quoted."""

    def parse(self, text: str) -> str:
        if text[:1] in "\"'":
            return Text(200).parse(text)
        if not _NAME.match(text):
            raise ScpiError(-141)
        return text

    def format(self, value: str, style: NumberFormat) -> str:
        return Text().format(value, style)


class _Points:
    """One point of an arbitrary waveform, or all of them as a binary block."""

    _number = Number(-32767, 32767)

    def parse(self, text: str) -> float | bytes:
        if not text.startswith("#"):
            return self._number.parse(text)
        digits = text[1:2]
        if digits == "0":
            return text[2:].encode("latin-1")
        if not digits.isdigit() or block_end(text, 0) != len(text):
            raise ScpiError(-161)
        return text[2 + int(digits) :].encode("latin-1")

    def format(self, value: Any, style: NumberFormat) -> str:
        return str(value)


class _Frequency(Number):
    """A frequency in Hz; MAXimum is whatever the function allows and is passed on as infinity."""

    def __init__(self) -> None:
        super().__init__(1e-6, 120e6, 1e3, unit="HZ")

    def limit(self, keyword: str) -> float:
        return math.inf if keyword.upper().startswith("MAX") else super().limit(keyword)


class _Count(Number):
    """A whole number that is written as a real one."""

    def _checked(self, value: float) -> float:
        checked = super()._checked(value)
        return float(round(checked)) if math.isfinite(checked) else checked


def _refresh(self: Any, channel: int, *_: object) -> None:
    self.refresh(channel)


def _channel_setting(pattern: str, name: str, parameter: Any, default: Any) -> Command:
    """Return a stored setting of a channel that changes its output."""
    return setting(f"{_SOURCE}{pattern}", name, parameter, default, after=_refresh)


def _shared(pattern: str, name: str, parameter: Any, default: Any) -> Command:
    """Return a setting of the one Sync or Trig connector; the output's number does not matter."""

    def store(self: Any, _: int, value: Any) -> None:
        self.settings[name, 1] = self.settings[name, 2] = value
        self.refresh_all()

    return setting(pattern, name, parameter, default, execute=store)


def _levels() -> tuple[Command, ...]:
    def level(which: str) -> Command:
        return Command(
            f"{_SOURCE}VOLTage:{which}",
            lambda self, channel, value: self.set_level(which.lower(), channel, value),
            lambda self, channel, *keyword: self.level(which.lower(), channel, *keyword),
            (_VOLTS,),
            (LimitKeyword(),),
            query_optional=1,
        )

    return (
        Command(
            f"{_SOURCE}VOLTage[:LEVel][:IMMediate][:AMPLitude]",
            lambda self, channel, value: self.set_amplitude(channel, value),
            lambda self, channel, *keyword: self.amplitude(channel, *keyword),
            (Amplitude(),),
            (LimitKeyword(),),
            query_optional=1,
            name="amplitude",
            default=0.2,
        ),
        Command(
            f"{_SOURCE}VOLTage[:LEVel][:IMMediate]:OFFSet",
            lambda self, channel, value: self.set_offset(channel, value),
            lambda self, channel, *keyword: self.offset(channel, *keyword),
            (_VOLTS,),
            (LimitKeyword(),),
            query_optional=1,
            name="offset",
            default=0.0,
        ),
        level("HIGH"),
        level("LOW"),
        setting(
            f"{_SOURCE}VOLTage:UNIT",
            "unit",
            Choice("VPP", "VRMS", "DBM"),
            "VPP",
            execute=lambda self, channel, unit: self.set_unit(channel, unit),
        ),
        setting(f"{_SOURCE}VOLTage:LIMit:HIGH", "limit_high", Number(-10, 10, 5, unit="V"), 5.0),
        setting(f"{_SOURCE}VOLTage:LIMit:LOW", "limit_low", Number(-10, 10, -5, unit="V"), -5.0),
        setting(f"{_SOURCE}VOLTage:LIMit:STATe", "limit", Boolean(), False),
        _channel_setting("VOLTage:RANGe:AUTO", "range_auto", Boolean(), True),
    )


def _transitions() -> tuple[Command, ...]:
    """Return the edge times of a pulse: both at once, or each by itself."""
    edge = Number(8.4e-9, 1e-6, 10e-9, unit="S")
    node = f"{_SOURCE}FUNCtion:PULSe:TRANsition"

    def both(self: Any, channel: int, time: float) -> None:
        self.settings["transition", channel] = self.settings["trailing", channel] = time

    return (
        setting(f"{node}[:BOTH]", "transition", edge, 10e-9, execute=both),
        setting(f"{node}:LEADing", "transition", edge, 10e-9),
        setting(f"{node}:TRAiling", "trailing", edge, 10e-9),
    )


def _functions() -> tuple[Command, ...]:
    return (
        setting(
            f"{_SOURCE}FUNCtion",
            "function",
            _FUNCTIONS,
            "SIN",
            execute=lambda self, channel, function: self.set_function(channel, function),
        ),
        _channel_setting("FUNCtion:RAMP:SYMMetry", "symmetry", Number(0, 100, 100), 100.0),
        _channel_setting("FUNCtion:SQUare:DCYCle", "duty_cycle", Number(0.01, 99.99, 50), 50.0),
        setting(
            f"{_SOURCE}FUNCtion:PULSe:WIDTh",
            "pulse_width",
            Number(16e-9, 1e6, 1e-4, unit="S"),
            1e-4,
            execute=lambda self, channel, width: self.set_pulse_width(channel, width),
        ),
        Command(
            f"{_SOURCE}FUNCtion:PULSe:DCYCle",
            lambda self, channel, share: self.set_pulse_share(channel, share),
            lambda self, channel: self.pulse_share(channel),
            (Number(0, 100, 10),),
        ),
        Command(
            f"{_SOURCE}FUNCtion:PULSe:PERiod",
            lambda self, channel, period: self.set_period(channel, period),
            lambda self, channel: self.format_number(self.period(channel)),
            (Number(33e-9, 1e6, 1e-3, unit="S"),),
        ),
        setting(f"{_SOURCE}FUNCtion:PULSe:HOLD", "pulse_hold", Choice("WIDTh", "DCYCle"), "WIDT"),
        *_transitions(),
        setting(f"{_SOURCE}FUNCtion:NOISe:BANDwidth", "noise_bandwidth", Number(1e-3, 30e6, 100e3, unit="HZ"), 100e3),
        setting(f"{_SOURCE}FUNCtion:PRBS:BRATe", "bit_rate", Number(1e-3, 50e6, 1e3), 1e3),
        setting(
            f"{_SOURCE}FUNCtion:PRBS:DATA",
            "bit_sequence",
            Choice("PN7", "PN9", "PN11", "PN15", "PN20", "PN23"),
            "PN7",
        ),
        Command(
            f"{_SOURCE}FREQuency",
            lambda self, channel, value: self.set_frequency(channel, value),
            lambda self, channel, *keyword: self.frequency(channel, *keyword),
            (_Frequency(),),
            (LimitKeyword(),),
            query_optional=1,
            name="frequency",
            default=1e3,
        ),
        Command(
            f"{_SOURCE}PHASe",
            lambda self, channel, value: self.set_phase("phase", channel, value),
            lambda self, channel: self.phase("phase", channel),
            (_DEGREES,),
            name="phase",
            default=0.0,
        ),
        Command(f"{_SOURCE}PHASe:SYNChronize", lambda self, channel: self.synchronise()),
        setting("UNIT:ANGLe", "angle_unit", Choice("DEGree", "RADian", "SECond"), "DEG"),
    )


def _arbitrary() -> tuple[Command, ...]:
    def upload(pattern: str, integers: bool) -> Command:
        return Command(
            f"{_SOURCE}DATA:ARBitrary{pattern}",
            lambda self, channel, name, *data: self.load_points(integers, channel, name, *data),
            None,
            (_Name(), _Points()),
            repeats=True,
        )

    def attribute(node: str, what: str) -> Command:
        return Command(
            f"{_SOURCE}DATA:ATTRibute:{node}",
            None,
            lambda self, channel, *name: self.waveform_attribute(channel, what, *name),
            (),
            (_Name(),),
            query_optional=1,
        )

    return (
        Command(f"{_SOURCE}DATA:VOLatile:CLEar", lambda self, channel: self.clear_memory(channel)),
        Command(f"{_SOURCE}DATA:VOLatile:CATalog", None, lambda self, channel: self.memory.catalog(channel)),
        Command(
            f"{_SOURCE}DATA:VOLatile:FREE", None, lambda self, channel: self.format_integer(self.memory.free(channel))
        ),
        Command(
            f"{_SOURCE}DATA:SEQuence",
            lambda self, channel, block: self.load_sequence(channel, block),
            lambda self, channel, name: self.sequence_read_back(channel, name),
            (_Points(),),
            (_Name(),),
        ),
        upload("", False),
        upload(":DAC", True),
        attribute("AVERage", "AVER"),
        attribute("CFACtor", "CFAC"),
        attribute("POINts", "POIN"),
        attribute("PTPeak", "PTP"),
        setting("FORMat:BORDer", "byte_order", Choice("NORMal", "SWAPped"), "NORM"),
        setting(
            f"{_SOURCE}FUNCtion:ARBitrary",
            "waveform",
            _Name(),
            BUILT_IN,
            execute=lambda self, channel, name: self.select_waveform(channel, name),
        ),
        setting(
            f"{_SOURCE}FUNCtion:ARBitrary:SRATe",
            "sample_rate",
            Number(1e-6, 250e6, 40e3),
            40e3,
            execute=lambda self, channel, rate: self.set_sample_rate(channel, rate),
        ),
        Command(
            f"{_SOURCE}FUNCtion:ARBitrary:FREQuency",
            lambda self, channel, value: self.set_arbitrary_frequency(channel, value),
            lambda self, channel: self.format_number(1 / self.arbitrary_period(channel)),
            (Number(1e-9, 30e6, unit="HZ"),),
        ),
        Command(
            f"{_SOURCE}FUNCtion:ARBitrary:PERiod",
            lambda self, channel, value: self.set_arbitrary_frequency(channel, 1 / value),
            lambda self, channel: self.format_number(self.arbitrary_period(channel)),
            (Number(33e-9, 1e9, unit="S"),),
        ),
        Command(
            f"{_SOURCE}FUNCtion:ARBitrary:POINts",
            None,
            lambda self, channel: self.waveform_attribute(channel, "POIN"),
        ),
        Command(
            f"{_SOURCE}FUNCtion:ARBitrary:PTPeak",
            lambda self, channel, value: self.set_amplitude(channel, (value, "VPP")),
            lambda self, channel: self.amplitude(channel),
            (Number(1e-3, 20, unit="V"),),
        ),
        _channel_setting("FUNCtion:ARBitrary:FILTer", "filter", Choice("NORMal", "STEP", "OFF"), "STEP"),
        setting(f"{_SOURCE}FUNCtion:ARBitrary:ADVance", "advance", Choice("TRIGger", "SRATe"), "SRAT"),
        Command(f"{_SOURCE}FUNCtion:ARBitrary:SYNChronize", lambda self, channel: self.synchronise()),
        Command(
            "MMEMory:STORe:DATA{1-2}",
            lambda self, channel, path: self.memory.store(channel, self.settings["waveform", channel], path),
            None,
            (_Name(),),
        ),
        Command(
            "MMEMory:LOAD:DATA{1-2}", lambda self, channel, path: self.memory.load(channel, path), None, (_Name(),)
        ),
    )


def _bursts() -> tuple[Command, ...]:
    return (
        setting(
            f"{_SOURCE}BURSt:STATe",
            "burst",
            Boolean(),
            False,
            execute=lambda self, channel, enabled: self.set_mode("BURS", channel, enabled),
        ),
        _channel_setting("BURSt:MODE", "burst_mode", Choice("TRIGgered", "GATed"), "TRIG"),
        _channel_setting("BURSt:NCYCles", "cycles", _Count(1, 1e8, 1, infinite=True), 1.0),
        Command(
            f"{_SOURCE}BURSt:PHASe",
            lambda self, channel, value: self.set_phase("burst_phase", channel, value),
            lambda self, channel: self.phase("burst_phase", channel),
            (_DEGREES,),
            name="burst_phase",
            default=0.0,
        ),
        setting(
            f"{_SOURCE}BURSt:INTernal:PERiod",
            "burst_period",
            Number(1e-6, 8000, 10e-3, unit="S"),
            10e-3,
            execute=lambda self, channel, period: self.set_burst_period(channel, period),
        ),
        _channel_setting("BURSt:GATE:POLarity", "gate_polarity", _POLARITY, "NORM"),
    )


def _triggers() -> tuple[Command, ...]:
    sources = Choice("IMMediate", "EXTernal", "TIMer", "BUS")
    commands = []
    # pylablib puts SOURce in front (U whether the instrument takes it).
    for root in ("TRIGger{1-2}", "SOURce{1-2}:TRIGger"):
        commands += [
            setting(f"{root}:SOURce", "trigger_source", sources, "IMM", after=_refresh),
            setting(f"{root}:SLOPe", "trigger_slope", _SLOPE, "POS"),
        ]
    seconds = Number(1e-6, 8000, 1.0, unit="S")
    return (
        *commands,
        setting("TRIGger{1-2}:COUNt", "trigger_count", _Count(1, 1e6, 1, infinite=True), 1.0, after=_refresh),
        setting("TRIGger{1-2}:DELay", "trigger_delay", Number(0, 1000, 0, unit="S"), 0.0, after=_refresh),
        setting("TRIGger{1-2}:TIMer", "timer", seconds, 1.0, after=_refresh),
        setting("TRIGger{1-2}:LEVel", "trigger_level", Number(0.9, 3.8, 1.65, unit="V"), 1.65),
        Command("TRIGger{1-2}[:IMMediate]", lambda self, channel: self.trigger_channel(channel)),
        Command("INITiate{1-2}[:IMMediate]", lambda self, channel: self.initiate(channel)),
        Command("INITiate{1-2}[:IMMediate]:ALL", lambda self, _: self.initiate_all()),
        setting("INITiate{1-2}:CONTinuous", "continuous", Boolean(), True, after=_refresh),
        Command("ABORt", lambda self: self.abort()),
    )


def _outputs() -> tuple[Command, ...]:
    load = Number(1, 10e3, 50, unit="OHM", infinite=True)
    connectors: list[Command] = []
    for root in ("OUTPut{1-2}", "SOURce{1-2}:OUTPut"):
        connectors += [
            _shared(f"{root}:TRIGger[:STATe]", "trigger_output", Boolean(), False),
            _shared(f"{root}:TRIGger:SLOPe", "trigger_output_slope", _SLOPE, "POS"),
        ]
    return (
        setting("OUTPut{1-2}[:STATe]", "output", Boolean(), False, after=_refresh),
        setting(
            "OUTPut{1-2}:LOAD", "load", load, 50.0, execute=lambda self, channel, value: self.set_load(channel, value)
        ),
        setting("OUTPut{1-2}:POLarity", "polarity", _POLARITY, "NORM", after=_refresh),
        setting("OUTPut{1-2}:MODE", "output_mode", Choice("NORMal", "GATed"), "NORM"),
        _shared("OUTPut{1-2}:SYNC[:STATe]", "sync", Boolean(), True),
        _shared("OUTPut{1-2}:SYNC:SOURce", "sync_source", _CHANNEL, "CH1"),
        _shared("OUTPut{1-2}:SYNC:MODE", "sync_mode", Choice("NORMal", "CARRier", "MARKer"), "NORM"),
        _shared("OUTPut{1-2}:SYNC:POLarity", "sync_polarity", _POLARITY, "NORM"),
        *connectors,
        _shared("OUTPut{1-2}:TRIGger:SOURce", "trigger_output_source", _CHANNEL, "CH1"),
    )


COMMANDS: tuple[Command, ...] = (
    *register_commands("OPERation", "operation"),
    *register_commands("QUEStionable", "questionable"),
    *_functions(),
    *_levels(),
    *_arbitrary(),
    *_bursts(),
    *_triggers(),
    *_outputs(),
    *MODULATION_COMMANDS,
    *SYSTEM_COMMANDS,
)
