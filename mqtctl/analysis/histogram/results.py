"""What the analysis of one histogram returns: plain frozen data in SI base units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.notation import jsonable

__all__ = [
    "EscapeRates",
    "EscapeTemperatureFit",
    "GoodnessOfFit",
    "HistogramFit",
    "Moments",
    "PointFit",
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


@dataclass(frozen=True)
class PointFit:
    """One histogram of a sweep.

    Attributes
    ----------
    point, run_id
        Index in the sweep and run in the database.
    temperature, temperature_std
        Mean and standard deviation of the bath in K.
    switches, censored
        Switches, and ramps without one.
    ramp_rate, polarity
        dI/dt in A/s, and the direction of the bias current, +1 or -1; currents are given as magnitudes.
    moments
        None with fewer than two switches.
    regime
        "thermal" (its histogram carries the shared critical current), "saturated", "between", or
        "unknown" where no crossover temperature could be computed.
    crossover_temperature
        ħ ω_R / (2 π k_B) in K at this point's mean switching current, None if not computable.
    shared
        a_t = 1 escape temperature with the sweep's shared critical current; its standard error includes
        that of the critical current and of the capacitance. None if there is no shared critical current.
    alone
        a_t = 1 fit of this histogram alone, critical current and temperature free; None if it cannot be fitted.
    model_temperature, model_temperature_stderr
        Temperature in K from the joint fit with the full escape model, thermal points only.
    predicted_escape_temperature
        a_t = 1 escape temperature in K that the escape model predicts at this bath temperature.
    resolution
        Step in A to which the currents were rounded, as declared or found; None if they are exact.
    flags
        Sentences about what is doubtful here.
    """

    point: int
    run_id: int | None
    temperature: float
    temperature_std: float
    switches: int
    censored: int
    ramp_rate: float = math.nan
    polarity: int = 1
    moments: Moments | None = None
    regime: str = "unknown"
    crossover_temperature: float | None = None
    shared: EscapeTemperatureFit | None = None
    alone: HistogramFit | None = None
    model_temperature: float | None = None
    model_temperature_stderr: float | None = None
    predicted_escape_temperature: float | None = None
    resolution: float | None = None
    flags: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of one point of the JSON contract; what does not exist or did not converge is None."""
        moments = self.moments
        shared = self.shared if self.shared and self.shared.converged else None
        alone = self.alone if self.alone and self.alone.converged else None
        result: dict[str, Any] = {
            "point": self.point,
            "temperature_K": self.temperature,
            "temperature_std_K": self.temperature_std,
            "switches": self.switches,
            "censored": self.censored,
            "ramp_rate_A_per_s": self.ramp_rate,
            "polarity": self.polarity,
            "mean_switching_current_A": moments and moments.mean,
            "mean_switching_current_stderr_A": moments and moments.mean_stderr,
            "std_switching_current_A": moments and moments.std,
            "std_switching_current_stderr_A": moments and moments.std_stderr,
            "skewness": moments and moments.skewness,
            "kurtosis": moments and moments.kurtosis,
            "escape_temperature_K": shared and shared.escape_temperature,
            "escape_temperature_stderr_K": shared and shared.escape_temperature_stderr,
            "escape_temperature_statistical_stderr_K": shared and shared.statistical_stderr,
            "critical_current_free_A": alone and alone.critical_current,
            "critical_current_free_stderr_A": alone and alone.critical_current_stderr,
            "escape_temperature_free_K": alone and alone.escape_temperature,
            "escape_temperature_free_stderr_K": alone and alone.escape_temperature_stderr,
            "free_fit_pvalue": alone and alone.goodness.pvalue,
            "regime": self.regime,
            "crossover_temperature_K": self.crossover_temperature,
            "model_temperature_K": self.model_temperature,
            "model_temperature_stderr_K": self.model_temperature_stderr,
            "predicted_escape_temperature_K": self.predicted_escape_temperature,
            "resolution_A": self.resolution,
            "run_id": self.run_id,
            "flags": list(self.flags),
        }
        plain: dict[str, Any] = jsonable(result)
        return plain
