"""The a_t = 1 escape temperature that a theory predicts for a ramp.

It is what `fit_escape_temperature` would return for an infinitely long histogram drawn from the theory: same
estimator, same convention, no data. The log-likelihood of that histogram is an integral over the theory's
distribution, taken on Chebyshev nodes like that of measured ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis.histogram.escape_temperature import climb_temperature, thermal_start
from mqtctl.analysis.histogram.reduced_histogram import expected_histogram
from mqtctl.physics import EscapeModel, Junction
from mqtctl.records import MeasuredRamp

__all__ = ["predicted_escape_temperature", "prediction_gradient"]

FIRST_HAZARD, LAST_HAZARD = 1e-7, 25.0  # cumulative hazards between which the distribution is represented


def predicted_escape_temperature(
    junction: Junction, bath: float, ramp: MeasuredRamp, theory: EscapeModel, law: EscapeModel
) -> float:
    """Return the escape temperature in K that switches obeying `theory` would have in the convention of `law`.

    Parameters
    ----------
    junction
        With the critical current that the escape temperature refers to.
    bath
        Temperature in K at which the theory is evaluated.
    ramp
        Its start and rate are used.
    theory, law
        Escape model that makes the switches, and the one that defines the escape temperature.

    Returns
    -------
    float
        nan where the theory has hardly any ramp switch below the critical current, or many at once.
    """

    def rate(currents: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(np.asarray(theory.log_rate(junction, currents, bath)))

    if not (math.isfinite(bath) and bath >= 0.0):
        return math.nan
    between = _support(rate, junction.critical_current, ramp)
    if between is None:
        return math.nan
    expected = expected_histogram(rate, *between, ramp.rate)
    found = climb_temperature(expected, junction, law, thermal_start(expected, junction))
    return found.temperature if found.converged else math.nan


def _support(
    rate: Callable[[NDArray[np.float64]], NDArray[np.float64]], critical_current: float, ramp: MeasuredRamp
) -> tuple[float, float] | None:
    """Return the currents in A between which practically all ramps switch."""
    farthest = min(1.0 - ramp.start_current / critical_current, 1.9)
    if farthest <= 1e-6:
        return None
    # geometric in 1 - I/Ic: the rate changes e-fold over some 5 % of it, everywhere
    currents = critical_current * (1.0 - np.geomspace(farthest, 1e-6, 800))
    values = rate(currents)
    hazard = np.cumsum(0.5 * (values[1:] + values[:-1]) * np.diff(currents)) / ramp.rate
    first, last = np.searchsorted(hazard, [FIRST_HAZARD, LAST_HAZARD])
    if first == 0 or last >= hazard.size:
        return None
    return float(currents[first]), float(currents[last + 1])


def prediction_gradient(
    junction: Junction, predict: Callable[[Junction], float], relative_distance: float, by_resistance: bool = False
) -> NDArray[np.float64]:
    """Return the derivatives in K of a prediction with respect to (ln C, Ic/Ic0), and ln R, shape (2,) or (3,).

    Parameters
    ----------
    junction
        Where to take them.
    predict
        Prediction in K for a junction.
    relative_distance
        1 - I/Ic at the mean switching current: the scale on which the critical current matters.
    by_resistance
        Whether ln R is among them.
    """
    steps = (1e-2, 1e-2 * relative_distance, 1e-2)[: 2 + by_resistance]
    gradient = np.empty(len(steps))
    for index, step in enumerate(steps):
        ends = []
        for sign in (1.0, -1.0):
            moved = [0.0, 0.0, 0.0]
            moved[index] = sign * step
            other = replace(
                junction,
                critical_current=junction.critical_current * (1.0 + moved[1]),
                capacitance=junction.capacitance * math.exp(moved[0]),
                resistance=junction.resistance * math.exp(moved[2]),
            )
            ends.append(predict(other))
        gradient[index] = (ends[0] - ends[1]) / (2.0 * step)
    return gradient
