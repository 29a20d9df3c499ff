"""The state of the well at given bias currents and temperatures: what the rates of all models depend on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import hbar, k

from mqtctl.errors import InputError
from mqtctl.physics.well.junction import BarrierShape, Junction
from mqtctl.physics.well.potential import cubic_barrier_shape, cubic_frequency_shape, well_exists

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
        Angular plasma frequency wp(I) of the well in rad/s, > 0, with which it tries.
    top_frequency
        That of the inverted barrier top in rad/s, > 0; the same in the washboard and in a cubic well. Where they differ
        a little, the action of tunnelling is that of a cubic well with wp^(1/7) w_top^(6/7): quanta, damping and
        temperature are therefore counted with this one.
    quanta
        N = dU/(hbar w_top).
    damping
        g = 1/Q = 1/(w_top R C).
    temperature
        In K.
    one_minus_s
        x = 1 - I/Ic.
    josephson_energy
        E_J in J.
    """

    inside: NDArray[np.bool_]
    frequency: NDArray[np.float64]
    top_frequency: NDArray[np.float64]
    quanta: NDArray[np.float64]
    damping: NDArray[np.float64]
    temperature: NDArray[np.float64]
    one_minus_s: NDArray[np.float64]
    josephson_energy: float

    @property
    def kramers_factor(self) -> NDArray[np.float64]:
        """wR/w_top = 1 / [(1 + g^2/4)^(1/2) + g/2] (Kramers, Physica 7, 284 (1940), eq. 25 [M])."""
        half = 0.5 * self.damping
        return np.asarray(1.0 / (np.sqrt(1.0 + half * half) + half))

    @property
    def thermal_quanta(self) -> NDArray[np.float64]:
        """Temperature in quanta, tau = kT/(hbar w_top)."""
        return np.asarray(self.temperature * (k / hbar) / self.top_frequency)

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
    inside = well_exists(x) | np.isnan(x)
    if not inside.all():
        x = np.where(inside, x, 1.0)
    if barrier == "exact":
        height = junction.potential.barrier(x)
        frequency, top_frequency = junction.potential.frequencies(x)
    elif barrier == "cubic":
        height = cubic_barrier_shape(x, junction.potential.cubic_coefficient)
        frequency = top_frequency = cubic_frequency_shape(x, junction.potential.cubic_coefficient)
    else:
        raise InputError(f"barrier is {barrier!r}; it must be 'exact' or 'cubic'")
    scale = junction.zero_bias_plasma_frequency
    top_frequency = scale * top_frequency
    return WellState(
        inside=inside,
        frequency=scale * frequency,
        top_frequency=top_frequency,
        quanta=junction.josephson_energy / hbar * height / top_frequency,
        damping=junction.damping_rate / top_frequency,
        temperature=temperature,
        one_minus_s=x,
        josephson_energy=junction.josephson_energy,
    )
