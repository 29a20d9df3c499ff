"""Thermal escape over the barrier, Gamma = a_t (wp / 2 pi) exp(-dU / kT).

Which one to use when:

`TransitionState` (a_t = 1)
    Needs no resistance; the convention in which most published escape temperatures are stated. An upper
    bound of the classical rate: high by 1/a_t below, for a typical junction 0.2 to 0.5 in ln Gamma.
`Kramers`
    Moderate to strong damping, Q < u = dU/kT: then exact to O(1/u). Too high in weak damping, where the well is
    depleted near its top: by 0.13 in ln Gamma at 7.2 u/Q = 5, by 0.44 at 2, by 1.1 at 0.6.
`MelnikovMeshkov`
    Any damping: Kramers times the depletion factor A(7.2 u/Q). The best classical formula; tends to Kramers in
    strong and to energy diffusion in weak damping. Error O(1/u), about 0.05 at u = 10.
`ButtikerHarrisLandauer`
    The formula used in many papers; good for Q > 30. Below that its a_t exceeds Kramers' bound
    (by 10 % at Q = 10, 75 % at Q = 2, u = 10, a = 1.4738).

All are classical: below about 3 T0 quantum corrections matter (ln Gamma 0.37 higher at 3 T0), see `Escape`.
Equation numbers marked [M] are quoted from memory: see docs/references.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.constants import k

from mqtctl.errors import InputError
from mqtctl.physics.models.protocol import WellModel, WellState
from mqtctl.physics.models.validity import Criterion

__all__ = ["ButtikerHarrisLandauer", "Kramers", "MelnikovMeshkov", "TransitionState", "log_depletion_factor"]

# Constants a of the energy-diffusion formula: fitted by its authors, exact for a cubic barrier at small
# damping (pi / zeta(1/2)^2), and left out.
_CONSTANTS = {"fitted": 1.4738, "exact": 1.4731035663987004, "unity": 1.0}


@dataclass(frozen=True)
class TransitionState(WellModel):
    """Transition-state theory, a_t = 1: ln Gamma = ln(wp / 2 pi) - dU / kT.

    Source: Kramers, Physica 7, 284 (1940), eq. 24 [M]; for junctions Fulton and Dunkelberger, PRB 9, 4760
    (1974), eq. 3 [M]. Without depletion. Validity: u = dU/kT above about 3 and T above about 3 T0.

    """

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln(wp / 2 pi) - u (Kramers 1940, eq. 24 [M])."""
        return np.asarray(well.log_attempt_rate - well.reduced_barrier)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for classical activation."""
        return classical_criteria(well)


@dataclass(frozen=True)
class Kramers(WellModel):
    """Kramers' rate for moderate to strong damping, a_t = wR/wp = (1 + 1/4Q^2)^(1/2) - 1/2Q.

    Source: Kramers, Physica 7, 284 (1940), eq. 25 [M]. Without depletion. Validity: 7.2 u/Q well above
    1; at Q = 30 and u = 10 it is 0.37 too high in ln Gamma (see `MelnikovMeshkov`).
    """

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln(wR / 2 pi) - u (Kramers 1940, eq. 25 [M])."""
        return np.asarray(well.log_attempt_rate + np.log(well.kramers_factor) - well.reduced_barrier)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for classical activation from a well that stays full."""
        return (*classical_criteria(well), full_well_criterion(well))


@dataclass(frozen=True)
class ButtikerHarrisLandauer(WellModel):
    """Low to moderate damping, a_t = 4a / [(1 + a Q / 1.8 u)^(1/2) + 1]^2.

    Source: Buttiker, Harris and Landauer, PRB 28, 1268 (1983), eq. 3.11 [M]. Contains depletion. Validity:
    Q above about 30; for Q < a few a_t -> a > 1, which no classical rate can reach. An undamped junction has rate 0.

    Parameters
    ----------
    constant
        "fitted": a = 1.4738 of the paper [M]; "exact": pi / zeta(1/2)^2 = 1.47310, the true limit of small
        damping; "unity": a = 1; or any number > 0.
    """

    contains_depletion: ClassVar[bool] = True

    constant: Literal["fitted", "exact", "unity"] | float = "fitted"

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.constant, str):
            if self.constant not in _CONSTANTS:
                raise InputError(
                    f"constant is {self.constant!r}; it must be 'fitted', 'exact', 'unity' or a number > 0"
                )
        elif not 0.0 < self.constant < np.inf:
            raise InputError(f"constant is {self.constant}; it must be 'fitted', 'exact', 'unity' or a number > 0")

    @property
    def a(self) -> float:
        """The number behind `constant`."""
        return _CONSTANTS[self.constant] if isinstance(self.constant, str) else float(self.constant)

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln(a_t wp / 2 pi) - u (Buttiker, Harris and Landauer 1983, eq. 3.11 [M])."""
        exponent = well.reduced_barrier
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            friction = np.where(well.damping > 0.0, exponent * well.damping, 0.0)
            root = np.sqrt(1.0 + self.a / (1.8 * friction))
            log_prefactor = np.log(4.0 * self.a) - 2.0 * np.log1p(root)
        return np.asarray(well.log_attempt_rate + log_prefactor - exponent)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for classical activation in weak damping."""
        with np.errstate(divide="ignore"):
            quality = 1.0 / well.damping
        too_high = "its prefactor exceeds that of Kramers, take MelnikovMeshkov"
        return (*classical_criteria(well), Criterion("quality factor Q", quality, 30.0, np.inf, too_high))


@dataclass(frozen=True)
class MelnikovMeshkov(WellModel):
    """The turnover for any damping: Kramers' rate times the depletion factor A(7.2 u / Q).

    ln A(D) = (1/2pi) int dl ln[1 - exp(-D (l^2 + 1/4))] / (l^2 + 1/4), D the energy lost on one swing
    in units of kT. Contains depletion. Source: Mel'nikov and Meshkov, J. Chem. Phys. 85, 1018 (1986), eq. 3.21
    [M]; Hanggi, Talkner and Borkovec, RMP 62, 251 (1990), eq. 6.18 [M]. 7.2 u/Q is the loss at the top of a cubic well
    in weak damping. An undamped junction has rate 0: without damping nothing refills the well.

    Parameters
    ----------
    finite_barrier
        Take the loss where the escaping junctions are, some kT around the top, instead of at the top itself
        (`energy_loss_near_top`): next order in 1/u, with which the rate is within 0.07 of the exact one from u = 5 on
        for Q up to 100 (without it 0.18 too high at u = 5, Q = 100). False (default): the published formula.
    """

    contains_depletion: ClassVar[bool] = True

    finite_barrier: bool = False

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln(A wR / 2 pi) - u (Mel'nikov and Meshkov 1986, eq. 3.21 [M])."""
        loss = energy_loss_near_top(well) if self.finite_barrier else energy_loss(well)
        log_prefactor = np.log(well.kramers_factor) + log_depletion_factor(loss)
        return np.asarray(well.log_attempt_rate + log_prefactor - well.reduced_barrier)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for classical activation."""
        return classical_criteria(well)


def energy_loss(well: WellState) -> NDArray[np.float64]:
    """Return D = 7.2 u/Q, the energy lost on one swing at the top of a cubic well, in kT (Mel'nikov 1986 [M])."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.where(well.damping > 0.0, 7.2 * well.reduced_barrier * well.damping, 0.0))


def energy_loss_near_top(well: WellState) -> NDArray[np.float64]:
    """Return D/(1 + [ln(1 + 432 u) + C]/(7.2 u)), the loss with which depletion is right at a finite barrier, in kT.

    An orbit E below the top of a cubic well loses less by the share (E/7.2 dU) [1 + ln(432 dU/E)], from the period
    ln(432 dU/E)/wp; in weak damping 1/D counts with its average over exp(-E/kT), and C = 0.577 is Euler's constant
    (energy diffusion: Kramers, Physica 7, 284 (1940), eq. 28 [M]).
    """
    exponent = well.reduced_barrier
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = np.where(np.isfinite(exponent), (np.log1p(432.0 * exponent) + np.euler_gamma) / (7.2 * exponent), 0.0)
    return np.asarray(energy_loss(well) / (1.0 + excess))


def classical_criteria(well: WellState) -> tuple[Criterion, ...]:
    """Return the conditions that every classical rate needs."""
    with np.errstate(divide="ignore", over="ignore"):
        coupling = well.josephson_energy / (k * well.temperature)
    return (
        Criterion("dU/kT", well.reduced_barrier, 3.0, np.inf, "the barrier does not hold the junction"),
        Criterion("E_J/kT", coupling, 1.0, np.inf, "thermal noise leaves no zero-voltage state"),
        Criterion(
            "T/T0", well.temperature_ratio, 3.0, np.inf, "quantum corrections exceed 0.37 in ln Gamma, take Escape"
        ),
    )


FULL_WELL = "energy loss per swing 7.2 u/Q"


def full_well_criterion(well: WellState) -> Criterion:
    """Return the condition that damping refills the well faster than escape empties its top."""
    depleted = "the well is depleted at its top and the rate lower (0.44 in ln Gamma at 2), see MelnikovMeshkov"
    return Criterion(FULL_WELL, energy_loss(well), 5.0, np.inf, depleted)


def log_depletion_factor(loss: ArrayLike) -> NDArray[np.float64]:
    """Return ln A(D) for D >= 0 (Mel'nikov and Meshkov, J. Chem. Phys. 85, 1018 (1986), eq. 3.21 [M]).

    -inf at D = 0, 0 at infinity.

    With l = tan(phi)/2 the integral becomes ln D + (2/pi) int_0^{pi/2} ln[(1 - exp(-y))/y] dphi, y = D/(4 cos^2 phi).
    ln(A/D) is smooth in sqrt(D): a Chebyshev series made once by 4000-point quadrature, good to 1e-12.
    """
    loss_array = np.asarray(loss, dtype=np.float64)
    root = np.sqrt(loss_array)
    inner = np.minimum(root, _ROOT_LIMIT)
    ratio = chebyshev.chebval(2.0 * inner / _ROOT_LIMIT - 1.0, _depletion_series())
    with np.errstate(divide="ignore"):
        value = np.log(inner * inner) + ratio
    return np.asarray(np.where(root >= _ROOT_LIMIT, 0.0, value))[()]


_ROOT_LIMIT = 10.5  # D = 110: 1 - A < 1e-12


@lru_cache(maxsize=1)
def _depletion_series() -> NDArray[np.float64]:
    """Return the Chebyshev coefficients of ln(A/D) over 0 <= sqrt(D) <= 10.5."""
    nodes = np.cos(np.pi * (np.arange(96) + 0.5) / 96)
    loss = (0.5 * _ROOT_LIMIT * (nodes + 1.0)) ** 2
    # tanh-sinh in phi: the integrand has a logarithmic end at phi = pi/2 when D is small
    t = np.linspace(-3.6, 3.6, 4001)
    stretch = 0.5 * np.pi * np.sinh(t)
    cosine = np.sin(0.5 * np.pi / (1.0 + np.exp(2.0 * stretch)))  # cos(phi), phi = (pi/2) / (1 + exp(-2 stretch))
    weight = 0.5 * np.pi * 0.5 / np.cosh(stretch) ** 2 * 0.5 * np.pi * np.cosh(t) * (t[1] - t[0])
    y = loss[:, None] / (4.0 * np.maximum(cosine, 1e-150)[None, :] ** 2)
    integrand = np.log(-np.expm1(-y)) - np.log(y)
    values = (2.0 / np.pi) * integrand @ weight
    return np.asarray(chebyshev.chebfit(nodes, values, 80))
