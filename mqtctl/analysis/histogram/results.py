"""What the analysis of one histogram returns: plain frozen data in SI base units."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.fitted_parameter import FittedParameter
from mqtctl.analysis.histogram.profile import TemperatureInterval
from mqtctl.analysis.quantity import Quantity, as_json
from mqtctl.analysis.shown import Pairs, Shown, told
from mqtctl.notation import NOTHING, Estimate, jsonable, quantity

__all__ = [
    "POINT",
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


@dataclass(frozen=True, repr=False)
class EscapeRates(Shown):
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
        Central 68.27 % interval in 1/s, of a binomial (Clopper-Pearson) or Poisson count; in an empty bin from 0 to
        the one-sided limit.
    switched, at_risk
        Switches in the bin, and ramps that had not switched before it (censored ones included).
    last_bias_current, last_rate_lower
        Of the bin in which all remaining ramps switched, which has no rate: its centre in A, and the one-sided 68.27 %
        lower limit of its rate in 1/s. None if there is none.
    """

    bias_current: NDArray[np.float64]
    bin_width: float
    rate: NDArray[np.float64]
    rate_stderr: NDArray[np.float64]
    rate_lower: NDArray[np.float64]
    rate_upper: NDArray[np.float64]
    switched: NDArray[np.int64]
    at_risk: NDArray[np.int64]
    last_bias_current: float | None = None
    last_rate_lower: float | None = None


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


@dataclass(frozen=True, repr=False)
class HistogramFit(Shown):
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
    escape_temperature_interval
        What ln L allows for the temperature at 68 and 95 %, T -> 0 included.
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
    escape_temperature_interval: TemperatureInterval | None = None

    def _facts(self, *, briefly: bool) -> tuple[Pairs, tuple[str, ...]]:
        pairs = _two(self)
        return [*pairs, ("switches", str(self.switches)), ("p", f"{self.goodness.pvalue:.2g}")], self.flags


@dataclass(frozen=True, repr=False)
class EscapeTemperatureFit(Shown):
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
    interval
        What ln L and the error of the critical current allow for the temperature at 68 and 95 %.
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
    interval: TemperatureInterval | None = None

    def _facts(self, *, briefly: bool) -> tuple[Pairs, tuple[str, ...]]:
        return [*_two(self), ("p", f"{self.goodness.pvalue:.2g}")], self.flags


def _two(fit: HistogramFit | EscapeTemperatureFit) -> Pairs:
    """Return critical current and escape temperature in words."""
    return [
        ("Ic", quantity(fit.critical_current, "A", fit.critical_current_stderr)),
        ("T_esc", quantity(fit.escape_temperature, "K", fit.escape_temperature_stderr)),
    ]


