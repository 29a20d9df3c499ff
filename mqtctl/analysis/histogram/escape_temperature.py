"""Escape temperature of one histogram for a critical current that is known from elsewhere.

This is the escape temperature of the papers: the temperature at which Γ = (ω_p/2π) exp(-ΔU/k_B T_esc), a_t = 1,
reproduces the level of the measured rate. It is a definition, meant to be applied to tunnelling too, where that law
does not hold; therefore its statistical error is the sandwich (White, Econometrica 50, 1 (1982), Eq. 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann

from mqtctl.analysis.histogram.censoring import missed_flag
from mqtctl.analysis.histogram.goodness import goodness_of_fit
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.likelihood import log_likelihood, observed_information, scores, slope
from mqtctl.analysis.histogram.profile import (
    TemperatureInterval,
    parabolic_interval,
    temperature_interval,
    zero_in_reach,
)
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram, reduce_histogram
from mqtctl.analysis.histogram.results import EscapeTemperatureFit
from mqtctl.analysis.histogram.scoring import maximise
from mqtctl.errors import InputError
from mqtctl.physics import EscapeModel, Junction, TransitionState
from mqtctl.records import Histogram, JunctionEstimate

__all__ = [
    "A_T_ONE",
    "KnownJunctionRates",
    "climb_temperature",
    "fit_below",
    "fit_escape_temperature",
    "fit_reduced_temperature",
    "thermal_start",
]

A_T_ONE = TransitionState()
FLOOR = 1e-3  # what stands for T -> 0, as a fraction of the fitted temperature


class KnownJunctionRates:
    """Rates on a histogram's nodes near a known junction, as a function of three parameters, or four.

    They are ln(C/C0), (Ic - Ic0)/(Ic0 - mean switching current), ln(T/T0) and ln(R/R0): the third is what is fitted,
    the others are there for derivatives.
    """

    def __init__(self, reduced: ReducedHistogram, junction: Junction, model: EscapeModel, temperature: float) -> None:
        self.reduced, self.junction, self.model, self.temperature = reduced, junction, model, temperature
        self.distance = junction.critical_current - reduced.centre

    def __call__(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ln Γ on the nodes, shape (n_node,)."""
        capacitance, critical_current, temperature, *resistance = (float(value) for value in parameters)
        junction = replace(
            self.junction,
            critical_current=self.junction.critical_current + critical_current * self.distance,
            capacitance=self.junction.capacitance * math.exp(capacitance),
            resistance=self.junction.resistance * math.exp(math.fsum(resistance)),
        )
        return self.at(junction, self.temperature * math.exp(temperature))

    def at(self, junction: Junction, temperature: float) -> NDArray[np.float64]:
        """Return ln Γ on the nodes for a junction and a temperature in K."""
        return np.asarray(self.model.log_rate(junction, self.reduced.currents, temperature))


@dataclass(frozen=True)
class TemperatureMaximum:
    """Temperature in K of largest likelihood, ln L there, and whether it was found."""

    temperature: float
    value: float
    converged: bool


