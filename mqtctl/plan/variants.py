"""The ramps that a plan makes at each temperature: one for each polarity, rate and purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mqtctl.plan.plan import Plan

__all__ = ["Purpose", "Variant", "variants_of", "way_down"]

#: `switching`: the histogram that is fitted; `retrapping`: the way down, from the voltage state; `heating`: fewer
#: ramps a second, so that less heat reaches the sample; `dummy`: a resistor in the junction's place.
Purpose = Literal["switching", "retrapping", "heating", "dummy"]

#: Part of each period that is left for the way back and the rest at the start current.
RETURN_SHARE = 0.1
#: The heating check makes so many times fewer ramps a second, and takes this part of the switches.
HEATING_SLOWDOWN, HEATING_SHARE = 4, 0.25
_FEWEST_SWITCHES = 200
_POLARITIES: Mapping[str, tuple[Literal[1, -1], ...]] = {"positive": (1,), "negative": (-1,), "both": (1, -1)}


@dataclass(frozen=True)
class Variant:
    """One kind of ramp.

    Attributes
    ----------
    purpose
        What it is for.
    polarity
        +1, or -1 for the other direction of the bias current.
    start_current, stop_current
        Bias current in A, with its sign, where the ramp begins and ends.
    rate
        dI/dt in A/s, with its sign.
    repetition
        Ramps per second.
    switches
        How many are wanted; the most, where the plan asks for a precision.
    """

    purpose: Purpose
    polarity: Literal[1, -1]
    start_current: float
    stop_current: float
    rate: float
    repetition: float
    switches: int

    @property
    def rise_time(self) -> float:
        """Duration of the ramp in s."""
        return (self.stop_current - self.start_current) / self.rate


def variants_of(plan: Plan, *, coldest: bool) -> tuple[Variant, ...]:
    """Return the ramps that are made at one temperature, in order; the first is the plan's own.

    Parameters
    ----------
    coldest
        Whether it is the lowest temperature of the plan, at which heating shows most.
    """
    polarities = _POLARITIES[plan.polarity]
    rates = (plan.ramp.rate, *plan.further_rates)
    found = [_switching(plan, polarity, rate) for rate in rates for polarity in polarities]
    if plan.retrapping:
        found += [way_down(own, plan.retrapping) for own in found[: len(polarities)]]
    if plan.heating_check and coldest:
        found.append(_heating(plan, found[0]))
    return tuple(found)


def _switching(plan: Plan, polarity: Literal[1, -1], rate: float) -> Variant:
    """Return a ramp up; a slower one than the plan's is repeated less often, so that its duty cycle is no larger."""
    ramp = plan.ramp
    rise = (ramp.stop_current - ramp.start_current) / rate
    return Variant(
        purpose="switching",
        polarity=polarity,
        start_current=polarity * ramp.start_current,
        stop_current=polarity * ramp.stop_current,
        rate=polarity * rate,
        repetition=min(ramp.repetition, ramp.repetition * rate / ramp.rate, (1 - RETURN_SHARE) / rise),
        switches=plan.most_switches,
    )


def way_down(up: Variant, switches: int) -> Variant:
    """Return the ramp from the top of another, where the junction is in the voltage state, down to zero."""
    fall = abs(up.stop_current / up.rate)
    return replace(
        up,
        purpose="retrapping",
        start_current=up.stop_current,
        stop_current=0.0,
        rate=-up.rate,
        repetition=min(up.repetition, (1 - RETURN_SHARE) / fall),
        switches=switches,
    )


def _heating(plan: Plan, own: Variant) -> Variant:
    """Return the plan's own ramp, made less often."""
    return replace(
        own,
        purpose="heating",
        repetition=own.repetition / HEATING_SLOWDOWN,
        switches=max(_FEWEST_SWITCHES, round(HEATING_SHARE * plan.most_switches)),
    )
