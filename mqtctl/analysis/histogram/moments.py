"""Mean, width and shape of a histogram, with standard errors from the data's own moments."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from mqtctl.analysis.histogram.results import Moments
from mqtctl.analysis.histogram.rounding import Rounding
from mqtctl.errors import InputError

__all__ = ["moments"]


def moments(currents: ArrayLike, rounding: Rounding | None = None) -> Moments:
    """Return the moments of switching currents.

    Standard errors of mean and standard deviation are the large-sample ones from the measured moments (Kendall &
    Stuart, *Advanced Theory of Statistics* 1, Eq. 10.9 and 10.10); those of skewness and kurtosis are from Eq. 10.12
    with the measured moments up to the eighth, since the Gaussian values (6/n, 24/n) are half of what these
    skewed histograms have.

    Parameters
    ----------
    currents
        In A, shape (n_switch,), at least two, finite.
    rounding
        What rounded values stand for. Mean, width, skewness and kurtosis are then those of the currents behind them
        (Sheppard's corrections: Kendall and Stuart, Eq. 3.54), right for steps up to the histogram's width.

    Raises
    ------
    InputError
        With fewer than two currents or one that is not finite.
    """
    values = np.asarray(currents, dtype=np.float64).ravel()
    if values.size < 2:
        raise InputError(f"{values.size} switching currents have no moments: at least 2 are needed")
    mean = float(values.mean())
    if not math.isfinite(mean):
        raise InputError("a switching current is not finite: count ramps without a switch as censored")
    deviation = values - mean
    variance = float(deviation @ deviation) / values.size
    number = values.size
    if variance <= (1e-14 * mean) ** 2:
        return Moments(number, mean, 0.0, 0.0, 0.0, math.nan, math.nan, math.nan, math.nan)
    deviation /= math.sqrt(variance)
    m3, m4, m5, m6, m8 = _standardised(deviation)
    std = math.sqrt(variance * number / (number - 1))
    # Influence functions: skewness z³ - 3z - (3/2) g z²..., kurtosis z⁴ - 2k z² - 4g z; their variances divided by n
    skewness_variance = m6 - 6.0 * m4 + 9.0 + m3**2 * (35.0 + 9.0 * m4) / 4.0 - 3.0 * m3 * m5
    kurtosis_variance = m8 - 4.0 * m4 * m6 + 4.0 * m4**3 - m4**2 + 16.0 * m3**2 * (m4 + 1.0) - 8.0 * m3 * m5
    found = Moments(
        count=number,
        mean=mean,
        mean_stderr=std / math.sqrt(number),
        std=std,
        std_stderr=0.5 * std * math.sqrt(max(m4 - 1.0, 0.0) / number),
        skewness=m3,
        skewness_stderr=math.sqrt(max(skewness_variance, 0.0) / number),
        kurtosis=m4,
        kurtosis_stderr=math.sqrt(max(kurtosis_variance, 0.0) / number),
    )
    return found if rounding is None else _behind(found, rounding)


def _behind(found: Moments, rounding: Rounding) -> Moments:
    """Return the moments of the currents behind rounded values, as if they were spread evenly over their intervals."""
    mean = float(rounding.counts @ rounding.middle) / found.count
    square = rounding.width_square / found.std**2
    variance = 1.0 - square / 12.0  # over that of the values
    if variance <= 0.0:
        return replace(found, mean=mean)
    return replace(
        found,
        mean=mean,
        std=found.std * math.sqrt(variance),
        std_stderr=found.std_stderr / math.sqrt(variance),
        skewness=found.skewness / variance**1.5,
        skewness_stderr=found.skewness_stderr / variance**1.5,
        kurtosis=(found.kurtosis - square / 2.0 + 7.0 * square**2 / 240.0) / variance**2,
        kurtosis_stderr=found.kurtosis_stderr / variance**2,
    )


def _standardised(deviation: np.ndarray) -> tuple[float, float, float, float, float]:
    """Return the third, fourth, fifth, sixth and eighth moments of standardised deviations."""
    square = deviation * deviation
    fourth = square * square
    number = deviation.size
    return (
        float(square @ deviation) / number,
        float(square @ square) / number,
        float(fourth @ deviation) / number,
        float(fourth @ square) / number,
        float(fourth @ fourth) / number,
    )
