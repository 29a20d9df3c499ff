"""What older papers show of several histograms: one Γ(I) for all ramp rates, and mean and width against T^(2/3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from mqtctl.analysis.histogram.results import Moments
from mqtctl.errors import InputError
from mqtctl.records import Histogram

__all__ = ["Collapse", "TwoThirds", "collapse_of_rates", "two_thirds_law"]

Array = NDArray[np.float64]

LEAST_EXPECTED = 5.0  # switches and survivors of each histogram in a bin whose chi-square counts
NEWTON_STEPS = 60
MOST_HAZARD = 600.0  # of one bin: nothing survives a tenth of that


@dataclass(frozen=True)
class Collapse:
    """Escape rates that histograms of several ramp rates share; arrays of shape (n_bin,).

    Attributes
    ----------
    bias_current
        Centre of each bin in A.
    rate, rate_stderr
        Mean rate in the bin that all histograms together give, in 1/s; nan where none is at risk.
    single
        Rate of each histogram, shape (n_histogram, n_bin); nan where it has no ramp at risk or none survives.
    chi_square, degrees_of_freedom, pvalue
        Likelihood ratio of one rate for all against one for each; of bins where at least two histograms have 5
        switches and 5 survivors to be expected.
    """

    bias_current: Array
    rate: Array
    rate_stderr: Array
    single: Array
    chi_square: float
    degrees_of_freedom: int
    pvalue: float


@dataclass(frozen=True)
class TwoThirds:
    """Straight lines of mean and width against T^(2/3).

    Attributes
    ----------
    critical_current, critical_current_stderr
        Mean switching current at T = 0 on the line, in A.
    mean_slope, mean_slope_stderr
        Of the mean, in A/K^(2/3).
    width_slope, width_slope_stderr
        Of the width, through zero, in A/K^(2/3).
    mean_chi_square, width_chi_square
        With (n - 2) and (n - 1) degrees of freedom. Large ones are no fault of the data: the law holds only up to
        logarithms.
    """

    critical_current: float
    critical_current_stderr: float
    mean_slope: float
    mean_slope_stderr: float
    width_slope: float
    width_slope_stderr: float
    mean_chi_square: float
    width_chi_square: float


def collapse_of_rates(histograms: Sequence[Histogram], bins: int = 50) -> Collapse:
    """Test if histograms of different ramp rates have one escape rate as a function of the current.

    A ramp at rate v survives a bin with the probability exp(-G/v), G = ∫Γ dI over the bin, however Γ varies in it: in
    each bin one G is fitted to all histograms. Heating by the ramps, a delay or noise that depends on the rate shows.

    Parameters
    ----------
    histograms
        At least two, of one temperature and polarity; at least 2 switches in all.
    bins
        Number of equal bins between the smallest and the largest current of all, 2 to 10 000.

    Raises
    ------
    InputError
        If the histograms or the bins cannot be used.
    """
    if len(histograms) < 2 or not 2 <= bins <= 10_000:
        raise InputError(f"{len(histograms)} histograms in {bins} bins: at least 2, in 2 to 10000 bins, are compared")
    values = [np.asarray(one.switching_currents, dtype=np.float64).ravel() for one in histograms]
    together = np.concatenate(values)
    if together.size < 2 or not np.isfinite(together).all() or together.min() == together.max():
        raise InputError("the switching currents give no rates: at least 2, finite and different, are needed")
    edges = np.linspace(together.min(), together.max(), bins + 1)
    switched = np.array([np.histogram(one, edges)[0] for one in values], dtype=np.float64)
    total = np.array([[one.size + h.censored] for one, h in zip(values, histograms, strict=True)])
    at_risk = total - np.cumsum(switched, axis=1) + switched
    per_rate = 1.0 / np.array([[one.ramp.rate] for one in histograms])
    reached = np.array([[one.ramp.stop_current >= edge for edge in edges[1:]] for one in histograms])
    at_risk = np.where(reached | (switched > 0.0), at_risk, 0.0)
    shared, information = _shared(switched, at_risk, per_rate)
    expected = -np.expm1(-np.minimum(shared * per_rate, MOST_HAZARD))
    enough = np.minimum(at_risk * expected, at_risk * (1.0 - expected)) >= LEAST_EXPECTED
    counted = enough & (enough.sum(axis=0) >= 2)
    again, _ = _shared(np.where(counted, switched, 0.0), np.where(counted, at_risk, 0.0), per_rate)
    expected = -np.expm1(-np.minimum(again * per_rate, MOST_HAZARD))
    free = int(counted.sum() - counted.any(axis=0).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        share = switched / at_risk
        ratio = switched * np.log(share / expected)
        left = (at_risk - switched) * np.log((1.0 - share) / (1.0 - expected))
        single = np.where((at_risk > 0.0) & (switched < at_risk), -np.log1p(-share) / per_rate, math.nan)
    ratio = np.where(switched > 0.0, ratio, 0.0) + np.where(at_risk > switched, left, 0.0)
    chi_square = 2.0 * float(ratio[counted].sum())
    width = float(edges[1] - edges[0])
    known = at_risk.sum(axis=0) > 0.0
    stderr = np.where(known & (information > 0.0), 1.0 / np.sqrt(np.maximum(information, 1e-300)), math.nan)
    return Collapse(
        bias_current=0.5 * (edges[1:] + edges[:-1]),
        rate=np.where(known, shared / width, math.nan),
        rate_stderr=stderr / width,
        single=single / width,
        chi_square=chi_square,
        degrees_of_freedom=free,
        pvalue=float(chdtrc(free, chi_square)) if free else math.nan,
    )


def _shared(switched: Array, at_risk: Array, per_rate: Array) -> tuple[Array, Array]:
    """Return the likeliest G of each bin in A/s, and its information; inf if no ramp survives it."""
    survived = at_risk - switched
    some = (switched.sum(axis=0) > 0.0) & (survived.sum(axis=0) > 0.0)
    exposure = (at_risk * per_rate).sum(axis=0)
    logarithm = np.log(np.where(some, switched.sum(axis=0), 1.0) / np.where(exposure > 0.0, exposure, 1.0))
    for _ in range(NEWTON_STEPS):  # in ln G, in which the likelihood is concave
        g = np.minimum(np.exp(logarithm) * per_rate, MOST_HAZARD)
        odds = g / np.maximum(np.expm1(g), 1e-300)  # g e^-g / (1 - e^-g)
        gradient = (switched * odds - survived * g).sum(axis=0)
        curvature = (switched * odds * (g / np.maximum(-np.expm1(-g), 1e-300) - 1.0) + survived * g).sum(axis=0)
        step = np.where(some, np.clip(gradient / np.maximum(curvature, 1e-300), -1.0, 1.0), 0.0)
        logarithm = logarithm + step
        if np.abs(step).max() < 1e-10:
            break
    shared = np.where(some, np.exp(logarithm), np.where(switched.sum(axis=0) > 0.0, math.inf, 0.0))
    finite = np.minimum(np.where(some, shared, 1.0) * per_rate, MOST_HAZARD)
    information = np.where(some, (at_risk * per_rate**2 / np.expm1(finite)).sum(axis=0), 0.0)
    return shared, information


def two_thirds_law(temperatures: Sequence[float], moments: Sequence[Moments]) -> TwoThirds:
    """Return the lines of mean and width against T^(2/3), weighted by the errors of the moments.

    Parameters
    ----------
    temperatures
        Baths in K, of thermal points of one ramp rate.
    moments
        Of the histograms there; at least three temperatures.

    Raises
    ------
    InputError
        If there are fewer than three, or one has no error.
    """
    abscissa = np.asarray(temperatures, dtype=np.float64) ** (2.0 / 3.0)
    errors = np.array([[one.mean_stderr, one.std_stderr] for one in moments]).reshape(-1, 2)
    if len(set(temperatures)) < 3 or abscissa.size != len(moments):
        raise InputError(f"{len(set(temperatures))} temperatures make no line against T^(2/3): at least 3 are needed")
    if not (np.isfinite(abscissa).all() and np.isfinite(errors).all() and (errors > 0.0).all()):
        raise InputError("a temperature is not known, or mean or width of a histogram has no error")
    mean, width = (np.array([getattr(one, name) for one in moments]) for name in ("mean", "std"))
    line, covariance = np.polyfit(abscissa, mean, 1, w=1.0 / errors[:, 0], cov="unscaled")
    weight = errors[:, 1] ** -2.0
    power = float(weight @ abscissa**2)
    slope = float(weight @ (abscissa * width)) / power
    return TwoThirds(
        critical_current=float(line[1]),
        critical_current_stderr=math.sqrt(float(covariance[1, 1])),
        mean_slope=float(line[0]),
        mean_slope_stderr=math.sqrt(float(covariance[0, 0])),
        width_slope=slope,
        width_slope_stderr=power**-0.5,
        mean_chi_square=float((((mean - np.polyval(line, abscissa)) / errors[:, 0]) ** 2).sum()),
        width_chi_square=float(weight @ (width - slope * abscissa) ** 2),
    )
