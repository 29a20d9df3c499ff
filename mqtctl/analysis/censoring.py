"""Ramps without a switch: survivors of the ramp's top, or stops that the counter missed."""

from __future__ import annotations

import math

from mqtctl.analysis.reduction import ReducedHistogram

__all__ = ["censored_were_missed"]

MISSED_GAIN = 12.5  # gain in ln L, 5 sigma


def censored_were_missed(reduced: ReducedHistogram, surviving: float, missed: float) -> bool:
    """Return whether missed stops explain the empty ramps far better than survival does.

    A single stop that the counter missed would otherwise ruin a fit, since survival to a top some widths above the
    histogram has a probability of 1e-10 or less. Both hypotheses give the number of empty ramps a
    probability: survival to the top, or a free rate of missing. Missing must win by 5 sigma.

    Parameters
    ----------
    reduced
        The histogram with its censored ramps.
    surviving
        ln L at its maximum with the censored ramps as survivors.
    missed
        ln L at its maximum without them.
    """
    if not reduced.censored:
        return False
    fraction = reduced.censored / (reduced.switches + reduced.censored)
    counting = reduced.censored * math.log(fraction) + reduced.switches * math.log1p(-fraction)
    return missed + counting - surviving > MISSED_GAIN
