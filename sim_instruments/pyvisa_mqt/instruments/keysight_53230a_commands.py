"""The command table of the 53230A; what the commands do is in `keysight_53230a`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..ieee488 import ScpiError
from ..parameters import Boolean, ChannelList, Choice, Number, NumberFormat, Text
from ..scpi import Command, setting
from .scpi_base import register_commands

__all__ = ["COMMANDS"]

_CHANNELS = ChannelList(2)
_COUNT = Number(1, 1_000_000, 1, integer=True)
_GATE = "[SENSe]:TINTerval:GATE"
_INPUT = "INPut{1-2}"


class _Impedance(Number):
    """50 Ohm or 1 MOhm, read back with nine digits."""

    def __init__(self) -> None:
        super().__init__(50, 1e6, 1e6, unit="OHM")

    def parse(self, text: str) -> float:
        value = super().parse(text)
        if value not in (50.0, 1e6):
            raise ScpiError(-222)
        return value

    def format(self, value: float, style: NumberFormat) -> str:
        return f"{value:+.8E}".replace("E+", "E+0")


class _InputRange(Number):
    """5 V or 50 V; a value in between takes the next larger."""

    def __init__(self) -> None:
        super().__init__(5, 50, 5, unit="V")

    def parse(self, text: str) -> float:
        return 5.0 if super().parse(text) <= 5.0 else 50.0


class _AutoLevel(Boolean):
    """ON, OFF or ONCE."""

    def parse(self, text: str) -> Any:
        return "ONCE" if text.upper() == "ONCE" else super().parse(text)


class _Expectation:
    """An expected value, a resolution or a channel list, as CONFigure takes them before the channels."""

    def parse(self, text: str) -> Any:
        if text[:1] == "(":
            return _CHANNELS.parse(text)
        return Number(-1e12, 1e12, 0.0, infinite=True).parse(text)

    def format(self, value: Any, style: NumberFormat) -> str:
        return str(value)


def _two_channels(*channels: tuple[int, ...]) -> tuple[int, ...]:
    """Return start and stop channel; one channel alone means both events on it."""
    flat = tuple(number for part in channels for number in part) or (1, 2)
    if len(flat) > 2:
        raise ScpiError(-108)
    return flat[:1] if len(set(flat)) == 1 else flat


def _one_channel(*items: Any) -> tuple[int, ...]:
    channels = [item for item in items if isinstance(item, tuple)]
    if not channels:
        return (1,)
    if len(channels) > 1 or len(channels[0]) != 1:
        raise ScpiError(-108)
    return channels[0]


def _configured(
    node: str, function: str, choose: Callable[..., tuple[int, ...]], *parameters: Any
) -> tuple[Command, ...]:
    """Return CONFigure and MEASure of one function."""
    count = len(parameters)
    return (
        Command(
            f"CONFigure[:SCALar][:VOLTage]:{node}",
            lambda instrument, *items: instrument.configure(function, choose(*items)),
            None,
            parameters,
            optional=count,
        ),
        Command(
            f"MEASure[:SCALar][:VOLTage]:{node}",
            None,
            lambda instrument, *items: instrument.measure(function, choose(*items)),
            (),
            parameters,
            query_optional=count,
        ),
    )


def _set_format(instrument: Any, kind: str, length: float = 0) -> None:
    if length and int(length) != (64 if kind == "REAL" else 15):
        raise ScpiError(-224)
    instrument.settings["format"] = kind


def _changed(instrument: Any, *_: Any) -> None:
    instrument.changed()


def _set_function(instrument: Any, text: str) -> None:
    """Choose a function by a string such as "FREQ", "PER 2" or "TINT 1, 2"."""
    name, _, rest = text.partition(" ")
    functions = {
        "FREQ": "FREQ",
        "FREQUENCY": "FREQ",
        "PER": "PER",
        "PERIOD": "PER",
        "TINT": "TINT",
        "TINTERVAL": "TINT",
    }
    function = functions.get(name.upper().removeprefix("SENS:").removeprefix("SENSE:"))
    if function is None:
        raise ScpiError(-224)
    channels = _CHANNELS.parse(f"(@{rest})") if rest.strip() else ((1, 2) if function == "TINT" else (1,))
    choose = _two_channels if function == "TINT" else _one_channel
    instrument.choose_function(function, choose(channels))


def _input_settings() -> tuple[Command, ...]:
    node = f"{_INPUT}:LEVel{{1-2}}"
    return (
        setting(f"{_INPUT}:COUPling", "coupling", Choice("AC", "DC"), "AC", after=_changed),
        setting(f"{_INPUT}:IMPedance", "impedance", _Impedance(), 1e6, after=_changed),
        setting(f"{_INPUT}:RANGe", "input_range", _InputRange(), 5.0, after=_changed),
        setting(f"{_INPUT}:PROBe", "probe", Number(1, 10, 1, integer=True), 1, after=_changed),
        setting(f"{_INPUT}:FILTer[:LPASs][:STATe]", "filter", Boolean(), False, after=_changed),
        setting(f"{_INPUT}:NREJection", "noise_rejection", Boolean(), False, after=_changed),
        setting(f"{_INPUT}:SLOPe{{1-2}}", "slope", Choice("POSitive", "NEGative"), "POS", after=_changed),
        setting(
            f"{node}[:ABSolute]",
            "level",
            Number(-51.25, 51.25, 0.0, unit="V"),
            0.0,
            check=lambda instrument, *level: instrument.check_level(*level),
            after=lambda instrument, *level: instrument.level_was_set(*level),
        ),
        setting(f"{node}:RELative", "relative_level", Number(10, 90, 50), 50.0, after=_changed),
        # One switch an input: the event's number is taken and does not matter.
        Command(
            f"{node}:AUTO",
            lambda instrument, channel, event, mode: instrument.set_auto_level(channel, mode),
            lambda instrument, channel, event: "1" if instrument.auto_level[channel] else "0",
            (_AutoLevel(),),
        ),
    )


def _gate_settings() -> tuple[Command, ...]:
    edges = Choice("POSitive", "NEGative")
    sources = Choice("IMMediate", "EXTernal", "INPut1", "INPut2")
    delays = Choice("IMMediate", "TIME", "EVENts")
    duration = Number(0, 10, 0, unit="S")
    events = Number(1, 1e8, 1, integer=True)
    return (
        setting(
            f"{_GATE}:SOURce",
            "interval_gate_source",
            Choice("IMMediate", "EXTernal", "ADVanced"),
            "IMM",
            after=_changed,
        ),
        setting(f"{_GATE}:POLarity", "interval_gate_polarity", edges, "NEG", after=_changed),
        setting("[SENSe]:GATE:EXTernal:SOURce", "gate_external_source", Choice("BNC", "INPut2"), "BNC", after=_changed),
        setting("[SENSe]:GATE:STARt:SOURce", "gate_start_source", sources, "IMM", after=_changed),
        setting("[SENSe]:GATE:STARt:SLOPe", "gate_start_slope", edges, "NEG", after=_changed),
        setting("[SENSe]:GATE:STARt:DELay:SOURce", "gate_delay_source", delays, "IMM", after=_changed),
        setting("[SENSe]:GATE:STARt:DELay:TIME", "gate_delay_time", duration, 0.0, after=_changed),
        setting("[SENSe]:GATE:STARt:DELay:EVENts", "gate_delay_events", events, 1, after=_changed),
        setting("[SENSe]:GATE:STOP:SOURce", "gate_stop_source", sources, "IMM", after=_changed),
        setting("[SENSe]:GATE:STOP:SLOPe", "gate_stop_slope", edges, "POS", after=_changed),
        setting("[SENSe]:GATE:STOP:HOLDoff:SOURce", "holdoff_source", delays, "TIME", after=_changed),
        setting("[SENSe]:GATE:STOP:HOLDoff:TIME", "holdoff_time", duration, 0.0, after=_changed),
        setting("[SENSe]:GATE:STOP:HOLDoff:EVENts", "holdoff_events", events, 1, after=_changed),
        setting(
            "[SENSe]:FREQuency:GATE:SOURce",
            "gate_source",
            Choice("TIME", "EXTernal", "ADVanced"),
            "TIME",
            after=_changed,
        ),
        setting("[SENSe]:FREQuency:GATE:TIME", "gate_time", Number(1e-6, 1000, 0.1, unit="S"), 0.1, after=_changed),
        setting("[SENSe]:FREQuency:GATE:POLarity", "gate_polarity", edges, "NEG", after=_changed),
        setting(
            "[SENSe]:FREQuency:MODE",
            "frequency_mode",
            Choice("AUTO", "RECiprocal", "CONTinuous"),
            "AUTO",
            after=_changed,
        ),
    )


COMMANDS: tuple[Command, ...] = (
    *register_commands("OPERation", "operation"),
    *register_commands("QUEStionable", "questionable"),
    *_configured("TINTerval", "TINT", _two_channels, _CHANNELS, _CHANNELS),
    *_configured("FREQuency", "FREQ", _one_channel, _Expectation(), _Expectation(), _CHANNELS),
    *_configured("PERiod", "PER", _one_channel, _Expectation(), _Expectation(), _CHANNELS),
    Command("CONFigure", None, lambda self: self.describe()),
    Command("[SENSe]:FUNCtion[:ON]", _set_function, lambda self: self.function(), (Text(),)),
    *_input_settings(),
    *_gate_settings(),
    setting(
        "TRIGger[:SEQuence]:SOURce", "trigger_source", Choice("IMMediate", "EXTernal", "BUS"), "IMM", after=_changed
    ),
    setting("TRIGger[:SEQuence]:SLOPe", "trigger_slope", Choice("POSitive", "NEGative"), "NEG", after=_changed),
    setting("TRIGger[:SEQuence]:DELay", "trigger_delay", Number(0, 3600, 0, unit="S"), 0.0, after=_changed),
    setting("TRIGger:COUNt", "trigger_count", _COUNT, 1, after=_changed),
    setting("SAMPle:COUNt", "sample_count", _COUNT, 1, after=_changed),
    setting("SYSTem:TIMeout", "timeout", Number(0.01, 2000, unit="S", infinite=True), None, after=_changed),
    setting("SYSTem:ALEVel:FREQuency", "auto_level_frequency", Number(50, 10000, 50, unit="HZ"), 50.0),
    Command("INITiate[:IMMediate]", lambda self: self.initiate()),
    Command("ABORt", lambda self: self.abort()),
    Command("READ", None, lambda self: self.read()),
    Command("FETCh", None, lambda self: self.fetch()),
    Command("R", None, lambda self, *count: self.read_and_erase(*count), (), (_COUNT,), query_optional=1),
    Command(
        "DATA:REMove",
        None,
        lambda self, *wanted: self.remove(*wanted),
        (),
        (_COUNT, Choice("WAIT")),
        query_optional=1,
    ),
    Command("DATA:POINts", None, lambda self: self.format_integer(len(self.memory))),
    setting(
        "DATA:POINts:EVENt:THReshold",
        "threshold",
        _COUNT,
        1,
        execute=lambda self, count: self.set_threshold(count),
    ),
    Command("DATA:LAST", None, lambda self: self.last_reading()),
    Command("DATA:CLEar", lambda self: self.clear_memory()),
    Command(
        "FORMat[:DATA]",
        _set_format,
        lambda self: "REAL,64" if self.settings["format"] == "REAL" else "ASC,15",
        (Choice("ASCii", "REAL"), Number(0, 64, integer=True)),
        optional=1,
        name="format",
        default="ASC",
    ),
    setting("FORMat:BORDer", "byte_order", Choice("NORMal", "SWAPped"), "NORM"),
    setting("OUTPut[:STATe]", "gate_output", Boolean(), False),
    setting("OUTPut:POLarity", "gate_output_polarity", Choice("NORMal", "INVerted"), "NORM"),
    setting("DISPlay[:STATe]", "display", Boolean(), True),
    setting("SYSTem:BEEPer:STATe", "beeper", Boolean(), True),
    setting("CALCulate[:STATe]", "calculate", Boolean(), False, after=_changed),
    setting("CALCulate:AVERage[:STATe]", "average", Boolean(), False, after=_changed),
    setting("[SENSe]:ROSCillator:SOURce", "reference", Choice("INTernal", "EXTernal"), "INT"),
    setting("[SENSe]:ROSCillator:SOURce:AUTO", "reference_auto", Boolean(), True),
    Command("SYSTem:BEEPer[:IMMediate]", lambda self: None),
    Command("SYSTem:LOCal", lambda self: None),
    Command("SYSTem:REMote", lambda self: None),
)
