"""Ramps without a switch: survivors of the ramp's top, or stops that the counter missed. Nobody sees which.

Where a stop is missed with a probability e, whatever the current, a switch at I has the density (1-e) f(I) and an empty
ramp the probability e + (1-e) S, S = exp(-H) being that of surviving to the top. For n switches and c empty ramps the
likelihood is largest at an e >= 0 that can be given in closed form; what the empty ramps then add to ln L is

    -c H                                          while S >= c/(n+c): all of them survived, e = 0
    -n ln(1-S) + n ln[n/(n+c)] + c ln[c/(n+c)]    otherwise: n S/(1-S) of them survived, the others say nothing.

Both have the same value and slope where they meet, but not the same curvature. Missed stops of any share thus leave no
bias, in whatever mixture with survivors; not knowing them costs precision where many ramps survive. The standard errors
are those of a free e even where it is fitted at 0: the data that put it there allow others too, and an error as if e
were known would be too small by up to a factor of 5 (Ic known, 60 % survivors). Where no stop was missed they are too
large instead, by up to a half, for an e that cannot be negative scatters less.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["MISSED_GAIN", "log_empty", "missed_flag", "surviving"]

#: Gain in ln L over "all survived" from which missed stops are told: 2.5 sigma.
MISSED_GAIN = 3.1


def surviving(switches: int, censored: int, hazard: float) -> float:
    """Return how many of the empty ramps survived, by a law with this H at the top; not rounded."""
    if censored == 0:
        return 0.0
    with np.errstate(over="ignore", divide="ignore"):
        expected = float(switches / np.expm1(np.float64(max(hazard, 0.0))))
    return min(float(censored), expected)


def log_empty(switches: int, censored: int, hazard: float) -> float:
    """Return what the empty ramps add to ln L."""
    if surviving(switches, censored, hazard) >= censored:
        return -censored * hazard
    share = censored / (switches + censored)
    counting = switches * math.log1p(-share) + censored * math.log(share)
    return counting - switches * math.log(-math.expm1(-hazard))


def missed_flag(censored: int, missed: float, gain: float) -> tuple[str, ...]:
    """Return a sentence where some of the empty ramps cannot have survived."""
    if gain <= MISSED_GAIN or missed < 0.5:
        return ()
    share = f"{censored}" if missed > censored - 0.5 else f"about {missed:.0f} of {censored}"
    return (f"{share} empty ramps cannot be survivors of this fit and were taken as missed stops",)
