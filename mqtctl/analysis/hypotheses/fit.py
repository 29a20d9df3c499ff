"""Maximum likelihood of one explanation over all histograms of a sweep, with shared nuisances and their priors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.likelihood import Slope
from mqtctl.analysis.hypotheses.problem import Problem
from mqtctl.physics import Junction

__all__ = ["Fitted", "Problem", "first_fit", "fit_hypothesis"]

LONGEST_STEP = 1.0
TOLERANCE = 1e-4  # gain in ln L that is left at the end: 1.4e-2 standard errors
MOST_STEPS = 60
WIDENINGS = 12
HELD_STEPS = 5
PATIENCE, HOPEFUL, HOPELESS = 3, 5.0, 100.0  # steps; multiple of what a step would gain; ln L behind the best
ROUNDED = 1e-2  # gain that a climb may leave where its last steps gain next to nothing


@dataclass(frozen=True)
class Fitted:
    """Where an explanation's likelihood is largest.

    Attributes
    ----------
    problem
        What was fitted.
    parameters, covariance
        Shape (n_parameter,) and (n_parameter, n_parameter); bounds that are met count as known.
    log_likelihood
        With the logarithm of the priors.
    log_rate, slopes
        ln Γ on all nodes, and the first-order picture of each histogram there.
    converged
        Whether the maximum was found.
    left
        How much of ln L a further step would gain at most, by the information.
    """

    problem: Problem
    parameters: NDArray[np.float64]
    covariance: NDArray[np.float64]
    log_likelihood: float
    log_rate: NDArray[np.float64]
    slopes: tuple[Slope, ...] = field(repr=False)
    converged: bool = True
    left: float = 0.0

    @property
    def temperatures(self) -> NDArray[np.float64]:
        """The sample's temperature at each point in K, shape (n,)."""
        return self.problem.temperatures(self.parameters)[0]

    @property
    def junction(self) -> Junction:
        """The fitted junction."""
        return self.problem.junction(self.parameters)

    @property
    def junctions(self) -> tuple[Junction, ...]:
        """The same, and where there is a control sweep the junction as it is there."""
        return self.problem.junctions(self.parameters)

    def critical_current(self, sweep: int = 0) -> tuple[float, float]:
        """Return the critical current of a sweep (0: itself, 1: the control) and its standard error, in A."""
        floor = (self.problem.evidence.control or (0.0, 0.0))[1] if sweep else self.problem.evidence.floor
        current = self.junctions[sweep].critical_current
        return current, self.value(("current", "control_current")[sweep])[1] * (current - floor)

    def known_pulls(self) -> list[float]:
        """Return by how many standard deviations the histograms differ from each known fact."""
        by = self.problem.known_slopes(self.parameters)
        variance = 1.0 - np.einsum("ij,jk,ik->i", by, self.covariance, by)
        pulls = self.problem.deviations(self.parameters) / np.sqrt(np.maximum(variance, 1e-6))
        return [float(pull) for pull in pulls]

    @property
    def score(self) -> float:
        """Ln L less half the logarithm of the number of switches for each parameter of the explanation's own."""
        return self.log_likelihood - 0.5 * self.problem.own_count * math.log(self.problem.evidence.switches)

    def lead(self, rival: Fitted) -> float:
        """Return by how much ln L exceeds a rival's, as if both had as many parameters of their own.

        Parameters that this explanation has more cost as much as in `score`; those that the rival has more are
        counted with 1/2 each, what fitting them to noise gains: it is the data that must decide, not the number.
        """
        more = rival.problem.own_count - self.problem.own_count
        return self.log_likelihood - rival.log_likelihood + (0.5 * more if more > 0 else self.cost(rival))

    def cost(self, rival: Fitted) -> float:
        """Return half the logarithm of the number of switches for each parameter that the rival has more."""
        more = rival.problem.own_count - self.problem.own_count
        return 0.5 * more * math.log(self.problem.evidence.switches)

    def physical(self) -> dict[str, float | list[float]]:
        """Return the parameters in SI units by name, "_stderr" appended for their standard errors."""
        problem, junction = self.problem, self.junction
        result: dict[str, float | list[float]] = {}
        for sweep, key in enumerate(("critical_current_A", "control_critical_current_A")[: problem.currents]):
            result[key], result[f"{key}_stderr"] = self.critical_current(sweep)
        for name, key, value, scale in (
            ("capacitance", "capacitance_F", junction.capacitance, junction.capacitance),
            ("resistance", "resistance_Ohm", junction.resistance, junction.resistance),
            ("thermometer", "thermometer_scale", self._exponential("thermometer"), 1.0),
            ("theory", "theory_log_rate_error", self._plain("theory"), 1.0),
            ("exponent", "exponent", self._plain("exponent"), 1.0),
            (
                "current_shift",
                "cold_critical_current_shift_A",
                self._plain("current_shift") * problem.distance,
                problem.distance,
            ),
        ):
            if name in problem.names:
                result[key] = value
                result[f"{key}_stderr"] = self.value(name)[1] * scale
        if problem.hypothesis.exponent is not None:
            excess, error = self.value("excess")
            exponent = self._plain("exponent") if problem.hypothesis.fitted_exponent else problem.hypothesis.exponent
            excess_temperature = problem.evidence.plateau * excess ** (1.0 / exponent)
            result["excess_temperature_K"] = excess_temperature
            if excess > 0.0:
                result["excess_temperature_K_stderr"] = excess_temperature * error / (exponent * excess)
        first = problem.evidence.first
        result["sample_temperatures_K"] = self.temperatures[:first].tolist()
        if problem.evidence.controls:
            result["control_sample_temperatures_K"] = self.temperatures[first:].tolist()
        return result

    def _plain(self, name: str) -> float:
        return self.value(name)[0] if name in self.problem.names else 0.0

    def _exponential(self, name: str) -> float:
        return math.exp(self._plain(name))

    def value(self, name: str) -> tuple[float, float]:
        """Return a parameter and its standard error."""
        place = self.problem.names.index(name)
        return float(self.parameters[place]), math.sqrt(max(float(self.covariance[place, place]), 0.0))


