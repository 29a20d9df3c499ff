"""The lag of the stop event, and the current offset, from a junction's histograms at several ramp rates and polarities.

A lag d moves the mean current of a ramp of rate v by v d, an offset moves it by the same amount at every
rate but with opposite signs at the two polarities, and the escape law moves it by about a width for a
decade of rate. So mean and width at two rates or more tell d, offset, critical current and temperature apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from mqtctl.analysis.histogram.fit import fit_histogram
from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.analysis.histogram.moments import moments
from mqtctl.analysis.histogram.scoring import least_residuals
from mqtctl.errors import InputError
from mqtctl.physics import Escape, EscapeModel, SwitchingDistribution
from mqtctl.quantities import readable
from mqtctl.records import Histogram, JunctionEstimate

__all__ = ["DelayFit", "fit_delay"]

FULL_PHYSICS = Escape()
#: How well the bath thermometer is taken to know the junction's temperature, relatively.
BATH_TRUST = 0.1
#: Rates must differ at least by this factor for a lag to be told from an offset.
_LEAST_RATIO = 1.5
_FEWEST_SWITCHES = 50
#: A histogram that ends within so many widths of the ramp's top may be cut off there; ramps without a switch may be so
#: many times the root of all ramps.
_NEAR, _CUT_OFF = 1.0, 0.25
#: Relative step of the numerical derivatives.
_STEP = 1e-4

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class DelayFit:
    """What the histograms say.

    Attributes
    ----------
    delay, delay_stderr
        Lag in s.
    offset, offset_stderr
        Current in A that flows besides the ramp; None without both polarities.
    critical_current, temperature
        Of the junction, in A and K, with the escape model used.
    chi2, dof, pvalue
        Of means and widths against the model.
    """

    delay: float
    delay_stderr: float
    offset: float | None
    offset_stderr: float | None
    critical_current: float
    temperature: float
    chi2: float
    dof: int
    pvalue: float


@dataclass(frozen=True)
class _Summary:
    """One histogram: mean and width of the currents in A with no lag, and what whitens their errors."""

    rate: float
    polarity: int
    start_current: float
    observed: FloatArray
    whiten: FloatArray


def fit_delay(
    histograms: Sequence[Histogram], junction: JunctionEstimate, model: EscapeModel = FULL_PHYSICS
) -> DelayFit:
    """Fit lag, offset, critical current and temperature to means and widths at several ramp rates.

    Parameters
    ----------
    histograms
        At one bath temperature, of at least two ramp rates; both polarities for the offset.
    junction
        Its capacitance and resistance are taken as known.
    model
        The escape law.

    Raises
    ------
    InputError
        Too few histograms, rates or switches.
    """
    _check(histograms)
    both = len({h.polarity for h in histograms}) == 2
    summaries = [_summary(h) for h in histograms]
    bath = float(np.mean([h.temperature for h in histograms]))
    alone = fit_histogram(histograms[0], junction)
    width = float(summaries[0].observed[1])
    scales = np.array([width, bath, width / abs(summaries[0].rate), width])[: 4 if both else 3]
    start = np.array([alone.critical_current, bath, 0.0, 0.0])[: scales.size]

    def residuals(steps: FloatArray) -> FloatArray:
        values = start + scales * steps
        offset = values[3] if both else 0.0
        parts = [_residual(s, junction, model, (values[0], values[1], values[2], offset)) for s in summaries]
        return np.concatenate([*parts, [(values[1] / bath - 1.0) / BATH_TRUST]])

    found = least_residuals(residuals, np.zeros(scales.size), _STEP)
    values = start + scales * found.x
    jacobian = np.asarray(found.jac)
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * np.outer(scales, scales)
    squares, dof = float(2.0 * found.cost), found.fun.size - scales.size
    return DelayFit(
        delay=float(values[2]),
        delay_stderr=math.sqrt(covariance[2, 2]),
        offset=float(values[3]) if both else None,
        offset_stderr=math.sqrt(covariance[3, 3]) if both else None,
        critical_current=float(values[0]),
        temperature=float(values[1]),
        chi2=squares,
        dof=dof,
        pvalue=float(chdtrc(dof, squares)),
    )


def _check(histograms: Sequence[Histogram]) -> None:
    """Raise `InputError` unless lag and offset can be told apart."""
    for histogram in histograms:
        if histogram.switching_currents.size < _FEWEST_SWITCHES:
            raise InputError(
                f"{histogram.switching_currents.size} switches are too few for a calibration; "
                f"take at least {_FEWEST_SWITCHES} at each ramp rate"
            )
        _check_complete(histogram)
    rates = [h.ramp.rate for h in histograms]
    if not rates or max(rates) < _LEAST_RATIO * min(rates):
        raise InputError(
            "a lag shows only in the difference between ramp rates: measure at two of them that differ at least "
            f"by a factor of {_LEAST_RATIO:g}"
        )


def _check_complete(histogram: Histogram) -> None:
    """Raise `InputError` if the ramp's top cuts off so much of the histogram that its mean is not that of the law."""
    currents, top = histogram.switching_currents, histogram.ramp.current(np.array([histogram.ramp.rise_time]))[0]
    ramps = currents.size + histogram.censored
    near = top - currents.max() < _NEAR * currents.std()
    # a share s that is cut off moves the mean by about s widths, where its standard error is a width over sqrt(n)
    if near and histogram.censored > _CUT_OFF * math.sqrt(ramps):
        raise InputError(
            f"{histogram.censored} of {ramps} ramps reached the top, {readable(histogram.ramp.stop_current, 'A')}, "
            "without a switch, which cuts the histogram off and moves its mean; raise ramp.stop_current and repeat"
        )


def _summary(histogram: Histogram) -> _Summary:
    """Return mean and width as a ramp without lag or offset would give them, with their covariance."""
    ramp = histogram.ramp
    nominal = histogram.switching_currents + ramp.rate * ramp.delay - ramp.offset
    found = moments(nominal)
    variance = found.std**2 / found.count
    covariance = variance * np.array(
        [[1.0, found.skewness / 2.0], [found.skewness / 2.0, (found.kurtosis - 1.0) / 4.0]]
    )
    return _Summary(
        rate=ramp.rate,
        polarity=histogram.polarity,
        start_current=ramp.start_current,
        observed=np.array([found.mean, found.std]),
        whiten=np.linalg.inv(np.linalg.cholesky(covariance)),
    )


def _residual(
    summary: _Summary, estimate: JunctionEstimate, model: EscapeModel, values: tuple[float, float, float, float]
) -> FloatArray:
    """Return observed less expected mean and width in standard errors."""
    critical_current, temperature, delay, offset = values
    junction = junction_of(estimate, critical_current)
    law = SwitchingDistribution(junction, abs(temperature), summary.rate, model, summary.start_current)
    expected = np.array([law.mean + summary.rate * delay - summary.polarity * offset, law.std])
    return np.asarray(summary.whiten @ (summary.observed - expected))
