"""How the width of the histograms falls with temperature."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mqtctl.analysis.histogram.results import PointFit
from mqtctl.analysis.sweep.crossover import SAME_RATE
from mqtctl.analysis.sweep.results import WidthExponent

__all__ = ["width_exponent"]

#: A bath set to the minimum temperature reads a little above or below it and belongs in either way.
_NEAR = 0.02


def width_exponent(points: Sequence[PointFit], minimum_temperature: float = 0.2) -> WidthExponent | None:
    """Return the local exponent d ln σ/d ln T of the width above `minimum_temperature` (K).

    A weighted straight line through ln σ against ln T. The cubic barrier's leading logarithm would give 2/3; the exact
    law has 0.643 from 50 to 800 mK at Ic = 9.5 uA (docs/physics.md). The width depends on the ramp rate too, so only
    points at the rate of the first one are used. None with fewer than two temperatures.
    """
    coldest = (1 - _NEAR) * minimum_temperature
    used = [
        (point, point.moments)
        for point in points
        if _same_rate(point, points[0])
        and point.moments is not None
        and point.moments.std > 0.0
        and coldest <= point.temperature < math.inf
    ]
    if len({point.temperature for point, _ in used}) < 2:
        return None
    abscissa = np.log([point.temperature for point, _ in used])
    ordinate = np.log([found.std for _, found in used])
    weight = np.array([(found.std / max(found.std_stderr, 1e-9 * found.std)) ** 2 for _, found in used])
    centred = abscissa - (weight @ abscissa) / weight.sum()
    spread = float(weight @ centred**2)
    return WidthExponent(
        exponent=float(weight @ (centred * ordinate)) / spread,
        exponent_stderr=spread**-0.5,
        minimum_temperature=minimum_temperature,
        points=tuple(point.point for point, _ in used),
    )


def _same_rate(point: PointFit, other: PointFit) -> bool:
    """Return whether two points were taken at the same ramp rate, or nothing is known of it."""
    return not abs(point.ramp_rate / other.ramp_rate - 1.0) > SAME_RATE
