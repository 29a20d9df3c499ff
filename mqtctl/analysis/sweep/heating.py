"""Whether the junction's own heat warmed the sample: the same ramp, made less often, must give the same histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mqtctl.analysis.histogram.moments import moments
from mqtctl.records import Histogram

__all__ = ["HeatingCheck", "compare_duty_cycles"]

#: A difference of more than so many standard errors is called heating.
SIGNIFICANT = 4.0


@dataclass(frozen=True)
class HeatingCheck:
    """The planned repetition against a slower one.

    Attributes
    ----------
    temperature
        Bath in K.
    periods
        The two periods in s.
    mean_shift, mean_shift_stderr
        Mean switching current at the planned repetition less that at the slower one, in A: a warmer
        junction switches earlier, so heating makes it negative.
    width_ratio, width_ratio_stderr
        Width at the planned repetition over that at the slower one; a warmer junction has the larger width.
    heated
        Whether either shows heating by more than four standard errors.
    """

    temperature: float
    periods: tuple[float, float]
    mean_shift: float
    mean_shift_stderr: float
    width_ratio: float
    width_ratio_stderr: float
    heated: bool


def compare_duty_cycles(planned: Histogram, slower: Histogram) -> HeatingCheck | None:
    """Compare two histograms of the same ramp and bath; None where one has fewer than two switches."""
    if min(planned.switching_currents.size, slower.switching_currents.size) < 2:
        return None
    fast, slow = moments(planned.switching_currents), moments(slower.switching_currents)
    if fast.std <= 0.0 or slow.std <= 0.0:
        return None
    shift, shift_stderr = fast.mean - slow.mean, math.hypot(fast.mean_stderr, slow.mean_stderr)
    ratio = fast.std / slow.std
    ratio_stderr = ratio * math.hypot(fast.std_stderr / fast.std, slow.std_stderr / slow.std)
    return HeatingCheck(
        temperature=planned.temperature,
        periods=(planned.ramp.period, slower.ramp.period),
        mean_shift=shift,
        mean_shift_stderr=shift_stderr,
        width_ratio=ratio,
        width_ratio_stderr=ratio_stderr,
        heated=shift < -SIGNIFICANT * shift_stderr or ratio - 1.0 > SIGNIFICANT * ratio_stderr,
    )
