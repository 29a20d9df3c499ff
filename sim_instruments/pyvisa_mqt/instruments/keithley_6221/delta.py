"""Delta mode, pulse delta and differential conductance of the 6221, without the nanovoltmeter they need.

All settings are there; arming is refused, because the Model 2182A answers nothing on the serial
port, and there are no readings. Unconfirmed (U): the error numbers, and defaults that no client shows.
"""

from __future__ import annotations

from typing import Any

from pyvisa_mqt.grammar.ieee488 import ScpiError
from pyvisa_mqt.grammar.parameters import Boolean, Choice, Number
from pyvisa_mqt.grammar.scpi import Command, setting

__all__ = ["DELTA_COMMANDS", "no_readings"]

_COUNT = Number(1, 65536, 1, integer=True, infinite=True)
_ANY = Number(-0.105, 0.105, 0.0, unit="A")


def _without_voltmeter(instrument: object) -> None:
    raise ScpiError(-241)


def no_readings(instrument: object) -> None:
    """Answer a question for readings, of which there are none."""
    raise ScpiError(-230)


def _set_delta_high(instrument: Any, current: float) -> None:
    """Set the high current in A; the low one becomes its negative."""
    instrument.settings.update(delta_high=current, delta_low=-current)


def _mode(node: str, name: str) -> tuple[Command, ...]:
    """Return what all modes with a nanovoltmeter have."""
    return (
        Command(f"{node}:NVPResent", None, lambda instrument: "0"),
        Command(f"{node}:ARM", _without_voltmeter, lambda instrument: "0"),
        setting(f"{node}:CABort", f"{name}_compliance_abort", Boolean(), False),
    )


def _currents(node: str, name: str, high: float, low: float, execute: Any = None) -> tuple[Command, ...]:
    return (
        setting(f"{node}:HIGH", f"{name}_high", Number(0, 0.105, high, unit="A"), high, execute=execute),
        setting(f"{node}:LOW", f"{name}_low", Number(-0.105, 0, low, unit="A"), low),
        setting(f"{node}:COUNt", f"{name}_count", _COUNT, 1),
    )


def _delta() -> tuple[Command, ...]:
    node = "[SOURce]:DELTa"
    return (
        *_mode(node, "delta"),
        *_currents(node, "delta", 1e-5, -1e-5, _set_delta_high),
        setting(f"{node}:DELay", "delta_delay", Number(0, 9999.999, 2e-3, unit="S", infinite=True), 2e-3),
        setting(f"{node}:CSWitch", "delta_cold_switch", Boolean(), False),
    )


def _pulse_delta() -> tuple[Command, ...]:
    node = "[SOURce]:PDELta"
    return (
        *_mode(node, "pulse"),
        *_currents(node, "pulse", 1e-3, 0.0),
        setting(f"{node}:WIDTh", "pulse_width", Number(50e-6, 12e-3, 110e-6, unit="S"), 110e-6),
        setting(f"{node}:SDELay", "pulse_source_delay", Number(16e-6, 11.966e-3, 16e-6, unit="S"), 16e-6),
        setting(f"{node}:RANGing", "pulse_ranging", Choice("BEST", "FIXed"), "BEST"),
        setting(f"{node}:INTerval", "pulse_interval", Number(5, 999999, 5, integer=True), 5),
        setting(f"{node}:SWEep[:STATe]", "pulse_sweep", Boolean(), False),
        setting(f"{node}:LMEasure", "pulse_low_measurements", Number(1, 2, 2, integer=True), 2),
    )


def _conductance() -> tuple[Command, ...]:
    node = "[SOURce]:DCONductance"
    return (
        *_mode(node, "conductance"),
        Command(f"{node}:NVZero", _without_voltmeter, lambda self: self.format_number(0.0)),
        setting(f"{node}:STARt", "conductance_start", _ANY, -1e-5),
        setting(f"{node}:STEP", "conductance_step", Number(0, 0.105, 1e-6, unit="A"), 1e-6),
        setting(f"{node}:STOP", "conductance_stop", _ANY, 1e-5),
        setting(f"{node}:DELTa", "conductance_delta", Number(0, 0.105, 1e-6, unit="A"), 1e-6),
        setting(f"{node}:DELay", "conductance_delay", Number(1e-3, 9999.999, 2e-3, unit="S"), 2e-3),
    )


DELTA_COMMANDS: tuple[Command, ...] = (*_delta(), *_pulse_delta(), *_conductance())
