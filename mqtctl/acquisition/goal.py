"""When a histogram has enough switches: a number, or the precision that a plan asks for.

The rule for a precision p (relative standard error of the escape temperature or of the width):

1. Until something is known, N = (c/p)² switches are expected, with c = 1.2 for the escape temperature and 1 for
   the width: what thermal escape and tunnelling have alike.
2. The first look is at N/2: the histogram so far is fitted as the analysis will fit it. From the standard error
   r there, N = n (r/p)² and 1 % more.
3. The next look is at N and not before. If r <= p it is over; otherwise N is predicted anew, at least 2 % more. A
   look that says nothing (no maximum) doubles the number; no prediction is believed beyond four times the number
   it was made from.

So there are two or three looks, and what they look at is the standard error, not the estimate. That makes the number of
switches depend on the data a little, and biases what is estimated by -cov(ln N, ln estimate). ln N scatters as 2 ln c
does: for the escape temperature by 0.5/√n, uncorrelated with the estimate: no bias that could be measured. For the
width by 8/√n, with a correlation of 0.5 (a histogram that happens to be narrow has a small kurtosis): the
width comes out too small by the share 4 p², which is 4 p standard errors: 0.04 of one at 1 %, 0.4 at 10 %.
tests/statistics/test_precision_goal.py measures the coverage of the quoted interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mqtctl.analysis import fit_histogram, moments
from mqtctl.errors import InputError
from mqtctl.records import Histogram, JunctionEstimate, MeasuredRamp

__all__ = ["Look", "PrecisionGoal", "Quantity", "Standing", "StoppingRule"]

Quantity = Literal["escape temperature", "width"]

#: Relative standard error x √n of the quantity where nothing is known yet: 1.18 to 1.20 and 0.98 to 1.00 from 15 mK to
#: 800 mK for the junction of Devoret, Martinis and Clarke, PRL 55, 1908 (1985); hardly any other parameter matters.
EXPECTED: dict[Quantity, float] = {"escape temperature": 1.2, "width": 1.0}
#: Standard errors from fewer switches are rough.
FEWEST = 100
#: Switches beyond the predicted number, and beyond those of a look that was not enough.
MARGIN, LEAST_GROWTH = 0.01, 0.02
#: A prediction reaches at most so far beyond the number it was made from; so does the next look after one that failed.
MOST_GROWTH, BLIND_GROWTH = 4.0, 2.0


@dataclass(frozen=True)
class PrecisionGoal:
    """A precision that ends a histogram.

    Attributes
    ----------
    precision
        Relative standard error, above 0 and at most 0.5.
    quantity
        What it is the precision of: `escape temperature` is that of the histogram alone, critical current and
        temperature free, a_t = 1 (`escape_temperature_free_K`); `width` is the standard deviation.
    junction
        Its capacitance and resistance are used by the fit.
    """

    precision: float
    quantity: Quantity
    junction: JunctionEstimate

    def __post_init__(self) -> None:
        if not 0.0 < self.precision <= 0.5:
            raise InputError(f"a precision of {self.precision!r} cannot be a goal; ask for at most 50 %")

    @property
    def expected_switches(self) -> int:
        """How many switches it will take, before anything is known of the junction."""
        return max(FEWEST, math.ceil((1.0 + MARGIN) * (EXPECTED[self.quantity] / self.precision) ** 2))

    def relative_error(self, currents: NDArray[np.float64], censored: int, ramp: MeasuredRamp) -> float:
        """Return the relative standard error that the analysis would quote; inf where it could not.

        Parameters
        ----------
        currents
            Switching currents in A with their sign, shape (n_switch,).
        censored
            Ramps that reached the top without a switch.
        ramp
            The ramp; one at negative currents is mirrored here.
        """
        sign = 1.0 if ramp.rate > 0.0 else -1.0
        try:
            if self.quantity == "width":
                found = moments(currents)
                return found.std_stderr / found.std if found.std_stderr > 0.0 else math.inf
            upward = ramp if sign > 0.0 else ramp.mirrored
            histogram = Histogram(sign * currents, np.empty(0), upward, censored, math.nan)
            fit = fit_histogram(histogram, self.junction)
        except InputError:  # too few, or all alike: that says nothing about the precision
            return math.inf
        ratio = fit.escape_temperature_stderr / fit.escape_temperature
        return ratio if fit.converged and ratio > 0.0 else math.inf


@dataclass(frozen=True)
class Look:
    """What was seen: number of switches, and relative standard error (inf: nothing could be said)."""

    switches: int
    precision: float


@dataclass(frozen=True)
class Standing:
    """How far a histogram is.

    Attributes
    ----------
    elapsed
        Time in s since the first ramp.
    wanted
        Switches wanted in all, as far as can be said at present.
    lost
        Ramps that are in no reading: while the counter was armed, busy or without memory.
    precision
        Relative standard error to be expected of the switches so far, from the latest look; None without a goal.
    """

    elapsed: float
    wanted: int
    lost: int
    precision: float | None = None


class StoppingRule:
    """Says how many switches are wanted in all, and looks at them where it has to; the module says how.

    Parameters
    ----------
    most
        Number of switches that is not exceeded; the wanted number where there is no goal.
    goal
        The precision asked for, or None.
    ramp
        The ramp, as the switching currents were computed from it.
    """

    def __init__(self, most: int, goal: PrecisionGoal | None, ramp: MeasuredRamp) -> None:
        self._most, self._goal, self._ramp = most, goal, ramp
        self.looks: list[Look] = []
        if goal is None:
            self._wanted, self._next_look = most, math.inf
        else:
            self._wanted = min(most, goal.expected_switches)
            self._next_look = min(self._wanted, max(FEWEST, self._wanted // 2))

    @property
    def looks_at_currents(self) -> bool:
        """Whether the switching currents are asked for, and not their number alone."""
        return self._goal is not None

    @property
    def wanted(self) -> int:
        """Switches wanted in all, as far as can be said at present."""
        return self._wanted

    def until_look(self, switches: int) -> int | None:
        """Return how many switches beyond these are missing for the next look; None if there will be none."""
        return None if math.isinf(self._next_look) else max(0, int(self._next_look) - switches)

    def expected_precision(self, switches: int) -> float | None:
        """Return the relative standard error to be expected of so many switches; None without a goal."""
        if self._goal is None:
            return None
        seen = [look for look in self.looks if math.isfinite(look.precision)]
        scale = seen[-1].precision * math.sqrt(seen[-1].switches) if seen else EXPECTED[self._goal.quantity]
        return scale / math.sqrt(switches) if switches else math.inf

    def look(self, currents: NDArray[np.float64], censored: int) -> None:
        """Look at all switching currents so far (A, shape (n_switch,)) and the number of censored ramps."""
        if self._goal is None:
            return
        number = currents.size
        found = self._goal.relative_error(currents, censored, self._ramp)
        self.looks.append(Look(number, found))
        if found <= self._goal.precision or number >= self._most:
            self._wanted, self._next_look = number, math.inf
            return
        growth = (found / self._goal.precision) ** 2 * (1.0 + MARGIN) if math.isfinite(found) else BLIND_GROWTH
        ahead = max(growth, 1.0 + LEAST_GROWTH)
        self._wanted = min(self._most, math.ceil(number * ahead))
        self._next_look = min(self._wanted, math.ceil(number * min(ahead, MOST_GROWTH)))

    def precision_of(self, currents: NDArray[np.float64], censored: int) -> float | None:
        """Return the relative standard error that was reached by all there is; None without a goal."""
        if self._goal is None:
            return None
        if self.looks and self.looks[-1].switches == currents.size:
            return self.looks[-1].precision
        return self._goal.relative_error(currents, censored, self._ramp)
