"""Quick checks of one histogram: are the switches independent, steady and of one population.

Each check returns a p-value for "nothing is wrong"; with the checks of fourteen histograms a
value below 1e-4 is worth a look. Of what goes with time only the likeliest cause is named. None of them removes
anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr

from mqtctl.analysis.histogram.order_in_time import CausesInTime, look_in_time, mean_ranks
from mqtctl.analysis.histogram.rounding import Rounding
from mqtctl.errors import InputError
from mqtctl.quantities import format_quantity

__all__ = ["SORTED", "Health", "check_health"]

SORTED = "the list is sorted: its order of time is lost, so drift and correlation cannot be checked"

ALARM = 1e-4
MINIMUM_SWITCHES = 10
# Skewness of all escape laws here, thermal and tunnelling (Murphy et al., arXiv:1303.2620), with a margin
SKEWNESS_RANGE = (-1.14, -0.85)
WIDEST_STEP = 1.0  # in widths; the skewness of coarser values depends on where the steps lie


@dataclass(frozen=True)
class Health:
    """Results of the checks of one histogram.

    Attributes
    ----------
    autocorrelation, autocorrelation_pvalue
        Correlation of ranks of successive switches; 0 for independent ramps.
    drift_sigmas, drift_pvalue
        Second half less first half of the mean, in its standard errors without drift.
    outliers, outliers_pvalue
        Switches farther from the quartiles than the law allows for this many, and the probability of
        at least one such switch without fault.
    skewness, skewness_pvalue
        Skewness, and the probability that it lies outside the range of escape laws by so much.
    flags
        A sentence for each p-value below 1e-4, and for what keeps a check from being made.
    ordered
        The list is sorted; autocorrelation and drift are then nan.
    in_time
        What was looked for in the order of the ramps, the likeliest cause first; None for a sorted list.
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
    ordered: bool = False
    in_time: CausesInTime | None = None

    @property
    def causes(self) -> tuple[str, ...]:
        """Names of what certainly goes with the order of the ramps, the likeliest first: see `order_in_time`."""
        return tuple(cause.name for cause in self.in_time.found(ALARM)) if self.in_time else ()


def check_health(
    currents: NDArray[np.float64],
    censored: int = 0,
    rounding: Rounding | None = None,
    times: NDArray[np.float64] | None = None,
) -> Health:
    """Check the switching currents (A, shape (n_switch,), in order of time) of one histogram.

    With more than 1 % of censored ramps the outlier and skewness checks do not apply and pass; with a list that is
    sorted those of drift and correlation do.

    Parameters
    ----------
    rounding
        What rounded values stand for, None if they are exact: see `find_rounding`.
    times
        When the junction switched, in s, same shape; without them pauses and the mains are not looked for.

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
    ordered = _is_sorted(values)
    correlation, correlation_p = (math.nan, 1.0) if ordered else _autocorrelation(values)
    drift, drift_p = (math.nan, 1.0) if ordered else _drift(values)
    complete = censored <= 0.01 * values.size
    outliers, outliers_p = _outliers(values, rounding) if complete else (0, 1.0)
    skewness, skewness_p = _skewness(values, rounding)
    if not complete:
        skewness_p = 1.0
    in_time = None if ordered else look_in_time(values, times)
    checks = (
        (outliers_p, f"{outliers} switches lie far outside the histogram: spurious or missed stops"),
        (skewness_p, f"the skewness {skewness:+.2f} is not that of an escape process (-1.1 to -0.9)"),
    )
    flags = [cause.sentence for cause in in_time.found(ALARM)] if in_time else []
    flags += [text for pvalue, text in checks if pvalue < ALARM]
    if ordered:
        flags.append(SORTED)
    at_top = _piled_up(values, rounding)
    if at_top:
        flags.append(
            f"{at_top} values are equal to the largest: if that is the top of the ramp, these ramps did not switch, and"
            f" T and Ic are wrong until it is given (--stop-current '{format_quantity(float(values.max()), 'A')}')"
        )
    return Health(
        correlation,
        correlation_p,
        drift,
        drift_p,
        outliers,
        outliers_p,
        skewness,
        skewness_p,
        tuple(flags),
        ordered,
        in_time,
    )


def _two_sided(sigmas: float) -> float:
    return float(2.0 * ndtr(-abs(sigmas)))


def _is_sorted(values: NDArray[np.float64]) -> bool:
    """Return whether values rise or fall all the way, which a list in order of time does once in 1e6."""
    difference = np.diff(values)
    if (difference < 0.0).any() and (difference > 0.0).any():
        return False
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return float(gammaln(counts + 1.0).sum() - gammaln(values.size + 1.0)) < math.log(1e-6)


def _piled_up(values: NDArray[np.float64], rounding: Rounding | None) -> int:
    """Return how many values equal the largest where that is no accident, 0 if it may be one.

    Exact values have no ties. Rounded ones may, but the counts of an escape law fall towards its upper end unless
    a step is wider than 1.5 widths, and then there are fewer than 8 of them.
    """
    number = int(np.count_nonzero(values == values.max()))
    if number < 3:
        return 0
    if rounding is None:
        return number if np.unique(values).size - 1 >= 0.9 * (values.size - number) else 0
    fewer = rounding.counts.size >= 8 and number > rounding.counts[-2] + 5.0 * math.sqrt(number)
    return number if fewer else 0


def _autocorrelation(values: NDArray[np.float64]) -> tuple[float, float]:
    """Correlate ranks: an outlier cannot hide or feign a correlation. Variance 1/n (Wald and Wolfowitz 1943).

    Equal values share their mean rank; any order among them would be one of time.
    """
    rank = mean_ranks(values)
    correlation = float(rank[1:] @ rank[:-1]) / float(rank @ rank)
    return correlation, _two_sided((correlation + 1.0 / values.size) * math.sqrt(values.size))


def _drift(values: NDArray[np.float64]) -> tuple[float, float]:
    """Compare the halves; the variance is that of all values, which chance cannot make too small as it can a half's."""
    half = values.size // 2
    first, second = values[:half], values[half:]
    sigmas = float((second.mean() - first.mean()) / (values.std(ddof=1) * math.sqrt(1.0 / half + 1.0 / second.size)))
    return sigmas, _two_sided(sigmas)


