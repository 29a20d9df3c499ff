"""Exact metastable levels of the undamped junction: the yardstick of the semiclassical formulas, and for spectroscopy.

Energies and decay rates come from the complex-rotated Schroedinger equation (Moiseyev, Phys. Rep. 302, 212
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

from mqtctl.errors import InputError
from mqtctl.physics.levels.potentials import LEAST_BIAS, CubicWell, WashboardWell
from mqtctl.physics.levels.schrodinger import MetastablePotential, State, refine_state
from mqtctl.physics.models.protocol import checked_temperature
from mqtctl.physics.well.junction import Junction, given_distance
from mqtctl.physics.well.washboard import Washboard

__all__ = ["CubicWell", "MetastableLevels", "WashboardWell", "metastable_levels", "well_levels"]

FloatArray = NDArray[np.float64]
_LEAST_QUANTA, _MOST_QUANTA = 0.3, 60.0  # the ground state would lie above a barrier of 0.4 quanta


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
        is not in it: use it below about 0.9 T0 (Affleck, eq. 4 [M]). -inf without levels.
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
        The junction, with the washboard as its potential; its resistance plays no part.
    bias_current
        In A, one number, > 0, in the washboard from 0.1 Ic on. At and above Ic there is no well and the result has
        no levels. Below about 0.25 Ic the barriers of the next wells also stand in the way and the rate is that of
        passing them all, undamped.
    one_minus_s
        x = 1 - I/Ic instead.
    potential
        The full "washboard" or its "cubic" approximation with the same barrier and plasma frequency.
    most
        Compute no more than this many of the lowest levels; None (default) for all below the barrier.

    Raises
    ------
    InputError
        If the barrier holds more than 60 quanta (hours of work, and nothing tunnels), or I <= 0, in the
        washboard I < 0.1 Ic; or the junction has another potential.
    """
    if not isinstance(junction.potential, Washboard):
        raise InputError(
            f"exact levels are computed for the washboard and its cubic, not for {junction.potential}; use Escape or"
            " Tunneling, which take any potential"
        )
    x = _checked_distance(
        given_distance(junction, bias_current, one_minus_s), 0.0 if potential == "cubic" else LEAST_BIAS
    )
    if most is not None and most < 0:
        raise InputError(f"most is {most}; the number of levels must be 0 or more")
    if potential not in ("washboard", "cubic"):
        raise InputError(f"potential is {potential!r}; it must be 'washboard' or 'cubic'")
    quanta = float(junction.barrier_quanta(one_minus_s=x))
    frequency = float(junction.plasma_frequency(one_minus_s=x))
    barrier = float(junction.barrier(one_minus_s=x))
    if quanta <= 0.0:
        return MetastableLevels(np.empty(0), np.empty(0), 0.0, 0.0)
    # so close to Ic the washboard is cubic to 1e-6, and its phase angles are lost to rounding
    cubic = potential == "cubic" or x < 1e-6
    well: MetastablePotential = CubicWell(quanta) if cubic else WashboardWell(quanta, max(1.0 - x, LEAST_BIAS))
    states = well_levels(well, most)
    energies = np.array([state.energy for state in states]) * hbar * frequency
    log_rates = np.array([state.log_decay_rate for state in states]) + math.log(frequency)
    return MetastableLevels(energies, log_rates, barrier, frequency)


def _checked_distance(distance: FloatArray, least: float) -> float:
    if distance.size != 1:
        raise InputError(f"the bias has shape {distance.shape}; levels are computed for one bias current at a time")
    x = float(distance.ravel()[0])
    if not (x <= 1.0 - least + 1e-9 and x < 1.0):
        rule = f"a bias current above zero, in the washboard {LEAST_BIAS} Ic or more"
        raise InputError(f"1 - I/Ic is {x}; levels of a single well need {rule}")
    return x


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
