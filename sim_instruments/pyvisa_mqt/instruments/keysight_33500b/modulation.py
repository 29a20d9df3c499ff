"""Modulation, frequency sweep and list of the 33500B: settings, and that one of them excludes the others.

The bench puts out the carrier without modulation (a switching measurement uses none). Names, ranges and
couplings as the 33500 Series Operating and Service Guide has them, from memory where no source opens (U).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number
from pyvisa_mqt.grammar.scpi import Command, setting
from pyvisa_mqt.grammar.scpi_instrument import ScpiInstrument

__all__ = ["MODULATION_COMMANDS", "ModulatingGenerator"]

SOURCE = "[SOURce{1-2}:]"
MOST_LIST_POINTS = 128
#: Mode -> functions that it cannot be used with; PWM is the other way round.
EXCLUDED: Mapping[str, frozenset[str]] = {
    "AM": frozenset({"DC"}),
    "SUM": frozenset({"DC"}),
    "FM": frozenset({"DC", "NOIS", "PULS"}),
    "PM": frozenset({"DC", "NOIS", "PULS"}),
    "FSK": frozenset({"DC", "NOIS"}),
    "BPSK": frozenset({"DC", "NOIS"}),
    "PWM": frozenset({"SIN", "SQU", "TRI", "RAMP", "PRBS", "NOIS", "ARB", "DC"}),
    "SWE": frozenset({"DC", "NOIS", "PRBS", "ARB"}),
    # DC has no bursts either, but clients switch them on beforehand; nothing says that it is refused (U).
    "BURS": frozenset(),
}
#: The mode's setting; the sweep is a value of FREQuency:MODE besides, and the list only that.
STATES: Mapping[str, str] = {
    mode: f"{mode.lower()}_on" for mode in ("AM", "SUM", "FM", "PM", "FSK", "BPSK", "PWM", "SWE")
} | {"BURS": "burst"}


class ModulatingGenerator(ScpiInstrument):
    """The part of the generator that knows which mode is on."""

    def set_mode(self, mode: str, channel: int, enabled: bool) -> None:
        """Switch a modulation, the sweep, the list or the burst; the one that was on goes off."""
        settings = self.settings
        if enabled and settings["function", channel] in EXCLUDED[mode]:
            raise ScpiError(-221, f"{mode} not available with this function")
        for other in STATES.values() if enabled else (STATES[mode],):
            settings[other, channel] = False
        settings[STATES[mode], channel] = enabled
        if enabled or mode == "SWE":
            settings["frequency_mode", channel] = "SWE" if mode == "SWE" and enabled else "CW"
        self.mode_changed(channel)

    def mode_changed(self, channel: int) -> None:
        """Put out what the mode says."""

    def leave_modes(self, channel: int) -> None:
        """Switch off the mode that the present function cannot have."""
        for mode, name in STATES.items():
            if self.settings[name, channel] and self.settings["function", channel] in EXCLUDED[mode]:
                self.set_mode(mode, channel, enabled=False)

    def set_frequency_mode(self, channel: int, mode: str) -> None:
        """Do what FREQuency:MODE does (U: with any function)."""
        for other in STATES if mode in ("SWE", "LIST") else ("SWE",):
            self.settings[STATES[other], channel] = False
        self.settings[STATES["SWE"], channel] = mode == "SWE"
        self.settings["frequency_mode", channel] = mode
        self.mode_changed(channel)

    # The sweep's ends: start and stop, or centre and span.

    def sweep_center(self, channel: int) -> float:
        """Return the middle of the sweep in Hz."""
        return float(self.settings["sweep_start", channel] + self.settings["sweep_stop", channel]) / 2

    def sweep_span(self, channel: int) -> float:
        """Return stop minus start in Hz."""
        return float(self.settings["sweep_stop", channel] - self.settings["sweep_start", channel])

    def set_sweep_center(self, channel: int, center: float) -> None:
        """Move the sweep (Hz); its span stays."""
        self._set_ends(channel, center, self.sweep_span(channel))

    def set_sweep_span(self, channel: int, span: float) -> None:
        """Spread the sweep (Hz) about its middle."""
        self._set_ends(channel, self.sweep_center(channel), span)

    def _set_ends(self, channel: int, center: float, span: float) -> None:
        start, stop = center - span / 2, center + span / 2
        if min(start, stop) < 1e-6 or max(start, stop) > self.highest_of(channel):
            raise ScpiError(-222)
        self.settings["sweep_start", channel], self.settings["sweep_stop", channel] = start, stop

    def highest_of(self, channel: int) -> float:
        """Return the highest frequency in Hz of the present function."""
        return 30e6

    def check_frequency(self, channel: int, frequency: float) -> None:
        """Refuse a frequency in Hz that the present function cannot have."""
        if frequency > self.highest_of(channel) * (1 + 1e-9):
            raise ScpiError(-222)

    def set_list(self, channel: int, *frequencies: float) -> None:
        """Set the list of frequencies in Hz, at most 128."""
        if len(frequencies) > MOST_LIST_POINTS:
            raise ScpiError(-223)
        for frequency in frequencies:
            self.check_frequency(channel, frequency)
        self.settings["frequency_list", channel] = frequencies


def _state(mode: str, header: str) -> Command:
    def execute(self: Any, channel: int, enabled: bool) -> None:
        self.set_mode(mode, channel, enabled)

    return setting(f"{SOURCE}{header}:STATe", STATES[mode], Boolean(), False, execute=execute)


def _frequency(default: float) -> Number:
    return Number(1e-6, 30e6, default, unit="HZ")


def _modulation(mode: str, rate: float, *own: Command) -> tuple[Command, ...]:
    """Return a modulation with a waveform of its own, `rate` Hz at first."""
    shapes = Choice("SINusoid", "SQUare", "RAMP", "NRAMp", "TRIangle", "NOISe", "PRBS", "ARBitrary")
    name = mode.lower()
    return (
        _state(mode, mode),
        setting(f"{SOURCE}{mode}:SOURce", f"{name}_source", Choice("INTernal", "EXTernal", "CH1", "CH2"), "INT"),
        setting(f"{SOURCE}{mode}:INTernal:FUNCtion", f"{name}_function", shapes, "SIN"),
        setting(f"{SOURCE}{mode}:INTernal:FREQuency", f"{name}_frequency", _frequency(rate), rate),
        *own,
    )


def _keying(mode: str, header: str, *own: Command) -> tuple[Command, ...]:
    name = mode.lower()
    return (
        _state(mode, header),
        setting(f"{SOURCE}{header}:SOURce", f"{name}_source", Choice("INTernal", "EXTernal"), "INT"),
        setting(f"{SOURCE}{header}:INTernal:RATE", f"{name}_rate", Number(125e-6, 1e6, 10, unit="HZ"), 10.0),
        *own,
    )


def _own(pattern: str, name: str, number: Any, default: Any) -> Command:
    return setting(f"{SOURCE}{pattern}", name, number, default)


def _modulations() -> tuple[Command, ...]:
    phase = Number(0, 360, 180)
    return (
        *_modulation(
            "AM",
            100.0,
            _own("AM:DEPTh", "am_depth", Number(0, 120, 100), 100.0),
            _own("AM:DSSC", "am_suppressed", Boolean(), False),
        ),
        *_modulation("FM", 10.0, _own("FM:DEViation", "fm_deviation", _frequency(100), 100.0)),
        *_modulation("PM", 10.0, _own("PM:DEViation", "pm_deviation", phase, 180.0)),
        *_modulation(
            "PWM",
            10.0,
            _own("PWM:DEViation", "pwm_deviation", Number(0, 1e6, 10e-6, unit="S"), 10e-6),
            _own("PWM:DEViation:DCYCle", "pwm_share", Number(0, 50, 1), 1.0),
        ),
        *_modulation("SUM", 100.0, _own("SUM:AMPLitude", "sum_amplitude", Number(0, 100, 0.1), 0.1)),
        *_keying("FSK", "FSKey", _own("FSKey:FREQuency", "fsk_frequency", _frequency(100), 100.0)),
        *_keying("BPSK", "BPSK", _own("BPSK:PHASe", "bpsk_phase", phase, 180.0)),
    )


def _refresh(self: Any, channel: int, _: object) -> None:
    self.mode_changed(channel)


def _end(node: str, name: str, default: float) -> Command:
    return setting(
        f"{SOURCE}FREQuency:{node}", name, _frequency(default), default, check=ModulatingGenerator.check_frequency
    )


def _sweeps() -> tuple[Command, ...]:
    times = Number(0, 3600, 0, unit="S")
    span = Number(-30e6, 30e6, 900, unit="HZ")
    return (
        _state("SWE", "SWEep"),
        _own("SWEep:SPACing", "sweep_spacing", Choice("LINear", "LOGarithmic"), "LIN"),
        _own("SWEep:TIME", "sweep_time", Number(1e-3, 250e3, 1, unit="S"), 1.0),
        _own("SWEep:HTIMe", "sweep_hold", times, 0.0),
        _own("SWEep:RTIMe", "sweep_return", times, 0.0),
        _end("STARt", "sweep_start", 100.0),
        _end("STOP", "sweep_stop", 1000.0),
        setting(
            f"{SOURCE}FREQuency:CENTer",
            "",
            _frequency(550),
            None,
            execute=ModulatingGenerator.set_sweep_center,
            read=ModulatingGenerator.sweep_center,
        ),
        setting(
            f"{SOURCE}FREQuency:SPAN",
            "",
            span,
            None,
            execute=ModulatingGenerator.set_sweep_span,
            read=ModulatingGenerator.sweep_span,
        ),
        setting(
            f"{SOURCE}FREQuency:MODE",
            "frequency_mode",
            Choice("CW", "LIST", "SWEep", "FIXed"),
            "CW",
            execute=ModulatingGenerator.set_frequency_mode,
        ),
        Command(
            f"{SOURCE}LIST:FREQuency",
            ModulatingGenerator.set_list,
            lambda self, channel: ",".join(map(self.format_number, self.settings["frequency_list", channel])),
            (_frequency(100),),
            repeats=True,
            name="frequency_list",
            default=(100.0, 1000.0, 550.0),
        ),
        Command(
            f"{SOURCE}LIST:FREQuency:POINts",
            None,
            lambda self, channel: self.format_number(len(self.settings["frequency_list", channel])),
        ),
        _own("LIST:DWELl", "list_dwell", Number(1e-6, 1e6, 1, unit="S"), 1.0),
        _own("MARKer:FREQuency", "marker_frequency", _frequency(500), 500.0),
        *(
            setting(f"{SOURCE}MARKer:{node}", name, number, number.default, after=_refresh)
            for node, name, number in (
                ("CYCLe", "marker_cycle", Number(2, 1e8, 2, integer=True)),
                ("POINt", "marker_point", Number(4, 1e6, 10, integer=True)),
            )
        ),
    )


MODULATION_COMMANDS: tuple[Command, ...] = (*_modulations(), *_sweeps())
