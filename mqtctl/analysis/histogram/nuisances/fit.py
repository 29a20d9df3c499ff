"""Fit of one histogram with the parameters that somebody named, each with its profile interval.

What the data do not determine is said to be not identifiable: where ln L, all other parameters at their best, stays
within 1.92 of its maximum over a factor of 100, there is no number to tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.fitted_parameter import FittedParameter
from mqtctl.analysis.histogram.goodness import compared
from mqtctl.analysis.histogram.nuisances.parameters import ADDED, UNITS, NamedSpace
from mqtctl.analysis.histogram.nuisances.recorded_law import RecordedHistogram, RecordedLaw, record
from mqtctl.analysis.histogram.profile import ONE_SIGMA, TWO_SIDED_95, UPPER_95, TemperatureInterval, parabolic_interval
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram, reduce_histogram
from mqtctl.analysis.histogram.results import (
    EscapeTemperatureFit,
    GoodnessOfFit,
    HistogramFit,
    Moments,
)
from mqtctl.analysis.histogram.scoring import Maximum
from mqtctl.analysis.histogram.starting_values import starting_values
from mqtctl.errors import InputError
from mqtctl.physics import EscapeModel
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = [
    "NamedFit",
    "check_named",
    "fit_named",
    "fit_named_reduced",
    "fit_space",
    "named_space",
    "with_known_current",
]

OPEN = math.log(100.0)  # a parameter that may be so much larger and smaller is not determined
MOST_CLIMBS, NEAR = 25, 0.01  # for an end, and how near the root of the fall must be: 1.4 % of a standard error
ROUGH = 1e-3  # gain in ln L that a profile may leave: 1e-3 standard errors of an interval
PARABOLIC = 0.015  # errors of logarithms up to which an interval is that of the parabola, to 1 % of its length
MOST_FALSE = 0.9
MOST = 100.0  # a fall of ln L, from which nobody wants to know how deep it is
SUSPICIOUS_PVALUE = 1e-3


@dataclass(frozen=True)
class NamedFit:
    """Parameters of a histogram that are free or were given, and the fit as results have it."""

    parameters: tuple[FittedParameter, ...]
    fit: HistogramFit

    def __getitem__(self, name: str) -> FittedParameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)


def check_named(free: Sequence[str], fixed: Mapping[str, float]) -> None:
    """Refuse what no fit can do.

    Raises
    ------
    InputError
        If a parameter is both free and fixed, or a fixed value cannot be.
    """
    for name, value in fixed.items():
        if name in free:
            raise InputError(f"{name.replace('_', ' ')} cannot be both free and fixed")
        possible = 0.0 <= value < math.inf if name in ADDED else 0.0 < value < math.inf
        if not possible or (name == "false_triggers" and value >= MOST_FALSE):
            raise InputError(f"{name.replace('_', ' ')} cannot be fixed at {value:g} {UNITS[name]}".rstrip())


def named_space(
    histogram: Histogram,
    reduced: ReducedHistogram,
    estimate: JunctionEstimate,
    model: EscapeModel,
    free: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
    step_taken: float = 0.0,
) -> NamedSpace:
    """Return what a fit with these parameters moves in; critical current and temperature are free unless fixed.

    `step_taken` is the step in A of rounded values from which shifts of their own were taken out (`in_time`).

    Raises
    ------
    InputError
        If a parameter is both free and fixed, or a fixed value cannot be.
    """
    check_named(free, fixed or {})
    given = dict(fixed or {})
    for name in ADDED:
        if name not in free:
            given.setdefault(name, 0.0)
    for name in ("capacitance", "resistance"):
        if name not in free:
            given.setdefault(name, getattr(estimate, name))
    recorded = record(
        np.asarray(histogram.switching_currents, dtype=np.float64).ravel(),
        reduced,
        min(histogram.ramp.start_current, float(np.min(histogram.switching_currents))),
        histogram.ramp.stop_current,
        step_taken,
    )
    current = given.get("critical_current")
    if current is not None and current <= recorded.centre:
        raise InputError(
            f"critical_current cannot be fixed at {readable(current, 'A')}: half of the switches lie above it"
        )
    names = tuple(name for name in UNITS if name not in given)
    return NamedSpace(recorded, estimate, model, starting_values(reduced, estimate), given, names)


def fit_named(
    histogram: Histogram,
    estimate: JunctionEstimate,
    model: EscapeModel,
    free: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
) -> NamedFit:
    """Fit one histogram with named parameters free or fixed.

    Parameters
    ----------
    histogram
        At least 10 switches.
    estimate
        Capacitance and resistance are used where they are neither free nor fixed.
    model
        Escape model that gives the temperature its meaning.
    free, fixed
        Names (see `nuisances.parameters.UNITS`), and values in SI units.

    Raises
    ------
    InputError
        If the histogram cannot be fitted, or a name or value does not fit.
    """
    reduced = reduce_histogram(histogram, with_intervals=False)
    return fit_named_reduced(histogram, reduced, estimate, model, free, fixed)


def fit_named_reduced(
    histogram: Histogram,
    reduced: ReducedHistogram,
    estimate: JunctionEstimate,
    model: EscapeModel,
    free: Sequence[str] = (),
    fixed: Mapping[str, float] | None = None,
) -> NamedFit:
    """Do the same for a histogram that is reduced already."""
    return fit_space(named_space(histogram, reduced, estimate, model, free, fixed), tuple(fixed or {}))


def largest_distance(recorded: RecordedHistogram, law: RecordedLaw) -> tuple[float, NDArray[np.float64] | None]:
    """Return Kolmogorov's distance between switches and law, and the law at the ends of intervals if rounded."""
    currents, at_or_below, below = recorded.reduced.steps
    expected, number = recorded.distribution(law, currents), recorded.reduced.switches
    distance = float(max((at_or_below / number - expected).max(), (expected - below / number).max()))
    return distance, None if recorded.reduced.rounding is None else expected


