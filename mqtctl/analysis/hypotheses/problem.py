"""One explanation of all histograms of a sweep as a function of its parameters: ln Γ, its derivatives, ln L.

Parameters: ln(Ic - largest current), and that of a control sweep; ln C, ln R, the logarithm of the thermometer's scale,
an error of the theory's ln Γ at the cold points, an error of the bath at each point that has one, and the explanation's
own. ln Γ at all nodes of all histograms is one call of the model (two with a control sweep); its derivatives are
forward differences in Ic, C, R and T alone, all others follow from them by the chain rule. What is known of the
junction from other measurements enters as so many normal deviations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.likelihood import Slope, first_order, log_likelihood
from mqtctl.analysis.hypotheses.evidence import Evidence
from mqtctl.analysis.hypotheses.explanations import Hypothesis
from mqtctl.physics import Escape, EscapeModel, Junction, Kramers, MelnikovMeshkov
from mqtctl.records import KnownFact

__all__ = ["Problem", "known_value"]

WIDE = 0.3  # a relative error from which it is one of the logarithm
STEP = 1e-5  # of logarithms: shifts the maximum by as much, some 1e-3 standard errors
CIRCUIT_PRIOR = math.log(2.0)  # of ln R where no error is stated, and of ln C where a spectrum says more
THERMOMETER_PRIOR = 0.01  # standard deviation of the logarithm of the thermometer's scale
THEORY_PRIOR = 0.05  # of ln Γ at the cold points: what the formulas are good for, whichever law is right


def known_value(fact: KnownFact, junction: Junction) -> float:
    """Return what a junction has for what is known from another measurement: Hz, or a number; 0 above its Ic."""
    if fact.name == "plasma_frequency":
        found = float(junction.plasma_frequency(fact.current)) / (2.0 * math.pi)
    else:
        found = float(junction.quality_factor(fact.current))
    return found if math.isfinite(found) else 0.0


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
        names = ["current", "control_current"][: 2 if evidence.control else 1]
        self.currents = len(names)
        prior = [0.0] * self.currents  # inverse variances
        by_spectrum = any(fact.name == "plasma_frequency" for fact in estimate.known)
        for name, deviation in (
            (
                "capacitance",
                _deviation(estimate.capacitance, estimate.capacitance_stderr, CIRCUIT_PRIOR if by_spectrum else 0.0),
            ),
            (
                "resistance",
                _deviation(estimate.resistance, estimate.resistance_stderr, CIRCUIT_PRIOR) if damped else 0.0,
            ),
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
        # current at which each sweep's Ic starts, and how far above its largest switch
        self.beginnings = [(evidence.critical_current, self.distance)]
        if evidence.control:
            self.beginnings.append((evidence.control[0], evidence.control[0] - evidence.control[1]))

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

    def junctions(self, parameters: NDArray[np.float64]) -> tuple[Junction, ...]:
        """Return the same, and where there is a control sweep the junction as it is there."""
        junction = self.junction(parameters)
        if self.evidence.control is None:
            return (junction,)
        floor, distance = self.evidence.control[1], self.beginnings[1][1]
        current = floor + distance * math.exp(self._get(parameters, "control_current"))
        return junction, replace(junction, critical_current=current)

    def deviations(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how many of its errors the junction differs from each known fact, shape (n_known,)."""
        junction = self.junction(parameters)
        known = self.evidence.estimate.known
        return np.array([(known_value(fact, junction) - fact.value) / fact.stderr for fact in known])

    def known_slopes(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the derivatives of these deviations, shape (n_known, n_parameter)."""
        result = np.zeros((len(self.evidence.estimate.known), parameters.size))
        if len(result):
            here = self.deviations(parameters)
            for row, name in enumerate(self.names):
                if name in ("current", "capacitance", "resistance"):
                    moved = parameters.copy()
                    moved[row] += STEP
                    result[:, row] = (self.deviations(moved) - here) / STEP
        return result

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
        self, junctions: tuple[Junction, ...], temperatures: NDArray[np.float64], shift: float = 0.0
    ) -> NDArray[np.float64]:
        """Return ln Γ on all nodes for temperatures of shape (n,) in K; `shift` moves the cold points' Ic (A)."""
        evidence = self.evidence
        node_temperature = temperatures[evidence.owner]
        if len(junctions) == 1 and not self.hypothesis.free_current:
            return np.asarray(self.law.log_rate(junctions[0], evidence.currents, node_temperature))
        result = np.empty(node_temperature.size)
        for chosen, each in self._groups(junctions, shift):
            if chosen.any():
                result[chosen] = self.law.log_rate(each, evidence.currents[chosen], node_temperature[chosen])
        return result

    def _groups(self, junctions: tuple[Junction, ...], shift: float) -> Iterator[tuple[NDArray[np.bool_], Junction]]:
        """Return which nodes belong to which junction: those of a sweep, or its cold and its warm points'."""
        evidence = self.evidence
        for number, junction in enumerate(junctions):
            own = (evidence.sweep == number)[evidence.owner]
            if not self.hypothesis.free_current:
                yield own, junction
                continue
            cold = evidence.cold[evidence.owner]
            yield own & cold, self._shifted(junction, number, shift)
            yield own & ~cold, junction

    def _shifted(self, junction: Junction, number: int, shift: float) -> Junction:
        """Return a sweep's junction at the cold points: the shift (A) is the same part of each sweep's Ic."""
        own = shift * (self.beginnings[number][0] / self.beginnings[0][0])
        return replace(junction, critical_current=junction.critical_current + own)

    def at(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ln Γ on all nodes at these parameters."""
        shift = self.distance * self._get(parameters, "current_shift")
        rates = self.log_rate(self.junctions(parameters), self.temperatures(parameters)[0], shift)
        return rates + self._get(parameters, "theory") * self.evidence.cold[self.evidence.owner]

    def rate_at(
        self, parameters: NDArray[np.float64], place: int
    ) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        """Return Γ in 1/s at one point of the sweep, as a function of currents in A."""
        number, cold = int(self.evidence.sweep[place]), bool(self.evidence.cold[place])
        junction = self.junctions(parameters)[number]
        temperature = float(self.temperatures(parameters)[0][place])
        offset = self._get(parameters, "theory") if cold else 0.0
        if cold and self.hypothesis.free_current:
            junction = self._shifted(junction, number, self.distance * self._get(parameters, "current_shift"))

        def rate(currents: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.exp(np.asarray(self.law.log_rate(junction, currents, temperature)) + offset)

        return rate

    def value(self, parameters: NDArray[np.float64], log_rate: NDArray[np.float64]) -> float:
        """Return ln L with the priors."""
        evidence = self.evidence
        found = sum(
            log_likelihood(each, log_rate[part]) for each, part in zip(evidence.histograms, evidence.parts, strict=True)
        )
        if evidence.estimate.known:
            found -= 0.5 * float((self.deviations(parameters) ** 2).sum())
        return float(found - 0.5 * self.prior @ parameters**2)

    def slopes(self, parameters: NDArray[np.float64], centre: NDArray[np.float64]) -> tuple[Slope, ...]:
        """Return the first-order picture of each histogram."""
        evidence = self.evidence
        temperature, by_bath, by_own, _ = self.temperatures(parameters)
        junctions = self.junctions(parameters)
        shift = self.distance * self._get(parameters, "current_shift")
        jacobian = np.zeros((parameters.size, centre.size))
        cold = evidence.cold[evidence.owner].astype(np.float64)
        plain = centre - self._get(parameters, "theory") * cold

        def change(other: tuple[Junction, ...], kelvin: NDArray[np.float64], moved: float) -> NDArray[np.float64]:
            with np.errstate(invalid="ignore"):
                found = (self.log_rate(other, kelvin, moved) - plain) / STEP
            return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)

        by_log_temperature = change(junctions, temperature * (1.0 + STEP), shift)
        by_kelvin = by_log_temperature / temperature[evidence.owner]
        for row, name in enumerate(self.names[: parameters.size - self.own_count]):
            if name == "control_current":
                continue
            if name in ("current", "capacitance", "resistance"):
                moved = parameters.copy()
                moved[row : self.currents if row == 0 else row + 1] += STEP  # the sweeps' currents together
                jacobian[row] = change(self.junctions(moved), temperature, shift)
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
            jacobian[-1] = change(junctions, temperature, shift + STEP * self.distance)
        if self.currents > 1:
            of_control = evidence.sweep[evidence.owner] == 1
            jacobian[1] = np.where(of_control, jacobian[0], 0.0)
            jacobian[0, of_control] = 0.0
        return tuple(
            first_order(each, centre[part], jacobian[:, part])
            for each, part in zip(evidence.histograms, evidence.parts, strict=True)
        )


def _deviation(value: float, error: float | None, unstated: float) -> float:
    """Return the standard deviation of a parameter's logarithm; `unstated` where none is stated."""
    relative = (error or 0.0) / value
    return (math.log1p(relative) if relative > WIDE else relative) or unstated
