"""Exact metastable levels of the undamped junction: the yardstick of the semiclassical formulas, and for spectroscopy.

Energies and decay rates come from the complex-rotated Schroedinger equation (Moiseyev, Phys. Rep. 302, 211
(1998), eq. 3.6 [M]): a collocation on a complex contour finds all levels, `schrodinger.refine_state` brings
each to full precision. No damping, no temperature: widths are those of tunnelling alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import hbar, k
from scipy.special import expit

from ..errors import InputError
from .junction import Junction
from .models import checked_temperature
from .schrodinger import MetastablePotential, State, refine_state

__all__ = ["CubicWell", "MetastableLevels", "WashboardWell", "metastable_levels", "well_levels"]

FloatArray = NDArray[np.float64]
_LEAST_QUANTA, _MOST_QUANTA = 0.3, 60.0  # the ground state would lie above a barrier of 0.4 quanta


@dataclass(frozen=True)
class CubicWell:
    """V = q^2/2 - q^3/(54 N)^(1/2): a barrier of `height` = N quanta, in units of hbar wp."""

    height: float

    @property
    def cubic(self) -> float:
        """Coefficient of -q^3."""
        return 1.0 / math.sqrt(54.0 * self.height)

    @property
    def top(self) -> float:
        """Position of the barrier top."""
        return 1.0 / (3.0 * self.cubic)

    @property
    def left(self) -> float:
        """The potential rises without end to the left."""
        return -math.inf

    @property
    def steepest_angle(self) -> float:
        """Angle of the complex path; an outgoing wave decays fastest at pi/5."""
        return math.pi / 5.0

    def value(self, position: complex) -> complex:
        """Return V at a complex position."""
        return 0.5 * position * position - self.cubic * position**3

    def taylor(self, position: complex, order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients of V at a complex position."""
        series = np.zeros(order + 1, dtype=np.complex128)
        series[:4] = (
            self.value(position),
            position - 3.0 * self.cubic * position**2,
            0.5 - 3.0 * self.cubic * position,
            -self.cubic,
        )
        return series


@dataclass(frozen=True)
class WashboardWell:
    """The tilted cosine at bias s = I/Ic, 0 < s < 1, with a barrier of `height` = N quanta.

    V = b [1 - cos(phi) + (s/c)(sin(phi) - phi)], phi = q/b^(1/2), c = (1 - s^2)^(1/2).
    """

    height: float
    bias: float

    @property
    def _slant(self) -> float:
        return self.bias / math.sqrt(1.0 - self.bias**2)

    @property
    def _depth(self) -> float:
        angle = 2.0 * math.acos(self.bias)  # phase from the well to the barrier top
        return self.height / (1.0 - math.cos(angle) + self._slant * (math.sin(angle) - angle))

    @property
    def top(self) -> float:
        """Position of the barrier top."""
        return 2.0 * math.acos(self.bias) * math.sqrt(self._depth)

    @property
    def left(self) -> float:
        """Position of the barrier to the next well on the left."""
        return -(math.pi + 2.0 * math.asin(self.bias)) * math.sqrt(self._depth)

    @property
    def steepest_angle(self) -> float:
        """Angle of the complex path; kept small, since the cosine grows off the real axis."""
        return 0.35

    def value(self, position: complex) -> complex:
        """Return V at a complex position."""
        phase = position / math.sqrt(self._depth)
        # 1 - cos and sin - phase cancel at the bottom; the loss is absolute 1e-16 b and harmless
        return complex(self._depth * (1.0 - np.cos(phase) + self._slant * (np.sin(phase) - phase)))

    def taylor(self, position: complex, order: int) -> NDArray[np.complex128]:
        """Return the Taylor coefficients of V at a complex position."""
        scale = math.sqrt(self._depth)
        phase = position / scale
        cosine, sine = complex(np.cos(phase)), complex(np.sin(phase))
        # derivatives of -cos + slant sin repeat with period 4
        cycle = [
            -cosine + self._slant * sine,
            sine + self._slant * cosine,
            cosine - self._slant * sine,
            -sine - self._slant * cosine,
        ]
        index = np.arange(order + 1)
        factors = self._depth * scale ** -index.astype(np.float64) / _factorials(order)
        series = np.array(cycle, dtype=np.complex128)[index % 4] * factors
        series[0] = self.value(position)
        series[1] -= self._depth * self._slant / scale
        return series


def _factorials(order: int) -> FloatArray:
    return np.cumprod(np.concatenate([[1.0], np.arange(1.0, order + 1.0)]))


@dataclass(frozen=True)
class MetastableLevels:
    """The levels below the barrier top of one well.

    Attributes
    ----------
    energies
        In J above the bottom of the well, ascending, shape (n_level,).
    log_decay_rates
        ln(Gamma_n / 1 s^-1), same shape.
    barrier
        Barrier height in J.
    plasma_frequency
        wp in rad/s.
    """

    energies: FloatArray
    log_decay_rates: FloatArray
    barrier: float
    plasma_frequency: float

    @property
    def count(self) -> int:
        """Number of levels below the barrier top; 0 if there is no metastable well."""
        return len(self.energies)

    @property
    def decay_rates(self) -> FloatArray:
        """Gamma_n in 1/s, shape (n_level,)."""
        return np.asarray(np.exp(self.log_decay_rates))

    @property
    def transition_frequency(self) -> float:
        """Angular frequency w01 in rad/s; NaN with fewer than two levels."""
        return float((self.energies[1] - self.energies[0]) / hbar) if self.count > 1 else math.nan

    def log_thermal_rate(self, temperature: ArrayLike) -> FloatArray:
        """Return ln of the average of Gamma_n over Boltzmann-occupied levels, in 1/s, at temperatures in K, any shape.

        sum_n Gamma_n exp(-E_n/kT) / sum_n exp(-E_n/kT) (Affleck, PRL 46, 388 (1981), eq. 2 [M]). Flow above the barrier
        is not in it: use it below about 0.9 T0 (Affleck, eq. 4). -inf without levels.
        """
        kelvin = checked_temperature(temperature)
        if self.count == 0:
            return np.full(kelvin.shape, -np.inf)[()]
        above = self.energies - self.energies[0]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            weights = np.where(above > 0.0, -above / (k * kelvin[..., None]), 0.0)
        terms = np.logaddexp.reduce(weights + self.log_decay_rates, axis=-1)
        return np.asarray(terms - np.logaddexp.reduce(weights, axis=-1))[()]