def fit_space(
    space: NamedSpace,
    given: tuple[str, ...],
    distance: Callable[[RecordedHistogram, RecordedLaw], tuple[float, NDArray[np.float64] | None]] = largest_distance,
) -> NamedFit:
    """Do the same in a space that is made already; `given` are the names of parameters that somebody fixed."""
    found = space.climb()
    information = space.slope(found.parameters)[1] if space.free else np.zeros((0, 0))
    absent = space.absent(found.parameters)
    parameters = tuple(
        _fitted(space, found, information, name, absent)
        if name in space.free
        else FittedParameter(name, UNITS[name], space.fixed[name], fixed=True)
        for name in UNITS
        if name in space.free or name in given
    )
    largest, at_edges = distance(space.recorded, space.law(found.parameters))
    fitted = min(max(len(space.free), 1), 2)
    goodness = compared(largest, space.recorded.reduced.switches, fitted, at_edges)
    return NamedFit(parameters, _as_histogram_fit(space, found, parameters, goodness))


def with_known_current(
    fit: HistogramFit, found: Moments | None, critical_current: float, critical_current_stderr: float | None
) -> EscapeTemperatureFit:
    """Return a fit with this critical current (A) fixed as that of the escape temperature, with the error of both."""
    distance = critical_current - (found.mean if found is not None else math.nan)
    slope = 1.5 * fit.escape_temperature / distance  # of the thermal law, as close as an error needs
    by_current = slope * (critical_current_stderr or 0.0)
    total = math.hypot(fit.escape_temperature_stderr, by_current)
    interval = fit.escape_temperature_interval
    return EscapeTemperatureFit(
        escape_temperature=fit.escape_temperature,
        escape_temperature_stderr=total,
        statistical_stderr=fit.escape_temperature_stderr,
        critical_current_slope=slope,
        critical_current=critical_current,
        critical_current_stderr=critical_current_stderr,
        log_likelihood=fit.log_likelihood,
        model=fit.model,
        goodness=fit.goodness,
        converged=fit.converged,
        flags=fit.flags,
        interval=parabolic_interval(fit.escape_temperature, total) if by_current else interval,
    )


