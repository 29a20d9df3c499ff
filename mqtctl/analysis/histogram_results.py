"""What the analysis of one histogram returns: plain frozen data in SI base units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EscapeRates",
    "EscapeTemperatureFit",
    "GoodnessOfFit",
    "HistogramFit",
    "Moments",
]


@dataclass(frozen=True)
class Moments:
    """Moments of the switching currents, with standard errors; kurtosis is the plain one, 3 for a Gaussian.

    Attributes
    ----------
    count
        Number of switches.
    mean, mean_stderr, std, std_stderr
        In A; `std` with the divisor count - 1.
    skewness, skewness_stderr, kurtosis, kurtosis_stderr
        Standardised third and fourth central moments, without unit.
    """

    count: int
    mean: float
    mean_stderr: float
    std: float
    std_stderr: float
    skewness: float
    skewness_stderr: float
    kurtosis: float
    kurtosis_stderr: float


@dataclass(frozen=True)
class EscapeRates:
    """Escape rates after Fulton and Dunkelberger, one per bin; all arrays have the shape (n_bin,).

    Attributes
    ----------
    bias_current
        Centre of each bin in A.
    bin_width
        Width of the bins in A.
    rate, rate_stderr
        Escape rate and its binomial standard error in 1/s; 0 and nan in an empty bin.
    rate_lower, rate_upper
        Central 68.27 % Clopper-Pearson interval in 1/s; in an empty bin from 0 to the one-sided limit.
    switched, at_risk
        Switches in the bin, and ramps that had not switched before it (censored ones included).
    """

    bias_current: NDArray[np.float64]
    bin_width: float
    rate: NDArray[np.float64]
    rate_stderr: NDArray[np.float64]
    rate_lower: NDArray[np.float64]
    rate_upper: NDArray[np.float64]
    switched: NDArray[np.int64]
    at_risk: NDArray[np.int64]


@dataclass(frozen=True)
class GoodnessOfFit:
    """Kolmogorov-Smirnov distance of the probability-integral transform, with fitted parameters.

    Attributes
    ----------
    distance
        Largest distance between the empirical distribution and the fitted one.
    pvalue
        Probability of a larger distance, allowing for the parameters that were fitted to the same data.
    pvalue_unfitted
        The same from Kolmogorov's law for a distribution known beforehand: too large after a fit.
    fitted_parameters
        How many parameters `pvalue` allows for.
    """

    distance: float
    pvalue: float
    pvalue_unfitted: float
    fitted_parameters: int


@dataclass(frozen=True)
class HistogramFit:
    """Critical current and escape temperature of one histogram alone, both free.

    Attributes
    ----------
    critical_current, critical_current_stderr
        In A.
    escape_temperature, escape_temperature_stderr
        In K, in the convention of `model`: with `TransitionState` that is a_t = 1. The standard error is
        inf where the data leave the temperature open.
    correlation
        Correlation of the two estimates, -1 to 1.
    log_likelihood
        Natural logarithm of the likelihood (densities in 1/A) at its maximum.
    model
        Name of the escape model.
    switches, censored
        Switches fitted, and ramps that reached the top without one.
    censored_as_missed
        True where most of the empty ramps cannot be survivors (see `flags`) and therefore say nothing.
    missed
        How many of the empty ramps are missed stops, by this fit; not rounded.
    escape_temperature_limit
        Where the temperature is open: below it (K) with 95 % confidence. None if it has an error.
    goodness
        Kolmogorov-Smirnov test of the fit.
    converged, evaluations
        Whether the maximum was found, and with how many evaluations of the escape rate.
    flags
        Sentences about what limits these numbers; empty if nothing does.
    """

    critical_current: float
    critical_current_stderr: float
    escape_temperature: float
    escape_temperature_stderr: float
    correlation: float
    log_likelihood: float
    model: str
    switches: int
    censored: int
    censored_as_missed: bool
    goodness: GoodnessOfFit
    converged: bool
    evaluations: int
    flags: tuple[str, ...] = ()
    missed: float = 0.0
    escape_temperature_limit: float | None = None


@dataclass(frozen=True)
class EscapeTemperatureFit:
    """Escape temperature of one histogram for a critical current that is known from elsewhere.

    Attributes
    ----------
    escape_temperature
        In K, with a_t = 1 unless another model was given.
    escape_temperature_stderr
        In K, including `critical_current_stderr` where that was given.
    statistical_stderr
        In K, from the scatter of the switches alone (sandwich: right even where the law is not).
    critical_current_slope
        d T_esc / d Ic in K/A, close to 1.5 T_esc / (Ic - mean current).
    critical_current, critical_current_stderr
        As given, in A; the standard error is None if it was not stated.
    """

    escape_temperature: float
    escape_temperature_stderr: float
    statistical_stderr: float
    critical_current_slope: float
    critical_current: float
    critical_current_stderr: float | None
    log_likelihood: float
    model: str
    goodness: GoodnessOfFit
    converged: bool
    flags: tuple[str, ...] = ()
