"""The way from time to current without a junction: when a dummy resistor's voltage passes known thresholds.

A resistor R behind an amplifier of gain G reaches the threshold V at the current V/(G R). With the ramp's start I0 and
rate v, an interval t, a lag d and an offset current f (polarity p):

    I0 + v t = V/(G R) + v d - p f

What is left of a straight line is the ramp's nonlinearity. On so slow a rise the amplifier's noise passes the threshold
before the mean does (`first_passage`); how much before follows from the scatter of the intervals at two rates,
which is fitted together with the line. The amplifier's lag is that of a slow ramp here, its full time constant; a
junction's step passes a low threshold sooner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from mqtctl.analysis.calibration.first_passage import first_passage
from mqtctl.analysis.histogram.scoring import least_residuals
from mqtctl.errors import InputError

__all__ = ["Crossing", "DummyFit", "fit_dummy"]

#: An amplifier of a MHz crosses its mean about so often a second; it is known within this factor.
TYPICAL_CROSSINGS, CROSSINGS_SPREAD = 1e6, 10.0

#: Kurtosis of a first passage that is about Gumbel distributed.
GUMBEL_KURTOSIS = 5.4
#: With fewer crossings while the threshold is passed the law of the first passage does not hold.
FEWEST_CROSSINGS = 10.0

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Crossing:
    """When one threshold was passed on one ramp: magnitudes, with the polarity apart.

    Attributes
    ----------
    threshold
        In V, positive.
    polarity
        +1 or -1.
    start_current, rate, span
        Of the ramp, in A, A/s and A.
    interval, interval_std
        Mean start-to-stop interval in s, and its scatter.
    ramps
        How many intervals were taken.
    """

    threshold: float
    polarity: int
    start_current: float
    rate: float
    span: float
    interval: float
    interval_std: float
    ramps: int


@dataclass(frozen=True)
class DummyFit:
    """The straight line.

    Attributes
    ----------
    delay, delay_stderr
        Lag in s.
    offset, offset_stderr
        Offset current in A, with the amplifier's own offset voltage in it; None with one polarity.
    transresistance, transresistance_stderr
        G R in Ohm, as far as the source's current is believed.
    noise
        Standard deviation in V of what disturbs the threshold.
    nonlinearity
        Largest departure from the line over the span of the ramp.
    chi2, dof, pvalue
        Of the crossings against the line. A source with coarse steps fails this test: the standard errors are then
        widened by the root of chi2/dof.
    """

    delay: float
    delay_stderr: float
    offset: float | None
    offset_stderr: float | None
    transresistance: float
    transresistance_stderr: float
    noise: float
    nonlinearity: float
    chi2: float
    dof: int
    pvalue: float


def fit_dummy(crossings: Sequence[Crossing]) -> DummyFit:
    """Fit lag, offset, transresistance and noise to crossings at several thresholds and ramp rates.

    Raises
    ------
    InputError
        Fewer than two thresholds or rates, or no more data than unknowns.
    """
    both = len({c.polarity for c in crossings}) == 2
    if len({c.threshold for c in crossings}) < 2 or len({c.rate for c in crossings}) < 2:
        raise InputError("a dummy resistor tells lag and scale only at two thresholds and two ramp rates or more")
    observed = np.array([(c.start_current + c.rate * c.interval, c.rate * c.interval_std) for c in crossings])
    # a first passage is about Gumbel distributed: kurtosis 5.4, so the scatter is known no better than the mean
    errors = observed[:, 1:] * np.sqrt([[1.0 / c.ramps, (GUMBEL_KURTOSIS - 1.0) / 4.0 / c.ramps] for c in crossings])
    sensitivity, scatter = _slope(crossings, observed), float(np.mean(observed[:, 1]))
    fastest = max(c.rate for c in crossings)
    # 1/(G R), lag, offset as multiples of what they may be; logarithms of noise and of its crossing rate
    scales = np.array([sensitivity, scatter / fastest, scatter, 1.0, 1.0])

    def residuals(steps: FloatArray) -> FloatArray:
        values = _Line.at(steps * scales, both, 2.0 * scatter / sensitivity)
        expected = np.array([values.expected(c) for c in crossings])
        # a resistor's noise cannot say how often it crosses if its scatter is not seen: a wide prior
        prior = [(steps[4] - math.log(TYPICAL_CROSSINGS)) / math.log(CROSSINGS_SPREAD)]
        return np.concatenate([((observed - expected) / errors).ravel(), prior])

    start = np.array([1.0, 0.0, 0.0, 0.0, math.log(TYPICAL_CROSSINGS)])
    found = least_residuals(residuals, start, 1e-5)
    jacobian = np.asarray(found.jac)
    unknowns = 5 if both else 4
    squares, dof = float(2.0 * found.cost), found.fun.size - unknowns
    if dof < 1:
        raise InputError(f"{len(crossings)} crossings are too few for {unknowns} unknowns")
    # the source's own steps move single crossings: their scatter about the line widens the errors (Birge's ratio)
    birge = math.sqrt(max(1.0, squares / dof))
    stderr = birge * np.sqrt(np.diag(np.linalg.pinv(jacobian.T @ jacobian))) * scales
    line = _Line.at(found.x * scales, both, 2.0 * scatter / sensitivity)
    left = [observed[k, 0] - line.expected(c)[0] for k, c in enumerate(crossings)]
    return DummyFit(
        delay=line.delay,
        delay_stderr=float(stderr[1]),
        offset=line.offset if both else None,
        offset_stderr=float(stderr[2]) if both else None,
        transresistance=1.0 / line.sensitivity,
        transresistance_stderr=float(stderr[0]) / line.sensitivity**2,
        noise=line.noise,
        nonlinearity=float(max(abs(x) / c.span for x, c in zip(left, crossings, strict=True))),
        chi2=squares,
        dof=dof,
        pvalue=float(chdtrc(dof, squares)),
    )


@dataclass(frozen=True)
class _Line:
    """What is fitted: 1/(G R) in A/V, lag in s, offset in A, noise in V, and its crossings a second."""

    sensitivity: float
    delay: float
    offset: float
    noise: float
    crossing_rate: float

    @classmethod
    def at(cls, values: FloatArray, both: bool, typical_noise: float) -> Self:
        """Return the line for the fit's numbers."""
        noise = typical_noise * math.exp(min(values[3], 10.0))
        return cls(values[0], values[1], values[2] if both else 0.0, noise, math.exp(min(values[4], 50.0)))

    def expected(self, crossing: Crossing) -> tuple[float, float]:
        """Return mean and scatter in A of the ramp's own current when the threshold is passed."""
        slope = crossing.rate / self.sensitivity
        crossings = math.sqrt(2.0 * math.pi) * self.crossing_rate * self.noise / slope
        early, scatter = first_passage(max(crossings, FEWEST_CROSSINGS))
        mean = self.sensitivity * (crossing.threshold - early * self.noise) + crossing.rate * self.delay
        return mean - crossing.polarity * self.offset, self.sensitivity * self.noise * scatter


def _slope(crossings: Sequence[Crossing], observed: FloatArray) -> float:
    """Return 1/(G R) in A/V from a straight line through all crossings."""
    thresholds = np.array([c.threshold for c in crossings])
    slope, _ = np.polyfit(thresholds, observed[:, 0], 1)
    if slope <= 0.0:
        raise InputError("a higher threshold is not passed later: look at the stop slope and the amplifier's sign")
    return float(slope)
