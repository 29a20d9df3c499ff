"""What older papers plot of binned escape rates: T_esc(I), and [ln(ω_p/2πΓ)]^(2/3) against I with its straight line.

For comparison with them, not for numbers: points of few switches are biased, and a line through logarithms weighs them
by errors that the same fluctuations made (docs/analysis.md has by how much). `fit_histogram` does not have this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann, elementary_charge, hbar

from mqtctl.analysis.histogram.results import EscapeRates
from mqtctl.errors import InputError
from mqtctl.physics import Junction

__all__ = ["EscapeTemperatureCurve", "LogarithmicPlot", "escape_temperature_curve", "logarithmic_plot"]

Array = NDArray[np.float64]

LEAST_POINTS = 3
LEAST_SWITCHES = 5  # in a bin: with fewer the error of a logarithm is not Gaussian


@dataclass(frozen=True)
class EscapeTemperatureCurve:
    """T_esc(I) of the a_t = 1 law, one for each bin with switches; arrays of shape (n_bin,).

    Attributes
    ----------
    bias_current
        In A.
    temperature, temperature_lower, temperature_upper
        In K, with the central 68.27 % interval of the rate. nan where a rate is not below ω_p/2π.
    critical_current_slope
        ∂T_esc/∂Ic in K/A: an error of Ic moves all points together.
    """

    bias_current: Array
    temperature: Array
    temperature_lower: Array
    temperature_upper: Array
    critical_current_slope: Array


@dataclass(frozen=True)
class LogarithmicPlot:
    """[ln(ω_p/2πΓ)]^(2/3) against I, and its weighted straight line; arrays of shape (n_bin,).

    Attributes
    ----------
    bias_current, ordinate, ordinate_stderr
        In A; without unit.
    critical_current, critical_current_stderr
        Where the line meets zero, in A.
    temperature, temperature_stderr
        In K, from its slope with the cubic barrier ΔU = (4√2/3) E_J (1 - I/Ic)^(3/2).
    chi_square, degrees_of_freedom
        Of the line.
    """

    bias_current: Array
    ordinate: Array
    ordinate_stderr: Array
    critical_current: float
    critical_current_stderr: float
    temperature: float
    temperature_stderr: float
    chi_square: float
    degrees_of_freedom: int


def escape_temperature_curve(rates: EscapeRates, junction: Junction) -> EscapeTemperatureCurve:
    """Return T_esc = ΔU/(k_B ln(ω_p/2πΓ)) of each bin with switches.

    Parameters
    ----------
    rates
        From `fulton_dunkelberger`.
    junction
        With the critical current that is known; the barrier is the exact one.

    Raises
    ------
    InputError
        If a bin with switches lies at or above the critical current, or no bin has any.
    """
    used = rates.switched > 0
    current = rates.bias_current[used]
    if not current.size or current[-1] >= junction.critical_current:
        raise InputError(
            "no escape temperature against current: the bins must hold switches and lie below the critical current"
            f" {junction.critical_current:.6g} A"
        )
    temperature, lower, upper = (
        _temperature(junction, current, rate[used]) for rate in (rates.rate, rates.rate_lower, rates.rate_upper)
    )
    near = 1e-5 * junction.critical_current
    other = Junction(
        junction.critical_current + near, junction.capacitance, junction.resistance, potential=junction.potential
    )
    slope = (_temperature(other, current, rates.rate[used]) - temperature) / near
    return EscapeTemperatureCurve(current, temperature, lower, upper, slope)


def _temperature(junction: Junction, current: Array, rate: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.asarray(junction.plasma_frequency(current)) / (2.0 * math.pi * rate))
        return np.asarray(np.where(ratio > 0.0, np.asarray(junction.barrier(current)) / (Boltzmann * ratio), math.nan))


def logarithmic_plot(rates: EscapeRates, capacitance: float, critical_current: float | None = None) -> LogarithmicPlot:
    """Return the 2/3 plot of rates, and critical current and temperature of the line through it.

    Parameters
    ----------
    rates
        From `fulton_dunkelberger`; bins with fewer than 5 switches are left out.
    capacitance
        In F.
    critical_current
        In A, for the plasma frequency to begin with; None: 2 % above the last bin. It is found again from each line
        until it stays the same.

    Raises
    ------
    InputError
        If fewer than 3 bins can be used, or the points do not fall.
    """
    used = (rates.switched >= LEAST_SWITCHES) & (rates.rate > 0.0)
    current, rate = rates.bias_current[used], rates.rate[used]
    if current.size < LEAST_POINTS:
        raise InputError(f"{current.size} bins with at least {LEAST_SWITCHES} switches make no line: 3 are needed")
    relative = rates.rate_stderr[used] / rate
    found = 1.02 * float(current[-1]) if critical_current is None else critical_current
    for _ in range(50):
        if not found > current[-1]:
            found = float(current[-1]) * (1.0 + 1e-6)
        attempt = np.asarray(Junction(found, capacitance).plasma_frequency(current)) / (2.0 * math.pi)
        logarithm = np.log(attempt / rate)
        if not (logarithm > 0.0).all():
            raise InputError("a rate is not below the plasma frequency: check ramp rate, currents and capacitance")
        ordinate = logarithm ** (2.0 / 3.0)
        error = 2.0 / 3.0 * logarithm ** (-1.0 / 3.0) * relative
        middle = float(np.average(current, weights=error**-2))
        line, covariance = np.polyfit(current - middle, ordinate, 1, w=1.0 / error, cov="unscaled")
        slope, level = (float(value) for value in line)
        if not slope < 0.0:
            raise InputError("the rates do not rise with the current: no line with a critical current")
        before, found = found, middle - level / slope
        if abs(found - before) < 1e-9 * found:
            break
    # ordinate = [ΔU/k_B T]^(2/3) = (a/T)^(2/3) (1 - I/Ic), a = 4√2/3 E_J/k_B
    depth = 4.0 * math.sqrt(2.0) / 3.0 * hbar * found / (2.0 * elementary_charge * Boltzmann)
    height = -slope * found
    of_current = np.array([level / slope**2, -1.0 / slope])  # ∂Ic/∂(slope, level)
    # T = depth height^-1.5, height = -slope Ic, depth ~ Ic
    of_log = -0.5 / found * of_current + np.array([-1.5 / slope, 0.0])
    temperature = depth * height**-1.5
    return LogarithmicPlot(
        bias_current=current,
        ordinate=ordinate,
        ordinate_stderr=error,
        critical_current=found,
        critical_current_stderr=math.sqrt(float(of_current @ covariance @ of_current)),
        temperature=temperature,
        temperature_stderr=temperature * math.sqrt(float(of_log @ covariance @ of_log)),
        chi_square=float((((ordinate - np.polyval(line, current - middle)) / error) ** 2).sum()),
        degrees_of_freedom=current.size - 2,
    )
