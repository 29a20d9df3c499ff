"""Escape by quantum tunnelling at T = 0, Gamma = a_q (wp / 2 pi) exp(-B).

Which one to use when:

`WeakDampingTunneling`
    B = 7.2 N (1 + 0.87/Q): the law in most papers. With damping only in the exponent it is too low by 1.43/Q
    in ln Gamma; below Q of about 5 its exponent is too small: 0.4 at Q = 2, 1.6 at Q = 1 in ln Gamma (N = 2).
`Tunneling`
    Any ohmic damping, 0.02 <= Q <= inf, exponent and prefactor from the numerical bounce.

N = dU/(hbar wp) of the tilted well. Both are leading semiclassics: for an undamped well the exact rate is
lower by 11 % at N = 2, 7 % at N = 3 and 4 % at N = 5 (`metastable_levels` gives it); `Tunneling` takes that into
account where N is below 3. Below N of about 1.2 they mean nothing. Temperatures are accepted and ignored, so that
these models can stand where others do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mqtctl.errors import InputError
from mqtctl.physics.bounce.closed_forms import action_ratio, log_prefactor_ratio
from mqtctl.physics.bounce.table import zero_temperature_bounce
from mqtctl.physics.models.next_order import FiniteBarrier, check_finite_barrier, next_order
from mqtctl.physics.models.protocol import WellModel, WellState
from mqtctl.physics.models.validity import Criterion

__all__ = ["Tunneling", "WeakDampingTunneling"]

UNDAMPED_ACTION = 36.0 / 5.0
LOG_UNDAMPED_PREFACTOR = 0.5 * np.log(120.0 * np.pi * UNDAMPED_ACTION)  # of a_q / sqrt(N)


@dataclass(frozen=True)
class _ZeroTemperatureModel(WellModel):
    """A model that accepts any temperature, or none, and ignores it."""

    _any_temperature = True


@dataclass(frozen=True)
class WeakDampingTunneling(_ZeroTemperatureModel):
    """The T = 0 law for weak damping, Gamma = (wp/2 pi) [120 pi 7.2 N]^(1/2) exp[-7.2 N (1 + 0.87/Q)].

    Source: Caldeira and Leggett, PRL 46, 211 (1981), eq. 7 [M], in the form of Martinis, Devoret and Clarke,
    PRB 35, 4682 (1987), eq. 2.5 [M]. Validity: Q above about 5, N above about 1.2.

    Parameters
    ----------
    coefficient
        Of 1/Q in the exponent: 0.87 as published (default); 45 zeta(3)/(2 pi^3) = 0.87228 is exact.
    damped_prefactor
        Multiply by 1 + 1.430/Q, the prefactor's own dependence on damping (Hanggi, Talkner and Borkovec, RMP 62,
        251 (1990), eq. 9.27 [M]). Most papers leave it out.
    """

    coefficient: float = 0.87
    damped_prefactor: bool = False

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln Gamma (Caldeira and Leggett, PRL 46, 211 (1981), eq. 7 [M])."""
        exponent = UNDAMPED_ACTION * well.quanta * (1.0 + self.coefficient * well.damping)
        log_rate = well.log_attempt_rate + LOG_UNDAMPED_PREFACTOR + 0.5 * np.log(well.quanta) - exponent
        if self.damped_prefactor:
            log_rate = log_rate + np.log1p(1.430 * well.damping)
        return np.asarray(log_rate + 0.0 * well.temperature)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for the weak-damping law."""
        with np.errstate(divide="ignore"):
            quality = 1.0 / well.damping
        short = "the weak-damping exponent is too small, take Tunneling"
        return (*tunneling_criteria(well), Criterion("quality factor Q", quality, 5.0, np.inf, short))


@dataclass(frozen=True)
class Tunneling(_ZeroTemperatureModel):
    """Tunnelling at T = 0 for any ohmic damping, exponent and prefactor of the bounce.

    Gamma = wp sqrt(N) a(Q) exp[-7.2 N B(Q)/B(inf)]. Source: Caldeira and Leggett, Ann. Phys. 149, 374 (1983),
    eq. 4.27 [M], solved numerically (`solve_bounce`). Validity: N above about 1.2, 0.02 <= Q <= inf.

    Parameters
    ----------
    method
        "numerical": interpolated numerical bounce; action to 1e-8, ln prefactor to 1e-5 for Q >= 1, 1e-4 at Q = 0.2,
        7e-4 at Q = 0.05. "closed form": fitted expressions with a relative error of the action up to 1.4e-4.
    finite_barrier
        When to include the next order in 1/N, -169/(864 N) in ln Gamma: "few quanta" (default: below N = 3, by what
        it grows from there), "always" or "never" (the formula above alone); see `next_order`.
    """

    method: Literal["numerical", "closed form"] = "numerical"
    finite_barrier: FiniteBarrier = "few quanta"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in ("numerical", "closed form"):
            raise InputError(f"method is {self.method!r}; it must be 'numerical' or 'closed form'")
        check_finite_barrier(self.finite_barrier)

    def log_rate_in(self, well: WellState) -> NDArray[np.float64]:
        """Return ln Gamma (Caldeira and Leggett, Ann. Phys. 149, 374 (1983), eq. 4.27 [M])."""
        if self.method == "numerical":
            action, log_prefactor = zero_temperature_bounce(well.kramers_factor)
            log_prefactor = log_prefactor + np.log(well.frequency)
        else:
            action = UNDAMPED_ACTION * action_ratio(well.damping)
            log_prefactor = LOG_UNDAMPED_PREFACTOR + log_prefactor_ratio(well.damping) + well.log_attempt_rate
        log_rate = log_prefactor + 0.5 * np.log(well.quanta) - well.quanta * action
        return np.asarray(log_rate + next_order(well.quanta, self.finite_barrier) + 0.0 * well.temperature)

    def criteria(self, well: WellState) -> tuple[Criterion, ...]:
        """Return the conditions for semiclassical tunnelling at T = 0."""
        return (*tunneling_criteria(well), damping_criterion(well))


def tunneling_criteria(well: WellState) -> tuple[Criterion, ...]:
    """Return the conditions for tunnelling from the ground state of a cubic well."""
    warm = "thermal enhancement is not included, take Escape"
    return (
        *quantum_criteria(well),
        Criterion("T/T0", well.temperature_ratio, 0.0, 0.3, warm),
    )


def quantum_criteria(well: WellState) -> tuple[Criterion, Criterion]:
    """Return the conditions for a semiclassical, cubic treatment of the barrier."""
    few = "fewer levels than the semiclassical formulas need, see metastable_levels"
    return (
        Criterion("barrier quanta dU/(hbar wp)", well.quanta, 1.2, np.inf, few),
        Criterion(
            "1 - I/Ic",
            well.one_minus_s,
            0.0,
            0.5,
            "the cubic tunnelling form is more than 5 % to 18 % off the washboard",
        ),
    )


def damping_criterion(well: WellState) -> Criterion:
    """Return the range of damping that the tabulated bounce covers."""
    with np.errstate(divide="ignore"):
        quality = 1.0 / well.damping
    return Criterion("quality factor Q", quality, 0.02, np.inf, "beyond the tabulated bounce")
