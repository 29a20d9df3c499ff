"""One escape rate for every temperature, damping and bias current: bounce, crossover and thermal escape in one formula.

Leading semiclassics gives two contributions: the bounce, sqrt(N) a exp(-N b), which exists below T0, and
escape over the barrier, (kappa/2 pi) f_q exp(-u), whose factor f_q diverges at T0. Close to T0 neither is
right. The uniform expansion of the underlying integral (a saddle point that passes through the end point of its range;
Bleistein, Comm. Pure Appl. Math. 19, 353 (1966), eq. 2.11 [M]) joins them without any freedom:

    Gamma/wp = exp(-u) { sqrt(N) a erfcx(D)/2 + (kappa/2 pi) f_q - a / (2 sqrt(pi) d) },   D = d sqrt(N),
    d = sign(T - T0) sqrt(u/N - b)

with the bounce's action b and prefactor a continued analytically beyond T0. The last two terms share the pole at T0 and
their sum is finite there. Near T0 it reduces to the erfc formula of Grabert and Weiss (PRL 53, 1787 (1984),
eq. 12 [M]; Larkin and Ovchinnikov [M]) plus the next order, which that formula lacks (it is 0.3 too high in
ln Gamma at N = 2).

Stated rules: below 0.82 T0 the last two terms are switched off smoothly, being smaller than exp(-2) of the
first; between 1.4 and 1.9 T0 ln Gamma goes over to ln[(kappa wp/2 pi) f_q] - u, which alone is used above. T -> 0 is
`Tunneling`, T -> large is `Kramers`, exactly. Against the undamped junction (average
over exact levels up to 0.8 T0, uniform WKB above) this leading order is high by 0.12 at N = 2, 0.08 at N = 3, 0.05 at
N = 5 in ln Gamma, and by half of that at T0. What is left is the next order in 1/N, which is included where N is below
3 (`next_order`): the result is then within 0.09 from N = 1.8 on. It rises with T but for 1e-9 of table noise where
it is flat. Below N of about 1 no formula holds; the result stays finite and smooth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.constants import k
from scipy.special import erfcx

from mqtctl.physics.bounce.quantum_correction import log_quantum_correction
from mqtctl.physics.bounce.table import BouncePoint, bounce_at, smooth_step
from mqtctl.physics.models.next_order import FiniteBarrier, check_finite_barrier, next_order
from mqtctl.physics.models.protocol import WellModel, WellState
from mqtctl.physics.models.thermal import energy_loss, full_well_criterion, log_depletion_factor
from mqtctl.physics.models.tunneling import damping_criterion, quantum_criteria
from mqtctl.physics.models.validity import Criterion

__all__ = ["Escape"]

FloatArray = NDArray[np.float64]

_BLEND_LOW, _BLEND_HIGH = 1.4, 1.9  # T/T0
_DEPLETION = 0.6, 1.6  # T/T0
_FLOOR = 0.2  # relative size below which the remainder may not bring the rate: far outside validity only


@dataclass(frozen=True)
class Escape(WellModel):
    """Escape at any temperature: tunnelling, crossover and quantum-corrected thermal activation, with ohmic damping.

    The well is taken to be in thermal equilibrium (no depletion by escape, which needs 7.2 u/Q above about 5) and the
    barrier as cubic in its quantum part, with exact height and frequency.

    Sources: Grabert, Weiss and Hanggi, PRL 52, 2193 (1984), eq. 3 [M] (bounce at finite T); Grabert and
    Weiss, PRL 53, 1787 (1984), eqs. 6 and 12 [M] (above and through the crossover). How they are joined:
    module docstring.

    Parameters
    ----------
    depletion
        Multiply by the depletion factor A(7.2 u/Q) of Mel'nikov and Meshkov (J. Chem. Phys. 85, 1018 (1986),
        eq. 3.21 [M]), switched on smoothly from 0.6 to 1.6 T0, so that the limit of high temperature is
        `MelnikovMeshkov` instead of `Kramers`. How depletion sets in at the crossover is not settled: that switch
        is a choice. Without damping nothing refills the well and the factor is 0.
    finite_barrier
        When to include the next order in 1/N, -169/(864 N) in ln Gamma below 0.7 T0, going to 0 at 1.6 T0: "few
        quanta" (default: below N = 3, by what it grows from there), "always" or "never"; see `next_order`. `Tunneling`
        has the same parameter and default.
    """

    depletion: bool = False
    finite_barrier: FiniteBarrier = "few quanta"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_finite_barrier(self.finite_barrier)

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln Gamma, uniform through the crossover (Grabert and Weiss 1984, eqs. 6 and 12 [M])."""
        arrays = np.broadcast_arrays(well.quanta, well.kramers_factor, well.temperature_ratio, well.damping)
        quanta, factor, ratio, damping = (array.ravel() for array in arrays)
        log_factor = log_rate_in_plasma_units(quanta, factor, ratio, damping)
        log_rate = np.log(well.frequency) + log_factor.reshape(arrays[0].shape)
        if self.depletion:
            weight = smooth_step(well.temperature_ratio, *_DEPLETION)
            with np.errstate(invalid="ignore"):
                log_rate = log_rate + np.where(weight > 0.0, weight * log_depletion_factor(energy_loss(well)), 0.0)
        return np.asarray(log_rate + next_order(well.quanta, self.finite_barrier, well.temperature_ratio))

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for the joined rate; those on depletion and noise count only above T0."""
        hot = well.temperature_ratio > 1.0
        with np.errstate(divide="ignore", over="ignore"):
            coupling = well.josephson_energy / (k * well.temperature)
        loss = full_well_criterion(well)
        immune = ~hot | (well.damping == 0.0) | self.depletion
        few, far = quantum_criteria(well)
        classical = well.temperature_ratio > 3.0  # there the quantum part of the formula is a small correction
        return (
            replace(few, value=np.where(classical, np.inf, few.value)),
            replace(far, value=np.where(classical, 0.0, far.value)),
            damping_criterion(well),
            Criterion(
                "dU/kT",
                np.where(hot, well.reduced_barrier, np.inf),
                3.0,
                np.inf,
                "the barrier does not hold the junction",
            ),
            Criterion("E_J/kT", coupling, 1.0, np.inf, "thermal noise leaves no zero-voltage state"),
            Criterion(loss.name, np.where(immune, np.inf, loss.value), loss.low, loss.high, loss.consequence),
        )


def log_rate_in_plasma_units(
    quanta: FloatArray, factor: FloatArray, ratio: FloatArray, damping: FloatArray
) -> FloatArray:
    """Return ln(Gamma/wp) for flat arrays of N, kappa = wR/wp, theta = T/T0 and g = 1/Q."""
    if ratio.size and ratio.min() >= _BLEND_HIGH:
        return _thermal(quanta, factor, ratio, damping)
    result = np.empty(quanta.shape)
    quantum = ~(ratio >= _BLEND_HIGH)
    result[quantum] = _uniform(quanta[quantum], factor[quantum], ratio[quantum])
    hot = ratio > _BLEND_LOW
    if hot.any():
        weight = smooth_step(ratio[hot], _BLEND_LOW, _BLEND_HIGH)
        thermal = _thermal(quanta[hot], factor[hot], ratio[hot], damping[hot])
        cold = np.where(weight < 1.0, result[hot], 0.0)
        result[hot] = np.where(weight < 1.0, cold + weight * (thermal - cold), thermal)
    return result


def _thermal(quanta: FloatArray, factor: FloatArray, ratio: FloatArray, damping: FloatArray) -> FloatArray:
    """Return ln[(kappa/2 pi) f_q] - u."""
    exponent = 2.0 * np.pi * quanta / (factor * ratio)
    return np.asarray(np.log(factor / (2.0 * np.pi)) + log_quantum_correction(damping, ratio) - exponent)


def _uniform(quanta: FloatArray, factor: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return ln of the uniform formula, for theta up to 2."""
    bounce = bounce_at(factor, ratio)
    root = np.sqrt(quanta)
    gap = np.abs(bounce.root_gap) * root
    below = ratio < 1.0
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        decay = np.exp(-gap * gap)
        scaled = 0.5 * erfcx(gap)
        saddle = np.where(below, 1.0 - decay * scaled, scaled)  # erfc(-D)/2 below T0, erfcx(D)/2 above
        end = bounce.remainder / root * np.where(below, decay, 1.0)
        exponent = quanta * np.where(below, bounce.action, 2.0 * np.pi / (factor * ratio))
    total = _kept_positive(saddle, end, bounce, root)
    return np.asarray(bounce.log_prefactor + np.log(root * total) - exponent)


def _kept_positive(saddle: FloatArray, end: FloatArray, bounce: BouncePoint, root: FloatArray) -> FloatArray:
    """Return saddle + end, kept positive where the expansion has broken down (N below about 1).

    The scale of what is right is the saddle's share below T0 and its parallel sum with the thermal share above.
    """
    total = saddle + end
    if np.all(total > 0.25 * saddle):
        return total
    with np.errstate(divide="ignore", invalid="ignore"):
        thermal = (bounce.remainder + 0.5 / (np.sqrt(np.pi) * bounce.root_gap)) / root
        parallel = saddle * thermal / (saddle + thermal)
    reference = np.where((bounce.root_gap > 1e-6) & (thermal > 0.0), parallel, saddle)
    return reference * _floored(total / reference)


def _floored(value: FloatArray) -> FloatArray:
    """Return the value where it exceeds 0.2, and below a smooth continuation that stays above 0.067."""
    scaled = np.clip(value / _FLOOR, 0.0, 1.0)
    return np.where(value > _FLOOR, value, _FLOOR * (scaled + (1.0 - scaled) ** 3 / 3.0))
