"""The junction behind a seed, what its laboratory knows of it, and its switches: drawn, never stored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.physics import Escape, EscapeModel, Junction, NoiseTemperature, SwitchingDistribution
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp, Sweep

__all__ = ["Hidden", "hidden"]

#: Bath temperatures in units of the crossover temperature: two below it, three above three times it.
_BATHS = (0.4, 0.6, 0.9, 1.3, 2.0, 3.2, 4.5, 6.5)
_SWITCHES = 2000
_CAPACITANCE_ERROR, _RESISTANCE_ERROR = 0.02, 0.05
#: An instrument's current is read to a picoampere.
_DIGITS_OF_A = 12


@dataclass(frozen=True)
class Hidden:
    """A hidden junction and the night that was measured of it.

    Attributes
    ----------
    seed
        Everything else follows from it.
    junction
        The truth.
    noise_temperature
        Where the junction stays in K when the bath falls below, because of noise; 0: it follows the bath.
    ramp_rate
        In A/s.
    temperatures
        Bath in K, ascending, a histogram each.
    known
        What the laboratory knows of the junction before: a rough critical current, C and R with their errors.
    """

    seed: int
    junction: Junction
    noise_temperature: float
    ramp_rate: float
    temperatures: tuple[float, ...]
    known: JunctionEstimate

    @property
    def explanation(self) -> str:
        """What keeps the coldest histograms from narrowing: "tunnelling" or "noise"."""
        return "noise" if self.noise_temperature > 0.0 else "tunnelling"

    @property
    def law(self) -> EscapeModel:
        """What the junction escapes by, at a bath temperature."""
        return NoiseTemperature(Escape(), self.noise_temperature, 5.0) if self.noise_temperature > 0.0 else Escape()

    def distribution(self, temperature: float) -> SwitchingDistribution:
        """Return the law of the switching currents at a bath temperature in K."""
        return SwitchingDistribution(self.junction, temperature, self.ramp_rate, self.law)

    def currents(self) -> tuple[NDArray[np.float64], ...]:
        """Return the switching currents in A, shape (2000,) for each temperature: always the same ones."""
        random = np.random.default_rng((self.seed, 1))
        return tuple(
            np.round(self.distribution(bath).sample(_SWITCHES, random), _DIGITS_OF_A) for bath in self.temperatures
        )

    def sweep(self) -> Sweep:
        """Return the night as `mqtctl.analysis.fit_sweep` takes it."""
        ramp = MeasuredRamp(0.0, math.inf, self.ramp_rate, math.inf, 0.0)
        return Sweep(
            tuple(
                Histogram(currents, currents / self.ramp_rate, ramp, 0, bath, point=number, resolution=0.0)
                for number, (bath, currents) in enumerate(zip(self.temperatures, self.currents(), strict=True))
            ),
            self.known,
            f"hidden junction {self.seed}",
        )


def hidden(seed: int) -> Hidden:
    """Return the junction behind a seed.

    Raises
    ------
    InputError
        If the seed is no whole number of 0 or more.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"the seed is {seed!r}; it must be a whole number of 0 or more")
    random = np.random.default_rng((seed, 0))
    junction = Junction(
        critical_current=float(np.exp(random.uniform(*np.log((4e-6, 20e-6))))),
        capacitance=float(random.uniform(2e-12, 6e-12)),
        resistance=float(random.uniform(100.0, 400.0)),
    )
    noisy, excess = random.random() < 0.5, random.uniform(1.3, 2.2)
    read = 1.0 + random.normal(size=2) * (_CAPACITANCE_ERROR, _RESISTANCE_ERROR)
    capacitance, resistance = _rounded(junction.capacitance * read[0], 3), _rounded(junction.resistance * read[1], 3)
    crossover = float(junction.crossover_temperature(0.97 * junction.critical_current))
    return Hidden(
        seed=seed,
        junction=junction,
        noise_temperature=excess * crossover if noisy else 0.0,
        ramp_rate=_rounded(100.0 * junction.critical_current, 1),
        temperatures=tuple(round(factor * crossover, 3) for factor in _BATHS),
        known=JunctionEstimate(
            _rounded(junction.critical_current, 1),
            capacitance,
            resistance,
            capacitance_stderr=_rounded(_CAPACITANCE_ERROR * capacitance, 2),
            resistance_stderr=_rounded(_RESISTANCE_ERROR * resistance, 2),
        ),
    )


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits - 1}e}")
