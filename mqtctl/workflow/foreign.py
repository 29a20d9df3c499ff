"""Fits a list of switching currents or times that was measured elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mqtctl.analysis import PointFit, SwitchingData, fit_point, imported_histogram, read_switching_data
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.plausibility import HOTTEST_OVER_BATH
from mqtctl.errors import InputError
from mqtctl.physics.models.names import escape_model
from mqtctl.physics.well.names import WASHBOARD
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["DATABASE_SUFFIXES", "ForeignFacts", "analyze_list", "is_list"]

#: Names of databases, whatever is in them; every other file is a list unless it begins like a database.
DATABASE_SUFFIXES = (".db", ".sqlite", ".sqlite3")
SQLITE = b"SQLite format 3\x00"
# No junction that switches by heat or tunnelling reaches these: the superconductor would not, nor would a bias line
HOTTEST = 100.0  # K
COLDEST = 1e-3  # K
LARGEST_CURRENT = 1.0  # A
COLDEST_OVER_BATH = 0.3
CURRENTS_APART = 0.02  # on the plateau of tunnelling the free critical current is off by 0.001


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
    empty
        "missed" or "survived": what readings that are none (NaN, 0, 9.91E37) stand for.
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
    unit: str | None = None
    empty: str | None = None
    resolution: float | None = None
    resolution_time: float | None = None
    rounding: str = "nearest"
    model: str = "transition-state"
    potential: str = WASHBOARD
    importer: str | None = None
    free: tuple[str, ...] = ()
    fixed: Mapping[str, float] = field(default_factory=dict)


def is_list(data: Path) -> bool:
    """Return whether a path is a list of numbers, rather than a run's folder, a database, or nothing at all."""
    if data.is_dir() or not data.exists() or data.suffix.lower() in DATABASE_SUFFIXES:
        return False
    if not data.is_file():  # a pipe: looking into it would take away what the reader wants
        return True
    try:
        with data.open("rb") as stream:
            return stream.read(len(SQLITE)) != SQLITE
    except OSError as error:
        raise InputError(f"{data} cannot be read: {error.strerror or error}") from error


def analyze_list(data: Path, facts: ForeignFacts) -> dict[str, Any]:
    """Fit one list of switching currents or times; returns the keys of a point of the JSON contract.

    Raises
    ------
    InputError
        A fault in the file, the ramp rate or the capacitance is missing, a fact does not apply to these data, or the
        result cannot be one of a junction.
    """
    if facts.ramp_rate is None or facts.capacitance is None:
        missing = "ramp-rate" if facts.ramp_rate is None else "capacitance"
        raise InputError(f"{data}: a list of switching values needs --{missing} to be fitted")
    _refuse_what_cannot_be(data, facts)
    values = read_switching_data(data, facts.unit, facts.empty, facts.importer)
    if facts.delay and values.quantity == "current":
        raise InputError(f"{data} holds currents: a delay (--delay) applies to times only")
    histogram = imported_histogram(
        values,
        facts.ramp_rate,
        facts.start_current,
        facts.stop_current,
        facts.delay,
        facts.temperature,
        facts.censored,
        _resolution(data, facts, values.quantity),
        facts.rounding,
    )
    currents = histogram.switching_currents
    for name, known in (("critical-current", facts.critical_current), ("fix", facts.fixed.get("critical_current"))):
        if known is not None:
            _refuse_low_critical_current(known, currents, name)
    guess = facts.critical_current or 1.02 * float(currents.max())
    junction = JunctionEstimate(guess, facts.capacitance, facts.resistance, potential=facts.potential)
    junction_of(junction)  # a potential that does not exist is no flag of the fit
    point = fit_point(
        histogram,
        junction,
        facts.critical_current,
        facts.critical_current_stderr,
        escape_model(facts.model),
        facts.free,
        facts.fixed,
    )
    _refuse_impossible(point)
    flags = (*_counted(values, histogram, facts), *_doubtful(point, facts.temperature))
    result = {
        **point.to_dict(),
        "missed": values.missed,
        "model": facts.model,
        "potential": facts.potential,
        "data": str(data),
    }
    return {**result, "flags": [*flags, *result["flags"]]}


