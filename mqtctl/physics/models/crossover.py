"""The single formulas from which `Escape` is joined, for comparison and for the literature's numbers.

`QuantumCorrectedThermal`
    (wR/2 pi) f_q exp(-u): above about 1.3 T0; 0.3 too high at 1.2 T0 and infinite at T0 (N = 2).
`CrossoverFormula`
    The erfc formula: within about 10 % of T0 above it, with an error of +0.3 at N = 2; wrong below 0.9 T0.
`PeriodicBounce`
    Bounce and fluctuation determinant at finite temperature: below about 0.8 T0; its prefactor is infinite at T0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

from mqtctl.physics.bounce.quantum_correction import log_quantum_correction
from mqtctl.physics.bounce.table import bounce_at
from mqtctl.physics.models.protocol import WellModel, WellState
from mqtctl.physics.models.tunneling import damping_criterion, quantum_criteria
from mqtctl.physics.models.validity import Criterion

__all__ = ["CrossoverFormula", "PeriodicBounce", "QuantumCorrectedThermal"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class QuantumCorrectedThermal(WellModel):
    """Thermal escape with the quantum correction of well and barrier, (wR/2 pi) f_q exp(-u); +inf at T <= T0.

    Source: Wolynes, PRL 47, 968 (1981), eq. 12 [M]; Grabert and Weiss, PRL 53, 1787 (1984), eq. 6 [M].
    """

    def log_correction_in(self, well: WellState) -> FloatArray:
        """Return ln f_q (Grabert and Weiss 1984, eq. 6 [M])."""
        hot = np.maximum(well.temperature_ratio, 1.0 + 1e-12)
        return np.where(well.temperature_ratio <= 1.0, np.inf, log_quantum_correction(well.damping, hot))

    def log_rate_in(self, well: WellState) -> FloatArray:
        """Return ln[(wR/2 pi) f_q] - u (Grabert and Weiss 1984, eq. 6 [M])."""
        thermal = well.log_attempt_rate + np.log(well.kramers_factor)
        with np.errstate(invalid="ignore"):
            total = thermal + self.log_correction_in(well) - well.reduced_barrier
        return np.where(well.temperature_ratio <= 1.0, np.inf, total)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for the correction to stay moderate."""
        diverging = "the correction diverges at T0, take Escape"
        return (*quantum_criteria(well), Criterion("T/T0", well.temperature_ratio, 1.3, np.inf, diverging))


@dataclass(frozen=True)
class CrossoverFormula(WellModel):
    """The leading uniform formula around T0: the factor that diverges becomes (pi k)^(1/2) exp(k l^2) erfc(l k^(1/2)).

    l = (nu^2 + g nu)/wp^2 - 1, k = 13.5 u/(4 B4), B4 = 9/2 - 9/(4 l2), l2 = 4 nu0^2 + 2 g nu0 - 1 in units of
    wp at nu0 = wR; prefactor min(wR, nu)/2 pi. Source: Grabert and Weiss, PRL 53, 1787 (1984), eq. 12 [M];
    Larkin and Ovchinnikov, JETP 59, 420 (1984) [M].
    """

    _smooth = False  # min(wR, nu)

    def log_rate_in(self, well: WellState) -> FloatArray:
        """Return ln Gamma (Grabert and Weiss 1984, eq. 12 [M]); far below T0 meaningless, at T = 0 -inf."""
        factor, damping = well.kramers_factor, well.damping
        ratio = np.maximum(well.temperature_ratio, 0.5001)
        fundamental = factor * ratio
        first = fundamental**2 + damping * fundamental
        second = 4.0 * factor**2 + 2.0 * damping * factor - 1.0
        stiffness = 13.5 * well.reduced_barrier / (4.0 * (4.5 - 2.25 / second))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            argument = (first - 1.0) * np.sqrt(stiffness)
            # log of exp(a^2) erfc(a), safe for large negative a
            log_scaled = np.where(argument > -5.0, np.log(erfcx(np.maximum(argument, -5.0))), argument**2 + np.log(2.0))
            # f_q without its n = 1 factor, whose numerator 1 + first stays
            rest = log_quantum_correction(damping, ratio, first=2) + np.log1p(first)
            log_rate = np.log(well.frequency * np.minimum(factor, fundamental) / (2.0 * np.pi))
            total = log_rate + rest + 0.5 * np.log(np.pi * stiffness) + log_scaled - well.reduced_barrier
        return np.asarray(np.where(well.temperature > 0.0, total, -np.inf))

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the narrow range around T0 in which the formula may stand."""
        local = "the formula is an expansion about T0, take Escape"
        near = Criterion("T/T0", well.temperature_ratio, 0.95, 1.3, local)
        return (*quantum_criteria(well), damping_criterion(well), near)


@dataclass(frozen=True)
class PeriodicBounce(WellModel):
    """Tunnelling at 0 < T < T0 with action and fluctuation determinant of the periodic bounce; NaN at T >= T0.

    Source: Grabert, Weiss and Hanggi, PRL 52, 2193 (1984), eq. 3 [M]; Larkin and Ovchinnikov, JETP 59, 420 (1984) [M].
    """

    def log_rate_in(self, well: WellState) -> FloatArray:
        """Return ln[wp sqrt(N) a(T) exp(-N b(T))] (Grabert, Weiss and Hanggi 1984, eq. 3 [M])."""
        arrays = np.broadcast_arrays(well.quanta, well.kramers_factor, well.temperature_ratio)
        quanta, factor, ratio = (array.ravel() for array in arrays)
        bounce = bounce_at(factor, np.minimum(ratio, 1.0))
        value = bounce.log_prefactor + 0.5 * np.log(quanta) - quanta * bounce.action
        below = np.where(ratio < 1.0, value, np.nan).reshape(arrays[0].shape)
        return np.asarray(np.log(well.frequency) + below)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for a bounce well separated from the barrier top."""
        small = "the bounce shrinks into the barrier top, take Escape"
        near = Criterion("T/T0", well.temperature_ratio, 0.0, 0.8, small)
        return (*quantum_criteria(well), damping_criterion(well), near)
