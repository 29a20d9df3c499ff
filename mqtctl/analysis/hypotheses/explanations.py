"""The explanations that compete: a law of escape, and how the sample's temperature follows the bath's.

Two laws. *Quantum*: `Escape` with depletion, which contains tunnelling, crossover and quantum-corrected activation.
*Classical*: `MelnikovMeshkov`, activation alone. A classical law has no quantum correction f_q: the correction comes
from the same fluctuations as tunnelling, and a junction that has the one and not the other is a fiction. A noisy
junction that is otherwise quantum is among the explanations as well, with the quantum law.

The sample's temperature: T_eff^n = T^n + w U^n, with n = 1 for added noise, 2 for noise in quadrature (and for a sample
cooled through its leads, which has the same law), 3 to 8 for a sample decoupled from the thermometer; or free at each
cold point; or with w in proportion to the heat that the ramps give off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.hypotheses.evidence import Evidence

__all__ = ["COLDEST", "EXPLANATIONS", "TUNNELLING", "Hypothesis"]

COLDEST = 1e-5  # K: what stands for a bath at zero
EXPONENTS = (3.0, 8.0)
START_EXPONENT = 5.0


@dataclass(frozen=True)
class Hypothesis:
    """One explanation of a sweep.

    Attributes
    ----------
    name
        For people.
    cause
        What it makes of the plateau: "tunnelling", "thermal", "decoupled" or "heated".
    quantum
        Whether escape follows the quantum law, else the classical one.
    exponent
        n of T_eff^n = T^n + w U^n; nan where it is fitted; None where the sample is at the bath's temperature.
    by_heat
        Whether w is in proportion to the heat given off.
    free_temperatures, free_current
        Whether each cold point has a temperature of its own, and all of them another critical current.
    """

    name: str
    cause: str
    quantum: bool
    exponent: float | None = None
    by_heat: bool = False
    free_temperatures: bool = False
    free_current: bool = False

    @property
    def fitted_exponent(self) -> bool:
        """Whether n is fitted."""
        return self.exponent is not None and math.isnan(self.exponent)

    def names(self, evidence: Evidence) -> tuple[str, ...]:
        """Return the names of the parameters that this explanation has besides those that all share."""
        if self.free_temperatures:
            free = tuple(f"temperature_{place}" for place in evidence.free_temperature[0])
            return (*free, "current_shift") if self.free_current else free
        if self.exponent is None:
            return ()
        return ("excess", "exponent") if self.fitted_exponent else ("excess",)

    def start(self, evidence: Evidence, temperatures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where to start, from the escape temperatures of single histograms in K, shape (n,)."""
        if self.free_temperatures:
            free = np.log(np.maximum(temperatures[evidence.free_temperature[0]] / evidence.plateau, 1e-3))
            return np.append(free, 0.0) if self.free_current else free
        if self.exponent is None:
            return np.empty(0)
        exponent = START_EXPONENT if self.fitted_exponent else self.exponent
        coldest = float(evidence.bath.min()) / evidence.plateau
        excess = max(1.0 - coldest**exponent, 0.05)
        return np.array([excess, START_EXPONENT] if self.fitted_exponent else [excess])

    def bounds(self, evidence: Evidence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and highest values of these parameters."""
        number = len(self.names(evidence))
        low, high = np.full(number, -np.inf), np.full(number, np.inf)
        if self.exponent is not None:
            low[0] = 0.0
        if self.fitted_exponent:
            low[1], high[1] = EXPONENTS
        return low, high

    def temperatures(
        self, own: NDArray[np.float64], bath: NDArray[np.float64], evidence: Evidence
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the sample's temperature at each point, and how it changes.

        Parameters
        ----------
        own
            The parameters of `names`.
        bath
            True temperatures of the bath in K, shape (n,).

        Returns
        -------
        tuple
            T_eff in K, shape (n,); dT_eff/dT_bath, shape (n,); dT_eff/d own in K, shape (n_own, n).
        """
        bath = np.maximum(bath, COLDEST)
        slope = np.zeros((own.size, bath.size))
        if self.free_temperatures:
            places, own_place = np.flatnonzero(evidence.cold), evidence.free_temperature[1]
            result = bath.copy()
            result[places] = evidence.plateau * np.exp(own[own_place])
            slope[own_place, places] = result[places]
            return result, np.where(evidence.cold, 0.0, 1.0), slope
        if self.exponent is None:
            return bath, np.ones(bath.size), slope
        exponent = float(own[1]) if self.fitted_exponent else self.exponent
        ratio = bath / evidence.plateau
        weight = evidence.heat if self.by_heat else np.ones(bath.size)
        total = ratio**exponent + own[0] * weight
        result = evidence.plateau * total ** (1.0 / exponent)
        slope[0] = result / (exponent * total) * weight
        if self.fitted_exponent:
            slope[1] = result * (ratio**exponent * np.log(ratio) / total - np.log(total) / exponent) / exponent
        return result, (ratio * evidence.plateau / result) ** (exponent - 1.0), slope


TUNNELLING = Hypothesis("tunnelling", "tunnelling", quantum=True)
EXPLANATIONS = (
    TUNNELLING,
    Hypothesis("classical, added noise", "thermal", quantum=False, exponent=1.0),
    Hypothesis("classical, noise in quadrature", "thermal", quantum=False, exponent=2.0),
    Hypothesis("classical, decoupled sample", "decoupled", quantum=False, exponent=math.nan),
    Hypothesis("classical, heated by the ramps", "heated", quantum=False, exponent=math.nan, by_heat=True),
    Hypothesis("classical, free temperature of each cold point", "thermal", quantum=False, free_temperatures=True),
    Hypothesis(
        "classical, temperature and critical current of the cold points free",
        "thermal",
        quantum=False,
        free_temperatures=True,
        free_current=True,
    ),
    Hypothesis("quantum law, added noise", "thermal", quantum=True, exponent=1.0),
    Hypothesis("quantum law, noise in quadrature", "thermal", quantum=True, exponent=2.0),
    Hypothesis("quantum law, decoupled sample", "decoupled", quantum=True, exponent=math.nan),
)
