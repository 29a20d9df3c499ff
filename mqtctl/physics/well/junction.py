"""The junction: critical current, capacitance, shunt resistance, its potential, and what that makes of them.

Bias currents are in A. Close to the critical current the distance x = 1 - I/Ic is known better than
I itself; every method therefore takes `one_minus_s=x` in place of `bias_current` and keeps full relative
precision down to x = 1e-12 and below. All methods broadcast over NumPy arrays; for 0-d input they return
NumPy scalars. NaN in gives NaN out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import e, hbar, k

from mqtctl.errors import InputError
from mqtctl.physics.well.potential import Potential, cubic_barrier_shape, cubic_frequency_shape
from mqtctl.physics.well.washboard import Washboard

__all__ = ["BarrierShape", "CrossoverDefinition", "Junction", "given_distance"]

BarrierShape = Literal["exact", "cubic"]
CrossoverDefinition = Literal["damped", "undamped", "rate"]


@dataclass(frozen=True)
class Junction:
    """A Josephson junction in the resistively and capacitively shunted (RCSJ) model.

    Parameters
    ----------
    critical_current
        Ic in A, > 0; no current at which noise-free switching occurs is higher.
    capacitance
        C in F, > 0, the junction's own and whatever shunts it.
    resistance
        R in Ohm that damps the plasma oscillation, > 0; inf (default) for no damping. At microwave
        frequencies it is the real part of the leads' impedance, seldom the quasiparticle resistance.
    potential
        Of its current-phase relation; the washboard of a sinusoid by default.

    Raises
    ------
    InputError
        If a value is outside its range.
    """

    critical_current: float
    capacitance: float
    resistance: float = math.inf
    potential: Potential = field(default=Washboard(), kw_only=True)

    def __post_init__(self) -> None:
        for name, unit in (("critical_current", "A"), ("capacitance", "F"), ("resistance", "Ohm")):
            given = getattr(self, name)
            try:
                value = float(given)
            except (TypeError, ValueError):
                raise InputError(f"{name} is {given!r}; it must be one number, in {unit}") from None
            if not value > 0.0 or (math.isinf(value) and name != "resistance"):
                rule = "positive, or inf for an undamped junction" if name == "resistance" else "positive and finite"
                raise InputError(f"{name} is {value} {unit}; it must be {rule}")
            object.__setattr__(self, name, value)

    @property
    def josephson_energy(self) -> float:
        """E_J = hbar Ic / 2e in J (Tinkham, Introduction to Superconductivity, eq. 6.4 [M])."""
        return hbar * self.critical_current / (2.0 * e)

    @property
    def zero_bias_plasma_frequency(self) -> float:
        """(2e Ic / hbar C)^(1/2) in rad/s, the washboard's plasma frequency at zero bias (Tinkham, eq. 6.11 [M]).

        For every potential it is the unit of its frequencies; its own at zero bias is `plasma_frequency(0.0)`.
        """
        return math.sqrt(2.0 * e * self.critical_current / (hbar * self.capacitance))

    @property
    def damping_rate(self) -> float:
        """Damping rate 1/(R C) in 1/s; 0 for an undamped junction."""
        return 1.0 / (self.resistance * self.capacitance) if math.isfinite(self.resistance) else 0.0

    @property
    def zero_bias_quality_factor(self) -> float:
        """Quality factor wp(0) R C at zero bias, the square root of the McCumber parameter."""
        return self.zero_bias_plasma_frequency * self.resistance * self.capacitance

    @property
    def retrapping_current(self) -> float:
        """Current in A below which the voltage state returns to zero voltage; 4 Ic / (pi Q(0)) for the washboard.

        Holds for Q(0) >> 1 (Likharev, Dynamics of Josephson Junctions, eq. 4.30 [M]; 10 % at Q = 3); it is
        cut at Ic, since an overdamped junction has no hysteresis. For a current that also depends on
        temperature see `mqtctl.physics.Retrapping`.
        """
        path = 0.5 * self.potential.running_path
        return min(1.0, path / (math.pi * self.zero_bias_quality_factor)) * self.critical_current

    def one_minus_s(self, bias_current: ArrayLike) -> NDArray[np.float64]:
        """Return x = 1 - I/Ic for bias currents in A; 0 at Ic, 1 at zero bias, 2 at -Ic."""
        current = np.asarray(bias_current, dtype=np.float64)
        return np.asarray((self.critical_current - current) / self.critical_current)[()]

    def barrier(
        self,
        bias_current: ArrayLike | None = None,
        *,
        one_minus_s: ArrayLike | None = None,
        shape: BarrierShape = "exact",
    ) -> NDArray[np.float64]:
        """Return the height in J of the barrier in the direction of positive phase; 0 outside the well's range.

        Parameters
        ----------
        bias_current
            In A, any shape; negative is allowed (the forward barrier then exceeds 2 E_J).
        one_minus_s
            x = 1 - I/Ic instead of the current.
        shape
            "exact" for the potential, "cubic" for (4 sqrt2 / 3) E_J x^(3/2) / c^(1/2), 1 % low at s = 0.8 in the
            washboard, where the cubic coefficient c is 1.
        """
        x = given_distance(self, bias_current, one_minus_s)
        if _is_exact(shape):
            return np.asarray(self.josephson_energy * self.potential.barrier(x))[()]
        return np.asarray(self.josephson_energy * cubic_barrier_shape(x, self.potential.cubic_coefficient))[()]

    def reverse_barrier(
        self, bias_current: ArrayLike | None = None, *, one_minus_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return the height in J of the barrier in the direction of negative phase: the forward one at -I."""
        if bias_current is not None and one_minus_s is None:  # exact close to -Ic, where 2 - x is not
            return self.barrier(-np.asarray(bias_current, dtype=np.float64))
        x = given_distance(self, bias_current, one_minus_s)
        return np.asarray(self.josephson_energy * self.potential.barrier(2.0 - x))[()]

    def plasma_frequency(
        self,
        bias_current: ArrayLike | None = None,
        *,
        one_minus_s: ArrayLike | None = None,
        shape: BarrierShape = "exact",
    ) -> NDArray[np.float64]:
        """Return the angular frequency in rad/s of small oscillations in the tilted well; 0 where there is none.

        In the washboard wp = (2e Ic / hbar C)^(1/2) (1 - s^2)^(1/4) (Fulton and Dunkelberger, PRB 9, 4760 (1974), eq.
        4 [M]). The curvature of its barrier top is the same. "cubic" gives wp(0) (2x)^(1/4), 2.7 % high at s = 0.8.
        """
        x = given_distance(self, bias_current, one_minus_s)
        if _is_exact(shape):
            return np.asarray(self.zero_bias_plasma_frequency * self.potential.frequencies(x)[0])[()]
        cubic = cubic_frequency_shape(x, self.potential.cubic_coefficient)
        return np.asarray(self.zero_bias_plasma_frequency * cubic)[()]

    def barrier_top_frequency(
        self, bias_current: ArrayLike | None = None, *, one_minus_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return the angular frequency in rad/s of the inverted barrier top; the washboard's is that of its well."""
        x = given_distance(self, bias_current, one_minus_s)
        return np.asarray(self.zero_bias_plasma_frequency * self.potential.frequencies(x)[1])[()]

    def quality_factor(
        self, bias_current: ArrayLike | None = None, *, one_minus_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return Q = wp(I) R C, which falls as x^(1/4) towards Ic; inf for an undamped junction."""
        frequency = self.plasma_frequency(bias_current, one_minus_s=one_minus_s)
        if not math.isfinite(self.resistance):
            return np.asarray(np.where(np.isnan(frequency), np.nan, np.inf))[()]
        return np.asarray(frequency * (self.resistance * self.capacitance))[()]

    def barrier_quanta(
        self, bias_current: ArrayLike | None = None, *, one_minus_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return N = dU / hbar wp, about the number of levels in the well; 0 where there is no well."""
        x = given_distance(self, bias_current, one_minus_s)
        frequency = self.zero_bias_plasma_frequency * self.potential.frequencies(x)[0]
        barrier = self.josephson_energy * self.potential.barrier(x)
        quanta = np.zeros(np.shape(barrier))
        np.divide(barrier, hbar * frequency, out=quanta, where=frequency > 0.0)
        quanta[np.isnan(x)] = np.nan
        return quanta[()]

    def barrier_escape_frequency(
        self, bias_current: ArrayLike | None = None, *, one_minus_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return the damped growth rate wR in rad/s at the barrier top, the Kramers frequency.

        wR = (wp^2 + g^2/4)^(1/2) - g/2, g = 1/RC (Kramers, Physica 7, 284 (1940), eq. 25 [M]; Grabert and Weiss, PRL
        53, 1787 (1984), eq. 4 [M]), evaluated as wp^2 / [(wp^2 + g^2/4)^(1/2) + g/2] so that strong damping keeps
        its digits.
        """
        frequency = np.asarray(self.barrier_top_frequency(bias_current, one_minus_s=one_minus_s))
        half = 0.5 * self.damping_rate
        denominator = np.hypot(frequency, half) + half
        result = np.zeros(np.shape(frequency))
        np.divide(frequency * frequency, denominator, out=result, where=denominator > 0.0)
        result[np.isnan(frequency)] = np.nan
        return result[()]

    def crossover_temperature(
        self,
        bias_current: ArrayLike | None = None,
        *,
        one_minus_s: ArrayLike | None = None,
        definition: CrossoverDefinition = "damped",
    ) -> NDArray[np.float64]:
        """Return the temperature in K between thermal escape and tunnelling; it depends on the bias current.

        Parameters
        ----------
        bias_current, one_minus_s
            Usually the mean switching current, at which the crossover is observed.
        definition
            "damped": T0 = hbar wR / 2 pi k, where the bounce appears (Grabert and Weiss, PRL 53, 1787 (1984),
            eq. 4 [M]).
            "undamped": hbar w_top / 2 pi k (Affleck, PRL 46, 388 (1981), eq. 4 [M]), the energy view.
            "rate": 5 hbar wp / 36 k, where exp(-dU/kT) equals exp(-7.2 dU / hbar wp); 13 % below the
            energy view and not interchangeable with it.
        """
        if definition == "damped":
            return hbar / (2.0 * np.pi * k) * self.barrier_escape_frequency(bias_current, one_minus_s=one_minus_s)
        if definition not in ("undamped", "rate"):
            raise InputError(f"definition is {definition!r}; it must be 'damped', 'undamped' or 'rate'")
        factor = 1.0 / (2.0 * np.pi) if definition == "undamped" else 5.0 / 36.0
        return factor * hbar / k * self.barrier_top_frequency(bias_current, one_minus_s=one_minus_s)

    def transition_frequency(
        self, bias_current: ArrayLike | None = None, *, one_minus_s: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return the angular frequency w01 in rad/s between the two lowest levels, second-order perturbation.

        w01 = wp (1 - 5/(36 N)) (Martinis, Devoret and Clarke, PRB 35, 4682 (1987), eq. 2.9 [M]); low by 0.3 % at N = 5,
        1 % at N = 3, 2.7 % at N = 2: use `metastable_levels` below N = 3. Never negative.
        """
        quanta = np.asarray(self.barrier_quanta(bias_current, one_minus_s=one_minus_s))
        frequency = np.asarray(self.plasma_frequency(bias_current, one_minus_s=one_minus_s))
        factor = np.zeros(np.shape(quanta))
        np.divide(5.0 / 36.0, quanta, out=factor, where=quanta > 0.0)
        return np.asarray(frequency * np.maximum(1.0 - factor, 0.0))[()]


def _is_exact(shape: BarrierShape) -> bool:
    """Return whether the shape is the exact one; raises `InputError` for a name that does not exist."""
    if shape not in ("exact", "cubic"):
        raise InputError(f"shape is {shape!r}; it must be 'exact' or 'cubic'")
    return shape == "exact"


def given_distance(
    junction: Junction, bias_current: ArrayLike | None, one_minus_s: ArrayLike | None
) -> NDArray[np.float64]:
    """Return x = 1 - I/Ic from whichever of bias current (A) and x was given; exactly one must be."""
    if bias_current is None and one_minus_s is not None:
        return np.asarray(one_minus_s, dtype=np.float64)
    if bias_current is not None and one_minus_s is None:
        return np.asarray(junction.one_minus_s(bias_current))
    raise InputError("give either bias_current or one_minus_s = 1 - I/Ic, exactly one of the two")
