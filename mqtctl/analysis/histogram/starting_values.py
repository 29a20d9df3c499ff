"""Starting values for fits from the data alone, so that nobody's rough guess can lead a fit astray."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy.constants import Boltzmann, elementary_charge, hbar
from scipy.optimize import brentq

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.reduced_histogram import ReducedHistogram
from mqtctl.errors import InputError
from mqtctl.physics import Junction
from mqtctl.records import JunctionEstimate

__all__ = ["Start", "starting_values"]


@dataclass(frozen=True)
class Start:
    """Critical current in A and escape temperature in K from which a fit begins."""

    critical_current: float
    temperature: float


def starting_values(reduced: ReducedHistogram, junction: JunctionEstimate) -> Start:
    """Return critical current and temperature of the thermal law (a_t = 1) that has two quantiles of the data.

    Two quantiles of a Gumbel law (Garg, PRB 51, 15592 (1995), Sec. III) give the current at which Γ = v β and the slope
    β = d ln Γ/dI there. With Γ = (ω_p/2π) exp(-ΔU/k_B T), ΔU exact and dΔU/dI = -(ħ/e) arccos(I/Ic), which in another
    potential is so, over the root of its cubic coefficient, close to Ic, that leaves one equation for Ic.

    Raises
    ------
    InputError
        If the histogram's rate would exceed the plasma frequency: a unit is wrong, most likely.
    """
    (low, first), (high, second) = reduced.quantile_pair
    reduced_low, reduced_high = math.log(-math.log1p(-low)), math.log(-math.log1p(-high))
    beta = (reduced_high - reduced_low) / (second - first)
    mode = second - reduced_high / beta
    log_rate = math.log(reduced.ramp_rate * beta)
    undamped = replace(junction_of(junction), resistance=math.inf)

    def excess(log_distance: float) -> float:
        trial = replace(undamped, critical_current=mode + math.exp(log_distance))
        attempt = math.log(float(trial.plasma_frequency(mode)) / (2.0 * math.pi))
        return float(trial.barrier(mode)) / (Boltzmann * _temperature(trial, mode, beta)) - (attempt - log_rate)

    lowest, highest = math.log(1e-3 / beta), math.log(1e4 / beta)
    if not excess(lowest) < 0.0 < excess(highest):
        raise InputError(
            f"switching at a rate of {math.exp(log_rate):.3g} 1/s over {1.0 / beta:.3g} A fits no junction with"
            f" {junction.capacitance:.3g} F: check the units of currents, ramp rate and capacitance"
        )
    distance = math.exp(float(brentq(excess, lowest, highest, xtol=1e-6)))
    critical_current = max(mode, reduced.largest - 0.5 * distance) + distance
    trial = replace(undamped, critical_current=critical_current)
    return Start(critical_current, _temperature(trial, mode, beta))


def _temperature(junction: Junction, current: float, beta: float) -> float:
    """Return the temperature in K at which d ln Γ/dI is `beta` (1/A) with a_t = 1."""
    s = current / junction.critical_current
    prefactor_slope = 0.5 * s / (junction.critical_current * (1.0 - s * s))  # of -d ln ω_p/dI
    width = math.acos(s) / math.sqrt(junction.potential.cubic_coefficient)
    return hbar * width / (elementary_charge * Boltzmann * (beta + prefactor_slope))
