"""Curves that physics gives for the report: the fitted law of one histogram, the escape model of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann

from mqtctl.analysis.histogram.known_junction import junction_of
from mqtctl.physics import Escape, Junction, SwitchingDistribution, TransitionState
from mqtctl.records import JunctionEstimate, MeasuredRamp
from mqtctl.report.content import Curve, TheoryCurves

__all__ = ["escape_temperature_of_rate", "law_curves", "theory_curves"]

_CURVE_POINTS = 240
_THEORY_TEMPERATURES = 24  # beside the points' own
_MARGIN = 0.12  # of the histogram's range, drawn on either side of it


def law_curves(
    currents: NDArray[np.float64],
    known: tuple[float, float],
    estimate: JunctionEstimate,
    ramp: MeasuredRamp,
) -> tuple[Curve, Curve]:
    """Return probability density (1/A) and escape rate (1/s) of the a_t = 1 law over the bias current (A).

    Parameters
    ----------
    currents
        Switching currents in A, shape (n_switch,), at least two different ones; they set the range.
    known
        Critical current in A and escape temperature in K, both positive.
    estimate
        Capacitance and resistance.
    ramp
        Rate and start of the ramp.
    """
    critical_current, temperature = known
    junction = junction_of(estimate, critical_current)
    model = TransitionState()
    low, high = float(currents.min()), float(currents.max())
    margin = _MARGIN * (high - low)
    x = np.linspace(low - margin, high + margin, _CURVE_POINTS)
    start = rising_start(ramp)
    x = x[(x > start) & (x < critical_current)]
    law = SwitchingDistribution(junction, temperature, ramp.rate, model=model, start_current=start)
    rate = np.exp(model.log_rate(junction, x, temperature))
    return Curve(x, np.asarray(law.pdf(x))), Curve(x, rate)


def theory_curves(
    critical_current: float, estimate: JunctionEstimate, ramp: MeasuredRamp, temperatures: Sequence[float]
) -> TheoryCurves:
    """Return width (A) and escape temperature (K) of the escape model over the bath temperature (K).

    The curves are evaluated at the measured bath temperatures too, so that ratios need no interpolation.

    Parameters
    ----------
    critical_current
        Shared critical current in A.
    estimate
        Capacitance and resistance.
    ramp
        Rate and start of the ramp.
    temperatures
        Bath temperatures in K of the points, all positive, at least one.
    """
    junction = junction_of(estimate, critical_current)
    model = Escape()
    grid = np.geomspace(min(temperatures) / 1.25, max(temperatures) * 1.25, _THEORY_TEMPERATURES)
    bath = np.union1d(grid, temperatures)
    widths, escape = np.empty(bath.size), np.empty(bath.size)
    for index, temperature in enumerate(bath):
        law = SwitchingDistribution(junction, temperature, ramp.rate, model=model, start_current=rising_start(ramp))
        widths[index] = law.std
        rate = np.exp(model.log_rate(junction, law.mean, temperature))
        escape[index] = escape_temperature_of_rate(junction, float(law.mean), float(rate))
    return TheoryCurves(Curve(bath, widths), Curve(bath, escape))


def rising_start(ramp: MeasuredRamp) -> float:
    """Return the current in A from which escapes in the ramp's direction count, never below zero.

    A ramp may begin beyond the negative critical current, where there is no well yet; whatever happened
    there is over by the time the bias is positive.
    """
    return max(ramp.start_current, 0.0)


def escape_temperature_of_rate(junction: Junction, bias_current: float, rate: float) -> float:
    """Return the temperature in K at which the a_t = 1 law gives `rate` (1/s) at `bias_current` (A).

    T_esc = dU / [k ln(wp / 2 pi Gamma)], the definition of Devoret, Martinis and Clarke, PRL 55, 1908 (1985);
    NaN where the rate exceeds the attempt frequency or there is no well.
    """
    attempts = float(junction.plasma_frequency(bias_current)) / (2.0 * np.pi)
    if not 0.0 < rate < attempts:
        return float("nan")
    return float(junction.barrier(bias_current)) / (Boltzmann * float(np.log(attempts / rate)))
