"""The constant current that flows besides the ramp, from histograms of both polarities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import chdtrc

from mqtctl.analysis.histogram.moments import moments
from mqtctl.records import Histogram, Sweep

__all__ = ["OffsetCurrent", "offset_current", "without_offset"]


@dataclass(frozen=True)
class OffsetCurrent:
    """A current offset of the bias line, from mean switching currents of both polarities.

    Attributes
    ----------
    current, stderr
        In A; positive if it helps the positive ramp.
    pairs
        From how many pairs of histograms.
    pvalue
        That the pairs agree on one offset; None with a single pair.
    """

    current: float
    stderr: float
    pairs: int
    pvalue: float | None


def offset_current(histograms: Sequence[Histogram]) -> OffsetCurrent | None:
    """Return the offset current, or None where no histogram has a partner of the other polarity.

    The escape rate depends on the magnitude of the current alone. An offset lets positive ramps switch so much
    earlier by the ramp's own reckoning, and negative ones so much later; half the difference of the two
    mean magnitudes is the offset, whatever the critical current. Partners have the same point and ramp rate.
    """
    found = []
    for positive in histograms:
        if positive.polarity < 0 or positive.switching_currents.size < 2:
            continue
        for negative in histograms:
            if negative.polarity < 0 and negative.switching_currents.size > 1 and _are_partners(positive, negative):
                up, down = moments(positive.switching_currents), moments(negative.switching_currents)
                stderr = math.hypot(up.mean_stderr, down.mean_stderr) / 2.0
                found.append(((down.mean - up.mean) / 2.0, stderr))
    if not found:
        return None
    weights = [stderr**-2 if stderr > 0.0 else 1.0 for _, stderr in found]
    current = sum(w * value for w, (value, _) in zip(weights, found, strict=True)) / sum(weights)
    scatter = sum(w * (value - current) ** 2 for w, (value, _) in zip(weights, found, strict=True))
    pvalue = float(chdtrc(len(found) - 1, scatter)) if len(found) > 1 else None
    return OffsetCurrent(current, sum(weights) ** -0.5, len(found), pvalue)


def without_offset(sweep: Sweep, offset: float) -> Sweep:
    """Return the sweep with an offset current (A) added to what the ramps alone would give."""
    return replace(sweep, histograms=tuple(_shifted(h, h.polarity * offset) for h in sweep.histograms))


def _are_partners(first: Histogram, second: Histogram) -> bool:
    """Return whether two histograms were taken at the same point with the same ramp but for its sign."""
    return first.point == second.point and math.isclose(first.ramp.rate, second.ramp.rate, rel_tol=1e-2)


def _shifted(histogram: Histogram, current: float) -> Histogram:
    """Return a histogram whose currents are larger by `current` (A)."""
    ramp = replace(histogram.ramp, offset=histogram.ramp.offset + current)
    edges = None if histogram.edges is None else histogram.edges + current
    return replace(histogram, switching_currents=histogram.switching_currents + current, ramp=ramp, edges=edges)