def _refuse_what_cannot_be(data: Path, facts: ForeignFacts) -> None:
    positive = (
        ("ramp-rate", facts.ramp_rate, "A/s"),
        ("capacitance", facts.capacitance, "F"),
        ("resistance", facts.resistance, "Ohm"),
        ("critical-current", facts.critical_current, "A"),
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
    if facts.critical_current_stderr is not None and facts.critical_current is None:
        raise InputError(f"{data}: --critical-current-stderr needs --critical-current")


def _resolution(data: Path, facts: ForeignFacts, quantity: str) -> float | None:
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


def _refuse_low_critical_current(critical_current: float, currents: np.ndarray, option: str) -> None:
    above = int(np.count_nonzero(currents >= critical_current))
    if 2 * above > currents.size or currents.size - above < 10:
        raise InputError(
            f"the critical current {readable(critical_current, 'A')} (--{option}) lies below {above} of"
            f" {currents.size} switches ({readable(float(currents.min()), 'A')} to"
            f" {readable(float(currents.max()), 'A')}): a junction switches below its critical current"
        )


def _refuse_impossible(point: PointFit) -> None:
    """Refuse what no junction can have: a unit or a rate is wrong by powers of ten."""
    found = [
        ("an escape temperature", fit.escape_temperature, HOTTEST, "K")
        for fit in (point.alone, point.shared)
        if fit is not None and fit.converged
    ]
    if point.alone is not None and point.alone.converged:
        found.append(("a critical current", point.alone.critical_current, LARGEST_CURRENT, "A"))
    if point.moments is not None:
        found.append(("a mean switching current", point.moments.mean, LARGEST_CURRENT, "A"))
    for what, value, limit, unit in found:
        if value > limit:
            raise InputError(
                f"{what} of {value:.3g} {unit} comes out, above {limit:g} {unit}, which no junction has: check the unit"
                " of the values (--unit), --ramp-rate and --capacitance"
            )


def _counted(values: SwitchingData, histogram: Histogram, facts: ForeignFacts) -> list[str]:
    """Say which entries of the file did not count as switches."""
    flags = []
    if values.missed:
        flags.append(
            f"{values.missed} entries of the file are no readings and were left out as missed (--empty missed)"
        )
    if values.censored:
        flags.append(f"{values.censored} entries of the file are no readings and count as ramps that did not switch")
    at_top = histogram.censored - values.censored - facts.censored
    if at_top:
        flags.append(f"{at_top} values equal the stop current and count as ramps that did not switch")
    return flags


def _doubtful(point: PointFit, bath: float) -> list[str]:
    """Say where an escape temperature is hardly that of a junction at this bath temperature (K, nan if not given)."""
    flags = []
    for name, fit in (("free", point.alone), ("with the given critical current", point.shared)):
        if fit is None or not fit.converged or not math.isfinite(fit.escape_temperature_stderr):
            continue
        found = fit.escape_temperature
        shown = f"the escape temperature ({name}) of {readable(found, 'K')}"
        if found + 5.0 * fit.escape_temperature_stderr < COLDEST:
            flags.append(f"{shown} is colder than any cryostat: a unit or the ramp rate is probably wrong")
        elif name != "free" and found > HOTTEST_OVER_BATH * bath:
            flags.append(f"{shown} is {found / bath:.3g} times the bath temperature: a unit is probably wrong")
        elif found + 5.0 * fit.escape_temperature_stderr < COLDEST_OVER_BATH * bath:
            flags.append(f"{shown} is far below the bath temperature {readable(bath, 'K')}, which no junction can be")
    if point.shared is not None and point.alone is not None and point.alone.converged:
        given, own = point.shared.critical_current, point.alone
        away = abs(given - own.critical_current)
        if away > max(CURRENTS_APART * own.critical_current, 10.0 * own.critical_current_stderr):
            flags.append(
                f"the given critical current {readable(given, 'A')} is not that of these switches, which by themselves"
                f" have {readable(own.critical_current, 'A')}"
            )
    return flags
