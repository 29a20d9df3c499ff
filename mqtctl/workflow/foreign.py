"""Fits a list of switching currents or times that was measured elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mqtctl.analysis import fit_point, imported_histogram, read_switching_data
from mqtctl.errors import InputError
from mqtctl.physics.by_name import escape_model
from mqtctl.records import JunctionEstimate

__all__ = ["LIST_SUFFIXES", "ForeignFacts", "analyze_list"]

#: File names that end so hold lists; anything else is taken for a run or a database.
LIST_SUFFIXES = (".csv", ".dat", ".npy", ".txt")


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
    unit
        Of the numbers, where the file does not say it.
    model
        Escape model that gives the escape temperature its meaning.
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
    unit: str | None = None
    model: str = "transition-state"


def analyze_list(data: Path, facts: ForeignFacts) -> dict[str, Any]:
    """Fit one list of switching currents or times; returns the keys of a point of the JSON contract.

    Raises
    ------
    InputError
        A fault in the file, or the ramp rate or the capacitance is missing.
    """
    if facts.ramp_rate is None or facts.capacitance is None:
        missing = "ramp-rate" if facts.ramp_rate is None else "capacitance"
        raise InputError(f"{data}: a list of switching values needs --{missing} to be fitted")
    histogram = imported_histogram(
        read_switching_data(data, facts.unit),
        facts.ramp_rate,
        facts.start_current,
        facts.stop_current,
        facts.delay,
        facts.temperature,
        facts.censored,
    )
    guess = facts.critical_current or 1.02 * float(histogram.switching_currents.max())
    junction = JunctionEstimate(critical_current=guess, capacitance=facts.capacitance, resistance=facts.resistance)
    point = fit_point(
        histogram, junction, facts.critical_current, facts.critical_current_stderr, escape_model(facts.model)
    )
    return {**point.to_dict(), "model": facts.model, "data": str(data)}
