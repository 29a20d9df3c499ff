"""Errors of a temperature where the likelihood is no parabola: below the crossover, where rates hardly depend on it.

There ln L is flat from some temperature down to zero, with small maxima and curvatures of its own that mean nothing.
The interval is therefore taken from ln L itself, T -> 0 included (Cox and Hinkley, *Theoretical Statistics* (1974),
Sec. 9.3), and a temperature that cannot be told from zero has an upper limit instead of an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq

__all__ = ["TemperatureInterval", "parabolic_interval", "temperature_interval", "zero_in_reach"]

ONE_SIGMA, TWO_SIDED_95, UPPER_95 = 0.5, 1.921, 1.353  # fall of ln L at 68 and 95 % of both sides, and at 95 % of one
#: A temperature whose ln L exceeds that of zero by less (3 sigma) cannot be told from zero: at 2 sigma one in twenty
#: cold histograms would get the narrow error of a chance maximum.
TOLD_FROM_ZERO = 4.5
#: Loss in ln L per switch on the way to T -> 0 from which zero is out of the question and the parabola holds.
_FAR = 5.0
_GROWTH, _MOST_STEPS = math.log(2.0), 16
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class TemperatureInterval:
    """Temperatures in K that the data allow.

    Attributes
    ----------
    low, high
        Ends at one standard error; the low one is 0 if the temperature cannot be told from zero.
    limit
        Below it the temperature is with 95 % confidence; inf if any temperature fits.
    low_95, high_95
        Ends of the interval that holds the temperature with 95 % confidence.
    """

    low: float
    high: float
    limit: float
    low_95: float
    high_95: float

    @property
    def open_below(self) -> bool:
        """Whether the temperature cannot be told from zero."""
        return self.low == 0.0

    @property
    def stderr(self) -> float:
        """Half the interval in K; inf if it is open."""
        return math.inf if self.open_below else 0.5 * (self.high - self.low)


def parabolic_interval(temperature: float, stderr: float) -> TemperatureInterval:
    """Return the interval of a temperature and standard error in K where ln L is a parabola; open if that is inf."""
    wide = _NORMAL_95 * stderr
    return TemperatureInterval(
        max(temperature - stderr, 0.0), temperature + stderr, math.inf, max(temperature - wide, 0.0), temperature + wide
    )


def zero_in_reach(at_zero: float, value: float, switches: int) -> bool:
    """Whether T -> 0, with this ln L, is near enough to the maximum for its curvature not to say all."""
    return at_zero > value - _FAR * switches


def temperature_interval(
    profile: Callable[[float], float], temperature: float, value: float, floor: float
) -> TemperatureInterval:
    """Return the interval of a temperature.

    Parameters
    ----------
    profile
        ln L of a temperature in K, with all other parameters at their best for it.
    temperature, value
        Where ln L is largest as far as is known, and ln L there.
    floor
        Temperature in K that stands for T -> 0.
    """
    cold = profile(floor)
    best, start = max(cold, value), math.log(temperature)

    def fall(log_temperature: float) -> float:
        return best - profile(math.exp(log_temperature))

    def upper(amount: float) -> float:
        low = start
        for _ in range(_MOST_STEPS):
            high = low + _GROWTH
            if fall(high) > amount:
                break
            low = high
        else:
            return math.inf
        return _crossing(lambda x: fall(x) - amount, low, high)

    def lower(amount: float) -> float:
        low = _crossing(lambda x: fall(x) - amount, math.log(floor), start)
        return 0.0 if math.isinf(low) else low

    high, limit, high_95 = upper(ONE_SIGMA), upper(UPPER_95), upper(TWO_SIDED_95)
    if best - cold < TOLD_FROM_ZERO:
        return TemperatureInterval(0.0, high, limit, 0.0, high_95)
    return TemperatureInterval(lower(ONE_SIGMA), high, limit, lower(TWO_SIDED_95), high_95)


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Return exp(x) where a function of x passes zero; inf if it does not, as in data of no width at all."""
    if not function(low) * function(high) <= 0.0:
        return math.inf
    return math.exp(float(brentq(function, low, high, xtol=3e-3)))
