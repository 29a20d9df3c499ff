"""The parameters of one histogram by name: which are free, what they are, and how a fit moves them.

Every parameter is positive and moves by its logarithm. The critical current is that of its distance from the
histogram's mode, and a free temperature is taken relative to (Ic - mode)^1.5, with which it is correlated by 0.997.
A free capacitance takes both along the valley in which the rate at the mode and its slope stay what they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.nuisances.recorded_law import RecordedHistogram, RecordedLaw
from mqtctl.analysis.histogram.scoring import TOLERANCE, Maximum, maximise
from mqtctl.analysis.histogram.starting_values import Start
from mqtctl.errors import InputError
from mqtctl.physics import EscapeModel, Junction
from mqtctl.records import JunctionEstimate

__all__ = ["ADDED", "NUISANCES", "UNITS", "NamedSpace", "parameter_name"]

#: Name -> unit, in the order in which they are told.
UNITS: Mapping[str, str] = {
    "critical_current": "A",
    "temperature": "K",
    "capacitance": "F",
    "resistance": "Ohm",
    "current_noise": "A",
    "false_triggers": "",
    "mains_amplitude": "A",
}
#: Those that are looked for where nobody asks.
NUISANCES = ("current_noise", "false_triggers")
#: Those that are 0 unless something else is said.
ADDED = (*NUISANCES, "mains_amplitude")
#: What stands for none: of the scale, and a share.
ABSENT = {"current_noise": 0.02, "false_triggers": 1e-6, "mains_amplitude": 0.02}
BOUND_LOSS = 1e-3  # in ln L between what stands for none and none
STEP = 2e-3
FIRST_NOISE, FIRST_FALSE = 0.5, 0.01  # where a climb begins: of the scale, and a share
WIDE = math.log(100.0)  # standard deviation of ln C and ln R beforehand
WHOLE = 0.01  # a law whose probabilities do not add up to 1 by that is too narrow for the grid
FARTHEST = 40.0  # logarithms beyond which no parameter goes


def parameter_name(text: str) -> str:
    """Return the name of a parameter; "noise" is that of the current, and - is as good as _.

    Raises
    ------
    InputError
        If there is no such parameter.
    """
    name = text.strip().lower().replace("-", "_")
    name = {"noise": "current_noise", "mains": "mains_amplitude"}.get(name, name)
    if name not in UNITS:
        raise InputError(f"{text!r} is no parameter of a histogram: use one of {', '.join(UNITS)}")
    return name


@dataclass(frozen=True)
class NamedSpace:
    """A recorded histogram, a model, and which of its parameters are free.

    Attributes
    ----------
    fixed
        Values in SI units of the parameters that are not.
    free
        Names of those that are.
    start
        From two quantiles of the data: gives the parameters their scales.
    """

    recorded: RecordedHistogram
    estimate: JunctionEstimate
    model: EscapeModel
    start: Start
    fixed: Mapping[str, float]
    free: tuple[str, ...]

    @property
    def distance(self) -> float:
        """Distance in A from the mode to the critical current, at the start."""
        return max(self.start.critical_current - self.recorded.centre, self.recorded.scale)

    def first(self) -> dict[str, float]:
        """Return values of all parameters from which to climb."""
        fixed, distance = self.fixed, self.distance
        if "temperature" in fixed and "critical_current" not in fixed:
            distance *= (fixed["temperature"] / self.start.temperature) ** (2.0 / 3.0)
        critical_current = fixed.get("critical_current", self.recorded.centre + distance)
        relative = max(critical_current - self.recorded.centre, 1e-3 * self.distance) / self.distance
        resistance = self.estimate.resistance
        if not math.isfinite(resistance):
            resistance = 10.0 / (self.estimate.capacitance * junction_of(self.estimate).zero_bias_plasma_frequency)
        return {
            "critical_current": critical_current,
            "temperature": self.start.temperature * relative**1.5,
            "capacitance": self.estimate.capacitance,
            "resistance": resistance,
            "current_noise": FIRST_NOISE * self.recorded.scale,
            "false_triggers": FIRST_FALSE,
            "mains_amplitude": FIRST_NOISE * self.recorded.scale,
            **fixed,
        }

    def parameters(self, values: Mapping[str, float]) -> NDArray[np.float64]:
        """Return the parameters, shape (n_free,), that physical values have."""
        first = self.first()
        found = []
        for name in self.free:
            if name == "critical_current":
                distance = self.distance * self._depth(values)
                found.append(math.log((values[name] - self.recorded.centre) / distance))
            elif name == "temperature":
                relative = 1.5 * self._log_relative(values) - math.log(self._depth(values))
                found.append(math.log(values[name] / first[name]) - relative)
            else:
                found.append(math.log(values[name] / first[name]))
        return np.array(found)

    def values(self, parameters: NDArray[np.float64]) -> dict[str, float]:
        """Return the physical values of all parameters."""
        first = self.first()
        moved = dict(zip(self.free, (float(value) for value in parameters), strict=True))
        values = {name: first[name] * math.exp(moved[name]) if name in moved else first[name] for name in UNITS}
        depth = self._depth(values)
        if "critical_current" in moved:
            distance = self.distance * depth * math.exp(moved["critical_current"])
            values["critical_current"] = self.recorded.centre + distance
        if "temperature" in moved:
            values["temperature"] *= math.exp(1.5 * self._log_relative(values)) / depth
        return values

    def derivative(self, parameters: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        """Return ∂ ln(value)/∂parameters, shape (n_free,)."""
        found = [
            (math.log(self.values(parameters + shift)[name]) - math.log(self.values(parameters - shift)[name]))
            / (2.0 * STEP)
            for shift in STEP * np.eye(parameters.size)
        ]
        return np.array(found)

    def law(self, parameters: NDArray[np.float64]) -> RecordedLaw:
        """Return the law of these parameters."""
        values = self.values(parameters)
        junction = Junction(
            values["critical_current"],
            values["capacitance"],
            values["resistance"] if "resistance" in (*self.free, *self.fixed) else self.estimate.resistance,
            potential=junction_of(self.estimate).potential,
        )
        return self.recorded.law(
            self.model,
            junction,
            values["temperature"],
            values["current_noise"],
            values["false_triggers"],
            values["mains_amplitude"],
        )

    def value(self, parameters: NDArray[np.float64]) -> float:
        """Return ln L; -inf where parameters are beyond all bounds."""
        if not (np.abs(parameters) < FARTHEST).all() or self.values(parameters)["false_triggers"] >= 0.99:
            return -math.inf
        law = self.law(parameters)
        if abs(float(law.mass.sum()) + math.exp(-law.empty_hazard) - 1.0) > WHOLE:
            return -math.inf
        return self.recorded.log_likelihood(law) - 0.5 * float(self._doubt() @ parameters**2)

    def slope(self, parameters: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return gradient and Fisher information, shapes (n_free,) and (n_free, n_free)."""
        centre = self.law(parameters)
        gradient, jacobian = np.empty(parameters.size), []
        for k, shift in enumerate(STEP * np.eye(parameters.size)):
            above, below = self.law(parameters + shift), self.law(parameters - shift)
            gradient[k] = self.recorded.gain(above, below) / (2.0 * STEP)
            jacobian.append((above.log_density - below.log_density) / (2.0 * STEP))
        weighted = np.array(jacobian) * np.sqrt(self.recorded.reduced.switches * centre.mass)
        return gradient - self._doubt() * parameters, weighted @ weighted.T + np.diag(self._doubt())

    def climb(self, values: Mapping[str, float] | None = None, tolerance: float = TOLERANCE) -> Maximum:
        """Return the maximum, from these values or from the start, to this gain in ln L."""
        begin = self.parameters(self.first() if values is None else values)
        if begin.size == 0:
            return Maximum(begin, self.value(begin), 0, True)
        found = maximise(self.value, self.slope, begin, tolerance=tolerance)
        return found if found.converged else self._at_bound(found)

    def absent(self, parameters: NDArray[np.float64]) -> set[str]:
        """Return the free nuisances that are none, as far as a logarithm can say so."""
        values = self.values(parameters)
        return {name for name in ADDED if name in self.free and values[name] < self.none(name)}

    def none(self, name: str) -> float:
        """Return what stands for none of an added parameter, in its unit."""
        return ABSENT[name] * (self.recorded.scale if UNITS[name] == "A" else 1.0)

    def _at_bound(self, found: Maximum) -> Maximum:
        """Return a maximum that was not found as one at which nuisances are none, if it is no lower there."""
        absent = self.absent(found.parameters)
        space = self
        for name in absent:
            space = space.fixing(name, 0.0)
        if not absent or not space.free:
            return found
        values = self.values(found.parameters)
        other = space.climb(values)
        least = {name: 1e-2 * self.none(name) for name in absent}
        parameters = self.parameters({**space.values(other.parameters), **least})
        value = self.value(parameters)
        if other.converged and value > found.value - BOUND_LOSS:
            return Maximum(parameters, value, found.steps + other.steps, True)
        return found

    def fixing(self, name: str, value: float) -> NamedSpace:
        """Return the same with one parameter fixed."""
        fixed = {**self.fixed, name: value}
        free = tuple(other for other in self.free if other != name)
        return NamedSpace(self.recorded, self.estimate, self.model, self.start, fixed, free)

    def _doubt(self) -> NDArray[np.float64]:
        """Return the weight of a prior so wide that it decides nothing, but ends a climb along a flat valley."""
        return np.array([WIDE**-2 if name in ("capacitance", "resistance") else 0.0 for name in self.free])

    def _depth(self, values: Mapping[str, float]) -> float:
        """Return the factor on ΔU/k_B T at the mode that makes up for another capacitance in the attempt frequency."""
        if "capacitance" not in self.free:
            return 1.0
        junction = junction_of(self.estimate, self.recorded.centre + self.distance)
        depth = float(junction.barrier(self.recorded.centre)) / (Boltzmann * self.start.temperature)
        change = 0.5 * math.log(values["capacitance"] / self.estimate.capacitance)
        return max(1.0 - change / max(depth, 1.0), 0.05)

    def _log_relative(self, values: Mapping[str, float]) -> float:
        """Return how much farther than at first the critical current lies, if it is free."""
        if "critical_current" not in self.free:
            return 0.0
        first = self.first()["critical_current"] - self.recorded.centre
        return math.log((values["critical_current"] - self.recorded.centre) / first)
