"""Escape rates from a binned histogram, for the eye and for comparison with older papers.

For numbers use the unbinned likelihood (`fit_histogram`): fits to these rates depend on the binning and are biased by
several standard errors (docs/analysis.md; Fulton and Dunkelberger, PRB 9, 4760 (1974), Eq. 6).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv, gammaincinv

from mqtctl.analysis.histogram.results import EscapeRates
from mqtctl.errors import InputError
from mqtctl.records import Histogram

__all__ = ["fulton_dunkelberger"]

TAIL = 0.158655  # probability beyond one sigma on one side


def fulton_dunkelberger(histogram: Histogram, bins: int = 50, interval: str = "binomial") -> EscapeRates:
    """Return Γ = -(v/ΔI) ln(1 - n_k/N_k) in equal bins between the smallest and the largest current.

    N_k counts the ramps that had not switched before bin k, the censored ones included. A last bin in which all
    remaining ramps switched has an infinite rate and is left out; its lower limit is kept beside. An empty bin
    stays: its rate is 0, with the upper limit that n_k = 0 of N_k gives.

    Parameters
    ----------
    histogram
        At least two different switching currents, finite.
    bins
        Number of bins, 2 to 100 000.
    interval
        "binomial": n_k of N_k ramps (Clopper and Pearson, Biometrika 26, 404 (1934)), right in every bin. "poisson":
        n_k events in the exposure that the rate itself implies (Garwood, Biometrika 28, 437 (1936)), as many papers
        have it; up to sqrt(1 - n_k/N_k) too narrow or wide where many of the remaining ramps switch.

    Raises
    ------
    InputError
        If the bins or the currents cannot be used.
    """
    values = np.asarray(histogram.switching_currents, dtype=np.float64).ravel()
    if not 2 <= bins <= 100_000:
        raise InputError(f"{bins} bins cannot be used: choose 2 to 100000")
    if interval not in ("binomial", "poisson"):
        raise InputError(f"an interval cannot be {interval!r}: binomial or poisson")
    if values.size < 2 or not np.isfinite(values).all():
        raise InputError(f"{values.size} switching currents give no rates: at least 2, all finite, are needed")
    smallest, largest = float(values.min()), float(values.max())
    width = (largest - smallest) / bins
    if not smallest + width > smallest:
        raise InputError(f"all {values.size} switching currents are equal to {smallest:.6g} A: no rate can be formed")
    index = np.minimum(((values - smallest) / width).astype(np.int64), bins - 1)
    switched = np.bincount(index, minlength=bins).astype(np.int64)
    at_risk = values.size + histogram.censored - np.concatenate([[0], np.cumsum(switched)[:-1]]).astype(np.int64)
    finite = switched < at_risk
    centre = smallest + width * (np.arange(bins, dtype=np.float64) + 0.5)
    last_centre = last_lower = None
    if not finite.all():  # all n of n ramps: p >= 0.3173^(1/n) with 68.27 %
        k = int(np.flatnonzero(~finite & (switched > 0))[0])
        share = (2.0 * TAIL) ** (1.0 / int(at_risk[k]))
        last_centre, last_lower = float(centre[k]), -histogram.ramp.rate / width * math.log1p(-share)
    switched, at_risk = switched[finite], at_risk[finite]
    scale = histogram.ramp.rate / width
    fraction = switched / at_risk
    empty = switched == 0
    with np.errstate(divide="ignore"):
        lower = np.where(empty, 0.0, betaincinv(np.maximum(switched, 1), at_risk - switched + 1, TAIL))
        upper = betaincinv(switched + 1, at_risk - switched, np.where(empty, 1.0 - 2.0 * TAIL, 1.0 - TAIL))
        # d ln(1-p) = dp/(1-p), binomial dp = sqrt(p (1-p) / N)
        rate = -scale * np.log1p(-fraction)
        rate_lower, rate_upper = -scale * np.log1p(-lower), -scale * np.log1p(-upper)
        if interval == "poisson":
            low = np.where(empty, 0.0, gammaincinv(np.maximum(switched, 1), TAIL))
            high = gammaincinv(switched + 1, np.where(empty, 1.0 - 2.0 * TAIL, 1.0 - TAIL))
            exposure = np.where(empty, at_risk / scale, switched / np.where(empty, 1.0, rate))
            rate_lower, rate_upper = low / exposure, high / exposure
        error = np.where(empty, math.nan, scale * np.sqrt(fraction / ((1.0 - fraction) * at_risk)))
    return EscapeRates(
        bias_current=centre[finite],
        bin_width=width,
        rate=rate,
        rate_stderr=error,
        rate_lower=rate_lower,
        rate_upper=rate_upper,
        switched=switched,
        at_risk=at_risk,
        last_bias_current=last_centre,
        last_rate_lower=last_lower,
    )
