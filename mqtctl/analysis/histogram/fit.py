"""Critical current and escape temperature of one histogram alone, both free, by unbinned maximum likelihood.

Use `fit_histogram` for one histogram and nothing else known. Where the critical current is known from elsewhere use
`fit_escape_temperature`: the two escape temperatures differ on the plateau (36.0 against 30.3 mK for the junction of
Devoret, Martinis and Clarke, PRL 55, 1908 (1985)), because one is the level of Γ and the other its shape.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann, hbar

from mqtctl.analysis.histogram.censoring import MISSED_GAIN, missed_flag
from mqtctl.analysis.histogram.goodness import goodness_of_fit
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.likelihood import log_likelihood, observed_information, slope
from mqtctl.analysis.histogram.profile import (
    TemperatureInterval,
    parabolic_interval,
    temperature_interval,
    zero_in_reach,
)
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram, reduce_histogram
from mqtctl.analysis.histogram.results import GoodnessOfFit, HistogramFit
from mqtctl.analysis.histogram.scoring import Maximum, maximise
from mqtctl.analysis.histogram.starting_values import Start, starting_values
from mqtctl.physics import EscapeModel, TransitionState
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["FreeRates", "fit_histogram", "fit_reduced"]

A_T_ONE = TransitionState()
SUSPICIOUS_PVALUE = 1e-3
FEW = 300  # switches below which ln L is lopsided by more than 0.05 standard errors, and quick to follow
FAR_BELOW = 0.05  # of a temperature that is no limit: beyond what a few switches leave possible
FLOOR = 1e-3  # lowest temperature a fit can reach, as a fraction of the thermal starting value


class FreeRates:
    """Rates on a histogram's nodes as a function of two nearly uncorrelated, unbounded parameters.

    The critical current and the temperature are correlated by 0.997. The first parameter is the logarithm of the
    distance from the largest switching current to Ic, the second that of T / (Ic - mean)^1.5: the thermal
    law fixes the latter, its barrier over k_B T at the mean, whatever the former. Ic > max(I) always;
    histograms that share one Ic take the largest current of all of them as `lower_bound` (A).
    """

    def __init__(
        self,
        reduced: ReducedHistogram,
        estimate: JunctionEstimate,
        model: EscapeModel,
        start: Start,
        lower_bound: float | None = None,
    ) -> None:
        self.reduced, self.model = reduced, model
        self.lower_bound = reduced.largest if lower_bound is None else lower_bound
        self.estimate = estimate
        self.centre = reduced.centre
        self.distance = start.critical_current - self.centre
        self.floor = FLOOR * start.temperature
        self.temperature = start.temperature - self.floor
        self.start = np.array([math.log(start.critical_current - self.lower_bound), 0.0])
        self.evaluations = 0
        self._near = self.start[:1]
        self._last: tuple[bytes, NDArray[np.float64]] = (b"", np.empty(0))

    def __call__(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ln Γ on the nodes, shape (n_node,)."""
        key = parameters.tobytes()
        if key != self._last[0]:
            critical_current, temperature = self.physical(parameters)
            junction = junction_of(self.estimate, critical_current)
            self._last = key, np.asarray(self.model.log_rate(junction, self.reduced.currents, temperature))
            self.evaluations += 1
        return self._last[1]

    def physical(self, parameters: NDArray[np.float64]) -> tuple[float, float]:
        """Return critical current (A) and temperature (K)."""
        critical_current = self.lower_bound + math.exp(float(parameters[0]))
        relative = (critical_current - self.centre) / self.distance
        return critical_current, self.floor + self.temperature * math.exp(float(parameters[1])) * relative**1.5

    def zero_in_reach(self, found: Maximum) -> bool:
        """Whether the same critical current with T -> 0 is not out of the question."""
        cold = self(np.array([found.parameters[0], -math.inf]))
        return zero_in_reach(log_likelihood(self.reduced, cold), found.value, self.reduced.switches)

    def at_temperature(self, temperature: float) -> tuple[float, float]:
        """Return ln L at its largest for a temperature in K, and the critical current in A that it has there."""

        def log_rate(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
            critical_current = self.lower_bound + math.exp(float(parameters[0]))
            junction = junction_of(self.estimate, critical_current)
            return np.asarray(self.model.log_rate(junction, self.reduced.currents, temperature))

        def gradient_and_information(
            parameters: NDArray[np.float64],
        ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            first = slope(self.reduced, log_rate, parameters)
            return first.gradient, first.information

        def value(parameters: NDArray[np.float64]) -> float:
            return log_likelihood(self.reduced, log_rate(parameters))

        found = maximise(value, gradient_and_information, self._near)
        if found.converged:
            self._near = found.parameters  # the next temperature will not be far away
        return found.value, self.lower_bound + math.exp(float(found.parameters[0]))

    def derivative(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ∂(Ic, T)/∂parameters, shape (2, 2)."""
        critical_current, temperature = self.physical(parameters)
        by_first = critical_current - self.lower_bound
        scaled = temperature - self.floor
        cross = 1.5 * scaled * by_first / (critical_current - self.centre)
        return np.array([[by_first, 0.0], [cross, scaled]])


def fit_histogram(histogram: Histogram, junction: JunctionEstimate, model: EscapeModel = A_T_ONE) -> HistogramFit:
    """Fit critical current and escape temperature to one histogram by unbinned maximum likelihood.

    Parameters
    ----------
    histogram
        At least 10 switches; ramps censored at the top enter with their survival.
    junction
        Capacitance and resistance are used; the critical current is not needed, the data give the start.
    model
        Escape model that gives the temperature its meaning; default transition-state theory with a_t = 1.

    Raises
    ------
    InputError
        If the histogram cannot be fitted (see `reduce_histogram`, `starting_values`).
    """
    return fit_reduced(reduce_histogram(histogram), junction, model)


def fit_reduced(reduced: ReducedHistogram, junction: JunctionEstimate, model: EscapeModel = A_T_ONE) -> HistogramFit:
    """Do the same for a histogram that is reduced already."""
    rates, found = _climb(reduced, junction, model)
    if rates.zero_in_reach(found):
        cold, critical_current = rates.at_temperature(rates.floor)
        if cold > found.value:  # below the crossover ln L may be largest at T -> 0, where no climb arrives
            parameters = np.array([math.log(critical_current - rates.lower_bound), -math.inf])
            found = Maximum(parameters, cold, found.steps, True)
    missed = reduced.censored - slope(reduced, rates, found.parameters).survivors
    gain = found.value - _climb(reduced.with_survivors(), junction, model)[1].value if missed > 0.0 else 0.0
    return _result(rates, found, missed, gain)


def _climb(reduced: ReducedHistogram, junction: JunctionEstimate, model: EscapeModel) -> tuple[FreeRates, Maximum]:
    rates = FreeRates(reduced, junction, model, starting_values(reduced, junction))

    def gradient_and_information(
        parameters: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        first = slope(reduced, rates, parameters)
        return first.gradient, first.information

    found = maximise(lambda p: log_likelihood(reduced, rates(p)), gradient_and_information, rates.start)
    return rates, found


def _result(rates: FreeRates, found: Maximum, missed: float, gain: float) -> HistogramFit:
    reduced = rates.reduced
    critical_current, temperature = rates.physical(found.parameters)
    interval, near_zero = None, rates.zero_in_reach(found)
    if near_zero or (found.converged and reduced.switches < FEW):
        interval = temperature_interval(
            lambda kelvin: rates.at_temperature(kelvin)[0],
            temperature,
            found.value,
            rates.floor if near_zero else max(FAR_BELOW * temperature, rates.floor),
        )
    if near_zero and interval is not None and interval.open_below:
        covariance, open_temperature = _open_covariance(interval, rates, critical_current), True
    else:
        covariance, open_temperature = _covariance(rates, found.parameters)
        if near_zero and interval is not None and not open_temperature:
            covariance = covariance * interval.stderr**2 / covariance[1, 1]
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    product = float(error[0] * error[1])
    goodness = goodness_of_fit(reduced, np.exp(rates(found.parameters)), fitted_parameters=1 if open_temperature else 2)
    flags = _flags(rates, found, goodness)
    if open_temperature:
        text = "the data leave the temperature open: below the crossover the rate hardly depends on it"
        interval = interval if interval is not None else parabolic_interval(0.0, math.inf)
        limit = interval.limit
        flags.append(f"{text}; it is below {1e3 * limit:.4g} mK (95 %)" if math.isfinite(limit) else text)
    flags += missed_flag(reduced.censored, missed, gain)
    interval = interval if interval is not None else parabolic_interval(temperature, float(error[1]))
    return HistogramFit(
        critical_current=critical_current,
        critical_current_stderr=float(error[0]),
        escape_temperature=temperature,
        escape_temperature_stderr=math.inf if open_temperature else float(error[1]),
        correlation=float(covariance[0, 1]) / product if product > 0.0 else 0.0,
        log_likelihood=found.value,
        model=type(rates.model).__name__,
        switches=reduced.switches,
        censored=reduced.censored,
        censored_as_missed=gain > MISSED_GAIN and missed > 0.5 * reduced.censored,
        missed=missed,
        escape_temperature_limit=interval.limit if open_temperature else None,
        escape_temperature_interval=interval,
        goodness=goodness,
        converged=found.converged,
        evaluations=rates.evaluations,
        flags=tuple(flags),
    )


def _open_covariance(interval: TemperatureInterval, rates: FreeRates, critical_current: float) -> NDArray[np.float64]:
    """Return the covariance of (Ic, T) in A and K where the temperature has only an upper limit."""
    # over the temperatures that are possible Ic runs between these ends, and ln L hardly prefers any of them; a single
    # one leaves its own error
    ends = [rates.at_temperature(kelvin)[1] for kelvin in (rates.floor, interval.limit) if math.isfinite(kelvin)]
    reach = max(abs(end - critical_current) for end in ends)
    first = slope(rates.reduced, rates, np.array([math.log(critical_current - rates.lower_bound), 0.0]))
    own = (critical_current - rates.lower_bound) ** 2 / max(float(first.information[0, 0]), 1e-300)
    return np.diag([reach**2 + own, 0.0])


def _covariance(rates: FreeRates, parameters: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """Return the covariance of (Ic, T) in A and K, and whether the data leave the temperature open."""
    information = observed_information(rates.reduced, rates, parameters)
    derivative = rates.derivative(parameters)
    if information[0, 0] <= 0.0 or np.linalg.det(information) <= 0.0:
        information = slope(rates.reduced, rates, parameters).information
    # a relative error of the temperature above 1 means that its logarithm has no usable maximum
    by_temperature = information[1, 1] - information[0, 1] ** 2 / information[0, 0]
    scaled = derivative[1, 1] / rates.physical(parameters)[1]
    if by_temperature <= scaled**2:
        return np.diag([derivative[0, 0] ** 2 / information[0, 0], 0.0]), True
    return derivative @ np.linalg.inv(information) @ derivative.T, False


def _flags(rates: FreeRates, found: Maximum, goodness: GoodnessOfFit) -> list[str]:
    critical_current, temperature = rates.physical(found.parameters)
    junction = junction_of(rates.estimate, critical_current)
    barrier = float(junction.barrier(rates.centre))
    flags = []
    if not found.converged:
        flags.append("the likelihood has no maximum that could be found: do not use these numbers")
    if math.exp(found.parameters[0]) < 1e-2 * (critical_current - rates.centre):
        flags.append("the critical current lies at the largest switching current: look for outliers")
    if barrier < 3.0 * Boltzmann * temperature:
        flags.append(
            f"the barrier at the mean is only {barrier / (Boltzmann * temperature):.1f} k_B T: rates are not valid"
        )
    levels = barrier / (hbar * float(junction.plasma_frequency(rates.centre)))
    if levels < 1.0:
        flags.append(f"the barrier at the mean is only {levels:.2f} ħω_p: no metastable well")
    if goodness.pvalue < SUSPICIOUS_PVALUE:
        flags.append(f"the switches do not follow the fitted law (Kolmogorov-Smirnov p = {goodness.pvalue:.1g})")
    if rates.reduced.switches < 100:
        flags.append(f"with {rates.reduced.switches} switches the standard errors are rough")
    return flags