def _stderr(space: NamedSpace, found: Maximum, information: NDArray[np.float64], name: str, known: set[str]) -> float:
    """Return the standard error of ln(value) with some parameters known; inf if there is none."""
    diagonal = np.diag(information)
    seen = diagonal > 1e-12 * diagonal.max(initial=0.0)  # what has no influence takes no precision away
    kept = [k for k, other in enumerate(space.free) if other not in known and seen[k]]
    derivative = space.derivative(found.parameters, name)[kept]
    inner = information[np.ix_(kept, kept)]
    scale = np.sqrt(np.maximum(np.diag(inner), 1e-300))
    try:
        solved = np.linalg.solve(inner / np.outer(scale, scale), derivative / scale)
    except np.linalg.LinAlgError:
        return math.inf
    square = float(derivative / scale @ solved)
    return math.sqrt(square) if 0.0 < square < 1e12 else math.inf


def _fitted(
    space: NamedSpace, found: Maximum, information: NDArray[np.float64], name: str, absent: set[str]
) -> FittedParameter:
    value = space.values(found.parameters)[name]
    own = _stderr(space, found, information, name, absent - {name})
    small = name in absent
    begin = value
    if small:
        begin = 0.05 * space.recorded.scale if UNITS[name] == "A" else 0.1 / space.recorded.reduced.switches
    step = min(max(own if math.isfinite(own) and not small else 0.3, 1e-6), 0.5 * OPEN)
    above, below = (_Profile(space, found, name, begin, sign * step) for sign in (1.0, -1.0))
    amounts = (ONE_SIGMA, TWO_SIDED_95)
    if _is_parabola(space, information):
        high, low = ([value * math.exp(sign * own * math.sqrt(2.0 * a)) for a in amounts] for sign in (1.0, -1.0))
    else:
        high = [above.end(amount) for amount in amounts]
        low = [0.0 if small else below.end(amount) for amount in amounts]
    interval_68, interval_95 = (low[0], high[0]), (low[1], high[1])
    open_below, open_above = low[1] == 0.0, math.isinf(high[1])
    nuisance = name in ADDED
    determined = not open_above and (nuisance or not open_below)
    limit = above.end(UPPER_95) if open_below and not open_above else None
    price = None
    if name not in ("critical_current", "temperature") and "temperature" in space.free:
        with_it = _stderr(space, found, information, "temperature", absent - {name})
        without = _stderr(space, found, information, "temperature", absent | {name})
        price = with_it / without if math.isfinite(with_it) and without > 0.0 else math.inf
    return FittedParameter(
        name,
        UNITS[name],
        (0.0 if small else value) if determined else None,
        0.5 * (high[0] - low[0]) if determined else None,
        interval_68,
        interval_95,
        limit,
        identifiable=not (open_above and (open_below or nuisance)),
        price=price,
    )


def _is_parabola(space: NamedSpace, information: NDArray[np.float64]) -> bool:
    """Return whether ln L is a parabola in the logarithms as far as anybody looks: all errors are small."""
    if space.recorded.reduced.censored or not np.isfinite(information).all() or np.diag(information).min() <= 0.0:
        return False
    scale = np.sqrt(np.diag(information))
    correlated = information / np.outer(scale, scale)
    if np.linalg.eigvalsh(correlated)[0] < 1e-9:
        return False
    return bool((np.sqrt(np.diag(np.linalg.inv(correlated))) / scale).max() < PARABOLIC)


