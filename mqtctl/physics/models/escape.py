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
`Tunneling`, exactly; T -> large is `MelnikovMeshkov(finite_barrier=True)`, to 2e-4, or without depletion `Kramers`,
exactly.

Depletion multiplies that by Y, ln Y = W G: G of the quantum turnover (`depletion.log_loss`), W the share of the rate
that goes over the top, where the well is depleted,

    W = exp(-u) (kappa/2 pi) f_q sin(a/2)/(a/2) / (Gamma/wp),   a = 2 pi T0/T.

Above 1.9 T0 that is the theory itself, W = sin(a/2)/(a/2). Its loss Gamma (1 - Y) is finite at T0, where the f_q in it
diverges, and W is what makes that loss, to first order, the same on top of the uniform rate. Below T0 W falls as
exp(N b - u); below 0.82 T0 it is switched off smoothly with the last two terms, so that tunnelling is untouched. How
good that is near T0: see `Escape`.

Against the undamped junction (average
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
from scipy.special import erfcx, gammaln

from mqtctl.physics.bounce.quantum_correction import log_quantum_correction
from mqtctl.physics.bounce.table import BouncePoint, bounce_at, smooth_step
from mqtctl.physics.models.depletion import HIGHEST_RATIO, log_loss
from mqtctl.physics.models.next_order import FiniteBarrier, check_finite_barrier, next_order
from mqtctl.physics.models.protocol import WellModel, WellState
from mqtctl.physics.models.thermal import energy_loss_near_top, full_well_criterion
from mqtctl.physics.models.tunneling import damping_criterion, quantum_criteria
from mqtctl.physics.models.validity import Criterion

__all__ = ["Escape"]

FloatArray = NDArray[np.float64]

_BLEND_LOW, _BLEND_HIGH = 1.4, 1.9  # T/T0
_DEPLETION = 0.62, 0.82  # T/T0 between which the share that goes over the top is switched on
_FLOOR = 0.2  # relative size below which the remainder may not bring the rate: far outside validity only


@dataclass(frozen=True)
class Escape(WellModel):
    """Escape at any temperature: tunnelling, crossover and quantum-corrected thermal activation, with ohmic damping.

    The barrier is taken as cubic in its quantum part, with exact height and frequency. Contains depletion of the well
    by escape unless told otherwise.

    Sources: Grabert, Weiss and Hanggi, PRL 52, 2193 (1984), eq. 3 [M] (bounce at finite T); Grabert and
    Weiss, PRL 53, 1787 (1984), eqs. 6 and 12 [M] (above and through the crossover). How they are joined:
    module docstring.

    Parameters
    ----------
    depletion
        Include the depletion of the well by escape (default), in the classical limit the factor A(7.2 u/Q) of
        Mel'nikov and Meshkov (J. Chem. Phys. 85, 1018 (1986), eq. 3.21 [M]), towards T0 that of the quantum
        turnover (RMP 62, 251 (1990) [M]; `depletion`), and nothing in the cold; the module docstring has the formula.
        Within 0.06 of the exact classical rate (Klein-Kramers, u = 5 and 10, Q = 0.3 to 100). From 0.7 to 1.5 T0
        within 0.03 of the balance of
        one swing with the next for the cubic barrier's own transmission (N = 2 and 5, Q = 10 to 100), within 0.12 at
        Q = 1000; in weaker damping near T0 it is not known: `validity` says so from Q = 300 on.
        False: a well that stays full, which needs 7.2 u/Q above about 5. Without damping (R infinite, or not known)
        nothing would refill the well and no theory gives a rate: it is then taken as full, and `validity` says so.
    finite_barrier
        When to include the next order in 1/N, -169/(864 N) in ln Gamma below 0.7 T0, going to 0 at 1.6 T0: "few
        quanta" (default: below N = 3, by what it grows from there), "always" or "never"; see `next_order`. `Tunneling`
        has the same parameter and default.
    """

    depletion: bool = True
    finite_barrier: FiniteBarrier = "few quanta"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_finite_barrier(self.finite_barrier)

    @property
    def contains_depletion(self) -> bool:  # type: ignore[override]  # of the others it is a property of the class
        """Whether the rate contains the depletion of the well by escape."""
        return self.depletion

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln Gamma, uniform through the crossover (Grabert and Weiss 1984, eqs. 6 and 12 [M])."""
        arrays = np.broadcast_arrays(well.quanta, well.kramers_factor, well.temperature_ratio, well.damping)
        quanta, factor, ratio, damping = (array.ravel() for array in arrays)
        log_factor = log_rate_in_plasma_units(quanta, factor, ratio, damping)
        log_rate = np.log(well.frequency) + log_factor.reshape(arrays[0].shape)
        if self.depletion:
            loss = np.broadcast_to(energy_loss_near_top(well), arrays[0].shape).ravel()
            depletion = log_depletion(quanta, factor, ratio, damping, loss, log_factor)
            log_rate = log_rate + depletion.reshape(arrays[0].shape)
        return np.asarray(log_rate + next_order(well.quanta, self.finite_barrier, well.temperature_ratio))

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for the joined rate; those on depletion and noise count only above T0."""
        hot = well.temperature_ratio > 1.0
        with np.errstate(divide="ignore", over="ignore"):
            coupling = well.josephson_energy / (k * well.temperature)
            quality = 1.0 / well.damping
        loss = full_well_criterion(well)
        immune = ~hot | (self.depletion & (well.damping > 0.0))
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
            Criterion(
                "quality factor Q near T0",
                np.where(
                    self.depletion & (well.damping > 0.0) & (np.abs(well.temperature_ratio - 1.1) < 0.4), quality, 1.0
                ),
                0.0,
                300.0,
                "depletion at the crossover is more than 0.1 in ln Gamma uncertain",
            ),
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


def log_depletion(
    quanta: FloatArray,
    factor: FloatArray,
    ratio: FloatArray,
    damping: FloatArray,
    loss: FloatArray,
    log_rate: FloatArray,
) -> FloatArray:
    """Return ln Y for flat arrays of N, kappa, T/T0, 1/Q, D and the ln(Gamma/wp) of a full well (Mel'nikov [M])."""
    result = np.zeros(quanta.shape)
    there = (ratio > _DEPLETION[0]) & (damping > 0.0)
    if not there.any():
        return result
    quanta, factor, ratio, damping, loss, log_rate = (
        array[there] for array in (quanta, factor, ratio, damping, loss, log_rate)
    )
    inverse = 1.0 / ratio
    # f_q sin(a/2)/(a/2), in which the pole of the factor n = 1 has cancelled
    first = (factor * ratio) ** 2 + factor * ratio * damping
    finite = log_quantum_correction(damping, ratio, first=2) + np.log1p(first)
    finite -= gammaln(1.0 + inverse) + gammaln(2.0 - inverse) + np.log(ratio * (factor**2 * ratio + 1.0))
    over = np.log(factor / (2.0 * np.pi)) + finite - 2.0 * np.pi * quanta / (factor * ratio)
    share = smooth_step(ratio, *_DEPLETION) * np.exp(np.minimum(over - log_rate, 0.0))
    result[there] = np.where(share > 0.0, share * log_loss(np.minimum(inverse, HIGHEST_RATIO), loss), 0.0)
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
