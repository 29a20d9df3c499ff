"""The state of the well at given bias currents and temperatures: what the rates of all models depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import hbar, k

from mqtctl.errors import InputError
from mqtctl.physics.well import washboard
from mqtctl.physics.well.junction import BarrierShape, Junction

__all__ = ["WellState", "checked_temperature", "well_state"]


@dataclass(frozen=True)
class WellState:
    """The well at given bias currents and temperatures, in the quantities that rates depend on.

    Arrays broadcast against each other. Where `inside` is False there is no well and the others are
    placeholders (finite, without meaning).

    Attributes
    ----------
    inside
        Whether a metastable well exists.
    frequency
        Angular plasma frequency wp(I) in rad/s, > 0.
    quanta
        N = dU/(hbar wp).
    damping
        g = 1/Q = 1/(wp R C).
    temperature
        In K.
    one_minus_s
        x = 1 - I/Ic.
    josephson_energy
        E_J in J.
    """

    inside: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    quanta: NDArray[np.float64]
    damping: NDArray[np.float64]
    temperature: NDArray[np.float64]
    one_minus_s: NDArray[np.float64]
    josephson_energy: float

    @property
    def kramers_factor(self) -> NDArray[np.float64]:
        """wR/wp = 1 / [(1 + g^2/4)^(1/2) + g/2] (Kramers, Physica 7, 284 (1940), eq. 25 [M])."""
        half = 0.5 * self.damping
        return np.asarray(1.0 / (np.sqrt(1.0 + half * half) + half))

    @property
    def thermal_quanta(self) -> NDArray[np.float64]:
        """Temperature in quanta, tau = kT/(hbar wp)."""
        return np.asarray(self.temperature * (k / hbar) / self.frequency)

    @property
    def reduced_barrier(self) -> NDArray[np.float64]:
        """U = dU/kT, inf at T = 0."""
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(self.quanta / self.thermal_quanta)

    @property
    def temperature_ratio(self) -> NDArray[np.float64]:
        """T/T0, T0 = hbar wR/2 pi k (Grabert and Weiss, PRL 53, 1787 (1984), eq. 4 [M])."""
        return np.asarray(2.0 * np.pi * self.thermal_quanta / self.kramers_factor)

    @property
    def log_attempt_rate(self) -> NDArray[np.float64]:
        """ln(wp / 2 pi) with wp in rad/s."""
        return np.asarray(np.log(self.frequency / (2.0 * np.pi)))

    def masked(self, log_rate: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log rate with -inf where there is no well, NaN where the current is; a scalar for 0-d."""
        lost = np.isnan(self.one_minus_s)
        if self.inside.all() and not lost.any():
            return np.asarray(log_rate)[()]
        return np.asarray(np.where(lost, np.nan, np.where(self.inside, log_rate, -np.inf)))[()]


def checked_temperature(temperature: ArrayLike | None) -> NDArray[np.float64]:
    """Return temperatures in K as an array; they must be given, finite and not negative."""
    if temperature is None:
        raise InputError("temperature is missing; give it in K, 0 or more")
    array = np.asarray(temperature, dtype=np.float64)
    if not (np.all(array >= 0.0) and np.all(array < np.inf)):
        worst = array[~((array >= 0.0) & (array < np.inf))].flat[0]
        raise InputError(f"temperature is {worst} K; it must be 0 or more and finite")
    return array


def well_state(
    junction: Junction, one_minus_s: NDArray[np.float64], temperature: NDArray[np.float64], barrier: BarrierShape
) -> WellState:
    """Return the well at x = 1 - I/Ic and temperatures in K; NaN stays NaN.

    `barrier` "cubic" replaces barrier height and frequency together (mixing them is worse than either).
    """
    x = one_minus_s
    inside = washboard.well_exists(x) | np.isnan(x)
    if not inside.all():
        x = np.where(inside, x, 1.0)
    if barrier == "exact":
        height, frequency = washboard.barrier_shape(x), washboard.frequency_shape(x)
    elif barrier == "cubic":
        height, frequency = washboard.cubic_barrier_shape(x), washboard.cubic_frequency_shape(x)
    else:
        raise InputError(f"barrier is {barrier!r}; it must be 'exact' or 'cubic'")
    frequency = junction.zero_bias_plasma_frequency * frequency
    return WellState(
        inside=inside,
        frequency=frequency,
        quanta=junction.josephson_energy / hbar * height / frequency,
        damping=junction.damping_rate / frequency,
        temperature=temperature,
        one_minus_s=x,
        josephson_energy=junction.josephson_energy,
    )
