"""What files of somebody else do not say by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mqtctl.analysis.importers import ReadOptions
from mqtctl.errors import InputError
from mqtctl.physics.well.names import WASHBOARD
from mqtctl.plan.known import with_known
from mqtctl.records import JunctionEstimate, KnownFact

__all__ = ["ForeignFacts", "refuse_what_cannot_be", "resolution_of"]


@dataclass(frozen=True)
class ForeignFacts:
    """What a list of numbers does not say by itself; SI units.

    Attributes
    ----------
    ramp_rate, start_current, stop_current, delay
        The ramp: A/s, A, A (needed only if some ramps did not switch) and s (for times).
    censored
        Ramps without a switch.
    capacitance, resistance
        Of the junction, in F and Ohm; every fit needs them.
    critical_current, critical_current_stderr
        In A, if known from elsewhere.
    temperature
        Bath in K, if known.
    read
        Columns, units, signs and the like: how the file is to be read.
    resolution, resolution_time
        Step to which the values were rounded, in A, or in s for times; 0: exact, None: looked for in the values.
    rounding
        "nearest", "up" or "down".
    model
        Escape model that gives the escape temperature its meaning.
    potential
        Of the junction, as a name.
    importer
        `package.module:function` that reads the file, None: chosen by the file's suffix.
    known
        What other measurements say of the junction, with errors.
    drift, known_drift, mains
        What is fitted of the order of the switches, or known: see `mqtctl.analysis.histogram.nuisances.in_time.InTime`.
    period
        Time in s from one ramp's start to the next's.
    free, fixed
        Names of parameters that are fitted besides critical current and temperature, and values of some that are not.
    """

    ramp_rate: float | None = None
    capacitance: float | None = None
    resistance: float = math.inf
    start_current: float = 0.0
    stop_current: float | None = None
    delay: float = 0.0
    censored: int = 0
    critical_current: float | None = None
    critical_current_stderr: float | None = None
    temperature: float = math.nan
    read: ReadOptions = field(default_factory=ReadOptions)
    resolution: float | None = None
    resolution_time: float | None = None
    rounding: str = "nearest"
    model: str = "transition-state"
    potential: str = WASHBOARD
    importer: str | None = None
    known: tuple[KnownFact, ...] = ()
    drift: str = ""
    known_drift: float = 0.0
    mains: float | None = None
    period: float | None = None
    free: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)

    def junction(self, critical_current: float) -> JunctionEstimate:
        """Return the junction as fits take it, with a critical current in A where they start; raises `InputError`."""
        stated = JunctionEstimate(
            critical_current, self.capacitance or math.nan, self.resistance, potential=self.potential
        )
        return with_known(stated, self.known)


def refuse_what_cannot_be(data: Path, facts: ForeignFacts) -> None:
    """Refuse facts that no junction and no ramp can have; raises `InputError`."""
    positive = (
        ("ramp-rate", facts.ramp_rate, "A/s"),
        ("capacitance", facts.capacitance, "F"),
        ("resistance", facts.resistance, "Ohm"),
        ("critical-current", facts.critical_current, "A"),
        ("bias-resistance", facts.read.bias_resistance, "Ohm"),
        ("mains", facts.mains, "Hz"),
        ("period", facts.period, "s"),
    )
    for name, value, unit in positive:
        if value is not None and not value > 0.0:
            raise InputError(f"{data}: --{name} is {value:g} {unit}; it must be positive")
    at_least_zero = (
        ("temperature", facts.temperature, "K"),
        ("critical-current-stderr", facts.critical_current_stderr, "A"),
        ("resolution", facts.resolution, "A"),
        ("resolution", facts.resolution_time, "s"),
    )
    for name, value, unit in at_least_zero:
        if value is not None and value < 0.0:
            raise InputError(f"{data}: --{name} is {value:g} {unit}; it cannot be negative")
    for name, given in (("capacitance", facts.capacitance), ("resistance", facts.resistance)):
        if given is not None and math.isfinite(given) and any(fact.name == name for fact in facts.known):
            raise InputError(f"{data}: --{name} and --known both state it; leave --{name} out")
    if any(fact.name == "quality_factor" for fact in facts.known) and not _damped(facts):
        raise InputError(f"{data}: --known quality_factor needs --resistance, from which its fit starts")
    if facts.critical_current_stderr is not None and facts.critical_current is None:
        raise InputError(f"{data}: --critical-current-stderr needs --critical-current")


def _damped(facts: ForeignFacts) -> bool:
    return math.isfinite(facts.resistance) or any(fact.name == "resistance" for fact in facts.known)


def resolution_of(data: Path, facts: ForeignFacts, quantity: str) -> float | None:
    """Return the step of the currents in A."""
    given, other = (
        (facts.resolution, facts.resolution_time)
        if quantity == "current"
        else (facts.resolution_time, facts.resolution)
    )
    if other:
        unit = "A" if quantity == "current" else "s"
        raise InputError(f"{data} holds {quantity}s: give --resolution in the same quantity, in {unit}")
    if other is not None:
        given = 0.0
    return given if given is None or quantity == "current" else given * (facts.ramp_rate or 0.0)