def fit_hypothesis(
    problem: Problem, start: NDArray[np.float64], most_steps: int = MOST_STEPS, behind: float = -math.inf
) -> Fitted:
    """Climb from `start` to the maximum of an explanation's likelihood, within its bounds.

    A climb that stays hopelessly below `behind`, another explanation's score, is broken off.
    """
    free = np.zeros(start.size, dtype=bool)
    return _climb(problem, _possible(problem, start), free, most_steps, behind=behind)


def first_fit(problem: Problem, temperatures: NDArray[np.float64], behind: float = -math.inf) -> Fitted:
    """Do so from the escape temperatures of single histograms in K, shape (n,): at first with the nuisances held."""
    start = _possible(problem, problem.start(temperatures))
    held = np.ones(start.size, dtype=bool)
    held[: problem.currents] = False
    held[start.size - problem.own_count :] = False
    near = _climb(problem, start, held, HELD_STEPS, 1.0)
    return fit_hypothesis(problem, near.parameters, behind=behind)


def _possible(problem: Problem, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the start with a critical current so high that every switch is possible, if there is one."""
    parameters = np.clip(start, problem.low, problem.high)
    for _ in range(WIDENINGS):
        if np.isfinite(problem.value(parameters, problem.at(parameters))):
            break
        parameters[: problem.currents] += 0.3
    return parameters


def _climb(
    problem: Problem,
    parameters: NDArray[np.float64],
    held: NDArray[np.bool_],
    most_steps: int,
    enough: float = TOLERANCE,
    behind: float = -math.inf,
) -> Fitted:
    """Climb by damped scoring, until less than `enough` of ln L is left to gain; parameters that are held stay."""
    log_rate = problem.at(parameters)
    best, damping, converged, left = problem.value(parameters, log_rate), 1e-3, False, math.inf
    if not np.isfinite(best):
        size = parameters.size
        return Fitted(problem, parameters, np.zeros((size, size)), -math.inf, log_rate, (), False)
    slopes = problem.slopes(parameters, log_rate)
    for steps in range(most_steps):
        gradient, information = _sums(problem, parameters, slopes)
        free = _free(problem, parameters, gradient, held)
        undamped = _step(gradient, information, free, 1e-9)
        left = float(gradient @ (np.clip(parameters + undamped, problem.low, problem.high) - parameters))
        if abs(left) < enough:
            converged = True
            break
        if steps >= PATIENCE and best + HOPEFUL * left < behind - HOPELESS:
            break
        step = _step(gradient, information, free, damping)
        longest = float(np.abs(step).max(initial=0.0))
        tried = np.clip(parameters + step * min(1.0, LONGEST_STEP / max(longest, 1e-300)), problem.low, problem.high)
        rates = problem.at(tried)
        value = problem.value(tried, rates)
        if value > best:
            parameters, best, log_rate, damping = tried, value, rates, max(damping / 10.0, 1e-9)
            slopes = problem.slopes(parameters, log_rate)
        else:
            damping = max(10.0 * damping, 1e-2)
            if damping > 1e9:  # no step gains: what is left is rounding
                break
    converged = converged or abs(left) < ROUNDED
    gradient, information = _sums(problem, parameters, slopes)
    covariance = np.zeros_like(information)
    free = _free(problem, parameters, gradient, held)
    covariance[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)], hermitian=True)
    return Fitted(problem, parameters, covariance, best, log_rate, slopes, converged, left)


def _sums(
    problem: Problem, parameters: NDArray[np.float64], slopes: tuple[Slope, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gradient and information of all histograms and the priors."""
    gradient = sum((each.gradient for each in slopes), -problem.prior * parameters)
    information = sum((each.information for each in slopes), np.diag(problem.prior))
    if problem.evidence.estimate.known:
        known = problem.known_slopes(parameters)
        gradient = gradient - known.T @ problem.deviations(parameters)
        information = information + known.T @ known
    return gradient, information


def _free(
    problem: Problem, parameters: NDArray[np.float64], gradient: NDArray[np.float64], held: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return which parameters are free, neither held nor at a bound that the likelihood presses against."""
    held = held | ((parameters <= problem.low) & (gradient <= 0.0)) | ((parameters >= problem.high) & (gradient >= 0.0))
    return np.flatnonzero(~held)


def _step(
    gradient: NDArray[np.float64], information: NDArray[np.float64], free: NDArray[np.intp], damping: float
) -> NDArray[np.float64]:
    result = np.zeros_like(gradient)
    block = information[np.ix_(free, free)]
    diagonal = np.diag(block)
    scale = np.sqrt(np.maximum(diagonal, 1e-12 * max(float(diagonal.max(initial=0.0)), 1e-300)))
    damped = block / np.outer(scale, scale) + damping * np.eye(free.size)
    result[free] = np.linalg.solve(damped, gradient[free] / scale) / scale
    return result
