"""Maximum likelihood of one explanation over all histograms of a sweep, with shared nuisances and their priors.

Parameters: ln(Ic - largest current), ln C, ln R, the logarithm of the thermometer's scale, an error of the theory's
ln Γ at the cold points, an error of the bath at each point that has one, and the explanation's own. ln Γ at all nodes
of all histograms is one call of the model; its derivatives are forward differences in Ic, C, R and T alone, all others
follow from them by the chain rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.likelihood import Slope, first_order, log_likelihood
from mqtctl.analysis.hypotheses.evidence import Evidence
from mqtctl.analysis.hypotheses.explanations import Hypothesis
from mqtctl.physics import Escape, EscapeModel, Junction, Kramers, MelnikovMeshkov

__all__ = ["Fitted", "Problem", "first_fit", "fit_hypothesis"]

STEP = 1e-5  # of logarithms: shifts the maximum by as much, some 1e-3 standard errors
RESISTANCE_PRIOR = math.log(2.0)  # standard deviation of ln R: nobody states one, a factor of two either way
THERMOMETER_PRIOR = 0.01  # standard deviation of the logarithm of the thermometer's scale
THEORY_PRIOR = 0.05  # of ln Γ at the cold points: what the formulas are good for, whichever law is right
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
        span = junction.critical_current - problem.evidence.floor
        result: dict[str, float | list[float]] = {}
        for name, key, value, scale in (
            ("current", "critical_current_A", junction.critical_current, span),
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
        result["sample_temperatures_K"] = self.temperatures.tolist()
        return result

    def _plain(self, name: str) -> float:
        return self.value(name)[0] if name in self.problem.names else 0.0

    def _exponential(self, name: str) -> float:
        return math.exp(self._plain(name))

    def value(self, name: str) -> tuple[float, float]:
        """Return a parameter and its standard error."""
        place = self.problem.names.index(name)
        return float(self.parameters[place]), math.sqrt(max(float(self.covariance[place, place]), 0.0))


class Problem:
    """One explanation of the evidence, as a function of its parameters."""

    def __init__(self, evidence: Evidence, hypothesis: Hypothesis, quantum_law: EscapeModel | None = None) -> None:
        self.evidence, self.hypothesis = evidence, hypothesis
        estimate = evidence.estimate
        self.base = junction_of(estimate, evidence.critical_current)
        damped = math.isfinite(estimate.resistance)
        if hypothesis.quantum:
            self.law: EscapeModel = quantum_law or Escape()
        else:
            self.law = MelnikovMeshkov(finite_barrier=True) if damped else Kramers()
        relative = (estimate.capacitance_stderr or 0.0) / estimate.capacitance
        names = ["current"]
        prior = [0.0]  # inverse variances
        for name, deviation in (
            ("capacitance", math.log1p(relative) if relative > 0.3 else relative),
            ("resistance", RESISTANCE_PRIOR if damped else 0.0),
            ("thermometer", THERMOMETER_PRIOR),
            ("theory", THEORY_PRIOR if evidence.cold.any() and not evidence.cold.all() else 0.0),
        ):
            if deviation > 0.0:
                names.append(name)
                prior.append(deviation**-2)
        self.baths = np.flatnonzero(evidence.bath_std > 0.0)
        names += [f"bath_{place}" for place in self.baths]
        prior += [1.0] * self.baths.size
        own = hypothesis.names(evidence)
        self.names = (*names, *own)
        self.own_count = len(own)
        self.prior = np.array([*prior, *([0.0] * len(own))])
        low, high = hypothesis.bounds(evidence)
        self.low = np.concatenate([np.full(len(names), -np.inf), low])
        self.high = np.concatenate([np.full(len(names), np.inf), high])
        self.distance = evidence.critical_current - evidence.floor

    def start(self, temperatures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where to start, from the escape temperatures of single histograms in K, shape (n,)."""
        shared = np.zeros(len(self.names) - self.own_count)
        return np.concatenate([shared, self.hypothesis.start(self.evidence, temperatures)])

    def _get(self, parameters: NDArray[np.float64], name: str) -> float:
        return float(parameters[self.names.index(name)]) if name in self.names else 0.0

    def junction(self, parameters: NDArray[np.float64]) -> Junction:
        """Return the junction at these parameters."""
        return replace(
            self.base,
            critical_current=self.evidence.floor + self.distance * math.exp(self._get(parameters, "current")),
            capacitance=self.base.capacitance * math.exp(self._get(parameters, "capacitance")),
            resistance=self.base.resistance * math.exp(self._get(parameters, "resistance")),
        )

    def own(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the explanation's own parameters."""
        return parameters[parameters.size - self.own_count :]

    def temperatures(
        self, parameters: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return T_eff, dT_eff/dT_bath, dT_eff/d own as `Hypothesis.temperatures` does, and the baths in K."""
        bath = self.evidence.bath * math.exp(self._get(parameters, "thermometer"))
        first = self.names.index(f"bath_{self.baths[0]}") if self.baths.size else 0
        bath[self.baths] += self.evidence.bath_std[self.baths] * parameters[first : first + self.baths.size]
        return (*self.hypothesis.temperatures(self.own(parameters), bath, self.evidence), bath)

    def log_rate(
        self, junction: Junction, temperatures: NDArray[np.float64], shift: float = 0.0
    ) -> NDArray[np.float64]:
        """Return ln Γ on all nodes for temperatures of shape (n,) in K; `shift` moves the cold points' Ic (A)."""
        evidence = self.evidence
        node_temperature = temperatures[evidence.owner]
        if not self.hypothesis.free_current:
            return np.asarray(self.law.log_rate(junction, evidence.currents, node_temperature))
        cold = evidence.cold[evidence.owner]
        result = np.empty(cold.size)
        other = replace(junction, critical_current=junction.critical_current + shift)
        for chosen, each in ((cold, other), (~cold, junction)):
            result[chosen] = self.law.log_rate(each, evidence.currents[chosen], node_temperature[chosen])
        return result

    def at(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ln Γ on all nodes at these parameters."""
        shift = self.distance * self._get(parameters, "current_shift")
        rates = self.log_rate(self.junction(parameters), self.temperatures(parameters)[0], shift)
        return rates + self._get(parameters, "theory") * self.evidence.cold[self.evidence.owner]

    def rate_at(
        self, parameters: NDArray[np.float64], place: int
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Return Γ in 1/s at one point of the sweep, as a function of currents in A."""
        junction, cold = self.junction(parameters), bool(self.evidence.cold[place])
        temperature = float(self.temperatures(parameters)[0][place])
        offset = self._get(parameters, "theory") if cold else 0.0
        if cold and self.hypothesis.free_current:
            shift = self.distance * self._get(parameters, "current_shift")
            junction = replace(junction, critical_current=junction.critical_current + shift)

        def rate(currents: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.exp(np.asarray(self.law.log_rate(junction, currents, temperature)) + offset)

        return rate

    def value(self, parameters: NDArray[np.float64], log_rate: NDArray[np.float64]) -> float:
        """Return ln L with the priors."""
        evidence = self.evidence
        found = sum(
            log_likelihood(each, log_rate[part]) for each, part in zip(evidence.histograms, evidence.parts, strict=True)
        )
        return float(found - 0.5 * self.prior @ parameters**2)

    def slopes(self, parameters: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[Slope, ...]:
        """Return the first-order picture of each histogram."""
        evidence = self.evidence
        temperature, by_bath, by_own, _ = self.temperatures(parameters)
        junction = self.junction(parameters)
        shift = self.distance * self._get(parameters, "current_shift")
        jacobian = np.zeros((parameters.size, centre.size))
        cold = evidence.cold[evidence.owner].astype(np.float64)
        plain = centre - self._get(parameters, "theory") * cold

        def change(other: Junction, kelvin: NDArray[np.float64], moved: float) -> NDArray[np.float64]:
            with np.errstate(invalid="ignore"):
                found = (self.log_rate(other, kelvin, moved) - plain) / STEP
            return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)

        by_log_temperature = change(junction, temperature * (1.0 + STEP), shift)
        by_kelvin = by_log_temperature / temperature[evidence.owner]
        for row, name in enumerate(self.names[: parameters.size - self.own_count]):
            if name in ("current", "capacitance", "resistance"):
                moved = parameters.copy()
                moved[row] += STEP
                jacobian[row] = change(self.junction(moved), temperature, shift)
            elif name == "theory":
                jacobian[row] = cold
            elif name == "thermometer":
                scaled = evidence.bath * math.exp(parameters[row])
                jacobian[row] = by_kelvin * (by_bath * scaled)[evidence.owner]
            else:
                place = int(name.removeprefix("bath_"))
                mine = evidence.parts[place]
                jacobian[row, mine] = by_kelvin[mine] * by_bath[place] * evidence.bath_std[place]
        for number, kelvin in enumerate(by_own):
            jacobian[parameters.size - self.own_count + number] = by_kelvin * kelvin[evidence.owner]
        if self.hypothesis.free_current:
            jacobian[-1] = change(junction, temperature, shift + STEP * self.distance)
        return tuple(
            first_order(each, centre[part], jacobian[:, part])
            for each, part in zip(evidence.histograms, evidence.parts, strict=True)
        )


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
    held[0] = False
    held[start.size - problem.own_count :] = False
    near = _climb(problem, start, held, HELD_STEPS, 1.0)
    return fit_hypothesis(problem, near.parameters, behind=behind)


def _possible(problem: Problem, start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the start with a critical current so high that every switch is possible, if there is one."""
    parameters = np.clip(start, problem.low, problem.high)
    for _ in range(WIDENINGS):
        if np.isfinite(problem.value(parameters, problem.at(parameters))):
            break
        parameters[0] += 0.3
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
    return gradient, sum((each.information for each in slopes), np.diag(problem.prior))


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