def climb_temperature(
    reduced: ReducedHistogram, junction: Junction, model: EscapeModel, start: float
) -> TemperatureMaximum:
    """Return the temperature of largest likelihood for a known junction, from a start in K."""
    rates = KnownJunctionRates(reduced, junction, model, start)

    def log_rate(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        return rates.at(junction, start * math.exp(float(parameters[0])))

    def gradient_and_information(
        parameters: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        first = slope(reduced, log_rate, parameters)
        return first.gradient, first.information

    found = maximise(lambda p: log_likelihood(reduced, log_rate(p)), gradient_and_information, np.zeros(1))
    return TemperatureMaximum(start * math.exp(float(found.parameters[0])), found.value, found.converged)


def fit_escape_temperature(
    histogram: Histogram,
    junction: JunctionEstimate,
    critical_current: float,
    critical_current_stderr: float | None = None,
    model: EscapeModel = A_T_ONE,
) -> EscapeTemperatureFit:
    """Fit the escape temperature of one histogram, its critical current being known.

    Parameters
    ----------
    histogram
        At least 10 switches below the critical current; those above it count as survivors, with a flag.
    junction
        Capacitance and resistance are used.
    critical_current, critical_current_stderr
        In A; the standard error (None: not stated) enters that of the temperature.
    model
        Default transition-state theory with a_t = 1, which is what "escape temperature" means.

    Raises
    ------
    InputError
        If the critical current is not positive or too few switches lie below it.
    """
    if not (math.isfinite(critical_current) and critical_current > 0.0):
        raise InputError(f"critical current {critical_current!r} A cannot be used: give a positive current")
    known = junction_of(junction, critical_current)
    return fit_below(histogram, known, critical_current_stderr, model)[0]


def fit_below(
    histogram: Histogram,
    junction: Junction,
    critical_current_stderr: float | None = None,
    model: EscapeModel = A_T_ONE,
) -> tuple[EscapeTemperatureFit, ReducedHistogram]:
    """Fit the switches below the junction's critical current; return the reduced histogram as well."""
    reduced = reduce_histogram(histogram, ceiling=junction.critical_current)
    found = fit_reduced_temperature(reduced, junction, critical_current_stderr, model)
    above = int(np.size(histogram.switching_currents)) - reduced.switches
    if above:
        flag = f"{above} switches lie at or above the critical current and count as survivors to it"
        found = replace(found, flags=(*found.flags, flag))
    return found, reduced


def fit_reduced_temperature(
    reduced: ReducedHistogram,
    junction: Junction,
    critical_current_stderr: float | None = None,
    model: EscapeModel = A_T_ONE,
) -> EscapeTemperatureFit:
    """Do the same for a histogram that was reduced with the critical current as its ceiling."""
    found = climb_temperature(reduced, junction, model, thermal_start(reduced, junction))
    rates = KnownJunctionRates(reduced, junction, model, found.temperature)
    centre = np.zeros(3)
    information = observed_information(reduced, rates, centre)
    curvature, cross = float(information[2, 2]), float(information[2, 1])
    first = slope(reduced, rates, centre)
    event, censored = scores(reduced, first)
    meat = float(reduced.score_weight @ event[2] ** 2) + reduced.censored * float(censored[2]) ** 2
    flags = []
    if curvature <= 0.0 or curvature**2 <= meat:
        flags.append("the data leave the temperature open: the rate hardly depends on it")
        statistical, slope_by_current = math.inf, 0.0
    else:
        statistical = found.temperature * math.sqrt(meat) / curvature
        slope_by_current = -found.temperature * cross / (curvature * rates.distance)
    goodness = goodness_of_fit(reduced, np.exp(rates(centre)), fitted_parameters=1)
    if not found.converged:
        flags.append("the likelihood has no maximum that could be found: do not use this temperature")
    floor, interval = FLOOR * found.temperature, None
    if zero_in_reach(log_likelihood(reduced, rates.at(junction, floor)), found.value, reduced.switches):
        interval = temperature_interval(
            lambda kelvin: log_likelihood(reduced, rates.at(junction, kelvin)), found.temperature, found.value, floor
        )
        if not math.isinf(statistical):
            statistical = interval.stderr
        if interval.open_below:
            flags.append(f"the temperature cannot be told from zero; it is below {1e3 * interval.limit:.4g} mK (95 %)")
    if (missed := reduced.censored - first.survivors) > 0.0:
        other = climb_temperature(reduced.with_survivors(), junction, model, found.temperature)
        flags += missed_flag(reduced.censored, missed, found.value - other.value)
    by_current = slope_by_current * (critical_current_stderr or 0.0)
    return EscapeTemperatureFit(
        escape_temperature=found.temperature,
        escape_temperature_stderr=math.hypot(statistical, by_current),
        interval=_interval(interval, found.temperature, statistical, by_current),
        statistical_stderr=statistical,
        critical_current_slope=slope_by_current,
        critical_current=junction.critical_current,
        critical_current_stderr=critical_current_stderr,
        log_likelihood=found.value,
        model=type(model).__name__,
        goodness=goodness,
        converged=found.converged,
        flags=tuple(flags),
    )


def _interval(
    profile: TemperatureInterval | None, temperature: float, statistical: float, by_current: float
) -> TemperatureInterval:
    """Return the interval in K that the switches and the error of the critical current leave together."""
    if profile is None:
        return parabolic_interval(temperature, math.hypot(statistical, by_current))
    ends = (
        (profile.low, 1.0),
        (profile.high, 1.0),
        (profile.limit, 1.645),
        (profile.low_95, 1.96),
        (profile.high_95, 1.96),
    )
    away = [math.copysign(math.hypot(end - temperature, z * by_current), end - temperature) for end, z in ends]
    return TemperatureInterval(*(max(temperature + distance, 0.0) for distance in away))


def thermal_start(reduced: ReducedHistogram, junction: Junction) -> float:
    """Return the temperature in K at which a_t = 1 gives the histogram's rate at its upper quantile."""
    (low, first), (high, second) = reduced.quantile_pair
    reduced_low, reduced_high = math.log(-math.log1p(-low)), math.log(-math.log1p(-high))
    beta = (reduced_high - reduced_low) / (second - first)
    current = min(second, reduced.largest)
    attempt = math.log(float(junction.plasma_frequency(current)) / (2.0 * math.pi))
    exponent = max(attempt - math.log(reduced.ramp_rate * beta) - reduced_high, 1.0)
    return float(junction.barrier(current)) / (Boltzmann * exponent)