def metastable_levels(
    junction: Junction,
    bias_current: float | None = None,
    *,
    one_minus_s: float | None = None,
    potential: Literal["washboard", "cubic"] = "washboard",
    most: int | None = None,
) -> MetastableLevels:
    """Return energies and decay rates of the levels below the barrier (Moiseyev 1998, eq. 3.6 [M]).

    Parameters
    ----------
    junction
        The junction; its resistance plays no part.
    bias_current
        In A, one number, 0 < I. At and above Ic there is no well and the result has no levels. Below about 0.25 Ic
        the barriers of the next wells also stand in the way and the rate is that of passing them all, undamped.
    one_minus_s
        x = 1 - I/Ic instead.
    potential
        The full "washboard" or its "cubic" approximation with the same barrier and plasma frequency.
    most
        Compute no more than this many of the lowest levels; None (default) for all below the barrier.

    Raises
    ------
    InputError
        If the barrier holds more than 60 quanta (hours of work, and nothing tunnels), or I <= 0.
    """
    x = float(junction._distance(bias_current, one_minus_s))  # noqa: SLF001 # same package
    quanta = float(junction.barrier_quanta(one_minus_s=x))
    if not x < 1.0:
        raise InputError(f"1 - I/Ic is {x}; levels of a single well need a bias current above zero")
    frequency = float(junction.plasma_frequency(one_minus_s=x))
    barrier = float(junction.barrier(one_minus_s=x))
    if potential not in ("washboard", "cubic"):
        raise InputError(f"potential is {potential!r}; it must be 'washboard' or 'cubic'")
    if quanta <= 0.0:
        return MetastableLevels(np.empty(0), np.empty(0), 0.0, 0.0)
    # so close to Ic the washboard is cubic to 1e-6, and its phase angles are lost to rounding
    cubic = potential == "cubic" or x < 1e-6
    well: MetastablePotential = CubicWell(quanta) if cubic else WashboardWell(quanta, 1.0 - x)
    states = well_levels(well, most)
    energies = np.array([state.energy for state in states]) * hbar * frequency
    log_rates = np.array([state.log_decay_rate for state in states]) + math.log(frequency)
    return MetastableLevels(energies, log_rates, barrier, frequency)


def well_levels(well: MetastablePotential, most: int | None = None) -> tuple[State, ...]:
    """Return the (lowest `most`) states whose energy lies below the barrier top, ascending, in hbar wp and wp."""
    if well.height > _MOST_QUANTA:
        limit = f"levels are computed up to {_MOST_QUANTA:g}, take Tunneling"
        raise InputError(f"the barrier holds {well.height:.3g} quanta; {limit}")
    if well.height < _LEAST_QUANTA:
        return ()
    states = [refine_state(well, guess) for guess in _guesses(well)[:most]]
    inside = [state for state in states if state.energy < well.height]
    return tuple(sorted(inside, key=lambda state: state.energy))


def _guesses(well: MetastablePotential) -> list[complex]:
    """Return rough complex energies by sinc collocation on a contour that rises beyond the barrier top."""
    turn = 1.15 * well.top
    far = turn + 0.9 * well.top + 3.0
    near = max(-math.sqrt(2.0 * well.height) - 4.5, well.left)
    momentum = math.sqrt(2.0 * (well.height + abs(complex(well.value(far)).real)))
    count = int(np.clip((far - near) * momentum / math.pi * 1.6, 80, 900))
    t = np.linspace(near, far, count)
    spacing = t[1] - t[0]
    width = 0.12 * well.top
    angle = math.tan(well.steepest_angle)
    rise = angle * width * np.logaddexp(0.0, (t - turn) / width)
    slope = 1.0 + 1j * angle * expit((t - turn) / width)
    difference = np.arange(count)[:, None] - np.arange(count)[None, :]
    sign = np.where(difference % 2 == 0, 1.0, -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(difference == 0, 0.0, sign / difference / spacing)
    derivative = first / slope[:, None]
    hamiltonian = -0.5 * derivative @ derivative
    hamiltonian += np.diag([complex(well.value(q)) for q in t + 1j * rise])
    energies = np.linalg.eigvals(hamiltonian)
    wanted = (energies.real > 0.2) & (energies.real < well.height + 0.1) & (np.abs(energies.imag) < 0.25)
    return _distinct(sorted(energies[wanted], key=lambda energy: energy.real))


def _distinct(energies: list[complex]) -> list[complex]:
    """Drop spurious neighbours: of energies closer than 0.3 hbar wp the sharper one is the state."""
    kept: list[complex] = []
    for energy in energies:
        if kept and energy.real - kept[-1].real < 0.3:
            if abs(energy.imag) < abs(kept[-1].imag):
                kept[-1] = energy
        else:
            kept.append(energy)
    return kept
