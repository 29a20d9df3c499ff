"""Say whether something in a list of switching currents goes with the order of the ramps, and what most likely.

Independent ramps are exchangeable, so that every test is one of mean ranks: equal values share theirs, and an outlier
can neither hide nor feign anything. The causes compete: a drift correlates successive switches, and a pause makes a
step, but the cause itself explains more. Only the likeliest is named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from mqtctl.analysis.histogram.nuisances.in_time import (
    LEAST_SEGMENT,
    MAINS,
    best_frequency,
    first_step,
    independent_frequencies,
)

__all__ = ["Cause", "CausesInTime", "look_in_time", "mean_ranks"]

Array = NDArray[np.float64]

AFTER_PAUSE = (3, 10, 30)  # first ramps that may differ from the others
PAIRS = ({"drift", "mains"}, {"steps", "mains"})
SHADOW = 0.1  # of a gain; a drift has less than 2 % of its power at any period below an eighth of the list
PAUSE = 3.0  # median distances of ramps


@dataclass(frozen=True)
class Cause:
    """One thing that may go with time.

    Attributes
    ----------
    name
        "drift", "steps", "start", "mains" or "correlation".
    pvalue
        Of nothing being there, with all places and frequencies that were looked at.
    gain
        In ln L of mean ranks, less half of ln n for each parameter.
    sentence
        What people are told.
    """

    name: str
    pvalue: float
    gain: float
    sentence: str


@dataclass(frozen=True)
class CausesInTime:
    """All of them.

    Attributes
    ----------
    causes
        What was looked for, the likeliest first.
    runs, runs_pvalue
        Runs above and below the median, values equal to it left out, and the probability of a number so far from the
        expected one.
    """

    causes: tuple[Cause, ...]
    runs: int
    runs_pvalue: float

    def found(self, alarm: float) -> tuple[Cause, ...]:
        """Return the likeliest cause, if chance makes one that looks like it with less than this probability.

        A drift and the mains know nothing of each other: both are returned if neither can be the other's shadow.
        """
        certain = [cause for cause in self.causes if cause.pvalue < alarm / len(self.causes)]
        for other in certain[1:]:
            if {certain[0].name, other.name} in PAIRS and other.gain > SHADOW * certain[0].gain:
                return certain[0], other
        return tuple(certain[:1])


def mean_ranks(values: Array) -> Array:
    """Return ranks from -n/2 to n/2, equal values with their mean rank; any order among them would be one of time."""
    order = np.argsort(values)
    first = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    ties = np.diff(first, append=values.size)
    rank = np.empty(values.size)
    rank[order] = np.repeat(first + 0.5 * (ties - values.size), ties)  # scipy's rankdata takes ten times as long
    return rank


def look_in_time(values: Array, times: Array | None = None) -> CausesInTime:
    """Look for what goes with time in switching currents (A, shape (n_switch,), not all equal, in order of time).

    Parameters
    ----------
    times
        When they were taken, in s; None: only the order is known, and the mains are any modulation that keeps its
        period in ramps.
    """
    score = mean_ranks(values)
    score /= math.sqrt(float(score @ score) / score.size)
    runs, runs_z = _runs(values)
    causes = [_drift(score, times), _steps(score), _correlation(score, runs, runs_z)]
    causes += _after_pauses(score, times)
    if times is None:
        causes += _periodic(score)
    else:
        causes += [cause for frequency in MAINS for cause in _mains(score, times, frequency)]
    return CausesInTime(tuple(sorted(causes, key=lambda cause: -cause.gain)), runs, _two_sided(runs_z))


def _two_sided(sigmas: float) -> float:
    return float(2.0 * ndtr(-abs(sigmas)))


def _worth(gain: float, parameters: int, number: int) -> float:
    return gain - 0.5 * parameters * math.log(number)


def _drift(score: Array, times: Array | None) -> Cause:
    place = np.arange(score.size, dtype=np.float64) if times is None else times - times.min()
    column = place - place.mean()
    power = float(column @ column)
    z = float(column @ score) / math.sqrt(power) if power > 0.0 else 0.0
    change = z / math.sqrt(max(power, 1e-300)) * float(place.max() - place.min())
    text = (
        f"the switching current drifted by about {change:+.2g} widths from the first ramp to the last ({z:+.1f} sigma)"
    )
    return Cause("drift", _two_sided(z), _worth(0.5 * z * z, 1, score.size), text)


def _steps(score: Array) -> Cause:
    place, gain = first_step(score, 1.0, LEAST_SEGMENT)
    z, share = math.sqrt(2.0 * gain), LEAST_SEGMENT / score.size
    if z < 2.0 or not place:
        return Cause("steps", 1.0, -math.inf, "")
    # the largest of a normalised bridge: Csorgo and Horvath, Limit Theorems in Change-Point Analysis (1997)
    wide = 2.0 * math.log((1.0 - share) / share)
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    pvalue = min(z * density * (wide * (1.0 - 1.0 / z**2) + 4.0 / z**2), 1.0)
    change = float(score[place:].mean() - score[:place].mean())
    text = f"the switching current changed in a step of about {change:+.2g} widths before switch {place + 1}"
    return Cause("steps", pvalue, _worth(gain, 2, score.size), text)


def _correlation(score: Array, runs: int, runs_z: float) -> Cause:
    number = score.size
    correlation = float(score[1:] @ score[:-1]) / number
    z = (correlation + 1.0 / number) * math.sqrt(number)
    text = f"successive switches are correlated by {correlation:+.3f}: ramps disturb each other"
    if abs(runs_z) > abs(z):
        text = f"successive switches are correlated ({runs} runs above and below the median): ramps disturb each other"
    largest = max(abs(z), abs(runs_z))
    return Cause("correlation", min(2.0 * _two_sided(largest), 1.0), _worth(0.5 * largest**2, 1, number), text)


def _runs(values: Array) -> tuple[int, float]:
    """Return the number of runs above and below the median, and by how many sigma it is too large (Wald, Wolfowitz)."""
    middle = float(np.median(values))
    sides = values[values != middle] > middle
    above = int(np.count_nonzero(sides))
    below = sides.size - above
    if min(above, below) < 2:
        return 0, 0.0
    runs = 1 + int(np.count_nonzero(sides[1:] != sides[:-1]))
    total, product = above + below, 2.0 * above * below
    variance = product * (product - total) / (total**2 * (total - 1.0))
    return runs, (runs - product / total - 1.0) / math.sqrt(variance)


def _after_pauses(score: Array, times: Array | None) -> list[Cause]:
    """Compare the first ramps of the list, and those after all pauses if times are known, with all others."""
    place = np.arange(score.size)
    tried = [(f"the first {most} ramps of the list", place < most) for most in AFTER_PAUSE]
    if times is not None:
        gaps = np.diff(times)
        begins = np.concatenate([[0], 1 + np.flatnonzero(gaps > PAUSE * np.median(gaps))])
        if begins.size > 1:
            since = place - begins[np.searchsorted(begins, place, side="right") - 1]
            where = f"after each of {begins.size - 1} pauses"
            tried += [(f"the first {most} ramps {where}", since < most) for most in AFTER_PAUSE]
    found: list[Cause] = []
    for what, early in tried:
        number = int(np.count_nonzero(early))
        if 10 * number > score.size:
            continue
        difference = float(score[early].mean() - score[~early].mean())
        z = difference / math.sqrt(1.0 / number + 1.0 / (score.size - number))
        text = f"{what} switch {difference:+.2g} widths from the others: they are not yet steady"
        pvalue = min(len(tried) * _two_sided(z), 1.0)
        found.append(Cause("start", pvalue, _worth(0.5 * z * z, 1, score.size), text))
    return sorted(found, key=lambda cause: -cause.gain)[:1]


def _periodic(score: Array) -> list[Cause]:
    """Look for a modulation of any period below an eighth of the list; the mains have one if ramps are periodic."""
    power = np.abs(np.fft.rfft(score)) ** 2 / score.size
    power[: min(8, power.size)] = 0.0  # drifts
    power[-1] *= 0.5 if score.size % 2 == 0 else 1.0
    best = int(np.argmax(power))
    gain = float(power[best])
    if gain < 1.0:
        return []
    text = (
        f"the current is modulated once in {score.size / best:.5g} ramps, by about"
        f" {2.0 * math.sqrt(gain / score.size):.2g} widths, as by the mains: --mains and --period fit it"
    )
    pvalue = min(power.size * math.exp(-gain), 1.0)
    return [Cause("mains", pvalue, _worth(gain, 2, score.size) - math.log(power.size), text)]


def _mains(score: Array, times: Array, frequency: float) -> list[Cause]:
    """Look for a modulation at the mains' frequency, which wanders a little."""
    near = best_frequency(times, score, frequency)
    wave = np.exp(-2j * math.pi * near * (times - times.min()))
    if abs(wave.mean()) > 0.9:  # locked to the ramps
        return []
    gain = abs(complex(score @ wave)) ** 2 / score.size
    number = independent_frequencies(times, frequency)
    amplitude = 2.0 * math.sqrt(gain / score.size)
    text = (
        f"the current is modulated at {near:.5g} Hz, with an amplitude of about {amplitude:.2g} widths:"
        f" --mains '{frequency:.0f} Hz'"
    )
    pvalue = min(2.0 * number * len(MAINS) * math.exp(-gain), 1.0)
    return [Cause("mains", pvalue, _worth(gain, 2, score.size) - math.log(number), text)]
