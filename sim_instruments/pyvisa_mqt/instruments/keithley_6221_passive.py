"""Settings of the 6221 that a client can set and read back and that nothing on this bench depends on.

Delta mode, sweeps, trigger model, buffer, display and interface: without a nanovoltmeter on
its serial port the real instrument only remembers them, too.
"""

from __future__ import annotations

from ..ieee488 import ScpiError
from ..parameters import Boolean, Choice, Number, Text
from ..scpi import Command, setting

__all__ = ["PASSIVE_COMMANDS"]

_CURRENT = Number(-0.105, 0.105, 0.0, unit="A")
_COUNT = Number(1, 65536, 1, integer=True, infinite=True)
_DELAY = Number(1e-3, 999999.999, 1.0, unit="S")
_LAYERS = Choice("IMMediate", "BUS", "TIMer", "EXTernal", "MANual", "NIMMediate")
_TRIGGER_SOURCES = Choice("IMMediate", "TLINk", "BUS", "EXTernal")
_SWEEP = "[SOURce]:SWEep"
_DELTA = "[SOURce]:DELTa"


def _without_voltmeter(instrument: object) -> None:
    raise ScpiError(-241)


def _no_readings(instrument: object) -> None:
    raise ScpiError(-230)


PASSIVE_COMMANDS: tuple[Command, ...] = (
    setting("[SOURce]:DELay", "source_delay", _DELAY, 1.0),
    setting("[SOURce]:CURRent:STARt", "sweep_start", _CURRENT, 0.0),
    setting("[SOURce]:CURRent:STOP", "sweep_stop", _CURRENT, 0.0),
    setting("[SOURce]:CURRent:STEP", "sweep_step", Number(1e-13, 0.105, 1e-5, unit="A"), 1e-5),
    setting(f"{_SWEEP}:SPACing", "sweep_spacing", Choice("LINear", "LOGarithmic", "LIST"), "LIN"),
    setting(f"{_SWEEP}:POINts", "sweep_points", Number(1, 65535, 11, integer=True), 11),
    setting(f"{_SWEEP}:COUNt", "sweep_count", _COUNT, 1),
    setting(f"{_SWEEP}:RANGing", "sweep_ranging", Choice("AUTO", "BEST", "FIXed"), "BEST"),
    setting(f"{_SWEEP}:CABort", "sweep_compliance_abort", Boolean(), False),
    Command(f"{_SWEEP}:ABORt", lambda instrument: instrument.abort()),
    setting(f"{_DELTA}:HIGH", "delta_high", Number(0, 0.105, 1e-5, unit="A"), 1e-5),
    setting(f"{_DELTA}:LOW", "delta_low", Number(-0.105, 0, -1e-5, unit="A"), -1e-5),
    setting(f"{_DELTA}:DELay", "delta_delay", Number(0, 9999.999, 2e-3, unit="S", infinite=True), 2e-3),
    setting(f"{_DELTA}:COUNt", "delta_count", _COUNT, 1),
    setting(f"{_DELTA}:CABort", "delta_compliance_abort", Boolean(), False),
    setting(f"{_DELTA}:CSWitch", "delta_cold_switch", Boolean(), False),
    Command(f"{_DELTA}:NVPResent", None, lambda instrument: "0"),
    Command(f"{_DELTA}:ARM", _without_voltmeter, lambda instrument: "0"),
    Command("INITiate[:IMMediate]", _without_voltmeter),
    Command("ABORt", lambda instrument: instrument.abort()),
    Command("SENSe:DATA[:LATest]", None, _no_readings),
    Command("TRACe:DATA[:TYPE]", None, _no_readings),
    Command("TRACe:CLEar", lambda instrument: None),
    setting("TRACe:POINts", "buffer_points", Number(1, 65536, 11, integer=True), 11),
    setting("TRACe:FEED", "buffer_feed", Choice("SENSe", "NONE", "CALCulate"), "SENS"),
    setting("TRACe:FEED:CONTrol", "buffer_control", Choice("NEXT", "NEVer", "ALWays"), "NEV"),
    setting("FORMat[:DATA]", "format", Choice("ASCii", "REAL", "SREal", "DREal"), "ASC"),
    setting("UNIT:VOLTage[:DC]", "unit", Choice("V", "OHMS", "W", "SIEMens"), "V"),
    setting("ARM:SOURce", "arm_source", _LAYERS, "IMM"),
    setting("ARM:TIMer", "arm_timer", Number(0, 99999.99, 0.1, unit="S"), 0.1),
    setting("ARM:COUNt", "arm_count", _COUNT, 1),
    setting("ARM:OLINe|OLIN", "arm_output_line", Number(1, 6, 2, integer=True), 2),
    setting("ARM:ILINe|ILIN", "arm_input_line", Number(1, 6, 1, integer=True), 1),
    setting("TRIGger:SOURce", "trigger_source", _TRIGGER_SOURCES, "IMM"),
    setting("TRIGger:ILINe|ILIN", "trigger_input_line", Number(1, 6, 1, integer=True), 1),
    setting("TRIGger:COUNt", "trigger_count", _COUNT, 1),
    setting("TRIGger:DELay", "trigger_delay", Number(0, 999999.999, 0, unit="S"), 0.0),
    setting("DISPlay:ENABle", "display", Boolean(), True),
    setting("DISPlay[:WINDow]:TEXT:STATe", "display_text_on", Boolean(), False),
    setting("DISPlay[:WINDow]:TEXT:DATA", "display_text", Text(20), ""),
    Command(
        "SYSTem:BEEPer[:IMMediate]",
        lambda instrument, *sound: None,
        None,
        (Number(65, 2e6, unit="HZ"), Number(0, 7.9, unit="S")),
    ),
    setting("SYSTem:BEEPer:STATe", "beeper", Boolean(), True),
    setting("SYSTem:COMMunicate:SELect", "interface", Choice("GPIB", "SERial", "ETHernet"), "GPIB"),
    Command("SYSTem:PRESet", lambda instrument: instrument.reset_instrument()),
    Command("SYSTem:LOCal", lambda instrument: None),
    Command("SYSTem:REMote", lambda instrument: None),
)
