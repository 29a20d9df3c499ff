"""Quick checks of one histogram: are the switches independent, steady and of one population.

Each check returns a p-value for "nothing is wrong"; with the four checks of fourteen histograms a
value below 1e-4 is worth a look. None of them removes anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mqtctl.errors import InputError

__all__ = ["Health", "check_health"]

ALARM = 1e-4
MINIMUM_SWITCHES = 10
# Skewness of all escape laws here, thermal and tunnelling (Murphy et al., arXiv:1303.2620), with a margin
SKEWNESS_RANGE = (-1.14, -0.85)


@dataclass(frozen=True)
class Health:
    """Results of the checks of one histogram.

    Attributes
    ----------
    autocorrelation, autocorrelation_pvalue
        Correlation of ranks of successive switches; 0 for independent ramps.
    drift_sigmas, drift_pvalue
        Second half less first half of the mean, in its standard errors.
    outliers, outliers_pvalue
        Switches farther from the quartiles than the law allows for this many, and the probability of
        at least one such switch without fault.
    skewness, skewness_pvalue
        Skewness, and the probability that it lies outside the range of escape laws by so much.
    flags
        A sentence for each p-value below 1e-4.
    """

    autocorrelation: float
    autocorrelation_pvalue: float
    drift_sigmas: float
    drift_pvalue: float
    outliers: int
    outliers_pvalue: float
    skewness: float
    skewness_pvalue: float
    flags: tuple[str, ...]


def check_health(currents: NDArray[np.float64], censored: int = 0) -> Health:
    """Check the switching currents (A, shape (n_switch,), in order of time) of one histogram.

    With more than 1 % of censored ramps the outlier and skewness checks do not apply and pass.

    Raises
    ------
    InputError
        With fewer than 10 currents, one that is not finite, or all of them equal.
    """
    values = np.asarray(currents, dtype=np.float64).ravel()
    if values.size < MINIMUM_SWITCHES or not np.isfinite(values).all() or values.max() == values.min():
        raise InputError(
            f"{values.size} switching currents cannot be checked: at least {MINIMUM_SWITCHES} finite, different ones"
            " are needed"
        )
    correlation, correlation_p = _autocorrelation(values)
    drift, drift_p = _drift(values)
    complete = censored <= 0.01 * values.size
    outliers, outliers_p = _outliers(values) if complete else (0, 1.0)
    skewness, skewness_p = _skewness(values)
    if not complete:
        skewness_p = 1.0
    checks = (
        (correlation_p, f"successive switches are correlated by {correlation:+.3f}: ramps disturb each other"),
        (drift_p, f"the switching current drifted by {drift:+.1f} standard errors between the halves"),
        (outliers_p, f"{outliers} switches lie far outside the histogram: spurious or missed stops"),
        (skewness_p, f"the skewness {skewness:+.2f} is not that of an escape process (-1.1 to -0.9)"),
    )
    flags = tuple(text for pvalue, text in checks if pvalue < ALARM)
    return Health(correlation, correlation_p, drift, drift_p, outliers, outliers_p, skewness, skewness_p, flags)


def _two_sided(sigmas: float) -> float:
    return float(2.0 * ndtr(-abs(sigmas)))


def _autocorrelation(values: NDArray[np.float64]) -> tuple[float, float]:
    """Correlate ranks: an outlier cannot hide or feign a correlation. Variance 1/n (Wald and Wolfowitz 1943)."""
    rank = np.empty(values.size)
    rank[np.argsort(values, kind="stable")] = np.arange(values.size)
    rank -= rank.mean()
    correlation = float(rank[1:] @ rank[:-1]) / float(rank @ rank)
    return correlation, _two_sided((correlation + 1.0 / values.size) * math.sqrt(values.size))


def _drift(values: NDArray[np.float64]) -> tuple[float, float]:
    half = values.size // 2
    first, second = values[:half], values[half:]
    variance = first.var(ddof=1) / first.size + second.var(ddof=1) / second.size
    if variance == 0.0:
        return math.inf, 0.0
    sigmas = float((second.mean() - first.mean()) / math.sqrt(variance))
    return sigmas, _two_sided(sigmas)


def _outliers(values: NDArray[np.float64]) -> tuple[int, float]:
    """Count switches where a Gumbel law through the quartiles expects fewer than 1e-3 of them."""
    lower, upper = np.quantile(values, [0.25, 0.75])
    reduced_lower, reduced_upper = math.log(-math.log(0.75)), math.log(-math.log(0.25))
    if upper == lower:
        return 0, 1.0
    beta = (reduced_upper - reduced_lower) / (upper - lower)
    hazard = np.exp(np.minimum(beta * (values - upper) + reduced_upper, 50.0))
    early = -np.expm1(-hazard)  # probability to switch before
    # Escape laws differ from Gumbel's by some 10 % in the exponent, hence the margins
    suspicious = (early * values.size < 1e-6) | (hazard > 1.5 * math.log(values.size) + 20.0)
    number = int(np.count_nonzero(suspicious))
    return number, 1e-6 if number else 1.0


def _skewness(values: NDArray[np.float64]) -> tuple[float, float]:
    deviation = values - values.mean()
    deviation /= deviation.std()
    skewness = float((deviation**3).mean())
    low, high = SKEWNESS_RANGE
    outside = max(low - skewness, skewness - high, 0.0)
    # standard error for a law of Gumbel's shape: 2.3 / sqrt(n) from its moments up to the sixth, rounded up
    return skewness, _two_sided(outside * math.sqrt(values.size) / 3.5) if outside else 1.0