@dataclass(frozen=True, repr=False)
class PointFit(Shown):
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
    parameters
        Of the histogram alone, where some were named to be free or fixed.
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
    parameters: tuple[FittedParameter, ...] = ()

    def _facts(self, *, briefly: bool) -> tuple[Pairs, tuple[str, ...]]:
        return told(POINT, self, briefly=briefly), self.flags

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of one point of the JSON contract; what does not exist or did not converge is None."""
        result: dict[str, Any] = {
            "point": self.point,
            **as_json(POINT, self),
            **_intervals("escape_temperature", self.shared, self.shared.interval if self.shared else None),
            **_intervals(
                "escape_temperature_free", self.alone, self.alone.escape_temperature_interval if self.alone else None
            ),
            "regime": self.regime,
            "run_id": self.run_id,
            "flags": list(self.flags),
        }
        if self.parameters:
            result["parameters"] = [asdict(parameter) for parameter in self.parameters]
        plain: dict[str, Any] = jsonable(result)
        return plain


def _intervals(
    name: str, fit: EscapeTemperatureFit | HistogramFit | None, interval: TemperatureInterval | None
) -> dict[str, Any]:
    """Return the intervals of a temperature in K, and its upper limit where it cannot be told from zero."""
    keys = (f"{name}_interval_68_K", f"{name}_interval_95_K", f"{name}_upper_95_K")
    if fit is None or not fit.converged or interval is None:
        return dict.fromkeys(keys)
    is_open = math.isinf(fit.escape_temperature_stderr)
    ends = [interval.low, interval.high], [interval.low_95, interval.high_95], interval.limit if is_open else None
    return dict(zip(keys, ends, strict=True))


def _moment(value: Callable[[Moments], float], stderr: Callable[[Moments], float]) -> Callable[[PointFit], Estimate]:
    """Return what takes a moment and its standard error from a point."""
    return lambda point: NOTHING if point.moments is None else Estimate(value(point.moments), stderr(point.moments))


def _shared(value: Callable[[EscapeTemperatureFit], Estimate]) -> Callable[[PointFit], Estimate]:
    """Return what takes a number from the fit with the shared critical current, if that converged."""
    return lambda point: value(point.shared) if point.shared is not None and point.shared.converged else NOTHING


def _alone(value: Callable[[HistogramFit], Estimate]) -> Callable[[PointFit], Estimate]:
    """Return what takes a number from the fit of the histogram alone, if that converged."""
    return lambda point: value(point.alone) if point.alone is not None and point.alone.converged else NOTHING


#: What is known of one histogram, in the order in which it is told.
POINT: tuple[Quantity[PointFit], ...] = (
    Quantity(
        "temperature",
        "K",
        lambda point: Estimate(point.temperature, point.temperature_std),
        error="std",
        label="bath temperature",
        column="bath",
        head="<i>T</i><sub>bath</sub>",
    ),
    Quantity("switches", "", lambda point: Estimate(point.switches), column="switches", head="switches"),
    Quantity(
        "censored",
        "",
        lambda point: Estimate(point.censored),
        label="ramps without a switch",
        column="no\nswitch",
        head="no<br>switch",
    ),
    Quantity("ramp_rate", "A/s", lambda point: Estimate(point.ramp_rate), column="ramp"),
    Quantity("polarity", "", lambda point: Estimate(point.polarity), column="polarity"),
    Quantity(
        "mean_switching_current",
        "A",
        _moment(lambda found: found.mean, lambda found: found.mean_stderr),
        error="stderr",
        label="mean switching current",
        column="mean",
        head="mean <i>I</i><sub>sw</sub>",
        scale="current",
    ),
    Quantity(
        "std_switching_current",
        "A",
        _moment(lambda found: found.std, lambda found: found.std_stderr),
        error="stderr",
        label="width (standard deviation)",
        column="width",
        head="σ",
    ),
    Quantity(
        "skewness",
        "",
        _moment(lambda found: found.skewness, lambda found: found.skewness_stderr),
        error="stderr",
        head="skewness",
    ),
    Quantity(
        "kurtosis", "", _moment(lambda found: found.kurtosis, lambda found: found.kurtosis_stderr), error="stderr"
    ),
    Quantity(
        "escape_temperature",
        "K",
        _shared(lambda fit: Estimate(fit.escape_temperature, fit.escape_temperature_stderr)),
        error="stderr",
        label="escape temperature, with the critical current that was given or shared",
        column="T_esc,\nshared Ic",
        head="<i>T</i><sub>esc</sub>,<br>shared <i>I</i><sub>c</sub>",
        scale="escape temperature",
    ),
    Quantity("escape_temperature_statistical_stderr", "K", _shared(lambda fit: Estimate(fit.statistical_stderr))),
    Quantity(
        "critical_current_free",
        "A",
        _alone(lambda fit: Estimate(fit.critical_current, fit.critical_current_stderr)),
        error="stderr",
        label="critical current, fitted",
        column="Ic,\nalone",
        head="free <i>I</i><sub>c</sub>",
        scale="current",
    ),
    Quantity(
        "escape_temperature_free",
        "K",
        # without an error it is the place of a chance maximum, and told from zero by nothing
        _alone(
            lambda fit: (
                NOTHING
                if math.isinf(fit.escape_temperature_stderr)
                else Estimate(fit.escape_temperature, fit.escape_temperature_stderr)
            )
        ),
        error="stderr",
        label="escape temperature, with the critical current fitted too",
        column="T_esc,\nalone",
        head="<i>T</i><sub>esc</sub>,<br>free <i>I</i><sub>c</sub>",
        scale="escape temperature",
    ),
    Quantity("free_fit_pvalue", "", _alone(lambda fit: Estimate(fit.goodness.pvalue))),
    Quantity("crossover_temperature", "K", lambda point: Estimate(point.crossover_temperature)),
    Quantity(
        "model_temperature",
        "K",
        lambda point: Estimate(point.model_temperature, point.model_temperature_stderr),
        error="stderr",
    ),
    Quantity("predicted_escape_temperature", "K", lambda point: Estimate(point.predicted_escape_temperature)),
    Quantity("resolution", "A", lambda point: Estimate(point.resolution)),
)