class _Profile:
    """ln L of one parameter on one side of its best value, all others at their best for it.

    The root of its fall is nearly linear, so that its ends take two or three climbs each.
    """

    def __init__(self, space: NamedSpace, found: Maximum, name: str, begin: float, step: float) -> None:
        self.space, self.name, self.best = space, name, found.value
        self.near = space.values(found.parameters)
        self.begin, self.step = math.log(begin), step
        self.known = {0.0: 0.0}  # distance in logarithms -> root of the fall

    def fall(self, value: float) -> float:
        """Return how much less ln L is than at its largest."""
        space = self.space.fixing(self.name, value)
        begin = {**self.near, self.name: value}
        if self.name == "temperature" and "critical_current" in space.free:  # along the valley of the two
            centre = space.recorded.centre
            stretch = (value / self.near["temperature"]) ** (2.0 / 3.0)
            begin["critical_current"] = centre + stretch * (self.near["critical_current"] - centre)
        found = space.climb(begin, ROUGH)
        if found.converged:
            self.near = space.values(found.parameters)
        return min(max(self.best - found.value, 0.0), MOST)

    def end(self, amount: float) -> float:
        """Return where ln L has fallen by `amount`; inf or 0 if it never does."""
        target, sign = math.sqrt(amount), math.copysign(1.0, self.step)
        far = self.step * math.sqrt(2.0 * amount)
        for _ in range(MOST_CLIMBS):
            inside = [away for away, root in self.known.items() if root <= target]
            outside = [away for away, root in self.known.items() if root > target]
            near = max(inside, key=abs)
            if not outside:
                if abs(near) >= OPEN:
                    return math.inf if sign > 0.0 else 0.0
                far = sign * min(max(abs(far), 1.5 * abs(near)), OPEN)
            else:
                beyond = min(outside, key=abs)
                share = (target - self.known[near]) / (self.known[beyond] - self.known[near])
                far = near + min(max(share, 0.05), 0.95) * (beyond - near)
            self.known[far] = math.sqrt(self.fall(math.exp(self.begin + far)))
            if abs(self.known[far] - target) < NEAR:
                break
        return math.exp(self.begin + far)


def _as_histogram_fit(
    space: NamedSpace, found: Maximum, parameters: tuple[FittedParameter, ...], goodness: GoodnessOfFit
) -> HistogramFit:
    reduced = space.recorded.reduced
    named = {parameter.name: parameter for parameter in parameters}
    flags = _flags(space, found, named, goodness)
    temperature, current = (
        named.get(name, FittedParameter(name, UNITS[name], space.fixed.get(name), fixed=True))
        for name in ("temperature", "critical_current")
    )
    interval = None
    if temperature.interval_68 is not None and temperature.interval_95 is not None:
        limit = math.inf if temperature.upper_95 is None else temperature.upper_95
        interval = TemperatureInterval(*temperature.interval_68, limit, *temperature.interval_95)
    return HistogramFit(
        critical_current=math.nan if current.value is None else current.value,
        critical_current_stderr=0.0 if current.fixed else current.stderr or math.inf,
        escape_temperature=math.nan if temperature.value is None else temperature.value,
        escape_temperature_stderr=0.0 if temperature.fixed else temperature.stderr or math.inf,
        correlation=math.nan,
        log_likelihood=found.value,
        model=type(space.model).__name__,
        switches=reduced.switches,
        censored=reduced.censored,
        censored_as_missed=False,
        goodness=goodness,
        converged=found.converged,
        evaluations=found.steps,
        flags=tuple(flags),
        escape_temperature_limit=temperature.upper_95,
        escape_temperature_interval=interval,
    )


def _flags(
    space: NamedSpace, found: Maximum, named: Mapping[str, FittedParameter], goodness: GoodnessOfFit
) -> list[str]:
    flags = []
    if not found.converged:
        flags.append("the likelihood has no maximum that could be found: do not use these numbers")
    for name in space.free:
        parameter = named[name]
        words = parameter.words
        if not parameter.identifiable:
            flags.append(f"the {words} is not identifiable: these data leave it open by a factor of 100 either way")
        elif parameter.value is None:
            low, high = parameter.interval_95 or (0.0, math.inf)
            side = f"above {readable(low, parameter.unit)}" if math.isinf(high) else f"below {_shown(parameter)}"
            flags.append(f"the data set only one bound for the {words}: it is {side} (95 %)")
        elif parameter.upper_95 is not None:
            flags.append(f"the data show no {words}: below {_shown(parameter)} (95 %)")
        if parameter.price is not None and parameter.price > 1.005:
            flags.append(
                f"with the {words} free the standard error of the temperature is {parameter.price:.3g} times as large"
                " as with it known"
            )
    if goodness.pvalue < SUSPICIOUS_PVALUE:
        flags.append(f"the switches do not follow the fitted law (Kolmogorov-Smirnov p = {goodness.pvalue:.1g})")
    if space.recorded.reduced.switches < 100:
        flags.append(f"with {space.recorded.reduced.switches} switches the standard errors are rough")
    return flags


def _shown(parameter: FittedParameter) -> str:
    limit = parameter.upper_95 or 0.0
    return readable(limit, parameter.unit) if parameter.unit else f"{limit:.2g}"
