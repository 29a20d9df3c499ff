"""The command table of the 53230A; what the commands do is in `keysight_53230a`."""

from __future__ import annotations

import itertools
import math
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.interface_lock import LOCK_COMMANDS
from pyvisa_mqt.grammar.parameters import Boolean, ChannelList, Choice, Number, NumberFormat, Text, abbreviation
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import register_commands, state_commands
from pyvisa_mqt.instruments.keysight_53230a.functions import FUNCTIONS
from pyvisa_mqt.instruments.keysight_53230a.inputs import INPUT_COMMANDS
from pyvisa_mqt.instruments.keysight_53230a.statistics import STATISTICS_COMMANDS

__all__ = ["COMMANDS"]

_CHANNELS = ChannelList(2)
_COUNT = Number(1, 1_000_000, 1, integer=True)
_GATE = "[SENSe]:TINTerval:GATE"
_INPUT = "INPut{1-2}"


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


def _configured(function: str) -> tuple[Command, ...]:
    """Return CONFigure and MEASure of one function."""
    node = FUNCTIONS[function].node
    choose = _two_channels if FUNCTIONS[function].channels == 2 else _one_channel
    # Expected value, resolution or reference come before the channels; time stamps are counted.
    parameters = (
        (_CHANNELS, _CHANNELS) if function == "TINT" else (_Expectation(), _Expectation(), _CHANNELS, _CHANNELS)
    )
    count = len(parameters)

    def configure(instrument: Any, *items: Any) -> None:
        channels = choose(*(item for item in items if isinstance(item, tuple)))
        instrument.configure(function, channels, *(item for item in items if not isinstance(item, tuple)))

    def measure(instrument: Any, *items: Any) -> Any:
        configure(instrument, *items)
        return instrument.read()

    return (
        Command(f"CONFigure[:SCALar][:VOLTage]:{node}", configure, None, parameters, optional=count),
        Command(f"MEASure[:SCALar][:VOLTage]:{node}", None, measure, (), parameters, query_optional=count),
    )


class _Rate(Number):
    """Time stamps a second: 1E4, 1E5, 8E5 or 1E6."""

    def __init__(self) -> None:
        super().__init__(1e4, 1e6, 1e6)

    def parse(self, text: str) -> float:
        value = super().parse(text)
        if value not in (1e4, 1e5, 8e5, 1e6):
            raise ScpiError(-224)
        return value


def _set_format(instrument: Any, kind: str, length: float = 0) -> None:
    if length and int(length) != (64 if kind == "REAL" else 15):
        raise ScpiError(-224)
    instrument.settings["format"] = kind


def _changed(instrument: Any, *_: Any) -> None:
    instrument.changed()


def _long_names() -> dict[str, str]:
    """Return all spellings of the functions' names."""
    names = {}
    for name, function in FUNCTIONS.items():
        mnemonics = [abbreviation(m) for m in function.node.replace("[:TIMed]", "").removeprefix("ARRay:").split(":")]
        for spelling in itertools.product(*mnemonics):
            names[":".join(spelling)] = name
    return names


_NAMES = _long_names()


def _set_function(instrument: Any, text: str) -> None:
    """Choose a function by a string such as "FREQ", "PER 2" or "TINT 1, 2"."""
    name, _, rest = text.strip().partition(" ")
    function = _NAMES.get(name.upper().removeprefix("SENS:").removeprefix("SENSE:"))
    if function is None:
        raise ScpiError(-224)
    two = FUNCTIONS[function].channels == 2
    given = rest.strip().removeprefix("(@").removesuffix(")")
    channels = _CHANNELS.parse(f"(@{given})") if given else ((1, 2) if two else (1,))
    choose = _two_channels if two else _one_channel
    instrument.choose_function(function, choose(channels))


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
        setting(
            "[SENSe]:TOTalize:GATE:SOURce", "totalize_gate_source", Choice("TIME", "EXTernal"), "TIME", after=_changed
        ),
        setting(
            "[SENSe]:TOTalize:GATE:TIME", "totalize_gate_time", Number(1e-6, 1000, 0.1, unit="S"), 0.1, after=_changed
        ),
        setting("[SENSe]:TSTamp:RATE", "time_stamp_rate", _Rate(), 1e6, after=_changed),
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
    *state_commands(4),
    *(command for name in FUNCTIONS for command in _configured(name)),
    Command("CONFigure", None, lambda self: self.describe()),
    Command("[SENSe]:FUNCtion[:ON]", _set_function, lambda self: self.function(), (Text(),)),
    *INPUT_COMMANDS,
    *STATISTICS_COMMANDS,
    *_gate_settings(),
    setting(
        "TRIGger[:SEQuence]:SOURce", "trigger_source", Choice("IMMediate", "EXTernal", "BUS"), "IMM", after=_changed
    ),
    setting("TRIGger[:SEQuence]:SLOPe", "trigger_slope", Choice("POSitive", "NEGative"), "NEG", after=_changed),
    setting("TRIGger[:SEQuence]:DELay", "trigger_delay", Number(0, 3600, 0, unit="S"), 0.0, after=_changed),
    setting("TRIGger:COUNt", "trigger_count", _COUNT, 1, after=_changed),
    setting("SAMPle:COUNt", "sample_count", _COUNT, 1, after=_changed),
    # Non-volatile; from the factory it is disabled.
    setting(
        "SYSTem:TIMeout",
        "timeout",
        Number(0.01, 2000, unit="S", infinite=True),
        math.inf,
        after=_changed,
        lasting=True,
    ),
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
    setting("[SENSe]:ROSCillator:SOURce", "reference", Choice("INTernal", "EXTernal"), "INT"),
    setting("[SENSe]:ROSCillator:SOURce:AUTO", "reference_auto", Boolean(), True),
    Command("*LRN", None, lambda self: self.learned()),
    Command("SYSTem:BEEPer[:IMMediate]", lambda self: None),
    Command("SYSTem:LOCal", lambda self: None),
    Command("SYSTem:REMote", lambda self: None),
    Command("SYSTem:RWLock", lambda self: None),
    *LOCK_COMMANDS,
)