def _outliers(values: NDArray[np.float64], rounding: Rounding | None) -> tuple[int, float]:
    """Count switches where a Gumbel law through the quartiles expects fewer than 1e-3 of them.

    A rounded value counts by the end of its interval that lies nearer to the others, and the law passes through
    the ends of intervals, where the distribution is known.
    """
    early, late = (values, values) if rounding is None else (rounding.high, rounding.low)
    counts = np.ones(values.size) if rounding is None else rounding.counts
    if rounding is None:
        lower, upper = (float(value) for value in np.quantile(values, [0.25, 0.75]))
        reduced_lower, reduced_upper = math.log(-math.log(0.75)), math.log(-math.log(0.25))
    else:
        known = _known_pair(rounding)
        if known is None:
            return 0, 1.0
        (lower, reduced_lower), (upper, reduced_upper) = known
    if upper == lower:
        return 0, 1.0
    # quartiles of few switches may lie nearer together than those of the law, by 5 standard errors of their distance
    beta = (reduced_upper - reduced_lower) / (upper - lower) / (1.0 + 6.0 / math.sqrt(values.size))

    def hazard(currents: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(np.minimum(beta * (currents - upper) + reduced_upper, 50.0))

    switched = -np.expm1(-hazard(early))  # probability to switch before
    # Escape laws differ from Gumbel's by some 10 % in the exponent, hence the margins
    suspicious = (switched * values.size < 1e-6) | (hazard(late) > 1.5 * math.log(values.size) + 20.0)
    number = int(counts[suspicious].sum())
    return number, 1e-6 if number else 1.0


def _known_pair(rounding: Rounding) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return (current, ln(-ln(survival))) at the ends of intervals nearest to the quartiles; None if there is one."""
    edges, below = rounding.edges()
    total = float(rounding.counts.sum())
    inside = (below > 0.0) & (below < total)
    known = np.unique(below[inside], return_index=True)[1]
    if known.size < 2:
        return None
    edges, reduced = edges[inside][known], np.log(-np.log1p(-below[inside][known] / total))
    first = min(int(np.argmin(np.abs(reduced - math.log(-math.log(0.75))))), known.size - 2)
    second = max(int(np.argmin(np.abs(reduced - math.log(-math.log(0.25))))), first + 1)
    return (float(edges[first]), float(reduced[first])), (float(edges[second]), float(reduced[second]))


def _skewness(values: NDArray[np.float64], rounding: Rounding | None) -> tuple[float, float]:
    """Return the skewness, and how surely it lies outside the range of escape laws."""
    deviation = values - values.mean()
    deviation /= deviation.std()
    square = deviation * deviation
    cube = square * deviation
    skewness, fourth = float(cube.mean()), float(square @ square) / values.size
    fifth, sixth = float(cube @ square) / values.size, float(cube @ cube) / values.size
    variance = sixth - 6.0 * fourth + 9.0 + skewness**2 * (35.0 + 9.0 * fourth) / 4.0 - 3.0 * skewness * fifth
    low, high = SKEWNESS_RANGE
    if rounding is not None:
        std = float(values.std())
        if rounding.width_square > (WIDEST_STEP * std) ** 2:
            return skewness, 1.0
        skewness *= (std / rounding.std) ** 3  # rounding widens a histogram and leaves its third moment as it was
    outside = max(low - skewness, skewness - high, 0.0)
    # 3.5 / sqrt(n) covers a law of Gumbel's shape, whose skewness scatters by 2.3 / sqrt(n) from its moments up to
    # the sixth; but one early switch in a few hundred makes a long tail, which the measured moments know of
    stderr = max(3.5, 1.5 * math.sqrt(max(variance, 0.0))) / math.sqrt(values.size)
    return skewness, _two_sided(outside / stderr) if outside else 1.0
